//! What the reader and the operator may do, as the API server's authorizer says.

use super::input::{Input, Read, Right};
use super::{Judged, State, some};
use snc_core::lang::Lang;
use snc_core::names::{
    ASSESSMENT, LEASE, LIMITS, OWNER_BINDING, PROBE, QUOTA, RECORD, ROLE_TENANT_ADMIN, ROLE_TENANT_VIEWER,
    WAIVERS,
};
use snc_plan::Settings;
use snc_plan::guards::{BINDINGS, GUARDS, POLICIES};

/// Where a right has to hold.
#[derive(Clone, Copy)]
enum Place {
    Cluster,
    Operator,
    Canary,
    Default,
}

/// Group, resources, names (none: any), verbs, place.
type Row = (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str], Place);

const READ: &[&str] = &["get", "list", "watch"];

/// The chart's ClusterRole and Roles of the controller; a test holds both together.
const OPERATOR: &[Row] = &[
    (
        "secnumcloud.dev",
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
        Place::Cluster,
    ),
    (
        "secnumcloud.dev",
        &[
            "sncbaselines/status",
            "snctenants/status",
            "sncpolicies/status",
            "sncexceptions/status",
            "snccontrols/status",
        ],
        &[],
        &["patch"],
        Place::Cluster,
    ),
    ("secnumcloud.dev", &["sncassessments"], &[ASSESSMENT], &["create", "patch", "delete"], Place::Cluster),
    ("secnumcloud.dev", &["sncassessments/status"], &[ASSESSMENT], &["patch"], Place::Cluster),
    ("", &["namespaces"], &[], &["get", "list", "watch", "create", "patch"], Place::Cluster),
    ("", &["pods"], &[], READ, Place::Cluster),
    ("", &["nodes"], &[], READ, Place::Cluster),
    ("networking.k8s.io", &["servicecidrs"], &[], READ, Place::Cluster),
    ("policy.networking.k8s.io", &["clusternetworkpolicies"], &[], READ, Place::Cluster),
    (
        "networking.k8s.io",
        &["networkpolicies"],
        &[],
        &["get", "list", "watch", "create", "patch", "update", "delete"],
        Place::Cluster,
    ),
    ("", &["resourcequotas", "limitranges"], &[], READ, Place::Cluster),
    ("", &["resourcequotas"], &[QUOTA], &["create", "patch", "update", "delete"], Place::Cluster),
    ("", &["limitranges"], &[LIMITS], &["create", "patch", "update", "delete"], Place::Cluster),
    ("rbac.authorization.k8s.io", &["rolebindings"], &[], READ, Place::Cluster),
    (
        "rbac.authorization.k8s.io",
        &["rolebindings"],
        &[OWNER_BINDING],
        &["create", "patch", "update", "delete"],
        Place::Cluster,
    ),
    (
        "rbac.authorization.k8s.io",
        &["clusterroles"],
        &[ROLE_TENANT_ADMIN, ROLE_TENANT_VIEWER],
        &["bind"],
        Place::Cluster,
    ),
    (
        "",
        &["configmaps"],
        &[RECORD],
        &["get", "list", "watch", "create", "patch", "update", "delete"],
        Place::Cluster,
    ),
    ("", &["serviceaccounts"], &["default"], &["get", "list", "watch", "create", "patch"], Place::Cluster),
    (
        "admissionregistration.k8s.io",
        &["validatingadmissionpolicies", "validatingadmissionpolicybindings"],
        &[],
        READ,
        Place::Cluster,
    ),
    (
        "admissionregistration.k8s.io",
        &["validatingadmissionpolicies", "validatingadmissionpolicybindings"],
        GUARDS,
        &["create", "patch", "update"],
        Place::Cluster,
    ),
    // Whoever writes a policy with a parameter must be allowed to read every object of the parameter's kind.
    ("secnumcloud.dev", &["sncwaiversets"], &[], READ, Place::Cluster),
    (
        "admissionregistration.k8s.io",
        &["validatingadmissionpolicies"],
        POLICIES,
        &["create", "patch", "update", "delete"],
        Place::Cluster,
    ),
    (
        "admissionregistration.k8s.io",
        &["validatingadmissionpolicybindings"],
        BINDINGS,
        &["create", "patch", "update", "delete"],
        Place::Cluster,
    ),
    ("events.k8s.io", &["events"], &[], &["create", "patch"], Place::Cluster),
    ("coordination.k8s.io", &["leases"], &[], &["create"], Place::Operator),
    ("coordination.k8s.io", &["leases"], &[LEASE], &["get", "update"], Place::Operator),
    ("secnumcloud.dev", &["sncwaiversets"], &[WAIVERS], &["create", "patch", "update"], Place::Operator),
    ("secnumcloud.dev", &["sncimageledgers"], &[], &["get", "create", "update"], Place::Operator),
    ("", &["configmaps"], &[PROBE], READ, Place::Operator),
    ("", &["configmaps"], &[WAIVERS], &["get", "delete"], Place::Operator),
    ("", &["pods"], &[], &["create"], Place::Canary),
    ("discovery.k8s.io", &["endpointslices"], &[], &["list", "watch"], Place::Default),
];

/// What the commands of this tool ask for.
const READER: &[Row] = &[
    ("secnumcloud.dev", &["sncbaselines", "snctenants", "sncpolicies"], &[], &["list"], Place::Cluster),
    ("", &["namespaces", "nodes", "pods", "resourcequotas", "limitranges"], &[], &["list"], Place::Cluster),
    ("", &["configmaps"], &[RECORD], &["list"], Place::Cluster),
    ("", &["serviceaccounts"], &["default"], &["list"], Place::Cluster),
    ("apps", &["daemonsets", "replicasets"], &[], &["list"], Place::Cluster),
    ("batch", &["jobs"], &[], &["list"], Place::Cluster),
    ("networking.k8s.io", &["networkpolicies"], &[], &["list"], Place::Cluster),
    ("rbac.authorization.k8s.io", &["rolebindings"], &[], &["list"], Place::Cluster),
    (
        "admissionregistration.k8s.io",
        &[
            "mutatingwebhookconfigurations",
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
            "validatingwebhookconfigurations",
        ],
        &[],
        &["list"],
        Place::Cluster,
    ),
    ("apiextensions.k8s.io", &["customresourcedefinitions"], &[], &["get"], Place::Cluster),
    ("discovery.k8s.io", &["endpointslices"], &[], &["list"], Place::Default),
    ("coordination.k8s.io", &["leases"], &[LEASE], &["get"], Place::Operator),
    ("", &["pods"], &[], &["create"], Place::Canary),
];

pub fn operator_rights(settings: &Settings) -> Vec<Right> {
    expand(OPERATOR, settings)
}

pub fn own_rights(settings: &Settings) -> Vec<Right> {
    expand(READER, settings)
}

fn expand(rows: &[Row], settings: &Settings) -> Vec<Right> {
    let mut rights = Vec::new();
    for (group, resources, names, verbs, place) in rows {
        let namespace = match place {
            Place::Cluster => None,
            Place::Operator => Some(settings.identity.namespace.clone()),
            Place::Canary => Some(settings.canary_namespace.clone()),
            Place::Default => Some("default".to_owned()),
        };
        let names: Vec<Option<&str>> =
            if names.is_empty() { vec![None] } else { names.iter().copied().map(Some).collect() };
        for resource in *resources {
            for name in &names {
                for verb in *verbs {
                    rights.push(Right {
                        verb: (*verb).to_owned(),
                        group: (*group).to_owned(),
                        resource: (*resource).to_owned(),
                        name: name.map(ToOwned::to_owned),
                        namespace: namespace.clone(),
                    });
                }
            }
        }
    }
    rights
}

pub fn of_the_operator(input: &Input, lang: Lang) -> Judged {
    let who = input.settings.identity.username();
    let (state, seen) = judge(&input.operator_rights, lang);
    (state, format!("{who}: {seen}").replacen(": ", lang.str(" : ", ": "), 1))
}

pub fn of_the_reader(input: &Input, lang: Lang) -> Judged {
    judge(&input.own_rights, lang)
}

fn judge(rights: &[(Right, Read<bool>)], lang: Lang) -> Judged {
    let refused: Vec<String> = rights
        .iter()
        .filter(|(_, allowed)| *allowed == Ok(false))
        .map(|(right, _)| right.to_string())
        .collect();
    if !refused.is_empty() {
        let refused = some(refused, 8);
        return (State::Missing, lang.pick(|| format!("manque : {refused}"), || format!("lacks: {refused}")));
    }
    if let Some(trouble) = rights.iter().find_map(|(_, allowed)| allowed.as_ref().err()) {
        return (State::Unknown, trouble.message(lang));
    }
    let all = rights.len();
    (State::Ok, lang.pick(|| format!("{all} droits sur {all}"), || format!("{all} rights of {all}")))
}
