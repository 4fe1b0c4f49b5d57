//! The manifests of a partition, in order, without a list of all its objects.
//!
//! There is one object per manifest, and after half a year there are ten thousands of them. So, whenever a hundred and
//! twenty-eight are full, they are written once more, in one object: a pack. It needs no signature, for all in it are
//! chained and the last one is signed. A pack that is missing or wrong costs time and nothing else.

use crate::Partition;
use crate::access::{self, AT_ONCE, Store};
use crate::digest::Digest;
use crate::error::Error;
use crate::finding::{Finding, What};
use crate::keychain::Keychain;
use crate::layout::{self, Kind, Object};
use crate::manifest::Manifest;
use crate::signed::Signed as _;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use std::collections::BTreeSet;

pub(crate) const PACK: u64 = 128;
/// Missing ones in a row that are looked past before the end is believed.
const AHEAD: u64 = AT_ONCE as u64;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) manifest: Manifest,
    pub(crate) hash: Digest,
    pub(crate) bytes: Bytes,
}

/// Some that follow each other, and what is wrong between them.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) listed: Vec<Listed>,
    pub(crate) findings: Vec<Finding>,
    /// The first number that is not in it.
    pub(crate) next: u64,
}

/// Goes through the manifests of one partition.
pub(crate) struct Walk {
    store: Store,
    partition: Partition,
    packs: BTreeSet<u64>,
    next: u64,
    ended: bool,
}

impl Walk {
    pub(crate) async fn from(store: &Store, partition: &Partition, number: u64) -> Result<Self, Error> {
        let packs = packs(store, partition).await?;
        Ok(Self {
            store: store.clone(),
            partition: partition.clone(),
            packs,
            next: number.max(1),
            ended: false,
        })
    }

    /// The pack that comes next, if it is one: by the number of its last manifest.
    pub(crate) fn pack_ahead(&self) -> Option<u64> {
        let last = last_of_pack(self.next);
        self.packs.contains(&last).then_some(last)
    }

    pub(crate) fn skip_to(&mut self, number: u64) {
        self.next = self.next.max(number);
    }

    /// None at the end.
    pub(crate) async fn batch(&mut self, keys: &Keychain) -> Result<Option<Batch>, Error> {
        if self.ended {
            return Ok(None);
        }
        if let Some(last) = self.pack_ahead() {
            if let Some(listed) = read_pack(&self.store, &self.partition, last, keys).await? {
                let listed: Vec<_> =
                    listed.into_iter().filter(|one| one.manifest.number >= self.next).collect();
                self.next = last + 1;
                return Ok(Some(Batch { listed, findings: Vec::new(), next: self.next }));
            }
            self.packs.remove(&last);
        }
        let batch = self.one_by_one(keys).await?;
        self.next = batch.next;
        Ok(Some(batch).filter(|batch| !batch.listed.is_empty() || !batch.findings.is_empty()))
    }

    /// To the end of what would be a pack, or of what there is.
    async fn one_by_one(&mut self, keys: &Keychain) -> Result<Batch, Error> {
        let mut batch = Batch { next: self.next, ..Batch::default() };
        let (found, ended) = until(&self.store, &self.partition, self.next, last_of_pack(self.next)).await?;
        for (number, bytes) in found {
            batch
                .findings
                .extend((batch.next..number).map(|number| self.finding(What::ManifestMissing, number)));
            batch.next = number + 1;
            match self.listed(number, bytes, keys) {
                Ok(listed) => batch.listed.push(listed),
                Err(finding) => batch.findings.push(*finding),
            }
        }
        self.ended = ended;
        Ok(batch)
    }

    fn listed(&self, number: u64, bytes: Bytes, keys: &Keychain) -> Result<Listed, Box<Finding>> {
        let listed = one(&self.partition, number, bytes)
            .ok_or_else(|| Box::new(self.finding(What::ManifestChanged, number)))?;
        match listed.manifest.check(keys) {
            None => Ok(listed),
            Some(what) => {
                Err(Box::new(self.finding(what, number).by(listed.manifest.seal.key_id.to_string())))
            }
        }
    }

    fn finding(&self, what: What, number: u64) -> Finding {
        let path = layout::object(&self.partition, number, Kind::Manifest);
        Finding::new(what, path.as_ref()).segment(&self.partition, number)
    }
}

/// All from that number on, as they are there.
pub(crate) async fn tail(
    store: &Store,
    partition: &Partition,
    from: u64,
) -> Result<Vec<(u64, Bytes)>, Error> {
    Ok(until(store, partition, from, u64::MAX).await?.0)
}

/// Up to that number, or a few more; and whether that is all there is.
async fn until(
    store: &Store,
    partition: &Partition,
    from: u64,
    last: u64,
) -> Result<(Vec<(u64, Bytes)>, bool), Error> {
    let (mut found, mut next, mut missing) = (Vec::new(), from, 0);
    while missing < AHEAD && (next <= last || missing > 0) {
        let read = |number| async move {
            let path = layout::object(partition, number, Kind::Manifest);
            Ok::<_, Error>((number, access::read(store, &path).await?))
        };
        let wave = stream::iter((next..next + AHEAD).map(read)).buffered(AT_ONCE);
        for (number, bytes) in wave.try_collect::<Vec<_>>().await? {
            match bytes {
                Some(bytes) => {
                    found.push((number, bytes));
                    missing = 0;
                }
                None => missing += 1,
            }
        }
        next += AHEAD;
    }
    Ok((found, missing >= AHEAD))
}

/// What the object of that number has to be. Who signed it is another question.
pub(crate) fn one(partition: &Partition, number: u64, bytes: Bytes) -> Option<Listed> {
    let manifest = Manifest::from_bytes(&bytes)?;
    let fine = manifest.partition == *partition && manifest.number == number && manifest.adds_up();
    fine.then(|| Listed { manifest, hash: Digest::of(&bytes), bytes })
}

const fn last_of_pack(number: u64) -> u64 {
    number.div_ceil(PACK) * PACK
}

/// By the number of the last one in each.
pub(crate) async fn packs(store: &Store, partition: &Partition) -> Result<BTreeSet<u64>, Error> {
    let dir = layout::packs(partition);
    let listed = store.list_with_delimiter(Some(&dir)).await.map_err(Error::store(dir.as_ref()))?;
    let numbers = listed.objects.iter().filter_map(|object| match layout::read(&object.location) {
        Object::Of(_, number, Kind::Pack) if number % PACK == 0 => Some(number),
        _ => None,
    });
    Ok(numbers.collect())
}

/// None, if it is not what it should be.
pub(crate) async fn read_pack(
    store: &Store,
    partition: &Partition,
    last: u64,
    keys: &Keychain,
) -> Result<Option<Vec<Listed>>, Error> {
    let path = layout::object(partition, last, Kind::Pack);
    let Some(bytes) = access::read(store, &path).await? else { return Ok(None) };
    let listed = unpack(&bytes).and_then(|lines| chained(partition, (last + 1).saturating_sub(PACK), lines));
    let proven = |listed: &Vec<Listed>| {
        listed.len() as u64 == PACK && listed.last().is_some_and(|last| last.manifest.check(keys).is_none())
    };
    let listed = listed.filter(proven);
    if listed.is_none() {
        tracing::warn!(object = %path, "a pack of manifests is not what it should be; its manifests are read instead");
    }
    Ok(listed)
}

/// One after the other, as they are in their own objects.
pub(crate) fn pack(manifests: &[Bytes]) -> Bytes {
    manifests.iter().flat_map(|bytes| [bytes.as_ref(), b"\n"]).flatten().copied().collect()
}

/// None of them is empty, nor holds an end of line.
pub(crate) fn unpack(bytes: &Bytes) -> Option<Vec<Bytes>> {
    let lines = bytes.strip_suffix(b"\n")?;
    Some(lines.split(|byte| *byte == b'\n').map(|line| bytes.slice_ref(line)).collect())
}

fn chained(partition: &Partition, first: u64, lines: Vec<Bytes>) -> Option<Vec<Listed>> {
    let mut listed: Vec<Listed> = Vec::with_capacity(lines.len());
    for (number, line) in (first..).zip(lines) {
        let next = one(partition, number, line)?;
        if listed.last().is_some_and(|last| !next.manifest.follows(Some((&last.manifest, last.hash)))) {
            return None;
        }
        listed.push(next);
    }
    Some(listed)
}
