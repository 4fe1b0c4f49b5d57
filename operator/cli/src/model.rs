//! What the commands say, as data: built by pure functions, shown by the renderers.

pub mod alarms;
pub mod assessment;
pub mod catalogue;
pub mod exceptions;
pub mod flows;
pub mod image;
pub mod live;
pub mod lockout;
pub mod logs;
pub mod plan;
pub mod preflight;
pub mod reach;
pub mod scan;
pub mod status;
pub mod who;

use serde::Serialize;
use snc_core::lang::Lang;

/// What the user asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    All,
    Namespace(String),
    Tenant(String),
}

/// A tenant or namespace that was named and is not there; `known` says which are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotThere {
    pub selection: Selection,
    pub known: Vec<String>,
}

impl NotThere {
    pub fn message(&self, lang: Lang) -> String {
        let known = match self.known.as_slice() {
            [] => "-".to_owned(),
            all if all.len() <= 20 => all.join(", "),
            many => format!("{}, … ({})", many[..20].join(", "), many.len()),
        };
        match &self.selection {
            Selection::Tenant(name) => lang.pick(
                || format!("aucun SncTenant {name} ; tenants : {known}"),
                || format!("no SncTenant {name}; tenants: {known}"),
            ),
            Selection::Namespace(name) => lang.pick(
                || format!("aucun namespace {name} ; connus : {known}"),
                || format!("no namespace {name}; known: {known}"),
            ),
            Selection::All => known,
        }
    }
}

/// The three answers. What is not known never counts as good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Tri {
    True,
    False,
    Unknown,
}

impl Tri {
    pub fn parse(text: &str) -> Self {
        match text {
            "True" => Self::True,
            "False" => Self::False,
            _ => Self::Unknown,
        }
    }
}
