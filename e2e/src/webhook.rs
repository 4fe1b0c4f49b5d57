//! The webhook as a process beside the API server, with a certificate of its own making.

use crate::api::Ask;
use crate::cluster::Cluster;
use crate::http;
use crate::objects::at;
use crate::wait::eventually;
use anyhow::{Context, Result, ensure};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use serde_json::Value;
use snc_catalogue::Catalogue;
use snc_core::lang::Lang;
use snc_core::names::{CANARY, MANAGER, WEBHOOK};
use snc_plan::Settings;
use snc_plan::guards::Identity;
use snc_plan::webhook::{Reached, configuration};
use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use xtask::harness::{ControlPlane, ProcessSpec, free_port, workspace};

const OPERATOR_NAMESPACE: &str = "snc-system";
const ACCOUNT: &str = "snc-webhook";
pub const CONFIGURATIONS: &str = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
const TOKEN_LIFETIME: Duration = Duration::from_secs(4 * 3600);

/// The directory of a Secret, as the kubelet keeps it.
pub struct Mounted {
    directory: TempDir,
    version: AtomicUsize,
}

impl Mounted {
    pub fn new() -> Result<Self> {
        Ok(Self { directory: TempDir::new()?, version: AtomicUsize::new(0) })
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A new directory, and a link that is swapped.
    pub fn write<const N: usize>(&self, files: [(&str, String); N]) -> Result<()> {
        let version = format!("..{}", self.version.fetch_add(1, Ordering::Relaxed));
        let place = self.path();
        fs::create_dir(place.join(&version))?;
        for (name, content) in files {
            fs::write(place.join(&version).join(name), content)?;
            if !place.join(name).is_symlink() {
                symlink(Path::new("..data").join(name), place.join(name))?;
            }
        }
        symlink(&version, place.join("..data_tmp"))?;
        Ok(fs::rename(place.join("..data_tmp"), place.join("..data"))?)
    }
}

/// An authority and what it signed, mounted.
pub struct Certificates {
    mounted: Mounted,
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl Certificates {
    pub fn new() -> Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "snc-webhook test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let certificates = Self { mounted: Mounted::new()?, authority };
        certificates.renew()?;
        Ok(certificates)
    }

    pub fn path(&self) -> &Path {
        self.mounted.path()
    }

    pub fn bundle(&self) -> String {
        self.authority.pem()
    }

    /// A new key and certificate in the place of the old ones. Gives the certificate.
    pub fn renew(&self) -> Result<CertificateDer<'static>> {
        let key = KeyPair::generate()?;
        let certificate =
            CertificateParams::new(vec!["127.0.0.1".to_owned()])?.signed_by(&key, &self.authority)?;
        self.mounted.write([
            ("tls.crt", certificate.pem()),
            ("tls.key", key.serialize_pem()),
            ("ca.crt", self.bundle()),
        ])?;
        Ok(CertificateDer::from_pem_slice(certificate.pem().as_bytes())?)
    }
}

/// One replica.
pub struct Webhook<'p> {
    plane: &'p ControlPlane,
    name: String,
    port: u16,
}

impl<'p> Webhook<'p> {
    /// One that the API server asks as long as `run` does; `asked` succeeds once it does.
    pub fn serving(
        cluster: &'p Cluster,
        name: &str,
        asked: impl FnMut() -> Result<()>,
        run: impl FnOnce(&Self, &Certificates) -> Result<()>,
    ) -> Result<()> {
        Self::serving_with(cluster, name, &[], asked, run)
    }

    /// And with more arguments.
    pub fn serving_with(
        cluster: &'p Cluster,
        name: &str,
        more: &[&str],
        asked: impl FnMut() -> Result<()>,
        run: impl FnOnce(&Self, &Certificates) -> Result<()>,
    ) -> Result<()> {
        let certificates = Certificates::new()?;
        let webhook = Self::start_with(cluster.plane(), name, free_port()?, certificates.path(), more)?;
        let made = configured(&webhook.url(), &certificates.bundle())?;
        // The guard of the configuration lets nobody else.
        cluster.operator.send(&Ask::apply(&at(CONFIGURATIONS, WEBHOOK), MANAGER, made))?;
        let result = eventually("the webhook to be asked", asked).and_then(|()| run(&webhook, &certificates));
        // A test may have removed it.
        if cluster.admin.find(at(CONFIGURATIONS, WEBHOOK))?.is_some() {
            cluster.operator.delete(at(CONFIGURATIONS, WEBHOOK))?;
        }
        webhook.terminate()?;
        result
    }

    /// Returns once it is ready. As the chart's ServiceAccount, with the chart's rights.
    pub fn start(plane: &'p ControlPlane, name: &str, certificates: &Certificates) -> Result<Self> {
        Self::start_at(plane, name, free_port()?, certificates.path())
    }

    /// The same, at a port that is known before, with whatever is mounted there.
    pub fn start_at(plane: &'p ControlPlane, name: &str, port: u16, mounted: &Path) -> Result<Self> {
        Self::start_with(plane, name, port, mounted, &[])
    }

    /// And with more arguments.
    pub fn start_with(
        plane: &'p ControlPlane,
        name: &str,
        port: u16,
        mounted: &Path,
        more: &[&str],
    ) -> Result<Self> {
        let webhook = Self { plane, name: name.to_owned(), port };
        let kubeconfig = plane.token_kubeconfig(OPERATOR_NAMESPACE, ACCOUNT, TOKEN_LIFETIME)?;
        let mut spec = spec(port, &kubeconfig, mounted)?;
        spec.args.extend(more.iter().map(|argument| (*argument).to_owned()));
        plane.instance().spawn_spec(name, &spec)?;
        webhook.ready()?;
        Ok(webhook)
    }

    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// Of its process in the instance.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Where it says whether it is ready.
    pub fn health(&self) -> Result<String> {
        let log = fs::read_to_string(self.plane.instance().log_path(&self.name)).unwrap_or_default();
        let address = log.rsplit_once("listening address=").context("it does not listen")?.1;
        Ok(address.split_whitespace().next().unwrap_or_default().to_owned())
    }

    pub fn ready(&self) -> Result<()> {
        eventually(&format!("{} to be ready", self.name), || {
            let (status, detail) = self.ask("/readyz")?;
            ensure!(status == 200, "{status}: {detail}");
            Ok(())
        })
    }

    pub fn ask(&self, path: &str) -> Result<(u16, String)> {
        http::get(&self.health()?, path)
    }

    /// The sum of the series that begin like this.
    pub fn count(&self, series: &str) -> Result<f64> {
        let (status, text) = self.ask("/metrics")?;
        ensure!(status == 200, "{status}: {text}");
        let samples = http::samples(&text)?;
        let values = samples.iter().filter(|(name, _)| name.starts_with(series));
        Ok(values.filter_map(|(_, value)| value.parse::<f64>().ok()).sum())
    }

    pub fn kill(&self) -> Result<()> {
        self.plane.instance().kill9(&self.name)
    }

    pub fn restart(&self) -> Result<()> {
        self.plane.instance().restart(&self.name)?;
        self.ready()
    }

    pub fn terminate(&self) -> Result<()> {
        self.plane.instance().terminate(&self.name)
    }

    /// The certificate that a new connection gets.
    pub fn served(&self) -> Result<CertificateDer<'static>> {
        served(self.port)
    }
}

fn spec(port: u16, kubeconfig: &Path, tls: &Path) -> Result<ProcessSpec> {
    let listen = format!("127.0.0.1:{port}");
    let tls = tls.display().to_string();
    let args = ["webhook", "--log-format", "text", "--language", "en", "--listen", &listen];
    let args = args.into_iter().chain(["--metrics-listen", "127.0.0.1:0", "--tls-dir", &tls]);
    let args = args.chain(["--server-name", "127.0.0.1"]);
    let env = [("KUBECONFIG", kubeconfig.display().to_string()), ("NO_COLOR", "1".to_owned())];
    Ok(ProcessSpec {
        program: binary()?,
        args: args.map(ToOwned::to_owned).collect(),
        env: env.map(|(key, value)| (key.to_owned(), Some(value))).into(),
        clean_env: true,
        dir: None,
    })
}

fn binary() -> Result<PathBuf> {
    workspace::binary("snc-operator")
}

/// What the operator would apply, for a webhook outside of the cluster.
pub fn configured(url: &str, bundle: &str) -> Result<Value> {
    let identity = Identity::new(OPERATOR_NAMESPACE, "snc-controller");
    let kinds = Catalogue::on_demand()?.admission_kinds();
    let settings = Settings { lang: Lang::En, identity, canary_namespace: CANARY.to_owned() };
    let url = Reached::Url(url.to_owned());
    let mut made = serde_json::to_value(configuration(&settings, &url, bundle.as_bytes(), &kinds))?;
    made["apiVersion"] = "admissionregistration.k8s.io/v1".into();
    made["kind"] = "ValidatingWebhookConfiguration".into();
    Ok(made)
}

fn served(port: u16) -> Result<CertificateDer<'static>> {
    let config = rustls::ClientConfig::builder()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(anybody::Anybody))
        .with_no_client_auth();
    let mut client = rustls::ClientConnection::new(Arc::new(config), ServerName::try_from("127.0.0.1")?)?;
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    while client.is_handshaking() {
        client.complete_io(&mut stream)?;
    }
    let chain = client.peer_certificates().context("no certificate")?;
    Ok(chain.first().context("an empty chain")?.clone().into_owned())
}

/// For looking at a certificate, not for trusting it.
mod anybody {
    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{DigitallySignedStruct, Error, SignatureScheme};

    #[derive(Debug)]
    pub struct Anybody;

    impl ServerCertVerifier for Anybody {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            rustls::crypto::aws_lc_rs::default_provider()
                .signature_verification_algorithms
                .supported_schemes()
        }
    }
}
