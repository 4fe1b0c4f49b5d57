//! ```yaml
//! id: node-region
//! category: localisation
//! requirements: [19.2.b, 19.2.a]
//! level: Essentiel
//! severity: critical
//! scope: platform
//! title:
//!   fr: Nœud hors des régions déclarées
//!   en: Node outside the declared regions
//! reads: [core/Node]
//! parameters:
//!   - name: regions
//!     default: []
//!     stronger: fewer
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Régions de l'Union européenne où les nœuds peuvent être, chacune avec la preuve de ses centres de données.
//!       en: Regions of the European Union where nodes may be, each with evidence of its data centres.
//! remediation:
//!   fr: Vider le nœud et le retirer ; déclarer la région si elle est bien dans l'Union.
//!   en: Drain the node and remove it; declare the region if it is in the Union indeed.
//!   snippet: |
//!     kubectl drain NODE --ignore-daemonsets --delete-emptydir-data && kubectl delete node NODE
//! boundary:
//!   fr: Prouve la région que porte le label, qu'un kubelet peut poser lui-même ; le lieu réel se prouve par l'inventaire et le contrat d'hébergement.
//!   en: Proves the region that the label bears, which a kubelet may set by itself; the real place is proved by the inventory and the hosting contract.
//! ```

use crate::checks::World;
use snc_core::facts::Node;
use snc_core::verdict::{Outcome, Subject};

const REGION: &str = "topology.kubernetes.io/region";
const AT: &str = "metadata.labels[\"topology.kubernetes.io/region\"]";

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let regions = world.settings.strings("regions");
    let judge = |(subject, node): (&Subject, &Node)| (subject.clone(), of(node, &regions));
    world.snapshot.nodes.iter().map(judge).collect()
}

fn of(node: &Node, regions: &[&str]) -> Outcome {
    let virtual_node = node.metadata.labels.get("type").is_some_and(|kind| kind == "virtual-kubelet")
        || node.spec.taints.iter().any(|taint| taint.key == "virtual-kubelet.io/provider");
    if virtual_node {
        return Outcome::fail(
            "ce nœud virtuel exécute ses pods chez un tiers : spec.taints",
            "this virtual node runs its pods at a third party's: spec.taints",
        )
        .at("spec.taints");
    }
    let Some(region) = node.metadata.labels.get(REGION).filter(|region| !region.is_empty()) else {
        return Outcome::unknown(format!("région inconnue : {AT}"), format!("unknown region: {AT}")).at(AT);
    };
    if regions.is_empty() {
        return Outcome::unknown(
            format!("aucune région n'est déclarée : {AT} = {region}"),
            format!("no region is declared: {AT} = {region}"),
        )
        .at(AT);
    }
    if regions.contains(&region.as_str()) {
        return Outcome::pass();
    }
    Outcome::fail(
        format!("les données de ce nœud sont hors des régions déclarées : {AT} = {region}"),
        format!("this node's data are outside the declared regions: {AT} = {region}"),
    )
    .at(AT)
}
