//! What is wrong with a control, told with its place.

use snc_core::text::Text;

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// `spec.rule.expect`.
    pub field: String,
    /// Within the field, from one; zero where the field as a whole is meant.
    pub line: u32,
    /// In characters, from one; zero where the field as a whole is meant.
    pub column: u32,
    pub message: Text,
}

impl Mistake {
    pub fn new(field: impl Into<String>, fr: impl Into<String>, en: impl Into<String>) -> Self {
        Self { field: field.into(), line: 0, column: 0, message: Text::new(fr, en) }
    }
}
