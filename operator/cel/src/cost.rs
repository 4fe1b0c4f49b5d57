//! What a call costs, in the units of the API server: cel-go's `interpreter/runtimecost.go`, then the server's
//! `library/cost.go`.

use crate::error::EvalError;
use crate::value::Value;

/// What one evaluation may cost at the API server.
pub const PER_CALL: u64 = 1_000_000;
/// What the evaluations of one policy may cost together.
pub const PER_POLICY: u64 = 10_000_000;

const LIST: u64 = 10;

/// What is left to spend, and whether time is left.
pub struct Budget<'d> {
    per_call: u64,
    left: u64,
    deadline: Option<&'d mut dyn FnMut() -> bool>,
}

impl Default for Budget<'_> {
    fn default() -> Self {
        Budget::new()
    }
}

impl<'d> Budget<'d> {
    pub fn new() -> Self {
        Budget::limited(PER_CALL, PER_POLICY)
    }

    pub fn limited(per_call: u64, total: u64) -> Self {
        Budget { per_call, left: total, deadline: None }
    }

    /// `over` is asked now and then; once it says true, the evaluation ends with [`EvalError::TimedOut`].
    #[must_use]
    pub fn until(self, over: &'d mut dyn FnMut() -> bool) -> Self {
        Budget { deadline: Some(over), ..self }
    }

    pub fn left(&self) -> u64 {
        self.left
    }

    pub(crate) fn per_call(&self) -> u64 {
        self.per_call
    }

    pub(crate) fn over(&mut self) -> bool {
        self.deadline.as_mut().is_some_and(|over| over())
    }

    pub(crate) fn spend(&mut self, cost: u64) -> Result<(), EvalError> {
        let left = self.left.checked_sub(cost);
        self.left = left.unwrap_or(0);
        if left.is_some() { Ok(()) } else { Err(EvalError::CostExceeded) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Price {
    One,
    /// A tenth of the first argument's size.
    Traverse,
    TraverseTwice,
    /// A fifth of the result's size.
    Joined,
    /// The size of the second argument.
    InList,
    /// A tenth of the smaller.
    Smaller,
    /// A tenth of both.
    Both,
    Contains,
    /// Each element, and each character of each.
    Deep,
    ContainsIp {
        text: bool,
    },
    ContainsCidr {
        text: bool,
    },
    Validate,
    ListResult,
    Flatten,
    /// A list, by its position, compared with itself.
    SelfCompare(usize),
    /// Every element with every other, so many times.
    Product(u64),
}

pub fn price(function: &str, overload: Option<&str>) -> Price {
    match (function, overload) {
        (_, Some("list_slice" | "lists_range" | "list_reverse")) => Price::ListResult,
        (_, Some("list_flatten" | "list_flatten_int")) => Price::Flatten,
        (_, Some("list_distinct")) | ("sort", Some(_)) => Price::SelfCompare(0),
        (_, Some("list_sets_contains_list" | "list_sets_intersects_list")) => Price::Product(1),
        (_, Some("list_sets_equivalent_list")) => Price::Product(2),
        ("@sortByAssociatedKeys", Some(_)) => Price::SelfCompare(1),
        ("isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf", _) => Price::Deep,
        ("ip", Some("cidr_ip")) => Price::One,
        ("replace" | "split" | "ip.isCanonical", _) => Price::TraverseTwice,
        ("join", _) => Price::Joined,
        ("containsIP", overload) => Price::ContainsIp { text: overload == Some("cidr_contains_ip_string") },
        ("containsCIDR", overload) => {
            Price::ContainsCidr { text: overload == Some("cidr_contains_cidr_string") }
        }
        ("validate", _) => Price::Validate,
        (
            "url" | "lowerAscii" | "upperAscii" | "substring" | "trim" | "cidr" | "isIP" | "isCIDR" | "ip"
            | "quantity" | "isQuantity" | "semver" | "isSemver",
            _,
        )
        | (
            _,
            Some(
                "starts_with_string" | "ends_with_string" | "string_to_bytes" | "bytes_to_string"
                | "strings_quote" | "string_format",
            ),
        ) => Price::Traverse,
        (_, Some("in_list")) => Price::InList,
        (
            _,
            Some(
                "less_string"
                | "greater_string"
                | "less_equals_string"
                | "greater_equals_string"
                | "less_bytes"
                | "greater_bytes"
                | "less_equals_bytes"
                | "greater_equals_bytes",
            ),
        ) => Price::Smaller,
        (_, Some("add_string" | "add_bytes")) => Price::Both,
        (_, Some("contains_string")) => Price::Contains,
        _ => Price::One,
    }
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // As cel-go.
fn scaled(size: u64, factor: f64) -> u64 {
    (size as f64 * factor).ceil() as u64
}

fn tenth(size: u64) -> u64 {
    scaled(size, 0.1)
}

/// Of a value that has a size; one for the others.
fn size(value: Option<&Value<'_>>) -> u64 {
    value.and_then(Value::size).unwrap_or(1)
}

/// cel-go's own size looks into an optional, the server's does not.
fn inner_size(value: Option<&Value<'_>>) -> u64 {
    match value {
        Some(Value::Optional(Some(inner))) => inner_size(Some(inner)),
        other => size(other),
    }
}

pub fn equality(a: &Value<'_>, b: &Value<'_>, negated: bool) -> u64 {
    match a {
        Value::Bool(_) | Value::Int(_) | Value::Null | Value::Double(_) | Value::Uint(_)
            if !matches!(b, Value::String(_) | Value::List(_) | Value::Map(_) | Value::Bytes(_)) =>
        {
            1
        }
        Value::Quantity(_)
        | Value::Ip(_)
        | Value::Cidr(_)
        | Value::Url(_)
        | Value::Semver(_)
        | Value::Format(_)
            if !negated =>
        {
            1
        }
        _ => tenth(inner_size(Some(a)).min(inner_size(Some(b)))),
    }
}

pub fn pattern(text: u64, pattern: u64) -> u64 {
    tenth(text + 1).saturating_mul(scaled(pattern, 0.25))
}

/// An argument that failed counts as one that has no size.
pub fn call(price: Price, arguments: &[Value<'_>], result: Option<&Value<'_>>) -> u64 {
    let (first, second) = (arguments.first(), arguments.get(1));
    match price {
        Price::One => 1,
        Price::Traverse => tenth(inner_size(first)),
        Price::TraverseTwice => scaled(size(first), 0.2),
        Price::Joined => scaled(size(result), 0.2),
        Price::InList => inner_size(second),
        Price::Smaller => tenth(inner_size(first).min(inner_size(second))),
        Price::Both => tenth(inner_size(first) + inner_size(second)),
        Price::Contains => tenth(inner_size(first)) * tenth(inner_size(second)),
        Price::Deep => first.map_or(0, deep),
        Price::ContainsIp { text } => {
            let again = if text { tenth(size(second)) } else { 0 };
            tenth(size(first) * 2) + again
        }
        Price::ContainsCidr { text } => {
            let again = if text { tenth(size(second)) } else { 0 };
            tenth(size(first) * 2) + tenth(size(first)) + 1 + again
        }
        Price::Validate => match first {
            Some(Value::Format(format)) => pattern(size(second), format.pattern_size),
            _ => 1,
        },
        Price::ListResult => allocating(size(result), 1.0),
        Price::Flatten => {
            let depth = match second {
                Some(Value::Int(depth)) => *depth,
                _ => 1,
            };
            flattening(size(first), depth)
        }
        Price::Product(times) => {
            size(first).saturating_mul(size(second)).saturating_mul(times).saturating_add(1)
        }
        Price::SelfCompare(at) => self_compare(arguments.get(at)),
    }
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn allocating(size: u64, factor: f64) -> u64 {
    ((size as f64 * factor) as u64).saturating_add(1 + LIST)
}

/// A depth below zero wraps around there.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
fn flattening(size: u64, depth: i64) -> u64 {
    if depth >= 0 {
        return allocating(size, depth as f64);
    }
    ((size as f64 * depth as f64) as i64).cast_unsigned().wrapping_add(1 + LIST)
}

fn self_compare(list: Option<&Value<'_>>) -> u64 {
    let Some(Value::List(list)) = list else { return 1 };
    let size = u64::try_from(list.len()).unwrap_or(u64::MAX);
    let factor = match list.get(0) {
        Some(Value::String(_) | Value::Bytes(_)) => 2.1,
        _ => 2.0,
    };
    allocating(size.saturating_mul(size), factor)
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn deep(value: &Value<'_>) -> u64 {
    match value {
        Value::String(text) => (text.len() as f64 * 0.1) as u64,
        Value::Bytes(bytes) => (bytes.len() as f64 * 0.1) as u64,
        Value::List(list) => list.iter().map(|element| deep(&element)).sum(),
        Value::Map(map) => map.entries().iter().map(|(key, value)| deep(key) + deep(value)).sum(),
        _ => 1,
    }
}
