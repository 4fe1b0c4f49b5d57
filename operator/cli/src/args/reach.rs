//! What `reach` is asked.

use super::{Format, text_of};
use crate::model::reach::explain::Named;
use crate::outcome::Outcome;
use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser};
use clap::{Arg, ArgMatches, Command, value_parser};
use ipnet::IpNet;
use snc_core::lang::Lang;
use std::path::PathBuf;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReachArgs {
    pub question: Question,
    /// Nothing: the cluster.
    pub paths: Vec<PathBuf>,
    /// `None` is "nobody said".
    pub pods: Option<Vec<IpNet>>,
    pub services: Option<Vec<IpNet>>,
    pub nodes: Option<Vec<IpNet>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Question {
    #[default]
    All,
    Explain(Named, Named),
    Diff {
        before: PathBuf,
        after: PathBuf,
        fail_on: FailOn,
    },
}

/// What makes the exit code 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailOn {
    #[default]
    Opened,
    Closed,
    Any,
    None,
}

pub fn arguments(command: Command, lang: Lang) -> Command {
    let path = || value_parser!(PathBuf);
    let range = |id: &'static str, fr: &'static str, en: &'static str| {
        let parser = NonEmptyStringValueParser::new();
        let arg = Arg::new(id).long(id).value_name("CIDR").value_parser(parser).value_delimiter(',');
        arg.action(clap::ArgAction::Append).help(lang.str(fr, en))
    };
    command
        .arg(Arg::new("path").value_name("PATH").value_parser(path()).num_args(0..).help(lang.str(
            "Manifestes : fichiers, répertoires, - pour l'entrée standard ; sans rien dire, le cluster",
            "Manifests: files, directories, - for standard input; the cluster when nothing is said",
        )))
        .arg(Arg::new("explain").long("explain").num_args(2).value_names(["FROM", "TO"]).help(lang.str(
            "Ce qui ouvre ou ferme : namespace/genre/nom, namespace/nom, adresse ou bloc CIDR",
            "What opens or closes: namespace/kind/name, namespace/name, address or CIDR block",
        )))
        .arg(Arg::new("diff").long("diff").num_args(2).value_names(["A", "B"]).value_parser(path()).help(
            lang.str(
                "Connexions que le passage des manifestes A aux manifestes B ouvre et ferme",
                "Connections that the change from manifests A to manifests B opens and closes",
            ),
        ))
        .arg(
            Arg::new("fail-on")
                .long("fail-on")
                .value_name("opened|closed|any|none")
                .value_parser(PossibleValuesParser::new(["opened", "closed", "any", "none"]))
                .hide_possible_values(true)
                .help(lang.str(
                    "Avec --diff, ce qui fait sortir avec 1 (opened par défaut)",
                    "With --diff, what makes the exit code 1 (opened by default)",
                )),
        )
        .arg(range("pod-cidr", "Adresses des pods du cluster", "Addresses of the cluster's pods"))
        .arg(range("service-cidr", "Adresses des Services du cluster", "Addresses of the cluster's Services"))
        .arg(range("node-cidr", "Adresses des nœuds du cluster", "Addresses of the cluster's nodes"))
}

pub fn read(matches: &ArgMatches, format: Format, lang: Lang) -> Result<ReachArgs, Outcome> {
    let paths: Vec<PathBuf> = matches.get_many::<PathBuf>("path").into_iter().flatten().cloned().collect();
    let explain: Option<Vec<&String>> = matches.get_many::<String>("explain").map(Iterator::collect);
    let diff: Option<Vec<&PathBuf>> = matches.get_many::<PathBuf>("diff").map(Iterator::collect);
    let fail_on = text_of(matches, "fail-on");
    let named = |text: &str| Named::parse(text).map_err(|wrong| Outcome::bad_input(wrong.get(lang)));
    let question = match (explain.as_deref(), diff.as_deref()) {
        (Some([from, to]), None) => Question::Explain(named(from)?, named(to)?),
        (None, Some([before, after])) if paths.is_empty() => Question::Diff {
            before: (*before).clone(),
            after: (*after).clone(),
            fail_on: match fail_on.as_deref() {
                Some("closed") => FailOn::Closed,
                Some("any") => FailOn::Any,
                Some("none") => FailOn::None,
                _ => FailOn::Opened,
            },
        },
        (None, None) => Question::All,
        _ => {
            return Err(Outcome::bad_input(lang.str(
                "--diff exclut --explain et d'autres chemins",
                "--diff excludes --explain and other paths",
            )));
        }
    };
    if fail_on.is_some() && !matches!(question, Question::Diff { .. }) {
        return Err(Outcome::bad_input(
            lang.str("--fail-on ne vaut qu'avec --diff", "--fail-on only goes with --diff"),
        ));
    }
    let accepted: &[Format] = match question {
        Question::All => &[Format::Table, Format::Json, Format::Yaml, Format::Dot, Format::Svg],
        Question::Explain(..) => &[Format::Table, Format::Json, Format::Yaml],
        Question::Diff { .. } => &[Format::Table, Format::Json, Format::Yaml, Format::Markdown],
    };
    if !accepted.contains(&format) {
        return Err(Outcome::bad_input(lang.str(
            "ce format ne va pas avec cette question : dot et svg vont sans --explain ni --diff, md avec --diff",
            "this format does not go with this question: dot and svg go without --explain and --diff, md with --diff",
        )));
    }
    Ok(ReachArgs {
        question,
        paths,
        pods: ranges(matches, "pod-cidr", lang)?,
        services: ranges(matches, "service-cidr", lang)?,
        nodes: ranges(matches, "node-cidr", lang)?,
    })
}

fn ranges(matches: &ArgMatches, id: &str, lang: Lang) -> Result<Option<Vec<IpNet>>, Outcome> {
    let Some(texts) = matches.get_many::<String>(id) else { return Ok(None) };
    let parse = |text: &String| {
        snc_core::cidr::parse(text).ok_or_else(|| {
            Outcome::bad_input(lang.pick(
                || format!("--{id} : reçu {text:?} ; accepté : un bloc CIDR sans bits d'hôte"),
                || format!("--{id}: got {text:?}; accepted: a CIDR block without host bits"),
            ))
        })
    };
    texts.map(parse).collect::<Result<Vec<_>, _>>().map(Some)
}
