//! Controls of a cluster's own: everything that is wrong with one, each with its place.

mod expressions;
mod mistake;

use crate::catalogue::{CUSTOM, requirements};
use crate::render::{POD_KINDS, is_on_pods};
use serde_json::Value;
use snc_core::control::{Control, Parameter, Stronger};
use snc_core::text::clip;
use std::collections::BTreeSet;

pub use mistake::Mistake;

/// Bounds: what is written is kept, printed and evaluated on every object.
const LONGEST_TITLE: usize = 200;
const LONGEST_TEXT: usize = 2_000;
const MOST: usize = 20;

/// A control that may be added to the catalogue under that id, or everything that is wrong with it.
pub fn custom(id: &str, control: Control) -> Result<Control, Vec<Mistake>> {
    let control = Control { id: id.to_owned(), ..control };
    let mut wrong = Vec::new();
    identity(&control, &mut wrong);
    texts(&control, &mut wrong);
    of_the_referential(&control.requirements, &mut wrong);
    reads(&control, &mut wrong);
    let mut names = BTreeSet::new();
    for (at, parameter) in control.parameters.iter().enumerate() {
        let field = format!("spec.parameters[{at}]");
        if !names.insert(&parameter.name) {
            wrong.push(Mistake::new(format!("{field}.name"), "deux fois le même nom", "the same name twice"));
        }
        self::parameter(parameter, &field, &mut wrong);
    }
    if control.parameters.len() > MOST {
        wrong.push(too_many("spec.parameters"));
    }
    match &control.rule {
        None => wrong.push(Mistake::new(
            "spec.rule",
            "absente : un contrôle personnalisé est une règle en CEL",
            "absent: a custom control is a rule in CEL",
        )),
        Some(rule) => expressions::judge(&control, rule, &mut wrong),
    }
    if wrong.is_empty() { Ok(control) } else { Err(wrong) }
}

fn too_many(field: &str) -> Mistake {
    Mistake::new(field, format!("{MOST} au plus"), format!("at most {MOST}"))
}

fn identity(control: &Control, wrong: &mut Vec<Mistake>) {
    let name = control.id.strip_prefix(CUSTOM).unwrap_or_default();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || control.id.len() > 63 || !name.chars().all(plain) || name.ends_with('-') {
        wrong.push(Mistake::new(
            "metadata.name",
            format!("commence par {CUSTOM}, puis a-z, 0-9 et -, 63 caractères au plus"),
            format!("begins with {CUSTOM}, then a-z, 0-9 and -, at most 63 characters"),
        ));
    }
}

fn texts(control: &Control, wrong: &mut Vec<Mistake>) {
    let Control { title, boundary, remediation, .. } = control;
    for (field, text, longest) in [
        ("spec.title.fr", &title.fr, LONGEST_TITLE),
        ("spec.title.en", &title.en, LONGEST_TITLE),
        ("spec.boundary.fr", &boundary.fr, LONGEST_TEXT),
        ("spec.boundary.en", &boundary.en, LONGEST_TEXT),
        ("spec.remediation.fr", &remediation.fr, LONGEST_TEXT),
        ("spec.remediation.en", &remediation.en, LONGEST_TEXT),
        ("spec.remediation.snippet", &remediation.snippet, LONGEST_TEXT),
    ] {
        if text.trim().is_empty() {
            wrong.push(Mistake::new(field, "vide", "empty"));
        } else if text.chars().count() > longest {
            let (fr, en) = (format!("{longest} caractères au plus"), format!("at most {longest} characters"));
            wrong.push(Mistake::new(field, fr, en));
        }
    }
    for (field, title) in [("spec.title.fr", &title.fr), ("spec.title.en", &title.en)] {
        if title.contains(char::is_control) {
            wrong.push(Mistake::new(field, "sur une seule ligne", "on one line"));
        }
    }
}

fn of_the_referential(named: &[String], wrong: &mut Vec<Mistake>) {
    if named.is_empty() {
        let (fr, en) =
            ("au moins une exigence du référentiel", "at least one requirement of the referential");
        wrong.push(Mistake::new("spec.requirements", fr, en));
    }
    if named.len() > MOST {
        wrong.push(too_many("spec.requirements"));
    }
    for (at, id) in named.iter().enumerate().take(MOST) {
        if !requirements().any(|requirement| requirement.id == *id) {
            let id = clip(id, 60);
            wrong.push(Mistake::new(
                format!("spec.requirements[{at}]"),
                format!("{id:?} n'est pas une exigence du référentiel (par exemple 9.7.a)"),
                format!("{id:?} is no requirement of the referential (for example 9.7.a)"),
            ));
        }
    }
}

/// `group/Kind`, the core group as `core`.
fn is_kind(kind: &str) -> bool {
    let Some((group, kind)) = kind.split_once('/') else { return false };
    let label = |label: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !label.is_empty() && label.len() <= 63 && label.chars().all(inner)
    };
    let upper = kind.starts_with(|c: char| c.is_ascii_uppercase());
    let plain = kind.len() <= 63 && kind.chars().all(|c| c.is_ascii_alphanumeric());
    group.len() <= 253 && group.split('.').all(label) && upper && plain
}

fn reads(control: &Control, wrong: &mut Vec<Mistake>) {
    if control.reads.is_empty() || control.reads.len() > MOST {
        wrong.push(Mistake::new("spec.reads", format!("de 1 à {MOST}"), format!("1 to {MOST}")));
    }
    let mut seen = BTreeSet::new();
    for (at, kind) in control.reads.iter().enumerate().take(MOST) {
        let field = format!("spec.reads[{at}]");
        if kind != "pods" && !is_kind(kind) {
            wrong.push(Mistake::new(
                field,
                "groupe/Kind, core/Kind pour le groupe sans nom, ou pods",
                "group/Kind, core/Kind for the group without a name, or pods",
            ));
        } else if !seen.insert(kind) {
            wrong.push(Mistake::new(field, "deux fois la même", "the same twice"));
        }
    }
    if is_on_pods(control) && control.reads.len() > 1 {
        let kinds = POD_KINDS.join(", ");
        wrong.push(Mistake::new(
            "spec.reads",
            format!("pods est seul : ce sont {kinds}"),
            format!("pods stands alone: it is {kinds}"),
        ));
    }
    if control.rule.as_ref().is_some_and(|rule| rule.component) && control.reads != ["core/Pod"] {
        wrong.push(Mistake::new(
            "spec.rule.component",
            "seulement pour reads: [core/Pod]",
            "only for reads: [core/Pod]",
        ));
    }
    if !control.judges.is_empty() {
        wrong.push(Mistake::new(
            "spec.judges",
            "une règle juge les objets qu'elle lit",
            "a rule judges the objects that it reads",
        ));
    }
}

fn parameter(of: &Parameter, field: &str, wrong: &mut Vec<Mistake>) {
    let mut chars = of.name.chars();
    let named = chars.next().is_some_and(|c| c.is_ascii_lowercase()) && of.name.len() <= 63;
    if !named || !chars.all(|c| c.is_ascii_alphanumeric()) {
        wrong.push(Mistake::new(
            format!("{field}.name"),
            "une lettre minuscule, puis des lettres et des chiffres",
            "a lower-case letter, then letters and digits",
        ));
    }
    for (lang, text) in [("fr", &of.about.fr), ("en", &of.about.en)] {
        if text.trim().is_empty() || text.chars().count() > LONGEST_TEXT {
            let (fr, en) =
                (format!("de 1 à {LONGEST_TEXT} caractères"), format!("1 to {LONGEST_TEXT} characters"));
            wrong.push(Mistake::new(format!("{field}.about.{lang}"), fr, en));
        }
    }
    let strengthens: &[Stronger] = match &of.default {
        Value::Bool(_) => &[Stronger::True, Stronger::False],
        Value::Number(number) if number.is_i64() => &[Stronger::Lower, Stronger::Higher],
        Value::Array(list) if list.len() <= 500 && list.iter().all(Value::is_string) => {
            &[Stronger::Fewer, Stronger::More]
        }
        _ => {
            wrong.push(Mistake::new(
                format!("{field}.default"),
                "un booléen, un entier ou une liste de textes",
                "a boolean, an integer or a list of texts",
            ));
            return;
        }
    };
    if !strengthens.contains(&of.stronger) {
        let may = strengthens.iter().map(|one| one.as_str()).collect::<Vec<_>>();
        wrong.push(Mistake::new(
            format!("{field}.stronger"),
            format!("{} pour une valeur de ce type", may.join(" ou ")),
            format!("{} for a value of this type", may.join(" or ")),
        ));
    }
    let place = format!("{field}.bounds");
    match (of.bounds, of.default.as_i64()) {
        (Some(bounds), Some(default)) if !(bounds.min..=bounds.max).contains(&default) => {
            wrong.push(Mistake::new(
                format!("{field}.default"),
                format!("entre {} et {}", bounds.min, bounds.max),
                format!("from {} to {}", bounds.min, bounds.max),
            ));
        }
        (None, Some(_)) => wrong.push(Mistake::new(place, "un entier a des bornes", "an integer has bounds")),
        (Some(_), None) => {
            wrong.push(Mistake::new(place, "seul un entier a des bornes", "only an integer has bounds"));
        }
        _ => {}
    }
}
