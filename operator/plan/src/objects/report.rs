//! What was found, as reports that other tools read: `openreports.io`, or `wgpolicyk8s.io`, which came before it and
//! has the same fields but two. One object for each namespace and one for what has none, never one for each finding.

mod assessed;
mod sheet;

pub use assessed::Reports;
pub use sheet::{Row, Sheet, Summary};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use snc_core::names::{LABEL_COMPONENT, LABEL_MANAGED_BY};

/// Of every report that the operator writes.
pub const NAME: &str = "snc-operator";
/// Findings in one report.
pub const MOST: usize = 500;
/// One report as JSON. The API server takes 1.5 MiB, and etcd holds one for every namespace.
pub const MAX_BYTES: usize = 256 * 1024;
/// How many findings there are, written or not. The kinds have no field for it.
pub const ANNOTATION_TOTAL: &str = "secnumcloud.dev/total";
pub const ANNOTATION_TRUNCATED: &str = "secnumcloud.dev/truncated";

pub type Fingerprint = [u8; 32];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    OpenReports,
    PolicyReports,
}

impl Format {
    pub const ALL: [Self; 2] = [Self::OpenReports, Self::PolicyReports];

    pub const fn group(self) -> &'static str {
        match self {
            Self::OpenReports => "openreports.io",
            Self::PolicyReports => "wgpolicyk8s.io",
        }
    }

    pub const fn version(self) -> &'static str {
        match self {
            Self::OpenReports => "v1alpha1",
            Self::PolicyReports => "v1alpha2",
        }
    }

    pub fn api_version(self) -> String {
        format!("{}/{}", self.group(), self.version())
    }

    pub const fn kind(self, namespaced: bool) -> &'static str {
        match (self, namespaced) {
            (Self::OpenReports, true) => "Report",
            (Self::OpenReports, false) => "ClusterReport",
            (Self::PolicyReports, true) => "PolicyReport",
            (Self::PolicyReports, false) => "ClusterPolicyReport",
        }
    }

    pub const fn plural(self, namespaced: bool) -> &'static str {
        match (self, namespaced) {
            (Self::OpenReports, true) => "reports",
            (Self::OpenReports, false) => "clusterreports",
            (Self::PolicyReports, true) => "policyreports",
            (Self::PolicyReports, false) => "clusterpolicyreports",
        }
    }
}

/// A report as it should be; of what has no namespace under the empty name.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub format: Format,
    pub namespace: String,
    pub body: Value,
}

impl Report {
    pub fn fingerprint(&self) -> Fingerprint {
        fingerprint(&self.body)
    }
}

/// Of all that a report of a known kind says; what others added to its labels and annotations, and what the API server
/// keeps of it, makes no other report. Nothing in it is an instant: equal findings are equal reports.
pub fn fingerprint(report: &Value) -> Fingerprint {
    let mut said: Map<String, Value> = report
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(field, _)| !matches!(field.as_str(), "apiVersion" | "kind" | "metadata"))
        .map(|(field, value)| (field.clone(), value.clone()))
        .collect();
    let metadata = &report["metadata"];
    let labels = [LABEL_MANAGED_BY, LABEL_COMPONENT].map(|key| metadata["labels"][key].clone());
    let notes = [ANNOTATION_TOTAL, ANNOTATION_TRUNCATED].map(|key| metadata["annotations"][key].clone());
    said.insert("metadata".to_owned(), json!([labels, notes]));
    Sha256::digest(Value::Object(said).to_string()).into()
}

#[cfg(test)]
mod tests;
