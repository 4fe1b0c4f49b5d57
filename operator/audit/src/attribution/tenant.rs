use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The name of an `SncTenant`: also a part of paths, so that nothing else than such a name may be one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantName(String);

/// As the resource says: a name that fits in a label.
const LONGEST: usize = 63;

impl TenantName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not the name of a tenant: {0:?} (at most 63 of a-z, 0-9, '-' and '.', each part with a letter or a digit at both ends)"
)]
pub struct NotATenant(String);

impl FromStr for TenantName {
    type Err = NotATenant;

    fn from_str(text: &str) -> Result<Self, NotATenant> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let part = |part: &str| {
            let bytes = part.as_bytes();
            bytes.iter().all(|byte| plain(*byte) || *byte == b'-')
                && [bytes.first(), bytes.last()].iter().all(|end| end.is_some_and(|byte| plain(*byte)))
        };
        if text.len() <= LONGEST && text.split('.').all(part) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotATenant(snc_core::text::clip(text, 120)))
        }
    }
}

impl TryFrom<String> for TenantName {
    type Error = NotATenant;

    fn try_from(text: String) -> Result<Self, NotATenant> {
        text.parse()
    }
}

impl From<TenantName> for String {
    fn from(name: TenantName) -> Self {
        name.0
    }
}

impl std::borrow::Borrow<str> for TenantName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
