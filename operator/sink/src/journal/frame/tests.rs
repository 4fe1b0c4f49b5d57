use super::*;
use crate::journal::{Batch, ServerName, Source};
use jiff::Timestamp;
use proptest::prelude::*;
use snc_audit::canonical;

fn file(raws: &[String], groups: usize) -> (Vec<u8>, Vec<Range<usize>>) {
    let (mut bytes, mut frames, mut next) = (Vec::new(), Vec::new(), 1);
    for chunk in raws.chunks(groups.max(1)) {
        let mut batch = Batch::new(Timestamp::UNIX_EPOCH, Source::Webhook, &ServerName::new("one").unwrap());
        for raw in chunk {
            batch.push(&canonical::hash(raw).unwrap(), None, false, raw);
        }
        batch.number(next, next);
        next += chunk.len() as u64;
        let ends = batch.starts.iter().skip(1).copied().chain([batch.bytes.len()]);
        frames.extend(batch.starts.iter().zip(ends).map(|(from, to)| bytes.len() + from..bytes.len() + to));
        bytes.extend_from_slice(&batch.bytes);
    }
    (bytes, frames)
}

fn entries(walk: Walk<'_>) -> Vec<Borrowed<'_>> {
    walk.filter_map(|found| match found {
        Found::Entry { entry, .. } => Some(entry),
        _ => None,
    })
    .collect()
}

/// Also with what looks like the beginning of a frame within.
fn raws() -> impl Strategy<Value = Vec<String>> {
    let text =
        prop_oneof!["[a-z é\\\\\"{}]{0,200}", Just(r#"{"position":"00000000000000000001""#.to_owned())];
    let raw = text.prop_map(|text| serde_json::json!({ "auditID": text, "position": text }).to_string());
    proptest::collection::vec(raw, 1..12)
}

#[test]
fn no_bytes_are_an_entry() {
    for bytes in [&[0_u8; 4096][..], &[0xff; 64], b"", b"\0\0\0\0\0\0\0\0", &[b' '; 300]] {
        assert!(entries(Walk::new(bytes, 1)).is_empty());
    }
}

#[test]
fn what_is_missing_without_a_trace_is_told() {
    let raws: Vec<String> = (0..5).map(|nth| format!(r#"{{"auditID":"{nth}"}}"#)).collect();
    let (bytes, frames) = file(&raws, 1);
    let cut = [&bytes[..frames[1].start], &bytes[frames[3].start..]].concat();
    let found: Vec<Found<'_>> = Walk::new(&cut, 1).collect();
    assert!(matches!(&found[1], Found::Hole { at, before } if at.is_empty() && before.position == 4));
    assert_eq!(entries(Walk::new(&cut, 1)).iter().map(|entry| entry.position).collect::<Vec<_>>(), [1, 4, 5]);
}

proptest! {
    #[test]
    fn what_is_written_is_read(raws in raws(), groups in 1_usize..5) {
        let (bytes, _) = file(&raws, groups);
        let found = entries(Walk::new(&bytes, 1));
        prop_assert_eq!(found.len(), raws.len());
        for (nth, (entry, raw)) in found.iter().zip(&raws).enumerate() {
            prop_assert_eq!(entry.raw, raw);
            prop_assert_eq!(entry.position, nth as u64 + 1);
            prop_assert_eq!(entry.group, (nth / groups * groups) as u64 + 1);
            prop_assert_eq!(entry.hash, canonical::hash(raw).unwrap());
        }
    }

    #[test]
    fn a_cut_tail_gives_all_whole_entries_and_no_other(raws in raws(), at in any::<prop::sample::Index>()) {
        let (bytes, frames) = file(&raws, 3);
        let end = at.index(bytes.len() + 1);
        let whole = frames.iter().filter(|frame| frame.end <= end).count();
        let found = entries(Walk::new(&bytes[..end], 1));
        prop_assert_eq!(found.len(), whole);
        prop_assert!(found.iter().zip(&raws).all(|(entry, raw)| entry.raw == raw));
    }

    #[test]
    fn a_spoilt_stretch_is_told_and_everything_else_is_read(
        raws in raws(),
        at in any::<prop::sample::Index>(),
        noise in proptest::collection::vec(any::<u8>(), 1..400),
    ) {
        let (mut bytes, frames) = file(&raws, 3);
        let from = at.index(bytes.len());
        let to = (from + noise.len()).min(bytes.len());
        let before = bytes[from..to].to_vec();
        bytes[from..to].copy_from_slice(&noise[..to - from]);
        prop_assume!(before != bytes[from..to]);
        // What was written over with the same is not spoilt.
        let spoilt = |frame: &Range<usize>| {
            frame.clone().any(|at| (from..to).contains(&at) && before[at - from] != bytes[at])
        };
        let expected: Vec<u64> =
            (1..).zip(&frames).filter(|(_, frame)| !spoilt(frame)).map(|(position, _)| position).collect();
        let found: Vec<u64> = entries(Walk::new(&bytes, 1)).iter().map(|entry| entry.position).collect();
        prop_assert_eq!(&found, &expected);
        for entry in entries(Walk::new(&bytes, 1)) {
            prop_assert_eq!(entry.raw, &raws[usize::try_from(entry.position).unwrap() - 1]);
        }
        // Every position that is not read is in something that was told.
        let (mut told, mut next) = (Vec::new(), 1);
        for found in Walk::new(&bytes, 1) {
            match found {
                Found::Entry { entry, .. } => next = entry.position + 1,
                Found::Hole { before, .. } => {
                    told.extend(next..before.position);
                    next = before.position;
                }
                Found::Torn { .. } => told.extend(next..=raws.len() as u64),
            }
        }
        let missing: Vec<u64> = (1..=raws.len() as u64).filter(|position| !expected.contains(position)).collect();
        prop_assert_eq!(told, missing);
    }
}
