//! One key at a time: plan under the read lock, act without it, say what came of it.

mod baseline;
mod namespace;
mod status;
mod tenant;

use crate::context::Context;
use snc_index::Key;
use std::sync::Arc;

/// Handles keys until the process ends.
pub async fn work(context: Arc<Context>) {
    loop {
        let key = context.queue.next().await;
        let outcome = match &key {
            Key::Namespace(name) => namespace::reconcile(&context, name).await,
            Key::Tenant(name) => tenant::reconcile(&context, name).await,
            Key::Baseline(name) => baseline::reconcile(&context, name).await,
        };
        context.queue.done(key, &outcome);
    }
}
