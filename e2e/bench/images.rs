//! What images cost: the judge of what runs, and one decision about a pod, with all scans of a large cluster known.

use crate::report::Report;
use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use snc_catalogue::images::ImageTally;
use snc_catalogue::{Admission, Catalogue, Held, Live, Object, Profile, Tenancy};
use snc_core::lang::Lang;
use snc_core::lattice::{Most, Source};
use snc_core::policy::Constraints;
use snc_core::reserved::Reserved;
use snc_core::snapshot::{Availability, Fact};
use snc_core::tier::{Level, Mode};
use snc_core::verdict::Subject;
use snc_core::waiver::Waivers;
use snc_index::{Hosts, Images, Index};
use snc_network::audit::Addresses;
use snc_webhook::across::Others;
use snc_webhook::decision::{Known, Standing, Whose, decide};
use snc_webhook::review::{Operation, Request};
use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

const FINDINGS: usize = 20;
const NAMESPACES: usize = 200;
const DECISIONS: usize = 20_000;

/// As evenly spread as digests are.
fn digest(of: usize) -> String {
    format!("sha256:{:02x}{of:062x}", of % 256)
}

/// One in a hundred has something critical.
fn scan(of: usize, now: Timestamp) -> Value {
    let found: Vec<Value> = (0..FINDINGS)
        .map(|n| {
            let severity = if n == 0 && of.is_multiple_of(100) { "critical" } else { "low" };
            json!({"id": format!("CVE-2026-{:05}", (of * 7 + n) % 30_000), "package": format!("package-{n}"),
                "version": "1.2.3-4", "fixedVersion": "1.2.3-5", "severity": severity, "severitySource": "debian",
                "analysis": {"state": "affected"}})
        })
        .collect();
    let name = format!("{}-trivy", digest(of).replace(':', "-"));
    json!({"apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncImageScan",
        "metadata": {"name": name, "namespace": "snc-system"},
        "spec": {"image": format!("registry.example/app-{of}:1"), "digests": {"manifests": [digest(of)]},
            "scanner": {"name": "trivy"}, "nature": "scan", "format": "trivy", "scannedAt": now.to_string(),
            "counts": {"critical": 0, "high": 0, "medium": 0, "low": 0, "unknown": 0}, "vulnerabilities": found}})
}

/// Of two containers, one of an image that many run.
fn pod(number: usize, images: usize) -> Value {
    let (own, shared) = (number % images, number % 50);
    let container = |name: &str, of: usize| json!({"name": name, "image": format!("registry.example/app-{of}@{}", digest(of))});
    let status = |name: &str, of: usize| json!({"name": name, "imageID": format!("registry.example/app-{of}@{}", digest(of))});
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": format!("pod-{number:06}"), "namespace": format!("namespace-{}", own % NAMESPACES),
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("set-{own}"), "controller": true}]},
        "spec": {"serviceAccountName": "web", "containers": [container("web", own), container("proxy", shared)]},
        "status": {"phase": "Running", "containerStatuses": [status("web", own), status("proxy", shared)]}})
}

fn resident() -> Result<f64> {
    let text = fs::read_to_string("/proc/self/statm")?;
    let pages: u32 = text.split(' ').nth(1).context("statm")?.parse()?;
    Ok(f64::from(pages) * 4096.0 / 1_048_576.0)
}

pub fn measure(images: usize, pods: usize, report: &mut Report) -> Result<()> {
    Report::heading(&format!("images: {images} digests of {FINDINGS} findings, {pods} pods"));
    // First, so that what the other frees is not taken for nothing.
    decided(images, report)?;
    judged(images, pods, report)
}

fn judged(images: usize, pods: usize, report: &mut Report) -> Result<()> {
    let now = Timestamp::now();
    let mut tell = |name: &str, value: f64, unit: &str| report.line("images", name, value, unit);
    let catalogue = Arc::new(Catalogue::on_demand()?);
    let mut live = Live::new(catalogue.clone());
    for kind in catalogue.reads() {
        live.set(&kind, Availability::Held);
    }
    live.govern(Tenancy::new(Profile::new(Level::Avance)));
    live.conclude(now);
    let weigher = live.weigher();
    let weigh = |body: Value| -> Result<Held> { Ok(weigher.weigh(Object::new(body).context("a name")?)) };
    let before = resident()?;
    for number in 0..pods {
        live.apply(weigh(pod(number, images))?);
    }
    let with_pods = resident()?;
    tell("RSS of the pods", with_pods - before, "MiB");
    let started = Instant::now();
    for of in 0..images {
        live.apply(weigh(scan(of, now))?);
    }
    tell("scans made and taken in", started.elapsed().as_secs_f64(), "s");
    tell("RSS of the scans", resident()? - with_pods, "MiB");
    let started = Instant::now();
    live.conclude(now);
    tell("first verdicts, and what is new", started.elapsed().as_secs_f64(), "s");
    // As the operator writes it, and reads it back.
    let with_scans = resident()?;
    let mut ledgers = BTreeMap::new();
    for (name, news) in live.unwritten().iter() {
        let mut ledger = snc_core::facts::ImageLedger::default();
        news.write(&mut ledger, now - SignedDuration::from_hours(100));
        ledgers.insert(name.clone(), json!({"images": ledger.images, "full": ledger.full}));
    }
    let largest = ledgers.values().map(|spec| spec.to_string().len()).max().unwrap_or(0);
    let count = ledgers.len();
    for (name, spec) in ledgers {
        live.apply(weigh(json!({"apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncImageLedger",
            "metadata": {"name": name, "namespace": "snc-system"}, "spec": spec}))?);
    }
    tell("objects of the ledger", f64::from(u32::try_from(count)?), "");
    tell("the largest of them", f64::from(u32::try_from(largest)?) / 1024.0, "KiB");
    let started = Instant::now();
    let assessed = live.conclude(now);
    tell("verdicts with all dates", started.elapsed().as_secs_f64(), "s");
    tell("RSS of the dates, what made them included", resident()? - with_scans, "MiB");
    let ImageTally { running, overdue, .. } = assessed.images.get("").copied().unwrap_or_default();
    tell("images that run", f64::from(u32::try_from(running)?), "");
    tell("of them overdue", f64::from(u32::try_from(overdue)?), "");
    live.apply(weigh(scan(3, now + SignedDuration::from_secs(1)))?);
    let started = Instant::now();
    live.conclude(now);
    tell("verdicts after one scan was made again", started.elapsed().as_secs_f64(), "s");
    Ok(())
}

fn decided(images: usize, report: &mut Report) -> Result<()> {
    let now = Timestamp::now();
    let admission = Admission::new(Catalogue::on_demand()?)?;
    let before = resident()?;
    let mut known = Images::default();
    for of in 0..images {
        let body = scan(of, now);
        let name = body["metadata"]["name"].as_str().unwrap_or_default();
        let subject = Subject::new("secnumcloud.dev/v1alpha1", "SncImageScan", "snc-system", name);
        known.apply(&subject, Fact::of(&subject, &body));
    }
    report.line("images", "RSS of the scans in the webhook", resident()? - before, "MiB");
    let (index, hosts, addresses, reserved) =
        (Index::default(), Hosts::default(), Addresses::default(), Reserved::default());
    // At the first level no control asks about scans: the rest of the decision is the same but for the rules.
    for (name, level) in [("Essentiel", Level::Essentiel), ("Avance", Level::Avance)] {
        let mut took: Vec<Duration> = Vec::with_capacity(DECISIONS);
        let source = Source::Product;
        let constraints =
            Constraints { images: Most::of(Some(Mode::Enforce), &source), ..Constraints::default() };
        let standing = Arc::new(Standing::new("shop", Profile::new(level), &constraints));
        let waivers = Waivers::default();
        for number in 0..DECISIONS {
            let request = Request {
                uid: "u".to_owned(),
                operation: Operation::Create,
                api_version: "v1".to_owned(),
                kind: "Pod".to_owned(),
                sub_resource: String::new(),
                namespace: "shop".to_owned(),
                name: String::new(),
                username: "alice".to_owned(),
                groups: Vec::new(),
                object: pod(number, images),
                old_object: Value::Null,
            };
            let others = Others {
                index: &index,
                hosts: &hosts,
                addresses: &addresses,
                reserved: &reserved,
                images: Some(&known),
                signatures: None,
                home: "snc-system",
                now,
            };
            let known = Known {
                admission: &admission,
                lang: Lang::En,
                whose: Whose::Tenant(standing.clone()),
                strict: true,
                waivers: &waivers,
                bypass_group: None,
                others: Ok(others),
            };
            let started = Instant::now();
            let decision = decide(request, &known);
            took.push(started.elapsed());
            drop(decision);
        }
        took.sort_unstable();
        for (percent, at) in [("p50", DECISIONS / 2), ("p99", DECISIONS * 99 / 100)] {
            let micros = took.get(at).map_or(0.0, Duration::as_secs_f64) * 1e6;
            report.line("images", &format!("decision at {name}, {percent}"), micros, "µs");
        }
    }
    Ok(())
}
