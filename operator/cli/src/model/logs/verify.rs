//! What was found out about a log, or about an export of one.

use serde::Serialize;
use snc_auditlog::{Finding, Partition, Report};

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyReport {
    /// Where it was read.
    pub kept: String,
    /// Only what concerns this partition is told; the rest was read all the same.
    pub partition: Option<Partition>,
    #[serde(flatten)]
    pub report: Report,
}

impl VerifyReport {
    pub fn new(kept: String, partition: Option<Partition>, mut report: Report) -> Self {
        if let Some(wanted) = &partition {
            // What is of no partition is of all of them.
            let concerns = |of: Option<&Partition>| of.is_none_or(|of| of == wanted);
            let listed = report.findings.len() as u64;
            report.findings.retain(|finding: &Finding| concerns(finding.partition.as_ref()));
            // Whose those are that are not listed, nobody knows: they count.
            report.total -= listed - report.findings.len() as u64;
            report.partitions.retain(|one| one.partition == *wanted);
            let prefixes = [format!("{wanted}/"), "heads/".to_owned(), "keys/".to_owned()];
            report.notes.retain(|note| prefixes.iter().any(|prefix| note.object.starts_with(prefix)));
        }
        Self { kept, partition, report }
    }
}
