//! By what the objects of a namespace are judged.

use snc_catalogue::Profile;
use snc_core::lattice::{Most, Source};
use snc_core::policy::Constraints;
use snc_core::text::Text;
use snc_core::tier::{Level, Measure, Mode};
use snc_index::Index;
use snc_plan::effective::effective;
use snc_plan::governance::{Governance, govern};
use snc_plan::{Settings, profile};
use std::sync::Arc;

/// What holds in a namespace of a tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    pub tenant: String,
    /// Level and parameters.
    pub profile: Profile,
    modes: [Mode; Measure::ALL.len()],
    /// Whether controls of the platform's own count: what they are, the product does not know.
    pub custom: bool,
}

impl Standing {
    pub fn new(tenant: &str, profile: Profile, constraints: &Constraints) -> Self {
        let modes = [Measure::Isolation, Measure::PodSecurity, Measure::Workloads, Measure::Images]
            .map(|m| constraints.mode(m));
        Self { tenant: tenant.to_owned(), profile, modes, custom: true }
    }

    /// Of the canary tenant: everything that the product asks of every tenant is enforced, and nothing that a platform
    /// adds, so that its harmless requests stay harmless.
    fn canary(tenant: &str) -> Self {
        let enforce = || Most::of(Some(Mode::Enforce), &Source::Product);
        let constraints = Constraints {
            isolation: enforce(),
            pod_security: enforce(),
            workloads: enforce(),
            images: enforce(),
            ..Constraints::default()
        };
        Self { custom: false, ..Self::new(tenant, Profile::new(Level::Essentiel), &constraints) }
    }

    pub fn mode(&self, measure: Measure) -> Mode {
        match measure {
            Measure::Isolation => self.modes[0],
            Measure::PodSecurity => self.modes[1],
            Measure::Workloads => self.modes[2],
            Measure::Images => self.modes[3],
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Whose {
    Tenant(Arc<Standing>),
    /// Let go, or the cluster's own whatever its labels say.
    Nobody,
    /// Not known, or not yet: the API server may have heard of a label before us.
    Unknown(Text),
}

/// Of a namespace that the API server takes for a tenant's.
pub fn whose(index: &Index, settings: &Settings, namespace: &str) -> Whose {
    if namespace == settings.tenant_canary() {
        return Whose::Tenant(Arc::new(Standing::canary(namespace)));
    }
    match govern(index, settings, namespace) {
        Governance::Governed { tenant }
        | Governance::Terminating { tenant }
        | Governance::Observed { tenant } => {
            let effective = effective(index, namespace, &tenant);
            Whose::Tenant(Arc::new(Standing::new(&tenant, profile(&effective), &effective.constraints)))
        }
        Governance::Released { .. } | Governance::Protected => Whose::Nobody,
        Governance::Conflict { claimants, .. } => Whose::Unknown(Text::new(
            format!("namespace réclamé par plusieurs : {}", claimants.join(", ")),
            format!("a namespace that several claim: {}", claimants.join(", ")),
        )),
        Governance::None => Whose::Unknown(Text::new(
            "namespace pas encore connu du webhook",
            "a namespace that the webhook does not know yet",
        )),
    }
}
