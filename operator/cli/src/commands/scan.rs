//! `scan`: manifests, with no cluster and no network.

use super::{for_machines, unprintable};
use crate::args::scan::ScanArgs;
use crate::args::{Args, Format};
use crate::manifests;
use crate::model::scan::{Of, ScanReport, report};
use crate::outcome::{Answer, Outcome};
use crate::render::{Screen, json, scan as render};
use crate::scan::{Asked, scan};
use crate::tailoring::{Tailored, tailor};
use jiff::Timestamp;
use snc_catalogue::{Catalogue, Uniform};
use snc_core::verdict::Verdict;

pub fn run(args: &Args, asked: &ScanArgs) -> Result<Answer, Outcome> {
    let Tailored { profile, tailoring } = tailor(asked, args.lang)?;
    let catalogue = Catalogue::on_demand().map_err(|broken| Outcome::undecided(broken.to_string()))?;
    let profile = Uniform(profile);
    let (files, wrong) = manifests::files(&asked.paths);
    let mut scanned =
        scan(&Asked { catalogue: &catalogue, profile: &profile, now: Timestamp::now() }, &files);
    scanned.wrong.extend(wrong);
    let report = report(&catalogue, &scanned, Of::Files, asked.profile.level, tailoring, args.lang);
    let text = shown(&report, &catalogue, args).map_err(|error| unprintable(&error))?;
    let mut outcome = outcome(&report, asked, args);
    if report.summary.objects == 0 && report.errors.is_empty() {
        // A pipeline that scans the wrong folder must not be green.
        outcome.undecided = true;
        outcome.reasons.push(
            args.lang
                .str(
                    "aucun objet de Kubernetes dans ce qui a été lu : rien n'a été jugé",
                    "no object of Kubernetes in what was read: nothing was judged",
                )
                .to_owned(),
        );
    }
    Ok(Answer { text, outcome })
}

pub fn shown(report: &ScanReport, catalogue: &Catalogue, args: &Args) -> anyhow::Result<String> {
    let lang = args.lang;
    Ok(match args.format {
        Format::Sarif => json::json(&render::sarif::sarif(report, catalogue, lang))?,
        Format::OpenReports => json::json(&render::openreports::openreports(report, catalogue, lang))?,
        Format::Junit => render::junit::junit(report),
        Format::Csv => render::csv::csv(report),
        Format::Markdown => render::markdown::markdown(report, lang),
        format => match for_machines(format, report) {
            Some(text) => text?,
            None => render::table(report, Screen::of_stdout(), lang),
        },
    })
}

/// Bad input before findings, findings before what is undecided.
pub fn outcome(report: &ScanReport, asked: &ScanArgs, args: &Args) -> Outcome {
    let lang = args.lang;
    let mut reasons: Vec<String> = report
        .errors
        .iter()
        .map(|error| match error.line {
            0 => format!("{}: {}", error.file, error.message),
            line => format!("{}:{line}: {}", error.file, error.message),
        })
        .collect();
    let failed = |severity| {
        let worse = report.findings.iter().filter(|f| f.verdict == Verdict::Fail && f.severity >= severity);
        worse.count()
    };
    let failures = asked.fail_on.map_or(0, failed);
    let unknown = report.summary.numbers.unknown;
    if failures > 0 {
        reasons.push(lang.pick(|| format!("{failures} constat(s)"), || format!("{failures} finding(s)")));
    }
    let undecided = asked.fail_on_unknown && unknown > 0;
    if undecided {
        reasons.push(lang.pick(
            || format!("{unknown} contrôle(s) ne peuvent pas conclure"),
            || format!("{unknown} control(s) cannot conclude"),
        ));
    }
    Outcome { bad_input: !report.errors.is_empty(), findings: failures > 0, undecided, reasons }
}
