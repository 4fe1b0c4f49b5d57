//! Which events are one and the same. A line of the log file and an item of an `EventList` differ in their `kind` and
//! `apiVersion` alone; two texts of one event may differ in white space, in the order of members and in how a character
//! is escaped. Nothing else is left out: two numbers that are written in two ways are two events, for a number that does
//! not fit would otherwise hide another one. Members of the same name keep their order, all of them.

mod scan;
mod text;

use crate::error::Unreadable;
use scan::{Kind, Node, Tape};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// SHA-256 of the canonical form of a whole event.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

pub fn hash(raw: &str) -> Result<Hash, Unreadable> {
    Ok(Hash(Sha256::digest(form(raw)?).into()))
}

/// The text of an event as it came over the wire or is in the log file. The API server writes down the body of a patch as
/// the client sent it, bytes that are no UTF-8 among it (seen on v1.36.3): whoever takes such an event for unreadable lets
/// a client hide a request from every rule. What is no character becomes U+FFFD, the same one from every source.
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// The same event without white space between its parts, and so on one line.
pub fn line(raw: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(raw.len()), raw);
    while let Some(at) = rest.find(|c: char| c == '"' || c.is_ascii_whitespace()) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let taken = if from.starts_with('"') { text::string_end(from) } else { 0 };
        out.push_str(&from[..taken]);
        rest = &from[taken.max(1)..];
    }
    out.push_str(rest);
    out
}

/// What is left to write of an object or a list.
struct Open {
    /// Of an object: where its keys are on the tape, in order. Of a list: nothing.
    keys: std::vec::IntoIter<u32>,
    /// Of a list: its next item.
    next: u32,
    end: u32,
    list: bool,
    first: bool,
}

/// What is hashed.
pub fn form(raw: &str) -> Result<String, Unreadable> {
    let tape = Tape::scan(raw)?;
    let mut out = String::with_capacity(raw.len());
    let nodes = &tape.nodes;
    if !matches!(nodes.first(), Some(node) if node.kind == Kind::Object) {
        return Err(Unreadable::NotAnObject);
    }
    let mut root = open(raw, nodes, 0);
    let named = |key: &u32| !matches!(&*text::decoded(slice(raw, nodes, *key)), b"kind" | b"apiVersion");
    root.keys = root.keys.filter(named).collect::<Vec<_>>().into_iter();
    out.push('{');
    let mut stack = vec![root];
    while let Some(top) = stack.last_mut() {
        let key = if top.list { None } else { top.keys.next() };
        let value = match key {
            Some(key) => key + 1,
            None if top.list && top.next < top.end => top.next,
            None => {
                out.push(if top.list { ']' } else { '}' });
                stack.pop();
                continue;
            }
        };
        if !std::mem::replace(&mut top.first, false) {
            out.push(',');
        }
        if let Some(key) = key {
            scalar(raw, nodes, key, &mut out);
            out.push(':');
        }
        let node = &nodes[value as usize];
        top.next = node.next;
        if node.plain {
            out.push_str(slice(raw, nodes, value));
        } else if node.kind == Kind::Scalar {
            scalar(raw, nodes, value, &mut out);
        } else {
            out.push(if node.kind == Kind::List { '[' } else { '{' });
            stack.push(open(raw, nodes, value));
        }
    }
    Ok(out)
}

fn slice<'a>(raw: &'a str, nodes: &[Node], at: u32) -> &'a str {
    let node = &nodes[at as usize];
    &raw[node.start as usize..node.end as usize]
}

fn scalar(raw: &str, nodes: &[Node], at: u32, out: &mut String) {
    let text = slice(raw, nodes, at);
    if nodes[at as usize].plain { out.push_str(text) } else { text::escape(text, out) }
}

fn open(raw: &str, nodes: &[Node], at: u32) -> Open {
    let node = &nodes[at as usize];
    let mut open = Open {
        keys: Vec::new().into_iter(),
        next: at + 1,
        end: node.next,
        list: node.kind == Kind::List,
        first: true,
    };
    if node.kind == Kind::Object {
        let mut keys = Vec::new();
        let mut key = at + 1;
        while key < node.next {
            keys.push(key);
            key = nodes[key as usize + 1].next;
        }
        if !node.sorted {
            // Stable: members of the same name stay in the order of the text.
            let mut named: Vec<(Cow<'_, [u8]>, u32)> =
                keys.iter().map(|key| (text::decoded(slice(raw, nodes, *key)), *key)).collect();
            named.sort_by(|a, b| a.0.cmp(&b.0));
            keys.clear();
            keys.extend(named.into_iter().map(|(_, key)| key));
        }
        open.keys = keys.into_iter();
    }
    open
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// 64 digits in lower case are accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 in lower-case hexadecimal: {0:?}")]
pub struct NotAHash(String);

impl FromStr for Hash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let wrong = || NotAHash(snc_core::text::clip(text, 70));
        let mut bytes = [0; 32];
        if text.len() != 64 {
            return Err(wrong());
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let (high, low) = digit(pair[0]).zip(digit(pair[1])).ok_or_else(wrong)?;
            *byte = high << 4 | low;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
