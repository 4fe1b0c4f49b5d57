//! One file per command: read, build the model, show it.

mod alarms;
mod assessment;
mod audit;
mod catalogue;
mod exceptions;
mod flows;
mod image;
mod lockout;
mod logs;
mod plan;
mod preflight;
mod reach;
mod scan;
mod status;
mod who;

#[cfg(test)]
pub use {
    assessment::{outcome as assessment_outcome, shown as assessment_shown},
    exceptions::outcome as exceptions_outcome,
    flows::outcome as flows_outcome,
    lockout::outcome as lockout_outcome,
    logs::{status_outcome as logs_status_outcome, verify_outcome as logs_verify_outcome},
    plan::outcome as plan_outcome,
    preflight::outcome as preflight_outcome,
    status::outcome as status_outcome,
    who::outcome as who_outcome,
};

use crate::args::{Args, Command, Format};
use crate::cluster::{Trouble, connect};
use crate::model::Selection;
use crate::outcome::{Answer, Outcome};
use crate::render::{json, yaml};
use serde::Serialize;

pub async fn run(args: &Args) -> Result<Answer, Outcome> {
    match &args.command {
        Command::Status => status::run(args, &connect(args).await?).await,
        Command::Assessment(asked) => assessment::run(args, asked, &connect(args).await?).await,
        Command::Plan => Box::pin(plan::run(args, &connect(args).await?)).await,
        Command::Flows => Box::pin(flows::run(args, &connect(args).await?)).await,
        Command::Reach(asked) => Box::pin(reach::run(args, asked)).await,
        Command::Scan(asked) => scan::run(args, asked),
        Command::Audit(asked) => Box::pin(audit::run(args, asked, &connect(args).await?)).await,
        Command::Exceptions => exceptions::run(args, &connect(args).await?).await,
        Command::Who(expected) => who::run(args, expected, &connect(args).await?).await,
        Command::Controls => catalogue::controls(args),
        Command::Requirements => catalogue::requirements(args),
        Command::Explain(id) => catalogue::explained(args, id),
        Command::Alarms(asked) => Box::pin(alarms::run(args, asked)).await,
        Command::Logs(asked) => Box::pin(logs::run(args, asked)).await,
        Command::Image(asked) => Box::pin(image::run(args, asked)).await,
        Command::Lockout => Box::pin(lockout::run(args, &connect(args).await?)).await,
        Command::Preflight => Box::pin(preflight::run(args, &connect(args).await?)).await,
    }
}

/// The forms for machines; `None` when a person asked.
fn for_machines<T: Serialize>(format: Format, model: &T) -> Option<anyhow::Result<String>> {
    match format {
        Format::Json => Some(json::json(model)),
        Format::Yaml => Some(yaml::yaml(model)),
        _ => None,
    }
}

fn unprintable(error: &anyhow::Error) -> Outcome {
    Outcome::undecided(format!("{error:#}"))
}

fn undecided(troubles: &[Trouble], args: &Args) -> Outcome {
    Outcome { undecided: true, reasons: told(troubles, args), ..Outcome::default() }
}

/// What could not be read; refusals together, since one missing right rarely comes alone.
fn told(troubles: &[Trouble], args: &Args) -> Vec<String> {
    let lang = args.lang;
    let (refused, failed): (Vec<_>, Vec<_>) = troubles.iter().partition(|t| t.is_refusal());
    let mut reasons: Vec<String> = failed.iter().map(|t| t.message(lang)).collect();
    reasons.dedup();
    if let Some(first) = refused.first() {
        let mut all: Vec<&str> = refused.iter().map(|t| t.what.as_str()).collect();
        all.sort_unstable();
        all.dedup();
        reasons.push(Trouble { what: all.join(", "), ..(*first).clone() }.message(lang));
        if !matches!(args.selection, Selection::Namespace(_)) && args.command != Command::Plan {
            let hint = lang.str(
                "sans les droits de la plateforme, nommez un de vos namespaces avec -n",
                "without the platform's rights, name one of your namespaces with -n",
            );
            reasons.push(hint.to_owned());
        }
    }
    reasons
}
