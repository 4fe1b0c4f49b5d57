//! An `EventList`, of which only the items matter.

use super::Items;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use snc_audit::canonical;
use snc_core::text::clip;
use std::borrow::Cow;
use std::ops::Range;
use std::str;

const KIND: &str = "EventList";
const VERSION: &str = "audit.k8s.io/v1";

/// It is no list of events at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    pub field: &'static str,
    pub given: String,
    pub accepted: &'static str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    api_version: Cow<'a, str>,
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
}

/// Whether all of it is as it should be, or items were taken out of what is no JSON as a whole.
pub fn read(body: Bytes) -> Result<(Items, bool), Malformed> {
    let body = match canonical::text(&body) {
        Cow::Borrowed(_) => body,
        // Of an event that holds such bytes, the rest is as good as ever.
        Cow::Owned(text) => text.into(),
    };
    match str::from_utf8(&body).map_err(|error| error.to_string()).and_then(whole) {
        Ok(List { kind, .. }) if kind != KIND => Err(malformed("kind", &kind, KIND)),
        Ok(List { api_version, .. }) if api_version != VERSION => {
            Err(malformed("apiVersion", &api_version, VERSION))
        }
        Ok(List { items, .. }) => {
            let start = body.as_ptr() as usize;
            let of = |item: &&RawValue| {
                let from = item.get().as_ptr() as usize - start;
                from..from + item.get().len()
            };
            let at = items.unwrap_or_default().iter().map(of).collect();
            Ok((Items::new(body, at), true))
        }
        // One broken item must not lose the others.
        Err(why) => match salvage(&body) {
            Some(at) => Ok((Items::new(body, at), false)),
            None => Err(malformed("body", &why, "an EventList of audit.k8s.io/v1 in JSON")),
        },
    }
}

fn whole(text: &str) -> Result<List<'_>, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn malformed(field: &'static str, given: &str, accepted: &'static str) -> Malformed {
    Malformed { field, given: clip(given, 120), accepted }
}

/// Items of a list that cannot be read, told apart by brackets and quotes alone. What cannot be told apart is one item.
fn salvage(body: &[u8]) -> Option<Vec<Range<usize>>> {
    let head = body.get(..body.len().min(4096))?;
    let says = |word: &str| head.windows(word.len()).any(|window| window == word.as_bytes());
    if !says(KIND) || !says("audit.k8s.io") {
        return None;
    }
    let name = br#""items""#;
    let after = body.windows(name.len()).position(|window| window == name)? + name.len();
    let open = after + body.get(after..)?.iter().position(|byte| *byte == b'[')?;
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let (mut items, mut start): (Vec<Range<usize>>, usize) = (Vec::new(), open + 1);
    for (at, byte) in body.iter().enumerate().skip(open + 1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b']' if depth == 0 => {
                items.push(start..at);
                return Some(solid(body, items));
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                items.push(start..at);
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(start..body.len());
    Some(solid(body, items))
}

/// Without white space around them, and without those that are nothing else.
fn solid(body: &[u8], items: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let trimmed = |at: Range<usize>| {
        let item = body.get(at.clone()).unwrap_or_default();
        let from = at.start + (item.len() - item.trim_ascii_start().len());
        from..from + item.trim_ascii().len()
    };
    items.into_iter().map(trimmed).filter(|at| !at.is_empty()).collect()
}

#[cfg(test)]
mod tests;
