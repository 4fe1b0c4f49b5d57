//! Numbers and texts as Go prints and converts them.

use crate::value::{List, Map, Value};
use std::fmt::Write as _;

const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;

#[allow(clippy::cast_possible_truncation)]
pub fn to_int(value: f64) -> Option<i64> {
    (value > -TWO_TO_63 && value < TWO_TO_63).then_some(value as i64)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn to_uint(value: f64) -> Option<u64> {
    (0.0..TWO_TO_64).contains(&value).then_some(value as u64)
}

#[allow(clippy::cast_precision_loss, clippy::float_cmp)]
pub fn exact_int(value: f64) -> Option<i64> {
    to_int(value).filter(|integer| *integer as f64 == value)
}

#[allow(clippy::cast_precision_loss, clippy::float_cmp)]
pub fn exact_uint(value: f64) -> Option<u64> {
    to_uint(value).filter(|integer| *integer as f64 == value)
}

/// `%g` and `%v`.
pub fn general(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// `%q`.
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            control if control < ' ' || control == '\u{7f}' => {
                let _ = write!(quoted, "\\x{:02x}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// `%v` of a value of cel-go.
pub fn value(value: &Value<'_>) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Double(value) => general(*value),
        Value::String(text) => text.to_string(),
        Value::Type(name) => (*name).to_owned(),
        Value::Optional(None) => "optional.none()".to_owned(),
        Value::Optional(Some(inner)) => format!("optional({})", self::value(inner)),
        Value::List(list) => {
            let all: Vec<String> = list.iter().map(|element| self::value(&element)).collect();
            format!("[{}]", all.join(", "))
        }
        Value::Map(map) => {
            let all: Vec<String> = map
                .entries()
                .iter()
                .map(|(key, value)| format!("{}: {}", self::value(key), self::value(value)))
                .collect();
            format!("{{{}}}", all.join(", "))
        }
        Value::Null => "0".to_owned(),
        other => other.type_name().to_owned(),
    }
}

/// `%T` of a value of cel-go.
pub fn go_type(value: &Value<'_>) -> &'static str {
    match value {
        Value::Null => "types.Null",
        Value::Bool(_) => "types.Bool",
        Value::Int(_) => "types.Int",
        Value::Uint(_) => "types.Uint",
        Value::Double(_) => "types.Double",
        Value::String(_) => "types.String",
        Value::Bytes(_) => "types.Bytes",
        Value::Duration(_) => "types.Duration",
        Value::Timestamp(_) => "types.Timestamp",
        Value::List(_) => "*types.baseList",
        Value::Map(_) => "*types.baseMap",
        Value::Type(_) => "*types.Type",
        Value::Optional(_) => "*types.Optional",
        Value::Quantity(_) => "cel.Quantity",
        Value::Ip(_) => "cel.IP",
        Value::Cidr(_) => "cel.CIDR",
        Value::Url(_) => "cel.URL",
        Value::Semver(_) => "cel.Semver",
        Value::Format(_) => "cel.Format",
    }
}

/// `strconv.ParseFloat`: an underscore is not taken there either, a hexadecimal one is.
pub fn parse_double(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.to_ascii_lowercase().starts_with("0x") {
        return parse_hexadecimal(unsigned).map(|value| if text.starts_with('-') { -value } else { value });
    }
    let value: f64 = text.parse().ok()?;
    // Out of range is an error there, unless it is written.
    (!value.is_infinite() || unsigned.to_ascii_lowercase().starts_with("inf")).then_some(value)
}

/// With an exponent, which it must have.
#[allow(clippy::cast_precision_loss)]
fn parse_hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.get(2..)?.split_once(['p', 'P'])?;
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{part}");
    // More than a double holds would have to be rounded as there: not guessed.
    if digits.is_empty() || digits.len() > 13 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let exponent: i32 = exponent.parse().ok().filter(|exponent: &i32| exponent.abs() < 900)?;
    let value = u64::from_str_radix(&digits, 16).ok()? as f64;
    Some(value * 2f64.powi(exponent - 4 * i32::try_from(part.len()).ok()?))
}

/// As JSON is held there before it is a value of cel-go.
pub fn native_type(value: &Value<'_>) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::List(List::Json(_)) => "[]interface {}",
        Value::Map(Map::Json(_)) => "map[string]interface {}",
        other => go_type(other),
    }
}
