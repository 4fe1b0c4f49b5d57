//! Where the API server has each kind.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use snc_catalogue::POD_KINDS;
use snc_core::control::Control;
use snc_e2e::api::Api;
use std::collections::{BTreeMap, BTreeSet};

/// By version and kind: the resource, and whether it is namespaced.
pub struct Kinds {
    found: BTreeMap<(String, String), (String, bool)>,
}

/// As the catalogue writes it, `group/Kind`.
pub fn kind(object: &Value) -> Option<String> {
    let group = object["apiVersion"].as_str()?.split_once('/').map_or("core", |(group, _)| group);
    Some(format!("{group}/{}", object["kind"].as_str()?))
}

impl Kinds {
    pub fn served(api: &Api) -> Result<Self> {
        let groups = api.get("/apis")?;
        let groups = groups["groups"].as_array().into_iter().flatten();
        let versions = groups.flat_map(|group| group["versions"].as_array().into_iter().flatten());
        let versions = versions.filter_map(|version| version["groupVersion"].as_str());
        let mut found = BTreeMap::new();
        for version in std::iter::once("v1").chain(versions) {
            let path =
                if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
            let list = api.get(path)?;
            for resource in list["resources"].as_array().into_iter().flatten() {
                let text = |field: &str| resource[field].as_str().unwrap_or_default().to_owned();
                if !text("name").contains('/') {
                    let served = (text("name"), resource["namespaced"] == true);
                    found.insert((version.to_owned(), text("kind")), served);
                }
            }
        }
        Ok(Self { found })
    }

    fn of(&self, kind: &str) -> Vec<(String, String)> {
        let (group, kind) = kind.split_once('/').unwrap_or(("core", kind));
        let same = |version: &str| match version.split_once('/') {
            Some((found, _)) => found == group,
            None => group == "core",
        };
        let found = self.found.iter().filter(|((version, found), _)| same(version) && found == kind);
        found.map(|(_, (resource, _))| (group.to_owned(), resource.clone())).collect()
    }

    fn names(control: &Control) -> Vec<String> {
        let pods = control.reads.iter().any(|kind| kind == "pods");
        let others = control.reads.iter().filter(|kind| *kind != "pods").cloned();
        others.chain(POD_KINDS.iter().filter(|_| pods).map(ToString::to_string)).collect()
    }

    pub fn has(&self, kind: &str) -> bool {
        !self.of(kind).is_empty()
    }

    pub fn serves(&self, control: &Control) -> bool {
        Self::names(control).iter().all(|kind| self.has(kind))
    }

    /// What a policy of this control matches.
    pub fn rules(&self, control: &Control) -> Vec<Value> {
        let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (group, resource) in Self::names(control).iter().flat_map(|kind| self.of(kind)) {
            let group = if group == "core" { String::new() } else { group };
            groups.entry(group).or_default().insert(resource);
        }
        groups
            .into_iter()
            .map(|(group, resources)| {
                json!({
                    "apiGroups": [group],
                    "apiVersions": ["*"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": resources,
                })
            })
            .collect()
    }

    /// Where an object is created.
    pub fn path(&self, object: &Value) -> Result<String> {
        let text = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
        let (version, kind) = (text("apiVersion"), text("kind"));
        let (resource, namespaced) =
            self.found.get(&(version.clone(), kind.clone())).with_context(|| format!("{version} {kind}"))?;
        let root = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or("default");
        Ok(if *namespaced {
            format!("{root}/namespaces/{namespace}/{resource}")
        } else {
            format!("{root}/{resource}")
        })
    }
}
