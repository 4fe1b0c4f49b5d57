use crate::model::reach::{End, ReachReport, WorkloadName};
use crate::render::{Page, clean};
use snc_core::lang::Lang;
use std::collections::BTreeMap;

/// For Graphviz: one cluster of nodes per namespace.
pub fn dot(report: &ReachReport, lang: Lang) -> String {
    let mut page = Page::default();
    page.line("digraph reach {");
    page.line("  rankdir=LR;");
    page.line("  node [shape=box, style=rounded];");
    let mut namespaces: BTreeMap<&str, Vec<&WorkloadName>> = BTreeMap::new();
    for workload in &report.workloads {
        namespaces.entry(&workload.namespace).or_default().push(workload);
    }
    for (namespace, workloads) in namespaces {
        page.line(format!("  subgraph {} {{", quote(&format!("cluster_{namespace}"))));
        page.line(format!("    label={};", quote(namespace)));
        for workload in workloads {
            let label = quote(&format!("{}\n{}", workload.name, workload.kind));
            page.line(format!("    {} [label={label}];", quote(&workload.to_string())));
        }
        page.line("  }");
    }
    let ends = report.connections.iter().flat_map(|c| [&c.from, &c.to]);
    let mut addresses: Vec<&End> = ends.filter(|end| matches!(end, End::Addresses { .. })).collect();
    addresses.sort();
    addresses.dedup();
    for end in addresses {
        page.line(format!("  {} [shape=ellipse, style=dashed];", quote(&end.to_string())));
    }
    for c in &report.connections {
        let ports = quote(&super::ports(&c.ports, lang));
        page.line(format!(
            "  {} -> {} [label={ports}];",
            quote(&c.from.to_string()),
            quote(&c.to.to_string())
        ));
    }
    page.line("}");
    page.finish()
}

/// A string of DOT: only the quote, the backslash (which starts escapes of labels) and line breaks mean something.
fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push_str("\\n");
        }
        out.push_str(&clean::line(line).replace('\\', "\\\\").replace('"', "\\\""));
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_within_their_quotes() {
        assert_eq!(quote("a\"b\\c"), "\"a\\\"b\\\\c\"");
        assert_eq!(quote("a\nb\u{1b}"), "\"a\\nb\\\\u{1b}\"");
    }
}
