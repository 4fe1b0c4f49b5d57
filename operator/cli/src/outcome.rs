//! How a command ends. The exit code is a promise to scripts: 0 fine, 1 findings, 2 bad input or usage, 3 could
//! not decide; when several hold, 2 comes before 1 and 1 before 3.

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    pub bad_input: bool,
    pub findings: bool,
    pub undecided: bool,
    /// For stderr, all of them whatever the code.
    pub reasons: Vec<String>,
}

impl Outcome {
    pub fn bad_input(reason: impl Into<String>) -> Self {
        Self { bad_input: true, reasons: vec![reason.into()], ..Self::default() }
    }

    pub fn undecided(reason: impl Into<String>) -> Self {
        Self { undecided: true, reasons: vec![reason.into()], ..Self::default() }
    }

    pub const fn code(&self) -> u8 {
        match (self.bad_input, self.findings, self.undecided) {
            (true, _, _) => 2,
            (_, true, _) => 1,
            (_, _, true) => 3,
            _ => 0,
        }
    }
}

/// What goes to stdout, and how the command ends.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub text: String,
    pub outcome: Outcome,
}

impl Answer {
    pub fn text(text: String) -> Self {
        Self { text, outcome: Outcome::default() }
    }
}

impl From<Outcome> for Answer {
    fn from(outcome: Outcome) -> Self {
        Self { text: String::new(), outcome }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_before_one_before_three() {
        let code = |bad_input, findings, undecided| {
            Outcome { bad_input, findings, undecided, reasons: vec![] }.code()
        };
        assert_eq!(code(false, false, false), 0);
        assert_eq!(code(false, false, true), 3);
        assert_eq!(code(false, true, true), 1);
        assert_eq!(code(true, true, true), 2);
    }
}
