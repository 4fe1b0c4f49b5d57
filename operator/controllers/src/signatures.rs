//! What registries say of the signatures of what runs, asked again and again: a key may be taken out, a registry come
//! back.

use crate::context::Context;
use snc_catalogue::ToVerify;
use snc_core::image::Signatures;
use snc_registry::Verifiers;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// What was found holds for a while, and only what no longer does is asked about again.
const AGAIN: Duration = Duration::from_secs(30);
/// A round gives what it has by then, and the next one has the rest.
const ROUND: Duration = Duration::from_secs(20);

/// Runs while this process leads.
pub async fn verify(context: Arc<Context>, verifiers: Verifiers) -> &'static str {
    let mut wanted = context.to_verify.subscribe();
    let mut before: Option<Arc<Signatures>> = None;
    loop {
        let ToVerify { keys, images } = ToVerify::clone(&wanted.borrow_and_update());
        verifiers.refresh();
        let signatures = if images.is_empty() {
            Signatures::new(keys)
        } else {
            verifiers.signatures(keys, images, ROUND, before.as_deref()).await
        };
        let signatures = Arc::new(signatures);
        before = Some(signatures.clone());
        context.signatures.send_replace(Some(signatures));
        tokio::select! {
            changed = wanted.changed() => if changed.is_err() {
                return "signatures";
            },
            () = sleep(AGAIN) => {}
        }
    }
}
