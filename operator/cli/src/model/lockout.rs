//! Whether what a cluster stands on comes back while no admission webhook answers: requests that have to get through, judged
//! by the selectors of every webhook that fails closed, and tried against the policies as a dry run.

use super::preflight::{Read, State, Trial};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::Serialize;
use snc_core::lang::Lang;
use snc_core::names::{METADATA_NAME, SYSTEM_NAMESPACES, WEBHOOK};
use snc_plan::Settings;
use std::collections::{BTreeMap, BTreeSet};

/// One webhook of a configuration.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hook {
    pub configuration: String,
    pub name: String,
    pub mutating: bool,
    /// `Ignore` stops nothing.
    pub fails_closed: bool,
    pub rules: Vec<HookRule>,
    pub namespaces: LabelSelector,
    pub objects: LabelSelector,
    /// Expressions that may let a request pass; nobody evaluates them here.
    pub has_conditions: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HookRule {
    pub groups: Vec<String>,
    pub resources: Vec<String>,
    pub operations: Vec<String>,
    /// `Cluster`, `Namespaced`, or `*`.
    pub scope: String,
}

/// A request that has to get through.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probe {
    pub what: &'static str,
    pub operation: &'static str,
    pub group: &'static str,
    /// With its subresource.
    pub resource: &'static str,
    pub namespace: Option<String>,
}

impl Probe {
    fn told(&self) -> String {
        let Self { operation, group, resource, namespace, .. } = self;
        let group = if group.is_empty() { String::new() } else { format!(".{group}") };
        match namespace {
            Some(namespace) => format!("{operation} {resource}{group} -n {namespace}"),
            None => format!("{operation} {resource}{group}"),
        }
    }
}

/// What was read and tried.
pub struct Input {
    pub context: String,
    pub settings: Settings,
    pub hooks: Read<Vec<Hook>>,
    /// Labels by name.
    pub namespaces: Read<BTreeMap<String, BTreeMap<String, String>>>,
    /// What the API server said to those of the requests that can be tried.
    pub trials: BTreeMap<Probe, Trial>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LockoutReport {
    pub context: String,
    pub checks: Vec<Check>,
    /// Commands that open what would be shut, one a line.
    pub emergency: Vec<String>,
    /// The command that opens the namespaces of tenants while our own webhook, which is there, does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenants: Option<String>,
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    #[serde(rename = "check")]
    pub name: &'static str,
    pub request: String,
    /// `missing`: it would be refused.
    pub state: State,
    pub seen: String,
}

impl LockoutReport {
    pub fn of(&self, state: State) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(move |check| check.state == state)
    }
}

const LEASES: &str = "coordination.k8s.io";

/// System pods, nodes, leases, namespaces, and what the operator and its webhook need to start.
pub fn probes(settings: &Settings) -> Vec<Probe> {
    let own = settings.identity.namespace.as_str();
    let mut all = Vec::new();
    let mut ask = |what, operation, group, resource, namespace: Option<&str>| {
        let namespace = namespace.map(str::to_owned);
        all.push(Probe { what, operation, group, resource, namespace });
    };
    for namespace in [SYSTEM_NAMESPACES[0], own] {
        let what = if namespace == own { "operator-pods" } else { "system-pods" };
        ask(what, "CREATE", "", "pods", Some(namespace));
        ask(what, "CREATE", "", "pods/binding", Some(namespace));
        ask(what, "UPDATE", "", "pods/status", Some(namespace));
        ask(what, "DELETE", "", "pods", Some(namespace));
        ask(what, "CREATE", "", "serviceaccounts/token", Some(namespace));
        ask(what, "CREATE", "apps", "replicasets", Some(namespace));
    }
    ask("nodes", "CREATE", "", "nodes", None);
    ask("nodes", "UPDATE", "", "nodes/status", None);
    ask("nodes", "CREATE", "certificates.k8s.io", "certificatesigningrequests", None);
    ask("leases", "CREATE", LEASES, "leases", Some("kube-node-lease"));
    ask("leases", "UPDATE", LEASES, "leases", Some("kube-node-lease"));
    ask("leases", "UPDATE", LEASES, "leases", Some("kube-system"));
    ask("operator-lease", "UPDATE", LEASES, "leases", Some(own));
    ask("operator-objects", "UPDATE", "", "configmaps", Some(own));
    ask("operator-objects", "UPDATE", "", "secrets", Some(own));
    ask("operator-objects", "CREATE", "discovery.k8s.io", "endpointslices", Some(own));
    ask("operator-objects", "UPDATE", "apps", "deployments", Some(own));
    ask("namespaces", "CREATE", "", "namespaces", None);
    ask("namespaces", "DELETE", "", "namespaces", None);
    ask("namespaces", "UPDATE", "", "namespaces/finalize", None);
    all
}

/// Those that can be tried without a trace: what is made, as a dry run.
pub fn tried(settings: &Settings) -> Vec<Probe> {
    let can = |probe: &Probe| {
        probe.operation == "CREATE" && ["pods", "namespaces", "leases"].contains(&probe.resource)
    };
    probes(settings).into_iter().filter(can).collect()
}

pub fn build(input: &Input) -> LockoutReport {
    let lang = input.settings.lang;
    let mut blocking: BTreeSet<(bool, &str)> = BTreeSet::new();
    let mut checks = Vec::new();
    for probe in probes(&input.settings) {
        let (mut shut, mut maybe) = (Vec::new(), Vec::new());
        match (&input.hooks, &input.namespaces) {
            (Ok(hooks), Ok(namespaces)) => {
                for hook in hooks.iter().filter(|hook| hook.fails_closed) {
                    match matches(hook, &probe, namespaces) {
                        Some(true) => {
                            blocking.insert((hook.mutating, &hook.configuration));
                            shut.push(hook.name.clone());
                        }
                        Some(false) => {}
                        None => maybe.push(hook.name.clone()),
                    }
                }
            }
            (Err(trouble), _) | (_, Err(trouble)) => maybe.push(trouble.message(lang)),
        }
        if let Some(Trial::Refused(why)) = input.trials.get(&probe) {
            // A right that the reader lacks says nothing of the system's own.
            let is_right = why.contains("is forbidden: User");
            if is_right { maybe.push(why.clone()) } else { shut.push(why.clone()) }
        }
        let (state, seen) = match (shut.is_empty(), maybe.is_empty()) {
            (false, _) => (State::Missing, shut.join(", ")),
            (true, false) => (State::Unknown, maybe.join(", ")),
            (true, true) => (State::Ok, String::new()),
        };
        checks.push(Check { name: probe.what, request: probe.told(), state, seen });
    }
    let emergency = blocking
        .into_iter()
        .map(|(mutating, name)| {
            let kind = if mutating { "mutating" } else { "validating" };
            if name == WEBHOOK {
                return removal(&input.settings);
            }
            format!("kubectl delete {kind}webhookconfiguration {name}")
        })
        .collect();
    let is_ours = |hook: &Hook| hook.configuration == WEBHOOK && hook.fails_closed;
    let tenants = input.hooks.as_ref().is_ok_and(|hooks| hooks.iter().any(is_ours));
    let tenants = tenants.then(|| removal(&input.settings));
    LockoutReport { context: input.context.clone(), checks, emergency, tenants, notes: notes(lang) }
}

/// Of our own configuration, which a guard leaves to the operator alone; the guard itself comes back at once where the
/// operator runs. So it is removed in the operator's name.
fn removal(settings: &Settings) -> String {
    format!("kubectl delete validatingwebhookconfiguration {WEBHOOK} --as={}", settings.identity.username())
}

fn notes(lang: Lang) -> Vec<String> {
    vec![
        lang.str(
            "Tout webhook est tenu pour muet ; les politiques d'admission, elles, sont essayées telles qu'elles agissent (dry-run).",
            "Every webhook is taken to be silent; admission policies are tried as they act (dry run).",
        )
        .to_owned(),
    ]
}

/// None where it depends on what is not known.
fn matches(
    hook: &Hook,
    probe: &Probe,
    namespaces: &BTreeMap<String, BTreeMap<String, String>>,
) -> Option<bool> {
    if !hook.rules.iter().any(|rule| covers(rule, probe)) {
        return Some(false);
    }
    let of_namespaces = probe.resource.split('/').next() == Some("namespaces");
    let in_namespace = match &probe.namespace {
        Some(name) => namespaces.get(name).map(|labels| selects(&hook.namespaces, labels)),
        // A new one has the label that the API server sets, and no other for sure.
        None if of_namespaces => {
            let any = BTreeMap::from([(METADATA_NAME.to_owned(), "snc-preflight".to_owned())]);
            Some(selects(&hook.namespaces, &any))
        }
        // What is in no namespace is always selected.
        None => Some(true),
    };
    if in_namespace == Some(false) {
        return Some(false);
    }
    // Labels of objects are what each of them has.
    let certain = in_namespace.is_some() && is_empty(&hook.objects) && !hook.has_conditions;
    certain.then_some(true)
}

fn covers(rule: &HookRule, probe: &Probe) -> bool {
    let has = |list: &[String], wanted: &[&str]| list.iter().any(|item| wanted.contains(&item.as_str()));
    let (resource, sub) = probe.resource.split_once('/').unwrap_or((probe.resource, ""));
    let resources = if sub.is_empty() {
        vec!["*".to_owned(), "*/*".to_owned(), resource.to_owned()]
    } else {
        vec!["*/*".to_owned(), format!("{resource}/*"), format!("*/{sub}"), probe.resource.to_owned()]
    };
    let resources: Vec<&str> = resources.iter().map(String::as_str).collect();
    let scope = if probe.namespace.is_some() { "Namespaced" } else { "Cluster" };
    has(&rule.groups, &["*", probe.group])
        && has(&rule.resources, &resources)
        && has(&rule.operations, &["*", probe.operation])
        && ["", "*", scope].contains(&rule.scope.as_str())
}

fn is_empty(selector: &LabelSelector) -> bool {
    selector.match_labels.iter().flatten().next().is_none()
        && selector.match_expressions.iter().flatten().next().is_none()
}

fn selects(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    let equal = |(key, value): (&String, &String)| labels.get(key) == Some(value);
    selector.match_labels.iter().flatten().all(equal)
        && selector.match_expressions.iter().flatten().all(|one| {
            let value = labels.get(&one.key);
            let among = |value: &String| one.values.iter().flatten().any(|v| v == value);
            match one.operator.as_str() {
                "In" => value.is_some_and(among),
                "NotIn" => !value.is_some_and(among),
                "DoesNotExist" => value.is_none(),
                // What is not understood may select.
                "Exists" => value.is_some(),
                _ => true,
            }
        })
}
