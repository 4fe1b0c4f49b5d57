//! What the rest of the sink says, and is told.

use super::access::Access;
use crate::cluster::{Answer, User};
use crate::status::{GapItem, Status};
use jiff::Timestamp;
use serde_json::Value;
use snc_audit::Partition;
use snc_core::text::Refusal;

/// Which alarms are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlarmState {
    Open,
    /// Open for longer than there is time for it.
    Overdue,
    Acknowledged,
}

impl AlarmState {
    pub const ALL: [Self; 3] = [Self::Open, Self::Overdue, Self::Acknowledged];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Overdue => "overdue",
            Self::Acknowledged => "acknowledged",
        }
    }
}

/// What became of an acknowledgement. The alarm is as it is written on disk now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acknowledged {
    Now(Value),
    /// By somebody else, or with another decision. The first one stays.
    Before(Value),
    NoSuchAlarm,
    /// Of the decision, or of whoever decided.
    Refused(Refusal),
}

pub trait House: Send + Sync + 'static {
    /// Everything that was received for that partition up to then is sealed, and so it is in the answers; None, where
    /// that is not known.
    fn sealed_through(&self, partition: &Partition) -> Option<Timestamp>;

    fn gaps(&self) -> Vec<GapItem>;

    /// None until there is one.
    fn status(&self) -> Option<Status>;

    /// All of them, where no state is named; of a partition only those that its own events raised, `from` then on.
    fn alarms(
        &self,
        state: Option<AlarmState>,
        partition: Option<&Partition>,
        from: Option<Timestamp>,
    ) -> Vec<Value>;

    fn acknowledge<'a>(&'a self, id: &'a str, by: &'a User, decision: &'a str) -> Answer<'a, Acknowledged>;

    /// Writes it into the log, source `sink`; durable once this returns. Nothing is read by whom that fails for.
    fn accessed<'a>(&'a self, access: &'a Access) -> Answer<'a, ()>;
}
