//! What was found, as reports that other tools read, where the cluster has their kinds.
//!
//! Thousands of reports have brought API servers down before: there is one for each namespace, it is written when it
//! says something else, no oftener than every half minute, a few at a time, and not at all for a while after failures.
//! A report that is not written is told in a condition; nothing waits for it.

mod breaker;
mod condition;
mod wire;

pub use condition::not_read;
pub use wire::Outcome;

use crate::context::Context;
use breaker::Breaker;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use snc_catalogue::Assessed;
use snc_plan::objects::report::{Format, Report, Reports};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;
use tokio::time::Instant;
use wire::{Failure, Stored};

const AT_ONCE: usize = 4;
/// Between two writes of any reports.
const PACE: Duration = Duration::from_millis(100);
/// Between two writes of one report; twice as long after each failure.
const EVERY: Duration = Duration::from_secs(30);
const MOST_DOUBLINGS: u32 = 5;
/// After this nothing more is begun, so that a call ends whatever the API server does.
const ROUND: Duration = Duration::from_secs(5);
/// What others changed or deleted is found this late.
const LIST_EVERY: Duration = Duration::from_secs(3600);
const LIST_AGAIN: Duration = Duration::from_secs(30);

/// A report that is there, in the namespace that it was seen in.
#[derive(Debug, Clone)]
struct Present {
    stored: Stored,
    namespace_uid: Option<String>,
}

#[derive(Debug, Clone, Copy)]
struct Try {
    at: Instant,
    failures: u32,
}

impl Try {
    fn again(self) -> Instant {
        self.at + EVERY * 2u32.pow(self.failures.min(MOST_DOUBLINGS))
    }
}

enum Act {
    Write(Box<Report>),
    Remove(Stored),
}

/// What a namespace needs.
enum Next {
    Nothing,
    /// It may not be done now.
    Later,
    Act(Format, Act),
}

struct Done {
    format: Format,
    namespace: String,
    namespace_uid: Option<String>,
    /// The report that is there now; none after a removal.
    result: Result<Option<Stored>, Failure>,
}

pub struct Reporter {
    wanted: Option<Format>,
    served: BTreeSet<Format>,
    present: BTreeMap<(Format, String), Present>,
    /// Namespaces to be looked at, and since when.
    waiting: BTreeMap<String, Instant>,
    tries: BTreeMap<String, Try>,
    /// Nothing is written before it is known what is there.
    listed: bool,
    list_at: Instant,
    list_failures: u32,
    pace: Instant,
    breaker: Breaker,
    failure: Option<Failure>,
}

impl Reporter {
    /// None: no reports are wanted, and those of an earlier choice are removed.
    pub fn new(wanted: Option<Format>) -> Self {
        Self {
            wanted,
            served: BTreeSet::new(),
            present: BTreeMap::new(),
            waiting: BTreeMap::new(),
            tries: BTreeMap::new(),
            listed: false,
            list_at: Instant::now(),
            list_failures: 0,
            pace: Instant::now(),
            breaker: Breaker::default(),
            failure: None,
        }
    }

    /// The formats that the cluster has the kinds of.
    pub async fn served(context: &Context) -> kube::Result<Vec<Format>> {
        wire::served(&context.client).await
    }

    pub fn set_served(&mut self, served: &[Format]) {
        let served: BTreeSet<Format> = served.iter().copied().collect();
        if self.served != served {
            self.present.retain(|(format, _), _| served.contains(format));
            self.served = served;
            self.listed = false;
            self.list_at = Instant::now();
            self.list_failures = 0;
            self.breaker = Breaker::default();
            self.failure = None;
        }
    }

    fn format(&self) -> Option<Format> {
        self.wanted.filter(|format| self.served.contains(format))
    }

    /// Writes what changed, for some seconds at most, and gives after which time it should be called again though
    /// nothing else did. `dirty`: the namespaces to be looked at, the empty name for what has none; all without it.
    pub async fn publish(
        &mut self,
        context: &Context,
        assessed: &Assessed,
        dirty: Option<&BTreeSet<String>>,
    ) -> Option<Duration> {
        if !context.leads() || self.served.is_empty() {
            self.waiting.clear();
            context.metrics.reports(0, false);
            return None;
        }
        let begun = Instant::now();
        let reports = self.format().map(|format| Reports::new(assessed, format, context.settings.lang));
        match dirty {
            Some(dirty) => self.look_at(dirty.iter().cloned(), begun),
            None => self.look_at_all(reports.as_ref(), begun),
        }
        if begun >= self.list_at {
            self.list(context, begun).await;
            if self.listed {
                self.look_at_all(reports.as_ref(), begun);
            }
        }
        if self.listed {
            self.round(context, reports.as_ref(), begun).await;
        }
        let now = Instant::now();
        self.tries.retain(|namespace, one| self.waiting.contains_key(namespace) || one.again() > now);
        let failing = self.tries.values().any(|one| one.failures > 0);
        if self.listed && !failing && !self.breaker.is_open() {
            self.failure = None;
        }
        context.metrics.reports(self.waiting.len(), self.breaker.is_open());
        Some(self.wait(now))
    }

    fn look_at(&mut self, namespaces: impl IntoIterator<Item = String>, now: Instant) {
        for namespace in namespaces {
            self.waiting.entry(namespace).or_insert(now);
        }
    }

    fn look_at_all(&mut self, reports: Option<&Reports<'_>>, now: Instant) {
        let wanted = reports.into_iter().flat_map(Reports::namespaces).map(str::to_owned);
        let present = self.present.keys().map(|(_, namespace)| namespace.clone());
        let all: BTreeSet<String> = wanted.chain(present).collect();
        self.look_at(all, now);
    }

    /// What is there now: after a start nothing is written again that is as it should be.
    async fn list(&mut self, context: &Context, now: Instant) {
        let mut present = BTreeMap::new();
        for format in self.served.clone() {
            match wire::list(context, format).await {
                Ok(found) => {
                    for (namespace, stored) in found {
                        let namespace_uid = uid(context, &namespace);
                        present.insert((format, namespace), Present { stored, namespace_uid });
                    }
                }
                // What is only to be removed can wait for the rights to it.
                Err(failure) if self.wanted.is_some_and(|wanted| wanted != format) => {
                    tracing::debug!(group = format.group(), error = failure.error, "reports not listed");
                }
                Err(failure) => {
                    tracing::warn!(group = format.group(), error = failure.error, "reports not listed");
                    self.list_at = now + LIST_AGAIN * 2u32.pow(self.list_failures.min(MOST_DOUBLINGS));
                    self.list_failures += 1;
                    self.failure = Some(failure);
                    return;
                }
            }
        }
        self.present = present;
        self.listed = true;
        self.list_at = now + LIST_EVERY;
        self.list_failures = 0;
    }

    async fn round(&mut self, context: &Context, reports: Option<&Reports<'_>>, begun: Instant) {
        let ready = |name: &str| self.tries.get(name).is_none_or(|one| one.again() <= begun);
        let mut due: Vec<(Instant, String)> = self
            .waiting
            .iter()
            .filter(|(name, _)| ready(name))
            .map(|(name, since)| (*since, name.clone()))
            .collect();
        due.sort();
        let mut due: VecDeque<String> = due.into_iter().map(|(_, name)| name).collect();
        let mut flight: FuturesUnordered<BoxFuture<'_, Done>> = FuturesUnordered::new();
        loop {
            let more = flight.len() < AT_ONCE && !due.is_empty() && begun.elapsed() < ROUND;
            tokio::select! {
                biased;
                Some(done) = flight.next(), if !flight.is_empty() => self.ended(context, reports, done),
                () = tokio::time::sleep_until(self.pace), if more => {
                    let Some(namespace) = due.pop_front() else { continue };
                    match self.next(context, reports, &namespace) {
                        Next::Nothing => self.rest(&namespace),
                        Next::Later => {
                            self.tries.insert(namespace, Try { at: Instant::now(), failures: 0 });
                        }
                        Next::Act(..) if !self.breaker.permit(Instant::now()) => due.clear(),
                        Next::Act(format, act) => flight.push(self.begin(context, format, namespace, act)),
                    }
                }
                else => break,
            }
        }
    }

    fn next(&mut self, context: &Context, reports: Option<&Reports<'_>>, namespace: &str) -> Next {
        let uid = uid(context, namespace);
        if !namespace.is_empty() {
            // A namespace that ends takes its reports along, and another one of its name has none yet.
            let ended = context.index().namespace(namespace).is_none_or(|found| found.deleting);
            self.present.retain(|(_, of), present| of != namespace || !ended && present.namespace_uid == uid);
            if ended {
                return Next::Nothing;
            }
        }
        let desired = reports.and_then(|reports| reports.of(namespace));
        if let Some(report) = &desired {
            let present = self.present.get(&(report.format, namespace.to_owned()));
            if present.is_none_or(|present| present.stored.fingerprint != Some(report.fingerprint())) {
                return desired
                    .map_or(Next::Nothing, |report| Next::Act(report.format, Act::Write(Box::new(report))));
            }
        }
        let kept = desired.map(|report| report.format);
        let stale = Format::ALL.into_iter().filter(|format| Some(*format) != kept);
        for format in stale {
            if let Some(present) = self.present.get(&(format, namespace.to_owned())) {
                if !context.may_delete() {
                    return Next::Later;
                }
                return Next::Act(format, Act::Remove(present.stored.clone()));
            }
        }
        Next::Nothing
    }

    fn begin<'a>(
        &mut self,
        context: &'a Context,
        format: Format,
        namespace: String,
        act: Act,
    ) -> BoxFuture<'a, Done> {
        let now = Instant::now();
        self.pace = now + PACE;
        let failures = self.tries.get(&namespace).map_or(0, |one| one.failures);
        self.tries.insert(namespace.clone(), Try { at: now, failures });
        if let Some(present) = self.present.get_mut(&(format, namespace.clone())) {
            // A write without an answer may have been done.
            present.stored.fingerprint = None;
        }
        let namespace_uid = uid(context, &namespace);
        Box::pin(async move {
            let result = match act {
                Act::Write(report) => wire::write(context, &report).await.map(Some),
                Act::Remove(seen) => wire::remove(context, format, &namespace, &seen).await.map(|()| None),
            };
            Done { format, namespace, namespace_uid, result }
        })
    }

    fn ended(&mut self, context: &Context, reports: Option<&Reports<'_>>, done: Done) {
        let Done { format, namespace, namespace_uid, result } = done;
        let outcome = match &result {
            Ok(Some(_)) => Outcome::Written,
            Ok(None) => Outcome::Removed,
            Err(failure) => failure.outcome,
        };
        context.metrics.reported(outcome);
        let key = (format, namespace);
        match result {
            Ok(Some(stored)) => drop(self.present.insert(key.clone(), Present { stored, namespace_uid })),
            Err(Failure { outcome: Outcome::Conflict, .. }) => {
                // It is another than was known.
                self.list_at = self.list_at.min(Instant::now() + LIST_AGAIN);
            }
            Ok(None) | Err(Failure { outcome: Outcome::Gone, .. }) => drop(self.present.remove(&key)),
            Err(failure) => {
                tracing::warn!(namespace = key.1, error = failure.error, "report not written");
                self.breaker.failed(Instant::now());
                if let Some(one) = self.tries.get_mut(&key.1) {
                    one.failures += 1;
                }
                self.failure = Some(failure);
                return;
            }
        }
        self.breaker.succeeded();
        if outcome == Outcome::Gone || matches!(self.next(context, reports, &key.1), Next::Nothing) {
            self.rest(&key.1);
        }
    }

    /// Nothing more is to be done in a namespace.
    fn rest(&mut self, namespace: &str) {
        self.waiting.remove(namespace);
        if let Some(one) = self.tries.get_mut(namespace) {
            one.failures = 0;
        }
    }

    fn wait(&self, now: Instant) -> Duration {
        let listing = self.list_at.saturating_duration_since(now);
        if !self.listed {
            return listing;
        }
        let turn = |name: &String| self.tries.get(name).map_or(now, |one| one.again());
        let next = self.waiting.keys().map(turn).min();
        let Some(next) = next else { return listing };
        next.saturating_duration_since(now).max(self.breaker.wait(now)).max(PACE).min(listing.max(PACE))
    }
}

fn uid(context: &Context, namespace: &str) -> Option<String> {
    context.index().namespace(namespace).map(|found| found.uid.clone())
}

#[cfg(test)]
mod tests;
