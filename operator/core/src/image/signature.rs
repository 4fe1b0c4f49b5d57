use super::reference::Reference;
use crate::text::Text;
use jiff::Timestamp;
use std::collections::HashMap;

/// What a registry said of the signature of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// By a declared key, as was seen then.
    Verified {
        key: String,
        at: Timestamp,
        /// Why the registry could not confirm it since.
        unconfirmed: Option<Text>,
    },
    NotSigned,
    /// There are signatures, and none of them counts; why.
    Bad(Text),
    Unknown(Text),
}

/// What is known of the signatures of images.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signatures {
    /// As they were declared when it was asked: of other keys nothing is known.
    pub keys: Vec<String>,
    found: HashMap<String, Signature>,
}

impl Signatures {
    pub fn new(keys: Vec<String>) -> Self {
        Self { keys, found: HashMap::new() }
    }

    /// Of what names no digest nothing is kept.
    pub fn insert(&mut self, image: &Reference, signature: Signature) {
        if let Some(key) = key(image) {
            self.found.insert(key, signature);
        }
    }

    pub fn of(&self, image: &Reference) -> Option<&Signature> {
        self.found.get(&key(image)?)
    }
}

/// The repository is part of it: one has the signature of a content that another lacks.
fn key(image: &Reference) -> Option<String> {
    image.digest.as_ref().map(|digest| format!("{}@{digest}", image.name()))
}
