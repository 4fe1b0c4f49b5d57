//! Lists taken as sets.

use crate::error::EvalError;
use crate::library::list;
use crate::table::Native;
use crate::value::{List, Value};

type Outcome<'a> = Result<Value<'a>, EvalError>;

pub fn native(overload: &str) -> Option<Native> {
    Some(match overload {
        "list_sets_contains_list" => contains,
        "list_sets_equivalent_list" => equivalent,
        "list_sets_intersects_list" => intersects,
        _ => return None,
    })
}

fn has(list: &List<'_>, element: &Value<'_>) -> bool {
    list.iter().any(|own| element.same(&own))
}

fn all(of: &List<'_>, within: &List<'_>) -> bool {
    of.iter().all(|element| has(within, &element))
}

fn contains<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    Ok(Value::Bool(all(list(values, 1)?, list(values, 0)?)))
}

fn equivalent<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    let (a, b) = (list(values, 0)?, list(values, 1)?);
    Ok(Value::Bool(all(a, b) && all(b, a)))
}

fn intersects<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    let (a, b) = (list(values, 0)?, list(values, 1)?);
    Ok(Value::Bool(a.iter().any(|element| has(b, &element))))
}
