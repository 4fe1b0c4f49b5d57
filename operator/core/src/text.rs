use crate::lang::Lang;
use serde::{Deserialize, Serialize};

/// One message in both languages; the choice is made where it is shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Text {
    pub fr: String,
    pub en: String,
}

impl Text {
    pub fn new(fr: impl Into<String>, en: impl Into<String>) -> Self {
        Self { fr: fr.into(), en: en.into() }
    }

    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::Fr => &self.fr,
            Lang::En => &self.en,
        }
    }
}

/// A declared value that is not applied: which field, what was given, what is accepted (law 10).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Refusal {
    pub path: String,
    pub given: String,
    pub accepted: Text,
}

impl Refusal {
    pub fn new(
        path: impl Into<String>,
        given: impl Into<String>,
        fr: impl Into<String>,
        en: impl Into<String>,
    ) -> Self {
        // Keys that a tenant chose are part of paths.
        let (path, given) = (clip(&path.into(), 300), clip(&given.into(), 120));
        Self { path, given, accepted: Text::new(fr, en) }
    }

    pub fn message(&self, lang: Lang) -> String {
        let Self { path, given, accepted } = self;
        match lang {
            Lang::Fr => format!("{path} : reçu {given:?} ; accepté : {}", accepted.fr),
            Lang::En => format!("{path}: got {given:?}; accepted: {}", accepted.en),
        }
    }
}

/// Shortens on a character boundary; what a tenant wrote must not make a message unbounded (law 7).
pub fn clip(text: &str, max_chars: usize) -> String {
    if text.chars().count() <= max_chars {
        return text.to_owned();
    }
    text.chars().take(max_chars.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clip_counts_characters_not_bytes() {
        assert_eq!(clip("éééé", 4), "éééé");
        assert_eq!(clip("ééééé", 4), "ééé…");
    }

    #[test]
    fn refusal_names_path_value_and_what_is_accepted() {
        let refusal = Refusal::new("spec.x", "10.0.0.0/99", "un CIDR", "a CIDR");
        assert_eq!(refusal.message(Lang::Fr), "spec.x : reçu \"10.0.0.0/99\" ; accepté : un CIDR");
        assert_eq!(refusal.message(Lang::En), "spec.x: got \"10.0.0.0/99\"; accepted: a CIDR");
    }
}
