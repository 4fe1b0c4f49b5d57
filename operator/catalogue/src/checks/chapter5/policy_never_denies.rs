//! ```yaml
//! id: policy-never-denies
//! category: admission
//! requirements: [5.1.a, 12.2.a]
//! level: Standard
//! severity: medium
//! scope: platform
//! title:
//!   fr: Règle d'admission qui ne refuse rien
//!   en: Admission policy that refuses nothing
//! reads:
//!   - admissionregistration.k8s.io/ValidatingAdmissionPolicy
//!   - admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding
//! judges: [admissionregistration.k8s.io/ValidatingAdmissionPolicy]
//! whenAbsent: NotApplicable
//! parameters:
//!   - name: declared
//!     default: []
//!     stronger: fewer
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Règles à l'essai ou de simple conseil, par leur nom.
//!       en: Policies on trial or that only advise, by their name.
//! remediation:
//!   fr: Lier la règle avec Deny une fois éprouvée ; la déclarer pendant l'essai.
//!   en: Bind the policy with Deny once it is tested; declare it during the trial.
//!   snippet: |
//!     apiVersion: admissionregistration.k8s.io/v1
//!     kind: ValidatingAdmissionPolicyBinding
//!     metadata: {name: regle}
//!     spec:
//!       policyName: regle
//!       validationActions: [Deny, Audit]
//! boundary:
//!   fr: Prouve qu'une liaison de la règle refuse ; ne dit pas quels objets elle vise, ni ce que la règle vérifie.
//!   en: Proves that a binding of the policy refuses; does not say which objects it is about, nor what the policy checks.
//! ```

use crate::checks::World;
use serde_json::Value;
use snc_core::verdict::{Outcome, Subject};

const POLICY: &str = "admissionregistration.k8s.io/ValidatingAdmissionPolicy";
const BINDING: &str = "admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding";

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let held =
        |kind: &str| world.snapshot.dynamic.get(kind).into_iter().flat_map(snc_core::snapshot::Stock::iter);
    let actions = |name: &str| {
        let own = held(BINDING)
            .filter(|(_, body)| body.pointer("/spec/policyName").and_then(Value::as_str) == Some(name));
        let lists =
            own.filter_map(|(_, body)| body.pointer("/spec/validationActions").and_then(Value::as_array));
        lists.flatten().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    let declared = world.settings.strings("declared");
    let judged = |subject: &Subject| {
        if declared.contains(&subject.name.as_str()) {
            return Outcome::not_applicable();
        }
        let actions = actions(&subject.name);
        if actions.iter().any(|action| action == "Deny") {
            return Outcome::pass();
        }
        if actions.is_empty() {
            return Outcome::fail("aucune liaison n'applique cette règle", "no binding applies this policy");
        }
        let actions = actions.join(", ");
        Outcome::fail(
            format!("les liaisons de cette règle ne refusent pas : {actions}"),
            format!("the bindings of this policy do not refuse: {actions}"),
        )
    };
    held(POLICY).map(|(subject, _)| (subject.clone(), judged(subject))).collect()
}
