//! Kubernetes quantities as exact numbers, for sums and comparisons of quotas.

use std::fmt;
use std::ops::{Add, Sub};

/// A non-negative quantity in thousandths of the unit (finer input is rounded up, as Kubernetes does).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(u128);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a non-negative Kubernetes quantity: {0:?}")]
pub struct BadQuantity(pub String);

/// The API server cuts larger quantities down to this, and what is read back would differ for ever.
const MOST: u128 = (i64::MAX as u128) * 1000;

const SUFFIXES: &[(&str, u128, u128)] = &[
    ("Ki", 1 << 10, 1),
    ("Mi", 1 << 20, 1),
    ("Gi", 1 << 30, 1),
    ("Ti", 1 << 40, 1),
    ("Pi", 1 << 50, 1),
    ("Ei", 1 << 60, 1),
    ("n", 1, 1_000_000_000),
    ("u", 1, 1_000_000),
    ("m", 1, 1_000),
    ("k", 1_000, 1),
    ("M", 1_000_000, 1),
    ("G", 1_000_000_000, 1),
    ("T", 1_000_000_000_000, 1),
    ("P", 1_000_000_000_000_000, 1),
    ("E", 1_000_000_000_000_000_000, 1),
];

impl Amount {
    pub const ZERO: Self = Self(0);

    pub fn parse(text: &str) -> Result<Self, BadQuantity> {
        parse(text).ok_or_else(|| BadQuantity(text.to_owned()))
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// An equal share of whole units (or thousandths below one unit), rounded down.
    #[must_use]
    pub fn share(self, parts: usize) -> Self {
        let Some(parts) = u128::try_from(parts).ok().filter(|p| *p > 0) else { return self };
        let share = self.0 / parts;
        if share >= 1000 { Self(share / 1000 * 1000) } else { Self(share) }
    }

    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// For quotas of countable objects, which Kubernetes refuses in fractions.
    #[must_use]
    pub const fn whole(self) -> Self {
        Self(self.0 / 1000 * 1000)
    }
}

fn parse(text: &str) -> Option<Amount> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let (number, (multiply, divide)) = split(text)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.len() > 18 {
        return None;
    }
    let digits = |s: &str| -> Option<u128> {
        if s.is_empty() { Some(0) } else { s.bytes().all(|b| b.is_ascii_digit()).then(|| s.parse().ok())? }
    };
    let scale = 10u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let number = digits(whole)?.checked_mul(scale)?.checked_add(digits(fraction)?)?;
    let thousandths = number.checked_mul(multiply)?.checked_mul(1000)?.div_ceil(scale.checked_mul(divide)?);
    (thousandths <= MOST).then_some(Amount(thousandths))
}

fn split(text: &str) -> Option<(&str, (u128, u128))> {
    if let Some((suffix, multiply, divide)) = SUFFIXES.iter().find(|(suffix, ..)| text.ends_with(suffix)) {
        return Some((&text[..text.len() - suffix.len()], (*multiply, *divide)));
    }
    if let Some((number, exponent)) = text.split_once(['e', 'E']) {
        let exponent: i32 = exponent.parse().ok()?;
        let power = 10u128.checked_pow(exponent.unsigned_abs().min(30))?;
        return Some((number, if exponent < 0 { (1, power) } else { (power, 1) }));
    }
    Some((text, (1, 1)))
}

/// Shortest exact form: binary suffix when it divides, else plain units or thousandths.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = self.0 / 1000;
        if !self.0.is_multiple_of(1000) {
            return write!(f, "{}m", self.0);
        }
        for (suffix, factor, _) in SUFFIXES[..6].iter().rev() {
            if units > 0 && units.is_multiple_of(*factor) {
                return write!(f, "{}{suffix}", units / factor);
            }
        }
        write!(f, "{units}")
    }
}

impl Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Amount {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.saturating_sub(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("0", "0")]
    #[case("1", "1")]
    #[case("500m", "500m")]
    #[case("1500m", "1500m")]
    #[case("2000m", "2")]
    #[case("0.5", "500m")]
    #[case(".5", "500m")]
    #[case("1Gi", "1Gi")]
    #[case("1.5Gi", "1536Mi")]
    #[case("1024Mi", "1Gi")]
    #[case("1e3", "1000")]
    #[case("1E3", "1000")]
    #[case("2E", "1953125000000000Ki")]
    #[case("100u", "1m")]
    #[case("12e-1", "1200m")]
    fn reads_and_prints(#[case] input: &str, #[case] output: &str) {
        assert_eq!(Amount::parse(input).unwrap().to_string(), output);
    }

    #[rstest]
    #[case("")]
    #[case("-1")]
    #[case("Gi")]
    #[case("1 Gi")]
    #[case("１")]
    #[case("1.2.3")]
    #[case("1gi")]
    #[case(".")]
    #[case("9999999999999999999999999999999999999999999999")]
    #[case("9223372036854775808")]
    #[case("8Ei")]
    #[case("1e31")]
    fn refuses(#[case] input: &str) {
        assert!(Amount::parse(input).is_err(), "{input:?}");
    }

    proptest! {
        #[test]
        fn never_panics_and_round_trips(text in ".{0,24}") {
            if let Ok(amount) = Amount::parse(&text) {
                prop_assert_eq!(Amount::parse(&amount.to_string()).unwrap(), amount);
            }
        }

        #[test]
        fn shares_never_exceed_the_whole(n in 0u64..1_000_000, parts in 1usize..50) {
            let whole = Amount::parse(&format!("{n}m")).unwrap();
            let total = (0..parts).fold(Amount::ZERO, |sum, _| sum + whole.share(parts));
            prop_assert!(total <= whole);
        }
    }
}
