//! Which exceptions are in force at an instant. What is said of each is in [`status`].

mod status;
#[cfg(test)]
mod tests;

pub use status::{Notice, exception_status, notices, same};

use jiff::{SignedDuration, Timestamp};
use snc_api::v1alpha1::{SncException, SncWaiverSet, SncWaiverSetSpec};
use snc_core::control::Severity;
use snc_core::names::WAIVERS;
use snc_core::waiver::Waivers;
use std::collections::{BTreeMap, BTreeSet};

/// It is said so long before an exception ends.
pub const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Of everything that is published. What does not fit is not in force.
pub const MAX_BYTES: usize = 256 * 1024;

/// Days that a waiver of a control lasts at most, from the creation of its exception. Source: `product`.
pub const fn longest(severity: Severity) -> i64 {
    match severity {
        Severity::Critical => 30,
        Severity::High => 90,
        Severity::Medium => 180,
        Severity::Low => 365,
    }
}

/// Who approves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approval {
    Awaited,
    By(String),
    /// There is a name, but the guard would not have taken it.
    Refused(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    InForce,
    /// In force for less than [`SOON`].
    Soon,
    Expired,
    NotApproved,
    /// It is being deleted.
    Withdrawn,
    /// What was approved is not what is there.
    Changed,
    UnknownControls(Vec<String>),
    /// Of the waivers in force there are too many.
    Limit,
}

/// How one exception stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub approval: Approval,
    pub state: State,
    /// None where its controls do not say.
    pub until: Option<Timestamp>,
    /// The severest control, where its time is shorter than what is asked for.
    pub cut: Option<Severity>,
    /// Control and object.
    pub pairs: BTreeSet<(String, String)>,
}

impl Standing {
    pub const fn is_in_force(&self) -> bool {
        matches!(self.state, State::InForce | State::Soon)
    }
}

/// How all of them stand at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InForce {
    pub waivers: Waivers,
    pub standing: BTreeMap<String, Standing>,
    /// When it is next another.
    pub next: Option<Timestamp>,
}

impl InForce {
    /// `severity` of a control that is known. The oldest come first, so that a new one pushes none out.
    pub fn of<'a>(
        exceptions: impl IntoIterator<Item = &'a SncException>,
        severity: impl Fn(&str) -> Option<Severity>,
        now: Timestamp,
    ) -> Self {
        let mut by_age: Vec<(Option<Timestamp>, &str, &SncException)> = exceptions
            .into_iter()
            .filter_map(|one| Some((created(one), one.metadata.name.as_deref()?, one)))
            .collect();
        by_age.sort_by_key(|(created, name, _)| (*created, *name));
        let mut all = Self::default();
        let mut bytes = 0;
        for (_, name, exception) in by_age {
            let mut standing = stand(exception, &severity, now);
            if standing.is_in_force() {
                let added = all.size(&standing.pairs);
                if bytes + added > MAX_BYTES {
                    standing.state = State::Limit;
                } else {
                    bytes += added;
                    for (control, key) in &standing.pairs {
                        all.waivers.grant(control, key, name);
                    }
                }
            }
            if let (true, Some(until)) = (standing.is_in_force(), standing.until) {
                let soon = until.checked_sub(SOON).ok();
                let to_come = [soon, Some(until)].into_iter().flatten().filter(|at| *at > now);
                all.next = to_come.chain(all.next).min();
            }
            all.standing.insert(name.to_owned(), standing);
        }
        all
    }

    /// What more pairs take where they are published.
    fn size(&self, pairs: &BTreeSet<(String, String)>) -> usize {
        let fresh = pairs.iter().filter(|(control, key)| self.waivers.covers(control, key).is_none());
        fresh.map(|(control, key)| control.len() + key.len() + 1).sum()
    }
}

fn created(exception: &SncException) -> Option<Timestamp> {
    exception.metadata.creation_timestamp.as_ref().map(|time| time.0)
}

fn stand(exception: &SncException, severity: &impl Fn(&str) -> Option<Severity>, now: Timestamp) -> Standing {
    let spec = &exception.spec;
    let pair = |control: &String| {
        spec.subjects.iter().map(|subject| (control.clone(), subject.key())).collect::<Vec<_>>()
    };
    let known: Vec<Severity> = spec.controls.iter().filter_map(|control| severity(control)).collect();
    let unknown: Vec<String> =
        spec.controls.iter().filter(|control| severity(control).is_none()).cloned().collect();
    let severest = known.into_iter().max();
    let latest = created(exception).zip(severest).and_then(|(created, severest)| {
        created.checked_add(SignedDuration::from_hours(24 * longest(severest))).ok()
    });
    let until = latest.map(|latest| latest.min(spec.expires_on.0));
    let approval = approval(exception);
    let state = match (&approval, until) {
        _ if exception.metadata.deletion_timestamp.is_some() => State::Withdrawn,
        // The API server counts the versions of a specification, and this one never has a second.
        _ if exception.metadata.generation != Some(1) => State::Changed,
        _ if !unknown.is_empty() => State::UnknownControls(unknown),
        (_, Some(until)) if until <= now => State::Expired,
        (Approval::Awaited | Approval::Refused(_), _) | (_, None) => State::NotApproved,
        (Approval::By(_), Some(until)) if until.duration_since(now) <= SOON => State::Soon,
        (Approval::By(_), Some(_)) => State::InForce,
    };
    Standing {
        approval,
        state,
        until,
        cut: severest.filter(|_| until.is_some_and(|until| until < spec.expires_on.0)),
        pairs: spec.controls.iter().flat_map(pair).collect(),
    }
}

/// The guard sees to it as it is written; where the guard was away, this does.
fn approval(exception: &SncException) -> Approval {
    let by = exception.status.as_ref().and_then(|status| status.approved_by.as_deref());
    match by.filter(|by| !by.is_empty()) {
        None => Approval::Awaited,
        Some(by) if by == exception.spec.requested_by || by.starts_with("system:serviceaccount:") => {
            Approval::Refused(by.to_owned())
        }
        Some(by) => Approval::By(by.to_owned()),
    }
}

/// What policies of the API server read.
pub fn waiver_set(namespace: &str, waivers: &Waivers) -> SncWaiverSet {
    SncWaiverSet {
        metadata: crate::objects::meta(namespace, WAIVERS, "waivers"),
        spec: SncWaiverSetSpec { waivers: waivers.published() },
    }
}
