//! Who may do what: bindings, with the rules of the role that each one names.

use snc_core::facts::{Binding, Role, RoleSubject, Rule};
use snc_core::snapshot::Snapshot;
use snc_core::verdict::Subject;

const RBAC: &str = "rbac.authorization.k8s.io";
const VERSION: &str = "rbac.authorization.k8s.io/v1";
const ACCOUNT: &str = "system:serviceaccount:";
const ACCOUNTS: &str = "system:serviceaccounts:";

/// A binding and its role, where that is known.
pub struct Grant<'a> {
    pub binding: &'a Subject,
    pub fact: &'a Binding,
    pub role: Option<&'a Role>,
}

impl Grant<'_> {
    pub fn rules(&self) -> &[Rule] {
        self.role.map_or(&[], |role| role.rules.as_slice())
    }

    /// `User:name`, `Group:name` or `ServiceAccount:namespace/name`, as the authorizer understands each subject.
    pub fn holders(&self) -> impl Iterator<Item = String> {
        self.fact.subjects.iter().map(|subject| holder(subject, &self.binding.namespace))
    }

    pub fn is_cluster_wide(&self) -> bool {
        self.binding.kind == "ClusterRoleBinding"
    }
}

pub fn grants(snapshot: &Snapshot) -> impl Iterator<Item = Grant<'_>> {
    snapshot.bindings.iter().map(|(binding, fact)| {
        let namespace = if fact.role_ref.kind == "Role" { binding.namespace.as_str() } else { "" };
        let role = Subject::new(VERSION, &fact.role_ref.kind, namespace, &fact.role_ref.name);
        Grant { binding, fact, role: snapshot.roles.get(&role) }
    })
}

/// A `RoleBinding`'s `ServiceAccounts` are of its namespace where it does not say otherwise.
pub fn holder(subject: &RoleSubject, namespace: &str) -> String {
    match account(subject, namespace) {
        Some((namespace, name)) => format!("ServiceAccount:{namespace}/{name}"),
        None => format!("{}:{}", subject.kind, subject.name),
    }
}

/// The namespace and name of the `ServiceAccount` that a subject is, by its kind or by its user name.
pub(crate) fn account<'a>(subject: &'a RoleSubject, namespace: &'a str) -> Option<(&'a str, &'a str)> {
    match subject.kind.as_str() {
        "ServiceAccount" if subject.namespace.is_empty() => Some((namespace, &subject.name)),
        "ServiceAccount" => Some((&subject.namespace, &subject.name)),
        "User" => subject.name.strip_prefix(ACCOUNT)?.split_once(':'),
        _ => None,
    }
}

/// The namespace whose `ServiceAccounts` a subject means: one of them, or all.
pub(crate) fn home<'a>(subject: &'a RoleSubject, namespace: &'a str) -> Option<&'a str> {
    match account(subject, namespace) {
        Some((home, _)) => Some(home),
        None if subject.kind == "Group" => subject.name.strip_prefix(ACCOUNTS),
        None => None,
    }
}

/// The API server binds controllers that a cluster may not run, each to the role of its name.
pub(crate) fn is_stock(grant: &Grant<'_>) -> bool {
    let role = grant.fact.role_ref.name.as_str();
    *role == grant.binding.name
        && (role == "system:kube-dns"
            || ["system:controller:", "system::leader-locking-"].iter().any(|start| role.starts_with(start)))
        && grant.fact.subjects.iter().all(|held| match held.kind.as_str() {
            "ServiceAccount" => held.namespace == "kube-system",
            kind => kind == "User" && held.name.starts_with("system:kube-"),
        })
}

/// Every verb on every resource of every group.
pub fn is_everything(rule: &Rule) -> bool {
    let any = |list: &[String]| list.iter().any(|item| item == "*");
    any(&rule.verbs) && any(&rule.resources) && any(&rule.api_groups) && rule.is_unnamed()
}

/// What lets somebody get further rights, act without a trace, or change traces; the first that is found.
pub(crate) fn elevated(rules: &[Rule]) -> Option<String> {
    const ALWAYS: [(&str, &str, &str); 9] = [
        ("escalate", RBAC, "clusterroles"),
        ("escalate", RBAC, "roles"),
        ("get", "", "nodes/proxy"),
        ("create", "", "nodes/proxy"),
        ("create", "", "pods/exec"),
        ("get", "", "pods/exec"),
        ("patch", "", "namespaces"),
        ("update", "", "namespaces"),
        ("create", RBAC, "clusterrolebindings"),
    ];
    const UNNAMED: [(&str, &str, &str); 14] = [
        ("bind", RBAC, "clusterroles"),
        ("bind", RBAC, "roles"),
        ("impersonate", "", "users"),
        ("impersonate", "", "groups"),
        ("impersonate", "", "serviceaccounts"),
        ("get", "", "secrets"),
        ("list", "", "secrets"),
        ("watch", "", "secrets"),
        ("create", "", "serviceaccounts/token"),
        ("approve", "certificates.k8s.io", "signers"),
        ("patch", "admissionregistration.k8s.io", "validatingwebhookconfigurations"),
        ("patch", "admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
        ("delete", "admissionregistration.k8s.io", "validatingadmissionpolicies"),
        ("delete", "", "events"),
    ];
    let told = |(verb, group, resource): &(&str, &str, &str)| {
        let group = if group.is_empty() { String::new() } else { format!("{group}/") };
        format!("{verb} {group}{resource}")
    };
    rules.iter().find_map(|rule| {
        let allows = |(verb, group, resource): &&(&str, &str, &str)| rule.allows(verb, group, resource);
        if is_everything(rule) {
            return Some("*".to_owned());
        }
        ALWAYS
            .iter()
            .find(allows)
            .or_else(|| UNNAMED.iter().find(allows).filter(|_| rule.is_unnamed()))
            .map(told)
    })
}
