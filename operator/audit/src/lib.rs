//! What audit events of the API server mean: their identity, whose they are, what is wrong in them, and the policy that
//! asks for them. No I/O and no clock.

pub mod alarms;
pub mod attribution;
pub mod canonical;
pub mod detect;
pub mod event;
pub mod flags;
pub mod policy;
pub mod who;

mod error;
#[cfg(test)]
mod quick;

pub use alarms::{Alarm, Alarms};
pub use attribution::{Directory, Partition, Reason, TenantName};
pub use canonical::Hash;
pub use detect::{Detector, Raised, Severity};
pub use error::Unreadable;
pub use event::{Event, Level, Outcome, Stage};
