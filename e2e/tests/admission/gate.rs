//! Pods and the first instants of a namespace.

use crate::rights::plant_edit;
use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::json;
use snc_core::names::{DEFAULT_DENY, GUARD_GATE, LABEL_TENANT};
use snc_e2e::api::{Answered, Api};
use snc_e2e::cluster::Cluster;
use snc_e2e::objects::{
    BASELINES, GUARD_BINDINGS, Kind, NAMESPACES, TENANTS, at, baseline, namespace, new_namespace, pod,
    tenant, version,
};
use snc_e2e::wait::{eventually, throughout};
use std::thread;
use std::time::{Duration, Instant};

/// One person who asks for a pod without pause.
struct Attempts {
    refused_by_gate: usize,
    /// Resource version of the pod that was let in.
    accepted: u64,
}

fn hammer(api: &Api, namespace: &str, who: &str) -> Result<Attempts> {
    let started = Instant::now();
    let mut refused_by_gate = 0;
    for attempt in 0.. {
        match api.create(Kind::Pod.all(namespace), pod(&format!("{who}-{attempt}"))) {
            Ok(pod) => return Ok(Attempts { refused_by_gate, accepted: version(&pod) }),
            Err(refusal) if refusal.message.contains(GUARD_GATE) => refused_by_gate += 1,
            // No namespace yet, no rights yet, no default ServiceAccount yet.
            Err(refusal) if refusal.code == 404 => {}
            Err(refusal) if refusal.code == 403 && refusal.message.contains("cannot create resource") => {}
            Err(refusal)
                if refusal.code == 403 && refusal.message.contains("error looking up service account") => {}
            Err(refusal) => bail!("{who}: {refusal}"),
        }
        ensure!(
            started.elapsed() < Duration::from_secs(30),
            "{who}: no pod in 30 s, {refused_by_gate} refused by the gate"
        );
    }
    bail!("not reached")
}

/// Everything that concerns a namespace is declared in the instants before it is made, so that a part of it may not
/// have reached the operator when the namespace does.
pub fn race(cluster: &Cluster) -> Result<()> {
    let mut refused = 0;
    for round in 0..32 {
        // Enough of them; more, while the operator was always faster than everybody.
        if round >= 8 && refused > 0 {
            break;
        }
        let name = &format!("course-{round}");
        let people =
            [("platform-1", &cluster.platform), ("platform-2", &cluster.platform), ("alice", &cluster.alice)];
        let attempts = thread::scope(|scope| {
            let running = people.map(|(who, api)| scope.spawn(move || hammer(api, name, who)));
            let declared = declare(cluster, name);
            let attempts = running.into_iter().map(|one| one.join().map_err(|_| anyhow!("panic"))?);
            let attempts = attempts.collect::<Result<Vec<_>>>();
            declared.and(attempts)
        })?;
        let deny = cluster.admin.find(Kind::NetworkPolicy.one(name, DEFAULT_DENY))?;
        let state = || {
            cluster
                .admin
                .get(namespace(name))
                .map_or_else(|refusal| refusal.to_string(), |found| found["metadata"]["labels"].to_string())
        };
        let deny = deny
            .map(|deny| version(&deny))
            .with_context(|| format!("{name}: pods and no default-deny: {}", state()))?;
        for attempt in &attempts {
            ensure!(
                deny < attempt.accepted,
                "{name}: default-deny at {deny}, a pod at {}: {}",
                attempt.accepted,
                state()
            );
        }
        refused += attempts.iter().map(|one| one.refused_by_gate).sum::<usize>();
    }
    ensure!(refused > 0, "the gate was never asked: nothing is shown");
    Ok(())
}

fn declare(cluster: &Cluster, name: &str) -> Result<()> {
    let floor = json!({
        "tenantSelector": {"matchLabels": {"course": name}}, "modes": {"isolation": "Enforce"},
    });
    cluster.platform.create(BASELINES, baseline(name, floor))?;
    let mut member = tenant(name, json!({"namespaces": [name]}));
    member["metadata"]["labels"] = json!({"course": name});
    cluster.platform.create(TENANTS, member)?;
    cluster.platform.create(NAMESPACES, new_namespace(name, json!({LABEL_TENANT: name})))?;
    // Without it pods are refused before the gate is asked, and the operator opens the gate about as soon as it is there.
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
    match cluster.admin.create(Kind::ServiceAccount.all(name), account) {
        Err(refusal) if refusal.code != 409 => bail!("{refusal}"),
        _ => plant_edit(cluster, name, "alice"),
    }
}

/// A namespace whose tenant nobody has declared is nobody's to open.
pub fn unknown_tenant(cluster: &Cluster) -> Result<()> {
    let labelled = new_namespace("orphelin", json!({LABEL_TENANT: "orphelin"}));
    cluster.platform.create(NAMESPACES, labelled)?;
    until_judged(&cluster.platform, "orphelin", "p")?;
    throughout(Duration::from_secs(3), || {
        let answer = cluster.platform.create(Kind::Pod.all("orphelin"), pod("p"));
        let found = cluster.admin.get(namespace("orphelin"))?["metadata"]["labels"].take();
        answer.refused_by(GUARD_GATE).map(drop).with_context(|| found.to_string())
    })?;
    cluster.platform.create(TENANTS, tenant("orphelin", json!({"namespaces": ["orphelin"]})))?;
    cluster.isolated("orphelin")?;
    eventually("a pod", || Ok(cluster.platform.create(Kind::Pod.all("orphelin"), pod("p"))?)).map(drop)
}

/// With nobody there to open the gate, it stays closed for everybody; with its binding gone, the same requests pass.
pub fn first_instant(cluster: &Cluster) -> Result<()> {
    let claim = tenant("instant", json!({"namespacePrefixes": ["instant-"]}));
    cluster.platform.create(TENANTS, claim)?;
    let fresh = |name: &str| {
        cluster.platform.create(NAMESPACES, new_namespace(name, json!({LABEL_TENANT: "instant"})))?;
        plant_edit(cluster, name, "alice")
    };
    let people = [("platform", &cluster.platform), ("alice", &cluster.alice)];

    cluster.stop_operator()?;
    fresh("instant-a")?;
    thread::scope(|scope| {
        let running: Vec<_> = (0..6)
            .flat_map(|i| people.map(|(who, api)| (format!("{who}-{i}"), api)))
            .map(|(who, api)| scope.spawn(move || until_judged(api, "instant-a", &who)))
            .collect();
        running.into_iter().try_for_each(|one| one.join().map_err(|_| anyhow!("panic"))?)
    })?;
    ensure!(cluster.admin.list(Kind::Pod.all("instant-a"))?.is_empty(), "a pod slipped in");

    cluster.start_operator(&[])?;
    cluster.isolated("instant-a")?;
    let deny = version(&cluster.admin.get(Kind::NetworkPolicy.one("instant-a", DEFAULT_DENY))?);
    for (who, api) in people {
        let let_in = eventually("a pod", || Ok(api.create(Kind::Pod.all("instant-a"), pod(who))?))?;
        ensure!(deny < version(&let_in), "default-deny at {deny}, pod of {who} at {}", version(&let_in));
    }

    cluster.stop_operator()?;
    cluster.admin.delete(at(GUARD_BINDINGS, GUARD_GATE))?;
    cluster.gate_acts(false)?;
    fresh("instant-b")?;
    for (who, api) in people {
        eventually("the same request without the gate", || {
            Ok(api.create(Kind::Pod.all("instant-b"), pod(who))?)
        })?;
    }
    cluster.start_operator(&[])?;
    cluster.gate_acts(true)?;

    // What slipped in while the gate was off does not go unsaid.
    cluster.isolated("instant-b")?;
    eventually("the gap to be reported", || {
        let status = cluster.admin.get(at(TENANTS, "instant"))?["status"].take();
        let of =
            |name: &str| status["namespaces"]["items"].as_array()?.iter().find(|item| item["name"] == name);
        let (a, b) = of("instant-a").zip(of("instant-b")).with_context(|| status.to_string())?;
        ensure!(b["reason"] == "AdoptedWithGap" && b["adoptedWithGap"]["from"].is_string(), "{b}");
        ensure!(a["adoptedWithGap"].is_null(), "{a}");
        Ok(())
    })
}

/// Asks until admission has judged, which it must do by the gate.
fn until_judged(api: &Api, namespace: &str, who: &str) -> Result<()> {
    eventually("the gate's answer", || {
        let answer = api.create(Kind::Pod.all(namespace), pod(who));
        if answer.is_ok() {
            return Ok(Err(anyhow!("the pod of {who} was let in")));
        }
        answer.refused_by(GUARD_GATE).map(|_| Ok(()))
    })?
}
