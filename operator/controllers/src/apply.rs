//! One object to the API server, in place: never deleted to be created again (law 6).

use crate::context::Context;
use crate::error::code;
use k8s_openapi::api::core::v1::{ConfigMap, LimitRange, ResourceQuota, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::RoleBinding;
use k8s_openapi::{Metadata, NamespaceResourceScope};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use snc_core::names::{LABEL_MANAGED_BY, MANAGED_BY, MANAGER};
use snc_index::{ManagedKind, ObjectKey, Observed};
use snc_plan::namespace::Orphan;
use snc_plan::objects::Desired;
use std::collections::BTreeMap;
use std::fmt::Debug;

pub type Version = Option<String>;

/// Gives the resource version after the write, which stays as it was when there was nothing to write.
pub async fn apply(context: &Context, namespace: &str, desired: &Desired) -> kube::Result<Version> {
    match desired {
        Desired::NetworkPolicy(object) => {
            #[cfg(feature = "fault-delete-before-create")]
            fault::delete(context, namespace, object).await?;
            exactly(context, namespace, desired, &**object).await
        }
        Desired::ResourceQuota(object) => exactly(context, namespace, desired, &**object).await,
        Desired::LimitRange(object) => exactly(context, namespace, desired, &**object).await,
        Desired::RoleBinding(object) => match exactly(context, namespace, desired, &**object).await {
            Err(error) if code(&error) == 422 => {
                unbind(context, namespace, object).await?;
                exactly(context, namespace, desired, &**object).await
            }
            result => result,
        },
        Desired::ConfigMap(object) => exactly(context, namespace, desired, &**object).await,
        Desired::ServiceAccount(object) => exactly(context, namespace, desired, &**object).await,
    }
}

/// Server-side apply with force. What it leaves different (a list that another manager filled and we state as
/// empty, a label that went missing from a manager's view) is replaced in place.
async fn exactly<K>(
    context: &Context,
    namespace: &str,
    as_planned: &Desired,
    desired: &K,
) -> kube::Result<Version>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Metadata
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned,
    for<'a> Observed: From<&'a K>,
{
    let api: Api<K> = Api::namespaced(context.client.clone(), namespace);
    let name = desired.name_any();
    let params = PatchParams::apply(MANAGER).force();
    let applied = api.patch(&name, &params, &Patch::Apply(desired)).await?;
    let observed = Observed::from(&applied);
    if observed.fingerprint == Observed::from(desired).fingerprint {
        context.learn(|index| index.learn_object(namespace, as_planned.key(), observed));
        return Ok(applied.resource_version());
    }
    tracing::info!(namespace, name, kind = %K::kind(&()), "apply left a difference; replacing in place");
    let mut whole = desired.clone();
    whole.meta_mut().resource_version.clone_from(&applied.meta().resource_version);
    whole.meta_mut().uid.clone_from(&applied.meta().uid);
    let params = PostParams { field_manager: Some(MANAGER.into()), ..PostParams::default() };
    match api.replace(&name, &params, &whole).await {
        Ok(replaced) => Ok(replaced.resource_version()),
        // Somebody wrote in between; the watch tells us and we look again.
        Err(error) if code(&error) == 409 => Ok(None),
        Err(error) => Err(error),
    }
}

/// The same for what is in no governed namespace; `same` tells what counts.
pub async fn in_place<K>(api: &Api<K>, desired: &K, same: impl Fn(&K, &K) -> bool) -> kube::Result<()>
where
    K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
{
    let name = desired.name_any();
    let applied = api.patch(&name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(desired)).await?;
    if !same(&applied, desired) {
        let mut whole = desired.clone();
        whole.meta_mut().resource_version.clone_from(&applied.meta().resource_version);
        api.replace(&name, &PostParams::default(), &whole).await?;
    }
    Ok(())
}

/// A role of a binding cannot be changed. Between the two there are fewer rights, not more.
async fn unbind(context: &Context, namespace: &str, desired: &RoleBinding) -> kube::Result<()> {
    let api: Api<RoleBinding> = Api::namespaced(context.client.clone(), namespace);
    let live = api.get(&desired.name_any()).await?;
    api.delete(&desired.name_any(), &as_seen(&live)).await.map(|_| ())
}

/// Deletes exactly what was seen: neither another one of the same name nor a newer version of it.
pub fn as_seen(live: &impl Resource) -> DeleteParams {
    let preconditions = Preconditions { uid: live.uid(), resource_version: live.resource_version() };
    DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() }
}

/// By our label: under one of our names there may be something of somebody else's.
pub fn is_ours(live: &impl Resource) -> bool {
    live.labels().get(LABEL_MANAGED_BY).is_some_and(|by| by == MANAGED_BY)
}

/// Deletes exactly the object that was seen: another one of the same name, or a newer version of it, is left alone.
pub async fn delete(context: &Context, namespace: &str, orphan: &Orphan) -> kube::Result<()> {
    let name = orphan.key.name.as_str();
    let params = DeleteParams {
        preconditions: Some(Preconditions {
            uid: Some(orphan.uid.clone()),
            resource_version: Some(orphan.version.to_string()),
        }),
        ..DeleteParams::default()
    };
    let client = context.client.clone();
    let result = match orphan.key.kind {
        ManagedKind::NetworkPolicy => {
            gone(Api::<NetworkPolicy>::namespaced(client, namespace), name, &params).await
        }
        ManagedKind::ResourceQuota => {
            gone(Api::<ResourceQuota>::namespaced(client, namespace), name, &params).await
        }
        ManagedKind::LimitRange => {
            gone(Api::<LimitRange>::namespaced(client, namespace), name, &params).await
        }
        ManagedKind::RoleBinding => {
            gone(Api::<RoleBinding>::namespaced(client, namespace), name, &params).await
        }
        ManagedKind::ConfigMap => gone(Api::<ConfigMap>::namespaced(client, namespace), name, &params).await,
        ManagedKind::ServiceAccount => {
            gone(Api::<ServiceAccount>::namespaced(client, namespace), name, &params).await
        }
    };
    match result {
        Err(error) if matches!(code(&error), 404 | 409) => Ok(()),
        other => other,
    }
}

async fn gone<K>(api: Api<K>, name: &str, params: &DeleteParams) -> kube::Result<()>
where
    K: Resource + Clone + Debug + DeserializeOwned,
{
    api.delete(name, params).await.map(|_| ())
}

/// Fingerprints of our policies in a namespace as the API server holds them now, read past every cache.
pub async fn read_policies(context: &Context, namespace: &str) -> kube::Result<BTreeMap<ObjectKey, String>> {
    let api: Api<NetworkPolicy> = Api::namespaced(context.client.clone(), namespace);
    let params = ListParams::default().labels(&format!("{LABEL_MANAGED_BY}={MANAGED_BY}"));
    let list = api.list(&params).await?;
    Ok(list
        .iter()
        .filter(|policy| policy.metadata.deletion_timestamp.is_none())
        .map(|p| (ObjectKey::new(ManagedKind::NetworkPolicy, p.name_any()), Observed::from(p).fingerprint))
        .collect())
}

#[cfg(feature = "fault-delete-before-create")]
mod fault {
    use super::*;

    /// The mistake of operators that recreate: for a moment there is no policy.
    pub async fn delete(context: &Context, namespace: &str, object: &NetworkPolicy) -> kube::Result<()> {
        let api: Api<NetworkPolicy> = Api::namespaced(context.client.clone(), namespace);
        match api.delete(&object.name_any(), &DeleteParams::default()).await {
            Err(error) if code(&error) != 404 => Err(error),
            _ => Ok(()),
        }
    }
}
