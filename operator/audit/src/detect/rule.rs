//! The rules as they are in their files.

use super::Severity;
use super::clause::{Clause, Seen, Worse};
use crate::event::Outcome;
use serde::Deserialize;
use snc_core::lang::Lang;
use snc_core::text::Text;
use std::ops::Deref;
use std::sync::LazyLock;

const FILES: &[(&str, &str)] = &[
    ("audit-id-reused", include_str!("../../rules/audit-id-reused.yaml")),
    ("bypass", include_str!("../../rules/bypass.yaml")),
    ("cluster-rights", include_str!("../../rules/cluster-rights.yaml")),
    ("impersonation", include_str!("../../rules/impersonation.yaml")),
    ("pod-access", include_str!("../../rules/pod-access.yaml")),
    ("secret-read", include_str!("../../rules/secret-read.yaml")),
    ("tampering", include_str!("../../rules/tampering.yaml")),
];

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    pub id: String,
    pub severity: Severity,
    /// The first of these that fits says how severe it is instead.
    #[serde(default)]
    pub worse: Vec<Worse>,
    pub requirements: Vec<String>,
    pub title: Text,
    /// With `{user}`, `{verb}`, `{object}`, `{place}` and `{outcome}`.
    pub message: Text,
    /// What to do about it.
    pub remedy: Text,
    /// Any of these. None: raised by whoever compares events.
    #[serde(rename = "match", default)]
    pub matches: Vec<Clause>,
    pub examples: Examples,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Examples {
    pub raises: Vec<Example>,
    pub silent: Vec<Example>,
}

/// An event in short: members of the event that differ from an ordinary one; for a comparison also the second event's.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    pub name: String,
    pub event: serde_json::Map<String, serde_json::Value>,
    #[serde(default)]
    pub second: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(default)]
    pub severity: Option<Severity>,
}

/// A rule of this build that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rules/{file}.yaml: {what}")]
pub struct Broken {
    pub file: &'static str,
    pub what: String,
}

#[derive(Debug)]
pub struct Rules(Vec<Rule>);

static RULES: LazyLock<Result<Rules, Broken>> = LazyLock::new(|| {
    let rules = FILES.iter().map(|(file, text)| {
        let broken = |what: String| Broken { file, what };
        let rule: Rule = serde_saphyr::from_str(text).map_err(|error| broken(error.to_string()))?;
        if rule.id == *file {
            Ok(rule)
        } else {
            Err(broken(format!("id: {:?} is not the file's name", rule.id)))
        }
    });
    rules.collect::<Result<_, _>>().map(Rules)
});

impl Rules {
    pub fn all() -> Result<&'static Self, Broken> {
        RULES.as_ref().map_err(Clone::clone)
    }

    pub fn get(&self, id: &str) -> Option<&Rule> {
        self.iter().find(|rule| rule.id == id)
    }
}

impl Deref for Rules {
    type Target = [Rule];

    fn deref(&self) -> &[Rule] {
        &self.0
    }
}

/// What the message of a rule is filled with.
#[derive(Debug, Clone, Copy)]
pub struct Filling<'a> {
    pub user: &'a str,
    pub acting_as: Option<&'a str>,
    pub verb: &'a str,
    pub object: &'a str,
    pub namespace: Option<&'a str>,
    pub outcome: Outcome,
}

impl Rule {
    pub(super) fn severity_of(&self, seen: &Seen<'_, '_>) -> Severity {
        self.worse.iter().find(|worse| worse.fits(seen)).map_or(self.severity, |worse| worse.severity)
    }

    pub fn message(&self, of: &Filling<'_>, lang: Lang) -> String {
        let nobody =
            lang.str("quelqu'un dont l'identité est refusée", "somebody whose credentials were refused");
        let name = if of.user.is_empty() { nobody } else { of.user };
        let user = match (of.acting_as, lang) {
            (Some(other), Lang::Fr) => format!("{name} (en tant que {other})"),
            (Some(other), Lang::En) => format!("{name} (as {other})"),
            (None, _) => name.to_owned(),
        };
        let place = match (of.namespace, lang) {
            (Some(namespace), Lang::Fr) => format!("dans l'espace de noms {namespace}"),
            (Some(namespace), Lang::En) => format!("in namespace {namespace}"),
            (None, Lang::Fr) => "hors de tout espace de noms".to_owned(),
            (None, Lang::En) => "outside of any namespace".to_owned(),
        };
        let outcome = match of.outcome {
            Outcome::Allowed => lang.str("autorisé", "allowed"),
            Outcome::Refused => lang.str("refusé", "refused"),
            Outcome::Failed => lang.str("autorisé, sans effet", "allowed, without effect"),
        };
        let values = [
            ("user", &*user),
            ("verb", of.verb),
            ("object", of.object),
            ("place", &place),
            ("outcome", outcome),
        ];
        fill(self.message.get(lang), &values)
    }
}

/// In one go: what is put in is not looked at again.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let (mut out, mut rest) = (String::new(), template);
    while let Some((before, from)) = rest.split_once('{') {
        out.push_str(before);
        let value = from.split_once('}').and_then(|(key, after)| {
            values.iter().find(|(known, _)| *known == key).map(|(_, value)| (*value, after))
        });
        if let Some((value, after)) = value {
            out.push_str(value);
            rest = after;
        } else {
            out.push('{');
            rest = from;
        }
    }
    out + rest
}
