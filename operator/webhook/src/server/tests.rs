use super::*;
use crate::decision::Decision;
use crate::review::{API_VERSION, Answer, MOST};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Refuses what is called `bad`, fails on `bug`, and takes its time over `slow`.
struct Simple {
    synced: AtomicBool,
}

impl Mind for Simple {
    fn decide(&self, request: Request, strict: bool, _: Option<&Signatures>) -> Decision {
        let answer = match request.name.as_str() {
            "bad" if strict => Answer::refused(403, "bad"),
            "bad" => Answer::warned("bad"),
            #[allow(clippy::panic)]
            "bug" => panic!("on purpose"),
            "slow" => {
                std::thread::sleep(Duration::from_millis(300));
                Answer::default()
            }
            _ => Answer::default(),
        };
        Decision { answer, counted: Vec::new() }
    }

    fn is_synced(&self) -> bool {
        self.synced.load(Ordering::Relaxed)
    }

    fn ages(&self) -> Vec<(&'static str, Option<Duration>)> {
        vec![("pods", Some(Duration::from_secs(1)))]
    }
}

struct Scene {
    server: Arc<Server>,
    mind: Arc<Simple>,
    address: SocketAddr,
    health: SocketAddr,
    connector: TlsConnector,
    leaving: CancellationToken,
    running: tokio::task::JoinHandle<Result<(), rustls::Error>>,
    _place: TempDir,
}

impl Scene {
    async fn new() -> Self {
        let place = TempDir::new().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf =
            CertificateParams::new(vec!["webhook.test".to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
        for (name, text) in [("tls.crt", leaf.pem()), ("tls.key", key.serialize_pem()), ("ca.crt", ca.pem())]
        {
            fs::write(place.path().join(name), text).unwrap();
        }
        let metrics = Arc::new(Metrics::new(std::iter::empty()).unwrap());
        let name = ServerName::try_from("webhook.test").unwrap();
        let certificate = Arc::new(Certificate::new(place.path().to_owned(), name, metrics.clone()));
        certificate.look(UnixTime::now());
        let (mind, leaving) = (Arc::new(Simple { synced: AtomicBool::new(true) }), CancellationToken::new());
        let server = Arc::new(Server::new(mind.clone(), certificate, metrics, leaving.clone()));
        let (tls, plain) = (
            TcpListener::bind("127.0.0.1:0").await.unwrap(),
            TcpListener::bind("127.0.0.1:0").await.unwrap(),
        );
        let (address, health) = (tls.local_addr().unwrap(), plain.local_addr().unwrap());
        let drain = Drain { unready: Duration::from_millis(200), rest: Duration::from_secs(5) };
        let running = tokio::spawn(server.clone().serve(tls, drain));
        tokio::spawn(serve_health(plain, server.clone()));
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca.pem().as_bytes()).unwrap()).unwrap();
        let client = ClientConfig::builder_with_provider(Arc::new(config::provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = TlsConnector::from(Arc::new(client));
        Self { server, mind, address, health, connector, leaving, running, _place: place }
    }

    async fn post(&self, path: &str, body: &[u8]) -> (u16, Value) {
        let mut stream = self.connect().await;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: webhook.test\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // A server that has seen enough may close.
        let _ = stream.write_all(body).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        split(&answer)
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        self.connector.connect(ServerName::try_from("webhook.test").unwrap(), stream).await.unwrap()
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.health).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }
}

/// Asks as the API server does, which keeps its connection; gives the answer with its head.
async fn ask_and_keep(stream: &mut TlsStream<TcpStream>, body: &[u8]) -> String {
    let head =
        format!("POST /enforce HTTP/1.1\r\nhost: webhook.test\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    let (mut answer, mut piece) = (String::new(), [0; 4096]);
    while !answer.ends_with('}') {
        let length = stream.read(&mut piece).await.unwrap();
        assert!(length > 0, "{answer}");
        answer.push_str(std::str::from_utf8(&piece[..length]).unwrap());
    }
    answer
}

fn split(answer: &[u8]) -> (u16, Value) {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
}

fn review(name: &str, filler: usize) -> Vec<u8> {
    let object = json!({"metadata": {"name": name, "annotations": {"filler": "x".repeat(filler)}}});
    let request = json!({"uid": "u-1", "kind": {"version": "v1", "kind": "Pod"}, "name": name, "namespace": "shop",
        "operation": "CREATE", "object": object});
    // In the order in which the API server writes.
    let rest = request.to_string();
    let rest = rest.trim_start_matches('{').replace(r#","uid":"u-1""#, "");
    format!(r#"{{"kind":"AdmissionReview","apiVersion":"{API_VERSION}","request":{{"uid":"u-1",{rest}}}"#)
        .into_bytes()
}

#[tokio::test]
async fn reviews_are_answered_and_what_is_none_is_told_so() {
    let scene = Scene::new().await;
    let (code, answer) = scene.post("/enforce", &review("fine", 0)).await;
    assert_eq!(
        (code, &answer["response"]["allowed"], &answer["response"]["uid"]),
        (200, &json!(true), &json!("u-1"))
    );
    let (code, answer) = scene.post("/enforce", &review("bad", 0)).await;
    assert_eq!((code, &answer["response"]["status"]["message"]), (200, &json!("bad")));
    let (_, answer) = scene.post("/advise", &review("bad", 0)).await;
    assert_eq!(answer["response"]["warnings"], json!(["bad"]));
    let (code, answer) = scene.post("/enforce", b"{}").await;
    assert_eq!((code, &answer["kind"]), (400, &json!("Status")));
    let (code, answer) = scene.post("/elsewhere", b"{}").await;
    assert_eq!((code, &answer["kind"]), (404, &json!("Status")));
    let metrics = scene.get("/metrics").await.1;
    for (result, count) in [("allowed", 1), ("refused", 1), ("warned", 1), ("malformed", 1)] {
        let line = format!("snc_webhook_requests_total{{result=\"{result}\"}} {count}");
        assert!(metrics.contains(&line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn what_is_too_large_is_refused_as_a_review() {
    let scene = Scene::new().await;
    let (code, answer) = scene.post("/enforce", &review("fine", 1024 * 1024)).await;
    assert_eq!((code, &answer["response"]["allowed"]), (200, &json!(true)));
    let (code, answer) = scene.post("/enforce", &review("fine", MOST)).await;
    assert_eq!((code, &answer["response"]["status"]["code"]), (200, &json!(413)), "{answer}");
    assert_eq!((&answer["response"]["allowed"], &answer["response"]["uid"]), (&json!(false), &json!("u-1")));
}

#[tokio::test]
async fn a_mistake_of_ours_is_an_answer_too() {
    let scene = Scene::new().await;
    let (code, answer) = scene.post("/enforce", &review("bug", 0)).await;
    assert_eq!((code, &answer["response"]["allowed"]), (200, &json!(false)));
    let (_, answer) = scene.post("/advise", &review("bug", 0)).await;
    assert_eq!(answer["response"]["allowed"], true);
    assert!(answer["response"]["warnings"][0].as_str().unwrap().contains("deciding failed"));
    let (_, answer) = scene.post("/enforce", &review("fine", 0)).await;
    assert_eq!(answer["response"]["allowed"], true, "and the next one is decided");
}

#[tokio::test]
async fn too_many_at_once_are_told_to_come_again() {
    let scene = Scene::new().await;
    let all = scene.server.places.acquire_many(u32::try_from(IN_FLIGHT).unwrap()).await.unwrap();
    let (code, answer) = scene.post("/enforce", &review("fine", 0)).await;
    assert_eq!(
        (code, &answer["kind"], &answer["reason"]),
        (429, &json!("Status"), &json!("TooManyRequests"))
    );
    drop(all);
    assert_eq!(scene.post("/enforce", &review("fine", 0)).await.0, 200);
    assert!(scene.get("/metrics").await.1.contains("snc_webhook_requests_total{result=\"shed\"} 1"));
}

#[tokio::test]
async fn it_is_ready_when_it_knows_and_is_trusted_and_not_on_its_way_out() {
    let scene = Scene::new().await;
    assert_eq!(scene.get("/readyz").await.0, 200);
    scene.mind.synced.store(false, Ordering::Relaxed);
    assert_eq!(scene.get("/readyz").await.0, 503);
    assert_eq!(scene.get("/livez").await.0, 200);
    scene.mind.synced.store(true, Ordering::Relaxed);
    scene.leaving.cancel();
    let (code, detail) = scene.get("/readyz").await;
    assert_eq!(code, 503);
    assert!(detail.contains("leaving"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_under_way_is_answered_before_it_leaves() {
    let scene = Scene::new().await;
    let body = review("slow", 0);
    let (answered, ()) = tokio::join!(scene.post("/enforce", &body), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        scene.leaving.cancel();
    });
    assert_eq!((answered.0, &answered.1["response"]["allowed"]), (200, &json!(true)));
    timeout(Duration::from_secs(5), scene.running).await.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(scene.address).await.is_err());
}

#[tokio::test]
async fn who_keeps_a_connection_is_told_to_open_no_request_on_it_when_it_leaves() {
    let scene = Scene::new().await;
    let (mut stream, body) = (scene.connect().await, review("kept", 0));
    assert!(!ask_and_keep(&mut stream, &body).await.contains("connection: close"));
    scene.leaving.cancel();
    let last = ask_and_keep(&mut stream, &body).await;
    assert!(last.starts_with("HTTP/1.1 200") && last.contains("connection: close"), "{last}");
    assert_eq!(stream.read_to_end(&mut Vec::new()).await.unwrap(), 0);
}
