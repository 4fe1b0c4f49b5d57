use crate::lab::Lab;
use crate::report::Report;
use anyhow::Result;
use serde_json::{Value, json};
use snc_core::names::LABEL_TENANT;
use snc_e2e::cluster::OPERATOR;
use snc_e2e::objects::{BASELINES, Kind, NAMESPACES, TENANTS, baseline, new_namespace, policy};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(1800);
/// Nothing left to do for so long is rest.
const REST: Duration = Duration::from_secs(15);

pub fn namespace(index: usize, tenants: usize) -> String {
    format!("t{}-n{index}", index % tenants)
}

fn flow(index: usize, own: &str, neighbour: &str) -> Value {
    let peers = match index % 3 {
        0 => json!([{"pods": {"podSelector": {"matchLabels": {"app": format!("a{index}")}}}}]),
        1 => json!([{"namespaces": {"names": [neighbour]}}]),
        _ => json!([{"cidr": {"block": format!("198.51.{index}.0/24")}}]),
    };
    json!({
        "name": format!("flow-{index}"), "justification": format!("needed by {own}"),
        "direction": if index.is_multiple_of(2) { "Egress" } else { "Ingress" },
        "peers": peers, "ports": [{"port": 8000 + index}, {"port": 53, "protocol": "UDP"}],
    })
}

/// Everything that people declare, before the operator is there.
pub fn declare(lab: &Lab, tenants: usize, namespaces: usize, flows: usize) -> Result<()> {
    let floor = json!({
        "modes": {"isolation": "Enforce", "podSecurity": "Enforce", "quota": "Enforce"},
        "network": {"deniedCIDRs": ["10.0.0.0/8"]},
        "quota": {"pods": "50"},
    });
    lab.admin.create(BASELINES, baseline("bench", floor))?;
    let names: Vec<usize> = (0..tenants).collect();
    lab.each(&names, |api, tenant| {
        let spec = json!({
            "level": "Standard", "namespacePrefixes": [format!("t{tenant}-")],
            "owners": [{"kind": "User", "name": format!("owner-{tenant}")}],
            "quota": {"requests.cpu": "4000"},
        });
        let object = json!({
            "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncTenant",
            "metadata": {"name": format!("t{tenant}")}, "spec": spec,
        });
        Ok(api.create(TENANTS, object).map(drop)?)
    })?;
    let all: Vec<usize> = (0..namespaces).collect();
    lab.each(&all, |api, &index| {
        let name = namespace(index, tenants);
        let neighbour = namespace((index + tenants) % namespaces, tenants);
        let neighbour = if index + tenants < namespaces { neighbour } else { name.clone() };
        let labels = json!({LABEL_TENANT: format!("t{}", index % tenants)});
        api.create(NAMESPACES, new_namespace(&name, labels))?;
        let flows: Vec<Value> = (0..flows).map(|flow_index| flow(flow_index, &name, &neighbour)).collect();
        api.create(Kind::SncPolicy.all(&name), policy("main", json!({"network": {"flows": flows}})))?;
        Ok(())
    })
}

pub fn measure(lab: &Lab, namespaces: usize, flows: usize, told: bool, report: &mut Report) -> Result<()> {
    let before = lab.usage("kube-apiserver")?;
    let started = lab.start_operator()?;
    let wanted = u32::try_from(namespaces).map_or(f64::MAX, f64::from);
    lab.until("all namespaces effective", LIMIT, |metrics| effective(metrics) >= wanted)?;
    let elapsed = started.elapsed();
    rest(lab)?;
    if !told {
        return Ok(());
    }
    let (usage, api_server) = (lab.usage(OPERATOR)?, lab.usage("kube-apiserver")?);
    let writes = writes(&lab.metrics()?);
    Report::heading(&format!("converge: {namespaces} namespaces, one SncPolicy of {flows} flows each"));
    let mut line = |name: &str, value: f64, unit: &str| report.line("converge", name, value, unit);
    line("start to all NetworkPolicyEffective", elapsed.as_secs_f64(), "s");
    line("operator CPU", usage.cpu, "s");
    line("API server CPU", api_server.cpu - before.cpu, "s");
    line("operator RSS at rest", usage.rss_mib, "MiB");
    line("operator RSS at its peak", usage.peak_mib, "MiB");
    line("writes a second until effective", writes.values().sum::<f64>() / elapsed.as_secs_f64(), "1/s");
    for (kind, count) in &writes {
        line(&format!("writes: {kind}"), *count, "");
        line(&format!("writes: {kind}, per namespace"), count / wanted, "");
    }

    lab.stop_operator()?;
    let started = lab.start_operator()?;
    lab.until("all namespaces effective again", LIMIT, |metrics| effective(metrics) >= wanted)?;
    let elapsed = started.elapsed();
    rest(lab)?;
    let (usage, writes) = (lab.usage(OPERATOR)?, self::writes(&lab.metrics()?));
    Report::heading("converge: second start, nothing to do");
    let mut line = |name: &str, value: f64, unit: &str| report.line("second start", name, value, unit);
    line("start to all known effective", elapsed.as_secs_f64(), "s");
    line("operator CPU", usage.cpu, "s");
    line("operator RSS at rest", usage.rss_mib, "MiB");
    line("operator RSS at its peak", usage.peak_mib, "MiB");
    line("writes", writes.values().sum(), "");
    for (kind, count) in &writes {
        line(&format!("writes: {kind}"), *count, "");
    }
    Ok(())
}

fn effective(metrics: &BTreeMap<String, f64>) -> f64 {
    metrics.get(r#"snc_namespaces{network_policy_effective="True"}"#).copied().unwrap_or_default()
}

/// Without the renewals of the lease and without events, which say something and keep nothing.
fn writes(metrics: &BTreeMap<String, f64>) -> BTreeMap<String, f64> {
    let mut writes: BTreeMap<String, f64> = BTreeMap::new();
    for (series, count) in metrics {
        let Some(kind) = series.strip_prefix("snc_writes_total{kind=\"") else { continue };
        let kind = kind.split('"').next().unwrap_or_default();
        if *count > 0.0 && !["leases", "events"].contains(&kind) {
            *writes.entry(kind.to_owned()).or_default() += count;
        }
    }
    writes
}

/// No write for a while.
fn rest(lab: &Lab) -> Result<()> {
    let mut last = (writes(&lab.metrics()?), Instant::now());
    while last.1.elapsed() < REST {
        xtask::harness::interrupt::check()?;
        std::thread::sleep(Duration::from_millis(250));
        let now = writes(&lab.metrics()?);
        if now != last.0 {
            last = (now, Instant::now());
        }
    }
    Ok(())
}
