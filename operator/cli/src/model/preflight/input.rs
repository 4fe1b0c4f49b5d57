//! What was gathered of a cluster, before anything is judged.

use crate::cluster::Trouble;
use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use snc_plan::Settings;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What was read, or why it could not be: absence and ignorance never look alike.
pub type Read<T> = Result<T, Trouble>;

pub struct Input {
    pub context: String,
    pub settings: Settings,
    pub version: Read<String>,
    /// API groups, each with the versions that are served.
    pub groups: Read<BTreeMap<String, Vec<String>>>,
    /// Resources of `admissionregistration.k8s.io/v1`.
    pub admission_resources: Read<BTreeSet<String>>,
    pub daemon_sets: Read<Vec<DaemonSetSeen>>,
    /// `data` of the ConfigMap of Cilium; empty when there is none.
    pub cilium_config: Read<BTreeMap<String, String>>,
    pub nodes: Read<usize>,
    /// Kinds of network policy other than `networking.k8s.io`, as served.
    pub policy_kinds: Read<Vec<PolicyKindSeen>>,
    pub webhooks: Read<Vec<WebhookSeen>>,
    pub crds: Vec<(String, Read<Option<Box<CustomResourceDefinition>>>)>,
    pub guards: Read<Vec<ValidatingAdmissionPolicy>>,
    pub guard_bindings: Read<Vec<ValidatingAdmissionPolicyBinding>>,
    pub gate: Trial,
    pub own_rights: Vec<(Right, Read<bool>)>,
    pub operator_rights: Vec<(Right, Read<bool>)>,
    pub api_servers: Read<Vec<ApiServerSeen>>,
    /// How many API servers the cluster announces.
    pub endpoints: Read<usize>,
    /// Of the API server that answered.
    pub metrics: Read<Metrics>,
    /// The namespace that enforces a Pod Security standard, and what became of a privileged pod there.
    pub pod_security: Read<Option<(String, Trial)>>,
}

/// What became of a request that was only tried (`dryRun=All`): nothing is ever stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trial {
    Accepted,
    Refused(String),
    /// There was nothing to try it in.
    NotTried,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DaemonSetSeen {
    pub namespace: String,
    pub name: String,
    pub ready: usize,
    pub containers: Vec<ContainerSeen>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerSeen {
    pub name: String,
    pub image: String,
    /// Command and arguments.
    pub args: Vec<String>,
    pub env: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyKindSeen {
    /// As `resource.group`.
    pub resource: String,
    pub objects: Read<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSeen {
    pub configuration: String,
    pub mutating: bool,
    /// Of `group/resource`, those that the operator writes.
    pub touches: BTreeSet<String>,
}

/// An API server run as a static pod; its flags say how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiServerSeen {
    pub pod: String,
    pub args: Vec<String>,
}

impl ApiServerSeen {
    pub fn flag(&self, name: &str) -> Option<&str> {
        self.args.iter().rev().find_map(|arg| arg.strip_prefix("--")?.strip_prefix(name)?.strip_prefix('='))
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Admission plugins that judged a request since the server started.
    pub plugins: BTreeSet<String>,
    pub audit_events: u64,
}

impl Metrics {
    pub fn parse(text: &str) -> Self {
        const ADMISSION: &str = "apiserver_admission_controller_admission_duration_seconds_count{";
        const AUDIT: &str = "apiserver_audit_event_total";
        let mut metrics = Self::default();
        for line in text.lines() {
            if let Some(labels) = line.strip_prefix(ADMISSION) {
                let name = labels.split(',').find_map(|label| label.strip_prefix("name=\""));
                metrics.plugins.extend(name.map(|name| name.trim_end_matches(['"', '}']).to_owned()));
            } else if let Some(value) = line.strip_prefix(AUDIT).filter(|rest| rest.starts_with([' ', '{'])) {
                let value = value.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok());
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a counter")]
                let value = value.unwrap_or_default() as u64;
                metrics.audit_events += value;
            }
        }
        metrics
    }
}

/// One thing that RBAC allows or does not.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    pub verb: String,
    pub group: String,
    /// With its subresource; a path for what is no resource.
    pub resource: String,
    pub name: Option<String>,
    pub namespace: Option<String>,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if let Some(name) = &self.name {
            write!(f, "/{name}")?;
        }
        if let Some(namespace) = &self.namespace {
            write!(f, " -n {namespace}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_tell_the_plugins_that_judged_and_the_audit_events() {
        let text = "# HELP apiserver_audit_event_total x\napiserver_audit_event_total 42\n\
            apiserver_audit_requests_rejected_total 7\n\
            apiserver_admission_controller_admission_duration_seconds_count{name=\"NodeRestriction\",operation=\"CREATE\",rejected=\"false\",type=\"admit\"} 3\n\
            apiserver_admission_controller_admission_duration_seconds_bucket{name=\"Nope\",le=\"1\"} 3\n";
        let metrics = Metrics::parse(text);
        assert_eq!(metrics.audit_events, 42);
        assert_eq!(metrics.plugins, BTreeSet::from(["NodeRestriction".to_owned()]));
        assert_eq!(Metrics::parse("apiserver_audit_event_total 1.5e+06\n").audit_events, 1_500_000);
        assert_eq!(Metrics::parse(""), Metrics::default());
    }

    #[test]
    fn the_last_of_a_repeated_flag_counts() {
        let server =
            ApiServerSeen { pod: "p".into(), args: vec!["--a=1".into(), "--ab=2".into(), "--a=3".into()] };
        assert_eq!(server.flag("a"), Some("3"));
        assert_eq!(server.flag("b"), None);
    }
}
