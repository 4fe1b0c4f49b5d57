//! The process is killed at any moment, again and again: what was acknowledged is there, and nothing is there twice.
//!
//! The test starts itself: whoever finds the variable below set is the process that is killed.

#![allow(clippy::unwrap_used)]

use jiff::Timestamp;
use snc_audit::canonical;
use snc_sink::gaps::{self, Gaps};
use snc_sink::intake::{Intake, Items};
use snc_sink::journal::{Borrowed, Entry, Journal, Options, Os, ServerName};
use snc_sink::metrics::Metrics;
use snc_sink::seen::{self, Seen};
use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

const PLACE: &str = "SNC_SINK_KILLED_IN";
const KILLS: u32 = 30;
/// Bring events at once.
const CLIENTS: u64 = 6;
/// In one request.
const EVENTS: u64 = 40;

fn server() -> ServerName {
    ServerName::new("cp-1").unwrap()
}

fn event(client: u64, nth: u64) -> String {
    let at = Timestamp::from_second(1_700_000_000 + i64::try_from(nth).unwrap()).unwrap();
    let pad = "x".repeat(usize::try_from(nth % 13).unwrap() * 150);
    format!(
        r#"{{"auditID":"{client}-{nth}","stage":"ResponseComplete","requestURI":"/{pad}","stageTimestamp":"{at}"}}"#
    )
}

fn open(place: &Path, remembered: usize) -> (Journal, Arc<Seen>, u64) {
    let seen = Arc::new(Seen::new(seen::Options { entries: remembered }));
    let options = Options { roll_bytes: 256 << 10, ..Options::default() };
    let visit = |entry: &Borrowed<'_>| seen.remember(entry);
    let (journal, recovery) = Journal::open_on(Arc::new(Os), &place.join("journal"), options, visit).unwrap();
    assert_eq!(recovery.damage, [], "what was acknowledged is damaged");
    seen.begin(journal.horizon(), vec![Arc::new(journal.clone())]);
    (journal, seen, recovery.torn_bytes)
}

fn request(client: u64, first: u64) -> Items {
    let (mut text, mut at) = (String::new(), Vec::new());
    for nth in first..first + EVENTS {
        let start = text.len();
        text.push_str(&event(client, nth));
        at.push(start..text.len());
    }
    Items::new(text.into(), at)
}

/// Brings each client's events from the first one on that nobody said yes to, half of them twice, and says what is safe.
async fn bring(place: &Path) {
    let (journal, seen, torn) = open(place, 2000);
    println!("torn {torn}");
    let path = place.join("gaps.state");
    let (options, none) = (gaps::Options::default(), BTreeMap::new());
    let gaps = Gaps::open(Arc::new(Os), &path, options, &[server()], &none, Timestamp::now()).unwrap();
    let metrics = Arc::new(Metrics::complete().unwrap());
    let intake = Arc::new(Intake::new(journal, seen, Arc::new(gaps), metrics, Box::new(|_, _| {})));
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        let (intake, safe) = (intake.clone(), place.join(format!("client-{client}")));
        clients.spawn(async move {
            let mut next: u64 = std::fs::read_to_string(&safe).unwrap_or_default().parse().unwrap_or(0);
            loop {
                // What is brought may overlap with what was brought before.
                let first = next.saturating_sub(next % 3 * 7);
                let webhook = intake.webhook(server(), request(client, first));
                if client % 2 == 0 {
                    let file = intake.file(server(), request(client, first + 5), vec![]);
                    let (webhook, file) = tokio::join!(webhook, file);
                    webhook.unwrap();
                    file.unwrap();
                } else {
                    webhook.await.unwrap();
                }
                next = first + EVENTS;
                // As a client that heard the yes; it is in nobody's memory but its own.
                std::io::stdout().write_all(format!("yes {client} {first} {next}\n").as_bytes()).unwrap();
            }
        });
    }
    clients.join_next().await;
}

fn start(place: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "killed_at_any_moment_it_loses_nothing_and_stores_nothing_twice", "--nocapture"])
        .env(PLACE, place)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn entries(journal: &Journal) -> Vec<Entry> {
    let (mut entries, mut next): (Vec<Entry>, u64) = (Vec::new(), 1);
    loop {
        let read = journal.read_blocking(next, 4 << 20).unwrap();
        let Some(last) = read.last() else { return entries };
        next = last.position + 1;
        entries.extend(read);
    }
}

#[test]
fn killed_at_any_moment_it_loses_nothing_and_stores_nothing_twice() {
    if let Some(place) = env::var_os(PLACE) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        return runtime.unwrap().block_on(bring(Path::new(&place)));
    }
    let place = TempDir::new().unwrap();
    let mut safe: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    let mut torn = 0_u64;
    for kill in 0..KILLS {
        let mut child = start(place.path());
        let mut said = BufReader::new(child.stdout.take().unwrap());
        // Not before it has begun, or it would be killed 30 times while it starts.
        let mut line = String::new();
        while !line.starts_with("torn") {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "it did not start");
        }
        torn += line.trim_start_matches("torn ").trim().parse::<u64>().unwrap();
        let listener = thread::spawn(move || {
            let mut rest = String::new();
            let _ = said.read_to_string(&mut rest);
            rest
        });
        thread::sleep(Duration::from_micros(rand::random_range(0..60_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        for line in listener.join().unwrap().lines().filter(|line| line.starts_with("yes")) {
            // The last one may have been cut.
            let words: Vec<&str> = line.split(' ').collect();
            let [_, client, first, next] = words[..] else { continue };
            let (Ok(client), Ok(first), Ok(next)) =
                (client.parse(), first.parse::<u64>(), next.parse::<u64>())
            else {
                continue;
            };
            if next != first + EVENTS {
                continue;
            }
            safe.entry(client).or_default().extend(first..next);
            std::fs::write(place.path().join(format!("client-{client}")), next.to_string()).unwrap();
        }
        if kill % 10 == 9 {
            compare(place.path(), &safe);
        }
    }
    let stored = compare(place.path(), &safe);
    let safe: usize = safe.values().map(BTreeSet::len).sum();
    println!("{KILLS} kills: {safe} events acknowledged, {stored} stored, {torn} bytes of torn tails cut");
    assert!(safe > 1000, "{safe}: it never came to anything");
}

fn compare(place: &Path, safe: &BTreeMap<u64, BTreeSet<u64>>) -> usize {
    let (journal, ..) = open(place, 1000);
    let entries = entries(&journal);
    let mut there: BTreeMap<&str, u32> = BTreeMap::new();
    for entry in &entries {
        assert_eq!(entry.hash, canonical::hash(&entry.raw).unwrap());
        *there.entry(&entry.raw).or_default() += 1;
    }
    assert!((1..).zip(&entries).all(|(position, entry)| entry.position == position));
    for (raw, times) in &there {
        assert_eq!(*times, 1, "stored {times} times: {raw}");
    }
    for (client, safe) in safe {
        for nth in safe {
            assert!(there.contains_key(event(*client, *nth).as_str()), "{client}-{nth} is lost");
        }
    }
    entries.len()
}
