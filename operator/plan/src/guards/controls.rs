//! The critical controls, which hold with the webhook down: one policy for each resource shape and measure, of many
//! validations, since it is the policies that cost the API server and hardly the validations (docs/adr/0014).
//!
//! Twice each, for `failurePolicy` belongs to the policy and a binding has no say in it: what cannot be evaluated for want
//! of the parameter, or because an API server has just started, is refused whatever the binding's actions are. `Fail` is
//! for namespaces in Enforce only; where the mode is Audit or Warn a request is never refused.
//!
//! A rule is asked of an object that is created, and of one whose judged part changes: what was there before the mode
//! was raised can still be scaled, labelled, finalized and deleted.

mod doubt;
mod shape;
mod waived;

use super::build::{BYPASS, CONTROLS, USERNAME, in_group, matches, metadata, variable};
use super::{Guard, Identity};
use k8s_openapi::api::admissionregistration::v1::{
    AuditAnnotation, MatchResources, ParamKind, ParamRef, ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding, ValidatingAdmissionPolicyBindingSpec, ValidatingAdmissionPolicySpec,
    Validation, Variable,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
pub use shape::{BINDINGS, POLICIES};
use shape::{SHAPES, Shape};
use snc_catalogue::{Rendered, VARIABLES, render};
use snc_core::control::Control;
use snc_core::lang::Lang;
use snc_core::names::{GROUP, LABEL_LEVEL, LABEL_TENANT, WAIVERS};
use snc_core::tier::{Level, Measure, Mode};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// A policy and the modes that it is for.
struct Half {
    name: &'static str,
    failure: &'static str,
    /// What holds while there is no list of waivers.
    without_waivers: &'static str,
    modes: &'static [(Mode, &'static str, &'static [&'static str])],
}

const HALVES: [Half; 2] = [
    Half {
        name: "enforce",
        failure: "Fail",
        without_waivers: "Deny",
        modes: &[(Mode::Enforce, "enforce", &["Deny", "Audit"])],
    },
    Half {
        name: "advise",
        failure: "Ignore",
        without_waivers: "Allow",
        modes: &[(Mode::Audit, "audit", &["Audit"]), (Mode::Warn, "warn", &["Warn", "Audit"])],
    },
];

/// Controls that a policy of their own shape decides. Those with parameters are left to the webhook: a policy would
/// hold everybody to the product's values.
fn decided() -> impl Iterator<Item = (&'static Shape, &'static Control, Rendered)> {
    let critical = snc_catalogue::controls()
        .iter()
        .filter(|control| control.critical && control.is_asked_of_tenants() && control.parameters.is_empty());
    critical.filter_map(|control| {
        let shape = SHAPES.iter().find(|shape| control.reads == [shape.reads])?;
        // The build of the catalogue stops at a rule that cannot be rendered.
        let rendered = render(control, control.rule.as_ref()?).ok()?;
        Some((shape, control, rendered))
    })
}

pub(super) fn policies(identity: &Identity, lang: Lang) -> Vec<Guard> {
    let all: Vec<_> = decided().collect();
    let mut policies = Vec::new();
    for shape in SHAPES {
        for measure in Measure::ALL {
            let mut rules: Vec<_> = all
                .iter()
                .filter(|(of, control, _)| of.name == shape.name && control.measure() == *measure)
                .map(|(_, control, rendered)| (*control, rendered))
                .collect();
            // A refusal carries the first that failed.
            rules.sort_by_key(|(control, _)| Reverse(control.severity));
            if !rules.is_empty() {
                policies
                    .extend(HALVES.iter().map(|half| half.build(shape, *measure, &rules, identity, lang)));
            }
        }
    }
    policies
}

impl Half {
    fn build(
        &self,
        shape: &Shape,
        measure: Measure,
        rules: &[(&Control, &Rendered)],
        identity: &Identity,
        lang: Lang,
    ) -> Guard {
        let name = policy_name(shape, measure, self.name);
        let group = identity.bypass_group.as_deref();
        let validations: Vec<Validation> = rules
            .iter()
            .map(|(control, rendered)| validation(control, rendered, group.is_some(), lang))
            .collect();
        let modes: Vec<Mode> = self.modes.iter().map(|(mode, ..)| *mode).collect();
        let bindings = self.modes.iter().map(|(mode, suffix, actions)| ValidatingAdmissionPolicyBinding {
            metadata: metadata(&policy_name(shape, measure, suffix), CONTROLS),
            spec: Some(ValidatingAdmissionPolicyBindingSpec {
                policy_name: Some(name.clone()),
                match_resources: (self.modes.len() > 1).then(|| MatchResources {
                    namespace_selector: Some(in_modes(measure, &[*mode])),
                    resource_rules: None,
                    ..matches(Vec::new())
                }),
                param_ref: Some(ParamRef {
                    name: Some(WAIVERS.to_owned()),
                    namespace: Some(identity.namespace.clone()),
                    parameter_not_found_action: Some(self.without_waivers.to_owned()),
                    selector: None,
                }),
                validation_actions: Some(actions.iter().map(ToString::to_string).collect()),
            }),
        });
        Guard {
            bindings: bindings.collect(),
            policy: ValidatingAdmissionPolicy {
                metadata: metadata(&name, CONTROLS),
                spec: Some(ValidatingAdmissionPolicySpec {
                    failure_policy: Some(self.failure.to_owned()),
                    match_constraints: Some(MatchResources {
                        namespace_selector: Some(in_modes(measure, &modes)),
                        ..matches(shape.rules())
                    }),
                    param_kind: Some(ParamKind {
                        api_version: Some(format!("{GROUP}/v1alpha1")),
                        kind: Some("SncWaiverSet".to_owned()),
                    }),
                    match_conditions: Some(doubt::conditions(
                        shape,
                        rules.iter().map(|(_, rendered)| rendered.validation.as_str()),
                    )),
                    variables: Some(variables(group, &validations)),
                    validations: Some(validations),
                    audit_annotations: group.map(|_| vec![passed()]),
                }),
                status: None,
            },
        }
    }
}

/// Every use is in the audit log of the API server, with the webhook down too.
fn passed() -> AuditAnnotation {
    AuditAnnotation {
        key: BYPASS.to_owned(),
        value_expression: format!("variables.bypass ? {USERNAME} : \"\""),
    }
}

fn policy_name(shape: &Shape, measure: Measure, suffix: &str) -> String {
    let measure = match measure {
        Measure::Isolation => "isolation",
        Measure::PodSecurity => "pod-security",
        Measure::Workloads => "workloads",
        Measure::Images => "images",
    };
    format!("{}-{measure}-{suffix}.{GROUP}", shape.name)
}

/// By inclusion: namespaces with a tenant whose mode is one of these.
fn in_modes(measure: Measure, modes: &[Mode]) -> LabelSelector {
    let requirement = |key: &str, operator: &str, values| LabelSelectorRequirement {
        key: key.to_owned(),
        operator: operator.to_owned(),
        values,
    };
    let values = modes.iter().map(ToString::to_string).collect();
    LabelSelector {
        match_expressions: Some(vec![
            requirement(LABEL_TENANT, "Exists", None),
            requirement(measure.label(), "In", Some(values)),
        ]),
        match_labels: None,
    }
}

/// Below the control's level it is not asked. A level that cannot be read is the highest.
fn unasked(level: Level) -> String {
    Level::ALL
        .iter()
        .filter(|lower| **lower < level)
        .fold(String::new(), |text, lower| text + &format!("variables.level == \"{lower}\" || "))
}

fn validation(control: &Control, rendered: &Rendered, bypass: bool, lang: Lang) -> Validation {
    let id = &control.id;
    let bypass = if bypass { "variables.bypass || " } else { "" };
    let more = lang.pick(
        || format!(". Remède : kubectl snc explain {id} ; tous les écarts : kubectl snc scan -f FICHIER"),
        || format!(". Remedy: kubectl snc explain {id}; all failures: kubectl snc scan -f FILE"),
    );
    let (said, title) = (rendered.message.get(lang), control.title.get(lang));
    Validation {
        expression: format!(
            "{bypass}{}({}) || {}",
            unasked(control.level),
            rendered.validation,
            waived::by(id)
        ),
        message: Some(format!("{id}: {title}{more}")),
        message_expression: Some(format!("\"{id}: \" + ({said}) + \"{more}\"")),
        reason: Some("Forbidden".to_owned()),
    }
}

/// Those that the validations use, in an order in which each comes after what it uses.
fn variables(group: Option<&str>, validations: &[Validation]) -> Vec<Variable> {
    let level = format!("namespaceObject.?metadata.?labels[?\"{LABEL_LEVEL}\"].orValue(\"\")");
    let known: Vec<Variable> = VARIABLES
        .iter()
        .map(|(name, expression)| variable(name, *expression))
        .chain([variable("level", level)])
        .chain(waived::variables())
        .chain(group.map(|group| variable(BYPASS, in_group(group))))
        .collect();
    let mut used: BTreeSet<String> = BTreeSet::new();
    for validation in validations {
        used.extend(named(&validation.expression));
        used.extend(validation.message_expression.as_deref().into_iter().flat_map(named));
    }
    for variable in known.iter().rev() {
        if used.contains(&variable.name) {
            used.extend(named(&variable.expression));
        }
    }
    known.into_iter().filter(|variable| used.contains(&variable.name)).collect()
}

/// Variables that an expression names.
fn named(expression: &str) -> impl Iterator<Item = String> {
    expression
        .split("variables.")
        .skip(1)
        .map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>())
}

#[cfg(test)]
mod tests;
