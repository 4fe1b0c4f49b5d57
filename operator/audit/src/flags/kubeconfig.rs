//! The file for `--audit-webhook-config-file`.

use snc_core::text::Refusal;
use std::net::IpAddr;

/// Where the sink is, as one API server sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook<'a> {
    /// `10.96.0.50:8445`, `[fd00::1]:8445`; a name where the host resolves it.
    pub address: &'a str,
    /// In the sink's certificate; None where the address is.
    pub server_name: Option<&'a str>,
    /// With `ca.crt`, `tls.crt` and `tls.key`, as the API server sees it.
    pub directory: &'a str,
}

/// What the sink takes in.
pub const PATH: &str = "/v1/webhook";

pub fn kubeconfig(webhook: &Webhook<'_>) -> Result<String, Refusal> {
    let Webhook { address, server_name, directory } = webhook;
    let host = host(address).ok_or_else(|| {
        let (fr, en) = ("IP:port, [IPv6]:port ou nom:port", "IP:port, [IPv6]:port or name:port");
        Refusal::new("address", *address, fr, en)
    })?;
    if host.split('.').any(|part| part == "svc") {
        let (fr, en) = (
            "une adresse IP : l'API server ne résout pas les noms de Services",
            "an IP address: the API server does not resolve names of Services",
        );
        return Err(Refusal::new("address", *address, fr, en));
    }
    if let Some(name) = server_name.filter(|name| !is_name(name)) {
        let (fr, en) = ("un nom DNS du certificat", "a DNS name of the certificate");
        return Err(Refusal::new("serverName", name, fr, en));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-');
    if !directory.starts_with('/') || !directory.bytes().all(plain) || directory.contains("..") {
        let (fr, en) = ("un chemin absolu", "an absolute path");
        return Err(Refusal::new("directory", *directory, fr, en));
    }
    let directory = directory.trim_end_matches('/');
    let name = server_name.map(|name| format!("      tls-server-name: {name}\n")).unwrap_or_default();
    Ok(format!(
        "apiVersion: v1\nkind: Config\nclusters:\n  - name: snc-audit-sink\n    cluster:\n      \
         server: \"https://{address}{PATH}\"\n{name}      certificate-authority: {directory}/ca.crt\nusers:\n  \
         - name: kube-apiserver\n    user:\n      client-certificate: {directory}/tls.crt\n      \
         client-key: {directory}/tls.key\ncontexts:\n  - name: audit\n    context:\n      cluster: snc-audit-sink\n      \
         user: kube-apiserver\ncurrent-context: audit\n"
    ))
}

/// Of `host:port`.
fn host(address: &str) -> Option<&str> {
    let (host, port) = address.rsplit_once(':')?;
    port.parse::<u16>().ok().filter(|port| *port != 0 && !address.ends_with(":0"))?;
    if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.strip_suffix(']')?;
        return inner.parse::<std::net::Ipv6Addr>().ok().map(|_| inner);
    }
    let ip = host.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv4());
    // What looks like an address has to be one.
    let digits = host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    (ip || (!digits && is_name(host))).then_some(host)
}

fn is_name(name: &str) -> bool {
    let part = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = part.as_bytes();
        (1..=63).contains(&bytes.len())
            && bytes.iter().all(|byte| plain(*byte) || *byte == b'-')
            && [bytes[0], bytes[bytes.len() - 1]].into_iter().all(plain)
    };
    name.len() <= 253 && name.split('.').all(part)
}
