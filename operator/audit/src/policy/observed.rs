//! What the events themselves tell of the policy that made them. No event proves that nothing is left out; but what was
//! seen was recorded, and one event that the expected policy would not have made so proves that another one is applied.

use super::mandatory::MANDATORY;
use super::wishes::BODIES;
use super::{Attributes, AuditPolicy, Target, decide, matches};
use crate::event::{Event, Level, Outcome, Stage};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use snc_core::text::{Text, clip};
use std::collections::BTreeMap;

/// Source: product.
const MOST_EXAMPLES: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// The content of what must never be recorded with its content.
    Body,
    /// Less than is asked for.
    Below,
    /// More than is asked for, or what was not asked for at all.
    Above,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contradiction {
    pub kind: Kind,
    pub expected: Level,
    pub seen: Level,
    pub audit_id: String,
    pub stage: String,
    pub verb: String,
    pub object: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// One kind of mandatory events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    pub count: u64,
    pub lowest: Level,
    pub highest: Level,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
}

/// What is seen to be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// There was no event yet.
    Unknown,
    /// Every one of so many events is as asked for. Kinds of which none was seen are in `unseen`.
    Agrees {
        events: u64,
        unseen: Vec<&'static str>,
    },
    Contradicted {
        events: u64,
        contradictions: u64,
    },
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observed {
    events: u64,
    contradictions: u64,
    bodies: u64,
    examples: Vec<Contradiction>,
    seen: BTreeMap<String, Sighting>,
}

impl Observed {
    /// One more event, by the policy that is expected to have made it.
    pub fn see(&mut self, expected: &AuditPolicy, event: &Event<'_>) {
        let Some(seen) = event.level else { return };
        self.events = self.events.saturating_add(1);
        let attributes = Attributes::of(event);
        let at = event.time();
        for kind in MANDATORY.iter().filter(|kind| kind.covers(&attributes)) {
            // Seen by reference most of the time: the name is written once.
            if let Some(sighting) = self.seen.get_mut(kind.id) {
                sighting.count = sighting.count.saturating_add(1);
                sighting.lowest = sighting.lowest.min(seen);
                sighting.highest = sighting.highest.max(seen);
                sighting.last = sighting.last.max(at);
            } else {
                let sighting = Sighting { count: 1, lowest: seen, highest: seen, last: at };
                self.seen.insert(kind.id.to_owned(), sighting);
            }
        }
        let decision = decide(expected, &attributes);
        let known = event.stage().is_none_or(|stage: Stage| decision.records(stage));
        let kind = if has_body(event, &attributes) {
            Kind::Body
        } else if seen < decision.level {
            Kind::Below
        } else if seen > decision.level || !known {
            Kind::Above
        } else {
            return;
        };
        self.contradictions = self.contradictions.saturating_add(1);
        self.bodies = self.bodies.saturating_add(u64::from(kind == Kind::Body));
        // Secrets in the log are told whatever else there is.
        let place = if self.examples.len() < MOST_EXAMPLES {
            Some(self.examples.len())
        } else {
            self.examples.iter().rposition(|example| example.kind > kind)
        };
        if let Some(place) = place {
            let object = event.object_ref.as_ref();
            let contradiction = Contradiction {
                kind,
                expected: decision.level,
                seen,
                audit_id: clip(&event.audit_id, 128),
                stage: clip(event.stage_word(), 32),
                verb: clip(&event.verb, 32),
                object: object
                    .map_or_else(|| clip(&event.request_uri, 120), |object| clip(&object.path(), 120)),
                at,
            };
            if place == self.examples.len() {
                self.examples.push(contradiction);
            } else {
                self.examples[place] = contradiction;
            }
        }
    }

    pub fn applied(&self) -> Applied {
        match (self.events, self.contradictions) {
            (0, _) => Applied::Unknown,
            (events, 0) => Applied::Agrees { events, unseen: self.unseen().collect() },
            (events, contradictions) => Applied::Contradicted { events, contradictions },
        }
    }

    /// Kinds of mandatory events of which there was none: nothing is known of them.
    pub fn unseen(&self) -> impl Iterator<Item = &'static str> {
        MANDATORY.iter().map(|kind| kind.id).filter(|id| !self.seen.contains_key(*id))
    }

    pub fn seen(&self) -> impl Iterator<Item = (&str, &Sighting)> {
        self.seen.iter().map(|(id, sighting)| (id.as_str(), sighting))
    }

    pub const fn bodies(&self) -> u64 {
        self.bodies
    }

    /// The first ones, those with secrets before all.
    pub fn contradictions(&self) -> &[Contradiction] {
        &self.examples
    }

    /// After another policy was put in force.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

/// Of a Secret, a ConfigMap or a token; a refusal's own text is none of it.
fn has_body(event: &Event<'_>, attributes: &Attributes<'_>) -> bool {
    let Target::Resource { group, resource, subresource, .. } = attributes.target else { return false };
    BODIES.iter().any(|(of, kept)| *of == group && matches::is(kept, resource, subresource))
        && (event.request_object.is_some()
            || (event.response_object.is_some() && event.outcome() == Outcome::Allowed))
}

impl Contradiction {
    pub fn message(&self) -> Text {
        let Self { kind, expected, seen, audit_id, stage, verb, object, .. } = self;
        let (fr, en) = match kind {
            Kind::Body => {
                ("le contenu d'un secret est dans le journal", "the content of a secret is in the log")
            }
            Kind::Below => ("moins que demandé", "less than is asked for"),
            Kind::Above => ("plus que demandé", "more than is asked for"),
        };
        Text::new(
            format!("{verb} {object} ({audit_id}, {stage}) : {fr}, niveau {seen}, attendu {expected}"),
            format!("{verb} {object} ({audit_id}, {stage}): {en}, level {seen}, expected {expected}"),
        )
    }
}
