//! A certificate with its key, made and read.

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use std::fmt;
use std::time::{Duration, SystemTime};
use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;

pub const AUTHORITY_LIFE: SignedDuration = SignedDuration::from_hours(24 * 365);
pub const LEAF_LIFE: SignedDuration = SignedDuration::from_hours(24 * 90);
/// Clocks of other machines may be late.
const EARLIER: SignedDuration = SignedDuration::from_mins(10);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Make(#[from] rcgen::Error),
    #[error("not a certificate: {0}")]
    Read(String),
}

/// As PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    pub certificate: String,
    pub key: String,
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub begins: Timestamp,
    pub ends: Timestamp,
    /// DNS names and addresses.
    pub names: Vec<String>,
    public_key: Vec<u8>,
    der: Vec<u8>,
}

pub fn authority(now: Timestamp) -> Result<Pair, Error> {
    let mut params = params("snc-operator webhook CA", &[], now, now + AUTHORITY_LIFE)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    Ok(Pair { certificate: params.self_signed(&key)?.pem(), key: key.serialize_pem() })
}

/// It does not outlive who signs it.
pub fn leaf(by: &Pair, names: &[String], now: Timestamp) -> Result<Pair, Error> {
    let ends = (now + LEAF_LIFE).min(read(&by.certificate)?.ends);
    let name = names.first().map_or("snc-webhook", String::as_str);
    let mut params = params(name, names, now, ends)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let issuer = Issuer::from_ca_cert_pem(&by.certificate, KeyPair::from_pem(&by.key)?)?;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    Ok(Pair { certificate: params.signed_by(&key, &issuer)?.pem(), key: key.serialize_pem() })
}

fn params(name: &str, names: &[String], now: Timestamp, ends: Timestamp) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = instant(now - EARLIER).map_or_else(|| date_time_ymd(1970, 1, 1), Into::into);
    params.not_after = instant(ends).map_or_else(|| date_time_ymd(1970, 1, 1), Into::into);
    Ok(params)
}

fn instant(at: Timestamp) -> Option<SystemTime> {
    let seconds = u64::try_from(at.as_second()).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// The first certificate of that text.
pub fn read(pem: &str) -> Result<Facts, Error> {
    let wrong = |why: String| Error::Read(why);
    let first = Pem::iter_from_buffer(pem.as_bytes())
        .next()
        .ok_or_else(|| wrong("no PEM block".to_owned()))?
        .map_err(|error| wrong(error.to_string()))?;
    let certificate = first.parse_x509().map_err(|error| wrong(error.to_string()))?;
    let at = |seconds: i64| Timestamp::from_second(seconds).map_err(|error| wrong(error.to_string()));
    let alternatives = certificate.subject_alternative_name().map_err(|error| wrong(error.to_string()))?;
    let names = alternatives.iter().flat_map(|found| &found.value.general_names).filter_map(named).collect();
    Ok(Facts {
        begins: at(certificate.validity().not_before.timestamp())?,
        ends: at(certificate.validity().not_after.timestamp())?,
        names,
        public_key: certificate.public_key().raw.to_vec(),
        der: first.contents.clone(),
    })
}

fn named(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match *bytes {
            [a, b, c, d] => Some(std::net::Ipv4Addr::new(*a, *b, *c, *d).to_string()),
            bytes => {
                <[u8; 16]>::try_from(bytes).ok().map(|bytes| std::net::Ipv6Addr::from(bytes).to_string())
            }
        },
        _ => None,
    }
}

impl Facts {
    pub fn holds(&self, now: Timestamp) -> bool {
        self.begins <= now && now < self.ends
    }

    pub fn is(&self, other: &Self) -> bool {
        self.der == other.der
    }

    /// Whether `by` signed it, by its key and not by its name alone.
    pub fn signed_by(&self, by: &Self) -> bool {
        let (Ok((_, own)), Ok((_, theirs))) =
            (x509_parser::parse_x509_certificate(&self.der), x509_parser::parse_x509_certificate(&by.der))
        else {
            return false;
        };
        own.verify_signature(Some(theirs.public_key())).is_ok()
    }

    /// Whether a key belongs to it.
    pub fn belongs(&self, key: &str) -> bool {
        KeyPair::from_pem(key)
            .is_ok_and(|key| rcgen::PublicKeyData::subject_public_key_info(&key) == self.public_key)
    }
}

/// Each certificate of a bundle by itself, as PEM.
pub fn apart(bundle: &str) -> Vec<String> {
    const END: &str = "-----END CERTIFICATE-----";
    bundle
        .split_inclusive(END)
        .filter(|part| part.ends_with(END))
        .filter_map(|part| part.find("-----BEGIN").map(|at| format!("{}\n", &part[at..])))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn what_is_made_is_read_back() {
        let by = authority(now()).unwrap();
        let names = ["snc-webhook.snc-system.svc".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        let pair = leaf(&by, &names, now()).unwrap();
        let (facts, above) = (read(&pair.certificate).unwrap(), read(&by.certificate).unwrap());
        assert_eq!(facts.names, names);
        assert_eq!(facts.ends, now() + LEAF_LIFE);
        assert!(facts.signed_by(&above) && above.signed_by(&above) && !above.signed_by(&facts));
        assert!(facts.belongs(&pair.key) && !facts.belongs(&by.key) && !facts.belongs("garbage"));
        let other = read(&authority(now()).unwrap().certificate).unwrap();
        assert!(!facts.signed_by(&other), "same name, another key");
        assert!(!facts.is(&above) && facts.is(&facts.clone()));
    }

    #[test]
    fn a_leaf_does_not_outlive_its_authority() {
        let by = authority(now()).unwrap();
        let late = now() + AUTHORITY_LIFE - SignedDuration::from_hours(1);
        let pair = leaf(&by, &["a".to_owned()], late).unwrap();
        assert_eq!(read(&pair.certificate).unwrap().ends, now() + AUTHORITY_LIFE);
    }

    #[test]
    fn garbage_is_refused_and_keys_are_not_printed() {
        for text in ["", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "é\0"]
        {
            assert!(read(text).is_err(), "{text:?}");
        }
        let pair = authority(now()).unwrap();
        assert!(!format!("{pair:?}").contains("PRIVATE KEY"));
        assert!(pair.key.contains("PRIVATE KEY"));
    }

    #[test]
    fn a_bundle_is_taken_apart() {
        let (a, b) = (authority(now()).unwrap().certificate, authority(now()).unwrap().certificate);
        let parts = apart(&format!("# note\n{a}\n{b}garbage"));
        assert_eq!(parts.len(), 2);
        assert!(
            read(&parts[0]).unwrap().is(&read(&a).unwrap())
                && read(&parts[1]).unwrap().is(&read(&b).unwrap())
        );
        assert!(apart("garbage").is_empty());
    }
}
