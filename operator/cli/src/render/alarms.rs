use super::logs::{csv_line, markdown_table, or_none, time};
use super::markdown::escape;
use super::table::columns;
use super::{Page, Screen};
use crate::model::alarms::{AlarmLine, AlarmsReport};
use snc_audit::Severity;
use snc_audit::alarms::State;
use snc_core::lang::Lang;
use snc_core::text::clip;
use std::collections::BTreeMap;

/// Of a cell that others wrote.
const CELL: usize = 160;

const HEADS: [&str; 14] = [
    "id",
    "rule",
    "severity",
    "state",
    "answerBy",
    "user",
    "actingAs",
    "partition",
    "namespace",
    "count",
    "first",
    "last",
    "acknowledgedBy",
    "decision",
];

pub fn table(report: &AlarmsReport, lang: Lang, screen: Screen) -> String {
    let mut page = Page { colors: screen.colors, ..Page::default() };
    if report.alarms.is_empty() {
        page.line(none(lang));
        return page.finish();
    }
    page.block(&columns(&heads(lang), &rows(report, lang), screen.width));
    page.blank();
    for (rule, remedy) in remedies(report, lang) {
        page.line(format!("{rule}{}{remedy}", lang.str(" : ", ": ")));
    }
    page.line(summary(report, lang));
    page.finish()
}

/// What to do, once for each rule that somebody has to answer for.
fn remedies(report: &AlarmsReport, lang: Lang) -> BTreeMap<&str, &str> {
    let open = report.alarms.iter().filter(|line| line.alarm.is_open());
    open.filter_map(|line| Some((line.alarm.rule.as_str(), line.remedy.as_ref()?.get(lang)))).collect()
}

pub fn markdown(report: &AlarmsReport, lang: Lang) -> String {
    let mut page = Page::default();
    page.line(lang.str("# Alarmes du journal d'audit", "# Alarms of the audit log"));
    page.blank();
    if report.alarms.is_empty() {
        page.line(none(lang));
    } else {
        page.line(summary(report, lang));
        page.blank();
        page.block(&markdown_table(&heads(lang), &rows(report, lang)));
        let remedies = remedies(report, lang);
        if !remedies.is_empty() {
            page.blank();
        }
        for (rule, remedy) in remedies {
            page.line(format!("- {}{}{}", escape(rule), lang.str(" : ", ": "), escape(remedy)));
        }
    }
    page.finish()
}

pub fn csv(report: &AlarmsReport) -> String {
    let mut text = csv_line(HEADS);
    for line in &report.alarms {
        let alarm = &line.alarm;
        let (by, decision) = match &alarm.state {
            State::Open => ("", ""),
            State::Acknowledged { by, decision, .. } => (by.as_str(), decision.as_str()),
        };
        let state = match (alarm.is_open(), line.overdue) {
            (_, true) => "overdue",
            (true, false) => "open",
            (false, false) => "acknowledged",
        };
        text.push_str(&csv_line([
            &alarm.id.to_string(),
            &alarm.rule,
            alarm.severity.as_str(),
            state,
            &line.answer_by.to_string(),
            &alarm.user,
            alarm.acting_as.as_deref().unwrap_or_default(),
            &alarm.partition.to_string(),
            alarm.namespace.as_deref().unwrap_or_default(),
            &alarm.count.to_string(),
            &alarm.first.to_string(),
            &alarm.last.to_string(),
            by,
            decision,
        ]));
    }
    text
}

/// What became of one.
pub fn acknowledged(line: &AlarmLine, lang: Lang) -> String {
    let id = line.alarm.id;
    let state = state(line, lang);
    let mut page = Page::default();
    page.line(lang.pick(|| format!("alarme {id} : {state}"), || format!("alarm {id}: {state}")));
    if let State::Acknowledged { decision, .. } = &line.alarm.state {
        page.line(decision);
    }
    page.finish()
}

const fn none(lang: Lang) -> &'static str {
    lang.str("Aucune alarme.", "No alarm.")
}

fn summary(report: &AlarmsReport, lang: Lang) -> String {
    let (all, open, overdue) = (report.alarms.len(), report.open, report.overdue);
    lang.pick(
        || format!("{all} alarme(s), {open} ouverte(s), dont {overdue} en retard."),
        || format!("{all} alarm(s), {open} open, {overdue} of them overdue."),
    )
}

const fn heads(lang: Lang) -> [&'static str; 6] {
    match lang {
        Lang::Fr => ["ALARME", "GRAVITÉ", "ÉTAT", "RÈGLE", "DERNIÈRE (UTC)", "QUOI"],
        Lang::En => ["ALARM", "SEVERITY", "STATE", "RULE", "LAST (UTC)", "WHAT"],
    }
}

fn rows(report: &AlarmsReport, lang: Lang) -> Vec<Vec<String>> {
    let row = |line: &AlarmLine| {
        vec![
            line.alarm.id.to_string(),
            severity(line.alarm.severity, lang).to_owned(),
            state(line, lang),
            line.alarm.rule.clone(),
            time(Some(line.alarm.last)),
            clip(&or_none(line.message.get(lang)), CELL),
        ]
    };
    report.alarms.iter().map(row).collect()
}

fn state(line: &AlarmLine, lang: Lang) -> String {
    let by = time(Some(line.answer_by));
    match &line.alarm.state {
        State::Open if line.overdue => {
            lang.pick(|| format!("en retard depuis le {by}"), || format!("overdue since {by}"))
        }
        State::Open => {
            lang.pick(|| format!("à acquitter avant le {by}"), || format!("to be answered by {by}"))
        }
        State::Acknowledged { by, at, .. } => {
            let at = time(Some(*at));
            lang.pick(|| format!("acquittée par {by} le {at}"), || format!("acknowledged by {by}, {at}"))
        }
    }
}

const fn severity(severity: Severity, lang: Lang) -> &'static str {
    match severity {
        Severity::Critical => lang.str("critique", "critical"),
        Severity::High => lang.str("haute", "high"),
        Severity::Medium => lang.str("moyenne", "medium"),
    }
}
