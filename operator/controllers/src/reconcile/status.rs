use crate::context::Context;
use crate::error::{code, reason};
use crate::queue::Outcome;
use kube::api::{Patch, PatchParams};
use kube::{Api, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use snc_core::names::MANAGER_STATUS;
use std::fmt::Debug;

/// One server-side apply of the whole status, on the object that was looked at and no other of its name.
pub async fn write<K>(api: &Api<K>, object: &K, status: &impl Serialize) -> Outcome
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let meta = object.meta();
    let name = meta.name.as_deref().unwrap_or_default();
    let body = json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        "metadata": {"name": name, "uid": meta.uid},
        "status": status,
    });
    let params = PatchParams::apply(MANAGER_STATUS).force();
    match api.patch_status(name, &params, &Patch::Apply(body)).await {
        Ok(_) => Outcome::Done,
        // Gone, or another one by now.
        Err(error) if matches!(code(&error), 404 | 409) => Outcome::Done,
        Err(error) => {
            tracing::warn!(kind = %K::kind(&()), name, error = reason(&error), "status not written");
            Outcome::Failed
        }
    }
}

pub fn worst(a: Outcome, b: Outcome) -> Outcome {
    match (a, b) {
        (Outcome::Failed, _) | (_, Outcome::Failed) => Outcome::Failed,
        (Outcome::Later(a), Outcome::Later(b)) => Outcome::Later(a.min(b)),
        (Outcome::Later(a), Outcome::Done) | (Outcome::Done, Outcome::Later(a)) => Outcome::Later(a),
        (Outcome::Done, Outcome::Done) => Outcome::Done,
    }
}

/// An object of ours that does not deserialize: said in its status if the API server takes it, in the log anyway.
pub async fn unreadable<K>(
    context: &Context,
    api: &Api<K>,
    unreadable: &snc_index::Unreadable,
    kinds: &[&str],
) where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let label = format!(
        "{}/{}/{}/{:?}",
        K::kind(&()),
        unreadable.namespace.as_deref().unwrap_or("-"),
        unreadable.name,
        unreadable.generation
    );
    if !context.memory().unreadable.insert(label.clone()) {
        return;
    }
    tracing::error!(
        object = label,
        error = unreadable.error,
        "object cannot be read; what it said before stays in force"
    );
    let message = context.settings.lang.pick(
        || format!("objet illisible, sa dernière version lue reste en vigueur : {}", unreadable.error),
        || format!("object cannot be read, its last readable version stays in force: {}", unreadable.error),
    );
    let now = jiff::Timestamp::now().to_string();
    let conditions: Vec<_> = kinds
        .iter()
        .map(|kind| {
            let status = if *kind == snc_core::condition::kind::READY { "False" } else { "Unknown" };
            json!({
                "type": kind, "status": status, "reason": snc_core::condition::reason::UNREADABLE,
                "message": message, "lastTransitionTime": now, "observedGeneration": unreadable.generation,
            })
        })
        .collect();
    let body = json!({
        "apiVersion": K::api_version(&()), "kind": K::kind(&()), "metadata": {"name": unreadable.name},
        "status": {"observedGeneration": unreadable.generation, "conditions": conditions},
    });
    let params = PatchParams::apply(MANAGER_STATUS).force();
    // The answer cannot be read as the type either; only a refusal is of interest.
    if let Err(kube::Error::Api(error)) =
        api.patch_status(&unreadable.name, &params, &Patch::Apply(body)).await
    {
        tracing::warn!(object = label, error = error.message, "the API server takes no status for it");
    }
}
