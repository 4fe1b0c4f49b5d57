//! What is left out, and only this: what parts of the system do all the time, by name, and questions whose answers are no
//! secret. Nobody who may be a person is named by any of it but the last.

use super::{READS, Rule};
use crate::event::Level;

/// Their identities are certificates that the control plane gives itself.
const CONTROL_PLANE: &[&str] = &[
    "system:apiserver",
    "system:cloud-controller-manager",
    "system:kube-controller-manager",
    "system:kube-proxy",
    "system:kube-scheduler",
];
pub(super) const NODES: &str = "system:nodes";
const RENEWALS: &[&str] = &["get", "list", "watch", "update", "patch"];
/// Paths that tell whether a server is well and what it serves.
const ASKED: &[&str] =
    &["/api", "/api/*", "/apis", "/apis/*", "/healthz*", "/livez*", "/openapi/*", "/readyz*", "/version"];
/// Those who authenticated, and those who did not try. Not those who tried and were refused: they are in no group, so that
/// wrong credentials are written down whatever they were tried on.
pub(super) const KNOWN: &[&str] = &["system:authenticated", "system:unauthenticated"];

/// The one public object that every pod mounts. Before every other rule: a later one keeps reads of `ConfigMaps`.
pub(super) fn authority() -> Rule {
    Rule::at(Level::None).groups(&[NODES]).verbs(READS).on("", &["configmaps"]).named(&["kube-root-ca.crt"])
}

pub(super) fn leases() -> [Rule; 2] {
    let of = |rule: Rule| rule.verbs(RENEWALS).on("coordination.k8s.io", &["leases"]);
    [
        of(Rule::at(Level::None).groups(&[NODES, "system:serviceaccounts"])),
        of(Rule::at(Level::None).users(CONTROL_PLANE)),
    ]
}

pub(super) fn events() -> [Rule; 2] {
    let of = |rule: Rule| {
        rule.verbs(&["create", "update", "patch"]).on("", &["events"]).on("events.k8s.io", &["events"])
    };
    [
        of(Rule::at(Level::None).groups(&[NODES, "system:serviceaccounts:kube-system"])),
        of(Rule::at(Level::None).users(CONTROL_PLANE)),
    ]
}

pub(super) fn heartbeats() -> Rule {
    Rule::at(Level::None)
        .groups(&[NODES])
        .verbs(&["update", "patch"])
        .on("", &["nodes/status", "pods/status"])
}

/// What they hold a copy of. Neither `Secrets` nor `ConfigMaps`, which an earlier rule keeps.
pub(super) fn copies() -> [Rule; 2] {
    let of = |rule: Rule| {
        rule.verbs(READS)
            .on(
                "",
                &[
                    "endpoints",
                    "namespaces",
                    "nodes",
                    "persistentvolumeclaims",
                    "persistentvolumes",
                    "pods",
                    "replicationcontrollers",
                    "services",
                ],
            )
            .on("apps", &["daemonsets", "deployments", "replicasets", "statefulsets"])
            .on("batch", &["cronjobs", "jobs"])
            .on("discovery.k8s.io", &["endpointslices"])
            .on("node.k8s.io", &["runtimeclasses"])
            .on("policy", &["poddisruptionbudgets"])
            .on("resource.k8s.io", &["deviceclasses", "resourceclaims", "resourceslices"])
            .on(
                "storage.k8s.io",
                &["csidrivers", "csinodes", "csistoragecapacities", "storageclasses", "volumeattachments"],
            )
    };
    [of(Rule::at(Level::None).groups(&[NODES])), of(Rule::at(Level::None).users(CONTROL_PLANE))]
}

pub(super) fn questions() -> Rule {
    Rule::at(Level::None).groups(KNOWN).verbs(&["get", "head"]).paths(ASKED)
}

/// All of it.
pub(super) fn rules() -> Vec<Rule> {
    let mut rules = vec![authority(), heartbeats(), questions()];
    rules.extend([leases(), events(), copies()].into_iter().flatten());
    rules
}
