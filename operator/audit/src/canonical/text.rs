//! Texts in JSON: their one way of being escaped, which is `serde_json`'s.

use std::borrow::Cow;

pub(super) struct Quoted {
    /// With its quotes.
    pub length: usize,
    /// It is escaped in the one way.
    pub plain: bool,
    /// Nothing in it is escaped.
    pub bare: bool,
}

/// Bytes at which a string is not simply what it says.
const SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        special[byte] = true;
        byte += 1;
    }
    special[b'"' as usize] = true;
    special[b'\\' as usize] = true;
    special
};

/// A string at the beginning of these bytes; otherwise where it is wrong, and how.
pub(super) fn string(bytes: &[u8]) -> Result<Quoted, (usize, &'static str)> {
    let (mut at, mut plain, mut bare) = (1, true, true);
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        at += rest.iter().position(|byte| SPECIAL[usize::from(*byte)]).unwrap_or(rest.len());
        match bytes.get(at) {
            Some(b'"') => return Ok(Quoted { length: at + 1, plain, bare }),
            Some(b'\\') => {
                bare = false;
                match bytes.get(at + 1) {
                    Some(b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't') => at += 2,
                    Some(b'/') => (at, plain) = (at + 2, false),
                    Some(b'u') => {
                        let unit = bytes.get(at + 2..at + 6).and_then(unit).ok_or((at, "a wrong escape"))?;
                        let lower = !bytes[at + 2..at + 6].iter().any(u8::is_ascii_uppercase);
                        plain &= unit < 0x20 && !matches!(unit, 8 | 9 | 10 | 12 | 13) && lower;
                        at += 6;
                    }
                    _ => return Err((at, "a wrong escape")),
                }
            }
            Some(_) => return Err((at, "a control character in a text")),
            None => return Err((at, "a text that does not end")),
        }
    }
}

/// How long a string at the beginning of this text is, well-formed or not.
pub(super) fn string_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

fn unit(digits: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u16::from_str_radix(text, 16).ok()
}

/// What a checked string stands for, without its quotes; half a pair of surrogates as if it were a character.
pub(super) fn decoded(quoted: &str) -> Cow<'_, [u8]> {
    let inner = &quoted[1..quoted.len() - 1];
    if !inner.contains('\\') {
        return Cow::Borrowed(inner.as_bytes());
    }
    let mut out = Vec::with_capacity(inner.len());
    pieces(inner, |piece| match piece {
        Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
        Piece::Char(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        Piece::Half(unit) => {
            let low = |shift: u16| (unit >> shift & 0x3f).to_le_bytes()[0] | 0x80;
            out.extend_from_slice(&[0xed, low(6), low(0)]);
        }
    });
    Cow::Owned(out)
}

/// A checked string in the one way of escaping it.
pub(super) fn escape(quoted: &str, out: &mut String) {
    out.push('"');
    pieces(&quoted[1..quoted.len() - 1], |piece| match piece {
        Piece::Text(text) => out.push_str(text),
        Piece::Half(unit) => push_unit(unit, out),
        Piece::Char(c) => match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c < ' ' => push_unit(u16::from(c as u8), out),
            c => out.push(c),
        },
    });
    out.push('"');
}

fn push_unit(unit: u16, out: &mut String) {
    out.push_str("\\u");
    for shift in [12, 8, 4, 0] {
        out.push(char::from(b"0123456789abcdef"[usize::from(unit >> shift & 0xf)]));
    }
}

enum Piece<'a> {
    Text(&'a str),
    Char(char),
    Half(u16),
}

fn pieces<'a>(inner: &'a str, mut each: impl FnMut(Piece<'a>)) {
    let mut rest = inner;
    while let Some((before, escape)) = rest.split_once('\\') {
        if !before.is_empty() {
            each(Piece::Text(before));
        }
        let (piece, taken) = match escape.as_bytes().first() {
            Some(b'u') => {
                let high = after(escape, "u").unwrap_or_default();
                let low = escape.get(5..).and_then(|next| after(next, "\\u"));
                match char::decode_utf16([high].into_iter().chain(low)).next() {
                    Some(Ok(c)) => (Piece::Char(c), if c > '\u{ffff}' { 11 } else { 5 }),
                    _ => (Piece::Half(high), 5),
                }
            }
            Some(b'b') => (Piece::Char('\u{8}'), 1),
            Some(b'f') => (Piece::Char('\u{c}'), 1),
            Some(b'n') => (Piece::Char('\n'), 1),
            Some(b'r') => (Piece::Char('\r'), 1),
            Some(b't') => (Piece::Char('\t'), 1),
            Some(other) => (Piece::Char(char::from(*other)), 1),
            None => return,
        };
        each(piece);
        rest = &escape[taken..];
    }
    if !rest.is_empty() {
        each(Piece::Text(rest));
    }
}

fn after(text: &str, prefix: &str) -> Option<u16> {
    unit(text.strip_prefix(prefix)?.get(..4)?.as_bytes())
}
