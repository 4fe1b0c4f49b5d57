//! Named formats.

use crate::error::EvalError;
use crate::library::time::Time;
use crate::library::{text, unsuited, url};
use crate::table::Native;
use crate::value::Value;

type Outcome<'a> = Result<Value<'a>, EvalError>;

#[derive(Debug)]
pub struct Format {
    pub name: &'static str,
    /// What the server takes its pattern to measure.
    pub pattern_size: u64,
    check: fn(&str) -> Vec<String>,
}

macro_rules! formats {
    ($($id:literal => $constant:ident($name:literal, $size:literal, $check:expr);)*) => {
        $(static $constant: Format = Format { name: $name, pattern_size: $size, check: $check };)*

        fn named(id: &str) -> Option<&'static Format> {
            match id {
                $($id => Some(&$constant),)*
                _ => None,
            }
        }

        pub fn native(overload: &str) -> Option<Native> {
            Some(match overload {
                $(concat!("format.", $id) => |_| Ok(Value::Format(&$constant)),)*
                "format-named" => |values| {
                    let found = named(text(values, 0)?);
                    Ok(found.map_or(Value::Optional(None), |format| Value::some(Value::Format(format))))
                },
                "format-validate" => validate,
                _ => return None,
            })
        }
    };
}

formats! {
    "dns1123Label" => DNS1123_LABEL("DNS1123Label", 30, label);
    "dns1123Subdomain" => DNS1123_SUBDOMAIN("DNS1123Subdomain", 60, subdomain);
    "dns1035Label" => DNS1035_LABEL("DNS1035Label", 30, label_1035);
    "qualifiedName" => QUALIFIED_NAME("QualifiedName", 60, qualified_name);
    "dns1123LabelPrefix" => DNS1123_LABEL_PREFIX("DNS1123LabelPrefix", 30, |text| label(&masked(text)));
    "dns1123SubdomainPrefix" => DNS1123_SUBDOMAIN_PREFIX("DNS1123SubdomainPrefix", 60, |text| subdomain(&masked(text)));
    "dns1035LabelPrefix" => DNS1035_LABEL_PREFIX("DNS1035LabelPrefix", 30, |text| label_1035(&masked(text)));
    "labelValue" => LABEL_VALUE("LabelValue", 40, label_value);
    "uri" => URI("URI", 1103, |text| url::request_error(text).into_iter().collect());
    "uuid" => UUID("uuid", 70, |text| or(is_uuid(text), "does not match the UUID format"));
    "byte" => BYTE("byte", 84, |text| or(is_base64(text), "invalid base64"));
    "date" => DATE("date", 71, |text| or(is_date(text), "invalid date"));
    "datetime" => DATETIME("datetime", 71, |text| or(is_datetime(text), "invalid datetime"));
}

fn validate<'a>(values: &[Value<'a>]) -> Outcome<'a> {
    let Some(Value::Format(format)) = values.first() else { return unsuited() };
    let wrong = (format.check)(text(values, 1)?);
    if wrong.is_empty() {
        return Ok(Value::Optional(None));
    }
    Ok(Value::some(Value::list(wrong.into_iter().map(Value::text).collect())))
}

fn or(fits: bool, why: &str) -> Vec<String> {
    if fits { Vec::new() } else { vec![why.to_owned()] }
}

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const NAME: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

fn too_long(most: usize) -> String {
    format!("must be no more than {most} characters")
}

fn too_many_bytes(most: usize) -> String {
    format!("must be no more than {most} bytes")
}

fn is_label(text: &str) -> bool {
    let end = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = text.as_bytes();
    end(bytes.first())
        && end(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

fn label(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.len() > 63 {
        wrong.push(too_long(63));
    }
    if is_label(text) {
        return wrong;
    }
    wrong.push(if is_subdomain(text) {
        "must not contain dots".to_owned()
    } else {
        format!("a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{LABEL}')")
    });
    wrong
}

fn subdomain(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.len() > 253 {
        wrong.push(too_long(253));
    }
    if !is_subdomain(text) {
        wrong.push(subdomain_pattern());
    }
    wrong
}

fn subdomain_pattern() -> String {
    format!(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{LABEL}(\\.{LABEL})*')"
    )
}

fn label_1035(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.len() > 63 {
        wrong.push(too_long(63));
    }
    if !is_label(text) || !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        wrong.push("a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')".to_owned());
    }
    wrong
}

/// A last dash, and what is before it, stand for what will follow.
fn masked(text: &str) -> String {
    match text.strip_suffix('-') {
        Some(head) if !head.is_empty() => {
            let kept = head.len() - 1;
            // As there, by bytes: half a character is no name either.
            let kept = head.get(..kept).map_or_else(|| "\u{fffd}".to_owned(), str::to_owned);
            format!("{kept}a")
        }
        _ => text.to_owned(),
    }
}

fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    end(bytes.first())
        && end(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

fn name_pattern() -> String {
    format!(
        "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{NAME}')"
    )
}

fn qualified_name(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let parts: Vec<&str> = text.split('/').collect();
    let name = match parts.as_slice() {
        [name] => name,
        [prefix, name] => {
            if prefix.is_empty() {
                wrong.push("prefix part must be non-empty".to_owned());
            } else {
                if prefix.len() > 253 {
                    wrong.push(format!("prefix part {}", too_many_bytes(253)));
                }
                if !is_subdomain(prefix) {
                    wrong.push(format!("prefix part {}", subdomain_pattern()));
                }
            }
            name
        }
        _ => {
            let pattern = name_pattern();
            wrong.push(format!("a valid label key {pattern} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"));
            return wrong;
        }
    };
    if name.is_empty() {
        wrong.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        wrong.push(format!("name part {}", too_many_bytes(63)));
    }
    if !is_name(name) {
        wrong.push(format!("name part {}", name_pattern()));
    }
    wrong
}

fn label_value(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.len() > 63 {
        wrong.push(too_many_bytes(63));
    }
    if !text.is_empty() && !is_name(text) {
        wrong.push(format!("a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '({NAME})?')"));
    }
    wrong
}

fn is_uuid(text: &str) -> bool {
    let mut rest = text.as_bytes();
    for (nth, size) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if nth > 0 {
            rest = rest.strip_prefix(b"-").unwrap_or(rest);
        }
        match rest.split_at_checked(size) {
            Some((digits, after)) if digits.iter().all(u8::is_ascii_hexdigit) => rest = after,
            _ => return false,
        }
    }
    rest.is_empty()
}

/// Groups of four, the last one filled.
fn is_base64(text: &str) -> bool {
    let digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    let bytes = text.as_bytes();
    if bytes.is_empty() || !bytes.len().is_multiple_of(4) {
        return false;
    }
    let filled = bytes.strip_suffix(b"==").or_else(|| bytes.strip_suffix(b"=")).unwrap_or(bytes);
    filled.iter().all(digit)
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && Time::parse(&format!("{text}T00:00:00Z")).is_some()
}

fn is_datetime(text: &str) -> bool {
    let lower = text.to_lowercase();
    let mut parts = lower.split('t');
    let (Some(date), Some(time)) = (parts.next(), parts.next()) else { return false };
    if text.len() < 4 || !is_date(date) {
        return false;
    }
    let bytes = time.as_bytes();
    let two = |at: usize| match bytes.get(at..at + 2) {
        Some([a, b]) if a.is_ascii_digit() && b.is_ascii_digit() => Some((a - b'0') * 10 + (b - b'0')),
        _ => None,
    };
    let (Some(hours), Some(minutes), Some(seconds)) = (two(0), two(3), two(6)) else { return false };
    let colons = bytes.get(2) == Some(&b':') && bytes.get(5) == Some(&b':');
    colons && hours <= 23 && minutes <= 59 && seconds <= 59 && is_zone(time.get(8..).unwrap_or_default())
}

/// With what follows the seconds: any character, then digits.
fn is_zone(text: &str) -> bool {
    let zone = |text: &str| {
        let bytes = text.as_bytes();
        text == "z"
            || (bytes.len() == 6
                && matches!(bytes.first(), Some(b'+' | b'-'))
                && bytes.get(3) == Some(&b':')
                && [1, 2, 4, 5].iter().all(|at| bytes.get(*at).is_some_and(u8::is_ascii_digit)))
    };
    if zone(text) {
        return true;
    }
    let mut characters = text.chars();
    let after = characters.next().map(|_| characters.as_str()).unwrap_or_default();
    let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.len() < after.len() && zone(rest)
}
