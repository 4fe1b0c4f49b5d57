//! One model, several forms.

pub mod alarms;
pub mod assessment;
pub mod catalogue;
pub mod clean;
pub mod diff;
pub mod exceptions;
pub mod flows;
pub mod image;
pub mod json;
pub mod lockout;
pub mod logs;
pub mod markdown;
pub mod preflight;
pub mod reach;
pub mod scan;
pub mod status;
pub mod table;
pub mod who;
pub mod xml;
pub mod yaml;

use std::io::IsTerminal;

/// Text, line by line. Each line is cleaned as it is written: nothing that others wrote gets past it.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
    pub colors: bool,
}

impl Page {
    pub fn line(&mut self, text: impl AsRef<str>) {
        self.colored("", text);
    }

    pub fn colored(&mut self, color: &str, text: impl AsRef<str>) {
        let text = clean::line(text.as_ref());
        if self.colors && !color.is_empty() {
            for part in [color, &text, "\u{1b}[0m"] {
                self.text.push_str(part);
            }
        } else {
            self.text.push_str(&text);
        }
        self.text.push('\n');
    }

    pub fn blank(&mut self) {
        self.text.push('\n');
    }

    /// Lines that are clean already.
    pub fn block(&mut self, lines: &str) {
        self.text.push_str(lines);
    }

    pub fn finish(self) -> String {
        self.text
    }
}

/// What stdout can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Screen {
    /// Columns of the terminal; `None` when it is not one, and lines are as long as they are.
    pub width: Option<u16>,
    pub colors: bool,
}

impl Screen {
    pub fn of_stdout() -> Self {
        let terminal = std::io::stdout().is_terminal();
        let unwanted = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
        let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
        Self {
            width: console::Term::stdout().size_checked().map(|(_, columns)| columns).filter(|_| terminal),
            colors: terminal && !dumb && !unwanted("NO_COLOR"),
        }
    }
}
