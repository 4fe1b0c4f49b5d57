//! `logs verify`: without a cluster, and without believing the log.

use super::{open_store, shown, wrong};
use crate::args::logs::place::StoreArgs;
use crate::args::logs::{Kept, VerifyArgs, Whose};
use crate::args::{Args, Format};
use crate::model::logs::verify::VerifyReport;
use crate::outcome::{Answer, Outcome};
use crate::render::logs::verify as render;
use jiff::Timestamp;
use snc_auditlog::{Anchor, AnchorLine, Check, KeyId, Partition, Report, Tail, What};
use snc_core::lang::Lang;
use snc_core::text::Refusal;
use std::path::Path;

pub async fn run(args: &Args, asked: &VerifyArgs) -> Result<Answer, Outcome> {
    let now = Timestamp::now();
    let trusted = asked.trusted.as_deref().map(|text| key(text, args.lang)).transpose()?;
    let whose = asked.tenant.clone().map(Whose::Tenant);
    let partition = whose.as_ref().map(|whose| super::pages::partition(whose, args)).transpose()?;
    let no_options = StoreArgs::default();
    let options = match &asked.kept {
        Kept::Store(store) => store,
        Kept::Export(_) => &no_options,
    };
    let anchors = anchors(&asked.anchors, options, args)?;
    let check = Check { anchors, trusted, now };
    match &asked.kept {
        Kept::Store(of) => {
            let store = open_store(of, args)?.store;
            let report = snc_auditlog::verify(&store, &check).await.map_err(|error| wrong(&error, args))?;
            if is_nothing(&report) {
                return Err(no_log(&of.url, args.lang));
            }
            if let Some(partition) = &partition
                && !concerns(&report, partition)
            {
                return Err(absent(partition, &report, args.lang));
            }
            told(args, &VerifyReport::new(of.url.clone(), partition, report))
        }
        Kept::Export(path) if !path.exists() => {
            let (fr, en) = ("un répertoire ou un tar qui existe", "a directory or a tar that exists");
            let given = path.display().to_string();
            Err(Outcome::bad_input(Refusal::new("--export", given, fr, en).message(args.lang)))
        }
        Kept::Export(path) => of_export(args, path, &check),
    }
}

fn of_export(args: &Args, path: &Path, check: &Check) -> Result<Answer, Outcome> {
    let report = snc_auditlog::verify_export(path, check).map_err(|error| wrong(&error, args))?;
    told(args, &VerifyReport::new(path.display().to_string(), None, report))
}

/// What was just taken away.
pub fn export(args: &Args, path: &Path, now: Timestamp) -> Result<Answer, Outcome> {
    of_export(args, path, &Check { anchors: Vec::new(), trusted: None, now })
}

fn told(args: &Args, report: &VerifyReport) -> Result<Answer, Outcome> {
    let lang = args.lang;
    let text = match args.format {
        Format::Markdown => render::document(report, lang),
        _ => shown(args, report, |screen| render::table(report, lang, screen))?,
    };
    Ok(Answer { text, outcome: outcome(&report.report, lang) })
}

pub fn outcome(report: &Report, lang: Lang) -> Outcome {
    let mut reasons = Vec::new();
    if !report.is_intact() {
        let total = report.total;
        reasons.push(lang.pick(|| format!("{total} constat(s)"), || format!("{total} finding(s)")));
    }
    let undecided = report.tail == Tail::NotProven;
    if undecided {
        reasons.push(report.tail.text().get(lang).to_owned());
    }
    Outcome { bad_input: false, findings: !report.is_intact(), undecided, reasons }
}

fn key(text: &str, lang: Lang) -> Result<KeyId, Outcome> {
    // As some tools print fingerprints.
    let plain = text.replace(':', "").to_ascii_lowercase();
    plain.parse().map_err(|_| {
        let (fr, en) = (
            "32 chiffres hexadécimaux, comme logs status les montre",
            "32 hexadecimal digits, as logs status shows them",
        );
        Outcome::bad_input(Refusal::new("--trusted-key", text, fr, en).message(lang))
    })
}

fn anchors(given: &[String], options: &StoreArgs, args: &Args) -> Result<Vec<Anchor>, Outcome> {
    let one = |text: &String| {
        let refused = |given: &str, fr: &str, en: &str| {
            Outcome::bad_input(Refusal::new(format!("--anchor {text}"), given, fr, en).message(args.lang))
        };
        if text.contains("://") || Path::new(text).is_dir() {
            if same_place(text, &options.url) {
                let (fr, en) = (
                    "un autre dépôt que celui qui est vérifié",
                    "another store than the one that is verified",
                );
                return Err(refused(text, fr, en));
            }
            let of = StoreArgs { url: text.clone(), ..options.clone() };
            return Ok(Anchor::Opened { name: text.clone(), opened: open_store(&of, args)? });
        }
        let (fr, en) = (
            "un dépôt, ou un fichier avec des lignes « snc-anchor number=… hash=… »",
            "a store, or a file with lines \"snc-anchor number=… hash=…\"",
        );
        let bytes = std::fs::read(text).map_err(|error| refused(&error.to_string(), fr, en))?;
        let lines = AnchorLine::find_in(&String::from_utf8_lossy(&bytes));
        if lines.is_empty() {
            return Err(refused("", fr, en));
        }
        Ok(Anchor::Lines { name: text.clone(), lines })
    };
    given.iter().map(one).collect()
}

/// What lies in the log itself vouches for nothing.
fn same_place(one: &str, other: &str) -> bool {
    let plain = |text: &str| {
        let text = text.strip_prefix("file://").unwrap_or(text).trim_end_matches('/').to_owned();
        std::fs::canonicalize(&text).map_or(text, |path| path.display().to_string())
    };
    !other.is_empty() && plain(one) == plain(other)
}

/// Not even one that was taken away: of that an anchor would tell.
fn is_nothing(report: &Report) -> bool {
    let empty = report.keys.is_empty() && report.partitions.is_empty() && report.heads == 0;
    empty && report.findings.iter().all(|finding| finding.what == What::KeyMissing)
}

/// Whether it is there, or was: what is wrong with the whole log may be why it is not.
fn concerns(report: &Report, partition: &Partition) -> bool {
    report.partitions.iter().any(|one| one.partition == *partition)
        || report.is_truncated()
        || report.findings.iter().any(|finding| finding.partition.as_ref().is_none_or(|of| of == partition))
}

fn no_log(url: &str, lang: Lang) -> Outcome {
    Outcome::bad_input(lang.pick(
        || format!("{url} : aucun journal à cet endroit"),
        || format!("{url}: there is no log in that place"),
    ))
}

fn absent(partition: &Partition, report: &Report, lang: Lang) -> Outcome {
    let known: Vec<String> = report.partitions.iter().map(|one| one.partition.to_string()).collect();
    let known = known.join(", ");
    Outcome::bad_input(lang.pick(
        || format!("le dépôt n'a pas de partition {partition} ; il a : {known}"),
        || format!("the store has no partition {partition}; it has: {known}"),
    ))
}
