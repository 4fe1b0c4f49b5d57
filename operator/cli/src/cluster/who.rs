//! Roles and their bindings.

use super::Cluster;
use super::list::{Trouble, list};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::api::{Api, ListParams};
use kube::{Resource, ResourceExt};
use serde::Serialize;
use snc_core::snapshot::Snapshot;
use snc_core::verdict::Subject;

impl Cluster {
    pub async fn rbac(&self) -> Result<Snapshot, Vec<Trouble>> {
        let client = || self.client.clone();
        let all = ListParams::default;
        let (cluster_roles, roles, cluster_bindings, bindings) = futures::join!(
            list::<ClusterRole>(Api::all(client()), all()),
            list::<Role>(Api::all(client()), all()),
            list::<ClusterRoleBinding>(Api::all(client()), all()),
            list::<RoleBinding>(Api::all(client()), all()),
        );
        let mut snapshot = Snapshot::default();
        let mut troubles = Vec::new();
        put(&mut snapshot, cluster_roles, &mut troubles);
        put(&mut snapshot, roles, &mut troubles);
        put(&mut snapshot, cluster_bindings, &mut troubles);
        put(&mut snapshot, bindings, &mut troubles);
        if troubles.is_empty() { Ok(snapshot) } else { Err(troubles) }
    }
}

fn put<K>(snapshot: &mut Snapshot, found: Result<Vec<K>, Trouble>, troubles: &mut Vec<Trouble>)
where
    K: Resource<DynamicType = ()> + Serialize,
{
    let found = match found {
        Ok(found) => found,
        Err(trouble) => return troubles.push(trouble),
    };
    for object in found {
        let namespace = object.namespace().unwrap_or_default();
        let subject = Subject::new(&K::api_version(&()), &K::kind(&()), &namespace, &object.name_any());
        snapshot.put(&subject, &serde_json::to_value(&object).unwrap_or_default());
    }
}
