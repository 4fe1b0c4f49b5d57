//! What the engine says, as the report of one selection.

use super::{Connection, End, Possible, ReachReport, WorkloadName};
use crate::model::{NotThere, Selection};
use snc_core::lang::Lang;
use snc_core::names::LABEL_TENANT;
use snc_network::reach::{self, Cluster, Connectivity, IpSet, PortSet, Unknown, WorkloadId};
use std::collections::{BTreeMap, BTreeSet};

impl From<WorkloadId<'_>> for WorkloadName {
    fn from(id: WorkloadId<'_>) -> Self {
        Self { namespace: id.namespace.to_owned(), kind: id.kind.to_owned(), name: id.name.to_owned() }
    }
}

impl From<WorkloadId<'_>> for End {
    fn from(id: WorkloadId<'_>) -> Self {
        Self::Workload(id.into())
    }
}

/// Connections of which an end is in the selection.
pub fn evaluate(
    cluster: &Cluster,
    foreign: &BTreeMap<String, usize>,
    selection: &Selection,
    lang: Lang,
) -> Result<ReachReport, NotThere> {
    let wanted = selected(cluster, selection)?;
    let within = |namespace: &str| wanted.as_ref().is_none_or(|wanted| wanted.contains(namespace));
    let connectivity = Connectivity::new(cluster);
    let mut report = ReachReport::default();
    for pair in connectivity.pairs().filter(|pair| within(pair.from.namespace) || within(pair.to.namespace)) {
        let (from, to) = (End::from(pair.from), End::from(pair.to));
        let doubtful = pair.reach.possible.difference(&pair.reach.ports);
        if !doubtful.is_empty() {
            let reasons = texts(&connectivity.unknowns(&pair), lang);
            let (from, to) = (Some(from.clone()), Some(to.clone()));
            report.unknown.push(Possible { from, to, ports: doubtful, reasons });
        }
        if !pair.reach.ports.is_empty() {
            report.connections.push(Connection { from, to, ports: pair.reach.ports });
        }
    }
    let pods = first_pods(cluster);
    for world in connectivity.world().filter(|world| within(world.workload.namespace)) {
        let inside = End::from(world.workload);
        for (areas, outward) in [(&world.egress, true), (&world.ingress, false)] {
            let ends = |cidr| {
                let outside = End::Addresses { cidr };
                if outward { (inside.clone(), outside) } else { (outside, inside.clone()) }
            };
            for (ports, addresses) in by_ports(areas, |area| area.reach.ports.clone()) {
                report.connections.extend(addresses.cidrs().into_iter().map(|cidr| {
                    let (from, to) = ends(cidr);
                    Connection { from, to, ports: ports.clone() }
                }));
            }
            let doubts = by_ports(areas, |area| area.reach.possible.difference(&area.reach.ports));
            for (ports, addresses) in doubts {
                for cidr in addresses.cidrs() {
                    let (from, to) = ends(cidr);
                    let reasons = pods
                        .get(&world.workload)
                        .and_then(|(namespace, name)| {
                            let pod = reach::End::Pod { namespace, name };
                            let address = reach::End::Address(cidr.addr());
                            let (from, to) = if outward { (pod, address) } else { (address, pod) };
                            connectivity.explain(from, to)
                        })
                        .map(|explained| texts(&explained.unknown, lang))
                        .unwrap_or_default();
                    report.unknown.push(Possible {
                        from: Some(from),
                        to: Some(to),
                        ports: ports.clone(),
                        reasons,
                    });
                }
            }
        }
    }
    report.unknown.extend(foreign.iter().map(|(kind, count)| not_evaluated(kind, *count, lang)));
    report.workloads = drawn(&report, &connectivity, &within);
    report.connections.sort();
    report.unknown.sort();
    Ok(report)
}

/// Addresses with equal ports together, so that blocks come out whole.
fn by_ports<'a>(
    areas: &'a [reach::Area],
    ports: impl Fn(&'a reach::Area) -> PortSet,
) -> BTreeMap<PortSet, IpSet> {
    let mut sets: BTreeMap<PortSet, IpSet> = BTreeMap::new();
    for area in areas {
        let ports = ports(area);
        if !ports.is_empty() {
            let set = sets.entry(ports).or_default();
            *set = set.union(&area.addresses);
        }
    }
    sets
}

fn first_pods(cluster: &Cluster) -> BTreeMap<WorkloadId<'_>, (&str, &str)> {
    let mut pods = BTreeMap::new();
    for pod in cluster.pods.iter().filter(|pod| !pod.completed) {
        let (kind, name) = pod.workload();
        let id = WorkloadId { namespace: &pod.namespace, kind, name };
        pods.entry(id).or_insert((pod.namespace.as_str(), pod.name.as_str()));
    }
    pods
}

/// Those of the selection, and those elsewhere that they talk to.
fn drawn(
    report: &ReachReport,
    connectivity: &Connectivity<'_>,
    within: &impl Fn(&str) -> bool,
) -> Vec<WorkloadName> {
    let ends = report.connections.iter().flat_map(|c| [&c.from, &c.to]);
    let connected = ends.filter_map(|end| match end {
        End::Workload(workload) => Some(workload.clone()),
        End::Addresses { .. } => None,
    });
    let own = connectivity.workloads().filter(|id| within(id.namespace)).map(WorkloadName::from);
    connected.chain(own).collect::<BTreeSet<_>>().into_iter().collect()
}

fn texts(unknown: &[Unknown], lang: Lang) -> Vec<String> {
    let texts: BTreeSet<String> = unknown.iter().map(|unknown| unknown.text().get(lang).to_owned()).collect();
    texts.into_iter().collect()
}

fn not_evaluated(kind: &str, count: usize, lang: Lang) -> Possible {
    let reason = lang.pick(
        || format!("{kind} ({count}) : genre de règle qui n'est pas évalué"),
        || format!("{kind} ({count}): kind of policy that is not evaluated"),
    );
    Possible { from: None, to: None, ports: PortSet::none(), reasons: vec![reason] }
}

/// `None` is every namespace.
fn selected<'a>(cluster: &'a Cluster, selection: &Selection) -> Result<Option<BTreeSet<&'a str>>, NotThere> {
    let labelled = |namespace: &&reach::Namespace, tenant: &str| {
        namespace.labels.get(LABEL_TENANT).is_some_and(|value| value == tenant)
    };
    let all = cluster.namespaces.iter();
    let (found, known): (BTreeSet<&str>, BTreeSet<&str>) = match selection {
        Selection::All => return Ok(None),
        Selection::Namespace(name) => (
            all.clone().map(|n| n.name.as_str()).filter(|n| n == name).collect(),
            all.map(|n| n.name.as_str()).collect(),
        ),
        Selection::Tenant(tenant) => (
            all.clone().filter(|n| labelled(n, tenant)).map(|n| n.name.as_str()).collect(),
            all.filter_map(|n| n.labels.get(LABEL_TENANT)).map(String::as_str).collect(),
        ),
    };
    if found.is_empty() {
        let known = known.into_iter().map(ToOwned::to_owned).collect();
        return Err(NotThere { selection: selection.clone(), known });
    }
    Ok(Some(found))
}
