//! Durations and times, read and printed as Go does.

use crate::error::{EvalError, failed};
use crate::library::{text, unsuited};
use crate::table::Native;
use crate::value::Value;
use jiff::civil;
use std::fmt;

type Outcome<'a> = Result<Value<'a>, EvalError>;

const LEAST: i64 = -62_135_596_800;
const MOST: i64 = 253_402_300_799;
const NANOSECONDS: i64 = 1_000_000_000;

/// An instant, and the offset that it was written with.
#[derive(Clone, Copy, Debug)]
pub struct Time {
    seconds: i64,
    nanoseconds: i32,
    offset: i32,
}

pub fn native(overload: &str) -> Option<Native> {
    Some(
        match overload.strip_suffix("_with_tz").or_else(|| overload.strip_suffix("_tz")).unwrap_or(overload) {
            "timestamp_to_year" => |values| field(values, |at| i64::from(at.year())),
            "timestamp_to_month" => |values| field(values, |at| i64::from(at.month()) - 1),
            "timestamp_to_day_of_year" => |values| field(values, |at| i64::from(at.day_of_year()) - 1),
            "timestamp_to_day_of_month" => |values| field(values, |at| i64::from(at.day()) - 1),
            "timestamp_to_day_of_month_1_based" => |values| field(values, |at| i64::from(at.day())),
            "timestamp_to_day_of_week" => {
                |values| field(values, |at| i64::from(at.weekday().to_sunday_zero_offset()))
            }
            "timestamp_to_hours" => |values| field(values, |at| i64::from(at.hour())),
            "timestamp_to_minutes" => |values| field(values, |at| i64::from(at.minute())),
            "timestamp_to_seconds" => |values| field(values, |at| i64::from(at.second())),
            "timestamp_to_milliseconds" => {
                |values| field(values, |at| i64::from(at.subsec_nanosecond() / 1_000_000))
            }
            "duration_to_hours" => |values| whole(values, 3600 * NANOSECONDS),
            "duration_to_minutes" => |values| whole(values, 60 * NANOSECONDS),
            "duration_to_seconds" => |values| whole(values, NANOSECONDS),
            "duration_to_milliseconds" => |values| match values {
                [Value::Duration(nanoseconds)] => Ok(Value::Int(nanoseconds / 1_000_000)),
                _ => unsuited(),
            },
            _ => return None,
        },
    )
}

fn field<'a>(values: &[Value<'a>], read: fn(civil::DateTime) -> i64) -> Outcome<'a> {
    let Some(Value::Timestamp(time)) = values.first() else { return unsuited() };
    let offset = if values.len() > 1 { offset(text(values, 1)?).unwrap_or(0) } else { 0 };
    Time { offset, ..*time }.civil().map_or_else(unsuited, |at| Ok(Value::Int(read(at))))
}

/// Seconds east of UTC; a name other than UTC needs a table that this crate does not read.
pub fn offset(zone: &str) -> Option<i32> {
    if matches!(zone, "" | "UTC") {
        return Some(0);
    }
    let (hours, minutes) = zone.split_once(':')?;
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let total = if zone.starts_with('-') { hours * 60 - minutes } else { hours * 60 + minutes };
    (hours.abs() <= 24 && (0..60).contains(&minutes)).then_some(total * 60)
}

/// As there: whole and part are added before they are cut.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
fn whole<'a>(values: &[Value<'a>], unit: i64) -> Outcome<'a> {
    match values {
        [Value::Duration(nanoseconds)] => {
            let value = (nanoseconds / unit) as f64 + (nanoseconds % unit) as f64 / unit as f64;
            Ok(Value::Int(value as i64))
        }
        _ => unsuited(),
    }
}

/// Seconds, with what follows the point.
#[allow(clippy::cast_precision_loss)]
pub fn seconds(nanoseconds: i64) -> f64 {
    (nanoseconds / NANOSECONDS) as f64 + (nanoseconds % NANOSECONDS) as f64 / 1e9
}

pub fn duration<'a>(nanoseconds: Option<i64>) -> Outcome<'a> {
    nanoseconds.map_or_else(|| failed("integer overflow"), |value| Ok(Value::Duration(value)))
}

pub fn between<'a>(a: &Time, b: &Time) -> Outcome<'a> {
    let nanoseconds = (i128::from(a.seconds) - i128::from(b.seconds)) * i128::from(NANOSECONDS)
        + i128::from(a.nanoseconds)
        - i128::from(b.nanoseconds);
    duration(i64::try_from(nanoseconds).ok())
}

/// `time.ParseDuration`.
pub fn parse_duration(text: &str) -> Option<i64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned == "0" {
        return Some(0);
    }
    if unsigned.is_empty() {
        return None;
    }
    let mut rest = unsigned;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (digits, after) = leading_digits(rest);
        let (part, after) = match after.strip_prefix('.') {
            Some(after) => leading_digits(after),
            None => ("", after),
        };
        if digits.is_empty() && part.is_empty() {
            return None;
        }
        let end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let unit = unit_of(unit)?;
        let whole: u64 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
        let amount = whole.checked_mul(unit).filter(|amount| *amount <= 1 << 63)?;
        total =
            total.checked_add(amount)?.checked_add(fraction(part, unit)).filter(|total| *total <= 1 << 63)?;
        rest = after;
    }
    if text.starts_with('-') {
        return 0_i64.checked_sub_unsigned(total);
    }
    i64::try_from(total).ok()
}

fn leading_digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn fraction(digits: &str, unit: u64) -> u64 {
    let mut value: u64 = 0;
    let mut scale = 1.0_f64;
    for digit in digits.bytes().map(|byte| u64::from(byte - b'0')) {
        // What does not fit is dropped.
        match value
            .checked_mul(10)
            .and_then(|value| value.checked_add(digit))
            .filter(|value| *value <= 1 << 63)
        {
            Some(next) => value = next,
            None => break,
        }
        scale *= 10.0;
    }
    (value as f64 * (unit as f64 / scale)) as u64
}

fn unit_of(name: &str) -> Option<u64> {
    Some(match name {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

impl Time {
    pub fn from_seconds(seconds: i64) -> Result<Time, EvalError> {
        Time { seconds, nanoseconds: 0, offset: 0 }.in_range()
    }

    pub fn in_range(self) -> Result<Time, EvalError> {
        if (LEAST..=MOST).contains(&self.seconds) { Ok(self) } else { failed("timestamp overflow") }
    }

    pub fn seconds(&self) -> i64 {
        self.seconds
    }

    pub fn instant(&self) -> (i64, i32) {
        (self.seconds, self.nanoseconds)
    }

    /// Go's zero is the first of January of the year one.
    pub fn is_zero(&self) -> bool {
        self.instant() == (LEAST, 0)
    }

    pub fn plus(&self, nanoseconds: i64) -> Result<Time, EvalError> {
        let total = i128::from(self.seconds) * i128::from(NANOSECONDS)
            + i128::from(self.nanoseconds)
            + i128::from(nanoseconds);
        let seconds = total.div_euclid(i128::from(NANOSECONDS));
        let rest = total.rem_euclid(i128::from(NANOSECONDS));
        match (i64::try_from(seconds), i32::try_from(rest)) {
            (Ok(seconds), Ok(nanoseconds)) => Time { seconds, nanoseconds, ..*self }.in_range(),
            _ => failed("timestamp overflow"),
        }
    }

    /// `time.Parse` with RFC 3339, which takes an hour of one digit and a comma, too.
    pub fn parse(text: &str) -> Option<Time> {
        let (date, rest) = text.split_at_checked(10)?;
        let year = digits(date.get(..4)?)?;
        let month = digits(date.get(5..7)?)?;
        let day = digits(date.get(8..10)?)?;
        if date.get(4..5) != Some("-") || date.get(7..8) != Some("-") {
            return None;
        }
        let rest = rest.strip_prefix('T')?;
        let (hour, rest) = match rest.find(':') {
            Some(at @ (1 | 2)) => (digits(rest.get(..at)?)?, rest.get(at..)?),
            _ => return None,
        };
        let minute = digits(rest.get(1..3)?)?;
        let second = digits(rest.get(4..6)?)?;
        if rest.get(3..4) != Some(":") {
            return None;
        }
        let (nanoseconds, zone) = nanoseconds(rest.get(6..)?)?;
        let offset = zone_offset(zone)?;
        let date =
            civil::Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?)
                .ok()?;
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let days = i64::from(date.since(civil::Date::constant(1970, 1, 1)).ok()?.get_days());
        let seconds = days * 86_400 + i64::from(hour * 3600 + minute * 60 + second) - i64::from(offset);
        Some(Time { seconds, nanoseconds, offset })
    }

    fn civil(&self) -> Option<civil::DateTime> {
        let local = self.seconds + i64::from(self.offset);
        let (days, rest) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        let date =
            civil::Date::constant(1970, 1, 1).checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
        let part = |value: i64| i8::try_from(value).ok();
        let time =
            civil::Time::new(part(rest / 3600)?, part(rest / 60 % 60)?, part(rest % 60)?, self.nanoseconds)
                .ok()?;
        Some(date.to_datetime(time))
    }
}

fn digits(text: &str) -> Option<i32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn nanoseconds(text: &str) -> Option<(i32, &str)> {
    let Some(after) = text.strip_prefix(['.', ',']) else { return Some((0, text)) };
    let (part, rest) = leading_digits(after);
    if part.is_empty() {
        return None;
    }
    let first: String = part.chars().chain("000000000".chars()).take(9).collect();
    Some((first.parse().ok()?, rest))
}

fn zone_offset(zone: &str) -> Option<i32> {
    if zone == "Z" {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    (hours <= 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(at) = self.civil() else { return Ok(()) };
        write!(f, "{:04}-{:02}-{:02}T", at.year(), at.month(), at.day())?;
        write!(f, "{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second())?;
        if self.nanoseconds > 0 {
            let digits = format!("{:09}", self.nanoseconds);
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        if self.offset == 0 {
            return f.write_str("Z");
        }
        let sign = if self.offset < 0 { '-' } else { '+' };
        let minutes = self.offset.abs() / 60;
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}
