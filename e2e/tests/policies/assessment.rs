//! What the operator says of the controls: in the status of policies, in assessments, and about controls of the
//! platform's own.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use snc_core::names::{ASSESSMENT, GUARD_MANAGED, GUARD_STATUS};
use snc_e2e::cluster::{Cluster, OPERATOR_NAMESPACE};
use snc_e2e::objects::{
    BASELINES, CLUSTER_ROLES, Kind, TENANTS, at, baseline, flow, flows, namespace, policy, stamp, text,
};
use snc_e2e::wait::{throughout, within};
use std::collections::BTreeMap;
use std::time::Duration;
use xtask::harness::User;

const CONTROLS: &str = "/apis/secnumcloud.dev/v1alpha1/snccontrols";
const SATISFIED: &str = "ControlsSatisfied";
/// The operator gathers changes, and writes one assessment every twenty seconds at most.
pub const PATIENCE: Duration = Duration::from_secs(90);
const MAX_BYTES: usize = 100 * 1024;

pub fn assessment(namespace: &str) -> String {
    Kind::SncAssessment.one(namespace, ASSESSMENT)
}

fn of_cluster() -> String {
    assessment(OPERATOR_NAMESPACE)
}

pub fn deployments(namespace: &str) -> String {
    format!("/apis/apps/v1/namespaces/{namespace}/deployments")
}

/// What fails in it is let in where workloads are warned of.
pub const FAULT: &str = "image-mutable-tag";

/// A deployment of no pods.
pub fn deployment(name: &str, faulty: bool) -> Value {
    let labels = json!({"app": name});
    let tag = if faulty { "latest" } else { "1.0" };
    let container = json!({
        "name": "main", "image": format!("registry.invalid/never-pulled:{tag}"),
        "imagePullPolicy": "Always",
        "securityContext": {"allowPrivilegeEscalation": false},
    });
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {
            "replicas": 0, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    })
}

/// A governed namespace of that name with one policy, `reseau`; gives the policy's path.
pub fn governed(cluster: &Cluster, name: &str, level: &str) -> Result<String> {
    cluster.governed(name, &[name], json!({"level": level}))?;
    cluster
        .platform
        .create(Kind::SncPolicy.all(name), policy("reseau", flows(vec![flow("api", json!({}))])))?;
    Ok(Kind::SncPolicy.one(name, "reseau"))
}

fn number(object: &Value, pointer: &str) -> Result<i64> {
    object
        .pointer(pointer)
        .and_then(Value::as_i64)
        .with_context(|| format!("no {pointer}: {}", object["status"]))
}

/// What an assessment says of one control.
pub fn control<'a>(assessment: &'a Value, id: &str) -> Result<&'a Value> {
    let all = assessment["status"]["controls"].as_array().into_iter().flatten();
    all.into_iter().find(|one| one["id"] == id).with_context(|| format!("no {id}"))
}

/// Waits until an assessment says that of a control.
pub fn says(cluster: &Cluster, path: &str, id: &str, verdict: &str) -> Result<Value> {
    within(PATIENCE, &format!("{id} {verdict} in {path}"), || {
        let found = cluster.admin.get(path)?;
        let said = control(&found, id)?;
        ensure!(said["verdict"] == verdict, "{said}, changed at {}", found["status"]["changedAt"]);
        Ok(found)
    })
}

pub fn followed(cluster: &Cluster) -> Result<()> {
    let name = "evalue";
    let path = governed(cluster, name, "Standard")?;
    cluster.platform.create(deployments(name), deployment("web", true))?;
    let tenant = assessment(name);
    let bad = says(cluster, &tenant, FAULT, "Fail")?;
    ensure!(bad["spec"] == json!({"scope": "Tenant", "tenant": name}), "{}", bad["spec"]);
    ensure!(text(&bad, "/status/level") == "Standard", "{}", bad["status"]["level"]);
    ensure!(number(control(&bad, FAULT)?, "/fail")? == 1, "{}", control(&bad, FAULT)?);
    let states = bad["status"]["states"].as_array().context("states")?;
    ensure!(states.len() == 287, "{}", states.len());
    ensure!(states.iter().all(|one| one["state"] != "Compliant"), "compliant without an attestation");
    let size = serde_json::to_vec(&bad)?.len();
    ensure!(size <= MAX_BYTES, "{size} bytes");

    let said = within(PATIENCE, "the policy to say so", || {
        let found = cluster.admin.get(&path)?;
        let satisfied = snc_e2e::objects::condition(&found, SATISFIED).context("no condition yet")?;
        ensure!(satisfied["status"] == "False" && satisfied["reason"] == "ControlsFail", "{satisfied}");
        ensure!(number(&found, "/status/controls/disproved")? > 0, "{}", found["status"]);
        let shown = found["status"].to_string();
        ensure!(shown.contains(FAULT) && shown.contains("Deployment"), "{shown}");
        Ok(found)
    })?;
    let failing = number(&said, "/status/controls/disproved")?;
    let score = number(&said, "/status/controls/score")?;
    let (proven, unknown) =
        (number(&said, "/status/controls/proven")?, number(&said, "/status/controls/unknown")?);
    ensure!(score == 100 * proven / (proven + failing + unknown), "{}", said["status"]["controls"]);

    let table = cluster.kubectl_ok(User::Platform, &["get", "sncas", "-A"])?;
    ensure!(table.lines().any(|line| line.starts_with(name) && line.contains("Tenant")), "{table}");

    // Mended, it says so without a look at everything, and what was is still told.
    cluster.platform.replace(at(&deployments(name), "web"), deployment("web", false))?;
    let good = says(cluster, &tenant, FAULT, "Pass")?;
    ensure!(
        number(&good, "/status/disproved")? < number(&bad, "/status/disproved")?,
        "{}",
        good["status"]["disproved"]
    );
    within(PATIENCE, "the policy to have one failure less", || {
        let now = number(&cluster.admin.get(&path)?, "/status/controls/disproved")?;
        ensure!(now < failing, "{now}");
        Ok(())
    })?;
    cluster.platform.delete(at(&deployments(name), "web"))?;
    says(cluster, &tenant, FAULT, "NotApplicable").map(drop).or_else(|_| {
        // A control of which nothing is left need not be listed.
        let found = cluster.admin.get(&tenant)?;
        ensure!(control(&found, FAULT).is_err(), "still there: {}", control(&found, FAULT)?);
        Ok(())
    })
}

pub fn guarded(cluster: &Cluster) -> Result<()> {
    let name = "evalue-garde";
    governed(cluster, name, "Standard")?;
    let path = assessment(name);
    let before = within(PATIENCE, "the assessment", || {
        let found = cluster.admin.get(&path)?;
        number(&found, "/status/disproved")?;
        Ok(found)
    })?;
    let attempts = [
        (
            "status",
            cluster
                .platform
                .merge(format!("{path}/status"), json!({"status": {"disproved": 0, "score": 100}})),
        ),
        ("spec", cluster.platform.merge(&path, json!({"spec": {"tenant": "autre"}}))),
        ("deletion", cluster.platform.delete(&path)),
    ];
    for (what, answer) in attempts {
        let refusal = answer.err().with_context(|| format!("{what} was accepted"))?;
        // Two of them guard it, and one of the two is told of.
        let guards = [GUARD_MANAGED, GUARD_STATUS];
        ensure!(guards.iter().any(|guard| refusal.message.contains(guard)), "{what}: {refusal}");
    }
    let after = cluster.admin.get(&path)?;
    ensure!(after["metadata"]["uid"] == before["metadata"]["uid"], "another object");
    // The namespace goes all the same, and takes it along.
    cluster.platform.delete(namespace(name))?;
    Ok(())
}

/// Worst verdict of each control, as `audit` finds it with every right.
fn audited(cluster: &Cluster) -> Result<BTreeMap<String, String>> {
    let output = cluster
        .kubectl_snc(User::Admin, &["audit", "-o", "json", "--level", "Avance", "--fail-on", "none"])?;
    let report: Value = serde_json::from_str(&output.stdout).with_context(|| format!("{output:?}"))?;
    let mut worst = BTreeMap::new();
    for found in report["findings"].as_array().into_iter().flatten() {
        let (id, verdict) = (text(found, "/control").to_owned(), text(found, "/verdict").to_owned());
        if verdict == "Fail" || !worst.contains_key(&id) {
            worst.insert(id, verdict);
        }
    }
    Ok(worst)
}

/// Reading Secrets is not the operator's right by default.
const OF_SECRETS: [&str; 3] = ["secret-legacy-token", "secret-static-credentials", "ingress-secret-missing"];

pub fn same_as_audit(cluster: &Cluster) -> Result<()> {
    within(PATIENCE, "the assessment of the cluster to say what audit says", || {
        let audited = audited(cluster)?;
        let found = cluster.admin.get(of_cluster())?;
        let said = found["status"]["controls"].as_array().context("controls")?;
        ensure!(said.len() > 150, "{} controls", said.len());
        let differences: Vec<String> = said
            .iter()
            .filter(|one| !OF_SECRETS.contains(&text(one, "/id")))
            .filter_map(|one| {
                let (id, verdict) = (text(one, "/id"), text(one, "/verdict"));
                let theirs = audited.get(id).map_or("", String::as_str);
                let ours = if matches!(verdict, "Fail" | "Unknown") { verdict } else { "" };
                (ours != theirs).then(|| format!("{id}: {verdict}, audit {theirs:?}"))
            })
            .collect();
        ensure!(differences.is_empty(), "{differences:?}");
        for id in OF_SECRETS {
            ensure!(control(&found, id)?["verdict"] == "Unknown", "{}", control(&found, id)?);
        }
        Ok(())
    })
}

pub fn quiet(cluster: &Cluster) -> Result<()> {
    let name = "evalue-calme";
    let policy = governed(cluster, name, "Standard")?;
    let paths = [assessment(name), of_cluster(), policy];
    let stamps = || paths.iter().map(|path| Ok(stamp(&cluster.admin.get(path)?))).collect::<Result<Vec<_>>>();
    let settled = || {
        within(PATIENCE, "everything to be said", || {
            let before = stamps()?;
            throughout(Duration::from_secs(22), || {
                ensure!(stamps()? == before, "still written");
                Ok(())
            })?;
            Ok(before)
        })
    };
    let before = settled()?;
    cluster.restart_operator()?;
    let after = settled()?;
    ensure!(before == after, "a restart wrote again: {before:?}, {after:?}");
    Ok(())
}

pub fn without_right(cluster: &Cluster) -> Result<()> {
    let before = within(PATIENCE, "the assessment of the cluster", || Ok(cluster.admin.get(of_cluster())?))?;
    let role = at(CLUSTER_ROLES, "snc-assessment");
    let whole = cluster.admin.get(&role)?;
    let mut less = whole.clone();
    for rule in less["rules"].as_array_mut().into_iter().flatten() {
        if let Some(resources) = rule["resources"].as_array_mut() {
            resources.retain(|resource| resource != "ingresses");
        }
    }
    cluster.without_rights(|| {
        cluster.admin.replace(&role, less)?;
        cluster.restart_operator()?;
        let found = within(PATIENCE, "controls on Ingress to be unknown", || {
            let found = cluster.admin.get(of_cluster())?;
            let said = control(&found, "ingress-without-tls")?;
            ensure!(said["verdict"] == "Unknown", "{said}");
            Ok(found)
        })?;
        let score = |found: &Value| found["status"]["score"].as_i64();
        ensure!(score(&found) <= score(&before), "{:?} after {:?}", score(&found), score(&before));
        let mut again = whole.clone();
        again["metadata"]["resourceVersion"] = Value::Null;
        cluster.admin.replace(&role, again)?;
        cluster.restart_operator()
    })?;
    within(PATIENCE, "controls on Ingress to be known again", || {
        let found = cluster.admin.get(of_cluster())?;
        let known = control(&found, "ingress-without-tls").map_or(true, |said| said["verdict"] != "Unknown");
        ensure!(known, "{}", control(&found, "ingress-without-tls")?);
        Ok(())
    })
}

fn custom(expect: &str) -> Value {
    json!({
        "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncControl", "metadata": {"name": "custom-team-label"},
        "spec": {
            "category": "namespaces", "requirements": ["8.1.a"], "level": "Essentiel", "severity": "medium",
            "scope": "any",
            "title": {"fr": "Label team absent", "en": "Label team missing"},
            "remediation": {"fr": "Ajouter le label.", "en": "Add the label.", "snippet": "metadata:\n  labels:\n    team: a\n"},
            "boundary": {"fr": "Le label seul.", "en": "The label only."},
            "reads": ["core/Service"],
            "rule": {
                "applies": "object.metadata.name.startsWith('equipe-')",
                "expect": expect, "path": "metadata.labels.team",
                "message": {"fr": "{found} manque", "en": "{found} is missing"},
            },
        },
    })
}

pub fn own_controls(cluster: &Cluster) -> Result<()> {
    let name = "evalue-propre";
    governed(cluster, name, "Standard")?;
    let tenant = assessment(name);
    let services = format!("/api/v1/namespaces/{name}/services");
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "equipe-a"},
        "spec": {"clusterIP": "None", "selector": {"app": "a"}, "ports": [{"port": 8443}]},
    });
    cluster.platform.create(&services, service)?;
    // What is there speaks for itself before anything is added.
    let first = says(cluster, &tenant, "service-unsafe-ports", "Pass")?;
    let score = |found: &Value| number(found, "/status/score");

    // Wrong: it is said where, and nothing gets better by it.
    cluster.platform.create(CONTROLS, custom("'team' in\n  object.metadata.lables.("))?;
    let path = at(CONTROLS, "custom-team-label");
    let wrong = cluster.condition(&path, "Compiled", "False", "CompileError")?;
    let message = text(&wrong, "/message");
    ensure!(message.contains("spec.rule.expect") && message.contains('2'), "{message}");

    let mut right = custom("has(object.metadata.labels) && 'team' in object.metadata.labels");
    right["metadata"]["resourceVersion"] = cluster.admin.get(&path)?["metadata"]["resourceVersion"].clone();
    cluster.platform.replace(&path, right)?;
    cluster.condition(&path, "Compiled", "True", "Compiled")?;
    let failing = says(cluster, &tenant, "custom-team-label", "Fail")?;
    ensure!(score(&failing)? <= score(&first)?, "{} after {}", score(&failing)?, score(&first)?);
    cluster.platform.merge(at(&services, "equipe-a"), json!({"metadata": {"labels": {"team": "a"}}}))?;
    let passing = says(cluster, &tenant, "custom-team-label", "Pass")?;
    ensure!(
        number(&passing, "/status/proven")? <= number(&first, "/status/proven")?,
        "a control of the platform's own proved something"
    );
    cluster.platform.delete(&path)?;
    within(PATIENCE, "the control to be gone", || {
        ensure!(control(&cluster.admin.get(&tenant)?, "custom-team-label").is_err(), "still there");
        Ok(())
    })?;

    // Names of the built-in ones are not to be had.
    let mut builtin = custom("true");
    builtin["metadata"]["name"] = json!("pod-privileged");
    let refusal = cluster.platform.create(CONTROLS, builtin).err().context("pod-privileged was accepted")?;
    ensure!(refusal.message.contains("custom-"), "{refusal}");
    Ok(())
}

pub fn tailored(cluster: &Cluster) -> Result<()> {
    let (name, id) = ("evalue-mesure", "pod-termination-grace");
    governed(cluster, name, "Standard")?;
    let mut slow = deployment("lent", false);
    slow["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = json!(600);
    cluster.platform.create(deployments(name), slow)?;
    let tenant = assessment(name);
    says(cluster, &tenant, id, "Pass")?;

    let spec = |value: i64| {
        let parameter = json!({
            "control": id, "name": "maxSeconds", "value": value,
            "rationale": "les nœuds de cette zone sont vidés en dix minutes",
        });
        json!({"tenantSelector": {"matchLabels": {"mesure": "serree"}}, "parameters": [parameter]})
    };
    cluster.platform.create(BASELINES, baseline("mesure", spec(300)))?;
    cluster.platform.merge(at(TENANTS, name), json!({"metadata": {"labels": {"mesure": "serree"}}}))?;
    says(cluster, &tenant, id, "Fail")?;

    // Out of bounds: refused by its path, and the default holds.
    let path = at(BASELINES, "mesure");
    cluster.platform.merge(&path, json!({"spec": spec(1_000_000)}))?;
    within(PATIENCE, "the refusal to be told", || {
        let told = cluster.admin.get(&path)?["status"]["conditions"].to_string();
        ensure!(told.contains("1000000") && told.contains("spec.parameters"), "{told}");
        Ok(())
    })?;
    says(cluster, &tenant, id, "Pass")?;
    let mut unreasoned = spec(300);
    unreasoned["parameters"][0]["rationale"] = json!("");
    let refusal = cluster.platform.merge(&path, json!({"spec": unreasoned})).err();
    let refusal = refusal.context("accepted without a rationale")?;
    ensure!(refusal.message.contains("rationale"), "{refusal}");
    cluster.platform.delete(path)?;
    Ok(())
}
