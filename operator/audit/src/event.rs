//! One event, borrowed from its text. What is not known is skipped and what is absent is absent: an event is worth
//! keeping whatever a later version adds to it.

mod word;

pub use word::{Annotations, Word};

use crate::error::Unreadable;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use std::fmt;

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($variant:ident),+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($variant),+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant)),+ }
            }

            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words! {
    /// How much of a request is written down, least first.
    Level { None, Metadata, Request, RequestResponse }
}

words! {
    /// Where a request was when the event was written, in order.
    Stage { RequestReceived, ResponseStarted, ResponseComplete, Panic }
}

words! {
    /// What came of a request.
    Outcome {
        Allowed,
        // For want of rights, or by admission.
        Refused,
        // Allowed, and still nothing happened: not found, a conflict, a mistake.
        Failed
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event<'a> {
    /// None for a word that is not known.
    #[serde(default, deserialize_with = "known_level")]
    pub level: Option<Level>,
    /// Chosen by the client where it sends the header.
    #[serde(borrow, default, rename = "auditID", deserialize_with = "or_default")]
    pub audit_id: Word<'a>,
    #[serde(borrow, default, rename = "stage", deserialize_with = "or_default")]
    stage_word: Word<'a>,
    #[serde(borrow, default, rename = "requestURI", deserialize_with = "or_default")]
    pub request_uri: Word<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub verb: Word<'a>,
    /// Who sent it. Without a name where the credentials were refused.
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub user: User<'a>,
    #[serde(borrow, default)]
    pub impersonated_user: Option<User<'a>>,
    /// Only the last one is not the client's word.
    #[serde(borrow, default, rename = "sourceIPs", deserialize_with = "or_default")]
    pub source_ips: Vec<Word<'a>>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub user_agent: Word<'a>,
    #[serde(borrow, default)]
    pub object_ref: Option<ObjectRef<'a>>,
    #[serde(borrow, default)]
    pub response_status: Option<Status<'a>>,
    #[serde(borrow, default)]
    pub request_object: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub response_object: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "moment")]
    pub request_received_timestamp: Option<Timestamp>,
    #[serde(default, deserialize_with = "moment")]
    pub stage_timestamp: Option<Timestamp>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub annotations: Annotations<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    kind: Word<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    api_version: Word<'a>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub struct User<'a> {
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub username: Word<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub uid: Word<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub groups: Vec<Word<'a>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef<'a> {
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub resource: Word<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub subresource: Word<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub namespace: Word<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub name: Word<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub uid: Word<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub api_group: Word<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub api_version: Word<'a>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub struct Status<'a> {
    #[serde(default)]
    pub code: Option<i64>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub reason: Word<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub message: Word<'a>,
}

impl<'a> Event<'a> {
    /// A line of the log file, or an item of an `EventList`.
    pub fn parse(raw: &'a str) -> Result<Self, Unreadable> {
        // serde would take a list for a struct, field by field.
        if !raw.trim_start().starts_with('{') {
            return Err(Unreadable::NotAnObject);
        }
        let event: Self = serde_json::from_str(raw).map_err(|error| Unreadable::Shape(error.to_string()))?;
        if !matches!(&*event.kind, "" | "Event") {
            return Err(Unreadable::field("kind", &event.kind, "Event"));
        }
        let group = event.api_version.split('/').next().unwrap_or_default();
        if !matches!(group, "" | "audit.k8s.io") {
            return Err(Unreadable::field("apiVersion", &event.api_version, "audit.k8s.io/v1"));
        }
        for (field, word) in [("auditID", &event.audit_id), ("stage", &event.stage_word)] {
            if word.is_empty() {
                return Err(Unreadable::field(field, "", "any text but none"));
            }
        }
        Ok(event)
    }

    /// None for a word that is not known.
    pub fn stage(&self) -> Option<Stage> {
        Stage::parse(&self.stage_word)
    }

    pub fn stage_word(&self) -> &str {
        &self.stage_word
    }

    /// Whose rights it was done with: the impersonated user's where there is one.
    pub fn actor(&self) -> &User<'a> {
        self.impersonated_user.as_ref().unwrap_or(&self.user)
    }

    /// When the request came; where that is not told, when this was written.
    pub fn time(&self) -> Option<Timestamp> {
        self.request_received_timestamp.or(self.stage_timestamp)
    }

    pub fn code(&self) -> Option<i64> {
        self.response_status.as_ref()?.code
    }

    /// Nothing said counts as allowed: not knowing must not make an act look like an attempt.
    pub fn outcome(&self) -> Outcome {
        match self.code() {
            Some(401 | 403) => Outcome::Refused,
            Some(code) if code >= 400 => Outcome::Failed,
            _ => Outcome::Allowed,
        }
    }
}

impl ObjectRef<'_> {
    /// `pods`, `pods/exec`.
    pub fn path(&self) -> String {
        match &*self.subresource {
            "" => self.resource.to_string(),
            subresource => format!("{}/{subresource}", &*self.resource),
        }
    }
}

fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

fn known_level<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Level>, D::Error> {
    Ok(Level::parse(&or_default::<D, Word<'de>>(from)?))
}

fn moment<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(or_default::<D, Word<'de>>(from)?.parse().ok())
}

#[cfg(test)]
mod tests;
