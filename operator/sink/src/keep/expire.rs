//! What is past its retention goes, and it is written down that it did.

use super::{Keeper, Parts};
use crate::metrics::Whose as Label;
use crate::own::{Act, Saying, say};
use crate::wishes::{LegalHold, Wishes};
use jiff::Timestamp;
use serde_json::json;
use snc_audit::Partition;
use snc_auditlog::{Expired, Hold};
use std::collections::BTreeMap;

impl Keeper {
    /// A failure is told and tried again in its time: nothing is lost by what stays too long.
    pub(super) async fn expire(&mut self) {
        // Holds that nobody could tell of yet may cover anything.
        if !self.parts.wishes.is_known() {
            tracing::debug!("nothing expires before it was read what is to be held");
            return;
        }
        let (now, holds) = (Timestamp::now(), holds(&self.parts.wishes.now()));
        match self.parts.writer.expire(now, &holds).await {
            Ok(expired) => self.expired(&expired, now).await,
            Err(error) => {
                self.parts.metrics.retention_failures.inc();
                tracing::error!(%error, "retention; tried again in an hour");
            }
        }
    }

    async fn expired(&self, expired: &[Expired], now: Timestamp) {
        let Parts { stock, metrics, intake, .. } = &self.parts;
        let mut of: BTreeMap<&Partition, (u64, u64, u64)> = BTreeMap::new();
        for one in expired {
            let label = if one.partition == Partition::Platform { Label::Platform } else { Label::Tenant };
            metrics.expired.with_label_values(&[label.as_str()]).inc();
            stock.expired(one);
            let (segments, bytes, through) = of.entry(&one.partition).or_default();
            (*segments, *bytes, *through) = (*segments + 1, *bytes + one.bytes, (*through).max(one.last_seq));
        }
        let told: Vec<Saying> = of
            .into_iter()
            .map(|(partition, (segments, bytes, through))| {
                tracing::info!(%partition, segments, bytes, through, "past its retention, deleted");
                let what = json!({"partition": partition, "segments": segments, "bytes": bytes, "throughSeq": through});
                Saying::new(Act::Expired, &partition.to_string(), None, now, &what)
            })
            .collect();
        // The store has the signed word on each of them; this is for whoever reads along.
        if let Err(error) = say(intake, &told).await {
            tracing::warn!(%error, "expiry not written down in the log");
        }
    }
}

/// One that names a tenant which cannot be one holds everything: it was meant to hold something.
pub(super) fn holds(wishes: &Wishes) -> Vec<Hold> {
    let hold = |LegalHold { name, tenant, since, .. }: &LegalHold| {
        let tenant = tenant.as_ref().and_then(|tenant| tenant.parse().ok());
        Hold { name: name.clone(), partition: tenant.map(Partition::Tenant), since: *since }
    };
    wishes.holds.iter().map(hold).collect()
}
