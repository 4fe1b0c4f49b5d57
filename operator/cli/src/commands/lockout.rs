//! `preflight --lockout`: would the cluster come back with no webhook there?

use super::{for_machines, unprintable};
use crate::args::Args;
use crate::cluster::Cluster;
use crate::model::Selection;
use crate::model::lockout::{LockoutReport, build};
use crate::model::preflight::State;
use crate::outcome::{Answer, Outcome};
use crate::render::{Screen, lockout as render};
use snc_core::lang::Lang;

pub async fn run(args: &Args, cluster: &Cluster) -> Result<Answer, Outcome> {
    let lang = args.lang;
    if args.selection != Selection::All {
        return Err(Outcome::bad_input(lang.str(
            "preflight parle du cluster entier : ni --namespace ni --tenant",
            "preflight is about the whole cluster: no --namespace, no --tenant",
        )));
    }
    let report = build(&Box::pin(cluster.lockout(&args.settings)).await);
    let text = for_machines(args.format, &report)
        .unwrap_or_else(|| Ok(render::table(&report, lang, Screen::of_stdout())))
        .map_err(|error| unprintable(&error))?;
    Ok(Answer { text, outcome: outcome(&report, lang) })
}

pub fn outcome(report: &LockoutReport, lang: Lang) -> Outcome {
    let mut reasons = Vec::new();
    let mut tell = |state, what: &str| {
        let requests: Vec<&str> = report.of(state).map(|check| check.request.as_str()).collect();
        if !requests.is_empty() {
            reasons.push(format!("{what}{}", requests.join(", ")));
        }
        !requests.is_empty()
    };
    let findings = tell(State::Missing, lang.str("seraient refusées : ", "would be refused: "));
    let undecided = tell(State::Unknown, lang.str("inconnu : ", "unknown: "));
    Outcome { bad_input: false, findings, undecided, reasons }
}
