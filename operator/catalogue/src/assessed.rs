//! What is known of a whole, of each tenant and of each namespace: the verdicts, rolled up worst first.

use crate::catalogue::Catalogue;
use crate::images::ImageTally;
use crate::scores::{Numbers, RequirementState, States};
use snc_core::tier::Level;
use snc_core::verdict::{Outcome, Subject, Verdict};
use snc_core::waiver::Waivers;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How many objects got which verdict from one control; what is said of the cluster as a whole counts as one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub pass: u32,
    pub fail: u32,
    pub unknown: u32,
    pub exempt: u32,
}

impl Counts {
    pub(crate) fn add(&mut self, verdict: Verdict) {
        let held = match verdict {
            Verdict::Pass => &mut self.pass,
            Verdict::Fail => &mut self.fail,
            Verdict::Unknown => &mut self.unknown,
            Verdict::Exempt => &mut self.exempt,
            Verdict::NotApplicable => return,
        };
        *held = held.saturating_add(1);
    }

    pub(crate) fn join(&mut self, more: Self) {
        self.pass = self.pass.saturating_add(more.pass);
        self.fail = self.fail.saturating_add(more.fail);
        self.unknown = self.unknown.saturating_add(more.unknown);
        self.exempt = self.exempt.saturating_add(more.exempt);
    }

    pub fn worst(&self) -> Verdict {
        match self {
            Self { fail: 1.., .. } => Verdict::Fail,
            Self { unknown: 1.., .. } => Verdict::Unknown,
            Self { exempt: 1.., .. } => Verdict::Exempt,
            Self { pass: 1.., .. } => Verdict::Pass,
            _ => Verdict::NotApplicable,
        }
    }
}

/// The controls' verdicts on one namespace, one tenant or the cluster. Only controls that apply at its level count.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    pub level: Level,
    /// In the catalogue's order.
    pub worst: Vec<Verdict>,
    pub counts: Vec<Counts>,
    /// What a control's own say is not good enough for proves nothing and still disproves.
    pub numbers: Numbers,
}

/// One failure or unknown.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// In the catalogue's order.
    pub control: usize,
    pub subject: Subject,
    pub outcome: Arc<Outcome>,
}

/// The findings of one namespace, or of what has none: worst verdict first, then severity, control and object. Those
/// of controls that apply at its level or at the cluster's: whichever tally counts a failure, it is told here.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Findings {
    /// At most [`Findings::KEPT`].
    pub worst: Arc<[Finding]>,
    pub fail: u32,
    pub unknown: u32,
}

impl Findings {
    pub const KEPT: usize = 200;
}

/// What is known at one instant.
#[derive(Clone)]
pub struct Assessed {
    pub catalogue: Arc<Catalogue>,
    pub cluster: Tally,
    pub tenants: BTreeMap<String, Arc<Tally>>,
    /// Every namespace that something is in; by the profile of its tenant where it has one.
    pub namespaces: BTreeMap<String, Arc<Tally>>,
    /// By namespace; of objects without one, and of the cluster as a whole, under the empty name.
    pub findings: BTreeMap<String, Arc<Findings>>,
    pub waived: Waived,
    /// How the images that run stand, by namespace; all together under the empty name.
    pub images: Arc<BTreeMap<String, ImageTally>>,
}

/// What became of the waivers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Waived {
    /// Those that were in force.
    pub by: Arc<Waivers>,
    /// Of these, the pairs of a control and an object that fail, and are exempt.
    pub pairs: BTreeSet<(String, String)>,
}

impl Tally {
    pub fn score(&self) -> Option<u32> {
        self.numbers.score()
    }

    /// The state of every requirement, in the order of the referential.
    pub fn states(&self, catalogue: &Catalogue) -> Vec<(&'static str, RequirementState)> {
        let states = States::new(catalogue, &self.worst);
        crate::requirements().map(|one| (one.id.as_str(), states.of(one))).collect()
    }
}
