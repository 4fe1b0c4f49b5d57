//! JSON cut into values, and lists into their items.

use super::{LONGEST, Piece, Trouble, last_line, newlines, text};
use std::io::BufRead;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Structure,
    Text,
    Escape,
}

/// Values of JSON, one after the other; of one with `items`, the items.
pub(super) struct Json {
    /// Of what is before the mark.
    lines: u64,
    columns: u64,
    /// Where in the buffer it stands, and from where on what is kept waits for the rest.
    mark: usize,
    from: usize,
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
    pub(super) fn new(first: &[u8]) -> Self {
        let lines = newlines(first);
        let columns = first.iter().rev().take_while(|byte| **byte != b'\n').count() as u64;
        Self {
            lines,
            columns,
            mark: 0,
            from: 0,
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

    pub(super) fn read(
        mut self,
        mut stream: impl BufRead,
        take: &mut impl FnMut(Piece),
    ) -> Result<(), Trouble> {
        loop {
            let buffer = stream.fill_buf()?;
            if buffer.is_empty() {
                break;
            }
            let length = buffer.len();
            (self.from, self.mark) = (0, 0);
            let mut at = 0;
            loop {
                at += self.plain(&buffer[at..]);
                if at == length {
                    break;
                }
                self.byte(buffer, at, take)?;
                at += 1;
            }
            self.flush(buffer, length);
            self.advance(buffer, length);
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

    /// How many bytes to come are kept and change nothing.
    fn plain(&mut self, bytes: &[u8]) -> usize {
        let shallow = if self.in_items { 2 } else { 1 };
        let end = match self.inside {
            Inside::Text => bytes.iter().position(|byte| matches!(byte, b'"' | b'\\')),
            Inside::Structure if self.depth > shallow => {
                bytes.iter().position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']'))
            }
            _ => Some(0),
        };
        let end = end.unwrap_or(bytes.len());
        if self.inside == Inside::Text && self.depth == 1 {
            self.key.extend_from_slice(&bytes[..end]);
        }
        end
    }

    fn byte(&mut self, buffer: &[u8], at: usize, take: &mut impl FnMut(Piece)) -> Result<(), Trouble> {
        let byte = buffer[at];
        let outer = if self.in_items { 2 } else { 0 };
        if self.inside != Inside::Structure {
            self.keep(buffer, at);
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
                    self.flush(buffer, at + 1);
                    self.begin_items();
                    return Ok(());
                }
            }
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                if self.in_items && self.depth == 1 {
                    self.flush(buffer, at);
                    self.emit_item(take)?;
                    self.in_items = false;
                } else if self.depth == outer {
                    self.keep(buffer, at);
                    self.flush(buffer, at + 1);
                    return if self.in_items { self.emit_item(take) } else { self.emit_whole(take) };
                }
            }
            b',' if self.in_items && self.depth == 2 => {
                self.flush(buffer, at);
                self.from = at + 1;
                return Ok(());
            }
            b',' => self.after_items = false,
            _ => {}
        }
        self.keep(buffer, at);
        Ok(())
    }

    /// What is kept goes together, as long as the buffer lasts.
    fn flush(&mut self, buffer: &[u8], to: usize) {
        let into = if self.in_items { &mut self.held } else { &mut self.around };
        into.extend_from_slice(&buffer[self.from..to]);
        self.from = to;
    }

    fn advance(&mut self, buffer: &[u8], to: usize) {
        let passed = &buffer[self.mark..to];
        let (lines, last) = last_line(passed);
        if lines > 0 {
            self.lines += lines;
            self.columns = 0;
        }
        self.columns += last.iter().filter(|byte| **byte & 0xc0 != 0x80).count() as u64;
        self.mark = to;
    }

    fn keep(&mut self, buffer: &[u8], at: usize) {
        let held = if self.in_items { &self.held } else { &self.around };
        if held.is_empty() && self.from == at {
            if buffer[at].is_ascii_whitespace() {
                self.from = at + 1;
                return;
            }
            self.advance(buffer, at);
            let place = (self.lines, self.columns);
            if self.in_items {
                self.start = place;
            } else {
                self.around_start = place;
            }
        }
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
