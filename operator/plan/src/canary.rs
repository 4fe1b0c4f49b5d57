//! What the canary tenant tries, again and again: what no tenant may do, in every way that has ever got past a policy,
//! and beside it what every tenant may do. Without the second the first would prove nothing: a request that RBAC or a
//! schema refuses looks the same from afar.

mod attempts;
mod place;

pub use attempts::attempts;
pub use place::{labels, left_behind, pod};

use serde_json::Value;

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
}

/// What must be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// By this policy, or one of these.
    RefusedBy(Vec<String>),
    Accepted,
}

/// One request, never more than a dry run.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// Stable: it is what people are told.
    pub id: String,
    pub verb: Verb,
    pub path: String,
    pub body: Value,
    pub expected: Expected,
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
            (Expected::RefusedBy(_), Some(Ok(()))) => {
                self.allowed.push(attempt.id.clone());
                return;
            }
            (Expected::RefusedBy(policies), Some(Err(message))) => policies
                .iter()
                .any(|policy| message.contains(&format!("ValidatingAdmissionPolicy '{policy}'"))),
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
