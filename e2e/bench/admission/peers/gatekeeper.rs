//! Gatekeeper: one process for the webhook and one for all else, as in its chart; rules in CEL, none handed to the API
//! server as a policy.

use super::{Given, LABEL, apply, rules::TEN, spawn};
use crate::lab::Lab;
use anyhow::Result;
use serde_json::{Value, json};
use snc_e2e::objects::Kind;
use snc_e2e::wait::within;
use snc_e2e::webhook::{CONFIGURATIONS, Certificates, configured};
use std::any::Any;
use std::time::Duration;
use xtask::harness::free_port;

pub const NAME: &str = "gatekeeper";
const REST: &str = "gatekeeper-rest";
const NAMESPACE: &str = "gatekeeper-system";

pub fn start(lab: &Lab, given: &Given) -> Result<Box<dyn Any>> {
    let mut installed = given.installed.clone();
    for namespace in installed.iter_mut().filter(|object| object["kind"] == "Namespace") {
        // The pods that stand for its own are no good ones.
        namespace["metadata"]["labels"] = json!({});
    }
    apply(lab, &installed)?;
    // They own the objects in which it keeps its state.
    for pod in [NAME, REST] {
        within(Duration::from_secs(30), "a pod of Gatekeeper's", || {
            let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod},
                "spec": {"containers": [{"name": "manager", "image": "registry.invalid/gatekeeper"}]}});
            Ok(lab.admin.create(Kind::Pod.all(NAMESPACE), pod)?)
        })?;
    }
    let certificates = Certificates::new()?;
    let port = free_port()?;
    run(
        lab,
        given,
        &certificates,
        REST,
        free_port()?,
        &[
            "--operation=audit",
            "--operation=status",
            "--operation=mutation-status",
            "--operation=generate",
            "--audit-interval=0",
            &format!("--api-cache-dir={}", certificates.path().display()),
        ],
    )?;
    run(lab, given, &certificates, NAME, port, &["--operation=webhook", "--operation=mutation-webhook"])?;
    let templates: Vec<Value> = TEN.iter().map(|rule| template(rule.name, &rule.cel())).collect();
    apply(lab, &templates)?;
    let constraints: Vec<Value> = TEN.iter().map(|rule| constraint(rule.name)).collect();
    within(Duration::from_secs(90), "Gatekeeper's constraints", || apply(lab, &constraints))?;
    lab.admin.create(CONFIGURATIONS, registered(port, &certificates.bundle())?)?;
    Ok(Box::new(certificates))
}

fn run(
    lab: &Lab,
    given: &Given,
    certificates: &Certificates,
    name: &str,
    port: u16,
    more: &[&str],
) -> Result<()> {
    let mut args = vec![
        "--logtostderr".to_owned(),
        "--disable-cert-rotation".to_owned(),
        format!("--cert-dir={}", certificates.path().display()),
        "--disable-opa-builtin={http.send}".to_owned(),
        format!("--exempt-namespace={NAMESPACE}"),
        "--host=127.0.0.1".to_owned(),
        format!("--port={port}"),
        format!("--health-addr=127.0.0.1:{}", free_port()?),
        format!("--prometheus-port={}", free_port()?),
        "--shutdown-delay=0".to_owned(),
        "--default-create-vap-for-templates=false".to_owned(),
        "--default-create-vap-binding-for-constraints=false".to_owned(),
    ];
    args.extend(more.iter().map(|argument| (*argument).to_owned()));
    let env = [
        ("POD_NAMESPACE", NAMESPACE),
        ("NAMESPACE", NAMESPACE),
        ("POD_NAME", name),
        ("CONTAINER_NAME", "manager"),
    ];
    spawn(lab, name, &given.binary, args, &env)
}

fn kind(rule: &str) -> String {
    let (first, rest) = rule.split_at(1);
    format!("Bench{}{rest}", first.to_uppercase())
}

fn template(rule: &str, cel: &str) -> Value {
    let kind = kind(rule);
    let validation = json!({"expression": cel.replace("object.", "variables.anyObject."), "message": format!("rule {rule}")});
    json!({
        "apiVersion": "templates.gatekeeper.sh/v1", "kind": "ConstraintTemplate",
        "metadata": {"name": kind.to_lowercase()},
        "spec": {
            "crd": {"spec": {"names": {"kind": kind}}},
            "targets": [{"target": "admission.k8s.gatekeeper.sh", "code": [{
                "engine": "K8sNativeValidation",
                "source": {"generateVAP": false, "validations": [validation]},
            }]}],
        },
    })
}

fn constraint(rule: &str) -> Value {
    json!({
        "apiVersion": "constraints.gatekeeper.sh/v1beta1", "kind": kind(rule), "metadata": {"name": rule},
        "spec": {"enforcementAction": "deny", "match": {
            "kinds": [{"apiGroups": [""], "kinds": ["Pod"]}],
            "namespaceSelector": {"matchLabels": {LABEL: NAME}},
        }},
    })
}

/// Its validating webhook alone; its default installation asks a mutating one as well.
fn registered(port: u16, bundle: &str) -> Result<Value> {
    let mut made = configured("https://127.0.0.1", bundle)?;
    made["metadata"] = json!({"name": "gatekeeper-validating-webhook-configuration"});
    let authority = made["webhooks"][0]["clientConfig"]["caBundle"].clone();
    made["webhooks"] = json!([{
        "name": "validation.gatekeeper.sh",
        "admissionReviewVersions": ["v1", "v1beta1"],
        "clientConfig": {"url": format!("https://127.0.0.1:{port}/v1/admit"), "caBundle": authority},
        "failurePolicy": "Fail", "matchPolicy": "Exact", "sideEffects": "None", "timeoutSeconds": 10,
        "namespaceSelector": {"matchLabels": {LABEL: NAME}},
        "rules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"],
            "resources": ["*"], "scope": "Namespaced"}],
    }]);
    Ok(made)
}
