//! What in an event is worth an alarm (12.9.a). Rules are data: one file each under `rules/`, with examples of what they
//! are for and of what they leave alone.

mod clause;
mod reused;
mod rule;
mod settings;

pub use reused::audit_id_reused;
pub use rule::{Broken, Example, Filling, Rule, Rules};
pub use settings::{Expected, Settings};

use crate::attribution::Partition;
use crate::event::{Event, Outcome, Stage};
use clause::Seen;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use snc_core::text::clip;
use std::collections::HashMap;
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Medium,
    High,
    Critical,
}

impl Severity {
    pub const ALL: &'static [Self] = &[Self::Medium, Self::High, Self::Critical];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where in the log the event is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    pub audit_id: String,
    pub stage: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// One rule that one request fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    pub rule: String,
    pub severity: Severity,
    /// Who sent it; empty where the credentials were refused.
    pub user: String,
    /// As whom, where it was done as somebody else.
    pub acting_as: Option<String>,
    pub partition: Partition,
    /// Of the object.
    pub namespace: Option<String>,
    pub verb: String,
    /// `secrets/db`, or a path.
    pub object: String,
    pub outcome: Outcome,
    pub at: Option<Timestamp>,
    pub record: Record,
    /// The same for all the events of one request: a long one has several, and after a crash they come again.
    pub request: u64,
}

/// What a client writes is of any length.
const LONGEST: usize = 253;

impl Raised {
    fn of(rule: &Rule, severity: Severity, event: &Event<'_>, partition: &Partition) -> Self {
        let text = |text: &str| clip(text, LONGEST);
        let object = event.object_ref.as_ref();
        Self {
            rule: rule.id.clone(),
            severity,
            user: text(&event.user.username),
            acting_as: event.impersonated_user.as_ref().map(|user| text(&user.username)),
            partition: partition.clone(),
            namespace: object.map(|object| text(&object.namespace)).filter(|name| !name.is_empty()),
            verb: text(&event.verb),
            object: match object {
                Some(object) if object.name.is_empty() => text(&object.path()),
                Some(object) => text(&format!("{}/{}", object.path(), &*object.name)),
                None => text(&event.request_uri),
            },
            outcome: event.outcome(),
            at: event.time(),
            record: Record {
                audit_id: clip(&event.audit_id, 128),
                stage: clip(event.stage_word(), 32),
                at: event.stage_timestamp,
            },
            request: request(event),
        }
    }
}

/// An Audit-ID alone would let a client make two requests look like one.
fn request(event: &Event<'_>) -> u64 {
    let at = event.request_received_timestamp.map(|at| at.to_string()).unwrap_or_default();
    let parts = [&*event.audit_id, &at, &*event.user.username, &*event.verb, &*event.request_uri];
    digest(&parts.map(str::as_bytes))
}

fn digest(parts: &[&[u8]]) -> u64 {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update(part);
        sha.update([0]);
    }
    let digest: [u8; 32] = sha.finalize().into();
    digest.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

pub struct Detector {
    rules: &'static Rules,
    settings: Settings,
    /// Which clauses to look at for a resource, of any group and subresource: as (rule, clause).
    by_resource: HashMap<&'static str, Vec<(usize, usize)>>,
    /// Those that do not say which resource.
    others: Vec<(usize, usize)>,
}

impl Detector {
    pub fn new(settings: Settings) -> Result<Self, Broken> {
        let rules = Rules::all()?;
        let (mut by_resource, mut others) = (HashMap::<_, Vec<_>>::new(), Vec::new());
        for (at, rule) in rules.iter().enumerate() {
            for (clause_at, clause) in rule.matches.iter().enumerate() {
                let place = (at, clause_at);
                if clause.on.is_empty() {
                    others.push(place);
                }
                for resource in clause.on.iter().flat_map(|on| &on.resources) {
                    let places =
                        by_resource.entry(resource.split('/').next().unwrap_or_default()).or_default();
                    if !places.contains(&place) {
                        places.push(place);
                    }
                }
            }
        }
        Ok(Self { rules, settings, by_resource, others })
    }

    /// What one event raises: each rule once. Of whom it is must be said.
    pub fn look(&self, event: &Event<'_>, partition: &Partition) -> Vec<Raised> {
        // Nothing is known yet of what comes of a request when it comes.
        if event.stage() == Some(Stage::RequestReceived) {
            return Vec::new();
        }
        let named = event.object_ref.as_ref().and_then(|object| self.by_resource.get(&*object.resource));
        let seen = Seen { event, settings: &self.settings };
        let mut raised: Vec<Raised> = Vec::new();
        for (at, clause) in named.into_iter().flatten().chain(&self.others) {
            let rule = &self.rules[*at];
            if rule.matches[*clause].fits(&seen)
                && !raised.iter().any(|raised| raised.rule == rule.id)
                && !self.settings.expects(&rule.id, event)
            {
                raised.push(Raised::of(rule, rule.severity_of(&seen), event, partition));
            }
        }
        raised
    }
}

#[cfg(test)]
mod tests;
