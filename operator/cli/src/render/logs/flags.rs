use super::markdown_table;
use crate::model::logs::flags::{FlagsReport, OfDistribution};
use crate::render::markdown::escape;
use crate::render::table::columns;
use crate::render::{Page, Screen};
use snc_core::lang::Lang;

const fn heads(lang: Lang) -> [&'static str; 2] {
    match lang {
        Lang::Fr => ["OPTION", "POURQUOI"],
        Lang::En => ["FLAG", "WHY"],
    }
}

fn rows(of: &OfDistribution, lang: Lang) -> Vec<Vec<String>> {
    of.flags
        .iter()
        .map(|flag| vec![format!("--{}={}", flag.name, flag.value), flag.why.get(lang).to_owned()])
        .collect()
}

const fn possible(of: &OfDistribution, lang: Lang) -> &'static str {
    if of.possible {
        lang.str(
            "La politique et les sorties s'y règlent par les options du serveur d'API.",
            "The policy and the outputs are set there by flags of the API server.",
        )
    } else {
        lang.str(
            "La politique et les sorties ne s'y règlent pas librement ; ce qui suit dit ce qui reste.",
            "The policy and the outputs cannot be set freely there; what follows says what remains.",
        )
    }
}

pub fn table(report: &FlagsReport, lang: Lang, screen: Screen) -> String {
    let mut page = Page { colors: screen.colors, ..Page::default() };
    for (at, of) in report.distributions.iter().enumerate() {
        if at > 0 {
            page.blank();
        }
        page.line(format!("{}{}{}", of.distribution, lang.str(" : ", ": "), possible(of, lang)));
        if !of.flags.is_empty() {
            page.blank();
            page.block(&columns(&heads(lang), &rows(of, lang), screen.width));
        }
        for file in &of.files {
            page.blank();
            page.line(format!("{}{}{}", file.path, lang.str(" : ", ": "), file.what.get(lang)));
            page.blank();
            for line in file.text.lines() {
                page.line(format!("    {line}").trim_end());
            }
        }
        if !of.notes.is_empty() {
            page.blank();
        }
        for note in &of.notes {
            page.line(format!("- {}", note.get(lang)));
        }
    }
    page.finish()
}

pub fn markdown(report: &FlagsReport, lang: Lang) -> String {
    let mut page = Page::default();
    page.line(lang.str("# Options du serveur d'API pour l'audit", "# Flags of the API server for auditing"));
    for of in &report.distributions {
        page.blank();
        page.line(format!("## {}", of.distribution));
        page.blank();
        page.line(escape(possible(of, lang)));
        if !of.flags.is_empty() {
            page.blank();
            page.block(&markdown_table(&heads(lang), &rows(of, lang)));
        }
        for file in &of.files {
            page.blank();
            page.line(format!("`{}`{}{}", file.path, lang.str(" : ", ": "), escape(file.what.get(lang))));
            page.blank();
            page.line("```");
            for line in file.text.lines() {
                page.line(line);
            }
            page.line("```");
        }
        if !of.notes.is_empty() {
            page.blank();
        }
        for note in &of.notes {
            page.line(format!("- {}", escape(note.get(lang))));
        }
    }
    page.finish()
}
