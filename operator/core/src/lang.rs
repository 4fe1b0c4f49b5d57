use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// French and English are equals: every text that people read is written in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    #[default]
    Fr,
    En,
}

impl Lang {
    /// Picks one of two texts. Both are evaluated lazily so that neither is formatted in vain.
    pub fn pick<T>(self, fr: impl FnOnce() -> T, en: impl FnOnce() -> T) -> T {
        match self {
            Self::Fr => fr(),
            Self::En => en(),
        }
    }

    pub const fn str(self, fr: &'static str, en: &'static str) -> &'static str {
        match self {
            Self::Fr => fr,
            Self::En => en,
        }
    }

    /// From the values of `LC_ALL` and `LANG`, in that order; English unless one of them says French.
    pub fn from_locale(lc_all: Option<&str>, lang: Option<&str>) -> Self {
        let locale = lc_all.filter(|v| !v.is_empty()).or(lang).unwrap_or_default();
        if locale.starts_with("fr") { Self::Fr } else { Self::En }
    }
}

impl FromStr for Lang {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "fr" => Ok(Self::Fr),
            "en" => Ok(Self::En),
            other => Err(format!("langue inconnue / unknown language: {other:?} (fr, en)")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locale_order_is_lc_all_then_lang() {
        assert_eq!(Lang::from_locale(Some("fr_FR.UTF-8"), Some("en_US.UTF-8")), Lang::Fr);
        assert_eq!(Lang::from_locale(Some(""), Some("fr_CA")), Lang::Fr);
        assert_eq!(Lang::from_locale(None, Some("C")), Lang::En);
        assert_eq!(Lang::from_locale(None, None), Lang::En);
    }
}
