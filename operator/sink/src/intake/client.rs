//! Who asks, told by the certificate.

use crate::journal::ServerName;
use std::collections::{BTreeMap, BTreeSet};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Nobody that the settings name, or more than one of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("certificate of {names:?}: {why}")]
pub struct Stranger {
    pub names: Vec<String>,
    pub why: &'static str,
}

/// Which subject is which server: the common name, a DNS name or a URI of a certificate, to the letter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clients(BTreeMap<String, ServerName>);

impl Clients {
    pub fn new(clients: impl IntoIterator<Item = (String, ServerName)>) -> Self {
        Self(clients.into_iter().collect())
    }

    pub fn servers(&self) -> BTreeSet<ServerName> {
        self.0.values().cloned().collect()
    }

    /// `certificate` in DER, of which the handshake has shown that it is trusted and that the client has its key.
    pub fn server(&self, certificate: &[u8]) -> Result<ServerName, Stranger> {
        let names = names(certificate)
            .ok_or_else(|| Stranger { names: Vec::new(), why: "not an X.509 certificate" })?;
        let found: BTreeSet<&ServerName> = names.iter().filter_map(|name| self.0.get(name)).collect();
        let mut found = found.into_iter();
        match (found.next(), found.next()) {
            (Some(server), None) => Ok(server.clone()),
            (None, _) => Err(Stranger { names, why: "none of these is a client of the settings" }),
            (Some(_), Some(_)) => Err(Stranger { names, why: "these are clients of several servers" }),
        }
    }
}

fn names(certificate: &[u8]) -> Option<Vec<String>> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    let mut names: Vec<String> = common.map(ToOwned::to_owned).collect();
    if let Some(other) = certificate.subject_alternative_name().ok()? {
        names.extend(other.value.general_names.iter().filter_map(|name| match name {
            GeneralName::DNSName(name) | GeneralName::URI(name) => Some((*name).to_owned()),
            _ => None,
        }));
    }
    Some(names)
}
