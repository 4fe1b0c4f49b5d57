//! Verdicts rolled up, worst first: by control, by requirement, into three numbers.

use crate::catalogue::Catalogue;
use serde::{Deserialize, Serialize};
use snc_core::requirement::{Automation, Requirement};
use snc_core::verdict::Verdict;
use std::collections::BTreeMap;

/// Always shown together: an unknown stands in the denominator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Numbers {
    pub proven: u32,
    pub disproved: u32,
    pub unknown: u32,
}

impl Numbers {
    /// A waiver proves nothing, so what is exempt counts as unknown.
    pub fn of(verdicts: impl IntoIterator<Item = Verdict>) -> Self {
        let mut numbers = Self::default();
        for verdict in verdicts {
            match verdict {
                Verdict::Pass => numbers.proven += 1,
                Verdict::Fail => numbers.disproved += 1,
                Verdict::Unknown | Verdict::Exempt => numbers.unknown += 1,
                Verdict::NotApplicable => {}
            }
        }
        numbers
    }

    /// None where nothing applies.
    pub fn score(self) -> Option<u32> {
        let all = u64::from(self.proven) + u64::from(self.disproved) + u64::from(self.unknown);
        (u64::from(self.proven) * 100).checked_div(all).and_then(|score| u32::try_from(score).ok())
    }
}

impl Catalogue {
    /// Of the verdict of each control, in the catalogue's order.
    pub fn numbers(&self, worst: &[Verdict]) -> Numbers {
        Numbers::of(worst.iter().enumerate().map(|(control, verdict)| self.worth(control, *verdict)))
    }

    /// A control of a cluster's own proves nothing by passing, and is then as if it were not there: whoever may write
    /// one could otherwise raise the score.
    fn worth(&self, control: usize, verdict: Verdict) -> Verdict {
        if verdict == Verdict::Pass && self.is_custom(control) { Verdict::NotApplicable } else { verdict }
    }
}

/// What can be said of a requirement. `Compliant` needs an attestation of scope beside the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RequirementState {
    NotApplicable,
    Compliant,
    ProvenInCluster,
    AwaitingAttestation,
    Unknown,
    NonCompliant,
}

impl RequirementState {
    pub const ALL: &'static [Self] = &[
        Self::NotApplicable,
        Self::Compliant,
        Self::ProvenInCluster,
        Self::AwaitingAttestation,
        Self::Unknown,
        Self::NonCompliant,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotApplicable => "NotApplicable",
            Self::Compliant => "Compliant",
            Self::ProvenInCluster => "ProvenInCluster",
            Self::AwaitingAttestation => "AwaitingAttestation",
            Self::Unknown => "Unknown",
            Self::NonCompliant => "NonCompliant",
        }
    }
}

/// The state of each requirement, from the verdict of each control.
pub struct States<'a> {
    by_requirement: BTreeMap<&'a str, Vec<Verdict>>,
}

impl<'a> States<'a> {
    /// `verdicts` in the order of the catalogue's controls.
    pub fn new(catalogue: &'a Catalogue, verdicts: &[Verdict]) -> Self {
        let mut by_requirement: BTreeMap<&str, Vec<Verdict>> = BTreeMap::new();
        for (index, (control, verdict)) in catalogue.controls().zip(verdicts).enumerate() {
            for requirement in &control.requirements {
                by_requirement.entry(requirement).or_default().push(catalogue.worth(index, *verdict));
            }
        }
        Self { by_requirement }
    }

    pub fn of(&self, requirement: &Requirement) -> RequirementState {
        let verdicts = self.by_requirement.get(requirement.id.as_str()).map_or(&[][..], Vec::as_slice);
        match verdicts.iter().max() {
            Some(Verdict::Fail) => RequirementState::NonCompliant,
            Some(Verdict::Unknown | Verdict::Exempt) => RequirementState::Unknown,
            Some(Verdict::Pass) if requirement.automation == Automation::Auto => {
                RequirementState::ProvenInCluster
            }
            // Checks that pass, or that have nothing to look at, leave the conclusion to a person.
            Some(Verdict::Pass | Verdict::NotApplicable) | None => RequirementState::AwaitingAttestation,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_unknown_stands_in_the_denominator() {
        let numbers = Numbers { proven: 2, disproved: 0, unknown: 1 };
        assert_eq!(numbers.score(), Some(66));
        assert_eq!(Numbers::default().score(), None);
    }

    /// Until there are attestations, checks alone conclude nothing but violations.
    #[test]
    fn no_verdicts_make_a_requirement_compliant() {
        let catalogue = Catalogue::built_in().unwrap_or_else(|error| panic!("{error}"));
        let controls = catalogue.controls().count();
        for verdict in Verdict::ALL {
            let states = States::new(&catalogue, &vec![*verdict; controls]);
            let found: Vec<RequirementState> = crate::requirements().map(|one| states.of(one)).collect();
            assert_eq!(found.len(), 287);
            assert!(!found.contains(&RequirementState::Compliant), "{verdict}");
            let proven = found.iter().filter(|state| **state == RequirementState::ProvenInCluster).count();
            assert_eq!(proven > 0, *verdict == Verdict::Pass, "{verdict}: {proven}");
            let bad = found.contains(&RequirementState::NonCompliant);
            assert_eq!(bad, *verdict == Verdict::Fail, "{verdict}");
        }
    }

    proptest! {
        #[test]
        fn what_becomes_unknown_or_worse_never_raises_the_score(
            verdicts in proptest::collection::vec(proptest::sample::select(Verdict::ALL), 1..40),
            at in any::<prop::sample::Index>(),
        ) {
            let before = Numbers::of(verdicts.iter().copied()).score();
            let mut worse = verdicts.clone();
            let at = at.index(worse.len());
            worse[at] = worse[at].max(Verdict::Unknown);
            let after = Numbers::of(worse).score();
            prop_assert!(after.unwrap_or(0) <= before.unwrap_or(100));
        }
    }
}
