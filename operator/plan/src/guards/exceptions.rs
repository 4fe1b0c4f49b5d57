//! `sncexception-guard`: an exception is asked for in one's own name, does not change once it is there, and is approved by
//! somebody else, who is a person.

use super::build::{Action, Refusal, Spec, USERNAME, matches, quote, rule, variable};
use super::{Guard, Identity};
use k8s_openapi::api::admissionregistration::v1::Validation;
use snc_core::lang::Lang;
use snc_core::names::{GROUP, GUARD_EXCEPTION};

/// What the operator says of an exception; nobody else does. Everything of the status but the approval.
pub(super) const OPERATORS: &[&str] =
    &["approvedAt", "until", "pairs", "hits", "observedGeneration", "conditions"];
pub(super) const APPROVAL: &str = "approvedBy";

/// Names that the API server gives to no person.
const NO_PERSON: &[&str] = &["system:serviceaccount:", "system:node:", "system:anonymous"];

const NAME: (&str, &str) = ("name", "request.?name.orValue(\"\")");
const USER: (&str, &str) = ("user", "variables.user");

pub(super) fn guard(identity: &Identity, lang: Lang) -> Guard {
    Spec {
        name: GUARD_EXCEPTION,
        action: Action::Deny,
        matches: matches(vec![rule(
            GROUP,
            "v1alpha1",
            &["sncexceptions", "sncexceptions/status"],
            &["CREATE", "UPDATE"],
        )]),
        params: None,
        only: None,
        variables: vec![
            variable("user", USERNAME),
            variable("operator", format!("variables.user == {}", quote(&identity.username()))),
            variable("status", "request.?subResource.orValue(\"\") == \"status\""),
            variable("creates", "request.operation == \"CREATE\""),
            variable("requester", "object.?spec.?requestedBy.orValue(\"\")"),
            variable("before", format!("oldObject.?status.?{APPROVAL}.orValue(\"\")")),
            variable("after", format!("object.?status.?{APPROVAL}.orValue(\"\")")),
            variable(
                "person",
                NO_PERSON
                    .iter()
                    .map(|start| format!("!variables.user.startsWith({})", quote(start)))
                    .collect::<Vec<_>>()
                    .join(" && "),
            ),
            // In steps, since one expression over the whole is long to count.
            variable(
                "others",
                format!(
                    "[{}].filter(f, f != \"\")",
                    OPERATORS
                        .iter()
                        .map(|field| format!(
                            "object.?status.?{field} == oldObject.?status.?{field} ? \"\" : {}",
                            quote(field)
                        ))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            ),
        ],
        validations: vec![requester(lang), unchanged(lang), approval(lang), other_status(lang)],
    }
    .build()
}

fn requester(lang: Lang) -> Validation {
    Refusal {
        fr: "sncexception-guard: spec.requestedBy: reçu '{requester}'; accepté: '{user}', le nom sous lequel vous êtes \
             authentifié (kubectl auth whoami): une exception se demande en son propre nom.",
        en: "sncexception-guard: spec.requestedBy: got '{requester}'; accepted: '{user}', the name under which you are \
             authenticated (kubectl auth whoami): an exception is asked for in one's own name.",
        values: &[("requester", "variables.requester"), USER],
    }
    .validation(lang, "Invalid", "!variables.creates || variables.requester == variables.user")
}

fn unchanged(lang: Lang) -> Validation {
    Refusal {
        fr: "sncexception-guard: spec du SncException '{name}': modification refusée à {user}: ce qui a été demandé et \
             approuvé ne change plus. Créez un autre SncException, puis supprimez celui-ci.",
        en: "sncexception-guard: spec of SncException '{name}': change refused to {user}: what was asked for and approved \
             does not change any more. Create another SncException, then delete this one.",
        values: &[NAME, USER],
    }
    .validation(
        lang,
        "Invalid",
        "variables.creates || variables.status || object.?spec == oldObject.?spec",
    )
}

fn approval(lang: Lang) -> Validation {
    Refusal {
        fr: "sncexception-guard: status.approvedBy du SncException '{name}': de '{before}' à '{after}', refusé à {user}: \
             accepté: votre propre nom, une seule fois, par une personne autre que '{requester}' qui le demande, jamais un \
             ServiceAccount. Pour retirer une approbation, supprimez l'objet.",
        en: "sncexception-guard: status.approvedBy of SncException '{name}': from '{before}' to '{after}', refused to \
             {user}: accepted: your own name, once, by another person than '{requester}' who asks for it, never a \
             ServiceAccount. To withdraw an approval, delete the object.",
        values: &[
            NAME,
            USER,
            ("before", "variables.before"),
            ("after", "variables.after"),
            ("requester", "variables.requester"),
        ],
    }
    .validation(
        lang,
        "Forbidden",
        format!(
            "object.?status.?{APPROVAL} == oldObject.?status.?{APPROVAL} || (variables.status && \
             variables.before == \"\" && variables.after == variables.user && \
             variables.after != variables.requester && variables.person)"
        ),
    )
}

fn other_status(lang: Lang) -> Validation {
    Refusal {
        fr: "sncexception-guard: status.{field} du SncException '{name}': modification refusée à {user}: seul snc-operator \
             l'écrit. Une approbation ne porte que sur status.approvedBy.",
        en: "sncexception-guard: status.{field} of SncException '{name}': change refused to {user}: only snc-operator \
             writes it. An approval sets status.approvedBy and nothing else.",
        values: &[NAME, USER, ("field", "(variables.others.size() == 0 ? \"\" : variables.others[0])")],
    }
    .validation(lang, "Forbidden", "variables.operator || variables.others.size() == 0")
}
