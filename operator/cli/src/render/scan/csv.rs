//! One line for each finding, as RFC 4180 has it.

use crate::model::scan::ScanReport;
use crate::render::clean;
use std::fmt::Write as _;

const HEADS: &str = "control,category,requirements,severity,verdict,apiVersion,kind,namespace,name,file,line,column,path,message";

pub fn csv(report: &ScanReport) -> String {
    let mut text = format!("{HEADS}\r\n");
    for found in &report.findings {
        let (file, line, column) = found.location.as_ref().map_or_else(Default::default, |at| {
            (at.file.clone(), at.line.to_string(), at.column.to_string())
        });
        let subject = &found.subject;
        let cells = [
            &found.control,
            found.category.as_str(),
            &found.requirements.join(" "),
            found.severity.as_str(),
            found.verdict.as_str(),
            &subject.api_version,
            &subject.kind,
            &subject.namespace,
            &subject.name,
            &file,
            &line,
            &column,
            &found.path,
            &found.message,
        ];
        let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
        let _ = write!(text, "{}\r\n", cells.join(","));
    }
    text
}

/// What a spreadsheet would take for a formula is made text.
pub fn quoted(cell: &str) -> String {
    let clean = clean::line(cell);
    let formula = clean.starts_with(['=', '+', '-', '@']);
    if formula || clean.contains([',', '"', '\n', '\r']) {
        let mark = if formula { "'" } else { "" };
        format!("\"{mark}{}\"", clean.replace('"', "\"\""))
    } else {
        clean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stay_cells() {
        assert_eq!(quoted("a"), "a");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("=1+1"), "\"'=1+1\"");
    }
}
