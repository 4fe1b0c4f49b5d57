//! `NetworkPolicyEffective` and `NetworkIsolated`.

use super::super::{Answer, first};
use crate::namespace::Report;
use crate::probe::{self, Probed};
use snc_core::condition::reason;
use snc_core::flow::Protocol;
use snc_core::lang::Lang;
use snc_core::names::PROBE;
use snc_core::text::Text;
use snc_network::effective::Effective as Network;
use std::collections::BTreeSet;

/// The status of the condition `NetworkPolicyEffective`.
pub fn network_status(network: &Network) -> &'static str {
    network_policy_effective(network).status
}

pub(super) fn network_policy_effective(network: &Network) -> Answer {
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

/// A policy proves nothing of packets: without a measurement or a statement of the platform the answer is unknown.
pub(super) fn network_isolated(network: &Answer, report: &Report) -> Answer {
    if network.status != "True" {
        return network.clone();
    }
    let (unproven_fr, unproven_en) = match &report.probed {
        // Whatever was stated.
        Probed::Disproved(through) => return disproved(through),
        Probed::Enforced { one_node } => return measured(*one_node),
        Probed::Unread(why) => return unread(why),
        Probed::Never => ("ni mesure".to_owned(), "no measurement".to_owned()),
        Probed::Inconclusive(why) => {
            (format!("ni mesure : {}", why.fr), format!("no measurement: {}", why.en))
        }
    };
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
            format!(
                "rien ne prouve que le réseau du cluster applique les NetworkPolicy : ni déclaration (spec.network.enforcement d'un SncBaseline), {unproven_fr}"
            ),
            format!(
                "nothing proves that the cluster's network enforces NetworkPolicies: no statement (spec.network.enforcement of an SncBaseline), {unproven_en}"
            ),
        ),
    }
}

fn unread(why: &Text) -> Answer {
    Answer::unknown(
        reason::ENFORCEMENT_NOT_PROVEN,
        format!("la dernière mesure du réseau (ConfigMap {PROBE}) n'est pas connue : {}", why.fr),
        format!("the last measurement of the network (ConfigMap {PROBE}) is not known: {}", why.en),
    )
}

fn measured(one_node: bool) -> Answer {
    let (fr, en) = if one_node {
        ("sur un seul nœud", "on one node")
    } else {
        ("entre deux nœuds", "between two nodes")
    };
    Answer::yes(
        reason::ENFORCEMENT_MEASURED,
        format!(
            "application mesurée par paquets depuis moins de 24 h, {fr} (ConfigMap {PROBE}). Prouve le réseau du cluster, pas chaque paire de pods de ce namespace"
        ),
        format!(
            "enforcement measured by packets less than 24 h ago, {en} (ConfigMap {PROBE}). Proves the cluster's network, not each pair of pods of this namespace"
        ),
    )
}

fn disproved(through: &BTreeSet<(Protocol, u16)>) -> Answer {
    let sides = probe::sides(through);
    Answer::no(
        reason::ENFORCEMENT_DISPROVED,
        format!(
            "le réseau du cluster a laissé passer ce qu'une NetworkPolicy interdit : {} (ConfigMap {PROBE})",
            sides.fr
        ),
        format!(
            "the cluster's network let through what a NetworkPolicy forbids: {} (ConfigMap {PROBE})",
            sides.en
        ),
    )
}

pub(super) fn denied(kinds: &impl std::fmt::Display) -> Answer {
    Answer::unknown(
        reason::PERMISSION_MISSING,
        format!("l'opérateur n'a pas le droit de lire : {kinds}"),
        format!("the operator is not allowed to read: {kinds}"),
    )
}
