use super::{Answer, Context, Failure, first};
use crate::governance::Governance;
use crate::namespace::{NamespacePlan, Report};
use crate::validate::is_unsafe_port;
use jiff::{Timestamp, ToSpan};
use snc_api::v1alpha1::{
    EffectiveValue, FlowCounts, ManagedObjects, Named, PolicyFindings, SncPolicy, SncPolicySpec,
    SncPolicyStatus,
};
use snc_core::condition::{kind, reason};
use snc_core::flow::PortRange;
use snc_core::lang::Lang;
use snc_core::policy::InForce;
use snc_core::text::{Text, clip};
use snc_core::tier::Mode;
use snc_network::effective::Effective as Network;

const SHOWN: usize = 20;

/// The status of one policy, from the plan of its namespace and what the API server refused of it.
pub fn policy_status(
    policy: &SncPolicy,
    plan: &NamespacePlan,
    failures: &[Failure],
    lang: Lang,
    now: Timestamp,
) -> SncPolicyStatus {
    let name = policy.metadata.name.as_deref().unwrap_or_default();
    let previous = policy.status.as_ref().map(|s| s.conditions.as_slice()).unwrap_or_default();
    let context = Context { lang, generation: policy.metadata.generation, now };
    let Some(report) = &plan.report else {
        let answer = if plan.denied.is_empty() { ungoverned(plan) } else { denied(&plan.denied.join(", ")) };
        let kinds = [kind::READY, kind::NETWORK_POLICY_EFFECTIVE, kind::NETWORK_ISOLATED];
        return SncPolicyStatus {
            observed_generation: context.generation,
            tenant: plan.governance.tenant().map(ToOwned::to_owned),
            conditions: kinds.map(|k| answer.clone().condition(k, previous, &context)).into(),
            ..SncPolicyStatus::default()
        };
    };
    let effective = &report.effective;
    let network = network_policy_effective(&report.network.state);
    let isolated = network_isolated(&network, report);
    let flows = report.flows.get(name);
    let findings = findings(name, &policy.spec, report, lang, now);
    SncPolicyStatus {
        observed_generation: context.generation,
        tenant: Some(effective.tenant.clone()),
        level: Some(effective.constraints.level()),
        // Once isolated, a namespace stays so whatever is asked for now.
        isolation: Some(if report.enforced { Mode::Enforce } else { effective.constraints.isolation() }),
        effective: in_force(report)
            .into_iter()
            .take(64)
            .map(|v| EffectiveValue {
                field: clip(&v.field, 300),
                value: clip(&v.value, 1024),
                from: bounded(v.from),
            })
            .collect(),
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
        ],
    }
}

/// What the tenant's total leaves of a quota is what is in force.
fn in_force(report: &Report) -> Vec<InForce> {
    let mut all = report.effective.constraints.in_force();
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

fn ungoverned(plan: &NamespacePlan) -> Answer {
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

fn ready(name: &str, plan: &NamespacePlan, report: &Report, failures: &[Failure]) -> Answer {
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

fn refusals<'a>(name: &str, report: &'a Report) -> Vec<&'a snc_core::text::Refusal> {
    let of_fields = report.effective.refusals.get(name).into_iter().flatten();
    let of_flows = report.flows.get(name).into_iter().flat_map(|f| &f.refusals);
    of_fields.chain(of_flows).collect()
}

/// The status of the condition `NetworkPolicyEffective`.
pub fn network_status(network: &Network) -> &'static str {
    network_policy_effective(network).status
}

fn denied(kinds: &impl std::fmt::Display) -> Answer {
    Answer::unknown(
        reason::PERMISSION_MISSING,
        format!("l'opérateur n'a pas le droit de lire : {kinds}"),
        format!("the operator is not allowed to read: {kinds}"),
    )
}

fn network_policy_effective(network: &Network) -> Answer {
    match network {
        Network::Denied(kinds) => denied(kinds),
        Network::Stale(kinds) => Answer::unknown(
            reason::INPUTS_STALE,
            format!("plus de nouvelles de l'API depuis trop longtemps pour : {kinds}"),
            format!("nothing heard from the API for too long of: {kinds}"),
        ),
        Network::AsPlanned { policies, others: 0 } => Answer::yes(
            reason::POLICIES_PRESENT,
            format!("{policies} NetworkPolicy relues telles que prévues, aucune autre dans le namespace"),
            format!("{policies} NetworkPolicies read back as planned, no other one in the namespace"),
        ),
        Network::AsPlanned { policies, others } => Answer::yes(
            reason::POLICIES_PRESENT,
            format!(
                "{policies} NetworkPolicy relues telles que prévues ; {others} d'autres n'ouvrent rien hors du tenant qui ne soit déclaré"
            ),
            format!(
                "{policies} NetworkPolicies read back as planned; {others} others open nothing outside of the tenant that is not declared"
            ),
        ),
        Network::NotEnforced => Answer::no(
            reason::NOT_ENFORCED,
            "modes.isolation n'est pas Enforce : aucune NetworkPolicy n'est appliquée",
            "modes.isolation is not Enforce: no NetworkPolicy is applied",
        ),
        Network::Missing(names) => Answer::no(
            reason::POLICIES_MISSING,
            format!("NetworkPolicy absentes ou modifiées : {names}"),
            format!("NetworkPolicies missing or changed: {names}"),
        ),
        Network::HostNetwork(names) => Answer::no(
            reason::HOST_NETWORK,
            format!("pods en hostNetwork, hors de toute NetworkPolicy : {names}"),
            format!("pods with hostNetwork, out of reach of any NetworkPolicy: {names}"),
        ),
        Network::Opened(breaches) => {
            let text = |lang| {
                let list: Vec<String> = breaches.iter().map(|b| b.text().get(lang).to_owned()).collect();
                first(&list, 3)
            };
            Answer::no(reason::UNDECLARED_OPENING, text(Lang::Fr), text(Lang::En))
        }
        Network::Undecided(policies) => {
            let text = |lang| {
                let list: Vec<String> =
                    policies.iter().map(|(name, why)| format!("{name} ({})", why.get(lang))).collect();
                first(&list, 3)
            };
            Answer::unknown(
                reason::UNDECIDED,
                format!("NetworkPolicy qui ne peuvent pas être jugées : {}", text(Lang::Fr)),
                format!("NetworkPolicies that cannot be judged: {}", text(Lang::En)),
            )
        }
        Network::HostPort(names) => Answer::unknown(
            reason::HOST_PORT,
            format!(
                "pods joignables par un port de leur nœud, où les moteurs réseau n'appliquent pas tous les NetworkPolicy : {names}"
            ),
            format!(
                "pods reached through a port of their node, where not every network engine applies NetworkPolicies: {names}"
            ),
        ),
        Network::Leftover(names) => Answer::unknown(
            reason::PENDING,
            format!("NetworkPolicy de l'opérateur en cours de retrait : {names}"),
            format!("NetworkPolicies of the operator that are being removed: {names}"),
        ),
        Network::RangesUnknown(names) => Answer::unknown(
            reason::RANGES_UNKNOWN,
            format!(
                "ni le cluster ni un SncBaseline (spec.network.deniedCIDRs) ne dit quelles plages sont celles du cluster ; ces flux vers des adresses peuvent les couvrir : {names}"
            ),
            format!(
                "neither the cluster nor an SncBaseline (spec.network.deniedCIDRs) says which ranges are the cluster's own; these flows to addresses may cover them: {names}"
            ),
        ),
        Network::Unmodelled(names) => Answer::unknown(
            reason::UNMODELLED_KIND,
            format!("ce cluster sert des politiques réseau que cette version ne sait pas lire : {names}"),
            format!("this cluster serves network policies that this version cannot read: {names}"),
        ),
    }
}

/// A policy proves nothing of packets: without a statement of the platform the answer is unknown.
fn network_isolated(network: &Answer, report: &Report) -> Answer {
    if network.status != "True" {
        return network.clone();
    }
    match report.effective.constraints.enforcement.iter().next_back() {
        Some((statement, sources)) => {
            let from = sources.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let (engine, date, evidence) = (&statement.engine, statement.stated_on, &statement.evidence);
            Answer::yes(
                reason::ENFORCEMENT_STATED,
                format!(
                    "application déclarée par {from} : {engine}, {date}, preuve : {evidence}. Repose sur cette déclaration, pas sur une mesure de paquets"
                ),
                format!(
                    "enforcement stated by {from}: {engine}, {date}, evidence: {evidence}. Rests on that statement, not on a measurement of packets"
                ),
            )
        }
        None => Answer::unknown(
            reason::ENFORCEMENT_NOT_PROVEN,
            "rien ne prouve que le réseau du cluster applique les NetworkPolicy : ni déclaration (spec.network.enforcement d'un SncBaseline), ni mesure",
            "nothing proves that the cluster's network enforces NetworkPolicies: no statement (spec.network.enforcement of an SncBaseline), no measurement",
        ),
    }
}

/// Everything worth reading, worst first.
fn findings(name: &str, spec: &SncPolicySpec, report: &Report, lang: Lang, now: Timestamp) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    if let Some(gap) = &report.gap {
        let text = Text::new(
            format!(
                "{} : des pods ont tourné sans isolation du {} au {}",
                reason::ADOPTED_WITH_GAP,
                gap.from,
                gap.to
            ),
            format!(
                "{}: pods ran without isolation from {} to {}",
                reason::ADOPTED_WITH_GAP,
                gap.from,
                gap.to
            ),
        );
        all.push(text.get(lang).to_owned());
    }
    all.extend(report.network.findings.iter().map(|text| text.get(lang).to_owned()));
    all.extend(
        refusals(name, report).iter().map(|r| format!("{}: {}", reason::FIELDS_REFUSED, r.message(lang))),
    );
    for retained in &report.effective.retained {
        let text = match &retained.error {
            None => lang.pick(
                || {
                    format!("{}: {} n'existe plus ou ne vise plus ce tenant, sa dernière version reste en vigueur", reason::RETAINED, retained.object)
                },
                || {
                    format!("{}: {} is gone or no longer meant for this tenant, its last version stays in force", reason::RETAINED, retained.object)
                },
            ),
            Some(error) => format!("{}: {}: {error}", reason::UNREADABLE, retained.object),
        };
        all.push(text);
    }
    for (object, refusals) in &report.effective.refusals {
        if object.starts_with("SncBaseline/") {
            all.extend(refusals.iter().map(|r| format!("{object}: {}", r.message(lang))));
        }
    }
    for flow in spec.network.iter().flat_map(|n| &n.flows) {
        let unsafe_port = flow
            .ports
            .iter()
            .filter_map(|p| PortRange::new(p.protocol, p.port.into(), p.end_port.map(Into::into)))
            .find(|range| is_unsafe_port(*range));
        if let (Some(port), None) = (unsafe_port, &flow.compensating_measure) {
            all.push(lang.pick(
                || format!("UnsafeProtocol: flux {} ({port}) sans compensatingMeasure", flow.name),
                || format!("UnsafeProtocol: flow {} ({port}) without compensatingMeasure", flow.name),
            ));
        }
        if let Some(given) =
            flow.reviewed_on.as_deref().filter(|date| date.parse::<jiff::civil::Date>().is_err())
        {
            all.push(lang.pick(
                || format!("ReviewOverdue: flux {}, reviewedOn {given:?} n'est pas une date", flow.name),
                || format!("ReviewOverdue: flow {}, reviewedOn {given:?} is not a date", flow.name),
            ));
        }
        if let Some(date) = overdue(flow.reviewed_on.as_deref(), now) {
            all.push(lang.pick(
                || {
                    format!(
                        "ReviewOverdue: flux {} revu pour la dernière fois le {date}, plus de 12 mois",
                        flow.name
                    )
                },
                || {
                    format!(
                        "ReviewOverdue: flow {} last reviewed on {date}, more than 12 months ago",
                        flow.name
                    )
                },
            ));
        }
    }
    all
}

/// The date of a review older than twelve months (requirement 13.1.b).
pub fn overdue(reviewed_on: Option<&str>, now: Timestamp) -> Option<jiff::civil::Date> {
    let date: jiff::civil::Date = reviewed_on?.parse().ok()?;
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let due = date.checked_add(12.months()).ok()?;
    (due < today).then_some(date)
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
