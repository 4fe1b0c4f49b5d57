//! What `snc-operator probe` measured of the cluster's network, and how it measures it.

mod measure;

pub use measure::{Probe, measure};

use crate::context::Context;
use crate::watch::stream::{Selector, Signal, follow};
use crate::watch::{Change, STALE};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use snc_core::names::{METADATA_FIELD_NAME, PROBE, PROBE_KEY};
use snc_core::text::Text;
use snc_plan::probe::{Measured, Probed};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch as channel;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

/// A proof gets old by itself.
const LOOK: Duration = Duration::from_secs(60);
/// How long the first list of one ConfigMap may take.
const FIRST: Duration = Duration::from_secs(10);

/// What is known of the ConfigMap.
#[derive(Clone)]
struct Known {
    /// None where there is none; an error where it cannot be read.
    measured: Option<Result<Measured, String>>,
    heard: Option<Instant>,
}

impl Known {
    /// What was disproved stays so while nothing is heard.
    fn judge(&self, now: Timestamp) -> Probed {
        let probed = match &self.measured {
            None => Probed::Never,
            Some(Ok(measured)) => measured.judge(now),
            Some(Err(error)) => Probed::Unread(Text::new(
                format!("il ne se lit pas ({error})"),
                format!("cannot be read ({error})"),
            )),
        };
        let silent = match self.heard {
            None => Text::new("pas encore lu", "not read yet"),
            Some(heard) if heard.elapsed() > STALE => Text::new(
                "plus de nouvelles de l'API depuis trop longtemps",
                "nothing heard from the API for too long",
            ),
            Some(_) => return probed,
        };
        if let Probed::Disproved(_) = probed { probed } else { Probed::Unread(silent) }
    }
}

/// What every replica follows, so that who begins to lead knows it already.
pub struct Followed(channel::Receiver<Known>);

pub fn follow_measured(context: &Arc<Context>, tasks: &mut JoinSet<&'static str>) -> Followed {
    let (known, changes) = channel::channel(Known { measured: None, heard: None });
    let context = context.clone();
    tasks.spawn(async move {
        let never = read(&context, known).await;
        match never {}
    });
    Followed(changes)
}

impl Followed {
    /// Before anything is said of a namespace. What cannot be read holds nobody up, and is said to be unread.
    pub async fn ready(&mut self, context: &Context) {
        let _ = timeout(FIRST, self.0.wait_for(|known| known.heard.is_some())).await;
        self.tell(context);
    }

    pub async fn keep(mut self, context: Arc<Context>) -> &'static str {
        loop {
            if let Ok(Err(_)) = timeout(LOOK, self.0.changed()).await {
                return "probe";
            }
            self.tell(&context);
        }
    }

    fn tell(&mut self, context: &Context) {
        let known = self.0.borrow_and_update().clone();
        let probed = known.judge(Timestamp::now());
        let at = known.measured.and_then(Result::ok).map(|measured| measured.at);
        context.metrics.probed(&probed, at);
        if context.cluster().probed != probed {
            match &probed {
                Probed::Disproved(through) => {
                    tracing::error!(?through, "the cluster's network does not enforce NetworkPolicies");
                }
                probed => tracing::info!(?probed, "what is known of the cluster's network"),
            }
        }
        context.update_cluster(|facts| facts.probed = probed);
    }
}

async fn read(context: &Context, known: channel::Sender<Known>) -> Infallible {
    let api: Api<ConfigMap> = Api::namespaced(context.client.clone(), &context.settings.identity.namespace);
    let only = Selector { fields: Some(format!("{METADATA_FIELD_NAME}={PROBE}")), ..Selector::default() };
    follow(api, only, measured_of, |signal| {
        let heard = Some(Instant::now());
        match signal {
            Signal::Change(Change::Apply(measured)) => {
                known.send_replace(Known { measured: Some(measured), heard });
            }
            Signal::Change(Change::Delete(_)) => drop(known.send_replace(Known { measured: None, heard })),
            Signal::Change(Change::Reset(all)) => {
                known.send_replace(Known { measured: all.into_iter().next(), heard });
            }
            Signal::Alive => known.send_modify(|known| known.heard = heard),
            Signal::Open => {}
            Signal::Again(why, text) => {
                context.metrics.watch_restarted("configmaps", why);
                tracing::debug!(why = why.as_str(), error = text, "watch of the measurement begun again");
            }
        }
    })
    .await
}

fn measured_of(map: ConfigMap) -> Result<Measured, String> {
    let text = map.data.and_then(|mut data| data.remove(PROBE_KEY));
    let text = text.ok_or_else(|| format!("{PROBE_KEY} is not there"))?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use snc_core::flow::Protocol;
    use snc_plan::probe::{Asked, EGRESS};

    #[tokio::test(start_paused = true)]
    async fn silence_takes_a_proof_away_and_never_a_disproof() {
        let now = Timestamp::now();
        let address = "10.0.0.7".parse().unwrap();
        let through = Asked { address, protocol: Protocol::Tcp, port: EGRESS, answered: true };
        let measured = Measured {
            at: now,
            client_node: None,
            server_node: None,
            asked: vec![through],
            received: Vec::new(),
            failure: None,
        };
        let none = Known { measured: None, heard: Some(Instant::now()) };
        let disproof = Known { measured: Some(Ok(measured)), heard: none.heard };
        assert_eq!(none.judge(now), Probed::Never);
        assert!(matches!(disproof.judge(now), Probed::Disproved(_)));
        tokio::time::advance(STALE + LOOK).await;
        assert!(matches!(none.judge(now), Probed::Unread(_)));
        assert!(matches!(disproof.judge(now), Probed::Disproved(_)));
    }

    #[test]
    fn what_was_not_read_or_says_nothing_is_not_the_same_as_never_measured() {
        let now = Timestamp::now();
        assert!(matches!(Known { measured: None, heard: None }.judge(now), Probed::Unread(_)));
        let garbage = Known { measured: Some(Err("line 1".to_owned())), heard: Some(Instant::now()) };
        assert!(matches!(garbage.judge(now), Probed::Unread(_)));
    }
}
