use super::{for_machines, undecided, unprintable};
use crate::args::reach::{FailOn, Question, ReachArgs};
use crate::args::{Args, Format};
use crate::cluster;
use crate::manifests;
use crate::model::reach::diff::{DiffReport, diff};
use crate::model::reach::explain::{ExplainReport, Named, Verdict, explain};
use crate::model::reach::objects::Objects;
use crate::model::reach::{ReachReport, assemble::assemble, evaluate::evaluate};
use crate::outcome::{Answer, Outcome};
use crate::render::{Screen, reach as render};
use snc_core::lang::Lang;
use snc_network::reach::{Cluster, Ranges};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What is evaluated, and what could not be.
struct Input {
    cluster: Cluster,
    foreign: BTreeMap<String, usize>,
    notes: Vec<String>,
}

pub async fn run(args: &Args, asked: &ReachArgs) -> Result<Answer, Outcome> {
    match &asked.question {
        Question::Diff { before, after, fail_on } => difference(args, asked, (before, after), *fail_on),
        Question::All => all(args, input(args, asked).await?),
        Question::Explain(from, to) => explained(args, input(args, asked).await?, from, to),
    }
}

async fn input(args: &Args, asked: &ReachArgs) -> Result<Input, Outcome> {
    if !asked.paths.is_empty() {
        return offline(&asked.paths, asked, args.lang);
    }
    let cluster = cluster::connect(args).await?;
    let objects = Box::pin(cluster.reach_objects()).await.map_err(|troubles| undecided(&troubles, args))?;
    Ok(assembled(objects, asked, Vec::new()))
}

fn offline(paths: &[PathBuf], asked: &ReachArgs, lang: Lang) -> Result<Input, Outcome> {
    let objects =
        manifests::sources(paths).and_then(|sources| manifests::read(&sources)).map_err(|wrong| {
            let reasons = wrong.iter().map(|wrong| wrong.message(lang)).collect();
            Outcome { bad_input: true, reasons, ..Outcome::default() }
        })?;
    let mut notes = Vec::new();
    if objects.declarations > 0 {
        let count = objects.declarations;
        notes.push(lang.pick(
            || format!("{count} SncPolicy ignorée(s) : seules comptent les NetworkPolicy que l'opérateur en fait"),
            || format!("{count} SncPolicy object(s) passed over: what counts are the NetworkPolicies that the operator makes of them"),
        ));
    }
    Ok(assembled(objects, asked, notes))
}

fn assembled(mut objects: Objects, asked: &ReachArgs, notes: Vec<String>) -> Input {
    let foreign = std::mem::take(&mut objects.foreign);
    let ranges = Ranges {
        pods: asked.pods.clone(),
        services: asked.services.clone(),
        nodes: asked.nodes.clone(),
        api_server: None,
    };
    Input { cluster: assemble(objects, ranges), foreign, notes }
}

fn report(input: &Input, args: &Args) -> Result<ReachReport, Outcome> {
    evaluate(&input.cluster, &input.foreign, &args.selection, args.lang)
        .map_err(|not_there| Outcome::bad_input(not_there.message(args.lang)))
}

fn all(args: &Args, input: Input) -> Result<Answer, Outcome> {
    let lang = args.lang;
    let report = report(&input, args)?;
    let text = match args.format {
        Format::Dot => render::dot::dot(&report, lang),
        Format::Svg => render::svg::svg(&report, lang),
        format => for_machines(format, &report)
            .unwrap_or_else(|| Ok(render::table(&report, lang, Screen::of_stdout())))
            .map_err(|error| unprintable(&error))?,
    };
    let mut outcome = Outcome { reasons: input.notes, ..Outcome::default() };
    doubts(&mut outcome, report.unknown.len(), lang);
    Ok(Answer { text, outcome })
}

fn explained(args: &Args, input: Input, from: &Named, to: &Named) -> Result<Answer, Outcome> {
    let lang = args.lang;
    let foreign = input.foreign.iter().map(|(kind, count)| format!("{kind} ({count})")).collect();
    let report = explain(&input.cluster, from, to, foreign, lang).map_err(Outcome::bad_input)?;
    let text = for_machines(args.format, &report)
        .unwrap_or_else(|| Ok(render::explain::table(&report, lang)))
        .map_err(|error| unprintable(&error))?;
    let mut outcome = Outcome { reasons: input.notes, ..Outcome::default() };
    doubts(&mut outcome, unknown_answers(&report), lang);
    Ok(Answer { text, outcome })
}

fn unknown_answers(report: &ExplainReport) -> usize {
    report.unknown.len() + report.answers.iter().filter(|answer| answer.verdict == Verdict::Unknown).count()
}

fn difference(
    args: &Args,
    asked: &ReachArgs,
    (before, after): (&PathBuf, &PathBuf),
    fail_on: FailOn,
) -> Result<Answer, Outcome> {
    let lang = args.lang;
    let read = |path: &PathBuf| offline(std::slice::from_ref(path), asked, lang);
    let (before, after) = match (read(before), read(after)) {
        (Ok(before), Ok(after)) => (before, after),
        (Err(mut one), Err(two)) => {
            one.reasons.extend(two.reasons);
            return Err(one);
        }
        (Err(one), _) | (_, Err(one)) => return Err(one),
    };
    // What is selected may come with the change, or go with it.
    let report = match (report(&before, args), report(&after, args)) {
        (Err(nowhere), Err(_)) => return Err(nowhere),
        (one, other) => diff(&one.unwrap_or_default(), &other.unwrap_or_default()),
    };
    let text = for_machines(args.format, &report)
        .unwrap_or_else(|| {
            Ok(match args.format {
                Format::Markdown => render::diff_markdown(&report, lang),
                _ => render::diff_table(&report, lang, Screen::of_stdout()),
            })
        })
        .map_err(|error| unprintable(&error))?;
    let mut notes = before.notes;
    notes.extend(after.notes);
    notes.dedup();
    Ok(Answer { text, outcome: outcome(&report, fail_on, notes, lang) })
}

fn outcome(report: &DiffReport, fail_on: FailOn, notes: Vec<String>, lang: Lang) -> Outcome {
    let (opened, closed) = (report.opened.len(), report.closed.len());
    let findings = match fail_on {
        FailOn::Opened => opened > 0,
        FailOn::Closed => closed > 0,
        FailOn::Any => opened + closed > 0,
        FailOn::None => false,
    };
    let mut outcome = Outcome { findings, reasons: notes, ..Outcome::default() };
    if findings {
        outcome.reasons.push(lang.pick(
            || format!("{opened} connexion(s) ouverte(s), {closed} fermée(s) par ce changement"),
            || format!("{opened} connection(s) opened, {closed} closed by this change"),
        ));
    }
    doubts(&mut outcome, report.unknown.len(), lang);
    outcome
}

fn doubts(outcome: &mut Outcome, unknown: usize, lang: Lang) {
    if unknown > 0 {
        outcome.undecided = true;
        outcome.reasons.push(lang.pick(
            || format!("{unknown} réponse(s) impossible(s) à décider"),
            || format!("{unknown} answer(s) could not be decided"),
        ));
    }
}
