//! Watches feed the index and say what has to be looked at again. Nothing is decided here.

pub mod addresses;
pub mod cluster_policies;
mod inputs;
pub mod stream;

#[cfg(test)]
pub use inputs::STALE;
pub use inputs::{Input, Inputs};

use crate::context::Context;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, LimitRange, Namespace, ResourceQuota, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::core::DeserializeGuard;
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use snc_api::v1alpha1::{SncBaseline, SncPolicy, SncTenant};
use snc_core::names::{DEFAULT_DENY, LABEL_ISOLATED, LABEL_MANAGED_BY, MANAGED_BY, RECORD};
use snc_index::{Declared, Index, Key, ManagedKind, ObjectKey, Observed, PodLite, Unreadable};
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;
use stream::{Restart, Selector, Signal, follow};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How long a deleted namespace's name is remembered; more than it is left alone.
const NAME_MEMORY: Duration = Duration::from_secs(60);
/// How often it is looked whether a kind has got old.
const LOOK: Duration = Duration::from_secs(5);

/// Every watched kind.
pub const KINDS: [&str; 11] = [
    "namespaces",
    "pods",
    "sncbaselines",
    "snctenants",
    "sncpolicies",
    "networkpolicies",
    "resourcequotas",
    "limitranges",
    "rolebindings",
    "configmaps",
    "serviceaccounts",
];

/// A change of one kind of object.
pub enum Change<K> {
    Apply(K),
    Delete(K),
    Reset(Vec<K>),
}

type Dirty = BTreeSet<Key>;

pub fn ours() -> Selector {
    Selector { labels: Some(format!("{LABEL_MANAGED_BY}={MANAGED_BY}")), ..Selector::default() }
}

/// Starts every watch.
pub fn start(context: &Arc<Context>, tasks: &mut JoinSet<&'static str>) {
    let all = Selector::default;
    let named =
        |name: &str| Selector { fields: Some(format!("metadata.name={name}")), ..Selector::default() };
    for kind in KINDS {
        context.inputs.expect(kind);
    }

    macro_rules! feed {
        ($name:literal, $kind:ty, $selector:expr, $on:expr) => {
            let api: Api<$kind> = Api::all(context.client.clone());
            let (context, selector) = (context.clone(), $selector);
            tasks.spawn(async move {
                feed($name, api, selector, &context, $on).await;
                $name
            });
        };
    }
    // Which labels are ours to give up is told by who set them.
    feed!("namespaces", Namespace, Selector { managed_fields: true, ..all() }, on_namespace);
    feed!("pods", PodLite, all(), on_pod);
    feed!("sncbaselines", DeserializeGuard<SncBaseline>, all(), on_baseline);
    feed!("snctenants", DeserializeGuard<SncTenant>, all(), on_tenant);
    feed!("sncpolicies", DeserializeGuard<SncPolicy>, all(), on_policy);
    // All of them: one that is not ours can open a namespace.
    feed!("networkpolicies", NetworkPolicy, all(), on_network_policy);
    feed!("resourcequotas", ResourceQuota, ours(), |c: &Context, e| on_object(
        c,
        ManagedKind::ResourceQuota,
        e
    ));
    feed!("limitranges", LimitRange, ours(), |c: &Context, e| on_object(c, ManagedKind::LimitRange, e));
    feed!("rolebindings", RoleBinding, ours(), |c: &Context, e| on_object(c, ManagedKind::RoleBinding, e));
    feed!("configmaps", ConfigMap, named(RECORD), on_record);
    feed!("serviceaccounts", ServiceAccount, named("default"), |c: &Context, e| {
        on_object(c, ManagedKind::ServiceAccount, e)
    });
    addresses::start(context, tasks);
}

/// What cannot be read, or was not heard of for long, is doubt for everything that rests on it.
pub async fn doubt(context: Arc<Context>) -> &'static str {
    loop {
        doubts(&context);
        addresses::refresh(&context);
        tokio::time::sleep(LOOK).await;
    }
}

fn doubts(context: &Context) {
    let inputs = context.inputs.all();
    let which = |doubtful: fn(&Input) -> bool| {
        let doubtful = inputs.iter().filter(|(_, input)| doubtful(input));
        doubtful.map(|(kind, _)| (*kind).to_owned()).collect::<Vec<_>>()
    };
    let denied = which(Input::denied);
    let stale = which(|input| !input.denied() && input.stale());
    context.update_cluster(|facts| (facts.denied, facts.stale) = (denied, stale));
}

async fn feed<K>(
    kind: &'static str,
    api: Api<K>,
    selector: Selector,
    context: &Context,
    on: impl Fn(&Context, Change<K>) -> Dirty,
) where
    K: Resource + Clone + DeserializeOwned + Debug,
{
    follow(api, selector, |signal| match signal {
        Signal::Change(change) => {
            let reset = matches!(change, Change::Reset(_));
            let dirty = on(context, change);
            if reset {
                tracing::debug!(kind, "listed");
                context.inputs.listed(kind);
                doubts(context);
            } else {
                context.inputs.heard(kind);
            }
            context.look_again(dirty);
        }
        Signal::Open => context.inputs.allowed(kind),
        Signal::Alive => context.inputs.heard(kind),
        Signal::Again(why, text) => {
            context.metrics.watch_restarted(kind, why);
            if why == Restart::Ended {
                tracing::debug!(kind, "watch ended; beginning again");
            } else {
                tracing::warn!(kind, why = why.as_str(), error = text, "watch failed; trying again");
            }
            if why == Restart::Denied {
                context.inputs.denied(kind);
            }
        }
    })
    .await;
}

fn on_namespace(context: &Context, change: Change<Namespace>) -> Dirty {
    match change {
        Change::Apply(namespace) => context.index_mut().apply_namespace(&namespace),
        Change::Delete(namespace) => {
            let name = namespace.name_any();
            {
                let mut memory = context.memory();
                memory.applied.remove(&name);
                memory.deny_missing.remove(&name);
                // Kept only as long as it can matter.
                memory.namespace_gone.retain(|_, gone| gone.elapsed() < NAME_MEMORY);
                memory.namespace_gone.insert(name, Instant::now());
            }
            context.index_mut().delete_namespace(&namespace)
        }
        Change::Reset(all) => context.index_mut().reset_namespaces(&all),
    }
}

fn on_pod(context: &Context, change: Change<PodLite>) -> Dirty {
    match change {
        Change::Apply(pod) => context.index_mut().apply_pod(&pod),
        Change::Delete(pod) => context.index_mut().delete_pod(&pod),
        Change::Reset(all) => context.index_mut().reset_pods(&all),
    }
}

fn declared<K: Resource>(object: DeserializeGuard<K>) -> (String, String, Declared<K>) {
    let meta = match &object.0 {
        Ok(object) => object.meta().clone(),
        Err(invalid) => invalid.metadata.clone(),
    };
    let declared = match object.0 {
        Ok(object) => Ok(Arc::new(object)),
        Err(invalid) => Err(Unreadable::new(&invalid.metadata, &invalid.error)),
    };
    (meta.namespace.unwrap_or_default(), meta.name.unwrap_or_default(), declared)
}

fn on_baseline(context: &Context, change: Change<DeserializeGuard<SncBaseline>>) -> Dirty {
    let mut index = context.index_mut();
    match change {
        Change::Apply(object) => {
            let (_, name, baseline) = declared(object);
            index.apply_baseline(&name, baseline)
        }
        Change::Delete(object) => index.delete_baseline(&declared(object).1),
        Change::Reset(all) => {
            index.reset_baselines(all.into_iter().map(declared).map(|(_, n, b)| (n, b)).collect())
        }
    }
}

fn on_tenant(context: &Context, change: Change<DeserializeGuard<SncTenant>>) -> Dirty {
    let mut index = context.index_mut();
    match change {
        Change::Apply(object) => {
            let (_, name, tenant) = declared(object);
            index.apply_tenant(&name, tenant)
        }
        Change::Delete(object) => index.delete_tenant(&declared(object).1),
        Change::Reset(all) => {
            index.reset_tenants(all.into_iter().map(declared).map(|(_, n, t)| (n, t)).collect())
        }
    }
}

fn on_policy(context: &Context, change: Change<DeserializeGuard<SncPolicy>>) -> Dirty {
    let mut index = context.index_mut();
    match change {
        Change::Apply(object) => {
            let (namespace, name, policy) = declared(object);
            index.apply_policy(&namespace, &name, policy)
        }
        Change::Delete(object) => {
            let (namespace, name, _) = declared(object);
            index.delete_policy(&namespace, &name)
        }
        Change::Reset(all) => index.reset_policies(all.into_iter().map(declared).collect()),
    }
}

fn on_network_policy(context: &Context, change: Change<NetworkPolicy>) -> Dirty {
    if let Change::Delete(policy) = &change
        && policy.name_any() == DEFAULT_DENY
        && let Some(namespace) = policy.namespace()
        && context
            .index()
            .namespace(&namespace)
            .is_some_and(|n| !n.deleting && n.label(LABEL_ISOLATED) == Some("true"))
    {
        context.memory().deny_missing.entry(namespace).or_insert_with(Timestamp::now);
    }
    let mut index = context.index_mut();
    match change {
        Change::Apply(policy) => index.apply_network_policy(&policy),
        Change::Delete(policy) => index.delete_network_policy(&policy),
        Change::Reset(all) => index.reset_network_policies(&all),
    }
}

fn on_record(context: &Context, change: Change<ConfigMap>) -> Dirty {
    match change {
        Change::Apply(map) => context.index_mut().apply_record(&map),
        Change::Reset(all) => {
            let mut index = context.index_mut();
            let mut dirty = index.reset_objects(ManagedKind::ConfigMap, Vec::new());
            for map in &all {
                dirty.extend(index.apply_record(map));
            }
            dirty
        }
        delete @ Change::Delete(_) => on_object(context, ManagedKind::ConfigMap, delete),
    }
}

fn on_object<K>(context: &Context, kind: ManagedKind, change: Change<K>) -> Dirty
where
    K: Resource,
    for<'a> Observed: From<&'a K>,
{
    let key = |object: &K| {
        let meta = object.meta();
        (
            meta.namespace.clone().unwrap_or_default(),
            ObjectKey::new(kind, meta.name.clone().unwrap_or_default()),
        )
    };
    let mut index: std::sync::RwLockWriteGuard<'_, Index> = context.index_mut();
    match change {
        Change::Apply(object) => {
            let (namespace, name) = key(&object);
            index.apply_object(&namespace, name, Observed::from(&object))
        }
        Change::Delete(object) => {
            let (namespace, name) = key(&object);
            index.delete_object(&namespace, &name, Some(&Observed::from(&object)))
        }
        Change::Reset(all) => {
            let all = all.iter().map(|object| {
                let (namespace, name) = key(object);
                (namespace, name, Observed::from(object))
            });
            index.reset_objects(kind, all.collect())
        }
    }
}
