//! From a scanner's document to the one model. A document is read twice, first for what it is, and never held.

mod cyclonedx;
mod detect;
mod grype;
mod openvex;
mod purl;
mod sarif;
#[cfg(test)]
mod tests;
mod trivy;
mod trivy_operator;
mod wire;

use crate::report::{Format, Report};
use serde::de::DeserializeOwned;
use snc_core::text::{Text, clip};
use std::cell::Cell;
use std::io::{self, Read};

/// Bounds of one document. Real ones are a hundred times smaller.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub bytes: u64,
    pub entries: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 512 << 20, entries: 500_000 }
    }
}

/// Why a document is not a report of a scan, and where that is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// 0 where the document as a whole is meant.
    pub line: usize,
    pub column: usize,
    /// As `Results[0].Vulnerabilities[3].Severity`; empty where the document as a whole is meant.
    pub field: String,
    pub what: Text,
}

impl Wrong {
    pub(crate) fn whole(fr: impl Into<String>, en: impl Into<String>) -> Self {
        Self::at("", fr, en)
    }

    pub(crate) fn at(field: impl Into<String>, fr: impl Into<String>, en: impl Into<String>) -> Self {
        Self { line: 0, column: 0, field: field.into(), what: Text::new(fr, en) }
    }
}

/// The formats that are read, for messages.
pub const ACCEPTED: &str =
    "Trivy JSON, Trivy Operator VulnerabilityReport, Grype JSON, CycloneDX JSON, OpenVEX, SARIF";

/// The reports of a document: one, or as many as its list holds. `open` is called once for each reading.
pub fn read<R: Read>(open: impl Fn() -> io::Result<R>, limits: Limits) -> Result<Vec<Report>, Wrong> {
    let format = detect::detect(&parse(&open, limits)?)?;
    let reports = match format {
        detect::Found::TrivyResults => vec![trivy::results(parse(&open, limits)?)],
        detect::Found::One(Format::Trivy) => vec![trivy::report(parse(&open, limits)?)?],
        detect::Found::One(Format::TrivyOperator) => vec![trivy_operator::report(parse(&open, limits)?, "")?],
        detect::Found::OperatorList => trivy_operator::list(parse(&open, limits)?)?,
        detect::Found::One(Format::Grype) => vec![grype::report(parse(&open, limits)?)],
        detect::Found::One(Format::CycloneDx) => vec![cyclonedx::report(parse(&open, limits)?)?],
        detect::Found::One(Format::OpenVex) => vec![openvex::report(parse(&open, limits)?)?],
        detect::Found::One(Format::Sarif) => sarif::reports(parse(&open, limits)?)?,
    };
    let entries: u64 = reports.iter().map(|report| report.entries).sum();
    if entries > limits.entries {
        let most = limits.entries;
        return Err(Wrong::whole(
            format!("{entries} entrées ; au plus {most}"),
            format!("{entries} entries; at most {most}"),
        ));
    }
    Ok(reports)
}

fn parse<T: DeserializeOwned, R: Read>(open: impl Fn() -> io::Result<R>, limits: Limits) -> Result<T, Wrong> {
    let failed =
        |error: io::Error| Wrong::whole(format!("illisible : {error}"), format!("cannot be read: {error}"));
    let exceeded = Cell::new(false);
    let reader = Bounded { inner: open().map_err(failed)?, left: limits.bytes, exceeded: &exceeded };
    let reader = io::BufReader::with_capacity(1 << 16, Marked::new(reader).map_err(failed)?);
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    let parsed = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| (error.path().to_string(), error.into_inner()))
        .and_then(|value| deserializer.end().map(|()| value).map_err(|error| (String::new(), error)));
    parsed.map_err(|(path, error)| {
        if exceeded.get() {
            let most = limits.bytes;
            return Wrong::whole(format!("plus de {most} octets"), format!("more than {most} bytes"));
        }
        let path = if path == "." { String::new() } else { clip(&path, 300) };
        Wrong { line: error.line(), column: error.column(), ..told(&error, path) }
    })
}

fn told(error: &serde_json::Error, field: String) -> Wrong {
    use serde_json::error::Category;
    let what = error.to_string();
    let what = clip(what.split(" at line ").next().unwrap_or_default(), 300);
    match error.classify() {
        Category::Eof => Wrong::at(
            field,
            "le document s'arrête avant sa fin (fichier tronqué ou vide)",
            "the document stops before its end (truncated or empty file)",
        ),
        Category::Syntax => Wrong::at(field, format!("pas du JSON : {what}"), format!("not JSON: {what}")),
        Category::Data => Wrong::at(
            field,
            format!("pas ce que le format a ici : {what}"),
            format!("not what the format has here: {what}"),
        ),
        Category::Io => Wrong::at(field, format!("illisible : {what}"), format!("cannot be read: {what}")),
    }
}

struct Bounded<'a, R> {
    inner: R,
    left: u64,
    exceeded: &'a Cell<bool>,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            let mut one = [0];
            if self.inner.read(&mut one)? == 0 {
                return Ok(0);
            }
            self.exceeded.set(true);
            return Err(io::Error::other("too long"));
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let (buffer, _) = buffer.split_at_mut(most);
        let read = self.inner.read(buffer)?;
        self.left -= read as u64;
        Ok(read)
    }
}

/// Leaves out the mark that some editors put before UTF-8, which is not JSON.
struct Marked<R> {
    first: io::Cursor<Vec<u8>>,
    rest: R,
}

impl<R: Read> Marked<R> {
    fn new(mut rest: R) -> io::Result<Self> {
        let mut first = Vec::with_capacity(3);
        rest.by_ref().take(3).read_to_end(&mut first)?;
        if first == [0xEF, 0xBB, 0xBF] {
            first.clear();
        }
        if first.starts_with(&[0x1F, 0x8B]) {
            return Err(io::Error::other("gzip"));
        }
        Ok(Self { first: io::Cursor::new(first), rest })
    }
}

impl<R: Read> Read for Marked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.first.read(buffer)? {
            0 => self.rest.read(buffer),
            read => Ok(read),
        }
    }
}
