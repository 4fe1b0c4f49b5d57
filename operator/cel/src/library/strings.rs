//! Texts: positions are in characters.

use crate::error::{EvalError, failed};
use crate::gofmt;
use crate::library::math::bounded;
use crate::library::{int, list, printf, text, unsuited};
use crate::table::Native;
use crate::value::{Text, Value};

type Outcome<'a> = Result<Value<'a>, EvalError>;

pub fn native(overload: &str) -> Option<Native> {
    Some(match overload {
        "contains_string" => |values| Ok(Value::Bool(text(values, 0)?.contains(text(values, 1)?))),
        "starts_with_string" => |values| Ok(Value::Bool(text(values, 0)?.starts_with(text(values, 1)?))),
        "ends_with_string" => |values| Ok(Value::Bool(text(values, 0)?.ends_with(text(values, 1)?))),
        "string_char_at_int" => char_at,
        "string_index_of_string" => |values| index_of(values, 0),
        "string_index_of_string_int" => |values| index_of(values, int(values, 2)?),
        "string_last_index_of_string" => last_index_of,
        "string_last_index_of_string_int" => |values| last_index_before(values, int(values, 2)?),
        "string_lower_ascii" => |values| Ok(Value::text(text(values, 0)?.to_ascii_lowercase())),
        "string_upper_ascii" => |values| Ok(Value::text(text(values, 0)?.to_ascii_uppercase())),
        "string_replace_string_string" => |values| replace(values, -1),
        "string_replace_string_string_int" => |values| replace(values, int(values, 3)?),
        "string_split_string" => |values| split(values, -1),
        "string_split_string_int" => |values| split(values, int(values, 2)?),
        "string_substring_int" => |values| substring(values, None),
        "string_substring_int_int" => |values| substring(values, Some(int(values, 2)?)),
        "string_trim" => trim,
        "string_format" => format,
        "strings_quote" => |values| Ok(Value::text(quote(text(values, 0)?))),
        "list_join" => |values| join(values, ""),
        "list_join_string" => |values| join(values, text(values, 1)?),
        _ => return None,
    })
}

fn length(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}

/// Where a character starts, or the end.
fn at(text: &str, position: i64) -> Option<usize> {
    let position = usize::try_from(position).ok()?;
    if text.is_ascii() {
        return (position <= text.len()).then_some(position);
    }
    text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(position)
}

fn out_of_range<T>(position: i64) -> Result<T, EvalError> {
    failed(format!("index out of range: {position}"))
}

/// Of the same origin as the first argument, which is not copied.
fn part<'a>(values: &[Value<'a>], from: usize, to: usize) -> Outcome<'a> {
    let made = match values.first() {
        Some(Value::String(Text::Borrowed(text))) => {
            text.get(from..to).map(|part| Value::String(Text::Borrowed(part)))
        }
        Some(Value::String(Text::Shared(text))) => text.get(from..to).map(Value::text),
        _ => None,
    };
    made.ok_or_else(EvalError::no_such_overload)
}

fn char_at<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    let (subject, position) = (text(values, 0)?, int(values, 1)?);
    let Some(from) = at(subject, position) else { return out_of_range(position) };
    let size = subject.get(from..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    part(values, from, from + size)
}

fn index_of<'a>(values: &[Value<'a>], offset: i64) -> Outcome<'a> {
    let (subject, asked) = (text(values, 0)?, text(values, 1)?);
    if asked.is_empty() {
        return Ok(Value::Int(offset));
    }
    if offset < 0 {
        return out_of_range(offset);
    }
    let found = at(subject, offset).and_then(|from| {
        let found = from + subject.get(from..)?.find(asked)?;
        Some(length(subject.get(..found)?))
    });
    Ok(Value::Int(found.unwrap_or(-1)))
}

fn last_index_of<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    let (subject, asked) = (text(values, 0)?, text(values, 1)?);
    if asked.is_empty() {
        return Ok(Value::Int(length(subject)));
    }
    if subject.len() < asked.len() {
        return Ok(Value::Int(-1));
    }
    last_index_before(values, length(subject) - 1)
}

fn last_index_before<'a>(values: &[Value<'a>], offset: i64) -> Outcome<'a> {
    let (subject, asked) = (text(values, 0)?, text(values, 1)?);
    if asked.is_empty() {
        return Ok(Value::Int(offset));
    }
    if offset < 0 {
        return out_of_range(offset);
    }
    if offset >= length(subject) {
        return Ok(Value::Int(-1));
    }
    let end = at(subject, offset.saturating_add(length(asked))).unwrap_or(subject.len());
    let found = subject.get(..end).and_then(|head| head.rfind(asked));
    Ok(Value::Int(found.and_then(|found| subject.get(..found)).map_or(-1, length)))
}

fn replace<'a>(values: &[Value<'a>], times: i64) -> Outcome<'a> {
    let (subject, old, new) = (text(values, 0)?, text(values, 1)?, text(values, 2)?);
    let most = if old.is_empty() { subject.len() + 1 } else { subject.len() / old.len() };
    bounded(subject.len().saturating_add(most.saturating_mul(new.len())))?;
    Ok(Value::text(match usize::try_from(times) {
        Ok(times) => subject.replacen(old, new, times),
        Err(_) => subject.replace(old, new),
    }))
}

fn split<'a>(values: &[Value<'a>], times: i64) -> Outcome<'a> {
    let (subject, separator) = (text(values, 0)?, text(values, 1)?);
    let limit = match usize::try_from(times) {
        Ok(0) => return Ok(Value::list(Vec::new())),
        Ok(limit) => limit,
        Err(_) => usize::MAX,
    };
    let mut bounds: Vec<(usize, usize)> = Vec::new();
    if separator.is_empty() {
        let starts: Vec<usize> = subject.char_indices().map(|(at, _)| at).take(limit).collect();
        for (nth, from) in starts.iter().enumerate() {
            bounds.push((*from, starts.get(nth + 1).copied().unwrap_or(subject.len())));
        }
    } else {
        let mut from = 0;
        while bounds.len() + 1 < limit
            && let Some(found) = subject.get(from..).and_then(|rest| rest.find(separator))
        {
            bounds.push((from, from + found));
            from += found + separator.len();
        }
        bounds.push((from, subject.len()));
    }
    bounds.into_iter().map(|(from, to)| part(values, from, to)).collect::<Result<_, _>>().map(Value::list)
}

fn substring<'a>(values: &[Value<'a>], end: Option<i64>) -> Outcome<'a> {
    let (subject, start) = (text(values, 0)?, int(values, 1)?);
    if let Some(end) = end
        && start > end
    {
        return failed(format!("invalid substring range. start: {start}, end: {end}"));
    }
    let Some(from) = at(subject, start) else { return out_of_range(start) };
    let to = match end {
        None => subject.len(),
        Some(end) => match at(subject, end) {
            Some(to) => to,
            None => return out_of_range(end),
        },
    };
    part(values, from, to)
}

/// What Go takes for white space.
fn is_space(character: char) -> bool {
    character.is_whitespace()
}

fn trim<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    let subject = text(values, 0)?;
    let trimmed = subject.trim_start_matches(is_space);
    let from = subject.len() - trimmed.len();
    part(values, from, from + trimmed.trim_end_matches(is_space).len())
}

fn format<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    let arguments: Vec<Value<'a>> = list(values, 1)?.iter().collect();
    printf::format(text(values, 0)?, &arguments).map(Value::text)
}

fn join<'a>(values: &[Value<'a>], separator: &str) -> Outcome<'a> {
    let mut joined = String::new();
    for (nth, element) in list(values, 0)?.iter().enumerate() {
        let Value::String(element) = &element else {
            return failed(format!("join: invalid input: {}", gofmt::value(&element)));
        };
        if nth > 0 {
            joined.push_str(separator);
        }
        joined.push_str(element);
        bounded(joined.len())?;
    }
    if values.is_empty() { unsuited() } else { Ok(Value::text(joined)) }
}

fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
