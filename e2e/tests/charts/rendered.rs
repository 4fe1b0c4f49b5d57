//! What helm makes of a chart.

use crate::explained::Explained;
use crate::scene::NAMESPACE;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use snc_e2e::api::Api;
use snc_e2e::cluster::Cluster;
use snc_e2e::objects::text;
use std::collections::BTreeMap;
use std::fs;
use xtask::harness::{User, go_source, workspace};

const RELEASE: &str = "app";

/// Each object of the chart but for its tests.
pub fn render(cluster: &Cluster, explained: &Explained, values: &Value) -> Result<Vec<Value>> {
    let chart = go_source(&workspace::root().join("e2e/charts"), &explained.module)?.join(&explained.path);
    let file = tempfile::NamedTempFile::new()?;
    fs::write(file.path(), values.to_string())?;
    let (chart, file) = (chart.display().to_string(), file.path().display().to_string());
    let args = ["template", RELEASE, &chart, "--namespace", NAMESPACE, "--skip-tests", "--values", &file];
    let output = cluster.plane().helm(User::Platform, args)?;
    ensure!(output.success(), "helm {args:?}: {}", output.stderr);
    let documents: Vec<Value> = serde_saphyr::from_multiple(&output.stdout)?;
    Ok(documents.into_iter().filter(Value::is_object).collect())
}

/// `Kind/name`.
pub fn named(object: &Value) -> String {
    format!("{}/{}", text(object, "/kind"), text(object, "/metadata/name"))
}

/// Where objects of a kind are made, as the API server tells.
#[derive(Default)]
pub struct Kinds(BTreeMap<String, Vec<Value>>);

pub enum Place {
    /// The collection, in the tenant's namespace.
    Here(String),
    /// It is not a tenant's to make, or nobody's here.
    Skipped(&'static str),
}

impl Kinds {
    pub fn place(&mut self, api: &Api, object: &Value) -> Result<Place> {
        let (version, kind) = (text(object, "/apiVersion"), text(object, "/kind"));
        let path = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
        if !self.0.contains_key(&path) {
            let found = api.find(&path)?.unwrap_or(json!({}));
            self.0.insert(path.clone(), found["resources"].as_array().cloned().unwrap_or_default());
        }
        let resources = self.0.get(&path).context("just put in")?;
        let main = |resource: &&Value| resource["kind"] == kind && !text(resource, "/name").contains('/');
        let Some(resource) = resources.iter().find(main) else {
            return Ok(Place::Skipped("a kind that is not served here"));
        };
        if resource["namespaced"] != true {
            return Ok(Place::Skipped("in no namespace: the platform's to make"));
        }
        if !["", NAMESPACE].contains(&text(object, "/metadata/namespace")) {
            return Ok(Place::Skipped("in a namespace of the platform"));
        }
        Ok(Place::Here(format!("{path}/namespaces/{NAMESPACE}/{}", text(resource, "/name"))))
    }
}
