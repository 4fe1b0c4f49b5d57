//! What the audit log costs: events of a real API server, sent again by mutual TLS as its webhook sends them.

use crate::lab::{Usage, usage_of};
use crate::report::Report;
use anyhow::{Context, Result, anyhow, bail, ensure};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use snc_e2e::api::{Api, Ask};
use snc_e2e::authority::{Authority, Pair};
use snc_e2e::http;
use snc_e2e::wait::within;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;
use xtask::harness::{Builder, Toolchain, User, free_ports, workspace};

const SCENARIO: &str = "audit-log";
/// As the API server's webhook has it by default.
const BATCH: usize = 400;
const CONNECTIONS: usize = 8;
const CLIENTS: usize = 16;
/// Stands in an event for what is its own.
const PLACE: &str = "\u{2603}";

pub fn measure(events: usize, requests: usize, report: &mut Report) -> Result<()> {
    Report::heading(&format!("audit log: {events} events in batches of {BATCH}, {CONNECTIONS} connections"));
    let place = TempDir::new()?;
    let (lines, rate) = produced(place.path(), requests)?;
    let mean = lines.iter().map(String::len).sum::<usize>() / lines.len().max(1);
    report.line(SCENARIO, "an event, mean", mean, "bytes");
    report.line(SCENARIO, "this API server writes", rate, "events/s");

    let authority = Authority::new(&place.path().join("authority"))?;
    authority.server("sink")?;
    let client = authority.client("kube-apiserver-1")?;
    let sink = Sink::start(place.path(), &authority)?;
    let before = sink.usage()?;
    let progress = Sent::default();
    let began = Instant::now();
    let mut latencies =
        Runtime::new()?.block_on(send(&sink, &authority, &client, &lines, events, &progress))?;
    let took = began.elapsed().as_secs_f64();
    let after = sink.usage()?;
    let (count, raw) = (progress.events.load(Ordering::Relaxed), progress.bytes.load(Ordering::Relaxed));
    let per_second = f64::from(u32::try_from(count)?) / took;
    report.line(SCENARIO, "acknowledged, on disk", per_second, "events/s");
    report.line(SCENARIO, "acknowledged / written by this API server", per_second / rate, "");
    report.line(
        SCENARIO,
        "CPU while it was sent",
        (after.cpu - before.cpu) * 1e6 / f64::from(u32::try_from(count)?),
        "µs/event",
    );
    latencies.sort_unstable_by(f64::total_cmp);
    for (name, share) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)] {
        report.line(
            SCENARIO,
            &format!("acknowledgement of a batch, {name}"),
            at(&latencies, share) * 1000.0,
            "ms",
        );
    }
    within(Duration::from_secs(180), "everything to be sealed", || {
        let sealed = sink.metric("snc_audit_records_total")?;
        ensure!(sealed >= f64::from(u32::try_from(count)?), "{sealed} of {count}");
        Ok(())
    })?;
    let end = sink.usage()?;
    report.line(
        SCENARIO,
        "CPU with sealing",
        (end.cpu - before.cpu) * 1e6 / f64::from(u32::try_from(count)?),
        "µs/event",
    );
    let stored = size(&sink.data.join("store"))?;
    #[allow(clippy::cast_precision_loss)]
    report.line(SCENARIO, "stored / raw", stored as f64 / raw as f64, "");
    report.line(SCENARIO, "RSS before", before.rss_mib, "MiB");
    report.line(SCENARIO, "RSS after", end.rss_mib, "MiB");
    report.line(SCENARIO, "peak RSS", end.peak_mib, "MiB");
    Ok(())
}

fn at(sorted: &[f64], share: f64) -> f64 {
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let index = ((sorted.len() as f64 - 1.0) * share).round() as usize;
    sorted.get(index).copied().unwrap_or_default()
}

/// What a real API server writes to its log, under the product's own policy, and how fast at most.
fn produced(place: &Path, requests: usize) -> Result<(Vec<String>, f64)> {
    let policy = Command::new(workspace::binary("snc-operator")?).arg("audit-policy").output()?;
    ensure!(policy.status.success(), "{}", String::from_utf8_lossy(&policy.stderr));
    let (policy_file, log) = (place.join("policy.yaml"), place.join("audit.log"));
    fs::write(&policy_file, policy.stdout)?;
    let control = Builder::ephemeral("bench")?
        .api_server_arg(format!("--audit-policy-file={}", policy_file.display()))
        .api_server_arg(format!("--audit-log-path={}", log.display()))
        .start(&Toolchain::ensure()?)?;
    let runtime = Runtime::new()?;
    let admin = Api::new(runtime.handle(), &control.kubeconfig(User::Admin))?;
    let already = fs::read_to_string(&log)?.lines().count();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let admin = admin.clone();
            scope.spawn(move || {
                for turn in 0..requests / CLIENTS {
                    let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("b-{client}-{turn}")}});
                    let _ = admin.send(&Ask::create("/api/v1/namespaces/default/configmaps", body).dry_run());
                }
            });
        }
    });
    let took = began.elapsed().as_secs_f64();
    let lines: Vec<String> = fs::read_to_string(&log)?.lines().skip(already).map(ToOwned::to_owned).collect();
    ensure!(lines.len() >= requests / 2, "only {} events of {requests} requests", lines.len());
    control.stop()?;
    let rate = f64::from(u32::try_from(lines.len())?) / took;
    Ok((lines, rate))
}

#[derive(Default)]
struct Sent {
    events: AtomicUsize,
    bytes: AtomicUsize,
    turn: AtomicUsize,
}

async fn send(
    sink: &Sink,
    authority: &Authority,
    client: &Pair,
    lines: &[String],
    events: usize,
    sent: &Sent,
) -> Result<Vec<f64>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes())?)?;
    let chain = CertificateDer::pem_file_iter(&client.certificate)?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(&client.key)?;
    let config = ClientConfig::builder().with_root_certificates(roots).with_client_auth_cert(chain, key)?;
    let connector = TlsConnector::from(Arc::new(config));
    // Without what only a line of the file has, and with a place for another identity.
    let items = lines.iter().map(|line| item(line)).collect::<Result<Vec<_>>>()?;
    let connections = (0..CONNECTIONS).map(|_| one(&connector, sink.intake, &items, events, sent));
    Ok(futures::future::try_join_all(connections).await?.into_iter().flatten().collect())
}

async fn one(
    connector: &TlsConnector,
    port: u16,
    items: &[[String; 4]],
    events: usize,
    sent: &Sent,
) -> Result<Vec<f64>> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let stream = connector.connect(ServerName::try_from("127.0.0.1")?, stream).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut latencies = Vec::new();
    loop {
        let first = sent.turn.fetch_add(BATCH, Ordering::Relaxed);
        if first >= events {
            return Ok(latencies);
        }
        let mut body =
            String::from(r#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":["#);
        let (opening, now) = (body.len(), format!("{:.6}", Timestamp::now()));
        for turn in first..first + BATCH {
            let [one, two, three, four] = &items[turn % items.len()];
            if body.len() > opening {
                body.push(',');
            }
            write!(body, "{one}00000000-0000-4000-8000-{turn:012x}{two}{now}{three}{now}{four}")?;
        }
        body.push_str("]}");
        let bytes = body.len() - opening - 2;
        let request = hyper::Request::post("/v1/webhook")
            .header("host", "127.0.0.1")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))?;
        let began = Instant::now();
        sender.ready().await?;
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let said = answer.into_body().collect().await?.to_bytes();
        if status != 200 {
            bail!("{status} {}", String::from_utf8_lossy(&said));
        }
        latencies.push(began.elapsed().as_secs_f64());
        sent.events.fetch_add(BATCH, Ordering::Relaxed);
        sent.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Around its identity and its two times: an event that is sent again is a new one.
fn item(line: &str) -> Result<[String; 4]> {
    let mut event: Value = serde_json::from_str(line)?;
    let members = event.as_object_mut().context("an event is an object")?;
    members.remove("kind");
    members.remove("apiVersion");
    for name in ["auditID", "requestReceivedTimestamp", "stageTimestamp"] {
        members.insert(name.to_owned(), json!(PLACE));
    }
    let text = event.to_string();
    let pieces: Vec<String> = text.split(PLACE).map(ToOwned::to_owned).collect();
    pieces.try_into().map_err(|pieces| anyhow!("an identity and two times, in that order: {pieces:?}"))
}

fn size(directory: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        sum += if kind.is_dir() { size(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(sum)
}

struct Sink {
    process: Child,
    data: std::path::PathBuf,
    intake: u16,
    health: u16,
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Sink {
    fn start(place: &Path, authority: &Authority) -> Result<Self> {
        let [intake, serve, health] = free_ports()?;
        let data = place.join("data");
        fs::create_dir(&data)?;
        let tls = authority.file().with_file_name("sink");
        let log = File::create(place.join("sink.log"))?;
        let process = Command::new(workspace::binary("snc-operator")?)
            .args(["audit-sink", "--without-cluster"])
            .env("SNC_AUDIT_DATA_DIR", &data)
            .env("SNC_AUDIT_INTAKE_LISTEN", format!("127.0.0.1:{intake}"))
            .env("SNC_AUDIT_SERVE_LISTEN", format!("127.0.0.1:{serve}"))
            .env("SNC_LISTEN", format!("127.0.0.1:{health}"))
            .env("SNC_AUDIT_TLS_DIR", &tls)
            .env("SNC_AUDIT_SERVE_TLS_DIR", &tls)
            .env("SNC_AUDIT_CLIENT_CA", authority.file())
            .env("SNC_AUDIT_CLIENTS", "cp-1=kube-apiserver-1")
            .env("SNC_AUDIT_SEAL_SECONDS", "2")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let sink = Self { process, data, intake, health };
        within(Duration::from_secs(20), "the sink", || {
            let (status, body) = http::get(&format!("127.0.0.1:{health}"), "/readyz")?;
            let said = fs::read_to_string(place.join("sink.log")).unwrap_or_default();
            ensure!(status == 200, "{body} {said}");
            Ok(())
        })?;
        Ok(sink)
    }

    fn usage(&self) -> Result<Usage> {
        usage_of(i32::try_from(self.process.id())?)
    }

    fn metric(&self, name: &str) -> Result<f64> {
        let (_, text) = http::get(&format!("127.0.0.1:{}", self.health), "/metrics")?;
        let samples = http::samples(&text)?;
        let of_name = samples.iter().filter(|(series, _)| series.split('{').next() == Some(name));
        Ok(of_name.filter_map(|(_, value)| value.parse::<f64>().ok()).sum())
    }
}
