//! What admission costs: pods that are created by dry-run, with nothing installed, with a webhook that only says yes,
//! with the policies of the API server, and with our webhook; accepted and refused. All in one run, since only the
//! ratios mean anything on a machine that others use.

mod asked;
mod peers;
mod pods;

use crate::lab::Lab;
use crate::report::Report;
use anyhow::{Context, Result, ensure};
use asked::{CLIENTS, Figures, run, run_unlike, told};
use pods::{bad, good};
use serde_json::{Value, json};
use snc_core::names::{LABEL_TENANT, LABEL_WORKLOADS, MANAGER, WEBHOOK};
use snc_e2e::api::Ask;
use snc_e2e::cluster::OPERATOR_USER;
use snc_e2e::objects::{
    BASELINES, GUARD_BINDINGS, Kind, NAMESPACES, TENANTS, at, baseline, label, namespace, new_namespace, text,
};
use snc_e2e::wait::{eventually, within};
use snc_e2e::webhook::{CONFIGURATIONS, Certificates, Webhook, configured};
use std::path::Path;
use std::thread;
use std::time::Duration;
use xtask::harness::{ProcessSpec, free_port};

const WEBHOOK_PROCESS: &str = "webhook";
const SAY_YES: &str = "say-yes";
const FREE: &str = "libre";
const GOVERNED: &str = "gouverne";

pub fn measure(lab: &Lab, requests: usize, given: Option<&Path>, report: &mut Report) -> Result<()> {
    Report::heading(&format!("admission: {requests} pods by dry-run each, {CLIENTS} clients"));
    lab.admin.create(NAMESPACES, new_namespace(FREE, json!({})))?;
    account(lab, FREE)?;
    let free = format!("{}?dryRun=All", Kind::Pod.all(FREE));
    run(lab, &free, &good(), true, requests / 4, None)?;

    let bare = run(lab, &free, &good(), true, requests, None)?;
    told(report, "nothing", &bare);

    let certificates = Certificates::new()?;
    let yes = says_yes(lab, &certificates, FREE, requests)?;
    told(report, "says yes", &yes);

    govern(lab)?;
    let governed = format!("{}?dryRun=All", Kind::Pod.all(GOVERNED));
    let guards = run(lab, &governed, &good(), true, requests, None)?;
    told(report, "policies of the API server", &guards);

    let webhook = Webhook::start(&lab.plane, WEBHOOK_PROCESS, &certificates)?;
    // The guard of the configuration lets nobody else.
    let operator = lab.admin.impersonating(OPERATOR_USER);
    let made = configured(&webhook.url(), &certificates.bundle())?;
    operator.send(&Ask::apply(&at(CONFIGURATIONS, WEBHOOK), MANAGER, made))?;
    eventually("the webhook to be asked", || {
        let answer = lab.admin.create(&governed, bad());
        ensure!(answer.is_err(), "accepted");
        Ok(())
    })?;
    settle();
    let accepted = run(lab, &governed, &good(), true, requests, Some(WEBHOOK_PROCESS))?;
    told(report, "policies and webhook, accepted", &accepted);
    let unlike = run_unlike(lab, &governed, &good(), requests, Some(WEBHOOK_PROCESS))?;
    told(report, "policies and webhook, no two of one template", &unlike);
    let refused = run(lab, &governed, &bad(), false, requests, Some(WEBHOOK_PROCESS))?;
    told(report, "policies and webhook, refused", &refused);
    let usage = lab.usage(WEBHOOK_PROCESS)?;
    report.line("admission", "webhook RSS", usage.rss_mib, "MiB");
    report.line("admission", "webhook peak RSS", usage.peak_mib, "MiB");
    let deciding = webhook.count("snc_webhook_decision_duration_seconds_sum")?
        / webhook.count("snc_webhook_decision_duration_seconds_count")?.max(1.0);
    report.line("admission", "deciding, mean", deciding * 1000.0, "ms");

    // By itself: the operator would put the policies back.
    lab.stop_operator()?;
    for binding in lab.admin.list(GUARD_BINDINGS)? {
        lab.admin.delete(at(GUARD_BINDINGS, text(&binding, "/metadata/name")))?;
    }
    settle();
    let only = run(lab, &governed, &good(), true, requests, Some(WEBHOOK_PROCESS))?;
    told(report, "webhook only, accepted", &only);
    let only_unlike = run_unlike(lab, &governed, &good(), requests, Some(WEBHOOK_PROCESS))?;
    told(report, "webhook only, no two of one template", &only_unlike);
    lab.admin.delete(at(CONFIGURATIONS, WEBHOOK))?;
    webhook.terminate()?;
    // With Pod Security and all else that the namespace brings.
    let yes_there = says_yes(lab, &certificates, GOVERNED, requests)?;
    told(report, "says yes, in the governed namespace", &yes_there);

    let mut ratio = |name: &str, value: f64| report.line("admission", name, value, "");
    ratio("p50: webhook only / says yes", only.at(0.5) / yes.at(0.5));
    ratio("p50: webhook only, no two of one template / says yes", only_unlike.at(0.5) / yes.at(0.5));
    ratio("p50: webhook only / says yes, in the governed namespace", only.at(0.5) / yes_there.at(0.5));
    ratio("p50: policies and webhook / says yes", accepted.at(0.5) / yes.at(0.5));
    // What each adds to nothing.
    let (ours, least) = (only.total() - bare.total(), yes.total() - bare.total());
    ratio("extra CPU of the webhook / of one that says yes", ours / least);
    let apart = only_unlike.total() - bare.total();
    ratio("extra CPU of the webhook, no two of one template / of one that says yes", apart / least);
    ratio("CPU, refused / accepted", refused.total() / accepted.total());
    let Some(given) = given else {
        println!("Gatekeeper and Kyverno: not given (--peers DIRECTORY)");
        return Ok(());
    };
    let best = peers::measure(lab, given, requests, report)?;
    let mut ratio = |name: &str, value: f64| report.line("admission", name, value, "");
    ratio("p50: webhook only / the best peer's ten rules", only.at(0.5) / best.p50);
    ratio("p50: policies and webhook / the best peer's ten rules", accepted.at(0.5) / best.p50);
    ratio("extra CPU of the webhook / of the best peer's ten rules", ours / (best.cpu - bare.total()));
    Ok(())
}

/// A configuration acts after a moment.
fn settle() {
    thread::sleep(Duration::from_secs(3));
}

fn account(lab: &Lab, name: &str) -> Result<()> {
    eventually("the default account", || Ok(lab.admin.get(Kind::ServiceAccount.one(name, "default"))?))?;
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web"},
        "automountServiceAccountToken": false});
    lab.admin.create(Kind::ServiceAccount.all(name), account)?;
    Ok(())
}

/// At the highest level, with everything enforced.
fn govern(lab: &Lab) -> Result<()> {
    lab.start_operator()?;
    let modes = json!({"isolation": "Enforce", "podSecurity": "Enforce", "workloads": "Enforce"});
    let spec = json!({"modes": modes,
        "parameters": [{"control": "image-registry", "name": "registries", "value": ["registry.invalid"],
            "rationale": "le registre des essais"}]});
    within(Duration::from_secs(60), "the guards", || {
        Ok(lab.admin.create(BASELINES, baseline("bench", spec.clone()))?)
    })?;
    let tenant = json!({"apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncTenant", "metadata": {"name": "bench"},
        "spec": {"level": "Avance", "namespaces": [GOVERNED]}});
    lab.admin.create(TENANTS, tenant)?;
    within(Duration::from_secs(60), "a governed namespace", || {
        let _ = lab.admin.create(NAMESPACES, new_namespace(GOVERNED, json!({LABEL_TENANT: "bench"})));
        let found = lab.admin.get(namespace(GOVERNED))?;
        ensure!(label(&found, LABEL_WORKLOADS) == Some("Enforce"), "{}", found["metadata"]["labels"]);
        ensure!(label(&found, "secnumcloud.dev/isolated") == Some("true"), "not isolated");
        Ok(())
    })?;
    account(lab, GOVERNED)?;
    let path = format!("{}?dryRun=All", Kind::Pod.all(GOVERNED));
    within(Duration::from_secs(60), "an accepted pod", || Ok(lab.admin.create(&path, good())?)).map(drop)?;
    // What the operator does at its start is not what is measured.
    thread::sleep(Duration::from_secs(5));
    Ok(())
}

/// Asked about pods of one namespace.
fn says_yes(lab: &Lab, certificates: &Certificates, name: &str, requests: usize) -> Result<Figures> {
    let url = start_say_yes(lab, certificates)?;
    lab.admin.create(CONFIGURATIONS, yes(&url, &certificates.bundle(), name)?)?;
    settle();
    let path = format!("{}?dryRun=All", Kind::Pod.all(name));
    let figures = run(lab, &path, &good(), true, requests, Some(SAY_YES))?;
    lab.admin.delete(at(CONFIGURATIONS, "yes.bench"))?;
    lab.plane.instance().terminate(SAY_YES)?;
    Ok(figures)
}

fn start_say_yes(lab: &Lab, certificates: &Certificates) -> Result<String> {
    let port = free_port()?;
    let spec = ProcessSpec {
        program: std::env::current_exe()?,
        args: vec!["--say-yes".to_owned(), port.to_string(), certificates.path().display().to_string()],
        env: std::collections::BTreeMap::new(),
        clean_env: true,
        dir: None,
    };
    lab.plane.instance().spawn_spec(SAY_YES, &spec)?;
    eventually("it to listen", || Ok(std::net::TcpStream::connect(("127.0.0.1", port))?))?;
    Ok(format!("https://127.0.0.1:{port}/"))
}

fn yes(url: &str, bundle: &str, namespace: &str) -> Result<Value> {
    let mut made = configured(url, bundle)?;
    let first = made["webhooks"].as_array().and_then(|all| all.first()).context("no webhook")?.clone();
    let mut only = first;
    only["name"] = json!("yes.bench.example");
    only["clientConfig"]["url"] = json!(url);
    only["namespaceSelector"] = json!({"matchLabels": {"kubernetes.io/metadata.name": namespace}});
    if let Some(fields) = only.as_object_mut() {
        fields.remove("matchConditions");
    }
    made["metadata"] = json!({"name": "yes.bench"});
    made["webhooks"] = json!([only]);
    Ok(made)
}
