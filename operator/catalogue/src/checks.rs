//! The controls on several objects. Their files stand beside this one, and the build script names them.

use crate::images::Ran;
use crate::profile::Settings;
use jiff::Timestamp;
use snc_core::snapshot::Snapshot;
use snc_core::verdict::{Outcome, Subject};

/// What a control on several objects may look at. Everything that it reads was read.
pub struct World<'a> {
    pub snapshot: &'a Snapshot,
    pub settings: Settings<'a>,
    pub now: Timestamp,
    pub(crate) runs: &'a dyn Ran,
}

/// Says something of each object that the control is about, and of no other.
pub type Check = fn(&World<'_>) -> Vec<(Subject, Outcome)>;

include!(concat!(env!("OUT_DIR"), "/checks.rs"));

pub(crate) fn find(id: &str) -> Option<Check> {
    CHECKS.iter().find(|(found, _)| *found == id).map(|(_, check)| *check)
}
