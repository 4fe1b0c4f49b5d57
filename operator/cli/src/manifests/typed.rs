//! From a node to a type, with the place of what does not fit.

use super::tree::Node;
use serde::Serialize;
use serde::de::DeserializeOwned;
use snc_core::text::{Text, clip};

/// What does not fit.
pub struct Wrong {
    pub line: u64,
    pub field: String,
    pub what: Text,
}

/// A field of something that stands in a field, or by itself.
pub fn inside(at: &str, path: &str) -> String {
    if at.is_empty() { path.to_owned() } else { format!("{at}.{path}") }
}

pub fn typed<K: DeserializeOwned>(node: &Node, at: &str) -> Result<K, Wrong> {
    serde_path_to_error::deserialize::<_, K>(node.value()).map_err(|error| {
        let path = error.path().to_string();
        let field = match (at, path.as_str()) {
            (at, ".") => at.to_owned(),
            (at, path) => inside(at, path),
        };
        let what = clip(&error.inner().to_string(), 300);
        Wrong { line: node.line_of(error.path()), field, what: Text::new(what.clone(), what) }
    })
}

/// A field that nobody knows may be the one that was meant to close: kubectl refuses it too.
pub fn strict<K: DeserializeOwned + Serialize>(node: &Node, at: &str) -> Result<K, Wrong> {
    let object: K = typed(node, at)?;
    let kept = serde_json::to_value(&object).unwrap_or_default();
    let (Some(spec), Some(kept)) = (node.get("spec"), kept.get("spec")) else { return Ok(object) };
    match spec.first_unknown(kept, &inside(at, "spec")) {
        Some((field, line)) => Err(Wrong { line, field, what: Text::new("champ inconnu", "unknown field") }),
        None => Ok(object),
    }
}
