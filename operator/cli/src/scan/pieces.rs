//! A stream cut into what can be parsed alone: documents of YAML, values of JSON, items of a JSON list. No more
//! than one of them is held at a time, whatever the stream's length.

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
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Structure,
    Text,
    Escape,
}

/// Values of JSON, one after the other; of one with `items`, the items.
struct Json {
    lines: u64,
    columns: u64,
    held: Vec<u8>,
    /// Where what is held begins.
    start: (u64, u64),
    /// What stands around the items.
    around: Vec<u8>,
    around_start: (u64, u64),
    depth: u32,
    inside: Inside,
    /// Bytes of the last text at depth 1: the key, when a colon follows.
    key: Vec<u8>,
    after_items: bool,
    in_items: bool,
    items: usize,
    document: usize,
    counted: bool,
    of_list: Option<(String, String)>,
}

impl Json {
    fn new(first: &[u8]) -> Self {
        let lines = newlines(first);
        let columns = first.iter().rev().take_while(|byte| **byte != b'\n').count() as u64;
        Self {
            lines,
            columns,
            held: Vec::new(),
            start: (lines, columns),
            around: Vec::new(),
            around_start: (lines, columns),
            depth: 0,
            inside: Inside::Structure,
            key: Vec::new(),
            after_items: false,
            in_items: false,
            items: 0,
            document: 0,
            counted: false,
            of_list: None,
        }
    }

    fn read(mut self, mut stream: impl BufRead, take: &mut impl FnMut(Piece)) -> Result<(), Trouble> {
        loop {
            let buffer = stream.fill_buf()?;
            if buffer.is_empty() {
                break;
            }
            let length = buffer.len();
            let mut rest = buffer;
            while !rest.is_empty() {
                let (run, after) = rest.split_at(self.plain(rest));
                self.run(run);
                rest = after;
                if let Some((byte, after)) = rest.split_first() {
                    self.byte(*byte, take)?;
                    rest = after;
                }
            }
            stream.consume(length);
            if self.held.len() > LONGEST || self.around.len() > LONGEST {
                return Err(Trouble::TooLong(self.start.0 + 1));
            }
        }
        // What is not closed is left to the parser to refuse, with its place.
        if !self.held.trim_ascii().is_empty() {
            self.emit_item(take)?;
        }
        if !self.around.trim_ascii().is_empty() {
            self.emit_whole(take)?;
        }
        Ok(())
    }

    /// How many bytes to come change nothing but the place.
    fn plain(&self, bytes: &[u8]) -> usize {
        let shallow = if self.in_items { 2 } else { 1 };
        let end = match self.inside {
            Inside::Text => bytes.iter().position(|byte| matches!(byte, b'"' | b'\\')),
            Inside::Structure if self.depth > shallow => {
                bytes.iter().position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']'))
            }
            _ => Some(0),
        };
        end.unwrap_or(bytes.len())
    }

    fn run(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.inside == Inside::Text && self.depth == 1 {
            self.key.extend_from_slice(bytes);
        }
        // Where it is not at the very top, something is held already.
        if self.in_items { &mut self.held } else { &mut self.around }.extend_from_slice(bytes);
        let lines = newlines(bytes);
        if lines > 0 {
            self.lines += lines;
            self.columns = 0;
        }
        let last = if lines > 0 { bytes.rsplit(|byte| *byte == b'\n').next() } else { Some(bytes) };
        self.columns +=
            last.map_or(0, |last| last.iter().filter(|byte| **byte & 0xc0 != 0x80).count() as u64);
    }

    fn byte(&mut self, byte: u8, take: &mut impl FnMut(Piece)) -> Result<(), Trouble> {
        let place = (self.lines, self.columns);
        self.step(byte);
        let outer = if self.in_items { 2 } else { 0 };
        if self.inside != Inside::Structure {
            self.keep(byte, place);
            self.inside = match (self.inside, byte) {
                (Inside::Text, b'\\') => Inside::Escape,
                (Inside::Text, b'"') => Inside::Structure,
                _ => Inside::Text,
            };
            if self.inside == Inside::Text && self.depth == 1 {
                self.key.push(byte);
            }
            return Ok(());
        }
        match byte {
            b'"' => {
                self.inside = Inside::Text;
                self.key.clear();
            }
            b':' if self.depth == 1 => self.after_items = self.key == b"items",
            b'{' | b'[' => {
                self.depth += 1;
                if byte == b'[' && self.depth == 2 && std::mem::take(&mut self.after_items) {
                    self.around.push(byte);
                    self.begin_items();
                    return Ok(());
                }
            }
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                if self.in_items && self.depth == 1 {
                    self.emit_item(take)?;
                    self.in_items = false;
                } else if self.depth == outer {
                    self.keep(byte, place);
                    return if self.in_items { self.emit_item(take) } else { self.emit_whole(take) };
                }
            }
            b',' if self.in_items && self.depth == 2 => return Ok(()),
            b',' => self.after_items = false,
            _ => {}
        }
        self.keep(byte, place);
        Ok(())
    }

    fn step(&mut self, byte: u8) {
        if byte == b'\n' {
            self.lines += 1;
            self.columns = 0;
        } else if byte & 0xc0 != 0x80 {
            self.columns += 1;
        }
    }

    fn keep(&mut self, byte: u8, place: (u64, u64)) {
        let (into, start) = if self.in_items {
            (&mut self.held, &mut self.start)
        } else {
            (&mut self.around, &mut self.around_start)
        };
        if into.is_empty() {
            if byte.is_ascii_whitespace() {
                return;
            }
            *start = place;
        }
        into.push(byte);
    }

    fn begin_items(&mut self) {
        self.in_items = true;
        self.items = 0;
        let mut so_far = self.around.clone();
        so_far.extend_from_slice(b"]}");
        let known: Option<serde_json::Value> = serde_json::from_slice(&so_far).ok();
        let text = |name: &str| Some(known.as_ref()?.get(name)?.as_str()?.to_owned());
        self.of_list = text("apiVersion").zip(text("kind")).and_then(|(version, kind)| {
            let kind = kind.strip_suffix("List").filter(|kind| !kind.is_empty())?.to_owned();
            Some((version, kind))
        });
        self.count();
    }

    /// A document is counted once, whatever it holds.
    fn count(&mut self) {
        if !std::mem::replace(&mut self.counted, true) {
            self.document += 1;
        }
    }

    fn emit_item(&mut self, take: &mut impl FnMut(Piece)) -> Result<(), Trouble> {
        let bytes = std::mem::take(&mut self.held);
        if bytes.trim_ascii().is_empty() {
            return Ok(());
        }
        let (lines, columns) = self.start;
        take(Piece {
            text: text(bytes, lines)?,
            lines,
            columns,
            document: self.document,
            item: Some(self.items),
            of_list: self.of_list.clone(),
            json: true,
        });
        self.items += 1;
        Ok(())
    }

    fn emit_whole(&mut self, take: &mut impl FnMut(Piece)) -> Result<(), Trouble> {
        let bytes = std::mem::take(&mut self.around);
        let (lines, columns) = self.around_start;
        self.count();
        self.counted = false;
        self.of_list = None;
        take(Piece {
            text: text(bytes, lines)?,
            lines,
            columns,
            document: self.document,
            json: true,
            ..Piece::default()
        });
        Ok(())
    }
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
