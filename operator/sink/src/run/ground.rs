//! What is on the disk of the sink itself, opened in the order in which one thing depends on another.

use super::FORWARD;
use crate::alarms::{self, Ledger};
use crate::detect::{self, Reuses};
use crate::gaps::{self, Cause, Gaps};
use crate::intake::Intake;
use crate::journal::{self, Journal, Os, Recovery, Reserve, ServerName, Source};
use crate::keep::anchor::{Anchor, Place};
use crate::keep::past::{Later, Stored};
use crate::keep::spare::{Gated, Spare};
use crate::keep::state::Saved;
use crate::keep::whose::Whose;
use crate::keep::{self, Stock};
use crate::metrics::Metrics;
use crate::policy::Applied;
use crate::seen::{self, Reused, Seen};
use crate::settings::{Settings, Syslog};
use crate::tail::{self, Follower};
use crate::wishes;
use anyhow::{Context as _, Result, anyhow, bail};
use jiff::Timestamp;
use snc_core::lang::Lang;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

pub(super) struct Ground {
    pub(super) data: PathBuf,
    pub(super) metrics: Arc<Metrics>,
    pub(super) journal: Journal,
    pub(super) recovery: Recovery,
    pub(super) gaps: Arc<Gaps>,
    pub(super) intake: Arc<Intake>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) reuses: Arc<Reuses>,
    pub(super) whose: Arc<Whose>,
    pub(super) wishes: Arc<wishes::Kept>,
    pub(super) stock: Arc<Stock>,
    pub(super) past: Arc<Stored>,
    /// For the store, once it is reached.
    pub(super) later: Arc<Later>,
    /// Taken by whoever seals.
    pub(super) saved: Mutex<Option<Saved>>,
    pub(super) spare: Mutex<Option<Spare>>,
    pub(super) applied: Arc<Applied>,
    /// Held for as long as it is used.
    _lock: File,
}

/// What entries of the journal say about before it was opened.
#[derive(Default)]
struct Before {
    committed: BTreeMap<ServerName, Timestamp>,
    last: Option<(u64, Timestamp)>,
    /// Between which times entries are missing.
    holes: Vec<(Timestamp, Timestamp)>,
}

impl Before {
    fn visit(&mut self, entry: &journal::Borrowed<'_>) {
        if entry.source == Source::Webhook
            && let Ok(server) = ServerName::new(entry.server)
        {
            self.committed.insert(server, entry.received);
        }
        if let Some((position, at)) = self.last
            && position + 1 < entry.position
        {
            self.holes.push((at, entry.received.max(at)));
        }
        self.last = Some((entry.position, entry.received));
    }
}

impl Ground {
    pub(super) fn open(settings: &Settings) -> Result<Self> {
        let data = settings.data_dir.clone();
        // It holds what everybody did, and the key that signs it.
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&data);
        made.with_context(|| format!("{}", data.display()))?;
        let lock = lock(&data.join("lock"))?;
        let (disk, at) = (Arc::new(Os), |name: &str| data.join(name));
        let metrics = Arc::new(Metrics::complete()?);
        let (gated, shut) = Gated::new(disk.clone());
        let reserve = || Reserve::new(disk.clone(), &at("reserve"), settings.reserve_bytes);
        let spare = (settings.reserve_bytes > 0).then(|| Spare::new(reserve(), shut));
        let (saved, _) = Saved::open(disk.clone(), &at("seal.state")).context("seal.state")?;
        let alarms = alarms::Read::open(disk.clone(), &at("alarms.state")).context("alarms.state")?;
        let wishes = Arc::new(wishes::Kept::open(at("wishes.json"))?);
        let whose = Arc::new(Whose::open(at("whose.json"))?);
        let applied =
            Applied::open(at("policy.json"), settings.policy.as_deref(), settings.probes(), settings.lang)
                .context("--policy")?;
        let seen = Arc::new(Seen::new(seen::Options::default()));
        let mut readers = vec![keep::READER.to_owned(), detect::READER.to_owned()];
        readers.extend(settings.syslog.as_ref().map(|_| FORWARD.to_owned()));
        let options = journal::Options {
            most_bytes: settings.journal_bytes,
            // What is sealed goes by whole files; one that is as large as all there may be would never go.
            roll_bytes: (settings.journal_bytes / 8).min(32 << 20),
            first: saved.state().decided().max(alarms.through()) + 1,
            readers,
        };
        let mut before = Before::default();
        let (journal, recovery) = Journal::open_on(Arc::new(gated), &at("journal"), options, |entry| {
            seen.remember(entry);
            before.visit(entry);
        })?;
        let later = Arc::new(Later::default());
        let past = Arc::new(Stored::new(later.clone()));
        seen.begin(journal.horizon(), vec![Arc::new(journal.clone()), past.clone()]);
        let (servers, now) = (settings.servers(), Timestamp::now());
        let options = gaps::Options { patience: settings.patience, ..gaps::Options::default() };
        let gaps = Gaps::open(disk, &at("gaps.state"), options, &servers, &before.committed, now)
            .context("gaps.state")?;
        let gaps = Arc::new(gaps);
        lost(&gaps, &servers, &recovery, &before, now);
        let reuses = Arc::new(Reuses::default());
        let told = reuses.clone();
        let on_reuse = Box::new(move |_: &ServerName, reused: Reused| told.report(&reused));
        let intake = Intake::new(journal.clone(), seen, gaps.clone(), metrics.clone(), on_reuse);
        let intake = Arc::new(intake);
        let ledger = Arc::new(Ledger::new(alarms, intake.clone(), metrics.clone()));
        let stock = Stock::new(data.clone(), settings.store.directory(), metrics.clone());
        stock.counted(saved.state().counts);
        Ok(Self {
            metrics,
            journal,
            recovery,
            gaps,
            intake,
            ledger,
            reuses,
            whose,
            wishes,
            stock: Arc::new(stock),
            past,
            later,
            saved: Mutex::new(Some(saved)),
            spare: Mutex::new(spare),
            applied: Arc::new(applied),
            data,
            _lock: lock,
        })
    }

    /// Where it is written down which gaps were told of.
    pub(super) fn told(&self) -> PathBuf {
        self.data.join("told.json")
    }

    pub(super) fn followers(&self, settings: &Settings) -> Result<Vec<Follower>> {
        let follower = |(log, server): &(PathBuf, String)| {
            let server = ServerName::new(server)?;
            let mut nth = settings.tails.iter().filter(|(_, other)| *other == *server.as_str());
            let nth = nth.position(|(other, _)| other == log).unwrap_or(0);
            let state = self.data.join("tails").join(format!("{server}.{nth}"));
            fs::create_dir_all(self.data.join("tails"))?;
            let settings = tail::Settings::new(log.clone(), server, state);
            Follower::open(Arc::new(Os), settings).with_context(|| format!("{}", log.display()))
        };
        settings.tails.iter().map(follower).collect()
    }

    pub(super) fn syslog(&self, syslog: &Syslog) -> snc_syslog::Settings {
        snc_syslog::Settings::new(&syslog.hostname, self.data.join("syslog.json"))
    }

    pub(super) fn anchors(&self, settings: &Settings) -> Result<Vec<Arc<Anchor>>> {
        let mut anchors = Vec::new();
        if let Some(location) = &settings.anchor {
            let opened = snc_auditlog::open(&location.url, &location.options())?;
            anchors.push((Place::Store(opened.store), location.url.clone(), "anchor-store.json"));
        }
        if let Some(syslog) = settings.syslog.as_ref().filter(|syslog| syslog.anchors) {
            let receiver = Box::new((target(syslog)?, self.syslog(syslog)));
            anchors.push((
                Place::Syslog(receiver),
                format!("syslog {}", syslog.address),
                "anchor-syslog.json",
            ));
        }
        let open = |(place, name, file): (Place, String, &str)| {
            Ok(Arc::new(Anchor::open(place, name, self.data.join(file), self.metrics.clone())?))
        };
        anchors.into_iter().map(open).collect()
    }
}

pub(super) fn target(syslog: &Syslog) -> Result<snc_syslog::Target> {
    let pair = |directory: &PathBuf| (directory.join("tls.crt"), directory.join("tls.key"));
    let files = snc_syslog::Files { ca: syslog.ca.clone(), client: syslog.tls_dir.as_ref().map(pair) };
    snc_syslog::Target::new(&syslog.address, syslog.name.as_deref(), files)
        .map_err(|refusal| anyhow!("--syslog: {}", refusal.message(Lang::En)))
}

/// Two of them on one directory would each undo what the other does.
fn lock(path: &std::path::Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("{}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => bail!("{}: another sink is at work there", path.display()),
        Err(fs::TryLockError::Error(error)) => Err(error).with_context(|| format!("{}", path.display())),
    }
}

/// What was acknowledged and is no more: nobody can tell which server's it was. The log file does not fill it: what
/// that had was taken for stored, and is not read again.
fn lost(gaps: &Gaps, servers: &[ServerName], recovery: &Recovery, before: &Before, now: Timestamp) {
    if !recovery.damage.iter().any(|damage| damage.acknowledged) {
        return;
    }
    let last = before.last.map_or(now, |(_, at)| at);
    let holes = if before.holes.is_empty() { &[(last, now)][..] } else { &before.holes[..] };
    for server in servers {
        for (from, to) in holes {
            gaps.add(server, Source::File, Cause::Unreadable, (*from, Some(*to)), now);
        }
    }
}
