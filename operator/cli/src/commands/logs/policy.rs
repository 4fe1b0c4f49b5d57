//! `logs policy` and `logs flags`: no cluster is read nor changed.

use super::shown;
use crate::args::logs::{Against, FlagsArgs, PolicyArgs};
use crate::args::{Args, Format};
use crate::commands::{for_machines, unprintable};
use crate::model::logs::flags::FlagsReport;
use crate::model::logs::policy::{Code, PolicyCheck, PolicyDiff};
use crate::outcome::{Answer, Outcome};
use crate::render::logs::{flags as flags_of, policy as render};
use serde::Serialize;
use snc_audit::policy::{AuditPolicy, Generated, Parsed, Wishes, diff, generate, judge, parse};
use snc_core::names::AUDIT_SINK;
use snc_core::text::Refusal;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

/// No policy is that long; what is too long for one is refused by whoever reads it.
const MOST: u64 = 8 << 20;

/// As the API server reads it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    api_version: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    policy: &'a AuditPolicy,
}

pub fn policy(args: &Args, asked: &PolicyArgs) -> Result<Answer, Outcome> {
    let generated = generate(&wishes(args, asked.wishes.as_deref())?);
    if !generated.refused.is_empty() {
        return Err(refused(asked.wishes.as_deref(), &generated.refused, args));
    }
    match &asked.against {
        Against::Nothing => itself(args, &generated),
        Against::Check(file) => check(args, file),
        Against::Diff(file) => difference(args, file, &generated),
    }
}

/// With the marked call of the sink, which has to come back whatever else is left out.
fn wishes(args: &Args, file: Option<&Path>) -> Result<Wishes, Outcome> {
    let home = &args.settings.identity.namespace;
    let probe = format!("system:serviceaccount:{home}:{AUDIT_SINK}");
    let ours = Wishes { probes: BTreeSet::from([probe]), ..Wishes::default() };
    let Some(file) = file else { return Ok(ours) };
    let theirs: Wishes = serde_saphyr::from_str(&text(file, args)?)
        .map_err(|error| Outcome::bad_input(format!("{}: {error}", file.display())))?;
    Ok(ours.join(theirs))
}

fn itself(args: &Args, generated: &Generated) -> Result<Answer, Outcome> {
    let document = Document { api_version: "audit.k8s.io/v1", kind: "Policy", policy: &generated.policy };
    let yaml = || generated.yaml(args.lang);
    let text = match args.format {
        Format::Json => for_machines(Format::Json, &document).unwrap_or_else(|| Ok(yaml())),
        Format::Markdown => Ok(format!("```yaml\n{}```\n", yaml())),
        _ => Ok(yaml()),
    };
    text.map(Answer::text).map_err(|error| unprintable(&error))
}

fn check(args: &Args, file: &Path) -> Result<Answer, Outcome> {
    let lang = args.lang;
    let Parsed { policy, ignored } = parsed(file, args)?;
    let report = PolicyCheck::new(file.display().to_string(), policy.rules.len(), &judge(&policy), &ignored);
    let text = match args.format {
        Format::Markdown => render::check_markdown(&report, lang),
        _ => shown(args, &report, |screen| render::check(&report, lang, screen))?,
    };
    let undecided = report.missing.iter().any(|line| line.problem == Code::Unknown);
    let findings = report.missing.iter().any(|line| line.problem != Code::Unknown);
    let mut events: Vec<&str> = report.missing.iter().map(|line| line.event).collect();
    events.dedup();
    let mut outcome = Outcome { findings, undecided, ..Outcome::default() };
    if !events.is_empty() {
        let events = events.join(", ");
        outcome.reasons.push(lang.pick(
            || format!("la politique ne tient pas : {events}"),
            || format!("the policy does not hold: {events}"),
        ));
    }
    Ok(Answer { text, outcome })
}

fn difference(args: &Args, file: &Path, generated: &Generated) -> Result<Answer, Outcome> {
    let lang = args.lang;
    let Parsed { policy, ignored } = parsed(file, args)?;
    let report = PolicyDiff::new(file.display().to_string(), &diff(&generated.policy, &policy), &ignored);
    let text = match args.format {
        Format::Markdown => render::diff_markdown(&report, lang),
        _ => shown(args, &report, |screen| render::diff(&report, lang, screen))?,
    };
    Ok(Answer { text, outcome: Outcome { findings: !report.same, ..Outcome::default() } })
}

pub fn flags(args: &Args, asked: &FlagsArgs) -> Result<Answer, Outcome> {
    let report = FlagsReport::new(&asked.distributions, asked.outputs);
    let text = match args.format {
        Format::Markdown => flags_of::markdown(&report, args.lang),
        _ => shown(args, &report, |screen| flags_of::table(&report, args.lang, screen))?,
    };
    Ok(Answer::text(text))
}

fn parsed(file: &Path, args: &Args) -> Result<Parsed, Outcome> {
    parse(&text(file, args)?).map_err(|all| refused(Some(file), &all, args))
}

fn refused(file: Option<&Path>, all: &[Refusal], args: &Args) -> Outcome {
    let place = file.map(|file| format!("{}: ", file.display())).unwrap_or_default();
    let reasons = all.iter().map(|refusal| format!("{place}{}", refusal.message(args.lang))).collect();
    Outcome { bad_input: true, reasons, ..Outcome::default() }
}

fn text(file: &Path, args: &Args) -> Result<String, Outcome> {
    let mut text = String::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin().lock().take(MOST).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(MOST).read_to_string(&mut text))
    };
    let name = file.display();
    read.map(|_| text).map_err(|error| {
        Outcome::bad_input(
            args.lang.pick(
                || format!("{name} : illisible : {error}"),
                || format!("{name}: cannot be read: {error}"),
            ),
        )
    })
}
