//! ```yaml
//! id: namespace-default-deny-egress
//! category: network
//! requirements: [13.2.a, 9.7.a]
//! level: Essentiel
//! severity: high
//! scope: any
//! title:
//!   fr: Sortie réseau non interdite par défaut
//!   en: Network egress not denied by default
//! reads:
//!   - networking.k8s.io/NetworkPolicy
//!   - core/Namespace
//!   - core/Pod
//!   - apps/Deployment
//!   - apps/StatefulSet
//!   - apps/DaemonSet
//!   - batch/Job
//!   - batch/CronJob
//! judges: [core/Namespace]
//! parameters:
//!   - name: exempt
//!     default: [kube-system, kube-public, kube-node-lease]
//!     stronger: fewer
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Namespaces du système, que des règles propres protègent.
//!       en: Namespaces of the system, which rules of their own protect.
//! remediation:
//!   fr: Interdire la sortie à tous les pods, puis ouvrir par d'autres NetworkPolicy les seuls flux déclarés.
//!   en: Deny egress to every pod, then open declared flows alone with other NetworkPolicies.
//!   snippet: |
//!     apiVersion: networking.k8s.io/v1
//!     kind: NetworkPolicy
//!     metadata: {name: default-deny, namespace: shop}
//!     spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
//! boundary:
//!   fr: Prouve qu'une NetworkPolicy s'applique à tous les pods ; ne prouve pas que le réseau l'applique, ne couvre pas les pods sur le réseau du nœud, et ne voit pas les politiques globales propres à une extension réseau (Cilium, Calico).
//!   en: Proves that a NetworkPolicy holds every pod; does not prove that the network enforces it, does not cover pods on the node's network, and does not see the cluster-wide policies of a network plugin (Cilium, Calico).
//! ```

use crate::checks::World;
use crate::isolation::{Direction, default_deny};
use snc_core::verdict::{Outcome, Subject};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    default_deny(world, Direction::Egress)
}
