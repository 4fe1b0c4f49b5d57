//! What we say of each kind, as data; one file per kind.

mod assessment;
mod baseline;
mod control;
mod controls;
mod images;
mod policy;
mod tenant;

pub use assessment::assessment_status;
pub use baseline::baseline_status;
pub use control::{CompileError, Compiled, MAX_CONTROLS, control_status, within_limit};
pub use images::{ImageNotice, image_notice};
pub use policy::{network_status, overdue, policy_status};
pub use tenant::{TenantView, tenant_view};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use snc_core::lang::Lang;
use snc_core::text::{Text, clip};

/// A step that the API server refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failure {
    /// A reason of `snc_core::condition::reason`.
    pub reason: &'static str,
    pub what: String,
    pub error: String,
}

/// An answer with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: &'static str,
    pub reason: &'static str,
    pub message: Text,
}

impl Answer {
    pub fn yes(reason: &'static str, fr: impl Into<String>, en: impl Into<String>) -> Self {
        Self { status: "True", reason, message: Text::new(fr, en) }
    }

    pub fn no(reason: &'static str, fr: impl Into<String>, en: impl Into<String>) -> Self {
        Self { status: "False", reason, message: Text::new(fr, en) }
    }

    pub fn unknown(reason: &'static str, fr: impl Into<String>, en: impl Into<String>) -> Self {
        Self { status: "Unknown", reason, message: Text::new(fr, en) }
    }

    /// As a condition; the time of transition is kept while the status stays.
    pub(crate) fn condition(self, kind: &str, previous: &[Condition], context: &Context) -> Condition {
        let held = previous.iter().find(|c| c.type_ == kind && c.status == self.status);
        Condition {
            type_: kind.to_owned(),
            status: self.status.to_owned(),
            reason: self.reason.to_owned(),
            message: clip(self.message.get(context.lang), 2000),
            observed_generation: context.generation,
            last_transition_time: held.map_or(Time(context.now), |c| c.last_transition_time.clone()),
        }
    }
}

pub(crate) struct Context {
    pub lang: Lang,
    pub generation: Option<i64>,
    pub now: Timestamp,
}

/// The first few of a list, and how many there are.
pub(crate) fn first<T: AsRef<str>>(items: &[T], shown: usize) -> String {
    let list = items.iter().take(shown).map(AsRef::as_ref).collect::<Vec<_>>().join(" | ");
    if items.len() > shown { format!("{list} | … ({})", items.len()) } else { list }
}

pub(crate) fn count_of(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub(crate) fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
