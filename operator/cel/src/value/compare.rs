//! Equality and order, between kinds too.

use super::Value;
use crate::error::{EvalError, failed};
use std::cmp::Ordering;

impl Value<'_> {
    /// An error where cel-go has no answer for two values that are not of a kind.
    pub fn equals(&self, other: &Value<'_>) -> Result<bool, EvalError> {
        Ok(match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Null, _) | (_, Value::Null) => false,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (
                Value::Int(_) | Value::Uint(_) | Value::Double(_),
                Value::Int(_) | Value::Uint(_) | Value::Double(_),
            ) => compare_numbers(self, other) == Some(Ordering::Equal),
            (Value::String(a), Value::String(b)) => **a == **b,
            (Value::Bytes(a), Value::Bytes(b)) => a == b,
            (Value::Duration(a), Value::Duration(b)) => a == b,
            (Value::Timestamp(a), Value::Timestamp(b)) => a.instant() == b.instant(),
            (Value::List(a), Value::List(b)) => a.equals(b),
            (Value::Map(a), Value::Map(b)) => a.equals(b),
            (Value::Type(a), Value::Type(b)) => a == b,
            (Value::Optional(a), Value::Optional(b)) => match (a, b) {
                (None, None) => true,
                (Some(a), Some(b)) => return a.equals(b),
                _ => false,
            },
            // The server's own type makes a sum that it does not compare from the right.
            (Value::Quantity(a), Value::Quantity(b)) if !b.computed => a.equals(b),
            (Value::Ip(a), Value::Ip(b)) => a == b,
            (Value::Cidr(a), Value::Cidr(b)) => a == b,
            (Value::Url(a), Value::Url(b)) => a.text() == b.text(),
            (Value::Semver(a), Value::Semver(b)) => a.compare(b) == Ordering::Equal,
            (Value::Format(a), Value::Format(b)) => a.name == b.name,
            (
                Value::Quantity(_)
                | Value::Ip(_)
                | Value::Cidr(_)
                | Value::Url(_)
                | Value::Semver(_)
                | Value::Format(_),
                _,
            ) => return Err(EvalError::no_such_overload()),
            _ => false,
        })
    }

    pub fn same(&self, other: &Value<'_>) -> bool {
        self.equals(other) == Ok(true)
    }

    pub fn can_be_compared(&self) -> bool {
        matches!(
            self,
            Value::Bool(_)
                | Value::Int(_)
                | Value::Uint(_)
                | Value::Double(_)
                | Value::String(_)
                | Value::Bytes(_)
                | Value::Duration(_)
                | Value::Timestamp(_)
        )
    }

    pub fn compare(&self, other: &Value<'_>) -> Result<Ordering, EvalError> {
        let nan = |value: &Value<'_>| matches!(value, Value::Double(value) if value.is_nan());
        Ok(match (self, other) {
            (Value::Double(_), _) if nan(self) => return failed("NaN values cannot be ordered"),
            (
                Value::Int(_) | Value::Uint(_) | Value::Double(_),
                Value::Int(_) | Value::Uint(_) | Value::Double(_),
            ) => match compare_numbers(self, other) {
                Some(ordering) => ordering,
                None => return failed("NaN values cannot be ordered"),
            },
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::String(a), Value::String(b)) => (**a).cmp(&**b),
            (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
            (Value::Duration(a), Value::Duration(b)) => a.cmp(b),
            (Value::Timestamp(a), Value::Timestamp(b)) => a.instant().cmp(&b.instant()),
            _ => return Err(EvalError::no_such_overload()),
        })
    }
}

#[allow(clippy::cast_precision_loss)] // As cel-go.
fn compare_numbers(a: &Value<'_>, b: &Value<'_>) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Uint(a), Value::Uint(b)) => Some(a.cmp(b)),
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b),
        (Value::Int(a), Value::Uint(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Value::Uint(a), Value::Int(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Value::Double(a), Value::Int(b)) => compare_double(*a, i64::MIN as f64, i64::MAX as f64, *b as f64),
        (Value::Double(a), Value::Uint(b)) => compare_double(*a, 0.0, u64::MAX as f64, *b as f64),
        (Value::Int(_) | Value::Uint(_), Value::Double(_)) => compare_numbers(b, a).map(Ordering::reverse),
        _ => None,
    }
}

fn compare_double(a: f64, least: f64, most: f64, b: f64) -> Option<Ordering> {
    if a < least {
        Some(Ordering::Less)
    } else if a > most {
        Some(Ordering::Greater)
    } else {
        a.partial_cmp(&b)
    }
}
