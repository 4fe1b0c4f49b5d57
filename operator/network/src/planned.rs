//! Specs of the policies that the operator keeps in a governed namespace.

use crate::split::{MAX_SPEC_BYTES, split};
use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort,
    NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use snc_core::flow::{Block, Direction, Flow, Peer, PortRange, Protocol};
use snc_core::names::{LABEL_TENANT, METADATA_NAME};
use snc_core::policy::Dns;

const INGRESS: &str = "Ingress";
const EGRESS: &str = "Egress";

pub fn default_deny() -> NetworkPolicySpec {
    NetworkPolicySpec {
        pod_selector: Some(LabelSelector::default()),
        policy_types: Some(vec![INGRESS.into(), EGRESS.into()]),
        // Spelled out: server-side apply takes back only what we state, and a rule added here opens the namespace.
        ingress: Some(Vec::new()),
        egress: Some(Vec::new()),
    }
}

/// Name resolution where no baseline says otherwise (source: product; the labels are those of CoreDNS as kubeadm
/// and most distributions install it).
pub fn standard_dns() -> Dns {
    Dns {
        namespace: Some("kube-system".into()),
        pods: LabelSelector {
            match_labels: Some([("k8s-app".to_owned(), "kube-dns".to_owned())].into()),
            ..LabelSelector::default()
        },
        ports: standard_dns_ports(),
        addresses: Vec::new(),
    }
}

pub fn standard_dns_ports() -> Vec<PortRange> {
    [Protocol::Udp, Protocol::Tcp].into_iter().filter_map(|p| PortRange::new(p, 53, None)).collect()
}

pub fn dns<'a>(services: impl Iterator<Item = &'a Dns>) -> NetworkPolicySpec {
    let rule = |service: &Dns| NetworkPolicyEgressRule {
        to: Some(dns_peers(service)),
        ports: ports(&service.ports),
    };
    NetworkPolicySpec {
        pod_selector: Some(LabelSelector::default()),
        policy_types: Some(vec![EGRESS.into()]),
        ingress: Some(Vec::new()),
        egress: Some(services.map(rule).filter(|r| r.to.as_ref().is_some_and(|to| !to.is_empty())).collect()),
    }
}

fn dns_peers(service: &Dns) -> Vec<NetworkPolicyPeer> {
    let pods = service.namespace.iter().map(|ns| in_namespace(ns, &service.pods));
    let addresses = service.addresses.iter().map(|cidr| NetworkPolicyPeer {
        ip_block: Some(IPBlock { cidr: cidr.to_string(), except: None }),
        ..NetworkPolicyPeer::default()
    });
    pods.chain(addresses).collect()
}

/// The specs of one flow: one, or several when the flow is larger than a policy may be.
pub fn flow(flow: &Flow) -> Vec<NetworkPolicySpec> {
    let base = NetworkPolicySpec { pod_selector: Some(flow.subject.clone()), ..NetworkPolicySpec::default() };
    let rules = flow.rules.iter().filter(|rule| !rule.peers.is_empty());
    let spec = match flow.direction {
        Direction::Ingress => NetworkPolicySpec {
            policy_types: Some(vec![INGRESS.into()]),
            ingress: Some(
                rules
                    .map(|rule| NetworkPolicyIngressRule {
                        from: Some(rule.peers.iter().map(peer).collect()),
                        ports: ports(&rule.ports),
                    })
                    .collect(),
            ),
            egress: Some(Vec::new()),
            ..base
        },
        Direction::Egress => NetworkPolicySpec {
            policy_types: Some(vec![EGRESS.into()]),
            egress: Some(
                rules
                    .map(|rule| NetworkPolicyEgressRule {
                        to: Some(rule.peers.iter().map(peer).collect()),
                        ports: ports(&rule.ports),
                    })
                    .collect(),
            ),
            ingress: Some(Vec::new()),
            ..base
        },
    };
    split(spec, MAX_SPEC_BYTES)
}

fn peer(peer: &Peer) -> NetworkPolicyPeer {
    match peer {
        Peer::Pods(pods) => {
            NetworkPolicyPeer { pod_selector: Some(pods.clone()), ..NetworkPolicyPeer::default() }
        }
        Peer::TenantNamespaces { tenant, names, pods } => NetworkPolicyPeer {
            namespace_selector: Some(LabelSelector {
                // The name alone would follow a namespace that another tenant takes over later.
                match_labels: Some([(LABEL_TENANT.to_owned(), tenant.clone())].into()),
                match_expressions: Some(vec![LabelSelectorRequirement {
                    key: METADATA_NAME.into(),
                    operator: "In".into(),
                    values: Some(names.clone()),
                }]),
            }),
            pod_selector: Some(pods.clone()),
            ip_block: None,
        },
        Peer::PlatformPods { namespace, pods } => in_namespace(namespace, pods),
        Peer::Block(block) => ip_block(block),
    }
}

fn in_namespace(namespace: &str, pods: &LabelSelector) -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        namespace_selector: Some(LabelSelector {
            match_labels: Some([(METADATA_NAME.to_owned(), namespace.to_owned())].into()),
            match_expressions: None,
        }),
        pod_selector: Some(pods.clone()),
        ip_block: None,
    }
}

fn ip_block(block: &Block) -> NetworkPolicyPeer {
    let except: Vec<String> = block.except().iter().map(ToString::to_string).collect();
    NetworkPolicyPeer {
        ip_block: Some(IPBlock {
            cidr: block.cidr().to_string(),
            except: (!except.is_empty()).then_some(except),
        }),
        ..NetworkPolicyPeer::default()
    }
}

fn ports(ranges: &[PortRange]) -> Option<Vec<NetworkPolicyPort>> {
    let port = |range: &PortRange| NetworkPolicyPort {
        protocol: Some(range.protocol().as_str().into()),
        port: Some(IntOrString::Int(range.first().into())),
        end_port: (range.last() > range.first()).then(|| range.last().into()),
    };
    (!ranges.is_empty()).then(|| ranges.iter().map(port).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use snc_core::flow::Rule;

    fn flow_to(peers: Vec<Peer>, direction: Direction) -> Flow {
        let ports = vec![PortRange::new(Protocol::Tcp, 8080, Some(8090)).unwrap()];
        Flow {
            policy: "p".into(),
            name: "f".into(),
            direction,
            subject: LabelSelector::default(),
            rules: vec![Rule { peers, ports }],
        }
    }

    fn as_json(specs: &[NetworkPolicySpec]) -> serde_json::Value {
        serde_json::to_value(specs).unwrap()
    }

    #[test]
    fn default_deny_closes_both_directions() {
        assert_eq!(
            serde_json::to_value(default_deny()).unwrap(),
            json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [], "egress": []})
        );
    }

    #[test]
    fn a_tenant_namespace_is_named_and_must_be_the_tenants() {
        let peers = vec![Peer::TenantNamespaces {
            tenant: "boutique".into(),
            names: vec!["boutique-data".into()],
            pods: LabelSelector::default(),
        }];
        assert_eq!(
            as_json(&flow(&flow_to(peers, Direction::Egress)))[0]["egress"][0],
            json!({
                "to": [{
                    "namespaceSelector": {
                        "matchLabels": {"secnumcloud.dev/tenant": "boutique"},
                        "matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["boutique-data"]}],
                    },
                    "podSelector": {},
                }],
                "ports": [{"protocol": "TCP", "port": 8080, "endPort": 8090}],
            })
        );
    }

    #[test]
    fn a_block_carries_its_holes() {
        let block = Block::without("0.0.0.0/0".parse().unwrap(), &snc_core::cidr::metadata_blocks()).unwrap();
        let spec = as_json(&flow(&flow_to(vec![Peer::Block(block)], Direction::Ingress)));
        let except = spec[0]["ingress"][0]["from"][0]["ipBlock"]["except"].as_array().unwrap();
        assert!(except.contains(&json!("169.254.0.0/16")), "{except:?}");
        assert!(
            !except.contains(&json!("fe80::/10")),
            "an IPv6 hole in an IPv4 block is refused by the API server"
        );
    }

    #[test]
    fn a_rule_without_peers_is_left_out_since_it_would_mean_everyone() {
        assert_eq!(as_json(&flow(&flow_to(Vec::new(), Direction::Egress)))[0]["egress"], json!([]));
    }

    #[test]
    fn dns_goes_to_the_dns_pods_only() {
        assert_eq!(
            serde_json::to_value(dns([standard_dns()].iter())).unwrap()["egress"],
            json!([{
                "to": [{
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
                    "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
                }],
                "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
            }])
        );
    }
}
