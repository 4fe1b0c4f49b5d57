//! Heads, each with the one before it, and all of them with what was anchored.

use super::{Claim, Claims, Tail, is_foreign};
use crate::Partition;
use crate::access::{AT_ONCE, Store};
use crate::anchor::{Anchor, AnchorLine, Anchored};
use crate::error::Error;
use crate::finding::{Aside, Finding, Findings, Note, What};
use crate::head::{self, Head};
use crate::keychain::Keychain;
use crate::layout;
use crate::signed::Signed as _;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use object_store::path::Path;
use std::collections::{BTreeMap, BTreeSet};

pub(super) struct Heads {
    pub(super) claims: BTreeMap<Partition, Claims>,
    pub(super) tail: Tail,
    pub(super) count: u64,
}

struct Anchors {
    read: Vec<(String, Anchored)>,
}

pub(super) async fn check(
    store: &Store,
    keys: &Keychain,
    anchors: &[Anchor],
    findings: &mut Findings,
) -> Result<Heads, Error> {
    let mut heads = Heads { claims: BTreeMap::new(), tail: Tail::NotProven, count: 0 };
    let anchors = Anchors::read(anchors, keys, findings).await?;
    let numbers: BTreeSet<u64> = head::numbers(store).await?.into_iter().collect();
    anchors.missing(&numbers, findings);
    heads.count = numbers.len() as u64;
    let read = |number: u64| async move { Ok::<_, Error>((number, head::read(store, number).await?)) };
    let mut objects = stream::iter(numbers.into_iter().map(read)).buffered(AT_ONCE);
    let mut before: Option<Head> = None;
    let mut expected = 1;
    while let Some((number, bytes)) = objects.try_next().await? {
        let gone = (expected..number).take(crate::finding::MOST);
        findings.extend(gone.map(|number| finding(What::HeadMissing, number)));
        let known = number == expected;
        expected = number + 1;
        let head = Head::from_bytes(&bytes).filter(|head| head.number == number);
        let Some(head) = head else {
            findings.push(finding(What::HeadChanged, number));
            before = None;
            continue;
        };
        let mut fine = true;
        let mut wrong = |what: What| {
            findings.push(finding(what, number));
            fine = false;
        };
        if !head.leaves_fit() {
            wrong(What::HeadRootWrong);
        }
        if let Some(what) = head.check(keys) {
            wrong(what);
        }
        match before.as_ref().filter(|_| known) {
            Some(before) if !follows(&head, before) => wrong(What::HeadOutOfChain),
            Some(before) if went_back(&head, before) => wrong(What::HeadWentBack),
            None if number == 1 && head.previous.is_some() => wrong(What::HeadOutOfChain),
            _ => {}
        }
        let contradiction = anchors.contradiction(&head);
        if let Some(anchor) = contradiction {
            findings.push(finding(What::AnchorContradicts, number).by(anchor));
        } else if fine {
            if let Some(anchor) = anchors.confirmation(&head) {
                heads.tail = Tail::Proven { head: number, at: head.at, anchor: anchor.to_owned() };
            }
            heads.claim(&head, layout::head(number).as_ref());
        }
        before = Some(head);
    }
    for (name, anchored) in &anchors.read {
        anchored.whole.values().for_each(|head| heads.claim(head, name));
    }
    Ok(heads)
}

fn finding(what: What, number: u64) -> Finding {
    Finding::new(what, layout::head(number).as_ref()).number(number)
}

fn follows(head: &Head, before: &Head) -> bool {
    head.previous == Some(before.hash()) && head.at >= before.at
}

/// Segments are only ever added.
fn went_back(head: &Head, before: &Head) -> bool {
    before.leaves.iter().any(|leaf| head.leaf(&leaf.partition).is_none_or(|now| now.number < leaf.number))
}

impl Heads {
    fn claim(&mut self, head: &Head, by: &str) {
        for leaf in &head.leaves {
            let claims =
                self.claims.entry(leaf.partition.clone()).or_default().entry(leaf.number).or_default();
            if claims.iter().all(|claim| claim.manifest != leaf.manifest) {
                claims.push(Claim { manifest: leaf.manifest, by: by.to_owned() });
            }
        }
    }
}

impl Anchors {
    async fn read(anchors: &[Anchor], keys: &Keychain, findings: &mut Findings) -> Result<Self, Error> {
        let mut read = Vec::new();
        for anchor in anchors {
            let mut anchored = anchor.read().await?;
            let name = anchor.name();
            // What was put there unsigned by whoever may write there proves nothing.
            let bad: Vec<u64> = anchored
                .whole
                .values()
                .filter(|head| head.check(keys).is_some())
                .map(|head| head.number)
                .collect();
            for number in bad {
                anchored.whole.remove(&number);
                anchored.heads.remove(&number);
                anchored.unreadable.push(layout::head(number).to_string());
            }
            let unreadable = anchored.unreadable.iter();
            findings.extend(
                unreadable.map(|path| Finding::new(What::AnchorUnreadable, format!("{name}/{path}"))),
            );
            read.push((name.to_owned(), anchored));
        }
        Ok(Self { read })
    }

    /// Heads that were anchored, and are not in the store.
    fn missing(&self, numbers: &BTreeSet<u64>, findings: &mut Findings) {
        let last = numbers.last().copied().unwrap_or(0);
        for (name, anchored) in &self.read {
            let gone = anchored.heads.keys().filter(|number| !numbers.contains(number));
            findings.extend(gone.map(|number| {
                let what = if *number > last { What::RolledBack } else { What::HeadMissing };
                finding(what, *number).by(name)
            }));
        }
    }

    fn lines<'a>(&'a self, head: &Head) -> impl Iterator<Item = (&'a str, AnchorLine)> {
        let number = head.number;
        self.read.iter().flat_map(move |(name, anchored)| {
            let lines = anchored.heads.get(&number).into_iter().flatten();
            lines.map(move |line| (name.as_str(), *line))
        })
    }

    fn contradiction(&self, head: &Head) -> Option<&str> {
        let own = AnchorLine::of(head);
        self.lines(head).find(|(_, line)| *line != own).map(|(name, _)| name)
    }

    fn confirmation(&self, head: &Head) -> Option<&str> {
        let own = AnchorLine::of(head);
        self.lines(head).find(|(_, line)| *line == own).map(|(name, _)| name)
    }
}

pub(super) async fn foreign(store: &Store) -> Result<Vec<Note>, Error> {
    let mut notes = Vec::new();
    for dir in [layout::HEADS, layout::KEYS] {
        let mut listed = store.list(Some(&Path::from(dir)));
        while let Some(object) = listed.try_next().await.map_err(Error::store(dir))? {
            if is_foreign(&object.location) {
                notes.push(Note { object: object.location.to_string(), what: Aside::Foreign });
            }
        }
    }
    Ok(notes)
}
