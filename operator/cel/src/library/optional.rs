//! Optional values.

use crate::error::{EvalError, failed};
use crate::gofmt;
use crate::library::{list, unsuited};
use crate::table::Native;
use crate::value::Value;
use std::ops::Deref;

type Outcome<'a> = Result<Value<'a>, EvalError>;

pub fn native(overload: &str) -> Option<Native> {
    Some(match overload {
        "optional_none" => |_| Ok(Value::Optional(None)),
        "optional_of" => |values| Ok(optional(values.first().cloned())),
        "optional_ofNonZeroValue" => {
            |values| Ok(optional(values.first().filter(|value| !value.is_zero()).cloned()))
        }
        "optional_value" => value,
        "optional_hasValue" => has_value,
        "optional_unwrap" | "optional_unwrapOpt" => unwrap,
        "list_first" => |values| Ok(optional(list(values, 0)?.get(0))),
        "list_last" => last,
        _ => return None,
    })
}

fn optional(value: Option<Value<'_>>) -> Value<'_> {
    value.map_or(Value::Optional(None), Value::some)
}

fn value<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    match values {
        [Value::Optional(Some(value))] => Ok(value.deref().clone()),
        [Value::Optional(None)] => failed("optional.none() dereference"),
        _ => unsuited(),
    }
}

fn has_value<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    match values {
        [Value::Optional(value)] => Ok(Value::Bool(value.is_some())),
        _ => unsuited(),
    }
}

fn last<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    let list = list(values, 0)?;
    Ok(optional(list.len().checked_sub(1).and_then(|at| list.get(at))))
}

fn unwrap<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    let mut kept = Vec::new();
    for element in list(values, 0)?.iter() {
        match element {
            Value::Optional(value) => kept.extend(value.map(|value| value.deref().clone())),
            other => return failed(format!("value {} is not optional", gofmt::value(&other))),
        }
    }
    Ok(Value::list(kept))
}
