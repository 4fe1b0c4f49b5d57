//! The certificate that is served: the directory of a mounted Secret, read again and again, as the kubelet swaps a link in
//! it. A pair is put in use as a whole, and only if it can be.

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{cipher_suite as suite, default_provider};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, version};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";
const EVERY: Duration = Duration::from_secs(2);
/// Far more than any chain or key takes.
const LARGEST: u64 = 1 << 20;

#[derive(Debug, Default)]
struct Last {
    /// Of what was looked at last.
    digest: Option<[u8; 32]>,
    /// Why that is not in use.
    why: Option<String>,
}

#[derive(Debug)]
pub struct Certificate {
    directory: PathBuf,
    served: RwLock<Option<Arc<CertifiedKey>>>,
    last: Mutex<Last>,
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.served.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Certificate {
    /// Of a directory with `tls.crt` and `tls.key`. What is there already is in use at once.
    pub fn new(directory: PathBuf) -> Self {
        let certificate = Self { directory, served: RwLock::default(), last: Mutex::default() };
        certificate.look();
        certificate
    }

    /// Looks for ever. What is served stays until something better is there.
    pub async fn keep(self: Arc<Self>) -> &'static str {
        loop {
            tokio::time::sleep(EVERY).await;
            self.look();
        }
    }

    /// Why what is in the directory is not served.
    pub fn doubt(&self) -> Option<String> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).why.clone()
    }

    pub fn look(&self) {
        let read = self.read(CERTIFICATE).and_then(|certificate| Ok((certificate, self.read(KEY)?)));
        let digest = read.as_ref().ok().map(|(certificate, key)| {
            let mut hasher = Sha256::new_with_prefix((certificate.len() as u64).to_be_bytes());
            hasher.update(certificate);
            hasher.update(key);
            hasher.finalize().into()
        });
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if digest.is_some() && digest == last.digest {
            return;
        }
        let why = match read.and_then(|(certificate, key)| pair(&certificate, &key)) {
            Ok(pair) => {
                tracing::info!(directory = %self.directory.display(), "certificate in use");
                *self.served.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(pair));
                None
            }
            Err(why) => Some(why),
        };
        if let Some(why) = why.as_ref().filter(|why| last.why.as_ref() != Some(why)) {
            tracing::warn!(directory = %self.directory.display(), why, "certificate not put in use");
        }
        *last = Last { digest, why };
    }

    fn read(&self, file: &str) -> Result<Vec<u8>, String> {
        let path = self.directory.join(file);
        let size = fs::metadata(&path).map_err(|error| format!("{file}: {error}"))?.len();
        if size > LARGEST {
            return Err(format!("{file}: {size} bytes; accepted: up to {LARGEST}"));
        }
        fs::read(&path).map_err(|error| format!("{file}: {error}"))
    }
}

/// A key that belongs to the first certificate of the chain. Of a key nothing is quoted.
fn pair(certificate: &[u8], key: &[u8]) -> Result<CertifiedKey, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
    let chain = chain.map_err(|error| format!("{CERTIFICATE}: {error}"))?;
    if chain.is_empty() {
        return Err(format!("{CERTIFICATE}: no certificate"));
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| format!("{KEY}: no private key in PEM"))?;
    CertifiedKey::from_der(chain, key, &provider())
        .map_err(|error| format!("{KEY}: not the key of {CERTIFICATE}: {error}"))
}

/// As ANSSI asks for it: 1.2 with an ephemeral key exchange and authenticated encryption, or 1.3. Written down here, so
/// that what a later version of the library adds is not served by that alone.
fn provider() -> CryptoProvider {
    let cipher_suites = vec![
        suite::TLS13_AES_256_GCM_SHA384,
        suite::TLS13_AES_128_GCM_SHA256,
        suite::TLS13_CHACHA20_POLY1305_SHA256,
        suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ];
    CryptoProvider { cipher_suites, ..default_provider() }
}

pub(super) fn config(certificate: Arc<Certificate>) -> Result<ServerConfig, rustls::Error> {
    let builder = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
