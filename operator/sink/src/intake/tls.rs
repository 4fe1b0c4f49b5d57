//! Certificates from mounted Secrets, read again and again: the kubelet swaps a link in their directory, of which no watch
//! on files hears. What is in use stays until something better is there.

use rustls::client::ResolvesClientCert;
use rustls::crypto::aws_lc_rs::{cipher_suite as suite, default_provider, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedCipherSuite, version};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";
const BUNDLE: &str = "ca.crt";
const EVERY: Duration = Duration::from_secs(2);
/// Far more than any chain or key takes.
const LARGEST: u64 = 1 << 20;

/// As ANSSI asks for it: 1.2 with an ephemeral key exchange and authenticated encryption, or 1.3.
const SUITES: &[SupportedCipherSuite] = &[
    suite::TLS13_AES_256_GCM_SHA384,
    suite::TLS13_AES_128_GCM_SHA256,
    suite::TLS13_CHACHA20_POLY1305_SHA256,
    suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];

const GROUPS: &[&dyn SupportedKxGroup] =
    &[kx_group::X25519MLKEM768, kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1];

/// Written down here, so that what a later version of the library adds is not served by that alone.
pub fn provider() -> CryptoProvider {
    CryptoProvider { cipher_suites: SUITES.to_vec(), kx_groups: GROUPS.to_vec(), ..default_provider() }
}

type Make<C> = fn(&[Vec<u8>]) -> Result<C, String>;

#[derive(Default)]
struct Looked {
    /// What was in the files, or why that could not be read.
    files: Option<Result<Vec<Vec<u8>>, String>>,
    /// Why it is not in use.
    why: Option<String>,
}

/// What files make, as they are now.
pub struct Reload<C> {
    paths: Vec<PathBuf>,
    make: Make<C>,
    current: watch::Sender<Option<Arc<C>>>,
    looked: Mutex<Looked>,
}

impl Reload<ServerConfig> {
    /// `tls.crt` and `tls.key` of a directory; clients have to have a certificate of one of the authorities in `clients`.
    pub fn server(directory: &Path, clients: &Path) -> Self {
        let paths = vec![directory.join(CERTIFICATE), directory.join(KEY), clients.to_owned()];
        Self::new(paths, server)
    }
}

impl Reload<ClientConfig> {
    /// `tls.crt`, `tls.key` and, of the authorities of the other side, `ca.crt` of a directory.
    pub fn client(directory: &Path) -> Self {
        Self::new([CERTIFICATE, KEY, BUNDLE].map(|file| directory.join(file)).into(), client)
    }
}

impl<C> Reload<C> {
    /// What is there already is in use at once.
    fn new(paths: Vec<PathBuf>, make: Make<C>) -> Self {
        let reload = Self { paths, make, current: watch::Sender::new(None), looked: Mutex::default() };
        reload.look();
        reload
    }

    /// Looks for ever.
    pub async fn keep(self: Arc<Self>) -> &'static str {
        loop {
            tokio::time::sleep(EVERY).await;
            self.look();
        }
    }

    pub fn current(&self) -> Option<Arc<C>> {
        self.current.borrow().clone()
    }

    /// Changes whenever something else is put in use.
    pub fn watch(&self) -> watch::Receiver<Option<Arc<C>>> {
        self.current.subscribe()
    }

    /// Why what the files hold is not in use.
    pub fn doubt(&self) -> Option<String> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner).why.clone()
    }

    pub fn look(&self) {
        let files: Result<Vec<_>, _> = self.paths.iter().map(|path| read(path)).collect();
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.files.as_ref() == Some(&files) {
            return;
        }
        let why = match files.as_ref().map_err(Clone::clone).and_then(|files| (self.make)(files)) {
            Ok(made) => {
                tracing::info!(files = ?self.paths, "certificates in use");
                self.current.send_replace(Some(Arc::new(made)));
                None
            }
            Err(why) => Some(why),
        };
        if let Some(why) = &why {
            tracing::warn!(files = ?self.paths, why, "certificates not put in use");
        }
        *looked = Looked { files: Some(files), why };
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let size = fs::metadata(path).map_err(failed)?.len();
    if size > LARGEST {
        return Err(format!("{}: {size} bytes; accepted: up to {LARGEST}", path.display()));
    }
    fs::read(path).map_err(failed)
}

fn server(files: &[Vec<u8>]) -> Result<ServerConfig, String> {
    let [certificate, key, clients] = files else { return Err("three files are needed".to_owned()) };
    let provider = Arc::new(provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(clients)?), provider.clone())
        .build()
        .map_err(|error| format!("authorities of clients: {error}"))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .map_err(|error| error.to_string())?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(pair(certificate, key)?)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn client(files: &[Vec<u8>]) -> Result<ClientConfig, String> {
    let [certificate, key, servers] = files else { return Err("three files are needed".to_owned()) };
    let own: Arc<dyn ResolvesClientCert> = Arc::new(SingleCertAndKey::from(pair(certificate, key)?));
    Ok(ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots(servers)?)
        .with_client_cert_resolver(own))
}

fn roots(bundle: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(bundle) {
        let root = root.map_err(|error| format!("authorities: {error}"))?;
        roots.add(root).map_err(|error| format!("authorities: {error}"))?;
    }
    if roots.is_empty() { Err("authorities: no certificate".to_owned()) } else { Ok(roots) }
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

#[cfg(test)]
mod tests;
