//! What all guards share: metadata, match rules, messages.

use super::Guard;
use k8s_openapi::api::admissionregistration::v1::{
    MatchCondition, MatchResources, NamedRuleWithOperations, ParamKind, ParamRef, ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding, ValidatingAdmissionPolicyBindingSpec, ValidatingAdmissionPolicySpec,
    Validation, Variable,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use snc_core::lang::Lang;
use snc_core::names;
use std::collections::BTreeMap;

const GUARD: &str = "guard";
/// A policy of controls, which goes when this version has no rule for it.
pub const CONTROLS: &str = "controls";

pub(super) fn metadata(name: &str, component: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        labels: Some(BTreeMap::from([
            (names::LABEL_MANAGED_BY.to_owned(), names::MANAGED_BY.to_owned()),
            (names::LABEL_COMPONENT.to_owned(), component.to_owned()),
        ])),
        ..ObjectMeta::default()
    }
}

/// What happens to a request that a guard does not accept, and to one that it cannot judge.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Refused, and written to the audit event; refused too when the guard cannot be evaluated.
    Deny,
    /// Refused, and written to the audit event; let through when the guard cannot be evaluated.
    DenyIfKnown,
    /// Let through with a warning, always.
    Warn,
}

pub(super) struct Spec {
    pub name: &'static str,
    pub action: Action,
    pub matches: MatchResources,
    pub params: Option<ParamKind>,
    /// CEL, by name: which requests are judged at all, where most are not.
    pub only: Option<(&'static str, &'static str)>,
    pub variables: Vec<Variable>,
    pub validations: Vec<Validation>,
}

impl Spec {
    pub(super) fn build(self) -> Guard {
        let metadata = metadata(self.name, GUARD);
        let (failure_policy, actions) = match self.action {
            Action::Deny => ("Fail", ["Deny", "Audit"]),
            Action::DenyIfKnown => ("Ignore", ["Deny", "Audit"]),
            Action::Warn => ("Ignore", ["Warn", "Audit"]),
        };
        // All params of the kind, and no refusal while there is none.
        let param_ref = self.params.is_some().then(|| ParamRef {
            selector: Some(LabelSelector::default()),
            parameter_not_found_action: Some("Allow".to_owned()),
            ..ParamRef::default()
        });
        Guard {
            policy: ValidatingAdmissionPolicy {
                metadata: metadata.clone(),
                spec: Some(ValidatingAdmissionPolicySpec {
                    failure_policy: Some(failure_policy.to_owned()),
                    match_constraints: Some(self.matches),
                    param_kind: self.params,
                    match_conditions: self.only.map(|(name, expression)| {
                        vec![MatchCondition { name: name.to_owned(), expression: expression.to_owned() }]
                    }),
                    variables: (!self.variables.is_empty()).then_some(self.variables),
                    validations: Some(self.validations),
                    ..ValidatingAdmissionPolicySpec::default()
                }),
                status: None,
            },
            bindings: vec![ValidatingAdmissionPolicyBinding {
                metadata,
                spec: Some(ValidatingAdmissionPolicyBindingSpec {
                    policy_name: Some(self.name.to_owned()),
                    param_ref,
                    validation_actions: Some(actions.map(str::to_owned).to_vec()),
                    ..ValidatingAdmissionPolicyBindingSpec::default()
                }),
            }],
        }
    }
}

pub(super) fn rule(
    group: &str,
    version: &str,
    resources: &[&str],
    operations: &[&str],
) -> NamedRuleWithOperations {
    let owned = |texts: &[&str]| Some(texts.iter().map(|t| (*t).to_owned()).collect());
    NamedRuleWithOperations {
        api_groups: owned(&[group]),
        api_versions: owned(&[version]),
        resources: owned(resources),
        operations: owned(operations),
        scope: Some("*".to_owned()),
        ..NamedRuleWithOperations::default()
    }
}

/// Without selectors: every object of these rules.
pub(super) fn matches(rules: Vec<NamedRuleWithOperations>) -> MatchResources {
    MatchResources {
        match_policy: Some("Equivalent".to_owned()),
        namespace_selector: Some(LabelSelector::default()),
        object_selector: Some(LabelSelector::default()),
        resource_rules: Some(rules),
        ..MatchResources::default()
    }
}

pub(super) fn variable(name: &str, expression: impl Into<String>) -> Variable {
    Variable { name: name.to_owned(), expression: expression.into() }
}

/// A CEL string literal.
pub(super) fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The variable that says whether whoever asks is let past.
pub(super) const BYPASS: &str = "bypass";

/// CEL for the requester's name; total.
pub(super) const USERNAME: &str = "request.?userInfo.?username.orValue(\"\")";

/// CEL: whether whoever asks is in that group; total.
pub fn in_group(group: &str) -> String {
    format!("request.?userInfo.?groups.orValue([]).exists(group, group == {})", quote(group))
}

/// The group that these policies let past: what they say of it themselves.
pub fn bypass_group(policies: &[ValidatingAdmissionPolicy]) -> Option<String> {
    let variables = policies.iter().filter_map(|policy| policy.spec.as_ref()?.variables.as_ref()).flatten();
    let mut groups = variables.filter(|variable| variable.name == BYPASS).filter_map(|variable| {
        let (_, quoted) = variable.expression.rsplit_once(" == \"")?;
        let group = quoted.strip_suffix("\")")?.replace("\\\"", "\"").replace("\\\\", "\\");
        (in_group(&group) == variable.expression).then_some(group)
    });
    groups.next()
}

/// What a request is about, and who asks: values of refusals where `variables.user` is [`USERNAME`].
pub(super) const REQUEST: &[(&str, &str)] = &[
    ("operation", "request.operation"),
    ("kind", "request.kind.kind"),
    ("namespace", "request.?namespace.orValue(\"\")"),
    ("name", "request.?name.orValue(\"\")"),
    ("user", "variables.user"),
];

/// CEL: the names of `snc_core::names::is_protected_namespace`, but for the canary's, which no guard has to know.
pub(super) fn protected(name: &str, own: &str) -> String {
    format!(
        "{name} in [\"default\", \"openshift\", {}] || {name}.startsWith(\"kube-\") || \
         {name}.startsWith(\"openshift-\")",
        quote(own)
    )
}

/// CEL that shows an optional string: its value in quotes, or that there is none.
pub(super) fn shown(optional: &str) -> String {
    format!("({optional}.hasValue() ? \"'\" + {optional}.value() + \"'\" : \"absent\")")
}

/// A refusal, written in both languages as one template. A `{name}` in it is a value known only at the time
/// of the request.
pub(super) struct Refusal<'a> {
    pub fr: &'a str,
    pub en: &'a str,
    /// Each name with the CEL that gives its value: a string, and never an error.
    pub values: &'a [(&'a str, &'a str)],
}

impl Refusal<'_> {
    /// `message` is what the API server shows should `messageExpression` be too long.
    pub(super) fn validation(&self, lang: Lang, reason: &str, expression: impl Into<String>) -> Validation {
        let template = lang.pick(|| self.fr, || self.en);
        Validation {
            expression: expression.into(),
            message: Some(self.plain(template)),
            message_expression: (!self.values.is_empty()).then(|| self.expression(template)),
            reason: Some(reason.to_owned()),
        }
    }

    fn plain(&self, template: &str) -> String {
        self.values.iter().fold(template.to_owned(), |text, (name, _)| {
            text.replace(&format!("{{{name}}}"), &format!("<{name}>"))
        })
    }

    fn expression(&self, template: &str) -> String {
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some((at, name, cel)) = self
            .values
            .iter()
            .filter_map(|(name, cel)| rest.find(&format!("{{{name}}}")).map(|at| (at, *name, *cel)))
            .min_by_key(|(at, ..)| *at)
        {
            if at > 0 {
                parts.push(quote(&rest[..at]));
            }
            parts.push(cel.to_owned());
            rest = &rest[at + name.len() + 2..];
        }
        if !rest.is_empty() {
            parts.push(quote(rest));
        }
        parts.join(" + ")
    }
}
