//! The catalogue as it is listed and explained.

use serde::Serialize;
use snc_catalogue::{controls, requirements};
use snc_core::control::{Category, Control, Parameter, Scope, Severity};
use snc_core::lang::Lang;
use snc_core::requirement::Requirement;
use snc_core::text::Text;
use snc_core::tier::Level;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ControlRow {
    pub id: String,
    pub category: Category,
    pub requirements: Vec<String>,
    pub severity: Severity,
    /// The lowest that asks for it.
    pub level: Level,
    pub scope: Scope,
    pub enforcement: Enforcement,
    pub critical: bool,
    pub title: Text,
    pub message: Option<Text>,
    pub remediation: Text,
    pub snippet: String,
    pub boundary: Text,
    pub reads: Vec<String>,
    pub parameters: Vec<Parameter>,
}

/// Where a control can act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Enforcement {
    /// It can be refused as it is written.
    Admission,
    /// It is found afterwards: several objects tell, or admission never sees the one that does.
    Audit,
}

impl Enforcement {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admission => "admission",
            Self::Audit => "audit",
        }
    }
}

pub fn control_rows() -> Vec<ControlRow> {
    controls().iter().map(control_row).collect()
}

pub fn control_row(control: &Control) -> ControlRow {
    ControlRow {
        id: control.id.clone(),
        category: control.category,
        requirements: control.requirements.clone(),
        severity: control.severity,
        level: control.level,
        scope: control.scope,
        enforcement: if control.is_admission() { Enforcement::Admission } else { Enforcement::Audit },
        critical: control.critical,
        title: control.title.clone(),
        message: control.rule.as_ref().map(|rule| rule.message.clone()),
        remediation: Text::new(&control.remediation.fr, &control.remediation.en),
        snippet: control.remediation.snippet.clone(),
        boundary: control.boundary.clone(),
        reads: control.reads.clone(),
        parameters: control.parameters.clone(),
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequirementRow {
    #[serde(flatten)]
    pub requirement: Requirement,
    pub controls: Vec<String>,
}

pub fn requirement_rows() -> Vec<RequirementRow> {
    requirements().map(requirement_row).collect()
}

fn requirement_row(requirement: &Requirement) -> RequirementRow {
    let serves = |control: &&Control| control.requirements.contains(&requirement.id);
    let controls = controls().iter().filter(serves).map(|control| control.id.clone()).collect();
    RequirementRow { requirement: requirement.clone(), controls }
}

/// What `explain` found.
pub enum Explained {
    Control(Box<ControlRow>),
    Requirement(Box<RequirementRow>),
}

impl Serialize for Explained {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Control(row) => row.serialize(serializer),
            Self::Requirement(row) => row.serialize(serializer),
        }
    }
}

/// A control or a requirement by its id; else what there is of a similar name.
pub fn explain(id: &str, lang: Lang) -> Result<Explained, String> {
    if let Some(control) = controls().iter().find(|control| control.id == id) {
        return Ok(Explained::Control(Box::new(control_row(control))));
    }
    if let Some(requirement) = requirements().find(|requirement| requirement.id.eq_ignore_ascii_case(id)) {
        return Ok(Explained::Requirement(Box::new(requirement_row(requirement))));
    }
    let ids = || controls().iter().map(|control| &control.id).chain(requirements().map(|r| &r.id));
    let mut near: Vec<(f64, &String)> = ids().map(|known| (likeness(known, id), known)).collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    let near = near.iter().take(5).map(|(_, id)| id.as_str()).collect::<Vec<_>>().join(", ");
    Err(lang.pick(
        || format!("aucun contrôle ni exigence {id:?} ; proches : {near} ; tous : kubectl snc controls, kubectl snc requirements"),
        || format!("no control and no requirement {id:?}; close to it: {near}; all: kubectl snc controls, kubectl snc requirements"),
    ))
}

fn likeness(known: &str, given: &str) -> f64 {
    f64::from(similar::TextDiff::from_chars(known, given).ratio())
}
