//! Where to go on, and in which question: a cursor is good for the question that it was given for, and no other. It needs
//! no secret: the partition that is read is always the request's own, which Kubernetes was asked about; a cursor says
//! nothing but how far.

use super::refuse::Refused;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// Characters of the part that names the question.
const MARK: usize = 32;
const LONGEST: usize = 1024;

/// What is asked; all but how much of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question(String);

impl Question {
    pub(super) fn new<'a>(parts: impl IntoIterator<Item = (&'a str, Option<String>)>) -> Self {
        let mut hasher = Sha256::new_with_prefix("snc-cursor-1");
        for (name, value) in parts {
            // Absent is another question than empty.
            let value = value.map_or_else(String::new, |value| format!("={value}"));
            for part in [name, &value] {
                hasher.update((part.len() as u64).to_be_bytes());
                hasher.update(part);
            }
        }
        let mut mark = String::new();
        for byte in hasher.finalize().iter().take(MARK / 2) {
            let _ = write!(mark, "{byte:02x}");
        }
        Self(mark)
    }

    pub(super) fn bind(&self, cursor: &str) -> String {
        format!("{}.{cursor}", self.0)
    }

    pub(super) fn unbind<'a>(&self, text: &'a str) -> Result<&'a str, Refused> {
        let parts = text.split_once('.').filter(|_| text.len() <= LONGEST);
        match parts {
            Some((mark, cursor)) if mark == self.0 => Ok(cursor),
            _ => Err(Self::refused(text)),
        }
    }

    pub(super) fn refused(text: &str) -> Refused {
        Refused::bad(
            "cursor",
            Some(text),
            "le curseur donné par la page précédente de cette même demande, et aucune autre",
            "the cursor that the page before gave for this very question, and no other",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(tenant: &str, user: Option<&str>) -> Question {
        Question::new([("partition", Some(tenant.to_owned())), ("user", user.map(str::to_owned))])
    }

    #[test]
    fn a_cursor_is_good_for_its_own_question_only() {
        let one = question("tenant.a", Some("alice"));
        let text = one.bind("12.34");
        assert_eq!(one.unbind(&text).unwrap(), "12.34");
        for other in [
            question("tenant.b", Some("alice")),
            question("tenant.a", Some("bob")),
            question("tenant.a", None),
            question("tenant.a", Some("")),
        ] {
            assert!(other.unbind(&text).is_err(), "{other:?}");
        }
        for wrong in ["", ".", "12.34", &text[1..], &format!("x{text}"), &"a".repeat(2000)] {
            assert!(one.unbind(wrong).is_err(), "{wrong}");
        }
        // What is one value cannot be made to look like two.
        let (first, second) =
            ([("a", Some("b".to_owned())), ("c", None)], [("a", Some("b=c".to_owned())), ("c", None)]);
        assert_ne!(Question::new(first), Question::new(second));
    }
}
