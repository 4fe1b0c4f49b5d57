//! What `helm upgrade` does before it changes anything: objects that etcd holds in an older version of a CRD are written in that
//! of today. The chart's own hook, with its ServiceAccount, past every guard, while no operator runs.
//!
//! What a version of etcd's is cannot be read through the API. But the API server cannot read an object in a version that its
//! CRD no longer has, and that is what the last step asks.

use crate::hook::{Hook, succeeded};
use anyhow::{Context, Result, bail, ensure};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use snc_core::names::{ASSESSMENT, GUARD_STATUS};
use snc_e2e::api::{Answered, Refusal};
use snc_e2e::cluster::{Cluster, OPERATOR_NAMESPACE, OPERATOR_USER};
use snc_e2e::objects::{
    AUDIT_LOGS, CRDS, Kind, TENANTS, at, audit_log, flow, flows, policy, tenant, text, version,
};
use snc_e2e::wait::{eventually, within};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const OLDER: &str = "v1alpha0";
const TODAY: &str = "v1alpha1";
const GROUP: &str = "/apis/secnumcloud.dev/v1alpha1";
const KINDS: [&str; 10] = [
    "sncassessments",
    "sncauditlogs",
    "sncbaselines",
    "snccontrols",
    "sncexceptions",
    "sncimageledgers",
    "sncimagescans",
    "sncpolicies",
    "snctenants",
    "sncwaiversets",
];
/// A page holds fewer than there are of most kinds.
const ENV: [(&str, &str); 1] = [("SNC_PAGE_SIZE", "2")];
const KNOWN: [&[&str]; 2] = [
    &["list", "sncwaiversets"],
    &["update", "customresourcedefinitions/snctenants.secnumcloud.dev", "--subresource=status"],
];

fn definition(plural: &str) -> String {
    at(CRDS, &format!("{plural}.secnumcloud.dev"))
}

/// Makes of a CRD one that stores in `storage` and has `others` besides; written until nobody else does.
fn versions(cluster: &Cluster, plural: &str, storage: &str, others: &[&str]) -> Result<()> {
    eventually("the versions of a CRD", || {
        let mut crd = cluster.admin.get(definition(plural))?;
        let schema = crd["spec"]["versions"][0].clone();
        let made = others.iter().chain([&storage]).map(|name| {
            let mut made = schema.clone();
            made["name"] = json!(name);
            made["storage"] = json!(*name == storage);
            made
        });
        crd["spec"]["versions"] = made.collect();
        Ok(cluster.admin.replace(definition(plural), crd).map(drop)?)
    })
}

fn stored(cluster: &Cluster, plural: &str) -> Result<Value> {
    Ok(cluster.admin.get(definition(plural))?["status"]["storedVersions"].clone())
}

fn all(cluster: &Cluster, plural: &str) -> Result<Vec<Value>, Refusal> {
    cluster.admin.list(format!("{GROUP}/{plural}"))
}

fn path(plural: &str, object: &Value) -> String {
    match text(object, "/metadata/namespace") {
        "" => format!("{GROUP}/{plural}/{}", text(object, "/metadata/name")),
        namespace => format!("{GROUP}/namespaces/{namespace}/{plural}/{}", text(object, "/metadata/name")),
    }
}

/// Written as what says it: the operator what is its own.
fn touch(cluster: &Cluster, path: &str, value: &str) -> Result<Value> {
    let mark = json!({"metadata": {"annotations": {"example.org/touched": value}}});
    let by = if ["assessments", "waiversets", "imageledgers"].iter().any(|kind| path.contains(kind)) {
        &cluster.admin.impersonating_in(OPERATOR_USER, "system:masters")
    } else {
        &cluster.admin
    };
    Ok(by.merge(path, mark)?)
}

/// What is said, and not when and in which version of the object.
fn says(object: &Value) -> Value {
    let mut object = object.clone();
    object["metadata"]["resourceVersion"] = Value::Null;
    object
}

fn one_of_each(cluster: &Cluster) -> Result<()> {
    cluster.governed("migre", &["migre"], json!({}))?;
    cluster.platform.create(Kind::SncPolicy.all("migre"), policy("p", flows(vec![flow("a", json!({}))])))?;
    for at in 0..5 {
        let name = format!("migre-{at}");
        cluster.platform.create(TENANTS, tenant(&name, json!({"namespaces": [name]})))?;
    }
    let ends = Timestamp::now() + SignedDuration::from_hours(24);
    let exception = json!({
        "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncException", "metadata": {"name": "migre"},
        "spec": {
            "controls": ["image-mutable-tag"],
            "subjects": [{"apiGroup": "apps", "kind": "Deployment", "namespace": "migre", "name": "a"}],
            "reason": "image de l'éditeur, correctif attendu", "ticket": "SEC-7",
            "compensatingMeasure": "nœud dédié, surveillé à la main",
            "expiresOn": ends.to_string(), "requestedBy": "platform-admin",
        },
    });
    cluster.platform.create(format!("{GROUP}/sncexceptions"), exception)?;
    let both = |text: &str| json!({"fr": text, "en": text});
    let control = json!({
        "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncControl", "metadata": {"name": "custom-migre"},
        "spec": {
            "category": "namespaces", "requirements": ["8.1.a"], "level": "Essentiel", "severity": "medium",
            "scope": "any", "title": both("Label team"), "boundary": both("Le label seul."),
            "remediation": {"fr": "Ajouter.", "en": "Add.", "snippet": "metadata:\n  labels:\n    team: a\n"},
            "reads": ["core/Service"],
            "rule": {
                "applies": "true", "expect": "'team' in object.metadata.?labels.orValue({})",
                "path": "metadata.labels.team", "message": both("absent"),
            },
        },
    });
    cluster.platform.create(format!("{GROUP}/snccontrols"), control)?;
    cluster.platform.create(AUDIT_LOGS, audit_log(json!({})))?;
    // What it found first, the operator writes down.
    let digest = format!("sha256:{}", "7".repeat(64));
    let scan = json!({
        "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncImageScan",
        "metadata": {"name": format!("{}-trivy", digest.replace(':', "-"))},
        "spec": {
            "digests": {"manifests": [digest]}, "scanner": {"name": "trivy"}, "nature": "scan", "format": "trivy",
            "counts": {"critical": 0, "high": 0, "medium": 0, "low": 1, "unknown": 0},
            "vulnerabilities": [{"id": "CVE-2026-7", "package": "a", "severity": "low"}],
        },
    });
    cluster.platform.create(Kind::SncImageScan.all(OPERATOR_NAMESPACE), scan)?;
    within(Duration::from_secs(90), "an object of each kind", || {
        for plural in KINDS {
            ensure!(!all(cluster, plural)?.is_empty(), "{plural}: none");
        }
        Ok(cluster.admin.get(Kind::SncAssessment.one("migre", ASSESSMENT)).map(drop)?)
    })
}

/// Every object is stored in the older version, and every CRD has gone on to the next. What was written, by path.
fn stored_in_the_older(cluster: &Cluster) -> Result<BTreeMap<String, Value>> {
    for plural in KINDS {
        versions(cluster, plural, OLDER, &[TODAY])?;
    }
    // The API server takes a CRD in a moment after it was written.
    thread::sleep(Duration::from_secs(3));
    let mut written = BTreeMap::new();
    for plural in KINDS {
        for object in all(cluster, plural)? {
            let path = path(plural, &object);
            written.insert(path.clone(), touch(cluster, &path, "older")?);
        }
        versions(cluster, plural, TODAY, &[OLDER])?;
    }
    for plural in KINDS {
        let both = stored(cluster, plural)?;
        ensure!(both == json!([TODAY, OLDER]), "{plural}: {both}");
    }
    Ok(written)
}

pub fn migrated(cluster: &Cluster) -> Result<()> {
    one_of_each(cluster)?;
    let hook = Hook::of_release(cluster, "pre-upgrade", "snc-migrate")?;
    ensure!(hook.account == "snc-migrate" && hook.rights.len() == 3, "{:?}", hook.rights);
    cluster.stop_operator()?;
    unread(cluster)?;

    let nothing = succeeded(hook.run(cluster, &KNOWN, &ENV)?)?;
    let kinds = KINDS.len();
    let expected = format!("rien à faire : {kinds} CRD ne conservent que leur version de stockage");
    ensure!(nothing.trim() == expected, "{nothing}");
    let before = stored_in_the_older(cluster)?;
    let said = hook.with_rights(cluster, &KNOWN, || {
        bounded(cluster, &hook)?;
        let said = meanwhile(cluster, "migre-3", || hook.program(cluster, &ENV))?;
        let again = succeeded(hook.program(cluster, &ENV)?)?;
        ensure!(again == nothing, "{again}");
        succeeded(said)
    })?;

    for plural in KINDS {
        ensure!(stored(cluster, plural)? == json!([TODAY]), "{plural}: {}\n{said}", stored(cluster, plural)?);
        ensure!(said.contains(&format!("{plural}.secnumcloud.dev : seule {TODAY} est conservée")), "{said}");
    }
    for (path, was) in &before {
        let is = cluster.admin.get(path)?;
        ensure!(version(&is) > version(was), "{path} was not written");
        if !path.ends_with("/migre-3") {
            ensure!(says(&is) == says(was), "{path}: {was} became {is}");
        }
    }
    // What is still stored in the version that goes now cannot be read any more.
    for plural in KINDS {
        versions(cluster, plural, TODAY, &[])?;
    }
    thread::sleep(Duration::from_secs(3));
    for path in before.keys() {
        cluster.admin.get(path).with_context(|| path.clone())?;
    }
    eventually("every object in the lists", || {
        let kept = KINDS.iter().map(|plural| Ok(all(cluster, plural)?.len())).sum::<Result<usize>>()?;
        ensure!(kept == before.len(), "{kept} of {} objects are left", before.len());
        Ok(())
    })?;
    cluster.start_operator(&[])?;
    cluster.condition(&Kind::SncPolicy.one("migre", "p"), "Ready", "True", "Applied").map(drop)
}

/// What the last step would find if the older version were struck out and nothing rewritten.
fn unread(cluster: &Cluster) -> Result<()> {
    let plural = "snccontrols";
    versions(cluster, plural, OLDER, &[TODAY])?;
    thread::sleep(Duration::from_secs(3));
    let object = path(plural, all(cluster, plural)?.first().context("no control")?);
    touch(cluster, &object, "unread")?;
    versions(cluster, plural, TODAY, &[OLDER])?;
    let mut without = cluster.admin.get(definition(plural))?;
    without["spec"]["versions"]
        .as_array_mut()
        .context("versions")?
        .retain(|version| version["name"] == TODAY);
    cluster.admin.replace(definition(plural), without).refused_with(&["storedVersions", OLDER])?;
    let struck = json!({"status": {"storedVersions": [TODAY]}});
    cluster.admin.merge(definition(plural) + "/status", struck)?;
    versions(cluster, plural, TODAY, &[])?;
    eventually("an object that nobody can read", || cluster.admin.get(&object).refused_with(&[OLDER]))?;
    versions(cluster, plural, TODAY, &[OLDER])?;
    eventually("to read it again", || touch(cluster, &object, "read").map(drop))?;
    versions(cluster, plural, TODAY, &[])?;
    eventually("all of them", || Ok(all(cluster, plural).map(drop)?))
}

/// The account may write, and the guards let it write nothing but what is there.
fn bounded(cluster: &Cluster, hook: &Hook) -> Result<()> {
    let migrate = cluster.admin.impersonating(&hook.user());
    let path = Kind::SncAssessment.one("migre", ASSESSMENT);
    let mut perfect = migrate.get(&path)?;
    perfect["metadata"]["labels"]["example.org/a"] = json!("b");
    migrate.replace(&path, perfect).refused_by(GUARD_STATUS)?;
    for (answer, what) in [
        (migrate.delete(&path), "delete"),
        (migrate.merge(path.clone() + "/status", json!({"status": {"score": 100}})), "patch"),
        (migrate.get("/api/v1/secrets"), "list"),
        (migrate.delete(definition("snctenants")), "delete"),
    ] {
        answer.refused_with(&["forbidden", &format!("cannot {what} resource")])?;
    }
    Ok(())
}

/// While somebody else does not stop writing one of the objects.
fn meanwhile<T>(cluster: &Cluster, name: &str, act: impl FnOnce() -> Result<T>) -> Result<T> {
    let (over, path, admin) = (AtomicBool::new(false), at(TENANTS, name), cluster.admin.clone());
    let written =
        |count: usize| json!({"metadata": {"annotations": {"example.org/count": count.to_string()}}});
    let (done, count) = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut count = 0;
            while !over.load(Ordering::Relaxed) {
                admin.merge(&path, written(count + 1))?;
                count += 1;
                thread::sleep(Duration::from_millis(5));
            }
            Ok::<_, Refusal>(count)
        });
        let done = act();
        over.store(true, Ordering::Relaxed);
        (done, writer.join())
    });
    let Ok(count) = count else { bail!("the writer panicked") };
    let count = count?;
    let found = cluster.admin.get(&path)?;
    ensure!(count > 20, "it was written {count} times only");
    ensure!(
        found["metadata"]["annotations"]["example.org/count"].as_str() == Some(count.to_string().as_str()),
        "what was written last is there: {found}"
    );
    done
}
