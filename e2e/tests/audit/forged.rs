//! The identity of an event is the client's word.

use crate::scene::Scene;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use snc_e2e::api::Ask;
use snc_e2e::wait::within;
use std::time::Duration;
use xtask::harness::User;

const FORGED: &str = "11111111-2222-3333-4444-555555555555";

pub fn both_kept(scene: &Scene) -> Result<()> {
    let sink = scene.sink("forged").tailing().with("SNC_AUDIT_ACCEPT_PEOPLE", "true");
    sink.start()?;
    for namespace in ["alice-a", "bruno-a"] {
        let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("forged-{namespace}")}});
        let path = format!("/api/v1/namespaces/{namespace}/configmaps");
        scene.cluster.admin.send(&Ask::create(path, body).dry_run().audited_as(FORGED))?;
    }
    let store = sink.store();
    within(Duration::from_secs(60), "both events", || {
        let read = |tenant: &str| -> Result<String> {
            let (place, name) = (store.display().to_string(), format!("forged-{tenant}-a"));
            let args = [
                "logs", "query", "--store", &place, "--tenant", tenant, "--verb", "create", "--name", &name,
                "-o", "json", "--lang", "en",
            ];
            let output = scene.kubectl_snc(User::Admin, &args)?;
            ensure!(output.code == Some(0), "{}{}", output.stdout, output.stderr);
            Ok(output.stdout)
        };
        for tenant in ["alice", "bruno"] {
            let told = read(tenant)?;
            ensure!(
                told.contains(FORGED) && told.contains(&format!("forged-{tenant}-a")),
                "{tenant}: {told}"
            );
        }
        Ok(())
    })?;
    let raised = within(Duration::from_secs(30), "the alarm", || {
        let alarms = scene.alarms(&sink)?;
        let found = alarms.iter().find(|alarm| alarm["rule"] == "audit-id-reused").cloned();
        found.with_context(|| format!("{alarms:?}"))
    })?;
    let id = &raised["id"].as_u64().context("a number")?.to_string();
    let decision = ["alarms", "acknowledge", id, "--decision", "essai de la suite"];
    let machine = scene.logs(&sink, &decision)?;
    ensure!(machine.code != Some(0), "a ServiceAccount decided: {}", machine.stdout);
    ensure!(machine.stderr.contains("user: got"), "{}", machine.stderr);
    let done = scene.logs_in_person(&sink, &decision)?;
    ensure!(done.code == Some(0), "{}{}", done.stdout, done.stderr);
    let after: Vec<Value> =
        scene.alarms(&sink)?.into_iter().filter(|alarm| alarm["id"] == raised["id"]).collect();
    ensure!(after.len() == 1 && after[0].to_string().contains("essai de la suite"), "{after:?}");
    sink.stop()
}
