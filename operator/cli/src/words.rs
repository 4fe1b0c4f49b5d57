//! The reader's words for what the models say in codes.

use crate::model::Tri;
use crate::model::plan::Situation;
use crate::model::preflight;
use crate::model::status::State;
use snc_catalogue::RequirementState;
use snc_core::lang::Lang;
use snc_index::Unreadable;

pub const fn tri(lang: Lang, tri: Tri) -> &'static str {
    match tri {
        Tri::True => lang.str("Vrai", "True"),
        Tri::False => lang.str("Faux", "False"),
        Tri::Unknown => lang.str("Inconnu", "Unknown"),
    }
}

pub const fn state(lang: Lang, state: State) -> &'static str {
    match state {
        State::Isolated => lang.str("Isolé", "Isolated"),
        State::NotEnforced => lang.str("Non appliqué", "NotEnforced"),
        State::Pending => lang.str("En cours", "Pending"),
        State::Observed => lang.str("Observé", "Observed"),
        State::Conflict => lang.str("Conflit", "Conflict"),
        State::Protected => lang.str("Protégé", "Protected"),
        State::Terminating => lang.str("En suppression", "Terminating"),
        State::Absent => lang.str("Absent", "Absent"),
        State::NotGoverned => lang.str("Non gouverné", "NotGoverned"),
        State::Unknown => lang.str("Inconnu", "Unknown"),
    }
}

pub const fn requirement(lang: Lang, state: RequirementState) -> &'static str {
    match state {
        RequirementState::NonCompliant => lang.str("non conforme", "not compliant"),
        RequirementState::Unknown => lang.str("inconnu", "unknown"),
        RequirementState::AwaitingAttestation => lang.str("en attente d'attestation", "awaiting attestation"),
        RequirementState::ProvenInCluster => lang.str("prouvé dans le cluster", "proven in the cluster"),
        RequirementState::Compliant => lang.str("conforme", "compliant"),
        RequirementState::NotApplicable => lang.str("sans objet", "not applicable"),
    }
}

pub const fn check(lang: Lang, state: preflight::State) -> &'static str {
    match state {
        preflight::State::Ok => "ok",
        preflight::State::Missing => lang.str("manque", "missing"),
        preflight::State::Unknown => lang.str("inconnu", "unknown"),
    }
}

pub const fn situation(lang: Lang, situation: Situation) -> &'static str {
    match situation {
        Situation::Governed => lang.str("gouverné", "governed"),
        Situation::Observed => lang.str(
            "seulement observé ; ce qui suit est ce que ferait adoption: Enforce",
            "only observed; what follows is what adoption: Enforce would do",
        ),
        Situation::Conflict => lang.str("revendiqué par plusieurs tenants", "claimed by several tenants"),
        Situation::Protected => {
            lang.str("réservé au cluster, jamais gouverné", "reserved to the cluster, never governed")
        }
        Situation::Released => lang.str("libéré par la plateforme", "released by the platform"),
        Situation::Terminating => lang.str("en cours de suppression", "being deleted"),
        Situation::NotGoverned => lang.str("aucun tenant ne le revendique", "no tenant claims it"),
        Situation::ToCreate => lang.str("à créer", "to be created"),
    }
}

pub fn flow_state(lang: Lang, state: &str) -> &str {
    match state {
        "applied" => lang.str("appliqué", "applied"),
        "partly" => lang.str("en partie", "partly"),
        "refused" => lang.str("refusé", "refused"),
        "declared" => lang.str("déclaré", "declared"),
        "pending" => lang.str("en cours", "pending"),
        "unknown" => lang.str("inconnu", "unknown"),
        other => other,
    }
}

pub fn direction(lang: Lang, direction: &str) -> &str {
    match direction {
        "Ingress" => lang.str("entrant", "ingress"),
        "Egress" => lang.str("sortant", "egress"),
        other => other,
    }
}

pub fn nature(lang: Lang, nature: &str) -> &str {
    match nature {
        "Application" => lang.str("applicatif", "application"),
        "Data" => lang.str("données", "data"),
        "Administration" => "administration",
        "Authentication" => lang.str("authentification", "authentication"),
        "Supervision" => "supervision",
        "Backup" => lang.str("sauvegarde", "backup"),
        "Other" => lang.str("autre", "other"),
        other => other,
    }
}

pub fn unreadable(object: &Unreadable) -> String {
    let place = object.namespace.as_ref().map(|n| format!("{n}/")).unwrap_or_default();
    format!("{place}{}: {}", object.name, object.error)
}

pub fn cannot_read(lang: Lang, what: &str) -> String {
    lang.pick(|| format!("objet illisible : {what}"), || format!("object cannot be read: {what}"))
}

pub fn conflict(lang: Lang, claimants: &[String], observed: bool) -> String {
    let list = claimants.join(", ");
    if observed {
        return lang.pick(
            || {
                format!(
                    "revendiqué par {list} ; des pods y tournent et l'un d'eux observe : rien n'est appliqué"
                )
            },
            || format!("claimed by {list}; pods run there and one of them observes: nothing is applied"),
        );
    }
    lang.pick(
        || format!("revendiqué par {list} : seul le refus par défaut est appliqué"),
        || format!("claimed by {list}: only the default-deny is applied"),
    )
}

pub fn retained(lang: Lang, object: &str, error: Option<&str>) -> String {
    match error {
        None => lang.pick(
            || format!("{object} n'existe plus, sa dernière version reste en vigueur"),
            || format!("{object} is gone, its last version stays in force"),
        ),
        Some(error) => lang.pick(
            || format!("{object} est illisible, sa dernière version lue reste en vigueur : {error}"),
            || format!("{object} cannot be read, its last readable version stays in force: {error}"),
        ),
    }
}

pub fn baseline_conflict(lang: Lang, field: &str, sources: &str) -> String {
    lang.pick(
        || format!("les SncBaseline n'ont rien en commun pour spec.{field} : {sources}"),
        || format!("the SncBaselines have nothing in common for spec.{field}: {sources}"),
    )
}

pub fn refused(lang: Lang, object: &str, what: &str) -> String {
    lang.pick(
        || format!("refusé, ne sera pas appliqué : {object} {what}"),
        || format!("refused, will not be applied: {object} {what}"),
    )
}

pub fn excess(lang: Lang, resource: &str, asked: &str, granted: &str) -> String {
    lang.pick(
        || format!("quota {resource} : demandé {asked}, accordé {granted} dans le total du tenant"),
        || format!("quota {resource}: asked {asked}, granted {granted} within the tenant's total"),
    )
}

pub fn left_out(lang: Lang, names: &str) -> String {
    lang.pick(
        || format!("trop grandes pour être retenues si on les supprime : {names}"),
        || format!("too large to be retained if they are deleted: {names}"),
    )
}

pub fn not_enforced(lang: Lang, namespace: &str) -> String {
    lang.pick(
        || {
            format!(
                "{namespace} : l'isolation n'y est pas Enforce ; les flux sont déclarés, rien n'est fermé"
            )
        },
        || format!("{namespace}: isolation is not Enforce there; flows are declared, nothing is closed"),
    )
}

pub fn observed(lang: Lang, namespace: &str) -> String {
    lang.pick(
        || format!("{namespace} : seulement observé ; les flux sont déclarés, rien n'est appliqué"),
        || format!("{namespace}: only observed; flows are declared, nothing is applied"),
    )
}

pub fn no_effect(lang: Lang, namespace: &str) -> String {
    lang.pick(
        || {
            format!(
                "{namespace} : les SncPolicy n'y ont pas d'effet, aucun tenant seul ne tient ce namespace"
            )
        },
        || format!("{namespace}: its SncPolicies have no effect, no tenant alone holds this namespace"),
    )
}

pub const fn dns_note(lang: Lang) -> &'static str {
    lang.str(
        "Outre ces flux, chaque namespace isolé atteint la résolution de noms que la plateforme définit ; rien d'autre n'est ouvert par l'opérateur.",
        "Besides these flows, each isolated namespace reaches the name resolution that the platform defines; the operator opens nothing else.",
    )
}

pub const fn declared_only(lang: Lang) -> &'static str {
    lang.str(
        "Vu sans les droits de la plateforme : ce que les SncPolicy déclarent, sans savoir ce qui est ouvert.",
        "Seen without the platform's rights: what the SncPolicies declare, without knowing what is open.",
    )
}
