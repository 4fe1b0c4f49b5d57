use crate::lab::{Lab, Usage};
use crate::report::Report;
use anyhow::Result;
use serde_json::json;
use snc_e2e::cluster::OPERATOR;
use snc_e2e::objects::{Kind, NAMESPACES, new_namespace, pod};
use std::time::Duration;

const PER_NAMESPACE: usize = 100;
/// Pages that were freed go back to the system after a while, or never.
const SETTLE: Duration = Duration::from_secs(10);

/// Pods of nobody's namespaces: only the index holds them. Names, labels and addresses as a Deployment has them.
pub fn measure(lab: &Lab, pods: usize, report: &mut Report) -> Result<()> {
    let before = of_a_new_process(lab)?;
    let namespaces: Vec<usize> = (0..pods.div_ceil(PER_NAMESPACE)).collect();
    lab.each(&namespaces, |api, index| {
        let name = format!("pods-{index}");
        api.create(NAMESPACES, new_namespace(&name, json!({})))?;
        for number in 0..PER_NAMESPACE.min(pods - index * PER_NAMESPACE) {
            let mut object = pod(&format!("deployment-with-a-name-{}-{number:05}", number % 10));
            object["metadata"]["labels"] = json!({
                "app.kubernetes.io/name": format!("app-{}", number % 10), "app.kubernetes.io/instance": name,
                "app.kubernetes.io/part-of": "bench", "pod-template-hash": format!("{:08x}", number % 10),
            });
            api.create(Kind::Pod.all(&name), object)?;
        }
        Ok(())
    })?;
    std::thread::sleep(SETTLE);
    let as_they_came = lab.usage(OPERATOR)?;
    let listed = of_a_new_process(lab)?;
    Report::heading(&format!("memory: {pods} pods in the index"));
    let count = u32::try_from(pods).map_or(f64::MAX, f64::from);
    let mut line = |name: &str, value: f64, unit: &str| report.line("memory", name, value, unit);
    line("RSS of a new process before the pods", before.rss_mib, "MiB");
    line("RSS with the pods, as they came", as_they_came.rss_mib, "MiB");
    line("per pod, as they came", (as_they_came.rss_mib - before.rss_mib) * 1024.0 / count, "KiB");
    line("RSS of a new process that listed them", listed.rss_mib, "MiB");
    line("its peak", listed.peak_mib, "MiB");
    line("per pod, listed", (listed.rss_mib - before.rss_mib) * 1024.0 / count, "KiB");
    Ok(())
}

/// What was freed and not given back would hide what is new.
fn of_a_new_process(lab: &Lab) -> Result<Usage> {
    lab.stop_operator()?;
    lab.start_operator()?;
    lab.until("the lists of a new process", Duration::from_secs(120), |metrics| {
        metrics.get("snc_leader").is_some_and(|leads| *leads > 0.0)
    })?;
    std::thread::sleep(SETTLE);
    lab.usage(OPERATOR)
}
