//! Pods of one template are judged once, and reported on what made them.

use super::{Object, Said, outcomes};
use crate::catalogue::Catalogue;
use crate::profile::Profiles;
use crate::render::POD_KINDS;
use serde::Deserialize;
use serde_json::{Value, json};
use snc_core::control::Scope;
use snc_core::facts::{Meta, Owner, Pod, PodSpec, PodStatus, Running};
use snc_core::snapshot::Snapshot;
use snc_core::verdict::Subject;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

pub(crate) type Outcomes = Arc<[Said]>;

/// Of what is read of a template, and of whom it is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TemplateKey(u64);

/// What was said of each pod template, by its content.
#[derive(Default)]
pub(crate) struct Templates {
    /// Keyed at random: nobody can write a pod that is taken for another.
    state: RandomState,
    known: Mutex<HashMap<TemplateKey, Arc<OnceLock<Outcomes>>>>,
}

/// The token's volume has a name of its own in each pod.
pub(super) const TOKEN: &str = "kube-api-access-";

/// The part of an object that holds a pod's metadata and specification, and the kind under which all that hold it
/// in the same place are judged.
pub(super) fn holder<'a>(kind: &str, body: &'a Value) -> Option<(&'static str, &'a Value)> {
    if !POD_KINDS.contains(&kind) {
        return None;
    }
    let (kind, at) = match kind {
        "core/Pod" => ("Pod", ""),
        "core/PodTemplate" => ("PodTemplate", "/template"),
        "batch/CronJob" => ("CronJob", "/spec/jobTemplate/spec/template"),
        _ => ("Deployment", "/spec/template"),
    };
    Some((kind, body.pointer(at).unwrap_or(&Value::Null)))
}

/// As little of an object as rules on pods read, without what is each pod's own.
fn template(kind: &str, holder: &Value) -> Value {
    let part =
        |name: &str| holder.pointer(&format!("/metadata/{name}")).cloned().unwrap_or_else(|| json!({}));
    let mut made = json!({"metadata": {"labels": part("labels"), "annotations": part("annotations")}});
    // Absent stays absent: a rule that reads it cannot conclude.
    if let Some(spec) = holder.get("spec") {
        made["spec"] = own(spec);
        made["spec"].as_object_mut().map(|spec| spec.remove("nodeName"));
    }
    match kind {
        "Pod" => {
            made["kind"] = json!(kind);
            made
        }
        "PodTemplate" => json!({"kind": kind, "template": made}),
        "CronJob" => json!({"kind": kind, "spec": {"jobTemplate": {"spec": {"template": made}}}}),
        _ => json!({"kind": kind, "spec": {"template": made}}),
    }
}

fn own(value: &Value) -> Value {
    match value {
        Value::String(text) if text.starts_with(TOKEN) => json!(TOKEN),
        Value::Array(list) => list.iter().map(own).collect(),
        Value::Object(map) => map.iter().map(|(key, inner)| (key.clone(), own(inner))).collect(),
        other => other.clone(),
    }
}

/// The same parts, without a copy.
fn hash(holder: &Value, hasher: &mut impl Hasher) {
    for name in ["labels", "annotations"] {
        holder.get("metadata").and_then(|meta| meta.get(name)).hash(hasher);
    }
    match holder.get("spec") {
        Some(Value::Object(spec)) => {
            for (key, value) in spec.iter().filter(|(key, _)| *key != "nodeName") {
                key.hash(hasher);
                hash_own(value, hasher);
            }
        }
        other => other.hash(hasher),
    }
}

fn hash_own(value: &Value, hasher: &mut impl Hasher) {
    match value {
        Value::String(text) if text.starts_with(TOKEN) => TOKEN.hash(hasher),
        Value::Array(list) => {
            list.len().hash(hasher);
            for inner in list {
                hash_own(inner, hasher);
            }
        }
        Value::Object(map) => {
            map.len().hash(hasher);
            for (key, inner) in map {
                key.hash(hasher);
                hash_own(inner, hasher);
            }
        }
        other => other.hash(hasher),
    }
}

impl Templates {
    pub(crate) fn len(&self) -> usize {
        self.known().len()
    }

    pub(super) fn judge(
        &self,
        catalogue: &Catalogue,
        entries: &[usize],
        profiles: &dyn Profiles,
        subject: &Subject,
        (kind, holder): (&'static str, &Value),
    ) -> Outcomes {
        let key = self.key(profiles, subject, (kind, holder));
        let judged = || outcomes(catalogue, entries, profiles, subject, &template(kind, holder)).into();
        let held = self.known().entry(key).or_default().clone();
        held.get_or_init(judged).clone()
    }

    /// What was said of this one is not kept.
    pub(crate) fn forget(&self, key: TemplateKey) {
        self.known().remove(&key);
    }

    /// Of an object that has a template.
    pub(crate) fn key_of(&self, profiles: &dyn Profiles, object: &Object) -> Option<TemplateKey> {
        let holder = holder(&object.subject.kind_key(), &object.body)?;
        Some(self.key(profiles, &object.subject, holder))
    }

    fn known(&self) -> MutexGuard<'_, HashMap<TemplateKey, Arc<OnceLock<Outcomes>>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(
        &self,
        profiles: &dyn Profiles,
        subject: &Subject,
        (kind, holder): (&'static str, &Value),
    ) -> TemplateKey {
        let mut hasher = self.state.build_hasher();
        kind.hash(&mut hasher);
        hash(holder, &mut hasher);
        for scope in Scope::ALL {
            // One profile is one place in memory for as long as the judge is.
            profiles.of(subject, *scope).map(std::ptr::from_ref).hash(&mut hasher);
        }
        TemplateKey(hasher.finish())
    }
}

/// What checks read of a pod, or why it cannot be understood.
pub(super) fn read(namespace: &str, body: &Value) -> Result<Pod, String> {
    let mut pod = Pod::deserialize(body).map_err(|error| error.to_string())?;
    forget(namespace, &mut pod);
    Ok(pod)
}

/// Lets go of what no check reads: of pods that run everywhere and of the system's, checks read all; of the others,
/// which are most, who made them, where, as which account and what they run.
pub(crate) fn forget(namespace: &str, pod: &mut Pod) {
    if !is_forgotten(namespace, &pod.metadata) {
        return;
    }
    let Pod { metadata, spec, running, .. } = std::mem::take(pod);
    let spec = Arc::unwrap_or_clone(spec);
    let owners = Arc::unwrap_or_clone(metadata).owner_references;
    *pod = remembered(owners, spec.service_account_name, spec.node_name, running);
}

/// What stays of it.
pub(super) fn remembered(
    mut owner_references: Vec<Owner>,
    account: String,
    node: String,
    running: Arc<Vec<Running>>,
) -> Pod {
    // Of these there are very many, and a list of one is made with room for four.
    owner_references.shrink_to_fit();
    Pod {
        metadata: Arc::new(Meta { owner_references, ..Meta::default() }),
        spec: Arc::new(PodSpec { service_account_name: account, node_name: node, ..PodSpec::default() }),
        status: NO_STATUS.clone(),
        running,
    }
}

static NO_STATUS: LazyLock<Arc<PodStatus>> = LazyLock::new(Arc::default);

pub(super) fn is_forgotten(namespace: &str, metadata: &Meta) -> bool {
    let copies = |owner: &Owner| matches!(owner.kind.as_str(), "ReplicaSet" | "StatefulSet" | "Job");
    let of_system = ["kube-", "openshift-"].iter().any(|start| namespace.starts_with(start));
    !of_system && metadata.controller().is_some_and(copies)
}

/// The controller of an object that is reported on it: of pods, and of what makes pods for something else.
pub(crate) fn owner(object: &Object) -> Option<Subject> {
    let Subject { namespace, kind, .. } = &object.subject;
    if !matches!(kind.as_str(), "Pod" | "ReplicaSet" | "Job") {
        return None;
    }
    let owners = object.body.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|owner| owner["controller"] == true)?;
    let text = |field: &str| owner[field].as_str().unwrap_or_default();
    reported_on([text("apiVersion"), text("kind"), text("name")], namespace)
}

/// A static pod is its node's; nobody else can be told.
pub(super) fn reported_on([version, kind, name]: [&str; 3], namespace: &str) -> Option<Subject> {
    (kind != "Node").then(|| Subject::new(version, kind, namespace, name))
}

/// More than anything makes: a pod has a set, a set a deployment, which may have an owner of its own.
const DEEPEST: usize = 8;

/// The last owner that is known. Owners are what people write: they may go round in a circle, and then none is.
pub(crate) fn root(snapshot: &Snapshot, owner: &Subject) -> Option<Subject> {
    let above = |owner: &Subject| {
        let above = snapshot.workloads.get(owner)?.metadata.controller()?;
        let above = Subject::new(&above.api_version, &above.kind, &owner.namespace, &above.name);
        snapshot.workloads.get(&above).is_some().then_some(above)
    };
    snapshot.workloads.get(owner)?;
    let last = std::iter::successors(Some(owner.clone()), above).take(DEEPEST).last()?;
    above(&last).is_none().then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, owner: Option<&str>) -> (Subject, Value) {
        let owners: Vec<Value> = owner
            .map(|name| json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": name, "controller": true}))
            .into_iter()
            .collect();
        let body = json!({"metadata": {"ownerReferences": owners}});
        (Subject::new("apps/v1", "ReplicaSet", "shop", name), body)
    }

    #[test]
    fn owners_that_go_round_in_a_circle_end() {
        let mut snapshot = Snapshot::default();
        for (subject, body) in [set("a", Some("b")), set("b", Some("a")), set("c", Some("d")), set("d", None)]
        {
            snapshot.put(&subject, &body);
        }
        assert_eq!(root(&snapshot, &set("a", None).0), None);
        assert_eq!(root(&snapshot, &set("c", None).0), Some(set("d", None).0));
        assert_eq!(root(&snapshot, &set("nobody", None).0), None);
    }
}
