//! Moments as people type them.

use crate::outcome::Outcome;
use jiff::{SignedDuration, Timestamp};
use snc_core::lang::Lang;
use snc_core::text::Refusal;

const ACCEPTED_FR: &str =
    "une date RFC 3339, comme 2026-11-20T08:00:00Z, ou une durée avant maintenant : 90s, 30m, 24h, 7d, 2w";
const ACCEPTED_EN: &str =
    "an RFC 3339 date, as 2026-11-20T08:00:00Z, or a duration before now: 90s, 30m, 24h, 7d, 2w";
/// Beyond what any log is kept for.
const LONGEST: i64 = 200 * 365 * 86_400;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    At(Timestamp),
    /// Before the command's own now.
    Ago(SignedDuration),
}

impl When {
    pub fn parse(option: &str, text: &str, lang: Lang) -> Result<Self, Outcome> {
        let at = || text.parse().ok().map(Self::At);
        ago(text).map(Self::Ago).or_else(at).ok_or_else(|| {
            Outcome::bad_input(Refusal::new(option, text, ACCEPTED_FR, ACCEPTED_EN).message(lang))
        })
    }

    pub fn from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now.checked_sub(ago).unwrap_or(Timestamp::MIN),
        }
    }
}

fn ago(text: &str) -> Option<SignedDuration> {
    let unit = text.chars().next_back()?;
    let count: i64 =
        text.strip_suffix(unit).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return None,
    };
    count.checked_mul(seconds).filter(|all| *all <= LONGEST).map(SignedDuration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> Option<When> {
        When::parse("--since", text, Lang::En).ok()
    }

    #[test]
    fn dates_and_durations() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        for (text, at) in [
            ("2026-11-20T08:00:00Z", "2026-11-20T08:00:00Z"),
            ("2026-11-20T08:00:00+01:00", "2026-11-20T07:00:00Z"),
            ("90s", "2026-11-23T11:58:30Z"),
            ("30m", "2026-11-23T11:30:00Z"),
            ("24h", "2026-11-22T12:00:00Z"),
            ("7d", "2026-11-16T12:00:00Z"),
            ("2w", "2026-11-09T12:00:00Z"),
            ("0s", "2026-11-23T12:00:00Z"),
        ] {
            assert_eq!(parsed(text).unwrap().from(now).to_string(), at, "{text}");
        }
    }

    #[test]
    fn what_is_neither_is_refused_with_what_is() {
        for text in
            ["", "h", "-1h", "1.5h", "24 h", "24H", "yesterday", "2026-11-20", "99999999999999w", "1é"]
        {
            assert_eq!(parsed(text), None, "{text}");
        }
        let outcome = When::parse("--until", "hier", Lang::Fr).unwrap_err();
        assert_eq!(outcome.code(), 2);
        assert!(
            outcome.reasons[0].starts_with("--until : reçu \"hier\" ; accepté : une date"),
            "{outcome:?}"
        );
    }

    proptest! {
        #[test]
        fn nothing_typed_makes_it_fail(text in ".{0,24}", seconds in -4_000_000_000_i64..4_000_000_000) {
            if let Some(when) = parsed(&text) {
                let now = Timestamp::from_second(seconds).unwrap();
                let at = when.from(now);
                prop_assert!(matches!(when, When::At(_)) || at <= now);
            }
        }
    }
}
