use super::{for_machines, undecided, unprintable};
use crate::args::Args;
use crate::cluster::Cluster;
use crate::model::plan::{Facts, PlanReport, build};
use crate::outcome::{Answer, Outcome};
use crate::render::{Screen, diff};
use crate::words;
use jiff::Timestamp;
use snc_core::lang::Lang;

pub async fn run(args: &Args, cluster: &Cluster) -> Result<Answer, Outcome> {
    let lang = args.lang;
    let snapshot = Box::pin(cluster.snapshot()).await.map_err(|troubles| undecided(&troubles, args))?;
    let facts = Facts {
        context: cluster.context.clone(),
        now: Timestamp::now(),
        settings: &args.settings,
        index: snapshot.index,
        live: snapshot.live,
    };
    let report =
        build(facts, &args.selection).map_err(|not_there| Outcome::bad_input(not_there.message(lang)))?;
    let text = for_machines(args.format, &report)
        .unwrap_or_else(|| diff::plan(&report, lang, Screen::of_stdout()))
        .map_err(|error| unprintable(&error))?;
    Ok(Answer { text, outcome: outcome(&report, lang) })
}

pub fn outcome(report: &PlanReport, lang: Lang) -> Outcome {
    let mut reasons: Vec<String> =
        report.unreadable.iter().map(|text| words::cannot_read(lang, text)).collect();
    let findings = report.pending > 0;
    if findings {
        let (steps, namespaces) =
            (report.pending, report.namespaces.iter().filter(|n| !n.steps.is_empty()).count());
        reasons.push(lang.pick(
            || format!("{steps} changement(s) à venir dans {namespaces} namespace(s)"),
            || format!("{steps} change(s) pending in {namespaces} namespace(s)"),
        ));
    }
    Outcome { bad_input: false, findings, undecided: !report.unreadable.is_empty(), reasons }
}
