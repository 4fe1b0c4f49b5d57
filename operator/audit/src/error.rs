/// What is not an event of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("not JSON at byte {at}: {what}")]
    Json { at: usize, what: &'static str },
    #[error("expected a JSON object, an event of audit.k8s.io")]
    NotAnObject,
    #[error("{0}")]
    Shape(String),
    #[error("{field}: got {given:?}; accepted: {accepted}")]
    Field { field: &'static str, given: String, accepted: &'static str },
    /// Positions in it are kept in 32 bits.
    #[error("{0} bytes in one event; accepted: fewer than 4 GiB")]
    TooLong(usize),
}

impl Unreadable {
    pub(crate) fn field(field: &'static str, given: &str, accepted: &'static str) -> Self {
        Self::Field { field, given: snc_core::text::clip(given, 120), accepted }
    }
}
