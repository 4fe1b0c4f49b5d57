//! French or English: what the demo says, and what it asks the operator and the CLI to say.

use std::{env, time::Duration};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Lang {
    Fr,
    En,
}

impl Lang {
    pub(super) fn of_environment() -> Self {
        let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
        Self::of_locale(variable("LC_ALL").or_else(|| variable("LANG")).as_deref())
    }

    fn of_locale(locale: Option<&str>) -> Self {
        if locale.is_some_and(|locale| locale.starts_with("fr")) { Self::Fr } else { Self::En }
    }

    pub(super) const fn code(self) -> &'static str {
        self.pick("fr", "en")
    }

    pub(super) fn seconds(self, duration: Duration) -> String {
        let seconds = format!("{:.1} s", duration.as_secs_f64());
        if self == Self::Fr { seconds.replace('.', ",") } else { seconds }
    }

    pub(super) const fn pick(self, fr: &'static str, en: &'static str) -> &'static str {
        match self {
            Self::Fr => fr,
            Self::En => en,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Lang;

    #[test]
    fn only_a_french_locale_gives_french() {
        assert_eq!(Lang::of_locale(Some("fr_CA.UTF-8")), Lang::Fr);
        assert_eq!(Lang::of_locale(Some("C.UTF-8")), Lang::En);
        assert_eq!(Lang::of_locale(None), Lang::En);
    }
}
