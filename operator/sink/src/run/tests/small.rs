use super::flow::Running;
use super::room::{Room, events};
use crate::settings::Settings;
use http::StatusCode;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_empties_itself() {
    let Some(place) = std::env::var_os("SNC_SMALL").map(std::path::PathBuf::from) else { return };
    let _ = tracing_subscriber_init();
    let room = Room::new(&place);
    let base = room.settings();
    let settings = Settings {
        sealing: crate::keep::Sealing { records: 1_000_000, age: Duration::from_secs(3600), ..base.sealing.clone() },
        reserve_bytes: 8 << 20,
        journal_bytes: 16 << 30,
        ..base
    };
    let running = Running::start(settings.clone()).await;
    let http = room.client();
    let (mut sent, mut from, mut refused) = (Vec::new(), 0, 0);
    let noise = |n: u64| { let mut x = n.wrapping_mul(0x9E37_79B9_7F4A_7C15); (0..200).map(|_| { x ^= x << 13; x ^= x >> 7; x ^= x << 17; format!("{:02x}", x % 256) }).collect::<String>() };
    for turn in 0..4000_u64 {
        let all: Vec<String> = events(from, 100).into_iter().enumerate().map(|(n, e)| {
            format!(r#"{{"annotations":{{"x":"{}{}"}},{}"#, noise(turn * 100 + n as u64), "y".repeat(1500), &e[1..])
        }).collect();
        from += 100;
        loop {
            match http.post(running.sink.intake, &all).await {
                Some(StatusCode::OK) => break,
                Some(StatusCode::INTERNAL_SERVER_ERROR) => { refused += 1; tokio::time::sleep(Duration::from_millis(200)).await; }
                other => panic!("{other:?}"),
            }
            assert!(refused < 3000, "stuck");
        }
        sent.extend(all);
        if sent.len() > 60_000 { break; }
    }
    eprintln!("sent {} refused {refused}", sent.len());
    eprintln!("{}", running.metrics().await.lines().filter(|l| l.contains("journal") || l.contains("segments") || l.contains("failures") || l.contains("free_bytes") || l.contains("gaps_open")).collect::<Vec<_>>().join("\n"));
    assert!(refused > 0);
    running.stop().await;
    room.assert_whole(&sent).await;
}
fn tracing_subscriber_init() {}
