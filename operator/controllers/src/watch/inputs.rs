//! What is known of each watched kind besides its objects: whether it was ever listed, whether we may read it, and
//! when it was heard of last.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Three bookmarks are missing by then.
pub const STALE: Duration = Duration::from_secs(180);
/// An API server that just started refuses for a moment, until it has read the roles itself.
pub const DENIED: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, Default)]
pub struct Input {
    /// Since when there is something to decide on.
    pub listed: Option<Instant>,
    denied: Option<Instant>,
    heard: Option<Instant>,
}

impl Input {
    pub fn age(&self) -> Option<Duration> {
        self.heard.map(|heard| heard.elapsed())
    }

    pub fn denied(&self) -> bool {
        self.denied.is_some_and(|since| since.elapsed() >= DENIED)
    }

    pub fn stale(&self) -> bool {
        self.age().is_some_and(|age| age > STALE)
    }
}

#[derive(Default)]
pub struct Inputs {
    kinds: Mutex<BTreeMap<&'static str, Input>>,
    changed: Notify,
}

impl Inputs {
    fn kinds(&self) -> MutexGuard<'_, BTreeMap<&'static str, Input>> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn expect(&self, kind: &'static str) {
        self.kinds().entry(kind).or_default();
    }

    /// The kind is not served: there is nothing to wait for.
    pub fn forget(&self, kind: &'static str) {
        self.kinds().remove(kind);
        self.changed.notify_waiters();
    }

    /// An event or a bookmark came.
    pub fn heard(&self, kind: &'static str) {
        let mut kinds = self.kinds();
        let input = kinds.entry(kind).or_default();
        input.heard = Some(Instant::now());
        input.denied = None;
    }

    /// We may watch; of what is known already nothing gets younger by that.
    pub fn allowed(&self, kind: &'static str) {
        self.kinds().entry(kind).or_default().denied = None;
    }

    pub fn listed(&self, kind: &'static str) {
        self.heard(kind);
        self.kinds().entry(kind).or_default().listed.get_or_insert_with(Instant::now);
        self.changed.notify_waiters();
    }

    pub fn denied(&self, kind: &'static str) {
        self.kinds().entry(kind).or_default().denied.get_or_insert_with(Instant::now);
    }

    pub fn all(&self) -> Vec<(&'static str, Input)> {
        self.kinds().iter().map(|(kind, input)| (*kind, *input)).collect()
    }

    /// When the last of the initial lists was done.
    pub fn synced_at(&self) -> Option<Instant> {
        let kinds = self.kinds();
        let all: Option<Vec<Instant>> = kinds.values().map(|input| input.listed).collect();
        all?.into_iter().max()
    }

    /// Everything was listed, is known up to now, and may be read.
    pub fn current(&self) -> bool {
        self.kinds().values().all(|input| input.listed.is_some() && input.denied.is_none() && !input.stale())
    }

    /// Waits until each kind was listed, or is known to be out of our reach.
    pub async fn settled(&self) {
        loop {
            let changed = self.changed.notified();
            if self.kinds().values().all(|input| input.listed.is_some() || input.denied()) {
                return;
            }
            let _ = tokio::time::timeout(DENIED / 5, changed).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_kind_that_is_not_heard_of_gets_old_and_is_young_again_after_a_bookmark() {
        let inputs = Inputs::default();
        inputs.expect("pods");
        assert!(!inputs.current(), "never listed");
        inputs.listed("pods");
        assert!(inputs.current());
        tokio::time::advance(STALE + Duration::from_secs(1)).await;
        assert!(!inputs.current() && inputs.all()[0].1.stale());
        inputs.heard("pods");
        assert!(inputs.current());
        inputs.denied("pods");
        assert!(!inputs.current(), "known up to now, but not from now on");
        tokio::time::advance(DENIED / 2).await;
        inputs.allowed("pods");
        assert!(inputs.current(), "a server that just started refuses for a moment");
        assert_eq!(inputs.all()[0].1.age(), Some(DENIED / 2), "nothing was heard yet");
    }

    #[tokio::test(start_paused = true)]
    async fn sync_is_when_the_last_kind_was_listed_and_settled_does_not_wait_for_what_is_denied() {
        let inputs = Inputs::default();
        inputs.expect("pods");
        inputs.expect("namespaces");
        inputs.listed("pods");
        let wait = DENIED * 2;
        assert!(tokio::time::timeout(wait, inputs.settled()).await.is_err(), "namespaces are not listed");
        inputs.denied("namespaces");
        assert!(tokio::time::timeout(wait, inputs.settled()).await.is_ok());
        assert_eq!(inputs.synced_at(), None);
        inputs.listed("namespaces");
        let synced = inputs.synced_at().unwrap();
        tokio::time::advance(wait).await;
        inputs.listed("namespaces");
        assert_eq!(inputs.synced_at(), Some(synced), "the first list counts");
    }
}
