//! A rule as the only rule of a policy.

use crate::fixtures::Fixture;
use crate::kinds::Kinds;
use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use snc_catalogue::{VARIABLES, render};
use snc_core::control::Control;
use snc_core::lang::Lang;
use snc_e2e::api::Api;

pub const LABEL: &str = "parity.secnumcloud.dev/policy";
pub const SENTINEL: &str = "parity.secnumcloud.dev/sentinel";
pub const POLICIES: &str = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
pub const BINDINGS: &str = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings";

pub struct Policy {
    pub name: String,
    pub control: String,
    pub failure: &'static str,
    pub lang: Lang,
    /// As the fixtures that it is for have them.
    pub params: Map<String, Value>,
    spec: Value,
}

impl Policy {
    /// Two for each set of parameters.
    pub fn of(control: &Control, fixture: &Fixture, kinds: &Kinds) -> Result<Vec<Self>> {
        let rule = control.rule.as_ref().context("a rule")?;
        let rendered = render(control, rule).map_err(anyhow::Error::msg)?;
        let mut sets: Vec<&Map<String, Value>> = Vec::new();
        for case in fixture.cases.iter().filter(|case| case.server) {
            if !sets.contains(&&case.params) {
                sets.push(&case.params);
            }
        }
        let mut policies = Vec::new();
        for (index, params) in sets.into_iter().enumerate() {
            for failure in ["Fail", "Ignore"] {
                let lang = crate::lang(failure);
                let name = format!("{}-{index}-{}", control.id, failure.to_lowercase());
                // JSON is an expression; without its types, since those of a parameter object are not known either.
                let values: Vec<String> = control
                    .parameters
                    .iter()
                    .map(|parameter| {
                        let value = params.get(&parameter.name).unwrap_or(&parameter.default);
                        format!("{}: dyn({value})", Value::from(parameter.name.as_str()))
                    })
                    .collect();
                let values = format!("{{{}}}", values.join(", "));
                let mut variables = vec![json!({"name": "params", "expression": values})];
                variables
                    .extend(VARIABLES.iter().map(|(name, text)| json!({"name": name, "expression": text})));
                let spec = json!({
                    "failurePolicy": failure,
                    "matchConstraints": {
                        "matchPolicy": "Exact",
                        "objectSelector": {"matchLabels": {LABEL: name}},
                        "resourceRules": kinds.rules(control),
                    },
                    "variables": variables,
                    "validations": [
                        {
                            "expression": format!("!('{SENTINEL}' in object.metadata.?annotations.orValue({{}}))"),
                            "message": SENTINEL,
                        },
                        {
                            "expression": rendered.validation,
                            "message": control.title.get(lang),
                            "messageExpression": rendered.message.get(lang),
                        },
                    ],
                });
                let (control, params) = (control.id.clone(), params.clone());
                policies.push(Self { name, control, failure, lang, params, spec });
            }
        }
        Ok(policies)
    }

    pub fn create(&self, api: &Api) -> Result<()> {
        let object = |kind: &str, spec: Value| {
            json!({
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": kind,
                "metadata": {"name": self.name},
                "spec": spec,
            })
        };
        api.create(POLICIES, object("ValidatingAdmissionPolicy", self.spec.clone()))
            .with_context(|| format!("{}: {}", self.name, self.spec))?;
        let binding = json!({"policyName": self.name, "validationActions": ["Deny"]});
        api.create(BINDINGS, object("ValidatingAdmissionPolicyBinding", binding))?;
        Ok(())
    }
}
