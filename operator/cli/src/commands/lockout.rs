//! `preflight --lockout`: would the cluster come back with no webhook there?

use super::preflight::{concluded, whole};
use super::{for_machines, unprintable};
use crate::args::Args;
use crate::cluster::Cluster;
use crate::model::lockout::{LockoutReport, build};
use crate::outcome::{Answer, Outcome};
use crate::render::{Screen, lockout as render};
use snc_core::lang::Lang;

pub async fn run(args: &Args, cluster: &Cluster) -> Result<Answer, Outcome> {
    let lang = args.lang;
    whole(args)?;
    let report = build(&Box::pin(cluster.lockout(&args.settings)).await);
    let text = for_machines(args.format, &report)
        .unwrap_or_else(|| Ok(render::table(&report, lang, Screen::of_stdout())))
        .map_err(|error| unprintable(&error))?;
    Ok(Answer { text, outcome: outcome(&report, lang) })
}

pub fn outcome(report: &LockoutReport, lang: Lang) -> Outcome {
    let requests = |state| report.of(state).map(|check| check.request.as_str()).collect();
    concluded(requests, lang.str("seraient refusées : ", "would be refused: "), lang)
}
