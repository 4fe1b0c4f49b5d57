//! How the images that run stand, counted: by namespace, and all together under the empty name.

use super::{OVERDUE, Sources, rules};
use crate::catalogue::controls;
use crate::profile::{Profile, Settings};
use jiff::{SignedDuration, Timestamp};
use snc_core::image::Severity;
use snc_core::snapshot::Snapshot;
use snc_images::library::Image;
use snc_images::report::Counts;
use snc_images::verdict::{Judgement, Looked};
use std::collections::{BTreeMap, BTreeSet};

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
    fn add(&mut self, judgement: &Judgement, now: Timestamp) {
        self.running += 1;
        if judgement.is_overdue() || judgement.open.unanalysed > 0 {
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
    snapshot: &Snapshot,
    profile: &Profile,
    now: Timestamp,
) -> BTreeMap<String, ImageTally> {
    let Some(control) = controls().iter().find(|control| control.id == OVERDUE) else {
        return BTreeMap::new();
    };
    let values = profile.values(control);
    let settings = Settings::new(&values);
    let (rules, max_age) = (rules(settings), SignedDuration::from_hours(settings.integer("maxAgeHours")));
    let library = Sources::of(snapshot).library(settings.flag("trustedReports"));
    let mut running: BTreeSet<(&str, Image)> = BTreeSet::new();
    for (subject, pod) in snapshot.pods.iter() {
        for one in pod.running.iter() {
            running.insert((&subject.namespace, Image::of(&one.named, Some(&one.image_id))));
        }
    }
    let mut all: BTreeMap<String, ImageTally> = BTreeMap::new();
    let mut once: BTreeMap<&Image, Judgement> = BTreeMap::new();
    for (namespace, image) in &running {
        let judgement = library.judge(namespace, image, &rules, max_age, now);
        all.entry((*namespace).to_owned()).or_default().add(&judgement, now);
        // Of the same image in several namespaces, as the worst of them has it.
        match once.get_mut(image) {
            Some(held) if judgement.open.overdue.total() > held.open.overdue.total() => *held = judgement,
            Some(_) => {}
            None => drop(once.insert(image, judgement)),
        }
    }
    if !once.is_empty() {
        let whole = all.entry(String::new()).or_default();
        for judgement in once.values() {
            whole.add(judgement, now);
        }
    }
    all
}
