//! Kubernetes objects from files, directories and standard input, with the place of everything that is wrong.

pub mod documents;
mod objects;
mod paths;
pub mod tree;
pub mod typed;

pub use objects::read;
pub use paths::{Found, files};
pub use paths::{Source, sources};

use snc_core::lang::Lang;
use snc_core::text::Text;

/// A place in what was read. Lines and documents are counted from 1; 0 is not known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    pub file: String,
    pub document: usize,
    pub line: u64,
    pub field: String,
}

/// Something that cannot be read, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    pub place: Place,
    pub what: Text,
}

impl Unreadable {
    pub fn message(&self, lang: Lang) -> String {
        let what = self.what.get(lang);
        lang.pick(
            || format!("{} : {what}", self.place.text(lang)),
            || format!("{}: {what}", self.place.text(lang)),
        )
    }
}

impl Place {
    pub fn text(&self, lang: Lang) -> String {
        let Self { file, document, line, field } = self;
        let mut text = file.clone();
        if *document > 0 {
            text.push_str(", document ");
            text.push_str(&document.to_string());
        }
        if *line > 0 {
            text += &lang.pick(|| format!(", ligne {line}"), || format!(", line {line}"));
        }
        if !field.is_empty() {
            text += &lang.pick(|| format!(", champ {field}"), || format!(", field {field}"));
        }
        text
    }
}

#[cfg(test)]
mod tests;
