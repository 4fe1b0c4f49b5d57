//! The canary tenant: by its own token and its own few rights it tries what no tenant may do. What is said of admission
//! comes from its answers, never from the presence of a policy.

use crate::context::Context;
use crate::error::{Error, code, reason};
use http::{Method, Request};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Namespace, Pod, ServiceAccount};
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};
use snc_core::names::{CANARY, LABEL_ISOLATED, MANAGER, MANAGER_ISOLATION};
use snc_plan::Settings;
use snc_plan::canary::{self, Attempt, Tried, Verb};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The shortest that the API server gives.
const TOKEN_SECONDS: i64 = 600;
const AGAIN: Duration = Duration::from_secs(60);
/// After a change of a guard: policies act within a second.
const SETTLE: Duration = Duration::from_secs(3);

/// Tries at once, from time to time, and after each change of a guard.
pub async fn keep(
    context: Arc<Context>,
    config: kube::Config,
    every: Duration,
    webhook: bool,
) -> &'static str {
    loop {
        let wait = if context.lease.is_current() {
            if round(&context, &config, webhook).await { every } else { AGAIN.min(every) }
        } else {
            AGAIN
        };
        if tokio::time::timeout(wait, context.guards_changed.notified()).await.is_ok() {
            tokio::time::sleep(SETTLE).await;
        }
    }
}

/// False when nothing could be tried.
async fn round(context: &Context, config: &kube::Config, webhook: bool) -> bool {
    let tried = match tries(context, config, webhook).await {
        Ok(tried) => tried,
        Err(error) => {
            tracing::warn!(%error, "the canary tenant could not try anything");
            context.update_cluster(|facts| {
                facts.admission = Some(Tried { unproven: vec!["canary".to_owned()], ..Tried::default() });
            });
            context.metrics.canary(None);
            return false;
        }
    };
    context.metrics.canary(Some(&tried));
    let Tried { refused, allowed, unproven } = &tried;
    if allowed.is_empty() {
        tracing::info!(refused, ?unproven, "what the canary tenant tried was refused");
    } else {
        tracing::error!(refused, ?allowed, ?unproven, "the canary tenant was let through");
    }
    context.update_cluster(|facts| facts.admission = Some(tried));
    true
}

async fn tries(context: &Context, config: &kube::Config, webhook: bool) -> Result<Tried, Error> {
    prepare(context).await?;
    let tenant = tenant(&context.client, config, &context.settings).await?;
    let namespace = context.settings.tenant_canary();
    let pods: Api<Pod> = Api::namespaced(context.client.clone(), &namespace);
    let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
    let pod: Pod = serde_json::from_value(canary::pod()).map_err(|e| Error::Config(e.to_string()))?;
    let has_pod = match pods.create(&params, &pod).await {
        // The webhook is asked about it too, and may not answer.
        Err(error) if code(&error) != 409 => {
            tracing::warn!(error = reason(&error), "the canary's pod was not created");
            false
        }
        _ => true,
    };
    let mut tried = Tried::default();
    for attempt in canary::attempts(&context.settings, webhook) {
        if !has_pod && attempt.needs_the_pod() {
            tried.note(&attempt, None);
            continue;
        }
        let before = tried.unproven.len();
        let said = note(&tenant, &attempt, &mut tried).await;
        if tried.unproven.len() > before {
            tracing::debug!(
                id = attempt.id,
                answer = said.as_deref().unwrap_or("accepted"),
                "proves nothing"
            );
        }
    }
    // Not left pending for whoever watches pods.
    let params = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
    match pods.delete(CANARY, &params).await {
        Err(error) if code(&error) != 404 => {
            tracing::warn!(error = reason(&error), "the canary's pod was not removed");
        }
        _ => {}
    }
    Ok(tried)
}

/// What isolates is there before anything says so, as everywhere. Nothing is written that is there already.
async fn prepare(context: &Context) -> Result<(), Error> {
    let name = context.settings.tenant_canary();
    for object in canary::left_behind() {
        let (version, kind) = (text(&object, "/apiVersion"), text(&object, "/kind"));
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        let api: Api<DynamicObject> = Api::namespaced_with(context.client.clone(), &name, &resource);
        let named = text(&object, "/metadata/name");
        let failed = |error| Error::api(format!("{kind} {named}"))(error);
        let live = api.get_opt(named).await.map_err(failed)?;
        let live = live.and_then(|live| serde_json::to_value(live).ok());
        if live.is_some_and(|live| has(&live, &object)) {
            continue;
        }
        let applied = api.patch(named, &PatchParams::apply(MANAGER).force(), &Patch::Apply(&object)).await;
        applied.map_err(failed)?;
    }
    let isolated = BTreeMap::from([(LABEL_ISOLATED.to_owned(), "true".to_owned())]);
    for (name, manager, labels) in [
        (&name, MANAGER, canary::labels(&context.settings)),
        (&name, MANAGER_ISOLATION, isolated),
        (&context.settings.canary_namespace, MANAGER, canary::classified()),
    ] {
        label(&context.client, name, manager, &labels)
            .await
            .map_err(Error::api(format!("labels of {name}")))?;
    }
    Ok(())
}

async fn label(
    client: &Client,
    name: &str,
    manager: &str,
    labels: &BTreeMap<String, String>,
) -> kube::Result<()> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let live = namespaces.get(name).await?;
    if labels.iter().all(|(key, value)| live.labels().get(key) == Some(value)) {
        return Ok(());
    }
    let whole =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
    let params = PatchParams::apply(manager).force();
    namespaces.patch(name, &params, &Patch::Apply(whole)).await.map(drop)
}

/// Whether everything is there that is wanted; the API server adds defaults.
fn has(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, wanted)| live.get(key).map_or(is_empty(wanted), |live| has(live, wanted))),
        (Value::Array(live), Value::Array(wanted)) => {
            live.len() == wanted.len() && live.iter().zip(wanted).all(|(live, wanted)| has(live, wanted))
        }
        _ => live == wanted,
    }
}

/// The API server leaves out what is empty, and what is false.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Somebody else for the API server, by a token that lives ten minutes and stays in memory.
pub async fn tenant(client: &Client, config: &kube::Config, settings: &Settings) -> Result<Client, Error> {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), &settings.tenant_canary());
    let request = TokenRequest {
        spec: TokenRequestSpec { expiration_seconds: Some(TOKEN_SECONDS), ..TokenRequestSpec::default() },
        ..TokenRequest::default()
    };
    let answer = accounts.create_token_request(CANARY, &PostParams::default(), &request).await;
    let token = answer.map_err(Error::api("token of the canary"))?.status.map(|status| status.token);
    let token = token.ok_or_else(|| Error::Config("the token of the canary is not there".to_owned()))?;
    let mut config = config.clone();
    config.auth_info = kube::config::AuthInfo { token: Some(token.into()), ..Default::default() };
    Client::try_from(config).map_err(Error::api("client of the canary"))
}

/// Tries it, and gives what the API server said no with.
pub(crate) async fn note(client: &Client, attempt: &Attempt, tried: &mut Tried) -> Option<String> {
    let answer = send(client, attempt).await;
    let said = answer.as_ref().err().map(reason);
    let answered = match (&answer, &said) {
        (Err(error), _) if code(error) == 0 => None,
        (_, Some(said)) => Some(Err(said.as_str())),
        (_, None) => Some(Ok(())),
    };
    tried.note(attempt, answered);
    said
}

async fn send(client: &Client, attempt: &Attempt) -> kube::Result<()> {
    let (method, content_type) = match attempt.verb {
        Verb::Create | Verb::Connect => (Method::POST, "application/json"),
        Verb::Replace => (Method::PUT, "application/json"),
        Verb::MergePatch => (Method::PATCH, "application/merge-patch+json"),
        Verb::JsonPatch => (Method::PATCH, "application/json-patch+json"),
        Verb::StrategicPatch => (Method::PATCH, "application/strategic-merge-patch+json"),
        Verb::Apply => (Method::PATCH, "application/apply-patch+yaml"),
        Verb::Delete => (Method::DELETE, "application/json"),
    };
    let mut path = attempt.path.clone();
    let mut add = |query: &str| {
        path.push(if path.contains('?') { '&' } else { '?' });
        path.push_str(query);
    };
    if attempt.verb != Verb::Connect {
        add("dryRun=All");
    }
    if attempt.verb == Verb::Apply {
        if !attempt.path.contains("fieldManager=") {
            add("fieldManager=canary");
        }
        add("force=true");
    }
    let body = if attempt.body.is_null() { Vec::new() } else { attempt.body.to_string().into_bytes() };
    let request = Request::builder().method(method).uri(path).header("content-type", content_type).body(body);
    let request = request.map_err(|error| kube::Error::Service(Box::new(error)))?;
    client.request_text(request).await.map(drop)
}
