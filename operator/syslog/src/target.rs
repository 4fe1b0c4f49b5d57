//! The receiver: its address, and what makes sure that it is the one.

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{cipher_suite as suite, default_provider};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, version};
use snc_core::lang::Lang;
use snc_core::text::Refusal;
use socket2::{SockRef, TcpKeepalive};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Far more than any chain or key takes.
const LARGEST: u64 = 1 << 20;
/// Of syslog over TLS.
const PORT: u16 = 6514;
const KEEPALIVE: Duration = Duration::from_secs(30);

/// PEM files, read anew for each connection: certificates are replaced while we run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// Authorities that the receiver's certificate may come from, and no others.
    pub ca: PathBuf,
    /// Certificate and key that we show, if the receiver asks for them.
    pub client: Option<(PathBuf, PathBuf)>,
}

#[derive(Debug, Clone)]
pub struct Target {
    address: String,
    name: ServerName<'static>,
    files: Files,
}

impl Target {
    /// `address` is `host[:port]`, an IPv6 address in brackets. `name` is what the certificate has to be for, where that
    /// is not the host.
    pub fn new(address: &str, name: Option<&str>, files: Files) -> Result<Self, Refusal> {
        let (host, port) = split(address).ok_or_else(|| {
            let (fr, en) =
                ("hôte[:port], une adresse IPv6 entre crochets", "host[:port], an IPv6 address in brackets");
            Refusal::new("address", address, fr, en)
        })?;
        let given = name.unwrap_or(host);
        let name = ServerName::try_from(given.to_owned()).map_err(|_| {
            let (fr, en) = ("un nom DNS ou une adresse IP", "a DNS name or an IP address");
            Refusal::new("serverName", given, fr, en)
        })?;
        let target = Self { address: joined(host, port), name, files };
        // What is wrong from the start is told at the start.
        target.config()?;
        Ok(target)
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// `unanswered`: for how long the peer's kernel may leave bytes unacknowledged.
    pub(crate) async fn connect(&self, unanswered: Duration) -> io::Result<TlsStream<TcpStream>> {
        let config = self.config().map_err(|refusal| io::Error::other(refusal.message(Lang::En)))?;
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let socket = SockRef::from(&stream);
        socket.set_tcp_user_timeout(Some(unanswered))?;
        socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE))?;
        TlsConnector::from(Arc::new(config)).connect(self.name.clone(), stream).await
    }

    fn config(&self) -> Result<ClientConfig, Refusal> {
        let refused = |path: &str, given: String| {
            let (fr, en) =
                ("des fichiers PEM lisibles et assortis", "readable PEM files that belong together");
            Refusal::new(path, given, fr, en)
        };
        let mut roots = RootCertStore::empty();
        for certificate in certificates("ca", &self.files.ca)? {
            roots.add(certificate).map_err(|error| refused("ca", error.to_string()))?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(provider()))
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .map_err(|error| refused("ca", error.to_string()))?
            .with_root_certificates(roots);
        let Some((certificate, key)) = &self.files.client else { return Ok(builder.with_no_client_auth()) };
        let chain = certificates("clientCertificate", certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&read("clientKey", key)?)
            // Of a key nothing is quoted.
            .map_err(|_| refused("clientKey", key.display().to_string()))?;
        builder.with_client_auth_cert(chain, key).map_err(|error| refused("clientKey", error.to_string()))
    }
}

/// Written down here, so that what a later version of the library adds is not used by that alone.
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

fn certificates(field: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Refusal> {
    let text = read(field, path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or_else(|| {
        let (fr, en) = ("un ou plusieurs certificats en PEM", "one or more certificates in PEM");
        Refusal::new(field, path.display().to_string(), fr, en)
    })
}

fn read(field: &str, path: &Path) -> Result<Vec<u8>, Refusal> {
    let small = fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() <= LARGEST);
    let text = if small { fs::read(path).ok() } else { None };
    text.ok_or_else(|| {
        let (fr, en) = ("un fichier lisible de 1 Mio au plus", "a readable file of at most 1 MiB");
        Refusal::new(field, path.display().to_string(), fr, en)
    })
}

fn split(address: &str) -> Option<(&str, u16)> {
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    let port = match port {
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => port.parse().ok()?,
        Some(_) => return None,
        None => PORT,
    };
    (!host.is_empty() && port > 0).then_some((host, port))
}

fn joined(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("logs.example", Some(("logs.example", 6514)))]
    #[case("logs.example:7000", Some(("logs.example", 7000)))]
    #[case("192.0.2.1:1", Some(("192.0.2.1", 1)))]
    #[case("[2001:db8::1]", Some(("2001:db8::1", 6514)))]
    #[case("[2001:db8::1]:7000", Some(("2001:db8::1", 7000)))]
    #[case("2001:db8::1", None)]
    #[case("[logs.example]:1", None)]
    #[case("[::1]7000", None)]
    #[case("logs.example:", None)]
    #[case("logs.example:0", None)]
    #[case("logs.example:+1", None)]
    #[case("logs.example:65536", None)]
    #[case(":6514", None)]
    #[case("", None)]
    fn addresses(#[case] text: &str, #[case] accepted: Option<(&str, u16)>) {
        assert_eq!(split(text), accepted);
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_name() {
        let nowhere = || Files { ca: PathBuf::from("/nonexistent/ca.crt"), client: None };
        let field =
            |address: &str, name: Option<&str>| Target::new(address, name, nowhere()).unwrap_err().path;
        assert_eq!(field("a:b:c", None), "address");
        assert_eq!(field("logs.example", Some("not a name")), "serverName");
        assert_eq!(field("logs.example", None), "ca");
    }
}
