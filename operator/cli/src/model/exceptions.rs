//! The exceptions that people asked for, and how each stands by the reader's clock.

use super::Selection;
use jiff::Timestamp;
use serde::Serialize;
use snc_api::v1alpha1::{SncException, SncExceptionStatus};
use snc_core::condition::{kind, reason};
use snc_core::control::Severity;
use snc_index::Declared;
use snc_plan::waivers::{Approval, InForce, Standing, State};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExceptionsReport {
    pub context: String,
    pub date: String,
    pub summary: Summary,
    pub exceptions: Vec<Line>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    pub exceptions: usize,
    pub in_force: usize,
    /// Somebody has to do something about them.
    pub attention: usize,
}

/// How an exception stands. The codes are for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    Unreadable,
    UnknownControl,
    SpecChanged,
    ApprovalRefused,
    Limit,
    ExpiresSoon,
    InForce,
    AwaitingApproval,
    Withdrawn,
    Expired,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    pub name: String,
    pub state: Code,
    pub controls: Vec<String>,
    /// `group/Kind:namespace/name`.
    pub subjects: Vec<String>,
    pub requested_by: String,
    pub approved_by: Option<String>,
    pub until: Option<String>,
    /// Until it ends, in whole seconds; negative since it did.
    pub seconds_left: Option<i64>,
    /// Pairs of a control and an object that fail and are exempt by it, as the operator last found; null where it did
    /// not look.
    pub hits: Option<i64>,
    pub pairs: usize,
    /// Nothing that it waives fails.
    pub matches_nothing: bool,
    pub reason: String,
    pub compensating_measure: String,
    pub ticket: String,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Line {
    pub const fn needs_attention(&self) -> bool {
        let wrong = matches!(
            self.state,
            Code::Unreadable
                | Code::UnknownControl
                | Code::SpecChanged
                | Code::ApprovalRefused
                | Code::Limit
                | Code::ExpiresSoon
        );
        wrong || self.matches_nothing
    }
}

pub fn build(
    context: String,
    all: &[(String, Declared<SncException>)],
    severity: impl Fn(&str) -> Option<Severity>,
    selection: &Selection,
    now: Timestamp,
) -> ExceptionsReport {
    let readable = all.iter().filter_map(|(_, one)| one.as_ref().ok().map(AsRef::as_ref));
    let InForce { standing, .. } = InForce::of(readable, severity, now);
    let mut exceptions: Vec<Line> =
        all.iter().filter_map(|(name, one)| line(name, one, &standing, now)).collect();
    if let Selection::Namespace(namespace) = selection {
        exceptions.retain(|line| line.subjects.iter().any(|key| place(key) == namespace));
    }
    exceptions.sort_by(|a, b| (a.state, a.seconds_left, &a.name).cmp(&(b.state, b.seconds_left, &b.name)));
    let count = |matches: &dyn Fn(&Line) -> bool| exceptions.iter().filter(|line| matches(line)).count();
    let summary = Summary {
        exceptions: exceptions.len(),
        in_force: count(&|line| matches!(line.state, Code::InForce | Code::ExpiresSoon)),
        attention: count(&Line::needs_attention),
    };
    ExceptionsReport { context, date: now.to_string(), summary, exceptions }
}

/// The namespace that an object is in, or is.
fn place(key: &str) -> &str {
    let (kind, rest) = key.split_once(':').unwrap_or_default();
    let (namespace, name) = rest.split_once('/').unwrap_or_default();
    if kind == "core/Namespace" { name } else { namespace }
}

fn line(
    name: &str,
    one: &Declared<SncException>,
    standing: &BTreeMap<String, Standing>,
    now: Timestamp,
) -> Option<Line> {
    let one = match one {
        Ok(one) => one,
        Err(unreadable) => {
            return Some(Line {
                name: name.to_owned(),
                state: Code::Unreadable,
                controls: Vec::new(),
                subjects: Vec::new(),
                requested_by: String::new(),
                approved_by: None,
                until: None,
                seconds_left: None,
                hits: None,
                pairs: 0,
                matches_nothing: false,
                reason: String::new(),
                compensating_measure: String::new(),
                ticket: String::new(),
                note: Some(unreadable.error.clone()),
            });
        }
    };
    let standing = standing.get(name)?;
    let spec = &one.spec;
    let (state, note) = match (&standing.state, &standing.approval) {
        (State::InForce, _) => (Code::InForce, None),
        (State::Soon, _) => (Code::ExpiresSoon, None),
        (State::Expired, _) => (Code::Expired, None),
        (State::Withdrawn, _) => (Code::Withdrawn, None),
        (State::Changed, _) => (Code::SpecChanged, None),
        (State::Limit, _) => (Code::Limit, None),
        (State::UnknownControls(ids), _) => (Code::UnknownControl, Some(ids.join(", "))),
        (State::NotApproved, Approval::Refused(by)) => (Code::ApprovalRefused, Some(by.clone())),
        (State::NotApproved, _) => (Code::AwaitingApproval, None),
    };
    let is_in_force = standing.is_in_force();
    let status = one.status.as_ref().filter(|_| is_in_force);
    Some(Line {
        name: name.to_owned(),
        state,
        controls: spec.controls.clone(),
        subjects: spec.subjects.iter().map(snc_api::v1alpha1::ExceptionSubject::key).collect(),
        requested_by: spec.requested_by.clone(),
        approved_by: match &standing.approval {
            Approval::By(by) => Some(by.clone()),
            Approval::Awaited | Approval::Refused(_) => None,
        },
        until: standing.until.map(|until| until.to_string()),
        seconds_left: standing.until.map(|until| until.as_second() - now.as_second()),
        hits: status.and_then(|status| status.hits),
        pairs: standing.pairs.len(),
        matches_nothing: status.is_some_and(matches_nothing),
        reason: spec.reason.clone(),
        compensating_measure: spec.compensating_measure.clone(),
        ticket: spec.ticket.clone(),
        note,
    })
}

fn matches_nothing(status: &SncExceptionStatus) -> bool {
    let nothing = |c: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition| {
        c.type_ == kind::MATCHING && c.reason == reason::MATCHES_NOTHING
    };
    status.conditions.iter().any(nothing)
}
