//! `exceptions`: who waived what, until when, and whether it is of any use.

use super::{for_machines, undecided, unprintable};
use crate::args::Args;
use crate::cluster::Cluster;
use crate::model::Selection;
use crate::model::exceptions::{Code, ExceptionsReport, Line, build};
use crate::outcome::{Answer, Outcome};
use crate::render::{Screen, exceptions as render};
use jiff::Timestamp;
use snc_core::lang::Lang;

pub async fn run(args: &Args, cluster: &Cluster) -> Result<Answer, Outcome> {
    let lang = args.lang;
    if matches!(args.selection, Selection::Tenant(_)) {
        return Err(Outcome::bad_input(lang.str(
            "exceptions se choisissent par namespace : -n, pas --tenant",
            "exceptions are chosen by namespace: -n, not --tenant",
        )));
    }
    let found = cluster.exceptions().await.map_err(|trouble| undecided(&[trouble], args))?;
    let severity = |id: &str| found.severity(id);
    let report = build(cluster.context.clone(), &found.all, severity, &args.selection, Timestamp::now());
    let text = for_machines(args.format, &report)
        .unwrap_or_else(|| Ok(render::table(&report, lang, Screen::of_stdout())))
        .map_err(|error| unprintable(&error))?;
    Ok(Answer { text, outcome: outcome(&report, lang) })
}

pub fn outcome(report: &ExceptionsReport, lang: Lang) -> Outcome {
    let mut reasons = Vec::new();
    let mut tell = |matches: &dyn Fn(&Line) -> bool, what: &str| {
        let names: Vec<&str> =
            report.exceptions.iter().filter(|line| matches(line)).map(|line| line.name.as_str()).collect();
        if !names.is_empty() {
            reasons.push(format!("{what}{}", names.join(", ")));
        }
    };
    for state in
        [Code::UnknownControl, Code::SpecChanged, Code::ApprovalRefused, Code::Limit, Code::ExpiresSoon]
    {
        let colon = lang.str(" : ", ": ");
        tell(&|line| line.state == state, &format!("{}{colon}", render::word(state, lang)));
    }
    tell(&|line| line.matches_nothing, lang.str("rien à exempter : ", "nothing to waive: "));
    let unreadable = report.exceptions.iter().any(|line| line.state == Code::Unreadable);
    tell(&|line| line.state == Code::Unreadable, lang.str("illisible : ", "unreadable: "));
    let attention = |line: &Line| line.state != Code::Unreadable && line.needs_attention();
    let findings = report.exceptions.iter().any(attention);
    Outcome { bad_input: false, findings, undecided: unreadable, reasons }
}
