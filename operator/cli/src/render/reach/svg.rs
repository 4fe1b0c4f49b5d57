//! A picture of the connections, drawn here: namespaces side by side, workloads in them, addresses outside.

mod layout;
mod route;

use crate::model::reach::{End, ReachReport};
use crate::render::xml::escape;
use layout::{Box, Layout, Line, Point};
use snc_core::lang::Lang;
use snc_core::text::clip;
use std::fmt::Write;

/// Beyond this many lines their labels would cover each other; each still has its title.
const LABELLED: usize = 80;

pub fn svg(report: &ReachReport, lang: Lang) -> String {
    let workloads: Vec<End> = report.workloads.iter().cloned().map(End::Workload).collect();
    let layout = Layout::of(report, &workloads);
    let mut out = String::new();
    head(&mut out, report, &layout, lang);
    for (name, frame) in &layout.namespaces {
        let Box { x, y, width, height } = frame;
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            r#"<rect class="namespace" x="{x}" y="{y}" width="{width}" height="{height}" rx="10"/>"#
        );
        let text = escape(&clip(name, 28));
        let _ = writeln!(
            out,
            r#"<text class="title" x="{}" y="{}">{text}<title>{}</title></text>"#,
            x + 12,
            y + 22,
            escape(name)
        );
    }
    let labelled = layout.lines.len() <= LABELLED;
    for line in &layout.lines {
        draw(&mut out, line, lang);
    }
    for item in &layout.nodes {
        node(&mut out, item.end, item.frame);
    }
    if labelled {
        for line in &layout.lines {
            let Point { x, y } = line.label;
            let text = clip(&super::ports(line.ports, lang), 16);
            // About as wide as the letters are; exact widths depend on the reader's fonts.
            let width = i32::try_from(text.chars().count()).unwrap_or_default() * 6 + 6;
            let (left, top, base) = (x - width / 2, y - 7, y + 4);
            let _ = writeln!(
                out,
                r#"<rect class="page" x="{left}" y="{top}" width="{width}" height="14" rx="3"/><text class="ports" x="{x}" y="{base}">{}</text>"#,
                escape(&text)
            );
        }
    }
    out.push_str("</svg>\n");
    out
}

const STYLE: &str = "\
.page{fill:#ffffff}\
.namespace{fill:#f4f6fb;stroke:#8a97b5;stroke-width:1.2}\
.node{fill:#ffffff;stroke:#33415c;stroke-width:1.2}\
.addresses{fill:#fff8e8;stroke:#a06a00;stroke-width:1.2;stroke-dasharray:5 3}\
text{font-family:system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;font-size:13px;fill:#1b2437}\
.title{font-weight:600}\
.kind{font-size:11px;fill:#5a6681}\
.ports{font-size:11px;fill:#33415c;text-anchor:middle}\
.within{stroke:#4565b0}\
.across{stroke:#b3261e}\
.outside{stroke:#a06a00;stroke-dasharray:5 3}\
.line{fill:none;stroke-width:1.6}";

fn head(out: &mut String, report: &ReachReport, layout: &Layout<'_>, lang: Lang) {
    let (width, height) = (layout.width, layout.height);
    let title = lang.str("Qui peut joindre qui", "Who can reach whom");
    let _ = writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" aria-label="{title}">"#
    );
    let _ = writeln!(out, "<title>{title}</title>");
    let _ = writeln!(out, "<style>{STYLE}</style>");
    out.push_str("<defs>\n");
    for (class, color) in [("within", "#4565b0"), ("across", "#b3261e"), ("outside", "#a06a00")] {
        let _ = writeln!(
            out,
            r#"<marker id="{class}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0 10 5 0 10z" fill="{color}"/></marker>"#
        );
    }
    out.push_str("</defs>\n");
    let _ = writeln!(out, r#"<rect class="page" width="{width}" height="{height}"/>"#);
    let mut legend = lang
        .str(
            "bleu : dans un namespace ; rouge : entre namespaces ; tirets : adresses",
            "blue: within a namespace; red: between namespaces; dashed: addresses",
        )
        .to_owned();
    let unknown = report.unknown.len();
    if unknown > 0 {
        legend += &lang.pick(
            || format!(" ; {unknown} connexion(s) impossible(s) à décider, non dessinée(s)"),
            || format!("; {unknown} connection(s) that cannot be decided are not drawn"),
        );
    }
    let _ = writeln!(out, r#"<text class="title" x="24" y="28">{title}</text>"#);
    let _ = writeln!(out, r#"<text class="kind" x="24" y="46">{legend}</text>"#);
}

fn node(out: &mut String, end: &End, frame: Box) {
    let Box { x, y, width, height } = frame;
    let (class, first, second) = match end {
        End::Workload(workload) => ("node", workload.name.clone(), workload.kind.clone()),
        End::Addresses { cidr } => ("addresses", cidr.to_string(), String::new()),
    };
    let _ = writeln!(out, "<g><title>{}</title>", escape(&end.to_string()));
    let _ =
        writeln!(out, r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>"#);
    let middle = y + height / 2;
    let baseline = middle + if second.is_empty() { 5 } else { -3 };
    let _ = writeln!(out, r#"<text x="{}" y="{baseline}">{}</text>"#, x + 10, escape(&clip(&first, 22)));
    if !second.is_empty() {
        let _ = writeln!(
            out,
            r#"<text class="kind" x="{}" y="{}">{}</text>"#,
            x + 10,
            middle + 13,
            escape(&clip(&second, 24))
        );
    }
    out.push_str("</g>\n");
}

fn draw(out: &mut String, line: &Line<'_>, lang: Lang) {
    let class = line.class;
    let both = if line.both_ways { format!(r#" marker-start="url(#{class})""#) } else { String::new() };
    let arrow = if line.both_ways { "↔" } else { "→" };
    let told = format!("{} {arrow} {} ({})", line.from, line.to, super::ports(line.ports, lang));
    let _ = writeln!(
        out,
        r#"<path class="line {class}" d="{}" marker-end="url(#{class})"{both}><title>{}</title></path>"#,
        line.path,
        escape(&told)
    );
}
