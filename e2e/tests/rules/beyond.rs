//! Rules on objects that the API server shows to no admission policy.

use crate::fixtures::Fixture;
use crate::kinds::Kinds;
use crate::policies::{BINDINGS, LABEL, POLICIES, SENTINEL};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use snc_core::control::Control;
use snc_e2e::api::Api;
use snc_e2e::wait::within;
use std::time::Duration;

const EVERYTHING: &str = "everything";

/// A policy that refuses whatever it sees does not see them: were it to, their rules could be asked like all others.
pub fn let_through(api: &Api, kinds: &Kinds, rules: &[(&Control, Fixture)]) -> Result<()> {
    if rules.is_empty() {
        return Ok(());
    }
    let object = |kind: &str, spec: Value| {
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": EVERYTHING},
            "spec": spec,
        })
    };
    let all = json!({
        "apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["*"],
    });
    let policy = json!({
        "matchConstraints": {"objectSelector": {"matchLabels": {LABEL: EVERYTHING}}, "resourceRules": [all]},
        "validations": [{"expression": "false", "message": SENTINEL}],
    });
    api.create(POLICIES, object("ValidatingAdmissionPolicy", policy))?;
    let binding = json!({"policyName": EVERYTHING, "validationActions": ["Deny"]});
    api.create(BINDINGS, object("ValidatingAdmissionPolicyBinding", binding))?;

    let labels = json!({LABEL: EVERYTHING});
    let seen =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "seen", "labels": labels}});
    within(Duration::from_secs(60), "the policy on everything to act", || {
        match api.send(&crate::ask(kinds, &seen)?) {
            Err(refusal) if refusal.message.contains(SENTINEL) => Ok(()),
            other => bail!("{other:?}"),
        }
    })?;
    let mut objects = 0;
    for (control, fixture) in rules {
        let cases: Vec<_> = fixture.cases.iter().filter(|case| case.server).collect();
        ensure!(!cases.is_empty(), "no fixture of {} can be sent", control.id);
        objects += cases.len();
        for case in cases {
            let mut object = case.object.clone().context("a rule is for one object")?;
            object["metadata"]["labels"] = labels.clone();
            api.send(&crate::ask(kinds, &object)?)
                .with_context(|| format!("{}, {:?}", control.id, case.name))?;
        }
    }
    let ids: Vec<&str> = rules.iter().map(|(control, _)| control.id.as_str()).collect();
    println!("never seen by an admission policy, {objects} objects let through: {}", ids.join(", "));
    Ok(())
}
