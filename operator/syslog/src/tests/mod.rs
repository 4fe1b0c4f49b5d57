mod forwarding;
mod lossy;
mod receiver;
pub(crate) mod rfc5424;
mod trust;

use crate::{Batch, Files, Item, Kind, Message, Names, Settings, Severity, Source, Target, Unreadable};
use jiff::Timestamp;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// A journal in memory.
#[derive(Default)]
pub(crate) struct Journal {
    items: Mutex<Vec<Item>>,
    /// Positions up to here are gone.
    released: Mutex<u64>,
    broken: AtomicBool,
}

impl Journal {
    pub(crate) fn with(bodies: impl IntoIterator<Item = String>) -> Self {
        let journal = Self::default();
        for body in bodies {
            journal.append(body);
        }
        journal
    }

    pub(crate) fn append(&self, body: String) {
        let mut items = self.items.lock().unwrap();
        let position = items.len() as u64 + 1;
        let names = Names {
            position: Some(position),
            partition: Some("tenant.shop".to_owned()),
            audit_id: Some(format!("audit-{position}")),
            ..Names::default()
        };
        let (severity, kind) = (Severity::Notice, Kind::Event);
        let message = Message { severity, kind, at: Timestamp::now(), names, body };
        items.push(Item { position, received: Timestamp::now(), message });
    }

    pub(crate) fn release(&self, through: u64) {
        *self.released.lock().unwrap() = through;
    }

    pub(crate) fn set_broken(&self, broken: bool) {
        self.broken.store(broken, Ordering::SeqCst);
    }
}

impl Source for Journal {
    async fn read_from(&self, position: u64, max_bytes: usize) -> Result<Batch, Unreadable> {
        if self.broken.load(Ordering::SeqCst) {
            return Err("disk".into());
        }
        let from = position.max(*self.released.lock().unwrap() + 1);
        let items = self.items.lock().unwrap();
        let (mut taken, mut bytes) = (Vec::new(), 0);
        for item in items.iter().skip(usize::try_from(from - 1).unwrap()) {
            if !taken.is_empty() && bytes + item.message.body.len() > max_bytes {
                break;
            }
            bytes += item.message.body.len();
            taken.push(item.clone());
        }
        let next = taken.last().map_or(position, |item| item.position + 1);
        Ok(Batch { from, items: taken, next })
    }

    fn last(&self) -> u64 {
        self.items.lock().unwrap().len() as u64
    }
}

pub(crate) const SETTLE: Duration = Duration::from_millis(400);

/// As quick as a test wants it.
pub(crate) fn settings(place: &TempDir) -> Settings {
    Settings {
        settle: SETTLE,
        batch: 4096,
        connect: Duration::from_secs(5),
        backoff: Duration::from_millis(20),
        longest_backoff: Duration::from_millis(100),
        idle: Duration::from_millis(10),
        ..Settings::new("sink.test", place.path().join("cursor.json"))
    }
}

pub(crate) fn target(receiver: &receiver::Receiver) -> Target {
    let files = Files { ca: receiver.ca.clone(), client: None };
    Target::new(&receiver.address.to_string(), Some(receiver::NAME), files).unwrap()
}

/// What a test waits for has its time on a machine where others work as well.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}: not within 30 s");
}
