//! `status --requirements`: what the operator wrote of the requirements.

use super::{for_machines, undecided, unprintable};
use crate::args::status::RequirementArgs;
use crate::args::{Args, Format};
use crate::cluster::Cluster;
use crate::model::assessment::{AssessmentReport, Facts, build, choose};
use crate::model::status::OperatorState;
use crate::outcome::{Answer, Outcome};
use crate::render::{Screen, assessment as render};
use jiff::Timestamp;
use snc_catalogue::RequirementState;
use snc_core::lang::Lang;

pub async fn run(args: &Args, asked: &RequirementArgs, cluster: &Cluster) -> Result<Answer, Outcome> {
    let lang = args.lang;
    let looked = cluster.assessments(args).await.map_err(|trouble| undecided(&[trouble], args))?;
    let (namespace, object) = choose(&looked.found, &looked.wanted).map_err(|missing| {
        let reasons = vec![missing.message(&looked.namespace, &looked.wanted, lang)];
        Outcome { undecided: true, reasons, ..Outcome::default() }
    })?;
    let facts = Facts {
        context: cluster.context.clone(),
        now: Timestamp::now(),
        operator: looked.operator,
        namespace,
        object,
    };
    let report = build(&facts, &asked.states);
    let text = shown(&report, args.format, lang).map_err(|error| unprintable(&error))?;
    Ok(Answer { text, outcome: outcome(&report, asked, lang) })
}

pub fn shown(report: &AssessmentReport, format: Format, lang: Lang) -> anyhow::Result<String> {
    Ok(match format {
        Format::Csv => render::csv(report, lang),
        Format::Markdown => render::markdown(report, lang),
        format => match for_machines(format, report) {
            Some(text) => text?,
            None => render::table(report, Screen::of_stdout(), lang),
        },
    })
}

/// Of all requirements, whatever `--state` shows.
pub fn outcome(report: &AssessmentReport, asked: &RequirementArgs, lang: Lang) -> Outcome {
    let mut reasons = Vec::new();
    let count = |state: RequirementState| report.states.get(state.as_str()).copied().unwrap_or_default();
    let bad = count(RequirementState::NonCompliant);
    let unknown = count(RequirementState::Unknown);
    if bad > 0 {
        reasons.push(lang.pick(
            || format!("{bad} exigence(s) non conformes"),
            || format!("{bad} requirement(s) not compliant"),
        ));
    }
    let open = asked.fail_on_unknown && (unknown > 0 || report.numbers.unknown > 0);
    if open {
        let controls = report.numbers.unknown;
        reasons.push(lang.pick(
            || format!("{unknown} exigence(s) inconnues, {controls} contrôle(s) ne peuvent pas conclure"),
            || format!("{unknown} requirement(s) unknown, {controls} control(s) cannot conclude"),
        ));
    }
    reasons.extend(report.doubts.iter().map(|doubt| doubt.get(lang).to_owned()));
    let silent = report.operator.state == OperatorState::Silent;
    if silent {
        let seen = report.operator.last_seen.map_or_else(|| "-".to_owned(), |time| time.to_string());
        reasons.push(lang.pick(
            || format!("l'opérateur ne donne plus signe de vie (dernier bail : {seen}) : ce qui est montré est ce qu'il a écrit en dernier"),
            || format!("the operator shows no sign of life (last lease: {seen}): what is shown is what it wrote last"),
        ));
    }
    let undecided = open || silent || !report.doubts.is_empty();
    Outcome { bad_input: false, findings: bad > 0, undecided, reasons }
}
