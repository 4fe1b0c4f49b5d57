//! A receiver of syslog: what it is told, and that the journal waits for it.

use super::flow::Running;
use super::room::{Room, events};
use crate::settings::{Settings, Syslog};
use http::StatusCode;
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use snc_auditlog::AnchorLine;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Writes down what comes, on however many connections.
async fn receiver(directory: &Path) -> (u16, Arc<Mutex<Vec<u8>>>) {
    let read = |file: &str| fs::read(directory.join(file)).unwrap();
    let certificate = CertificateDer::from_pem_slice(&read("tls.crt")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(&read("tls.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(crate::intake::tls::provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, heard) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(Vec::new())));
    let sink = heard.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, sink) = (acceptor.clone(), sink.clone());
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut piece = vec![0; 64 << 10];
                while let Ok(many @ 1..) = stream.read(&mut piece).await {
                    sink.lock().unwrap().extend_from_slice(&piece[..many]);
                }
            });
        }
    });
    (port, heard)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_hears_of_every_event_and_of_heads() {
    let place = TempDir::new().unwrap();
    let room = Room::new(place.path());
    let (port, heard) = receiver(&place.path().join("serve-tls")).await;
    let syslog = Syslog {
        address: format!("127.0.0.1:{port}"),
        name: None,
        ca: place.path().join("ca.crt"),
        tls_dir: None,
        hostname: "sink".into(),
        anchors: true,
    };
    let running = Running::start(Settings { syslog: Some(syslog), ..room.settings() }).await;
    let sent = events(0, 60);
    assert_eq!(room.client().post(running.sink.intake, &sent).await, Some(StatusCode::OK));
    let ids: Vec<String> = sent
        .iter()
        .map(|event| {
            serde_json::from_str::<serde_json::Value>(event).unwrap()["auditID"].as_str().unwrap().into()
        })
        .collect();
    let (mut missing, mut anchors) = (usize::MAX, 0);
    for _ in 0..600 {
        let text = String::from_utf8_lossy(&heard.lock().unwrap()).into_owned();
        missing = ids.iter().filter(|id| !text.contains(*id)).count();
        anchors = AnchorLine::find_in(&text.replace("<1", "\n<1")).len();
        if missing == 0 && anchors > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(missing, 0);
    assert!(anchors > 0);
    // Delivered is what stood for as long as it has to.
    running.until("snc_audit_syslog_lag_records 0").await;
    let status =
        running.reported(|status| status.seal.as_ref().is_some_and(|seal| seal.anchored_at.is_some())).await;
    assert!(status.forwarding.is_some());
    assert!(status.seal.unwrap().anchor.unwrap().starts_with("syslog 127.0.0.1"));
    running.stop().await;
    room.assert_whole(&sent).await;
}
