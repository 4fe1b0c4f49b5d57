//! What `reach` reads: all namespaces, since a policy may speak of any of them.

use super::Cluster;
use super::list::{Kind, Trouble, list};
use crate::model::reach::objects::{Objects, controller, namespace};
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};

const CLUSTER_POLICIES: &str = "clusternetworkpolicies.policy.networking.k8s.io";
/// The version that is evaluated.
const CLUSTER_POLICY_VERSION: &str = "v1alpha2";

impl Cluster {
    /// Half of the facts would give a wrong answer: all of them, or what could not be read.
    pub async fn reach_objects(&self) -> Result<Objects, Vec<Trouble>> {
        let client = || self.client.clone();
        let all = ListParams::default;
        let (namespaces, pods, policies, replica_sets, jobs, groups) = futures::join!(
            list(Api::all(client()), all()),
            list(Api::all(client()), all()),
            list(Api::all(client()), all()),
            list::<ReplicaSet>(Api::all(client()), all()),
            list::<Job>(Api::all(client()), all()),
            self.groups(),
        );
        let mut troubles = Vec::new();
        let mut objects = Objects {
            namespaces: kept(namespaces, &mut troubles),
            pods: kept(pods, &mut troubles),
            policies: kept(policies, &mut troubles),
            ..Objects::default()
        };
        let sets = kept(replica_sets, &mut troubles);
        let jobs = kept(jobs, &mut troubles);
        let metas = sets.iter().map(|set| ("ReplicaSet", &set.metadata));
        let metas = metas.chain(jobs.iter().map(|job| ("Job", &job.metadata)));
        objects.owners = metas.filter_map(|(kind, meta)| owned(kind, meta)).collect();
        match self.policy_kinds(&groups).await {
            Ok(kinds) => {
                for kind in kinds {
                    match kind.objects {
                        Ok(0) => {}
                        Ok(_) if kind.resource == CLUSTER_POLICIES => match self.cluster_policies().await {
                            Ok(found) => objects.cluster_policies = found,
                            // Served in another version only.
                            Err(trouble) if trouble.kind == Kind::NotServed => {
                                objects.foreign.insert(kind.resource, 1);
                            }
                            Err(trouble) => troubles.push(trouble),
                        },
                        Ok(count) => {
                            objects
                                .foreign
                                .insert(kind.resource, usize::try_from(count).unwrap_or(usize::MAX));
                        }
                        Err(trouble) => troubles.push(trouble),
                    }
                }
            }
            Err(trouble) => troubles.push(trouble),
        }
        if troubles.is_empty() { Ok(objects) } else { Err(troubles) }
    }

    async fn cluster_policies(&self) -> Result<Vec<(String, serde_json::Value)>, Trouble> {
        let kind =
            GroupVersionKind::gvk("policy.networking.k8s.io", CLUSTER_POLICY_VERSION, "ClusterNetworkPolicy");
        let resource = ApiResource::from_gvk_with_plural(&kind, "clusternetworkpolicies");
        let api = Api::<DynamicObject>::all_with(self.client.clone(), &resource);
        let page = api.list(&ListParams::default()).await;
        let found = page.map_err(|error| Trouble::new(CLUSTER_POLICIES.to_owned(), &error))?;
        let items = found.items.into_iter();
        Ok(items
            .map(|object| (object.name_any(), object.data.get("spec").cloned().unwrap_or_default()))
            .collect())
    }
}

fn kept<T>(read: Result<Vec<T>, Trouble>, troubles: &mut Vec<Trouble>) -> Vec<T> {
    read.unwrap_or_else(|trouble| {
        troubles.push(trouble);
        Vec::new()
    })
}

type Owned = (crate::model::reach::objects::Key, (String, String));

fn owned(kind: &str, meta: &ObjectMeta) -> Option<Owned> {
    let owner = controller(meta)?;
    Some(((namespace(meta), kind.to_owned(), meta.name.clone()?), owner))
}
