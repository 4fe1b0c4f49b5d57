//! An export as a tar, one piece after the other.

use super::{ABOUT, About, Format, HEAD, Lines, MANIFESTS, Plan, Tally};
use crate::access;
use crate::canonical;
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
    let (made, manifests) = (plan.about.made.as_second(), manifests(plan.clone()));
    let manifests = entry(MANIFESTS.to_owned(), plan.manifests, made, manifests);
    let segments =
        stream::try_unfold((plan.clone(), Tally::default(), 0), |(plan, mut tally, at)| async move {
            let next = match plan.asked.get(at) {
                Some(asked) => {
                    let file = plan.segment(asked, &mut tally).await?;
                    let made = plan.about.made.as_second();
                    file.map_or_else(|| stream::empty().boxed(), |(name, bytes)| whole(name, bytes, made))
                }
                None if at == plan.asked.len() => list(plan.clone(), std::mem::take(&mut tally)),
                None => return Ok(None),
            };
            Ok::<_, Error>(Some((next, (plan, tally, at + 1))))
        });
    let end = stream::once(async { Ok(Bytes::from_static(&[0; 2 * BLOCK])) });
    proofs(&plan).chain(manifests).chain(segments.try_flatten()).chain(end).boxed()
}

/// What proves the rest.
fn proofs(plan: &Plan) -> Pieces {
    let made = plan.about.made.as_second();
    let mut files: Vec<Result<(String, Bytes), Error>> = Vec::new();
    if let Some(proof) = &plan.proof {
        files.push(canonical::bytes(proof, &[]).map(|bytes| (HEAD.to_owned(), bytes.into())));
    }
    for key in plan.keys.keys() {
        let name = layout::key(key.id()).to_string();
        files.push(key.statement().to_bytes().map(|bytes| (name, bytes.into())));
    }
    stream::iter(files).map_ok(move |(name, bytes)| whole(name, bytes, made)).try_flatten().boxed()
}

/// The records, and before them how many there are.
fn list(plan: Arc<Plan>, tally: Tally) -> Pieces {
    let made = plan.about.made.as_second();
    let file = plan.about.records.file().to_owned();
    let heads = match plan.about.records {
        Format::Jsonl => 0,
        Format::Csv => csv::heads().len() as u64,
    };
    let about = About { count: tally.count, ..plan.about.clone() };
    let about = match canonical::bytes(&about, &[]) {
        Ok(bytes) => whole(ABOUT.to_owned(), bytes.into(), made),
        Err(error) => stream::once(async { Err(error) }).boxed(),
    };
    about.chain(entry(file, heads + tally.length, made, records(plan, tally.whole))).boxed()
}

fn whole(name: String, bytes: Bytes, made: i64) -> Pieces {
    let length = bytes.len() as u64;
    entry(name, length, made, stream::once(async { Ok(bytes) }).boxed())
}

fn entry(name: String, length: u64, made: i64, pieces: Pieces) -> Pieces {
    let header = header(&name, length, made);
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
    let left = plan.manifests;
    let begin = async move {
        let walk = Walk::from(&plan.store, &plan.about.partition, 1).await?;
        Ok::<_, Error>((plan, walk, left))
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

fn records(plan: Arc<Plan>, segments: Vec<Manifest>) -> Pieces {
    let heads = match plan.about.records {
        Format::Jsonl => None,
        Format::Csv => Some(Ok(Bytes::from(csv::heads()))),
    };
    let lines = stream::iter(segments)
        .then(move |manifest| {
            let plan = plan.clone();
            async move {
                let path = layout::object(&manifest.partition, manifest.number, Kind::Segment);
                let bytes = access::read_at_most(&plan.store, &path, manifest.segment.bytes).await?;
                let bytes = bytes.filter(|bytes| manifest.segment.is_of(bytes));
                let bytes = bytes.ok_or_else(|| changed(path.as_ref()))?;
                Ok::<_, Error>(blocks(&plan, bytes, manifest))
            }
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
