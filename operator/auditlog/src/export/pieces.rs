//! An export as a tar, one piece after the other.

use super::{Entry, Format, Lines, MANIFESTS, Plan};
use crate::access;
use crate::catalogue::Walk;
use crate::csv;
use crate::error::Error;
use crate::layout::{self, Kind};
use crate::manifest::Manifest;
use crate::segment::frames;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use std::sync::Arc;
use tar::Header;

const BLOCK: usize = 512;

type Pieces = BoxStream<'static, Result<Bytes, Error>>;

pub(super) fn stream(plan: Plan) -> Pieces {
    let plan = Arc::new(plan);
    let entries = plan.entries.clone();
    let end = stream::once(async { Ok(Bytes::from_static(&[0; 2 * BLOCK])) });
    stream::iter(entries).flat_map(move |entry| of(&plan, entry)).chain(end).boxed()
}

fn of(plan: &Arc<Plan>, entry: Entry) -> Pieces {
    let (name, length, pieces) = match entry {
        Entry::Whole(name, bytes) => {
            let length = bytes.len() as u64;
            (name, length, stream::once(async { Ok(bytes) }).boxed())
        }
        Entry::Manifests(length) => (MANIFESTS.to_owned(), length, manifests(plan.clone())),
        Entry::Segment(number, length) => {
            (super::segment_file(number), length, segment(plan.clone(), number))
        }
        Entry::Records(length) => (plan.about.records.file().to_owned(), length, records(plan.clone())),
    };
    let header = header(&name, length, plan.about.made.as_second());
    let over = usize::try_from(length % BLOCK as u64).unwrap_or(0);
    let padding = stream::iter((over > 0).then(|| Ok(Bytes::from(vec![0; BLOCK - over]))));
    stream::once(async { header }).chain(exact(name, length, pieces)).chain(padding).boxed()
}

fn header(name: &str, length: u64, made: i64) -> Result<Bytes, Error> {
    let mut header = Header::new_gnu();
    header.set_path(name).map_err(Error::encoding)?;
    header.set_size(length);
    header.set_mode(0o600);
    header.set_mtime(u64::try_from(made).unwrap_or(0));
    header.set_cksum();
    Ok(Bytes::copy_from_slice(header.as_bytes()))
}

/// The length is in the header, which has gone out already: what turns out to be another is the end of it.
fn exact(name: String, length: u64, pieces: Pieces) -> Pieces {
    let next = move |(mut pieces, left): (Pieces, u64)| {
        let name = name.clone();
        async move {
            match pieces.try_next().await? {
                None if left == 0 => Ok(None),
                None => Err(changed(&name)),
                Some(piece) => {
                    let left = left.checked_sub(piece.len() as u64).ok_or_else(|| changed(&name))?;
                    Ok(Some((piece, (pieces, left))))
                }
            }
        }
    };
    stream::try_unfold((pieces, length), next).boxed()
}

fn changed(name: &str) -> Error {
    Error::encoding(format!("{name}: changed while it was exported"))
}

/// As many as were counted: what was sealed since is in the next export.
fn manifests(plan: Arc<Plan>) -> Pieces {
    let left = plan.entries.iter().find_map(|entry| match entry {
        Entry::Manifests(length) => Some(*length),
        _ => None,
    });
    let begin = async move {
        let walk = Walk::from(&plan.store, &plan.about.partition, 1).await?;
        Ok::<_, Error>((plan, walk, left.unwrap_or(0)))
    };
    let pieces = |(plan, mut walk, left): (Arc<Plan>, Walk, u64)| async move {
        if left == 0 {
            return Ok(None);
        }
        let Some(batch) = walk.batch(&plan.keys).await? else { return Ok(None) };
        let mut bytes = Vec::new();
        for listed in batch.listed {
            if (bytes.len() + listed.bytes.len() + 1) as u64 > left {
                break;
            }
            bytes.extend_from_slice(&listed.bytes);
            bytes.push(b'\n');
        }
        let left = left - bytes.len() as u64;
        Ok(Some((Bytes::from(bytes), (plan, walk, left))))
    };
    stream::once(begin).map_ok(move |state| stream::try_unfold(state, pieces)).try_flatten().boxed()
}

fn segment(plan: Arc<Plan>, number: u64) -> Pieces {
    stream::once(async move { fetch(&plan, number).await }).boxed()
}

async fn fetch(plan: &Plan, number: u64) -> Result<Bytes, Error> {
    let path = layout::object(&plan.about.partition, number, Kind::Segment);
    access::read(&plan.store, &path).await?.ok_or_else(|| changed(path.as_ref()))
}

fn records(plan: Arc<Plan>) -> Pieces {
    let heads = match plan.about.records {
        Format::Jsonl => None,
        Format::Csv => Some(Ok(Bytes::from(csv::heads()))),
    };
    let lines = stream::iter(plan.listed.clone())
        .then(move |manifest| {
            let plan = plan.clone();
            async move { Ok::<_, Error>(blocks(&plan, fetch(&plan, manifest.number).await?, manifest)) }
        })
        .try_flatten();
    stream::iter(heads).chain(lines).boxed()
}

fn blocks(plan: &Arc<Plan>, segment: Bytes, manifest: Manifest) -> Pieces {
    let ranges: Vec<_> = frames(&segment).map(|range| range.unwrap_or_else(|rest| rest)).collect();
    let about = plan.about.clone();
    let lines =
        move |range: std::ops::Range<usize>| Ok(Lines::new(&about)?.of(&segment[range], &manifest)?.into());
    stream::iter(ranges).map(lines).boxed()
}
