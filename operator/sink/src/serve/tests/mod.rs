mod api;
mod client;
mod cursors;
pub(super) mod fake;
mod paths;
mod recorded;
mod slow;
mod table;

use super::{Certificate, Limits, Server};
use crate::cluster::Cluster;
use client::{Client, Reply};
use fake::{Fake, Notes};
use jiff::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use snc_audit::Partition;
use snc_auditlog::{Algorithm, Keys, NewRecord, Options, Reader, Source, Store, Writer};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const NAME: &str = "sink.test";
/// The time of the first record of each partition; each next one is a second later.
const START: &str = "2026-11-01T00:00:00Z";

/// What a partition of the scene holds: a namespace, and the text that only its records have.
const PARTITIONS: [(&str, &[(&str, &str)]); 3] = [
    ("platform", &[("kube-system", "MARK-P")]),
    ("tenant.a", &[("a-one", "MARK-A-ONE"), ("a-two", "MARK-A-TWO"), ("a-old", "MARK-A-OLD")]),
    ("tenant.b", &[("b-one", "MARK-B-ONE")]),
];

struct Scene {
    cluster: Arc<Fake>,
    notes: Arc<Notes>,
    client: Client,
    certificate: Arc<Certificate>,
    ca: String,
    leaving: CancellationToken,
    place: TempDir,
}

impl Scene {
    async fn new() -> Self {
        Self::with(Limits::default(), 40).await
    }

    /// `many` records of each namespace.
    async fn with(limits: Limits, many: u64) -> Self {
        let place = TempDir::new().unwrap();
        let store = written(place.path(), many).await;
        let ca = certificates(&place.path().join("tls"));
        let (cluster, leaving) = (Fake::scene(), CancellationToken::new());
        let notes = Arc::new(Notes { sealed: Some(START.parse().unwrap()), ..Notes::default() });
        let certificate = Arc::new(Certificate::new(place.path().join("tls")));
        assert_eq!(certificate.doubt(), None);
        let reader = Arc::new(Reader::open(store.clone(), None).await.unwrap());
        let gate: Arc<dyn Cluster> = cluster.clone();
        let server = Arc::new(Server::new(gate, notes.clone(), store, reader, limits));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        tokio::spawn(server.serve(listener, certificate.clone(), leaving.clone(), Duration::from_secs(5)));
        let client = Client::new(address, &ca, NAME);
        Self { cluster, notes, client, certificate, ca, leaving, place }
    }

    async fn get(&self, who: &str, target: &str) -> Reply {
        self.ask("GET", who, target).await
    }

    async fn ask(&self, method: &str, who: &str, target: &str) -> Reply {
        let authorization = format!("authorization: Bearer {who}-token\r\n");
        self.client.ask(method, target, &authorization, b"").await
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.leaving.cancel();
    }
}

fn event(namespace: &str, mark: &str, nth: u64, at: Timestamp) -> String {
    json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": format!("{mark}-{nth}"),
        "stage": "ResponseComplete", "requestURI": format!("/api/v1/namespaces/{namespace}/pods/{mark}"),
        "verb": if nth.is_multiple_of(2) { "get" } else { "create" },
        "user": {"username": format!("{mark}-user"), "groups": ["system:authenticated"]},
        "objectRef": {"resource": "pods", "namespace": namespace, "name": format!("{mark}-pod"), "apiVersion": "v1"},
        "responseStatus": {"code": 200}, "userAgent": "kubectl/v1.36.3 ".repeat(60),
        "requestReceivedTimestamp": format!("{at:.6}"), "stageTimestamp": format!("{at:.6}"),
    })
    .to_string()
}

/// Sealed in segments of some records each, so that answers go over their bounds.
async fn written(place: &Path, many: u64) -> Store {
    let start: Timestamp = START.parse().unwrap();
    let log = place.join("log");
    std::fs::create_dir(&log).unwrap();
    let store = snc_auditlog::open(log.to_str().unwrap(), &Options::default()).unwrap().store;
    let keys = Keys::open(&place.join("keys"), Algorithm::Es256, start).unwrap();
    let mut writer = Writer::open(store.clone(), keys).await.unwrap();
    let until = start + Duration::from_secs(184 * 86_400);
    for (partition, namespaces) in PARTITIONS {
        let partition: Partition = partition.parse().unwrap();
        let mut records = Vec::new();
        for nth in 0..many {
            for (namespace, mark) in namespaces {
                let position = records.len() as u64 + 1;
                let at = start + Duration::from_secs(position);
                records.push(NewRecord {
                    position,
                    received: at,
                    source: Source::Webhook,
                    server: "cp-1".to_owned(),
                    why: "ObjectNamespace".to_owned(),
                    raw: event(namespace, mark, nth, at),
                });
            }
        }
        let each = records.len().div_ceil(3);
        for part in records.chunks(each) {
            writer.seal(&partition, part.to_vec(), until, start).await.unwrap();
        }
    }
    writer.head(start).await.unwrap();
    store
}

/// A new pair in the directory; its authority, in PEM.
fn certificates(directory: &Path) -> String {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![NAME.to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
    std::fs::create_dir_all(directory).unwrap();
    std::fs::write(directory.join("tls.crt"), leaf.pem()).unwrap();
    std::fs::write(directory.join("tls.key"), key.serialize_pem()).unwrap();
    ca.pem()
}

/// Every mark that the texts of one of the partitions have.
fn marks_in(text: &str) -> Vec<&'static str> {
    let mut all = vec!["MARK-SERVER"];
    all.extend(PARTITIONS.iter().flat_map(|(_, namespaces)| namespaces.iter().map(|(_, mark)| *mark)));
    all.into_iter().filter(|mark| text.contains(mark)).collect()
}

fn error(reply: &Reply) -> Value {
    let error = reply.json()["error"].clone();
    assert!(error["fr"].is_string() && error["en"].is_string(), "{}", reply.text());
    error
}

/// What a test waits for has its time on a machine where others work as well.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..1500 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what}: not within 30 s");
}
