//! Events as they came, one after the other, without a copy of each.

use bytes::Bytes;
use jiff::Timestamp;
use snc_audit::canonical::{self, Hash};
use snc_audit::event::Word;
use snc_audit::{Event, Unreadable};
use std::borrow::Cow;
use std::ops::Range;
use std::str;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// Members of what stands for something that is no JSON object.
const TEXT: &str = "unreadable";
const BYTES: &str = "unreadableBytes";
/// How much it was, where it was more than is kept.
const ALL: &str = "unreadableLength";
const MOST: usize = 8 << 20;

/// Texts within one text.
#[derive(Debug, Clone, Default)]
pub struct Items {
    text: Bytes,
    at: Vec<Range<usize>>,
    /// In memory, as long as they are there.
    _room: Option<Arc<OwnedSemaphorePermit>>,
}

impl Items {
    pub fn new(text: Bytes, at: Vec<Range<usize>>) -> Self {
        Self { text, at, _room: None }
    }

    pub(super) fn in_room(self, room: OwnedSemaphorePermit) -> Self {
        Self { _room: Some(Arc::new(room)), ..self }
    }

    /// One event.
    pub fn one(event: String) -> Self {
        let at = 0..event.len();
        Self::new(event.into(), vec![at])
    }

    pub fn text(&self) -> &Bytes {
        &self.text
    }

    pub fn len(&self) -> usize {
        self.at.len()
    }

    pub fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    pub fn get(&self, nth: usize) -> Option<&[u8]> {
        self.text.get(self.at.get(nth)?.clone())
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.at.iter().map(|at| self.text.get(at.clone()).unwrap_or_default())
    }
}

/// One of them, understood as far as is needed to store it.
#[derive(Debug, Clone)]
pub struct Item<'a> {
    pub hash: Hash,
    /// `auditID` and `stage` of an event.
    pub id: Option<(Word<'a>, Cow<'static, str>)>,
    /// `stageTimestamp`
    pub stage: Option<Timestamp>,
    /// One JSON object on one line.
    pub raw: Cow<'a, str>,
    /// Why it is no event that can be read.
    pub unreadable: Option<Unreadable>,
}

impl<'a> Item<'a> {
    pub fn read(bytes: &'a [u8]) -> Result<Self, Unreadable> {
        let read = match canonical::text(bytes) {
            Cow::Borrowed(text) => Self::of(text),
            // What a client may put into an event must not hide it.
            Cow::Owned(text) => Item::of(&text).map(Item::into_owned),
        };
        match read {
            Ok(item) => Ok(item),
            Err(why) => {
                let raw = wrapped(bytes);
                let hash = canonical::hash(&raw)?;
                Ok(Self { hash, id: None, stage: None, raw: Cow::Owned(raw), unreadable: Some(why) })
            }
        }
    }

    fn of(text: &'a str) -> Result<Self, Unreadable> {
        let (hash, raw) = (canonical::hash(text)?, one_line(text));
        match Event::parse(text) {
            Ok(event) => {
                let stage_name = event.stage().map_or_else(
                    || Cow::Owned(event.stage_word().to_owned()),
                    |stage| Cow::Borrowed(stage.as_str()),
                );
                let (stage, id) = (event.stage_timestamp, Some((event.audit_id, stage_name)));
                Ok(Self { hash, id, stage, raw, unreadable: None })
            }
            Err(why) => Ok(Self { hash, id: None, stage: None, raw, unreadable: Some(why) }),
        }
    }

    fn into_owned<'b>(self) -> Item<'b> {
        let Self { hash, id, stage, raw, unreadable } = self;
        let id = id.map(|(audit_id, name)| (Word::new(audit_id.to_string()), name));
        Item { hash, id, stage, raw: Cow::Owned(raw.into_owned()), unreadable }
    }
}

fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(['\n', '\r']) { Cow::Owned(canonical::line(text)) } else { Cow::Borrowed(text.trim()) }
}

/// A JSON object that holds what came, to the last byte, unless it is more than anybody will look at.
pub fn wrapped(bytes: &[u8]) -> String {
    let (all, bytes) = (bytes.len(), bytes.get(..MOST).unwrap_or(bytes));
    let text = str::from_utf8(bytes).or_else(|error| {
        // The cut may be within a character.
        let whole = (all > MOST && error.error_len().is_none()).then(|| bytes.get(..error.valid_up_to()));
        whole.flatten().map_or(Err(error), str::from_utf8)
    });
    let mut object = serde_json::Map::new();
    if all > MOST {
        object.insert(ALL.to_owned(), all.into());
    }
    if let Ok(text) = text {
        object.insert(TEXT.to_owned(), text.into());
        return serde_json::Value::Object(object).to_string();
    }
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            digits.extend(char::from_digit(u32::from(half), 16));
        }
    }
    object.insert(BYTES.to_owned(), digits.into());
    serde_json::Value::Object(object).to_string()
}

#[cfg(test)]
mod tests;
