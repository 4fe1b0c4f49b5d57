//! Conversions.

use crate::error::{EvalError, failed};
use crate::gofmt;
use crate::library::{int, text, time, unsuited};
use crate::table::Native;
use crate::value::Value;
use std::sync::Arc;

type Outcome<'a> = Result<Value<'a>, EvalError>;

pub fn native(overload: &str) -> Option<Native> {
    Some(match overload {
        "bool_to_bool"
        | "bytes_to_bytes"
        | "double_to_double"
        | "duration_to_duration"
        | "int64_to_int64"
        | "string_to_string"
        | "timestamp_to_timestamp"
        | "uint64_to_uint64" => same,
        "string_to_bool" => string_to_bool,
        "string_to_bytes" => |values| Ok(Value::Bytes(Arc::from(text(values, 0)?.as_bytes()))),
        "int64_to_double" | "uint64_to_double" | "string_to_double" => to_double,
        "string_to_duration" => string_to_duration,
        // Declared there, and made by nothing.
        "int64_to_duration" => |_| cannot("int", "google.protobuf.Duration"),
        "double_to_int64" | "duration_to_int64" | "string_to_int64" | "timestamp_to_int64"
        | "uint64_to_int64" => to_int,
        "bool_to_string"
        | "bytes_to_string"
        | "double_to_string"
        | "duration_to_string"
        | "int64_to_string"
        | "timestamp_to_string"
        | "uint64_to_string"
        | "ip_to_string"
        | "cidr_to_string" => to_string,
        "string_to_timestamp" => string_to_timestamp,
        "int64_to_timestamp" => |values| time::Time::from_seconds(int(values, 0)?).map(Value::Timestamp),
        "double_to_uint64" | "int64_to_uint64" | "string_to_uint64" => to_uint,
        _ => return None,
    })
}

fn same<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    values.first().cloned().ok_or_else(EvalError::no_such_overload)
}

fn cannot<T>(from: &str, to: &str) -> Result<T, EvalError> {
    failed(format!("type conversion error from '{from}' to '{to}'"))
}

fn string_to_bool<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    match text(values, 0)? {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(Value::Bool(true)),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(Value::Bool(false)),
        _ => cannot("string", "bool"),
    }
}

#[allow(clippy::cast_precision_loss)]
fn to_double<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    match values {
        [Value::Int(value)] => Ok(Value::Double(*value as f64)),
        [Value::Uint(value)] => Ok(Value::Double(*value as f64)),
        [Value::String(text)] => match gofmt::parse_double(text) {
            Some(value) => Ok(Value::Double(value)),
            None => cannot("string", "double"),
        },
        _ => unsuited(),
    }
}

fn string_to_duration<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    match time::parse_duration(text(values, 0)?) {
        Some(nanoseconds) => Ok(Value::Duration(nanoseconds)),
        None => cannot("string", "google.protobuf.Duration"),
    }
}

fn string_to_timestamp<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    match time::Time::parse(text(values, 0)?) {
        Some(time) => time.in_range().map(Value::Timestamp),
        None => cannot("string", "google.protobuf.Timestamp"),
    }
}

fn to_int<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    let converted = match values {
        [Value::Double(value)] => gofmt::to_int(*value),
        [Value::Duration(value)] => Some(*value),
        [Value::Timestamp(time)] => Some(time.seconds()),
        [Value::Uint(value)] => i64::try_from(*value).ok(),
        [Value::String(text)] => match text.parse() {
            Ok(value) => Some(value),
            Err(_) => return cannot("string", "int"),
        },
        _ => return unsuited(),
    };
    converted.map_or_else(|| failed("integer overflow"), |value| Ok(Value::Int(value)))
}

fn to_uint<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    let converted = match values {
        [Value::Double(value)] => gofmt::to_uint(*value),
        [Value::Int(value)] => u64::try_from(*value).ok(),
        // Rust takes a plus sign, Go does not.
        [Value::String(text)] => match text.parse() {
            Ok(value) if !text.starts_with('+') => Some(value),
            _ => return cannot("string", "uint"),
        },
        _ => return unsuited(),
    };
    converted.map_or_else(|| failed("unsigned integer overflow"), |value| Ok(Value::Uint(value)))
}

fn to_string<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    let [value] = values else { return unsuited() };
    match display(value) {
        Some(text) => Ok(Value::text(text)),
        None if matches!(value, Value::Bytes(_)) => {
            failed("invalid UTF-8 in bytes, cannot convert to string")
        }
        None => unsuited(),
    }
}

/// What `string()` makes.
pub fn display(value: &Value<'_>) -> Option<String> {
    Some(match value {
        Value::Bool(value) => value.to_string(),
        Value::Bytes(bytes) => std::str::from_utf8(bytes).ok()?.to_owned(),
        Value::Double(value) => gofmt::general(*value),
        Value::Duration(nanoseconds) => format!("{}s", time::seconds(*nanoseconds)),
        Value::Int(value) => value.to_string(),
        Value::String(text) => text.to_string(),
        Value::Timestamp(time) => time.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Ip(ip) => ip.to_string(),
        Value::Cidr(cidr) => cidr.to_string(),
        Value::Type(name) => (*name).to_owned(),
        Value::Null => "null".to_owned(),
        _ => return None,
    })
}
