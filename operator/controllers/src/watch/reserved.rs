//! Classes and nodes that the platform keeps for a tenant: those with its label, and nothing of them but name and label.

use super::stream::Selector;
use super::{Change, Dirty, feed};
use crate::context::Context;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, ResourceExt};
use snc_core::names::LABEL_TENANT;
use snc_core::reserved::{Kind, Reserved};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::task::JoinSet;

/// By what each watch is known: nodes are watched for their addresses, too.
const WATCHED: [(Kind, &str, &str, &str); 4] = [
    (Kind::PriorityClass, "scheduling.k8s.io", "priorityclasses", "priorityclasses"),
    (Kind::RuntimeClass, "node.k8s.io", "runtimeclasses", "runtimeclasses"),
    (Kind::StorageClass, "storage.k8s.io", "storageclasses", "storageclasses"),
    (Kind::Node, "", "nodes", "nodes-of-tenants"),
];

/// Starts to watch them, for the rest of the process's life.
pub fn start(context: &Arc<Context>, reserved: &Arc<RwLock<Reserved>>, tasks: &mut JoinSet<&'static str>) {
    for (kind, group, plural, known) in WATCHED {
        context.inputs.expect(known);
        let (context, reserved) = (context.clone(), reserved.clone());
        tasks.spawn(async move {
            follow(&context, &reserved, kind, (group, plural, known)).await;
            known
        });
    }
}

async fn follow(
    context: &Context,
    reserved: &RwLock<Reserved>,
    kind: Kind,
    (group, plural, known): (&str, &str, &'static str),
) {
    let gvk = GroupVersionKind::gvk(group, "v1", kind.as_str());
    let resource = ApiResource::from_gvk_with_plural(&gvk, plural);
    let api: Api<DynamicObject> = Api::all_with(context.client.clone(), &resource);
    // Whatever loses the label is deleted, as far as this watch goes.
    let selector = Selector { labels: Some(LABEL_TENANT.to_owned()), metadata: true, ..Selector::default() };
    let read = |object: DynamicObject| (object.name_any(), object.labels().get(LABEL_TENANT).cloned());
    feed(known, api, selector, context, read, |_, change| {
        let mut reserved = reserved.write().unwrap_or_else(PoisonError::into_inner);
        match change {
            Change::Apply((name, tenant)) => reserved.apply(kind, name, tenant),
            Change::Delete((name, _)) => reserved.apply(kind, name, None),
            Change::Reset(all) => reserved.reset(kind, all),
        }
        Dirty::new()
    })
    .await;
}
