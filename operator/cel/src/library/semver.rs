//! Versions, as `blang/semver` reads them.

use crate::error::{EvalError, failed};
use crate::gofmt;
use crate::library::{text, unsuited};
use crate::table::Native;
use crate::value::Value;
use std::cmp::Ordering;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct Semver {
    numbers: [u64; 3],
    before: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    // A number comes before a word.
    Number(u64),
    Word(String),
}

pub fn native(overload: &str) -> Option<Native> {
    Some(match overload {
        "string_to_semver" => |values| made(Semver::parse(text(values, 0)?)),
        "string_bool_to_semver" => |values| made(read(values)),
        "is_semver_string" => |values| Ok(Value::Bool(Semver::parse(text(values, 0)?).is_ok())),
        "is_semver_string_bool" => |values| Ok(Value::Bool(read(values).is_ok())),
        "semver_major" => |values| number(values, 0),
        "semver_minor" => |values| number(values, 1),
        "semver_patch" => |values| number(values, 2),
        "semver_is_less_than" => |values| Ok(Value::Bool(order(values)?.is_lt())),
        "semver_is_greater_than" => |values| Ok(Value::Bool(order(values)?.is_gt())),
        "semver_compare_to" => |values| Ok(Value::Int(order(values)? as i64)),
        _ => return None,
    })
}

fn made<'a>(version: Result<Semver, EvalError>) -> Result<Value<'a>, EvalError> {
    version.map(|version| Value::Semver(Arc::new(version)))
}

fn read(values: &[Value<'_>]) -> Result<Semver, EvalError> {
    match values.get(1) {
        Some(Value::Bool(true)) => Semver::parse(&normalized(text(values, 0)?)?),
        Some(Value::Bool(false)) => Semver::parse(text(values, 0)?),
        _ => unsuited(),
    }
}

fn this<'v>(values: &'v [Value<'_>], at: usize) -> Result<&'v Semver, EvalError> {
    match values.get(at) {
        Some(Value::Semver(version)) => Ok(version),
        _ => unsuited(),
    }
}

fn number<'a>(values: &[Value<'a>], at: usize) -> Result<Value<'a>, EvalError> {
    let number = this(values, 0)?.numbers.get(at).copied().unwrap_or(0);
    // Cut, as there.
    Ok(Value::Int(number.cast_signed()))
}

fn order(values: &[Value<'_>]) -> Result<Ordering, EvalError> {
    Ok(this(values, 0)?.compare(this(values, 1)?))
}

/// A `v` is dropped, as are leading zeros; a short one is completed.
fn normalized(text: &str) -> Result<String, EvalError> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let mut parts: Vec<String> = text.splitn(3, '.').map(str::to_owned).collect();
    for part in &mut parts {
        if part.len() > 1 {
            let trimmed = part.trim_start_matches('0');
            *part = if trimmed.starts_with(|c: char| c.is_ascii_digit()) {
                trimmed.to_owned()
            } else {
                format!("0{trimmed}")
            };
        }
    }
    if parts.len() < 3 {
        if parts.last().is_some_and(|last| last.contains(['+', '-'])) {
            return failed("short version cannot contain PreRelease/Build meta data");
        }
        parts.resize(3, "0".to_owned());
    }
    Ok(parts.join("."))
}

fn go_number(text: &str) -> Result<u64, EvalError> {
    text.parse()
        .or_else(|_| failed(format!("strconv.ParseUint: parsing {}: value out of range", gofmt::quote(text))))
}

impl Semver {
    pub fn parse(text: &str) -> Result<Semver, EvalError> {
        if text.is_empty() {
            return failed("Version string empty");
        }
        let parts: Vec<&str> = text.splitn(3, '.').collect();
        let [major, minor, rest] = parts.as_slice() else {
            return failed("No Major.Minor.Patch elements found");
        };
        let numeric = |what: &str, text: &str| -> Result<u64, EvalError> {
            let quoted = gofmt::quote(text);
            if !text.bytes().all(|byte| byte.is_ascii_digit()) {
                return failed(format!("Invalid character(s) found in {what} number {quoted}"));
            }
            if text.len() > 1 && text.starts_with('0') {
                let (first, rest) = what.split_at(1);
                return failed(format!(
                    "{}{rest} number must not contain leading zeroes {quoted}",
                    first.to_uppercase()
                ));
            }
            if text.is_empty() {
                return failed("strconv.ParseUint: parsing \"\": invalid syntax");
            }
            go_number(text)
        };
        let (major, minor) = (numeric("major", major)?, numeric("minor", minor)?);
        let (rest, build) = match rest.split_once('+') {
            Some((rest, build)) => (rest, Some(build)),
            None => (*rest, None),
        };
        let (patch, before) = match rest.split_once('-') {
            Some((patch, before)) => (patch, Some(before)),
            None => (rest, None),
        };
        let patch = numeric("patch", patch)?;
        let before = before.map_or(Ok(Vec::new()), |before| before.split('.').map(part).collect())?;
        for build in build.iter().flat_map(|build| build.split('.')) {
            if build.is_empty() {
                return failed("Build meta data is empty");
            }
            if !is_word(build) {
                let quoted = gofmt::quote(build);
                return failed(format!("Invalid character(s) found in build meta data {quoted}"));
            }
        }
        Ok(Semver { numbers: [major, minor, patch], before })
    }

    /// What is built of it makes no difference.
    pub fn compare(&self, other: &Semver) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| {
            match (self.before.is_empty(), other.before.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => self.before.cmp(&other.before),
            }
        })
    }
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn part(text: &str) -> Result<Part, EvalError> {
    let quoted = gofmt::quote(text);
    if text.is_empty() {
        return failed("Prerelease is empty");
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        if text.len() > 1 && text.starts_with('0') {
            return failed(format!("Numeric PreRelease version must not contain leading zeroes {quoted}"));
        }
        return go_number(text).map(Part::Number);
    }
    if is_word(text) {
        return Ok(Part::Word(text.to_owned()));
    }
    failed(format!("Invalid character(s) found in prerelease {quoted}"))
}
