//! Verdicts on the objects of one namespace, counted; the worst are told.

use super::names::{Kinds, Name};
use crate::assessed::{Counts, Finding, Findings, Tally};
use crate::catalogue::Catalogue;
use snc_core::control::Scope;
use snc_core::tier::Level;
use snc_core::verdict::{Outcome, Verdict};
use snc_core::waiver::Waivers;
use std::cmp::{Ordering, Reverse};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Of the controls that said something, at whatever level they apply.
#[derive(Default)]
pub(super) struct Rolled {
    pub counts: Vec<(usize, Counts)>,
    pub findings: Arc<Findings>,
    /// What fails and is waived, by the name under which it is.
    pub waived: BTreeSet<(usize, String)>,
}

/// Under which names an object may be waived.
#[derive(Clone, Copy)]
pub(super) enum Known<'k> {
    ByName,
    /// And by the name of what it was made for.
    OrAs(&'k str),
    /// Several of which one is told: a waiver of that one is none of the others.
    OnlyAs(&'k str),
}

struct Candidate<'a> {
    name: &'a Name,
    control: usize,
    outcome: &'a Arc<Outcome>,
}

pub(super) struct Roll<'a> {
    catalogue: &'a Catalogue,
    kinds: &'a Kinds,
    platform: bool,
    place: &'a str,
    told: Level,
    waivers: Option<&'a Waivers>,
    waived: BTreeSet<(usize, String)>,
    counts: Vec<Counts>,
    candidates: Vec<Candidate<'a>>,
    fail: u32,
    unknown: u32,
}

/// How many may wait before the worst of them are picked.
const WAITING: usize = 20 * Findings::KEPT;

impl<'a> Roll<'a> {
    pub fn new(
        catalogue: &'a Catalogue,
        kinds: &'a Kinds,
        platform: bool,
        place: &'a str,
        told: Level,
        waivers: Option<&'a Waivers>,
    ) -> Self {
        Self {
            catalogue,
            kinds,
            platform,
            place,
            told,
            waivers,
            waived: BTreeSet::new(),
            counts: vec![Counts::default(); catalogue.entries.len()],
            candidates: Vec::new(),
            fail: 0,
            unknown: 0,
        }
    }

    pub const fn place(&self) -> &'a str {
        self.place
    }

    /// The one verdict of a control on an object.
    pub fn say(&mut self, name: &'a Name, control: usize, outcome: &'a Arc<Outcome>) {
        self.say_of(name, Known::ByName, control, outcome);
    }

    pub fn say_of(&mut self, name: &'a Name, known: Known<'_>, control: usize, outcome: &'a Arc<Outcome>) {
        let Some(entry) = self.catalogue.entries.get(control) else { return };
        let reached = match entry.control.scope {
            Scope::Any => true,
            Scope::Tenant => !self.platform,
            Scope::Platform => self.platform || self.place.is_empty(),
        };
        let waived = match outcome.verdict {
            Verdict::Fail if reached => self.waived(name, known, &entry.control.id),
            _ => None,
        };
        let Some(counts) = self.counts.get_mut(control).filter(|_| reached) else { return };
        if let Some(key) = waived {
            counts.add(Verdict::Exempt);
            if entry.control.applies_at(self.told) {
                self.waived.insert((control, key));
            }
            return;
        }
        counts.add(outcome.verdict);
        if !entry.control.applies_at(self.told) {
            return;
        }
        match outcome.verdict {
            Verdict::Fail => self.fail += 1,
            Verdict::Unknown => self.unknown += 1,
            _ => return,
        }
        self.candidates.push(Candidate { name, control, outcome });
        if self.candidates.len() >= WAITING {
            self.pick();
        }
    }

    fn waived(&self, name: &Name, known: Known<'_>, control: &str) -> Option<String> {
        let waivers = self.waivers?;
        let own = || self.kinds.subject(self.place, name).key();
        let keys = match known {
            Known::ByName => vec![own()],
            Known::OrAs(root) => vec![own(), root.to_owned()],
            Known::OnlyAs(root) => vec![root.to_owned()],
        };
        keys.into_iter().find(|key| waivers.covers(control, key).is_some())
    }

    fn pick(&mut self) {
        let Self { catalogue, kinds, .. } = *self;
        let order = |a: &Candidate<'_>, b: &Candidate<'_>| {
            let rank = |one: &Candidate<'_>| rank(catalogue, one.control, one.outcome.verdict);
            rank(a).cmp(&rank(b)).then_with(|| kinds.order(a.name, b.name))
        };
        self.candidates.sort_by(order);
        self.candidates.truncate(Findings::KEPT);
    }

    pub fn end(mut self) -> Rolled {
        self.pick();
        let finding = |one: &Candidate<'_>| Finding {
            control: one.control,
            subject: self.kinds.subject(self.place, one.name),
            outcome: one.outcome.clone(),
        };
        let worst = self.candidates.iter().map(finding).collect();
        let findings = Arc::new(Findings { worst, fail: self.fail, unknown: self.unknown });
        let said = self.counts.into_iter().enumerate().filter(|(_, counts)| *counts != Counts::default());
        Rolled { counts: said.collect(), findings, waived: self.waived }
    }
}

/// Worst verdict first, then severity and control.
fn rank(catalogue: &Catalogue, control: usize, verdict: Verdict) -> impl Ord {
    let severity = catalogue.entries.get(control).map(|entry| entry.control.severity);
    (Reverse(verdict), Reverse(severity), control)
}

/// The order of findings.
pub(super) fn order(catalogue: &Catalogue, a: &Finding, b: &Finding) -> Ordering {
    let rank = |one: &Finding| rank(catalogue, one.control, one.outcome.verdict);
    rank(a).cmp(&rank(b)).then_with(|| a.subject.cmp(&b.subject))
}

/// What is said of everything, by control.
pub(super) type Whole = Vec<Option<Arc<Outcome>>>;

/// Several roll-ups as one, at a level; of the controls whose scope is reached, with what is said of everything.
pub(super) fn tally<'a>(
    catalogue: &Catalogue,
    level: Level,
    whole: &Whole,
    parts: impl Iterator<Item = &'a Rolled>,
    reached: impl Fn(Scope) -> bool,
) -> Tally {
    let mut counts = vec![Counts::default(); catalogue.entries.len()];
    for (control, more) in parts.flat_map(|part| &part.counts) {
        if let Some(held) = counts.get_mut(*control) {
            held.join(*more);
        }
    }
    for ((entry, counts), whole) in catalogue.entries.iter().zip(&mut counts).zip(whole) {
        if !entry.control.applies_at(level) || !reached(entry.control.scope) {
            *counts = Counts::default();
        } else if let Some(outcome) = whole {
            counts.add(outcome.verdict);
        }
    }
    let worst: Vec<Verdict> = counts.iter().map(Counts::worst).collect();
    let numbers = catalogue.numbers(&worst);
    Tally { level, worst, counts, numbers }
}
