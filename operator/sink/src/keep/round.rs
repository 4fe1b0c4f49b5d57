//! One round: decide where each entry goes, write that down, seal, write that down, let go.

use super::plan::{Place, Plan};
use super::state::State;
use super::{Error, Keeper, Parts, READER};
use crate::journal::{Entry, Source};
use crate::metrics::Whose as Label;
use crate::own::{Act, Saying, say};
use crate::seen::{Older, Past as _};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use snc_audit::Partition;
use snc_auditlog::{Manifest, NewRecord};
use std::collections::BTreeMap;
use std::time::Instant;

/// Read from the journal at a time.
const READ: usize = 4 << 20;

impl Keeper {
    /// Whether anything was sealed: not, where nothing is old enough for it.
    pub(super) async fn round(&mut self) -> Result<bool, Error> {
        let began = Instant::now();
        let (plan, entries) = match self.parts.saved.state().plan.clone() {
            Some(plan) => {
                let entries = self.entries_of(&plan).await?;
                (plan, entries)
            }
            None => match self.decide().await? {
                Some(decided) => decided,
                None => return Ok(false),
            },
        };
        let through = plan.through();
        let state = self.parts.saved.state().clone();
        let mut counts = state.counts;
        plan.iter().filter_map(|(_, place)| place).for_each(|place| counts.add(place));
        self.seal(&plan, entries).await?;
        self.parts.saved.save(State { through, counts, plan: None, ..state })?;
        let Parts { journal, stock, metrics, .. } = &self.parts;
        stock.counted(counts);
        metrics.seal_duration.observe(began.elapsed().as_secs_f64());
        for (_, place) in plan.iter() {
            if let Some(place) = place {
                let labels = [label(&place.partition).as_str(), place.reason.as_str()];
                metrics.records.with_label_values(&labels).inc();
            }
        }
        // What is sealed is safe, and is let go the next time if not now.
        if let Err(error) = journal.release(READER, through) {
            tracing::warn!(%error, through, "journal not released");
        }
        if let Some(spare) = &mut self.parts.spare {
            spare.take_back(true);
        }
        Ok(true)
    }

    /// What is ready, with its places, which are on disk.
    async fn decide(&mut self) -> Result<Option<(Plan, Vec<Entry>)>, Error> {
        let from = self.parts.saved.state().through + 1;
        let Parts { journal, whose, sealing, .. } = &self.parts;
        let (journal, whose, sealing) = (journal.clone(), whose.clone(), sealing.clone());
        let (mut plan, mut entries, mut bytes) = (Plan::new(from), Vec::new(), 0);
        'read: while (entries.len() as u64) < sealing.records && bytes < sealing.bytes {
            let read = journal.read_from(plan.through() + 1, READ).await?;
            if read.is_empty() {
                break;
            }
            let (synced, now) = (whose.is_synced(), Timestamp::now());
            for entry in read {
                let full = entries.len() as u64 >= sealing.records || bytes >= sealing.bytes;
                if full || !sealing.is_ready(entry.received, now, synced) {
                    break 'read;
                }
                let place = self.place(whose.place(&entry)).await?;
                plan.put(entry.position, place);
                bytes += entry.raw.len();
                entries.push(entry);
            }
        }
        if plan.is_empty() {
            return Ok(None);
        }
        let positions = usize::try_from(plan.through() + 1 - from).unwrap_or(usize::MAX);
        if entries.len() < positions {
            self.lost(&plan, positions - entries.len()).await;
        }
        let state = State { plan: Some(plan.clone()), ..self.parts.saved.state().clone() };
        self.parts.saved.save(state)?;
        Ok(Some((plan, entries)))
    }

    /// What belongs to a partition that cannot be continued is with the platform: better there than nowhere.
    async fn place(&mut self, place: Place) -> Result<Place, Error> {
        let Place { partition, reason, .. } = &place;
        let known = self.open.get(partition).copied();
        let open = match known {
            Some(open) => open,
            None if *partition == Partition::Platform => true,
            None => {
                let open = match self.parts.writer.begin(partition).await {
                    Ok(_) => true,
                    Err(snc_auditlog::Error::Damaged(finding)) => {
                        let finding = finding.text().en;
                        tracing::error!(%partition, finding, "cannot be continued: what is of it goes to the platform's");
                        false
                    }
                    Err(error) => return Err(error.into()),
                };
                self.open.insert(partition.clone(), open);
                open
            }
        };
        let diverted = || Place { diverted: true, ..Place::new(Partition::Platform, *reason) };
        Ok(if open { place } else { diverted() })
    }

    /// Those of a round that was begun.
    async fn entries_of(&self, plan: &Plan) -> Result<Vec<Entry>, Error> {
        let wanted = plan.iter().filter(|(_, place)| place.is_some()).count();
        let (mut entries, mut next): (Vec<Entry>, u64) = (Vec::new(), plan.from);
        while next <= plan.through() {
            let read = self.parts.journal.read_from(next, READ).await?;
            let Some(last) = read.last() else { break };
            next = last.position + 1;
            entries.extend(read.into_iter().filter(|entry| entry.position <= plan.through()));
        }
        if entries.len() < wanted {
            self.lost(plan, wanted - entries.len()).await;
        }
        Ok(entries)
    }

    /// They were acknowledged, and the disk has them no more: what is left of the round is sealed, and it is told.
    async fn lost(&self, plan: &Plan, missing: usize) {
        let what = json!({"missing": missing, "from": plan.from, "through": plan.through()});
        tracing::error!(%what, "entries of a round are not in the journal");
        let saying = Saying::new(Act::Recovered, "round", None, Timestamp::now(), &what);
        // Sealing goes on all the same: where the journal is full, it is what makes room.
        if let Err(error) = say(&self.parts.intake, &[saying]).await {
            tracing::error!(%error, "that is not written down in the log");
        }
    }

    async fn seal(&mut self, plan: &Plan, entries: Vec<Entry>) -> Result<(), Error> {
        let entries = self.not_there(entries).await?;
        let base = self.parts.saved.state().base;
        let mut places = plan.iter().peekable();
        let mut parts: BTreeMap<Partition, Vec<NewRecord>> = BTreeMap::new();
        for entry in entries {
            while places.next_if(|(position, _)| *position < entry.position).is_some() {}
            let place =
                places.next_if(|(position, _)| *position == entry.position).and_then(|(_, place)| place);
            if let Some(place) = place {
                parts.entry(place.partition.clone()).or_default().push(record(entry, place, base));
            }
        }
        let wishes = self.parts.wishes.now();
        for (partition, records) in parts {
            let now = Timestamp::now();
            let tenant = partition.tenant().map(ToString::to_string);
            let days = SignedDuration::from_hours(24 * i64::from(wishes.days_of(tenant.as_deref())));
            let until = now.saturating_add(days).unwrap_or(Timestamp::MAX);
            for manifest in self.parts.writer.seal(&partition, records, until, now).await? {
                self.sealed(&manifest);
            }
        }
        Ok(())
    }

    /// Without those of which the store knows and the data directory does not.
    async fn not_there(&self, mut entries: Vec<Entry>) -> Result<Vec<Entry>, Error> {
        let doubtful = self.parts.saved.state().doubtful;
        let doubts = |entry: &Entry| (entry.position <= doubtful).then_some(entry.stage).flatten();
        let older = |entry: &Entry| doubts(entry).map(|stage| Older { hash: entry.hash, stage });
        let asked: Vec<Older> = entries.iter().filter_map(older).collect();
        if !asked.is_empty() {
            let mut there = self.parts.past.holds(&asked).await?.into_iter();
            entries.retain(|entry| doubts(entry).is_none() || !there.next().unwrap_or(false));
        }
        Ok(entries)
    }

    fn sealed(&self, manifest: &Manifest) {
        let Parts { stock, metrics, past, .. } = &self.parts;
        let label = label(&manifest.partition).as_str();
        metrics.segments.with_label_values(&[label]).inc();
        metrics.sealed_bytes.with_label_values(&[label, "raw"]).inc_by(manifest.raw_bytes);
        metrics.sealed_bytes.with_label_values(&[label, "stored"]).inc_by(manifest.stored_bytes());
        stock.sealed(manifest);
        past.sealed(manifest);
    }
}

fn label(partition: &Partition) -> Label {
    match partition {
        Partition::Platform => Label::Platform,
        Partition::Tenant(_) => Label::Tenant,
    }
}

fn record(entry: Entry, place: &Place, base: u64) -> NewRecord {
    let Entry { position, received, source, server, raw, .. } = entry;
    let source = match source {
        Source::Webhook => snc_auditlog::Source::Webhook,
        Source::File => snc_auditlog::Source::File,
        Source::Sink => snc_auditlog::Source::Sink,
    };
    let (server, why) = (server.to_string(), place.why().to_owned());
    NewRecord { position: position + base, received, source, server, why, raw }
}
