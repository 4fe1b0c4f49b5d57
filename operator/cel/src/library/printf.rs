//! `format`, as the second version of cel-go's strings has it, in English.

use crate::error::{EvalError, failed};
use crate::gofmt;
use crate::library::convert;
use crate::library::math::bounded;
use crate::value::Value;

/// More digits than that are not written.
const MOST_DIGITS: usize = 1000;

pub enum Clause {
    String,
    Decimal,
    Fixed(usize),
    Scientific(usize),
    Binary,
    Hexadecimal(bool),
    Octal,
}

pub enum Piece<'f> {
    Text(&'f str),
    Percent,
    /// The one that comes next.
    Argument(Clause),
}

/// What `pieces` finds, until what is wrong.
pub fn pieces<'f>(
    format: &'f str,
    arguments: usize,
    mut take: impl FnMut(Piece<'f>) -> Result<(), EvalError>,
) -> Result<usize, EvalError> {
    let mut rest = format;
    let mut used = 0;
    while let Some(at) = rest.find('%') {
        take(Piece::Text(rest.get(..at).unwrap_or_default()))?;
        rest = rest.get(at + 1..).unwrap_or_default();
        if let Some(after) = rest.strip_prefix('%') {
            take(Piece::Percent)?;
            rest = after;
            continue;
        }
        if used >= arguments {
            return failed(format!("index {used} out of range"));
        }
        if rest.is_empty() {
            return failed("unexpected end of string");
        }
        let (clause, after) = clause(rest)?;
        take(Piece::Argument(clause))?;
        rest = after;
        used += 1;
    }
    take(Piece::Text(rest))?;
    Ok(used)
}

fn clause(text: &str) -> Result<(Clause, &str), EvalError> {
    let wrong = |why: &str| failed(format!("could not parse formatting clause: {why}"));
    let (precision, text) = match text.strip_prefix('.') {
        None => (6, text),
        Some(after) => {
            let end = after.find(|c: char| !c.is_ascii_digit());
            let Some(end) = end else {
                return wrong("error while parsing precision: could not find end of precision specifier");
            };
            let (digits, after) = after.split_at(end);
            let Ok(precision) = digits.parse::<usize>() else {
                return wrong(&format!(
                    "error while parsing precision: error while converting precision to integer: strconv.Atoi: parsing {}: invalid syntax",
                    gofmt::quote(digits)
                ));
            };
            (precision, after)
        }
    };
    let mut characters = text.chars();
    let clause = match characters.next() {
        Some('s') => Clause::String,
        Some('d') => Clause::Decimal,
        Some('f') => Clause::Fixed(precision),
        Some('e') => Clause::Scientific(precision),
        Some('b') => Clause::Binary,
        Some('x') => Clause::Hexadecimal(false),
        Some('X') => Clause::Hexadecimal(true),
        Some('o') => Clause::Octal,
        other => {
            // Byte by byte there.
            let byte = other.map_or('\0', |other| char::from(other.to_string().as_bytes()[0]));
            return wrong(&format!("unrecognized formatting clause \"{byte}\""));
        }
    };
    Ok((clause, characters.as_str()))
}

pub fn format(format: &str, arguments: &[Value<'_>]) -> Result<String, EvalError> {
    let mut written = String::new();
    let mut given = arguments.iter();
    pieces(format, arguments.len(), |piece| {
        match piece {
            Piece::Text(text) => written.push_str(text),
            Piece::Percent => written.push('%'),
            Piece::Argument(clause) => {
                let Some(argument) = given.next() else { return failed("index out of range") };
                match render(&clause, argument) {
                    Ok(text) => written.push_str(&text),
                    Err(EvalError::Failed(why)) => {
                        return failed(format!("error during formatting: {why}"));
                    }
                    Err(other) => return Err(other),
                }
            }
        }
        bounded(written.len())
    })?;
    Ok(written)
}

fn render(clause: &Clause, value: &Value<'_>) -> Result<String, EvalError> {
    let given = value.type_name();
    match clause {
        Clause::String => string(value),
        Clause::Decimal => match value {
            Value::Int(_) | Value::Uint(_) => Ok(gofmt::value(value)),
            _ => failed(format!("decimal clause can only be used on integers, was given {given}")),
        },
        Clause::Fixed(precision) => match double(value) {
            Some(value) => fixed(value, *precision),
            None => failed(format!("fixed-point clause can only be used on doubles, was given {given}")),
        },
        Clause::Scientific(precision) => match double(value) {
            Some(value) => scientific(value, *precision),
            None => failed(format!("scientific clause can only be used on doubles, was given {given}")),
        },
        Clause::Binary => match value {
            Value::Int(value) => Ok(signed(*value, |value| format!("{value:b}"))),
            Value::Uint(value) => Ok(format!("{value:b}")),
            Value::Bool(value) => Ok(if *value { "1" } else { "0" }.to_owned()),
            _ => failed(format!("only integers and bools can be formatted as binary, was given {given}")),
        },
        Clause::Octal => match value {
            Value::Int(value) => Ok(signed(*value, |value| format!("{value:o}"))),
            Value::Uint(value) => Ok(format!("{value:o}")),
            _ => failed(format!("octal clause can only be used on integers, was given {given}")),
        },
        Clause::Hexadecimal(upper) => hexadecimal(value, *upper),
    }
}

fn signed(value: i64, print: impl Fn(u64) -> String) -> String {
    let digits = print(value.unsigned_abs());
    if value < 0 { format!("-{digits}") } else { digits }
}

fn hexadecimal(value: &Value<'_>, upper: bool) -> Result<String, EvalError> {
    let bytes = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let text = match value {
        Value::String(text) => bytes(text.as_bytes()),
        Value::Bytes(content) => bytes(content),
        Value::Int(value) => signed(*value, |value| format!("{value:x}")),
        Value::Uint(value) => format!("{value:x}"),
        other => {
            return failed(format!(
                "only integers, byte buffers, and strings can be formatted as hex, was given {}",
                other.type_name()
            ));
        }
    };
    Ok(if upper { text.to_uppercase() } else { text })
}

fn double(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Double(value) => Some(*value),
        Value::String(text) => match &**text {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

/// As a page in English has it: grouped.
fn fixed(value: f64, precision: usize) -> Result<String, EvalError> {
    if let Some(text) = special(value) {
        return Ok(text);
    }
    if precision > MOST_DIGITS {
        return Err(EvalError::CostExceeded);
    }
    let text = format!("{value:.precision$}");
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => ("-", unsigned),
        None => ("", text.as_str()),
    };
    let (whole, part) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let point = if part.is_empty() { "" } else { "." };
    Ok(format!("{sign}{grouped}{point}{part}"))
}

fn scientific(value: f64, width: usize) -> Result<String, EvalError> {
    if width > MOST_DIGITS {
        return Err(EvalError::CostExceeded);
    }
    let text = special(value).unwrap_or_else(|| {
        let text = format!("{value:.6e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let sign = if exponent.starts_with('-') { "\u{207b}" } else { "" };
        format!("{digits}\u{d7}10{sign}{}", superscript(exponent.trim_start_matches('-')))
    });
    // What is written as a precision is taken for a width there.
    let missing = width.saturating_sub(text.chars().count());
    Ok(format!("{}{text}", " ".repeat(missing)))
}

fn superscript(digits: &str) -> String {
    let digits = if digits.len() < 2 { format!("0{digits}") } else { digits.to_owned() };
    digits
        .chars()
        .map(|digit| match digit {
            '1' => '\u{b9}',
            '2' => '\u{b2}',
            '3' => '\u{b3}',
            other => other.to_digit(10).and_then(|digit| char::from_u32(0x2070 + digit)).unwrap_or(other),
        })
        .collect()
}

fn special(value: f64) -> Option<String> {
    if value.is_nan() {
        return Some("NaN".to_owned());
    }
    value.is_infinite().then(|| if value > 0.0 { "∞" } else { "-∞" }.to_owned())
}

fn string(value: &Value<'_>) -> Result<String, EvalError> {
    match value {
        Value::List(_) | Value::Map(_) => nested(value),
        Value::Int(_)
        | Value::Uint(_)
        | Value::Double(_)
        | Value::Bool(_)
        | Value::String(_)
        | Value::Timestamp(_)
        | Value::Duration(_)
        | Value::Null
        | Value::Type(_) => Ok(convert::display(value).unwrap_or_default()),
        Value::Bytes(_) => match convert::display(value) {
            Some(text) => Ok(text),
            None => failed(
                "could not convert argument \"invalid UTF-8 in bytes, cannot convert to string\" to string",
            ),
        },
        other => failed(format!(
            "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given {}",
            other.type_name()
        )),
    }
}

/// Within a list or a map.
fn nested(value: &Value<'_>) -> Result<String, EvalError> {
    Ok(match value {
        Value::String(text) => gofmt::quote(text),
        Value::Bytes(_) => format!("b{}", gofmt::quote(&string(value)?)),
        Value::Timestamp(_) | Value::Duration(_) => {
            let name = if matches!(value, Value::Timestamp(_)) { "timestamp" } else { "duration" };
            format!("{name}({})", gofmt::quote(&convert::display(value).unwrap_or_default()))
        }
        Value::Double(number) if number.is_nan() => "\"NaN\"".to_owned(),
        Value::Double(number) if number.is_infinite() => {
            if *number > 0.0 { "\"+Inf\"" } else { "\"-Inf\"" }.to_owned()
        }
        Value::Double(number) => format!("{number:.6}"),
        Value::List(list) => {
            let all: Vec<String> = list.iter().map(|element| nested(&element)).collect::<Result<_, _>>()?;
            format!("[{}]", all.join(", "))
        }
        Value::Map(map) => {
            let mut all: Vec<(String, String)> = Vec::with_capacity(map.len());
            for (key, value) in map.entries() {
                if matches!(key, Value::Double(_) | Value::Null) {
                    return failed(format!("no formatting function for map key of type {}", key.type_name()));
                }
                all.push((nested(&key)?, nested(&value)?));
            }
            all.sort();
            let all: Vec<String> = all.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
            format!("{{{}}}", all.join(", "))
        }
        Value::Int(_) | Value::Uint(_) | Value::Bool(_) | Value::Null | Value::Type(_) => string(value)?,
        other => return failed(format!("no formatting function for {}", other.type_name())),
    })
}

/// And what is in a literal.
fn printable(argument: &crate::ast::Expr) -> bool {
    use crate::ast::Kind;
    use crate::types::Type;
    !matches!(argument.type_of, Type::Opaque(..) | Type::Struct(_))
        && match &argument.kind {
            Kind::List(elements) => elements.iter().all(|(element, _)| printable(element)),
            Kind::Map(entries) => entries.iter().all(|(key, value, _)| printable(key) && printable(value)),
            _ => true,
        }
}

/// Whether an argument of that type can be written so.
pub fn suits(clause: &Clause, argument: &crate::ast::Expr) -> Result<(), EvalError> {
    use crate::library::validate::is_one_of;
    use crate::types::Type;
    let of = &argument.type_of;
    let given = of.name();
    let (suits, why) = match clause {
        Clause::String => (
            printable(argument),
            "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps",
        ),
        Clause::Decimal => {
            (is_one_of(of, &[Type::Int, Type::Uint]), "decimal clause can only be used on integers")
        }
        Clause::Fixed(_) => {
            (is_one_of(of, &[Type::Double, Type::String]), "fixed-point clause can only be used on doubles")
        }
        Clause::Scientific(_) => {
            (is_one_of(of, &[Type::Double, Type::String]), "scientific clause can only be used on doubles")
        }
        Clause::Binary => (
            is_one_of(of, &[Type::Int, Type::Uint, Type::Bool]),
            "only integers and bools can be formatted as binary",
        ),
        Clause::Hexadecimal(_) => (
            is_one_of(of, &[Type::Int, Type::Uint, Type::String, Type::Bytes]),
            "only integers, byte buffers, and strings can be formatted as hex",
        ),
        Clause::Octal => {
            (is_one_of(of, &[Type::Int, Type::Uint]), "octal clause can only be used on integers")
        }
    };
    if suits { Ok(()) } else { failed(format!("error during formatting: {why}, was given {given}")) }
}
