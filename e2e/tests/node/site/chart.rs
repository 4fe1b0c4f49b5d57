//! `helm install`, and what then runs.

use super::Site;
use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};
use snc_core::names::{LABEL_IMAGES, LABEL_TENANT, LABEL_WORKLOADS, WEBHOOK};
use snc_e2e::{
    api::Answered,
    cluster::OPERATOR_NAMESPACE,
    objects::{BASELINES, NAMESPACES, TENANTS, baseline, label, namespace, new_namespace, text},
    wait::eventually,
    webhook::CONFIGURATIONS,
};
use std::time::Instant;
use xtask::harness::{PRIMARY_API_SERVER, User};

pub const CONTROLLERS: &str = "app.kubernetes.io/name=snc-operator";
pub const WEBHOOKS: &str = "app.kubernetes.io/name=snc-webhook";

/// What a platform team would write, besides the values of the release: where its API server listens.
pub fn values(site: &Site) -> Result<Vec<String>> {
    let port = site.plane.api_server_port(PRIMARY_API_SERVER)?;
    Ok(vec![format!("networkPolicy.apiServerPorts={{443,{port}}}"), "language=en".to_owned()])
}

pub fn install(site: &Site) -> Result<()> {
    let started = Instant::now();
    let labels = json!({"pod-security.kubernetes.io/enforce": "restricted"});
    if site.admin.find(namespace(OPERATOR_NAMESPACE))?.is_none() {
        site.admin.create(NAMESPACES, new_namespace(OPERATOR_NAMESPACE, labels))?;
    }
    let (chart, image) = (site.release.chart.display(), site.release.values.display());
    let (chart, image) = (chart.to_string(), image.to_string());
    let values = values(site)?;
    let mut args = vec!["install", "snc", &chart, "--namespace", OPERATOR_NAMESPACE, "--values", &image];
    args.extend(["--wait", "--timeout", "4m"]);
    args.extend(values.iter().flat_map(|value| ["--set", value]));
    let helm = site.plane.helm(User::Platform, &args)?;
    if !helm.success() {
        let seen = site.plane.kubectl(User::Admin, ["describe", "pods", "-n", OPERATOR_NAMESPACE])?;
        bail!("helm install: {}\n{}", helm.stderr, seen.stdout);
    }
    println!("helm install --wait in {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// Two controllers and three webhooks that are ready and never started twice, each as the account of its own, with
/// nothing to write to; of which one leads.
pub fn runs(site: &Site) -> Result<()> {
    for (selector, count, account) in [(CONTROLLERS, 2, "snc-controller"), (WEBHOOKS, 3, "snc-webhook")] {
        for pod in site.ready(OPERATOR_NAMESPACE, selector, count)? {
            let status = &pod["status"]["containerStatuses"][0];
            ensure!(status["restartCount"] == 0, "{status}");
            ensure!(pod["spec"]["containers"][0]["image"] == site.release.by_digest(), "{}", pod["spec"]);
            ensure!(status["imageID"] == site.release.by_digest(), "{status}");
            ensure!(pod["spec"]["serviceAccountName"] == account, "{}", pod["spec"]);
            let context = &pod["spec"]["containers"][0]["securityContext"];
            ensure!(context["readOnlyRootFilesystem"] == true, "{context}");
        }
    }
    let found = site.admin.get(namespace(OPERATOR_NAMESPACE))?;
    ensure!(label(&found, "pod-security.kubernetes.io/enforce") == Some("restricted"), "{found}");
    Ok(())
}

/// A Deployment in which only the webhook finds fault.
pub fn faulty() -> Value {
    let mut pod = super::pods::serving("faulty", &json!({"app": "faulty"}));
    pod["spec"]["containers"][0]["image"] = json!("registry.invalid/never-pulled:latest");
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "faulty"},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "faulty"}},
            "template": {"metadata": pod["metadata"], "spec": pod["spec"]}}})
}

/// The API server asks the pods of the webhook by their Service, with certificates of the operator's own making.
pub fn webhook_answers(site: &Site) -> Result<()> {
    let strict = json!({"tenantSelector": {"matchLabels": {"site": "strict"}},
        "modes": {"isolation": "Enforce", "podSecurity": "Enforce", "workloads": "Enforce", "images": "Enforce"},
        "parameters": [{"control": "image-registry", "name": "registries", "value": ["localhost", "registry.invalid"],
            "rationale": "les registres des essais"}]});
    site.platform.create(BASELINES, baseline("strict", strict))?;
    let tenant = json!({"apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncTenant",
        "metadata": {"name": "gamma", "labels": {"site": "strict"}},
        "spec": {"level": "Standard", "namespaces": ["gamma-web"]}});
    site.platform.create(TENANTS, tenant)?;
    site.platform.create(NAMESPACES, new_namespace("gamma-web", json!({LABEL_TENANT: "gamma"})))?;
    eventually("gamma-web to have its modes", || {
        let found = site.admin.get(namespace("gamma-web"))?;
        for measure in [LABEL_WORKLOADS, LABEL_IMAGES] {
            ensure!(label(&found, measure) == Some("Enforce"), "{}", found["metadata"]);
        }
        Ok(())
    })?;
    let configuration = eventually("the webhook's configuration", || {
        Ok(site.admin.get(format!("{CONFIGURATIONS}/{WEBHOOK}"))?)
    })?;
    for webhook in configuration["webhooks"].as_array().into_iter().flatten() {
        ensure!(text(webhook, "/clientConfig/service/name") == "snc-webhook", "{webhook}");
    }
    let refusal = eventually("the webhook to refuse", || {
        let deployments = "/apis/apps/v1/namespaces/gamma-web/deployments?dryRun=All";
        site.platform.create(deployments, faulty()).refused_with(&["admission webhook", "image-mutable-tag"])
    })?;
    println!("{}", refusal.message.lines().next().unwrap_or_default());
    Ok(())
}
