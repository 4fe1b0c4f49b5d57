//! What is known of a namespace's isolation: our policies are all there, and what others add opens nothing.

use crate::audit::Breach;
pub use crate::names::Names;
use snc_core::text::Text;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effective {
    /// Every policy of ours is there as planned, and those of others open nothing that is not declared.
    AsPlanned {
        policies: usize,
        others: usize,
    },
    NotEnforced,
    Missing(Names),
    HostNetwork(Names),
    /// Worst first, never empty.
    Opened(Vec<Breach>),
    /// Reached through the node's address, where network engines differ in what they apply.
    HostPort(Names),
    /// By policy, what cannot be judged.
    Undecided(BTreeMap<String, Text>),
    /// Policies under our label that are not in the plan (any more).
    Leftover(Names),
    Unmodelled(Names),
    /// What the answer rests on may not be read.
    Denied(Names),
    /// What the answer rests on is too old.
    Stale(Names),
    /// Flows to addresses, while nobody said which addresses are the cluster's own.
    RangesUnknown(Names),
}

#[derive(Debug, Default)]
pub struct Facts<'a> {
    pub enforced: bool,
    pub planned: usize,
    /// Planned policies that are absent or differ from the plan.
    pub missing: Vec<&'a str>,
    /// Policies of others, whose content was judged.
    pub others: usize,
    pub leftover: Vec<&'a str>,
    pub breaches: BTreeSet<Breach>,
    pub undecided: BTreeMap<String, Text>,
    pub host_port_pods: Vec<&'a str>,
    /// Pods that no NetworkPolicy reaches.
    pub host_network_pods: Vec<&'a str>,
    /// API groups served by the cluster whose policies this version does not model.
    pub unmodelled: Vec<&'a str>,
    /// Kinds of objects that may not be read.
    pub denied: Vec<&'a str>,
    /// Kinds of objects of which nothing was heard for long.
    pub stale: Vec<&'a str>,
    /// Open flows to addresses of which it is not known whether they are nodes, pods or the control plane.
    pub unbounded_flows: Vec<&'a str>,
}

/// Disproved before unknown: a hole that is certain is not hidden behind one that is not.
pub fn assess(facts: Facts<'_>) -> Effective {
    if !facts.enforced {
        return Effective::NotEnforced;
    }
    let names = |list: &[&str]| Names::of(list.iter().copied());
    // What may not be read is not known to be missing.
    let read = !facts.denied.contains(&"networkpolicies");
    if let Some(missing) = names(&facts.missing).filter(|_| read) {
        Effective::Missing(missing)
    } else if let Some(pods) = names(&facts.host_network_pods) {
        Effective::HostNetwork(pods)
    } else if !facts.breaches.is_empty() {
        Effective::Opened(facts.breaches.into_iter().collect())
    } else if let Some(kinds) = names(&facts.denied) {
        Effective::Denied(kinds)
    } else if let Some(kinds) = names(&facts.stale) {
        Effective::Stale(kinds)
    } else if !facts.undecided.is_empty() {
        Effective::Undecided(facts.undecided)
    } else if let Some(leftover) = names(&facts.leftover) {
        Effective::Leftover(leftover)
    } else if let Some(pods) = names(&facts.host_port_pods) {
        Effective::HostPort(pods)
    } else if let Some(groups) = names(&facts.unmodelled) {
        Effective::Unmodelled(groups)
    } else if let Some(flows) = names(&facts.unbounded_flows) {
        Effective::RangesUnknown(flows)
    } else {
        Effective::AsPlanned { policies: facts.planned, others: facts.others }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::What;
    use crate::reach::PortSet;
    use proptest::prelude::*;
    use snc_core::flow::Direction;

    fn facts() -> Facts<'static> {
        Facts { enforced: true, planned: 2, ..Facts::default() }
    }

    fn breach() -> Breach {
        Breach {
            what: What::Everyone,
            direction: Direction::Ingress,
            opened_by: "open".into(),
            to: "*".into(),
            ports: PortSet::all(),
        }
    }

    #[test]
    fn certain_holes_come_before_doubts() {
        let doubts = || Facts {
            undecided: [("a".to_owned(), Text::new("x", "x"))].into(),
            host_port_pods: vec!["p"],
            unmodelled: vec!["cilium.io"],
            ..facts()
        };
        let opened = Facts { breaches: [breach()].into(), ..doubts() };
        assert!(matches!(assess(opened), Effective::Opened(_)));
        let pods = Facts { host_network_pods: vec!["c"], ..doubts() };
        assert!(matches!(assess(pods), Effective::HostNetwork(_)));
        assert!(matches!(assess(doubts()), Effective::Undecided(_)));
        let denied = Facts { host_network_pods: vec!["c"], denied: vec!["pods"], ..facts() };
        assert!(matches!(assess(denied), Effective::HostNetwork(_)), "seen before it was denied");
    }

    #[test]
    fn names_are_bounded_and_counted() {
        let pods = Facts { host_network_pods: vec!["g", "f", "e", "d", "c", "b", "a"], ..facts() };
        let Effective::HostNetwork(names) = assess(pods) else { panic!("host network") };
        assert_eq!(names.to_string(), "a, b, c, d, e, … (7)");
    }

    proptest! {
        #[test]
        fn effective_only_when_nothing_speaks_against_it(enforced: bool, against in prop::array::uniform10(any::<bool>())) {
            let list = |yes: bool| if yes { vec!["x"] } else { Vec::new() };
            let [missing, breached, undecided, leftover, host, host_port, unmodelled, unbounded, denied, stale] = against;
            let verdict = assess(Facts {
                enforced,
                planned: 2,
                others: 1,
                missing: list(missing),
                breaches: breached.then(breach).into_iter().collect(),
                undecided: undecided.then(|| ("x".to_owned(), Text::new("x", "x"))).into_iter().collect(),
                leftover: list(leftover),
                host_network_pods: list(host),
                host_port_pods: list(host_port),
                unmodelled: list(unmodelled),
                unbounded_flows: list(unbounded),
                denied: list(denied),
                stale: list(stale),
            });
            let expected = enforced && !against.contains(&true);
            prop_assert_eq!(matches!(verdict, Effective::AsPlanned { .. }), expected);
        }
    }
}
