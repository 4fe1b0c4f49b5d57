//! ```yaml
//! id: namespace-without-backup
//! category: backup
//! requirements: [12.5.a, 19.1.m, 17.2.a]
//! level: Essentiel
//! severity: high
//! scope: any
//! title:
//!   fr: Données sans sauvegarde quotidienne planifiée
//!   en: Data without a scheduled daily backup
//! reads: [velero.io/Schedule, core/PersistentVolumeClaim]
//! judges: [core/Namespace]
//! parameters:
//!   - name: elsewhere
//!     default: []
//!     stronger: fewer
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Namespaces sauvegardés par un autre outil, ou dont l'absence de sauvegarde est acceptée par écrit.
//!       en: Namespaces that another tool backs up, or whose lack of backup is accepted in writing.
//! remediation:
//!   fr: Planifier au moins une sauvegarde par jour du namespace, volumes compris.
//!   en: Schedule a backup of the namespace every day at least, volumes included.
//!   snippet: |
//!     apiVersion: velero.io/v1
//!     kind: Schedule
//!     metadata: {name: shop, namespace: velero}
//!     spec:
//!       schedule: "0 2 * * *"
//!       template: {includedNamespaces: [shop], snapshotMoveData: true, ttl: 720h0m0s}
//! boundary:
//!   fr: Prouve qu'une planification active couvre les volumes ; ne prouve ni que les sauvegardes aboutissent, ni qu'elles se restaurent, ni que chaque volume y est (annotations, politiques de ressources).
//!   en: Proves that an active schedule covers the volumes; proves neither that backups succeed, nor that they can be restored, nor that every volume is in them (annotations, resource policies).
//! ```

use crate::checks::World;
use crate::cluster::namespace;
use serde_json::Value;
use snc_core::snapshot::Stock;
use snc_core::verdict::{Outcome, Subject};
use std::collections::BTreeSet;

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let elsewhere = world.settings.strings("elsewhere");
    let schedules = world.snapshot.dynamic.get("velero.io/Schedule");
    let schedules: Vec<&Value> = schedules
        .into_iter()
        .flat_map(Stock::iter)
        .map(|(_, schedule)| schedule)
        .filter(|s| is_daily(s))
        .collect();
    let holders = world.snapshot.claims.iter().map(|(subject, _)| subject.namespace.as_str());
    let holders: BTreeSet<&str> = holders.filter(|name| !name.is_empty()).collect();
    let judge = |name: &str| {
        if elsewhere.contains(&name) {
            Outcome::not_applicable()
        } else if schedules.iter().any(|schedule| covers(schedule, name)) {
            Outcome::pass()
        } else {
            Outcome::fail(
                format!(
                    "aucune planification active et quotidienne ne couvre les volumes de ce namespace : {name}"
                ),
                format!("no active daily schedule covers the volumes of this namespace: {name}"),
            )
        }
    };
    holders.into_iter().map(|name| (namespace(name), judge(name))).collect()
}

/// Not paused, and never more than a day apart.
fn is_daily(schedule: &Value) -> bool {
    let text = schedule.pointer("/spec/schedule").and_then(Value::as_str).unwrap_or_default().trim();
    let paused = schedule.pointer("/spec/paused").and_then(Value::as_bool).unwrap_or_default();
    let text = match text.split_once(' ') {
        Some((zone, rest)) if zone.starts_with("CRON_TZ=") || zone.starts_with("TZ=") => rest.trim(),
        _ => text,
    };
    let fields: Vec<&str> = text.split_whitespace().collect();
    let every_day = match fields[..] {
        ["@hourly" | "@daily" | "@midnight"] => true,
        ["@every", period] => hours(period).is_some_and(|hours| hours <= 24),
        [_, _, day, month, weekday] => {
            matches!(day, "*" | "*/1" | "?")
                && matches!(month, "*" | "*/1")
                && matches!(weekday, "*" | "*/1" | "?" | "0-6")
        }
        _ => false,
    };
    every_day && !paused
}

/// A period in hours, minutes or seconds alone, rounded up.
fn hours(period: &str) -> Option<u64> {
    let number = |unit: &str| period.strip_suffix(unit)?.parse::<u64>().ok();
    number("h")
        .or_else(|| number("m").map(|m| m.div_ceil(60)))
        .or_else(|| number("s").map(|s| s.div_ceil(3600)))
}

fn covers(schedule: &Value, name: &str) -> bool {
    let template = |field: &str| schedule.pointer(&format!("/spec/template/{field}"));
    let list = |field: &str| -> Vec<&str> {
        template(field).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let has = |field: &str, wanted: &[&str]| list(field).iter().any(|item| wanted.contains(item));
    let holds = |field: &str| list(field).is_empty() || has(field, &["*", "persistentvolumeclaims", "pvc"]);
    let every = |selector: &Value| selector.as_object().is_some_and(serde_json::Map::is_empty);
    let whole = template("labelSelector").is_none_or(every) && list_is_empty(template("orLabelSelectors"));
    let resources = holds("includedResources") && holds("includedNamespaceScopedResources");
    let left_out = has("excludedResources", &["*", "persistentvolumeclaims", "pvc"])
        || has("excludedNamespaceScopedResources", &["*", "persistentvolumeclaims", "pvc"]);
    let named = list("includedNamespaces").is_empty() || has("includedNamespaces", &["*", name]);
    let excluded = list("excludedNamespaces").iter().any(|item| *item == name || item.contains('*'));
    let copied = |field: &str| template(field).and_then(Value::as_bool);
    let volumes =
        copied("snapshotVolumes") != Some(false) || copied("defaultVolumesToFsBackup") == Some(true);
    named && !excluded && whole && resources && !left_out && volumes
}

fn list_is_empty(value: Option<&Value>) -> bool {
    value.and_then(Value::as_array).is_none_or(Vec::is_empty)
}
