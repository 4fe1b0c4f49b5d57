//! Names, fields and indexes: what cel-go calls attributes.

use super::{Evaluation, Outcome, settled};
use crate::env::Bound;
use crate::error::{EvalError, failed};
use crate::gofmt;
use crate::tree::{Path, Root, Step, StepKey};
use crate::value::Value;

impl<'p, 'a> Evaluation<'p, '_, 'a, '_, '_> {
    pub(super) fn whole_path(&mut self, path: &'p Path) -> Outcome<'a> {
        let found = self.path(path);
        if matches!(path.root, Root::Either(_)) {
            return found;
        }
        self.paid(1, found)
    }

    pub(super) fn test(&mut self, path: &'p Path) -> Outcome<'a> {
        let found = settled(self.path(path))?;
        if matches!(path.root, Root::Either(_)) {
            // As cel-go: what it takes back here, it did not ask for.
            self.cost = self.cost.saturating_sub(1);
        }
        Ok(match found? {
            Value::Optional(inner) => Value::Bool(inner.is_some()),
            other => other,
        })
    }

    pub(super) fn variable(&mut self, at: usize) -> Outcome<'a> {
        let activation = self.activation;
        match activation.bound(at) {
            Some(Bound::Json(json)) => Ok(Value::from(*json)),
            Some(Bound::Program(lazy)) => {
                let outcome = lazy.get(activation, self.budget)?;
                self.paid(1, outcome)
            }
            Some(Bound::Nothing) | None => failed(format!("no such attribute(s): {}", activation.name(at))),
        }
    }

    /// Without the price of its root.
    pub(super) fn path(&mut self, path: &'p Path) -> Outcome<'a> {
        let root = match &path.root {
            Root::Variable(at) => self.variable(*at)?,
            Root::Local(slot) => self.local(*slot)?,
            Root::Node(node) => self.eval(node)?,
            Root::Either(either) => match self.eval(&either.0)? {
                Value::Bool(true) => self.path(&either.1)?,
                Value::Bool(false) => self.path(&either.2)?,
                _ => return Err(EvalError::no_such_overload()),
            },
        };
        let (mut value, mut optional) = match root {
            Value::Optional(Some(inner)) => (unwrapped(&inner)?, true),
            other if path.steps.is_empty() => return Ok(other),
            Value::Optional(None) => return Ok(Value::Optional(None)),
            other => (other, false),
        };
        for step in &path.steps {
            optional = optional || step.optional;
            let found = settled(self.step(&value, step, optional))?;
            if optional {
                let Some(next) = found? else { return Ok(Value::Optional(None)) };
                self.charge(1)?;
                value = next;
            } else {
                self.charge(1)?;
                let found = found?;
                value = match (found, step.test) {
                    (found, true) => Value::Bool(found.is_some()),
                    (Some(next), false) => next,
                    (None, false) => return failed("invalid attribute"),
                };
            }
        }
        Ok(if optional { Value::some(value) } else { value })
    }

    pub(super) fn step(
        &mut self,
        value: &Value<'a>,
        step: &'p Step,
        optional: bool,
    ) -> Result<Option<Value<'a>>, EvalError> {
        match &step.key {
            StepKey::Constant(key) => qualify(value, key, optional || step.test),
            StepKey::Path(path) => {
                let key = self.path(path)?;
                if !can_be_a_step(&key) {
                    let bare = matches!(path.root, Root::Local(_) | Root::Node(_)) && path.steps.is_empty();
                    let name = if bare { gofmt::go_type(&key) } else { gofmt::native_type(&key) };
                    return failed(format!("invalid qualifier type: {name}"));
                }
                qualify(value, &key, optional || step.test)
            }
        }
    }
}

pub fn can_be_a_step(value: &Value<'_>) -> bool {
    matches!(value, Value::String(_) | Value::Int(_) | Value::Uint(_) | Value::Bool(_) | Value::Double(_))
}

/// What is in an optional, once a name or a choice has given the optional: there it becomes a value of Go and back.
fn unwrapped<'a>(value: &Value<'a>) -> Outcome<'a> {
    match value {
        Value::Optional(Some(inner)) => unwrapped(inner),
        Value::Optional(None) => Ok(Value::Null),
        Value::Type(name) => Ok(Value::text(*name)),
        Value::Quantity(_) | Value::Ip(_) | Value::Cidr(_) | Value::Url(_) | Value::Semver(_) => {
            failed(format!("unsupported conversion to ref.Val: ({})", value.type_name()))
        }
        other => Ok(other.clone()),
    }
}

/// None where it is absent and that is no error.
fn qualify<'a>(value: &Value<'a>, key: &Value<'_>, test: bool) -> Result<Option<Value<'a>>, EvalError> {
    let found = match (value, key) {
        (Value::Map(map), Value::String(name)) => map.field(name),
        (Value::Map(map), key) => map.find(key),
        (Value::List(list), key) => {
            let index = index(key)?;
            let found = usize::try_from(index).ok().and_then(|index| list.get(index));
            if found.is_none() && !test {
                return failed(format!("index out of bounds: {}", gofmt::value(key)));
            }
            return Ok(found);
        }
        _ => None,
    };
    if found.is_none() && !test {
        return failed(format!("no such key: {}", gofmt::value(key)));
    }
    Ok(found)
}

fn index(key: &Value<'_>) -> Result<i64, EvalError> {
    let index = match key {
        Value::Int(index) => Some(*index),
        Value::Uint(index) => i64::try_from(*index).ok(),
        Value::Double(index) => gofmt::exact_int(*index),
        other => return failed(format!("unsupported index type '{}' in list", other.type_name())),
    };
    match index {
        Some(index) => Ok(index),
        None => failed(format!("unsupported index value {} in list", gofmt::value(key))),
    }
}
