use super::markdown_table;
use crate::model::logs::policy::{PolicyCheck, PolicyDiff};
use crate::render::markdown::escape;
use crate::render::table::columns;
use crate::render::{Page, Screen};
use snc_core::lang::Lang;
use snc_core::text::Text;

pub fn check(report: &PolicyCheck, lang: Lang, screen: Screen) -> String {
    let mut page = Page { colors: screen.colors, ..Page::default() };
    if !report.missing.is_empty() {
        let heads = match lang {
            Lang::Fr => ["ÉVÉNEMENT", "RÈGLE", "POURQUOI"],
            Lang::En => ["EVENT", "RULE", "WHY"],
        };
        page.block(&columns(&heads, &missing(report, lang), screen.width));
        page.blank();
    }
    ignored(&mut page, &report.ignored, lang);
    page.line(verdict(report, lang));
    page.finish()
}

pub fn check_markdown(report: &PolicyCheck, lang: Lang) -> String {
    let mut page = Page::default();
    page.line(lang.str("# Politique d'audit", "# Audit policy"));
    page.blank();
    page.line(escape(&verdict(report, lang)));
    if !report.missing.is_empty() {
        page.blank();
        let heads = match lang {
            Lang::Fr => ["Événement", "Règle", "Pourquoi"],
            Lang::En => ["Event", "Rule", "Why"],
        };
        page.block(&markdown_table(&heads, &missing(report, lang)));
    }
    notes(&mut page, &report.ignored, lang);
    page.finish()
}

fn missing(report: &PolicyCheck, lang: Lang) -> Vec<Vec<String>> {
    let rows = report.missing.iter().map(|line| {
        vec![
            line.event.to_owned(),
            line.rule.map_or_else(|| "-".to_owned(), |at| format!("rules[{at}]")),
            line.message.get(lang).to_owned(),
        ]
    });
    rows.collect()
}

fn verdict(report: &PolicyCheck, lang: Lang) -> String {
    let (file, rules, missing) = (&report.file, report.rules, report.missing.len());
    if report.complete {
        return lang.pick(
            || format!("{file} : {rules} règle(s), aucun événement obligatoire n'y manque."),
            || format!("{file}: {rules} rule(s), no mandatory event is missing."),
        );
    }
    lang.pick(
        || format!("{file} : {rules} règle(s), {missing} manque(s)."),
        || format!("{file}: {rules} rule(s), {missing} lack(s)."),
    )
}

pub fn diff(report: &PolicyDiff, lang: Lang, screen: Screen) -> String {
    let mut page = Page { colors: screen.colors, ..Page::default() };
    for line in &report.differences {
        let (mark, color) = if line.weaker { ("-", "\u{1b}[31m") } else { ("~", "") };
        page.colored(color, format!("{mark} {}", line.message.get(lang)));
    }
    if !report.differences.is_empty() {
        page.blank();
    }
    ignored(&mut page, &report.ignored, lang);
    page.line(compared(report, lang));
    page.finish()
}

pub fn diff_markdown(report: &PolicyDiff, lang: Lang) -> String {
    let mut page = Page::default();
    page.line(lang.str("# Politique d'audit", "# Audit policy"));
    page.blank();
    page.line(escape(&compared(report, lang)));
    if !report.differences.is_empty() {
        page.blank();
    }
    for line in &report.differences {
        let mark = if line.weaker { lang.str("**moins** : ", "**less**: ") } else { "" };
        page.line(format!("- {mark}{}", escape(line.message.get(lang))));
    }
    notes(&mut page, &report.ignored, lang);
    page.finish()
}

fn compared(report: &PolicyDiff, lang: Lang) -> String {
    let (file, count, weaker) = (&report.file, report.differences.len(), report.weaker);
    if report.same {
        return lang.pick(|| format!("{file} : la même politique."), || format!("{file}: the same policy."));
    }
    lang.pick(
        || format!("{file} : {count} différence(s), dont {weaker} où moins est écrit que demandé."),
        || {
            format!(
                "{file}: {count} difference(s), {weaker} of them where less is written than is asked for."
            )
        },
    )
}

fn ignored(page: &mut Page, ignored: &[Text], lang: Lang) {
    for text in ignored {
        page.line(format!("{}{}", passed_over(lang), text.get(lang)));
    }
    if !ignored.is_empty() {
        page.blank();
    }
}

fn notes(page: &mut Page, ignored: &[Text], lang: Lang) {
    if !ignored.is_empty() {
        page.blank();
    }
    for text in ignored {
        page.line(format!("- {}{}", passed_over(lang), escape(text.get(lang))));
    }
}

const fn passed_over(lang: Lang) -> &'static str {
    lang.str("le serveur d'API passe outre : ", "the API server passes over: ")
}
