//! Content digests of the OCI image specification.

use crate::text::{Refusal, clip};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt::{self, Display};

/// `sha256:` and 64 hexadecimal digits, or `sha512:` and 128, in lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(Box<str>);

impl Digest {
    pub fn parse(text: &str) -> Option<Self> {
        let (algorithm, hex) = text.split_once(':')?;
        let length = match algorithm {
            "sha256" => 64,
            "sha512" => 128,
            _ => return None,
        };
        let is_hex = hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (hex.len() == length && is_hex).then(|| Self(text.into()))
    }

    /// The same, with the field that it was given in.
    pub fn read(path: &str, text: &str) -> Result<Self, Refusal> {
        Self::parse(text).ok_or_else(|| {
            Refusal::new(
                path,
                text,
                "sha256: suivi de 64 chiffres hexadécimaux en minuscules, ou sha512: suivi de 128",
                "sha256: followed by 64 lower case hexadecimal digits, or sha512: followed by 128",
            )
        })
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn algorithm(&self) -> &str {
        self.0.split_once(':').map_or("", |(algorithm, _)| algorithm)
    }

    pub fn hex(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, hex)| hex)
    }
}

impl Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!("{:?} is no digest (sha256:<64 hex>)", clip(&text, 100)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", true)]
    #[case("sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", false)]
    #[case("sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde", false)]
    #[case("sha1:0123456789abcdef0123456789abcdef01234567", false)]
    #[case("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", false)]
    #[case("sha256:", false)]
    #[case("", false)]
    fn takes_what_the_specification_names(#[case] text: &str, #[case] accepted: bool) {
        assert_eq!(Digest::parse(text).is_some(), accepted);
        assert_eq!(Digest::read("digest", text).is_ok(), accepted);
    }
}
