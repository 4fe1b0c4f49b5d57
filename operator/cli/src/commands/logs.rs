//! `logs`: the audit log read, exported and verified; `alarms` is beside it.

mod export;
mod pages;
mod policy;
mod query;
mod said;
mod sheet;
mod unpack;
mod verify;

pub use pages::parameters;
#[cfg(test)]
pub use {said::status_outcome, verify::outcome as verify_outcome};

use super::{for_machines, unprintable};
use crate::args::Args;
use crate::args::logs::LogsArgs;
use crate::args::logs::place::StoreArgs;
use crate::outcome::{Answer, Outcome};
use crate::render::Screen;
use serde::Serialize;
use snc_auditlog::{Credentials, Opened, Options};
use snc_core::text::Refusal;
use std::path::Path;

pub async fn run(args: &Args, asked: &LogsArgs) -> Result<Answer, Outcome> {
    match asked {
        LogsArgs::Verify(asked) => verify::run(args, asked).await,
        LogsArgs::Query(asked) => query::run(args, asked).await,
        LogsArgs::Export(asked) => export::run(args, asked).await,
        LogsArgs::Gaps(whose, sink) => said::gaps(args, whose, sink).await,
        LogsArgs::Status(sink) => said::status(args, sink).await,
        LogsArgs::Policy(asked) => policy::policy(args, asked),
        LogsArgs::Flags(asked) => policy::flags(args, asked),
    }
}

/// The form for machines that was asked for, else the one for people.
fn shown<T: Serialize>(
    args: &Args,
    model: &T,
    people: impl FnOnce(Screen) -> String,
) -> Result<String, Outcome> {
    for_machines(args.format, model)
        .unwrap_or_else(|| Ok(people(Screen::of_stdout())))
        .map_err(|error| unprintable(&error))
}

/// One that is there: nothing is made for whoever only reads.
fn open_store(asked: &StoreArgs, args: &Args) -> Result<Opened, Outcome> {
    let options = Options {
        endpoint: asked.endpoint.clone(),
        region: asked.region.clone(),
        credentials: Credentials::Environment,
        ca: asked.authority.clone(),
    };
    let mut location = asked.url.clone();
    if !location.starts_with("s3://") {
        let path = Path::new(location.strip_prefix("file://").unwrap_or(&location));
        let there = std::fs::canonicalize(path).ok().filter(|path| path.is_dir());
        location = there.and_then(|path| path.into_os_string().into_string().ok()).ok_or_else(|| {
            let (fr, en) = (
                "un répertoire qui existe, ou s3://SEAU/PRÉFIXE",
                "a directory that exists, or s3://BUCKET/PREFIX",
            );
            Outcome::bad_input(Refusal::new("STORE", &asked.url, fr, en).message(args.lang))
        })?;
    }
    snc_auditlog::open(&location, &options).map_err(|error| wrong(&error, args))
}

/// What was given is wrong, or nobody could tell.
fn wrong(error: &snc_auditlog::Error, args: &Args) -> Outcome {
    let text = error.text().get(args.lang).to_owned();
    match error {
        snc_auditlog::Error::Refused(_) => Outcome::bad_input(text),
        _ => Outcome::undecided(text),
    }
}
