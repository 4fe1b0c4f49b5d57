//! What differs between the policy that is asked for and the one that is applied: in the text, and in what it does.

use super::candidates::Candidates;
use super::judge::Example;
use super::{AuditPolicy, Rule, decide};
use crate::event::Level;
use snc_core::text::Text;

/// Source: product.
const MOST_EXAMPLES: usize = 50;
const MOST_TRIED: usize = 2_000_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// A field of the whole policy.
    Setting { field: &'static str, expected: String, applied: String },
    /// Rule of the expected policy that the applied one has not.
    Absent { expected: usize },
    /// Rule of the applied policy that is not asked for.
    Added { applied: usize },
    /// It is there, in another place.
    Moved { expected: usize, applied: usize },
    /// A request that is written down with less, or with more.
    Level { example: Example, expected: Level, applied: Level, rule: Option<usize> },
    /// Not everything could be tried.
    Unfinished,
}

/// Nothing: they are the same, rule by rule. What they do is told first: less, then more, then the text.
pub fn diff(expected: &AuditPolicy, applied: &AuditPolicy) -> Vec<Difference> {
    let text = texts(expected, applied);
    if text.is_empty() {
        return text;
    }
    let mut levels = levels(expected, applied);
    levels.sort_by_key(|difference| match difference {
        Difference::Level { expected, applied, .. } => (applied > expected, 0),
        _ => (true, 1),
    });
    levels.into_iter().chain(text).collect()
}

fn texts(expected: &AuditPolicy, applied: &AuditPolicy) -> Vec<Difference> {
    let mut found = Vec::new();
    let sorted = |policy: &AuditPolicy| {
        let mut stages = policy.omit_stages.clone();
        stages.sort_unstable();
        stages.dedup();
        stages.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let flag = |policy: &AuditPolicy| policy.omit_managed_fields.to_string();
    for (field, expected, applied) in [
        ("omitStages", sorted(expected), sorted(applied)),
        ("omitManagedFields", flag(expected), flag(applied)),
    ] {
        if expected != applied {
            found.push(Difference::Setting { field, expected, applied });
        }
    }
    let ours: Vec<Rule> = expected.rules.iter().map(normal).collect();
    let theirs: Vec<Rule> = applied.rules.iter().map(normal).collect();
    let common = longest_common(&ours, &theirs);
    let mut left: Vec<usize> = (0..theirs.len()).filter(|at| !common.iter().any(|(_, b)| b == at)).collect();
    for (at, rule) in ours.iter().enumerate().filter(|(at, _)| !common.iter().any(|(a, _)| a == at)) {
        match left.iter().position(|other| theirs[*other] == *rule) {
            Some(found_at) => found.push(Difference::Moved { expected: at, applied: left.remove(found_at) }),
            None => found.push(Difference::Absent { expected: at }),
        }
    }
    found.extend(left.into_iter().map(|applied| Difference::Added { applied }));
    found
}

/// Lists whose order says nothing, in order.
fn normal(rule: &Rule) -> Rule {
    let mut rule = rule.clone();
    let lists = [
        &mut rule.users,
        &mut rule.user_groups,
        &mut rule.verbs,
        &mut rule.namespaces,
        &mut rule.non_resource_urls,
    ];
    for list in lists
        .into_iter()
        .chain(rule.resources.iter_mut().flat_map(|of| [&mut of.resources, &mut of.resource_names]))
    {
        list.sort_unstable();
        list.dedup();
    }
    rule.resources.sort_by(|a, b| {
        (&a.group, &a.resources, &a.resource_names).cmp(&(&b.group, &b.resources, &b.resource_names))
    });
    rule.omit_stages.sort_unstable();
    rule.omit_stages.dedup();
    rule
}

fn longest_common(a: &[Rule], b: &[Rule]) -> Vec<(usize, usize)> {
    let mut lengths = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for (i, x) in a.iter().enumerate().rev() {
        for (j, y) in b.iter().enumerate().rev() {
            lengths[i][j] =
                if x == y { lengths[i + 1][j + 1] + 1 } else { lengths[i + 1][j].max(lengths[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        if a[i] == b[j] {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if lengths[i + 1][j] >= lengths[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

/// One example of each pair of rules that decide differently.
fn levels(expected: &AuditPolicy, applied: &AuditPolicy) -> Vec<Difference> {
    let (mut found, mut pairs, mut tried) = (Vec::new(), Vec::new(), 0_usize);
    let rules = expected.rules.iter().chain(&applied.rules).map(Some).chain([None]);
    for rule in rules {
        Candidates::of(None, rule).all(|attributes| {
            tried += 1;
            let (ours, theirs) = (decide(expected, attributes), decide(applied, attributes));
            let pair = (ours.rule, theirs.rule);
            if ours.level != theirs.level && !pairs.contains(&pair) {
                pairs.push(pair);
                found.push(Difference::Level {
                    example: Example::of(attributes),
                    expected: ours.level,
                    applied: theirs.level,
                    rule: theirs.rule,
                });
            }
            tried < MOST_TRIED && found.len() < MOST_EXAMPLES
        });
    }
    if tried >= MOST_TRIED || found.len() >= MOST_EXAMPLES {
        found.push(Difference::Unfinished);
    }
    found
}

impl Difference {
    /// Whether less is written down than is asked for, as far as is known.
    pub fn is_weaker(&self) -> bool {
        matches!(self, Self::Level { expected, applied, .. } if applied < expected)
            || matches!(self, Self::Setting { field: "omitStages", .. } | Self::Unfinished)
    }

    pub fn message(&self) -> Text {
        match self {
            Self::Setting { field, expected, applied } => Text::new(
                format!("{field} : attendu {expected:?}, appliqué {applied:?}"),
                format!("{field}: expected {expected:?}, applied {applied:?}"),
            ),
            Self::Absent { expected } => Text::new(
                format!("la règle attendue rules[{expected}] n'est pas appliquée"),
                format!("the expected rules[{expected}] is not applied"),
            ),
            Self::Added { applied } => Text::new(
                format!("la règle appliquée rules[{applied}] n'est pas attendue"),
                format!("the applied rules[{applied}] is not expected"),
            ),
            Self::Moved { expected, applied } => Text::new(
                format!("la règle attendue en rules[{expected}] est appliquée en rules[{applied}]"),
                format!("the rule expected at rules[{expected}] is applied at rules[{applied}]"),
            ),
            Self::Level { example, expected, applied, rule } => {
                let by = rule.map_or_else(|| "-".to_owned(), |at| format!("rules[{at}]"));
                Text::new(
                    format!("{example} : attendu {expected}, appliqué {applied} ({by})"),
                    format!("{example}: expected {expected}, applied {applied} ({by})"),
                )
            }
            Self::Unfinished => Text::new(
                "trop de cas pour les essayer tous : ces différences ne sont pas les seules",
                "too many cases to try them all: these differences are not the only ones",
            ),
        }
    }
}
