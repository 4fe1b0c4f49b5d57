//! The ordered scales: levels, modes, environments, sensitivities.

use crate::names::{LABEL_IMAGES, LABEL_ISOLATION, LABEL_POD_SECURITY, LABEL_WORKLOADS};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! scale {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum $name { $($(#[$vmeta])* $variant),+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant)),+ }
            }

            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.as_str() == text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

scale! {
    /// Tier of this product, weakest first. SecNumCloud itself has one level; only `Avance` covers all of it.
    Level { Essentiel, Standard, Avance }
}

scale! {
    /// How hard a family of measures is applied, weakest first.
    Mode { Audit, Warn, Enforce }
}

scale! {
    /// What the namespace is used for, weakest first.
    Environment { Development, Test, Preproduction, Production }
}

scale! {
    /// How sensitive the tenant's data are, weakest first.
    Sensitivity { Standard, Sensitive, Restricted }
}

/// A family of decisions about what is written, and the mode that governs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// What concerns other tenants.
    Isolation,
    /// Controls of the Pod Security Standards.
    PodSecurity,
    /// Every other control.
    Workloads,
    /// Controls of images: where they come from, and what scans found in them.
    Images,
}

impl Measure {
    pub const ALL: &'static [Self] = &[Self::Isolation, Self::PodSecurity, Self::Workloads, Self::Images];

    /// The label of a namespace that holds its mode.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Isolation => LABEL_ISOLATION,
            Self::PodSecurity => LABEL_POD_SECURITY,
            Self::Workloads => LABEL_WORKLOADS,
            Self::Images => LABEL_IMAGES,
        }
    }
}

impl Level {
    /// The Pod Security Standard that a level asks for (source: product).
    pub const fn pod_security_standard(self) -> &'static str {
        match self {
            Self::Essentiel => "baseline",
            Self::Standard | Self::Avance => "restricted",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_ordered_and_parse_back() {
        assert!(Level::Essentiel < Level::Standard && Level::Standard < Level::Avance);
        assert!(Mode::Audit < Mode::Warn && Mode::Warn < Mode::Enforce);
        for level in Level::ALL {
            assert_eq!(Level::parse(level.as_str()), Some(*level));
        }
        assert_eq!(Level::parse("avance"), None);
    }
}
