use super::{for_machines, told, undecided, unprintable};
use crate::args::Args;
use crate::cluster::Cluster;
use crate::model::Selection;
use crate::model::status::{OperatorState, StatusReport, build};
use crate::outcome::{Answer, Outcome};
use crate::render::{Screen, status as render};
use snc_core::lang::Lang;

pub async fn run(args: &Args, cluster: &Cluster) -> Result<Answer, Outcome> {
    let lang = args.lang;
    let (facts, troubles) =
        cluster.status_facts(args).await.map_err(|troubles| undecided(&troubles, args))?;
    let mut reasons = told(&troubles, args);
    let report = match build(&facts, &args.selection) {
        Ok(report) => report,
        Err(not_there) => {
            reasons.push(not_there.message(lang));
            return Err(Outcome {
                bad_input: true,
                undecided: !troubles.is_empty(),
                reasons,
                ..Outcome::default()
            });
        }
    };
    reasons.extend(doubts(&report, &args.selection, lang));
    let text = for_machines(args.format, &report)
        .unwrap_or_else(|| Ok(render::table(&report, lang, Screen::of_stdout())))
        .map_err(|error| unprintable(&error))?;
    Ok(Answer { text, outcome: outcome(&report, reasons, lang) })
}

pub fn outcome(report: &StatusReport, mut reasons: Vec<String>, lang: Lang) -> Outcome {
    let findings = report.has_findings();
    if findings {
        let bad = report.namespaces.iter().filter(|n| !n.satisfied).map(|n| n.namespace.as_str());
        let of_others = report.tenants.iter().filter(|t| t.problems.iter().any(|p| p.counts));
        let baselines = report.baselines.iter().filter(|b| b.problems.iter().any(|p| p.counts));
        let mut all: Vec<String> = bad.map(ToOwned::to_owned).collect();
        all.extend(of_others.map(|t| format!("SncTenant/{}", t.name)));
        all.extend(baselines.map(|b| format!("SncBaseline/{}", b.name)));
        all.dedup();
        let shown = all.iter().take(10).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if all.len() > 10 { format!(", … ({})", all.len()) } else { String::new() };
        reasons
            .push(lang.pick(|| format!("à revoir : {shown}{more}"), || format!("to look at: {shown}{more}")));
    }
    let silent = report.operator.state == OperatorState::Silent;
    Outcome { bad_input: false, findings, undecided: !report.complete || silent, reasons }
}

fn doubts(report: &StatusReport, selection: &Selection, lang: Lang) -> Vec<String> {
    let mut doubts = Vec::new();
    if report.operator.state == OperatorState::Silent {
        let seen = report.operator.last_seen.map_or_else(|| "-".to_owned(), |t| t.to_string());
        doubts.push(lang.pick(
            || format!("l'opérateur ne donne plus signe de vie (dernier bail : {seen}) : ce qui est montré est ce qu'il a écrit en dernier"),
            || format!("the operator shows no sign of life (last lease: {seen}): what is shown is what it wrote last"),
        ));
    }
    if !report.complete {
        let whole = match selection {
            Selection::All => lang.str("tous les namespaces", "all namespaces").to_owned(),
            Selection::Namespace(name) => format!("namespace {name}"),
            Selection::Tenant(name) => format!("tenant {name}"),
        };
        doubts.push(lang.pick(
            || format!("réponse incomplète pour : {whole}"),
            || format!("the answer is incomplete for: {whole}"),
        ));
    }
    doubts
}
