//! A sink with certificates, and clients of it.

use crate::gaps::{self, AuditGap, Gaps};
use crate::intake::tls::Reload;
use crate::intake::{Clients, Drain, Intake, Limits, Server};
use crate::journal::faulty::Faulty;
use crate::journal::{self, Entry, Journal, ServerName};
use crate::metrics::Metrics;
use crate::seen::{self, Reused, Seen};
use jiff::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

pub(super) type Authority = CertifiedIssuer<'static, KeyPair>;

pub(super) fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A directory as of a mounted Secret: `common` as the common name, `san` as a DNS name or URI.
pub(super) fn issue(place: &Path, by: &Authority, common: &str, san: &str, trusts: &Authority) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, common);
    let san = if san.contains("://") {
        SanType::URI(san.try_into().unwrap())
    } else {
        SanType::DnsName(san.try_into().unwrap())
    };
    params.subject_alt_names = vec![san];
    fs::create_dir_all(place).unwrap();
    fs::write(place.join("tls.crt"), params.signed_by(&key, by).unwrap().pem()).unwrap();
    fs::write(place.join("tls.key"), key.serialize_pem()).unwrap();
    fs::write(place.join("ca.crt"), trusts.pem()).unwrap();
}

pub(super) struct Rig {
    pub(super) place: TempDir,
    pub(super) disk: Faulty,
    pub(super) ca: Authority,
    pub(super) journal: Journal,
    pub(super) gaps: Arc<Gaps>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) intake: Arc<Intake>,
    pub(super) reused: Arc<Mutex<Vec<Reused>>>,
    pub(super) tls: Arc<Reload<rustls::ServerConfig>>,
    pub(super) address: SocketAddr,
    pub(super) leaving: CancellationToken,
    pub(super) running: tokio::task::JoinHandle<&'static str>,
}

pub(super) fn cp(nth: u32) -> ServerName {
    ServerName::new(&format!("cp-{nth}")).unwrap()
}

/// What a process makes of its data directory when it starts.
pub(super) fn parts(place: &Path, disk: &Faulty, remembered: usize) -> (Journal, Arc<Seen>, Arc<Gaps>) {
    let seen = Arc::new(Seen::new(seen::Options { entries: remembered }));
    let options = journal::Options { roll_bytes: 8 << 10, ..journal::Options::default() };
    let disk = Arc::new(disk.clone());
    let visit = |entry: &journal::Borrowed<'_>| seen.remember(entry);
    let (journal, _) = Journal::open_on(disk.clone(), &place.join("journal"), options, visit).unwrap();
    seen.begin(journal.horizon(), vec![Arc::new(journal.clone())]);
    let (path, options, now) = (place.join("gaps.state"), gaps::Options::default(), Timestamp::now());
    let gaps = Gaps::open(disk, &path, options, &[cp(1), cp(2)], &BTreeMap::new(), now).unwrap();
    (journal, seen, Arc::new(gaps))
}

impl Rig {
    pub(super) async fn new() -> Self {
        Self::with(Limits::default(), 1000).await
    }

    pub(super) async fn with(limits: Limits, remembered: usize) -> Self {
        let (place, disk, ca) = (TempDir::new().unwrap(), Faulty::new(), authority());
        issue(&place.path().join("tls"), &ca, "sink", "sink.test", &ca);
        issue(&place.path().join("cp-1"), &ca, "apiserver-1", "cp-1.test", &ca);
        issue(&place.path().join("cp-2"), &ca, "other", "spiffe://test/cp-2", &ca);
        let (journal, seen, gaps) = parts(place.path(), &disk, remembered);
        let metrics = Arc::new(Metrics::complete().unwrap());
        let reused: Arc<Mutex<Vec<Reused>>> = Arc::default();
        let told = reused.clone();
        let on_reuse = Box::new(move |_: &ServerName, one| told.lock().unwrap().push(one));
        let intake = Arc::new(Intake::new(journal.clone(), seen, gaps.clone(), metrics.clone(), on_reuse));
        let tls = Arc::new(Reload::server(&place.path().join("tls"), &place.path().join("tls/ca.crt")));
        let clients = [("apiserver-1", 1), ("spiffe://test/cp-2", 2), ("both.test", 1), ("both", 2)];
        let clients = Clients::new(clients.map(|(subject, nth)| (subject.to_owned(), cp(nth))));
        let leaving = CancellationToken::new();
        let server = Arc::new(Server::new(intake.clone(), clients, tls.clone(), limits, leaving.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let running = tokio::spawn(server.serve(listener, Drain { rest: Duration::from_secs(5) }));
        Self { place, disk, ca, journal, gaps, metrics, intake, reused, tls, address, leaving, running }
    }

    /// A connection with the certificate in that directory.
    pub(super) async fn connect(&self, directory: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let config = Reload::client(&self.place.path().join(directory)).current().unwrap();
        self.connect_with((*config).clone()).await
    }

    pub(super) async fn connect_with(
        &self,
        config: rustls::ClientConfig,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        let name = rustls::pki_types::ServerName::try_from("sink.test").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    pub(super) async fn post(&self, directory: &str, path: &str, body: &[u8]) -> Answer {
        self.post_with(directory, path, "", body).await
    }

    pub(super) async fn post_with(&self, directory: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let mut stream = self.connect(directory).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: sink.test\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // A server that has seen enough may close.
        let _ = stream.write_all(body).await;
        answer(&mut stream).await
    }

    pub(super) async fn entries(&self) -> Vec<Entry> {
        all(&self.journal).await
    }

    pub(super) fn list(&self) -> Vec<AuditGap> {
        self.gaps.list()
    }

    pub(super) fn count(&self, source: &str, result: &str) -> u64 {
        self.metrics.events.with_label_values(&[source, result]).get()
    }

    pub(super) fn refused(&self, why: &str) -> u64 {
        self.metrics.refused.with_label_values(&[why]).get()
    }
}

pub(super) async fn all(journal: &Journal) -> Vec<Entry> {
    let (mut entries, mut next): (Vec<Entry>, u64) = (Vec::new(), 1);
    loop {
        let read = journal.read_from(next, 1 << 20).await.unwrap();
        let Some(last) = read.last() else { return entries };
        next = last.position + 1;
        entries.extend(read);
    }
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) code: u16,
    pub(super) head: String,
    pub(super) body: serde_json::Value,
}

pub(super) async fn answer(stream: &mut TlsStream<TcpStream>) -> Answer {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, "null"));
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default();
    Answer { code, head: head.to_lowercase(), body: serde_json::from_str(body).unwrap() }
}

/// As an item of a list.
pub(super) fn event(nth: u64) -> String {
    let at = Timestamp::from_second(1_700_000_000 + i64::try_from(nth).unwrap()).unwrap();
    format!(
        r#"{{"level":"Metadata","auditID":"id-{nth}","stage":"ResponseComplete","verb":"get","user":{{"username":"é"}},"stageTimestamp":"{at}"}}"#
    )
}

/// As a line of a log file.
pub(super) fn line(nth: u64) -> String {
    event(nth).replacen('{', r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","#, 1)
}

pub(super) fn list(items: impl IntoIterator<Item = String>) -> Vec<u8> {
    let items: Vec<String> = items.into_iter().collect();
    let items = items.join(",");
    format!(r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{{}},"items":[{items}]}}"#)
        .into_bytes()
}
