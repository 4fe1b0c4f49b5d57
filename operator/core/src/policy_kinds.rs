//! Network policies besides `networking.k8s.io`.

/// Kinds that add to NetworkPolicies or overrule them, by API group.
pub const POLICY_KINDS: &[(&str, &[&str])] = &[
    (
        "policy.networking.k8s.io",
        &["adminnetworkpolicies", "baselineadminnetworkpolicies", "clusternetworkpolicies"],
    ),
    (
        "cilium.io",
        &["ciliumclusterwidenetworkpolicies", "ciliumlocalredirectpolicies", "ciliumnetworkpolicies"],
    ),
    ("crd.projectcalico.org", &["globalnetworkpolicies", "networkpolicies"]),
    ("projectcalico.org", &["globalnetworkpolicies", "networkpolicies"]),
    ("crd.antrea.io", &["clusternetworkpolicies", "networkpolicies"]),
    ("k8s.ovn.org", &["egressfirewalls"]),
    ("network.openshift.io", &["egressnetworkpolicies"]),
    ("networking.gke.io", &["fqdnnetworkpolicies"]),
    ("networking.k8s.aws", &["applicationnetworkpolicies", "clusternetworkpolicies"]),
];
