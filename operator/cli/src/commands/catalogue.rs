//! `controls`, `requirements` and `explain`: what the catalogue holds.

use super::{for_machines, unprintable};
use crate::args::{Args, Format};
use crate::model::catalogue::{control_rows, explain, requirement_rows};
use crate::outcome::{Answer, Outcome};
use crate::render::{Screen, catalogue as render};

pub fn controls(args: &Args) -> Result<Answer, Outcome> {
    let rows = control_rows();
    if args.format == Format::Markdown {
        return Ok(Answer::text(render::markdown::controls(&rows, args.lang)));
    }
    let text = for_machines(args.format, &rows)
        .unwrap_or_else(|| Ok(render::controls(&rows, Screen::of_stdout(), args.lang)));
    text.map(Answer::text).map_err(|error| unprintable(&error))
}

pub fn requirements(args: &Args) -> Result<Answer, Outcome> {
    let rows = requirement_rows();
    let text = for_machines(args.format, &rows)
        .unwrap_or_else(|| Ok(render::requirements(&rows, Screen::of_stdout(), args.lang)));
    text.map(Answer::text).map_err(|error| unprintable(&error))
}

pub fn explained(args: &Args, id: &str) -> Result<Answer, Outcome> {
    let found = explain(id, args.lang).map_err(Outcome::bad_input)?;
    let text = for_machines(args.format, &found)
        .unwrap_or_else(|| Ok(render::explain(&found, Screen::of_stdout(), args.lang)));
    text.map(Answer::text).map_err(|error| unprintable(&error))
}
