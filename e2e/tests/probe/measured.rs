//! What is measured of the network, and what is said of namespaces by it. There is no node here: the test says what the
//! kubelet would say of the two pods. With real packets it is in the target `node`.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use snc_core::names::{PROBE, PROBE_KEY, PROBE_NAMESPACES};
use snc_e2e::cluster::{Cluster, OPERATOR, OPERATOR_NAMESPACE};
use snc_e2e::objects::{BASELINES, Kind, at, baseline, policy, text};
use snc_e2e::wait::{eventually, within};
use snc_plan::probe::{CLIENT, EGRESS, INGRESS, OPEN, SERVER};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use xtask::harness::workspace;

const ISOLATED: &str = "NetworkIsolated";
const NAMESPACE: &str = "sonde";
const ACCOUNT: &str = "snc-probe";
/// Of the 29th of February: not while this runs.
const NEVER: &str = "probe.schedule=0 0 29 2 *";
const SERVER_ADDRESS: &str = "10.9.9.9";

pub fn packets(cluster: &Cluster) -> Result<()> {
    cluster.governed(NAMESPACE, &[NAMESPACE], json!({}))?;
    cluster.platform.create(Kind::SncPolicy.all(NAMESPACE), policy("p", json!({})))?;
    said(cluster, "Unknown", "EnforcementNotProven")?;
    cluster.plane().install_chart(&["probe.enabled=true", NEVER])?;
    let result = measured(cluster);
    cluster.plane().install_chart(&[])?;
    result?;
    let map = Kind::ConfigMap.one(OPERATOR_NAMESPACE, PROBE);
    cluster.admin.delete(&map)?;
    said(cluster, "Unknown", "EnforcementNotProven")?;
    Ok(())
}

fn said(cluster: &Cluster, status: &str, reason: &str) -> Result<String> {
    let condition = cluster.condition(&Kind::SncPolicy.one(NAMESPACE, "p"), ISOLATED, status, reason)?;
    Ok(text(&condition, "/message").to_owned())
}

fn measured(cluster: &Cluster) -> Result<()> {
    let kubeconfig =
        cluster.plane().token_kubeconfig(OPERATOR_NAMESPACE, ACCOUNT, Duration::from_secs(3600))?;
    // Where everything is enforced.
    let output = probe(cluster, &kubeconfig, |port| port == OPEN)?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let message = said(cluster, "True", "EnforcementMeasured")?;
    ensure!(message.contains(PROBE), "{message}");
    counted(cluster, "enforced")?;

    // One packet too many, one way only.
    let output = probe(cluster, &kubeconfig, |port| port == OPEN || port == EGRESS)?;
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(!output.status.success() && log.contains("TCP sortant"), "{log}");
    let message = said(cluster, "False", "EnforcementDisproved")?;
    ensure!(message.contains("TCP sortant") && message.contains("UDP sortant"), "{message}");
    counted(cluster, "disproved")?;
    forgotten_by_nobody(cluster)?;

    // Nothing answers at all: that is no proof, and it is said why.
    let output = probe(cluster, &kubeconfig, |_| false)?;
    ensure!(!output.status.success(), "nothing was proven");
    let message = said(cluster, "Unknown", "EnforcementNotProven")?;
    ensure!(message.contains("ce qui est permis ne passe pas non plus"), "{message}");
    counted(cluster, "inconclusive")?;

    // No node takes the pods.
    let output = start(&kubeconfig, "30")?.wait_with_output()?;
    ensure!(!output.status.success(), "nothing was proven");
    let message = said(cluster, "Unknown", "EnforcementNotProven")?;
    ensure!(message.contains("not done within 30 s"), "{message}");
    for (namespace, pod) in PROBE_NAMESPACES.into_iter().zip([SERVER, CLIENT]) {
        ensure!(cluster.admin.find(Kind::Pod.one(namespace, pod))?.is_none(), "{pod} is left behind");
    }

    // What anybody may have written there is no proof.
    let map = Kind::ConfigMap.one(OPERATOR_NAMESPACE, PROBE);
    cluster.admin.merge(&map, json!({"data": {PROBE_KEY: "{\"at\": \"hier\"}"}}))?;
    eventually("it to be said that it cannot be read", || {
        let message = said(cluster, "Unknown", "EnforcementNotProven")?;
        ensure!(message.contains("ne se lit pas"), "{message}");
        Ok(())
    })
}

/// Who begins to lead has not said anything else in between, whatever is stated.
fn forgotten_by_nobody(cluster: &Cluster) -> Result<()> {
    let path = Kind::SncPolicy.one(NAMESPACE, "p");
    let said = || cluster.condition(&path, ISOLATED, "False", "EnforcementDisproved");
    let enforcement = json!({"engine": "cilium 1.19", "evidence": "PV-2026-017", "statedOn": "2026-10-01"});
    cluster
        .platform
        .create(BASELINES, baseline("declare", json!({"network": {"enforcement": enforcement}})))?;
    let before = said()?;
    cluster.restart_operator()?;
    cluster.platform.merge(&path, json!({"spec": {"environment": "Test"}}))?;
    let after = said()?;
    cluster.platform.delete(at(BASELINES, "declare"))?;
    ensure!(after["lastTransitionTime"] == before["lastTransitionTime"], "{before} and then {after}");
    Ok(())
}

fn counted(cluster: &Cluster, result: &str) -> Result<()> {
    let series = format!("snc_network_probe{{result=\"{result}\"}}");
    eventually(&series, || {
        ensure!(cluster.metrics(OPERATOR)?.get(&series) == Some(&1), "not counted");
        Ok(())
    })
}

fn start(kubeconfig: &PathBuf, seconds: &str) -> Result<Child> {
    let mut command = Command::new(workspace::binary("snc-operator")?);
    command.args(["probe", "--image", "registry.invalid/snc-operator:1", "--wait-seconds", seconds]);
    command.env("KUBECONFIG", kubeconfig).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().context("start snc-operator probe")
}

/// As if packets to these ports came through.
fn probe(cluster: &Cluster, kubeconfig: &PathBuf, through: impl Fn(u16) -> bool) -> Result<Output> {
    let running = start(kubeconfig, "120")?;
    let [server, client] = PROBE_NAMESPACES;
    let (server, client) = (Kind::Pod.one(server, SERVER), Kind::Pod.one(client, CLIENT));
    let is = |pod: &str, status: Value| {
        within(Duration::from_secs(60), pod, || {
            Ok(cluster.admin.merge(format!("{pod}/status"), json!({"status": status}))?)
        })
    };
    is(&server, json!({"phase": "Running", "podIP": SERVER_ADDRESS, "podIPs": [{"ip": SERVER_ADDRESS}]}))?;
    let (mut asked, mut received) = (Vec::new(), Vec::new());
    for protocol in ["TCP", "UDP"] {
        for port in [OPEN, INGRESS, EGRESS, OPEN] {
            let answered = through(port);
            asked.push(
                json!({"address": SERVER_ADDRESS, "protocol": protocol, "port": port, "answered": answered}),
            );
        }
        for port in [OPEN, INGRESS, EGRESS] {
            received.push(json!({"protocol": protocol, "port": port, "packets": u8::from(through(port))}));
        }
    }
    for (pod, said) in [(&client, json!(asked)), (&server, json!(received))] {
        let ended = json!({"exitCode": 0, "message": said.to_string()});
        let container = json!({"name": "probe", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"terminated": ended}});
        is(pod, json!({"phase": "Succeeded", "containerStatuses": [container]}))?;
    }
    Ok(running.wait_with_output()?)
}
