//! One key at a time: plan under the read lock, act without it, say what came of it.

mod baseline;
mod current;
mod namespace;
pub mod status;
mod tenant;

use crate::context::Context;
use crate::queue::Outcome;
use snc_index::Key;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Handles keys until the queue is closed.
pub async fn work(context: Arc<Context>) {
    while let Some(key) = context.queue.next().await {
        // A process that slept while another took over must not act on what it knew before.
        if !context.lease.is_current() {
            context.queue.done(key, &Outcome::Later(Duration::from_millis(200)));
            continue;
        }
        let started = Instant::now();
        let (kind, outcome) = match &key {
            Key::Namespace(name) => ("namespace", namespace::reconcile(&context, name).await),
            Key::Tenant(name) => ("tenant", tenant::reconcile(&context, name).await),
            Key::Baseline(name) => ("baseline", baseline::reconcile(&context, name).await),
        };
        context.metrics.reconciled(kind, &outcome, started.elapsed());
        context.queue.done(key, &outcome);
    }
}
