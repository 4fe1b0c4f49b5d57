//! The flow matrix of a tenant (requirement 13.1): one row per declared flow, whether it is open or not.

use crate::namespace::Report;
use crate::status::overdue;
use jiff::Timestamp;
use serde::Serialize;
use snc_api::v1alpha1::{Flow, Peer};
use snc_core::flow::PortRange;
use snc_core::lang::Lang;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub tenant: String,
    pub namespace: String,
    pub policy: String,
    pub flow: String,
    pub direction: String,
    pub pods: String,
    pub peers: Vec<String>,
    pub ports: Vec<String>,
    pub nature: Option<String>,
    pub justification: String,
    pub owner: Option<String>,
    pub reviewed_on: Option<String>,
    pub review_overdue: bool,
    pub compensating_measure: Option<String>,
    /// `applied`, `partly`, `refused`, or `declared` where isolation is not enforced.
    pub state: &'static str,
    pub refusals: Vec<String>,
}

pub fn rows(namespace: &str, report: &Report, lang: Lang, now: Timestamp) -> Vec<Row> {
    let effective = &report.effective;
    let mut rows = Vec::new();
    for (policy, spec) in &effective.policies {
        let resolved = report.flows.get(policy);
        let declared = spec.network.as_ref().map(|n| n.flows.as_slice()).unwrap_or_default();
        for (i, flow) in declared.iter().enumerate() {
            let path = format!("spec.network.flows[{i}]");
            let own = |p: &str| p == path || p.starts_with(&format!("{path}."));
            let refusals: Vec<String> = resolved
                .iter()
                .flat_map(|r| &r.refusals)
                .filter(|r| own(&r.path))
                .map(|r| r.message(lang))
                .collect();
            // Of flows with one name the first alone can be open.
            let first = declared[..i].iter().all(|earlier| earlier.name != flow.name);
            let open = first && resolved.is_some_and(|r| r.flows.iter().any(|f| f.name == flow.name));
            let state = match (open, report.enforced, refusals.is_empty()) {
                (false, _, _) => "refused",
                (true, false, _) => "declared",
                (true, true, true) => "applied",
                (true, true, false) => "partly",
            };
            rows.push(row(namespace, &effective.tenant, policy, flow, state, refusals, now));
        }
    }
    rows
}

fn row(
    namespace: &str,
    tenant: &str,
    policy: &str,
    flow: &Flow,
    state: &'static str,
    refusals: Vec<String>,
    now: Timestamp,
) -> Row {
    let port = |p: &snc_api::v1alpha1::Port| {
        PortRange::new(p.protocol, p.port.into(), p.end_port.map(Into::into))
            .map_or_else(|| format!("{}/{}?", p.protocol.as_str(), p.port), |range| range.to_string())
    };
    Row {
        tenant: tenant.to_owned(),
        namespace: namespace.to_owned(),
        policy: policy.to_owned(),
        flow: flow.name.clone(),
        direction: format!("{:?}", flow.direction),
        pods: selector(flow.pod_selector.as_ref()),
        peers: flow.peers.iter().map(peer).collect(),
        ports: flow.ports.iter().map(port).collect(),
        nature: flow.nature.map(|n| format!("{n:?}")),
        justification: flow.justification.clone(),
        owner: flow.owner.clone(),
        reviewed_on: flow.reviewed_on.clone(),
        review_overdue: overdue(flow.reviewed_on.as_deref(), now).is_some(),
        compensating_measure: flow.compensating_measure.clone(),
        state,
        refusals,
    }
}

fn peer(peer: &Peer) -> String {
    let Peer { pods, namespaces, shared_service, kubernetes_api, cidr } = peer;
    if let Some(pods) = pods {
        format!("pods({})", selector(pods.pod_selector.as_ref()))
    } else if let Some(namespaces) = namespaces {
        format!("namespaces({}: {})", namespaces.names.join(","), selector(namespaces.pod_selector.as_ref()))
    } else if let Some(service) = shared_service {
        format!("sharedService({})", service.name)
    } else if kubernetes_api.is_some() {
        "kubernetesAPI".to_owned()
    } else if let Some(cidr) = cidr {
        if cidr.except.is_empty() {
            cidr.block.clone()
        } else {
            format!("{} - {}", cidr.block, cidr.except.join(","))
        }
    } else {
        "?".to_owned()
    }
}

/// A selector as `kubectl` would take it; `*` for everything.
fn selector(selector: Option<&k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector>) -> String {
    let Some(selector) = selector else { return "*".into() };
    let labels = selector.match_labels.iter().flatten().map(|(k, v)| format!("{k}={v}"));
    let expressions = selector.match_expressions.iter().flatten().map(|e| {
        let values = e.values.as_deref().unwrap_or_default().join(",");
        match e.operator.as_str() {
            "Exists" => e.key.clone(),
            "DoesNotExist" => format!("!{}", e.key),
            "NotIn" => format!("{} notin ({values})", e.key),
            _ => format!("{} in ({values})", e.key),
        }
    });
    let parts: Vec<String> = labels.chain(expressions).collect();
    if parts.is_empty() { "*".into() } else { parts.join(",") }
}
