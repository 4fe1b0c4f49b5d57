//! A reader that takes nothing but what the two documents allow, written from them and not from the writer.

use std::collections::BTreeMap;

#[derive(Debug, Clone)]
pub(crate) struct Parsed {
    pub(crate) priority: u8,
    pub(crate) hostname: String,
    pub(crate) app_name: String,
    pub(crate) kind: String,
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// A message, and what comes after it.
type Split<'a> = (&'a [u8], &'a [u8]);

/// `MSG-LEN SP SYSLOG-MSG`: a message at the beginning of what is there, and the rest; `None` while it is not whole.
pub(crate) fn frame(bytes: &[u8]) -> Result<Option<Split<'_>>, String> {
    let Some(space) = bytes.iter().position(|byte| *byte == b' ') else {
        let digits = bytes.iter().all(u8::is_ascii_digit);
        return if digits && bytes.len() < 9 { Ok(None) } else { Err(format!("no count: {bytes:?}")) };
    };
    let count = &bytes[..space];
    if count.is_empty() || count[0] == b'0' || !count.iter().all(u8::is_ascii_digit) || count.len() > 8 {
        return Err(format!("count {:?}", String::from_utf8_lossy(count)));
    }
    let count: usize = std::str::from_utf8(count).unwrap().parse().unwrap();
    let rest = &bytes[space + 1..];
    Ok((rest.len() >= count).then(|| rest.split_at(count)))
}

impl Parsed {
    pub(crate) fn strictly(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        let rest = text.strip_prefix('<').ok_or("no <")?;
        let (priority, rest) = rest.split_once('>').ok_or("no >")?;
        if priority.starts_with('0') && priority.len() > 1 {
            return Err(format!("priority {priority}"));
        }
        let priority: u8 = priority.parse().map_err(|_| format!("priority {priority}"))?;
        if priority > 191 {
            return Err(format!("priority {priority}"));
        }
        let rest = rest.strip_prefix("1 ").ok_or("version")?;
        let mut fields = Vec::new();
        let mut rest = rest;
        for most in [32, 255, 48, 128, 32] {
            let (field, after) = rest.split_once(' ').ok_or("a field is missing")?;
            if field.is_empty() || field.len() > most || !field.bytes().all(|byte| (33..=126).contains(&byte))
            {
                return Err(format!("field {field:?}"));
            }
            fields.push(field);
            rest = after;
        }
        timestamp(fields[0])?;
        let (params, rest) = structured(rest)?;
        let rest = rest.strip_prefix(' ').ok_or("no space before the text")?;
        let body = rest.strip_prefix('\u{feff}').ok_or("no byte order mark")?;
        Ok(Self {
            priority,
            hostname: fields[1].to_owned(),
            app_name: fields[2].to_owned(),
            kind: fields[4].to_owned(),
            params,
            body: body.to_owned(),
        })
    }
}

fn timestamp(text: &str) -> Result<(), String> {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    if shape != "9999-99-99T99:99:99.999999Z" {
        return Err(format!("timestamp {text}"));
    }
    text.parse::<jiff::Timestamp>().map(drop).map_err(|error| error.to_string())
}

fn structured(text: &str) -> Result<(BTreeMap<String, String>, &str), String> {
    let mut rest = text.strip_prefix('[').ok_or("no structured data")?;
    let name = |text: &str| {
        let allowed = |c: char| c.is_ascii_graphic() && !matches!(c, '=' | ']' | '"');
        let end = text.find(|c| !allowed(c)).unwrap_or(text.len());
        if (1..=32).contains(&end) { Ok(end) } else { Err(format!("name in {text:?}")) }
    };
    let end = name(rest)?;
    if &rest[..end] != "snc@32473" {
        return Err(format!("element {:?}", &rest[..end]));
    }
    rest = &rest[end..];
    let mut params = BTreeMap::new();
    while let Some(after) = rest.strip_prefix(' ') {
        let end = name(after)?;
        let key = after[..end].to_owned();
        let mut chars = after[end..].strip_prefix("=\"").ok_or("no value")?.chars();
        let mut value = String::new();
        loop {
            match chars.next().ok_or("value without end")? {
                '"' => break,
                ']' => return Err("an unescaped ]".to_owned()),
                '\\' => match chars.next() {
                    Some(c @ ('"' | '\\' | ']')) => value.push(c),
                    other => return Err(format!("escape of {other:?}")),
                },
                c => value.push(c),
            }
        }
        if params.insert(key.clone(), value).is_some() {
            return Err(format!("{key} twice"));
        }
        rest = chars.as_str();
    }
    Ok((params, rest.strip_prefix(']').ok_or("element without end")?))
}
