//! `ClusterNetworkPolicy` objects, where the cluster serves them.

use super::Change;
use super::stream::{Restart, Selector, Signal, follow};
use crate::context::Context;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, ResourceExt};
use snc_network::reach::ClusterPolicy;
use std::collections::BTreeMap;
use std::sync::Arc;

pub const GROUP: &str = "policy.networking.k8s.io";
pub const VERSION: &str = "v1alpha2";
pub const PLURAL: &str = "clusternetworkpolicies";

/// Follows them as long as they are served. Until they were listed, and whenever they cannot be, they are doubt.
pub fn serve(context: &Arc<Context>, served: bool) {
    let mut following = context.following();
    match (served, following.as_ref().is_some_and(|task| !task.is_finished())) {
        (true, false) => {
            context.update_cluster(|facts| facts.policies_unread = true);
            let context = context.clone();
            *following = Some(tokio::spawn(async move { keep(&context).await }));
        }
        (false, true) => {
            if let Some(task) = following.take() {
                task.abort();
            }
            context.update_cluster(|facts| {
                facts.policies.clear();
                facts.policies_unread = false;
            });
        }
        _ => {}
    }
}

async fn keep(context: &Context) {
    let kind = GroupVersionKind::gvk(GROUP, VERSION, "ClusterNetworkPolicy");
    let resource = ApiResource::from_gvk_with_plural(&kind, PLURAL);
    let api: Api<DynamicObject> = Api::all_with(context.client.clone(), &resource);
    let mut known: BTreeMap<String, ClusterPolicy> = BTreeMap::new();
    follow(api, Selector::default(), policy, |signal| {
        let mut unread = false;
        match signal {
            Signal::Change(Change::Apply(policy)) => {
                known.insert(policy.name.clone(), policy);
            }
            Signal::Change(Change::Delete(policy)) => {
                known.remove(&policy.name);
            }
            Signal::Change(Change::Reset(all)) => {
                known = all.into_iter().map(|policy| (policy.name.clone(), policy)).collect();
            }
            Signal::Again(Restart::Ended | Restart::Cut, _) | Signal::Alive | Signal::Open => return,
            Signal::Again(why, text) => {
                tracing::warn!(kind = PLURAL, why = why.as_str(), error = text, "watch failed; trying again");
                unread = true;
            }
        }
        let policies = known.values().cloned().collect();
        context.update_cluster(|facts| (facts.policies, facts.policies_unread) = (policies, unread));
    })
    .await;
}

fn policy(mut object: DynamicObject) -> ClusterPolicy {
    let spec = object.data.get_mut("spec").map(serde_json::Value::take).unwrap_or_default();
    ClusterPolicy { name: object.name_any(), spec }
}
