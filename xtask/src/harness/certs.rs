//! The certificates of one control plane: made anew for each, worthless elsewhere.

use crate::harness::{
    files::{private_dir, write_private},
    node::NODE_ADDRESS,
};
use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

const DAY: Duration = Duration::from_secs(24 * 3600);

const SERVER_NAMES: [&str; 8] = [
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "127.0.0.1",
    // The API server's own Service: the first address of the service range.
    "10.96.0.1",
    NODE_ADDRESS,
];

pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// Signs what the API server believes; lives in memory until the files are written.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    key: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Result<Self> {
        let mut params = params(name, &[], &[])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let pair = new_key()?;
        let key = pair.serialize_pem();
        Ok(Self { issuer: CertifiedIssuer::self_signed(params, pair)?, key })
    }

    pub(crate) fn certificate(&self) -> String {
        self.issuer.pem()
    }

    pub(crate) fn client(&self, name: &str, groups: &[&str]) -> Result<Identity> {
        self.sign(params(name, groups, &[])?, ExtendedKeyUsagePurpose::ClientAuth)
    }

    pub(crate) fn server(&self, name: &str, names: &[&str]) -> Result<Identity> {
        self.sign(params(name, &[], names)?, ExtendedKeyUsagePurpose::ServerAuth)
    }

    fn sign(&self, mut params: CertificateParams, usage: ExtendedKeyUsagePurpose) -> Result<Identity> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        let key = new_key()?;
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Identity { certificate, key: key.serialize_pem() })
    }
}

fn new_key() -> Result<KeyPair> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).context("make an ECDSA key")
}

fn params(name: &str, organisations: &[&str], names: &[&str]) -> Result<CertificateParams> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    for &organisation in organisations {
        params.distinguished_name.push(DnType::OrganizationName, organisation);
    }
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = (SystemTime::now() - DAY).into();
    params.not_after = (SystemTime::now() + DAY * 365).into();
    Ok(params)
}

/// The files that the API server and the controller manager read.
pub(crate) struct Files {
    pub(crate) ca: PathBuf,
    pub(crate) ca_key: PathBuf,
    pub(crate) server: PathBuf,
    pub(crate) server_key: PathBuf,
    pub(crate) service_account_key: PathBuf,
    /// The API server reads no public key out of a PKCS #8 file.
    pub(crate) service_account_public: PathBuf,
    pub(crate) proxy_ca: PathBuf,
    pub(crate) proxy: PathBuf,
    pub(crate) proxy_key: PathBuf,
}

impl Files {
    pub(crate) fn at(dir: &Path) -> Self {
        let file = |name: &str| dir.join(name);
        Self {
            ca: file("ca.crt"),
            ca_key: file("ca.key"),
            server: file("kube-apiserver.crt"),
            server_key: file("kube-apiserver.key"),
            service_account_key: file("service-account.key"),
            service_account_public: file("service-account.pub"),
            proxy_ca: file("front-proxy-ca.crt"),
            proxy: file("front-proxy-client.crt"),
            proxy_key: file("front-proxy-client.key"),
        }
    }

    /// Makes all of them, and returns the authority that signs users.
    pub(crate) fn create(dir: &Path) -> Result<(Self, Authority)> {
        private_dir(dir)?;
        let files = Self::at(dir);
        let authority = Authority::new("snc-operator development CA")?;
        let proxy_authority = Authority::new("snc-operator front proxy CA")?;
        let server = authority.server("kube-apiserver", &SERVER_NAMES)?;
        let proxy = proxy_authority.client("front-proxy-client", &[])?;
        let service_account = new_key()?;
        let contents = [
            (&files.ca, authority.certificate()),
            (&files.ca_key, authority.key.clone()),
            (&files.server, server.certificate),
            (&files.server_key, server.key),
            (&files.service_account_key, service_account.serialize_pem()),
            (&files.service_account_public, service_account.public_key_pem()),
            (&files.proxy_ca, proxy_authority.certificate()),
            (&files.proxy, proxy.certificate),
            (&files.proxy_key, proxy.key),
        ];
        for (path, content) in contents {
            write_private(path, content.as_bytes())?;
        }
        Ok((files, authority))
    }
}
