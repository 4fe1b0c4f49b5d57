//! Resources that are judged by the same expressions.

use crate::guards::build::rule;
use k8s_openapi::api::admissionregistration::v1::NamedRuleWithOperations;
use snc_catalogue::VARIABLES;

pub(super) struct Shape {
    pub name: &'static str,
    /// As controls name it.
    pub reads: &'static str,
    /// Group, version, resources; the operations are those of [`WRITES`], of a subresource its updates alone.
    resources: &'static [(&'static str, &'static str, &'static [&'static str])],
    /// What of an object its rules read: an update that leaves it as it was is not judged. For pods the variables below.
    parts: &'static [&'static str],
}

const WRITES: &[&str] = &["CREATE", "UPDATE"];

/// A kind that is not served is no harm: the policy waits for it, and holds from its first object.
pub(super) const SHAPES: &[Shape] = &[
    Shape {
        name: "pods",
        reads: "pods",
        resources: &[
            ("", "v1", &["pods", "podtemplates", "replicationcontrollers"]),
            // A container that is added to a running pod does not come by an update of the pod.
            ("", "v1", &["pods/ephemeralcontainers"]),
            ("apps", "v1", &["deployments", "statefulsets", "daemonsets", "replicasets"]),
            ("batch", "v1", &["jobs", "cronjobs"]),
        ],
        parts: &[],
    },
    Shape {
        name: "ingresses",
        reads: "networking.k8s.io/Ingress",
        resources: &[("networking.k8s.io", "v1", &["ingresses"])],
        parts: &["spec", "metadata.annotations"],
    },
    Shape {
        name: "services",
        reads: "core/Service",
        resources: &[("", "v1", &["services"])],
        parts: &["spec"],
    },
    Shape {
        name: "rolebindings",
        reads: "rbac.authorization.k8s.io/RoleBinding",
        resources: &[("rbac.authorization.k8s.io", "v1", &["rolebindings"])],
        parts: &["roleRef", "subjects"],
    },
    Shape {
        name: "backuplocations",
        reads: "velero.io/BackupStorageLocation",
        resources: &[("velero.io", "v1", &["backupstoragelocations"])],
        parts: &["spec"],
    },
];

/// Every name that a policy of controls has in some version: the operator may write and delete these and no others.
pub const POLICIES: &[&str] = &[
    "pods-pod-security-enforce.secnumcloud.dev",
    "pods-pod-security-advise.secnumcloud.dev",
    "pods-workloads-enforce.secnumcloud.dev",
    "pods-workloads-advise.secnumcloud.dev",
    "ingresses-workloads-enforce.secnumcloud.dev",
    "ingresses-workloads-advise.secnumcloud.dev",
    "services-workloads-enforce.secnumcloud.dev",
    "services-workloads-advise.secnumcloud.dev",
    "rolebindings-workloads-enforce.secnumcloud.dev",
    "rolebindings-workloads-advise.secnumcloud.dev",
    "backuplocations-workloads-enforce.secnumcloud.dev",
    "backuplocations-workloads-advise.secnumcloud.dev",
];

/// And their bindings.
pub const BINDINGS: &[&str] = &[
    "pods-pod-security-enforce.secnumcloud.dev",
    "pods-pod-security-audit.secnumcloud.dev",
    "pods-pod-security-warn.secnumcloud.dev",
    "pods-workloads-enforce.secnumcloud.dev",
    "pods-workloads-audit.secnumcloud.dev",
    "pods-workloads-warn.secnumcloud.dev",
    "ingresses-workloads-enforce.secnumcloud.dev",
    "ingresses-workloads-audit.secnumcloud.dev",
    "ingresses-workloads-warn.secnumcloud.dev",
    "services-workloads-enforce.secnumcloud.dev",
    "services-workloads-audit.secnumcloud.dev",
    "services-workloads-warn.secnumcloud.dev",
    "rolebindings-workloads-enforce.secnumcloud.dev",
    "rolebindings-workloads-audit.secnumcloud.dev",
    "rolebindings-workloads-warn.secnumcloud.dev",
    "backuplocations-workloads-enforce.secnumcloud.dev",
    "backuplocations-workloads-audit.secnumcloud.dev",
    "backuplocations-workloads-warn.secnumcloud.dev",
];

/// What of the old object is compared, by the expressions that give it of the new one.
const OF_PODS: [&str; 4] = ["podSpec", "podMeta", "podLabels", "podAnnotations"];

impl Shape {
    pub(super) fn rules(&self) -> Vec<NamedRuleWithOperations> {
        let operations = |resources: &[&str]| {
            if resources.iter().all(|name| name.contains('/')) { &WRITES[1..] } else { WRITES }
        };
        self.resources
            .iter()
            .map(|(group, version, resources)| rule(group, version, resources, operations(resources)))
            .collect()
    }

    fn is_pods(&self) -> bool {
        self.parts.is_empty()
    }

    /// Of the old object what [`VARIABLES`] give of the new one.
    pub(super) fn before() -> impl Iterator<Item = (String, String)> {
        let old = |text: &str| {
            OF_PODS.iter().fold(text.replace("object.", "oldObject."), |text, name| {
                text.replace(&format!("variables.{name}."), &format!("variables.{name}Before."))
            })
        };
        let of_pods = VARIABLES.iter().filter(|(name, _)| OF_PODS.contains(name));
        of_pods.map(move |(name, text)| (format!("{name}Before"), old(text)))
    }

    /// CEL: of an update, whether what is judged is as it was.
    pub(super) fn same(&self) -> String {
        let same: Vec<String> = if self.is_pods() {
            // Of a pod itself the API server lets no annotation change that a rule reads, and network plugins write others.
            vec![
                "variables.podSpec == variables.podSpecBefore".to_owned(),
                "(object.kind == \"Pod\" || (variables.podLabels == variables.podLabelsBefore && \
                 variables.podAnnotations == variables.podAnnotationsBefore))"
                    .to_owned(),
            ]
        } else {
            let part = |part: &&str| {
                let path = part.replace('.', ".?");
                format!("object.?{path} == oldObject.?{path}")
            };
            self.parts.iter().map(part).collect()
        };
        same.join(" && ")
    }
}
