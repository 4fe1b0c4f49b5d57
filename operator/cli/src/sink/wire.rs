//! What the sink's API says, read by name: what a later version adds is passed over, what is missing is missing.

use super::Failure;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use snc_auditlog::Record;
use snc_core::lang::Lang;
use snc_core::text::{Text, clip};

/// What is wrong with what was asked, in whole sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem(Text);

#[derive(Deserialize)]
struct Refused {
    error: Text,
}

impl Problem {
    pub fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Refused>(body).ok().map(|refused| Self(refused.error))
    }

    pub fn message(&self, lang: Lang) -> String {
        clip(self.0.get(lang), 600)
    }
}

/// Records, and where to go on.
#[derive(Debug, Clone, Default)]
pub struct Page {
    pub records: Vec<Record>,
    pub next: Option<String>,
    /// Up to when everything that was received is in the answer.
    pub sealed: Option<Timestamp>,
    pub findings: Findings,
}

/// What could not be read or proven on the way; the answer then lacks something.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Findings {
    pub total: usize,
    /// Of these, the first.
    pub items: Vec<Text>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Last {
    next: Option<String>,
    #[serde(default)]
    sealed_through: Option<Timestamp>,
    #[serde(default)]
    findings: Findings,
}

/// One record a line; the last line says where to go on. Without it the answer is not whole.
pub fn page(body: &[u8]) -> Result<Page, Failure> {
    let text = std::str::from_utf8(body).map_err(|error| Failure::Malformed(error.to_string()))?;
    let (records, last) = match text.trim_end_matches('\n').rsplit_once('\n') {
        Some((records, last)) => (records, last),
        None => ("", text.trim_end_matches('\n')),
    };
    let last: Last = match serde_json::from_str::<Value>(last) {
        Ok(value) if value.get("next").is_some() && value.get("seq").is_none() => read(value)?,
        _ => return Err(Failure::Cut),
    };
    let record = |line: &str| Record::parse(line).map_err(|error| Failure::Malformed(error.to_string()));
    let records =
        records.split('\n').filter(|line| !line.is_empty()).map(record).collect::<Result<_, _>>()?;
    Ok(Page { records, next: last.next, sealed: last.sealed_through, findings: last.findings })
}

#[derive(Deserialize)]
struct Items<T> {
    items: Vec<T>,
}

pub fn items<T: DeserializeOwned>(body: &[u8]) -> Result<Vec<T>, Failure> {
    read(json(body)?).map(|Items { items }| items)
}

pub fn json(body: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(body).map_err(|error| Failure::Malformed(error.to_string()))
}

pub fn read<T: DeserializeOwned>(value: Value) -> Result<T, Failure> {
    serde_path_to_error::deserialize(value).map_err(|error| Failure::Malformed(error.to_string()))
}
