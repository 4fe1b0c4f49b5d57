//! One message as RFC 5424 wants it, and around it the count of its octets (RFC 5425).

mod json;

use jiff::Timestamp;
use std::fmt::Write as _;

/// "Log audit" of RFC 5424.
const FACILITY: u8 = 13;
/// IANA keeps this number for examples in documents: whoever has one of their own maps it in their receiver.
const STRUCTURED: &str = "snc@32473";
const APP_NAME: &str = "snc-audit";
/// Says that what follows is UTF-8.
const BOM: &str = "\u{feff}";
/// Every receiver takes that much (RFC 5425), and no setting can go below: header and names always fit.
pub(crate) const LEAST: usize = 2048;
/// Of one escaped value among the names. Longer ones are marked; the hash still tells which record it is.
const VALUE: usize = 240;
const HOSTNAME: usize = 255;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Alert = 1,
    Critical = 2,
    Error = 3,
    Warning = 4,
    Notice = 5,
    Informational = 6,
}

impl Severity {
    /// Of an event: what was refused and what failed stands out, and changes do among reads.
    pub fn of_event(verb: &str, code: Option<u16>) -> Self {
        match (code, verb) {
            (Some(401 | 403), _) => Self::Warning,
            (Some(500..), _) => Self::Error,
            (_, "get" | "list" | "watch" | "head" | "options") => Self::Informational,
            _ => Self::Notice,
        }
    }
}

/// The MSGID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Event,
    Alarm,
    Anchor,
    Gap,
    /// Of the forwarding itself: records that were gone before they could be sent.
    Hole,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Alarm => "alarm",
            Self::Anchor => "anchor",
            Self::Gap => "gap",
            Self::Hole => "hole",
        }
    }
}

/// How the record is found in the log. What is not known yet is not written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    pub position: Option<u64>,
    pub partition: Option<String>,
    /// Within the partition; known once the record is sealed.
    pub seq: Option<u64>,
    pub server: Option<String>,
    pub audit_id: Option<String>,
    /// SHA-256 of the whole event, in hex.
    pub hash: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub severity: Severity,
    pub kind: Kind,
    /// When it happened.
    pub at: Timestamp,
    pub names: Names,
    /// JSON.
    pub body: String,
}

/// Who sends, and how much at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    hostname: String,
    most: usize,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    Whole,
    /// Larger than the receiver takes: its beginning went, with the name of the record and the size of the whole.
    Truncated,
}

impl Origin {
    /// `most` is the size of a message without its count.
    pub fn new(hostname: &str, most: usize) -> Self {
        let printable = |c: char| c.is_ascii_graphic();
        let hostname: String = hostname.chars().filter(|c| printable(*c)).take(HOSTNAME).collect();
        let hostname = if hostname.is_empty() { "-".to_owned() } else { hostname };
        Self { hostname, most: most.max(LEAST) }
    }

    /// Appends the message with its count.
    pub fn frame(&self, message: &Message, out: &mut Vec<u8>) -> Written {
        let whole = self.text(message, None);
        let whole_size = whole.len() + BOM.len() + message.body.len();
        if whole_size <= self.most {
            put(out, &[&whole, BOM, &message.body]);
            return Written::Whole;
        }
        let head = self.text(message, Some(message.body.len()));
        let body = json::beginning(message, self.most - head.len() - BOM.len());
        put(out, &[&head, BOM, &body]);
        Written::Truncated
    }

    /// Everything before the message's own text. `cut`: how long the whole text is, of which not all is sent.
    fn text(&self, message: &Message, cut: Option<usize>) -> String {
        let Message { severity, kind, at, names, .. } = message;
        let priority = FACILITY * 8 + *severity as u8;
        let (hostname, kind) = (&self.hostname, kind.as_str());
        let mut text = format!("<{priority}>1 {at:.6} {hostname} {APP_NAME} - {kind} [{STRUCTURED}");
        let mut put = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                let _ = write!(text, " {name}=\"{}\"", escaped(value));
            }
        };
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        put("position", number(names.position).as_deref());
        put("partition", names.partition.as_deref());
        put("seq", number(names.seq).as_deref());
        put("server", names.server.as_deref());
        put("auditID", names.audit_id.as_deref());
        put("hash", names.hash.as_deref());
        put("truncated", cut.map(|bytes| bytes.to_string()).as_deref());
        text.push_str("] ");
        text
    }
}

fn put(out: &mut Vec<u8>, parts: &[&str]) {
    let size: usize = parts.iter().map(|part| part.len()).sum();
    out.extend_from_slice(size.to_string().as_bytes());
    out.push(b' ');
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
}

/// As RFC 5424 asks for a value; control characters as receivers write them, so that no value makes a line of its own
/// where a receiver writes lines.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        let before = text.len();
        match c {
            '"' | '\\' | ']' => text.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(text, "#{:03o}", u32::from(c));
            }
            c => text.push(c),
        }
        if text.len() > VALUE {
            text.truncate(before);
            text.push('…');
            break;
        }
    }
    text
}

#[cfg(test)]
mod tests;
