//! Where the parts of a JSON text are. Without recursion: how deep a body is nested is a client's choice.

use super::text::{Quoted, string};
use crate::error::Unreadable;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Scalar,
    Object,
    List,
}

/// One value, or one key of an object, which its value follows.
#[derive(Debug)]
pub(super) struct Node {
    pub start: u32,
    pub end: u32,
    /// Where on the tape what is after it begins.
    pub next: u32,
    pub kind: Kind,
    /// Its text is its canonical form.
    pub plain: bool,
    /// Its keys are in order, each once.
    pub sorted: bool,
}

pub(super) struct Tape {
    pub nodes: Vec<Node>,
}

/// An object or a list that has not ended, and what is known of it so far.
struct Open {
    node: u32,
    plain: bool,
    sorted: bool,
    list: bool,
    /// The key before this one; empty before the first.
    last: (u32, u32),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    CommaOrEnd,
}

impl Tape {
    pub fn scan(text: &str) -> Result<Self, Unreadable> {
        if u32::try_from(text.len()).is_err() {
            return Err(Unreadable::TooLong(text.len()));
        }
        let mut scanner = Scanner {
            text,
            bytes: text.as_bytes(),
            at: 0,
            nodes: Vec::with_capacity(text.len() / 16 + 8),
            open: Vec::new(),
        };
        scanner.run()?;
        Ok(Self { nodes: scanner.nodes })
    }
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    open: Vec<Open>,
}

/// Texts are shorter than 4 GiB: `Tape::scan` said so.
#[allow(clippy::cast_possible_truncation, reason = "checked once for the whole text")]
const fn short(at: usize) -> u32 {
    at as u32
}

impl Scanner<'_> {
    fn wrong(&self, what: &'static str) -> Unreadable {
        Unreadable::Json { at: self.at, what }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) -> bool {
        let from = self.at;
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
        self.at != from
    }

    fn run(&mut self) -> Result<(), Unreadable> {
        let mut expect = Expect::Value;
        loop {
            if self.space()
                && let Some(open) = self.open.last_mut()
            {
                open.plain = false;
            }
            let Some(byte) = self.peek() else {
                return Err(self.wrong("it ends too early"));
            };
            expect = match (expect, byte) {
                (Expect::CommaOrEnd, b',') => {
                    self.at += 1;
                    if self.open.last().is_some_and(|open| open.list) { Expect::Value } else { Expect::Key }
                }
                (Expect::CommaOrEnd | Expect::ValueOrEnd, b']') if self.within(true) => self.close(),
                (Expect::CommaOrEnd | Expect::KeyOrEnd, b'}') if self.within(false) => self.close(),
                (Expect::Key | Expect::KeyOrEnd, b'"') => self.key()?,
                (Expect::Value | Expect::ValueOrEnd, _) => self.value(byte)?,
                (Expect::CommaOrEnd, _) => return Err(self.wrong("expected a comma or an end")),
                (Expect::Key | Expect::KeyOrEnd, _) => return Err(self.wrong("expected a key")),
            };
            if self.open.is_empty() {
                break;
            }
        }
        self.space();
        if self.peek().is_some() { Err(self.wrong("something follows the event")) } else { Ok(()) }
    }

    fn within(&self, list: bool) -> bool {
        self.open.last().is_some_and(|open| open.list == list)
    }

    fn push(&mut self, start: usize, kind: Kind, plain: bool) {
        let next = short(self.nodes.len() + 1);
        self.nodes.push(Node { start: short(start), end: short(self.at), next, kind, plain, sorted: true });
        if kind == Kind::Scalar
            && let Some(open) = self.open.last_mut()
        {
            open.plain &= plain;
        }
    }

    fn value(&mut self, byte: u8) -> Result<Expect, Unreadable> {
        let start = self.at;
        match byte {
            b'{' | b'[' => {
                let list = byte == b'[';
                self.push(start, if list { Kind::List } else { Kind::Object }, true);
                let node = short(self.nodes.len() - 1);
                self.open.push(Open { node, plain: true, sorted: true, list, last: (0, 0) });
                self.at += 1;
                return Ok(if list { Expect::ValueOrEnd } else { Expect::KeyOrEnd });
            }
            b'"' => {
                let plain = self.string()?.plain;
                self.push(start, Kind::Scalar, plain);
            }
            b't' => self.word("true")?,
            b'f' => self.word("false")?,
            b'n' => self.word("null")?,
            _ => {
                self.number()?;
                self.push(start, Kind::Scalar, true);
            }
        }
        Ok(Expect::CommaOrEnd)
    }

    fn word(&mut self, word: &'static str) -> Result<(), Unreadable> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.wrong("expected a value"));
        }
        let start = self.at;
        self.at += word.len();
        self.push(start, Kind::Scalar, true);
        Ok(())
    }

    fn string(&mut self) -> Result<Quoted, Unreadable> {
        let quoted = string(&self.bytes[self.at..])
            .map_err(|(at, what)| Unreadable::Json { at: self.at + at, what })?;
        self.at += quoted.length;
        Ok(quoted)
    }

    fn key(&mut self) -> Result<Expect, Unreadable> {
        let start = self.at;
        let Quoted { plain, bare, .. } = self.string()?;
        self.push(start, Kind::Scalar, plain);
        let (text, end) = (self.text, self.at);
        if let Some(open) = self.open.last_mut() {
            let (from, to) = open.last;
            let in_order = to == 0 || text[from as usize + 1..to as usize - 1] < text[start + 1..end - 1];
            // What is escaped is compared once it is decoded.
            open.sorted &= bare && in_order;
            open.last = (short(start), short(end));
        }
        let spaced = self.space();
        if self.peek() != Some(b':') {
            return Err(self.wrong("expected a colon"));
        }
        self.at += 1;
        if (spaced | self.space())
            && let Some(open) = self.open.last_mut()
        {
            open.plain = false;
        }
        Ok(Expect::Value)
    }

    fn close(&mut self) -> Expect {
        self.at += 1;
        let (end, next) = (short(self.at), short(self.nodes.len()));
        if let Some(open) = self.open.pop() {
            let plain = open.plain && open.sorted;
            let node = &mut self.nodes[open.node as usize];
            (node.end, node.next, node.plain, node.sorted) = (end, next, plain, open.sorted);
            if let Some(outer) = self.open.last_mut() {
                outer.plain &= plain;
            }
        }
        Expect::CommaOrEnd
    }

    fn digits(&mut self) -> Result<(), Unreadable> {
        let from = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == from { Err(self.wrong("expected a digit")) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<(), Unreadable> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return Err(self.wrong("expected a value")),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }
}
