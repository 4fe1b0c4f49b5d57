use super::{Desired, meta};
use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicySpec};
use sha2::{Digest, Sha256};
use snc_core::flow::Flow;
use snc_core::names::{ANNOTATION_FLOW, ANNOTATION_POLICY, DEFAULT_DENY, DNS_POLICY, FLOW_PREFIX};
use snc_core::policy::{Constraints, Dns};
use snc_index::fingerprint::hex;
use snc_network::planned;

pub fn default_deny(namespace: &str) -> Desired {
    build(namespace, DEFAULT_DENY, "isolation", planned::default_deny())
}

/// For a namespace that two tenants claim: the same, marked as no tenant's isolation.
pub fn conflict_deny(namespace: &str) -> Desired {
    build(namespace, DEFAULT_DENY, "conflict", planned::default_deny())
}

/// Name resolution: what the baselines agree on, else the cluster's usual DNS pods.
pub fn dns(namespace: &str, constraints: &Constraints) -> Desired {
    build(namespace, DNS_POLICY, "dns", planned::dns(dns_services(constraints).iter()))
}

pub fn dns_services(constraints: &Constraints) -> Vec<Dns> {
    if constraints.dns.is_constrained() {
        constraints.dns.entries().cloned().collect()
    } else {
        vec![planned::standard_dns()]
    }
}

pub fn flow(namespace: &str, flow: &Flow) -> Vec<Desired> {
    let base = name(flow);
    planned::flow(flow)
        .into_iter()
        .enumerate()
        .map(|(i, spec)| {
            let name = if i == 0 { base.clone() } else { format!("{base}-{i}") };
            let mut policy = policy(namespace, &name, "flow", spec);
            let marks = [(ANNOTATION_POLICY, &flow.policy), (ANNOTATION_FLOW, &flow.name)];
            policy.metadata.annotations = Some(marks.map(|(k, v)| (k.to_owned(), v.clone())).into());
            Desired::NetworkPolicy(Box::new(policy))
        })
        .collect()
}

/// Two policies may each have a flow of one name; the hash tells them apart. It is long because a tenant who finds
/// two names of one hash would make us write one object over the other for ever.
fn name(flow: &Flow) -> String {
    let digest = Sha256::digest(format!("{}/{}", flow.policy, flow.name));
    format!("{FLOW_PREFIX}{}-{}", flow.name, hex(&digest[..12]))
}

fn build(namespace: &str, name: &str, component: &str, spec: NetworkPolicySpec) -> Desired {
    Desired::NetworkPolicy(Box::new(policy(namespace, name, component, spec)))
}

fn policy(namespace: &str, name: &str, component: &str, spec: NetworkPolicySpec) -> NetworkPolicy {
    NetworkPolicy { metadata: meta(namespace, name, component), spec: Some(spec) }
}
