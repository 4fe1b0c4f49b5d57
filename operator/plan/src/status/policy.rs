//! The status of `SncPolicy`; what its conditions say is below.

mod admission;
mod audit;
mod findings;
mod network;
mod ready;

pub use findings::overdue;
pub use network::network_status;

use super::controls::{self, numbers};
use super::images;
use super::{Answer, Context, Failure, count};
use crate::governance::Governance;
use crate::namespace::{NamespacePlan, Report};
use admission::admission_enforced;
use audit::audit_logged;
use findings::findings;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use network::{denied, network_isolated, network_policy_effective};
use ready::{ready, ungoverned};
use snc_api::v1alpha1::{
    EffectiveValue, FlowCounts, ManagedObjects, Named, PolicyFindings, SncPolicy, SncPolicyStatus,
};
use snc_catalogue::Assessed;
use snc_core::condition::{kind, reason};
use snc_core::lang::Lang;
use snc_core::policy::{AUDIT_RETENTION, InForce};
use snc_core::text::clip;
use snc_core::tier::Mode;

const SHOWN: usize = 20;
/// Of the values in force.
const VALUES: usize = 128;

/// The status of one policy, from the plan of its namespace, what the API server refused of it and what the controls say
/// of the namespace, where they were asked.
pub fn policy_status(
    policy: &SncPolicy,
    plan: &NamespacePlan,
    failures: &[Failure],
    assessed: Option<&Assessed>,
    lang: Lang,
    now: Timestamp,
) -> SncPolicyStatus {
    let status = found(policy, plan, failures, assessed, lang, now);
    if assessed.is_some() { status } else { as_before(status, policy) }
}

/// As long as nothing was assessed since the start, what was said of the controls stays: a start writes nothing that
/// is not new. It takes two minutes at most.
fn as_before(mut status: SncPolicyStatus, policy: &SncPolicy) -> SncPolicyStatus {
    let Some(before) = &policy.status else { return status };
    let same = before.tenant == status.tenant && before.level == status.level;
    if !same {
        return status;
    }
    for of in [kind::CONTROLS_SATISFIED, kind::IMAGES_VERIFIED] {
        let was = before.conditions.iter().find(|one| one.type_ == of).cloned();
        let is = status.conditions.iter_mut().find(|one| one.type_ == of);
        if let (Some(was), Some(is)) = (was, is)
            && is.reason == reason::NOT_ASSESSED
        {
            *is = Condition { observed_generation: is.observed_generation, ..was };
            if of == kind::CONTROLS_SATISFIED {
                status.controls = before.controls;
                status.control_findings.clone_from(&before.control_findings);
            } else {
                status.images.clone_from(&before.images);
            }
        }
    }
    status
}

fn found(
    policy: &SncPolicy,
    plan: &NamespacePlan,
    failures: &[Failure],
    assessed: Option<&Assessed>,
    lang: Lang,
    now: Timestamp,
) -> SncPolicyStatus {
    let name = policy.metadata.name.as_deref().unwrap_or_default();
    let previous = policy.status.as_ref().map(|s| s.conditions.as_slice()).unwrap_or_default();
    let context = Context { lang, generation: policy.metadata.generation, now };
    let Some(report) = &plan.report else {
        return without_report(plan, assessed, previous, &context);
    };
    let effective = &report.effective;
    let network = network_policy_effective(&report.network.state);
    let isolated = network_isolated(&network, report);
    let flows = report.flows.get(name);
    let level = Some(effective.constraints.level());
    let tally = controls::tally(assessed, &plan.namespace, level);
    let satisfied = controls::satisfied(assessed, &plan.namespace, level, &effective.never_read);
    let findings = findings(name, &policy.spec, report, lang, now);
    SncPolicyStatus {
        observed_generation: context.generation,
        tenant: Some(effective.tenant.clone()),
        level,
        // Once isolated, a namespace stays so whatever is asked for now.
        isolation: Some(if report.enforced { Mode::Enforce } else { effective.constraints.isolation() }),
        effective: values(in_force(report)),
        flows: flows.map(|f| FlowCounts {
            declared: count(f.declared),
            applied: if report.enforced { count(f.flows.len()) } else { 0 },
            refused: count(f.refused()),
        }),
        findings: Some(PolicyFindings {
            total: count(findings.len()),
            truncated: findings.len() > SHOWN,
            items: findings.into_iter().take(SHOWN).map(|text| clip(&text, 1024)).collect(),
        }),
        controls: tally.map(|tally| numbers(tally.numbers)),
        control_findings: assessed
            .filter(|_| tally.is_some())
            .map(|assessed| controls::findings(assessed, &plan.namespace, lang)),
        images: images::numbers(assessed, &plan.namespace),
        managed: Some(ManagedObjects {
            total: count(report.desired.len()),
            truncated: report.desired.len() > SHOWN,
            items: report
                .desired
                .iter()
                .take(SHOWN)
                .map(|key| Named { kind: key.kind.as_str().to_owned(), name: key.name.clone() })
                .collect(),
        }),
        conditions: vec![
            ready(name, plan, report, failures).condition(kind::READY, previous, &context),
            network.condition(kind::NETWORK_POLICY_EFFECTIVE, previous, &context),
            isolated.condition(kind::NETWORK_ISOLATED, previous, &context),
            satisfied.condition(kind::CONTROLS_SATISFIED, previous, &context),
            untried(admission_enforced(report), previous, &context),
            images::verified(assessed, &plan.namespace).condition(kind::IMAGES_VERIFIED, previous, &context),
            audit_logged(report).condition(kind::AUDIT_LOGGED, previous, &context),
        ],
    }
}

/// Until the canary tenant has tried since the start, what was said stays: a start writes nothing that is not new.
fn untried(answer: Answer, previous: &[Condition], context: &Context) -> Condition {
    let was = previous.iter().find(|one| one.type_ == kind::ADMISSION_ENFORCED);
    match was {
        Some(was) if answer.reason == reason::NOT_TRIED => {
            Condition { observed_generation: context.generation, ..was.clone() }
        }
        _ => answer.condition(kind::ADMISSION_ENFORCED, previous, context),
    }
}

/// Nothing is applied, so nothing holds. What is in a namespace that is observed is judged all the same.
fn without_report(
    plan: &NamespacePlan,
    assessed: Option<&Assessed>,
    previous: &[Condition],
    context: &Context,
) -> SncPolicyStatus {
    let unread = !plan.denied.is_empty();
    let answer = if unread { denied(&plan.denied.join(", ")) } else { ungoverned(plan) };
    let observed = !unread && matches!(plan.governance, Governance::Observed { .. });
    let tally = controls::tally(assessed, &plan.namespace, None).filter(|_| observed);
    let satisfied =
        if observed { controls::satisfied(assessed, &plan.namespace, None, &[]) } else { answer.clone() };
    let condition = |kind: &str| answer.clone().condition(kind, previous, context);
    let conditions = vec![
        condition(kind::READY),
        condition(kind::NETWORK_POLICY_EFFECTIVE),
        condition(kind::NETWORK_ISOLATED),
        satisfied.condition(kind::CONTROLS_SATISFIED, previous, context),
        condition(kind::ADMISSION_ENFORCED),
        if observed {
            images::verified(assessed, &plan.namespace).condition(kind::IMAGES_VERIFIED, previous, context)
        } else {
            condition(kind::IMAGES_VERIFIED)
        },
        condition(kind::AUDIT_LOGGED),
    ];
    SncPolicyStatus {
        observed_generation: context.generation,
        tenant: plan.governance.tenant().map(ToOwned::to_owned),
        controls: tally.map(|tally| numbers(tally.numbers)),
        images: images::numbers(assessed, &plan.namespace).filter(|_| observed),
        control_findings: assessed
            .filter(|_| tally.is_some())
            .map(|assessed| controls::findings(assessed, &plan.namespace, context.lang)),
        conditions,
        ..SncPolicyStatus::default()
    }
}

fn values(mut all: Vec<InForce>) -> Vec<EffectiveValue> {
    let total = all.len();
    if total > VALUES {
        all.truncate(VALUES - 1);
        all.push(InForce { field: "…".to_owned(), value: total.to_string(), from: Vec::new() });
    }
    let bounds = |value: InForce| EffectiveValue {
        field: clip(&value.field, 300),
        value: clip(&value.value, 1024),
        from: bounded(value.from),
    };
    all.into_iter().map(bounds).collect()
}

/// What the tenant's total leaves of a quota is what is in force, and of the days that audit records are kept what the
/// platform asks for and allows.
fn in_force(report: &Report) -> Vec<InForce> {
    let mut all = report.effective.constraints.in_force();
    if let Some(days) = report.audit.days(&report.effective) {
        let (value, from) = (days.days.to_string(), days.from);
        match all.iter_mut().find(|row| row.field == AUDIT_RETENTION) {
            Some(row) => (row.value, row.from) = (value, from),
            None => all.push(InForce { field: AUDIT_RETENTION.to_owned(), value, from }),
        }
    }
    for excess in &report.share.excess {
        let field = format!("quota[{}]", excess.resource);
        for row in all.iter_mut().filter(|row| row.field == field) {
            row.value = excess.granted.to_string();
            row.from = vec![format!("SncTenant/{}", report.effective.tenant)];
        }
    }
    all
}

/// A namespace can hold very many policies that ask for the same.
fn bounded(mut names: Vec<String>) -> Vec<String> {
    let total = names.len();
    if total > SHOWN {
        names.truncate(SHOWN);
        names.push(format!("… ({total})"));
    }
    names
}
