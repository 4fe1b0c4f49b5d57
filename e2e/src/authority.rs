//! An authority of the audit log's own, and what it signed.

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use std::fs;
use std::path::{Path, PathBuf};

pub struct Authority {
    directory: PathBuf,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// Files of one certificate and its key.
pub struct Pair {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    pub fn new(directory: &Path) -> Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "snc-audit test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        fs::create_dir_all(directory)?;
        fs::write(directory.join("ca.crt"), issuer.pem())?;
        Ok(Self { directory: directory.to_path_buf(), issuer })
    }

    pub fn file(&self) -> PathBuf {
        self.directory.join("ca.crt")
    }

    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A directory as that of a mounted Secret, for 127.0.0.1.
    pub fn server(&self, name: &str) -> Result<PathBuf> {
        self.pair(
            name,
            CertificateParams::new(vec!["127.0.0.1".to_owned()])?,
            ExtendedKeyUsagePurpose::ServerAuth,
        )?;
        Ok(self.directory.join(name))
    }

    /// For a client with this common name.
    pub fn client(&self, subject: &str) -> Result<Pair> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, subject);
        self.pair(subject, params, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn pair(
        &self,
        name: &str,
        mut params: CertificateParams,
        usage: ExtendedKeyUsagePurpose,
    ) -> Result<Pair> {
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let directory = self.directory.join(name);
        fs::create_dir_all(&directory)?;
        let pair = Pair { certificate: directory.join("tls.crt"), key: directory.join("tls.key") };
        fs::write(&pair.certificate, certificate.pem())?;
        fs::write(&pair.key, key.serialize_pem())?;
        fs::write(directory.join("ca.crt"), self.pem())?;
        Ok(pair)
    }
}
