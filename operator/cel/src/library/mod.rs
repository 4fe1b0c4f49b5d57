//! The functions of the API server's environment, by overload.

pub mod cidr;
pub mod convert;
pub mod decimal;
pub mod format;
pub mod ip;
pub mod lists;
pub mod math;
pub mod optional;
pub mod printf;
pub mod quantity;
pub mod regex;
pub mod semver;
pub mod sets;
pub mod strings;
pub mod time;
pub mod url;
pub mod validate;

pub use validate::validate;

use crate::error::EvalError;
use crate::table::Native;
use crate::value::{List, Value};

/// Forms of the language, which are evaluated without a function.
#[cfg(test)]
pub fn is_form(name: &str) -> bool {
    matches!(
        name,
        "_&&_"
            | "_||_"
            | "_==_"
            | "_!=_"
            | "_?_:_"
            | "_[_]"
            | "_[?_]"
            | "_?._"
            | "or"
            | "orValue"
            | "find"
            | "findAll"
            | "matches"
            | "@not_strictly_false"
            | "cel.@mapInsert"
    )
}

/// Those that cel-go evaluates beforehand on a constant.
pub fn is_conversion(name: &str) -> bool {
    matches!(
        name,
        "bool" | "bytes" | "double" | "duration" | "dyn" | "int" | "string" | "timestamp" | "type" | "uint"
    )
}

pub fn singleton(name: &str) -> Option<Native> {
    math::singleton(name).or_else(|| lists::singleton(name))
}

pub fn native(overload: &str) -> Option<Native> {
    convert::native(overload)
        .or_else(|| strings::native(overload))
        .or_else(|| lists::native(overload))
        .or_else(|| sets::native(overload))
        .or_else(|| optional::native(overload))
        .or_else(|| time::native(overload))
        .or_else(|| quantity::native(overload))
        .or_else(|| ip::native(overload))
        .or_else(|| cidr::native(overload))
        .or_else(|| url::native(overload))
        .or_else(|| semver::native(overload))
        .or_else(|| format::native(overload))
}

/// What cannot be, once the types of the arguments suit the overload.
pub fn unsuited<T>() -> Result<T, EvalError> {
    Err(EvalError::no_such_overload())
}

pub fn text<'v>(values: &'v [Value<'_>], at: usize) -> Result<&'v str, EvalError> {
    match values.get(at) {
        Some(Value::String(text)) => Ok(text),
        _ => unsuited(),
    }
}

pub fn int(values: &[Value<'_>], at: usize) -> Result<i64, EvalError> {
    match values.get(at) {
        Some(Value::Int(value)) => Ok(*value),
        _ => unsuited(),
    }
}

pub fn list<'v, 'a>(values: &'v [Value<'a>], at: usize) -> Result<&'v List<'a>, EvalError> {
    match values.get(at) {
        Some(Value::List(list)) => Ok(list),
        _ => unsuited(),
    }
}
