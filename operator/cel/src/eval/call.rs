//! Calls.

use super::{Evaluation, INTERNAL, Outcome, settled};
use crate::cost::{self, Price};
use crate::error::{EvalError, failed};
use crate::gofmt;
use crate::library::regex;
use crate::table::Overload;
use crate::tree::{Call, MatchKind, Matches, Node, Pattern};
use crate::types::Type;
use crate::value::Value;
use std::ops::Deref;

impl<'p, 'a> Evaluation<'p, '_, 'a, '_, '_> {
    pub(super) fn call(&mut self, call: &'p Call) -> Outcome<'a> {
        match call.arguments.as_slice() {
            [only] => {
                if call.function.name == "@not_strictly_false" {
                    let value = settled(self.eval(only))?;
                    self.charge(1)?;
                    return Ok(Value::Bool(!matches!(value, Ok(Value::Bool(false)))));
                }
                let only = settled(self.eval(only))?;
                self.applied(call, [only])
            }
            [first, second] => {
                let first = settled(self.eval(first))?;
                if first.is_err() && call.function.singleton.is_none() && call.overload.is_none() {
                    return first;
                }
                let second = settled(self.eval(second))?;
                self.applied(call, [first, second])
            }
            many => {
                let mut values = Vec::with_capacity(many.len());
                for (at, argument) in many.iter().enumerate() {
                    let value = settled(self.eval(argument))?;
                    // Paid for once every argument was evaluated, be it in vain.
                    if value.is_err() && at + 1 == many.len() {
                        values.push(Value::Null);
                        self.charge(cost::call(call.price, &values, None))?;
                    }
                    values.push(value?);
                }
                let result = apply(call, &values);
                self.charge(cost::call(call.price, &values, result.as_ref().ok()))?;
                result
            }
        }
    }

    pub(super) fn applied<const N: usize>(&mut self, call: &Call, given: [Outcome<'a>; N]) -> Outcome<'a> {
        let mut error = None;
        let values = given.map(|outcome| {
            outcome.unwrap_or_else(|failure| {
                error.get_or_insert(failure);
                Value::Null
            })
        });
        let failure = error.is_some();
        let result = match error {
            Some(error) => Err(error),
            None => apply(call, &values),
        };
        let result = settled(result)?;
        if let Price::SelfCompare(at) = call.price
            && !matches!(values.get(at), Some(Value::List(_)))
        {
            return failed(not_a_list(values.get(at).filter(|_| !failure)));
        }
        self.charge(cost::call(call.price, &values, result.as_ref().ok()))?;
        result
    }

    pub(super) fn matches(&mut self, matches: &'p Matches) -> Outcome<'a> {
        let text = settled(self.eval(&matches.text))?;
        if text.is_err() && matches!(matches.pattern, Pattern::Literal(..)) {
            return text;
        }
        let activation = self.activation;
        let (compiled, size) = match &matches.pattern {
            Pattern::Literal(compiled, size) => (Ok(Ok(compiled.clone())), *size),
            Pattern::Dynamic(node) => {
                let pattern = settled(self.eval(node))?;
                let size = pattern.as_ref().ok().and_then(Value::size).unwrap_or(1);
                (pattern.map(|pattern| regex::cached(&activation.patterns, &pattern)), size)
            }
        };
        let limit = match &matches.limit {
            Some(node) => Some(self.eval(node)?),
            None => None,
        };
        let length = text.as_ref().ok().and_then(Value::size).unwrap_or(1);
        self.charge(cost::pattern(length, size))?;
        let (text, compiled) = (text?, compiled?);
        let name = match matches.kind {
            MatchKind::Matches => "matches",
            MatchKind::Find => "find",
            MatchKind::FindAll => "findAll",
        };
        let Value::String(text) = &text else {
            return match (&matches.pattern, matches.kind) {
                (Pattern::Literal(..), _) => Err(EvalError::no_such_overload()),
                (Pattern::Dynamic(_), MatchKind::Matches) => failed(format!("no such overload: {name}")),
                (Pattern::Dynamic(_), _) => {
                    failed(format!("no such overload: {name}({}, string)", text.type_name()))
                }
            };
        };
        let compiled = compiled?;
        regex::apply(matches.kind, text, &compiled, limit.as_ref())
    }

    pub(super) fn optional_or(&mut self, pair: &'p [Node; 2], value: bool) -> Outcome<'a> {
        match self.eval(&pair[0])? {
            Value::Optional(Some(inner)) if value => Ok(inner.deref().clone()),
            Value::Optional(None) => self.eval(&pair[1]),
            other => Ok(other),
        }
    }
}

/// The server prices such a call as if it were given a list, and fails.
fn not_a_list(value: Option<&Value<'_>>) -> String {
    let (name, missing) = match value {
        None => ("*types.Err", "Add"),
        Some(value @ (Value::Null | Value::Bool(_) | Value::Map(_))) => (gofmt::go_type(value), "Add"),
        Some(value) => (gofmt::go_type(value), "Contains"),
    };
    format!("{INTERNAL}interface conversion: {name} is not traits.Lister: missing method {missing}")
}

pub fn apply<'a>(call: &Call, values: &[Value<'a>]) -> Outcome<'a> {
    if let Some(singleton) = call.function.singleton {
        return singleton(values);
    }
    let mut candidates = match call.overload {
        Some(only) => call.function.overloads.get(only..=only).unwrap_or_default(),
        None => call.function.overloads.as_slice(),
    }
    .iter();
    if let Some(native) = candidates.find_map(|overload| overload.native.filter(|_| suits(overload, values)))
    {
        return native(values);
    }
    let names: Vec<&str> = values.iter().map(Value::type_name).collect();
    failed(format!("no such overload: {}({})", call.function.name, names.join(", ")))
}

/// What looks at its arguments itself.
const UNGUARDED: &[&str] =
    &["contains_string", "ends_with_string", "list_flatten", "list_flatten_int", "starts_with_string"];

fn suits(overload: &Overload, values: &[Value<'_>]) -> bool {
    if UNGUARDED.contains(&overload.id) {
        return overload.arguments.len() == values.len();
    }
    overload.arguments.len() == values.len()
        && overload.arguments.iter().zip(values).all(|(wanted, value)| accepts(wanted, value))
}

/// As cel-go looks: of a list or a map, only at the first.
fn accepts(wanted: &Type, value: &Value<'_>) -> bool {
    match (wanted, value) {
        (Type::Dyn | Type::Param(_) | Type::Var(_), _) => true,
        (Type::List(element), Value::List(list)) => list.get(0).is_none_or(|first| accepts(element, &first)),
        (Type::Map(entry), Value::Map(map)) => map
            .entries()
            .first()
            .is_none_or(|(key, value)| accepts(&entry.0, key) && accepts(&entry.1, value)),
        (wanted, value) => wanted.name() == value.type_name(),
    }
}
