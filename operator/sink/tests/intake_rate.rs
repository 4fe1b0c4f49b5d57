//! How many events a second are taken, and what one costs: over TLS, with every append on disk before it is
//! acknowledged. The sink is a process of its own, so that its cost is its own.
//!
//! `cargo test -p snc-sink --release --test intake_rate -- --ignored --nocapture`

#![allow(clippy::unwrap_used)]

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use snc_sink::gaps::{self, Gaps};
use snc_sink::intake::tls::Reload;
use snc_sink::intake::{Clients, Drain, Intake, Limits, Server};
use snc_sink::journal::{Borrowed, Journal, Options, Os, ServerName};
use snc_sink::metrics::Metrics;
use snc_sink::seen::{self, Seen};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

const PLACE: &str = "SNC_SINK_RATE_IN";
const TEST: &str = "events_a_second";
const CONNECTIONS: u64 = 4;
/// As many as an API server puts into one request.
const EVENTS: u64 = 400;
const SECONDS: u64 = 10;

fn server() -> ServerName {
    ServerName::new("cp-1").unwrap()
}

/// As API servers write them; the number is 12 digits, twice.
fn event(nth: u64) -> String {
    let agent = "kube-controller-manager/v1.34.1 (linux/amd64) kubernetes/93248f9/system:serviceaccount:kube-system:replicaset-controller";
    let annotations: Vec<String> = (0..5)
        .map(|nth| format!(r#""pod-security.kubernetes.io/enforce-policy-{nth}":"restricted:latest, as of its namespace""#))
        .collect();
    format!(
        r#"{{"level":"Metadata","auditID":"7f9c2d3e-1a4b-4c5d-8e6f-{nth:012}","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/shop-production/pods/checkout-{nth:012}/status?fieldManager=kubelet","verb":"patch","user":{{"username":"system:serviceaccount:kube-system:replicaset-controller","uid":"3b1f0a52-6f0c-4a55-9d7e-2d0c5f1e8a90","groups":["system:serviceaccounts","system:serviceaccounts:kube-system","system:authenticated"],"extra":{{"authentication.kubernetes.io/credential-id":["JTI=5a0e9d0c-7d40-4a1b-a0c7-0c3b9e1b2f11"]}}}},"sourceIPs":["10.0.12.34"],"userAgent":"{agent}","objectRef":{{"resource":"pods","namespace":"shop-production","name":"checkout","uid":"0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9","apiVersion":"v1","resourceVersion":"123456789","subresource":"status"}},"responseStatus":{{"metadata":{{}},"code":200}},"requestReceivedTimestamp":"2026-01-02T03:04:05.678901Z","stageTimestamp":"2026-01-02T{}Z","annotations":{{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":"RBAC: allowed by ClusterRoleBinding \"system:controller:replicaset-controller\" of ClusterRole \"system:controller:replicaset-controller\" to ServiceAccount \"replicaset-controller/kube-system\"",{}}}}}"#,
        time(nth),
        annotations.join(",")
    )
}

/// Of the day; in 15 characters.
fn time(nth: u64) -> String {
    let micros = nth % 1_000_000_000 * 50;
    let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
    format!("{:02}:{:02}:{:02}.{micros:06}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn certificates(place: &Path) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    for (directory, common) in [("sink", "sink"), ("client", "apiserver")] {
        let (key, place) = (KeyPair::generate().unwrap(), place.join(directory));
        let mut params = CertificateParams::new(vec!["sink.test".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, common);
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("tls.crt"), params.signed_by(&key, &ca).unwrap().pem()).unwrap();
        fs::write(place.join("tls.key"), key.serialize_pem()).unwrap();
        fs::write(place.join("ca.crt"), ca.pem()).unwrap();
    }
}

async fn sink(place: &Path) {
    let seen = Arc::new(Seen::new(seen::Options::default()));
    let options = Options { readers: vec!["sealer".to_owned()], ..Options::default() };
    let visit = |entry: &Borrowed<'_>| seen.remember(entry);
    let (journal, _) = Journal::open_on(Arc::new(Os), &place.join("journal"), options, visit).unwrap();
    seen.begin(journal.horizon(), vec![Arc::new(journal.clone())]);
    let (path, options, none) = (place.join("gaps.state"), gaps::Options::default(), BTreeMap::new());
    let gaps = Gaps::open(Arc::new(Os), &path, options, &[server()], &none, Timestamp::now()).unwrap();
    let metrics = Arc::new(Metrics::complete().unwrap());
    let intake = Intake::new(journal.clone(), seen, Arc::new(gaps), metrics, Box::new(|_, _| {}));
    let tls = Reload::server(&place.join("sink"), &place.join("sink/ca.crt"));
    let clients = Clients::new([("apiserver".to_owned(), server())]);
    let leaving = CancellationToken::new();
    let server = Server::new(Arc::new(intake), clients, Arc::new(tls), Limits::default(), leaving);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("\nport {}", listener.local_addr().unwrap().port());
    // As if it were sealed: the disk is not to be filled.
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            journal.release("sealer", journal.last_position()).unwrap();
        }
    });
    Arc::new(server).serve(listener, Drain { rest: Duration::from_secs(1) }).await;
}

/// Microseconds of CPU, and KiB of memory now and at most.
fn used(pid: u32) -> (u64, u64, u64) {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let of = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    (ticks * 10_000, of("VmRSS:"), of("VmHWM:"))
}

async fn client(place: &Path, port: u16, nth: u64, until: Instant) -> Vec<Duration> {
    let config = Reload::client(&place.join("client")).current().unwrap();
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let name = rustls::pki_types::ServerName::try_from("sink.test").unwrap();
    let stream = TlsConnector::from(config).connect(name, stream).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let (mut took, mut next) = (Vec::new(), nth * 1_000_000_000);
    // Numbers are written over the ones before: making the events is not what is measured.
    let items: Vec<String> = (0..EVENTS).map(event).collect();
    let mut body = format!(
        r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{{}},"items":[{}]}}"#,
        items.join(",")
    )
    .into_bytes();
    let places: Vec<Vec<usize>> = (0..EVENTS)
        .map(|nth| {
            let digits = format!("{nth:012}");
            let found = body.windows(12).enumerate().filter(|(_, window)| *window == digits.as_bytes());
            found.map(|(at, _)| at).collect()
        })
        .collect();
    let stamp = br#""stageTimestamp":"2026-01-02T"#;
    let stamps: Vec<usize> = body
        .windows(stamp.len())
        .enumerate()
        .filter(|(_, window)| *window == stamp)
        .map(|(at, _)| at + stamp.len())
        .collect();
    while Instant::now() < until {
        for (places, stamp) in places.iter().zip(&stamps) {
            let digits = format!("{next:012}");
            body[*stamp..*stamp + 15].copy_from_slice(time(next).as_bytes());
            next += 1;
            for at in places {
                body[*at..*at + 12].copy_from_slice(digits.as_bytes());
            }
        }
        let request = http::Request::post("/v1/webhook").header("host", "sink.test");
        let request = request.body(Full::new(Bytes::copy_from_slice(&body))).unwrap();
        sender.ready().await.unwrap();
        let began = Instant::now();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        let said = answer.into_body().collect().await.unwrap().to_bytes();
        took.push(began.elapsed());
        assert_eq!(said, format!(r#"{{"duplicates":0,"stored":{EVENTS}}}"#));
    }
    took
}

#[test]
#[ignore = "a measurement of ten seconds and more"]
fn events_a_second() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    if let Some(place) = env::var_os(PLACE) {
        return runtime.block_on(sink(Path::new(&place)));
    }
    let place = TempDir::new().unwrap();
    certificates(place.path());
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture", "--ignored"])
        .env(PLACE, place.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let port = lines.find_map(|line| line.unwrap().strip_prefix("port ")?.parse().ok()).unwrap();
    let before = used(child.id());
    let began = Instant::now();
    let until = began + Duration::from_secs(SECONDS);
    let mut took: Vec<Duration> = runtime.block_on(async {
        let clients = (0..CONNECTIONS).map(|nth| client(place.path(), port, nth, until));
        futures::future::join_all(clients).await.concat()
    });
    let (elapsed, after) = (began.elapsed(), used(child.id()));
    child.kill().unwrap();
    child.wait().unwrap();
    took.sort_unstable();
    #[allow(clippy::cast_precision_loss)]
    let (events, seconds) = ((took.len() as u64 * EVENTS) as f64, elapsed.as_secs_f64());
    #[allow(clippy::cast_precision_loss)]
    let cpu = (after.0 - before.0) as f64;
    println!(
        "{:.0} events/s of {} bytes; {:.1} µs of CPU each ({:.0} % of one); acknowledged p50 {:?}, p99 {:?}; {} MiB, {} at most",
        events / seconds,
        event(0).len(),
        cpu / events,
        cpu / 10_000.0 / seconds,
        took[took.len() / 2],
        took[took.len() * 99 / 100],
        after.1 >> 10,
        after.2 >> 10,
    );
    assert!(events / seconds > 1000.0);
}
