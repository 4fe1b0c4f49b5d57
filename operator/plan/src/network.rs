//! What is known of the traffic of one namespace: the union of our policies and those of others.

mod flows;

use crate::effective::Effective;
use crate::objects::dns_services;
use crate::settings::{ClusterFacts, Settings};
use crate::validate::ResolvedFlows;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use snc_core::flow::{Block, Direction, Flow, Peer, Rule};
use snc_core::names::{DNS_POLICY, LABEL_TENANT};
use snc_core::text::Text;
use snc_index::{Index, ManagedKind, ObjectKey, PodSummary};
use snc_network::audit::{Audit, Breach, Scope, audit, flows_into_cluster};
use snc_network::effective::{Effective as State, Facts, assess};
use snc_network::reach::{Cluster, Connectivity, IpSet, Namespace, Pod, Policy};
use std::collections::BTreeMap;

/// What is asked, of one governed namespace.
pub struct Question<'a> {
    pub index: &'a Index,
    pub settings: &'a Settings,
    pub cluster: &'a ClusterFacts,
    pub namespace: &'a str,
    pub effective: &'a Effective,
    pub flows: &'a BTreeMap<String, ResolvedFlows>,
    /// Our policies and what they should be.
    pub planned: &'a [(ObjectKey, String)],
    pub enforced: bool,
}

#[derive(Debug)]
pub struct Network {
    pub state: State,
    /// Worth reading beside the state, worst first.
    pub findings: Vec<Text>,
}

pub fn judge(question: &Question<'_>) -> Network {
    let Question { index, cluster, namespace, effective, planned, enforced, .. } = *question;
    let as_planned = |key: &ObjectKey, fingerprint: &String| {
        index.object(namespace, key).is_some_and(|o| !o.deleting && o.fingerprint == *fingerprint)
    };
    let pods = index.pods(namespace);
    let listed = |names: fn(&PodSummary) -> &Vec<String>| {
        pods.into_iter().flat_map(names).map(String::as_str).collect::<Vec<_>>()
    };
    let judged: Vec<&str> = index.foreign(namespace).map(|(name, _)| name).collect();
    let leftover = index
        .managed(namespace)
        .filter(|(key, _)| key.kind == ManagedKind::NetworkPolicy && !planned.iter().any(|(k, _)| k == *key))
        .map(|(key, _)| key.name.as_str())
        .filter(|name| !judged.contains(name))
        .collect();
    let name_resolution = dns(effective);
    let flows = question.flows.values().flat_map(|resolved| &resolved.flows);
    // Every flow that is open by declaration.
    let declared: Vec<&Flow> = flows.chain([&name_resolution]).collect();
    let Audit { mut breaches, within_tenant, undecided } = of_others(question, &declared);
    breaches.extend(flows_into_cluster(&declared, &cluster.addresses, &meant(effective)));
    let unbounded = unbounded_flows(question);

    let mut findings: Vec<Text> = breaches.iter().map(Breach::text).collect();
    findings.extend(
        undecided
            .iter()
            .map(|(name, why)| Text::new(format!("{name} : {}", why.fr), format!("{name}: {}", why.en))),
    );
    if enforced {
        findings.extend(flows::blocked(question, &declared));
    }
    findings.extend(within_tenant.iter().map(|name| {
        Text::new(
            format!("{name} : ouvre des flux internes au tenant que rien ne déclare"),
            format!("{name}: opens flows within the tenant that nothing declares"),
        )
    }));
    findings.extend(flows::unused(question));

    let unread = cluster.policies_unread.then_some("ClusterNetworkPolicy").into_iter();
    let state = assess(Facts {
        enforced,
        planned: planned.len(),
        missing: planned.iter().filter(|(k, f)| !as_planned(k, f)).map(|(k, _)| k.name.as_str()).collect(),
        others: judged.len(),
        leftover,
        breaches,
        undecided,
        host_network_pods: listed(|pods| &pods.host_network),
        host_port_pods: listed(|pods| &pods.host_port),
        unmodelled: unread.chain(cluster.unmodelled.iter().map(String::as_str)).collect(),
        denied: cluster.denied.iter().map(String::as_str).collect(),
        stale: cluster.stale.iter().map(String::as_str).collect(),
        unbounded_flows: unbounded.iter().map(String::as_str).collect(),
    });
    Network { state, findings }
}

fn dns(effective: &Effective) -> Flow {
    let rules = dns_services(&effective.constraints).into_iter().map(|service| Rule {
        peers: service
            .namespace
            .iter()
            .map(|ns| Peer::PlatformPods { namespace: ns.clone(), pods: service.pods.clone() })
            .chain(service.addresses.iter().filter_map(|a| Block::without(*a, &[])).map(Peer::Block))
            .collect(),
        ports: service.ports.clone(),
    });
    Flow {
        policy: String::new(),
        name: DNS_POLICY.to_owned(),
        direction: Direction::Egress,
        subject: LabelSelector::default(),
        rules: rules.collect(),
    }
}

/// Addresses of the cluster that the platform itself offers to tenants.
fn meant(effective: &Effective) -> IpSet {
    let api = effective.constraints.kubernetes_api.entries().flat_map(|api| api.blocks.iter().copied());
    let dns = effective.constraints.dns.entries().flat_map(|dns| dns.addresses.iter().copied());
    api.chain(dns).collect()
}

fn of_others(question: &Question<'_>, declared: &[&Flow]) -> Audit {
    let Question { index, cluster, namespace, effective, .. } = *question;
    if index.foreign(namespace).next().is_none() && cluster.policies.is_empty() {
        return Audit::default();
    }
    let namespaces = index.namespaces().map(|n| Namespace { name: n.name.clone(), labels: n.labels.clone() });
    let state = Cluster {
        namespaces: namespaces.collect(),
        pods: samples(index, namespace),
        policies: foreign(index, namespace).collect(),
        cluster_policies: cluster.policies.clone(),
        ..Cluster::default()
    };
    let connectivity = Connectivity::new(&state);
    let scope = Scope {
        namespace,
        tenant: &effective.tenant,
        tenant_of: &|name| index.namespace(name).and_then(|n| n.label(LABEL_TENANT)),
        subject_of: &|name| {
            let spec = index.foreign(namespace).find(|(policy, _)| *policy == name).map(|(_, spec)| spec);
            spec.and_then(|spec| spec.pod_selector.clone()).unwrap_or_default()
        },
        declared,
        addresses: &cluster.addresses,
    };
    audit(&connectivity, &scope)
}

fn foreign<'a>(index: &'a Index, namespace: &'a str) -> impl Iterator<Item = Policy> + use<'a> {
    index.foreign(namespace).map(move |(name, spec)| Policy {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        spec: spec.clone(),
    })
}

/// One or two pods for each set of labels.
fn samples(index: &Index, namespace: &str) -> Vec<Pod> {
    let classes = index.pods(namespace).into_iter().flat_map(|pods| &pods.classes);
    let pods = classes.flat_map(|(labels, names)| names.iter().map(move |name| (labels, name)));
    pods.map(|(labels, name)| Pod {
        namespace: namespace.to_owned(),
        name: name.clone(),
        labels: labels.as_ref().clone(),
        ..Pod::default()
    })
    .collect()
}

/// Open flows to address blocks, where neither a baseline nor the cluster says which ranges are the cluster's own: they
/// may cover nodes, the control plane or pods of others.
fn unbounded_flows(question: &Question<'_>) -> Vec<String> {
    let Question { cluster, effective, flows, .. } = *question;
    if cluster.addresses_known || !effective.constraints.denied_blocks.blocks().is_empty() {
        return Vec::new();
    }
    let to_addresses = |policy: &str, flow: &str| {
        let declared = effective.policies.get(policy).and_then(|spec| spec.network.as_ref());
        declared.is_some_and(|n| {
            n.flows.iter().any(|f| f.name == flow && f.peers.iter().any(|p| p.cidr.is_some()))
        })
    };
    flows
        .iter()
        .flat_map(|(policy, resolved)| resolved.flows.iter().map(move |flow| (policy, &flow.name)))
        .filter(|(policy, flow)| to_addresses(policy, flow))
        .map(|(_, flow)| flow.clone())
        .collect()
}
