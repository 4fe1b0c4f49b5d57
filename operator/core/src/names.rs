//! Names that other people see: labels, annotations, object names, field managers.

pub const GROUP: &str = "secnumcloud.dev";

/// Where the operator is unless it is told otherwise.
pub const OPERATOR_NAMESPACE: &str = "snc-system";

/// Guarded: set by the operator, or by a user whom RBAC allows the verb `assign` on that `SncTenant`.
pub const LABEL_TENANT: &str = "secnumcloud.dev/tenant";
/// Operator only. `true` once the policies were read back; `audit` or `warn` where the effective isolation
/// mode asks for no policies and the namespace never had them.
pub const LABEL_ISOLATED: &str = "secnumcloud.dev/isolated";
pub const LABEL_ENVIRONMENT: &str = "secnumcloud.dev/environment";
pub const LABEL_SENSITIVITY: &str = "secnumcloud.dev/sensitivity";
/// Operator only: the level in force, and the mode in force of each `tier::Measure`, in the API's own words.
pub const LABEL_LEVEL: &str = "secnumcloud.dev/level";
pub const LABEL_ISOLATION: &str = "secnumcloud.dev/isolation";
pub const LABEL_POD_SECURITY: &str = "secnumcloud.dev/pod-security";
pub const LABEL_WORKLOADS: &str = "secnumcloud.dev/workloads";
pub const LABEL_IMAGES: &str = "secnumcloud.dev/images";
/// Operator only: floors that the `SncPolicy` ratchet reads.
pub const LABEL_FLOOR_LEVEL: &str = "secnumcloud.dev/floor-level";
pub const LABEL_FLOOR_ISOLATION: &str = "secnumcloud.dev/floor-isolation";
pub const LABEL_FLOOR_POD_SECURITY: &str = "secnumcloud.dev/floor-pod-security";
pub const LABEL_FLOOR_QUOTA: &str = "secnumcloud.dev/floor-quota";
pub const LABEL_FLOOR_WORKLOADS: &str = "secnumcloud.dev/floor-workloads";
pub const LABEL_FLOOR_IMAGES: &str = "secnumcloud.dev/floor-images";
/// Operator only: the namespace of the canary tenant.
pub const LABEL_CANARY: &str = "secnumcloud.dev/canary";
/// Every key under this prefix on a Namespace is guarded.
pub const LABEL_PREFIX: &str = "secnumcloud.dev/";

pub const LABEL_MANAGED_BY: &str = "app.kubernetes.io/managed-by";
pub const MANAGED_BY: &str = "snc-operator";
/// What a managed object is for: `isolation`, `conflict`, `dns`, `flow`, `quota`, `limits`, `rights`, `record`,
/// `assessment`, `waivers`, `ledger`.
pub const LABEL_COMPONENT: &str = "app.kubernetes.io/component";
pub const COMPONENT_LEDGER: &str = "ledger";
pub const ANNOTATION_POLICY: &str = "secnumcloud.dev/policy";
pub const ANNOTATION_FLOW: &str = "secnumcloud.dev/flow";

pub const METADATA_NAME: &str = "kubernetes.io/metadata.name";
/// For field selectors.
pub const METADATA_FIELD_NAME: &str = "metadata.name";

pub const PSA_ENFORCE: &str = "pod-security.kubernetes.io/enforce";
pub const PSA_WARN: &str = "pod-security.kubernetes.io/warn";
pub const PSA_AUDIT: &str = "pod-security.kubernetes.io/audit";

pub const DEFAULT_DENY: &str = "snc-default-deny";
pub const DNS_POLICY: &str = "snc-dns";
pub const FLOW_PREFIX: &str = "snc-flow-";
pub const QUOTA: &str = "snc-quota";
pub const LIMITS: &str = "snc-limits";
pub const RECORD: &str = "snc-effective";
pub const RECORD_KEY: &str = "effective.json";
pub const OWNER_BINDING: &str = "snc-owners";
pub const ROLE_TENANT_ADMIN: &str = "snc-tenant-admin";
pub const ROLE_TENANT_VIEWER: &str = "snc-tenant-viewer";
/// The `SncAssessment` of the operator's namespace, and of each namespace of a tenant.
pub const ASSESSMENT: &str = "snc-assessment";
pub const LEASE: &str = "snc-controller";
/// The canary's pod, workload and object of ours, and its ServiceAccount.
pub const CANARY: &str = "snc-canary";
/// The chart's, of the controllers.
pub const OPERATOR_DEPLOYMENT: &str = "snc-operator";
/// Of the Service and the Deployment.
pub const WEBHOOK_SERVICE: &str = "snc-webhook";
/// Secret that the webhook's pods mount: `tls.crt`, `tls.key`, `ca.crt`.
pub const WEBHOOK_CERTIFICATE: &str = "snc-webhook-tls";
/// Secret with the authorities that sign it.
pub const WEBHOOK_AUTHORITY: &str = "snc-webhook-ca";
/// The `SncWaiverSet` of the operator's namespace that holds the waivers in force, a parameter of policies; and the
/// ConfigMap that held them before there was that kind.
pub const WAIVERS: &str = "snc-waivers";

/// ConfigMap of the operator's namespace with what was last measured of the network, and its key.
pub const PROBE: &str = "snc-network-probe";
pub const PROBE_KEY: &str = "measured.json";
/// `app.kubernetes.io/component` of the pods that measure it.
pub const PROBE_COMPONENT: &str = "probe";
/// Who makes them and writes it: what is said to be `MANAGED_BY` the operator, guards leave to the operator alone.
pub const PROBED_BY: &str = "snc-probe";
/// Their namespaces.
pub const PROBE_NAMESPACES: [&str; 2] = ["snc-probe-server", "snc-probe-client"];

/// The one `SncAuditLog`.
pub const AUDIT_LOG: &str = "cluster";
/// ServiceAccount of what keeps the audit log, in the operator's namespace: the one that writes the status of the
/// `SncAuditLog`.
pub const AUDIT_SINK: &str = "snc-audit-sink";
/// Namespace of what reads the log files of API servers.
pub const AUDIT_NAMESPACE: &str = "snc-audit";
/// Resources of our group that are nowhere stored: who reads events of the log is allowed `get` on the first, in a namespace
/// or in the cluster; who sees alarms or acknowledges them `get` or `update` on the second, in the cluster.
pub const AUDIT_LOGS: &str = "auditlogs";
pub const AUDIT_ALARMS: &str = "auditalarms";

/// Owns every managed object and the guarded labels.
pub const MANAGER: &str = "snc-operator";
/// Owns `secnumcloud.dev/isolated` alone, so that applying the other labels can never drop it.
pub const MANAGER_ISOLATION: &str = "snc-operator-isolation";
/// Owns the Pod Security labels, never with force: a conflict is reported as `LabelConflict`.
pub const MANAGER_POD_SECURITY: &str = "snc-operator-pod-security";
pub const MANAGER_STATUS: &str = "snc-operator-status";
/// Owns the status of the `SncAuditLog`.
pub const MANAGER_AUDIT: &str = "snc-audit-sink";

pub const GUARD_GATE: &str = "isolation-gate.secnumcloud.dev";
pub const GUARD_NOTICE: &str = "isolation-notice.secnumcloud.dev";
pub const GUARD_RESERVED: &str = "reserved-names.secnumcloud.dev";
pub const GUARD_NAMESPACE: &str = "namespace-guard.secnumcloud.dev";
pub const GUARD_MANAGED: &str = "managed-object-guard.secnumcloud.dev";
pub const GUARD_RATCHET: &str = "sncpolicy-ratchet.secnumcloud.dev";
pub const GUARD_EXCEPTION: &str = "sncexception-guard.secnumcloud.dev";
pub const GUARD_STATUS: &str = "status-guard.secnumcloud.dev";
pub const GUARD_WEBHOOK: &str = "webhook-guard.secnumcloud.dev";
pub const GUARD_BINDING: &str = "binding-guard.secnumcloud.dev";
pub const GUARD_CANARY: &str = "canary-guard.secnumcloud.dev";

/// The `ValidatingWebhookConfiguration` of the operator.
pub const WEBHOOK: &str = "snc-webhook.secnumcloud.dev";

/// What the cluster itself runs in.
pub const SYSTEM_NAMESPACES: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];

/// Namespaces that no `SncTenant` can claim (law 5: never lock the cluster out).
pub fn is_protected_namespace(name: &str, operator_namespace: &str, canary_namespace: &str) -> bool {
    name == "default"
        || name == operator_namespace
        || name == canary_namespace
        || name.starts_with("kube-")
        || name.starts_with("openshift-")
        || name == "openshift"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_namespaces_are_protected() {
        for name in [
            "default",
            "kube-system",
            "kube-public",
            "kube-node-lease",
            "openshift-dns",
            "snc-system",
            "snc-canary",
        ] {
            assert!(is_protected_namespace(name, "snc-system", "snc-canary"), "{name}");
        }
        for name in ["boutique", "kubernetes-demo", "kuber", "default-2"] {
            assert!(!is_protected_namespace(name, "snc-system", "snc-canary"), "{name}");
        }
    }
}
