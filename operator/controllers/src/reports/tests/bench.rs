//! A mock that keeps what it is sent, and a reporter that writes to it.

use crate::events::Events;
use crate::lease::Lease;
use crate::metrics::Metrics;
use crate::reports::*;
use http::{Method, Request, Response, StatusCode};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use snc_catalogue::{Catalogue, Finding, Findings, Numbers, Tally, Waived};
use snc_core::lang::Lang;
use snc_core::tier::Level;
use snc_core::verdict::{Outcome as Said, Subject, Verdict};
use snc_plan::Settings;
use snc_plan::guards::Identity;
use std::sync::{Arc, LazyLock, Mutex};
use tower_test::mock;

pub const OPEN: Format = Format::OpenReports;
pub const SHOP: &str = "PATCH /apis/openreports.io/v1alpha1/namespaces/shop/reports/snc-operator";
pub const LISTS: [&str; 2] =
    ["GET /apis/openreports.io/v1alpha1/reports", "GET /apis/openreports.io/v1alpha1/clusterreports"];

/// What the mock says instead of doing what it is asked.
type Fault = Box<dyn Fn(&str) -> Option<Reply> + Send>;

pub enum Reply {
    Error(Value),
    Never,
    After(Duration),
}

#[derive(Default)]
pub struct Server {
    pub objects: BTreeMap<String, Value>,
    pub log: Vec<String>,
    pub bodies: Vec<Value>,
    written: u64,
    fault: Option<Fault>,
    under_way: usize,
    pub most: usize,
}

impl Server {
    fn answer(&mut self, method: &Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let gone = || (StatusCode::NOT_FOUND, failure(404, "NotFound", json!({"kind": "reports"})));
        match *method {
            Method::GET => {
                let plural = path.rsplit('/').next().unwrap();
                let group = path.split('/').nth(2).unwrap();
                let of_kind = |at: &&String| at.contains(group) && at.split('/').rev().nth(1) == Some(plural);
                let keys = self.objects.keys().filter(of_kind);
                let items: Vec<&Value> = keys.map(|key| &self.objects[key]).collect();
                (StatusCode::OK, json!({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items}))
            }
            Method::PATCH => {
                self.written += 1;
                let mut stored = body.clone();
                stored["metadata"]["uid"] = json!(format!("u-{path}"));
                stored["metadata"]["resourceVersion"] = json!(self.written.to_string());
                self.objects.insert(path.to_owned(), stored.clone());
                (StatusCode::OK, stored)
            }
            Method::DELETE => {
                let Some(found) = self.objects.get(path) else { return gone() };
                let same = ["uid", "resourceVersion"]
                    .iter()
                    .all(|field| body["preconditions"][field] == found["metadata"][field]);
                if !same {
                    return (StatusCode::CONFLICT, failure(409, "Conflict", json!({})));
                }
                self.objects.remove(path);
                (StatusCode::OK, json!({"kind": "Status", "apiVersion": "v1", "status": "Success"}))
            }
            _ => gone(),
        }
    }
}

pub fn failure(code: u16, reason: &str, details: Value) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason,
        "message": format!("no: {reason}"), "details": details})
}

pub struct Bench {
    pub context: Context,
    pub server: Arc<Mutex<Server>>,
    pub reporter: Reporter,
    pub assessed: Assessed,
}

static CATALOGUE: LazyLock<Arc<Catalogue>> =
    LazyLock::new(|| Arc::new(Catalogue::on_demand().unwrap_or_else(|error| panic!("{error}"))));

impl Bench {
    pub fn new(namespaces: &[&str]) -> Self {
        let (service, mut handle) = mock::pair::<Request<Body>, Response<Body>>();
        let server: Arc<Mutex<Server>> = Arc::default();
        let shared = server.clone();
        tokio::spawn(async move {
            while let Some((request, send)) = handle.next_request().await {
                let shared = shared.clone();
                tokio::spawn(async move {
                    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
                    let bytes = request.into_body().collect_bytes().await.unwrap();
                    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
                    let line = format!("{method} {path}");
                    let reply = {
                        let mut server = shared.lock().unwrap();
                        server.log.push(line.clone());
                        server.bodies.push(body.clone());
                        server.under_way += 1;
                        server.most = server.most.max(server.under_way);
                        server.fault.as_ref().and_then(|fault| fault(&line))
                    };
                    match reply {
                        Some(Reply::Never) => std::future::pending().await,
                        Some(Reply::After(delay)) => tokio::time::sleep(delay).await,
                        _ => {}
                    }
                    let (status, answer) = match reply {
                        Some(Reply::Error(error)) => {
                            let code = u16::try_from(error["code"].as_u64().unwrap()).unwrap();
                            (StatusCode::from_u16(code).unwrap(), error)
                        }
                        _ => shared.lock().unwrap().answer(&method, &path, &body),
                    };
                    shared.lock().unwrap().under_way -= 1;
                    let body = Body::from(answer.to_string().into_bytes());
                    send.send_response(Response::builder().status(status).body(body).unwrap());
                });
            }
        });
        let client = Client::new(service, "default");
        let settings = Settings {
            lang: Lang::En,
            identity: Identity::new("snc-system", "snc-controller"),
            canary_namespace: "snc-canary".into(),
        };
        let events = Events::new(client.clone(), "test");
        let metrics = Arc::new(Metrics::new().unwrap());
        let context = Context::new(client.clone(), settings, events, Lease::held_for_test(client), metrics);
        context.inputs.listed("namespaces");
        for name in namespaces {
            namespace(&context, name, "1", false);
        }
        context.lead();
        let mut reporter = Reporter::new(Some(OPEN));
        reporter.set_served(&[OPEN]);
        Self { context, server, reporter, assessed: assessed(namespaces) }
    }

    pub fn fault(&self, fault: impl Fn(&str) -> Option<Reply> + Send + 'static) {
        self.server.lock().unwrap().fault = Some(Box::new(fault));
    }

    pub fn works(&self) {
        self.server.lock().unwrap().fault = None;
    }

    /// The requests of one call, and after which time it wants to be called again.
    pub async fn publish(&mut self, dirty: Option<&[&str]>) -> (Vec<String>, Option<Duration>) {
        tokio::time::advance(Duration::from_millis(1)).await;
        self.context.inputs.heard("namespaces");
        self.context.lease.renewed_for_test();
        self.call(dirty).await
    }

    pub async fn call(&mut self, dirty: Option<&[&str]>) -> (Vec<String>, Option<Duration>) {
        let dirty = dirty.map(|names| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>());
        self.server.lock().unwrap().log.clear();
        self.server.lock().unwrap().bodies.clear();
        let wait = self.reporter.publish(&self.context, &self.assessed, dirty.as_ref()).await;
        (self.server.lock().unwrap().log.clone(), wait)
    }

    pub async fn requests(&mut self, dirty: Option<&[&str]>) -> Vec<String> {
        self.publish(dirty).await.0
    }

    pub fn says(&self) -> (&'static str, &'static str) {
        let answer = self.reporter.condition(Instant::now()).unwrap();
        (answer.status, answer.reason)
    }

    pub fn metric(&self, series: &str) -> usize {
        let text = String::from_utf8(self.context.metrics.text().unwrap()).unwrap();
        text.lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
            .unwrap_or_else(|| panic!("{series}"))
    }

    pub fn find(&mut self, namespace: &str, message: &str) {
        let subject = Subject::new("v1", "Pod", namespace, "web");
        let finding = Finding { control: 0, subject, outcome: Arc::new(Said::fail(message, message)) };
        let findings = Findings { worst: Arc::new([finding]), fail: 1, unknown: 0 };
        self.assessed.findings.insert(namespace.to_owned(), Arc::new(findings));
    }
}

pub fn namespace(context: &Context, name: &str, uid: &str, deleting: bool) {
    let ending = deleting.then_some("2026-01-02T00:00:00Z");
    let object = json!({"metadata": {"name": name, "uid": uid, "resourceVersion": "1",
        "creationTimestamp": "2026-01-01T00:00:00Z", "deletionTimestamp": ending}});
    context.index_mut().apply_namespace(&serde_json::from_value(object).unwrap());
}

fn assessed(namespaces: &[&str]) -> Assessed {
    let worst = vec![Verdict::Pass; CATALOGUE.controls().count()];
    let numbers = Numbers::of(worst.iter().copied());
    let tally = Tally { level: Level::Avance, worst, counts: Vec::new(), numbers };
    Assessed {
        images: std::sync::Arc::default(),
        catalogue: CATALOGUE.clone(),
        cluster: tally.clone(),
        tenants: BTreeMap::new(),
        namespaces: namespaces.iter().map(|name| ((*name).to_owned(), Arc::new(tally.clone()))).collect(),
        findings: BTreeMap::new(),
        waived: Waived::default(),
    }
}

pub fn writes(log: &[String]) -> Vec<&str> {
    log.iter().map(String::as_str).filter(|line| !line.starts_with("GET")).collect()
}

pub fn all(code: u16, reason: &'static str) -> impl Fn(&str) -> Option<Reply> + Send {
    move |line| (!line.starts_with("GET")).then(|| Reply::Error(failure(code, reason, json!({}))))
}
