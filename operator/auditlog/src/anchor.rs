//! Heads that were put where whoever owns the log cannot take them back: another store, or the lines of a log receiver.

use crate::access::{self, AT_ONCE, Store};
use crate::digest::Digest;
use crate::error::Error;
use crate::head::{self, Head};
use crate::layout;
use crate::signed::Signed as _;
use crate::store::Opened;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// `snc-anchor number=12 hash=<hex>`
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnchorLine {
    pub number: u64,
    pub hash: Digest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected: snc-anchor number=<number> hash=<SHA-256 in hex>")]
pub struct NotAnAnchor;

/// Where heads were put. The name is for people.
#[derive(Debug, Clone)]
pub enum Anchor {
    /// Has `heads/<number>.json`, as the store has.
    Store {
        name: String,
        store: Store,
    },
    /// The same, and what was put there first is found whatever was done to it since: for buckets that lock.
    Opened {
        name: String,
        opened: Opened,
    },
    Lines {
        name: String,
        lines: Vec<AnchorLine>,
    },
}

const WORD: &str = "snc-anchor";

impl AnchorLine {
    pub fn of(head: &Head) -> Self {
        Self { number: head.number, hash: head.hash() }
    }

    /// All there are in the files of a log receiver, whatever it writes around them.
    pub fn find_in(text: &str) -> Vec<Self> {
        text.lines()
            .filter_map(|line| line.split_once(WORD))
            .filter_map(|(_, rest)| fields(rest).ok())
            .collect()
    }
}

fn fields(rest: &str) -> Result<AnchorLine, NotAnAnchor> {
    let mut words = rest.split_ascii_whitespace();
    let mut field = |name: &str| {
        words.next().and_then(|word| word.strip_prefix(name)?.strip_prefix('=')).ok_or(NotAnAnchor)
    };
    let number: u64 = field("number")?.parse().map_err(|_| NotAnAnchor)?;
    let hash = field("hash")?;
    let hash = hash.get(..64).ok_or(NotAnAnchor)?.parse().map_err(|_| NotAnAnchor)?;
    if number == 0 { Err(NotAnAnchor) } else { Ok(AnchorLine { number, hash }) }
}

impl fmt::Display for AnchorLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{WORD} number={} hash={}", self.number, self.hash)
    }
}

impl FromStr for AnchorLine {
    type Err = NotAnAnchor;

    fn from_str(text: &str) -> Result<Self, NotAnAnchor> {
        let line = fields(text.strip_prefix(WORD).ok_or(NotAnAnchor)?)?;
        if line.to_string() == text { Ok(line) } else { Err(NotAnAnchor) }
    }
}

impl Anchor {
    pub fn name(&self) -> &str {
        match self {
            Self::Store { name, .. } | Self::Opened { name, .. } | Self::Lines { name, .. } => name,
        }
    }

    pub(crate) async fn read(&self) -> Result<Anchored, Error> {
        match self {
            Self::Lines { lines, .. } => {
                let mut anchored = Anchored::default();
                // Two lines of one number are two claims; none may hide the other.
                for line in lines {
                    anchored.heads.entry(line.number).or_default().push(*line);
                }
                Ok(anchored)
            }
            Self::Store { store, .. } => {
                let read = |number| async move { Ok((number, head::read(store, number).await?)) };
                let numbers = head::numbers(store).await?;
                let heads: Result<Vec<_>, Error> =
                    stream::iter(numbers.into_iter().map(read)).buffered(AT_ONCE).try_collect().await;
                Ok(Anchored::of(heads?))
            }
            Self::Opened { opened, .. } => Ok(Anchored::of(opened.heads().await?)),
        }
    }
}

/// What an anchor says.
#[derive(Debug, Default)]
pub(crate) struct Anchored {
    pub(crate) heads: BTreeMap<u64, Vec<AnchorLine>>,
    /// Those that are there with their leaves.
    pub(crate) whole: BTreeMap<u64, Head>,
    pub(crate) unreadable: Vec<String>,
}

impl Anchored {
    fn of(heads: Vec<(u64, Bytes)>) -> Self {
        let mut anchored = Self::default();
        for (number, bytes) in heads {
            let head = Head::from_bytes(&bytes).filter(|head| head.number == number && head.leaves_fit());
            match head {
                Some(head) => {
                    anchored.heads.insert(number, vec![AnchorLine::of(&head)]);
                    anchored.whole.insert(number, head);
                }
                None => anchored.unreadable.push(layout::head(number).to_string()),
            }
        }
        anchored
    }
}

/// Puts a head into another store. What is there already stays.
pub async fn publish(store: &Store, head: &Head) -> Result<(), Error> {
    access::create(store, &layout::head(head.number), head.to_bytes()?.into()).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn lines_are_found_in_what_a_receiver_writes() {
        let text = format!(
            "<134>1 2026-11-23T10:00:00Z sink snc-operator 1 anchor - snc-anchor number=12 hash={HASH}\n\
             Nov 23 10:00:01 sink something else\n\
             Nov 23 10:00:02 sink msg=\"snc-anchor number=13 hash={HASH}\" x\n\
             snc-anchor number=14 hash={}\n",
            &HASH[1..]
        );
        let found: Vec<u64> = AnchorLine::find_in(&text).iter().map(|line| line.number).collect();
        assert_eq!(found, [12, 13]);
        let line = AnchorLine { number: 7, hash: HASH.parse().unwrap() };
        assert_eq!(line.to_string().parse(), Ok(line));
        assert_eq!(AnchorLine::find_in(&line.to_string()), [line]);
    }

    #[rstest]
    #[case("")]
    #[case("snc-anchor")]
    #[case("snc-anchor number=0 hash=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    #[case("snc-anchor number=+1 hash=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    #[case("snc-anchor  number=1 hash=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    #[case("snc-anchor number=1 hash=E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    fn anything_else_is_none(#[case] text: &str) {
        assert_eq!(text.parse::<AnchorLine>(), Err(NotAnAnchor));
    }
}
