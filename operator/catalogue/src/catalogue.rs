//! The files, read once.

use crate::checks::{self, Check};
use crate::render::{POD_KINDS, is_on_pods};
use crate::rule::Compiled;
use serde::de::DeserializeOwned;
use snc_core::control::Control;
use snc_core::requirement::{Chapter, Requirement};
use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

/// A control that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{control}: {why}")]
pub struct Broken {
    pub control: String,
    pub why: String,
}

static CONTROLS: LazyLock<Vec<Control>> =
    LazyLock::new(|| built_in(include_str!(concat!(env!("OUT_DIR"), "/controls.json"))));
static CHAPTERS: LazyLock<Vec<Chapter>> =
    LazyLock::new(|| built_in(include_str!(concat!(env!("OUT_DIR"), "/requirements.json"))));

/// A file that does not fit is a catalogue with nothing in it, and the tests count.
fn built_in<T: DeserializeOwned>(text: &str) -> Vec<T> {
    serde_json::from_str(text).unwrap_or_default()
}

/// Every control of the product, in the order of their ids.
pub fn controls() -> &'static [Control] {
    &CONTROLS
}

pub fn chapters() -> &'static [Chapter] {
    &CHAPTERS
}

pub fn requirements() -> impl Iterator<Item = &'static Requirement> {
    CHAPTERS.iter().flat_map(|chapter| &chapter.requirements)
}

pub(crate) enum Assessor {
    /// Compiled when it is first asked.
    Rule(OnceLock<Result<Box<Compiled>, String>>),
    Check(Check),
}

pub(crate) struct Entry {
    pub control: Control,
    pub assessor: Assessor,
    /// Of no pod but the static ones of a control plane.
    pub static_pods_only: bool,
}

impl Entry {
    /// None where it is no rule.
    pub fn rule(&self) -> Option<Result<&Compiled, &str>> {
        let (Assessor::Rule(compiled), Some(rule)) = (&self.assessor, &self.control.rule) else {
            return None;
        };
        let compiled = compiled.get_or_init(|| Compiled::new(&self.control, rule).map(Box::new));
        Some(compiled.as_ref().map(|rule| &**rule).map_err(String::as_str))
    }

    fn is_ready(&self) -> bool {
        !matches!(&self.assessor, Assessor::Rule(compiled) if compiled.get().is_none())
    }
}

/// Fewer rules than this are compiled sooner than a thread has started.
const WORTH_A_THREAD: usize = 8;

/// Controls, ready to judge.
pub struct Catalogue {
    pub(crate) entries: Vec<Entry>,
    /// Which entries judge objects of a kind by themselves.
    pub(crate) by_kind: BTreeMap<String, Vec<usize>>,
    /// Which of them judge the pod that an object of a kind holds, and nothing else of it.
    pub(crate) by_template: BTreeMap<String, Vec<usize>>,
}

impl Catalogue {
    /// Every control, with rules that compile once an object of theirs comes.
    pub fn on_demand() -> Result<Self, Broken> {
        Self::uncompiled(controls().iter().cloned())
    }

    pub fn built_in() -> Result<Self, Broken> {
        Self::of(controls().iter().cloned())
    }

    pub fn of(controls: impl IntoIterator<Item = Control>) -> Result<Self, Broken> {
        let catalogue = Self::uncompiled(controls)?;
        for entry in &catalogue.entries {
            let complete = |rule: &Compiled| rule.complete();
            if let Some(rule) = entry.rule() {
                let broken = |why| Broken { control: entry.control.id.clone(), why };
                rule.map_err(str::to_owned).and_then(complete).map_err(broken)?;
            }
        }
        Ok(catalogue)
    }

    fn uncompiled(controls: impl IntoIterator<Item = Control>) -> Result<Self, Broken> {
        let mut entries = Vec::new();
        let mut by_kind: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut by_template: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for control in controls {
            let broken = |why| Broken { control: control.id.clone(), why };
            let assessor = if control.rule.is_some() {
                let judged = if is_on_pods(&control) { &mut by_template } else { &mut by_kind };
                for kind in kinds(&control.reads) {
                    judged.entry(kind).or_default().push(entries.len());
                }
                Assessor::Rule(OnceLock::new())
            } else {
                let why = || "it has no rule and no check of its name".to_owned();
                Assessor::Check(checks::find(&control.id).ok_or_else(why).map_err(broken)?)
            };
            debug_assert!(!matches!(assessor, Assessor::Check(_)) || !is_on_pods(&control));
            let applies = control.rule.as_ref().and_then(|rule| rule.applies.as_deref());
            let static_pods_only = applies.is_some_and(asks_for_a_component);
            entries.push(Entry { control, assessor, static_pods_only });
        }
        Ok(Self { entries, by_kind, by_template })
    }

    /// Compiles the rules among these that are not yet, on every core.
    pub(crate) fn prepare(&self, entries: &[usize]) {
        let left: Vec<&Entry> =
            entries.iter().filter_map(|i| self.entries.get(*i)).filter(|entry| !entry.is_ready()).collect();
        if left.len() < WORTH_A_THREAD {
            return;
        }
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        std::thread::scope(|scope| {
            for part in left.chunks(left.len().div_ceil(threads)) {
                scope.spawn(|| part.iter().filter_map(|entry| entry.rule()).count());
            }
        });
    }

    pub fn controls(&self) -> impl Iterator<Item = &Control> {
        self.entries.iter().map(|entry| &entry.control)
    }

    /// Every kind that some control reads.
    pub fn reads(&self) -> std::collections::BTreeSet<String> {
        self.controls().flat_map(|control| kinds(&control.reads)).collect()
    }
}

/// Whether this is false of what runs no component of a control plane, whatever else it asks: such rules are many,
/// and such pods few.
fn asks_for_a_component(applies: &str) -> bool {
    let first = applies.split("&&").next().unwrap_or_default().trim();
    let named =
        |rest: &str| rest.split_once('\'').is_some_and(|(_, rest)| rest == " in variables.components");
    let some = |rest: &str| rest.ends_with(')') && !rest.contains('(');
    let asks = first.strip_prefix('\'').is_some_and(named)
        || first.strip_prefix("variables.components.exists(").is_some_and(some);
    asks && !applies.contains("||") && !applies.contains('?')
}

/// With `pods` taken apart.
pub(crate) fn kinds(reads: &[String]) -> Vec<String> {
    let apart = |kind: &String| match kind.as_str() {
        "pods" => POD_KINDS.iter().map(ToString::to_string).collect(),
        _ => vec![kind.clone()],
    };
    reads.iter().flat_map(apart).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_false_without_a_component_asks_for_one() {
        for yes in [
            "'etcd' in variables.components",
            "'etcd' in variables.components && variables.flags.exists(f, f == 'a')",
            "variables.components.exists(c, c in ['a', 'b']) && !('c' in variables.components)",
        ] {
            assert!(asks_for_a_component(yes), "{yes}");
        }
        for no in [
            "!('etcd' in variables.components)",
            "'etcd' in variables.components == false",
            "'etcd' in variables.components || true",
            "'etcd' in variables.components ? false : true",
            "variables.components.exists(c, c == 'a') == (false)",
            "variables.components.all(c, c == 'a')",
            "true && 'etcd' in variables.components",
        ] {
            assert!(!asks_for_a_component(no), "{no}");
        }
    }
    #[test]
    fn a_rule_that_does_not_compile_is_never_a_pass() {
        use crate::{Judge, Object, Profile, Uniform};
        use snc_core::tier::Level;
        use snc_core::verdict::Verdict;
        let mut control = controls()[0].clone();
        let rule = controls().iter().find_map(|control| control.rule.clone());
        control.rule =
            rule.map(|rule| snc_core::control::Rule { expect: "object.(".to_owned(), applies: None, ..rule });
        control.reads = vec!["core/Service".to_owned()];
        assert!(Catalogue::of([control.clone()]).is_err());
        let catalogue = Catalogue::uncompiled([control]).unwrap_or_else(|error| panic!("{error}"));
        let profile = Uniform(Profile::new(Level::Avance));
        let mut judge = Judge::new(&catalogue, &profile);
        let service = serde_json::json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}});
        judge.see(&Object::new(service).unwrap_or_else(|| panic!("an object")));
        judge.files_end_here();
        let worst = judge.conclude(jiff::Timestamp::UNIX_EPOCH).worst(1, |_| true);
        assert_eq!(worst, [Verdict::Unknown]);
    }
}
