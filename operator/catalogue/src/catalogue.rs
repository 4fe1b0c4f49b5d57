//! The files, read once.

use crate::checks::{self, Check};
use crate::render::{POD_KINDS, is_on_pods};
use crate::rule::Compiled;
use serde::de::DeserializeOwned;
use snc_core::control::Control;
use snc_core::requirement::{Chapter, Requirement};
use std::collections::{BTreeMap, BTreeSet};
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
    /// Of a cluster's own making: it disproves, and proves nothing.
    pub custom: bool,
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

/// How the ids of controls begin that are not the product's.
pub const CUSTOM: &str = "custom-";

/// How many of them there may be.
pub const MOST_CUSTOM: usize = 200;

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
        catalogue.complete(|_| true)?;
        Ok(catalogue)
    }

    pub(crate) fn complete(&self, of: impl Fn(&Entry) -> bool) -> Result<(), Broken> {
        for entry in self.entries.iter().filter(|entry| of(entry)) {
            let complete = |rule: &Compiled| rule.complete();
            if let Some(rule) = entry.rule() {
                let broken = |why| Broken { control: entry.control.id.clone(), why };
                rule.map_err(str::to_owned).and_then(complete).map_err(broken)?;
            }
        }
        Ok(())
    }

    /// Whether the control of that place is a cluster's own.
    pub fn is_custom(&self, control: usize) -> bool {
        self.entries.get(control).is_some_and(|entry| entry.custom)
    }

    /// Every control of the product, and those of a cluster's own, which [`crate::custom`] took.
    pub fn with_custom(custom: Vec<Control>) -> Result<Self, Broken> {
        let mut ids = BTreeSet::new();
        for (at, control) in custom.iter().enumerate() {
            let broken = |why: String| Err(Broken { control: control.id.clone(), why });
            if !control.id.starts_with(CUSTOM) || control.rule.is_none() {
                return broken(format!("not a rule whose id begins with {CUSTOM}"));
            }
            if !ids.insert(&control.id) {
                return broken("there twice".to_owned());
            }
            if at >= MOST_CUSTOM {
                return broken(format!("there may be {MOST_CUSTOM}"));
            }
        }
        let catalogue = Self::uncompiled(controls().iter().cloned().chain(custom))?;
        catalogue.complete(|entry| entry.custom)?;
        Ok(catalogue)
    }

    /// And controls of a cluster's own that are wrong: what is not judged by them is unknown, so that nothing gets
    /// better by a mistake.
    #[must_use]
    pub fn and_unusable(mut self, wrong: Vec<Control>) -> Self {
        for control in wrong {
            let judged = if is_on_pods(&control) { &mut self.by_template } else { &mut self.by_kind };
            for kind in kinds(&control.reads) {
                judged.entry(kind).or_default().push(self.entries.len());
            }
            let why = format!("kubectl describe sncctl {}", control.id);
            let assessor = Assessor::Rule(OnceLock::from(Err(why)));
            self.entries.push(Entry { control, assessor, static_pods_only: false, custom: true });
        }
        self
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
            let static_pods_only =
                control.reads == ["core/Pod"] && control.rule.as_ref().is_some_and(|rule| rule.component);
            let custom = control.id.starts_with(CUSTOM);
            entries.push(Entry { control, assessor, static_pods_only, custom });
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

    /// Every kind, `group/Kind`, whose objects in a tenant's namespace some control may refuse.
    pub fn admission_kinds(&self) -> BTreeSet<String> {
        let asked = self.controls().filter(|control| control.is_asked_of_tenants());
        asked.flat_map(|control| kinds(control.judged())).collect()
    }

    /// Every kind that some control reads.
    pub fn reads(&self) -> BTreeSet<String> {
        self.controls().flat_map(|control| kinds(&control.reads)).collect()
    }
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
