//! Against an API server in a few lines: one CRD with tenants, stored in versions, read in pages.

use super::*;
use http::{Method, Request, Response, StatusCode};
use kube::client::Body;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use tower_test::mock;

const CRD: &str = "snctenants.secnumcloud.dev";

#[derive(Clone)]
struct Server(Arc<Mutex<State>>);

struct State {
    definition: Value,
    /// Version that each is stored in, and how often it was written.
    objects: BTreeMap<String, (String, u64)>,
    /// The next so many requests are answered with it: for an object, and for a page after the first.
    conflicts: u32,
    expired: u32,
    invalid: Option<String>,
    /// What becomes of the storage version when an object is written.
    overtaken_by: Option<String>,
}

fn definition(storage: &str, stored: &[&str]) -> Value {
    let versions: Vec<Value> = ["v1alpha1", "v1beta1", "v1"]
        .into_iter()
        .map(|name| json!({"name": name, "served": true, "storage": name == storage}))
        .collect();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": CRD, "resourceVersion": "1"},
        "spec": {
            "group": "secnumcloud.dev", "scope": "Cluster", "versions": versions,
            "names": {"kind": "SncTenant", "plural": "snctenants"},
        },
        "status": {"storedVersions": stored},
    })
}

type Answer = (u16, Value);

fn failure(code: u16, message: &str) -> Answer {
    let reason = if code == 404 { "NotFound" } else { message };
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": reason,
        "message": message, "code": code,
    });
    (code, status)
}

impl Server {
    fn new(storage: &str, stored: &[&str], objects: usize) -> Self {
        let objects = (0..objects).map(|at| (format!("t{at}"), ("v1alpha1".to_owned(), 1)));
        Self(Arc::new(Mutex::new(State {
            definition: definition(storage, stored),
            objects: objects.collect(),
            conflicts: 0,
            expired: 0,
            invalid: None,
            overtaken_by: None,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    async fn migrate(&self) -> Result<(), Error> {
        let (service, mut handle) = mock::pair::<Request<Body>, Response<Body>>();
        let server = self.clone();
        tokio::spawn(async move {
            while let Some((request, send)) = handle.next_request().await {
                let (method, uri) = (request.method().clone(), request.uri().clone());
                let bytes = request.into_body().collect_bytes().await.unwrap();
                let body = serde_json::from_slice(&bytes).unwrap_or_default();
                let (code, value) =
                    server.state().answer(&method, uri.path(), uri.query().unwrap_or_default(), &body);
                let body = Body::from(value.to_string().into_bytes());
                let code = StatusCode::from_u16(code).unwrap();
                send.send_response(Response::builder().status(code).body(body).unwrap());
            }
        });
        let settle = Duration::from_secs(5);
        with(Client::new(service, "default"), Migration { lang: Lang::En, page: 2, settle, say: |_| {} })
            .await
    }

    fn stored(&self) -> Value {
        self.state().definition["status"]["storedVersions"].clone()
    }

    fn all_in(&self, version: &str) -> bool {
        self.state().objects.values().all(|(stored, _)| stored == version)
    }
}

impl State {
    fn answer(&mut self, method: &Method, path: &str, query: &str, body: &Value) -> Answer {
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        match (method.as_str(), path) {
            (_, path) if path.starts_with("/apis/apiextensions.k8s.io") => {
                self.definition(method, path, body)
            }
            ("GET", path) if path.ends_with("/snctenants") => self.list(query),
            ("GET", _) => self.object(&name),
            _ => self.write(&name, body),
        }
    }

    fn definition(&mut self, method: &Method, path: &str, body: &Value) -> Answer {
        if !path.contains(CRD) {
            return failure(404, "not found");
        }
        if *method == Method::PUT {
            assert!(path.ends_with("/status"));
            if body["metadata"]["resourceVersion"] != self.definition["metadata"]["resourceVersion"] {
                return failure(409, "conflict");
            }
            self.definition["status"] = body["status"].clone();
        }
        (200, self.definition.clone())
    }

    fn list(&mut self, query: &str) -> Answer {
        assert!(query.contains("limit=2"), "{query}");
        let from: usize = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("continue="))
            .map_or(0, |token| token.parse().unwrap());
        if from > 0 && self.expired > 0 {
            self.expired -= 1;
            return failure(410, "expired");
        }
        let items: Vec<Value> =
            self.objects.keys().skip(from).take(2).map(|name| self.object(name).1).collect();
        let end = from + items.len();
        let next = if end < self.objects.len() { end.to_string() } else { String::new() };
        (
            200,
            json!({"kind": "SncTenantList", "apiVersion": "v1", "metadata": {"continue": next}, "items": items}),
        )
    }

    fn object(&self, name: &str) -> Answer {
        let Some((_, version)) = self.objects.get(name) else { return failure(404, "not found") };
        let metadata = json!({"name": name, "resourceVersion": version.to_string()});
        (200, json!({"apiVersion": "secnumcloud.dev/v1", "kind": "SncTenant", "metadata": metadata}))
    }

    fn write(&mut self, name: &str, body: &Value) -> Answer {
        let storage = self.definition["spec"]["versions"].as_array().unwrap().iter();
        let storage =
            storage.clone().find(|v| v["storage"] == true).unwrap()["name"].as_str().unwrap().to_owned();
        if self.invalid.as_deref() == Some(name) {
            return failure(422, "spec.level: Required value");
        }
        let Some((stored, version)) = self.objects.get_mut(name) else { return failure(404, "not found") };
        if self.conflicts > 0 {
            self.conflicts -= 1;
            *version += 1;
        }
        if body["metadata"]["resourceVersion"].as_str() != Some(version.to_string().as_str()) {
            return failure(409, "conflict");
        }
        if *stored != storage {
            stored.clone_from(&storage);
            *version += 1;
        }
        if let Some(now) = self.overtaken_by.take() {
            self.definition = definition(&now, &["v1alpha1", &storage, &now]);
            self.definition["metadata"]["resourceVersion"] = json!("2");
        }
        self.object(name)
    }
}

#[tokio::test(start_paused = true)]
async fn every_object_of_every_page_is_rewritten_and_then_one_version_is_left() {
    let server = Server::new("v1", &["v1alpha1", "v1"], 5);
    server.migrate().await.unwrap();
    assert!(server.all_in("v1") && server.stored() == json!(["v1"]));
    let before = server.state().objects.clone();
    server.migrate().await.unwrap();
    assert_eq!(server.state().objects, before, "nothing is written a second time");
}

#[tokio::test(start_paused = true)]
async fn one_stored_version_asks_for_nothing() {
    let server = Server::new("v1alpha1", &["v1alpha1"], 3);
    server.state().invalid = Some("t0".to_owned());
    server.migrate().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_object_that_changes_meanwhile_is_read_again_but_not_for_ever() {
    let server = Server::new("v1", &["v1alpha1", "v1"], 3);
    server.state().conflicts = 4;
    server.migrate().await.unwrap();
    assert!(server.all_in("v1") && server.stored() == json!(["v1"]));
    let server = Server::new("v1", &["v1alpha1", "v1"], 3);
    server.state().conflicts = 10;
    let error = server.migrate().await.unwrap_err().to_string();
    assert!(error.contains("SncTenant t0: changed 10 times"), "{error}");
    assert_eq!(server.stored(), json!(["v1alpha1", "v1"]));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_expires_begins_again_but_not_for_ever() {
    let server = Server::new("v1", &["v1alpha1", "v1"], 5);
    server.state().expired = 4;
    server.migrate().await.unwrap();
    assert!(server.all_in("v1"));
    let server = Server::new("v1", &["v1alpha1", "v1"], 5);
    server.state().expired = 5;
    let error = server.migrate().await.unwrap_err().to_string();
    assert!(error.contains("expired 5 times"), "{error}");
    assert_eq!(server.stored(), json!(["v1alpha1", "v1"]));
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_refused_is_told_and_the_others_are_rewritten() {
    let server = Server::new("v1", &["v1alpha1", "v1"], 5);
    server.state().invalid = Some("t1".to_owned());
    let error = server.migrate().await.unwrap_err().to_string();
    assert!(
        error.contains("1 objects") && error.contains("SncTenant t1: spec.level: Required value"),
        "{error}"
    );
    assert_eq!(server.stored(), json!(["v1alpha1", "v1"]), "the older version is still needed");
    assert_eq!(server.state().objects.values().filter(|(stored, _)| stored == "v1").count(), 4);
    server.state().invalid = None;
    server.migrate().await.unwrap();
    assert!(server.all_in("v1") && server.stored() == json!(["v1"]));
}

#[tokio::test(start_paused = true)]
async fn a_storage_version_that_changes_meanwhile_is_not_struck_out() {
    let server = Server::new("v1beta1", &["v1alpha1", "v1beta1"], 3);
    server.state().overtaken_by = Some("v1".to_owned());
    server.migrate().await.unwrap();
    assert!(server.all_in("v1"), "those that were written before it changed as well");
    assert_eq!(server.stored(), json!(["v1"]));
}
