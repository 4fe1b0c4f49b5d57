//! What the API server's environment looks at in literals, beside types.

use crate::ast::{Call, Expr, Kind};
use crate::check::children;
use crate::error::Refusal;
use crate::library::{printf, regex, time};
use crate::types::Type;
use crate::value::Value;

pub fn validate(expr: &mut Expr) -> Result<(), Refusal> {
    within(expr, false)
}

/// `free`: in an argument of `format`, where a list may hold anything.
fn within(expr: &mut Expr, free: bool) -> Result<(), Refusal> {
    let mut free = free;
    match &expr.kind {
        Kind::Call(call) => {
            literal(call)?;
            zone(expr.offset, call)?;
            format(expr.offset, call)?;
            free = free || call.function == "format";
        }
        Kind::List(elements) if !free => {
            alike(elements.iter().map(|(element, optional)| (element, *optional)))?;
        }
        Kind::Map(entries) if !free => {
            alike(entries.iter().map(|(key, _, _)| (key, false)))?;
            alike(entries.iter().map(|(_, value, optional)| (value, *optional)))?;
        }
        _ => {}
    }
    for child in children(expr) {
        within(child, free)?;
    }
    Ok(())
}

/// The literals of a list or a map are of one type, `dyn` included.
fn alike<'x>(elements: impl Iterator<Item = (&'x Expr, bool)>) -> Result<(), Refusal> {
    let mut wanted: Option<Type> = None;
    for (element, optional) in elements {
        let given = match (optional, element.type_of.unwrap_optional()) {
            (false, _) => element.type_of.clone(),
            (true, (inner, true)) => inner,
            // The server's check fails on it.
            (true, (_, false)) => {
                return Err(Refusal::new(
                    element.offset,
                    "an optional element that is not known to be optional",
                ));
            }
        };
        match &wanted {
            Some(wanted) if *wanted != given => {
                let text = format!("expected type '{wanted}' but found '{given}'");
                return Err(Refusal::new(element.offset, text));
            }
            Some(_) => {}
            None => wanted = Some(given),
        }
    }
    Ok(())
}

/// The first argument where it is a literal; of `matches(text, pattern)` that is the text, as there.
fn literal(call: &Call) -> Result<(), Refusal> {
    let Some(argument) = call.arguments.first() else { return Ok(()) };
    let Kind::Literal(value) = &argument.kind else { return Ok(()) };
    let fits = match (call.function.as_str(), value) {
        ("duration", Value::String(text)) => time::parse_duration(text).is_some(),
        ("duration", Value::Int(_)) => false,
        ("timestamp", Value::String(text)) => {
            time::Time::parse(text).is_some_and(|time| time.in_range().is_ok())
        }
        ("timestamp", Value::Int(seconds)) => time::Time::from_seconds(*seconds).is_ok(),
        ("matches", Value::String(text)) => regex::compile(text).is_ok(),
        _ => true,
    };
    if fits {
        Ok(())
    } else {
        Err(Refusal::new(argument.offset, format!("invalid {} argument", call.function)))
    }
}

/// The names of zones are in a table that this crate does not read.
fn zone(offset: usize, call: &Call) -> Result<(), Refusal> {
    let [argument] = call.arguments.as_slice() else { return Ok(()) };
    let is_time = call.resolved.is_some_and(|(function, _)| {
        function.overloads.iter().any(|overload| overload.id.starts_with("timestamp_to_") && overload.member)
    });
    if !is_time {
        return Ok(());
    }
    match &argument.kind {
        Kind::Literal(Value::String(name)) if time::offset(name).is_some() => Ok(()),
        _ => Err(Refusal::new(offset, "a time zone other than UTC or a literal offset is not supported")),
    }
}

/// A literal format with a literal list.
fn format(offset: usize, call: &Call) -> Result<(), Refusal> {
    let (Some(target), [arguments]) = (&call.target, call.arguments.as_slice()) else { return Ok(()) };
    let (Kind::Literal(Value::String(text)), Kind::List(elements)) = (&target.kind, &arguments.kind) else {
        return Ok(());
    };
    if call.function != "format" {
        return Ok(());
    }
    let mut given = elements.iter();
    let used = printf::pieces(text, elements.len(), |piece| match (piece, ()) {
        (printf::Piece::Argument(clause), ()) => match given.next() {
            Some((argument, _)) => printf::suits(&clause, argument),
            None => Ok(()),
        },
        _ => Ok(()),
    });
    match used {
        Ok(used) if elements.len() > used => {
            let given = elements.len();
            let text = format!("too many arguments supplied to string.format (expected {used}, got {given})");
            Err(Refusal::new(offset, text))
        }
        Ok(_) => Ok(()),
        Err(error) => Err(Refusal::new(offset, error.to_string())),
    }
}

pub fn is_one_of(of: &Type, wanted: &[Type]) -> bool {
    *of == Type::Dyn || wanted.iter().any(|wanted| wanted.name() == of.name())
}
