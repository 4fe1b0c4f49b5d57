//! Watches feed the index and say what has to be looked at again. Nothing is decided here.

pub mod addresses;
pub mod cluster_policies;
pub mod hosts;
pub mod images;
mod inputs;
pub mod reserved;
pub mod stream;

pub use inputs::{DENIED, Input, Inputs, STALE};

use crate::context::Context;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, LimitRange, Namespace, ResourceQuota, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::core::DeserializeGuard;
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use snc_api::v1alpha1::{SncBaseline, SncPolicy, SncTenant};
use snc_core::names::{DEFAULT_DENY, LABEL_ISOLATED, LABEL_MANAGED_BY, MANAGED_BY, RECORD};
use snc_index::{
    Declared, Key, ManagedKind, NamespaceFacts, NetworkPolicyFacts, ObjectKey, Observed, PodLite,
    RecordFacts, Unreadable,
};
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;
use stream::{Restart, Selector, Signal, follow};
use tokio::sync::Notify;
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

/// Kinds that say who owns which namespace, and how it is judged.
pub const OWNERSHIP: [&str; 5] = ["namespaces", "sncbaselines", "snctenants", "sncpolicies", "configmaps"];

/// A change of one kind of object, of which `T` is what is needed.
pub enum Change<T> {
    Apply(T),
    Delete(T),
    Reset(Vec<T>),
}

type Dirty = BTreeSet<Key>;

pub fn ours() -> Selector {
    Selector { labels: Some(format!("{LABEL_MANAGED_BY}={MANAGED_BY}")), ..Selector::default() }
}

/// For what is looked at as a whole: which of them changed does not matter.
pub fn touch(touched: &Notify, what: &'static str) -> impl FnMut(Signal<()>) {
    move |signal| match signal {
        Signal::Change(_) => touched.notify_one(),
        Signal::Open | Signal::Alive | Signal::Again(Restart::Ended, _) => {}
        Signal::Again(why, text) => {
            tracing::warn!(what, why = why.as_str(), error = text, "watch failed; trying again");
        }
    }
}

/// Starts the watches of these kinds.
pub fn start(context: &Arc<Context>, kinds: &[&'static str], tasks: &mut JoinSet<&'static str>) {
    let all = Selector::default;
    let named =
        |name: &str| Selector { fields: Some(format!("metadata.name={name}")), ..Selector::default() };
    for kind in kinds {
        context.inputs.expect(kind);
    }

    macro_rules! feed {
        ($name:literal, $kind:ty, $selector:expr, $read:expr, $on:expr) => {
            if kinds.contains(&$name) {
                let api: Api<$kind> = Api::all(context.client.clone());
                let (context, selector) = (context.clone(), $selector);
                tasks.spawn(async move {
                    feed($name, api, selector, &context, $read, $on).await;
                    $name
                });
            }
        };
    }
    // Which labels are ours to give up is told by who set them.
    let with_owners = Selector { managed_fields: true, ..all() };
    feed!("namespaces", Namespace, with_owners, |o: Namespace| NamespaceFacts::from(&o), on_namespace);
    feed!("pods", PodLite, all(), |pod| pod, on_pod);
    feed!("sncbaselines", DeserializeGuard<SncBaseline>, all(), declared, on_baseline);
    feed!("snctenants", DeserializeGuard<SncTenant>, all(), declared, on_tenant);
    feed!("sncpolicies", DeserializeGuard<SncPolicy>, all(), declared, on_policy);
    // All of them: one that is not ours can open a namespace.
    let facts = |o: NetworkPolicy| NetworkPolicyFacts::from(&o);
    feed!("networkpolicies", NetworkPolicy, all(), facts, on_network_policy);
    feed!("configmaps", ConfigMap, named(RECORD), |o: ConfigMap| RecordFacts::from(&o), on_record);
    macro_rules! feed_objects {
        ($name:literal, $kind:ident, $selector:expr) => {
            feed!(
                $name,
                $kind,
                $selector,
                |o: $kind| observed(ManagedKind::$kind, &o),
                |c: &Context, change| { on_object(c, ManagedKind::$kind, change) }
            );
        };
    }
    feed_objects!("resourcequotas", ResourceQuota, ours());
    feed_objects!("limitranges", LimitRange, ours());
    feed_objects!("rolebindings", RoleBinding, ours());
    feed_objects!("serviceaccounts", ServiceAccount, named("default"));
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

pub async fn feed<K, T>(
    kind: &'static str,
    api: Api<K>,
    selector: Selector,
    context: &Context,
    read: impl Fn(K) -> T,
    on: impl Fn(&Context, Change<T>) -> Dirty,
) where
    K: Resource + Clone + DeserializeOwned + Debug,
{
    follow(api, selector, read, |signal| match signal {
        Signal::Change(change) => {
            let reset = matches!(change, Change::Reset(_));
            let dirty = on(context, change);
            if OWNERSHIP.contains(&kind) {
                context.revise();
            }
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

fn on_namespace(context: &Context, change: Change<NamespaceFacts>) -> Dirty {
    match change {
        Change::Apply(namespace) => context.index_mut().apply_namespace(namespace),
        Change::Delete(namespace) => {
            let name = &namespace.name;
            {
                let mut memory = context.memory();
                memory.applied.remove(name);
                memory.deny_missing.remove(name);
                // Kept only as long as it can matter.
                memory.namespace_gone.retain(|_, gone| gone.elapsed() < NAME_MEMORY);
                memory.namespace_gone.insert(name.clone(), Instant::now());
            }
            context.index_mut().delete_namespace(namespace)
        }
        Change::Reset(all) => context.index_mut().reset_namespaces(all),
    }
}

fn on_pod(context: &Context, change: Change<PodLite>) -> Dirty {
    match change {
        Change::Apply(pod) => context.index_mut().apply_pod(&pod),
        Change::Delete(pod) => context.index_mut().delete_pod(&pod),
        Change::Reset(all) => context.index_mut().reset_pods(&all),
    }
}

/// Namespace, name and content.
pub type Named<K> = (String, String, Declared<K>);

/// A copy, because lists that were parsed have room to grow: a policy takes half of the memory so.
pub fn declared<K: Resource + Clone>(object: DeserializeGuard<K>) -> Named<K> {
    let meta = match &object.0 {
        Ok(object) => object.meta(),
        Err(invalid) => &invalid.metadata,
    };
    let (namespace, name) =
        (meta.namespace.clone().unwrap_or_default(), meta.name.clone().unwrap_or_default());
    let declared = match &object.0 {
        Ok(object) => Ok(Arc::new(object.clone())),
        Err(invalid) => Err(Unreadable::new(&invalid.metadata, &invalid.error)),
    };
    (namespace, name, declared)
}

fn on_baseline(context: &Context, change: Change<Named<SncBaseline>>) -> Dirty {
    let mut index = context.index_mut();
    match change {
        Change::Apply((_, name, baseline)) => index.apply_baseline(&name, baseline),
        Change::Delete((_, name, _)) => index.delete_baseline(&name),
        Change::Reset(all) => index.reset_baselines(all.into_iter().map(|(_, n, b)| (n, b)).collect()),
    }
}

fn on_tenant(context: &Context, change: Change<Named<SncTenant>>) -> Dirty {
    let mut index = context.index_mut();
    match change {
        Change::Apply((_, name, tenant)) => index.apply_tenant(&name, tenant),
        Change::Delete((_, name, _)) => index.delete_tenant(&name),
        Change::Reset(all) => index.reset_tenants(all.into_iter().map(|(_, n, t)| (n, t)).collect()),
    }
}

fn on_policy(context: &Context, change: Change<Named<SncPolicy>>) -> Dirty {
    let mut index = context.index_mut();
    match change {
        Change::Apply((namespace, name, policy)) => index.apply_policy(&namespace, &name, policy),
        Change::Delete((namespace, name, _)) => index.delete_policy(&namespace, &name),
        Change::Reset(all) => index.reset_policies(all),
    }
}

fn on_network_policy(context: &Context, change: Change<NetworkPolicyFacts>) -> Dirty {
    if let Change::Delete(policy) = &change
        && policy.name == DEFAULT_DENY
        && context
            .index()
            .namespace(&policy.namespace)
            .is_some_and(|n| !n.deleting && n.label(LABEL_ISOLATED) == Some("true"))
    {
        context.memory().deny_missing.entry(policy.namespace.clone()).or_insert_with(Timestamp::now);
    }
    let mut index = context.index_mut();
    match change {
        Change::Apply(policy) => index.apply_network_policy(policy),
        Change::Delete(policy) => index.delete_network_policy(policy),
        Change::Reset(all) => index.reset_network_policies(all),
    }
}

fn on_record(context: &Context, change: Change<RecordFacts>) -> Dirty {
    let mut index = context.index_mut();
    match change {
        Change::Apply(map) => index.apply_record(map),
        Change::Delete(map) => index.delete_record(map),
        Change::Reset(all) => index.reset_records(all),
    }
}

/// Namespace, name and facts.
type Object = (String, ObjectKey, Observed);

fn observed<K: Resource>(kind: ManagedKind, object: &K) -> Object
where
    for<'a> Observed: From<&'a K>,
{
    let meta = object.meta();
    let key = ObjectKey::new(kind, meta.name.clone().unwrap_or_default());
    (meta.namespace.clone().unwrap_or_default(), key, Observed::from(object))
}

fn on_object(context: &Context, kind: ManagedKind, change: Change<Object>) -> Dirty {
    let mut index = context.index_mut();
    match change {
        Change::Apply((namespace, key, object)) => index.apply_object(&namespace, key, object),
        Change::Delete((namespace, key, object)) => index.delete_object(&namespace, &key, Some(&object)),
        Change::Reset(all) => index.reset_objects(kind, all),
    }
}
