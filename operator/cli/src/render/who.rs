use super::table::columns;
use super::{Page, Screen};
use crate::model::who::{Holder, WhoReport};
use snc_core::lang::Lang;
use std::collections::BTreeMap;

pub fn table(report: &WhoReport, lang: Lang, screen: Screen) -> String {
    let heads = match lang {
        Lang::Fr => ["QUI", "PEUT", "PAR LA LIAISON", "RÔLE"],
        Lang::En => ["WHO", "CAN", "BY THE BINDING", "ROLE"],
    };
    let shown = report.holders.iter().filter(|holder| !holder.built_in);
    let rows: Vec<Vec<String>> = shown.flat_map(|holder| rows(holder, lang)).collect();
    let mut page = Page { colors: screen.colors, ..Page::default() };
    if rows.is_empty() {
        page.line(lang.str(
            "Personne d'autre que le plan de contrôle et l'opérateur.",
            "Nobody but the control plane and the operator.",
        ));
    } else {
        page.block(&columns(&heads, &rows, screen.width));
    }
    page.blank();
    let s = &report.summary;
    let (all, built_in, others) = (s.holders - s.built_in, s.built_in, s.others);
    page.line(lang.pick(
        || format!("{all} porteur(s), dont {others} inattendu(s) ; {built_in} de Kubernetes ou de l'opérateur, non montrés (-o json)."),
        || format!("{all} holder(s), {others} of them not expected; {built_in} of Kubernetes or the operator, not shown (-o json)."),
    ));
    for note in &report.notes {
        page.line(note);
    }
    page.finish()
}

/// One row for each binding.
fn rows(holder: &Holder, lang: Lang) -> Vec<Vec<String>> {
    let mut by_binding: BTreeMap<(&str, &str), Vec<&'static str>> = BTreeMap::new();
    for can in &holder.can {
        by_binding.entry((&can.binding, &can.role)).or_default().push(can.way.word(lang));
    }
    let name = if holder.expected {
        format!("{} ({})", holder.name, lang.str("attendu", "expected"))
    } else {
        holder.name.clone()
    };
    by_binding
        .into_iter()
        .map(|((binding, role), ways)| {
            vec![name.clone(), ways.join(", "), binding.to_owned(), role.to_owned()]
        })
        .collect()
}
