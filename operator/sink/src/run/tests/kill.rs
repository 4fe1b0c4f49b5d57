//! A sink in a process of its own, which is killed again and again while events come.

use super::fake::Fake;
use super::room::{Room, events, line};
use crate::run::Sink;
use crate::settings::Settings;
use http::StatusCode;
use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const PLACE: &str = "SNC_SINK_TEST_PLACE";
const KILLS: usize = 12;

/// Not a test of its own: what the other process runs, until its input ends.
#[test]
fn child() {
    let Some(place) = std::env::var_os(PLACE).map(PathBuf::from) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let room = Room::at(&place);
        let settings =
            Settings { tails: vec![(place.join("logs/audit.log"), "un".into())], ..room.settings() };
        let cancel = CancellationToken::new();
        let sink = Sink::start(settings, Arc::new(Fake::new()), &cancel).await.unwrap();
        let beside = place.join("address.new");
        fs::write(&beside, sink.addresses.intake.to_string()).unwrap();
        fs::rename(beside, place.join("address")).unwrap();
        let stop = cancel.clone();
        std::thread::spawn(move || {
            let _ = std::io::stdin().read(&mut [0; 1]);
            stop.cancel();
        });
        sink.until(cancel).await.unwrap();
    });
}

fn start(place: &Path) -> (Child, SocketAddr) {
    let address = place.join("address");
    let _ = fs::remove_file(&address);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["run::tests::kill::child", "--exact", "--nocapture"])
        .env(PLACE, place)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..600 {
        if let Ok(text) = fs::read_to_string(&address) {
            return (child, text.parse().unwrap());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    panic!("it did not start")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_and_again_it_loses_nothing_and_has_nothing_twice() {
    let place = TempDir::new().unwrap();
    let room = Room::new(place.path());
    fs::create_dir_all(place.path().join("logs")).unwrap();
    let log = place.path().join("logs/audit.log");
    let mut file = OpenOptions::new().create(true).append(true).open(&log).unwrap();
    let (mut sent, mut from) = (Vec::new(), 0);
    let (mut child, mut address) = start(place.path());
    for turn in 0..KILLS {
        let killed = tokio::task::spawn_blocking(move || {
            std::thread::sleep(Duration::from_millis(150 + 170 * (turn as u64 % 7)));
            child.kill().unwrap();
            child.wait().unwrap();
        });
        let http = room.client();
        let mut unanswered = None;
        while !killed.is_finished() {
            let all = events(from, 25);
            from += 25;
            for event in all.iter().step_by(2) {
                writeln!(file, "{}", line(event)).unwrap();
            }
            let status = http.post(address, &all).await;
            sent.extend(all.clone());
            if status != Some(StatusCode::OK) {
                unanswered = Some(all);
                break;
            }
        }
        killed.await.unwrap();
        (child, address) = start(place.path());
        // An API server sends again what it has no answer for.
        let http = room.client();
        if let Some(all) = unanswered {
            assert_eq!(http.post(address, &all).await, Some(StatusCode::OK));
        }
    }
    // What was only in the file by then is read.
    tokio::time::sleep(Duration::from_secs(2)).await;
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert!(sent.len() > 500, "{}", sent.len());
    room.assert_whole(&sent).await;
}
