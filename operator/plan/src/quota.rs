//! The tenant's total is one sum: each namespace gets a share, and the shares never exceed the total.

use crate::effective::{Effective, effective};
use crate::governance::governed_by;
use crate::settings::Settings;
use crate::validate;
use snc_core::policy::Constraints;
use snc_core::quantity::Amount;
pub use snc_core::quota::{Excess, Share, Shares};
use snc_index::Index;
use std::collections::BTreeMap;
use std::sync::Arc;

pub struct Demand<'a> {
    pub namespace: &'a str,
    /// What its policies ask for, within what its baselines allow one namespace.
    pub asked: BTreeMap<String, Amount>,
    /// What its baselines allow one namespace.
    pub ceiling: BTreeMap<String, Amount>,
}

/// Shares in the order of the demands, oldest namespace first: who came first keeps what it had.
pub fn allocate<'a>(total: &BTreeMap<String, Amount>, demands: &[Demand<'a>]) -> BTreeMap<&'a str, Share> {
    let mut shares: BTreeMap<&str, Share> = demands.iter().map(|d| (d.namespace, Share::default())).collect();
    for demand in demands {
        let share = shares.entry(demand.namespace).or_default();
        // Resources that the tenant's total does not name are bounded by the namespace's own ceilings alone.
        for (resource, amount) in demand.ceiling.iter().chain(&demand.asked) {
            if !total.contains_key(resource) {
                share.hard.insert(resource.clone(), *amount);
            }
        }
    }
    for (resource, total) in total {
        let mut left = *total;
        for demand in demands {
            let Some(asked) = demand.asked.get(resource).copied() else { continue };
            let granted = asked.min(left);
            left = left - granted;
            let share = shares.entry(demand.namespace).or_default();
            share.hard.insert(resource.clone(), granted);
            if granted < asked {
                share.excess.push(Excess { resource: resource.clone(), asked, granted });
            }
        }
        let silent: Vec<_> = demands.iter().filter(|d| !d.asked.contains_key(resource)).collect();
        let equal = divide(resource, left, silent.len());
        for demand in silent {
            let granted = demand.ceiling.get(resource).map_or(equal, |ceiling| equal.min(*ceiling));
            shares.entry(demand.namespace).or_default().hard.insert(resource.clone(), granted);
        }
    }
    shares
}

/// Only CPU comes in fractions.
fn divide(resource: &str, amount: Amount, parts: usize) -> Amount {
    let share = amount.share(parts);
    if resource.ends_with("cpu") { share } else { share.whole() }
}

fn least(constraints: &Constraints) -> BTreeMap<String, Amount> {
    constraints.quota.iter().map(|(resource, amount, _)| (resource.to_owned(), amount)).collect()
}

/// Shares of every governed namespace of a tenant.
pub fn shares(index: &Index, settings: &Settings, tenant: &str) -> Arc<Shares> {
    index.shares(tenant, || shares_of(index, tenant, governed_by(index, settings, tenant)))
}

fn shares_of(index: &Index, tenant: &str, mut namespaces: Vec<&str>) -> Shares {
    namespaces.sort_by_key(|name| (index.namespace(name).map(|n| n.created), *name));
    let mut total = BTreeMap::new();
    let demands: Vec<Demand<'_>> = namespaces
        .into_iter()
        .map(|namespace| {
            let effective = effective(index, namespace, tenant);
            if let Some(spec) = &effective.tenant_spec {
                total = validate::amounts(&spec.quota, "spec.quota").0;
            }
            demand(namespace, &effective)
        })
        .collect();
    allocate(&total, &demands).into_iter().map(|(name, share)| (name.to_owned(), share)).collect()
}

/// The share of one namespace. Without a total, the other namespaces of the tenant have no say in it.
pub fn share(index: &Index, settings: &Settings, namespace: &str, effective: &Effective) -> Share {
    let has_total = effective.tenant_spec.as_ref().is_some_and(|spec| !spec.quota.is_empty());
    if has_total {
        let shares = shares(index, settings, &effective.tenant);
        if let Some(share) = shares.get(namespace) {
            return share.clone();
        }
        // One that is only observed shows what it would get.
        let mut namespaces = governed_by(index, settings, &effective.tenant);
        namespaces.push(namespace);
        return shares_of(index, &effective.tenant, namespaces).remove(namespace).unwrap_or_default();
    }
    allocate(&BTreeMap::new(), &[demand(namespace, effective)]).remove(namespace).unwrap_or_default()
}

fn demand<'a>(namespace: &'a str, effective: &Effective) -> Demand<'a> {
    let asks =
        |resource: &String| effective.policies.values().any(|policy| policy.quota.contains_key(resource));
    let within = least(&effective.constraints);
    let asked = within.into_iter().filter(|(resource, _)| asks(resource)).collect();
    Demand { namespace, asked, ceiling: least(&effective.floors) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn amounts(list: &[(&str, &str)]) -> BTreeMap<String, Amount> {
        list.iter().map(|(k, v)| ((*k).to_owned(), Amount::parse(v).unwrap())).collect()
    }

    fn demand<'a>(namespace: &'a str, asked: &[(&str, &str)], ceiling: &[(&str, &str)]) -> Demand<'a> {
        Demand { namespace, asked: amounts(asked), ceiling: amounts(ceiling) }
    }

    #[test]
    fn first_come_first_served_and_the_rest_is_shared() {
        let total = amounts(&[("requests.cpu", "10"), ("pods", "7")]);
        let demands = [
            demand("a", &[("requests.cpu", "6")], &[]),
            demand("b", &[("requests.cpu", "6")], &[]),
            demand("c", &[], &[]),
        ];
        let shares = allocate(&total, &demands);
        assert_eq!(shares["a"].hard, amounts(&[("requests.cpu", "6"), ("pods", "2")]));
        assert_eq!(shares["b"].hard["requests.cpu"], Amount::parse("4").unwrap());
        assert_eq!(shares["b"].excess[0].asked, Amount::parse("6").unwrap());
        assert_eq!(shares["c"].hard["requests.cpu"], Amount::ZERO);
    }

    #[test]
    fn a_ceiling_holds_without_any_total() {
        let shares = allocate(&BTreeMap::new(), &[demand("a", &[], &[("pods", "5")])]);
        assert_eq!(shares["a"].hard, amounts(&[("pods", "5")]));
    }

    proptest! {
        #[test]
        fn shares_never_exceed_the_total(
            total in 0u32..100,
            asked in prop::collection::vec(prop::option::of(0u32..80), 1..8),
            ceiling in prop::option::of(0u32..50),
            resource in prop::sample::select(vec!["requests.cpu", "requests.memory", "pods"]),
        ) {
            let names: Vec<String> = (0..asked.len()).map(|i| format!("n{i}")).collect();
            let of = |n: u32| amounts(&[(resource, &n.to_string())]);
            let demands: Vec<_> = names.iter().zip(&asked).map(|(n, a)| Demand {
                namespace: n,
                asked: a.map(|a| of(ceiling.map_or(a, |c| a.min(c)))).unwrap_or_default(),
                ceiling: ceiling.map(of).unwrap_or_default(),
            }).collect();
            let shares = allocate(&of(total), &demands);
            let sum = shares.values().fold(Amount::ZERO, |sum, s| sum + s.hard[resource]);
            prop_assert!(sum <= Amount::parse(&total.to_string()).unwrap());
            for share in shares.values() {
                prop_assert!(ceiling.is_none_or(|c| share.hard[resource] <= Amount::parse(&c.to_string()).unwrap()));
            }
        }
    }
}
