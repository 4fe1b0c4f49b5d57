//! How the images that run stand, counted: by namespace, and all together under the empty name.

use super::signed::{Signers, control as signed_control};
use super::{OVERDUE, Question, Ran, Scale};
use crate::catalogue::controls;
use crate::profile::{Profile, Settings};
use jiff::Timestamp;
use snc_core::image::{Severity, Signatures};
use snc_core::verdict::Verdict;
use snc_images::library::Image;
use snc_images::report::Counts;
use snc_images::verdict::{Judgement, Looked};
use std::collections::BTreeMap;

/// Every image counts once, however many pods run it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImageTally {
    pub running: u64,
    pub in_time: u64,
    pub overdue: u64,
    /// Neither: nobody knows.
    pub unknown: u64,
    /// Of those, the ones of which there is no scan.
    pub unscanned: u64,
    /// By a declared key; counted only where any is declared.
    pub signed: u64,
    pub unsigned: u64,
    /// It is not known whether they are.
    pub unverified: u64,
    /// Vulnerabilities that are to be mended, the overdue among them.
    pub open: Counts,
    pub past: Counts,
    /// More than half of their time is gone; and more than four fifths.
    pub half: u64,
    pub late: u64,
    /// When the first of those that are not past falls due.
    pub next: Option<Timestamp>,
}

impl ImageTally {
    fn add(&mut self, judgement: &Judgement, signed: Option<Verdict>, now: Timestamp) {
        self.running += 1;
        match signed {
            Some(Verdict::Pass) => self.signed += 1,
            Some(Verdict::Fail) => self.unsigned += 1,
            Some(_) => self.unverified += 1,
            None => {}
        }
        if judgement.is_past_a_deadline() {
            self.overdue += 1;
        } else if judgement.is_uncertain() {
            self.unknown += 1;
        } else {
            self.in_time += 1;
        }
        self.unscanned += u64::from(judgement.looked == Looked::Never);
        let (mut open, mut past) = (judgement.open.all, judgement.open.overdue);
        for severity in Severity::ALL {
            *self.open.at(severity) += *open.at(severity);
            *self.past.at(severity) += *past.at(severity);
        }
        self.half += judgement.open.half;
        self.late += judgement.open.late;
        let next = judgement.due.iter().map(|due| due.at).find(|at| *at > now);
        self.next = [self.next, next].into_iter().flatten().min();
    }
}

/// By the parameters of what judges deadlines.
pub(crate) fn tallies(
    runs: &dyn Ran,
    signatures: Option<&Signatures>,
    profile: &Profile,
    now: Timestamp,
) -> BTreeMap<String, ImageTally> {
    let Some(control) = controls().iter().find(|control| control.id == OVERDUE) else {
        return BTreeMap::new();
    };
    let values = profile.values(control);
    let judged = runs.judged(&Scale::of(Settings::new(&values)), Question::Overdue, now);
    let values = signed_control().map(|control| profile.values(control)).unwrap_or_default();
    let signers = Some(Signers::new(Settings::new(&values), signatures)).filter(Signers::declares);
    // One image may be named in several ways, and only some of them may be signed.
    let mut here: BTreeMap<(&str, &Image), Stands<'_>> = BTreeMap::new();
    for (run, judgement) in runs.table().images.iter().zip(judged.iter()) {
        let signed = signers.as_ref().map(|signers| signers.of(run).verdict);
        let held = here.entry((run.namespace, &run.image)).or_insert(Stands { judgement, signed });
        held.signed = held.signed.max(signed);
    }
    let mut all: BTreeMap<String, ImageTally> = BTreeMap::new();
    let mut once: BTreeMap<&Image, Stands<'_>> = BTreeMap::new();
    for ((namespace, image), Stands { judgement, signed }) in here {
        all.entry(namespace.to_owned()).or_default().add(judgement, signed, now);
        // Of the same image in several namespaces, as the worst of them has it.
        let held = once.entry(image).or_insert(Stands { judgement, signed });
        held.signed = held.signed.max(signed);
        if judgement.open.overdue.total() > held.judgement.open.overdue.total() {
            held.judgement = judgement;
        }
    }
    if !once.is_empty() {
        let whole = all.entry(String::new()).or_default();
        for Stands { judgement, signed } in once.into_values() {
            whole.add(judgement, signed, now);
        }
    }
    all
}

/// How an image stands.
struct Stands<'a> {
    judgement: &'a Judgement,
    /// None where no key is declared.
    signed: Option<Verdict>,
}
