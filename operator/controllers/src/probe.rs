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
use tokio::time::{Instant, timeout};

/// A proof gets old by itself.
const LOOK: Duration = Duration::from_secs(60);

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
            Some(Err(error)) => Probed::Inconclusive(Text::new(
                format!("le ConfigMap {PROBE} ne se lit pas ({error})"),
                format!("the ConfigMap {PROBE} cannot be read ({error})"),
            )),
        };
        let silent = self.heard.is_some_and(|heard| heard.elapsed() > STALE);
        match probed {
            Probed::Enforced { .. } | Probed::Never if silent => Probed::Inconclusive(Text::new(
                "plus de nouvelles de l'API depuis trop longtemps",
                "nothing heard from the API for too long",
            )),
            probed => probed,
        }
    }
}

pub async fn keep(context: Arc<Context>) -> &'static str {
    let (known, changes) = channel::channel(Known { measured: None, heard: None });
    tokio::select! {
        _ = read(&context, known) => {}
        () = tell(&context, changes) => {}
    }
    "probe"
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

async fn tell(context: &Context, mut changes: channel::Receiver<Known>) {
    loop {
        let known = changes.borrow_and_update().clone();
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
        if let Ok(Err(_)) = timeout(LOOK, changes.changed()).await {
            return;
        }
    }
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
        assert!(matches!(none.judge(now), Probed::Inconclusive(_)));
        assert!(matches!(disproof.judge(now), Probed::Disproved(_)));
    }
}
