//! `JUnit` XML: one suite for each control that judged something, one case for each object that it did not pass.

use crate::model::scan::{Found, ScanReport};
use crate::render::scan::place;
use crate::render::xml::escape;
use snc_core::verdict::Verdict;
use std::collections::BTreeMap;
use std::fmt::Write as _;

pub fn junit(report: &ScanReport) -> String {
    let mut suites: BTreeMap<&str, Vec<&Found>> = BTreeMap::new();
    for found in &report.findings {
        suites.entry(&found.control).or_default().push(found);
    }
    let all = report.findings.len() + report.errors.len();
    let failures = report.findings.iter().filter(|found| found.verdict == Verdict::Fail).count();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        xml,
        "<testsuites name=\"kubectl snc scan\" tests=\"{all}\" failures=\"{failures}\" errors=\"{}\">",
        all - failures
    );
    for (control, findings) in suites {
        let failures = findings.iter().filter(|found| found.verdict == Verdict::Fail).count();
        let (tests, errors) = (findings.len(), findings.len() - failures);
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">",
            escape(control)
        );
        for found in findings {
            case(&mut xml, found);
        }
        xml.push_str("  </testsuite>\n");
    }
    if !report.errors.is_empty() {
        let count = report.errors.len();
        let _ =
            writeln!(xml, "  <testsuite name=\"input\" tests=\"{count}\" failures=\"0\" errors=\"{count}\">");
        for error in &report.errors {
            let (file, message) = (escape(&error.file), escape(&error.message));
            let _ = writeln!(
                xml,
                "    <testcase name=\"{file}:{}\" classname=\"input\"><error message=\"{message}\" type=\"input\"/></testcase>",
                error.line
            );
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn case(xml: &mut String, found: &Found) {
    let (name, class) = (escape(&found.subject.to_string()), escape(&found.control));
    let tag = if found.verdict == Verdict::Fail { "failure" } else { "error" };
    let at = found.location.as_ref().map(place).unwrap_or_default();
    let text = format!("{at}\n{}\n{}", found.path, found.remediation);
    let _ = writeln!(
        xml,
        "    <testcase name=\"{name}\" classname=\"{class}\"><{tag} message=\"{}\" type=\"{}\">{}</{tag}></testcase>",
        escape(&found.message),
        found.severity,
        text.lines().map(escape).collect::<Vec<_>>().join("\n")
    );
}
