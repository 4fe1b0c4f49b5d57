use super::{for_machines, unprintable};
use crate::args::Args;
use crate::cluster::Cluster;
use crate::model::Selection;
use crate::model::preflight::{PreflightReport, State, build};
use crate::outcome::{Answer, Outcome};
use crate::render::{Screen, preflight as render};
use snc_core::lang::Lang;

pub async fn run(args: &Args, cluster: &Cluster) -> Result<Answer, Outcome> {
    let lang = args.lang;
    whole(args)?;
    let input = Box::pin(cluster.preflight(&args.settings)).await;
    // An API server that does not even tell its version cannot be judged at all.
    if let Err(trouble) = &input.version
        && !trouble.is_refusal()
    {
        return Err(Outcome::undecided(trouble.message(lang)));
    }
    let report = build(&input);
    let text = for_machines(args.format, &report)
        .unwrap_or_else(|| Ok(render::table(&report, lang, Screen::of_stdout())))
        .map_err(|error| unprintable(&error))?;
    Ok(Answer { text, outcome: outcome(&report, lang) })
}

pub fn outcome(report: &PreflightReport, lang: Lang) -> Outcome {
    let names = |state| report.of(state).map(|check| check.name).collect();
    concluded(names, lang.str("manque : ", "missing: "), lang)
}

/// It speaks of no part of a cluster.
pub(super) fn whole(args: &Args) -> Result<(), Outcome> {
    if args.selection == Selection::All {
        return Ok(());
    }
    Err(Outcome::bad_input(args.lang.str(
        "preflight parle du cluster entier : ni --namespace ni --tenant",
        "preflight is about the whole cluster: no --namespace, no --tenant",
    )))
}

/// From the names of what is in each state; `missing` says what it means to be that.
pub(super) fn concluded<'a>(names: impl Fn(State) -> Vec<&'a str>, missing: &str, lang: Lang) -> Outcome {
    let mut reasons = Vec::new();
    let mut tell = |state, what: &str| {
        let names = names(state);
        if !names.is_empty() {
            reasons.push(format!("{what}{}", names.join(", ")));
        }
        !names.is_empty()
    };
    let findings = tell(State::Missing, missing);
    let undecided = tell(State::Unknown, lang.str("inconnu : ", "unknown: "));
    Outcome { bad_input: false, findings, undecided, reasons }
}
