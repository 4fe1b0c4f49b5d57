use super::{Condition, Meta, Strings, nullable};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::sync::Arc;

/// A pod by itself: what it runs as and where.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "WrittenPod")]
pub struct Pod {
    pub metadata: Arc<Meta>,
    pub spec: Arc<PodSpec>,
    pub status: Arc<PodStatus>,
    /// The images that it runs; none of a pod that has ended.
    pub running: Arc<Vec<Running>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WrittenPod {
    #[serde(deserialize_with = "shared")]
    metadata: Arc<Meta>,
    #[serde(deserialize_with = "shared")]
    spec: Arc<PodSpec>,
    #[serde(deserialize_with = "nullable")]
    status: WrittenStatus,
}

impl From<WrittenPod> for Pod {
    fn from(pod: WrittenPod) -> Self {
        let WrittenPod { metadata, spec, status } = pod;
        let running = status.running(&spec);
        let status = Arc::new(PodStatus { phase: status.phase, conditions: status.conditions });
        Self { metadata, spec, status, running: Arc::new(running) }
    }
}

/// A container that runs, or did within a pod that still does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Running {
    /// `containers["web"]`.
    pub at: Box<str>,
    /// As the pod names its image.
    pub named: Box<str>,
    /// As the container runtime does.
    pub image_id: Box<str>,
}

/// A pod's status, with what its container runtime says by the lists of the specification.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct WrittenStatus {
    phase: String,
    #[serde(deserialize_with = "nullable")]
    conditions: Vec<Condition>,
    #[serde(rename = "containerStatuses", deserialize_with = "nullable")]
    started: Vec<ContainerStatus>,
    #[serde(rename = "initContainerStatuses", deserialize_with = "nullable")]
    init: Vec<ContainerStatus>,
    #[serde(rename = "ephemeralContainerStatuses", deserialize_with = "nullable")]
    ephemeral: Vec<ContainerStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ContainerStatus {
    name: String,
    #[serde(rename = "imageID")]
    image_id: String,
}

impl WrittenStatus {
    /// With the images as they are named by what is specified.
    pub fn running(&self, spec: &PodSpec) -> Vec<Running> {
        if matches!(self.phase.as_str(), "Succeeded" | "Failed") {
            return Vec::new();
        }
        let lists = [
            ("containers", &self.started),
            ("initContainers", &self.init),
            ("ephemeralContainers", &self.ephemeral),
        ];
        let started =
            lists.into_iter().flat_map(|(list, all)| all.iter().map(move |container| (list, container)));
        let mut started = started.filter(|(_, container)| !container.image_id.is_empty()).peekable();
        if started.peek().is_none() {
            return Vec::new();
        }
        let specified: Vec<(&str, &Container)> = spec.every_container().collect();
        let running = |(list, container): (&str, &ContainerStatus)| {
            let named = specified.iter().find(|(of, one)| *of == list && one.name == container.name);
            Running {
                at: format!("{list}[{:?}]", container.name).into(),
                named: named.map_or("", |(_, one)| one.image.as_str()).into(),
                image_id: container.image_id.as_str().into(),
            }
        };
        started.map(running).collect()
    }
}

/// Of a hundred thousand pods most are copies: who holds them may let equal parts be one.
fn shared<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Arc<T>, D::Error> {
    T::deserialize(deserializer).map(Arc::new)
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct PodStatus {
    pub phase: String,
    pub conditions: Vec<Condition>,
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

impl PodSpec {
    /// The one in an object of a kind that holds one, and where it stands; an error where it is not as the API has it.
    pub fn within(kind: &str, body: &Value) -> Result<(&'static str, Self), serde_json::Error> {
        let template = |value: Option<&Value>| {
            let template = value.map(Option::<PodTemplate>::deserialize).transpose()?.flatten();
            Ok::<Self, serde_json::Error>(template.unwrap_or_default().spec)
        };
        Ok(match kind {
            "core/Pod" => {
                let spec = body.get("spec").map(Option::<Self>::deserialize).transpose()?.flatten();
                ("spec", spec.unwrap_or_default())
            }
            "core/PodTemplate" => ("template.spec", template(body.get("template"))?),
            "batch/CronJob" => {
                ("spec.jobTemplate.spec.template.spec", Workload::deserialize(body)?.template.spec)
            }
            _ => ("spec.template.spec", Workload::deserialize(body)?.template.spec),
        })
    }

    /// Every container, init and ephemeral ones included, and the list that it stands in.
    pub fn every_container(&self) -> impl Iterator<Item = (&'static str, &Container)> {
        let lists = [
            ("containers", &self.containers),
            ("initContainers", &self.init_containers),
            ("ephemeralContainers", &self.ephemeral_containers),
        ];
        lists.into_iter().flat_map(|(list, all)| all.iter().map(move |container| (list, container)))
    }
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
