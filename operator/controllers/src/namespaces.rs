//! Writes to Namespace objects. Every one carries the UID: a namespace of the same name that came later is another.

use crate::context::Context;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use snc_core::names::{LABEL_ISOLATED, LABEL_PREFIX, MANAGER, MANAGER_ISOLATION, MANAGER_POD_SECURITY};
use std::collections::BTreeMap;

type Labels = BTreeMap<String, String>;

fn api(context: &Context) -> Api<Namespace> {
    Api::all(context.client.clone())
}

fn labelled(name: &str, uid: &str, labels: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "uid": uid, "labels": labels}})
}

async fn patch(
    context: &Context,
    name: &str,
    params: &PatchParams,
    patch: &Patch<Value>,
) -> kube::Result<()> {
    let namespace = api(context).patch(name, params, patch).await?;
    context.learn(|index| index.learn_namespace(&namespace));
    Ok(())
}

/// Labels under our own prefix: nobody else may set them, so force takes nothing away from anybody.
pub async fn set_labels(context: &Context, name: &str, uid: &str, labels: &Labels) -> kube::Result<()> {
    let params = PatchParams::apply(MANAGER).force();
    patch(context, name, &params, &Patch::Apply(labelled(name, uid, &json!(labels)))).await
}

/// Without force: a platform that labels its namespaces by other means is told of the conflict, not overruled.
pub async fn set_pod_security(context: &Context, name: &str, uid: &str, labels: &Labels) -> kube::Result<()> {
    let params = PatchParams::apply(MANAGER_POD_SECURITY);
    patch(context, name, &params, &Patch::Apply(labelled(name, uid, &json!(labels)))).await
}

pub async fn set_isolated(context: &Context, name: &str, uid: &str, value: &str) -> kube::Result<()> {
    let params = PatchParams::apply(MANAGER_ISOLATION).force();
    let labels = json!({LABEL_ISOLATED: value});
    patch(context, name, &params, &Patch::Apply(labelled(name, uid, &labels))).await
}

pub async fn drop_isolated(context: &Context, name: &str, uid: &str) -> kube::Result<()> {
    drop_labels(context, name, uid, [LABEL_ISOLATED]).await
}

/// Our own labels go; Pod Security labels are handed over, since dropping them would weaken the namespace.
pub async fn drop_own_labels(context: &Context, name: &str, uid: &str) -> kube::Result<()> {
    let keys: Vec<String> = {
        let index = context.index();
        let labels = index.namespace(name).map(|n| n.labels.keys().cloned().collect::<Vec<_>>());
        labels.unwrap_or_default().into_iter().filter(|k| k.starts_with(LABEL_PREFIX)).collect()
    };
    drop_labels(context, name, uid, keys.iter().map(String::as_str)).await
}

async fn drop_labels<'a>(
    context: &Context,
    name: &str,
    uid: &str,
    keys: impl IntoIterator<Item = &'a str>,
) -> kube::Result<()> {
    let labels: serde_json::Map<_, _> = keys.into_iter().map(|key| (key.to_owned(), Value::Null)).collect();
    if labels.is_empty() {
        return Ok(());
    }
    let without = json!({"metadata": {"uid": uid, "labels": labels}});
    let params = PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() };
    patch(context, name, &params, &Patch::Merge(without)).await
}

pub async fn create(context: &Context, namespace: &Namespace) -> kube::Result<()> {
    let params = PostParams { field_manager: Some(MANAGER.into()), ..PostParams::default() };
    api(context).create(&params, namespace).await.map(|_| ())
}
