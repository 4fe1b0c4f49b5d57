//! What the canary tenant tries, again and again: what no tenant may do, in every way that has ever got past a policy,
//! and beside it what every tenant may do. Without the second the first would prove nothing: a request that RBAC or a
//! schema refuses looks the same from afar.

mod attempts;
mod place;

pub use attempts::attempts;
pub use place::{classified, labels, left_behind, pod};

use serde_json::Value;
use snc_core::names::{CANARY, WEBHOOK};

/// How a request is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Create,
    Replace,
    MergePatch,
    JsonPatch,
    StrategicPatch,
    Apply,
    Delete,
    /// A request to enter a pod: for real, since none of these is tried dry.
    Connect,
}

/// What must be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// By this policy, or one of these.
    RefusedBy(Vec<String>),
    /// By the webhook alone, and for this control.
    RefusedByWebhook(String),
    Accepted,
}

/// One request: a dry run, or one that would come to nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// Stable: it is what people are told.
    pub id: String,
    pub verb: Verb,
    pub path: String,
    pub body: Value,
    pub expected: Expected,
    /// What the API server says of it once admission let it pass, where it then comes to nothing.
    pub beyond: Option<&'static str>,
}

impl Attempt {
    /// On the canary's pod: where there is none, that nothing refuses it says nothing.
    pub fn needs_the_pod(&self) -> bool {
        self.path.contains(&format!("/pods/{CANARY}"))
            || (self.verb == Verb::Delete && self.path.ends_with("/pods"))
    }
}

/// What came of all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tried {
    /// Refused by the policy that should.
    pub refused: u32,
    /// A tenant got through.
    pub allowed: Vec<String>,
    /// Something else answered: nothing is proven.
    pub unproven: Vec<String>,
}

impl Tried {
    /// `answer`: what the API server said no with, if it did; none without any answer.
    pub fn note(&mut self, attempt: &Attempt, answer: Option<Result<(), &str>>) {
        let held = match (&attempt.expected, answer) {
            (Expected::Accepted, Some(Ok(()))) => return,
            (Expected::RefusedBy(_) | Expected::RefusedByWebhook(_), Some(answer))
                if answer.is_ok()
                    || attempt.beyond.zip(answer.err()).is_some_and(|(text, said)| said.contains(text)) =>
            {
                self.allowed.push(attempt.id.clone());
                return;
            }
            (Expected::RefusedBy(policies), Some(Err(message))) => policies
                .iter()
                .any(|policy| message.contains(&format!("ValidatingAdmissionPolicy '{policy}'"))),
            (Expected::RefusedByWebhook(control), Some(Err(message))) => message
                .split_once(&format!(".{WEBHOOK}\" denied the request: "))
                .is_some_and(|(_, said)| said.contains(control.as_str())),
            (_, _) => false,
        };
        if held {
            self.refused += 1;
        } else {
            self.unproven.push(attempt.id.clone());
        }
    }
}

#[cfg(test)]
mod tests;
