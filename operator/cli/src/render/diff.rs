//! The plan as unified diffs between lines that say what they are for.

use super::{Page, Screen};
use crate::model::plan::{LabelChange, NamespaceChanges, PlanReport, Step};
use crate::words;
use serde_json::Value;
use similar::TextDiff;
use snc_core::lang::Lang;
use snc_core::names::{RECORD, RECORD_KEY};

const TITLE: &str = "\u{1b}[1m";
const OLD: &str = "\u{1b}[31m";
const NEW: &str = "\u{1b}[32m";
const HUNK: &str = "\u{1b}[36m";
const PLAIN: &str = "";

pub fn plan(report: &PlanReport, lang: Lang, screen: Screen) -> anyhow::Result<String> {
    let mut page = Page { colors: screen.colors, ..Page::default() };
    if report.namespaces.is_empty() {
        page.line(
            lang.str("Aucun namespace gouverné : rien à changer.", "No governed namespace: no change."),
        );
    }
    for (i, namespace) in report.namespaces.iter().enumerate() {
        if i > 0 {
            page.blank();
        }
        self::namespace(&mut page, namespace, lang)?;
    }
    Ok(page.finish())
}

fn namespace(page: &mut Page, changes: &NamespaceChanges, lang: Lang) -> anyhow::Result<()> {
    let tenant = changes.tenant.as_ref().map(|t| format!(", tenant {t}")).unwrap_or_default();
    let situation = words::situation(lang, changes.situation);
    let name = &changes.namespace;
    page.colored(
        TITLE,
        lang.pick(
            || format!("# namespace {name}{tenant} : {situation}"),
            || format!("# namespace {name}{tenant}: {situation}"),
        ),
    );
    for note in &changes.notes {
        page.line(format!("# ! {note}"));
    }
    if changes.steps.is_empty() {
        page.line(lang.str("aucun changement", "no change"));
    }
    let total = changes.steps.len();
    for (i, step) in changes.steps.iter().enumerate() {
        let number = format!("{}/{total}", i + 1);
        self::step(page, step, name, &number, lang)?;
    }
    Ok(())
}

fn step(page: &mut Page, step: &Step, namespace: &str, number: &str, lang: Lang) -> anyhow::Result<()> {
    match step {
        Step::CreateNamespace { labels } => {
            let what = lang.str("créer le namespace, avec son label", "create the namespace, with its label");
            page.colored(TITLE, format!("# {number} {what}"));
            self::labels(page, labels, lang);
        }
        Step::SetLabels { labels, after_read_back } => {
            let what = if *after_read_back {
                lang.str(
                    "labels du namespace, une fois les NetworkPolicy relues",
                    "labels of the namespace, once the NetworkPolicies were read back",
                )
            } else {
                lang.str("labels du namespace", "labels of the namespace")
            };
            page.colored(TITLE, format!("# {number} {what}"));
            self::labels(page, labels, lang);
        }
        Step::Apply { kind, name, live, desired } => {
            let what = match live {
                None => lang.str("créer", "create"),
                Some(_) => lang.str("modifier", "change"),
            };
            page.colored(TITLE, format!("# {number} {what} {kind}/{name}"));
            object(page, &format!("{kind}/{namespace}/{name}"), live.as_ref(), Some(desired), lang)?;
        }
        Step::Delete { kind, name, live } => {
            page.colored(TITLE, format!("# {number} {} {kind}/{name}", lang.str("supprimer", "delete")));
            object(page, &format!("{kind}/{namespace}/{name}"), live.as_ref(), None, lang)?;
        }
    }
    Ok(())
}

fn labels(page: &mut Page, changes: &[LabelChange], lang: Lang) {
    let absent = lang.str("(absent)", "(absent)");
    for LabelChange { key, old, new } in changes {
        let (old, new) = (old.as_deref().unwrap_or(absent), new.as_deref().unwrap_or(absent));
        page.line(format!("~ {key}: {old} → {new}"));
    }
}

fn object(
    page: &mut Page,
    path: &str,
    live: Option<&Value>,
    desired: Option<&Value>,
    lang: Lang,
) -> anyhow::Result<()> {
    let (old, new) = (text(live)?, text(desired)?);
    let nothing = "/dev/null".to_owned();
    let (live_word, wanted) = (lang.str("actuel", "live"), lang.str("voulu", "desired"));
    let from = if live.is_some() { format!("{path} ({live_word})") } else { nothing.clone() };
    let to = if desired.is_some() { format!("{path} ({wanted})") } else { nothing };
    let diff = TextDiff::from_lines(&old, &new);
    let unified = diff.unified_diff().context_radius(3).header(&from, &to).to_string();
    for (i, line) in unified.lines().enumerate() {
        let color = match line.chars().next() {
            _ if i < 2 => TITLE,
            Some('-') => OLD,
            Some('+') => NEW,
            Some('@') => HUNK,
            _ => PLAIN,
        };
        page.colored(color, line);
    }
    Ok(())
}

fn text(object: Option<&Value>) -> anyhow::Result<String> {
    let Some(object) = object else { return Ok(String::new()) };
    super::yaml::yaml(&readable(object))
}

/// The record keeps JSON in one line of text; its changes are read as what it means.
fn readable(object: &Value) -> Value {
    let mut object = object.clone();
    if object.pointer("/metadata/name").and_then(Value::as_str) == Some(RECORD)
        && let Some(data) = object.get_mut("data").and_then(Value::as_object_mut)
        && let Some(text) = data.get(RECORD_KEY).and_then(Value::as_str)
        && let Ok(meaning) = serde_json::from_str::<Value>(text)
    {
        data.insert(RECORD_KEY.to_owned(), meaning);
    }
    object
}
