use super::Log;
use anyhow::anyhow;
use futures::future::BoxFuture;
use jiff::Timestamp;
use object_store::ObjectStore as _;
use snc_audit::Partition;
use snc_audit::canonical::{self, Hash};
use snc_auditlog::{Query, Reader, Store};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// For a store that is about to be reached: right after the start, API servers send again what they have no answer for.
const PATIENCE: Duration = Duration::from_secs(5);

type Reached = (Store, Arc<Reader>);

/// The store, once it is reached.
#[derive(Default)]
pub struct Later(watch::Sender<Option<Reached>>);

impl Later {
    pub fn set(&self, store: Store, reader: Arc<Reader>) {
        self.0.send_replace(Some((store, reader)));
    }

    pub fn is_set(&self) -> bool {
        self.0.borrow().is_some()
    }

    async fn get(&self) -> anyhow::Result<Reached> {
        let mut reached = self.0.subscribe();
        let there = timeout(PATIENCE, reached.wait_for(Option::is_some)).await;
        let there = there.ok().and_then(Result::ok).and_then(|there| there.clone());
        there.ok_or_else(|| anyhow!("the store is not reached yet"))
    }
}

impl Log for Later {
    fn partitions(&self) -> BoxFuture<'_, anyhow::Result<Vec<Partition>>> {
        Box::pin(async move {
            let (store, _) = self.get().await?;
            let listed = store.list_with_delimiter(None).await?;
            Ok(listed.common_prefixes.iter().filter_map(|prefix| prefix.as_ref().parse().ok()).collect())
        })
    }

    fn hashes<'a>(
        &'a self,
        partition: &'a Partition,
        from: Timestamp,
        before: Timestamp,
    ) -> BoxFuture<'a, anyhow::Result<Vec<Hash>>> {
        Box::pin(async move {
            let (_, reader) = self.get().await?;
            let mut query = Query {
                since: Some(from),
                until: Some(before),
                limit: Query::MOST,
                ..Query::of(partition.clone())
            };
            let mut hashes = Vec::new();
            loop {
                let page = reader.query(&query).await?;
                for finding in &page.findings {
                    // What is damaged cannot be asked for; what was in it is stored once more.
                    tracing::warn!(
                        finding = finding.text().en,
                        "while it was looked for what is stored already"
                    );
                }
                for record in &page.records {
                    hashes.push(canonical::hash(&record.event)?);
                }
                let Some(next) = page.next else { return Ok(hashes) };
                query.cursor = Some(next);
            }
        })
    }
}
