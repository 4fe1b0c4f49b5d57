//! From documents to objects: other kinds are passed over, what cannot be read is told with its place.

use super::documents::documents;
use super::tree::{Node, Tree};
use super::typed::{Wrong, inside, strict, typed};
use super::{Place, Source, Unreadable};
use crate::model::reach::objects::{Objects, Workload, controller, namespace};
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{Namespace, Pod, PodTemplateSpec, ReplicationController};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use snc_core::lang::Lang;
use snc_core::text::Text;
use std::collections::BTreeMap;

/// Kinds that are read, with the only version of each that is.
const READ: &[(&str, &str, &str)] = &[
    ("", "v1", "Namespace"),
    ("", "v1", "Pod"),
    ("", "v1", "ReplicationController"),
    ("apps", "v1", "Deployment"),
    ("apps", "v1", "StatefulSet"),
    ("apps", "v1", "DaemonSet"),
    ("apps", "v1", "ReplicaSet"),
    ("batch", "v1", "Job"),
    ("batch", "v1", "CronJob"),
    ("networking.k8s.io", "v1", "NetworkPolicy"),
    ("policy.networking.k8s.io", "v1alpha2", "ClusterNetworkPolicy"),
];

/// Groups that once served kinds that are read; nobody serves them any more.
const GONE: [&str; 1] = ["extensions"];

pub fn read(sources: &[Source]) -> Result<Objects, Vec<Unreadable>> {
    let mut reader = Reader::default();
    for source in sources {
        let (documents, wrong) = documents(&source.file, &source.text);
        reader.wrong.extend(wrong);
        for document in documents {
            reader.place = Place { file: source.file.clone(), document: document.index, ..Place::default() };
            reader.document(&document.root, "", None);
        }
    }
    reader.wrong.sort_by(|a, b| a.place.cmp(&b.place));
    if reader.wrong.is_empty() { Ok(reader.objects) } else { Err(reader.wrong) }
}

#[derive(Default)]
struct Reader {
    objects: Objects,
    wrong: Vec<Unreadable>,
    place: Place,
    /// Kind, namespace and name of all objects, with the place and content of each.
    seen: BTreeMap<(String, String, String), (Place, Value)>,
}

impl Reader {
    fn refuse(&mut self, line: u64, field: String, what: Text) {
        let place = Place { line, field, ..self.place.clone() };
        self.wrong.push(Unreadable { place, what });
    }

    /// `of_list` is the version and kind that the items of a typed list leave out.
    fn document(&mut self, node: &Node, at: &str, of_list: Option<(&str, &str)>) {
        let field = |name: &str| inside(at, name);
        if !matches!(node.tree, Tree::Map(_)) {
            let what = Text::new("un objet Kubernetes est attendu", "a Kubernetes object is expected");
            return self.refuse(node.line, at.to_owned(), what);
        }
        let version = node.text("apiVersion").or(of_list.map(|(version, _)| version));
        let kind = node.text("kind").or(of_list.map(|(_, kind)| kind));
        let (Some(version), Some(kind)) = (version, kind) else {
            let lacking = if kind.is_none() { "kind" } else { "apiVersion" };
            let line = node.get(lacking).map_or(node.line, |node| node.line);
            let what = Text::new("absent, ou pas un texte", "absent, or not a text");
            return self.refuse(line, field(lacking), what);
        };
        let (group, bare) = version.split_once('/').unwrap_or(("", version));
        if let Some(Tree::List(items)) =
            node.get("items").map(|items| &items.tree).filter(|_| kind.ends_with("List"))
        {
            let of = kind.strip_suffix("List").filter(|kind| !kind.is_empty()).map(|kind| (version, kind));
            for (index, item) in items.iter().enumerate() {
                self.document(item, &format!("{}[{index}]", field("items")), of);
            }
            return;
        }
        if kind == "List" && node.get("items").is_some_and(|items| items.tree != Tree::Scalar(Value::Null)) {
            let line = node.get("items").map_or(node.line, |items| items.line);
            return self.refuse(
                line,
                field("items"),
                Text::new("une liste est attendue", "a list is expected"),
            );
        }
        let group_of_kind = READ.iter().find(|(_, _, name)| *name == kind);
        match group_of_kind {
            Some((wanted, served, _)) if *wanted == group => {
                if *served != bare {
                    let line = node.get("apiVersion").map_or(node.line, |node| node.line);
                    let served =
                        if group.is_empty() { (*served).to_owned() } else { format!("{group}/{served}") };
                    let what = Text::new(
                        format!("{kind} : reçu {version:?} ; accepté : {served}"),
                        format!("{kind}: got {version:?}; accepted: {served}"),
                    );
                    return self.refuse(line, field("apiVersion"), what);
                }
                self.object(kind, node, at);
            }
            Some(_) if GONE.contains(&group) => {
                let line = node.get("apiVersion").map_or(node.line, |node| node.line);
                let what = Text::new(
                    format!("{kind} : {version} n'est plus servi"),
                    format!("{kind}: {version} is no longer served"),
                );
                self.refuse(line, field("apiVersion"), what);
            }
            _ if is_foreign_policy(group, kind) => {
                *self.objects.foreign.entry(format!("{kind}.{group}")).or_default() += 1;
            }
            _ if group == snc_core::names::GROUP && kind == "SncPolicy" => self.objects.declarations += 1,
            _ => {}
        }
    }

    fn object(&mut self, kind: &str, node: &Node, at: &str) {
        match kind {
            "Namespace" => {
                if let Some(object) = self.typed::<Namespace>(node, at)
                    && self.new_one(kind, &object.metadata, node, at)
                {
                    self.objects.namespaces.push(object);
                }
            }
            "Pod" => {
                if let Some(object) = self.typed::<Pod>(node, at)
                    && self.new_one(kind, &object.metadata, node, at)
                {
                    self.objects.pods.push(object);
                }
            }
            "NetworkPolicy" => {
                if let Some(object) = self.strict::<NetworkPolicy>(node, at)
                    && self.new_one(kind, &object.metadata, node, at)
                {
                    self.objects.policies.push(object);
                }
            }
            "ClusterNetworkPolicy" => {
                let Some(meta) = self.metadata(node, at) else { return };
                if self.new_one(kind, &meta, node, at) {
                    let spec = node.get("spec").map(Node::value).unwrap_or_default();
                    self.objects.cluster_policies.push((meta.name.unwrap_or_default(), spec));
                }
            }
            "Deployment" => self.workload(kind, node, at, |o: Deployment| {
                let replicas = o.spec.as_ref().and_then(|spec| spec.replicas);
                (o.metadata, o.spec.map(|spec| spec.template), replicas)
            }),
            "StatefulSet" => self.workload(kind, node, at, |o: StatefulSet| {
                let replicas = o.spec.as_ref().and_then(|spec| spec.replicas);
                (o.metadata, o.spec.map(|spec| spec.template), replicas)
            }),
            "DaemonSet" => {
                self.workload(kind, node, at, |o: DaemonSet| {
                    (o.metadata, o.spec.map(|spec| spec.template), None)
                });
            }
            "ReplicaSet" => self.workload(kind, node, at, |o: ReplicaSet| {
                let replicas = o.spec.as_ref().and_then(|spec| spec.replicas);
                (o.metadata, o.spec.and_then(|spec| spec.template), replicas)
            }),
            "ReplicationController" => self.workload(kind, node, at, |o: ReplicationController| {
                let replicas = o.spec.as_ref().and_then(|spec| spec.replicas);
                (o.metadata, o.spec.and_then(|spec| spec.template), replicas)
            }),
            "Job" => {
                self.workload(kind, node, at, |o: Job| (o.metadata, o.spec.map(|spec| spec.template), None));
            }
            "CronJob" => self.workload(kind, node, at, |o: CronJob| {
                (o.metadata, o.spec.and_then(|spec| spec.job_template.spec).map(|spec| spec.template), None)
            }),
            _ => {}
        }
    }

    fn workload<K: DeserializeOwned>(
        &mut self,
        kind: &str,
        node: &Node,
        at: &str,
        parts: impl FnOnce(K) -> (ObjectMeta, Option<PodTemplateSpec>, Option<i32>),
    ) {
        let Some(object) = self.typed::<K>(node, at) else { return };
        let (meta, template, replicas) = parts(object);
        if self.new_one(kind, &meta, node, at) {
            let workload = Workload::new(kind, &meta, template.unwrap_or_default(), replicas);
            if let Some(owner) = controller(&meta) {
                let key = (workload.namespace.clone(), kind.to_owned(), workload.name.clone());
                self.objects.owners.insert(key, owner);
            }
            self.objects.workloads.push(workload);
        }
    }

    fn metadata(&mut self, node: &Node, at: &str) -> Option<ObjectMeta> {
        let at = inside(at, "metadata");
        node.get("metadata").map_or_else(|| Some(ObjectMeta::default()), |meta| self.typed(meta, &at))
    }

    fn typed<K: DeserializeOwned>(&mut self, node: &Node, at: &str) -> Option<K> {
        let read = typed(node, at);
        read.map_err(|Wrong { line, field, what }| self.refuse(line, field, what)).ok()
    }

    fn strict<K: DeserializeOwned + Serialize>(&mut self, node: &Node, at: &str) -> Option<K> {
        let read = strict(node, at);
        read.map_err(|Wrong { line, field, what }| self.refuse(line, field, what)).ok()
    }

    /// Whether this object has a name and is not declared already; the same object twice counts once.
    fn new_one(&mut self, kind: &str, meta: &ObjectMeta, node: &Node, at: &str) -> bool {
        let field = inside(at, "metadata.name");
        let line =
            node.get("metadata").map_or(node.line, |meta| meta.get("name").map_or(meta.line, |n| n.line));
        let Some(name) = meta.name.clone().filter(|name| !name.is_empty()) else {
            self.refuse(line, field, Text::new("absent", "absent"));
            return false;
        };
        let scope = if matches!(kind, "Namespace" | "ClusterNetworkPolicy") {
            String::new()
        } else {
            namespace(meta)
        };
        let key = (kind.to_owned(), scope, name);
        let content = node.value();
        match self.seen.get(&key) {
            None => {
                self.seen.insert(key, (Place { line: node.line, ..self.place.clone() }, content));
                true
            }
            Some((_, before)) if *before == content => false,
            Some((place, _)) => {
                let what = Text::new(
                    format!("{kind} {} déjà déclaré autrement : {}", key.2, place.text(Lang::Fr)),
                    format!("{kind} {} is declared differently already: {}", key.2, place.text(Lang::En)),
                );
                self.refuse(line, field, what);
                false
            }
        }
    }
}

/// By the name of the kind: what is called a network policy and is not read here may open or close anything.
fn is_foreign_policy(group: &str, kind: &str) -> bool {
    const OTHERS: &[&str] = &["CiliumLocalRedirectPolicy", "EgressFirewall", "EgressNetworkPolicy"];
    !group.is_empty() && (kind.ends_with("NetworkPolicy") || OTHERS.contains(&kind))
}
