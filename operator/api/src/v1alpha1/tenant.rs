use super::common::{ControlNumbers, ResourceList, conditions_schema, resource_list_schema};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use snc_core::tier::{Level, Sensitivity};

/// A customer of the platform. Only the namespaces that it claims are governed.
#[derive(Debug, Clone, PartialEq, CustomResource, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "secnumcloud.dev",
    version = "v1alpha1",
    doc = "A customer of the platform, and the namespaces that are its own.",
    kind = "SncTenant",
    plural = "snctenants",
    singular = "snctenant",
    shortname = "snct",
    category = "snc",
    status = "SncTenantStatus",
    derive = "PartialEq",
    validation = kube::core::Rule::new("size(self.metadata.name) <= 63").message("metadata.name: 63 caractères au plus, car il devient une valeur de label / at most 63 characters, since it becomes a label value"),
    printcolumn = r#"{"name":"Level","type":"string","jsonPath":".spec.level"}"#,
    printcolumn = r#"{"name":"Adoption","type":"string","jsonPath":".spec.adoption"}"#,
    printcolumn = r#"{"name":"Namespaces","type":"integer","jsonPath":".status.namespaces.total"}"#,
    printcolumn = r#"{"name":"Isolated","type":"integer","jsonPath":".status.namespaces.isolated"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Fail","type":"integer","jsonPath":".status.controls.disproved"}"#,
    printcolumn = r#"{"name":"Unknown","type":"integer","jsonPath":".status.controls.unknown"}"#,
    printcolumn = r#"{"name":"Score","type":"integer","jsonPath":".status.controls.score"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {
        "rule": "!has(self.namespaces) || self.namespaces.all(n, n != 'default' && n != 'openshift' && !n.startsWith('kube-') && !n.startsWith('openshift-') && !n.startsWith('snc-'))",
        "message": "namespaces: default, kube-*, openshift-*, snc-* ne peuvent appartenir à un tenant / cannot belong to a tenant",
    },
    {
        "rule": "!has(self.namespacePrefixes) || self.namespacePrefixes.all(p, !'default'.startsWith(p) && !p.startsWith('kube-') && !'kube-'.startsWith(p) && !p.startsWith('openshift') && !'openshift'.startsWith(p) && !p.startsWith('snc-') && !'snc-'.startsWith(p))",
        "message": "namespacePrefixes: aucun préfixe ne peut couvrir default, kube-*, openshift-*, snc-* / no prefix may cover default, kube-*, openshift-*, snc-*",
    },
]))]
pub struct SncTenantSpec {
    /// Users and groups who own the namespaces. They get the role `snc-tenant-admin` there, after isolation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub owners: Vec<Owner>,
    /// Namespaces claimed by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 63), regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")), extend("x-kubernetes-list-type" = "set"))]
    pub namespaces: Vec<String>,
    /// Namespaces claimed by the beginning of their name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 3, max = 62), regex(pattern = "^[a-z0-9][-a-z0-9]*$")), extend("x-kubernetes-list-type" = "set"))]
    pub namespace_prefixes: Vec<String>,
    /// Whether the operator creates the namespaces of `namespaces` that do not exist.
    #[serde(default)]
    pub create_namespaces: bool,
    /// Tier of the tenant.
    pub level: Level,
    /// How sensitive its data are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<Sensitivity>,
    /// Total over all its namespaces. Each namespace gets a `ResourceQuota`, and their sum stays within the total.
    #[serde(default, skip_serializing_if = "ResourceList::is_empty")]
    #[schemars(schema_with = "resource_list_schema")]
    pub quota: ResourceList,
    /// What happens to a claimed namespace that already has pods. `Observe`: nothing is applied, `kubectl snc plan`
    /// shows what would be. `Enforce`: it is isolated, and the time that it ran without is reported.
    #[serde(default)]
    pub adoption: Adoption,
    /// Namespaces to let go: their labels and managed objects are removed and they are governed no more. The
    /// only way to lift what a deleted policy, baseline or tenant left in force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 63)), extend("x-kubernetes-list-type" = "set"))]
    pub release: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum Adoption {
    #[default]
    Observe,
    Enforce,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!self.name.startsWith('system:')",
    "message": "owners: les identités system: ne peuvent être propriétaires / system: identities cannot be owners",
}]))]
pub struct Owner {
    pub kind: OwnerKind,
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum OwnerKind {
    User,
    Group,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SncTenantStatus {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    #[serde(default)]
    pub namespaces: TenantNamespaces,
    /// The controls that apply to what is in the namespaces of the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controls: Option<ControlNumbers>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions_schema")]
    pub conditions: Vec<Condition>,
}

/// The namespaces of the tenant, by name; at most 256 are listed, `total` counts all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantNamespaces {
    #[serde(default)]
    pub total: i64,
    #[serde(default)]
    pub isolated: i64,
    #[serde(default)]
    pub truncated: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub items: Vec<TenantNamespace>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantNamespace {
    pub name: String,
    pub uid: String,
    pub state: NamespaceState,
    /// Why the state is what it is, when it is not the plain one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub message: Option<String>,
    /// The namespace ran pods without isolation in this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted_with_gap: Option<Gap>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum NamespaceState {
    /// Default-deny and declared flows are in place and were read back.
    Isolated,
    /// The isolation mode asks for no policies.
    NotEnforced,
    /// On the way.
    Pending,
    /// Has pods, adoption is `Observe`: nothing is applied.
    Observed,
    /// Claimed by several tenants.
    Conflict,
    /// Reserved to the cluster; never governed.
    Protected,
    /// Being deleted.
    Terminating,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    pub from: Time,
    pub to: Time,
}
