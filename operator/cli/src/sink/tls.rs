//! Whom to believe that it is the sink.

use crate::outcome::Outcome;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use snc_core::lang::Lang;
use snc_core::text::Refusal;
use std::path::Path;
use std::sync::Arc;

/// Those of a file, else those that this machine trusts.
pub fn given(file: Option<&Path>, lang: Lang) -> Result<ClientConfig, Outcome> {
    let Some(file) = file else { return of_machine(lang) };
    let bytes = std::fs::read(file).map_err(|error| {
        Outcome::bad_input(format!("--certificate-authority {}: {error}", file.display()))
    })?;
    of_pem(&bytes, &format!("--certificate-authority {}", file.display()), lang)
}

pub fn of_pem(pem: &[u8], from: &str, lang: Lang) -> Result<ClientConfig, Outcome> {
    let refused = |given: String| {
        let (fr, en) = ("un ou plusieurs certificats en PEM", "one or several certificates in PEM");
        Outcome::bad_input(Refusal::new(from, given, fr, en).message(lang))
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| refused(error.to_string()))?;
        roots.add(certificate).map_err(|error| refused(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(refused(String::new()));
    }
    config(roots)
}

fn of_machine(lang: Lang) -> Result<ClientConfig, Outcome> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(Outcome::bad_input(lang.str(
            "cette machine ne fait confiance à aucune autorité : --certificate-authority FICHIER",
            "this machine trusts no authority: --certificate-authority FILE",
        )));
    }
    config(roots)
}

fn config(roots: RootCertStore) -> Result<ClientConfig, Outcome> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Outcome::undecided(error.to_string()))?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
