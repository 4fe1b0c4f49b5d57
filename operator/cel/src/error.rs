//! Why an expression is refused, and why an evaluation gives no value.

use std::fmt;

/// An expression that the API server refuses, or that this crate does not judge as the API server does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    /// From one.
    pub line: usize,
    /// From one, in characters.
    pub column: usize,
    pub message: String,
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for CompileError {}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// The text is cel-go's.
    #[error("{0}")]
    Failed(String),
    #[error("operation cancelled: actual cost limit exceeded")]
    CostExceeded,
    #[error("operation interrupted")]
    TimedOut,
}

impl EvalError {
    pub(crate) fn no_such_overload() -> EvalError {
        EvalError::Failed("no such overload".to_owned())
    }
}

/// The error of cel-go with this text.
pub(crate) fn failed<T>(text: impl Into<String>) -> Result<T, EvalError> {
    Err(EvalError::Failed(text.into()))
}

/// Before the position is known.
pub(crate) struct Refusal {
    pub offset: usize,
    pub message: String,
}

impl Refusal {
    pub fn new(offset: usize, message: impl Into<String>) -> Refusal {
        Refusal { offset, message: message.into() }
    }

    pub fn place(self, source: &str) -> CompileError {
        let before = source.get(..self.offset).unwrap_or(source);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        CompileError { line, column, message: self.message }
    }
}
