//! Whether what the index knows is what the API server holds now.

use crate::context::Context;
use kube::api::ListParams;
use kube::core::DeserializeGuard;
use kube::{Api, Resource};
use snc_api::v1alpha1::{SncBaseline, SncPolicy, SncTenant};
use snc_index::{Declared, Unreadable};
use std::collections::BTreeMap;

type Versions = BTreeMap<String, Option<i64>>;

/// To let pods in without any policy is decided only on what was read past every cache: the watch of the namespaces may
/// be ahead of those of the tenants, baselines and policies that ask for more.
pub async fn inputs(context: &Context, namespace: &str, tenant: &str) -> kube::Result<bool> {
    let client = &context.client;
    let tenants: Api<DeserializeGuard<SncTenant>> = Api::all(client.clone());
    let baselines: Api<DeserializeGuard<SncBaseline>> = Api::all(client.clone());
    let policies: Api<DeserializeGuard<SncPolicy>> = Api::namespaced(client.clone(), namespace);
    let tenant_now = tenants.get_opt(tenant).await?.map(|t| t.meta().generation);
    let baselines_now = versions(baselines.list(&ListParams::default()).await?.items);
    let policies_now = versions(policies.list(&ListParams::default()).await?.items);
    let index = context.index();
    let known_tenant = index.tenant(tenant).map(generation);
    let known = |name: &str, object: Option<i64>| (name.to_owned(), object);
    let known_baselines: Versions = index.baselines().map(|(n, b)| known(n, generation(b))).collect();
    let known_policies: Versions = index.policies(namespace).map(|(n, p)| known(n, generation(p))).collect();
    Ok(tenant_now == known_tenant && baselines_now == known_baselines && policies_now == known_policies)
}

fn versions<K: Resource<DynamicType = ()>>(objects: Vec<DeserializeGuard<K>>) -> Versions {
    objects.iter().map(|o| (o.meta().name.clone().unwrap_or_default(), o.meta().generation)).collect()
}

fn generation<K: Resource<DynamicType = ()>>(object: &Declared<K>) -> Option<i64> {
    match object {
        Ok(object) => object.meta().generation,
        Err(Unreadable { generation, .. }) => *generation,
    }
}
