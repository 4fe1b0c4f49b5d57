//! The command line, in both languages: the language is found first, then everything is said in it.

mod command;
mod errors;
pub mod image;
pub mod logs;
pub mod reach;
pub mod scan;
pub mod status;
mod subcommands;
pub mod when;
pub mod who;

use crate::model::Selection;
use crate::outcome::Outcome;
use clap::ArgMatches;
use clap::error::ErrorKind;
use snc_core::lang::Lang;
use snc_plan::Settings;
use snc_plan::guards::Identity;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    Status,
    /// `status --requirements`.
    Assessment(status::RequirementArgs),
    Plan,
    Flows,
    Preflight,
    /// `preflight --lockout`.
    Lockout,
    Reach(Box<reach::ReachArgs>),
    Scan(Box<scan::ScanArgs>),
    Audit(Box<scan::ScanArgs>),
    Exceptions,
    /// With who is expected.
    Who(BTreeSet<String>),
    Controls,
    Requirements,
    Explain(String),
    Image(image::ImageArgs),
    Logs(Box<logs::LogsArgs>),
    Alarms(Box<logs::AlarmsArgs>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Table,
    Diff,
    Json,
    Yaml,
    Markdown,
    Dot,
    Svg,
    Sarif,
    Junit,
    Csv,
    JsonLines,
    OpenReports,
}

#[derive(Debug, Clone)]
pub struct Args {
    pub command: Command,
    pub format: Format,
    pub selection: Selection,
    pub lang: Lang,
    pub context: Option<String>,
    pub kubeconfig: Option<PathBuf>,
    /// Where the operator lives.
    pub settings: Settings,
}

#[derive(Debug)]
pub enum Parsed {
    Run(Box<Args>),
    /// Help or version: said on stdout, and that is all.
    Show(String),
}

pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Parsed, Outcome> {
    let words: Vec<OsString> = words.into_iter().collect();
    let variable = |name| std::env::var(name).ok();
    let lang = wanted_lang(&words)
        .unwrap_or_else(|| Lang::from_locale(variable("LC_ALL").as_deref(), variable("LANG").as_deref()));
    let mut command = command::command(lang);
    let matches = match command.try_get_matches_from_mut(words) {
        Ok(matches) => matches,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            return Ok(Parsed::Show(error.render().to_string()));
        }
        Err(error) => return Err(Outcome::bad_input(errors::text(&error, &mut command, lang))),
    };
    read(&matches, lang).map(|args| Parsed::Run(Box::new(args)))
}

/// What `--lang` says, before the rest is parsed.
fn wanted_lang(words: &[OsString]) -> Option<Lang> {
    let words: Vec<_> = words.iter().map(|w| w.to_string_lossy()).take_while(|w| w != "--").collect();
    words.iter().enumerate().rev().find_map(|(i, word)| {
        let value = match word.strip_prefix("--lang=") {
            Some(value) => Some(value),
            None if word == "--lang" => words.get(i + 1).map(AsRef::as_ref),
            None => None,
        };
        value?.parse().ok()
    })
}

fn read(matches: &ArgMatches, lang: Lang) -> Result<Args, Outcome> {
    let Some((name, of_command)) = matches.subcommand() else {
        return Err(Outcome::bad_input(lang.str("commande absente", "no command given")));
    };
    // Some have commands of their own.
    let (family, name, of_command) = match of_command.subcommand() {
        Some((under, of_command)) => (name, under, of_command),
        None => (name, name, of_command),
    };
    let text = |id: &str| text_of(of_command, id);
    let format = match text("output").as_deref() {
        Some("json") => Format::Json,
        Some("yaml") => Format::Yaml,
        Some("md") => Format::Markdown,
        Some("diff") => Format::Diff,
        Some("dot") => Format::Dot,
        Some("svg") => Format::Svg,
        Some("sarif") => Format::Sarif,
        Some("junit") => Format::Junit,
        Some("csv") => Format::Csv,
        Some("jsonl") => Format::JsonLines,
        Some("openreports") => Format::OpenReports,
        _ => Format::Table,
    };
    let command = match family {
        "plan" => Command::Plan,
        "flows" => Command::Flows,
        "preflight" if of_command.get_flag("lockout") => Command::Lockout,
        "preflight" => Command::Preflight,
        "reach" => Command::Reach(Box::new(reach::read(of_command, format, lang)?)),
        "scan" => Command::Scan(Box::new(scan::read(of_command, lang)?)),
        "audit" => Command::Audit(Box::new(scan::read(of_command, lang)?)),
        "exceptions" => Command::Exceptions,
        "who-can-disable" => Command::Who(who::read(of_command, lang)?),
        "controls" => Command::Controls,
        "requirements" => Command::Requirements,
        "explain" => Command::Explain(text("id").unwrap_or_default()),
        "image" => Command::Image(image::read(name, of_command, lang)?),
        "logs" => Command::Logs(Box::new(logs::read(name, of_command, format, lang)?)),
        "alarms" => Command::Alarms(Box::new(logs::read_alarms(name, of_command, lang)?)),
        _ => status::read(of_command, format, lang)?.map_or(Command::Status, Command::Assessment),
    };
    // A partition of the log and a namespace in it can both be said.
    let selection = match command {
        Command::Logs(_) | Command::Alarms(_) => Selection::All,
        _ => selection(text("namespace"), text("tenant"), of_command.get_flag("all-namespaces"), lang)?,
    };
    let settings = Settings {
        lang,
        identity: Identity::new(
            text("operator-namespace").unwrap_or_default(),
            text("operator-service-account").unwrap_or_default(),
        ),
        canary_namespace: text("canary-namespace").unwrap_or_default(),
    };
    Ok(Args {
        command,
        format,
        selection,
        lang,
        context: text("context"),
        kubeconfig: of_command.get_one::<PathBuf>("kubeconfig").cloned(),
        settings,
    })
}

fn text_of(matches: &ArgMatches, id: &str) -> Option<String> {
    matches.get_one::<String>(id).cloned()
}

/// Global arguments can stand before and after the command, so that their conflict is seen only here.
fn selection(
    namespace: Option<String>,
    tenant: Option<String>,
    all: bool,
    lang: Lang,
) -> Result<Selection, Outcome> {
    match (namespace, tenant, all) {
        (None, None, _) => Ok(Selection::All),
        (Some(namespace), None, false) => Ok(Selection::Namespace(namespace)),
        (None, Some(tenant), false) => Ok(Selection::Tenant(tenant)),
        _ => Err(Outcome::bad_input(lang.str(
            "--namespace, --tenant et --all-namespaces s'excluent",
            "--namespace, --tenant and --all-namespaces exclude each other",
        ))),
    }
}

#[cfg(test)]
mod tests;
