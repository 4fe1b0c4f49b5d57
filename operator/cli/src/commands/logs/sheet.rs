//! Records as they are read: lines of JSON, or rows of CSV.

use crate::args::Format;
use crate::render::logs::{records, tame};
use snc_auditlog::Record;

pub struct Sheet {
    format: Format,
    /// Whether a terminal shows it: what acts there is escaped, and bytes are then not those that were sealed.
    terminal: bool,
    begun: bool,
}

impl Sheet {
    pub const fn new(format: Format, terminal: bool) -> Self {
        Self { format, terminal, begun: false }
    }

    /// What comes next; an answer without records has its heads still.
    pub fn rows(&mut self, records: &[Record]) -> String {
        let mut text = String::new();
        if self.format == Format::Csv {
            if !std::mem::replace(&mut self.begun, true) {
                text.push_str(&records::csv_heads());
            }
            text.extend(records.iter().map(records::csv_row));
            return text;
        }
        for record in records {
            let line = record.line();
            text.push_str(&if self.terminal { tame(&line) } else { line });
            text.push('\n');
        }
        text
    }
}
