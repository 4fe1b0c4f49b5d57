//! Values that are wrong: helm refuses each before anything is written, and says where it is.

mod audit_log;

use crate::harness::{Client, KUBERNETES_VERSION};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::{fs, path::Path};

/// Value, what is given, and what helm says of it there.
type Wrong = (&'static str, &'static str, &'static str);

const TYPES: &[Wrong] = &[
    ("global", "1", "got number, want object"),
    ("replicas", r#""2""#, "got string, want integer"),
    ("imageRegistry", "1", "got number, want string"),
    ("image.repository", "1", "got number, want string"),
    ("image.tag", "1.5", "got number, want string"),
    ("image.digest", "1", "got number, want string"),
    ("image.pullPolicy", "true", "got boolean, want string"),
    ("imagePullSecrets", r#""mirror""#, "got string, want array"),
    ("language", "1", "got number, want string"),
    ("bypassGroup", "[]", "got array, want string"),
    ("leaseDurationSeconds", r#""15s""#, "got string, want integer"),
    ("port", "8080.5", "got number, want integer"),
    ("shutdownSeconds", "true", "got boolean, want integer"),
    ("logFormat", "1", "got number, want string"),
    ("logLevel", "1", "got number, want string"),
    ("canary.namespace", "1", "got number, want string"),
    ("canary.everySeconds", r#""1h""#, "got string, want integer"),
    ("canary.owner", "1", "got number, want string"),
    ("canary.contact", "[]", "got array, want string"),
    ("canary.labels", r#""no""#, "got string, want boolean"),
    ("probe.enabled", r#""yes""#, "got string, want boolean"),
    ("probe.schedule", "1", "got number, want string"),
    ("probe.waitSeconds", r#""3m""#, "got string, want integer"),
    ("assessment.readSecretMetadata", r#""false""#, "got string, want boolean"),
    ("reports", "1", "got number, want string"),
    ("webhook.enabled", "1", "got number, want boolean"),
    ("webhook.certificates", "1", "got number, want string"),
    ("webhook.certManager.enabled", r#""true""#, "got string, want boolean"),
    ("webhook.certManager.issuerRef", r#""platform""#, "got string, want object"),
    ("webhook.replicas", r#""3""#, "got string, want integer"),
    ("webhook.port", r#""https""#, "got string, want integer"),
    ("webhook.resources", r#""small""#, "got string, want object"),
    ("monitoring.labels", r#""a=b""#, "got string, want object"),
    ("monitoring.podMonitor.enabled", "1", "got number, want boolean"),
    ("monitoring.serviceMonitor.enabled", "1", "got number, want boolean"),
    ("monitoring.podMonitor.interval", "30", "got number, want string"),
    ("monitoring.serviceMonitor.interval", "30", "got number, want string"),
    ("monitoring.prometheusRule.enabled", "1", "got number, want boolean"),
    ("monitoring.dashboard.enabled", "1", "got number, want boolean"),
    ("monitoring.dashboard.labels", r#""a=b""#, "got string, want object"),
    ("upgrade.migrateStoredVersions", r#""no""#, "got string, want boolean"),
    ("uninstall.removeEverything", "true", "got boolean, want string"),
    ("resources", r#""small""#, "got string, want object"),
    ("nodeSelector", r#""linux""#, "got string, want object"),
    ("tolerations", r#""all""#, "got string, want array"),
    ("affinity", "[]", "got array, want object"),
    ("priorityClassName", "1", "got number, want string"),
    ("hostUsers", r#""no""#, "got string, want boolean"),
    ("podAnnotations", "[]", "got array, want object"),
    ("networkPolicy.enabled", "1", "got number, want boolean"),
    ("networkPolicy.apiServerPorts", "443", "got number, want array"),
    ("networkPolicy.dnsTo", "{}", "got object, want array"),
    ("networkPolicy.dnsPorts", r#""53""#, "got string, want array"),
    ("networkPolicy.metricsFrom", "true", "got boolean, want array"),
    ("flowControl.enabled", r#""on""#, "got string, want boolean"),
    ("flowControl.shares", r#""20""#, "got string, want integer"),
];
const LOW: &[Wrong] = &[
    ("replicas", "-1", "minimum: got -1, want 0"),
    ("imageRegistry", r#""https://mirror""#, "does not match pattern"),
    ("image.repository", r#""""#, "minLength"),
    ("canary.owner", r#""""#, "minLength"),
    ("canary.contact", r#""""#, "minLength"),
    ("image.digest", r#""sha256:12""#, "does not match pattern"),
    ("image.pullPolicy", r#""always""#, "value must be one of 'Always', 'IfNotPresent', 'Never'"),
    ("imagePullSecrets.0", r#""mirror""#, "got string, want object"),
    ("language", r#""de""#, "value must be one of 'fr', 'en'"),
    ("bypassGroup", r#"" system:masters""#, "'not' failed"),
    ("leaseDurationSeconds", "1", "minimum: got 1, want 2"),
    ("port", "80", "minimum"),
    ("shutdownSeconds", "0", "minimum"),
    ("logFormat", r#""yaml""#, "value must be one of 'json', 'text'"),
    ("logLevel", r#""""#, "minLength"),
    ("canary.namespace", r#""canary""#, "does not match pattern"),
    ("canary.everySeconds", "4", "minimum"),
    ("probe.schedule", r#""""#, "minLength"),
    ("probe.waitSeconds", "29", "minimum"),
    ("reports", r#""kyverno""#, "value must be one of 'openreports', 'wgpolicy', 'none'"),
    ("webhook.certificates", r#""none""#, "value must be one of 'own', 'external'"),
    ("webhook.certManager.issuerRef.name", "1", "got number, want string"),
    ("webhook.certManager.issuerRef.kind", "1", "got number, want string"),
    ("webhook.certManager.issuerRef.group", "1", "got number, want string"),
    ("webhook.replicas", "-1", "minimum"),
    ("webhook.port", "443", "minimum"),
    ("monitoring.labels.release", "1", "got number, want string"),
    ("monitoring.podMonitor.interval", r#""1h""#, "does not match pattern"),
    ("monitoring.serviceMonitor.interval", r#""1h""#, "does not match pattern"),
    ("monitoring.dashboard.labels.folder", "true", "got boolean, want string"),
    ("uninstall.removeEverything", r#""yes""#, "value must be one of '', 'yes-remove-isolation'"),
    ("networkPolicy.apiServerPorts", "[]", "minItems"),
    ("networkPolicy.dnsTo", "[]", "minItems"),
    ("networkPolicy.dnsPorts", "[]", "minItems"),
    ("networkPolicy.metricsFrom.0", r#""monitoring""#, "got string, want object"),
    ("flowControl.shares", "0", "minimum"),
];
const HIGH: &[Wrong] = &[
    ("replicas", "6", "maximum: got 6, want 5"),
    ("imagePullSecrets.0", "{}", "missing property 'name'"),
    ("leaseDurationSeconds", "301", "maximum"),
    ("port", "65536", "maximum"),
    ("shutdownSeconds", "61", "maximum"),
    ("canary.everySeconds", "86401", "maximum"),
    ("probe.waitSeconds", "601", "maximum"),
    ("webhook.replicas", "10", "maximum"),
    ("webhook.port", "70000", "maximum"),
    ("networkPolicy.apiServerPorts.0", "0", "minimum"),
    ("networkPolicy.dnsTo.0", "53", "got number, want object"),
    ("networkPolicy.dnsPorts.0", "65536", "maximum"),
    ("flowControl.shares", "101", "maximum"),
];
/// Where a key that is not known is refused.
const CLOSED: &[&str] = &[
    "",
    "image",
    "canary",
    "probe",
    "assessment",
    "webhook",
    "webhook.certManager",
    "webhook.certManager.issuerRef",
    "monitoring",
    "monitoring.podMonitor",
    "monitoring.serviceMonitor",
    "monitoring.prometheusRule",
    "monitoring.dashboard",
    "upgrade",
    "uninstall",
    "networkPolicy",
    "flowControl",
];
const MISSPELT: &str = "replcas";
/// Without these nothing that is rendered would work.
const REQUIRED: &[&str] = &[
    "replicas",
    "image.repository",
    "language",
    "leaseDurationSeconds",
    "port",
    "shutdownSeconds",
    "logFormat",
    "logLevel",
    "canary.namespace",
    "canary.owner",
    "canary.contact",
    "canary.labels",
    "probe.enabled",
    "probe.schedule",
    "probe.waitSeconds",
    "assessment.readSecretMetadata",
    "reports",
    "webhook.enabled",
    "webhook.certificates",
    "webhook.certManager.enabled",
    "webhook.certManager.issuerRef",
    "webhook.replicas",
    "webhook.port",
    "monitoring.labels",
    "monitoring.podMonitor.enabled",
    "monitoring.serviceMonitor.enabled",
    "monitoring.podMonitor.interval",
    "monitoring.serviceMonitor.interval",
    "monitoring.prometheusRule.enabled",
    "monitoring.dashboard.enabled",
    "monitoring.dashboard.labels",
    "upgrade.migrateStoredVersions",
    "uninstall.removeEverything",
    "hostUsers",
    "networkPolicy.enabled",
    "networkPolicy.apiServerPorts",
    "networkPolicy.dnsTo",
    "networkPolicy.dnsPorts",
    "networkPolicy.metricsFrom",
    "flowControl.enabled",
    "flowControl.shares",
];
/// As a whole; each of them alone, since their parts are among the others.
const BLOCKS: &[&str] = &[
    "image",
    "canary",
    "probe",
    "assessment",
    "webhook",
    "monitoring",
    "upgrade",
    "uninstall",
    "networkPolicy",
    "flowControl",
];

pub(super) fn check(client: &Client, chart: &Path, scratch: &Path) -> Result<()> {
    let mut refused = 0;
    for round in [[TYPES, audit_log::TYPES], [LOW, audit_log::LOW], [HIGH, audit_log::HIGH]] {
        let (round, mut values) = (round.concat(), json!({}));
        for (path, given, _) in &round {
            put(&mut values, path, serde_json::from_str(given).with_context(|| given.to_string())?);
        }
        let said = Said::of(client, chart, scratch, &values)?;
        for (path, given, words) in &round {
            said.has(&pointer(path), words).with_context(|| format!("{path}: {given}"))?;
        }
        refused += said.only(round.len())?;
    }
    let (mut misspelt, mut without, mut blocks) = (json!({}), json!({}), json!({}));
    let closed = [CLOSED, audit_log::CLOSED].concat();
    for path in &closed {
        put(&mut misspelt, format!("{path}.{MISSPELT}").trim_start_matches('.'), json!(1));
    }
    let said = Said::of(client, chart, scratch, &misspelt)?;
    for path in &closed {
        said.has(&pointer(path), &format!("additional properties '{MISSPELT}' not allowed"))?;
    }
    refused += said.only(closed.len())?;
    let required = [REQUIRED, audit_log::REQUIRED].concat();
    let whole = [BLOCKS, audit_log::BLOCKS].concat();
    for (values, paths) in [(&mut without, required), (&mut blocks, whole)] {
        for path in &paths {
            put(values, path, Value::Null);
        }
        let said = Said::of(client, chart, scratch, values)?;
        for path in &paths {
            let (outer, key) = path.rsplit_once('.').unwrap_or(("", path));
            said.has(&pointer(outer), &format!("'{key}'")).with_context(|| format!("{path}: null"))?;
        }
        refused += paths.len();
    }
    println!("{refused} wrong values refused by helm, each by its name");
    Ok(())
}

/// Lists in a path hold one element.
fn put(values: &mut Value, path: &str, given: Value) {
    match path.split_once('.') {
        None => values[path] = given,
        Some((list, "0")) => values[list] = json!([given]),
        Some((outer, rest)) => put(&mut values[outer], rest, given),
    }
}

fn pointer(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("/{}", path.replace('.', "/")) }
}

/// What helm says in lines of the form `- at '/path': why`.
struct Said(String);

impl Said {
    fn of(client: &Client, chart: &Path, scratch: &Path, values: &Value) -> Result<Self> {
        let file = scratch.join("wrong.json");
        fs::write(&file, values.to_string())?;
        let values = format!("--values={}", file.display());
        let version = format!("--kube-version={KUBERNETES_VERSION}");
        let output = client.helm(["template", "snc", &values, &version, &chart.to_string_lossy()])?;
        ensure!(!output.success(), "helm took {}", fs::read_to_string(&file)?);
        Ok(Self(output.stderr))
    }

    fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.lines().filter_map(|line| line.trim_start().strip_prefix("- at '"))
    }

    fn has(&self, pointer: &str, words: &str) -> Result<()> {
        let here = format!("{pointer}': ");
        if self.lines().any(|line| line.strip_prefix(&here).is_some_and(|why| why.contains(words))) {
            return Ok(());
        }
        bail!("no line says {words:?} of '{pointer}':\n{}", self.0)
    }

    /// Nothing else is refused.
    fn only(&self, wanted: usize) -> Result<usize> {
        let told = self.lines().filter(|line| !line.ends_with("validation failed")).count();
        ensure!(told == wanted, "{wanted} values are wrong, {told} were refused:\n{}", self.0);
        Ok(told)
    }
}
