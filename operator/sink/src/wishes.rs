//! What the platform and its tenants ask of the log, as it was last read, and what of it holds.
//!
//! It is kept on disk: a sink that starts while nobody answers goes by what was last said, never by less.

mod ratchet;

pub use ratchet::{Held, ratchet};

use crate::keep::files;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use snc_core::lang::Lang;
use snc_core::text::Refusal;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

/// Source: guide, six months; and product, the longest that a platform may be asked for.
pub const DAYS: std::ops::RangeInclusive<u32> = 184..=3650;
pub const PROBE_SECONDS: std::ops::RangeInclusive<u32> = 60..=3600;
pub const PROBE_LIMIT_SECONDS: std::ops::RangeInclusive<u32> = 5..=600;

/// Nothing that it covers is deleted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LegalHold {
    pub name: String,
    /// None: everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    pub reason: String,
    pub since: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wishes {
    /// Of the `SncAuditLog`.
    pub generation: i64,
    pub days: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_days: Option<u32>,
    /// The most that the platform or the tenant itself asks for it.
    pub tenants: BTreeMap<String, u32>,
    pub holds: Vec<LegalHold>,
    pub probe_seconds: u32,
    pub probe_limit_seconds: u32,
}

impl Default for Wishes {
    fn default() -> Self {
        Self {
            generation: 0,
            days: *DAYS.start(),
            maximum_days: None,
            tenants: BTreeMap::new(),
            holds: Vec::new(),
            probe_seconds: 300,
            probe_limit_seconds: 60,
        }
    }
}

impl Wishes {
    /// Whose events these are, or nobody's in particular.
    pub fn days_of(&self, tenant: Option<&str>) -> u32 {
        let asked = tenant.and_then(|tenant| self.tenants.get(tenant)).copied().unwrap_or(self.days);
        asked.max(self.days)
    }
}

/// What holds, for everyone who goes by it.
pub struct Kept {
    file: PathBuf,
    held: Mutex<Held>,
    /// Since the start.
    heard: AtomicBool,
    now: watch::Sender<Wishes>,
    refused: watch::Sender<Vec<Refusal>>,
}

impl Kept {
    /// What was last known, or the least there is.
    pub fn open(file: PathBuf) -> Result<Self, files::Error> {
        let held: Held = files::read(&file)?.unwrap_or_default();
        let now = watch::Sender::new(held.wishes.clone());
        let (held, heard) = (Mutex::new(held), AtomicBool::new(false));
        Ok(Self { file, held, heard, now, refused: watch::Sender::default() })
    }

    pub fn now(&self) -> Wishes {
        self.now.borrow().clone()
    }

    /// Whether they were read since the start. Before that there may be holds that nobody told of.
    pub fn is_known(&self) -> bool {
        self.heard.load(Ordering::Acquire)
    }

    pub fn watch(&self) -> watch::Receiver<Wishes> {
        self.now.subscribe()
    }

    /// What was declared and does not hold.
    pub fn refused(&self) -> Vec<Refusal> {
        self.refused.borrow().clone()
    }

    /// Takes over what was read. It holds once it is on disk: otherwise a restart would forget it, and with it that
    /// nothing lower may follow.
    pub fn take(&self, asked: &Wishes) -> Result<Vec<Refusal>, files::Error> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, refusals) = ratchet(&held, asked);
        if next != *held {
            files::write(&self.file, &next)?;
            self.now.send_if_modified(|now| {
                let differs = *now != next.wishes;
                now.clone_from(&next.wishes);
                differs
            });
            *held = next;
        }
        self.heard.store(true, Ordering::Release);
        let before = self.refused.send_replace(refusals.clone());
        for refusal in refusals.iter().filter(|refusal| !before.contains(refusal)) {
            tracing::warn!(field = refusal.path, "{}", refusal.message(Lang::En));
        }
        Ok(refusals.into_iter().filter(|refusal| !before.contains(refusal)).collect())
    }
}

#[cfg(test)]
mod tests;
