//! What all signed objects have in common: a format, one text, a signer.

use crate::canonical;
use crate::digest::Digest;
use crate::error::Error;
use crate::finding::What;
use crate::keychain::Keychain;
use crate::sign::{Algorithm, KeyId, KeyPair, Signature};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Who signed, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seal {
    pub key_id: KeyId,
    pub algorithm: Algorithm,
    pub signature: Signature,
}

pub(crate) trait Signed: Serialize + DeserializeOwned {
    const FORMAT: &'static str;
    /// Members that the signature is not over. What is bound by another member may be among them.
    const UNSIGNED: &'static [&'static str] = &["signature"];

    fn format(&self) -> &str;
    fn seal(&self) -> &Seal;
    fn seal_mut(&mut self) -> &mut Seal;
    /// When it was signed: the key must have been valid then.
    fn signed_at(&self) -> Timestamp;

    fn message(&self) -> Result<Vec<u8>, Error> {
        canonical::bytes(self, Self::UNSIGNED)
    }

    fn sign(&mut self, pair: &KeyPair) -> Result<(), Error> {
        let message = self.message()?;
        self.seal_mut().signature =
            pair.sign(&message).map_err(|_| Error::encoding("the key does not sign"))?;
        Ok(())
    }

    /// The bytes of its object.
    fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        canonical::bytes(self, &[])
    }

    /// None where it is not such an object, or one that was written down in another way.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let read: Self = serde_json::from_slice(bytes).ok()?;
        let same = read.format() == Self::FORMAT && read.to_bytes().is_ok_and(|own| own == bytes);
        same.then_some(read)
    }

    /// What is wrong with its signature.
    fn check(&self, keys: &Keychain) -> Option<What> {
        let Seal { key_id, algorithm, signature } = self.seal();
        let Some(key) = keys.get(key_id) else { return Some(What::SignerUnknown) };
        let message = self.message().unwrap_or_default();
        if key.algorithm() != *algorithm || !signature.is_of(&message, key.parsed()) {
            return Some(What::SignatureInvalid);
        }
        (!key.is_valid_at(self.signed_at())).then_some(What::SignedOutsideValidity)
    }
}

/// The hash that others refer to an object by, where that is the hash of its bytes.
pub(crate) fn hash(signed: &impl Signed) -> Result<Digest, Error> {
    Ok(Digest::of(&signed.to_bytes()?))
}
