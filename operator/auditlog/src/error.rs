//! What could not be done. What is wrong with a log is no error: see [`crate::finding`].

use crate::finding::Finding;
use snc_core::text::{Refusal, Text};
use std::io;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path}: {source}")]
    Store { path: String, source: object_store::Error },
    #[error("{path}: {source}")]
    Io { path: String, source: io::Error },
    #[error("{}", .0.message(snc_core::lang::Lang::En))]
    Refused(Refusal),
    /// What is there does not let this go on.
    #[error("{}", .0.text().en)]
    Damaged(Box<Finding>),
    /// Somebody else wrote what was to be written now: two writers are at work.
    #[error("{path}: written by another writer")]
    Contended { path: String },
    /// A segment that was begun before another one of its partition was committed.
    #[error("{partition}: segment {number} was begun twice")]
    Stale { partition: String, number: u64 },
    #[error("encoding: {0}")]
    Encoding(String),
}

impl Error {
    pub(crate) fn encoding(error: impl std::fmt::Display) -> Self {
        Self::Encoding(error.to_string())
    }

    pub(crate) fn io(path: impl AsRef<std::path::Path>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.as_ref().display().to_string(), source }
    }

    pub(crate) fn store(path: impl Into<String>) -> impl FnOnce(object_store::Error) -> Self {
        move |source| Self::Store { path: path.into(), source }
    }

    pub fn text(&self) -> Text {
        match self {
            Self::Refused(refusal) => {
                let [fr, en] =
                    [snc_core::lang::Lang::Fr, snc_core::lang::Lang::En].map(|lang| refusal.message(lang));
                Text { fr, en }
            }
            Self::Damaged(finding) => finding.text(),
            Self::Contended { path } => Text::new(
                format!(
                    "{path} : un autre processus vient d'écrire cet objet ; le journal n'a qu'un seul rédacteur"
                ),
                format!("{path}: another process has just written this object; the log has one writer only"),
            ),
            Self::Stale { partition, number } => Text::new(
                format!("{partition} : le segment {number} a été commencé deux fois"),
                format!("{partition}: segment {number} was begun twice"),
            ),
            Self::Store { .. } | Self::Io { .. } => Text::new(
                format!("stockage inaccessible ou en refus : {self}"),
                format!("storage out of reach, or refusing: {self}"),
            ),
            Self::Encoding(why) => {
                Text::new(format!("mise en forme impossible : {why}"), format!("cannot be encoded: {why}"))
            }
        }
    }
}

impl From<Finding> for Error {
    fn from(finding: Finding) -> Self {
        Self::Damaged(Box::new(finding))
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
