use super::fixtures::{LANGS, assert_tame, settings};
use crate::commands::who_outcome;
use crate::model::who::{Way, WhoReport, build};
use crate::render::{Screen, json, who as render, yaml};
use serde_json::{Value, json};
use snc_core::lang::Lang;
use snc_core::snapshot::Snapshot;
use snc_core::verdict::Subject;
use std::collections::BTreeSet;

const VERSION: &str = "rbac.authorization.k8s.io/v1";

struct Rbac(Snapshot);

impl Rbac {
    fn new() -> Self {
        Self(Snapshot::default())
    }

    fn put(&mut self, kind: &str, namespace: &str, name: &str, mut body: Value) {
        body["metadata"] = json!({"name": name, "namespace": namespace});
        self.0.put(&Subject::new(VERSION, kind, namespace, name), &body);
    }

    fn role(mut self, name: &str, rules: Value) -> Self {
        self.put("ClusterRole", "", name, json!({"rules": rules}));
        self
    }

    fn bind(mut self, name: &str, role: &str, subjects: Value) -> Self {
        let body = json!({"roleRef": {"kind": "ClusterRole", "name": role}, "subjects": subjects});
        self.put("ClusterRoleBinding", "", name, body);
        self
    }

    fn bind_in(mut self, namespace: &str, name: &str, role: &str, subjects: Value) -> Self {
        let body = json!({"roleRef": {"kind": "ClusterRole", "name": role}, "subjects": subjects});
        self.put("RoleBinding", namespace, name, body);
        self
    }

    fn report(&self, expected: &[&str], lang: Lang) -> WhoReport {
        let expected = expected.iter().map(|name| (*name).to_owned()).collect();
        build("essai".into(), &self.0, &settings(lang).identity, &expected, lang)
    }
}

fn user(name: &str) -> Value {
    json!([{"kind": "User", "name": name}])
}

fn rule(verbs: &[&str], group: &str, resources: &[&str], names: &[&str]) -> Value {
    json!([{"verbs": verbs, "apiGroups": [group], "resources": resources, "resourceNames": names}])
}

const ADMISSION: &str = "admissionregistration.k8s.io";

fn cluster() -> Rbac {
    let all = json!([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]);
    Rbac::new()
        .role("cluster-admin", all)
        .bind("cluster-admin", "cluster-admin", json!([{"kind": "Group", "name": "system:masters"}]))
        .bind("urgence", "cluster-admin", json!([{"kind": "Group", "name": "astreinte\u{1b}[2J"}]))
        .role("tuer-gardes", rule(&["delete"], ADMISSION, &["validatingadmissionpolicybindings"], &[]))
        .bind(
            "planted",
            "tuer-gardes",
            json!([{"kind": "ServiceAccount", "namespace": "ci", "name": "robot"}]),
        )
        .role("lire", rule(&["get", "list"], ADMISSION, &["*"], &[]))
        .bind("lire", "lire", user("lecteur"))
        .role("edit", rule(&["*"], "apps", &["deployments"], &[]))
        .bind_in("snc-system", "edit", "edit", user("exploitant"))
        .bind_in("boutique", "edit", "edit", user("tenant"))
        .role("kubelet", rule(&["*"], "", &["nodes/proxy"], &[]))
        .bind("kubelet", "kubelet", user("supervision"))
        .role("system:kube-scheduler", rule(&["update"], "coordination.k8s.io", &["leases"], &[]))
        .bind("system:kube-scheduler", "system:kube-scheduler", user("system:kube-scheduler"))
        .role("snc-controller", rule(&["patch"], ADMISSION, &["validatingadmissionpolicies"], &[]))
        .bind(
            "snc-controller",
            "snc-controller",
            json!([{"kind": "ServiceAccount", "namespace": "snc-system", "name": "snc-controller"}]),
        )
}

#[test]
fn who_can_disable_in_every_form() {
    for (lang, name) in LANGS {
        let report = cluster().report(&["Group:system:masters"], lang);
        let text = render::table(&report, lang, Screen::default());
        assert_tame(&text);
        insta::assert_snapshot!(format!("who_table_{name}"), text);
    }
    let report = cluster().report(&["Group:system:masters"], Lang::En);
    for (form, text) in [("json", json::json(&report).unwrap()), ("yaml", yaml::yaml(&report).unwrap())] {
        assert_tame(&text);
        insta::assert_snapshot!(format!("who_{form}"), text);
    }
}

/// The ways that one rule opens, bound to somebody in the whole cluster, and in the operator's namespace alone.
fn ways(verbs: &[&str], group: &str, resource: &str, names: &[&str]) -> (Vec<Way>, Vec<Way>) {
    let rbac = Rbac::new().role("r", rule(verbs, group, &[resource], names));
    let of = |rbac: Rbac| -> Vec<Way> {
        let report = rbac.report(&[], Lang::En);
        report.holders.iter().flat_map(|holder| holder.can.iter().map(|can| can.way)).collect()
    };
    let home = Rbac(rbac.0.clone()).bind_in("snc-system", "b", "r", user("x"));
    (of(rbac.bind("b", "r", user("x"))), of(home))
}

#[test]
fn each_right_is_a_way_where_it_holds_for_what_is_ours() {
    let none: Vec<Way> = Vec::new();
    let cluster_only = |way: Way| (vec![way], Vec::new());
    let anywhere = |way: Way| (vec![way], vec![way]);
    let gate = "isolation-gate.secnumcloud.dev";
    let rbac = "rbac.authorization.k8s.io";
    for (verb, group, resource, names, expected) in [
        ("patch", ADMISSION, "validatingadmissionpolicies", &[][..], cluster_only(Way::Guards)),
        ("patch", ADMISSION, "validatingadmissionpolicies", &[gate], cluster_only(Way::Guards)),
        ("patch", ADMISSION, "validatingadmissionpolicies", &["other"], (none.clone(), none.clone())),
        ("deletecollection", ADMISSION, "validatingadmissionpolicies", &[gate], (none.clone(), none.clone())),
        ("create", ADMISSION, "validatingadmissionpolicies", &[], (none.clone(), none.clone())),
        ("delete", ADMISSION, "validatingwebhookconfigurations", &[], cluster_only(Way::Webhooks)),
        ("delete", "apiextensions.k8s.io", "customresourcedefinitions", &[], cluster_only(Way::Definitions)),
        (
            "delete",
            "apiextensions.k8s.io",
            "customresourcedefinitions",
            &["widgets.example.org"],
            (none.clone(), none.clone()),
        ),
        ("patch", "apps", "deployments/scale", &[], anywhere(Way::Operator)),
        ("update", "coordination.k8s.io", "leases", &["other"], (none.clone(), none.clone())),
        ("create", "", "serviceaccounts/token", &[], anywhere(Way::Identity)),
        ("impersonate", "", "users", &[], cluster_only(Way::Identity)),
        ("bind", rbac, "clusterroles", &[], cluster_only(Way::Rights)),
        ("escalate", rbac, "roles", &[], anywhere(Way::Rights)),
        ("get", "", "nodes/proxy", &[], cluster_only(Way::Nodes)),
        ("approve", "certificates.k8s.io", "signers", &[], cluster_only(Way::Certificates)),
        ("patch", "secnumcloud.dev", "sncbaselines", &[], cluster_only(Way::Policies)),
        ("assign", "secnumcloud.dev", "snctenants", &[], cluster_only(Way::Policies)),
        ("patch", "secnumcloud.dev", "sncexceptions/status", &[], cluster_only(Way::Exceptions)),
        ("get", "secnumcloud.dev", "sncexceptions", &[], (none.clone(), none.clone())),
        ("*", "*", "*", &[], (vec![Way::Everything], ways(&["*"], "*", "*", &[]).1)),
    ] {
        assert_eq!(ways(&[verb], group, resource, names), expected, "{verb} {group}/{resource} {names:?}");
    }
    assert!(ways(&["*"], "*", "*", &[]).1.contains(&Way::Operator), "an admin of the operator's namespace");
}

/// A name like Kubernetes' own hides nobody.
#[test]
fn nobody_is_built_in_by_the_name_of_a_binding() {
    let kill = rule(&["delete"], ADMISSION, &["validatingadmissionpolicies"], &[]);
    let rbac = Rbac::new()
        .role("system:kube-x", kill)
        .bind("system:kube-x", "system:kube-x", user("mallory"))
        .bind("other", "system:kube-x", user("system:kube-scheduler"));
    let report = rbac.report(&[], Lang::En);
    let others: Vec<&str> =
        report.holders.iter().filter(|one| one.is_other()).map(|one| one.name.as_str()).collect();
    assert_eq!(others, ["User:mallory", "User:system:kube-scheduler"]);
}

#[test]
fn others_are_a_finding_where_somebody_is_expected() {
    let report = cluster().report(&[], Lang::En);
    let code = |expected: &[&str]| {
        let expected: BTreeSet<String> = expected.iter().map(|name| (*name).to_owned()).collect();
        let names: Vec<&str> = expected.iter().map(String::as_str).collect();
        who_outcome(&cluster().report(&names, Lang::En), &expected, &[], Lang::En).code()
    };
    assert_eq!(code(&[]), 0, "a list and nothing more");
    assert_eq!(code(&["Group:system:masters"]), 1);
    let all: Vec<&str> = report.holders.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(code(&all), 0);
    let doubt = ["Role/x cannot be read".to_owned()];
    assert_eq!(who_outcome(&report, &BTreeSet::new(), &doubt, Lang::En).code(), 3);
}
