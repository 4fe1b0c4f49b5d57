//! `image`: reports of scanners into the cluster, and what they come to.

use super::{connect, for_machines, told, unprintable};
use crate::args::image::ImageArgs;
use crate::args::{Args, Format};
use crate::cluster::{Cluster, Images};
use crate::model::Selection;
use crate::model::image::{ImageLine, Imported, ReadReports, State, named, running, scans};
use crate::outcome::{Answer, Outcome};
use crate::render::{Screen, image as render};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use kube::ResourceExt;
use serde::Serialize;
use serde_json::Value;
use snc_core::image::Digest;
use snc_core::lang::Lang;
use snc_core::text::{Refusal, Text};
use snc_images::readers::{Limits, Wrong, read};
use snc_images::report::Report;
use snc_plan::objects::image_scan::{Besides, image_scan, statement_of};
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

pub async fn run(args: &Args, asked: &ImageArgs) -> Result<Answer, Outcome> {
    match asked {
        ImageArgs::Import { files, besides, signature, dry_run } => {
            let mut besides = besides.clone();
            if let Some(file) = signature {
                if files.len() > 1 {
                    return Err(Outcome::bad_input(args.lang.str(
                        "--signature vaut pour un seul rapport ; il y en a plusieurs",
                        "--signature is for one report; there are several",
                    )));
                }
                besides.signature = Some(signature_of(file, args.lang)?);
            }
            import(args, files, &besides, *dry_run).await
        }
        ImageArgs::Statement { file, besides } => statement(args, file, besides),
        ImageArgs::List => {
            let images = images(args, &connect(args).await?, false).await?;
            let lines = scans(&images);
            shown(
                args,
                &lines,
                |screen| render::scans(&lines, args.lang, screen),
                told(&images.troubles, args),
            )
        }
        ImageArgs::Show(digest) => show(args, digest).await,
        ImageArgs::Verdict(digests) => {
            let images = images(args, &connect(args).await?, digests.is_empty()).await?;
            let now = Timestamp::now();
            let lines = if digests.is_empty() {
                running(&images, now)
            } else {
                named(&images, digests, &args.selection, now, false)
            };
            let mut answer =
                shown(args, &lines, |screen| render::verdicts(&lines, args.lang, screen), Vec::new())?;
            answer.outcome = outcome(&lines, &images, args);
            Ok(answer)
        }
    }
}

async fn images(args: &Args, cluster: &Cluster, pods: bool) -> Result<Images, Outcome> {
    let namespace = match &args.selection {
        Selection::All => None,
        Selection::Namespace(name) => Some(name.as_str()),
        Selection::Tenant(_) => {
            return Err(Outcome::bad_input(args.lang.str(
                "les images se choisissent par namespace : -n, pas --tenant",
                "images are chosen by namespace: -n, not --tenant",
            )));
        }
    };
    Ok(cluster.images(&args.settings.identity.namespace, namespace, pods).await)
}

fn shown<T: Serialize>(
    args: &Args,
    model: &T,
    table: impl Fn(Screen) -> String,
    reasons: Vec<String>,
) -> Result<Answer, Outcome> {
    let text = for_machines(args.format, model)
        .unwrap_or_else(|| Ok(table(Screen::of_stdout())))
        .map_err(|error| unprintable(&error))?;
    let undecided = !reasons.is_empty();
    Ok(Answer { text, outcome: Outcome { undecided, reasons, ..Outcome::default() } })
}

fn outcome(lines: &[ImageLine], images: &Images, args: &Args) -> Outcome {
    let any = |wanted: State| lines.iter().any(|line| line.state == wanted);
    Outcome {
        bad_input: false,
        findings: any(State::Fail),
        undecided: any(State::Unknown) || !images.troubles.is_empty(),
        reasons: told(&images.troubles, args),
    }
}

async fn show(args: &Args, digest: &Digest) -> Result<Answer, Outcome> {
    let lang = args.lang;
    let images = images(args, &connect(args).await?, false).await?;
    let lines = named(&images, std::slice::from_ref(digest), &args.selection, Timestamp::now(), true);
    let mut about = scans(&images);
    about.retain(|line| line.digests.contains(digest));
    let Some(line) = lines.first() else {
        return Err(Outcome::undecided(lang.str("rien n'a pu être jugé", "nothing could be judged")));
    };
    let mut answer = shown(args, line, |screen| render::shown(line, &about, lang, screen), Vec::new())?;
    answer.outcome = outcome(&lines, &images, args);
    Ok(answer)
}

async fn import(args: &Args, files: &[PathBuf], besides: &Besides, dry_run: bool) -> Result<Answer, Outcome> {
    let lang = args.lang;
    let mut reports: Vec<(String, Report)> = Vec::new();
    let mut reasons = Vec::new();
    for file in files {
        match reports_of(file) {
            Ok(found) => reports.extend(found.into_iter().map(|report| (file.display().to_string(), report))),
            Err(wrong) => reasons.push(message(file, &wrong, lang)),
        }
    }
    if !besides.digests.is_empty() && reports.len() > 1 {
        reasons.push(
            lang.str(
                "--digest vaut pour un seul rapport ; il y en a plusieurs",
                "--digest is for one report; there are several",
            )
            .to_owned(),
        );
    }
    if dry_run {
        let rendered = if reports.is_empty() {
            String::new()
        } else if args.format == Format::Table {
            render::reports(&reports, lang, Screen::of_stdout())
        } else {
            let mut all: Vec<Report> =
                reports.into_iter().map(|(_, report)| told_besides(report, besides)).collect();
            let model = match (all.len(), files.len()) {
                (0, _) => None,
                (1, 1) => Some(ReadReports::One(Box::new(all.remove(0)))),
                _ => Some(ReadReports::Several(all)),
            };
            let text = model
                .and_then(|model| for_machines(args.format, &model))
                .unwrap_or_else(|| Ok(String::new()));
            text.map_err(|error| unprintable(&error))?
        };
        return Ok(Answer { text: rendered, outcome: wrong(reasons) });
    }
    let namespace = match &args.selection {
        Selection::Namespace(name) => Some(name.clone()),
        _ => None,
    };
    if !reasons.is_empty() {
        // Nothing is half imported.
        return Ok(wrong(reasons).into());
    }
    let mut scans = Vec::new();
    for (file, report) in &reports {
        match image_scan("", report, besides) {
            Ok(scan) => scans.push((file, report, scan)),
            Err(refusal) => reasons.push(format!("{file}: {}", refusal.message(lang))),
        }
    }
    if !reasons.is_empty() {
        return Ok(wrong(reasons).into());
    }
    let cluster = connect(args).await?;
    let namespace = namespace.unwrap_or_else(|| cluster.default_namespace.clone());
    for (.., scan) in &mut scans {
        scan.metadata.namespace = Some(namespace.clone());
    }
    let mut imported = Vec::new();
    for (file, report, scan) in scans {
        match cluster.import(&scan).await {
            Ok(written) => imported.push(Imported {
                file: file.clone(),
                namespace: namespace.clone(),
                name: scan.name_any(),
                image: scan.spec.image.clone(),
                written,
                counts: report.counts,
                truncated: scan.spec.truncated,
                lacks: lacks(&scan.spec, &namespace, args),
            }),
            Err(trouble) => reasons.push(trouble.message(lang)),
        }
    }
    shown(args, &imported, |screen| render::imported(&imported, lang, screen), reasons)
}

/// Nothing but the line, so that it can go into a file.
fn statement(args: &Args, file: &Path, besides: &Besides) -> Result<Answer, Outcome> {
    let lang = args.lang;
    let mut reports = reports_of(file).map_err(|wrong| Outcome::bad_input(message(file, &wrong, lang)))?;
    if reports.len() != 1 {
        let (fr, en) = ("un seul rapport", "one report");
        let refusal = Refusal::new(file.display().to_string(), reports.len().to_string(), fr, en);
        return Err(Outcome::bad_input(refusal.message(lang)));
    }
    let report = reports.remove(0);
    let scan = image_scan("", &report, besides)
        .map_err(|refusal| Outcome::bad_input(format!("{}: {}", file.display(), refusal.message(lang))))?;
    let text = statement_of(&scan).map_err(|error| Outcome::bad_input(error.to_string()))?;
    Ok(Answer { text, outcome: Outcome::default() })
}

/// As cosign (base64, or a bundle) and openssl (bytes) write it; in base64.
fn signature_of(file: &Path, lang: Lang) -> Result<String, Outcome> {
    const MOST: u64 = 256 << 10;
    let refused = |given: String| {
        let (fr, en) = (
            "une signature en base64 ou en octets, ou un bundle de cosign sign-blob",
            "a signature in base64 or in bytes, or a bundle of cosign sign-blob",
        );
        Outcome::bad_input(
            Refusal::new(format!("--signature {}", file.display()), given, fr, en).message(lang),
        )
    };
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|file| file.take(MOST).read_to_end(&mut bytes));
    read.map_err(|error| refused(error.to_string()))?;
    let bundle: Option<Value> = serde_json::from_slice(&bytes).ok();
    let of_bundle =
        bundle.as_ref().and_then(|bundle| bundle.pointer("/messageSignature/signature")?.as_str());
    let text = of_bundle.or_else(|| std::str::from_utf8(&bytes).ok()).map(str::trim);
    match text {
        Some(text) if STANDARD.decode(text).is_ok_and(|decoded| !decoded.is_empty()) => Ok(text.to_owned()),
        None if !bytes.is_empty() && bytes.len() <= 512 => Ok(STANDARD.encode(&bytes)),
        _ => Err(refused(String::new())),
    }
}

fn lacks(spec: &snc_api::v1alpha1::SncImageScanSpec, namespace: &str, args: &Args) -> Vec<&'static str> {
    let is_scan = spec.nature == snc_api::v1alpha1::ScanNature::Scan;
    let dated = spec.database.as_ref().is_some_and(|database| database.updated_at.is_some());
    [
        ("scannedAt", is_scan && spec.scanned_at.is_none()),
        ("database", is_scan && !dated),
        ("namespace", namespace != args.settings.identity.namespace && spec.signature.is_none()),
    ]
    .into_iter()
    .filter_map(|(what, lacks)| lacks.then_some(what))
    .collect()
}

/// With what was said besides, as an import would write it.
fn told_besides(mut report: Report, besides: &Besides) -> Report {
    for digest in &besides.digests {
        if !report.artifact.digests.contains(digest) {
            report.artifact.digests.push(digest.clone());
        }
    }
    report.scanned_at = besides.scanned_at.or(report.scanned_at);
    if let Some(at) = besides.database_updated_at {
        report.database.get_or_insert_default().updated_at = Some(at);
    }
    report
}

fn wrong(reasons: Vec<String>) -> Outcome {
    Outcome { bad_input: !reasons.is_empty(), reasons, ..Outcome::default() }
}

fn reports_of(file: &Path) -> Result<Vec<Report>, Wrong> {
    let limits = Limits::default();
    let cannot = |error: std::io::Error| Wrong {
        line: 0,
        column: 0,
        field: String::new(),
        what: Text::new(format!("illisible : {error}"), format!("cannot be read: {error}")),
    };
    if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().take(limits.bytes + 1).read_to_end(&mut bytes).map_err(cannot)?;
        return read(|| Ok(Cursor::new(bytes.as_slice())), limits);
    }
    read(|| File::open(file), limits)
}

/// `report.json:3:14: Results[0].Severity: …`.
fn message(file: &Path, wrong: &Wrong, lang: Lang) -> String {
    let mut place = file.display().to_string();
    if wrong.line > 0 {
        place = format!("{place}:{}:{}", wrong.line, wrong.column);
    }
    if !wrong.field.is_empty() {
        place = format!("{place}: {}", wrong.field);
    }
    format!("{place}: {}", wrong.what.get(lang))
}
