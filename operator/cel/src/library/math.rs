//! Operators: what they do depends on the first operand, as in cel-go.

use crate::error::{EvalError, failed};
use crate::library::time;
use crate::table::Native;
use crate::value::{List, Text, Value};
use std::cmp::Ordering;
use std::sync::Arc;

type Outcome<'a> = Result<Value<'a>, EvalError>;

pub fn singleton(name: &str) -> Option<Native> {
    Some(match name {
        "!_" => not,
        "-_" => negate,
        "_+_" => add,
        "_-_" => subtract,
        "_*_" => multiply,
        "_/_" => divide,
        "_%_" => modulo,
        "_<_" => less,
        "_<=_" => less_equals,
        "_>_" => greater,
        "_>=_" => greater_equals,
        "@in" => contained,
        "size" => size,
        "type" => type_of,
        "dyn" => identity,
        _ => return None,
    })
}

/// What cel-go says where the first operand has no such operation: one that takes calls says less.
pub fn not_for<'a>(name: &str, value: &Value<'_>) -> Outcome<'a> {
    match value {
        Value::String(_) | Value::Duration(_) | Value::Timestamp(_) => Err(EvalError::no_such_overload()),
        _ => failed(format!("no such overload: {name}")),
    }
}

fn overflow<T>() -> Result<T, EvalError> {
    failed("integer overflow")
}

fn unsigned_overflow<T>() -> Result<T, EvalError> {
    failed("unsigned integer overflow")
}

fn or_overflow<'a>(value: Option<i64>) -> Outcome<'a> {
    value.map_or_else(overflow, |value| Ok(Value::Int(value)))
}

fn or_unsigned_overflow<'a>(value: Option<u64>) -> Outcome<'a> {
    value.map_or_else(unsigned_overflow, |value| Ok(Value::Uint(value)))
}

fn not<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    match values {
        [Value::Bool(value)] => Ok(Value::Bool(!value)),
        _ => Err(EvalError::no_such_overload()),
    }
}

fn negate<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    match values {
        [Value::Int(value)] => or_overflow(value.checked_neg()),
        [Value::Double(value)] => Ok(Value::Double(-value)),
        [Value::Duration(value)] => match value.checked_neg() {
            Some(value) => Ok(Value::Duration(value)),
            None => failed("integer overflow"),
        },
        [Value::Bool(_)] => Err(EvalError::no_such_overload()),
        [other] => not_for("-_", other),
        _ => Err(EvalError::no_such_overload()),
    }
}

/// Longer texts are not made.
const LONGEST: usize = 1 << 28;

pub fn bounded(length: usize) -> Result<(), EvalError> {
    if length > LONGEST { Err(EvalError::CostExceeded) } else { Ok(()) }
}

fn add<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    let [left, right] = values else { return Err(EvalError::no_such_overload()) };
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => or_overflow(a.checked_add(*b)),
        (Value::Uint(a), Value::Uint(b)) => or_unsigned_overflow(a.checked_add(*b)),
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a + b)),
        (Value::String(a), Value::String(b)) => {
            bounded(a.len() + b.len())?;
            let mut text = String::with_capacity(a.len() + b.len());
            text.push_str(a);
            text.push_str(b);
            Ok(Value::String(Text::Shared(Arc::from(text))))
        }
        (Value::Bytes(a), Value::Bytes(b)) => {
            bounded(a.len() + b.len())?;
            Ok(Value::Bytes(Arc::from([a.as_ref(), b.as_ref()].concat())))
        }
        (Value::List(a), Value::List(b)) if a.is_empty() => Ok(Value::List(b.clone())),
        (Value::List(a), Value::List(b)) if b.is_empty() => Ok(Value::List(a.clone())),
        (Value::List(a), Value::List(b)) => {
            bounded(a.len() + b.len())?;
            Ok(Value::List(List::Made(Arc::new(a.iter().chain(b.iter()).collect()))))
        }
        (Value::Timestamp(time), Value::Duration(by)) | (Value::Duration(by), Value::Timestamp(time)) => {
            Ok(Value::Timestamp(time.plus(*by)?))
        }
        (Value::Duration(a), Value::Duration(b)) => time::duration(a.checked_add(*b)),
        (
            Value::Int(_)
            | Value::Uint(_)
            | Value::Double(_)
            | Value::String(_)
            | Value::Bytes(_)
            | Value::List(_)
            | Value::Duration(_)
            | Value::Timestamp(_),
            _,
        ) => Err(EvalError::no_such_overload()),
        (other, _) => not_for("_+_", other),
    }
}

fn subtract<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    let [left, right] = values else { return Err(EvalError::no_such_overload()) };
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => or_overflow(a.checked_sub(*b)),
        (Value::Uint(a), Value::Uint(b)) => or_unsigned_overflow(a.checked_sub(*b)),
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a - b)),
        (Value::Timestamp(time), Value::Duration(by)) => match by.checked_neg() {
            Some(by) => Ok(Value::Timestamp(time.plus(by)?)),
            None => failed("integer overflow"),
        },
        (Value::Timestamp(a), Value::Timestamp(b)) => time::between(a, b),
        (Value::Duration(a), Value::Duration(b)) => time::duration(a.checked_sub(*b)),
        (Value::Int(_) | Value::Uint(_) | Value::Double(_) | Value::Duration(_) | Value::Timestamp(_), _) => {
            Err(EvalError::no_such_overload())
        }
        (other, _) => not_for("_-_", other),
    }
}

fn multiply<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    match values {
        [Value::Int(a), Value::Int(b)] => or_overflow(a.checked_mul(*b)),
        [Value::Uint(a), Value::Uint(b)] => or_unsigned_overflow(a.checked_mul(*b)),
        [Value::Double(a), Value::Double(b)] => Ok(Value::Double(a * b)),
        [Value::Int(_) | Value::Uint(_) | Value::Double(_), _] => Err(EvalError::no_such_overload()),
        [other, _] => not_for("_*_", other),
        _ => Err(EvalError::no_such_overload()),
    }
}

fn divide<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    match values {
        [Value::Int(_), Value::Int(0)] | [Value::Uint(_), Value::Uint(0)] => failed("division by zero"),
        [Value::Int(a), Value::Int(b)] => or_overflow(a.checked_div(*b)),
        [Value::Uint(a), Value::Uint(b)] => Ok(Value::Uint(a / b)),
        [Value::Double(a), Value::Double(b)] => Ok(Value::Double(a / b)),
        [Value::Int(_) | Value::Uint(_) | Value::Double(_), _] => Err(EvalError::no_such_overload()),
        [other, _] => not_for("_/_", other),
        _ => Err(EvalError::no_such_overload()),
    }
}

fn modulo<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    match values {
        [Value::Int(_), Value::Int(0)] | [Value::Uint(_), Value::Uint(0)] => failed("modulus by zero"),
        [Value::Int(a), Value::Int(b)] => or_overflow(a.checked_rem(*b)),
        [Value::Uint(a), Value::Uint(b)] => Ok(Value::Uint(a % b)),
        [Value::Int(_) | Value::Uint(_), _] => Err(EvalError::no_such_overload()),
        [other, _] => not_for("_%_", other),
        _ => Err(EvalError::no_such_overload()),
    }
}

fn ordered<'a>(values: &[Value<'a>], name: &str, holds: fn(Ordering) -> bool) -> Outcome<'a> {
    match values {
        [left, right] if left.can_be_compared() => Ok(Value::Bool(holds(left.compare(right)?))),
        [left, _] => not_for(name, left),
        _ => Err(EvalError::no_such_overload()),
    }
}

fn less<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    ordered(values, "_<_", Ordering::is_lt)
}

fn less_equals<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    ordered(values, "_<=_", Ordering::is_le)
}

fn greater<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    ordered(values, "_>_", Ordering::is_gt)
}

fn greater_equals<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    ordered(values, "_>=_", Ordering::is_ge)
}

fn contained<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    match values {
        [asked, Value::List(list)] => Ok(Value::Bool(list.iter().any(|element| asked.same(&element)))),
        [asked, Value::Map(map)] => Ok(Value::Bool(map.find(asked).is_some())),
        _ => Err(EvalError::no_such_overload()),
    }
}

fn size<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    match values {
        [value] => match value.size() {
            Some(size) => Ok(Value::Int(i64::try_from(size).unwrap_or(i64::MAX))),
            None => not_for("size", value),
        },
        _ => Err(EvalError::no_such_overload()),
    }
}

fn type_of<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    match values {
        [value] => Ok(Value::Type(value.type_name())),
        _ => Err(EvalError::no_such_overload()),
    }
}

fn identity<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    values.first().cloned().ok_or_else(EvalError::no_such_overload)
}
