//! What `status` is asked about requirements.

use super::{Format, text_of};
use crate::outcome::Outcome;
use clap::builder::NonEmptyStringValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use snc_catalogue::RequirementState;
use snc_core::lang::Lang;
use snc_core::text::Refusal;
use std::collections::BTreeSet;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequirementArgs {
    /// What is shown; empty, and all is.
    pub states: BTreeSet<RequirementState>,
    pub fail_on_unknown: bool,
}

pub fn arguments(command: Command, lang: Lang) -> Command {
    command
        .arg(Arg::new("requirements").long("requirements").action(ArgAction::SetTrue).help(lang.str(
            "L'état des 287 exigences, du cluster ou d'un tenant",
            "The state of the 287 requirements, of the cluster or of a tenant",
        )))
        .arg(
            Arg::new("state")
                .long("state")
                .value_name("STATE,…")
                .value_parser(NonEmptyStringValueParser::new())
                .action(ArgAction::Append)
                .help(lang.str(
                    "Avec --requirements : seulement ces états, par exemple NonCompliant,Unknown",
                    "With --requirements: only these states, for example NonCompliant,Unknown",
                )),
        )
        .arg(Arg::new("fail-on-unknown").long("fail-on-unknown").action(ArgAction::SetTrue).help(lang.str(
            "Avec --requirements : sortir avec 3 quand une exigence est inconnue",
            "With --requirements: exit with 3 when a requirement is unknown",
        )))
}

/// None where the question is another.
pub fn read(matches: &ArgMatches, format: Format, lang: Lang) -> Result<Option<RequirementArgs>, Outcome> {
    let fail_on_unknown = matches.get_flag("fail-on-unknown");
    let given: Vec<&String> = matches.get_many::<String>("state").into_iter().flatten().collect();
    if !matches.get_flag("requirements") {
        let alone = match format {
            Format::Csv | Format::Markdown => text_of(matches, "output").map(|format| format!("-o {format}")),
            _ if fail_on_unknown => Some("--fail-on-unknown".to_owned()),
            _ if !given.is_empty() => Some("--state".to_owned()),
            _ => None,
        };
        return alone.map_or(Ok(None), |option| {
            Err(Outcome::bad_input(lang.pick(
                || format!("{option} demande --requirements"),
                || format!("{option} needs --requirements"),
            )))
        });
    }
    let mut states = BTreeSet::new();
    for word in given.iter().flat_map(|list| list.split(',')).map(str::trim).filter(|word| !word.is_empty()) {
        let same = |state: &&RequirementState| state.as_str().eq_ignore_ascii_case(word);
        let Some(state) = RequirementState::ALL.iter().find(same) else {
            let known: Vec<&str> = RequirementState::ALL.iter().map(|state| state.as_str()).collect();
            let known = known.join(", ");
            return Err(Outcome::bad_input(Refusal::new("--state", word, &known, &known).message(lang)));
        };
        states.insert(*state);
    }
    Ok(Some(RequirementArgs { states, fail_on_unknown }))
}
