//! One file per command: read, build the model, show it.

mod flows;
mod plan;
mod status;

use crate::args::{Args, Command, Format};
use crate::cluster::{self, Trouble};
use crate::outcome::{Answer, Outcome};
use crate::render::{json, yaml};
use serde::Serialize;
use snc_core::lang::Lang;

pub async fn run(args: &Args) -> Result<Answer, Outcome> {
    let cluster = cluster::connect(args).await?;
    match args.command {
        Command::Status => status::run(args, &cluster).await,
        Command::Plan => Box::pin(plan::run(args, &cluster)).await,
        Command::Flows => Box::pin(flows::run(args, &cluster)).await,
    }
}

/// The forms for machines; `None` when a person asked.
fn for_machines<T: Serialize>(format: Format, model: &T) -> Option<anyhow::Result<String>> {
    match format {
        Format::Json => Some(json::json(model)),
        Format::Yaml => Some(yaml::yaml(model)),
        Format::Table | Format::Diff | Format::Markdown => None,
    }
}

fn unprintable(error: &anyhow::Error) -> Outcome {
    Outcome::undecided(format!("{error:#}"))
}

fn undecided(troubles: &[Trouble], lang: Lang) -> Outcome {
    Outcome {
        undecided: true,
        reasons: troubles.iter().map(|t| t.message(lang)).collect(),
        ..Outcome::default()
    }
}
