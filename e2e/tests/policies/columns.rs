//! What people read with kubectl.

use anyhow::{Result, ensure};
use serde_json::json;
use snc_core::names::{GUARD_GATE, LABEL_TENANT};
use snc_e2e::api::Answered;
use snc_e2e::cluster::{CANARY_NAMESPACE, Cluster};
use snc_e2e::objects::{
    BASELINES, FLOOR, Kind, NAMESPACES, TENANTS, baseline, flow, flows, new_namespace, opening, pod, policy,
    tenant, text,
};
use snc_e2e::wait::eventually;
use xtask::harness::User;

const EFFECTIVE: &str = "NetworkPolicyEffective";
const ISOLATED: &str = "NetworkIsolated";

/// A governed namespace of that name with one policy, `reseau`.
fn with_policy(cluster: &Cluster, name: &str) -> Result<String> {
    cluster.governed(name, &[name], json!({}))?;
    cluster
        .platform
        .create(Kind::SncPolicy.all(name), policy("reseau", flows(vec![flow("api", json!({}))])))?;
    Ok(Kind::SncPolicy.one(name, "reseau"))
}

pub fn listing(cluster: &Cluster) -> Result<()> {
    let path = with_policy(cluster, "listing")?;
    cluster.condition(&path, EFFECTIVE, "True", "PoliciesPresent")?;
    let table = cluster.kubectl_ok(User::Platform, &["get", "sncp", "-A"])?;
    let words = |line: &str| line.split_whitespace().map(ToOwned::to_owned).collect::<Vec<_>>();
    let heading = table.lines().next().unwrap_or_default();
    let expected =
        "NAMESPACE NAME TENANT LEVEL ISOLATION EFFECTIVE ISOLATED SATISFIED FAIL UNKNOWN SCORE AGE";
    ensure!(words(heading).join(" ") == expected, "{table}");
    let row = table.lines().find(|line| line.starts_with("listing ")).unwrap_or_default();
    let expected = ["listing", "reseau", "listing", "Standard", "Enforce", "True", "Unknown"];
    ensure!(words(row).get(..7).is_some_and(|row| row == expected), "{table}");

    let tenants = cluster.kubectl_ok(User::Platform, &["get", "snct", "listing", "--no-headers"])?;
    ensure!(
        words(&tenants).get(..5).is_some_and(|row| row == ["listing", "Standard", "Observe", "1", "1"]),
        "{tenants}"
    );
    let baselines = cluster.kubectl_ok(User::Platform, &["get", "sncb", FLOOR, "--no-headers"])?;
    ensure!(words(&baselines).contains(&"Enforce".to_owned()), "{baselines}");
    for short in ["sncctl", "sncas"] {
        cluster.kubectl_ok(User::Platform, &["get", short, "-A"])?;
    }
    let all = cluster.kubectl_ok(User::Platform, &["get", "snc", "-A", "-o", "name"])?;
    for name in [
        "sncbaseline.secnumcloud.dev/floor",
        "snctenant.secnumcloud.dev/listing",
        "sncpolicy.secnumcloud.dev/reseau",
    ] {
        ensure!(all.lines().any(|line| line == name), "category snc without {name}:\n{all}");
    }
    Ok(())
}

pub fn explain(cluster: &Cluster) -> Result<()> {
    // The API server publishes the schema of a new kind some seconds later.
    eventually("kubectl explain", || {
        let told = cluster.kubectl_ok(User::Platform, &["explain", "sncp.spec.network.flows"])?;
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        for text in [
            "KIND: SncPolicy",
            "FIELD: flows <[]Object>",
            "The flow matrix of the namespace: what may come in and go out, each with its justification.",
            "justification <string> -required- Why this flow is needed.",
            "direction <string> -required- enum: Ingress, Egress `Ingress`: from the peers to our pods.",
            "peers <[]Object> -required- The other side.",
            "reviewedOn <string> When the flow was last reviewed",
            "compensatingMeasure <string>",
        ] {
            ensure!(told.contains(text), "no {text:?} in: {told}");
        }
        Ok(())
    })
}

pub fn waiting(cluster: &Cluster) -> Result<()> {
    with_policy(cluster, "waiting-good")?;
    let foreign = with_policy(cluster, "waiting-open")?;
    let wait = |namespace, timeout| {
        let condition = format!("--for=condition={EFFECTIVE}");
        cluster.kubectl(User::Platform, &["wait", &condition, "sncp/reseau", "-n", namespace, timeout])
    };
    let good = wait("waiting-good", "--timeout=30s")?;
    ensure!(good.success(), "{good:?}");
    let before = wait("waiting-open", "--timeout=30s")?;
    ensure!(before.success(), "the twin, before it was opened: {before:?}");

    cluster.platform.create(Kind::NetworkPolicy.all("waiting-open"), opening("ouverture-oubliee"))?;
    let condition = cluster.condition(&foreign, EFFECTIVE, "False", "UndeclaredOpening")?;
    ensure!(text(&condition, "/message").contains("ouverture-oubliee"), "{condition}");
    cluster.condition(&foreign, ISOLATED, "False", "UndeclaredOpening")?;
    let bad = wait("waiting-open", "--timeout=2s")?;
    ensure!(!bad.success() && bad.stderr.contains("timed out"), "{bad:?}");
    ensure!(wait("waiting-good", "--timeout=2s")?.success(), "the good one is untouched");

    cluster.platform.delete(Kind::NetworkPolicy.one("waiting-open", "ouverture-oubliee"))?;
    cluster.condition(&foreign, EFFECTIVE, "True", "PoliciesPresent").map(drop)
}

pub fn statement(cluster: &Cluster) -> Result<()> {
    let path = with_policy(cluster, "unstated")?;
    cluster.condition(&path, ISOLATED, "Unknown", "EnforcementNotProven")?;

    let enforcement = json!({"engine": "cilium 1.19", "evidence": "PV-2026-017", "statedOn": "2026-10-01"});
    let spec = json!({"tenantSelector": {"matchLabels": {"stated": "yes"}}, "network": {"enforcement": enforcement}});
    cluster.platform.create(BASELINES, baseline("stated", spec))?;
    let mut stated = tenant("stated", json!({"namespaces": ["stated"]}));
    stated["metadata"]["labels"] = json!({FLOOR: "enforce", "stated": "yes"});
    cluster.platform.create(TENANTS, stated)?;
    cluster.platform.create(NAMESPACES, new_namespace("stated", json!({LABEL_TENANT: "stated"})))?;
    cluster.platform.create(Kind::SncPolicy.all("stated"), policy("reseau", json!({})))?;
    let path = Kind::SncPolicy.one("stated", "reseau");
    let condition = cluster.condition(&path, ISOLATED, "True", "EnforcementStated")?;
    for told in ["SncBaseline/stated", "cilium 1.19", "2026-10-01", "PV-2026-017"] {
        ensure!(text(&condition, "/message").contains(told), "no {told:?}: {condition}");
    }

    // The statement is withdrawn: back to not knowing.
    let withdrawn = json!({"spec": {"network": null}});
    cluster.platform.merge(format!("{BASELINES}/stated"), withdrawn)?;
    cluster.condition(&path, ISOLATED, "Unknown", "EnforcementNotProven").map(drop)
}

pub fn language(cluster: &Cluster) -> Result<()> {
    let path = with_policy(cluster, "langue")?;
    let says = |effective: &str, refusal: &str| {
        let condition = cluster.condition(&path, EFFECTIVE, "True", "PoliciesPresent")?;
        ensure!(text(&condition, "/message").contains(effective), "{condition}");
        let pods = format!("{}?dryRun=All", Kind::Pod.all(CANARY_NAMESPACE));
        let refused = cluster.platform.create(pods, pod("temoin")).refused_by(GUARD_GATE)?;
        ensure!(refused.message.contains(refusal), "{refused}");
        anyhow::Ok(())
    };
    let french = || eventually("French", || says("NetworkPolicy relues telles que prévues", "pod refusé"));
    french()?;
    cluster.stop_operator()?;
    cluster.start_operator(&["--language", "en"])?;
    eventually("English", || says("NetworkPolicies read back as planned", "pod refused"))?;
    cluster.stop_operator()?;
    cluster.start_operator(&[])?;
    french()
}
