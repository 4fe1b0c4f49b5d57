//! One event as it is kept: a line of JSON, chained to the line before it.

use crate::Partition;
use crate::digest::{Chain, sha256};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    Webhook,
    File,
    /// Whoever keeps the log says something about it: an alarm, a gap, a reader.
    Sink,
}

/// An event that is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// In the journal of whoever keeps it: counted from one, never used twice.
    pub position: u64,
    pub received: Timestamp,
    pub source: Source,
    pub server: String,
    /// Why it is of this partition.
    pub why: String,
    /// As it was received: a JSON object on one line.
    pub raw: String,
}

/// An event that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Dense in its partition, from one.
    pub seq: u64,
    pub at: Timestamp,
    pub source: Source,
    pub server: String,
    pub why: String,
    pub chain: Chain,
    pub event: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a record of the log")]
pub struct NotARecord;

/// Ends what comes before the event. No text in there can hold it: a quotation mark inside of one is escaped.
const EVENT: &str = ",\"event\":";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Front {
    seq: u64,
    at: Timestamp,
    src: Source,
    server: String,
    why: String,
    chain: Chain,
}

/// What the chain is over, in a form that has no two readings.
pub(crate) struct Content<'a> {
    pub(crate) seq: u64,
    pub(crate) at: Timestamp,
    pub(crate) source: Source,
    pub(crate) server: &'a str,
    pub(crate) why: &'a str,
    pub(crate) event: &'a str,
}

impl Content<'_> {
    fn hash(&self) -> [u8; 32] {
        let Self { seq, at, source, server, why, event } = self;
        let source = [match source {
            Source::Webhook => 1_u8,
            Source::File => 2,
            Source::Sink => 3,
        }];
        let length = |text: &str| (text.len() as u64).to_be_bytes();
        sha256(&[
            &seq.to_be_bytes(),
            &at.as_second().to_be_bytes(),
            &at.subsec_nanosecond().to_be_bytes(),
            &source,
            &length(server),
            server.as_bytes(),
            &length(why),
            why.as_bytes(),
            &length(event),
            event.as_bytes(),
        ])
    }

    pub(crate) fn after(&self, before: Chain) -> Chain {
        Chain::new(sha256(&[b"snc-record-1", before.as_bytes(), &self.hash()]))
    }

    pub(crate) fn write(&self, chain: Chain, line: &mut String) {
        use std::fmt::Write as _;
        let Self { seq, at, source, server, why, event } = self;
        // Writing to a String does not fail.
        let _ = write!(line, "{{\"seq\":{seq},\"at\":\"{at}\",\"src\":\"{source}\",\"server\":");
        quote(server, line);
        line.push_str(",\"why\":");
        quote(why, line);
        line.push_str(",\"chain\":\"");
        chain.encode(line);
        line.push('"');
        line.push_str(EVENT);
        line.push_str(event);
        line.push('}');
    }
}

fn quote(text: &str, line: &mut String) {
    let plain = text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\');
    if plain {
        line.push('"');
        line.push_str(text);
        line.push('"');
    } else {
        line.push_str(&serde_json::Value::from(text).to_string());
    }
}

impl Record {
    /// One line, without its end.
    pub fn parse(line: &str) -> Result<Self, NotARecord> {
        let (front, event) = line.split_once(EVENT).ok_or(NotARecord)?;
        let event = event.strip_suffix('}').filter(|event| event.starts_with('{')).ok_or(NotARecord)?;
        let Front { seq, at, src: source, server, why, chain } =
            serde_json::from_str(&format!("{front}}}")).map_err(|_| NotARecord)?;
        Ok(Self { seq, at, source, server, why, chain, event: event.to_owned() })
    }

    pub fn line(&self) -> String {
        let mut line = String::with_capacity(self.event.len() + 256);
        self.content().write(self.chain, &mut line);
        line
    }

    /// What its chain has to be, after the one of the record before it.
    pub(crate) fn chained(&self, before: Chain) -> Chain {
        self.content().after(before)
    }

    fn content(&self) -> Content<'_> {
        let Self { seq, at, source, server, why, event, .. } = self;
        Content { seq: *seq, at: *at, source: *source, server, why, event }
    }
}

/// Where the chain of a partition begins: at another place in each, so that none can be taken for another.
pub(crate) fn genesis(partition: &Partition) -> Chain {
    Chain::new(sha256(&[b"snc-partition-1", partition.to_string().as_bytes()]))
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Webhook => "webhook",
            Self::File => "file",
            Self::Sink => "sink",
        })
    }
}

impl FromStr for Source {
    type Err = NotARecord;

    fn from_str(text: &str) -> Result<Self, NotARecord> {
        match text {
            "webhook" => Ok(Self::Webhook),
            "file" => Ok(Self::File),
            "sink" => Ok(Self::Sink),
            _ => Err(NotARecord),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn any_record() -> impl Strategy<Value = Record> {
        let texts = ("\\PC{0,8}", ".{0,8}");
        let event = proptest::collection::btree_map(".{0,6}", ".{0,12}", 0..4);
        let sources = proptest::sample::select(vec![Source::Webhook, Source::File, Source::Sink]);
        (1..u64::MAX, -1_000_000_000_000_i64..4_000_000_000_000_000, texts, event, any::<[u8; 32]>(), sources)
            .prop_map(|(seq, micros, (server, why), event, chain, source)| Record {
                seq,
                at: Timestamp::from_microsecond(micros).unwrap(),
                source,
                server,
                why,
                chain: Chain::new(chain),
                event: serde_json::to_string(&event).unwrap(),
            })
    }

    proptest! {
        #[test]
        fn a_line_is_json_and_is_read_back(record in any_record()) {
            let line = record.line();
            prop_assert!(!line.contains('\n'));
            prop_assert_eq!(Record::parse(&line), Ok(record.clone()));
            let value: Value = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(value["seq"].as_u64(), Some(record.seq));
            prop_assert_eq!(value["server"].as_str(), Some(record.server.as_str()));
            prop_assert_eq!(value["event"].to_string(), record.event);
        }

        #[test]
        fn the_chain_is_over_everything(one in any_record(), other in any_record()) {
            let before = Chain::new([7; 32]);
            let same = Record { chain: one.chain, ..other.clone() } == one;
            prop_assert_eq!(one.chained(before) == other.chained(before), same);
            prop_assert_ne!(one.chained(before), one.chained(Chain::new([8; 32])));
        }
    }

    #[test]
    fn texts_do_not_run_into_each_other() {
        let at = Timestamp::UNIX_EPOCH;
        let of = |server, why, event| {
            Content { seq: 1, at, source: Source::File, server, why, event }.after(Chain::new([0; 32]))
        };
        assert_ne!(of("ab", "c", "{}"), of("a", "bc", "{}"));
        assert_ne!(of("a", "", "{}"), of("", "a", "{}"));
    }

    #[test]
    fn partitions_begin_at_different_places() {
        let [one, other] = ["platform", "tenant.platform"].map(|text| genesis(&text.parse().unwrap()));
        assert_ne!(one, other);
    }
}
