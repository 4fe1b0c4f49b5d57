use super::candidates::Candidates;
use super::mandatory::{MANDATORY, Mandatory};
use super::{Attributes, AuditPolicy, Rule, Target, decide};
use crate::event::{Level, Stage};
use snc_core::text::Text;
use std::fmt;

/// Source: product. Of a policy that mentions more the answer is that nobody knows.
const MOST_TRIED: usize = 400_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// Written down at this level, which is below what is asked.
    TooLow(Level),
    /// With bodies, in which there are secrets.
    TooHigh(Level),
    /// Not at the stage at which it would be known.
    Omitted(Stage),
    /// There is too much to try.
    Unknown,
}

/// A request, in owned words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    pub user: Option<String>,
    pub groups: Vec<String>,
    pub verb: String,
    /// `secrets`, `pods/exec`, or a path.
    pub object: String,
    pub group: String,
    pub namespace: String,
    pub name: String,
}

/// A kind of event that a policy does not treat as it has to.
#[derive(Clone)]
pub struct Missing {
    pub kind: &'static Mandatory,
    pub problem: Problem,
    /// The rule that is the first to match, from 0; None: none does.
    pub rule: Option<usize>,
    pub example: Example,
}

/// Every kind of event that some rule swallows, and by which rule; nothing: the policy is complete.
pub fn judge(policy: &AuditPolicy) -> Vec<Missing> {
    let rules = || policy.rules.iter().enumerate().map(|(at, rule)| (Some(at), Some(rule)));
    let pairs = MANDATORY.iter().flat_map(|kind| rules().chain([(None, None)]).map(move |rule| (kind, rule)));
    pairs.filter_map(|(kind, (at, rule))| swallowed(policy, kind, at, rule)).collect()
}

fn swallowed(
    policy: &AuditPolicy,
    kind: &'static Mandatory,
    at: Option<usize>,
    rule: Option<&Rule>,
) -> Option<Missing> {
    let mut found = None;
    let mut tried = 0;
    Candidates::of(Some(kind), rule).all(|attributes| {
        tried += 1;
        let decision = decide(policy, attributes);
        let here = decision.rule == at && kind.covers(attributes);
        let problem = if tried > MOST_TRIED {
            Some(Problem::Unknown)
        } else {
            here.then(|| problem(kind, attributes, &decision)).flatten()
        };
        found = problem.map(|problem| Missing { kind, problem, rule: at, example: Example::of(attributes) });
        found.is_none()
    });
    found
}

fn problem(kind: &Mandatory, attributes: &Attributes<'_>, decision: &super::Decision<'_>) -> Option<Problem> {
    if decision.level < kind.least {
        return Some(Problem::TooLow(decision.level));
    }
    if decision.level > kind.most {
        return Some(Problem::TooHigh(decision.level));
    }
    let (started, complete) = (Stage::ResponseStarted, Stage::ResponseComplete);
    let lost = |stage: Stage| (!decision.records(stage)).then_some(Problem::Omitted(stage));
    if attributes.user.is_none() {
        // Their one stage.
        return lost(started);
    }
    let long = attributes.is_long();
    let beginning = (kind.at_once && long).then(|| lost(started)).flatten();
    let end = if long && decision.records(started) { None } else { lost(complete) };
    beginning.or(end).or_else(|| lost(Stage::Panic))
}

impl Example {
    pub(super) fn of(attributes: &Attributes<'_>) -> Self {
        let (object, group, namespace, name) = match attributes.target {
            Target::Path(path) => (path.to_owned(), "", "", ""),
            Target::Resource { group, resource, subresource: "", namespace, name } => {
                (resource.to_owned(), group, namespace, name)
            }
            Target::Resource { group, resource, subresource, namespace, name } => {
                (format!("{resource}/{subresource}"), group, namespace, name)
            }
        };
        Self {
            user: attributes.user.map(str::to_owned),
            groups: attributes.groups.iter().map(|group| (*group).to_owned()).collect(),
            verb: attributes.verb.to_owned(),
            object,
            group: group.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

impl fmt::Display for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, verb, object, group, namespace, name, .. } = self;
        write!(f, "{verb} {object}")?;
        for (word, value) in [(".", group), (" ", name), (" -n ", namespace)] {
            if !value.is_empty() {
                write!(f, "{word}{value}")?;
            }
        }
        write!(f, " ({})", user.as_deref().unwrap_or("401"))
    }
}

impl Missing {
    pub fn message(&self) -> Text {
        let Self { kind, problem, rule, example } = self;
        let title = kind.title();
        let requirements = kind.requirements.join(", ");
        let (by_fr, by_en) = match rule {
            Some(at) => (format!("rules[{at}] l'emporte"), format!("rules[{at}] comes first")),
            None => ("aucune règle ne s'applique".to_owned(), "no rule matches".to_owned()),
        };
        let least = kind.least;
        let most = kind.most;
        let (fr, en) = match problem {
            Problem::TooLow(level) => (
                format!("niveau {level}, il faut au moins {least}"),
                format!("level {level}, at least {least} is needed"),
            ),
            Problem::TooHigh(level) => (
                format!("niveau {level}, qui écrit des secrets dans le journal ; {most} au plus"),
                format!("level {level}, which writes secrets to the log; at most {most}"),
            ),
            Problem::Omitted(stage) => (
                format!("l'étape {stage} est omise, et l'événement avec elle"),
                format!("stage {stage} is omitted, and the event with it"),
            ),
            Problem::Unknown => {
                ("trop de cas à essayer pour conclure".to_owned(), "too many cases to try to tell".to_owned())
            }
        };
        Text::new(
            format!("{} ({requirements}) : {fr} ; {by_fr}, par exemple pour : {example}", title.fr),
            format!("{} ({requirements}): {en}; {by_en}, for example on: {example}", title.en),
        )
    }
}

impl fmt::Debug for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message().en)
    }
}
