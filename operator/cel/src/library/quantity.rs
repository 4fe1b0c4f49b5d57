//! Quantities, read as `resource.ParseQuantity` reads them: which of two forms a quantity takes is seen by
//! `isInteger`.

use crate::error::{EvalError, failed};
use crate::library::decimal::{Decimal, scaled};
use crate::library::{int, text, unsuited};
use crate::table::Native;
use crate::value::Value;
use std::cmp::Ordering;
use std::sync::Arc;

type Outcome<'a> = Result<Value<'a>, EvalError>;

#[derive(Clone, Debug)]
enum Amount {
    /// `value * 10^exponent`.
    Int(i64, i32),
    Long(Decimal),
}

#[derive(Clone, Debug)]
pub struct Quantity {
    amount: Amount,
    /// A sum or a difference: the server keeps those in another type.
    pub(crate) computed: bool,
}

const NANO: i32 = -9;
/// What an integer holds without a look, in decimal digits.
const DIGITS: i64 = 18;

const FORMAT_WRONG: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const SUFFIX_WRONG: &str = "unable to parse quantity's suffix";
const NUMBER_WRONG: &str = "unable to parse numeric part of quantity";

pub fn native(overload: &str) -> Option<Native> {
    Some(match overload {
        "string_to_quantity" => |values| Ok(made(Quantity::parse(text(values, 0)?)?)),
        "is_quantity_string" => |values| Ok(Value::Bool(Quantity::parse(text(values, 0)?).is_ok())),
        "quantity_sign" => |values| Ok(Value::Int(this(values, 0)?.sign())),
        "quantity_is_integer" => |values| Ok(Value::Bool(this(values, 0)?.to_int().is_some())),
        "quantity_get_int" => |values| match this(values, 0)?.to_int() {
            Some(value) => Ok(Value::Int(value)),
            None => failed("cannot convert value to integer"),
        },
        "quantity_get_float" => |values| Ok(Value::Double(this(values, 0)?.to_double())),
        "quantity_add" => |values| sum(this(values, 0)?, this(values, 1)?),
        "quantity_add_int" => |values| sum(this(values, 0)?, &whole(int(values, 1)?)),
        "quantity_sub" => |values| sum(this(values, 0)?, &this(values, 1)?.negated()),
        "quantity_sub_int" => |values| sum(this(values, 0)?, &whole(int(values, 1)?).negated()),
        "quantity_is_less_than" => |values| Ok(Value::Bool(order(values)?.is_lt())),
        "quantity_is_greater_than" => |values| Ok(Value::Bool(order(values)?.is_gt())),
        "quantity_compare_to" => |values| Ok(Value::Int(order(values)? as i64)),
        _ => return None,
    })
}

fn made<'a>(quantity: Quantity) -> Value<'a> {
    Value::Quantity(Arc::new(quantity))
}

fn this<'v>(values: &'v [Value<'_>], at: usize) -> Result<&'v Quantity, EvalError> {
    match values.get(at) {
        Some(Value::Quantity(quantity)) => Ok(quantity),
        _ => unsuited(),
    }
}

fn whole(value: i64) -> Quantity {
    Quantity { amount: Amount::Int(value, 0), computed: false }
}

fn order(values: &[Value<'_>]) -> Result<Ordering, EvalError> {
    Ok(this(values, 0)?.compare(this(values, 1)?))
}

fn sum<'a>(a: &Quantity, b: &Quantity) -> Outcome<'a> {
    // Too long to write: the server would not come back from it.
    let Some(amount) = a.plus(b) else { return Err(EvalError::CostExceeded) };
    Ok(made(Quantity { amount, computed: true }))
}

fn power_of_ten(exponent: i32) -> Option<i64> {
    10_i64.checked_pow(u32::try_from(exponent).ok()?)
}

impl Quantity {
    pub fn parse(text: &str) -> Result<Quantity, EvalError> {
        let parts = Parts::read(text)?;
        let (binary, exponent) = suffix(parts.suffix)?;
        let plain = |amount| Ok(Quantity { amount, computed: false });
        let length = i64::try_from(parts.whole.len() + parts.fraction.len()).unwrap_or(i64::MAX);
        let precision = if binary {
            if parts.fraction.is_empty() {
                let whole = i64::try_from(parts.whole.len()).unwrap_or(i64::MAX);
                15 - whole - i64::from(exponent) * 3 / 10 - 1
            } else {
                -1
            }
        } else {
            DIGITS - length
        };
        let fraction = i32::try_from(parts.fraction.len()).unwrap_or(i32::MAX);
        if precision >= 0 {
            let (scale, factor) =
                if binary { (0, 1_i64 << exponent) } else { (exponent.saturating_sub(fraction), 1) };
            if scale >= NANO {
                let digits = format!("{}{}", parts.whole, parts.fraction);
                let Ok(value) = digits.parse::<i64>() else { return failed(NUMBER_WRONG) };
                if let Some(value) = value.checked_mul(factor) {
                    return plain(Amount::Int(if parts.negative { -value } else { value }, scale));
                }
            }
        }
        if parts.whole.is_empty() && parts.fraction.is_empty() {
            return failed(NUMBER_WRONG);
        }
        let digits = format!("{}{}", parts.whole, parts.fraction);
        let scale = if binary { -fraction } else { exponent.saturating_sub(fraction) };
        let mut amount = Decimal::new(false, &digits, scale);
        if binary {
            amount = amount.doubled(u32::try_from(exponent).unwrap_or(0));
        }
        if !amount.is_zero() {
            amount = amount.rescaled(NANO).ok_or(EvalError::CostExceeded)?;
        }
        let most = Decimal::from_int(i64::MAX, 0);
        if binary && amount.compare(&most).is_gt() {
            amount = most;
        }
        plain(Amount::Long(if parts.negative { amount.negated() } else { amount }))
    }

    fn decimal(&self) -> Decimal {
        match &self.amount {
            Amount::Int(value, exponent) => Decimal::from_int(*value, *exponent),
            Amount::Long(decimal) => decimal.clone(),
        }
    }

    pub fn compare(&self, other: &Quantity) -> Ordering {
        match (&self.amount, &other.amount) {
            (Amount::Int(a, x), Amount::Int(b, y)) if x == y => a.cmp(b),
            _ => self.decimal().compare(&other.decimal()),
        }
    }

    pub fn equals(&self, other: &Quantity) -> bool {
        self.compare(other) == Ordering::Equal
    }

    fn sign(&self) -> i64 {
        match &self.amount {
            Amount::Int(value, _) => value.signum(),
            Amount::Long(decimal) => decimal.sign(),
        }
    }

    fn to_int(&self) -> Option<i64> {
        match &self.amount {
            Amount::Int(value, 0) => Some(*value),
            Amount::Int(value, exponent) if *exponent > 0 => value.checked_mul(power_of_ten(*exponent)?),
            _ => None,
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn to_double(&self) -> f64 {
        match &self.amount {
            Amount::Int(value, exponent) => scaled(*value as f64, *exponent),
            Amount::Long(decimal) => decimal.to_double(),
        }
    }

    fn negated(&self) -> Quantity {
        let amount = match &self.amount {
            Amount::Int(value, exponent) => match value.checked_neg() {
                Some(value) => Amount::Int(value, *exponent),
                None => Amount::Long(self.decimal().negated()),
            },
            Amount::Long(decimal) => Amount::Long(decimal.negated()),
        };
        Quantity { amount, computed: self.computed }
    }

    fn plus(&self, other: &Quantity) -> Option<Amount> {
        if let (Amount::Int(a, x), Amount::Int(b, y)) = (&self.amount, &other.amount) {
            let sum = match (a, b) {
                (_, 0) => Some((*a, *x)),
                (0, _) => Some((*b, *y)),
                _ => {
                    let least = (*x).min(*y);
                    let at_least =
                        |value: i64, exponent: i32| value.checked_mul(power_of_ten(exponent - least)?);
                    at_least(*a, *x)
                        .zip(at_least(*b, *y))
                        .and_then(|(a, b)| a.checked_add(b))
                        .map(|sum| (sum, least))
                }
            };
            if let Some((value, exponent)) = sum {
                return Some(Amount::Int(value, exponent));
            }
        }
        self.decimal().plus(&other.decimal()).map(Amount::Long)
    }
}

/// Binary or decimal, and the exponent.
fn suffix(suffix: &str) -> Result<(bool, i32), EvalError> {
    Ok(match suffix {
        "" => (false, 0),
        "n" => (false, -9),
        "u" => (false, -6),
        "m" => (false, -3),
        "k" => (false, 3),
        "M" => (false, 6),
        "G" => (false, 9),
        "T" => (false, 12),
        "P" => (false, 15),
        "E" => (false, 18),
        "Ki" => (true, 10),
        "Mi" => (true, 20),
        "Gi" => (true, 30),
        "Ti" => (true, 40),
        "Pi" => (true, 50),
        "Ei" => (true, 60),
        other => match other.strip_prefix(['e', 'E']).map(str::parse::<i64>) {
            // Cut, not refused, where it does not fit.
            #[allow(clippy::cast_possible_truncation)]
            Some(Ok(exponent)) => (false, exponent as i32),
            _ => return failed(SUFFIX_WRONG),
        },
    })
}

struct Parts<'t> {
    negative: bool,
    whole: &'t str,
    fraction: &'t str,
    suffix: &'t str,
}

impl<'t> Parts<'t> {
    fn read(text: &'t str) -> Result<Parts<'t>, EvalError> {
        if text.is_empty() {
            return failed(FORMAT_WRONG);
        }
        let negative = text.starts_with('-');
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let digits =
            |text: &'t str| text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        let (whole, rest) = digits(unsigned.trim_start_matches('0'));
        // As there: nothing but zeros, or nothing, is zero.
        let whole = if whole.is_empty() { "0" } else { whole };
        let (fraction, suffix) = match rest.strip_prefix('.') {
            Some(after) => digits(after),
            None => ("", rest),
        };
        let letters = suffix.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
        let exponent = letters.strip_prefix(['-', '+']).unwrap_or(letters);
        if !exponent.bytes().all(|byte| byte.is_ascii_digit()) {
            return failed(FORMAT_WRONG);
        }
        Ok(Parts { negative, whole, fraction, suffix })
    }
}
