//! What is known of a namespace's isolation, from what is present in it. First version: our own policies are all
//! there and nobody else's is; a policy that is not ours is not judged, it makes the answer unknown (law 1).

/// Bounded list of names that decide an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    pub total: usize,
    pub first: Vec<String>,
}

const SHOWN: usize = 5;

impl Names {
    fn of<'a>(names: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut sorted: Vec<_> = names.collect();
        sorted.sort_unstable();
        let first = sorted.iter().take(SHOWN).map(|&n| n.to_owned()).collect();
        (!sorted.is_empty()).then_some(Self { total: sorted.len(), first })
    }
}

impl std::fmt::Display for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.first.join(", "))?;
        if self.total > self.first.len() {
            write!(f, ", … ({})", self.total)?;
        }
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effective {
    /// Every policy of ours is there as planned, and no other.
    AsPlanned {
        policies: usize,
    },
    NotEnforced,
    Missing(Names),
    HostNetwork(Names),
    Foreign(Names),
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
    /// Policies in the namespace that are not ours.
    pub foreign: Vec<&'a str>,
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
pub fn assess(facts: &Facts<'_>) -> Effective {
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
    } else if let Some(kinds) = names(&facts.denied) {
        Effective::Denied(kinds)
    } else if let Some(kinds) = names(&facts.stale) {
        Effective::Stale(kinds)
    } else if let Some(foreign) = names(&facts.foreign) {
        Effective::Foreign(foreign)
    } else if let Some(groups) = names(&facts.unmodelled) {
        Effective::Unmodelled(groups)
    } else if let Some(flows) = names(&facts.unbounded_flows) {
        Effective::RangesUnknown(flows)
    } else {
        Effective::AsPlanned { policies: facts.planned }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn facts() -> Facts<'static> {
        Facts { enforced: true, planned: 2, ..Facts::default() }
    }

    #[test]
    fn certain_holes_come_before_doubts() {
        let all = Facts { missing: vec!["a"], foreign: vec!["b"], host_network_pods: vec!["c"], ..facts() };
        assert!(matches!(assess(&all), Effective::Missing(_)));
        let pods = Facts { foreign: vec!["b"], host_network_pods: vec!["c"], ..facts() };
        assert!(matches!(assess(&pods), Effective::HostNetwork(_)));
        let denied = Facts { host_network_pods: vec!["c"], denied: vec!["pods"], ..facts() };
        assert!(matches!(assess(&denied), Effective::HostNetwork(_)), "seen before it was denied");
    }

    #[test]
    fn names_are_bounded_and_counted() {
        let foreign = Facts { foreign: vec!["g", "f", "e", "d", "c", "b", "a"], ..facts() };
        let Effective::Foreign(names) = assess(&foreign) else { panic!("foreign") };
        assert_eq!(names.to_string(), "a, b, c, d, e, … (7)");
    }

    proptest! {
        #[test]
        fn effective_only_when_nothing_speaks_against_it(
            enforced: bool, missing: bool, foreign: bool, host: bool, unmodelled: bool, unbounded: bool,
            denied: bool, stale: bool,
        ) {
            let list = |yes: bool| if yes { vec!["x"] } else { Vec::new() };
            let verdict = assess(&Facts {
                enforced,
                planned: 2,
                missing: list(missing),
                foreign: list(foreign),
                host_network_pods: list(host),
                unmodelled: list(unmodelled),
                unbounded_flows: list(unbounded),
                denied: list(denied),
                stale: list(stale),
            });
            let doubts = [missing, foreign, host, unmodelled, unbounded, denied, stale];
            let expected = enforced && !doubts.contains(&true);
            prop_assert_eq!(matches!(verdict, Effective::AsPlanned { .. }), expected);
        }
    }
}
