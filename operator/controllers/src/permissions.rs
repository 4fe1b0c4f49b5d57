//! Every right that the operator needs, in one table. The chart's roles are checked against it in a test, and a running
//! operator asks the API server for each of them.

use crate::context::Context;
use crate::error::reason;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::api::PostParams;
use kube::{Api, Client};
use snc_core::condition::reason as why;
use snc_core::names::{
    ASSESSMENT, GROUP, LEASE, LIMITS, OWNER_BINDING, PROBE, QUOTA, RECORD, ROLE_TENANT_ADMIN,
    ROLE_TENANT_VIEWER, WAIVERS,
};
use snc_plan::Settings;
use snc_plan::guards::{BINDINGS, GUARDS, POLICIES};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Roles change rarely, and what a watch may not read it says by itself.
const LOOK_AGAIN: Duration = Duration::from_secs(300);
const WHILE_MISSING: Duration = Duration::from_secs(20);
const AT_ONCE: usize = 4;
/// So many are named in an event.
const NAMED: usize = 10;

/// Where a right holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    Cluster,
    OperatorNamespace,
    CanaryNamespace,
    DefaultNamespace,
}

struct Rule {
    scope: Scope,
    group: &'static str,
    resources: &'static [&'static str],
    /// Of the only objects it holds for; none, and it holds for all.
    names: &'static [&'static str],
    verbs: &'static [&'static str],
}

const READ: &[&str] = &["get", "list", "watch"];
/// An apply that creates is authorized as "create" with its name known.
const WRITE: &[&str] = &["create", "patch", "update", "delete"];
const RBAC: &str = "rbac.authorization.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";
const GUARD_KINDS: &[&str] = &["validatingadmissionpolicies", "validatingadmissionpolicybindings"];

const fn cluster(
    group: &'static str,
    resources: &'static [&'static str],
    names: &'static [&'static str],
    verbs: &'static [&'static str],
) -> Rule {
    Rule { scope: Scope::Cluster, group, resources, names, verbs }
}

const RULES: &[Rule] = &[
    cluster(
        GROUP,
        &[
            "sncbaselines",
            "snctenants",
            "sncpolicies",
            "sncexceptions",
            "snccontrols",
            "sncassessments",
            "sncauditlogs",
        ],
        &[],
        READ,
    ),
    cluster(
        GROUP,
        &[
            "sncbaselines/status",
            "snctenants/status",
            "sncpolicies/status",
            "sncexceptions/status",
            "snccontrols/status",
        ],
        &[],
        &["patch"],
    ),
    cluster(GROUP, &["sncassessments"], &[ASSESSMENT], &["create", "patch", "delete"]),
    cluster(GROUP, &["sncassessments/status"], &[ASSESSMENT], &["patch"]),
    cluster("", &["namespaces"], &[], READ),
    cluster("", &["namespaces"], &[], &["create", "patch"]),
    cluster("", &["pods"], &[], READ),
    cluster("", &["nodes"], &[], READ),
    cluster("networking.k8s.io", &["servicecidrs"], &[], READ),
    cluster("policy.networking.k8s.io", &["clusternetworkpolicies"], &[], READ),
    cluster("networking.k8s.io", &["networkpolicies"], &[], READ),
    cluster("networking.k8s.io", &["networkpolicies"], &[], WRITE),
    cluster("", &["resourcequotas", "limitranges"], &[], READ),
    cluster("", &["resourcequotas"], &[QUOTA], WRITE),
    cluster("", &["limitranges"], &[LIMITS], WRITE),
    cluster(RBAC, &["rolebindings"], &[], READ),
    cluster(RBAC, &["rolebindings"], &[OWNER_BINDING], WRITE),
    cluster(RBAC, &["clusterroles"], &[ROLE_TENANT_ADMIN, ROLE_TENANT_VIEWER], &["bind"]),
    cluster("", &["configmaps"], &[RECORD], READ),
    cluster("", &["configmaps"], &[RECORD], WRITE),
    // Whoever writes a policy with a parameter must be allowed to read every object of the parameter's kind.
    cluster(GROUP, &["sncwaiversets"], &[], READ),
    cluster("", &["serviceaccounts"], &["default"], READ),
    cluster("", &["serviceaccounts"], &["default"], &["create", "patch"]),
    cluster(ADMISSION, GUARD_KINDS, &[], READ),
    cluster(ADMISSION, GUARD_KINDS, GUARDS, &["create", "patch", "update"]),
    cluster(ADMISSION, &["validatingadmissionpolicies"], POLICIES, WRITE),
    cluster(ADMISSION, &["validatingadmissionpolicybindings"], BINDINGS, WRITE),
    cluster("events.k8s.io", &["events"], &[], &["create", "patch"]),
    Rule {
        scope: Scope::OperatorNamespace,
        group: "coordination.k8s.io",
        resources: &["leases"],
        names: &[],
        verbs: &["create"],
    },
    Rule {
        scope: Scope::OperatorNamespace,
        group: "coordination.k8s.io",
        resources: &["leases"],
        names: &[LEASE],
        verbs: &["get", "update"],
    },
    Rule {
        scope: Scope::OperatorNamespace,
        group: GROUP,
        resources: &["sncwaiversets"],
        names: &[WAIVERS],
        verbs: &["create", "patch", "update"],
    },
    // Their names are those of digests and namespaces.
    Rule {
        scope: Scope::OperatorNamespace,
        group: GROUP,
        resources: &["sncimageledgers"],
        names: &[],
        verbs: &["get", "create", "update"],
    },
    Rule {
        scope: Scope::OperatorNamespace,
        group: "",
        resources: &["configmaps"],
        names: &[PROBE],
        verbs: READ,
    },
    // The ConfigMap of a former version is removed.
    Rule {
        scope: Scope::OperatorNamespace,
        group: "",
        resources: &["configmaps"],
        names: &[WAIVERS],
        verbs: &["get", "delete"],
    },
    Rule { scope: Scope::CanaryNamespace, group: "", resources: &["pods"], names: &[], verbs: &["create"] },
    Rule {
        scope: Scope::DefaultNamespace,
        group: "discovery.k8s.io",
        resources: &["endpointslices"],
        names: &[],
        verbs: &["list", "watch"],
    },
];

/// Kinds that controls read, `group/Kind` as these name it, and where the API has them. Secrets are not among them: the
/// chart grants them on request.
pub const ASSESSED: &[(&str, &str)] = &[
    ("admissionregistration.k8s.io/MutatingWebhookConfiguration", "mutatingwebhookconfigurations"),
    ("admissionregistration.k8s.io/ValidatingAdmissionPolicy", "validatingadmissionpolicies"),
    ("admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings"),
    ("admissionregistration.k8s.io/ValidatingWebhookConfiguration", "validatingwebhookconfigurations"),
    ("apiregistration.k8s.io/APIService", "apiservices"),
    ("apps/DaemonSet", "daemonsets"),
    ("apps/Deployment", "deployments"),
    ("apps/ReplicaSet", "replicasets"),
    ("apps/StatefulSet", "statefulsets"),
    ("aquasecurity.github.io/VulnerabilityReport", "vulnerabilityreports"),
    ("argoproj.io/Application", "applications"),
    ("autoscaling/HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    ("batch/CronJob", "cronjobs"),
    ("batch/Job", "jobs"),
    ("cert-manager.io/Certificate", "certificates"),
    ("cert-manager.io/ClusterIssuer", "clusterissuers"),
    ("cert-manager.io/Issuer", "issuers"),
    ("certificates.k8s.io/CertificateSigningRequest", "certificatesigningrequests"),
    ("core/LimitRange", "limitranges"),
    ("core/Namespace", "namespaces"),
    ("core/Node", "nodes"),
    ("core/PersistentVolume", "persistentvolumes"),
    ("core/PersistentVolumeClaim", "persistentvolumeclaims"),
    ("core/Pod", "pods"),
    ("core/PodTemplate", "podtemplates"),
    ("core/ReplicationController", "replicationcontrollers"),
    ("core/ResourceQuota", "resourcequotas"),
    ("core/Service", "services"),
    ("core/ServiceAccount", "serviceaccounts"),
    ("external-secrets.io/ClusterSecretStore", "clustersecretstores"),
    ("external-secrets.io/SecretStore", "secretstores"),
    ("gateway.networking.k8s.io/GRPCRoute", "grpcroutes"),
    ("gateway.networking.k8s.io/Gateway", "gateways"),
    ("gateway.networking.k8s.io/HTTPRoute", "httproutes"),
    ("gateway.networking.k8s.io/ReferenceGrant", "referencegrants"),
    ("monitoring.coreos.com/Prometheus", "prometheuses"),
    ("monitoring.coreos.com/PrometheusAgent", "prometheusagents"),
    ("networking.k8s.io/Ingress", "ingresses"),
    ("networking.k8s.io/IngressClass", "ingressclasses"),
    ("networking.k8s.io/NetworkPolicy", "networkpolicies"),
    ("node.k8s.io/RuntimeClass", "runtimeclasses"),
    ("policy/PodDisruptionBudget", "poddisruptionbudgets"),
    ("rbac.authorization.k8s.io/ClusterRole", "clusterroles"),
    ("rbac.authorization.k8s.io/ClusterRoleBinding", "clusterrolebindings"),
    ("rbac.authorization.k8s.io/Role", "roles"),
    ("rbac.authorization.k8s.io/RoleBinding", "rolebindings"),
    ("scheduling.k8s.io/PriorityClass", "priorityclasses"),
    ("secnumcloud.dev/SncAuditLog", "sncauditlogs"),
    ("secnumcloud.dev/SncImageLedger", "sncimageledgers"),
    ("secnumcloud.dev/SncImageScan", "sncimagescans"),
    ("security.istio.io/PeerAuthentication", "peerauthentications"),
    ("snapshot.storage.k8s.io/VolumeSnapshotClass", "volumesnapshotclasses"),
    ("source.toolkit.fluxcd.io/GitRepository", "gitrepositories"),
    ("source.toolkit.fluxcd.io/HelmRepository", "helmrepositories"),
    ("source.toolkit.fluxcd.io/OCIRepository", "ocirepositories"),
    ("storage.k8s.io/StorageClass", "storageclasses"),
    ("velero.io/BackupStorageLocation", "backupstoragelocations"),
    ("velero.io/Schedule", "schedules"),
    ("velero.io/VolumeSnapshotLocation", "volumesnapshotlocations"),
];

/// One right: one verb on one resource, for one name or for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    pub scope: Scope,
    pub group: &'static str,
    pub resource: &'static str,
    pub name: Option<&'static str>,
    pub verb: &'static str,
}

impl Permission {
    pub fn resource_label(&self) -> String {
        if self.group.is_empty() {
            return self.resource.to_owned();
        }
        format!("{}.{}", self.resource, self.group)
    }

    fn review(&self, settings: &Settings) -> SelfSubjectAccessReview {
        let (resource, subresource) = match self.resource.split_once('/') {
            Some((resource, sub)) => (resource, Some(sub.to_owned())),
            None => (self.resource, None),
        };
        let namespace = match self.scope {
            Scope::Cluster => None,
            Scope::OperatorNamespace => Some(settings.identity.namespace.clone()),
            Scope::CanaryNamespace => Some(settings.canary_namespace.clone()),
            Scope::DefaultNamespace => Some("default".to_owned()),
        };
        SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(ResourceAttributes {
                    group: Some(self.group.to_owned()),
                    resource: Some(resource.to_owned()),
                    subresource,
                    namespace,
                    name: self.name.map(ToOwned::to_owned),
                    verb: Some(self.verb.to_owned()),
                    ..ResourceAttributes::default()
                }),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        }
    }
}

impl std::fmt::Display for Permission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.verb, self.resource_label())?;
        self.name.map_or(Ok(()), |name| write!(f, "/{name}"))
    }
}

/// Everything that the operator needs.
pub fn needed() -> BTreeSet<Permission> {
    let mut all = BTreeSet::new();
    for &Rule { scope, group, resources, names, verbs } in RULES {
        for &resource in resources {
            for &verb in verbs {
                if names.is_empty() {
                    all.insert(Permission { scope, group, resource, name: None, verb });
                }
                for &name in names {
                    all.insert(Permission { scope, group, resource, name: Some(name), verb });
                }
            }
        }
    }
    all
}

/// What only the controls read. A right that is not there is no missing one: its kind may not be served, or is not for the
/// operator to see, and its controls are Unknown.
pub fn assessed() -> BTreeSet<Permission> {
    let right = |&(kind, resource): &(&'static str, &'static str), verb: &'static str| {
        let group = kind.split_once('/').map_or("", |(group, _)| if group == "core" { "" } else { group });
        Permission { scope: Scope::Cluster, group, resource, name: None, verb }
    };
    let all: BTreeSet<_> =
        ASSESSED.iter().flat_map(|kind| READ.iter().map(move |verb| right(kind, verb))).collect();
    all.difference(&needed()).copied().collect()
}

/// Rights that we have not, as the API server itself decides.
async fn missing(client: &Client, settings: &Settings) -> kube::Result<Vec<Permission>> {
    let api: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let mut missing: Vec<Permission> = futures::stream::iter(needed())
        .map(|permission| {
            let (api, review) = (api.clone(), permission.review(settings));
            async move {
                let answer = api.create(&PostParams::default(), &review).await?;
                let allowed = answer.status.is_some_and(|status| status.allowed);
                Ok::<_, kube::Error>((!allowed).then_some(permission))
            }
        })
        .buffer_unordered(AT_ONCE)
        .try_filter_map(|missing| async move { Ok(missing) })
        .try_collect()
        .await?;
    missing.sort_unstable();
    Ok(missing)
}

/// Asks at the start and from time to time, and says what is missing: in the log and as a number at once, as an event
/// once this process may write.
pub async fn keep(context: Arc<Context>) -> &'static str {
    let mut known: Option<Vec<Permission>> = None;
    let mut told = Vec::new();
    loop {
        let mut wait = LOOK_AGAIN;
        match missing(&context.client, &context.settings).await {
            Ok(missing) => {
                context.metrics.permissions(&missing);
                if !missing.is_empty() {
                    wait = WHILE_MISSING;
                }
                if known.as_ref() != Some(&missing) {
                    say(&missing);
                }
                if context.lease.is_current() && told != missing {
                    announce(&context, &missing).await;
                    told.clone_from(&missing);
                }
                known = Some(missing);
            }
            Err(error) => {
                tracing::warn!(error = reason(&error), "rights not checked; trying again");
                wait = WHILE_MISSING;
            }
        }
        tokio::time::sleep(wait).await;
    }
}

fn say(missing: &[Permission]) {
    if missing.is_empty() {
        tracing::info!("every right that the operator needs is there");
    } else {
        let list = list(missing, usize::MAX);
        tracing::error!(reason = why::PERMISSION_MISSING, missing = list, "rights are missing");
    }
}

fn list(missing: &[Permission], shown: usize) -> String {
    let mut list: Vec<String> = missing.iter().take(shown).map(ToString::to_string).collect();
    if missing.len() > shown {
        list.push(format!("… ({})", missing.len()));
    }
    list.join(", ")
}

/// On the lease, which is the operator's own and always there.
async fn announce(context: &Context, missing: &[Permission]) {
    if missing.is_empty() {
        return;
    }
    let about = ObjectReference {
        api_version: Some("coordination.k8s.io/v1".into()),
        kind: Some("Lease".into()),
        name: Some(LEASE.into()),
        namespace: Some(context.settings.identity.namespace.clone()),
        ..ObjectReference::default()
    };
    let list = list(missing, NAMED);
    let note = context
        .settings
        .lang
        .pick(|| format!("droits manquants : {list}"), || format!("rights are missing: {list}"));
    context.events.warning(&about, why::PERMISSION_MISSING, "Check", note).await;
}
