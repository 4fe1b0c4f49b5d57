//! What is wrong with a log: which object, which records, and in what way.

mod words;

use crate::Partition;
use serde::{Deserialize, Serialize};
use snc_core::text::Text;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum What {
    KeyMissing,
    KeyChanged,
    /// Not signed by the key that it says it follows, or not made by whoever holds it.
    KeyNotInChain,
    /// Two keys say that they follow the same one.
    KeyFork,
    /// The key that the reader trusts is not among those of this log.
    NotTrusted,
    SignerUnknown,
    SignatureInvalid,
    /// Signed with a key before it was valid or after another had taken its place.
    SignedOutsideValidity,
    ManifestMissing,
    ManifestChanged,
    /// It does not follow the manifest before it.
    ManifestOutOfChain,
    /// Its figures are not those of what is in the segment.
    ManifestUntrue,
    SegmentMissing,
    SegmentChanged,
    IndexMissing,
    IndexChanged,
    /// Signed, and still not the index of these records.
    IndexUntrue,
    PackChanged,
    RecordsUnreadable,
    RecordChanged,
    RecordRemoved,
    RecordMoved,
    RecordAdded,
    HeadMissing,
    HeadChanged,
    HeadOutOfChain,
    HeadRootWrong,
    /// A partition has fewer segments in it than in an earlier one.
    HeadWentBack,
    /// It was signed when the manifest was another.
    HeadContradicts,
    AnchorUnreadable,
    AnchorContradicts,
    /// Anchored, and not in the store: an older state of it was put back, or its end was cut off.
    RolledBack,
    TombstoneChanged,
    ExpiredEarly,
    /// An export that cannot be read to its end, or a file of it that says nothing.
    FileUnreadable,
    FileUnexpected,
    FileMissing,
    /// The records that an export lists are not those of its segments.
    RecordsDiffer,
    ProofWrong,
}

/// One thing that is wrong. What does not apply is absent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<Partition>,
    /// Of the segment or of the head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seq: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seq: Option<u64>,
    pub what: What,
    /// Its place in the store, or in the export.
    pub object: String,
    /// What says so: an anchor, a head, a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl Finding {
    pub fn new(what: What, object: impl Into<String>) -> Self {
        let object = object.into();
        Self { partition: None, number: None, first_seq: None, last_seq: None, what, object, by: None }
    }

    #[must_use]
    pub(crate) fn segment(mut self, partition: &Partition, number: u64) -> Self {
        self.partition = Some(partition.clone());
        self.number = Some(number);
        self
    }

    #[must_use]
    pub(crate) fn number(mut self, number: u64) -> Self {
        self.number = Some(number);
        self
    }

    #[must_use]
    pub(crate) fn records(mut self, first: u64, last: u64) -> Self {
        (self.first_seq, self.last_seq) = (Some(first), Some(last));
        self
    }

    #[must_use]
    pub(crate) fn by(mut self, by: impl Into<String>) -> Self {
        self.by = Some(by.into());
        self
    }

    /// The sentence for people, with its place.
    pub fn text(&self) -> Text {
        let (fr, en) = words::of(self.what);
        let object = &self.object;
        let (records_fr, records_en) = match (self.first_seq, self.last_seq) {
            (Some(first), Some(last)) if first < last => {
                (format!(" (enregistrements {first} à {last})"), format!(" (records {first} to {last})"))
            }
            (Some(seq), _) => (format!(" (enregistrement {seq})"), format!(" (record {seq})")),
            _ => Default::default(),
        };
        let (by_fr, by_en) = match &self.by {
            Some(by) => (format!(" — d'après {by}"), format!(" — says {by}")),
            None => Default::default(),
        };
        Text::new(format!("{object} : {fr}{records_fr}{by_fr}"), format!("{object}: {en}{records_en}{by_en}"))
    }
}

/// Something in the store that nothing refers to: it proves nothing and disproves nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    pub object: String,
    pub what: Aside,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Aside {
    /// Of a segment that was never finished; the next one takes its place.
    Unfinished,
    /// Its time is over, and it is still there.
    NotYetDeleted,
    Foreign,
    /// None was signed yet that knows this partition.
    NoHead,
}

impl Note {
    pub fn text(&self) -> Text {
        let (fr, en) = words::aside(self.what);
        Text::new(format!("{} : {fr}", self.object), format!("{}: {en}", self.object))
    }
}

/// Law 7: a log that is all wrong does not make a report without end.
pub(crate) const MOST: usize = 10_000;

/// The worst cases are as many as there are records: all are counted, and the first are kept.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    found: Vec<Finding>,
    total: u64,
}

impl Findings {
    pub(crate) fn push(&mut self, finding: Finding) {
        self.total += 1;
        if self.found.len() < MOST {
            self.found.push(finding);
        }
    }

    pub(crate) fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        findings.into_iter().for_each(|finding| self.push(finding));
    }

    pub(crate) fn into_sorted(self) -> (Vec<Finding>, u64) {
        let Self { mut found, total } = self;
        found.sort_unstable();
        (found, total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_names_its_records_in_both_languages() {
        let finding = Finding::new(What::RecordChanged, "platform/000000000001.seg").records(7, 7);
        let text = finding.text();
        assert!(
            text.fr.starts_with("platform/000000000001.seg : ") && text.fr.ends_with("(enregistrement 7)")
        );
        assert!(text.en.starts_with("platform/000000000001.seg: ") && text.en.ends_with("(record 7)"));
        let text = finding.records(7, 9).by("head 3").text();
        assert!(text.fr.ends_with("(enregistrements 7 à 9) — d'après head 3"), "{}", text.fr);
        assert!(text.en.ends_with("(records 7 to 9) — says head 3"), "{}", text.en);
    }

    #[test]
    fn too_many_are_counted_still() {
        let mut findings = Findings::default();
        findings.extend((0..MOST + 5).map(|n| Finding::new(What::RecordChanged, n.to_string())));
        let (kept, total) = findings.into_sorted();
        assert_eq!((kept.len(), total), (MOST, MOST as u64 + 5));
    }
}
