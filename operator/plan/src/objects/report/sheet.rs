//! One report, from whatever its findings come from: the operator's and those of `kubectl snc` have one form.

use super::{ANNOTATION_TOTAL, ANNOTATION_TRUNCATED, Format, MAX_BYTES, MOST};
use serde::Serialize;
use serde_json::{Value, json};
use snc_core::control::Control;
use snc_core::lang::Lang;
use snc_core::text::clip;
use snc_core::verdict::{Subject, Verdict};
use std::cmp::Reverse;

const LONGEST_MESSAGE: usize = 1000;
const LONGEST_PATH: usize = 300;

/// Controls by verdict, in the words of the kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    pub pass: usize,
    pub fail: usize,
    /// There are no warnings: a failure is one at every severity.
    pub warn: usize,
    /// What could not be decided.
    pub error: usize,
    pub skip: usize,
}

/// One failure or unknown.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    pub control: &'a Control,
    pub subject: &'a Subject,
    pub verdict: Verdict,
    pub message: &'a str,
    /// In the object; empty where the whole of it is meant.
    pub path: &'a str,
}

pub struct Sheet<'a> {
    pub format: Format,
    pub name: &'a str,
    /// Empty: of what has none.
    pub namespace: &'a str,
    /// An object, or null.
    pub labels: Value,
    pub source: &'a str,
    pub summary: Summary,
    pub rows: Vec<Row<'a>>,
    /// How many there are; not all need be among the rows.
    pub total: usize,
    pub lang: Lang,
}

impl Sheet<'_> {
    /// The worst first, as many as fit.
    pub fn body(mut self) -> Value {
        self.rows.sort_by(|a, b| order(a).cmp(&order(b)));
        let mut body = self.head();
        // The same or one byte more than what it ends as.
        body["metadata"]["annotations"][ANNOTATION_TRUNCATED] = json!("false");
        let mut bytes = body.to_string().len();
        let mut results = Vec::new();
        for row in self.rows.iter().take(MOST) {
            let result = self.result(row);
            let more = result.to_string().len() + 1;
            if bytes + more <= MAX_BYTES {
                bytes += more;
                results.push(result);
            }
        }
        let truncated = results.len() < self.total;
        body["metadata"]["annotations"][ANNOTATION_TRUNCATED] = json!(truncated.to_string());
        body["results"] = Value::Array(results);
        body
    }

    fn head(&self) -> Value {
        let namespaced = !self.namespace.is_empty();
        let mut body = json!({
            "apiVersion": self.format.api_version(),
            "kind": self.format.kind(namespaced),
            "metadata": {
                "name": self.name,
                "annotations": {ANNOTATION_TOTAL: self.total.to_string()},
            },
            // What a result without an object is about.
            "scope": {"kind": "Cluster", "name": "cluster"},
            "summary": self.summary,
            "results": [],
        });
        if namespaced {
            body["metadata"]["namespace"] = json!(self.namespace);
            body["scope"] = json!({"apiVersion": "v1", "kind": "Namespace", "name": self.namespace});
        }
        if !self.labels.is_null() {
            body["metadata"]["labels"] = self.labels.clone();
        }
        if self.format == Format::OpenReports {
            body["source"] = json!(self.source);
        }
        body
    }

    fn result(&self, row: &Row<'_>) -> Value {
        let Row { control, subject, verdict, .. } = row;
        let mut result = json!({
            "source": self.source,
            "policy": control.id,
            "rule": control.title.get(self.lang),
            "category": control.category,
            "severity": control.severity,
            "result": if *verdict == Verdict::Fail { "fail" } else { "error" },
            "scored": true,
            "message": clip(row.message, LONGEST_MESSAGE),
            "properties": {"requirements": control.requirements.join(",")},
        });
        if !row.path.is_empty() {
            result["properties"]["path"] = json!(clip(row.path, LONGEST_PATH));
        }
        // What is said of everything that was looked at is said of the scope.
        if !subject.name.is_empty() {
            let mut resource =
                json!({"apiVersion": subject.api_version, "kind": subject.kind, "name": subject.name});
            if !subject.namespace.is_empty() {
                resource["namespace"] = json!(subject.namespace);
            }
            result["resources"] = json!([resource]);
        }
        result
    }
}

/// Of findings that differ in nothing else, the text decides, so that no order of theirs shows.
fn order<'a>(row: &Row<'a>) -> impl Ord + use<'a> {
    let worst = Reverse((row.verdict, row.control.severity));
    (worst, row.control.id.as_str(), row.subject, row.message, row.path)
}
