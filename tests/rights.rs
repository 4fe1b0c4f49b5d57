//! The chart's roles grant what the operator's table says that it needs: no right less, and none more.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests is a test")]

use serde_json::Value;
use snc_controllers::permissions::{Permission, Scope, needed};
use std::collections::BTreeSet;

/// Scope, group, resource, name, verb.
type Right = (Scope, String, String, Option<String>, String);

/// The template has no logic but names, so it is read as the YAML that it becomes.
fn documents() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/snc-operator/templates/rbac-controller.yaml");
    let template = std::fs::read_to_string(path).unwrap();
    let filled: String = template
        .lines()
        .filter(|line| !line.contains("include \"snc.labels\""))
        .map(|line| {
            line.replace("{{ .Release.Namespace }}", "OPERATOR")
                .replace("{{ .Values.canary.namespace }}", "CANARY")
                .replace("{{ include \"snc.serviceAccount\" . }}", "ACCOUNT")
                + "\n"
        })
        .collect();
    assert!(!filled.contains("{{"), "the template has more than names: {filled}");
    filled.split("\n---\n").map(|document| serde_saphyr::from_str(document).unwrap()).collect()
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn granted() -> BTreeSet<Right> {
    let mut rights = BTreeSet::new();
    for document in documents() {
        let scope = match (document["kind"].as_str().unwrap(), document["metadata"]["namespace"].as_str()) {
            ("ClusterRole", None) => Scope::Cluster,
            ("Role", Some("OPERATOR")) => Scope::OperatorNamespace,
            ("Role", Some("CANARY")) => Scope::CanaryNamespace,
            ("Role", Some("default")) => Scope::DefaultNamespace,
            ("ClusterRoleBinding" | "RoleBinding", _) => continue,
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

#[test]
fn the_chart_grants_what_the_operator_needs_and_nothing_else() {
    let needed: BTreeSet<Right> = needed()
        .into_iter()
        .map(|Permission { scope, group, resource, name, verb }| {
            (scope, group.into(), resource.into(), name.map(Into::into), verb.into())
        })
        .collect();
    let granted = granted();
    let missing: Vec<_> = needed.difference(&granted).collect();
    let surplus: Vec<_> = granted.difference(&needed).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing {missing:#?}, surplus {surplus:#?}");
    assert!(granted.len() > 60, "{}: the template was read", granted.len());
}

#[test]
fn no_right_is_a_wildcard_and_none_reaches_secrets_or_roles() {
    for (scope, group, resource, name, verb) in granted() {
        for part in [&group, &resource, &verb] {
            assert!(!part.contains('*'), "{scope:?} {group} {resource} {verb}");
        }
        assert_ne!(resource, "secrets");
        assert!(!["escalate", "impersonate"].contains(&verb.as_str()), "{resource} {verb}");
        let roles = ["roles", "clusterroles"].contains(&resource.as_str());
        assert!(!roles || (verb == "bind" && name.is_some()), "{resource} {verb}");
    }
}
