//! `alarms`: what the audit log raised, and who answers for it.

use super::logs::parameters;
use super::{for_machines, unprintable};
use crate::args::logs::place::SinkArgs;
use crate::args::logs::{AlarmsArgs, Which, Whose};
use crate::args::{Args, Format};
use crate::model::alarms::{AlarmLine, AlarmsReport};
use crate::outcome::{Answer, Outcome};
use crate::render::{Screen, alarms as render};
use crate::sink::{self, Failure, encoded, wire};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

pub async fn run(args: &Args, asked: &AlarmsArgs) -> Result<Answer, Outcome> {
    match asked {
        AlarmsArgs::List { which, whose, sink } => list(args, *which, whose, sink).await,
        AlarmsArgs::Acknowledge { id, decision, sink } => acknowledge(args, id, decision, sink).await,
    }
}

async fn list(args: &Args, which: Which, whose: &Whose, asked: &SinkArgs) -> Result<Answer, Outcome> {
    let lang = args.lang;
    let state = match which {
        Which::Open => Some("open"),
        Which::Overdue => Some("overdue"),
        Which::All => None,
    };
    let mut parameters = parameters(whose);
    parameters.extend(state.map(|state| ("state", state.to_owned())));
    let body = sink::open(args, asked).await?.get("/v1/alarms", &parameters).await;
    let now = Timestamp::now();
    let lines = body.and_then(|body| wire::items(&body)?.into_iter().map(|said| line(said, now)).collect());
    let report = AlarmsReport::new(lines.map_err(|failure| failure.outcome(lang))?);
    let text = match args.format {
        Format::Markdown => render::markdown(&report, lang),
        Format::Csv => render::csv(&report),
        format => for_machines(format, &report)
            .unwrap_or_else(|| Ok(render::table(&report, lang, Screen::of_stdout())))
            .map_err(|error| unprintable(&error))?,
    };
    let mut outcome = Outcome { findings: report.overdue > 0, ..Outcome::default() };
    if outcome.findings {
        let overdue = report.overdue;
        outcome.reasons.push(lang.pick(
            || format!("{overdue} alarme(s) non acquittée(s) à temps"),
            || format!("{overdue} alarm(s) not acknowledged in time"),
        ));
    }
    Ok(Answer { text, outcome })
}

async fn acknowledge(args: &Args, id: &str, decision: &str, asked: &SinkArgs) -> Result<Answer, Outcome> {
    let lang = args.lang;
    let path = format!("/v1/alarms/{}/acknowledge", encoded(id));
    let body = json!({"decision": decision}).to_string().into_bytes();
    let answer = sink::open(args, asked).await?.post(&path, body).await;
    let (body, before) = match answer {
        Ok(body) => (body, false),
        // Somebody was first, and what they decided stays.
        Err(Failure::Status { code: StatusCode::CONFLICT, problem: None, body }) => (body, true),
        Err(failure) => return Err(failure.outcome(lang)),
    };
    let line = wire::json(&body).and_then(wire::read).and_then(|said| line(said, Timestamp::now()));
    let line = line.map_err(|failure| failure.outcome(lang))?;
    let text = for_machines(args.format, &line)
        .unwrap_or_else(|| Ok(render::acknowledged(&line, lang)))
        .map_err(|error| unprintable(&error))?;
    let outcome = if before {
        Outcome::bad_input(lang.str(
            "elle était déjà acquittée ; la première décision reste",
            "it was acknowledged already; the first decision stays",
        ))
    } else {
        Outcome::default()
    };
    Ok(Answer { text, outcome })
}

fn line(said: Map<String, Value>, now: Timestamp) -> Result<AlarmLine, Failure> {
    AlarmLine::new(said, now).map_err(|error| Failure::Malformed(error.to_string()))
}
