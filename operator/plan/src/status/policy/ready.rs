//! `Ready`, and what is said of a namespace that is not governed.

use super::super::{Answer, Failure, first};
use super::findings::refusals;
use crate::governance::Governance;
use crate::namespace::{NamespacePlan, Report};
use snc_core::condition::reason;
use snc_core::lang::Lang;

pub(super) fn ungoverned(plan: &NamespacePlan) -> Answer {
    match &plan.governance {
        Governance::Observed { tenant } => Answer::no(
            reason::OBSERVED,
            format!(
                "le tenant {tenant} observe ce namespace, qui avait déjà des pods : rien n'y est appliqué"
            ),
            format!("tenant {tenant} observes this namespace, which already had pods: nothing is applied"),
        ),
        Governance::Conflict { claimants, .. } => {
            let list = claimants.join(", ");
            Answer::no(
                reason::NAMESPACE_CONFLICT,
                format!("namespace revendiqué par plusieurs tenants : {list}"),
                format!("namespace claimed by several tenants: {list}"),
            )
        }
        Governance::Protected => Answer::no(
            reason::NAMESPACE_PROTECTED,
            "namespace réservé au cluster, jamais gouverné",
            "namespace reserved to the cluster, never governed",
        ),
        Governance::Released { tenant } => Answer::no(
            reason::NOT_GOVERNED,
            format!("le tenant {tenant} a libéré ce namespace (spec.release)"),
            format!("tenant {tenant} released this namespace (spec.release)"),
        ),
        Governance::Terminating { .. } => {
            Answer::no(reason::NOT_GOVERNED, "namespace en cours de suppression", "namespace being deleted")
        }
        Governance::None | Governance::Governed { .. } => Answer::no(
            reason::NOT_GOVERNED,
            "aucun SncTenant ne revendique ce namespace : la politique n'a pas d'effet",
            "no SncTenant claims this namespace: the policy has no effect",
        ),
    }
}

pub(super) fn ready(name: &str, plan: &NamespacePlan, report: &Report, failures: &[Failure]) -> Answer {
    let effective = &report.effective;
    if let Some(failure) = failures.first() {
        let Failure { what, error, reason } = failure;
        let more = if failures.len() > 1 { format!(" (+{})", failures.len() - 1) } else { String::new() };
        return Answer::no(reason, format!("{what} : {error}{more}"), format!("{what}: {error}{more}"));
    }
    if report.gate_pending {
        return Answer::no(
            reason::GATE_NOT_PROVEN,
            "isolation-gate n'a pas encore refusé le pod témoin : le namespace n'est pas encore pris en charge",
            "isolation-gate has not refused the canary pod yet: the namespace is not taken over yet",
        );
    }
    if let Some(retained) =
        effective.retained.iter().find(|r| r.object == format!("SncPolicy/{name}") && r.error.is_some())
    {
        let error = retained.error.clone().unwrap_or_default();
        return Answer::no(
            reason::UNREADABLE,
            format!("objet illisible, la dernière version lue reste en vigueur : {error}"),
            format!("object cannot be read, its last readable version stays in force: {error}"),
        );
    }
    let unreadable: Vec<&str> =
        effective.retained.iter().filter(|r| r.error.is_some()).map(|r| r.object.as_str()).collect();
    if !unreadable.is_empty() {
        let list = first(&unreadable, 4);
        return Answer::unknown(
            reason::UNREADABLE,
            format!("illisibles, leur dernière version connue reste en vigueur : {list}"),
            format!("cannot be read, their last known version stays in force: {list}"),
        );
    }
    if !effective.conflicts.is_empty() {
        let fields: Vec<String> = effective
            .conflicts
            .iter()
            .map(|c| format!("{} ({})", c.field, c.sources.iter().cloned().collect::<Vec<_>>().join(", ")))
            .collect();
        let fields = first(&fields, 4);
        return Answer::no(
            reason::BASELINE_CONFLICT,
            format!(
                "les SncBaseline n'ont rien en commun pour : {fields} ; la dernière valeur cohérente reste en vigueur"
            ),
            format!(
                "the SncBaselines have nothing in common for: {fields}; the last consistent value stays in force"
            ),
        );
    }
    let refused = refusals(name, report);
    if !refused.is_empty() {
        let text = |lang| {
            let list: Vec<String> = refused.iter().map(|r| r.message(lang)).collect();
            first(&list, 3)
        };
        return Answer::no(reason::FIELDS_REFUSED, text(Lang::Fr), text(Lang::En));
    }
    if let Some(excess) = report.share.excess.first() {
        let (resource, asked, granted) = (&excess.resource, excess.asked, excess.granted);
        return Answer::no(
            reason::QUOTA_EXCEEDED,
            format!("spec.quota[{resource}] : demandé {asked}, accordé {granted} dans le total du tenant"),
            format!("spec.quota[{resource}]: asked {asked}, granted {granted} within the tenant's total"),
        );
    }
    if !report.left_out.is_empty() {
        let names = report.left_out.join(", ");
        return Answer::no(
            reason::RECORD_TRUNCATED,
            format!("politiques trop grandes pour être retenues si on les supprime : {names}"),
            format!("policies too large to be retained if they are deleted: {names}"),
        );
    }
    if !plan.steps.is_empty() {
        return Answer::no(reason::PENDING, "en cours d'application", "being applied");
    }
    Answer::yes(reason::APPLIED, "tout ce qui est demandé est appliqué", "everything asked for is applied")
}
