//! ```yaml
//! id: rbac-incompatible-duties
//! category: rbac
//! requirements: [9.3.f, 6.2.a]
//! level: Standard
//! severity: high
//! scope: any
//! title:
//!   fr: Droits incompatibles réunis
//!   en: Incompatible rights held together
//! reads:
//!   - rbac.authorization.k8s.io/ClusterRoleBinding
//!   - rbac.authorization.k8s.io/RoleBinding
//!   - rbac.authorization.k8s.io/ClusterRole
//!   - rbac.authorization.k8s.io/Role
//! judges: [rbac.authorization.k8s.io/ClusterRoleBinding, rbac.authorization.k8s.io/RoleBinding]
//! parameters:
//!   - name: pairs
//!     default: [update secnumcloud.dev/sncpolicies & update secnumcloud.dev/snctenants, create rbac.authorization.k8s.io/clusterrolebindings & delete core/events]
//!     stronger: more
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Paires de droits qu'une personne ou un groupe ne doit pas réunir, « verbe groupe/ressource & verbe groupe/ressource ».
//!       en: Pairs of rights that no person or group may hold together, `verb group/resource & verb group/resource`.
//!   - name: breakGlass
//!     default: ["Group:system:masters"]
//!     stronger: fewer
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Identités de secours, qui ont tous les droits par nature, « User:nom » ou « Group:nom ».
//!       en: Break-glass identities, which have every right by nature, `User:name` or `Group:name`.
//! remediation:
//!   fr: Partager les deux fonctions entre deux équipes, et retirer l'un des droits.
//!   en: Split the two duties between two teams, and remove one of the rights.
//!   snippet: |
//!     kubectl delete clusterrolebinding NAME
//! boundary:
//!   fr: Prouve qu'aucun utilisateur ni groupe ne réunit une paire déclarée par ses propres liaisons ; une personne membre de deux groupes n'est vue que dans l'annuaire.
//!   en: Proves that no user or group holds a declared pair through its own bindings; a person who is in two groups is seen only in the directory.
//! ```

use crate::checks::World;
use crate::rbac::{Grant, grants};
use snc_core::verdict::{Outcome, Subject};
use std::collections::{BTreeMap, BTreeSet};

/// One half of a pair, by its place.
type Half = (usize, bool);

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let pairs: Vec<&str> = world.settings.strings("pairs");
    if let Some(wrong) = pairs.iter().find(|pair| halves(pair).is_none()) {
        let outcome = Outcome::unknown(
            format!("paire illisible : {wrong}"),
            format!("a pair that cannot be read: {wrong}"),
        );
        return vec![(Subject::whole(), outcome)];
    }
    let excused = world.settings.strings("breakGlass");
    let of_people =
        |holder: &String| !holder.starts_with("ServiceAccount:") && !excused.contains(&holder.as_str());
    let mut held: BTreeMap<String, BTreeSet<Half>> = BTreeMap::new();
    for grant in grants(world.snapshot) {
        let duties = duties(&pairs, &grant);
        for holder in grant.holders().filter(of_people) {
            held.entry(holder).or_default().extend(&duties);
        }
    }
    let judged = |grant: Grant<'_>| {
        let duties = duties(&pairs, &grant);
        if duties.is_empty() || !grant.holders().any(|holder| of_people(&holder)) {
            return (grant.binding.clone(), Outcome::not_applicable());
        }
        let both = |holder: &String| {
            let of_holder = held.get(holder)?;
            let (pair, _) = duties.iter().find(|(pair, half)| of_holder.contains(&(*pair, !half)))?;
            Some(format!("{holder} ({})", pairs.get(*pair)?))
        };
        let found: Vec<String> = grant.holders().filter_map(|holder| both(&holder)).collect();
        let outcome = if found.is_empty() {
            Outcome::pass()
        } else {
            let found = found.join(", ");
            Outcome::fail(
                format!("une même identité réunit des droits incompatibles : {found}"),
                format!("one identity holds incompatible rights: {found}"),
            )
            .at("subjects")
        };
        (grant.binding.clone(), outcome)
    };
    grants(world.snapshot).map(judged).collect()
}

/// Which halves of which pairs a binding grants, wherever it does.
fn duties(pairs: &[&str], grant: &Grant<'_>) -> Vec<Half> {
    let grants =
        |right: &(&str, &str, &str)| grant.rules().iter().any(|rule| rule.allows(right.0, right.1, right.2));
    let all = pairs
        .iter()
        .enumerate()
        .filter_map(|(at, pair)| halves(pair).map(|(first, second)| (at, first, second)));
    all.flat_map(|(at, first, second)| [((at, false), first), ((at, true), second)])
        .filter(|(_, right)| grants(right))
        .map(|(half, _)| half)
        .collect()
}

type Right<'a> = (&'a str, &'a str, &'a str);

fn halves(pair: &str) -> Option<(Right<'_>, Right<'_>)> {
    let (first, second) = pair.split_once('&')?;
    Some((right(first)?, right(second)?))
}

fn right(text: &str) -> Option<Right<'_>> {
    let (verb, rest) = text.trim().split_once(' ')?;
    let (group, resource) = rest.trim().split_once('/')?;
    Some((verb, if group == "core" { "" } else { group }, resource))
}
