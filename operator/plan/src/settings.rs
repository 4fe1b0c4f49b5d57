use crate::audit::Known;
use crate::canary::Tried;
use crate::guards::Identity;
use crate::probe::Probed;
use snc_core::lang::Lang;
use snc_core::names::{CANARY, is_protected_namespace};
use snc_network::audit::Addresses;
use snc_network::reach::ClusterPolicy;

/// What the platform chose when it installed the operator.
#[derive(Debug, Clone)]
pub struct Settings {
    pub lang: Lang,
    pub identity: Identity,
    pub canary_namespace: String,
}

impl Settings {
    pub fn protects(&self, namespace: &str) -> bool {
        is_protected_namespace(namespace, &self.identity.namespace, &self.canary_namespace)
            || namespace == self.tenant_canary()
    }

    /// Namespace of a tenant that is not one: what it tries must be refused.
    pub fn tenant_canary(&self) -> String {
        format!("{}-tenant", self.canary_namespace)
    }

    /// Who the canary tenant is for the API server.
    pub fn canary_username(&self) -> String {
        Identity::new(self.tenant_canary(), CANARY).username()
    }
}

/// What was found out about the cluster besides its objects.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClusterFacts {
    /// Every reachable API server refused the canary pod by the gate's name.
    pub gate_proven: bool,
    /// What the canary tenant was answered; none before it tried.
    pub admission: Option<Tried>,
    /// What packets said of the cluster's network.
    pub probed: Probed,
    /// What the `SncAuditLog` says of the audit log.
    pub audit: Known,
    /// API groups served here whose network policies this version does not model.
    pub unmodelled: Vec<String>,
    /// `ClusterNetworkPolicy` objects: they come before and after the policies of a namespace.
    pub policies: Vec<ClusterPolicy>,
    /// They are served, and not known (any more).
    pub policies_unread: bool,
    /// Addresses of the cluster, as far as it tells them itself.
    pub addresses: Addresses,
    /// The addresses of nodes, pods, Services and the control plane are all known.
    pub addresses_known: bool,
    /// Kinds that RBAC does not let the operator read.
    pub denied: Vec<String>,
    /// Kinds of which nothing was heard for so long that the answer may be another by now.
    pub stale: Vec<String>,
}
