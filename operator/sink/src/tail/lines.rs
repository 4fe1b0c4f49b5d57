//! Whole lines of a piece of a file.

use bytes::Bytes;
use jiff::Timestamp;
use snc_audit::Event;
use snc_audit::canonical;
use std::ops::Range;

/// What every event of a log file begins with.
const BEGINNING: &[u8] = br#"{"kind":"Event","#;

/// What a line is.
pub(super) enum Line {
    /// With its time.
    Event(Option<Timestamp>),
    /// To be kept all the same.
    Unreadable,
}

/// Items of a batch, in one buffer: what was read, and after it what stands for what cannot be sent as it came.
pub(super) struct Gathered {
    pub(super) buffer: Vec<u8>,
    pub(super) items: Vec<Range<usize>>,
}

impl Gathered {
    pub(super) fn new(buffer: Vec<u8>) -> Self {
        Self { buffer, items: Vec::new() }
    }

    /// A line without its end; gives what is on it, in order.
    pub(super) fn line(&mut self, at: Range<usize>) -> [Option<Line>; 2] {
        let bytes = self.buffer.get(at.clone()).unwrap_or_default();
        let (left, right) = (bytes.len() - bytes.trim_ascii_start().len(), bytes.trim_ascii_end().len());
        if left >= right {
            return [None, None];
        }
        let at = at.start + left..at.start + right;
        let bytes = self.buffer.get(at.clone()).unwrap_or_default();
        if let line @ Line::Event(_) = read(bytes) {
            self.items.push(at);
            return [Some(line), None];
        }
        // A writer that ended in the middle of a line, and the next one after it.
        let beginning = |window: &[u8]| window == BEGINNING;
        let second = bytes.windows(BEGINNING.len()).rposition(beginning).filter(|second| *second > 0);
        if let Some(second) = second
            && let line @ Line::Event(_) = read(bytes.get(second..).unwrap_or_default())
        {
            self.unreadable(at.start..at.start + second);
            self.items.push(at.start + second..at.end);
            return [Some(Line::Unreadable), Some(line)];
        }
        self.unreadable(at);
        [Some(Line::Unreadable), None]
    }

    pub(super) fn unreadable(&mut self, at: Range<usize>) {
        let bytes = self.buffer.get(at.clone()).unwrap_or_default();
        if canonical::hash(&canonical::text(bytes)).is_ok() {
            self.items.push(at);
            return;
        }
        let text = crate::intake::wrapped(bytes);
        let start = self.buffer.len();
        self.buffer.extend_from_slice(text.as_bytes());
        self.items.push(start..self.buffer.len());
    }

    pub(super) fn into_items(self) -> crate::intake::Items {
        crate::intake::Items::new(Bytes::from(self.buffer), self.items)
    }
}

fn read(line: &[u8]) -> Line {
    let text = canonical::text(line);
    match Event::parse(&text) {
        // What cannot be told from other events is not taken in as one.
        Ok(event) if canonical::hash(&text).is_ok() => Line::Event(event.stage_timestamp),
        _ => Line::Unreadable,
    }
}
