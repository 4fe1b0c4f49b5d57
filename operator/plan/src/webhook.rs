//! The configuration of the admission webhook: which requests the API server asks about, and what it does without an
//! answer.
//!
//! Namespaces are selected by inclusion, and only objects that are in one: a webhook for cluster-scoped objects would
//! see all of them, whatever it selects. Of the webhooks of one group of kinds exactly one matches a request.

use crate::Settings;
use crate::guards::{Identity, in_group};
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    MatchCondition, RuleWithOperations, ServiceReference, ValidatingWebhook, ValidatingWebhookConfiguration,
    WebhookClientConfig,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement, ObjectMeta};
use snc_catalogue::POD_KINDS;
use snc_core::names::{LABEL_COMPONENT, LABEL_MANAGED_BY, LABEL_TENANT, MANAGED_BY, WEBHOOK};
use snc_core::tier::{Measure, Mode};
use std::collections::{BTreeMap, BTreeSet};

const COMPONENT: &str = "webhook";
/// Where the webhook refuses what it cannot judge, and where it warns.
pub const ENFORCE: &str = "/enforce";
pub const ADVISE: &str = "/advise";
pub const SERVICE: &str = "snc-webhook";
const PORT: i32 = 443;
const TIMEOUT_SECONDS: i32 = 3;
/// All that a user is told when nothing answers is the name of the webhook, so it says what to do.
const IF_DOWN: &str = "if-down-run-kubectl-snc-preflight";

/// How the API server reaches the webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reached {
    /// By its Service in the operator's namespace.
    Service,
    /// Outside of the cluster, `https://host:port`.
    Url(String),
}

/// Where a kind is served, and which of its subresources carry the whole object.
struct Served {
    kind: &'static str,
    group: &'static str,
    versions: &'static [&'static str],
    resources: &'static [&'static str],
}

const fn served(
    kind: &'static str,
    group: &'static str,
    versions: &'static [&'static str],
    resources: &'static [&'static str],
) -> Served {
    Served { kind, group, versions, resources }
}

const V1: &[&str] = &["v1"];

/// Kinds that are in namespaces. Secrets are left out: nobody but the API server needs to see what is in them.
const SERVED: &[Served] = &[
    served("core/Pod", "", V1, &["pods", "pods/ephemeralcontainers", "pods/resize"]),
    served("core/PodTemplate", "", V1, &["podtemplates"]),
    served("core/ReplicationController", "", V1, &["replicationcontrollers"]),
    served("core/PersistentVolumeClaim", "", V1, &["persistentvolumeclaims"]),
    served("core/Service", "", V1, &["services"]),
    served("core/ServiceAccount", "", V1, &["serviceaccounts"]),
    served("apps/Deployment", "apps", V1, &["deployments"]),
    served("apps/StatefulSet", "apps", V1, &["statefulsets"]),
    served("apps/DaemonSet", "apps", V1, &["daemonsets"]),
    served("apps/ReplicaSet", "apps", V1, &["replicasets"]),
    served("batch/Job", "batch", V1, &["jobs"]),
    served("batch/CronJob", "batch", V1, &["cronjobs"]),
    served("networking.k8s.io/Ingress", "networking.k8s.io", V1, &["ingresses"]),
    served("networking.k8s.io/NetworkPolicy", "networking.k8s.io", V1, &["networkpolicies"]),
    served("rbac.authorization.k8s.io/Role", "rbac.authorization.k8s.io", V1, &["roles"]),
    served("rbac.authorization.k8s.io/RoleBinding", "rbac.authorization.k8s.io", V1, &["rolebindings"]),
    served("gateway.networking.k8s.io/Gateway", "gateway.networking.k8s.io", V1, &["gateways"]),
    served("gateway.networking.k8s.io/HTTPRoute", "gateway.networking.k8s.io", V1, &["httproutes"]),
    served("gateway.networking.k8s.io/GRPCRoute", "gateway.networking.k8s.io", V1, &["grpcroutes"]),
    served("gateway.networking.k8s.io/TLSRoute", "gateway.networking.k8s.io", V1, &["tlsroutes"]),
    served("cert-manager.io/Certificate", "cert-manager.io", V1, &["certificates"]),
    served("cert-manager.io/Issuer", "cert-manager.io", V1, &["issuers"]),
    served("external-secrets.io/SecretStore", "external-secrets.io", V1, &["secretstores"]),
    served("monitoring.coreos.com/Prometheus", "monitoring.coreos.com", V1, &["prometheuses"]),
    served(
        "monitoring.coreos.com/PrometheusAgent",
        "monitoring.coreos.com",
        &["v1alpha1"],
        &["prometheusagents"],
    ),
    served("security.istio.io/PeerAuthentication", "security.istio.io", V1, &["peerauthentications"]),
    served("source.toolkit.fluxcd.io/GitRepository", "source.toolkit.fluxcd.io", V1, &["gitrepositories"]),
    served("source.toolkit.fluxcd.io/HelmRepository", "source.toolkit.fluxcd.io", V1, &["helmrepositories"]),
    served("source.toolkit.fluxcd.io/OCIRepository", "source.toolkit.fluxcd.io", V1, &["ocirepositories"]),
    served("argoproj.io/Application", "argoproj.io", &["v1alpha1"], &["applications"]),
    served("velero.io/BackupStorageLocation", "velero.io", V1, &["backupstoragelocations"]),
    served("velero.io/Schedule", "velero.io", V1, &["schedules"]),
    served("velero.io/VolumeSnapshotLocation", "velero.io", V1, &["volumesnapshotlocations"]),
];

/// What only a rule that needs other objects judges, by the mode of workloads.
const CLAIM: &str = "core/PersistentVolumeClaim";

/// Kinds whose objects may open another tenant: nobody is let past that.
pub const ACROSS: &[&str] = &[
    "networking.k8s.io/NetworkPolicy",
    "rbac.authorization.k8s.io/RoleBinding",
    "networking.k8s.io/Ingress",
    "gateway.networking.k8s.io/HTTPRoute",
    "gateway.networking.k8s.io/GRPCRoute",
    "gateway.networking.k8s.io/TLSRoute",
];

const ACROSS_GROUP: &str = "tenants";

/// Requests that go by the same modes.
struct Group {
    name: &'static str,
    measures: &'static [Measure],
    kinds: Vec<&'static Served>,
    operations: &'static [&'static str],
    conditions: Vec<MatchCondition>,
}

const WRITTEN: [&str; 2] = ["CREATE", "UPDATE"];

/// Of these kinds (`group/Kind`), those that are not asked about: they are in no namespace, are nobody's to see, or are
/// not known here.
pub fn left_out(kinds: &BTreeSet<String>) -> BTreeSet<String> {
    kinds.iter().filter(|kind| SERVED.iter().all(|served| served.kind != kind.as_str())).cloned().collect()
}

/// For what the controls of tenants judge, and what concerns other tenants. Deterministic.
pub fn configuration(
    settings: &Settings,
    reached: &Reached,
    ca_bundle: &[u8],
    kinds: &BTreeSet<String>,
) -> ValidatingWebhookConfiguration {
    let identity = &settings.identity;
    let asked = |served: &&Served| {
        kinds.contains(served.kind) || ACROSS.contains(&served.kind) || served.kind == CLAIM
    };
    let of = |wanted: &dyn Fn(&str) -> bool| -> Vec<&'static Served> {
        SERVED.iter().filter(asked).filter(|served| wanted(served.kind)).collect()
    };
    let is_pods = |kind: &str| POD_KINDS.contains(&kind);
    let is_across = |kind: &str| ACROSS.contains(&kind);
    let of_pods = |name, operations, conditions| Group {
        name,
        measures: &[Measure::Workloads, Measure::PodSecurity, Measure::Images],
        kinds: of(&is_pods),
        operations,
        conditions,
    };
    let groups = [
        // What is created most of all is asked about without conditions: the API server converts the object anew to look
        // at them (docs/adr/0015). None of ours is there but the canary's pod, which is as it should be.
        of_pods("new-pods", &["CREATE"], Vec::new()),
        of_pods("pods", &["UPDATE"], conditions(settings)),
        Group {
            name: ACROSS_GROUP,
            measures: &[Measure::Workloads, Measure::Isolation],
            kinds: of(&is_across),
            operations: &WRITTEN,
            conditions: conditions(settings),
        },
        Group {
            name: "objects",
            measures: &[Measure::Workloads],
            kinds: of(&|kind| !is_pods(kind) && !is_across(kind)),
            operations: &WRITTEN,
            conditions: conditions(settings),
        },
    ];
    let webhooks = groups.iter().filter(|group| !group.kinds.is_empty()).flat_map(|group| {
        let passed = identity.bypass_group.as_deref().filter(|_| group.name != ACROSS_GROUP);
        asked_of(group.measures, passed).into_iter().map(|asked| ValidatingWebhook {
            name: if asked.fails {
                format!("{}.{}.{IF_DOWN}.{WEBHOOK}", asked.name, group.name)
            } else {
                format!("{}.{}.{WEBHOOK}", asked.name, group.name)
            },
            client_config: client(identity, reached, ca_bundle, asked.path),
            rules: Some(group.kinds.iter().map(|served| rule(served, group.operations)).collect()),
            failure_policy: Some(if asked.fails { "Fail" } else { "Ignore" }.to_owned()),
            match_policy: Some("Equivalent".to_owned()),
            namespace_selector: Some(asked.namespaces),
            object_selector: Some(LabelSelector::default()),
            match_conditions: Some(group.conditions.iter().cloned().chain(asked.who).collect::<Vec<_>>())
                .filter(|conditions| !conditions.is_empty()),
            side_effects: "None".to_owned(),
            timeout_seconds: Some(TIMEOUT_SECONDS),
            admission_review_versions: vec!["v1".to_owned()],
        })
    });
    ValidatingWebhookConfiguration {
        metadata: ObjectMeta {
            name: Some(WEBHOOK.to_owned()),
            labels: Some(BTreeMap::from([
                (LABEL_MANAGED_BY.to_owned(), MANAGED_BY.to_owned()),
                (LABEL_COMPONENT.to_owned(), COMPONENT.to_owned()),
            ])),
            ..ObjectMeta::default()
        },
        webhooks: Some(webhooks.collect()),
    }
}

/// Which requests one webhook is for.
struct Asked {
    name: String,
    namespaces: LabelSelector,
    who: Option<MatchCondition>,
    path: &'static str,
    /// Refused without an answer.
    fails: bool,
}

/// Every namespace of a tenant once; and all of them again for a group that is let past, which is told of what is
/// wrong, and is not held up when nothing answers.
fn asked_of(measures: &[Measure], bypass_group: Option<&str>) -> Vec<Asked> {
    let who = |name: &str, expression: String| MatchCondition { name: name.to_owned(), expression };
    let group = bypass_group.map(in_group);
    let everybody = selections(measures).into_iter().map(|(name, strict, namespaces)| Asked {
        name,
        namespaces,
        who: group.as_ref().map(|group| who("not-the-bypass-group", format!("!{group}"))),
        path: if strict { ENFORCE } else { ADVISE },
        fails: strict,
    });
    let group = group.as_ref().map(|group| Asked {
        name: "bypass".to_owned(),
        namespaces: select(vec![requirement(LABEL_TENANT, "Exists", &[])]),
        who: Some(who("the-bypass-group", group.clone())),
        path: ENFORCE,
        fails: false,
    });
    everybody.chain(group).collect()
}

/// For each measure the namespaces where it is the first that is enforced, and then the rest: every namespace of a
/// tenant once.
fn selections(measures: &[Measure]) -> Vec<(String, bool, LabelSelector)> {
    let mut before = vec![requirement(LABEL_TENANT, "Exists", &[])];
    let mut all = Vec::new();
    let enforce = [Mode::Enforce.as_str()];
    for measure in measures {
        let (_, name) = measure.label().split_once('/').unwrap_or(("", measure.label()));
        let mut own = before.clone();
        own.push(requirement(measure.label(), "In", &enforce));
        all.push((format!("enforce-{name}"), true, select(own)));
        before.push(requirement(measure.label(), "NotIn", &enforce));
    }
    all.push(("advise".to_owned(), false, select(before)));
    all
}

fn select(requirements: Vec<LabelSelectorRequirement>) -> LabelSelector {
    LabelSelector { match_expressions: Some(requirements), match_labels: None }
}

fn requirement(key: &str, operator: &str, values: &[&str]) -> LabelSelectorRequirement {
    LabelSelectorRequirement {
        key: key.to_owned(),
        operator: operator.to_owned(),
        values: (!values.is_empty()).then(|| values.iter().map(|value| (*value).to_owned()).collect()),
    }
}

fn client(identity: &Identity, reached: &Reached, ca_bundle: &[u8], path: &str) -> WebhookClientConfig {
    let (service, url) = match reached {
        Reached::Service => {
            let service = ServiceReference {
                name: SERVICE.to_owned(),
                namespace: identity.namespace.clone(),
                path: Some(path.to_owned()),
                port: Some(PORT),
            };
            (Some(service), None)
        }
        Reached::Url(url) => (None, Some(format!("{}{path}", url.trim_end_matches('/')))),
    };
    WebhookClientConfig { ca_bundle: Some(ByteString(ca_bundle.to_vec())), service, url }
}

fn rule(served: &Served, operations: &[&str]) -> RuleWithOperations {
    let owned = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
    RuleWithOperations {
        api_groups: owned(&[served.group]),
        api_versions: owned(served.versions),
        operations: owned(operations),
        resources: owned(served.resources),
        scope: Some("Namespaced".to_owned()),
    }
}

/// Total, and true for everything but our own writes and what only lets go of an object that is being deleted: with the
/// webhook down, the namespaces of tenants can still be deleted.
fn conditions(settings: &Settings) -> Vec<MatchCondition> {
    let user = settings.identity.username();
    let canary = settings.tenant_canary();
    let same = |field: &str| format!("object.?{field} == oldObject.?{field}");
    let fields = [
        "spec",
        "template",
        "rules",
        "subjects",
        "roleRef",
        "automountServiceAccountToken",
        "metadata.?labels",
        "metadata.?annotations",
    ];
    let same = fields.map(same).join(" && ");
    let condition = |name: &str, expression: String| MatchCondition { name: name.to_owned(), expression };
    vec![
        condition("not-the-operator", format!("request.?userInfo.?username.orValue('') != '{user}'")),
        // The chart writes there: with the webhook down an upgrade has to pass, since it is what may mend it.
        condition(
            "of-the-canary-only-its-own",
            format!(
                "request.?namespace.orValue('') != '{canary}' || \
                 request.?userInfo.?username.orValue('') == '{}'",
                settings.canary_username()
            ),
        ),
        condition(
            "not-on-its-way-out",
            format!(
                "request.operation != 'UPDATE' || !has(oldObject.metadata.deletionTimestamp) || !({same})"
            ),
        ),
    ]
}

#[cfg(test)]
mod tests;
