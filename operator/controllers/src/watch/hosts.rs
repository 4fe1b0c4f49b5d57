//! What publishes names: Ingresses, and routes where the Gateway API is served.

use super::stream::Selector;
use super::{Change, Dirty, feed};
use crate::context::Context;
use crate::error::reason;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, ResourceExt};
use serde_json::Value;
use snc_index::{Hosts, Publisher};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::task::{AbortHandle, JoinSet};

/// A kind may be installed, or go, while we run.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
const TRY_AGAIN: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(15);
const GATEWAY: &str = "gateway.networking.k8s.io";
const INGRESSES: &str = "ingresses";
/// Kind and plural; served in v1 or not at all.
const ROUTES: [(&str, &str); 3] =
    [("HTTPRoute", "httproutes"), ("GRPCRoute", "grpcroutes"), ("TLSRoute", "tlsroutes")];

/// Which names an object of this kind publishes.
pub type Names = fn(&'static str, &Value) -> Vec<String>;

type Published = (Publisher, Vec<String>);

/// Starts to watch them, for the rest of the process's life.
pub fn start(
    context: &Arc<Context>,
    hosts: &Arc<RwLock<Hosts>>,
    names: Names,
    tasks: &mut JoinSet<&'static str>,
) {
    for kind in [INGRESSES].into_iter().chain(ROUTES.map(|(_, plural)| plural)) {
        // Until it is known that a kind is not served, nothing is known of it.
        context.inputs.expect(kind);
    }
    let (of_ingresses, for_ingresses) = (context.clone(), hosts.clone());
    tasks.spawn(async move {
        follow(of_ingresses, for_ingresses, ("networking.k8s.io", "Ingress", INGRESSES), names).await;
        INGRESSES
    });
    let (context, hosts) = (context.clone(), hosts.clone());
    tasks.spawn(async move {
        routes(context, hosts, names).await;
        "routes"
    });
}

async fn routes(context: Arc<Context>, hosts: Arc<RwLock<Hosts>>, names: Names) {
    let mut followed: BTreeMap<&str, AbortHandle> = BTreeMap::new();
    loop {
        let served = match tokio::time::timeout(ANSWER, served(&context)).await {
            Ok(Ok(served)) => served,
            Ok(Err(error)) => {
                tracing::warn!(error = reason(&error), "routes not looked for");
                tokio::time::sleep(TRY_AGAIN).await;
                continue;
            }
            Err(_) => continue,
        };
        for (kind, plural) in ROUTES {
            match (served.iter().any(|found| found == plural), followed.contains_key(plural)) {
                (true, false) => {
                    context.inputs.expect(plural);
                    let (context, hosts) = (context.clone(), hosts.clone());
                    let task = tokio::spawn(follow(context, hosts, (GATEWAY, kind, plural), names));
                    followed.insert(plural, task.abort_handle());
                }
                (false, followed_now) => {
                    if followed_now && let Some(task) = followed.remove(plural) {
                        task.abort();
                        hosts.write().unwrap_or_else(PoisonError::into_inner).reset(kind, Vec::new());
                    }
                    context.inputs.forget(plural);
                }
                (true, true) => {}
            }
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Plurals of the group that are served in v1.
async fn served(context: &Context) -> kube::Result<Vec<String>> {
    let groups = context.client.list_api_groups().await?.groups;
    let version = format!("{GATEWAY}/v1");
    let group = groups.iter().find(|group| group.name == GATEWAY);
    if !group.is_some_and(|group| group.versions.iter().any(|served| served.group_version == version)) {
        return Ok(Vec::new());
    }
    let resources = context.client.list_api_group_resources(&version).await?.resources;
    Ok(resources.into_iter().map(|resource| resource.name).collect())
}

async fn follow(
    context: Arc<Context>,
    hosts: Arc<RwLock<Hosts>>,
    (group, kind, plural): (&'static str, &'static str, &'static str),
    names: Names,
) {
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, "v1", kind), plural);
    let api: Api<DynamicObject> = Api::all_with(context.client.clone(), &resource);
    let read = |object: DynamicObject| -> Published {
        let publisher = (kind, object.namespace().unwrap_or_default(), object.name_any());
        (publisher, names(kind, &object.data))
    };
    feed(plural, api, Selector::default(), &context, read, |_, change| {
        let mut hosts = hosts.write().unwrap_or_else(PoisonError::into_inner);
        match change {
            Change::Apply((publisher, names)) => hosts.apply(publisher, names),
            Change::Delete((publisher, _)) => hosts.delete(&publisher),
            Change::Reset(all) => hosts.reset(kind, all),
        }
        Dirty::new()
    })
    .await;
}
