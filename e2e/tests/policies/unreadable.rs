//! Objects that got in under another schema and cannot be read by this version.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use snc_e2e::cluster::Cluster;
use snc_e2e::objects::{
    BASELINES, CRDS, Kind, TENANTS, at, baseline, flow, flows, label, policy, tenant, text, version,
};
use snc_e2e::wait::eventually;

const PLURALS: [&str; 3] = ["sncbaselines", "snctenants", "sncpolicies"];
const SCHEMA: &str = "/spec/versions/0/schema/openAPIV3Schema";

fn crd(plural: &str) -> String {
    at(CRDS, &format!("{plural}.secnumcloud.dev"))
}

/// Swaps the schema of a kind, and returns the one it had.
fn swap(cluster: &Cluster, plural: &str, schema: Value) -> Result<Value> {
    let before = cluster.admin.get(crd(plural))?.pointer_mut(SCHEMA).map(Value::take).unwrap_or_default();
    cluster.admin.json_patch(crd(plural), json!([{"op": "replace", "path": SCHEMA, "value": schema}]))?;
    Ok(before)
}

fn anything() -> Value {
    let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let any = json!({"x-kubernetes-preserve-unknown-fields": true});
    json!({"type": "object", "properties": {"spec": any, "status": open}})
}

pub fn garbage(cluster: &Cluster) -> Result<()> {
    cluster.governed("illisible", &["illisible"], json!({}))?;
    let policies = Kind::SncPolicy.all("illisible");
    cluster.platform.create(&policies, policy("p", flows(vec![flow("garde", json!({}))])))?;
    let path = Kind::SncPolicy.one("illisible", "p");
    cluster.condition(&path, "Ready", "True", "Applied")?;
    let of_flow = || {
        let all = cluster.admin.list(Kind::NetworkPolicy.all("illisible"))?;
        let found =
            all.iter().find(|object| object["metadata"]["annotations"]["secnumcloud.dev/flow"] == "garde");
        anyhow::Ok(found.map(version))
    };
    let before = of_flow()?;
    ensure!(before.is_some(), "the flow is open");

    let mut schemas = Vec::new();
    for plural in PLURALS {
        schemas.push(swap(cluster, plural, anything())?);
    }
    let result = with_garbage(cluster, &path, &|| {
        let now = of_flow()?;
        ensure!(now == before, "NetworkPolicy of the flow: version {before:?}, now {now:?}");
        Ok(())
    });
    // What is stored stays stored; the schema comes back once nothing is left that it would refuse.
    cluster.admin.delete(at(TENANTS, "illisible-t"))?;
    cluster.admin.delete(at(BASELINES, "illisible-b"))?;
    let good = json!([{"op": "replace", "path": "/spec", "value": flows(vec![flow("garde", json!({}))])}]);
    cluster.admin.json_patch(&path, good)?;
    for (plural, schema) in PLURALS.into_iter().zip(schemas) {
        swap(cluster, plural, schema)?;
    }
    result?;
    cluster.condition(&path, "Ready", "True", "Applied").map(drop)
}

fn with_garbage(cluster: &Cluster, path: &str, kept: &dyn Fn() -> Result<()>) -> Result<()> {
    let bad_tenant = {
        let mut tenant = tenant("illisible-t", json!({}));
        tenant["spec"] = json!({"level": ["Avance"], "namespaces": 7});
        tenant
    };
    let bad_baseline = baseline("illisible-b", json!("n'importe quoi"));
    // A new schema acts within seconds.
    eventually("the loose schemas", || Ok(cluster.admin.create(TENANTS, bad_tenant.clone())?))?;
    eventually("the loose schemas", || Ok(cluster.admin.create(BASELINES, bad_baseline.clone())?))?;
    let bad_policy =
        json!([{"op": "replace", "path": "/spec", "value": {"environment": 42, "network": "oui"}}]);
    eventually("the loose schemas", || Ok(cluster.admin.json_patch(path, bad_policy.clone())?))?;

    cluster.condition(path, "Ready", "False", "Unreadable")?;
    cluster.condition(path, "NetworkPolicyEffective", "Unknown", "Unreadable")?;
    cluster.condition(&at(TENANTS, "illisible-t"), "Ready", "False", "Unreadable")?;
    cluster.condition(&at(BASELINES, "illisible-b"), "Consistent", "Unknown", "Unreadable")?;
    kept()?;

    // Everybody else is served, and a restart into it changes nothing.
    cluster.governed("lisible", &["lisible"], json!({}))?;
    cluster
        .platform
        .create(Kind::SncPolicy.all("lisible"), policy("p", flows(vec![flow("api", json!({}))])))?;
    // That one baseline cannot be read leaves a doubt on all, and stops nothing.
    let served = Kind::SncPolicy.one("lisible", "p");
    let condition = cluster.condition(&served, "Ready", "Unknown", "Unreadable")?;
    ensure!(text(&condition, "/message").contains("SncBaseline/illisible-b"), "{condition}");
    cluster.condition(&served, "NetworkPolicyEffective", "True", "PoliciesPresent")?;
    ensure!(cluster.admin.get(&served)?["status"]["flows"]["applied"] == 1, "the flow is open");
    cluster.restart_operator()?;
    cluster.governed("lisible-2", &["lisible-2"], json!({}))?;
    kept()?;
    let namespace = cluster.admin.get(snc_e2e::objects::namespace("illisible"))?;
    ensure!(label(&namespace, "secnumcloud.dev/isolated") == Some("true"), "{namespace}");
    Ok(())
}
