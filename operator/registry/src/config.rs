//! The registries of the platform's baseline, checked once, so that later there is nothing left to refuse.

use crate::client::Client;
use crate::origin::Origin;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use snc_core::image::{Reference, is_place};
use snc_core::text::Refusal;
use snc_images::signature::Keys;
use std::fmt;
use std::sync::Arc;

/// Of the platform, to read with.
#[derive(Clone)]
pub struct Credentials {
    pub user: String,
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:…", self.user)
    }
}

#[derive(Debug, Clone)]
pub struct Declared {
    /// `registry.example:5000/folder`, or a whole registry. An image in several places is of the longest.
    pub place: String,
    /// Authorities that the registry's certificate may come from, and then no others; without them the system's.
    pub ca: Option<String>,
    pub credentials: Option<Credentials>,
    /// `host[:port]` that may ask for the credentials to give a token for them, besides the registry itself.
    pub token_server: Option<String>,
    /// Names and public keys in PEM. One of them has to have signed.
    pub keys: Vec<(String, String)>,
}

/// One checked place.
pub(crate) struct Place {
    name: String,
    pub(crate) keys: Keys,
    pub(crate) client: Client,
}

/// Checked places, the longest first.
pub struct Registries(Vec<Arc<Place>>);

impl Registries {
    pub fn read(path: &str, declared: &[Declared]) -> Result<Self, Refusal> {
        let mut places: Vec<Arc<Place>> = Vec::new();
        for (at, declared) in declared.iter().enumerate() {
            let path = format!("{path}[{at}]");
            let place = Place::read(&path, declared)?;
            if places.iter().any(|other| other.name == place.name) {
                return Err(Refusal::new(
                    format!("{path}.place"),
                    place.name,
                    "chaque endroit une seule fois",
                    "each place once",
                ));
            }
            places.push(Arc::new(place));
        }
        places.sort_by(|a, b| b.name.len().cmp(&a.name.len()).then_with(|| a.name.cmp(&b.name)));
        Ok(Self(places))
    }

    pub(crate) fn of(&self, reference: &Reference) -> Option<Arc<Place>> {
        self.0.iter().find(|place| reference.is_within(&place.name)).cloned()
    }
}

impl fmt::Debug for Registries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|place| &place.name)).finish()
    }
}

impl Place {
    fn read(path: &str, declared: &Declared) -> Result<Self, Refusal> {
        let Declared { place, ca, credentials, token_server, keys } = declared;
        let name = place.trim_end_matches('/').to_owned();
        let host = name.split('/').next().unwrap_or_default();
        let origin = Origin::parse(host).filter(|_| is_place(&name)).ok_or_else(|| {
            Refusal::new(
                format!("{path}.place"),
                place,
                "hôte[:port][/dossier] en minuscules, sans https:// ni étiquette",
                "host[:port][/folder] in lower case, without https:// or a tag",
            )
        })?;
        let token = match token_server.as_deref() {
            Some(text) => Some(Origin::parse(text).ok_or_else(|| {
                let path = format!("{path}.tokenServer");
                Refusal::new(path, text, "hôte[:port] en minuscules", "host[:port] in lower case")
            })?),
            None => None,
        };
        let authorization = credentials.as_ref().map(|credentials| basic(path, credentials)).transpose()?;
        let keys = keys.iter().map(|(name, pem)| (name.as_str(), pem.as_str()));
        let keys = Keys::read(&format!("{path}.keys"), keys)?;
        let tls = tls(path, ca.as_deref())?;
        Ok(Self { name, keys, client: Client::new(origin, token, authorization, tls) })
    }
}

fn basic(path: &str, credentials: &Credentials) -> Result<HeaderValue, Refusal> {
    let Credentials { user, password } = credentials;
    let bad = user.is_empty() || user.contains(':') || user.len() + password.len() > 4096;
    let value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))));
    match value {
        Ok(mut value) if !bad => {
            value.set_sensitive(true);
            Ok(value)
        }
        _ => Err(Refusal::new(
            format!("{path}.credentials"),
            user,
            "un nom sans « : » et un mot de passe, 4096 caractères au plus",
            "a name without \":\" and a password, at most 4096 characters",
        )),
    }
}

fn tls(path: &str, ca: Option<&str>) -> Result<ClientConfig, Refusal> {
    let refusal = |given: &str| {
        Refusal::new(
            format!("{path}.ca"),
            given,
            "un ou plusieurs certificats d'autorité en PEM",
            "one or more certificates of authorities in PEM",
        )
    };
    let mut roots = RootCertStore::empty();
    if let Some(pem) = ca {
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|_| refusal("a damaged PEM file"))?;
            roots.add(certificate).map_err(|_| refusal("a damaged certificate"))?;
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if roots.is_empty() {
        return Err(refusal(if ca.is_some() {
            "no certificate"
        } else {
            "nothing, and the system has none"
        }));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| refusal("no version of TLS"))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
