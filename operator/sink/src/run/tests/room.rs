//! A place with everything that a sink is set up with, and whoever sends events there.

use crate::settings::{Location, Settings};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use object_store::local::LocalFileSystem;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use snc_audit::canonical::{self, Hash};
use snc_auditlog::{Check, Query, Reader, Source, verify};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const SUBJECT: &str = "kube-apiserver-un";

/// Certificates of a sink and of its one client.
pub(super) struct Room {
    pub(super) path: PathBuf,
}

impl Room {
    pub(super) fn new(path: &Path) -> Self {
        let mut authority = CertificateParams::new(Vec::<String>::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let pair = |directory: &str, names: Vec<String>, common: &str| {
            let directory = path.join(directory);
            fs::create_dir_all(&directory).unwrap();
            let key = KeyPair::generate().unwrap();
            let mut parameters = CertificateParams::new(names).unwrap();
            parameters.distinguished_name.push(DnType::CommonName, common);
            let certificate = parameters.signed_by(&key, &authority).unwrap();
            fs::write(directory.join("tls.crt"), certificate.pem()).unwrap();
            fs::write(directory.join("tls.key"), key.serialize_pem()).unwrap();
        };
        pair("intake-tls", vec!["127.0.0.1".into()], "sink");
        pair("serve-tls", vec!["127.0.0.1".into()], "sink");
        pair("client-tls", vec![], SUBJECT);
        fs::write(path.join("ca.crt"), authority.pem()).unwrap();
        Self { path: path.to_owned() }
    }

    /// The same one, for another process.
    pub(super) fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    pub(super) fn settings(&self) -> Settings {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let settings = Settings::new(self.path.join("data"));
        let sealing = crate::keep::Sealing {
            records: 400,
            age: Duration::from_secs(1),
            settle: Duration::from_millis(50),
            head_least: Duration::ZERO,
            ..settings.sealing
        };
        Settings {
            store: Location { url: self.path.join("store").display().to_string(), ..Location::default() },
            intake_listen: any,
            serve_listen: any,
            listen: any,
            intake_tls_dir: self.path.join("intake-tls"),
            serve_tls_dir: self.path.join("serve-tls"),
            client_ca: self.path.join("ca.crt"),
            clients: vec![("un".into(), SUBJECT.into())],
            sealing,
            reserve_bytes: 1 << 20,
            shutdown: Duration::from_secs(20),
            ..settings
        }
    }

    pub(super) fn client(&self) -> Http {
        let mut roots = RootCertStore::empty();
        let pem = fs::read(self.path.join("ca.crt")).unwrap();
        roots.add(CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
        let read = |file: &str| fs::read(self.path.join("client-tls").join(file)).unwrap();
        let certificate = CertificateDer::from_pem_slice(&read("tls.crt")).unwrap();
        let key = PrivateKeyDer::from_pem_slice(&read("tls.key")).unwrap();
        let provider = Arc::new(crate::intake::tls::provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![certificate], key)
            .unwrap();
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        let https = HttpsConnectorBuilder::new().with_tls_config(config).https_only().enable_http1();
        Http(Client::builder(TokioExecutor::new()).build(https.wrap_connector(tcp)))
    }

    fn local(&self) -> snc_auditlog::Store {
        Arc::new(LocalFileSystem::new_with_prefix(self.path.join("store")).unwrap())
    }

    /// Every record of an API server, by the hash of its event: in which partitions it is.
    pub(super) async fn stored(&self) -> BTreeMap<Hash, Vec<String>> {
        let mut all: BTreeMap<Hash, Vec<String>> = BTreeMap::new();
        for (partition, source, event) in self.records().await {
            if source != Source::Sink {
                all.entry(canonical::hash(&event).unwrap()).or_default().push(partition);
            }
        }
        all
    }

    pub(super) async fn records(&self) -> Vec<(String, Source, String)> {
        let reader = Reader::open(self.local(), None).await.unwrap();
        let mut all = Vec::new();
        for entry in fs::read_dir(self.path.join("store")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let Ok(partition) = name.parse() else { continue };
            let mut query = Query { limit: Query::MOST, ..Query::of(partition) };
            loop {
                let page = reader.query(&query).await.unwrap();
                assert!(page.findings.is_empty(), "{:?}", page.findings);
                let records = page.records.into_iter();
                all.extend(records.map(|record| (name.clone(), record.source, record.event)));
                let Some(next) = page.next else { break };
                query.cursor = Some(next);
            }
        }
        all
    }

    /// What was sent is stored, each once and in one partition, and nothing else of an API server.
    pub(super) async fn assert_whole(&self, sent: &[String]) {
        let stored = self.stored().await;
        let sent: BTreeSet<Hash> = sent.iter().map(|raw| canonical::hash(raw).unwrap()).collect();
        let missing = sent.iter().filter(|hash| !stored.contains_key(*hash)).count();
        let twice: Vec<_> = stored.values().filter(|partitions| partitions.len() > 1).collect();
        let foreign = stored.keys().filter(|hash| !sent.contains(*hash)).count();
        assert_eq!((missing, twice.len(), foreign), (0, 0, 0), "of {}: {twice:?}", sent.len());
        let check = Check { anchors: vec![], trusted: None, now: Timestamp::now() };
        let report = verify(&self.local(), &check).await.unwrap();
        assert!(report.findings.is_empty(), "{:?}", report.findings);
    }
}

pub(super) struct Http(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Http {
    pub(super) async fn ask(&self, request: Request<Full<Bytes>>) -> Option<(StatusCode, Bytes)> {
        let answer =
            tokio::time::timeout(Duration::from_secs(20), self.0.request(request)).await.ok()?.ok()?;
        let status = answer.status();
        Some((status, answer.into_body().collect().await.ok()?.to_bytes()))
    }

    /// As an API server does.
    pub(super) async fn post(&self, intake: SocketAddr, events: &[String]) -> Option<StatusCode> {
        let items = events.join(",");
        let body = format!(r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{items}]}}"#);
        let request = Request::post(format!("https://{intake}/v1/webhook")).body(body.into()).unwrap();
        self.ask(request).await.map(|(status, _)| status)
    }

    pub(super) async fn get(&self, serve: SocketAddr, path: &str, token: &str) -> (StatusCode, String) {
        let request =
            Request::get(format!("https://{serve}{path}")).header("authorization", format!("Bearer {token}"));
        let (status, body) = self.ask(request.body(Bytes::new().into()).unwrap()).await.expect("an answer");
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}

pub(super) fn events(from: u64, many: u64) -> Vec<String> {
    let of = |nth: u64| {
        let namespace = ["shop", "cart", "tools", "kube-system"][usize::try_from(nth % 4).unwrap()];
        let at = Timestamp::now().to_string();
        json!({
            "level": "Metadata", "auditID": format!("{nth:08}-{at}"), "stage": "ResponseComplete", "verb": "get",
            "requestURI": format!("/api/v1/namespaces/{namespace}/configmaps/c-{nth}"),
            "user": {"username": "system:serviceaccount:kube-system:x", "groups": ["system:serviceaccounts"]},
            "objectRef": {"resource": "configmaps", "namespace": namespace, "name": format!("c-{nth}")},
            "responseStatus": {"code": 200}, "requestReceivedTimestamp": at, "stageTimestamp": at,
        })
        .to_string()
    };
    (from..from + many).map(of).collect()
}

/// A line of the log file: the same event with its kind.
pub(super) fn line(event: &str) -> String {
    format!(r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1",{}"#, &event[1..])
}
