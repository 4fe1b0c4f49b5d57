//! The guards and the policies of controls, kept as they are meant to be, and the proof that the gate acts: a dry-run pod
//! in our own unisolated namespace, refused by the gate's name, on every API server that can be reached.

mod unwanted;

use crate::apply;
use crate::context::Context;
use crate::error::{Error, code, reason};
use crate::watch;
use crate::watch::stream::follow;
use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{ListParams, PostParams};
use kube::{Api, Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use snc_core::condition::reason as why;
use snc_core::names::{GUARD_GATE, LABEL_MANAGED_BY};
use snc_plan::guards::{Guard, guards};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Between two proofs when nothing changes: an API server may have joined.
const PROVE_AGAIN: Duration = Duration::from_secs(300);
const TRY_AGAIN: Duration = Duration::from_millis(500);
/// While something of ours waits to be deleted.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Applies every guard once; the operator does not go on without them.
pub async fn install(context: &Context) -> Result<(), Error> {
    for guard in guards(&context.settings.identity, context.settings.lang) {
        restore(context, &guard).await.map_err(Error::api(format!("guard {}", guard.policy.name_any())))?;
    }
    Ok(())
}

async fn restore(context: &Context, guard: &Guard) -> kube::Result<()> {
    exactly(Api::all(context.client.clone()), &guard.policy).await?;
    for binding in &guard.bindings {
        exactly(Api::all(context.client.clone()), binding).await?;
    }
    Ok(())
}

/// As for managed objects: apply, and replace what apply leaves different.
async fn exactly<K>(api: Api<K>, desired: &K) -> kube::Result<()>
where
    K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
{
    let name = desired.name_any();
    let live = api.get_opt(&name).await?;
    if live.as_ref().is_some_and(|live| same(live, desired)) {
        return Ok(());
    }
    apply::in_place(&api, desired, same).await
}

fn same<K: Serialize>(live: &K, desired: &K) -> bool {
    let spec =
        |object: &K| serde_json::to_value(object).ok().and_then(|mut o| o.get_mut("spec").map(Value::take));
    let label = |object: &K| {
        serde_json::to_value(object)
            .ok()
            .and_then(|o| o.pointer("/metadata/labels").and_then(|l| l.get(LABEL_MANAGED_BY)).cloned())
    };
    spec(live) == spec(desired) && label(live) == label(desired)
}

/// Watches both kinds and tells when something of ours is not as it should be.
pub async fn keep(context: Arc<Context>, changed: Arc<Notify>) -> &'static str {
    let touched = Notify::new();
    let policies: Api<ValidatingAdmissionPolicy> = Api::all(context.client.clone());
    let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(context.client.clone());
    let policies = follow(policies, watch::ours(), drop, watch::touch(&touched, "guards"));
    let bindings = follow(bindings, watch::ours(), drop, watch::touch(&touched, "guards"));
    let repairs = async {
        loop {
            touched.notified().await;
            repair(&context, &changed).await;
            // Deletions wait until everything is known.
            while !unwanted::remove(&context).await {
                let _ = tokio::time::timeout(LOOK_AGAIN, touched.notified()).await;
                repair(&context, &changed).await;
            }
        }
    };
    tokio::select! {
        _ = policies => {}
        _ = bindings => {}
        () = repairs => {}
    }
    "guards"
}

async fn repair(context: &Context, changed: &Notify) {
    if !context.lease.is_current() {
        return;
    }
    for guard in guards(&context.settings.identity, context.settings.lang) {
        let name = guard.policy.name_any();
        let intact = intact(&context.client, &guard).await.unwrap_or_else(|error| {
            tracing::warn!(guard = name, error = reason(&error), "guard not read");
            false
        });
        if intact {
            continue;
        }
        if name == GUARD_GATE {
            context.update_cluster(|facts| facts.gate_proven = false);
        }
        match restore(context, &guard).await {
            Ok(()) => {
                tracing::error!(guard = name, "a guard was removed or changed by somebody else; restored");
                let note = context.settings.lang.pick(
                    || format!("{name} avait été retiré ou modifié ; rétabli"),
                    || format!("{name} had been removed or changed; restored"),
                );
                context.events.warning(&guard.policy.object_ref(&()), why::REPAIRED, "Repair", note).await;
            }
            Err(error) => tracing::error!(guard = name, error = reason(&error), "guard not restored"),
        }
        changed.notify_one();
        context.guards_changed.notify_one();
    }
}

pub async fn intact(client: &Client, guard: &Guard) -> kube::Result<bool> {
    let policies: Api<ValidatingAdmissionPolicy> = Api::all(client.clone());
    let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(client.clone());
    let policy = policies.get_opt(&guard.policy.name_any()).await?;
    if !policy.is_some_and(|live| same(&live, &guard.policy)) {
        return Ok(false);
    }
    for binding in &guard.bindings {
        let live = bindings.get_opt(&binding.name_any()).await?;
        if !live.is_some_and(|live| same(&live, binding)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// One proof, for a start: what is known of the gate before is nothing.
pub async fn prove_once(context: &Context, config: &kube::Config) -> bool {
    let proven = proven_everywhere(context, config).await;
    context.update_cluster(|facts| facts.gate_proven = proven);
    proven
}

/// Proves the gate after each change of it, and from time to time.
pub async fn prove(
    context: Arc<Context>,
    changed: Arc<Notify>,
    config: kube::Config,
    mut proven: bool,
) -> &'static str {
    let mut said = false;
    loop {
        if proven && !said {
            tracing::info!("isolation-gate refused the canary pod on every API server that can be reached");
        }
        said = proven;
        let wait = if proven { PROVE_AGAIN } else { TRY_AGAIN };
        let _ = tokio::time::timeout(wait, changed.notified()).await;
        proven = prove_once(&context, &config).await;
    }
}

async fn proven_everywhere(context: &Context, config: &kube::Config) -> bool {
    if !refused_by_gate(&context.client, &context.settings.canary_namespace).await.unwrap_or(false) {
        return false;
    }
    for address in api_servers(context).await {
        let Ok(client) = client_at(config, &address) else { continue };
        match refused_by_gate(&client, &context.settings.canary_namespace).await {
            Some(true) => {}
            Some(false) => {
                tracing::warn!(address, "isolation-gate does not act on this API server yet");
                return false;
            }
            None => tracing::debug!(address, "API server cannot be reached from here; not counted"),
        }
    }
    true
}

async fn api_servers(context: &Context) -> Vec<String> {
    let api: Api<EndpointSlice> = Api::namespaced(context.client.clone(), "default");
    let params = ListParams::default().labels("kubernetes.io/service-name=kubernetes");
    let slices = match api.list(&params).await {
        Ok(slices) => slices,
        Err(error) => {
            tracing::warn!(error = reason(&error), "addresses of the API servers not read");
            return Vec::new();
        }
    };
    let mut addresses: Vec<String> = slices
        .iter()
        .flat_map(|slice| {
            let port = slice.ports.iter().flatten().find_map(|p| p.port).unwrap_or(443);
            slice.endpoints.iter().flat_map(|e| e.addresses.clone()).map(move |ip| {
                if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") }
            })
        })
        .collect();
    addresses.sort();
    addresses.dedup();
    addresses
}

fn client_at(config: &kube::Config, address: &str) -> Result<Client, Error> {
    let mut config = config.clone();
    config.cluster_url = format!("https://{address}")
        .parse()
        .map_err(|e| Error::Config(format!("API server address {address}: {e}")))?;
    config.tls_server_name = Some("kubernetes.default.svc".into());
    config.connect_timeout = Some(Duration::from_secs(2));
    config.read_timeout = Some(Duration::from_secs(5));
    Client::try_from(config).map_err(Error::api(format!("client for {address}")))
}

/// `None` when the server gave no answer.
pub async fn refused_by_gate(client: &Client, namespace: &str) -> Option<bool> {
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {"name": "snc-canary", "namespace": namespace},
        "spec": {
            "automountServiceAccountToken": false,
            "securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{
                "name": "canary",
                "image": "canary.invalid/never-pulled:0",
                "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": true},
                "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"cpu": "1m", "memory": "1Mi"}},
            }],
        },
    }))
    .ok()?;
    let params = PostParams { dry_run: true, ..PostParams::default() };
    match Api::<Pod>::namespaced(client.clone(), namespace).create(&params, &pod).await {
        Ok(_) => Some(false),
        Err(error) if code(&error) == 0 => None,
        Err(error) => {
            let text = reason(&error);
            let refused = text.contains(GUARD_GATE);
            if !refused {
                tracing::debug!(namespace, error = text, "the canary pod was refused, but not by the gate");
            }
            Some(refused)
        }
    }
}
