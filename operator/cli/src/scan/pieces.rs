//! A stream cut into what can be parsed alone: documents of YAML, values of JSON, items of a JSON list. No more
//! than one of them is held at a time, whatever the stream's length.

mod json;

use json::Json;
use std::io::{self, BufRead};

/// Longer than any object that an API server takes; what is longer is a list that cannot be cut, or no object.
const LONGEST: usize = 256 << 20;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Piece {
    pub text: String,
    /// Lines of the stream before it, and columns before it on its first line.
    pub lines: u64,
    pub columns: u64,
    /// Counted from 1, over those that hold something.
    pub document: usize,
    /// Where it is an item of a list.
    pub item: Option<usize>,
    /// Version and kind of the items of a typed list, which do not say it themselves.
    pub of_list: Option<(String, String)>,
    pub json: bool,
}

impl Piece {
    /// Line and column, both from 1, where it begins; its mark and its comments left out.
    pub fn first(&self) -> (u64, u64) {
        let said = |line: &str| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with('#') && !line.starts_with("---")
        };
        match self.text.lines().position(said) {
            Some(0) | None => (self.lines + 1, self.columns + 1),
            Some(before) => (self.lines + before as u64 + 1, 1),
        }
    }
}

#[derive(Debug)]
pub enum Trouble {
    Io(io::Error),
    /// The line on which the text stops being UTF-8.
    NotText(u64),
    /// The line on which a document begins that is too long.
    TooLong(u64),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Hands every piece on, in order.
pub fn pieces(mut stream: impl BufRead, mut take: impl FnMut(Piece)) -> Result<(), Trouble> {
    let mut first = Vec::new();
    let json = loop {
        let buffer = stream.fill_buf()?;
        if buffer.is_empty() {
            break false;
        }
        let space =
            buffer.iter().take_while(|b| b.is_ascii_whitespace() || [0xef, 0xbb, 0xbf].contains(*b)).count();
        let found = buffer.get(space).copied();
        let used = if found.is_some() { space } else { buffer.len() };
        first.extend_from_slice(&buffer[..used]);
        stream.consume(used);
        if let Some(byte) = found {
            break byte == b'{';
        }
    };
    // A byte order mark is no part of the text.
    first.retain(u8::is_ascii);
    if json { Json::new(&first).read(stream, &mut take) } else { yaml(&first, stream, &mut take) }
}

fn text(bytes: Vec<u8>, lines: u64) -> Result<String, Trouble> {
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        Trouble::NotText(lines + newlines(&error.as_bytes()[..good]) + 1)
    })
}

/// `---` at the beginning of a line always starts a document, whatever stands around it.
fn yaml(first: &[u8], mut stream: impl BufRead, take: &mut impl FnMut(Piece)) -> Result<(), Trouble> {
    let (mut held, mut started, mut lines, mut document) = (first.to_vec(), 0_u64, newlines(first), 0);
    let mut line = Vec::new();
    loop {
        line.clear();
        let ends = stream.read_until(b'\n', &mut line)? == 0;
        if (ends || is_mark(&line, b"---")) && !held.is_empty() {
            let text = text(std::mem::take(&mut held), started)?;
            if holds_something(&text) {
                document += 1;
                take(Piece { text, lines: started, document, ..Piece::default() });
            }
            started = lines;
        }
        if ends {
            return Ok(());
        }
        held.extend_from_slice(&line);
        lines += 1;
        if held.len() > LONGEST {
            return Err(Trouble::TooLong(started + 1));
        }
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    last_line(bytes).0
}

/// How many lines end, and what is after them. Lines are searched as a whole, which is the fastest.
fn last_line(mut bytes: &[u8]) -> (u64, &[u8]) {
    let mut lines = 0;
    loop {
        let mut rest = bytes;
        match rest.skip_until(b'\n') {
            Ok(passed) if passed > 0 && bytes[passed - 1] == b'\n' => {
                lines += 1;
                bytes = rest;
            }
            _ => return (lines, bytes),
        }
    }
}

fn is_mark(line: &[u8], mark: &[u8]) -> bool {
    line.strip_prefix(mark).is_some_and(|rest| rest.first().is_none_or(|byte| b" \t\r\n".contains(byte)))
}

fn holds_something(text: &str) -> bool {
    text.lines()
        .map(|line| if is_mark(line.as_bytes(), b"---") { &line[3..] } else { line })
        .map(str::trim)
        .any(|line| !line.is_empty() && !line.starts_with(['#', '%']) && line != "...")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<(String, u64, usize, Option<usize>)> {
        let mut found = Vec::new();
        // One byte at a time: nothing may hang on where a buffer ends.
        let stream = io::BufReader::with_capacity(1, text.as_bytes());
        pieces(stream, |piece| {
            found.push((piece.text.trim().to_owned(), piece.lines, piece.document, piece.item));
        })
        .expect("readable");
        found
    }

    fn owned(
        text: &str,
        lines: u64,
        document: usize,
        item: Option<usize>,
    ) -> (String, u64, usize, Option<usize>) {
        (text.to_owned(), lines, document, item)
    }

    #[test]
    fn documents_of_yaml() {
        let found = cut("# a\n---\na: 1\n---\n---\nb: |\n  --- x\n  y\n");
        assert_eq!(found, [owned("---\na: 1", 1, 1, None), owned("---\nb: |\n  --- x\n  y", 4, 2, None)]);
    }

    #[test]
    fn items_of_a_list_and_what_stands_around_them() {
        let found = cut(
            "{\"kind\": \"List\",\n\"items\": [{\"a\": \"}],[\\\"\"},\n {\"items\": [1]}], \"apiVersion\": \"v1\"}\n{\"b\": 2}",
        );
        assert_eq!(
            found,
            [
                owned("{\"a\": \"}],[\\\"\"}", 1, 1, Some(0)),
                owned("{\"items\": [1]}", 2, 1, Some(1)),
                owned("{\"kind\": \"List\",\n\"items\": [], \"apiVersion\": \"v1\"}", 0, 1, None),
                owned("{\"b\": 2}", 3, 2, None),
            ]
        );
    }

    #[test]
    fn items_of_a_typed_list_know_what_they_are() {
        let mut found = Vec::new();
        pieces(&b"{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"items\":[{}]}"[..], |p| {
            found.push(p.of_list);
        })
        .expect("readable");
        assert_eq!(found, [Some(("v1".to_owned(), "Pod".to_owned())), None]);
    }

    #[test]
    fn what_is_not_closed_is_handed_on_for_the_parser_to_refuse() {
        assert_eq!(cut("{\"a\": [1"), [owned("{\"a\": [1", 0, 1, None)]);
        assert_eq!(
            cut("{\"items\": [{\"a\": 1}, {\"b\""),
            [
                owned("{\"a\": 1}", 0, 1, Some(0)),
                owned("{\"b\"", 0, 1, Some(1)),
                owned("{\"items\": [", 0, 1, None),
            ]
        );
    }
}
