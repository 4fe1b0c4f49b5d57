//! What an operator that was removed entirely must not have left behind.

use crate::api::Api;
use crate::objects::{CRDS, GUARD_BINDINGS, GUARDS, NAMESPACES, text};
use crate::wait::within;
use crate::webhook::CONFIGURATIONS;
use anyhow::{Context, Result, ensure};
use snc_core::names::{LABEL_MANAGED_BY, LABEL_PREFIX, MANAGED_BY};
use std::time::Duration;

/// Everywhere, not only where it is known to have been.
pub fn nothing_left(admin: &Api) -> Result<()> {
    let ours = format!("labelSelector={LABEL_MANAGED_BY}={MANAGED_BY}");
    let kinds = [
        "/api/v1/configmaps",
        "/api/v1/limitranges",
        "/api/v1/resourcequotas",
        "/api/v1/secrets",
        "/apis/networking.k8s.io/v1/networkpolicies",
        "/apis/rbac.authorization.k8s.io/v1/rolebindings",
        GUARDS,
        GUARD_BINDINGS,
        CONFIGURATIONS,
    ];
    within(Duration::from_secs(30), "nothing of ours to be left", || {
        for kind in kinds {
            let left = admin.list(format!("{kind}?{ours}"))?;
            ensure!(left.is_empty(), "{kind}: {left:?}");
        }
        let definitions = admin.list(CRDS)?;
        let left: Vec<&str> = definitions.iter().map(|crd| text(crd, "/metadata/name")).collect();
        ensure!(!left.iter().any(|name| name.ends_with(".secnumcloud.dev")), "{left:?}");
        Ok(())
    })?;
    for namespace in admin.list(NAMESPACES)? {
        let labels = namespace["metadata"]["labels"].as_object().context("no labels")?;
        ensure!(!labels.keys().any(|key| key.starts_with(LABEL_PREFIX)), "{namespace}");
    }
    for kind in ["clusterroles", "clusterrolebindings"] {
        let all = admin.list(format!("/apis/rbac.authorization.k8s.io/v1/{kind}"))?;
        let left: Vec<&str> = all.iter().map(|role| text(role, "/metadata/name")).collect();
        let ours = |name: &&&str| name.starts_with("snc-") && **name != "snc-platform-admins";
        ensure!(left.iter().find(ours).is_none(), "{left:?}");
    }
    Ok(())
}
