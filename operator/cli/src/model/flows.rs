//! The flow matrix (requirement 13.1) of the selected namespaces.

use super::plan::{cluster_facts, decide};
use super::{NotThere, Selection};
use crate::words;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use snc_core::names::{ANNOTATION_FLOW, ANNOTATION_POLICY};
use snc_index::Index;
use snc_plan::Settings;
use snc_plan::governance::Governance;
use snc_plan::matrix::{Row, rows};
use snc_plan::namespace::plan_governed;
use snc_plan::objects::Desired;
use std::collections::BTreeSet;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FlowsReport {
    pub context: String,
    pub date: String,
    /// Whether the state of each flow could be decided.
    pub complete: bool,
    pub summary: Summary,
    pub flows: Vec<Row>,
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    pub flows: usize,
    pub refused: usize,
    pub partly: usize,
    pub review_overdue: usize,
}

impl FlowsReport {
    fn new(context: String, now: Timestamp, flows: Vec<Row>, notes: Vec<String>, complete: bool) -> Self {
        let count = |matches: &dyn Fn(&Row) -> bool| flows.iter().filter(|f| matches(f)).count();
        let summary = Summary {
            flows: flows.len(),
            refused: count(&|f| f.state == "refused"),
            partly: count(&|f| f.state != "refused" && !f.refusals.is_empty()),
            review_overdue: count(&|f| f.review_overdue),
        };
        let date = now.to_zoned(TimeZone::UTC).date().to_string();
        Self { context, date, complete, summary, flows, notes }
    }

    pub const fn has_findings(&self) -> bool {
        self.summary.refused + self.summary.partly + self.summary.review_overdue > 0
    }
}

pub fn build(
    context: String,
    index: &mut Index,
    settings: &Settings,
    selection: &Selection,
    now: Timestamp,
) -> Result<FlowsReport, NotThere> {
    let lang = settings.lang;
    let mut flows = Vec::new();
    let mut notes = Vec::new();
    for decided in decide(index, settings, selection, now)? {
        let plan = &decided.plan;
        match &plan.report {
            Some(report) => {
                let observed = matches!(plan.governance, Governance::Observed { .. });
                if observed {
                    notes.push(words::observed(lang, &plan.namespace));
                } else if !report.enforced {
                    notes.push(words::not_enforced(lang, &plan.namespace));
                }
                let waiting = waiting(&plan.steps.objects);
                flows.extend(rows(&plan.namespace, report, lang, now).into_iter().map(|mut row| {
                    let open = ["applied", "partly"].contains(&row.state);
                    if open && observed {
                        row.state = "declared";
                    } else if open && waiting.contains(&(row.policy.as_str(), row.flow.as_str())) {
                        row.state = "pending";
                    }
                    row
                }));
            }
            None if index.policies(&plan.namespace).next().is_some() => {
                notes.push(words::no_effect(lang, &plan.namespace));
            }
            None => {}
        }
    }
    let unreadable: Vec<String> = index.unreadable().map(words::unreadable).collect();
    let complete = unreadable.is_empty();
    notes.extend(unreadable.iter().map(|text| words::cannot_read(lang, text)));
    if !flows.is_empty() {
        notes.push(words::dns_note(lang).to_owned());
    }
    flows.sort_by(|a, b| (&a.tenant, &a.namespace, &a.policy).cmp(&(&b.tenant, &b.namespace, &b.policy)));
    Ok(FlowsReport::new(context, now, flows, notes, complete))
}

/// Policy and flow of what is still to be applied: what the operator will open is not open yet.
fn waiting(objects: &[Desired]) -> BTreeSet<(&str, &str)> {
    objects.iter().filter_map(marks).collect()
}

fn marks(object: &Desired) -> Option<(&str, &str)> {
    let Desired::NetworkPolicy(policy) = object else { return None };
    let mark = |key| policy.metadata.annotations.as_ref()?.get(key).map(String::as_str);
    Some((mark(ANNOTATION_POLICY)?, mark(ANNOTATION_FLOW)?))
}

/// For a reader who sees the policies of some namespaces and not the platform's side: what is declared, with
/// states that nobody can tell.
pub fn declared(context: String, index: &Index, settings: &Settings, now: Timestamp) -> FlowsReport {
    let mut flows = Vec::new();
    for namespace in index.namespaces() {
        let said = index
            .policies(&namespace.name)
            .find_map(|(_, p)| p.as_ref().ok()?.status.as_ref()?.tenant.clone());
        let tenant = said.unwrap_or_else(|| "?".to_owned());
        let (_, report) = plan_governed(index, settings, &cluster_facts(), namespace, &tenant, now);
        flows.extend(rows(&namespace.name, &report, settings.lang, now).into_iter().map(|row| Row {
            state: "unknown",
            refusals: Vec::new(),
            ..row
        }));
    }
    let mut notes = vec![words::declared_only(settings.lang).to_owned()];
    notes.extend(index.unreadable().map(|u| words::cannot_read(settings.lang, &words::unreadable(u))));
    FlowsReport::new(context, now, flows, notes, false)
}
