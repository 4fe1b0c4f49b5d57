//! What `kubectl snc audit` takes, beside listing and decoding the same kinds.

use crate::lab::Lab;
use crate::report::Report;
use crate::scan::run;
use crate::workload::{TEAMS, namespace, pod};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use snc_catalogue::Catalogue;
use snc_e2e::objects::{Kind, NAMESPACES, new_namespace, text};
use std::process::Command;
use std::time::Instant;
use xtask::harness::{User, workspace};

const TEMPLATES: usize = 200;
const PAGE: u32 = 500;

pub fn measure(lab: &Lab, pods: usize, report: &mut Report) -> Result<()> {
    let teams: Vec<usize> = (0..TEAMS).collect();
    lab.each(&teams, |api, team| {
        api.create(NAMESPACES, new_namespace(&namespace(*team), json!({})))?;
        Ok(())
    })?;
    let numbers: Vec<usize> = (0..pods).collect();
    lab.each(&numbers, |api, number| {
        let mut object = pod(number % TEMPLATES, *number);
        // Nobody is there to own it, and the collector would take it away.
        if let Some(metadata) = object["metadata"].as_object_mut() {
            for field in ["ownerReferences", "uid", "resourceVersion"] {
                metadata.remove(field);
            }
        }
        object["spec"]["nodeName"] = Value::Null;
        api.create(Kind::Pod.all(&namespace(number % TEMPLATES)), object)?;
        Ok(())
    })?;
    let paths = paths(lab)?;
    let mut audit = Command::new(workspace::binary("kubectl-snc")?);
    audit.args(["audit", "-o", "json"]).env("KUBECONFIG", lab.plane.kubeconfig(User::Admin));
    // The first to list pays for what the API server then has at hand.
    list(lab, &paths)?;
    let started = Instant::now();
    let objects = list(lab, &paths)?;
    let listing = started.elapsed().as_secs_f64();
    let took = run(&mut audit)?;
    Report::heading(&format!("audit: {pods} pods of {TEMPLATES} templates, {objects} objects"));
    let mut line = |name: &str, value: f64, unit: &str| report.line("audit", name, value, unit);
    line("listing and decoding", listing, "s");
    line("audit", took.elapsed, "s");
    line("audit / listing and decoding", took.elapsed / listing, "");
    line("peak RSS", took.peak_mib, "MiB");
    Ok(())
}

/// Where each kind that a control reads is served.
fn paths(lab: &Lab) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    for kind in Catalogue::on_demand()?.reads() {
        let (group, kind) = kind.split_once('/').context("a kind without a group")?;
        let root = if group == "core" {
            "/api/v1".to_owned()
        } else {
            let Some(served) = lab.admin.find(format!("/apis/{group}"))? else { continue };
            format!("/apis/{}", text(&served, "/preferredVersion/groupVersion"))
        };
        let served = lab.admin.get(root.as_str())?;
        let resources = served["resources"].as_array().into_iter().flatten();
        let found = resources.filter(|found| found["kind"] == kind).map(|found| text(found, "/name"));
        paths.extend(found.filter(|name| !name.contains('/')).map(|name| format!("{root}/{name}")));
    }
    Ok(paths)
}

fn list(lab: &Lab, paths: &[String]) -> Result<usize> {
    let mut count = 0;
    for path in paths {
        let mut token = String::new();
        loop {
            let page = lab.admin.get(format!("{path}?limit={PAGE}&continue={token}"))?;
            count += page["items"].as_array().map_or(0, Vec::len);
            text(&page, "/metadata/continue").clone_into(&mut token);
            if token.is_empty() {
                break;
            }
        }
    }
    Ok(count)
}
