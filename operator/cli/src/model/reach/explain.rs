//! Which rules open a connection, or which side closes it.

use super::{End, WorkloadName, ports};
use ipnet::IpNet;
use serde::Serialize;
use snc_core::flow::Direction;
use snc_core::lang::Lang;
use snc_core::text::Text;
use snc_network::reach::{
    self, Action, Cluster, Connectivity, Explanation, Fact, HalfWay, IpSet, Pod, PortSet,
};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Pairs of pods that are looked at to find the one that says most.
const MOST_PODS: usize = 50;

/// An end as the user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    Workload { namespace: String, kind: Option<String>, name: String },
    Addresses(IpNet),
}

impl Named {
    /// `namespace/kind/name`, `namespace/name`, an address or a block.
    pub fn parse(text: &str) -> Result<Self, Text> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Addresses(address.into()));
        }
        if text.parse::<IpNet>().is_ok() {
            let accepted = || {
                Text::new(
                    format!("{text} : un bloc CIDR sans bits d'hôte est attendu"),
                    format!("{text}: a CIDR block without host bits is expected"),
                )
            };
            return snc_core::cidr::parse(text).map(Self::Addresses).ok_or_else(accepted);
        }
        let parts: Vec<&str> = text.split('/').collect();
        match parts.as_slice() {
            [namespace, name] if !namespace.is_empty() && !name.is_empty() => Ok(Self::Workload {
                namespace: (*namespace).to_owned(),
                kind: None,
                name: (*name).to_owned(),
            }),
            [namespace, kind, name] if parts.iter().all(|part| !part.is_empty()) => Ok(Self::Workload {
                namespace: (*namespace).to_owned(),
                kind: Some((*kind).to_owned()),
                name: (*name).to_owned(),
            }),
            _ => Err(Text::new(
                format!(
                    "{text} : namespace/genre/nom, namespace/nom, une adresse ou un bloc CIDR est attendu"
                ),
                format!(
                    "{text}: namespace/kind/name, namespace/name, an address or a CIDR block is expected"
                ),
            )),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainReport {
    pub answers: Vec<Answer>,
    /// Kinds of policy that were not evaluated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Open,
    Closed,
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    pub from: End,
    pub to: End,
    pub verdict: Verdict,
    #[serde(serialize_with = "ports", skip_serializing_if = "PortSet::is_empty")]
    pub ports: PortSet,
    /// What decides where no policy does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress: Option<Side>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingress: Option<Side>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// What policies say at one end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    pub verdict: Verdict,
    #[serde(serialize_with = "ports", skip_serializing_if = "PortSet::is_empty")]
    pub ports: PortSet,
    /// On the network of its node, which no NetworkPolicy isolates.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub host_network: bool,
    pub isolated_by: Vec<String>,
    pub rules: Vec<Said>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Said {
    pub policy: String,
    pub rule: String,
    pub action: &'static str,
    #[serde(serialize_with = "ports")]
    pub ports: PortSet,
    pub certain: bool,
}

pub fn explain(
    cluster: &Cluster,
    from: &Named,
    to: &Named,
    foreign: Vec<String>,
    lang: Lang,
) -> Result<ExplainReport, String> {
    let connectivity = Connectivity::new(cluster);
    let answers = match (from, to) {
        (Named::Addresses(_), Named::Addresses(_)) => {
            return Err(lang
                .str(
                    "une des deux extrémités doit être une charge",
                    "one of the two ends has to be a workload",
                )
                .to_owned());
        }
        (Named::Addresses(block), workload) => {
            let (name, pods) = find(cluster, workload, lang)?;
            pieces(&connectivity, &name, &pods, *block, Direction::Ingress, lang)
        }
        (workload, Named::Addresses(block)) => {
            let (name, pods) = find(cluster, workload, lang)?;
            pieces(&connectivity, &name, &pods, *block, Direction::Egress, lang)
        }
        (from, to) => {
            let (from, senders) = find(cluster, from, lang)?;
            let (to, receivers) = find(cluster, to, lang)?;
            between(&connectivity, (from, &senders), (to, &receivers), lang).into_iter().collect()
        }
    };
    Ok(ExplainReport { answers, unknown: foreign })
}

/// The workload of that name, and its pods.
fn find<'a>(cluster: &'a Cluster, named: &Named, lang: Lang) -> Result<(WorkloadName, Vec<&'a Pod>), String> {
    let Named::Workload { namespace, kind, name } = named else { return Err(String::new()) };
    let there = cluster.pods.iter().filter(|pod| pod.namespace == *namespace);
    let fits = |pod: &&Pod| {
        let (of_kind, of_name) = pod.workload();
        of_name == name && kind.as_ref().is_none_or(|kind| kind.eq_ignore_ascii_case(of_kind))
    };
    let pods: Vec<&Pod> = there.clone().filter(fits).collect();
    let kinds: BTreeSet<&str> = pods.iter().map(|pod| pod.workload().0).collect();
    match kinds.iter().collect::<Vec<_>>().as_slice() {
        [kind] => {
            let workload =
                WorkloadName { namespace: namespace.clone(), kind: (**kind).to_owned(), name: name.clone() };
            Ok((workload, pods))
        }
        [] => {
            let known: BTreeSet<String> = there
                .map(|pod| {
                    let (kind, name) = pod.workload();
                    format!("{}/{kind}/{name}", pod.namespace)
                })
                .collect();
            let shown: Vec<&str> = known.iter().take(10).map(String::as_str).collect();
            let shown = if shown.is_empty() { "-".to_owned() } else { shown.join(", ") };
            let wanted = kind
                .as_ref()
                .map_or_else(|| format!("{namespace}/{name}"), |kind| format!("{namespace}/{kind}/{name}"));
            Err(lang.pick(
                || format!("aucune charge {wanted} ; dans ce namespace : {shown}"),
                || format!("no workload {wanted}; in this namespace: {shown}"),
            ))
        }
        _ => {
            let kinds: Vec<String> = kinds.iter().map(|kind| format!("{namespace}/{kind}/{name}")).collect();
            let kinds = kinds.join(", ");
            Err(lang.pick(
                || format!("plusieurs charges de ce nom : {kinds}"),
                || format!("several workloads of this name: {kinds}"),
            ))
        }
    }
}

/// Pods of one workload may differ; the pair through which most gets is the one that answers.
fn between(
    connectivity: &Connectivity<'_>,
    (from, senders): (WorkloadName, &[&Pod]),
    (to, receivers): (WorkloadName, &[&Pod]),
    lang: Lang,
) -> Option<Answer> {
    let mut best: Option<Explanation> = None;
    for a in senders.iter().take(MOST_PODS) {
        for b in receivers.iter().take(MOST_PODS) {
            if std::ptr::eq(*a, *b) && (senders.len() > 1 || receivers.len() > 1) {
                continue;
            }
            let ends = [a, b].map(|pod| reach::End::Pod { namespace: &pod.namespace, name: &pod.name });
            let Some(explained) = connectivity.explain(ends[0], ends[1]) else { continue };
            let better = |known: &Explanation| {
                !explained.reach.ports.is_subset(&known.reach.ports)
                    || (known.reach.is_none() && !explained.reach.is_none())
            };
            if best.as_ref().is_none_or(better) {
                best = Some(explained);
            }
        }
        if best.as_ref().is_some_and(|best| best.reach.ports.is_all()) {
            break;
        }
    }
    best.map(|explained| answer(End::Workload(from), End::Workload(to), &explained, lang))
}

/// One answer for each part of the block that is treated alike.
fn pieces(
    connectivity: &Connectivity<'_>,
    workload: &WorkloadName,
    pods: &[&Pod],
    block: IpNet,
    direction: Direction,
    lang: Lang,
) -> Vec<Answer> {
    let whole: IpSet = [block].into_iter().collect();
    let mut rest = whole.clone();
    let mut parts: Vec<IpSet> = Vec::new();
    let worlds =
        connectivity.world().filter(|world| End::from(world.workload) == End::Workload(workload.clone()));
    for world in worlds {
        let areas = if direction == Direction::Egress { world.egress } else { world.ingress };
        for area in areas {
            let common = area.addresses.intersection(&whole);
            rest = rest.difference(&common);
            parts.push(common);
        }
    }
    parts.push(rest);
    let cidrs = parts.iter().filter(|part| !part.is_empty()).flat_map(IpSet::cidrs);
    let mut answers = Vec::new();
    for cidr in cidrs {
        let explained = pods.iter().take(MOST_PODS).filter_map(|pod| {
            let pod = reach::End::Pod { namespace: &pod.namespace, name: &pod.name };
            let address = reach::End::Address(cidr.addr());
            let (from, to) = if direction == Direction::Egress { (pod, address) } else { (address, pod) };
            connectivity.explain(from, to)
        });
        let best = explained.reduce(
            |best, next| {
                if next.reach.ports.is_subset(&best.reach.ports) { best } else { next }
            },
        );
        let (pod, outside) = (End::Workload(workload.clone()), End::Addresses { cidr });
        let (from, to) = if direction == Direction::Egress { (pod, outside) } else { (outside, pod) };
        answers.extend(best.map(|explained| answer(from, to, &explained, lang)));
    }
    answers.sort_by(|a, b| (&a.from, &a.to).cmp(&(&b.from, &b.to)));
    answers
}

fn verdict(reach: &reach::Reach) -> Verdict {
    if !reach.is_certain() {
        Verdict::Unknown
    } else if reach.is_none() {
        Verdict::Closed
    } else {
        Verdict::Open
    }
}

fn answer(from: End, to: End, explained: &Explanation, lang: Lang) -> Answer {
    Answer {
        from,
        to,
        verdict: verdict(&explained.reach),
        ports: explained.reach.ports.clone(),
        because: explained.fact.map(|fact| because(fact, lang)),
        egress: explained.egress.as_ref().map(side),
        ingress: explained.ingress.as_ref().map(side),
        unknown: explained.unknown.iter().map(|unknown| unknown.text().get(lang).to_owned()).collect(),
    }
}

fn because(fact: Fact, lang: Lang) -> &'static str {
    match fact {
        Fact::SamePod => lang.str("c'est le même pod", "it is the same pod"),
        Fact::OwnNode => lang.str(
            "un nœud et les pods qu'il porte se joignent toujours",
            "a node and the pods on it always reach each other",
        ),
        Fact::Completed => lang.str(
            "une extrémité est terminée, elle n'a plus de réseau",
            "one end is over, it has no network any more",
        ),
        Fact::NoCommonFamily => lang.str(
            "les deux extrémités n'ont pas de famille d'adresses commune",
            "the two ends have no address family in common",
        ),
    }
}

fn side(half: &HalfWay) -> Side {
    let said = half.statements.iter().map(|statement| {
        let (half, list) = match statement.direction {
            Direction::Ingress => ("ingress", "from"),
            Direction::Egress => ("egress", "to"),
        };
        let peer = statement.peer.map(|peer| format!(".{list}[{peer}]")).unwrap_or_default();
        Said {
            policy: statement.policy.to_string(),
            rule: format!("spec.{half}[{}]{peer}", statement.rule),
            action: match statement.action {
                Action::Accept => "Accept",
                Action::Deny => "Deny",
                Action::Pass => "Pass",
            },
            ports: statement.ports.clone(),
            certain: statement.certain,
        }
    });
    Side {
        verdict: verdict(&half.reach),
        ports: half.reach.ports.clone(),
        host_network: half.host_network,
        isolated_by: half.isolated_by.iter().map(ToString::to_string).collect(),
        rules: said.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_named_in_four_ways() {
        let workload = |kind: Option<&str>| Named::Workload {
            namespace: "a".into(),
            kind: kind.map(ToOwned::to_owned),
            name: "b".into(),
        };
        assert_eq!(Named::parse("a/b"), Ok(workload(None)));
        assert_eq!(Named::parse("a/Deployment/b"), Ok(workload(Some("Deployment"))));
        assert_eq!(Named::parse("10.0.0.1"), Ok(Named::Addresses("10.0.0.1/32".parse().unwrap())));
        assert_eq!(Named::parse("fd00::/8"), Ok(Named::Addresses("fd00::/8".parse().unwrap())));
        for wrong in ["", "a", "/", "a//b", "a/b/c/d", "10.0.0.1/8"] {
            assert!(Named::parse(wrong).is_err(), "{wrong}");
        }
    }
}
