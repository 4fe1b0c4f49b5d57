//! `ClusterNetworkPolicy`, as its project publishes it.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use snc_e2e::cluster::Cluster;
use snc_e2e::objects::{CRDS, Kind, at, flow, flows, pod, policy, text};
use snc_e2e::wait::eventually;
use xtask::harness::{User, go_source, workspace};

const MODULE: &str = "sigs.k8s.io/network-policy-api";
const DEFINITION: &str = "config/crd/standard/policy.networking.k8s.io_clusternetworkpolicies.yaml";
const NAME: &str = "clusternetworkpolicies.policy.networking.k8s.io";
const ALL: &str = "/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies";
const EFFECTIVE: &str = "NetworkPolicyEffective";

/// Its status, once it is served at all.
fn established(cluster: &Cluster) -> Result<()> {
    let definition = cluster.admin.get(at(CRDS, NAME))?;
    let conditions = definition["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let established = |c: &Value| c["type"] == "Established" && c["status"] == "True";
    ensure!(conditions.iter().any(established), "{}", definition["status"]);
    cluster.admin.list(ALL).map(drop).map_err(Into::into)
}

pub fn opening(cluster: &Cluster) -> Result<()> {
    for name in ["cnp-app", "cnp-rival"] {
        cluster.governed(name, &[name], json!({}))?;
    }
    let flows = flows(vec![flow("api", json!({}))]);
    cluster.platform.create(Kind::SncPolicy.all("cnp-app"), policy("p", flows))?;
    cluster.platform.create(Kind::Pod.all("cnp-app"), pod("web"))?;
    let path = Kind::SncPolicy.one("cnp-app", "p");
    cluster.condition(&path, EFFECTIVE, "True", "PoliciesPresent")?;

    let definition = go_source(&workspace::root().join("e2e/crds"), MODULE)?.join(DEFINITION);
    let definition = definition.to_string_lossy();
    cluster.kubectl_ok(User::Admin, &["create", "-f", &definition])?;
    let result = eventually("the kind to be served", || established(cluster))
        .and_then(|()| cluster.restart_operator())
        .and_then(|()| opens(cluster, &path));
    // Followed or not, other tests know nothing of this kind.
    cluster.stop_operator()?;
    cluster.admin.delete(at(CRDS, NAME))?;
    eventually("the kind to be gone", || {
        ensure!(cluster.admin.find(at(CRDS, NAME))?.is_none());
        Ok(())
    })?;
    cluster.start_operator(&[])?;
    result
}

fn opens(cluster: &Cluster, path: &str) -> Result<()> {
    let called = |name: &str| json!({"matchLabels": {"kubernetes.io/metadata.name": name}});
    let from = |name: &str, namespace: &str| {
        json!({
            "apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicy",
            "metadata": {"name": name},
            "spec": {
                "tier": "Admin", "priority": 10, "subject": {"namespaces": called("cnp-app")},
                "ingress": [{
                    "name": "in", "action": "Accept", "from": [{"namespaces": called(namespace)}],
                    "protocols": [{"tcp": {"destinationPort": {"number": 8443}}}],
                }],
            },
        })
    };
    // Of the namespace itself: what opens nothing is no disproof.
    cluster.admin.create(ALL, from("inside", "cnp-app"))?;
    cluster.condition(path, EFFECTIVE, "True", "PoliciesPresent")?;

    cluster.admin.create(ALL, from("maintenance", "cnp-rival"))?;
    let condition = cluster.condition(path, EFFECTIVE, "False", "UndeclaredOpening")?;
    let message = text(&condition, "/message");
    ensure!(
        ["ClusterNetworkPolicy maintenance", "cnp-rival"].iter().all(|told| message.contains(told)),
        "{condition}"
    );
    cluster.admin.delete(at(ALL, "maintenance"))?;
    cluster.condition(path, EFFECTIVE, "True", "PoliciesPresent").map(drop)
}
