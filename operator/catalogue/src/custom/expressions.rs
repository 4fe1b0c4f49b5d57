//! The expressions of a rule, each where its author wrote it.

use super::Mistake;
use crate::render::{Part, is_on_pods, parts};
use crate::rule::{Compiled, names};
use snc_cel::{CompileError, Env, Program};
use snc_core::control::{Control, Rule};
use snc_core::text::Text;

const LONGEST: usize = 4_000;
const LONGEST_MESSAGE: usize = 1_000;

struct Judged<'a> {
    /// Without `self`, and with it where there is an `each`.
    alone: Env,
    inner: Env,
    on_pods: bool,
    each: Option<&'a str>,
    wrong: &'a mut Vec<Mistake>,
}

/// Adds what is wrong with the rule. Each expression is first compiled by itself, so that none can close what stands
/// around it, then where it will stand.
pub(super) fn judge(control: &Control, rule: &Rule, wrong: &mut Vec<Mistake>) {
    let before = wrong.len();
    let on_pods = is_on_pods(control);
    let each = match rule.each.as_deref() {
        Some("containers") if on_pods => Some("variables.allContainers"),
        other => other,
    };
    let alone = names(on_pods, false);
    let inner = if each.is_some() { names(on_pods, true) } else { alone.clone() };
    let mut judged = Judged { alone, inner, on_pods, each, wrong };
    let is_written = !(on_pods && rule.each.as_deref() == Some("containers"));
    if let Some(list) = each.filter(|_| is_written) {
        judged.whole("each", list, false, |env, source| surrounded(env, "(", source, ").all(self, true)"));
    }
    if let Some(applies) = &rule.applies {
        judged.whole("applies", applies, false, |env, source| env.compile_bool(source).map(drop));
    }
    if judged.wrong.len() > before {
        // What follows would be told of a list that is not one.
        return;
    }
    let list = each.map(|each| format!("({each})"));
    judged.whole("expect", &rule.expect, true, |env, source| match &list {
        None => env.compile_bool(source).map(drop),
        Some(list) => surrounded(env, &format!("{list}.all(self, "), source, ")"),
    });
    if let Some(value) = &rule.value {
        judged.whole("value", value, true, |env, source| in_text(env, list.as_deref(), source));
    }
    judged.template("path", &rule.path, true, list.as_deref());
    for (field, text) in [("message.fr", &rule.message.fr), ("message.en", &rule.message.en)] {
        judged.template(field, text, false, None);
        if text.trim().is_empty() || text.chars().count() > LONGEST_MESSAGE || text.contains(['\n', '\r']) {
            let (fr, en) = (
                format!("une ligne de 1 à {LONGEST_MESSAGE} caractères"),
                format!("one line of 1 to {LONGEST_MESSAGE} characters"),
            );
            judged.wrong.push(Mistake::new(format!("spec.rule.{field}"), fr, en));
        }
    }
    if wrong.len() == before
        && let Err(why) = Compiled::new(control, rule).and_then(|rule| rule.complete())
    {
        wrong.push(Mistake {
            field: "spec.rule".to_owned(),
            line: 0,
            column: 0,
            message: Text::new(
                format!("les expressions ne vont pas ensemble : {why}"),
                format!("the expressions do not go together: {why}"),
            ),
        });
    }
}

/// Text is joined to it.
fn in_text(env: &Env, list: Option<&str>, source: &str) -> Result<(), CompileError> {
    match list {
        None => surrounded(env, "'' + (", source, ")"),
        Some(list) => surrounded(env, &format!("{list}.map(self, '' + ("), source, "))"),
    }
}

/// With its place in the source, not in what stands around it.
fn surrounded(env: &Env, before: &str, source: &str, after: &str) -> Result<(), CompileError> {
    let whole = format!("{before}{source}{after}");
    env.compile(&whole).map(drop).map_err(|error| {
        let at = offset(&whole, error.line, error.column).saturating_sub(before.chars().count());
        let (line, column) = place(source, at.min(source.chars().count()));
        CompileError { line, column, message: error.message }
    })
}

/// In characters, of a line and a column from one.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let lines = text.split('\n').take(line.saturating_sub(1));
    lines.map(|line| line.chars().count() + 1).sum::<usize>() + column.saturating_sub(1)
}

fn place(text: &str, at: usize) -> (usize, usize) {
    let before: Vec<char> = text.chars().take(at).collect();
    let line = before.iter().filter(|c| **c == '\n').count() + 1;
    (line, before.iter().rev().take_while(|c| **c != '\n').count() + 1)
}

impl Judged<'_> {
    fn whole(
        &mut self,
        field: &str,
        source: &str,
        with_self: bool,
        placed: impl Fn(&Env, &str) -> Result<(), CompileError>,
    ) {
        self.expression(field, source, (source, 0), with_self, placed);
    }

    /// An expression that begins somewhere in a field.
    fn expression(
        &mut self,
        field: &str,
        source: &str,
        (whole, at): (&str, usize),
        with_self: bool,
        placed: impl Fn(&Env, &str) -> Result<(), CompileError>,
    ) {
        let field = format!("spec.rule.{field}");
        if source.chars().count() > LONGEST {
            let (fr, en) = (format!("{LONGEST} caractères au plus"), format!("at most {LONGEST} characters"));
            self.wrong.push(Mistake::new(field, fr, en));
            return;
        }
        if self.on_pods && source.contains("nodeName") {
            self.wrong.push(Mistake::new(
                field,
                "le nœud n'est pas celui du modèle : une règle sur les pods ne lit pas nodeName",
                "the node is not the template's: a rule on pods does not read nodeName",
            ));
            return;
        }
        let env = if with_self { &self.inner } else { &self.alone };
        let of_place = if with_self && self.each.is_some() { &self.alone } else { env };
        if let Err(error) = env.compile(source).map(|_: Program| ()).and_then(|()| placed(of_place, source)) {
            let start = whole.get(..at).unwrap_or_default().chars().count();
            let (line, column) = place(whole, start + offset(source, error.line, error.column));
            let hint = |text: &str| if self.on_pods { format!(" ; {text}") } else { String::new() };
            let (fr, en) =
                ("sur les pods : variables.podSpec, pas object", "on pods: variables.podSpec, not object");
            let of_object = error.message.contains("'object'");
            self.wrong.push(Mistake {
                field,
                line: u32::try_from(line).unwrap_or(u32::MAX),
                column: u32::try_from(column).unwrap_or(u32::MAX),
                message: Text::new(
                    format!(
                        "ne compile pas : {}{}",
                        error.message,
                        if of_object { hint(fr) } else { String::new() }
                    ),
                    format!(
                        "does not compile: {}{}",
                        error.message,
                        if of_object { hint(en) } else { String::new() }
                    ),
                ),
            });
        }
    }

    fn template(&mut self, field: &str, text: &str, with_self: bool, list: Option<&str>) {
        let parts = match parts(text) {
            Ok(parts) => parts,
            Err(open) => {
                let (line, column) = place(text, text.get(..open).unwrap_or_default().chars().count());
                self.wrong.push(Mistake {
                    field: format!("spec.rule.{field}"),
                    line: u32::try_from(line).unwrap_or(u32::MAX),
                    column: u32::try_from(column).unwrap_or(u32::MAX),
                    message: Text::new("accolade jamais fermée", "a brace that nothing closes"),
                });
                return;
            }
        };
        for part in parts {
            if let Part::Expression(at, source) = part
                && (with_self || source != "found")
            {
                self.expression(field, source, (text, at), with_self, |env, source| {
                    in_text(env, list, source)
                });
            }
        }
    }
}
