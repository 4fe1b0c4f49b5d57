//! The constraints that hold in one namespace, joined over everyone who may set them.

use crate::flow::{Direction, PortRange};
use crate::lattice::{Allow, AllowBlocks, DenyBlocks, Join, Least, Most, Sources};
use crate::parameters::Parameters;
use crate::tier::{Environment, Level, Measure, Mode, Sensitivity};
use ipnet::IpNet;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A service of the platform that tenants may name in a flow.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SharedService {
    pub name: String,
    pub direction: Direction,
    pub namespace: String,
    pub pods: LabelSelector,
    #[serde(serialize_with = "ports_as_text")]
    pub ports: Vec<PortRange>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dns {
    pub namespace: Option<String>,
    pub pods: LabelSelector,
    #[serde(serialize_with = "ports_as_text")]
    pub ports: Vec<PortRange>,
    pub addresses: Vec<IpNet>,
}

/// Where pods reach the Kubernetes API (peer `kubernetesAPI`).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ApiEndpoints {
    pub blocks: Vec<IpNet>,
    #[serde(serialize_with = "ports_as_text")]
    pub ports: Vec<PortRange>,
}

/// The platform's word, with evidence, that its network engine enforces NetworkPolicy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct EnforcementStatement {
    pub engine: String,
    pub evidence: String,
    pub stated_on: jiff::civil::Date,
}

fn ports_as_text<S: serde::Serializer>(ports: &[PortRange], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(ports.iter().map(ToString::to_string))
}

/// One contributor's constraints, or the join of several.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Constraints {
    pub level: Most<Level>,
    pub isolation: Most<Mode>,
    pub pod_security: Most<Mode>,
    pub quota_mode: Most<Mode>,
    pub workloads: Most<Mode>,
    pub images: Most<Mode>,
    pub environment: Most<Environment>,
    pub sensitivity: Most<Sensitivity>,
    /// Days that audit records are kept.
    pub audit_retention: Most<u32>,
    /// Ceilings of one namespace.
    pub quota: Least,
    pub container_max: Least,
    pub container_default: Least,
    pub container_request: Least,
    pub allowed_blocks: AllowBlocks,
    pub denied_blocks: DenyBlocks,
    pub shared_services: Allow<SharedService>,
    pub dns: Allow<Dns>,
    pub kubernetes_api: Allow<ApiEndpoints>,
    pub enforcement: BTreeMap<EnforcementStatement, Sources>,
    /// Of controls.
    pub parameters: Parameters,
}

impl Join for Constraints {
    fn join(self, other: Self) -> Self {
        let mut enforcement = self.enforcement;
        for (statement, sources) in other.enforcement {
            enforcement.entry(statement).or_default().extend(sources);
        }
        Self {
            level: self.level.join(other.level),
            isolation: self.isolation.join(other.isolation),
            pod_security: self.pod_security.join(other.pod_security),
            quota_mode: self.quota_mode.join(other.quota_mode),
            workloads: self.workloads.join(other.workloads),
            images: self.images.join(other.images),
            environment: self.environment.join(other.environment),
            sensitivity: self.sensitivity.join(other.sensitivity),
            audit_retention: self.audit_retention.join(other.audit_retention),
            quota: self.quota.join(other.quota),
            container_max: self.container_max.join(other.container_max),
            container_default: self.container_default.join(other.container_default),
            container_request: self.container_request.join(other.container_request),
            allowed_blocks: self.allowed_blocks.join(other.allowed_blocks),
            denied_blocks: self.denied_blocks.join(other.denied_blocks),
            shared_services: self.shared_services.join(other.shared_services),
            dns: self.dns.join(other.dns),
            kubernetes_api: self.kubernetes_api.join(other.kubernetes_api),
            enforcement,
            parameters: self.parameters.join(other.parameters),
        }
    }
}

/// The row of what audit records are kept for.
pub const AUDIT_RETENTION: &str = "audit.retentionDays";

/// A list that its contributors left empty between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    pub field: String,
    pub sources: BTreeSet<String>,
}

/// One value in force, for status and for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    pub field: String,
    pub value: String,
    pub from: Vec<String>,
}

impl Constraints {
    pub fn all(contributions: impl IntoIterator<Item = Self>) -> Self {
        contributions.into_iter().fold(Self::default(), Join::join)
    }

    pub fn level(&self) -> Level {
        self.level.value().unwrap_or(Level::Essentiel)
    }

    pub fn isolation(&self) -> Mode {
        self.isolation.value().unwrap_or(Mode::Audit)
    }

    pub fn pod_security(&self) -> Mode {
        self.pod_security.value().unwrap_or(Mode::Audit)
    }

    pub fn quota_mode(&self) -> Mode {
        self.quota_mode.value().unwrap_or(Mode::Audit)
    }

    pub fn workloads(&self) -> Mode {
        self.workloads.value().unwrap_or(Mode::Audit)
    }

    pub fn images(&self) -> Mode {
        self.images.value().unwrap_or(Mode::Audit)
    }

    /// The mode in which what concerns a measure is refused, warned of or recorded.
    pub fn mode(&self, measure: Measure) -> Mode {
        match measure {
            Measure::Isolation => self.isolation(),
            Measure::PodSecurity => self.pod_security(),
            Measure::Workloads => self.workloads(),
            Measure::Images => self.images(),
        }
    }

    pub fn conflicts(&self) -> Vec<Conflict> {
        let found = [
            ("network.allowedCIDRs", self.allowed_blocks.conflict()),
            ("network.sharedServices", self.shared_services.conflict()),
            ("network.dns", self.dns.conflict()),
            ("network.kubernetesAPI", self.kubernetes_api.conflict()),
        ];
        let found = found.into_iter().map(|(field, sources)| (field.to_owned(), sources));
        let tailored =
            self.parameters.iter().map(|(key, one)| (format!("parameters[{key}]"), one.conflict()));
        found
            .chain(tailored)
            .filter_map(|(field, sources)| {
                Some(Conflict { field, sources: sources?.iter().map(ToString::to_string).collect() })
            })
            .collect()
    }

    /// Scalar values in force and where each came from, in a fixed order.
    pub fn in_force(&self) -> Vec<InForce> {
        let scalar = |field: &str, value: String, sources: Option<&Sources>| InForce {
            field: field.to_owned(),
            value,
            from: sources.map_or_else(|| vec!["product".to_owned()], names),
        };
        let mut all = vec![
            scalar("level", self.level().to_string(), self.level.sources()),
            scalar("modes.isolation", self.isolation().to_string(), self.isolation.sources()),
            scalar("modes.podSecurity", self.pod_security().to_string(), self.pod_security.sources()),
            scalar("modes.quota", self.quota_mode().to_string(), self.quota_mode.sources()),
            scalar("modes.workloads", self.workloads().to_string(), self.workloads.sources()),
            scalar("modes.images", self.images().to_string(), self.images.sources()),
        ];
        if let Some(environment) = self.environment.value() {
            all.push(scalar("environment", environment.to_string(), self.environment.sources()));
        }
        if let Some(sensitivity) = self.sensitivity.value() {
            all.push(scalar("sensitivity", sensitivity.to_string(), self.sensitivity.sources()));
        }
        if let Some(days) = self.audit_retention.value() {
            all.push(scalar(AUDIT_RETENTION, days.to_string(), self.audit_retention.sources()));
        }
        let blocks = |list: &[IpNet]| list.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        if let Some(allowed) = self.allowed_blocks.blocks() {
            all.push(scalar("network.allowedCIDRs", blocks(allowed), self.allowed_blocks.sources()));
        }
        if !self.denied_blocks.blocks().is_empty() {
            let denied = blocks(self.denied_blocks.blocks());
            all.push(scalar("network.deniedCIDRs", denied, Some(self.denied_blocks.sources())));
        }
        if self.shared_services.is_constrained() {
            let mut services: Vec<_> = self.shared_services.entries().map(|s| s.name.as_str()).collect();
            services.sort_unstable();
            all.push(scalar("network.sharedServices", services.join(","), self.shared_services.sources()));
        }
        for (resource, amount, sources) in self.quota.iter() {
            all.push(scalar(&format!("quota[{resource}]"), amount.to_string(), Some(sources)));
        }
        for (key, tailored) in self.parameters.iter() {
            let value = tailored.value().to_string();
            all.push(scalar(&format!("parameters[{key}]"), value, Some(tailored.sources())));
        }
        all
    }
}

fn names(sources: &Sources) -> Vec<String> {
    sources.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::Source;

    fn with_isolation(mode: Option<Mode>, source: Source) -> Constraints {
        Constraints { isolation: Most::of(mode, &source), ..Constraints::default() }
    }

    #[test]
    fn absent_everywhere_is_audit_from_the_product() {
        let none = Constraints::default();
        assert_eq!(none.isolation(), Mode::Audit);
        let row = &none.in_force()[1];
        assert_eq!(
            (row.field.as_str(), row.value.as_str(), row.from.as_slice()),
            ("modes.isolation", "Audit", &["product".to_owned()][..])
        );
    }

    #[test]
    fn a_policy_cannot_lower_what_the_baseline_asks() {
        let joined = Constraints::all([
            with_isolation(Some(Mode::Enforce), Source::Baseline("floor".into())),
            with_isolation(Some(Mode::Audit), Source::Policy("lax".into())),
        ]);
        assert_eq!(joined.isolation(), Mode::Enforce);
        assert_eq!(joined.in_force()[1].from, ["SncBaseline/floor"]);
    }
}
