//! What is ours is kept as it should be, and what is not is left as it is.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use snc_core::names::{DEFAULT_DENY, LABEL_ISOLATED, LABEL_MANAGED_BY, LABEL_TENANT, RECORD, RECORD_KEY};
use snc_e2e::api::Ask;
use snc_e2e::cluster::Cluster;
use snc_e2e::objects::{
    Kind, NAMESPACES, TENANTS, at, flow, flows, label, namespace, new_namespace, opening, pod, policy, stamp,
    tenant, text, uid,
};
use snc_e2e::wait::{eventually, throughout};
use std::collections::BTreeMap;
use std::time::Duration;

/// What an object says, without who wrote it when.
fn content(object: &Value) -> Value {
    let mut content =
        json!({"labels": object["metadata"]["labels"], "annotations": object["metadata"]["annotations"]});
    for field in ["spec", "data", "roleRef", "subjects", "automountServiceAccountToken"] {
        content[field] = object[field].clone();
    }
    if let Ok(mut record) = serde_json::from_str::<Value>(text(object, &format!("/data/{RECORD_KEY}"))) {
        // Since when is remembered in the record alone.
        if let Some(record) = record.as_object_mut() {
            record.remove("isolatedAt");
        }
        content["data"][RECORD_KEY] = record;
    }
    content
}

/// A governed namespace with one of each managed object, and where each of them is.
fn everything(cluster: &Cluster, name: &str) -> Result<Vec<String>> {
    let owners = json!([{"kind": "User", "name": "quelqu-un"}]);
    cluster.governed(name, &[name], json!({"owners": owners, "quota": {"pods": "20", "limits.cpu": "8"}}))?;
    cluster.platform.create(Kind::SncPolicy.all(name), policy("p", flows(vec![flow("api", json!({}))])))?;
    cluster.condition(&Kind::SncPolicy.one(name, "p"), "Ready", "True", "Applied")?;
    let managed = cluster.managed(name)?;
    let mut paths: Vec<String> = Kind::MANAGED
        .iter()
        .flat_map(|kind| {
            let prefix = format!("{kind:?}/");
            managed
                .keys()
                .filter_map(move |key| Some(kind.one(name, key.strip_prefix(&prefix)?)))
                .collect::<Vec<_>>()
        })
        .collect();
    ensure!(paths.len() == 7, "default-deny, DNS, a flow, quota, limits, rights, record: {paths:?}");
    paths.push(Kind::ServiceAccount.one(name, "default"));
    Ok(paths)
}

pub fn objects(cluster: &Cluster) -> Result<()> {
    // The operator's identity in other hands: the guard lets it through, so that there is something to repair.
    let intruder = &cluster.operator;
    for path in everything(cluster, "derive")? {
        let before = content(&cluster.admin.get(&path)?);
        let account = path.contains("/serviceaccounts/");
        let mut changes = vec![Ask::merge(&path, damage(&path))];
        if !account {
            changes.push(Ask::merge(&path, json!({"metadata": {"labels": {LABEL_MANAGED_BY: null}}})));
            changes.push(Ask::delete(&path));
        }
        if path.ends_with(DEFAULT_DENY) {
            let mut opened = opening(DEFAULT_DENY);
            opened["spec"]["podSelector"] = json!({});
            changes.push(Ask::apply(&path, "intrus", opened));
        }
        for change in changes {
            intruder.send(&change)?;
            eventually(&format!("repair after {change}"), || {
                let now = content(&cluster.admin.get(&path)?);
                ensure!(now == before, "it was {before}, it is {now}");
                Ok(())
            })?;
        }
    }
    cluster.event("derive", "Repaired", "derive")?;
    cluster.condition(
        &Kind::SncPolicy.one("derive", "p"),
        "NetworkPolicyEffective",
        "True",
        "PoliciesPresent",
    )?;
    // While the default-deny was away there was a gap, and how long it was is said.
    eventually("an Event on the gap", || {
        let events = cluster.admin.list(Kind::Event.all("derive"))?;
        let notes: Vec<&str> = events.iter().map(|event| text(event, "/note")).collect();
        let told = notes.iter().any(|note| note.contains("NetworkPolicy/snc-default-deny rétabli ; absent"));
        ensure!(told, "{notes:?}");
        Ok(())
    })
}

/// A change of what the object at this path says.
fn damage(path: &str) -> Value {
    let anyone = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "intrus"});
    if path.contains("/networkpolicies/") {
        json!({"spec": {"ingress": [{}], "egress": [{}]}})
    } else if path.contains("/resourcequotas/") {
        json!({"spec": {"hard": {"pods": "9999", "services": "1"}}})
    } else if path.contains("/limitranges/") {
        json!({"spec": {"limits": [{"type": "Pod", "max": {"cpu": "64"}}]}})
    } else if path.contains("/rolebindings/") {
        json!({"subjects": [anyone]})
    } else if path.contains("/configmaps/") {
        json!({"data": {RECORD_KEY: "{}"}})
    } else {
        json!({"automountServiceAccountToken": true})
    }
}

pub fn labels(cluster: &Cluster) -> Result<()> {
    cluster.governed("sans-labels", &["sans-labels"], json!({"sensitivity": "Restricted"}))?;
    let path = namespace("sans-labels");
    let before = cluster.admin.get(&path)?["metadata"]["labels"].take();
    let keys: Vec<&String> = before
        .as_object()
        .into_iter()
        .flat_map(serde_json::Map::keys)
        .filter(|key| key.starts_with("secnumcloud.dev/") || key.starts_with("pod-security."))
        .collect();
    ensure!(
        keys.len() == 17,
        "tenant, isolated, level, four modes, six floors, sensitivity, three of Pod Security: {before}"
    );
    let restored = |what: &str| {
        eventually(what, || {
            let now = cluster.admin.get(&path)?["metadata"]["labels"].take();
            ensure!(now == before, "they were {before}, they are {now}");
            Ok(())
        })
    };
    for key in &keys {
        cluster.operator.merge(&path, json!({"metadata": {"labels": {key.as_str(): null}}}))?;
        restored(&format!("{key} to be restored"))?;
    }
    cluster
        .operator
        .merge(&path, json!({"metadata": {"labels": {"secnumcloud.dev/floor-level": "Essentiel"}}}))?;
    restored("the floor to be corrected")?;
    let all: serde_json::Map<_, _> = keys.iter().map(|key| ((*key).clone(), Value::Null)).collect();
    cluster.operator.merge(&path, json!({"metadata": {"labels": all}}))?;
    restored("all of them to be restored")
}

/// The NetworkPolicy of each flow, by the flow's name.
pub fn by_flow(cluster: &Cluster, namespace: &str) -> Result<BTreeMap<String, Value>> {
    let all = cluster.admin.list(Kind::NetworkPolicy.all(namespace))?;
    let named = all.into_iter().filter_map(|object| {
        let flow = object["metadata"]["annotations"]["secnumcloud.dev/flow"].as_str()?.to_owned();
        Some((flow, object))
    });
    Ok(named.collect())
}

pub fn flows_change(cluster: &Cluster) -> Result<()> {
    cluster.governed("flux", &["flux"], json!({}))?;
    let path = Kind::SncPolicy.one("flux", "p");
    let all = |ports: [u16; 2]| ports.map(|port| json!({"ports": [{"port": port}]}));
    let [a, b] = all([8443, 9443]);
    cluster
        .platform
        .create(Kind::SncPolicy.all("flux"), policy("p", flows(vec![flow("a", a.clone()), flow("b", b)])))?;
    cluster.condition(&path, "Ready", "True", "Applied")?;
    let before = by_flow(cluster, "flux")?;
    ensure!(before.len() == 2, "{before:?}");

    let [_, c] = all([8443, 7443]);
    cluster.platform.merge(&path, json!({"spec": flows(vec![flow("a", a.clone()), flow("b", c)])}))?;
    cluster.condition(&path, "Ready", "True", "Applied")?;
    let changed = by_flow(cluster, "flux")?;
    ensure!(uid(&before["b"]) == uid(&changed["b"]), "changed in place, never deleted to be created");
    ensure!(changed["b"]["spec"]["ingress"][0]["ports"][0]["port"] == 7443, "{}", changed["b"]);
    ensure!(stamp(&before["a"]) == stamp(&changed["a"]), "the other one is not written");

    cluster.platform.merge(&path, json!({"spec": flows(vec![flow("a", a)])}))?;
    eventually("the orphan to be deleted", || {
        let now = by_flow(cluster, "flux")?;
        ensure!(now.keys().eq(["a"]) && stamp(&now["a"]) == stamp(&before["a"]), "{:?}", now.keys());
        Ok(())
    })?;
    cluster.event("flux", "Removed", "flux")?;
    cluster.condition(&path, "NetworkPolicyEffective", "True", "PoliciesPresent").map(drop)
}

pub fn foreign(cluster: &Cluster) -> Result<()> {
    cluster.governed("melange", &["melange"], json!({"quota": {"pods": "20"}}))?;
    let meta = json!({"name": "etranger", "labels": {LABEL_MANAGED_BY: "helm"}, "annotations": {"a": "b"}});
    let api = "rbac.authorization.k8s.io";
    let mut opened = opening("etranger");
    opened["metadata"] = meta.clone();
    let all = [
        (Kind::NetworkPolicy, opened),
        (Kind::ResourceQuota, json!({"metadata": meta, "spec": {"hard": {"secrets": "7"}}})),
        (
            Kind::LimitRange,
            json!({"metadata": meta, "spec": {"limits": [{"type": "Pod", "max": {"cpu": "2"}}]}}),
        ),
        (Kind::ConfigMap, json!({"metadata": meta, "data": {"k": "v"}})),
        (Kind::ServiceAccount, json!({"metadata": meta, "automountServiceAccountToken": true})),
        (
            Kind::RoleBinding,
            json!({"metadata": meta, "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": "view"}, "subjects": []}),
        ),
    ];
    for (kind, object) in &all {
        cluster.platform.create(kind.all("melange"), object.clone())?;
    }
    let labels = json!({"metadata": {"labels": {"equipe": "a"}, "annotations": {"note": "b"}}});
    cluster.platform.merge(namespace("melange"), labels)?;
    // The quota controller fills in the usage, once.
    eventually("the quota's usage", || {
        let quota = cluster.admin.get(Kind::ResourceQuota.one("melange", "etranger"))?;
        ensure!(quota["status"]["used"].is_object(), "{quota}");
        Ok(())
    })?;
    let stamps = || {
        all.iter()
            .map(|(kind, _)| Ok(stamp(&cluster.admin.get(kind.one("melange", "etranger"))?)))
            .collect::<Result<Vec<_>>>()
    };
    let before = stamps()?;

    // Everything that makes the operator look again, and delete what is its own.
    let path = Kind::SncPolicy.one("melange", "p");
    cluster
        .platform
        .create(Kind::SncPolicy.all("melange"), policy("p", flows(vec![flow("a", json!({}))])))?;
    cluster.condition(&path, "NetworkPolicyEffective", "False", "UndeclaredOpening")?;
    cluster.platform.merge(&path, json!({"spec": flows(vec![flow("b", json!({}))])}))?;
    eventually("the orphan to be deleted", || {
        let now = by_flow(cluster, "melange")?;
        ensure!(now.keys().eq(["b"]), "{:?}", now.keys());
        Ok(())
    })?;
    cluster.operator.delete(Kind::NetworkPolicy.one("melange", DEFAULT_DENY))?;
    eventually("the repair", || Ok(cluster.admin.get(Kind::NetworkPolicy.one("melange", DEFAULT_DENY))?))?;
    let released = json!({"spec": {"namespaces": [], "release": ["melange"]}});
    cluster.platform.merge(at(TENANTS, "melange"), released)?;
    eventually("the release", || {
        let left = cluster.managed("melange")?;
        ensure!(left.is_empty(), "{left:?}");
        Ok(())
    })?;
    let after = stamps()?;
    ensure!(before == after, "{before:?} became {after:?}");
    let found = cluster.admin.get(namespace("melange"))?;
    ensure!(
        label(&found, "equipe") == Some("a") && found["metadata"]["annotations"]["note"] == "b",
        "{found}"
    );
    Ok(())
}

/// Names can be taken before a namespace is claimed, also by somebody who hopes that we take them for our own.
pub fn squatters(cluster: &Cluster) -> Result<()> {
    cluster.platform.create(NAMESPACES, new_namespace("squat", json!({})))?;
    let api = "rbac.authorization.k8s.io";
    let admin = json!({"apiGroup": api, "kind": "ClusterRole", "name": "admin"});
    let subject = json!({"apiGroup": api, "kind": "User", "name": "squatteur"});
    let binding = json!({"metadata": {"name": "snc-owners"}, "roleRef": admin, "subjects": [subject]});
    cluster.platform.create(Kind::NetworkPolicy.all("squat"), opening(DEFAULT_DENY))?;
    cluster.platform.create(Kind::NetworkPolicy.all("squat"), opening("snc-dns"))?;
    cluster.platform.create(
        Kind::ConfigMap.all("squat"),
        json!({"metadata": {"name": RECORD}, "data": {RECORD_KEY: "{"}}),
    )?;
    cluster.platform.create(
        Kind::ResourceQuota.all("squat"),
        json!({"metadata": {"name": "snc-quota"}, "spec": {"hard": {"pods": "9999"}}}),
    )?;
    cluster.platform.create(Kind::RoleBinding.all("squat"), binding)?;

    let owners = json!([{"kind": "User", "name": "proprietaire"}]);
    cluster.platform.create(
        TENANTS,
        tenant("squat", json!({"namespaces": ["squat"], "owners": owners, "quota": {"pods": "5"}})),
    )?;
    cluster.isolated("squat")?;
    let deny = cluster.admin.get(Kind::NetworkPolicy.one("squat", DEFAULT_DENY))?;
    ensure!(deny["spec"]["ingress"].is_null() && deny["spec"]["egress"].is_null(), "{deny}");
    let quota = cluster.admin.get(Kind::ResourceQuota.one("squat", "snc-quota"))?;
    ensure!(quota["spec"]["hard"] == json!({"pods": "5"}), "{quota}");
    eventually("the record", || {
        let record = cluster.admin.get(Kind::ConfigMap.one("squat", RECORD))?;
        ensure!(text(&record, &format!("/data/{RECORD_KEY}")).contains("\"tenant\":\"squat\""), "{record}");
        Ok(())
    })?;
    // The role of a binding cannot be changed, so this one is replaced as a whole.
    eventually("the owners' binding", || {
        let binding = cluster.admin.get(Kind::RoleBinding.one("squat", "snc-owners"))?;
        ensure!(binding["roleRef"]["name"] == "snc-tenant-admin", "{binding}");
        ensure!(
            binding["subjects"]
                .as_array()
                .is_some_and(|all| all.len() == 1 && all[0]["name"] == "proprietaire"),
            "{binding}"
        );
        Ok(())
    })
}

/// The record of a namespace says who held it. Anybody who may write in a namespace could write one.
pub fn forged_record(cluster: &Cluster) -> Result<()> {
    cluster.governed("victime", &["victime"], json!({}))?;
    let own = cluster.platform.create(NAMESPACES, new_namespace("intrus", json!({})))?;
    let genuine = cluster.admin.get(Kind::ConfigMap.one("victime", RECORD))?;
    let mut record: Value = serde_json::from_str(text(&genuine, &format!("/data/{RECORD_KEY}")))?;
    record["uid"] = own["metadata"]["uid"].clone();
    let forged = json!({"metadata": {"name": RECORD}, "data": {RECORD_KEY: record.to_string()}});
    cluster.platform.create(Kind::ConfigMap.all("intrus"), forged)?;
    // The next thing that the operator does in this namespace, were it to believe the record.
    throughout(Duration::from_secs(3), || {
        let found = cluster.admin.get(namespace("intrus"))?;
        ensure!(label(&found, LABEL_TENANT).is_none() && label(&found, LABEL_ISOLATED).is_none(), "{found}");
        Ok(())
    })?;
    eventually("a pod in a namespace that is nobody's", || {
        Ok(cluster.platform.create(Kind::Pod.all("intrus"), pod("p"))?)
    })?;
    let status = cluster.admin.get(at(TENANTS, "victime"))?["status"].take();
    ensure!(status["namespaces"]["total"] == 1, "{status}");
    Ok(())
}
