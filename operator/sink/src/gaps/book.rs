//! What happens, and what it means for the gaps. Time is an argument.

use super::gap::{AuditGap, Cause, Heard, Note, Numbers};
use super::ledger::Ledger;
use super::server::{Covered, Server};
use super::{Options, Progress};
use crate::journal::{ServerName, Source};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Book {
    ledger: Ledger,
    servers: BTreeMap<ServerName, Server>,
}

impl Book {
    pub(super) fn start(
        &mut self,
        options: &Options,
        servers: &[ServerName],
        committed: &BTreeMap<ServerName, Timestamp>,
        now: Timestamp,
    ) {
        for name in servers {
            self.servers.entry(name.clone()).or_default();
        }
        for (name, server) in &mut self.servers {
            server.known = server.known.or(Some(now));
            server.committed = server.committed.max(committed.get(name).copied());
            if server.trouble.is_none() && server.outstanding.is_empty() {
                server.fine = server.fine.max(server.committed);
            }
            server.down(now);
            let Some((from, cause)) = server.too_long(options.patience, now) else { continue };
            let id = self.ledger.open(name, Source::Webhook, cause, (from, None), now);
            // It goes on until something comes.
            server.trouble(cause, now);
            if let Some(trouble) = &mut server.trouble {
                trouble.gap.get_or_insert(id);
            }
        }
    }

    pub(super) fn committed(&mut self, options: &Options, name: &ServerName, bytes: u64, now: Timestamp) {
        let server = self.servers.entry(name.clone()).or_default();
        server.came(bytes);
        if let Some(gap) = server.over(now).and_then(|trouble| trouble.gap) {
            self.ledger.end(gap, now);
        }
        if let Some((from, cause)) = server.too_long(options.patience, now) {
            self.ledger.open(name, Source::Webhook, cause, (from, Some(now)), now);
        }
        if server.committed.is_none() {
            self.ledger.touch();
        }
        server.committed = server.committed.max(Some(now));
        server.alive(now);
        self.close(options, name, now);
    }

    pub(super) fn refused(
        &mut self,
        options: &Options,
        name: &ServerName,
        cause: Cause,
        bytes: u64,
        now: Timestamp,
    ) {
        let server = self.servers.entry(name.clone()).or_default();
        if server.trouble.is_none() {
            self.ledger.touch();
        }
        server.trouble(cause, now);
        if let Some(given_up) = server.outstand(bytes, cause, now) {
            let between = (given_up.after, Some(now));
            self.ledger.open(name, Source::Webhook, given_up.cause, between, now);
        }
        self.look(options, name, now);
    }

    pub(super) fn lost(&mut self, name: &ServerName, cause: Cause, now: Timestamp) {
        let server = self.servers.entry(name.clone()).or_default();
        let from = server.after(now);
        self.ledger.open(name, Source::Webhook, cause, (from, Some(now)), now);
    }

    pub(super) fn add(
        &mut self,
        name: &ServerName,
        source: Source,
        cause: Cause,
        between: (Timestamp, Option<Timestamp>),
        now: Timestamp,
    ) -> u64 {
        self.ledger.open(name, source, cause, between, now)
    }

    pub(super) fn end(&mut self, options: &Options, id: u64, to: Timestamp, now: Timestamp) {
        self.ledger.end(id, to);
        let name = self.ledger.gaps().iter().find(|gap| gap.id == id).map(|gap| gap.server.clone());
        if let Some(name) = name {
            self.close(options, &name, now);
        }
    }

    pub(super) fn tick(&mut self, options: &Options, now: Timestamp) {
        let names: Vec<ServerName> = self.servers.keys().cloned().collect();
        for name in names {
            self.look(options, &name, now);
            if let Some(server) = self.servers.get_mut(&name) {
                server.alive(now);
            }
        }
    }

    fn look(&mut self, options: &Options, name: &ServerName, now: Timestamp) {
        let Some(server) = self.servers.get_mut(name) else { return };
        if let Some((from, cause)) = server.too_long(options.patience, now) {
            match &mut server.trouble {
                Some(trouble) => {
                    let id = self.ledger.open(name, Source::Webhook, trouble.cause, (from, None), now);
                    trouble.gap = Some(id);
                }
                None => drop(self.ledger.open(name, Source::Webhook, cause, (from, Some(now)), now)),
            }
        }
        let covered = server.trouble.is_some_and(|trouble| trouble.gap.is_some());
        for refused in server.given_up(options.patience, now) {
            // While everything is refused, that gap says it all.
            if !covered {
                let between = (refused.after, Some(now));
                self.ledger.open(name, Source::Webhook, refused.cause, between, now);
            }
        }
    }

    pub(super) fn file(&mut self, options: &Options, name: &ServerName, progress: &Progress, now: Timestamp) {
        let server = self.servers.entry(name.clone()).or_default();
        server.read = Some(now);
        let mut covered = server.covered;
        for note in &progress.notes {
            match note {
                Note::Fresh => {
                    // Of what is no event it is not known when it was.
                    let (first, _) = progress.between.unwrap_or((now, now));
                    match covered {
                        Some(Covered { since, through }) if first <= through => {
                            covered = Some(Covered { since: since.min(first), through });
                        }
                        before => {
                            if let Some(Covered { through, .. }) = before {
                                let between = (through, Some(first));
                                self.ledger.open(name, Source::File, Cause::Rotated, between, now);
                            }
                            covered = Some(Covered { since: first, through: first });
                        }
                    }
                }
                Note::Gap { from, to, cause } => {
                    if let (Some(covered), Some(from)) = (&mut covered, from) {
                        covered.through = covered.through.max(*from).min(now.max(covered.through));
                        let (covered, margin) = (*covered, options.margin);
                        self.ledger.close(name, now, |from, to| covered.holds(from, to, margin));
                    }
                    let from = from.or(covered.map(|covered| covered.through)).unwrap_or(*to);
                    self.ledger.open(name, Source::File, *cause, (from, Some(*to)), now);
                    covered = Some(Covered { since: *to, through: *to });
                }
            }
        }
        if let Some((first, last)) = progress.between {
            let covered = covered.get_or_insert(Covered { since: first, through: first });
            // No event is later than when it came; a clock that ran ahead must not close what is not there yet.
            covered.through = covered.through.max(last.min(now));
        }
        if let Some(server) = self.servers.get_mut(name) {
            let since = |covered: Option<Covered>| covered.map(|covered| covered.since);
            // Whoever reads says it once: forgotten, what was read before could close nothing any more.
            if since(server.covered) != since(covered) {
                self.ledger.touch();
            }
            server.covered = covered;
        }
        self.close(options, name, now);
    }

    fn close(&mut self, options: &Options, name: &ServerName, now: Timestamp) {
        if !self.ledger.is_open(name, Source::Webhook) {
            return;
        }
        let Some(covered) = self.servers.get(name).and_then(|server| server.covered) else { return };
        self.ledger.close(name, now, |from, to| covered.holds(from, to, options.margin));
    }

    pub(super) fn gaps(&self) -> &[AuditGap] {
        self.ledger.gaps()
    }

    pub(super) fn revision(&self) -> u64 {
        self.ledger.revision()
    }

    pub(super) fn numbers(&self) -> Numbers {
        self.ledger.numbers()
    }

    pub(super) fn heard(&self) -> Vec<Heard> {
        let ways = |(name, server): (&ServerName, &Server)| {
            let refusing = server.trouble.is_some_and(|trouble| trouble.cause != Cause::Down);
            [
                Heard { server: name.clone(), source: Source::Webhook, last: server.committed, refusing },
                Heard { server: name.clone(), source: Source::File, last: server.read, refusing: false },
            ]
        };
        self.servers.iter().flat_map(ways).collect()
    }
}
