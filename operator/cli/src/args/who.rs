//! What `who-can-disable` is asked.

use crate::outcome::Outcome;
use clap::builder::NonEmptyStringValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use snc_core::lang::Lang;
use snc_core::text::Refusal;
use std::collections::BTreeSet;

const KINDS: [&str; 3] = ["User:", "Group:", "ServiceAccount:"];

pub fn arguments(command: Command, lang: Lang) -> Command {
    command.arg(
        Arg::new("expect")
            .long("expect")
            .value_name("HOLDER,…")
            .value_parser(NonEmptyStringValueParser::new())
            .action(ArgAction::Append)
            .help(lang.str(
                "Qui est attendu : User:nom, Group:nom ou ServiceAccount:namespace/nom ; tout autre est un constat",
                "Who is expected: User:name, Group:name or ServiceAccount:namespace/name; anybody else is a finding",
            )),
    )
}

pub fn read(matches: &ArgMatches, lang: Lang) -> Result<BTreeSet<String>, Outcome> {
    let given = matches.get_many::<String>("expect").into_iter().flatten();
    let words = given.flat_map(|list| list.split(',')).map(str::trim).filter(|word| !word.is_empty());
    let holder = |word: &str| {
        let is_named = KINDS.iter().any(|kind| word.strip_prefix(kind).is_some_and(|name| !name.is_empty()));
        let whole = !word.starts_with("ServiceAccount:") || word.contains('/');
        if is_named && whole {
            return Ok(word.to_owned());
        }
        let accepted = "User:NAME, Group:NAME, ServiceAccount:NAMESPACE/NAME";
        Err(Outcome::bad_input(Refusal::new("--expect", word, accepted, accepted).message(lang)))
    };
    words.map(holder).collect()
}
