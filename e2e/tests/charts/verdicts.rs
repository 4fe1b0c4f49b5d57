//! What is refused, beside what is explained.

use crate::explained::{self, Explained, Pair};
use crate::rendered::{Kinds, Place, named, render};
use crate::scene::{DRY, NAMESPACE, enforced, with_webhook};
use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use serde_json::{Value, json};
use snc_catalogue::images::{OVERDUE, SCANNED};
use snc_catalogue::{POD_KINDS, controls};
use snc_core::facts::{Container, PodSpec};
use snc_core::image::Reference;
use snc_core::verdict::Subject;
use snc_e2e::api::Answer;
use snc_e2e::cluster::{Cluster, OPERATOR_NAMESPACE};
use snc_e2e::objects::{GUARD_BINDINGS, Kind, at};
use snc_e2e::wait::eventually;
use snc_plan::guards::BINDINGS;
use std::collections::BTreeSet;

const LEVEL: &str = "Standard";

struct Chart {
    name: String,
    explained: Explained,
    /// As it comes, and with what mends.
    objects: [Vec<Value>; 2],
}

pub fn all(cluster: &Cluster) -> Result<()> {
    enforced(cluster, NAMESPACE, LEVEL)?;
    let mut charts = Vec::new();
    for (name, explained) in explained::all()? {
        let objects =
            [render(cluster, &explained, &json!({}))?, render(cluster, &explained, &explained.values)?];
        charts.push(Chart { name, explained, objects });
    }
    ensure!(charts.len() >= 6, "only {} charts", charts.len());
    scanned(cluster, &charts)?;
    with_webhook(cluster, NAMESPACE, || {
        // With everything that refuses: whoever comes first names what it found.
        let (mut kinds, mut differs) = (Kinds::default(), Vec::new());
        for chart in &charts {
            for (mended, objects) in [false, true].into_iter().zip(&chart.objects) {
                let told = chart.explained.pairs(mended);
                for (object, answer) in sent(cluster, &mut kinds, objects)? {
                    let wanted = told.iter().any(|(of, _)| *of == object);
                    let fits = match &answer {
                        Ok(_) => !wanted,
                        Err(refusal) => {
                            wanted
                                && told.iter().any(|(of, id)| *of == object && refusal.message.contains(id))
                        }
                    };
                    if !fits {
                        differs.push(format!("{}: {object}: {answer:?}", chart.name));
                    }
                }
            }
        }
        // A policy tells the first of its rules only. Without them the webhook tells all.
        cluster.stop_operator()?;
        for binding in BINDINGS {
            if cluster.admin.find(at(GUARD_BINDINGS, binding))?.is_some() {
                cluster.admin.delete(at(GUARD_BINDINGS, binding))?;
            }
        }
        let result = alone(cluster, &charts, &mut kinds, &mut differs);
        cluster.start_operator(&[])?;
        result?;
        ensure!(differs.is_empty(), "{} differ:\n{}", differs.len(), differs.join("\n"));
        Ok(())
    })
}

fn images(object: &Value) -> Result<Vec<Reference>> {
    let text = |name: &str| object[name].as_str().unwrap_or_default();
    let kind = Subject::new(text("apiVersion"), text("kind"), "", "").kind_key();
    if !POD_KINDS.contains(&kind.as_str()) {
        return Ok(Vec::new());
    }
    let (_, spec) = PodSpec::within(&kind, object)?;
    let read = |(_, container): (&str, &Container)| {
        Reference::parse(&container.image).with_context(|| container.image.clone())
    };
    spec.every_container().map(read).collect()
}

/// The platform scans what it takes in: every image that a chart pins, and nothing is found in it.
fn scanned(cluster: &Cluster, charts: &[Chart]) -> Result<()> {
    let mut digests = BTreeSet::new();
    for object in charts.iter().flat_map(|chart| &chart.objects).flatten() {
        digests.extend(images(object)?.into_iter().filter_map(|image| image.digest));
    }
    for digest in digests {
        let name = format!("{}-trivy", digest.as_str().replace(':', "-"));
        let spec = json!({"digests": {"manifests": [digest]}, "scanner": {"name": "trivy"}, "nature": "scan", "format": "trivy",
            "scannedAt": Timestamp::now().to_string(), "vulnerabilities": [],
            "counts": {"critical": 0, "high": 0, "medium": 0, "low": 0, "unknown": 0}});
        let scan = json!({"apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncImageScan", "metadata": {"name": name}, "spec": spec});
        cluster.platform.create(Kind::SncImageScan.all(OPERATOR_NAMESPACE), scan)?;
    }
    Ok(())
}

/// What is named by a tag alone: no scan can be about it, and so it is with every chart that pins nothing.
fn unscannable(objects: &[Value]) -> Result<BTreeSet<Pair>> {
    let mut pairs = BTreeSet::new();
    for object in objects {
        if images(object)?.iter().any(|image| image.digest.is_none()) {
            pairs.extend([SCANNED, OVERDUE].map(|id| (named(object), id.to_owned())));
        }
    }
    Ok(pairs)
}

/// Everything that the webhook refuses is explained, what is explained is refused, and the facts are as told.
fn alone(cluster: &Cluster, charts: &[Chart], kinds: &mut Kinds, differs: &mut Vec<String>) -> Result<()> {
    eventually("the policies of controls to be forgotten", || {
        let pod = json!({"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "p"},
            "template": {"spec": {"hostNetwork": true, "containers": [{"name": "a", "image": "a"}]}}});
        let path = format!("/api/v1/namespaces/{NAMESPACE}/podtemplates?{DRY}");
        let answer = cluster.platform.create(path, pod);
        let by_webhook = answer.as_ref().is_err_and(|refusal| refusal.message.contains("admission webhook"));
        ensure!(by_webhook, "{answer:?}");
        Ok(())
    })?;
    for Chart { name, explained, objects } in charts {
        facts(explained, &objects[0]).with_context(|| name.clone())?;
        for (mended, objects) in [false, true].into_iter().zip(objects) {
            let mut told = explained.pairs(mended);
            told.extend(unscannable(objects)?);
            let (mut refused, mut accepted): (BTreeSet<Pair>, usize) = (BTreeSet::new(), 0);
            for (object, answer) in sent(cluster, kinds, objects)? {
                match answer {
                    Ok(_) => accepted += 1,
                    Err(refusal) => {
                        let ids = ids(&refusal.message);
                        ensure!(!ids.is_empty(), "{name}: {object}: {refusal}");
                        for id in ids {
                            let pair = (object.clone(), id.clone());
                            if !told.contains(&pair) {
                                let lines = refusal.message.lines();
                                let line = lines.into_iter().find(|line| line.contains(&id));
                                differs.push(format!(
                                    "{name} (mended: {mended}): {object} {}",
                                    line.unwrap_or("")
                                ));
                            }
                            refused.insert(pair);
                        }
                    }
                }
            }
            for (object, id) in told.difference(&refused) {
                differs
                    .push(format!("{name} (mended: {mended}): {object} - {id} is explained and not refused"));
            }
            println!("{name} (mended: {mended}): {} refusals, {accepted} objects accepted", refused.len());
        }
    }
    Ok(())
}

/// Each object that is a tenant's to make, as a dry run.
fn sent(cluster: &Cluster, kinds: &mut Kinds, objects: &[Value]) -> Result<Vec<(String, Answer)>> {
    let mut answers = Vec::new();
    for object in objects {
        match kinds.place(&cluster.admin, object)? {
            Place::Here(path) => {
                let answer = cluster.platform.create(format!("{path}?{DRY}"), object.clone());
                answers.push((named(object), answer));
            }
            Place::Skipped(why) => println!("{} skipped: {why}", named(object)),
        }
    }
    Ok(answers)
}

/// The controls that a refusal of the webhook names.
fn ids(message: &str) -> Vec<String> {
    let lines = message.lines().filter_map(|line| line.strip_prefix("- "));
    let ids = lines.filter_map(|line| line.split([':', ' ']).next());
    ids.filter(|id| controls().iter().any(|control| control.id == *id)).map(str::to_owned).collect()
}

/// What is said to be wrong is in the object.
fn facts(explained: &Explained, objects: &[Value]) -> Result<()> {
    for refusal in &explained.refusals {
        for found in &refusal.found {
            let object = objects.iter().find(|object| named(object) == found.object);
            let object = object.with_context(|| format!("no {}", found.object))?;
            let there = object.pointer(&found.at).unwrap_or(&Value::Null);
            ensure!(
                *there == found.holds,
                "{} {} {}: told {}, found {there}",
                refusal.control,
                found.object,
                found.at,
                found.holds
            );
        }
    }
    Ok(())
}
