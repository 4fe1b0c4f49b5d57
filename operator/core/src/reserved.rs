//! What the platform keeps for one tenant: classes and nodes that carry its label. And what pods and claims ask for.
//!
//! None of these objects is in a namespace, so a tenant can neither set the label nor take it away.

use crate::facts::{PersistentVolumeClaim, PodSpec, Toleration, Workload};
use crate::names::LABEL_TENANT;
use crate::text::clip;
use crate::verdict::Outcome;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Kinds of which an object can be kept for a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    PriorityClass,
    RuntimeClass,
    StorageClass,
    Node,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PriorityClass => "PriorityClass",
            Self::RuntimeClass => "RuntimeClass",
            Self::StorageClass => "StorageClass",
            Self::Node => "Node",
        }
    }

    /// `group/Kind`.
    pub const fn key(self) -> &'static str {
        match self {
            Self::PriorityClass => "scheduling.k8s.io/PriorityClass",
            Self::RuntimeClass => "node.k8s.io/RuntimeClass",
            Self::StorageClass => "storage.k8s.io/StorageClass",
            Self::Node => "core/Node",
        }
    }
}

/// Whose each object is; those that are nobody's are not in it.
#[derive(Debug, Clone, Default)]
pub struct Reserved(BTreeMap<Kind, BTreeMap<String, String>>);

impl Reserved {
    pub fn apply(&mut self, kind: Kind, name: String, tenant: Option<String>) {
        let held = self.0.entry(kind).or_default();
        match tenant.filter(|tenant| !tenant.is_empty()) {
            Some(tenant) => drop(held.insert(name, tenant)),
            None => drop(held.remove(&name)),
        }
    }

    /// A new list of one kind.
    pub fn reset(&mut self, kind: Kind, all: Vec<(String, Option<String>)>) {
        self.0.remove(&kind);
        for (name, tenant) in all {
            self.apply(kind, name, tenant);
        }
    }

    pub fn tenant(&self, kind: Kind, name: &str) -> Option<&str> {
        self.0.get(&kind)?.get(name).map(String::as_str)
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// An object by its name.
    Named(Kind, String),
    /// Nodes of this tenant, by their label or their taint.
    Of(String),
    /// Nodes of any tenant.
    OfAnybody,
}

/// One thing that is asked for, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    at: String,
    what: What,
}

/// What an object of this kind asks for; an error where it is not as the API has it.
pub fn asks(kind: &str, body: &Value) -> Result<Vec<Ask>, serde_json::Error> {
    match kind {
        "core/PersistentVolumeClaim" => Ok(of_claim(&PersistentVolumeClaim::deserialize(body)?)),
        "core/Pod" | "core/PodTemplate" => PodSpec::within(kind, body).map(|(at, spec)| of_pod(&spec, at)),
        _ => Ok(of_workload(kind == "batch/CronJob", &Workload::deserialize(body)?)),
    }
}

pub fn of_workload(is_cron_job: bool, workload: &Workload) -> Vec<Ask> {
    let at = if is_cron_job { "spec.jobTemplate.spec.template.spec" } else { "spec.template.spec" };
    let mut all = of_pod(&workload.template.spec, at);
    for class in &workload.storage_classes {
        all.push(Ask { at: "spec.volumeClaimTemplates".to_owned(), what: named(Kind::StorageClass, class) });
    }
    all
}

pub fn of_claim(claim: &PersistentVolumeClaim) -> Vec<Ask> {
    let class = claim
        .class()
        .map(|class| Ask { at: "spec.storageClassName".to_owned(), what: named(Kind::StorageClass, class) });
    class.into_iter().collect()
}

fn named(kind: Kind, name: &str) -> What {
    What::Named(kind, name.to_owned())
}

pub fn of_pod(spec: &PodSpec, at: &str) -> Vec<Ask> {
    let mut all = Vec::new();
    let mut ask = |field: &str, what| all.push(Ask { at: format!("{at}.{field}"), what });
    if !spec.priority_class_name.is_empty() {
        ask("priorityClassName", named(Kind::PriorityClass, &spec.priority_class_name));
    }
    if let Some(name) = spec.runtime_class_name.as_deref().filter(|name| !name.is_empty()) {
        ask("runtimeClassName", named(Kind::RuntimeClass, name));
    }
    if !spec.node_name.is_empty() {
        ask("nodeName", named(Kind::Node, &spec.node_name));
    }
    for (key, value) in &spec.node_selector {
        if let Some(what) = labelled(key, value) {
            ask("nodeSelector", what);
        }
    }
    for class in &spec.ephemeral_classes {
        ask("volumes", named(Kind::StorageClass, class));
    }
    for toleration in &spec.tolerations {
        if let Some(what) = tolerated(toleration) {
            ask("tolerations", what);
        }
    }
    let affinity = spec.affinity.as_ref().and_then(|affinity| affinity.get("nodeAffinity"));
    for what in affinity.into_iter().flat_map(terms).flat_map(by_term) {
        ask("affinity.nodeAffinity", what);
    }
    all
}

const HOSTNAME: &str = "kubernetes.io/hostname";
const NODE_NAME: &str = "metadata.name";

fn labelled(key: &str, value: &str) -> Option<What> {
    match key {
        LABEL_TENANT => Some(What::Of(value.to_owned())),
        // As a rule a node's name.
        HOSTNAME | NODE_NAME => Some(named(Kind::Node, value)),
        _ => None,
    }
}

/// Of each term what it demands, or only prefers.
fn terms(affinity: &Value) -> impl Iterator<Item = &Value> {
    let required =
        list(affinity.pointer("/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms"));
    let preferred = list(affinity.get("preferredDuringSchedulingIgnoredDuringExecution"));
    required.iter().chain(preferred.iter().filter_map(|term| term.get("preference")))
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn by_term(term: &Value) -> Vec<What> {
    let rules = ["matchExpressions", "matchFields"].into_iter().flat_map(|field| list(term.get(field)));
    let mut all = Vec::new();
    for rule in rules {
        let key = rule["key"].as_str().unwrap_or_default();
        let values = list(rule.get("values")).iter().filter_map(Value::as_str);
        match rule["operator"].as_str().unwrap_or_default() {
            "In" => all.extend(values.filter_map(|value| labelled(key, value))),
            "NotIn" | "DoesNotExist" => {}
            // `Exists`, or an operator that this version does not know.
            _ if key == LABEL_TENANT => all.push(What::OfAnybody),
            _ => {}
        }
    }
    all
}

fn tolerated(toleration: &Toleration) -> Option<What> {
    let Toleration { key, operator, value, effect } = toleration;
    // A taint of the third effect keeps nobody out.
    if effect == "PreferNoSchedule" || !["", LABEL_TENANT].contains(&key.as_str()) {
        return None;
    }
    match operator.as_str() {
        "" | "Equal" if key.is_empty() => None,
        "" | "Equal" => Some(What::Of(value.clone())),
        _ => Some(What::OfAnybody),
    }
}

/// Of what a tenant asks for and did not ask for before, what is kept for another. `reserved` is none where nobody knows.
pub fn judge(asks: &[Ask], before: &[Ask], tenant: &str, reserved: Option<&Reserved>) -> Outcome {
    let (mut kept, mut doubtful) = (Vec::new(), Vec::new());
    for ask in asks.iter().filter(|ask| !before.contains(ask)) {
        let at = &ask.at;
        match &ask.what {
            What::Of(other) if other.is_empty() || other == tenant => {}
            What::Of(other) => kept.push((at, format!("{at}: {LABEL_TENANT} = {}", clip(other, 100)))),
            What::OfAnybody => kept.push((at, format!("{at}: {LABEL_TENANT} = *"))),
            What::Named(kind, name) => {
                let named = format!("{at}: {} {}", kind.as_str(), clip(name, 100));
                match reserved.map(|reserved| reserved.tenant(*kind, name)) {
                    None => doubtful.push((at, named)),
                    Some(Some(other)) if other != tenant => kept.push((at, format!("{named} ({other})"))),
                    Some(_) => {}
                }
            }
        }
    }
    let told = |found: &[(&String, String)]| {
        found.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(", ")
    };
    let (mut outcome, found) = if !kept.is_empty() {
        let told = told(&kept);
        let said = Outcome::fail(
            format!("réservé par la plateforme à un autre tenant : {told}"),
            format!("reserved by the platform to another tenant: {told}"),
        );
        (said, kept)
    } else if !doubtful.is_empty() {
        let told = told(&doubtful);
        let said = Outcome::unknown(
            format!("peut-être réservé à un autre tenant : {told}"),
            format!("maybe reserved to another tenant: {told}"),
        );
        (said, doubtful)
    } else {
        return Outcome::pass();
    };
    outcome.paths = found.into_iter().map(|(at, _)| at.clone()).collect();
    outcome.paths.dedup();
    outcome
}

#[cfg(test)]
mod tests;
