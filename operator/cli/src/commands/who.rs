//! `who-can-disable`: who can switch enforcement off, and by which binding.

use super::{for_machines, undecided, unprintable};
use crate::args::Args;
use crate::cluster::Cluster;
use crate::model::Selection;
use crate::model::who::{Holder, WhoReport, build};
use crate::outcome::{Answer, Outcome};
use crate::render::{Screen, who as render};
use snc_core::lang::Lang;
use std::collections::BTreeSet;

pub async fn run(args: &Args, expected: &BTreeSet<String>, cluster: &Cluster) -> Result<Answer, Outcome> {
    let lang = args.lang;
    if args.selection != Selection::All {
        return Err(Outcome::bad_input(lang.str(
            "who-can-disable parle du cluster entier : ni --namespace ni --tenant",
            "who-can-disable is about the whole cluster: no --namespace, no --tenant",
        )));
    }
    // What is not read could hide somebody.
    let snapshot = cluster.rbac().await.map_err(|troubles| undecided(&troubles, args))?;
    let report = build(cluster.context.clone(), &snapshot, &args.settings.identity, expected, lang);
    let text = for_machines(args.format, &report)
        .unwrap_or_else(|| Ok(render::table(&report, lang, Screen::of_stdout())))
        .map_err(|error| unprintable(&error))?;
    Ok(Answer { text, outcome: outcome(&report, expected, &snapshot_doubts(&snapshot, lang), lang) })
}

/// Roles and bindings that are there and could not be understood.
fn snapshot_doubts(snapshot: &snc_core::snapshot::Snapshot, lang: Lang) -> Vec<String> {
    let told = |(subject, why): (&snc_core::verdict::Subject, &str)| {
        lang.pick(|| format!("{subject} illisible : {why}"), || format!("{subject} cannot be read: {why}"))
    };
    snapshot.unreadable().map(told).collect()
}

/// A list of who is expected makes everybody else a finding; without one it is a list and nothing more.
pub fn outcome(report: &WhoReport, expected: &BTreeSet<String>, doubts: &[String], lang: Lang) -> Outcome {
    let others: Vec<&str> =
        report.holders.iter().filter(|one| one.is_other()).map(|one: &Holder| one.name.as_str()).collect();
    let findings = !expected.is_empty() && !others.is_empty();
    let mut reasons = Vec::new();
    if findings {
        let others = others.join(", ");
        reasons.push(lang.pick(|| format!("pas attendus : {others}"), || format!("not expected: {others}")));
    }
    reasons.extend(doubts.iter().cloned());
    Outcome { bad_input: false, findings, undecided: !doubts.is_empty(), reasons }
}
