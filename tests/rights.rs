//! The chart's roles grant what the operator's table says that it needs: no right less, and none more.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests is a test")]

use serde_json::Value;
use snc_catalogue::Catalogue;
use snc_controllers::permissions::{ASSESSED, Permission, Scope, assessed, needed};
use std::collections::BTreeSet;

/// Scope, group, resource, name, verb.
type Right = (Scope, String, String, Option<String>, String);

/// The template has no logic but names, so it is read as the YAML that it becomes.
fn documents(template: &str) -> Vec<Value> {
    let path =
        format!("{}/../charts/snc-operator/templates/rbac-{template}.yaml", env!("CARGO_MANIFEST_DIR"));
    let template = std::fs::read_to_string(path).unwrap();
    let filled: String = template
        .lines()
        .filter(|line| !line.contains("labels\" . | nindent"))
        // The one condition, which is around everything.
        .filter(|line| !line.starts_with("{{- if ") && *line != "{{- end }}")
        .map(|line| {
            line.replace("{{ .Release.Namespace }}", "OPERATOR")
                .replace("{{ .Values.canary.namespace }}", "CANARY")
                .replace("{{ include \"snc.serviceAccount\" . }}", "ACCOUNT")
                .replace("{{ include \"snc.audit.name\" . }}", "snc-audit-sink")
                + "\n"
        })
        .collect();
    assert!(!filled.contains("{{"), "the template has more than names: {filled}");
    filled.split("\n---\n").map(|document| serde_saphyr::from_str(document).unwrap()).collect()
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn granted(template: &str) -> BTreeSet<Right> {
    let mut rights = BTreeSet::new();
    for document in documents(template) {
        let scope = match (document["kind"].as_str().unwrap(), document["metadata"]["namespace"].as_str()) {
            ("ClusterRole", None) => Scope::Cluster,
            ("Role", Some("OPERATOR")) => Scope::OperatorNamespace,
            ("Role", Some("CANARY")) => Scope::CanaryNamespace,
            ("Role", Some("default")) => Scope::DefaultNamespace,
            ("ClusterRoleBinding" | "RoleBinding" | "ServiceAccount", _) => continue,
            other => panic!("{other:?} is not known here"),
        };
        for rule in document["rules"].as_array().unwrap() {
            let names = texts(&rule["resourceNames"]);
            for group in texts(&rule["apiGroups"]) {
                for resource in texts(&rule["resources"]) {
                    for verb in texts(&rule["verbs"]) {
                        let right = |name: Option<&String>| {
                            (scope, group.clone(), resource.clone(), name.cloned(), verb.clone())
                        };
                        if names.is_empty() {
                            rights.insert(right(None));
                        }
                        rights.extend(names.iter().map(|name| right(Some(name))));
                    }
                }
            }
        }
    }
    rights
}

fn table(permissions: BTreeSet<Permission>) -> BTreeSet<Right> {
    let right = |Permission { scope, group, resource, name, verb }| {
        (scope, group.to_owned(), resource.to_owned(), name.map(str::to_owned), verb.to_owned())
    };
    permissions.into_iter().map(right).collect()
}

fn assert_same(granted: &BTreeSet<Right>, needed: &BTreeSet<Right>) {
    let missing: Vec<_> = needed.difference(granted).collect();
    let surplus: Vec<_> = granted.difference(needed).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing {missing:#?}, surplus {surplus:#?}");
    assert!(granted.len() > 60, "{}: the template was read", granted.len());
}

#[test]
fn the_chart_grants_what_the_operator_needs_and_nothing_else() {
    assert_same(&granted("controller"), &table(needed()));
}

#[test]
fn the_chart_grants_what_controls_read_and_nothing_else() {
    assert_same(&granted("assessment"), &table(assessed()));
}

/// Secrets are granted apart, and only to whoever asks.
#[test]
fn every_kind_that_a_control_reads_has_its_right() {
    let catalogue = Catalogue::on_demand().unwrap();
    let mut kinds: BTreeSet<String> = ASSESSED.iter().map(|(kind, _)| (*kind).to_owned()).collect();
    assert_eq!(kinds.len(), ASSESSED.len(), "each once");
    kinds.insert("core/Secret".to_owned());
    assert_eq!(catalogue.reads(), kinds);
    let read: BTreeSet<Right> = ["get", "list", "watch"]
        .map(|verb| (Scope::Cluster, String::new(), "secrets".to_owned(), None, verb.to_owned()))
        .into();
    assert_eq!(granted("secrets"), read);
    let values = concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/snc-operator/values.yaml");
    let values: Value = serde_saphyr::from_str(&std::fs::read_to_string(values).unwrap()).unwrap();
    assert_eq!(values["assessment"]["readSecretMetadata"], false);
}

#[test]
fn reports_are_written_by_their_one_name() {
    let groups = [
        ("openreports.io", ["clusterreports", "reports"]),
        ("wgpolicyk8s.io", ["clusterpolicyreports", "policyreports"]),
    ];
    let mut rights = BTreeSet::new();
    for (group, resources) in groups {
        for resource in resources {
            for verb in ["list", "create", "patch", "delete"] {
                let name = Some(snc_plan::objects::report::NAME.to_owned());
                rights.insert((Scope::Cluster, group.to_owned(), resource.to_owned(), name, verb.to_owned()));
            }
        }
    }
    assert_eq!(granted("reports"), rights);
}

#[test]
fn no_right_is_a_wildcard_and_none_reaches_secrets_or_changes_roles() {
    for (scope, group, resource, name, verb) in granted("controller").into_iter().chain(granted("assessment"))
    {
        for part in [&group, &resource, &verb] {
            assert!(!part.contains('*'), "{scope:?} {group} {resource} {verb}");
        }
        assert_ne!(resource, "secrets");
        assert!(!["escalate", "impersonate"].contains(&verb.as_str()), "{resource} {verb}");
        let roles = ["roles", "clusterroles", "clusterrolebindings"].contains(&resource.as_str());
        let reads = ["get", "list", "watch"].contains(&verb.as_str());
        assert!(!roles || reads || (verb == "bind" && name.is_some()), "{resource} {verb}");
    }
    let reads = |(.., verb): &Right| ["get", "list", "watch"].contains(&verb.as_str());
    assert!(granted("assessment").iter().all(reads), "the controls change nothing");
}

/// The template of the hook has conditions, so it is read as text.
#[test]
fn the_uninstall_hook_may_delete_every_guard() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/snc-operator/templates/uninstall.yaml");
    let template = std::fs::read_to_string(path).unwrap();
    for guard in snc_plan::guards::GUARDS {
        assert_eq!(template.matches(&format!("- {guard}\n")).count(), 1, "{guard}");
    }
    // Those of controls are in the operator's own role already.
    let named = template
        .lines()
        .filter(|line| line.trim_end().ends_with(".secnumcloud.dev") && !line.contains("base"));
    assert_eq!(named.count(), snc_plan::guards::GUARDS.len());
}

/// Its code is in the binary: what it asks for is written down here once more.
#[test]
fn the_sink_of_the_audit_log_asks_and_writes_one_status() {
    let right = |scope, group: &str, resource: &str, name: Option<&str>, verb: &str| -> Right {
        (scope, group.to_owned(), resource.to_owned(), name.map(str::to_owned), verb.to_owned())
    };
    let mut rights = BTreeSet::new();
    for (group, resource) in [
        ("authentication.k8s.io", "tokenreviews"),
        ("authentication.k8s.io", "selfsubjectreviews"),
        ("authorization.k8s.io", "subjectaccessreviews"),
    ] {
        rights.insert(right(Scope::Cluster, group, resource, None, "create"));
    }
    for verb in ["list", "watch"] {
        rights.insert(right(Scope::Cluster, "", "namespaces", None, verb));
        for resource in ["snctenants", "sncpolicies"] {
            rights.insert(right(Scope::Cluster, "secnumcloud.dev", resource, None, verb));
        }
        rights.insert(right(Scope::Cluster, "secnumcloud.dev", "sncauditlogs", Some("cluster"), verb));
    }
    rights.insert(right(Scope::Cluster, "secnumcloud.dev", "sncauditlogs/status", Some("cluster"), "patch"));
    for verb in ["create", "patch"] {
        rights.insert(right(Scope::OperatorNamespace, "", "configmaps", Some("snc-audit-sink-ca"), verb));
    }
    assert_eq!(granted("audit-sink"), rights);
}
