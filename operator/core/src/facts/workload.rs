use super::{Condition, Meta, Strings, nullable};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::sync::Arc;

/// A pod by itself: what it runs as and where.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Pod {
    #[serde(deserialize_with = "shared")]
    pub metadata: Arc<Meta>,
    #[serde(deserialize_with = "shared")]
    pub spec: Arc<PodSpec>,
    #[serde(deserialize_with = "shared")]
    pub status: Arc<PodStatus>,
}

/// Of a hundred thousand pods most are copies: who holds them may let equal parts be one.
fn shared<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Arc<T>, D::Error> {
    T::deserialize(deserializer).map(Arc::new)
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodStatus {
    pub phase: String,
    #[serde(deserialize_with = "nullable")]
    pub conditions: Vec<Condition>,
    #[serde(deserialize_with = "nullable")]
    pub container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "nullable")]
    pub init_container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "nullable")]
    pub ephemeral_container_statuses: Vec<ContainerStatus>,
}

/// The image that a container runs, as its runtime names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(default)]
pub struct ContainerStatus {
    pub name: String,
    #[serde(rename = "imageID")]
    pub image_id: String,
}

/// Deployment, `StatefulSet`, `DaemonSet`, `ReplicaSet`, Job or `CronJob`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Workload {
    pub metadata: Meta,
    pub replicas: Option<i64>,
    pub template: PodTemplate,
    /// Names of the classes that its volume claim templates ask for.
    pub storage_classes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct PodTemplate {
    pub metadata: Meta,
    pub spec: PodSpec,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodSpec {
    pub service_account_name: String,
    pub automount_service_account_token: Option<bool>,
    pub node_name: String,
    #[serde(deserialize_with = "nullable")]
    pub node_selector: Strings,
    pub affinity: Option<Value>,
    pub runtime_class_name: Option<String>,
    pub priority_class_name: String,
    pub host_network: bool,
    #[serde(deserialize_with = "nullable")]
    pub tolerations: Vec<Toleration>,
    /// Of its volumes, the classes of those that are made and go with it.
    #[serde(rename = "volumes", deserialize_with = "ephemeral")]
    pub ephemeral_classes: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    pub topology_spread_constraints: Vec<Spread>,
    #[serde(deserialize_with = "nullable")]
    pub containers: Vec<Container>,
    #[serde(deserialize_with = "nullable")]
    pub init_containers: Vec<Container>,
    #[serde(deserialize_with = "nullable")]
    pub ephemeral_containers: Vec<Container>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(default)]
pub struct Toleration {
    #[serde(deserialize_with = "nullable")]
    pub key: String,
    #[serde(deserialize_with = "nullable")]
    pub operator: String,
    #[serde(deserialize_with = "nullable")]
    pub value: String,
    #[serde(deserialize_with = "nullable")]
    pub effect: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Volume {
    ephemeral: Option<Ephemeral>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Ephemeral {
    volume_claim_template: Option<super::PersistentVolumeClaim>,
}

fn ephemeral<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let volumes: Vec<Volume> = nullable(deserializer)?;
    let claims = volumes.into_iter().filter_map(|volume| volume.ephemeral?.volume_claim_template);
    Ok(claims.filter_map(|claim| claim.class().map(str::to_owned)).collect())
}

/// What a container runs, which for the control plane is how it is set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(default)]
pub struct Container {
    pub name: String,
    pub image: String,
    #[serde(deserialize_with = "nullable")]
    pub command: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    pub args: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spread {
    pub topology_key: String,
    pub when_unsatisfiable: String,
    pub label_selector: Option<Selector>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Budget {
    pub metadata: Meta,
    pub spec: BudgetSpec,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BudgetSpec {
    /// Absent selects nothing.
    pub selector: Option<Selector>,
    pub min_available: Option<Value>,
    pub max_unavailable: Option<Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Selector {
    #[serde(deserialize_with = "nullable")]
    pub match_labels: Strings,
    #[serde(deserialize_with = "nullable")]
    pub match_expressions: Vec<SelectorRule>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(default)]
pub struct SelectorRule {
    pub key: String,
    pub operator: String,
    #[serde(deserialize_with = "nullable")]
    pub values: Vec<String>,
}

impl Selector {
    pub fn is_empty(&self) -> bool {
        self.match_labels.is_empty() && self.match_expressions.is_empty()
    }

    /// None where an operator is not one of the four.
    pub fn matches(&self, labels: &Strings) -> Option<bool> {
        let mut all = self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value));
        for rule in &self.match_expressions {
            let found = labels.get(&rule.key);
            all &= match rule.operator.as_str() {
                "In" => found.is_some_and(|value| rule.values.contains(value)),
                "NotIn" => found.is_none_or(|value| !rule.values.contains(value)),
                "Exists" => found.is_some(),
                "DoesNotExist" => found.is_none(),
                _ => return None,
            };
        }
        Some(all)
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Written {
    metadata: Meta,
    spec: WrittenSpec,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WrittenSpec {
    replicas: Option<i64>,
    #[serde(deserialize_with = "nullable")]
    template: PodTemplate,
    job_template: Option<Box<Written>>,
    #[serde(deserialize_with = "nullable")]
    volume_claim_templates: Vec<super::PersistentVolumeClaim>,
}

impl<'de> Deserialize<'de> for Workload {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written { metadata, spec } = Written::deserialize(deserializer)?;
        let template = spec.job_template.map_or(spec.template, |job| job.spec.template);
        let storage_classes = spec
            .volume_claim_templates
            .into_iter()
            .filter_map(|claim| claim.class().map(str::to_owned))
            .collect();
        Ok(Self { metadata, replicas: spec.replicas, template, storage_classes })
    }
}
