//! Classes and nodes that the platform keeps for somebody else.

use super::{Others, Written};
use serde_json::Value;
use snc_core::reserved::{self, asks};
use snc_core::text::Text;
use snc_core::verdict::Outcome;

/// What asks for nothing that can be kept for somebody passes whatever is known.
pub fn judge(kind: &str, written: &Written<'_>, others: &Result<Others<'_>, Text>) -> Outcome {
    let of = |body: &Value| if body.is_null() { Ok(Vec::new()) } else { asks(kind, body) };
    let asked = match of(written.object) {
        Ok(asked) => asked,
        Err(error) => return Outcome::unreadable(error),
    };
    let before = of(written.before).unwrap_or_default();
    reserved::judge(&asked, &before, written.tenant, others.as_ref().ok().map(|others| others.reserved))
}
