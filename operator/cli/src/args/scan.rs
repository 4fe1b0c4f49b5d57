//! What `scan`, `audit`, `controls`, `requirements` and `explain` are asked.

use super::text_of;
use crate::outcome::Outcome;
use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde_json::Value;
use snc_catalogue::{Profile, controls};
use snc_core::control::{Control, Parameter, Severity};
use snc_core::lang::Lang;
use snc_core::text::Refusal;
use snc_core::tier::Level;
use std::path::PathBuf;

#[derive(Debug, Clone, PartialEq)]
pub struct ScanArgs {
    pub paths: Vec<PathBuf>,
    /// The level, and what `--param` says.
    pub profile: Profile,
    /// Files of `SncBaseline` objects.
    pub baselines: Vec<PathBuf>,
    /// None: no failure makes the exit code 1.
    pub fail_on: Option<Severity>,
    pub fail_on_unknown: bool,
}

pub fn scan_arguments(command: Command, lang: Lang) -> Command {
    let path =
        Arg::new("path").value_name("PATH").value_parser(value_parser!(PathBuf)).num_args(1..).required(true);
    let path = path.help(lang.str(
        "Manifestes : fichiers, répertoires, - pour l'entrée standard",
        "Manifests: files, directories, - for standard input",
    ));
    judging_arguments(command.arg(path), lang)
}

/// What `scan` and `audit` have in common.
pub fn judging_arguments(command: Command, lang: Lang) -> Command {
    let levels: Vec<&str> = Level::ALL.iter().map(|level| level.as_str()).collect();
    command
        .arg(
            Arg::new("level")
                .long("level")
                .value_name("Essentiel|Standard|Avance")
                .value_parser(PossibleValuesParser::new(levels))
                .default_value(Level::Avance.as_str())
                .hide_default_value(true)
                .hide_possible_values(true)
                .help(lang.str("Niveau (Avance par défaut)", "Level (Avance by default)")),
        )
        .arg(
            Arg::new("param")
                .long("param")
                .value_name("CONTROL.NAME=VALUE")
                .value_parser(NonEmptyStringValueParser::new())
                .action(ArgAction::Append)
                .help(lang.str(
                    "Paramètre d'un contrôle ; les listes s'écrivent a,b",
                    "Parameter of a control; lists are written a,b",
                )),
        )
        .arg(
            Arg::new("baseline")
                .long("baseline")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .action(ArgAction::Append)
                .help(lang.str(
                    "SncBaseline dont les paramètres prennent la place des défauts ; --param l'emporte",
                    "SncBaselines whose parameters take the place of the defaults; --param wins over them",
                )),
        )
        .arg(
            Arg::new("fail-on")
                .long("fail-on")
                .value_name("low|medium|high|critical|none")
                .value_parser(PossibleValuesParser::new(["low", "medium", "high", "critical", "none"]))
                .default_value("low")
                .hide_default_value(true)
                .hide_possible_values(true)
                .help(lang.str(
                    "Gravité à partir de laquelle sortir avec 1 (low par défaut)",
                    "Severity from which the exit code is 1 (low by default)",
                )),
        )
        .arg(Arg::new("fail-on-unknown").long("fail-on-unknown").action(ArgAction::SetTrue).help(lang.str(
            "Sortir avec 3 quand un contrôle ne peut pas conclure",
            "Exit with 3 when a control cannot conclude",
        )))
}

pub fn id_argument(command: Command, lang: Lang) -> Command {
    command.arg(
        Arg::new("id").value_name("ID").required(true).value_parser(NonEmptyStringValueParser::new()).help(
            lang.str(
                "Un contrôle ou une exigence : pod-privileged, 9.7.a",
                "A control or a requirement: pod-privileged, 9.7.a",
            ),
        ),
    )
}

pub fn read(matches: &ArgMatches, lang: Lang) -> Result<ScanArgs, Outcome> {
    let level = text_of(matches, "level").and_then(|level| Level::parse(&level)).unwrap_or(Level::Avance);
    let mut profile = Profile::new(level);
    let mut reasons = Vec::new();
    for given in matches.get_many::<String>("param").into_iter().flatten() {
        match parameter(given) {
            Ok((control, name, value)) => {
                profile.parameters.entry(control).or_default().insert(name, value);
            }
            Err(refusal) => reasons.push(refusal.message(lang)),
        }
    }
    if !reasons.is_empty() {
        return Err(Outcome { bad_input: true, reasons, ..Outcome::default() });
    }
    Ok(ScanArgs {
        paths: matches
            .try_get_many::<PathBuf>("path")
            .ok()
            .flatten()
            .into_iter()
            .flatten()
            .cloned()
            .collect(),
        profile,
        baselines: matches.get_many::<PathBuf>("baseline").into_iter().flatten().cloned().collect(),
        fail_on: text_of(matches, "fail-on").and_then(|severity| Severity::parse(&severity)),
        fail_on_unknown: matches.get_flag("fail-on-unknown"),
    })
}

fn parameter(given: &str) -> Result<(String, String, Value), Refusal> {
    let refuse = |fr: String, en: String| Refusal::new("--param", given, fr, en);
    let Some(((id, name), value)) =
        given.split_once('=').and_then(|(key, value)| Some((key.split_once('.')?, value)))
    else {
        return Err(refuse("CONTRÔLE.NOM=VALEUR".to_owned(), "CONTROL.NAME=VALUE".to_owned()));
    };
    let with: Vec<&Control> = controls().iter().filter(|control| !control.parameters.is_empty()).collect();
    let Some(control) = with.iter().find(|control| control.id == id) else {
        let known: Vec<&str> = with.iter().map(|control| control.id.as_str()).collect();
        let known = known.join(", ");
        return Err(refuse(
            format!("un contrôle qui a des paramètres : {known}"),
            format!("a control that has parameters: {known}"),
        ));
    };
    let Some(parameter) = control.parameter(name) else {
        let known: Vec<&str> = control.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        let known = known.join(", ");
        return Err(refuse(format!("{id} a {known}"), format!("{id} has {known}")));
    };
    let value = typed(parameter, value).map_err(|(fr, en)| refuse(fr, en))?;
    Ok((id.to_owned(), name.to_owned(), value))
}

/// The text in the type of the parameter's default, within its bounds.
fn typed(parameter: &Parameter, text: &str) -> Result<Value, (String, String)> {
    match &parameter.default {
        Value::Array(_) => {
            Ok(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Value::from).collect())
        }
        Value::Bool(_) => text
            .parse::<bool>()
            .map(Value::from)
            .map_err(|_| ("true ou false".to_owned(), "true or false".to_owned())),
        Value::Number(_) => {
            let (min, max) = parameter.bounds.map_or((i64::MIN, i64::MAX), |bounds| (bounds.min, bounds.max));
            let number = text.parse::<i64>().ok().filter(|number| (min..=max).contains(number));
            number.map(Value::from).ok_or_else(|| {
                (format!("un entier de {min} à {max}"), format!("an integer from {min} to {max}"))
            })
        }
        _ => Ok(Value::from(text)),
    }
}
