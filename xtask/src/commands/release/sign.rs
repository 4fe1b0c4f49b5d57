//! Signatures by a key of whoever makes the release, in the form that cosign verifies.

use anyhow::{Context, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, SigningKey as _};
use std::{fs, path::Path};

const ACCEPTED: &str = "an EC P-256 key in PKCS#8, PEM, not encrypted, \
                        as `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` makes it";

pub(super) struct Key(KeyPair);

impl Key {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("--sign-key {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("--sign-key {}", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let label = text.lines().find_map(|line| line.strip_prefix("-----BEGIN ")?.strip_suffix("-----"));
        match label {
            Some("PRIVATE KEY") => {}
            Some(other) => bail!("given is a PEM file of {other}; accepted is {ACCEPTED}"),
            None => bail!("given is no PEM file; accepted is {ACCEPTED}"),
        }
        let pair = KeyPair::from_pem(text).with_context(|| format!("accepted is {ACCEPTED}"))?;
        if !pair.is_compatible(&PKCS_ECDSA_P256_SHA256) {
            bail!("given is a key of another algorithm ({:?}); accepted is {ACCEPTED}", pair.algorithm());
        }
        Ok(Self(pair))
    }

    /// ECDSA over SHA-256, in DER, in base64: what cosign writes into `.sig` files and annotations.
    pub(super) fn sign(&self, message: &[u8]) -> Result<String> {
        Ok(STANDARD.encode(self.0.sign(message).context("sign")?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
    use rcgen::{PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

    #[test]
    fn a_signature_verifies_and_is_of_that_message_only() {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, pair.public_key_raw().to_vec());
        let key = Key::parse(&pair.serialize_pem()).unwrap();
        let signature = STANDARD.decode(key.sign(b"checksums").unwrap()).unwrap();
        public.verify(b"checksums", &signature).unwrap();
        assert!(public.verify(b"checksumz", &signature).is_err());
    }

    #[test]
    fn other_keys_are_refused_with_what_is_accepted() {
        let pem = |algorithm| KeyPair::generate_for(algorithm).unwrap().serialize_pem();
        let cosigns_own = "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAA==\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n";
        for (given, named) in [
            (pem(&PKCS_ECDSA_P384_SHA384), "another algorithm"),
            (pem(&PKCS_ED25519), "another algorithm"),
            (cosigns_own.to_owned(), "ENCRYPTED SIGSTORE PRIVATE KEY"),
            ("-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n".to_owned(), "accepted"),
            (String::new(), "no PEM file"),
        ] {
            let refusal = format!("{:#}", Key::parse(&given).err().unwrap());
            assert!(refusal.contains(named) && refusal.contains("EC P-256"), "{refusal}");
        }
    }
}
