use k8s_openapi::api::networking::v1::{
    NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicySpec,
};

/// Largest serialized spec of one generated policy; beyond it the peers go into several policies, which add up
/// to the same thing.
pub const MAX_SPEC_BYTES: usize = 256 * 1024;

/// Splits a spec into specs of at most `max` bytes each, keeping rules and peers in order. A single peer that is
/// larger than `max` stays whole.
pub fn split(spec: NetworkPolicySpec, max: usize) -> Vec<NetworkPolicySpec> {
    if size(&spec) <= max {
        return vec![spec];
    }
    let ingress = spec.ingress.clone().unwrap_or_default();
    let egress = spec.egress.clone().unwrap_or_default();
    // What the whole spells out as closed, each part spells out too.
    let shell = NetworkPolicySpec {
        ingress: spec.ingress.as_ref().map(|_| Vec::new()),
        egress: spec.egress.as_ref().map(|_| Vec::new()),
        ..spec
    };
    let mut parts = Vec::new();
    for rule in ingress {
        let base = NetworkPolicyIngressRule { from: None, ..rule.clone() };
        parts.extend(pack(rule.from, max, |from| NetworkPolicySpec {
            ingress: Some(vec![NetworkPolicyIngressRule { from, ..base.clone() }]),
            ..shell.clone()
        }));
    }
    for rule in egress {
        let base = NetworkPolicyEgressRule { to: None, ..rule.clone() };
        parts.extend(pack(rule.to, max, |to| NetworkPolicySpec {
            egress: Some(vec![NetworkPolicyEgressRule { to, ..base.clone() }]),
            ..shell.clone()
        }));
    }
    parts
}

fn pack(
    peers: Option<Vec<NetworkPolicyPeer>>,
    max: usize,
    build: impl Fn(Option<Vec<NetworkPolicyPeer>>) -> NetworkPolicySpec,
) -> Vec<NetworkPolicySpec> {
    let Some(peers) = peers else { return vec![build(None)] };
    let empty = size(&build(Some(Vec::new())));
    let mut parts = Vec::new();
    let mut current: Vec<NetworkPolicyPeer> = Vec::new();
    let mut bytes = empty;
    for peer in peers {
        let cost = serde_json::to_string(&peer).map_or(0, |json| json.len() + 1);
        if !current.is_empty() && bytes + cost > max {
            parts.push(build(Some(std::mem::take(&mut current))));
            bytes = empty;
        }
        bytes += cost;
        current.push(peer);
    }
    parts.push(build(Some(current)));
    parts
}

fn size(spec: &NetworkPolicySpec) -> usize {
    serde_json::to_string(spec).map_or(usize::MAX, |json| json.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::networking::v1::IPBlock;
    use proptest::prelude::*;

    fn spec(peers: usize, excepts: usize) -> NetworkPolicySpec {
        let peer = |i: usize| NetworkPolicyPeer {
            ip_block: Some(IPBlock {
                cidr: format!("10.{}.{}.0/24", i / 256, i % 256),
                except: Some((0..excepts).map(|e| format!("10.{}.{}.{e}/32", i / 256, i % 256)).collect()),
            }),
            ..NetworkPolicyPeer::default()
        };
        NetworkPolicySpec {
            policy_types: Some(vec!["Egress".into()]),
            egress: Some(vec![NetworkPolicyEgressRule {
                to: Some((0..peers).map(peer).collect()),
                ports: None,
            }]),
            ..NetworkPolicySpec::default()
        }
    }

    fn peers_of(specs: &[NetworkPolicySpec]) -> Vec<NetworkPolicyPeer> {
        specs
            .iter()
            .flat_map(|s| s.egress.iter().flatten())
            .flat_map(|r| r.to.iter().flatten().cloned())
            .collect()
    }

    #[test]
    fn a_large_policy_is_split_and_a_small_one_is_not() {
        assert_eq!(split(spec(3, 3), MAX_SPEC_BYTES).len(), 1);
        let large = spec(300, 200);
        let parts = split(large.clone(), MAX_SPEC_BYTES);
        assert!(parts.len() > 1);
        assert_eq!(peers_of(&parts), peers_of(&[large]));
    }

    proptest! {
        #[test]
        fn parts_hold_the_same_peers_within_the_size(peers in 1usize..60, excepts in 0usize..12, max in 600usize..5000) {
            let whole = spec(peers, excepts);
            let parts = split(whole.clone(), max);
            prop_assert_eq!(peers_of(&parts), peers_of(std::slice::from_ref(&whole)));
            for part in &parts {
                prop_assert!(size(part) <= max);
                prop_assert_eq!(&part.policy_types, &whole.policy_types);
                // An empty peer list would mean "everyone".
                prop_assert!(part.egress.iter().flatten().all(|r| r.to.as_ref().is_none_or(|t| !t.is_empty())));
            }
        }
    }
}
