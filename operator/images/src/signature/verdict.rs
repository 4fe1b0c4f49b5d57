use super::limits;
use jiff::Timestamp;
use snc_core::image::Digest;
use snc_core::text::Text;

/// What is known of one image's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// `key` signed `digest`, which was seen at `at`. With `unconfirmed` it is of an earlier time, since the registry did
    /// not answer now.
    Verified {
        key: String,
        digest: Digest,
        at: Timestamp,
        unconfirmed: Option<Unknown>,
    },
    NotSigned,
    /// There are signatures, and none of them counts.
    BadSignature {
        why: Refused,
    },
    Unknown {
        why: Unknown,
    },
    /// Of a registry that the platform did not declare: it was not asked.
    NotDeclared,
}

/// Why a signature does not count. In the order of how much it tells: of several, the last is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refused {
    TooLarge,
    Malformed,
    /// With a certificate of somebody's identity instead of a key.
    Keyless,
    NoKeyMatches,
    /// As long as one of Ed25519, of which a key is declared: cosign 3 signs images in the form Ed25519ph, which the library
    /// in use here does not verify.
    MaybePrehashed,
    /// Made by a declared key, and no signature of an image.
    OtherType,
    /// Made by a declared key, of another image.
    OtherDigest,
}

impl Refused {
    pub fn text(self) -> Text {
        match self {
            Self::TooLarge => Text::new("signature trop grande", "signature too large"),
            Self::Malformed => Text::new("signature mal formée", "malformed signature"),
            Self::Keyless => Text::new(
                "signée par une identité (certificat), pas par une clé",
                "signed by an identity (certificate), not by a key",
            ),
            Self::NoKeyMatches => {
                Text::new("faite par aucune des clés déclarées", "made by none of the declared keys")
            }
            Self::MaybePrehashed => Text::new(
                "faite par aucune des clés déclarées, ou sous la forme Ed25519ph, qui n'est pas vérifiée (utiliser ECDSA)",
                "made by none of the declared keys, or in the form Ed25519ph, which is not verified (use ECDSA)",
            ),
            Self::OtherType => Text::new(
                "faite par une clé déclarée, mais pas pour une image",
                "made by a declared key, though not of an image",
            ),
            Self::OtherDigest => Text::new(
                "faite par une clé déclarée, mais pour une autre image",
                "made by a declared key, though of another image",
            ),
        }
    }
}

/// Why it is not known whether an image is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unknown {
    /// No address, no connection, or one that broke.
    Unreachable,
    /// Its certificate is not one of the declared authority's, or not for its name.
    Untrusted,
    TimedOut,
    /// Too many questions at once.
    Busy,
    /// The platform's credentials are not accepted, or there are none.
    AccessDenied,
    /// It asks to take the credentials to a server that is not declared.
    RealmElsewhere,
    /// It points to a server that is not declared.
    RedirectElsewhere,
    /// The status that came instead of an answer.
    Status(u16),
    /// Longer than anything that is read.
    TooLarge,
    /// An answer that is not what the specification says.
    Malformed,
    /// Other bytes than those of the digest that was asked for.
    WrongDigest,
    /// The registry does not have the image.
    NoImage,
    /// More signatures than are looked at, none of those good.
    TooMany,
}

impl Unknown {
    pub fn text(self) -> Text {
        let pair = match self {
            Self::Unreachable => ("registre injoignable", "registry out of reach"),
            Self::Untrusted => {
                ("certificat TLS du registre refusé", "TLS certificate of the registry refused")
            }
            Self::TimedOut => ("le registre ne répond pas à temps", "the registry does not answer in time"),
            Self::Busy => ("trop de vérifications à la fois", "too many verifications at once"),
            Self::AccessDenied => (
                "le registre refuse les identifiants de la plateforme",
                "the registry refuses the platform's credentials",
            ),
            Self::RealmElsewhere => (
                "le registre envoie s'authentifier sur un serveur non déclaré",
                "the registry sends to a server that is not declared for authentication",
            ),
            Self::RedirectElsewhere => {
                ("le registre renvoie vers un autre serveur", "the registry redirects to another server")
            }
            Self::Status(code) => {
                return Text::new(
                    format!("le registre répond par l'erreur {code}"),
                    format!("the registry answers with error {code}"),
                );
            }
            Self::TooLarge => ("réponse trop grande", "answer too large"),
            Self::Malformed => ("réponse mal formée", "malformed answer"),
            Self::WrongDigest => (
                "le registre sert un autre contenu que celui de l'empreinte",
                "the registry serves other content than that of the digest",
            ),
            Self::NoImage => ("le registre n'a pas cette image", "the registry does not have this image"),
            Self::TooMany => {
                let most = limits::SIGNATURES;
                return Text::new(
                    format!("plus de {most} signatures, aucune bonne parmi celles qui sont lues"),
                    format!("more than {most} signatures, none good among those that are read"),
                );
            }
        };
        Text::new(pair.0, pair.1)
    }
}

/// What one document beside an image turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// By the key of this name.
    Verified(String),
    Refused(Refused),
    /// An attestation of something else: the image is none the worse for it, and none the better.
    NotASignature,
}

/// Adds up what was seen of one image. A good signature is enough; without one, what was not read leaves it open.
#[derive(Debug, Default)]
pub struct Tally {
    key: Option<String>,
    unknown: Option<Unknown>,
    refused: Option<Refused>,
}

impl Tally {
    pub fn add(&mut self, judged: Judged) {
        match judged {
            Judged::Verified(key) => self.key = self.key.take().or(Some(key)),
            Judged::Refused(why) => self.refused = self.refused.max(Some(why)),
            Judged::NotASignature => {}
        }
    }

    /// Something that may have been a signature, and was not read.
    pub fn unread(&mut self, why: Unknown) {
        self.unknown = self.unknown.or(Some(why));
    }

    pub fn verified(&self) -> bool {
        self.key.is_some()
    }

    pub fn conclude(self, digest: &Digest, at: Timestamp) -> Verdict {
        match (self.key, self.unknown, self.refused) {
            (Some(key), ..) => Verdict::Verified { key, digest: digest.clone(), at, unconfirmed: None },
            (None, Some(why), _) => Verdict::Unknown { why },
            (None, None, Some(why)) => Verdict::BadSignature { why },
            (None, None, None) => Verdict::NotSigned,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::made::{MANIFEST, sha256};
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(&[], &[], Verdict::NotSigned)]
    #[case(&[Judged::NotASignature], &[], Verdict::NotSigned)]
    #[case(
        &[Judged::Refused(Refused::NoKeyMatches), Judged::Refused(Refused::Malformed)],
        &[],
        Verdict::BadSignature { why: Refused::NoKeyMatches }
    )]
    #[case(
        &[Judged::Refused(Refused::NoKeyMatches)],
        &[Unknown::TooMany, Unknown::TimedOut],
        Verdict::Unknown { why: Unknown::TooMany }
    )]
    fn without_a_good_one_the_worst_counts(
        #[case] judged: &[Judged],
        #[case] unread: &[Unknown],
        #[case] expected: Verdict,
    ) {
        let digest = sha256(MANIFEST.as_bytes());
        let tally = |verified: bool| {
            let mut tally = Tally::default();
            for judged in judged {
                tally.add(judged.clone());
            }
            for why in unread {
                tally.unread(*why);
            }
            if verified {
                tally.add(Judged::Verified("release".to_owned()));
            }
            tally.conclude(&digest, Timestamp::UNIX_EPOCH)
        };
        assert_eq!(tally(false), expected);
        assert!(matches!(tally(true), Verdict::Verified { key, .. } if key == "release"));
    }
}
