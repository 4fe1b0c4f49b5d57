//! Decimal numbers of any length, for quantities that fit no integer.

use std::cmp::Ordering;

/// `digits * 10^exponent`; digits most significant first, each 0 to 9.
#[derive(Clone, Debug)]
pub struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i32,
}

/// What is written out at most.
const LONGEST: i64 = 10_000;

fn trimmed(digits: Vec<u8>) -> Vec<u8> {
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    digits.into_iter().skip(zeros).collect()
}

impl Decimal {
    pub fn new(negative: bool, digits: &str, exponent: i32) -> Decimal {
        let digits = trimmed(digits.bytes().map(|byte| byte.wrapping_sub(b'0')).collect());
        Decimal { negative, digits, exponent }
    }

    pub fn from_int(value: i64, exponent: i32) -> Decimal {
        Decimal::new(value < 0, &value.unsigned_abs().to_string(), exponent)
    }

    pub fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    pub fn sign(&self) -> i64 {
        match (self.is_zero(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    /// By `2^times`.
    #[must_use]
    pub fn doubled(mut self, times: u32) -> Decimal {
        for _ in 0..times {
            let mut carry = 0;
            for digit in self.digits.iter_mut().rev() {
                let value = *digit * 2 + carry;
                *digit = value % 10;
                carry = value / 10;
            }
            if carry > 0 {
                self.digits.insert(0, carry);
            }
        }
        self
    }

    /// With that exponent, away from zero where digits are lost. None where it would be too long to write.
    pub fn rescaled(&self, exponent: i32) -> Option<Decimal> {
        let mut digits = self.digits.clone();
        let more = i64::from(self.exponent) - i64::from(exponent);
        if more >= 0 {
            if more > LONGEST && !self.is_zero() {
                return None;
            }
            if !self.is_zero() {
                digits.extend(std::iter::repeat_n(0, usize::try_from(more).ok()?));
            }
        } else {
            let lost = usize::try_from(-more).ok()?.min(digits.len());
            let kept = digits.len() - lost;
            let inexact = digits.iter().skip(kept).any(|digit| *digit != 0);
            digits.truncate(kept);
            if inexact {
                increment(&mut digits);
            }
        }
        Some(Decimal { negative: self.negative, digits, exponent })
    }

    pub fn compare(&self, other: &Decimal) -> Ordering {
        match self.sign().cmp(&other.sign()) {
            Ordering::Equal if self.is_zero() => Ordering::Equal,
            Ordering::Equal if self.negative => other.magnitude(self),
            Ordering::Equal => self.magnitude(other),
            different => different,
        }
    }

    fn magnitude(&self, other: &Decimal) -> Ordering {
        let top = |of: &Decimal| i64::try_from(of.digits.len()).unwrap_or(i64::MAX) + i64::from(of.exponent);
        top(self).cmp(&top(other)).then_with(|| {
            let longest = self.digits.len().max(other.digits.len());
            let padded = |of: &Decimal| -> Vec<u8> {
                of.digits.iter().copied().chain(std::iter::repeat(0)).take(longest).collect()
            };
            padded(self).cmp(&padded(other))
        })
    }

    pub fn plus(&self, other: &Decimal) -> Option<Decimal> {
        let exponent = self.exponent.min(other.exponent);
        let (a, b) = (self.rescaled(exponent)?, other.rescaled(exponent)?);
        if a.negative == b.negative {
            return Some(Decimal { negative: a.negative, digits: sum(&a.digits, &b.digits), exponent });
        }
        Some(match a.magnitude(&b) {
            Ordering::Less => {
                Decimal { negative: b.negative, digits: difference(&b.digits, &a.digits), exponent }
            }
            _ => Decimal { negative: a.negative, digits: difference(&a.digits, &b.digits), exponent },
        })
    }

    #[must_use]
    pub fn negated(&self) -> Decimal {
        Decimal { negative: !self.negative, ..self.clone() }
    }

    /// The digits as a double, then the power of ten: as there, not the nearest double.
    pub fn to_double(&self) -> f64 {
        let digits: String = self.digits.iter().map(|digit| char::from(b'0' + digit)).collect();
        let base: f64 = if digits.is_empty() { 0.0 } else { digits.parse().unwrap_or(f64::INFINITY) };
        scaled(if self.negative { -base } else { base }, self.exponent)
    }
}

pub fn scaled(base: f64, exponent: i32) -> f64 {
    if exponent == 0 {
        return base;
    }
    let power: f64 = format!("1e{exponent}").parse().unwrap_or(f64::INFINITY);
    base * power
}

fn increment(digits: &mut Vec<u8>) {
    for digit in digits.iter_mut().rev() {
        if *digit < 9 {
            *digit += 1;
            return;
        }
        *digit = 0;
    }
    digits.insert(0, 1);
}

fn sum(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let mut reversed = Vec::with_capacity(a.len().max(b.len()) + 1);
    let (mut a, mut b) = (a.iter().rev(), b.iter().rev());
    loop {
        let (x, y) = (a.next(), b.next());
        if x.is_none() && y.is_none() && carry == 0 {
            break;
        }
        let value = x.copied().unwrap_or(0) + y.copied().unwrap_or(0) + carry;
        reversed.push(value % 10);
        carry = value / 10;
    }
    reversed.reverse();
    trimmed(reversed)
}

/// The first is not the smaller.
fn difference(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let mut reversed = Vec::with_capacity(a.len());
    let mut b = b.iter().rev();
    for digit in a.iter().rev() {
        let minus = b.next().copied().unwrap_or(0) + borrow;
        borrow = u8::from(*digit < minus);
        reversed.push(*digit + 10 * borrow - minus);
    }
    reversed.reverse();
    trimmed(reversed)
}
