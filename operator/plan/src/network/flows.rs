//! Declared flows that do not flow: stopped at the other end, or for no pod.

use super::{Question, foreign, samples};
use crate::effective::effective;
use crate::governance::{Governance, govern, has_isolation};
use crate::namespace::resolve_flows;
use k8s_openapi::api::networking::v1::NetworkPolicySpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::core::{Selector, SelectorExt};
use snc_core::flow::{Direction, Flow, Peer, PortRange};
use snc_core::text::Text;
use snc_core::tier::Mode;
use snc_index::Labels;
use snc_network::planned::{self, default_deny};
use snc_network::reach::{Cluster, Connectivity, Namespace, Pod, Policy, PortSet};
use std::collections::BTreeSet;

/// Flows whose pods run, and none of them may pass.
pub fn unused(question: &Question<'_>) -> Vec<Text> {
    let Some(pods) = question.index.pods(question.namespace) else { return Vec::new() };
    let serves = |flow: &&Flow| pods.classes.keys().any(|labels| selects(&flow.subject, labels));
    let flows = question.flows.values().flat_map(|resolved| &resolved.flows);
    flows
        .filter(|flow| !serves(flow))
        .map(|flow| {
            Text::new(
                format!("flux {} : aucun pod du namespace n'est concerné", flow.name),
                format!("flow {}: for no pod of the namespace", flow.name),
            )
        })
        .collect()
}

/// Flows between namespaces of the tenant that no pair of running pods can use, since the other end does not agree.
pub fn blocked(question: &Question<'_>, declared: &[&Flow]) -> Vec<Text> {
    let within: Vec<(&Flow, Vec<Ends<'_>>)> = declared
        .iter()
        .map(|&flow| (flow, ends(question, flow)))
        .filter(|(_, ends)| !ends.is_empty())
        .collect();
    let mut involved: BTreeSet<&str> =
        within.iter().flat_map(|(_, ends)| ends).flat_map(|end| end.namespaces.iter().copied()).collect();
    involved.insert(question.namespace);
    involved.retain(|namespace| question.index.pods(namespace).is_some());
    if within.is_empty() || !involved.contains(question.namespace) {
        return Vec::new();
    }
    let state = state(question, declared, &involved);
    if state.policies.iter().any(|policy| names_ports(&policy.spec)) {
        // A name stands for what each pod says, which is not held here: no claim is made.
        return Vec::new();
    }
    let connectivity = Connectivity::new(&state);
    within
        .into_iter()
        .filter_map(|(flow, ends)| stopped(question, flow, &ends, &state, &connectivity))
        .collect()
}

/// The other end of a flow within the tenant.
struct Ends<'a> {
    namespaces: Vec<&'a str>,
    pods: &'a LabelSelector,
    ports: &'a [PortRange],
}

fn ends<'a>(question: &Question<'a>, flow: &'a Flow) -> Vec<Ends<'a>> {
    let end = |peer: &'a Peer, ports| match peer {
        Peer::Pods(pods) => Some(Ends { namespaces: vec![question.namespace], pods, ports }),
        Peer::TenantNamespaces { names, pods, .. } => {
            Some(Ends { namespaces: names.iter().map(String::as_str).collect(), pods, ports })
        }
        Peer::PlatformPods { .. } | Peer::Block(_) => None,
    };
    let rules = flow.rules.iter();
    rules.flat_map(|rule| rule.peers.iter().filter_map(|peer| end(peer, rule.ports.as_slice()))).collect()
}

fn stopped(
    question: &Question<'_>,
    flow: &Flow,
    ends: &[Ends<'_>],
    state: &Cluster,
    connectivity: &Connectivity<'_>,
) -> Option<Text> {
    let mut example = None;
    for (own, mine) in state.pods.iter().enumerate() {
        if mine.namespace != question.namespace || !selects(&flow.subject, &mine.labels) {
            continue;
        }
        for end in ends {
            let wanted = PortSet::listed(end.ports);
            for (other, theirs) in state.pods.iter().enumerate() {
                let is_end = end.namespaces.contains(&theirs.namespace.as_str());
                if own == other || !is_end || !selects(end.pods, &theirs.labels) {
                    continue;
                }
                let (from, to) = match flow.direction {
                    Direction::Ingress => (other, own),
                    Direction::Egress => (own, other),
                };
                if !connectivity.reach(from, to).possible.intersection(&wanted).is_empty() {
                    return None;
                }
                example = example.or(Some(theirs));
            }
        }
    }
    let Pod { namespace, name, .. } = example?;
    let flow = &flow.name;
    Some(Text::new(
        format!("flux {flow} : déclaré ici, bloqué à l'autre bout (par exemple {namespace}/{name})"),
        format!("flow {flow}: declared here, stopped at the other end (for example {namespace}/{name})"),
    ))
}

fn state(question: &Question<'_>, declared: &[&Flow], involved: &BTreeSet<&str>) -> Cluster {
    let Question { index, cluster, .. } = *question;
    let namespaces = involved.iter().filter_map(|name| index.namespace(name));
    Cluster {
        namespaces: namespaces
            .map(|n| Namespace { name: n.name.clone(), labels: n.labels.clone() })
            .collect(),
        pods: involved.iter().flat_map(|namespace| samples(index, namespace)).collect(),
        policies: involved.iter().flat_map(|namespace| policies(question, declared, namespace)).collect(),
        cluster_policies: cluster.policies.clone(),
        ..Cluster::default()
    }
}

/// The policies that a namespace has or is about to have, and those of others in it.
fn policies(question: &Question<'_>, declared: &[&Flow], namespace: &str) -> Vec<Policy> {
    let Question { index, settings, .. } = *question;
    let mut policies: Vec<Policy> = foreign(index, namespace).collect();
    let mut add = |flows: &mut dyn Iterator<Item = &Flow>| {
        let specs = std::iter::once(default_deny()).chain(flows.flat_map(planned::flow));
        policies.extend(specs.map(|spec| Policy {
            namespace: namespace.to_owned(),
            name: String::new(),
            spec,
        }));
    };
    if namespace == question.namespace {
        add(&mut declared.iter().copied());
    } else if let Governance::Governed { tenant } = govern(index, settings, namespace) {
        let effective = effective(index, namespace, &tenant);
        if effective.constraints.isolation() == Mode::Enforce || has_isolation(index, namespace) {
            let flows = resolve_flows(index, settings, namespace, &effective);
            add(&mut flows.values().flat_map(|resolved| &resolved.flows));
        }
    }
    policies
}

fn names_ports(spec: &NetworkPolicySpec) -> bool {
    let ingress = spec.ingress.iter().flatten().flat_map(|rule| rule.ports.iter().flatten());
    let egress = spec.egress.iter().flatten().flat_map(|rule| rule.ports.iter().flatten());
    ingress.chain(egress).any(|port| matches!(port.port, Some(IntOrString::String(_))))
}

fn selects(selector: &LabelSelector, labels: &Labels) -> bool {
    // Selectors of resolved flows were validated.
    Selector::try_from(selector.clone()).is_ok_and(|selector| selector.matches(labels))
}
