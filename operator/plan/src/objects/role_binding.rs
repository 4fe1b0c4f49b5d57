use super::{Desired, meta};
use k8s_openapi::api::rbac::v1::{RoleBinding, RoleRef, Subject};
use snc_api::v1alpha1::{Owner, OwnerKind};
use snc_core::names::{OWNER_BINDING, ROLE_TENANT_ADMIN};

const RBAC: &str = "rbac.authorization.k8s.io";

/// The owners' rights in one namespace; applied after isolation.
pub fn owners(namespace: &str, owners: &[Owner]) -> Option<Desired> {
    let mut subjects: Vec<&Owner> = owners.iter().filter(|o| !o.name.starts_with("system:")).collect();
    subjects.sort();
    subjects.dedup();
    if subjects.is_empty() {
        return None;
    }
    let subject = |owner: &Owner| Subject {
        kind: match owner.kind {
            OwnerKind::User => "User".into(),
            OwnerKind::Group => "Group".into(),
        },
        name: owner.name.clone(),
        api_group: Some(RBAC.into()),
        namespace: None,
    };
    Some(Desired::RoleBinding(Box::new(RoleBinding {
        metadata: meta(namespace, OWNER_BINDING, "rights"),
        role_ref: RoleRef {
            api_group: RBAC.into(),
            kind: "ClusterRole".into(),
            name: ROLE_TENANT_ADMIN.into(),
        },
        subjects: Some(subjects.into_iter().map(subject).collect()),
    })))
}
