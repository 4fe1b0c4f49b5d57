//! What `logs` and `alarms` are asked.

mod commands;
pub mod place;

pub use commands::{alarms, logs};

use super::when::When;
use super::{Format, text_of};
use crate::outcome::Outcome;
use clap::ArgMatches;
use place::{Place, SinkArgs, StoreArgs};
use snc_audit::flags::{Distribution, Outputs};
use snc_core::lang::Lang;
use snc_core::text::Refusal;
use std::path::PathBuf;

/// All distributions of which a provider runs the API server.
pub const MANAGED: &str = "managed";
/// Records of one answer, unless it is said.
pub const LIMIT: usize = 100;
/// What a table or a document holds at most; what is longer is streamed.
pub const MOST: usize = 10_000;

#[derive(Debug, Clone, PartialEq)]
pub enum LogsArgs {
    Verify(VerifyArgs),
    Query(QueryArgs),
    Export(ExportArgs),
    Gaps(Whose, SinkArgs),
    Status(SinkArgs),
    Policy(PolicyArgs),
    Flags(FlagsArgs),
}

#[derive(Debug, Clone, PartialEq)]
pub enum AlarmsArgs {
    List { which: Which, whose: Whose, sink: SinkArgs },
    Acknowledge { id: String, decision: String, sink: SinkArgs },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Open,
    Overdue,
    All,
}

/// What is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    Store(StoreArgs),
    /// A directory or a tar.
    Export(PathBuf),
}

#[derive(Debug, Clone, PartialEq)]
pub struct VerifyArgs {
    pub kept: Kept,
    pub anchors: Vec<String>,
    pub trusted: Option<String>,
    pub tenant: Option<String>,
}

/// Whose records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Whose {
    /// Whoever has the namespace that is asked about.
    #[default]
    NotSaid,
    Tenant(String),
    Platform,
}

/// Of one partition, the records that match all of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    pub whose: Whose,
    pub namespace: Option<String>,
    pub user: Option<String>,
    pub verb: Option<String>,
    pub resource: Option<String>,
    pub subresource: Option<String>,
    pub name: Option<String>,
    pub code: Option<u16>,
    pub since: Option<When>,
    pub until: Option<When>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct QueryArgs {
    pub place: Place,
    pub filter: Filter,
    /// None: all of them.
    pub limit: Option<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ExportArgs {
    pub place: Place,
    pub filter: Filter,
    /// None: stdout.
    pub to: Option<PathBuf>,
    pub with_proof: bool,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct PolicyArgs {
    pub wishes: Option<PathBuf>,
    pub against: Against,
}

#[derive(Debug, Clone, PartialEq)]
pub struct FlagsArgs {
    pub distributions: Vec<Distribution>,
    pub outputs: Outputs,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Against {
    #[default]
    Nothing,
    Check(PathBuf),
    Diff(PathBuf),
}

pub fn read(name: &str, matches: &ArgMatches, format: Format, lang: Lang) -> Result<LogsArgs, Outcome> {
    let path = |id| matches.get_one::<PathBuf>(id).cloned();
    if !matches!(name, "query") {
        unwanted(matches, "namespace", lang)?;
    }
    if !matches!(name, "query" | "export" | "verify" | "gaps") {
        unwanted(matches, "tenant", lang)?;
    }
    Ok(match name {
        "verify" => LogsArgs::Verify(verify(matches, lang)?),
        "query" => {
            let limit = limit(matches, format, lang)?;
            LogsArgs::Query(QueryArgs {
                place: place::place(matches, lang)?,
                filter: filter(matches, lang)?,
                limit,
            })
        }
        "export" => LogsArgs::Export(export(matches, lang)?),
        "gaps" => LogsArgs::Gaps(whose(matches, lang)?, place::sink(matches, lang)?),
        "policy" => LogsArgs::Policy(PolicyArgs {
            wishes: path("wishes"),
            against: match (path("check"), path("diff")) {
                (None, None) => Against::Nothing,
                (Some(file), None) => Against::Check(file),
                (None, Some(file)) => Against::Diff(file),
                (Some(_), Some(_)) => {
                    return Err(Outcome::bad_input(
                        lang.str("--check et --diff s'excluent", "--check and --diff exclude each other"),
                    ));
                }
            },
        }),
        "flags" => {
            let (wanted, only) = (text_of(matches, "distribution"), text_of(matches, "only"));
            let is_wanted = |one: &Distribution| match wanted.as_deref() {
                // Where nobody but the provider sets flags.
                Some(MANAGED) => one.log().is_none(),
                wanted => wanted == Some(one.as_str()),
            };
            let is_on = |output: &str| only.as_deref().is_none_or(|only| only == output);
            LogsArgs::Flags(FlagsArgs {
                distributions: Distribution::ALL.iter().copied().filter(is_wanted).collect(),
                outputs: Outputs { file: is_on("file"), webhook: is_on("webhook") },
            })
        }
        _ => LogsArgs::Status(place::sink(matches, lang)?),
    })
}

pub fn read_alarms(name: &str, matches: &ArgMatches, lang: Lang) -> Result<AlarmsArgs, Outcome> {
    unwanted(matches, "namespace", lang)?;
    let sink = place::sink(matches, lang)?;
    if name == "acknowledge" {
        unwanted(matches, "tenant", lang)?;
        let text = |id| text_of(matches, id).unwrap_or_default();
        let decision = text("decision").trim().to_owned();
        if decision.is_empty() {
            let (fr, en) = ("ce qui a été décidé, en quelques mots", "what was decided, in some words");
            return Err(Outcome::bad_input(Refusal::new("--decision", "", fr, en).message(lang)));
        }
        return Ok(AlarmsArgs::Acknowledge { id: text("id"), decision, sink });
    }
    let chosen = ["open", "overdue", "all"].map(|id| matches.get_flag(id));
    let which = match chosen {
        [_, false, false] => Which::Open,
        [false, true, false] => Which::Overdue,
        [false, false, true] => Which::All,
        _ => {
            return Err(Outcome::bad_input(lang.str(
                "--open, --overdue et --all s'excluent",
                "--open, --overdue and --all exclude each other",
            )));
        }
    };
    Ok(AlarmsArgs::List { which, whose: whose(matches, lang)?, sink })
}

fn verify(matches: &ArgMatches, lang: Lang) -> Result<VerifyArgs, Outcome> {
    let url = text_of(matches, "kept");
    let export = matches.get_one::<PathBuf>("export").cloned();
    let kept = match (url, export) {
        (Some(url), None) => Kept::Store(place::store(matches, url)),
        (None, Some(path)) => Kept::Export(path),
        _ => {
            return Err(Outcome::bad_input(lang.str(
                "soit un dépôt (répertoire ou s3://…), soit --export, et un seul des deux",
                "either a store (directory or s3://…) or --export, and one of them only",
            )));
        }
    };
    let anchors = matches.get_many::<String>("anchor").into_iter().flatten().cloned().collect();
    Ok(VerifyArgs {
        kept,
        anchors,
        trusted: text_of(matches, "trusted-key"),
        tenant: text_of(matches, "tenant"),
    })
}

fn export(matches: &ArgMatches, lang: Lang) -> Result<ExportArgs, Outcome> {
    let filter = Filter { whose: whose(matches, lang)?, ..times(matches, lang)? };
    let (to, with_proof) = (matches.get_one::<PathBuf>("to").cloned(), matches.get_flag("with-proof"));
    let to = to.filter(|path| path.as_os_str() != "-");
    if filter.whose == Whose::NotSaid {
        return Err(Outcome::bad_input(lang.str(
            "export demande --tenant NOM, ou --platform pour les enregistrements de la plateforme",
            "export needs --tenant NAME, or --platform for the platform's own records",
        )));
    }
    if let Some(word) = to.as_ref().and_then(|to| to.to_str()).filter(|to| matches!(*to, "jsonl" | "csv")) {
        return Err(Outcome::bad_input(lang.pick(
            || {
                format!(
                    "--output nomme ici un fichier ; pour le format : -o {word}, pour le fichier : ./{word}"
                )
            },
            || format!("--output names a file here; for the format: -o {word}, for the file: ./{word}"),
        )));
    }
    if with_proof && to.is_none() {
        return Err(Outcome::bad_input(lang.str(
            "--with-proof demande --output RÉPERTOIRE ou --output FICHIER.tar",
            "--with-proof needs --output DIRECTORY or --output FILE.tar",
        )));
    }
    Ok(ExportArgs { place: place::place(matches, lang)?, filter, to, with_proof })
}

fn filter(matches: &ArgMatches, lang: Lang) -> Result<Filter, Outcome> {
    let text = |id| text_of(matches, id);
    let filter = Filter {
        whose: whose(matches, lang)?,
        namespace: text("namespace"),
        user: text("user"),
        verb: text("verb"),
        resource: text("resource"),
        subresource: text("subresource"),
        name: text("name"),
        code: matches.get_one::<u16>("code").copied(),
        ..times(matches, lang)?
    };
    if filter.whose == Whose::NotSaid && filter.namespace.is_none() {
        return Err(Outcome::bad_input(lang.str(
            "de qui : --tenant NOM, --platform, ou -n NAMESPACE",
            "whose: --tenant NAME, --platform, or -n NAMESPACE",
        )));
    }
    Ok(filter)
}

fn times(matches: &ArgMatches, lang: Lang) -> Result<Filter, Outcome> {
    let when =
        |id: &str| text_of(matches, id).map(|text| When::parse(&format!("--{id}"), &text, lang)).transpose();
    Ok(Filter { since: when("since")?, until: when("until")?, ..Filter::default() })
}

fn whose(matches: &ArgMatches, lang: Lang) -> Result<Whose, Outcome> {
    match (text_of(matches, "tenant"), matches.get_flag("platform")) {
        (None, false) => Ok(Whose::NotSaid),
        (Some(tenant), false) => Ok(Whose::Tenant(tenant)),
        (None, true) => Ok(Whose::Platform),
        (Some(_), true) => Err(Outcome::bad_input(
            lang.str("--tenant et --platform s'excluent", "--tenant and --platform exclude each other"),
        )),
    }
}

fn limit(matches: &ArgMatches, format: Format, lang: Lang) -> Result<Option<usize>, Outcome> {
    let given = matches.get_one::<u64>("limit").map(|limit| usize::try_from(*limit).unwrap_or(usize::MAX));
    let streamed = matches!(format, Format::JsonLines | Format::Csv);
    match (matches.get_flag("all"), given) {
        (true, Some(_)) => Err(Outcome::bad_input(
            lang.str("--all et --limit s'excluent", "--all and --limit exclude each other"),
        )),
        (true, None) if streamed => Ok(None),
        (true, None) => Err(Outcome::bad_input(lang.str(
            "--all demande -o jsonl ou -o csv, qui s'écrivent au fil de la lecture",
            "--all needs -o jsonl or -o csv, which are written as they are read",
        ))),
        (false, Some(limit)) if limit > MOST && !streamed => Err(Outcome::bad_input(
            Refusal::new(
                "--limit",
                limit.to_string(),
                format!("{MOST} au plus ; davantage avec -o jsonl ou -o csv"),
                format!("{MOST} at most; more with -o jsonl or -o csv"),
            )
            .message(lang),
        )),
        (false, given) => Ok(Some(given.unwrap_or(LIMIT))),
    }
}

/// Options of all commands that mean nothing here are refused rather than passed over.
fn unwanted(matches: &ArgMatches, id: &str, lang: Lang) -> Result<(), Outcome> {
    if text_of(matches, id).is_none() {
        return Ok(());
    }
    Err(Outcome::bad_input(lang.pick(
        || format!("--{id} ne vaut pas pour cette commande"),
        || format!("--{id} does not go with this command"),
    )))
}

#[cfg(test)]
mod tests;
