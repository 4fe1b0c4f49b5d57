//! Controls on several objects, asked again only where their answer may be another.

use super::names::{Kinds, Name};
use super::roll::Whole;
use super::space::{Space, Told};
use crate::catalogue::{Assessor, Catalogue, kinds};
use crate::checks::Check;
use crate::evaluate::{on_several, unavailable};
use crate::images::{self, Question, Ran};
use crate::profile::{Profile, place};
use jiff::Timestamp;
use serde_json::{Map, Value};
use snc_core::snapshot::Snapshot;
use snc_core::verdict::{Outcome, Subject, Verdict};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

struct Several {
    control: usize,
    check: Check,
    /// What it may look at, which is more than it says.
    reads: BTreeSet<String>,
    /// What it was asked with; none where it has to be asked.
    asked: Option<Map<String, Value>>,
    /// What it says of the whole, and where it says anything.
    whole: Option<Arc<Outcome>>,
    places: BTreeSet<String>,
}

/// All of them.
pub(super) struct Checks {
    all: Vec<Several>,
}

/// No kind: that other images run than before, or that something else is what they were made for.
pub(super) const RUNNING: &str = "images that run";
/// No kind: what registries said of signatures.
pub(super) const SIGNATURES: &str = "signatures of images";

impl Checks {
    pub fn of(catalogue: &Catalogue) -> Self {
        let several = |(control, entry): (usize, &crate::catalogue::Entry)| {
            let Assessor::Check(check) = entry.assessor else { return None };
            let declared = kinds(&entry.control.reads);
            let beside = declared.iter().flat_map(|kind| Snapshot::together(kind)).map(ToString::to_string);
            // Whose a namespace is, any of them may ask.
            let tenants = ["core/Namespace".to_owned()];
            let reads = if Question::of(&entry.control.id).is_some() {
                images::KINDS.into_iter().chain([RUNNING]).map(str::to_owned).collect()
            } else if entry.control.id == images::SIGNED {
                [RUNNING, SIGNATURES].map(str::to_owned).into()
            } else {
                beside.chain(tenants).chain(declared.iter().cloned()).collect()
            };
            Some(Several { control, check, reads, asked: None, whole: None, places: BTreeSet::new() })
        };
        Self { all: catalogue.entries.iter().enumerate().filter_map(several).collect() }
    }

    /// Lets go of what was answered.
    pub fn forget(&mut self) {
        self.all.iter_mut().for_each(|one| one.asked = None);
    }

    /// What is said of everything, after each check was asked that reads what changed.
    pub fn ask(
        &mut self,
        catalogue: &Catalogue,
        snapshot: &Snapshot,
        cluster: &Profile,
        changed: &BTreeSet<String>,
        now: Timestamp,
        mut to: To<'_>,
    ) -> Whole {
        let mut whole: Whole = catalogue
            .entries
            .iter()
            .map(|entry| unavailable(&entry.control, snapshot).map(Arc::new))
            .collect();
        for one in &mut self.all {
            let (Some(entry), Some(said)) = (catalogue.entries.get(one.control), whole.get_mut(one.control))
            else {
                continue;
            };
            if said.is_some() {
                one.asked = None;
                to.take(one, HashMap::new());
                continue;
            }
            let values = cluster.values(&entry.control);
            if one.asked.as_ref() != Some(&values) || !one.reads.is_disjoint(changed) {
                let found = on_several(&entry.control, one.check, snapshot, &values, now, to.runs);
                one.asked = Some(values);
                let (whole, told) = to.sort(found);
                one.whole = whole;
                to.take(one, told);
            }
            said.clone_from(&one.whole);
        }
        whole
    }
}

/// Where what they say goes.
pub(super) struct To<'a> {
    pub kinds: &'a mut Kinds,
    pub spaces: &'a mut BTreeMap<String, Space>,
    pub pass: Arc<Outcome>,
    /// What those on images ask.
    pub runs: &'a dyn Ran,
}

impl To<'_> {
    /// By namespace, the worst of each object; what does not apply is not held.
    fn sort(&mut self, found: Vec<(Subject, Outcome)>) -> (Option<Arc<Outcome>>, HashMap<String, Told>) {
        let everything = Subject::whole();
        let mut whole: Option<Outcome> = None;
        let mut told: HashMap<String, BTreeMap<Name, Outcome>> = HashMap::new();
        for (subject, outcome) in found {
            if subject == everything {
                if whole.as_ref().is_none_or(|held| held.verdict < outcome.verdict) {
                    whole = Some(outcome);
                }
                continue;
            }
            if outcome.verdict == Verdict::NotApplicable {
                continue;
            }
            let name = self.kinds.name(&subject);
            let here = match told.get_mut(place(&subject)) {
                Some(here) => here,
                None => told.entry(place(&subject).to_owned()).or_default(),
            };
            match here.get_mut(&name) {
                Some(held) if held.verdict >= outcome.verdict => {}
                Some(held) => *held = outcome,
                None => drop(here.insert(name, outcome)),
            }
        }
        let one = |outcome: Outcome| {
            if outcome == *self.pass { self.pass.clone() } else { Arc::new(outcome) }
        };
        let told = told.into_iter().map(|(place, here)| {
            (place, here.into_iter().map(|(name, outcome)| (name, one(outcome))).collect())
        });
        (whole.map(Arc::new), told.collect())
    }

    fn take(&mut self, of: &mut Several, mut told: HashMap<String, Told>) {
        for place in std::mem::take(&mut of.places) {
            if !told.contains_key(&place)
                && let Some(space) = self.spaces.get_mut(&place)
            {
                space.told(of.control, Vec::new());
            }
        }
        of.places = told.keys().cloned().collect();
        for (place, here) in told.drain() {
            self.spaces.entry(place).or_default().told(of.control, here);
        }
    }
}
