//! From API servers to the store, and what is told on the way.

use super::fake::Fake;
use super::room::{Http, Room, events, line};
use crate::run::Sink;
use crate::settings::Settings;
use crate::status::{SourceKind, SourceState, Status};
use http::StatusCode;
use jiff::Timestamp;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(super) struct Running {
    pub(super) sink: crate::run::Addresses,
    pub(super) cluster: Arc<Fake>,
    cancel: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    pub(super) async fn start(settings: Settings) -> Self {
        let (cluster, cancel) = (Arc::new(Fake::new()), CancellationToken::new());
        let sink = Sink::start(settings, cluster.clone(), &cancel).await.unwrap();
        let addresses = sink.addresses;
        Self { sink: addresses, cluster, task: tokio::spawn(sink.until(cancel.clone())), cancel }
    }

    pub(super) async fn stop(self) {
        self.cancel.cancel();
        self.task.await.unwrap().unwrap();
    }

    pub(super) async fn metrics(&self) -> String {
        let health = self.sink.health;
        tokio::task::spawn_blocking(move || plain(health, "/metrics")).await.unwrap()
    }

    /// The last status, once it is so.
    pub(super) async fn reported(&self, is_so: impl Fn(&Status) -> bool) -> Status {
        for _ in 0..400 {
            let last = self.cluster.reported.lock().unwrap().last().cloned();
            if let Some(last) = last.filter(|last| is_so(last)) {
                return last;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{:?}", self.cluster.reported.lock().unwrap().last());
    }

    pub(super) async fn until(&self, metric: &str) {
        for _ in 0..600 {
            if self.metrics().await.lines().any(|line| line == metric) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no {metric} in\n{}", self.metrics().await);
    }
}

fn plain(address: SocketAddr, path: &str) -> String {
    use std::io::Read as _;
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// As the API server turns its log over: the file gets another name, and a new one takes its place.
fn rotate(log: &Path) {
    let at = Timestamp::now().strftime("%Y-%m-%dT%H-%M-%S%.3f").to_string();
    let to = log.with_file_name(format!("audit-{at}.log"));
    fs::rename(log, to).unwrap();
    File::create(log).unwrap();
}

fn append(log: &Path, events: &[String]) {
    let mut file = OpenOptions::new().create(true).append(true).open(log).unwrap();
    for event in events {
        writeln!(file, "{}", line(event)).unwrap();
    }
}

async fn posted(http: &Http, to: SocketAddr, events: &[String]) {
    assert_eq!(http.post(to, events).await, Some(StatusCode::OK));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_ways_of_one_server_make_each_event_one_record() {
    let place = TempDir::new().unwrap();
    let room = Room::new(place.path());
    let log = place.path().join("logs/audit.log");
    fs::create_dir_all(log.parent().unwrap()).unwrap();
    File::create(&log).unwrap();
    let settings = Settings { tails: vec![(log.clone(), "un".into())], ..room.settings() };
    let running = Running::start(settings).await;
    let http = room.client();
    let mut sent = Vec::new();
    for part in 0..8 {
        let all = events(part * 100, 100);
        // The file has everything, the webhook most of it, some of it twice.
        append(&log, &all);
        posted(&http, running.sink.intake, &all[..80]).await;
        posted(&http, running.sink.intake, &all[70..85]).await;
        sent.extend(all);
        if part % 2 == 1 {
            rotate(&log);
        }
        tokio::time::sleep(Duration::from_millis(120)).await;
    }
    running.until("snc_audit_unsealed_records 0").await;
    let text = running.metrics().await;
    assert!(text.contains("snc_audit_cluster_synced 1"), "{text}");
    assert!(text.contains(r#"snc_audit_free_bytes{volume="store"}"#));
    let status =
        running.reported(|status| status.observed_generation == 1 && status.sources.len() == 2).await;
    assert_eq!(
        status.sources.iter().map(|one| (one.kind, one.state)).collect::<Vec<_>>(),
        [(SourceKind::Webhook, SourceState::Receiving), (SourceKind::File, SourceState::Receiving)]
    );
    assert_eq!(status.gaps.open, 0, "{:?}", status.gaps);
    running.stop().await;
    room.assert_whole(&sent).await;
    let stored = room.stored().await;
    let of = |partition: &str| stored.values().filter(|of| of[0] == partition).count();
    assert_eq!((of("tenant.bleu"), of("tenant.vert"), of("platform")), (200, 200, 400));

    // It goes on where it was.
    let settings = Settings { tails: vec![(log.clone(), "un".into())], ..room.settings() };
    let running = Running::start(settings).await;
    let more = events(800, 50);
    append(&log, &more);
    posted(&http, running.sink.intake, &sent[700..]).await;
    sent.extend(more);
    tokio::time::sleep(Duration::from_secs(1)).await;
    running.until("snc_audit_unsealed_records 0").await;
    running.stop().await;
    room.assert_whole(&sent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_there_is_no_room_nothing_is_acknowledged_until_there_is() {
    let place = TempDir::new().unwrap();
    let room = Room::new(place.path());
    // The store cannot be opened: where it should be is a file.
    fs::write(place.path().join("store"), "").unwrap();
    let settings = Settings { journal_bytes: 1 << 20, patience: Duration::from_secs(1), ..room.settings() };
    let running = Running::start(settings).await;
    let (http, mut sent, mut refused, mut from) = (room.client(), Vec::new(), Vec::new(), 0);
    while refused.len() < 3 {
        let all = events(from, 200);
        from += 200;
        match http.post(running.sink.intake, &all).await.unwrap() {
            StatusCode::OK => sent.extend(all),
            StatusCode::INTERNAL_SERVER_ERROR => refused.push(all),
            other => panic!("{other}"),
        }
        assert!(from < 100_000, "never full");
    }
    assert!(!sent.is_empty());
    running.until("snc_audit_journal_refusing 1").await;
    // Longer than the API server tries again: what it gave up is missing, and that is told.
    running.until(r#"snc_audit_gaps_open{cause="DiskFull",source="webhook"} 1"#).await;

    fs::remove_file(place.path().join("store")).unwrap();
    let mut again = refused.into_iter();
    let mut next = again.next();
    for _ in 0..600 {
        let Some(all) = &next else { break };
        if http.post(running.sink.intake, all).await == Some(StatusCode::OK) {
            sent.extend(next.take().unwrap());
            next = again.next();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(next.is_none(), "it did not recover");
    running.until("snc_audit_journal_refusing 0").await;
    running.stop().await;
    room.assert_whole(&sent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_directory_has_one_sink() {
    let place = TempDir::new().unwrap();
    let room = Room::new(place.path());
    let running = Running::start(room.settings()).await;
    let cluster = Arc::new(Fake::new());
    let second = Sink::start(room.settings(), cluster.clone(), &CancellationToken::new()).await;
    assert!(second.is_err_and(|error| error.to_string().contains("another sink")));
    running.stop().await;
    let wrong = Settings { clients: vec![], ..room.settings() };
    let refused = Sink::start(wrong, cluster, &CancellationToken::new()).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("--client")));
}
