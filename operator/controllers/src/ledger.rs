//! When vulnerabilities were first seen, written down: deadlines count from there, through restarts and whatever becomes of
//! the reports.

use crate::apply;
use crate::context::Context;
use crate::error::{code, reason};
use jiff::Timestamp;
use kube::Api;
use kube::api::{ObjectMeta, PostParams};
use snc_api::v1alpha1::{SncImageLedger, SncImageLedgerSpec};
use snc_core::facts::ImageLedger;
use snc_core::names::{COMPONENT_LEDGER, LABEL_COMPONENT, LABEL_MANAGED_BY, MANAGED_BY, MANAGER};
use snc_images::ledger::News;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// What could not be written is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// Runs while this process leads.
pub async fn publish(context: Arc<Context>) -> &'static str {
    let mut unwritten = context.unwritten.subscribe();
    unwritten.mark_changed();
    let mut left: Arc<BTreeMap<String, News>> = Arc::default();
    loop {
        tokio::select! {
            changed = unwritten.changed() => if changed.is_ok() {
                left = unwritten.borrow_and_update().clone();
            },
            () = sleep(AGAIN), if !left.is_empty() => {}
        }
        let mut failed = BTreeMap::new();
        for (name, news) in left.iter() {
            if !context.lease.is_current() || !write(&context, name, news).await {
                failed.insert(name.clone(), news.clone());
            }
        }
        left = Arc::new(failed);
    }
}

/// Whether it is written. It is read anew: what is there stays, and only the version that was seen is replaced.
async fn write(context: &Context, name: &str, news: &News) -> bool {
    let namespace = &context.settings.identity.namespace;
    let api: Api<SncImageLedger> = Api::namespaced(context.client.clone(), namespace);
    let result = async {
        let live = api.get_opt(name).await?;
        let mut ledger = live.as_ref().map(|live| held(&live.spec)).unwrap_or_default();
        news.write(&mut ledger, Timestamp::now());
        let spec = SncImageLedgerSpec { images: ledger.images, full: ledger.full };
        let parameters = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        match live {
            Some(live) if live.spec == spec && apply::is_ours(&live) => Ok(()),
            Some(mut live) => {
                live.spec = spec;
                live.metadata.labels.get_or_insert_default().extend(labels());
                live.metadata.managed_fields = None;
                api.replace(name, &parameters, &live).await.map(drop)
            }
            None => {
                let metadata = ObjectMeta {
                    name: Some(name.to_owned()),
                    labels: Some(labels()),
                    ..ObjectMeta::default()
                };
                let new = SncImageLedger { metadata, spec };
                api.create(&parameters, &new).await.map(drop)
            }
        }
    };
    let result: kube::Result<()> = result.await;
    match result {
        Ok(()) => true,
        // Somebody wrote in between; it is read again.
        Err(error) if code(&error) == 409 => false,
        Err(error) => {
            tracing::error!(
                ledger = name,
                error = reason(&error),
                "first dates of vulnerabilities not written"
            );
            false
        }
    }
}

fn held(spec: &SncImageLedgerSpec) -> ImageLedger {
    ImageLedger { images: spec.images.clone(), full: spec.full }
}

fn labels() -> BTreeMap<String, String> {
    BTreeMap::from([
        (LABEL_MANAGED_BY.to_owned(), MANAGED_BY.to_owned()),
        (LABEL_COMPONENT.to_owned(), COMPONENT_LEDGER.to_owned()),
    ])
}
