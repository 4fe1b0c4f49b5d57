//! One kubeconfig per person: self-contained files that only their owner reads.

use crate::harness::{certs::Identity, files::write_private};
use anyhow::Result;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use std::{fmt, path::Path};

/// The people that every control plane knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum User {
    /// `system:masters`: what authorisation cannot refuse. For the harness.
    Admin,
    /// The platform team: cluster-admin by a binding.
    Platform,
    /// Owner of the first tenant.
    Alice,
    /// Owner of the second tenant.
    Bruno,
    /// Somebody with a certificate and no right.
    Mallory,
}

impl User {
    pub const ALL: [Self; 5] = [Self::Admin, Self::Platform, Self::Alice, Self::Bruno, Self::Mallory];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Platform => "platform-admin",
            Self::Alice => "alice",
            Self::Bruno => "bruno",
            Self::Mallory => "mallory",
        }
    }

    pub const fn groups(self) -> &'static [&'static str] {
        match self {
            Self::Admin => &["system:masters"],
            Self::Platform => &["platform-admins"],
            Self::Alice => &["tenant-boutique-owners"],
            Self::Bruno => &["tenant-atelier-owners"],
            Self::Mallory => &[],
        }
    }

    pub(crate) const fn kubeconfig(self) -> &'static str {
        match self {
            Self::Admin => "kubeconfig.admin",
            Self::Platform => "kubeconfig",
            Self::Alice => "kubeconfig.alice",
            Self::Bruno => "kubeconfig.bruno",
            Self::Mallory => "kubeconfig.mallory",
        }
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

pub(crate) enum Credential<'a> {
    Certificate(&'a Identity),
    Token(&'a str),
}

impl Credential<'_> {
    fn value(&self) -> Value {
        match self {
            Self::Certificate(identity) => json!({
                "client-certificate-data": BASE64_STANDARD.encode(&identity.certificate),
                "client-key-data": BASE64_STANDARD.encode(&identity.key),
            }),
            Self::Token(token) => json!({ "token": token }),
        }
    }
}

pub(crate) fn server_url(port: u16) -> String {
    format!("https://127.0.0.1:{port}")
}

/// `cluster` is the name shown by `kubectl config get-contexts`.
pub(crate) fn write(
    path: &Path,
    cluster: &str,
    port: u16,
    ca: &str,
    user: &str,
    credential: &Credential<'_>,
) -> Result<()> {
    let context = format!("{user}@{cluster}");
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": cluster,
            "cluster": { "server": server_url(port), "certificate-authority-data": BASE64_STANDARD.encode(ca) },
        }],
        "users": [{ "name": user, "user": credential.value() }],
        "contexts": [{ "name": context, "context": { "cluster": cluster, "user": user } }],
        "current-context": context,
    });
    write_private(path, serde_saphyr::to_string(&config)?.as_bytes())
}

/// The same person at another API server.
pub(crate) fn at_port(kubeconfig: &str, port: u16) -> Result<String> {
    let mut config: Value = serde_saphyr::from_str(kubeconfig)?;
    config["clusters"][0]["cluster"]["server"] = json!(server_url(port));
    Ok(serde_saphyr::to_string(&config)?)
}
