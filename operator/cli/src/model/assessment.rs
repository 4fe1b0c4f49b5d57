//! The state of every requirement, as the operator wrote it, read honestly: what it does not say is `Unknown`, and
//! nothing is better than the controls beside it. The JSON form is a promise: `docs/cli.md`.

use super::Tri;
use super::status::{ConditionView, Operator};
use jiff::Timestamp;
use serde::Serialize;
use snc_api::v1alpha1::{AssessmentScope, SncAssessment, SncAssessmentStatus, Transition};
use snc_catalogue::{Numbers, RequirementState, controls, requirements};
use snc_core::lang::Lang;
use snc_core::names::ASSESSMENT;
use snc_core::requirement::{Automation, Requirement, Strength};
use snc_core::text::Text;
use snc_core::tier::Level;
use snc_index::Declared;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssessmentReport {
    pub context: String,
    pub generated_at: Timestamp,
    pub operator: Operator,
    pub assessment: Source,
    /// Controls, each by its worst verdict.
    #[serde(flatten)]
    pub numbers: Numbers,
    /// Null where nothing applies.
    pub score: Option<u32>,
    /// How many of all requirements are in which state, whatever is shown.
    pub states: BTreeMap<&'static str, usize>,
    /// In the order of the referential.
    pub requirements: Vec<RequirementStatus>,
    /// The last changes of a state, newest first.
    pub transitions: Vec<Transition>,
    pub transitions_total: i64,
    pub conditions: Vec<ConditionView>,
    /// Why what is shown is not all that the operator says, or is not believed.
    pub doubts: Vec<Text>,
}

/// The object that says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    pub namespace: String,
    pub name: String,
    pub scope: AssessmentScope,
    pub tenant: Option<String>,
    pub level: Option<Level>,
    /// When something in it was last another.
    pub changed_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequirementStatus {
    pub id: String,
    pub section: String,
    pub section_title: Text,
    /// In this project's own words.
    pub summary: Text,
    pub strength: Strength,
    pub automation: Automation,
    pub state: RequirementState,
    /// Controls that serve it and fail.
    pub failing: Vec<String>,
    /// Controls that serve it and cannot conclude, or are waived.
    pub unknown: Vec<String>,
}

/// Whose assessment is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    Cluster,
    /// Of whichever tenant has the namespace.
    Mirror,
    Tenant(String),
}

#[derive(Debug, PartialEq, Eq)]
pub enum Missing {
    /// Tenants that have one.
    Absent(BTreeSet<String>),
    /// It is there, and nothing is in it yet.
    Empty,
    Unreadable(String),
}

pub type Found = Vec<(String, String, Declared<SncAssessment>)>;

/// The assessment that answers. Of several mirrors the one that changed last: an older one may be out of date.
pub fn choose(found: &Found, wanted: &Wanted) -> Result<(String, Arc<SncAssessment>), Missing> {
    let scope = match wanted {
        Wanted::Cluster => AssessmentScope::Cluster,
        Wanted::Mirror | Wanted::Tenant(_) => AssessmentScope::Tenant,
    };
    let (mut fit, mut tenants, mut unreadable) = (Vec::new(), BTreeSet::new(), None);
    for (namespace, _, object) in found.iter().filter(|(_, name, _)| name == ASSESSMENT) {
        match object {
            Err(why) => unreadable = Some(why.error.clone()),
            Ok(object) if object.spec.scope == scope => {
                tenants.extend(object.spec.tenant.clone());
                if !matches!(wanted, Wanted::Tenant(tenant) if object.spec.tenant.as_ref() != Some(tenant)) {
                    fit.push((namespace, object));
                }
            }
            Ok(_) => {}
        }
    }
    let changed =
        |object: &SncAssessment| object.status.as_ref().and_then(|s| Some(s.changed_at.as_ref()?.0));
    fit.sort_by_key(|(namespace, object)| (std::cmp::Reverse(changed(object)), (*namespace).clone()));
    match (fit.first(), unreadable) {
        (Some((_, object)), _) if object.status.as_ref().is_none_or(|s| s.states.is_empty()) => {
            Err(Missing::Empty)
        }
        (Some((namespace, object)), _) => Ok(((*namespace).clone(), (*object).clone())),
        (None, Some(error)) => Err(Missing::Unreadable(error)),
        (None, None) => Err(Missing::Absent(tenants)),
    }
}

pub struct Facts {
    pub context: String,
    pub now: Timestamp,
    pub operator: Operator,
    pub namespace: String,
    pub object: Arc<SncAssessment>,
}

/// `shown` empty: everything.
pub fn build(facts: &Facts, shown: &BTreeSet<RequirementState>) -> AssessmentReport {
    let nothing = SncAssessmentStatus::default();
    let (spec, status) = (&facts.object.spec, facts.object.status.as_ref().unwrap_or(&nothing));
    let said: BTreeMap<&str, &str> =
        status.states.iter().map(|s| (s.id.as_str(), s.state.as_str())).collect();
    let verdicts: BTreeMap<&str, &str> =
        status.controls.iter().map(|control| (control.id.as_str(), control.verdict.as_str())).collect();
    let mut doubts = Doubts::default();
    let lines: Vec<RequirementStatus> =
        requirements().map(|one| line(one, &said, &verdicts, &mut doubts)).collect();
    let known: BTreeSet<&str> = requirements().map(|one| one.id.as_str()).collect();
    doubts.foreign = said.keys().filter(|id| !known.contains(*id)).map(ToString::to_string).collect();
    let mut counts: BTreeMap<&'static str, usize> =
        RequirementState::ALL.iter().map(|state| (state.as_str(), 0)).collect();
    for line in &lines {
        *counts.entry(line.state.as_str()).or_default() += 1;
    }
    let number = |count: i64| u32::try_from(count.max(0)).unwrap_or(u32::MAX);
    let numbers = Numbers {
        proven: number(status.proven),
        disproved: number(status.disproved),
        unknown: number(status.unknown),
    };
    let conditions = status.conditions.iter().map(|condition| ConditionView {
        kind: condition.type_.clone(),
        status: Tri::parse(&condition.status),
        reason: condition.reason.clone(),
        message: condition.message.clone(),
    });
    AssessmentReport {
        context: facts.context.clone(),
        generated_at: facts.now,
        operator: facts.operator.clone(),
        assessment: Source {
            namespace: facts.namespace.clone(),
            name: facts.object.metadata.name.clone().unwrap_or_default(),
            scope: spec.scope,
            tenant: spec.tenant.clone(),
            level: status.level,
            changed_at: status.changed_at.as_ref().map(|time| time.0),
        },
        numbers,
        score: numbers.score(),
        states: counts,
        requirements: lines
            .into_iter()
            .filter(|line| shown.is_empty() || shown.contains(&line.state))
            .collect(),
        transitions: status.transitions.clone(),
        transitions_total: status.transitions_total,
        conditions: conditions.collect(),
        doubts: doubts.texts(),
    }
}

fn line(
    requirement: &Requirement,
    said: &BTreeMap<&str, &str>,
    verdicts: &BTreeMap<&str, &str>,
    doubts: &mut Doubts,
) -> RequirementStatus {
    let serving = || controls().iter().filter(|control| control.requirements.contains(&requirement.id));
    let of = |wanted: &[&str]| -> Vec<String> {
        let verdict = |id: &str| verdicts.get(id).is_some_and(|verdict| wanted.contains(verdict));
        serving().filter(|control| verdict(&control.id)).map(|control| control.id.clone()).collect()
    };
    let (failing, unknown) = (of(&["Fail"]), of(&["Unknown", "Exempt"]));
    let told = said.get(requirement.id.as_str());
    let known = told.and_then(|told| RequirementState::ALL.iter().find(|state| state.as_str() == *told));
    let state = known.copied().unwrap_or_else(|| {
        doubts.unsaid.push(requirement.id.clone());
        RequirementState::Unknown
    });
    let worst = match (failing.is_empty(), unknown.is_empty()) {
        (false, _) => RequirementState::NonCompliant,
        (true, false) => RequirementState::Unknown,
        (true, true) => state,
    };
    if known.is_some() && worst > state {
        doubts.contradicted.push(requirement.id.clone());
    }
    RequirementStatus {
        id: requirement.id.clone(),
        section: requirement.section.clone(),
        section_title: requirement.section_title.clone(),
        summary: requirement.summary.clone(),
        strength: requirement.strength,
        automation: requirement.automation,
        state: state.max(worst),
        failing,
        unknown,
    }
}

#[derive(Default)]
struct Doubts {
    unsaid: Vec<String>,
    foreign: Vec<String>,
    contradicted: Vec<String>,
}

impl Doubts {
    fn texts(&self) -> Vec<Text> {
        let text = |ids: &[String], fr: &str, en: &str| {
            let more = if ids.len() > 10 { format!(", … ({})", ids.len()) } else { String::new() };
            let list = ids.iter().take(10).map(String::as_str).collect::<Vec<_>>().join(", ");
            (!ids.is_empty()).then(|| Text::new(format!("{fr}{list}{more}"), format!("{en}{list}{more}")))
        };
        let all = [
            text(
                &self.unsaid,
                "sans état que cette version comprend, donc inconnues : ",
                "without a state that this version understands, hence unknown: ",
            ),
            text(
                &self.foreign,
                "exigences que cette version ne connaît pas (mettez kubectl snc à jour) : ",
                "requirements that this version does not know (update kubectl snc): ",
            ),
            text(
                &self.contradicted,
                "l'objet les dit meilleures que ses propres contrôles, qui l'emportent : ",
                "the object calls them better than its own controls do, which prevail: ",
            ),
        ];
        all.into_iter().flatten().collect()
    }
}

impl Missing {
    pub fn message(&self, namespace: &str, wanted: &Wanted, lang: Lang) -> String {
        let who = match wanted {
            Wanted::Cluster => lang.pick(
                || format!("du cluster ({namespace}/{ASSESSMENT})"),
                || format!("of the cluster ({namespace}/{ASSESSMENT})"),
            ),
            Wanted::Mirror => lang.pick(
                || format!("dans le namespace {namespace} ({namespace}/{ASSESSMENT})"),
                || format!("in namespace {namespace} ({namespace}/{ASSESSMENT})"),
            ),
            Wanted::Tenant(tenant) => {
                lang.pick(|| format!("du tenant {tenant}"), || format!("of tenant {tenant}"))
            }
        };
        match self {
            Self::Absent(tenants) => {
                let hint = match wanted {
                    Wanted::Cluster => lang.str(
                        "l'opérateur n'est pas installé, vit dans un autre namespace (--operator-namespace) ou n'a pas fini sa première évaluation ; kubectl snc preflight, kubectl snc status",
                        "the operator is not installed, lives in another namespace (--operator-namespace) or has not done its first assessment; kubectl snc preflight, kubectl snc status",
                    ),
                    Wanted::Mirror => lang.str(
                        "aucun tenant ne tient ce namespace, ou la première évaluation n'est pas finie ; kubectl snc status -n le dit",
                        "no tenant holds this namespace, or the first assessment is not done; kubectl snc status -n tells",
                    ),
                    Wanted::Tenant(_) => lang.str(
                        "ce tenant n'existe pas, n'a pas de namespace, ou la première évaluation n'est pas finie ; kubectl snc status --tenant le dit",
                        "there is no such tenant, it has no namespace, or the first assessment is not done; kubectl snc status --tenant tells",
                    ),
                };
                let known: Vec<&str> = tenants.iter().take(20).map(String::as_str).collect();
                let known = if known.is_empty() {
                    String::new()
                } else {
                    let known = known.join(", ");
                    lang.pick(|| format!(" ; évalués : {known}"), || format!("; assessed: {known}"))
                };
                lang.pick(
                    || format!("aucune évaluation {who} : {hint}{known}"),
                    || format!("no assessment {who}: {hint}{known}"),
                )
            }
            Self::Empty => lang.pick(
                || format!("l'évaluation {who} est encore vide : la première n'est pas finie, réessayez dans quelques minutes"),
                || format!("the assessment {who} is still empty: the first one is not done, try again in some minutes"),
            ),
            Self::Unreadable(error) => lang.pick(
                || format!("l'évaluation {who} est illisible : {error}"),
                || format!("the assessment {who} cannot be read: {error}"),
            ),
        }
    }
}
