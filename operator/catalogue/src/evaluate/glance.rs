//! Pods of which another of the same text was judged: no tree is made of them, and nothing is judged again.

use super::pods::{self, Outcomes, TOKEN};
use super::{Facts, Gist, Object, STATIC, Scales, Weighed};
use crate::catalogue::Catalogue;
use crate::normal::without_nulls;
use serde::de::DeserializeOwned;
use serde_json::Value;
use snc_core::control::Scope;
use snc_core::facts::{Meta, Pod, PodSpec, PodStatus, Running, WrittenStatus};
use snc_core::skim::Skim;
use snc_core::verdict::Subject;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

pub(super) const POD: &str = "core/Pod";

/// What was said of pods, by the text of what was judged of them.
#[derive(Default)]
pub(super) struct Glances {
    /// Keyed at random: nobody can write a pod that is taken for another.
    state: RandomState,
    known: Mutex<HashMap<u64, (Outcomes, Outcomes)>>,
}

/// Whether nothing but its template decides about a pod outside the control plane's namespace.
pub(super) fn by_template_only(catalogue: &Catalogue) -> bool {
    let own = catalogue.by_kind.get(POD).map(Vec::as_slice).unwrap_or_default();
    own.iter().all(|index| catalogue.entries.get(*index).is_some_and(|entry| entry.static_pods_only))
}

/// The parts of a pod, as they are written.
#[derive(Default)]
struct Parts<'a> {
    version: Option<&'a str>,
    kind: Option<&'a str>,
    name: &'a str,
    namespace: &'a str,
    owners: Option<&'a str>,
    labels: Option<&'a str>,
    annotations: Option<&'a str>,
    /// As a whole, and its fields.
    spec: &'a str,
    fields: Vec<(&'a str, &'a str)>,
    phase: &'a str,
    conditions: Option<&'a str>,
    /// As a whole, where it speaks of containers.
    status: Option<&'a str>,
}

/// Twice the same is unusual.
fn once<T: Copy + Default + PartialEq>(slot: &mut T, value: T) -> Option<()> {
    let first = *slot == T::default();
    *slot = value;
    first.then_some(())
}

impl<'a> Parts<'a> {
    fn read(text: &'a str, of_list: Option<(&'a str, &'a str)>) -> Option<Self> {
        let mut parts = Self::default();
        let mut skim = Skim::new(text);
        let mut met = (false, false, false);
        skim.object(|key, skim| match key {
            "apiVersion" => once(&mut parts.version, Some(skim.string()?)),
            // What is no pod is left at once.
            "kind" => once(&mut parts.kind, Some(skim.string().filter(|kind| *kind == "Pod")?)),
            "metadata" => once(&mut met.0, true).and(parts.metadata(skim)),
            "spec" => once(&mut met.1, true).and(parts.spec(skim)),
            "status" => once(&mut met.2, true).and(parts.status(skim)),
            _ => skim.value().map(drop),
        })?;
        skim.ends()?;
        parts.version = parts.version.or(of_list.map(|(version, _)| version));
        parts.kind = parts.kind.or(of_list.map(|(_, kind)| kind));
        let is_pod = parts.version == Some("v1") && parts.kind == Some("Pod");
        (is_pod && met.1 && !parts.name.is_empty() && parts.namespace != STATIC).then_some(parts)
    }

    fn metadata(&mut self, skim: &mut Skim<'a>) -> Option<()> {
        let read = skim.object(|key, skim| match key {
            "name" => once(&mut self.name, skim.string()?),
            "namespace" => once(&mut self.namespace, skim.string()?),
            "ownerReferences" => once(&mut self.owners, Some(skim.value()?)),
            "labels" => once(&mut self.labels, Some(skim.value()?)),
            "annotations" => once(&mut self.annotations, Some(skim.value()?)),
            _ => skim.value().map(drop),
        });
        read.map(drop)
    }

    fn spec(&mut self, skim: &mut Skim<'a>) -> Option<()> {
        self.spec = skim.object(|key, skim| {
            self.fields.push((key, skim.value()?));
            Some(())
        })?;
        Some(())
    }

    fn status(&mut self, skim: &mut Skim<'a>) -> Option<()> {
        let mut containers = false;
        let read = skim.object(|key, skim| match key {
            "phase" => once(&mut self.phase, skim.string()?),
            "conditions" => once(&mut self.conditions, Some(skim.value()?)),
            "containerStatuses" | "initContainerStatuses" | "ephemeralContainerStatuses" => {
                containers = true;
                skim.value().map(drop)
            }
            _ => skim.value().map(drop),
        })?;
        self.status = containers.then_some(read);
        Some(())
    }

    /// Of the specification; empty where it is absent.
    fn text(&self, field: &str) -> Option<&'a str> {
        let mut all = self.fields.iter().filter(|(key, _)| *key == field);
        let found = all.next().map_or(Some(""), |(_, value)| Skim::new(value).string());
        if all.next().is_some() { None } else { found }
    }

    /// The parts that decide what a template is.
    fn hash(&self, hasher: &mut impl Hasher) {
        (self.labels, self.annotations).hash(hasher);
        for (key, value) in self.fields.iter().filter(|(key, _)| *key != "nodeName") {
            key.hash(hasher);
            hash_own(value, hasher);
        }
        hasher.write_u8(END);
    }

    /// What checks read of it; None where that is better read the long way. That labels, annotations and the
    /// specification can be understood is known of all pods of the template.
    fn facts(&self) -> Option<Pod> {
        let mut metadata = Meta::default();
        if let Some(owners) = self.owners {
            metadata.owner_references = parsed(owners)?;
        }
        let mut status = PodStatus { phase: self.phase.to_owned(), ..PodStatus::default() };
        if let Some(conditions) = self.conditions {
            status.conditions = parsed(conditions)?;
        }
        let (account, node) = (self.text("serviceAccountName")?, self.text("nodeName")?);
        if pods::is_forgotten(self.namespace, &metadata) {
            let running = match self.status {
                Some(status) => running(status, &parsed(self.spec)?)?,
                None => Arc::default(),
            };
            let (account, node) = (account.to_owned(), node.to_owned());
            return Some(pods::remembered(metadata.owner_references, account, node, running));
        }
        if let Some(labels) = self.labels {
            metadata.labels = parsed(labels)?;
        }
        if let Some(annotations) = self.annotations {
            metadata.annotations = parsed(annotations)?;
        }
        let mut spec: PodSpec = parsed(self.spec)?;
        if let Some(affinity) = &mut spec.affinity {
            without_nulls(affinity);
        }
        let running = match self.status {
            Some(written) => running(written, &spec)?,
            None => Arc::default(),
        };
        Some(Pod { metadata: Arc::new(metadata), spec: Arc::new(spec), status: Arc::new(status), running })
    }
}

fn running(status: &str, spec: &PodSpec) -> Option<Arc<Vec<Running>>> {
    let statuses: WrittenStatus = parsed(status)?;
    Some(Arc::new(statuses.running(spec)))
}

fn parsed<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// No byte of a text is either of these.
const OWN: u8 = 0xfe;
const END: u8 = 0xfd;

/// A value as it is written, but for the names that each pod has of its own.
fn hash_own(value: &str, hasher: &mut impl Hasher) {
    let mut rest = value;
    while let Some(at) = rest.find(TOKEN) {
        let (before, found) = rest.split_at(at);
        let end = found.find(['"', '\\']).unwrap_or(found.len());
        let (_, after) = found.split_at(end);
        // The whole of a text that is no key, and nothing in it is escaped.
        let starts = before.ends_with('"') && !before.ends_with("\\\"");
        let is_key = |after: &str| after.trim_ascii_start().starts_with(':');
        if starts && after.strip_prefix('"').is_some_and(|after| !is_key(after)) {
            before.hash(hasher);
            hasher.write_u8(OWN);
            rest = after;
        } else {
            let (as_written, after) = rest.split_at(at + TOKEN.len());
            as_written.hash(hasher);
            rest = after;
        }
    }
    rest.hash(hasher);
}

impl Scales<'_> {
    /// What a pod comes to that is given as JSON. None of what is no pod, and where anything is unusual: that is to be
    /// parsed, and [`Scales::gist`] tells. `of_list` are the version and the kind of the list that it is an item of.
    pub fn glance(&self, text: &str, of_list: Option<(&str, &str)>) -> Option<Gist> {
        if !self.pods_by_template {
            return None;
        }
        let parts = Parts::read(text, of_list)?;
        let subject = Subject::new("v1", "Pod", parts.namespace, parts.name);
        let mut hasher = self.glances.state.build_hasher();
        parts.hash(&mut hasher);
        for scope in Scope::ALL {
            // As templates are told apart.
            self.profiles.of(&subject, *scope).map(std::ptr::from_ref).hash(&mut hasher);
        }
        let key = hasher.finish();
        let held = self.glances.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let Some((own, shared)) = held else {
            let gist = self.gist(whole(text, of_list)?);
            // Of what cannot be understood it has to be said why.
            if matches!(gist.facts, Facts::Pod(Ok(_)) | Facts::None) {
                let said = (gist.weighed.own.clone(), gist.weighed.shared.clone());
                self.glances.known.lock().unwrap_or_else(PoisonError::into_inner).insert(key, said);
            }
            return Some(gist);
        };
        let pod = parts.facts()?;
        let owner = pod.metadata.controller().and_then(|owner| {
            pods::reported_on([&owner.api_version, &owner.kind, &owner.name], parts.namespace)
        });
        let facts = if self.kept.contains(POD) { Facts::Pod(Ok(Box::new(pod))) } else { Facts::None };
        Some(Gist {
            subject,
            kind: POD.to_owned(),
            owner,
            idle: false,
            facts,
            weighed: Weighed { own, shared },
        })
    }
}

fn whole(text: &str, of_list: Option<(&str, &str)>) -> Option<Object> {
    let mut body: Value = parsed(text)?;
    if let (Some((version, kind)), Some(map)) = (of_list, body.as_object_mut()) {
        map.entry("apiVersion").or_insert_with(|| Value::from(version));
        map.entry("kind").or_insert_with(|| Value::from(kind));
    }
    Object::new(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Judge, Profile, Uniform};
    use jiff::Timestamp;
    use serde_json::json;
    use snc_core::tier::Level;

    fn pod(name: &str, change: impl FnOnce(&mut Value)) -> String {
        let token = format!("kube-api-access-{name}");
        let mut pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "shop", "labels": {"app": "a"}, "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "set", "uid": name, "controller": true},
            ]},
            "spec": {
                "nodeName": name, "serviceAccountName": "default", "volumes": [{"name": token, "emptyDir": {}}],
                "containers": [{"name": "c", "image": "a", "volumeMounts": [{"name": token, "mountPath": "/t"}]}],
            },
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True", "since": null}]},
        });
        change(&mut pod);
        pod.to_string()
    }

    fn said(texts: &[String], glances: bool) -> (String, usize) {
        let catalogue = Catalogue::on_demand().unwrap_or_else(|error| panic!("{error}"));
        let profile = Uniform(Profile::new(Level::Avance));
        let mut judge = Judge::new(&catalogue, &profile);
        let scales = judge.scales();
        let mut met = 0;
        for text in texts {
            let gist = glances.then(|| scales.glance(text, None)).flatten();
            met += usize::from(gist.is_some());
            let long = || whole(text, None).map(|object| scales.gist(object));
            judge.add(gist.or_else(long).unwrap_or_else(|| panic!("{text}")));
        }
        let pods = format!("{:?}", judge.snapshot);
        judge.files_end_here();
        (format!("{pods}\n{:?}", judge.conclude(Timestamp::UNIX_EPOCH)), met)
    }

    /// While its init containers run, and where somebody looks into a pod, one list of statuses may stand alone.
    #[test]
    fn a_glance_sees_what_runs_in_every_list_of_containers() {
        let id = format!("r.example/app@sha256:{}", "a".repeat(64));
        for (list, statuses) in [
            ("containers", "containerStatuses"),
            ("initContainers", "initContainerStatuses"),
            ("ephemeralContainers", "ephemeralContainerStatuses"),
        ] {
            let runs = |pod: &mut Value| {
                pod["spec"][list] = json!([{"name": "one", "image": "r.example/app:1"}]);
                pod["status"][statuses] = json!([{"name": "one", "imageID": id}]);
            };
            let texts = [pod("a", runs), pod("b", runs)];
            let (long, _) = said(&texts, false);
            assert!(long.contains(&id), "{statuses}");
            let (short, met) = said(&texts, true);
            assert_eq!(short, long, "{statuses}");
            assert!(met > 0, "{statuses}");
        }
    }

    #[test]
    fn a_glance_says_what_the_long_way_says() {
        let same = |_: &mut Value| {};
        let alone =
            |pod: &mut Value| drop(pod["metadata"].as_object_mut().map(|m| m.remove("ownerReferences")));
        let texts = [
            pod("a", same),
            pod("b", same),
            pod("c", |pod| pod["spec"]["containers"][0]["securityContext"] = json!({"privileged": true})),
            pod("d", alone),
            pod("e", alone),
            pod("f", |pod| {
                alone(pod);
                pod["spec"]["affinity"] = json!({"nodeAffinity": null, "podAffinity": {}});
            }),
            pod("g", |pod| pod["spec"]["nodeName"] = Value::Null),
            pod("h", |pod| pod["status"]["phase"] = json!(1)),
            pod("i", |pod| pod["metadata"]["labels"] = json!({"app": 1})),
            pod("j", |pod| pod["metadata"]["labels"] = json!({"app": 1})),
            pod("k", |pod| pod["metadata"]["namespace"] = json!("kube-system")),
            pod("l", |pod| pod["spec"]["priority"] = json!(1.5)),
        ];
        let twice: Vec<String> = texts.iter().cloned().chain(texts.iter().cloned()).collect();
        let ((long, none), (short, most)) = (said(&twice, false), said(&twice, true));
        assert_eq!(long, short);
        // Neither at the system's pod, nor at three that are unusual.
        assert_eq!((none, most), (0, 2 * (12 - 1 - 3)));
    }

    #[test]
    fn what_is_each_pods_own_is_passed_over_and_nothing_else() {
        let key = |text: &str| {
            let mut hasher = std::hash::DefaultHasher::new();
            let parts = Parts::read(text, None).unwrap_or_else(|| panic!("{text}"));
            parts.hash(&mut hasher);
            hasher.finish()
        };
        let text = pod("a", |_| {});
        assert_eq!(key(&text), key(&pod("b", |_| {})));
        for (was, is) in [
            ("\"image\":\"a\"", "\"image\":\"b\""),
            ("\"app\":\"a\"", "\"app\":\"b\""),
            ("\"kube-api-access-a\"", "\"kube-api-acces-a\""),
            ("\"kube-api-access-a\"", "\"kube-api-access-\\\"a\""),
            ("\"mountPath\":", "\"kube-api-access-x\":1,\"mountPath\":"),
        ] {
            assert!(text.contains(was), "{was}");
            assert_ne!(key(&text), key(&text.replace(was, is)), "{is}");
        }
        let keyed = |own: &str| {
            text.replace("\"mountPath\":", &format!("\"kube-api-access-{own}\":1,\"mountPath\":"))
        };
        assert_ne!(key(&keyed("x")), key(&keyed("y")));
    }
}
