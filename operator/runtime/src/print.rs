use crate::args::IdentityArgs;
use anyhow::Result;
use serde::Serialize;
use snc_plan::guards::{self, Identity};
use std::io::Write;

pub fn crds() -> Result<()> {
    documents(snc_api::all_crds().iter())
}

pub fn identity(args: &IdentityArgs) -> Identity {
    Identity {
        bypass_group: args.bypass_group.clone(),
        ..Identity::new(&args.operator_namespace, &args.service_account)
    }
}

pub fn guards(args: &IdentityArgs) -> Result<()> {
    for guard in guards::guards(&identity(args), args.language) {
        documents([&guard.policy].into_iter())?;
        documents(guard.bindings.iter())?;
    }
    Ok(())
}

pub fn metrics() -> Result<()> {
    let controller = snc_controllers::Metrics::new()?.exposed();
    let webhook = snc_webhook::metrics::Metrics::new(snc_catalogue::controls().iter())?.exposed();
    let sink = snc_sink::metrics::Metrics::complete()?.exposed();
    let tail = crate::audit::TailMetrics::new()?.exposed();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "# Metrics\n\nEach process serves them as Prometheus text under `/metrics` of its port 8080. Labels are of"
    )?;
    writeln!(out, "closed sets: no name of a namespace or object is among them.")?;
    let all = [("controller", controller), ("webhook", webhook), ("audit-sink", sink), ("audit-tail", tail)];
    for (process, metrics) in all {
        writeln!(out, "\n## `snc-operator {process}`\n\n| metric | labels | what |\n|---|---|---|")?;
        for metric in metrics {
            let labels = metric.labels.join(", ");
            writeln!(out, "| `{}` | {labels} | {} |", metric.name, metric.help)?;
        }
    }
    Ok(())
}

fn documents<'a, T: Serialize + 'a>(objects: impl Iterator<Item = &'a T>) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for object in objects {
        // Through a JSON value: keys in one order whatever the type says.
        let yaml = serde_saphyr::to_string(&serde_json::to_value(object)?)?;
        writeln!(out, "---\n{}", yaml.trim_end())?;
    }
    Ok(())
}
