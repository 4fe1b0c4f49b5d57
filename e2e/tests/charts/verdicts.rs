//! What is refused, beside what is explained.

use crate::explained::{self, Explained, Pair};
use crate::rendered::{Kinds, Place, named, render};
use crate::scene::{DRY, NAMESPACE, enforced, with_webhook};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use snc_catalogue::controls;
use snc_e2e::api::Answer;
use snc_e2e::cluster::Cluster;
use snc_e2e::objects::{GUARD_BINDINGS, at};
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
            let told = explained.pairs(mended);
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
