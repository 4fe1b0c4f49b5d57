//! The operator's reports, from what it knows at one instant.

use super::{Format, MOST, NAME, Report, Row, Sheet, Summary};
use serde_json::json;
use snc_catalogue::{Assessed, Findings, Tally};
use snc_core::control::Control;
use snc_core::lang::Lang;
use snc_core::names::{LABEL_COMPONENT, LABEL_MANAGED_BY, MANAGED_BY};
use snc_core::verdict::Verdict;
use std::collections::BTreeSet;

const COMPONENT: &str = "report";

pub struct Reports<'a> {
    assessed: &'a Assessed,
    controls: Vec<&'a Control>,
    format: Format,
    lang: Lang,
}

impl<'a> Reports<'a> {
    pub fn new(assessed: &'a Assessed, format: Format, lang: Lang) -> Self {
        Self { assessed, controls: assessed.catalogue.controls().collect(), format, lang }
    }

    /// Every namespace that something is said of, and the empty name of what has none.
    pub fn namespaces(&self) -> BTreeSet<&'a str> {
        let named = self.assessed.namespaces.keys().chain(self.assessed.findings.keys());
        named.map(String::as_str).chain([""]).collect()
    }

    /// None where no control applies to anything.
    pub fn of(&self, namespace: &str) -> Option<Report> {
        let tally = match self.assessed.namespaces.get(namespace) {
            Some(tally) => Some(&**tally),
            // Its summary is that of the whole, which no sum over namespaces gives.
            None if namespace.is_empty() => Some(&self.assessed.cluster),
            None => None,
        };
        let nothing = Findings::default();
        let findings = self.assessed.findings.get(namespace).map_or(&nothing, |findings| &**findings);
        let summary = self.summary(tally, findings);
        let total = usize::try_from(u64::from(findings.fail) + u64::from(findings.unknown));
        let total = total.unwrap_or(usize::MAX).max(findings.worst.len());
        if total == 0 && summary.pass + summary.fail + summary.error == 0 && !waived(tally) {
            return None;
        }
        let rows = findings.worst.iter().take(MOST).filter_map(|finding| {
            Some(Row {
                control: self.controls.get(finding.control)?,
                subject: &finding.subject,
                verdict: finding.outcome.verdict,
                message: finding.outcome.message.get(self.lang),
                path: finding.outcome.paths.first().map_or("", String::as_str),
            })
        });
        let sheet = Sheet {
            format: self.format,
            name: NAME,
            namespace,
            labels: json!({LABEL_MANAGED_BY: MANAGED_BY, LABEL_COMPONENT: COMPONENT}),
            source: MANAGED_BY,
            summary,
            rows: rows.collect(),
            total,
            lang: self.lang,
        };
        Some(Report { format: self.format, namespace: namespace.to_owned(), body: sheet.body() })
    }

    /// Every control once, by its worst verdict. A verdict that is not there is not known, what a finding says is at
    /// least so bad, and no more pass than are proven.
    fn summary(&self, tally: Option<&Tally>, findings: &Findings) -> Summary {
        let mut worst: Vec<Verdict> = match tally {
            None => vec![Verdict::NotApplicable; self.controls.len()],
            Some(tally) => {
                let verdict = |(at, control): (usize, &&Control)| {
                    let found = tally.worst.get(at).copied().unwrap_or(Verdict::Unknown);
                    if control.applies_at(tally.level) { found } else { Verdict::NotApplicable }
                };
                self.controls.iter().enumerate().map(verdict).collect()
            }
        };
        for finding in findings.worst.iter() {
            if let Some(verdict) = worst.get_mut(finding.control) {
                *verdict = finding.outcome.verdict.max(*verdict);
            }
        }
        let count = |wanted: Verdict| worst.iter().filter(|verdict| **verdict == wanted).count();
        let passed = count(Verdict::Pass);
        let proven = tally.map_or(0, |tally| usize::try_from(tally.numbers.proven).unwrap_or(usize::MAX));
        let pass = passed.min(proven);
        Summary {
            pass,
            fail: count(Verdict::Fail),
            warn: 0,
            error: count(Verdict::Unknown) + (passed - pass),
            skip: count(Verdict::Exempt) + count(Verdict::NotApplicable),
        }
    }
}

/// Something is exempt, which is worth a report of its own even where nothing else applies.
fn waived(tally: Option<&Tally>) -> bool {
    tally.is_some_and(|tally| tally.worst.contains(&Verdict::Exempt))
}
