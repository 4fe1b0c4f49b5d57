use super::ports;
use crate::model::reach::explain::{Answer, ExplainReport, Side, Verdict};
use crate::render::Page;
use snc_core::lang::Lang;

pub fn table(report: &ExplainReport, lang: Lang) -> String {
    let mut page = Page::default();
    for (index, answer) in report.answers.iter().enumerate() {
        if index > 0 {
            page.blank();
        }
        said(&mut page, answer, lang);
    }
    if !report.unknown.is_empty() {
        page.blank();
    }
    for kind in &report.unknown {
        page.line(kind);
    }
    page.finish()
}

fn colon(lang: Lang) -> &'static str {
    lang.str(" : ", ": ")
}

fn verdict(lang: Lang, verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Open => lang.str("ouvert", "open"),
        Verdict::Closed => lang.str("fermé", "closed"),
        Verdict::Unknown => lang.str("inconnu", "unknown"),
    }
}

fn said(page: &mut Page, answer: &Answer, lang: Lang) {
    let Answer { from, to, .. } = answer;
    let open =
        if answer.ports.is_empty() { String::new() } else { format!(" ({})", ports(&answer.ports, lang)) };
    page.line(format!("{from} -> {to}{}{}{open}", colon(lang), verdict(lang, answer.verdict)));
    if let Some(because) = answer.because {
        page.line(format!("  {because}"));
    }
    if let Some(egress) = &answer.egress {
        let what = lang.pick(|| format!("sortie de {from}"), || format!("egress of {from}"));
        side(page, &what, egress, lang);
    }
    if let Some(ingress) = &answer.ingress {
        let what = lang.pick(|| format!("entrée de {to}"), || format!("ingress of {to}"));
        side(page, &what, ingress, lang);
    }
    for reason in &answer.unknown {
        page.line(format!("  {}{}{reason}", lang.str("inconnu", "unknown"), colon(lang)));
    }
}

fn side(page: &mut Page, what: &str, side: &Side, lang: Lang) {
    page.line(format!("  {what}{}{}", colon(lang), verdict(lang, side.verdict)));
    if side.host_network {
        page.line(lang.str(
            "    sur le réseau de son nœud, qu'aucune NetworkPolicy n'isole",
            "    on the network of its node, which no NetworkPolicy isolates",
        ));
    } else if side.isolated_by.is_empty() {
        page.line(lang.str("    aucune NetworkPolicy ne l'isole", "    no NetworkPolicy isolates it"));
    } else {
        let by = side.isolated_by.join(", ");
        page.line(lang.pick(|| format!("    isolé par {by}"), || format!("    isolated by {by}")));
        if side.rules.is_empty() {
            page.line(lang.str("    aucune règle n'ouvre", "    no rule opens"));
        }
    }
    for rule in &side.rules {
        let certain = if rule.certain { "" } else { lang.str(", peut-être", ", maybe") };
        page.line(format!(
            "    {} {}{}{} {}{certain}",
            rule.policy,
            rule.rule,
            colon(lang),
            rule.action,
            ports(&rule.ports, lang)
        ));
    }
}
