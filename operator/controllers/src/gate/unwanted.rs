//! Policies of controls that this version has no rule for: made by an earlier one.

use crate::context::Context;
use crate::error::{code, reason};
use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use kube::api::{DeleteParams, ListParams, Preconditions};
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use snc_core::condition::reason as why;
use snc_core::names::{LABEL_COMPONENT, LABEL_MANAGED_BY, MANAGED_BY};
use snc_plan::guards::{BINDINGS, CONTROLS, POLICIES, guards};
use std::collections::BTreeSet;
use std::fmt::Debug;

/// Whether nothing is left to be deleted.
pub async fn remove(context: &Context) -> bool {
    let wanted = guards(&context.settings.identity, context.settings.lang);
    let policies: BTreeSet<String> = wanted.iter().map(|guard| guard.policy.name_any()).collect();
    let bindings: BTreeSet<String> =
        wanted.iter().flat_map(|guard| &guard.bindings).map(ResourceExt::name_any).collect();
    // A policy without a binding does nothing; a binding without a policy is an error to the API server.
    let gone = remove_of::<ValidatingAdmissionPolicyBinding>(context, BINDINGS, &bindings).await;
    gone && remove_of::<ValidatingAdmissionPolicy>(context, POLICIES, &policies).await
}

async fn remove_of<K>(context: &Context, known: &[&str], wanted: &BTreeSet<String>) -> bool
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let api: Api<K> = Api::all(context.client.clone());
    let ours = format!("{LABEL_MANAGED_BY}={MANAGED_BY},{LABEL_COMPONENT}={CONTROLS}");
    let found = match api.list(&ListParams::default().labels(&ours)).await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(error = reason(&error), "policies of controls not listed");
            return false;
        }
    };
    // Under a name that we never gave it is not ours, whatever its labels say.
    let unwanted = found.iter().filter(|object| {
        let name = object.name_any();
        !wanted.contains(&name)
            && known.contains(&name.as_str())
            && object.meta().deletion_timestamp.is_none()
    });
    let mut all = true;
    for object in unwanted {
        if !context.may_delete() {
            return false;
        }
        let name = object.name_any();
        let params = DeleteParams {
            preconditions: Some(Preconditions {
                uid: object.meta().uid.clone(),
                resource_version: object.meta().resource_version.clone(),
            }),
            ..DeleteParams::default()
        };
        match api.delete(&name, &params).await {
            Ok(_) => {
                tracing::info!(policy = name, "removed: no rule of this version is in it");
                let note = context.settings.lang.pick(
                    || format!("{name} retiré : aucune règle de cette version ne s'y trouve"),
                    || format!("{name} removed: no rule of this version is in it"),
                );
                context.events.normal(&object.object_ref(&()), why::REMOVED, "Remove", note).await;
            }
            Err(error) if code(&error) == 404 => {}
            Err(error) => {
                tracing::warn!(policy = name, error = reason(&error), "not removed");
                all = false;
            }
        }
    }
    all
}
