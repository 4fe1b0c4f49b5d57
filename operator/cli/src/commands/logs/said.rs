//! `logs gaps` and `logs status`: what the sink says of itself.

use super::pages::parameters;
use super::shown;
use crate::args::logs::Whose;
use crate::args::logs::place::SinkArgs;
use crate::args::{Args, Format};
use crate::model::logs::gaps::{Gap, GapsReport};
use crate::model::logs::status::StatusReport;
use crate::outcome::{Answer, Outcome};
use crate::render::logs::{gaps as gaps_of, status as status_of};
use crate::sink::{self, wire};
use snc_core::lang::Lang;

pub async fn gaps(args: &Args, whose: &Whose, asked: &SinkArgs) -> Result<Answer, Outcome> {
    let lang = args.lang;
    let body = sink::open(args, asked).await?.get("/v1/gaps", &parameters(whose)).await;
    let all = body.and_then(|body| wire::items::<Gap>(&body)).map_err(|failure| failure.outcome(lang))?;
    let report = GapsReport::new(all);
    let text = match args.format {
        Format::Markdown => gaps_of::markdown(&report, lang),
        Format::Csv => gaps_of::csv(&report),
        _ => shown(args, &report, |screen| gaps_of::table(&report, lang, screen))?,
    };
    let mut outcome = Outcome { findings: report.open > 0, ..Outcome::default() };
    if report.open > 0 {
        let open = report.open;
        outcome.reasons.push(
            lang.pick(|| format!("{open} trou(s) non comblé(s)"), || format!("{open} gap(s) not filled")),
        );
    }
    Ok(Answer { text, outcome })
}

pub async fn status(args: &Args, asked: &SinkArgs) -> Result<Answer, Outcome> {
    let lang = args.lang;
    let body = sink::open(args, asked).await?.get("/v1/status", &[]).await;
    let report = body.and_then(|body| {
        let said = wire::json(&body)?;
        Ok(StatusReport { status: wire::read(said.clone())?, said })
    });
    let report = report.map_err(|failure| failure.outcome(lang))?;
    let text = shown(args, &report, |screen| status_of::table(&report, lang, screen))?;
    Ok(Answer { text, outcome: status_outcome(&report, lang) })
}

pub fn status_outcome(report: &StatusReport, lang: Lang) -> Outcome {
    let (bad, unknown, overdue) = (report.bad(), report.unknown(), report.overdue());
    let mut reasons = Vec::new();
    let mut tell = |names: &[&str], fr: &str, en: &str| {
        if !names.is_empty() {
            let names = names.join(", ");
            reasons.push(lang.pick(|| format!("{fr} : {names}"), || format!("{en}: {names}")));
        }
    };
    tell(&bad, "n'est pas vrai", "is not true");
    tell(&unknown, "n'est pas connu", "is not known");
    if overdue > 0 {
        reasons.push(lang.pick(
            || format!("{overdue} alarme(s) non acquittée(s) à temps"),
            || format!("{overdue} alarm(s) not acknowledged in time"),
        ));
    }
    Outcome {
        bad_input: false,
        findings: !bad.is_empty() || overdue > 0,
        undecided: !unknown.is_empty(),
        reasons,
    }
}
