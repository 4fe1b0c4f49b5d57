//! The facts that the operator decides from, read once.

use super::Cluster;
use super::list::{Trouble, declared, list};
use crate::model::live::Live;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{ConfigMap, LimitRange, Namespace, ResourceQuota, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{Api, ListParams};
use kube::core::DeserializeGuard;
use kube::{Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use snc_api::v1alpha1::{SncBaseline, SncPolicy, SncTenant};
use snc_core::names::RECORD;
use snc_index::{Index, ManagedKind, ObjectKey, Observed, PodLite};
use std::fmt::Debug;

pub struct Snapshot {
    pub index: Index,
    pub live: Live,
}

impl Cluster {
    /// A plan from half of the facts would be a wrong plan: all of them, or what could not be read.
    pub async fn snapshot(&self) -> Result<Snapshot, Vec<Trouble>> {
        let client = || self.client.clone();
        let named = |name: &str| ListParams::default().fields(&format!("metadata.name={name}"));
        let all = ListParams::default;
        let (ours, namespaces, pods, others) = futures::join!(
            async {
                futures::join!(
                    declared::<SncBaseline>(Api::<DeserializeGuard<_>>::all(client())),
                    declared::<SncTenant>(Api::<DeserializeGuard<_>>::all(client())),
                    declared::<SncPolicy>(Api::<DeserializeGuard<_>>::all(client())),
                )
            },
            list::<Namespace>(Api::all(client()), all()),
            list::<PodLite>(Api::all(client()), all()),
            async {
                futures::join!(
                    list::<NetworkPolicy>(Api::all(client()), all()),
                    list::<ResourceQuota>(Api::all(client()), all()),
                    list::<LimitRange>(Api::all(client()), all()),
                    list::<RoleBinding>(Api::all(client()), all()),
                    list::<ConfigMap>(Api::all(client()), named(RECORD)),
                    list::<ServiceAccount>(Api::all(client()), named("default")),
                )
            },
        );
        let mut troubles = Vec::new();
        let mut reader = Reader {
            snapshot: Snapshot { index: Index::default(), live: Live::default() },
            troubles: &mut troubles,
        };
        if let Some(namespaces) = reader.keep(namespaces) {
            reader.snapshot.index.reset_namespaces(&namespaces);
        }
        if let Some(pods) = reader.keep(pods) {
            reader.snapshot.index.reset_pods(&pods);
        }
        let (baselines, tenants, policies) = ours;
        if let Some(baselines) = reader.keep(baselines) {
            reader
                .snapshot
                .index
                .reset_baselines(baselines.into_iter().map(|(_, name, b)| (name, b)).collect());
        }
        if let Some(tenants) = reader.keep(tenants) {
            reader.snapshot.index.reset_tenants(tenants.into_iter().map(|(_, name, t)| (name, t)).collect());
        }
        if let Some(policies) = reader.keep(policies) {
            reader.snapshot.index.reset_policies(policies);
        }
        let (network_policies, quotas, limits, bindings, records, accounts) = others;
        if let Some(policies) = reader.keep(network_policies) {
            for policy in &policies {
                reader.snapshot.live.keep(ManagedKind::NetworkPolicy, policy);
            }
            reader.snapshot.index.reset_network_policies(&policies);
        }
        reader.objects(ManagedKind::ResourceQuota, quotas);
        reader.objects(ManagedKind::LimitRange, limits);
        reader.objects(ManagedKind::RoleBinding, bindings);
        reader.objects(ManagedKind::ServiceAccount, accounts);
        if let Some(records) = reader.keep(records) {
            for record in &records {
                reader.snapshot.live.keep(ManagedKind::ConfigMap, record);
            }
            reader.snapshot.index.reset_records(&records);
        }
        let snapshot = reader.snapshot;
        if troubles.is_empty() { Ok(snapshot) } else { Err(troubles) }
    }
}

struct Reader<'a> {
    snapshot: Snapshot,
    troubles: &'a mut Vec<Trouble>,
}

impl Reader<'_> {
    fn keep<T>(&mut self, read: Result<T, Trouble>) -> Option<T> {
        read.map_err(|trouble| self.troubles.push(trouble)).ok()
    }

    fn objects<K>(&mut self, kind: ManagedKind, read: Result<Vec<K>, Trouble>)
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Serialize
            + DeserializeOwned
            + Clone
            + Debug,
        for<'k> Observed: From<&'k K>,
    {
        let Some(objects) = self.keep(read) else { return };
        for object in &objects {
            self.snapshot.live.keep(kind, object);
        }
        let observed = objects.iter().map(|object| {
            let key = ObjectKey::new(kind, object.name_any());
            (object.namespace().unwrap_or_default(), key, Observed::from(object))
        });
        self.snapshot.index.reset_objects(kind, observed.collect());
    }
}
