//! The audit log for people, and for spreadsheets.

pub mod flags;
pub mod gaps;
pub mod policy;
pub mod records;
pub mod status;
pub mod verify;

use super::clean;
use super::scan::csv::quoted;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt::Write as _;

const NONE: &str = "-";

pub(super) fn or_none(text: &str) -> String {
    if text.is_empty() { NONE.to_owned() } else { text.to_owned() }
}

/// To the second, in UTC; the forms for machines have the rest.
pub(super) fn time(at: Option<Timestamp>) -> String {
    at.map_or_else(
        || NONE.to_owned(),
        |at| at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

pub(super) fn csv_line<T: AsRef<str>>(cells: impl IntoIterator<Item = T>) -> String {
    let cells: Vec<String> = cells.into_iter().map(|cell| quoted(cell.as_ref())).collect();
    format!("{}\r\n", cells.join(","))
}

fn markdown_line<T: AsRef<str>>(cells: impl IntoIterator<Item = T>) -> String {
    let cells: Vec<String> = cells.into_iter().map(|cell| super::markdown::escape(cell.as_ref())).collect();
    format!("| {} |", cells.join(" | "))
}

/// The lines of a Markdown table, clean already.
pub(super) fn markdown_table(heads: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = markdown_line(heads);
    text.push('\n');
    text.push('|');
    text.push_str(&" --- |".repeat(heads.len()));
    text.push('\n');
    for row in rows {
        text.push_str(&markdown_line(row));
        text.push('\n');
    }
    text
}

/// JSON in which nothing acts on a terminal; the same to whoever reads JSON.
pub fn tame(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if clean::acts(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}
