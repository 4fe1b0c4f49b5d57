//! What tells the API server of our webhook: kept as it is meant to be, and removed where it is switched off.

use crate::apply;
use crate::certificates::{self, Source};
use crate::context::Context;
use crate::error::{code, reason};
use crate::watch;
use crate::watch::stream::follow;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use kube::api::ListParams;
use kube::{Api, Resource, ResourceExt};
use serde_json::Value;
use snc_core::condition::reason as why;
use snc_core::names::{LABEL_MANAGED_BY, WEBHOOK, WEBHOOK_SERVICE};
use snc_plan::webhook::{Reached, configuration};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

const AGAIN: Duration = Duration::from_secs(5);
const EVERY: Duration = Duration::from_secs(300);

#[derive(Debug, Clone)]
pub enum Webhook {
    /// What the API server knows of it is removed.
    Off,
    On {
        reached: Reached,
        source: Source,
        /// A new authority is trusted that long before it signs.
        overlap: Duration,
    },
}

/// Both kept by the leader: the certificates, and what the API server is told.
pub async fn keep(context: Arc<Context>, webhook: Webhook) -> &'static str {
    let (tell, mut trusted) = tokio::sync::watch::channel(String::new());
    let touched = Notify::new();
    let api: Api<ValidatingWebhookConfiguration> = Api::all(context.client.clone());
    let watched = follow(api, watch::ours(), drop, watch::touch(&touched, "webhook configuration"));
    let certificates = async {
        match &webhook {
            Webhook::Off => std::future::pending().await,
            Webhook::On { reached, source, overlap } => {
                let names = names(reached, &context.settings.identity.namespace);
                certificates::keep(context.clone(), *source, *overlap, names, tell).await
            }
        }
    };
    let configuration = async {
        loop {
            let bundle = trusted.borrow_and_update().clone();
            let wait = if ensure(&context, &webhook, &bundle).await { EVERY } else { AGAIN };
            tokio::select! {
                () = touched.notified() => {}
                Ok(()) = trusted.changed() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    };
    tokio::select! {
        _ = watched => {}
        _ = certificates => {}
        () = configuration => {}
    }
    "webhook"
}

/// What its certificate is for.
fn names(reached: &Reached, namespace: &str) -> Vec<String> {
    match reached {
        Reached::Service => [format!(".{namespace}.svc"), format!(".{namespace}.svc.cluster.local")]
            .map(|rest| format!("{WEBHOOK_SERVICE}{rest}"))
            .into(),
        Reached::Url(url) => {
            let url = url.parse::<http::Uri>().ok();
            let host = url.as_ref().and_then(|url| url.host());
            // Brackets are the URL's, not the address's.
            host.map(|host| host.trim_matches(['[', ']']).to_owned()).into_iter().collect()
        }
    }
}

/// What controls judge of tenants, those of the platform's own included.
fn kinds(context: &Context) -> BTreeSet<String> {
    crate::assess::catalogue(context).map(|catalogue| catalogue.admission_kinds()).unwrap_or_default()
}

/// Whether it is as it should be now.
async fn ensure(context: &Context, webhook: &Webhook, bundle: &str) -> bool {
    if !context.lease.is_current() {
        return false;
    }
    let api: Api<ValidatingWebhookConfiguration> = Api::all(context.client.clone());
    let live = match api.get_opt(WEBHOOK).await {
        Ok(live) => live,
        Err(error) => {
            tracing::warn!(error = reason(&error), "configuration of the webhook not read");
            return false;
        }
    };
    let result = match (webhook, &live) {
        (Webhook::Off, None) => return true,
        (Webhook::Off, Some(live)) => remove(&api, live).await,
        (Webhook::On { .. }, _) if bundle.is_empty() => return false,
        // Nobody is refused because the first pods are still starting; what is there once is never withdrawn.
        (Webhook::On { reached, .. }, None) if !answers(context, reached).await => return false,
        (Webhook::On { reached, .. }, live) => {
            let desired = configuration(&context.settings, reached, bundle.as_bytes(), &kinds(context));
            if live.as_ref().is_some_and(|live| same(live, &desired)) {
                return true;
            }
            let repaired = live.as_ref().is_some_and(|live| !differs_in_trust_only(live, &desired));
            let result = apply::in_place(&api, &desired, same).await;
            context.guards_changed.notify_one();
            if repaired && result.is_ok() {
                tracing::error!("the webhook's configuration was changed by somebody else; restored");
                let note = context.settings.lang.pick(
                    || format!("{WEBHOOK} avait été modifié ; rétabli"),
                    || format!("{WEBHOOK} had been changed; restored"),
                );
                context.events.warning(&desired.object_ref(&()), why::REPAIRED, "Repair", note).await;
            }
            result
        }
    };
    match result {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(error = reason(&error), "configuration of the webhook not written");
            false
        }
    }
}

/// Only what is ours, and only what was seen.
async fn remove(
    api: &Api<ValidatingWebhookConfiguration>,
    live: &ValidatingWebhookConfiguration,
) -> kube::Result<()> {
    if !apply::is_ours(live) {
        return Ok(());
    }
    tracing::info!("the webhook is switched off: its configuration is removed");
    match api.delete(WEBHOOK, &apply::as_seen(live)).await {
        Err(error) if code(&error) != 404 => Err(error),
        _ => Ok(()),
    }
}

fn webhooks(of: &ValidatingWebhookConfiguration) -> Value {
    serde_json::to_value(&of.webhooks).unwrap_or_default()
}

fn same(live: &ValidatingWebhookConfiguration, desired: &ValidatingWebhookConfiguration) -> bool {
    let label = |of: &ValidatingWebhookConfiguration| of.labels().get(LABEL_MANAGED_BY).cloned();
    webhooks(live) == webhooks(desired) && label(live) == label(desired)
}

/// A new authority is our own doing, and nobody's fault.
fn differs_in_trust_only(
    live: &ValidatingWebhookConfiguration,
    desired: &ValidatingWebhookConfiguration,
) -> bool {
    let without = |of: &ValidatingWebhookConfiguration| {
        let mut of = of.clone();
        for webhook in of.webhooks.iter_mut().flatten() {
            webhook.client_config.ca_bundle = None;
        }
        of
    };
    same(&without(live), &without(desired))
}

/// Whether somebody would answer now.
async fn answers(context: &Context, reached: &Reached) -> bool {
    match reached {
        Reached::Url(_) => true,
        Reached::Service => {
            let namespace = &context.settings.identity.namespace;
            let api: Api<EndpointSlice> = Api::namespaced(context.client.clone(), namespace);
            let of = format!("kubernetes.io/service-name={WEBHOOK_SERVICE}");
            let slices = api.list(&ListParams::default().labels(&of)).await;
            let ready = |slice: &EndpointSlice| {
                let is_ready = |endpoint: &Endpoint| {
                    endpoint.conditions.as_ref().and_then(|conditions| conditions.ready).unwrap_or(true)
                };
                slice.endpoints.iter().any(is_ready)
            };
            slices.is_ok_and(|slices| slices.iter().any(ready))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_for_the_name_or_the_address_that_the_api_server_calls() {
        let of = |url: &str| names(&Reached::Url(url.to_owned()), "snc-system");
        assert_eq!(of("https://webhook.example:8443"), ["webhook.example"]);
        assert_eq!(of("https://192.0.2.1:8443/x"), ["192.0.2.1"]);
        assert_eq!(of("https://[2001:db8::1]:8443"), ["2001:db8::1"]);
        assert_eq!(of("https://[2001:db8::1]"), ["2001:db8::1"]);
        assert_eq!(names(&Reached::Service, "a"), ["snc-webhook.a.svc", "snc-webhook.a.svc.cluster.local"]);
    }
}
