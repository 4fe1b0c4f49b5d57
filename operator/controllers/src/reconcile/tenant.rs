use super::status::{self, worst};
use crate::context::Context;
use crate::error::{code, reason};
use crate::queue::Outcome;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{Api, Resource};
use snc_api::v1alpha1::SncTenant;
use snc_core::condition::{kind, reason as why};
use snc_plan::objects::new_namespace;
use snc_plan::status::tenant_view;
use std::time::Duration;

/// A name that was just deleted is left alone this long: API servers may still hold the old namespace, with its
/// `isolated` label, in their caches.
const BEFORE_REUSE: Duration = Duration::from_secs(10);

pub async fn reconcile(context: &Context, name: &str) -> Outcome {
    let api: Api<SncTenant> = Api::all(context.client.clone());
    let found = context.index().tenant(name).cloned();
    let tenant = match found {
        None => return Outcome::Done,
        Some(Err(unreadable)) => {
            status::unreadable(context, &api, &unreadable, &[kind::READY]).await;
            return Outcome::Done;
        }
        Some(Ok(tenant)) => tenant,
    };
    let cluster = context.cluster();
    let found = context.found.borrow().clone();
    let view = tenant_view(&context.index(), &context.settings, &cluster, &tenant, Timestamp::now())
        .with_controls(found.as_ref().map(|found| &*found.assessed), &tenant);
    let mut outcome = Outcome::Done;
    for namespace in &view.create {
        outcome = worst(outcome, create(context, &tenant, namespace).await);
    }
    if tenant.status.as_ref() == Some(&view.status) {
        return outcome;
    }
    announce(context, &tenant, &view.status.conditions).await;
    worst(outcome, status::write(&api, &*tenant, &view.status).await)
}

async fn create(context: &Context, tenant: &SncTenant, namespace: &str) -> Outcome {
    let gone = context.memory().namespace_gone.get(namespace).copied();
    // A deletion before our own start was not seen, so the start counts as one.
    let since = gone.unwrap_or(context.started).elapsed();
    if let Some(wait) = BEFORE_REUSE.checked_sub(since).filter(|wait| !wait.is_zero()) {
        return Outcome::Later(wait);
    }
    let name = tenant.meta().name.as_deref().unwrap_or_default();
    match crate::namespaces::create(context, &new_namespace(namespace, name)).await {
        Ok(()) => {
            let note = context
                .settings
                .lang
                .pick(|| format!("namespace {namespace} créé"), || format!("namespace {namespace} created"));
            context.events.normal(&tenant.object_ref(&()), why::NAMESPACE_CREATED, "Create", note).await;
            Outcome::Done
        }
        Err(error) if code(&error) == 409 => Outcome::Done,
        Err(error) => {
            tracing::warn!(namespace, error = reason(&error), "namespace not created");
            Outcome::Failed
        }
    }
}

/// Conflicts and excesses are worth an event when they appear, not on every look.
async fn announce(context: &Context, tenant: &SncTenant, conditions: &[Condition]) {
    let before = tenant.status.as_ref().map(|s| s.conditions.as_slice()).unwrap_or_default();
    let events: [(&str, &'static str); 3] = [
        (why::NAMESPACE_CONFLICT, why::NAMESPACE_CONFLICT),
        (why::NAMESPACE_PROTECTED, why::NAMESPACE_PROTECTED),
        (why::QUOTA_EXCEEDED, why::QUOTA_EXCEEDED),
    ];
    for condition in conditions.iter().filter(|c| c.type_ != kind::READY) {
        let same = |c: &&Condition| {
            c.type_ == condition.type_ && c.reason == condition.reason && c.message == condition.message
        };
        if before.iter().find(same).is_some() {
            continue;
        }
        if let Some((_, reason)) = events.iter().find(|(reason, _)| *reason == condition.reason) {
            context
                .events
                .warning(&tenant.object_ref(&()), reason, "Reconcile", condition.message.clone())
                .await;
        }
    }
}
