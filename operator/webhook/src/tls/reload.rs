//! The directory of a mounted Secret, read again and again: the kubelet swaps a link in it, of which no watch on files
//! hears. A pair is put in use as a whole, and only if it can be.

use crate::metrics::Metrics;
use crate::tls::config::provider;
use arc_swap::ArcSwapOption;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Names of the keys of a Secret of type `kubernetes.io/tls`, and of the bundle beside them.
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";
const BUNDLE: &str = "ca.crt";
const EVERY: Duration = Duration::from_secs(2);
/// Far more than any chain or key takes.
const LARGEST: u64 = 1 << 20;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{file}: {why}")]
    Unreadable { file: &'static str, why: String },
    #[error("{0}")]
    Unusable(String),
}

/// A pair in use.
struct Served {
    key: Arc<CertifiedKey>,
    /// Why clients that trust the bundle do not trust it, if they do not.
    distrust: Option<String>,
}

/// What is served now, from a directory.
pub struct Certificate {
    directory: PathBuf,
    name: ServerName<'static>,
    served: ArcSwapOption<Served>,
    /// Of the last content that was looked at, and why it is not in use, if it is not.
    last: Mutex<(Option<[u8; 32]>, Option<String>)>,
    metrics: Arc<Metrics>,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.served.load().as_ref().map(|served| served.key.clone())
    }
}

struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
    bundle: Vec<u8>,
}

impl Files {
    fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        for part in [&self.certificate, &self.key, &self.bundle] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        hasher.finalize().into()
    }
}

impl Certificate {
    /// `name` is what the API server asks for.
    pub fn new(directory: PathBuf, name: ServerName<'static>, metrics: Arc<Metrics>) -> Self {
        Self { directory, name, served: ArcSwapOption::empty(), last: Mutex::default(), metrics }
    }

    /// Looks for ever. What is served stays until something better is there.
    pub async fn keep(self: Arc<Self>) -> &'static str {
        loop {
            self.look(UnixTime::now());
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Why no client that goes by the published bundle would trust what is served.
    pub fn doubt(&self) -> Option<String> {
        match &*self.served.load() {
            None => {
                let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
                Some(last.1.clone().unwrap_or_else(|| "no certificate yet".to_owned()))
            }
            Some(served) => served.distrust.clone(),
        }
    }

    /// Reads the directory, and puts what it holds in use if it is other than before and can be.
    pub fn look(&self, now: UnixTime) {
        let read = self.read();
        let digest = read.as_ref().ok().map(Files::digest);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let why = match &read {
            // Trust ends with time, too.
            Ok(files) if last.0 == digest && last.1.is_none() => return self.look_at_trust(files, now),
            Ok(_) if last.0 == digest => return,
            Ok(files) => self.usable(files, now).err(),
            Err(error) => Some(error.to_string()),
        };
        let repeated = last.0 == digest && last.1 == why;
        self.metrics.certificate_wrong.set(why.is_some().into());
        if let Some(why) = &why
            && !repeated
        {
            self.metrics.certificate_rejects.inc();
            let held = self.served.load().is_some();
            tracing::warn!(directory = %self.directory.display(), why, held, "certificate not put in use");
        }
        *last = (digest, why);
    }

    /// Puts a pair in use.
    fn usable(&self, files: &Files, now: UnixTime) -> Result<(), String> {
        let key = pair(files).map_err(|error| error.to_string())?;
        let distrust = self.distrust(&key, files, now);
        let held = self.served.load_full();
        if let (Some(why), Some(held)) = (&distrust, held)
            && self.distrust(&held.key, files, now).is_none()
        {
            // The bundle trusts what is served, and not what came.
            return Err(why.clone());
        }
        if let Some(why) = &distrust {
            tracing::warn!(why, "clients that go by the bundle do not trust this certificate");
        }
        tracing::info!(chain = key.cert.len(), trusted = distrust.is_none(), "certificate in use");
        self.metrics.certificate_loads.inc();
        self.served.store(Some(Arc::new(Served { key, distrust })));
        Ok(())
    }

    fn look_at_trust(&self, files: &Files, now: UnixTime) {
        let Some(served) = self.served.load_full() else { return };
        let distrust = self.distrust(&served.key, files, now);
        if distrust != served.distrust {
            tracing::warn!(why = distrust, "trust in the certificate is another now");
            self.served.store(Some(Arc::new(Served { key: served.key.clone(), distrust })));
        }
    }

    fn distrust(&self, key: &CertifiedKey, files: &Files, now: UnixTime) -> Option<String> {
        verify(key, files, &self.name, now).err()
    }

    fn read(&self) -> Result<Files, Error> {
        let read = |file: &'static str| {
            let path = self.directory.join(file);
            let unreadable = |why: String| Error::Unreadable { file, why };
            let size = fs::metadata(&path).map_err(|error| unreadable(error.to_string()))?.len();
            if size > LARGEST {
                return Err(unreadable(format!("{size} bytes; accepted: up to {LARGEST}")));
            }
            fs::read(&path).map_err(|error| unreadable(error.to_string()))
        };
        Ok(Files { certificate: read(CERTIFICATE)?, key: read(KEY)?, bundle: read(BUNDLE)? })
    }
}

/// A key that belongs to the first certificate of the chain.
fn pair(files: &Files) -> Result<Arc<CertifiedKey>, Error> {
    let unusable = |file: &str, why: String| Error::Unusable(format!("{file}: {why}"));
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&files.certificate).collect();
    let chain = chain.map_err(|error| unusable(CERTIFICATE, error.to_string()))?;
    if chain.is_empty() {
        return Err(unusable(CERTIFICATE, "no certificate".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(&files.key).map_err(|error| unusable(KEY, error.to_string()))?;
    let key = CertifiedKey::from_der(chain, key, &provider())
        .map_err(|error| unusable(KEY, format!("not the key of {CERTIFICATE}: {error}")))?;
    Ok(Arc::new(key))
}

fn verify(key: &CertifiedKey, files: &Files, name: &ServerName<'_>, now: UnixTime) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(&files.bundle) {
        let root = root.map_err(|error| format!("{BUNDLE}: {error}"))?;
        roots.add(root).map_err(|error| format!("{BUNDLE}: {error}"))?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(provider()))
        .build()
        .map_err(|error| format!("{BUNDLE}: {error}"))?;
    let (leaf, chain) = key.cert.split_first().ok_or_else(|| "an empty chain".to_owned())?;
    verifier
        .verify_server_cert(leaf, chain, name, &[], now)
        .map(drop)
        .map_err(|error| format!("{CERTIFICATE} against {BUNDLE}: {error}"))
}

#[cfg(test)]
mod tests;
