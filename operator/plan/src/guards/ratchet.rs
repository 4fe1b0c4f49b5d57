//! `sncpolicy-ratchet`: a field of an `SncPolicy` that is written is at least the platform's floor, which the
//! operator keeps in labels of the namespace. A field left as it was passes, so that a raised floor does not
//! freeze old objects; the operator ignores what it holds and reports it.

use super::Guard;
use super::build::{Action, Refusal, Spec, matches, quote, rule, variable};
use k8s_openapi::api::admissionregistration::v1::{Validation, Variable};
use snc_core::lang::Lang;
use snc_core::names::{
    GROUP, GUARD_RATCHET, LABEL_FLOOR_IMAGES, LABEL_FLOOR_ISOLATION, LABEL_FLOOR_LEVEL,
    LABEL_FLOOR_POD_SECURITY, LABEL_FLOOR_QUOTA, LABEL_FLOOR_WORKLOADS,
};
use snc_core::tier::{Level, Mode};

/// A field with an order: its path in the object, its floor's label and its values, weakest first.
struct Field {
    name: &'static str,
    path: &'static str,
    label: &'static str,
    scale: Vec<&'static str>,
}

fn fields() -> [Field; 6] {
    let levels: Vec<_> = Level::ALL.iter().map(|level| level.as_str()).collect();
    let modes: Vec<_> = Mode::ALL.iter().map(|mode| mode.as_str()).collect();
    [
        Field { name: "level", path: "spec.level", label: LABEL_FLOOR_LEVEL, scale: levels },
        Field {
            name: "isolation",
            path: "spec.modes.isolation",
            label: LABEL_FLOOR_ISOLATION,
            scale: modes.clone(),
        },
        Field {
            name: "podSecurity",
            path: "spec.modes.podSecurity",
            label: LABEL_FLOOR_POD_SECURITY,
            scale: modes.clone(),
        },
        Field { name: "quota", path: "spec.modes.quota", label: LABEL_FLOOR_QUOTA, scale: modes.clone() },
        Field {
            name: "workloads",
            path: "spec.modes.workloads",
            label: LABEL_FLOOR_WORKLOADS,
            scale: modes.clone(),
        },
        Field { name: "images", path: "spec.modes.images", label: LABEL_FLOOR_IMAGES, scale: modes },
    ]
}

impl Field {
    /// The given value, or "" where there is none: absent and null are the same to us.
    fn value(&self, object: &str) -> String {
        let path = self.path.replace('.', ".?");
        format!("{object}.?{path}.optMap(v, dyn(v) == null ? \"\" : string(v)).orValue(\"\")")
    }

    fn variables(&self) -> [Variable; 3] {
        let Self { name, label, .. } = self;
        [
            variable(&format!("{name}Given"), self.value("object")),
            variable(&format!("{name}Before"), self.value("oldObject")),
            variable(
                &format!("{name}Floor"),
                format!("namespaceObject.?metadata.?labels[?\"{label}\"].orValue(\"\")"),
            ),
        ]
    }

    fn validation(&self, lang: Lang) -> Validation {
        let Self { name, path, scale, .. } = self;
        let list = format!("[{}]", scale.iter().map(|v| quote(v)).collect::<Vec<_>>().join(", "));
        let order = scale.join(" < ");
        // An unknown floor has rank -1 and holds nobody back; so has an unknown value, which every floor stops.
        Refusal {
            fr: &format!(
                "sncpolicy-ratchet: {path}: '{{given}}' est plus faible que le plancher '{{floor}}' du \
                 namespace {{namespace}} ({order}). Donnez '{{floor}}' ou plus fort, ou ôtez le champ: sans \
                 lui, le plancher s'applique."
            ),
            en: &format!(
                "sncpolicy-ratchet: {path}: '{{given}}' is weaker than the floor '{{floor}}' of namespace \
                 {{namespace}} ({order}). Give '{{floor}}' or stronger, or remove the field: without it the \
                 floor applies."
            ),
            values: &[
                ("given", &format!("variables.{name}Given")),
                ("floor", &format!("variables.{name}Floor")),
                ("namespace", "request.?namespace.orValue(\"\")"),
            ],
        }
        .validation(
            lang,
            "Invalid",
            format!(
                "variables.{name}Given == \"\" || variables.{name}Given == variables.{name}Before || \
                 {list}.indexOf(variables.{name}Given) >= {list}.indexOf(variables.{name}Floor)"
            ),
        )
    }
}

pub(super) fn guard(lang: Lang) -> Guard {
    let fields = fields();
    Spec {
        name: GUARD_RATCHET,
        action: Action::Deny,
        // Not sncpolicies/status: it holds nothing that is declared.
        matches: matches(vec![rule(GROUP, "v1alpha1", &["sncpolicies"], &["CREATE", "UPDATE"])]),
        params: None,
        only: None,
        variables: fields.iter().flat_map(Field::variables).collect(),
        validations: fields.iter().map(|field| field.validation(lang)).collect(),
    }
    .build()
}
