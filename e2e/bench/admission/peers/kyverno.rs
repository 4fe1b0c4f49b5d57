//! Kyverno: its admission controller, which registers its webhooks by address and makes its own certificates; rules as
//! `ValidatingPolicy`, none handed to the API server.

use super::{Given, LABEL, apply, rules::TEN, spawn};
use crate::lab::Lab;
use anyhow::Result;
use serde_json::{Value, json};
use snc_e2e::objects::text;
use snc_e2e::wait::within;
use std::any::Any;
use std::time::Duration;
use tempfile::TempDir;
use xtask::harness::free_port;

pub const NAME: &str = "kyverno";
const ACCOUNT: &str = "kyverno-admission-controller";

pub fn start(lab: &Lab, given: &Given) -> Result<Box<dyn Any>> {
    let mut installed = given.installed.clone();
    for map in installed
        .iter_mut()
        .filter(|object| object["kind"] == "ConfigMap" && text(object, "/metadata/name") == NAME)
    {
        let selected = json!({"namespaceSelector": {"matchLabels": {LABEL: NAME}}});
        map["data"]["webhooks"] = json!(selected.to_string());
    }
    installed.push(deployment());
    apply(lab, &installed)?;
    let trust = TempDir::new()?;
    let (port, own) = (free_port()?, |name: &str| format!("kyverno-svc.kyverno.svc.kyverno-tls-{name}"));
    let account = |name: &str| format!("system:serviceaccount:kyverno:kyverno-{name}");
    let args = vec![
        "--otelConfig=prometheus".to_owned(),
        "--metricsHost=127.0.0.1".to_owned(),
        format!("--metricsPort={}", free_port()?),
        format!("--controllerRuntimeMetricsAddress=127.0.0.1:{}", free_port()?),
        format!("--cleanupServerPort={}", free_port()?),
        format!("--serverIP=127.0.0.1:{port}"),
        "--webhookServerHost=127.0.0.1".to_owned(),
        format!("--webhookServerPort={port}"),
        "--servicePort=443".to_owned(),
        format!("--caSecretName={}", own("ca")),
        format!("--tlsSecretName={}", own("pair")),
        "--tlsKeyAlgorithm=RSA".to_owned(),
        format!("--backgroundServiceAccountName={}", account("background-controller")),
        format!("--reportsServiceAccountName={}", account("reports-controller")),
        "--resyncPeriod=15m".to_owned(),
        "--enableConfigMapCaching=true".to_owned(),
        "--enableDeferredLoading=true".to_owned(),
        "--maxAPICallResponseLength=2000000".to_owned(),
        "--apiCallTimeout=30s".to_owned(),
        "--maxAdmissionReports=1000".to_owned(),
        "--loggingFormat=text".to_owned(),
        "--v=2".to_owned(),
        "--omitEvents=PolicyApplied,PolicySkipped".to_owned(),
        "--enablePolicyException=false".to_owned(),
        "--enableReporting=validate,mutate,mutateExisting,imageVerify,generate".to_owned(),
        "--crdWatcher=false".to_owned(),
        "--admissionReports=true".to_owned(),
        "--autoUpdateWebhooks=true".to_owned(),
        "--generateValidatingAdmissionPolicy=false".to_owned(),
        "--protectManagedResources=false".to_owned(),
    ];
    let env = [
        ("KYVERNO_NAMESPACE", NAME),
        ("INIT_CONFIG", NAME),
        ("METRICS_CONFIG", "kyverno-metrics"),
        ("KYVERNO_SVC", "kyverno-svc"),
        ("TUF_ROOT", &trust.path().display().to_string()),
        ("KYVERNO_SERVICEACCOUNT_NAME", ACCOUNT),
        ("KYVERNO_ROLE_NAME", "kyverno:admission-controller"),
        ("KYVERNO_DEPLOYMENT", ACCOUNT),
        ("KYVERNO_POD_NAME", "kyverno-admission-0"),
    ];
    spawn(lab, NAME, &given.binary, args, &env)?;
    let policies: Vec<Value> = TEN.iter().map(|rule| policy(rule.name, &rule.cel())).collect();
    // Its own webhook judges them, once it listens.
    within(Duration::from_secs(120), "Kyverno's policies", || apply(lab, &policies))?;
    Ok(Box::new(trust))
}

/// Looked up by its admission controller; nothing of it runs.
fn deployment() -> Value {
    let labels = json!({"app": ACCOUNT});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": ACCOUNT, "namespace": NAME},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "kyverno", "image": "registry.invalid/kyverno"}]}}},
    })
}

fn policy(rule: &str, cel: &str) -> Value {
    json!({
        "apiVersion": "policies.kyverno.io/v1", "kind": "ValidatingPolicy", "metadata": {"name": format!("bench-{rule}")},
        "spec": {
            "validationActions": ["Deny"],
            "autogen": {"podControllers": {"controllers": []}},
            "evaluation": {"admission": {"enabled": true}, "background": {"enabled": true}},
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": {LABEL: NAME}},
                "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["pods"]}],
            },
            "validations": [{"expression": cel, "message": format!("rule {rule}")}],
        },
    })
}
