//! Lists: cel-go's extension and the server's own.

use crate::error::{EvalError, failed};
use crate::library::math::{bounded, not_for};
use crate::library::{int, list, unsuited};
use crate::table::Native;
use crate::value::{List, Value};
use std::cmp::Ordering;

type Outcome<'a> = Result<Value<'a>, EvalError>;

pub fn singleton(name: &str) -> Option<Native> {
    Some(match name {
        "sort" => |values| sort("sort", values.first(), values.first()),
        "@sortByAssociatedKeys" => |values| sort("@sortByAssociatedKeys", values.first(), values.get(1)),
        _ => return None,
    })
}

pub fn native(overload: &str) -> Option<Native> {
    Some(match overload {
        "list_slice" => slice,
        "list_flatten" | "list_flatten_int" => flatten,
        "lists_range" => range,
        "list_reverse" => reverse,
        "list_distinct" => distinct,
        "list_a_index_of_int" => index_of,
        "list_a_last_index_of_int" => last_index_of,
        "list_int_sum_int" => |values| sum(values, Value::Int(0)),
        "list_uint_sum_uint" => |values| sum(values, Value::Uint(0)),
        "list_double_sum_double" => |values| sum(values, Value::Double(0.0)),
        "list_duration_sum_duration" => |values| sum(values, Value::Duration(0)),
        other if other.ends_with("_is_sorted_bool") => is_sorted,
        other if other.starts_with("list_") && other.contains("_min_") => {
            |values| extreme(values, Ordering::Greater)
        }
        other if other.starts_with("list_") && other.contains("_max_") => {
            |values| extreme(values, Ordering::Less)
        }
        _ => return None,
    })
}

fn slice<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    let (list, start, end) = (list(values, 0)?, int(values, 1)?, int(values, 2)?);
    let (Ok(from), Ok(to)) = (usize::try_from(start), usize::try_from(end)) else {
        return failed(format!("cannot slice({start}, {end}), negative indexes not supported"));
    };
    if from > to {
        return failed(format!(
            "cannot slice({start}, {end}), start index must be less than or equal to end index"
        ));
    }
    if list.len() < to {
        return failed(format!("cannot slice({start}, {end}), list is length {}", list.len()));
    }
    Ok(Value::list(list.iter().skip(from).take(to - from).collect()))
}

fn flatten<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    match values {
        [Value::List(list)] => flattened(list, 1).map(Value::list),
        [Value::List(list), Value::Int(depth)] => flattened(list, *depth).map(Value::list),
        [Value::Map(_)] => failed("no such overload: map(dyn, dyn).flatten()"),
        [other] => failed(format!("no such overload: {}.flatten()", other.type_name())),
        [other, depth] => {
            failed(format!("no such overload: {}.flatten({})", other.type_name(), depth.type_name()))
        }
        _ => unsuited(),
    }
}

fn flattened<'a>(list: &List<'a>, depth: i64) -> Result<Vec<Value<'a>>, EvalError> {
    if depth < 0 {
        return failed("level must be non-negative");
    }
    let mut all = Vec::new();
    for element in list.iter() {
        match element {
            Value::List(inner) if depth > 0 => all.extend(flattened(&inner, depth - 1)?),
            other => all.push(other),
        }
        bounded(all.len())?;
    }
    Ok(all)
}

/// More than can be paid is not made.
const LONGEST_RANGE: i64 = 1_000_000;

fn range<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    let end = int(values, 0)?;
    if end > LONGEST_RANGE {
        return Err(EvalError::CostExceeded);
    }
    Ok(Value::list((0..end).map(Value::Int).collect()))
}

fn reverse<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    let mut all: Vec<Value<'a>> = list(values, 0)?.iter().collect();
    all.reverse();
    Ok(Value::list(all))
}

fn distinct<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    let mut kept: Vec<Value<'a>> = Vec::new();
    for (at, element) in list(values, 0)?.iter().enumerate() {
        // As there: an element is not compared with the one at its own position among those kept.
        if !kept.iter().enumerate().any(|(own, other)| own != at && element.same(other)) {
            kept.push(element);
        }
    }
    Ok(Value::list(kept))
}

fn index_of<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    let (list, asked) = (list(values, 0)?, values.get(1).ok_or_else(EvalError::no_such_overload)?);
    Ok(position(list.iter().position(|element| element.same(asked))))
}

fn last_index_of<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    let (list, asked) = (list(values, 0)?, values.get(1).ok_or_else(EvalError::no_such_overload)?);
    let found = (0..list.len()).rev().find(|at| list.get(*at).is_some_and(|element| element.same(asked)));
    Ok(position(found))
}

fn position<'a>(at: Option<usize>) -> Value<'a> {
    Value::Int(at.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1))
}

fn sum<'a>(values: &[Value<'a>], zero: Value<'a>) -> Outcome<'a> {
    let add = crate::library::math::singleton("_+_").ok_or_else(EvalError::no_such_overload)?;
    list(values, 0)?.iter().try_fold(zero, |sum, element| add(&[sum, element]))
}

fn is_sorted<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    let mut before: Option<Value<'a>> = None;
    for element in list(values, 0)?.iter() {
        if !element.can_be_compared() {
            return unsuited();
        }
        if let Some(before) = &before
            && before.compare(&element) == Ok(Ordering::Greater)
        {
            return Ok(Value::Bool(false));
        }
        before = Some(element);
    }
    Ok(Value::Bool(true))
}

fn extreme<'a>(values: &[Value<'a>], replaced: Ordering) -> Outcome<'a> {
    let mut best: Option<Value<'a>> = None;
    for element in list(values, 0)?.iter() {
        if !element.can_be_compared() {
            return unsuited();
        }
        if best.as_ref().is_none_or(|best| best.compare(&element) == Ok(replaced)) {
            best = Some(element);
        }
    }
    let name = if replaced == Ordering::Greater { "min" } else { "max" };
    best.map_or_else(|| failed(format!("{name} called on empty list")), Ok)
}

fn sort<'a>(name: &str, given: Option<&Value<'a>>, keys: Option<&Value<'a>>) -> Outcome<'a> {
    let (Some(Value::List(given)), Some(Value::List(keys))) = (given, keys) else {
        return given.map_or_else(unsuited, |given| not_for(name, given));
    };
    if given.len() != keys.len() {
        return failed(format!(
            "@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got {} and {} elements respectively",
            given.len(),
            keys.len()
        ));
    }
    let Some(first) = keys.get(0) else { return Ok(Value::List(given.clone())) };
    if !first.can_be_compared() {
        return failed("list elements must be comparable");
    }
    if keys.len() > 1 && keys.iter().any(|key| key.type_name() != first.type_name()) {
        return failed("list elements must have the same type");
    }
    let mut pairs: Vec<(Value<'a>, Value<'a>)> = keys.iter().zip(given.iter()).collect();
    pairs.sort_by(|a, b| a.0.compare(&b.0).unwrap_or(Ordering::Equal));
    Ok(Value::list(pairs.into_iter().map(|(_, value)| value).collect()))
}
