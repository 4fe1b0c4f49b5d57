//! NetworkPolicies that let other tenants in, or out to them.

use super::{Others, Written};
use k8s_openapi::api::networking::v1::NetworkPolicySpec;
use serde::Deserialize as _;
use serde_json::Value;
use snc_core::lang::Lang;
use snc_core::names::LABEL_TENANT;
use snc_core::text::Text;
use snc_core::verdict::Outcome;
use snc_network::audit::{Audit, Breach, Scope, What, audit};
use snc_network::reach::{Cluster, Connectivity, Namespace, Policy};
use std::collections::BTreeSet;

const TOLD: usize = 5;

/// Policies add up: what this one opens beside what it opened before is what its write opens.
pub fn judge(written: &Written<'_>, others: &Others<'_>) -> Outcome {
    let spec = match NetworkPolicySpec::deserialize(&written.object["spec"]) {
        Ok(spec) => spec,
        Err(error) => return Outcome::unreadable(error),
    };
    let before = NetworkPolicySpec::deserialize(&written.before["spec"]).ok();
    let before =
        before.filter(|before| written.before != &Value::Null && before.pod_selector == spec.pod_selector);
    let known: BTreeSet<Breach> =
        before.map(|before| opened(written, others, before).breaches).unwrap_or_default();
    let Audit { breaches, undecided, .. } = opened(written, others, spec);
    let fresh: Vec<Text> = breaches
        .iter()
        .filter(|breach| matches!(breach.what, What::OtherTenant | What::Everyone | What::ClusterAddresses))
        .filter(|breach| !known.contains(breach))
        .map(Breach::text)
        .collect();
    let told = |lang: Lang, all: &[Text]| {
        all.iter().take(TOLD).map(|text| text.get(lang)).collect::<Vec<_>>().join(" ; ")
    };
    let (fr, en) = (Lang::Fr, Lang::En);
    if !fresh.is_empty() {
        return Outcome::fail(
            format!("ouvre à d'autres que le tenant : {}", told(fr, &fresh)),
            format!("opens to others than the tenant: {}", told(en, &fresh)),
        )
        .at("spec");
    }
    let doubts: Vec<Text> = undecided.into_values().collect();
    if doubts.is_empty() {
        return Outcome::pass();
    }
    Outcome::unknown(told(fr, &doubts), told(en, &doubts)).at("spec")
}

fn opened(written: &Written<'_>, others: &Others<'_>, spec: NetworkPolicySpec) -> Audit {
    let name = written.object["metadata"]["name"].as_str().unwrap_or_default();
    let namespaces = others.index.namespaces();
    let subject = spec.pod_selector.clone().unwrap_or_default();
    let state = Cluster {
        namespaces: namespaces
            .map(|n| Namespace { name: n.name.clone(), labels: n.labels.clone() })
            .collect(),
        policies: vec![Policy { namespace: written.namespace.to_owned(), name: name.to_owned(), spec }],
        ..Cluster::default()
    };
    let scope = Scope {
        namespace: written.namespace,
        tenant: written.tenant,
        tenant_of: &|name| others.index.namespace(name).and_then(|n| n.label(LABEL_TENANT)),
        subject_of: &|_| subject.clone(),
        declared: &[],
        addresses: others.addresses,
    };
    audit(&Connectivity::new(&state), &scope)
}
