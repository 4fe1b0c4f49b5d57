//! What a cluster has of what isolation stands on, judged from what could be read of it.

mod admission;
mod cni;
mod foreign;
mod input;
mod installed;
mod rights;
mod server;
mod texts;

pub use foreign::WRITTEN;
pub use input::{
    ApiServerSeen, ContainerSeen, DaemonSetSeen, Input, Metrics, PolicyKindSeen, Read, Right, Trial,
    WebhookSeen,
};
pub use rights::{operator_rights, own_rights};

use serde::Serialize;
use snc_core::lang::Lang;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Ok,
    Missing,
    Unknown,
}

/// What one judgement says: the state, and what was seen that decided it.
type Judged = (State, String);

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    #[serde(rename = "check")]
    pub name: &'static str,
    pub state: State,
    pub seen: String,
    /// What the lack of it costs.
    pub costs: &'static str,
    /// What to do about it; nothing where all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_do: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PreflightReport {
    pub context: String,
    pub summary: Summary,
    pub checks: Vec<Check>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub ok: usize,
    pub missing: usize,
    pub unknown: usize,
}

impl PreflightReport {
    pub fn of(&self, state: State) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(move |check| check.state == state)
    }
}

type Judge = fn(&Input, Lang) -> Judged;

const JUDGES: &[(&str, Judge)] = &[
    ("server-version", server::version),
    ("network-plugin", cni::network_plugin),
    ("network-policy-kinds", foreign::network_policies),
    ("validating-admission-policy", admission::validating_admission_policy),
    ("node-restriction", admission::node_restriction),
    ("pod-security", admission::pod_security),
    ("quota-admission", admission::quota),
    ("audit-log", server::audit_log),
    ("crds", installed::crds),
    ("guards", installed::guards),
    ("isolation-gate", installed::gate),
    ("operator-rights", rights::of_the_operator),
    ("your-rights", rights::of_the_reader),
    ("policy-engines", foreign::engines),
];

pub fn build(input: &Input) -> PreflightReport {
    let lang = input.settings.lang;
    let checks: Vec<Check> = JUDGES
        .iter()
        .map(|&(name, judge)| {
            let (state, seen) = judge(input, lang);
            let (costs, to_do) = texts::about(name, lang);
            Check { name, state, seen, costs, to_do: (state != State::Ok).then_some(to_do) }
        })
        .collect();
    let count = |state| checks.iter().filter(|check| check.state == state).count();
    let summary =
        Summary { ok: count(State::Ok), missing: count(State::Missing), unknown: count(State::Unknown) };
    PreflightReport { context: input.context.clone(), summary, checks }
}

/// At most `most` of them, and how many there are in all.
fn some<T: ToString>(items: impl IntoIterator<Item = T>, most: usize) -> String {
    let all: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    let more = if all.len() > most { format!(", … ({})", all.len()) } else { String::new() };
    all.iter().take(most).map(String::as_str).collect::<Vec<_>>().join(", ") + &more
}
