//! What the `SncAuditLog` says of the cluster's audit log, as every namespace is told it.

use crate::context::Context;
use crate::watch::stream::{Selector, Signal, follow};
use crate::watch::{Change, STALE};
use jiff::Timestamp;
use kube::Api;
use kube::core::DeserializeGuard;
use snc_api::v1alpha1::SncAuditLog;
use snc_core::facts::AuditLog;
use snc_core::names::{AUDIT_LOG, METADATA_FIELD_NAME};
use snc_core::text::Text;
use snc_plan::audit::{self, Known, State};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch as channel;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

/// Who falls silent is noticed no later.
const LOOK: Duration = Duration::from_secs(30);
/// How long the first list of one object may take.
const FIRST: Duration = Duration::from_secs(10);

/// What is known of the object.
#[derive(Clone)]
struct Heard {
    /// None where there is none; an error where it cannot be read.
    log: Option<Result<Arc<AuditLog>, String>>,
    at: Option<Instant>,
}

impl Heard {
    /// What was disproved stays so while nothing is heard.
    fn judge(&self, now: Timestamp) -> Known {
        let known = match &self.log {
            None => Known::default(),
            Some(Ok(log)) => audit::judge(log, now),
            Some(Err(error)) => Known::unread(Text::new(
                format!("il ne se lit pas ({error})"),
                format!("it cannot be read ({error})"),
            )),
        };
        let silent = match self.at {
            None => Text::new("pas encore lu", "not read yet"),
            Some(at) if at.elapsed() > STALE => Text::new(
                "plus de nouvelles de l'API depuis trop longtemps",
                "nothing heard from the API for too long",
            ),
            Some(_) => return known,
        };
        if let State::Broken(..) = known.state {
            known
        } else {
            Known { state: State::Unread(silent), ..known }
        }
    }
}

/// What every replica follows, so that who begins to lead knows it already.
pub struct Followed(channel::Receiver<Heard>);

pub fn follow_log(context: &Arc<Context>, tasks: &mut JoinSet<&'static str>) -> Followed {
    let (heard, changes) = channel::channel(Heard { log: None, at: None });
    let context = context.clone();
    tasks.spawn(async move {
        let never = read(&context, heard).await;
        match never {}
    });
    Followed(changes)
}

impl Followed {
    /// Before anything is said of a namespace. What cannot be read holds nobody up, and is said to be unread.
    pub async fn ready(&mut self, context: &Context) {
        let _ = timeout(FIRST, self.0.wait_for(|heard| heard.at.is_some())).await;
        self.tell(context);
    }

    pub async fn keep(mut self, context: Arc<Context>) -> &'static str {
        loop {
            if let Ok(Err(_)) = timeout(LOOK, self.0.changed()).await {
                return "audit";
            }
            self.tell(&context);
        }
    }

    fn tell(&mut self, context: &Context) {
        let heard = self.0.borrow_and_update().clone();
        let known = heard.judge(Timestamp::now());
        context.metrics.audited(&known.state);
        if context.cluster().audit.state != known.state {
            match &known.state {
                State::Broken(reason, why) => {
                    tracing::error!(reason, why = why.en, "the audit log is not whole");
                }
                state => tracing::info!(?state, "what is known of the audit log"),
            }
        }
        context.update_cluster(|facts| facts.audit = known);
    }
}

async fn read(context: &Context, heard: channel::Sender<Heard>) -> Infallible {
    let api: Api<DeserializeGuard<SncAuditLog>> = Api::all(context.client.clone());
    let only = Selector { fields: Some(format!("{METADATA_FIELD_NAME}={AUDIT_LOG}")), ..Selector::default() };
    follow(api, only, log_of, |signal| {
        let at = Some(Instant::now());
        match signal {
            Signal::Change(Change::Apply(log)) => drop(heard.send_replace(Heard { log: Some(log), at })),
            Signal::Change(Change::Delete(_)) => drop(heard.send_replace(Heard { log: None, at })),
            Signal::Change(Change::Reset(all)) => {
                heard.send_replace(Heard { log: all.into_iter().next(), at });
            }
            Signal::Alive => heard.send_modify(|heard| heard.at = at),
            Signal::Open => {}
            Signal::Again(why, text) => {
                context.metrics.watch_restarted("sncauditlogs", why);
                tracing::debug!(why = why.as_str(), error = text, "watch of the audit log begun again");
            }
        }
    })
    .await
}

/// As the controls see it.
fn log_of(object: DeserializeGuard<SncAuditLog>) -> Result<Arc<AuditLog>, String> {
    let log = object.0.map_err(|invalid| invalid.error)?;
    let value = serde_json::to_value(&log).map_err(|error| error.to_string())?;
    serde_json::from_value(value).map(Arc::new).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn guarded(object: Value) -> DeserializeGuard<SncAuditLog> {
        serde_json::from_value(object).unwrap()
    }

    fn object() -> Value {
        json!({
            "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncAuditLog",
            "metadata": {"name": "cluster", "generation": 4},
            "spec": {"retention": {"days": 365, "maximumDays": 730, "tenants": [{"name": "shop", "days": 400}]}},
            "status": {
                "observedGeneration": 4,
                "sources": [{"server": "a", "kind": "File", "state": "Receiving", "lastReceived": "2026-11-22T11:59:59.5Z"}],
                "gaps": {"open": 1, "total": 1, "items": [
                    {"server": "a", "source": "Webhook", "cause": "DiskFull", "from": "2026-11-22T10:00:00Z"}]},
                "store": {"kind": "Volume", "locked": false, "bytes": 1, "free": 5},
                "probe": {"at": "2026-11-22T11:58:00Z", "arrived": true, "delayMilliseconds": 3, "via": "File"},
                "policy": {"complete": true},
                "retention": {"days": 365},
                "conditions": [],
            },
        })
    }

    /// What the types of the API write is what the judgement reads, field by field.
    #[test]
    fn what_the_sink_writes_is_what_is_judged() {
        let log = log_of(guarded(object())).unwrap();
        let direct: AuditLog = serde_json::from_value(object()).unwrap();
        assert_eq!(*log, direct);
        assert_eq!(log.status.gaps.as_ref().unwrap().items[0].cause, "DiskFull");
        assert_eq!(log.spec.retention.tenants[0].days, 400);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_takes_a_proof_away_and_never_a_disproof() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let at = Some(Instant::now());
        let broken = Heard { log: Some(log_of(guarded(object()))), at };
        let mut closed = object();
        closed["status"]["gaps"] = json!({"open": 0, "total": 1});
        let whole = Heard { log: Some(log_of(guarded(closed))), at };
        let none = Heard { log: None, at };
        assert!(matches!(broken.judge(now).state, State::Broken(..)));
        assert_eq!(whole.judge(now).state, State::Whole);
        assert_eq!(none.judge(now).state, State::Absent);
        tokio::time::advance(STALE + LOOK).await;
        assert!(matches!(broken.judge(now).state, State::Broken(..)));
        assert!(matches!(whole.judge(now).state, State::Unread(_)));
        assert!(matches!(none.judge(now).state, State::Unread(_)));
    }

    #[test]
    fn what_was_not_read_or_says_nothing_is_not_the_same_as_none() {
        let now = Timestamp::now();
        assert!(matches!(Heard { log: None, at: None }.judge(now).state, State::Unread(_)));
        let garbage = log_of(guarded(json!({
            "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncAuditLog",
            "metadata": {"name": "cluster"}, "spec": {"probeSeconds": "often"},
        })));
        assert!(garbage.is_err());
        let heard = Heard { log: Some(garbage), at: Some(Instant::now()) };
        assert!(matches!(heard.judge(now).state, State::Unread(_)));
    }
}
