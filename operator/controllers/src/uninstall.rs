//! What has to go before the operator does. Without it nobody opens the gate and nobody answers as the webhook: both would
//! refuse for ever. What isolates stays, unless the platform asks for everything to go.
//!
//! The operator is stopped first, and its lease taken: while it is held here, nothing puts back what is removed. Each step can
//! be done again, so that a call that was cut short is simply made once more.

mod everything;
mod removal;

use crate::error::{Error, code, reason};
use crate::lease::Lease;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease as LeaseObject;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use removal::{BINDING, POLICY, Removal, WEBHOOK_CONFIGURATION};
use serde_json::json;
use snc_core::names::{
    GUARD_GATE, GUARD_NOTICE, GUARD_WEBHOOK, LEASE, MANAGER, OPERATOR_DEPLOYMENT, WEBHOOK,
};
use snc_plan::Settings;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What only the operator can open, and the guard of the webhook, which has nothing left to guard.
const GO: [&str; 3] = [GUARD_GATE, GUARD_NOTICE, GUARD_WEBHOOK];
/// Of the lease while it is held here: a call that was cut short keeps nobody waiting for long.
const HELD: Duration = Duration::from_secs(15);

pub struct Uninstall {
    pub settings: Settings,
    /// Name of this process, unique among those that may hold the lease.
    pub instance: String,
    /// The isolation, what was declared and the CRDs too.
    pub everything: bool,
    /// How long the operator may take to let go of its lease.
    pub patience: Duration,
    /// Told of each object that is removed, as it happens.
    pub say: fn(&str),
}

pub async fn uninstall(kube: kube::Config, uninstall: Uninstall) -> Result<(), Error> {
    let client = Client::try_from(kube).map_err(Error::api("client"))?;
    let Uninstall { settings, instance, everything, patience, say } = uninstall;
    let namespace = &settings.identity.namespace;
    let lang = settings.lang;
    stop(&client, namespace).await?;
    let lease = Lease::new(client.clone(), namespace, LEASE, &instance, HELD);
    if tokio::time::timeout(patience, lease.acquire()).await.is_err() {
        let holder = holder(&client, namespace).await;
        return Err(Error::Config(lang.pick(
            || {
                format!(
                    "l'opérateur ne s'est pas arrêté en {} s : le bail {namespace}/{LEASE} est à {holder} ; rien n'a été \
                     retiré, puisqu'il le remettrait",
                    patience.as_secs()
                )
            },
            || {
                format!(
                    "the operator did not stop within {} s: lease {namespace}/{LEASE} is held by {holder}; nothing was \
                     removed, since it would put it back",
                    patience.as_secs()
                )
            },
        )));
    }
    let mut removal = Removal::new(client, lang, say);
    let renewing = CancellationToken::new();
    let result = tokio::select! {
        lost = lease.keep(renewing) => lost,
        done = remove(&mut removal, &settings, everything) => done,
    };
    removal.conclude(everything, result.is_ok());
    if everything && result.is_ok() {
        return removal.lease(namespace).await;
    }
    lease.release().await;
    result
}

async fn remove(removal: &mut Removal, settings: &Settings, everything: bool) -> Result<(), Error> {
    // First, for it is what refuses when nobody answers.
    removal.ours(&WEBHOOK_CONFIGURATION, None, WEBHOOK).await?;
    if everything {
        return everything::remove(removal, settings).await;
    }
    for guard in GO {
        // A policy without a binding does nothing; a binding without a policy is an error to the API server.
        removal.ours(&BINDING, None, guard).await?;
        removal.ours(&POLICY, None, guard).await?;
    }
    Ok(())
}

/// There is no Deployment where the operator runs otherwise: then somebody else stops it.
async fn stop(client: &Client, namespace: &str) -> Result<(), Error> {
    let api: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    let none = Patch::Merge(json!({"spec": {"replicas": 0}}));
    match api.patch_scale(OPERATOR_DEPLOYMENT, &params, &none).await {
        Err(error) if code(&error) == 404 => Ok(()),
        Err(error) => Err(Error::api(format!("Deployment {namespace}/{OPERATOR_DEPLOYMENT}"))(error)),
        Ok(_) => Ok(()),
    }
}

async fn holder(client: &Client, namespace: &str) -> String {
    let api: Api<LeaseObject> = Api::namespaced(client.clone(), namespace);
    match api.get(LEASE).await {
        Ok(lease) => lease.spec.and_then(|spec| spec.holder_identity).unwrap_or_else(|| "?".to_owned()),
        Err(error) => reason(&error),
    }
}
