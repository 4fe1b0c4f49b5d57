//! `kubectl snc scan` as it is run: the built binary, files and standard input, and what comes out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use assert_cmd::Command;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;

const TWO: &str = "# a comment
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers:
        - name: prep
          image: x
          securityContext:
            privileged: true
      containers:
        - name: web
          image: x
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: ci}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: robot, namespace: ci}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: ci, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}
subjects: [{kind: ServiceAccount, name: robot, namespace: shop}]
";

fn snc(args: &[&str], folder: &Path, input: &str) -> (Option<i32>, String, String) {
    let output = Command::cargo_bin("kubectl-snc")
        .expect("built")
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("LC_ALL", "C")
        .write_stdin(input.to_owned())
        .output()
        .expect("runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn report(args: &[&str], folder: &Path, input: &str) -> (Option<i32>, Value) {
    let (code, out, err) = snc(args, folder, input);
    (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out} {err}")))
}

fn finding<'a>(report: &'a Value, control: &str) -> &'a Value {
    let all = report["findings"].as_array().expect("findings");
    all.iter().find(|found| found["control"] == control).unwrap_or_else(|| panic!("no {control}: {report}"))
}

#[test]
fn findings_have_their_place_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("two.yaml"), TWO).unwrap();
    let (code, report) = report(&["scan", ".", "-o", "json"], folder.path(), "");
    assert_eq!(code, Some(1));
    let privileged = finding(&report, "pod-privileged");
    assert_eq!(privileged["location"], serde_json::json!({"file": "./two.yaml", "line": 17, "column": 25}));
    assert_eq!(privileged["path"], "spec.template.spec.initContainers[\"prep\"].securityContext.privileged");
    assert_eq!(privileged["category"], "pod-security");
    // A control on several objects knows its path only at the end.
    let admin = finding(&report, "rbac-cluster-admin");
    assert_eq!(admin["location"], serde_json::json!({"file": "./two.yaml", "line": 26, "column": 11}));
    assert!(!admin["remediation"].as_str().unwrap().is_empty());
}

#[test]
fn a_json_list_on_standard_input_is_judged_item_by_item() {
    let pod = |name: &str, privileged: bool| {
        serde_json::json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop"},
            "spec": {"containers": [{"name": "a", "image": "x", "securityContext": {"privileged": privileged}}]},
        })
    };
    let list =
        serde_json::json!({"kind": "List", "apiVersion": "v1", "items": [pod("a", false), pod("b", true)]});
    let text = serde_json::to_string_pretty(&list).unwrap();
    let (code, report) = report(&["scan", "-", "-o", "json"], Path::new("."), &text);
    assert_eq!(code, Some(1));
    assert_eq!(report["summary"]["objects"], 2);
    let found = finding(&report, "pod-privileged");
    assert_eq!(found["subject"]["name"], "b");
    let line = text.lines().position(|line| line.contains("\"privileged\": true")).unwrap() + 1;
    assert_eq!(found["location"]["line"], line);
}

#[test]
fn what_is_broken_is_told_with_its_place_and_the_rest_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("a.yaml"),
        format!("a: [b\n---\n{TWO}---\napiVersion: v1\nkind: Pod\n"),
    )
    .unwrap();
    std::fs::write(folder.path().join("values.yaml"), "replicas: 1\n").unwrap();
    std::fs::write(folder.path().join("latin.yaml"), b"a: b\nc: \xe9\n").unwrap();
    let (code, report) = report(&["scan", ".", "missing.yaml", "-o", "json"], folder.path(), "");
    assert_eq!(code, Some(2));
    finding(&report, "pod-privileged");
    let errors: Vec<(&str, u64)> = report["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["file"].as_str().unwrap(), error["line"].as_u64().unwrap()))
        .collect();
    let lines = TWO.lines().count() as u64;
    assert_eq!(errors, [("./a.yaml", 1), ("./a.yaml", lines + 4), ("./latin.yaml", 2), ("missing.yaml", 0)]);
    assert_eq!(report["summary"]["passedOver"], 1);
}

#[test]
fn exit_codes_follow_severity_and_doubt() {
    let run = |args: &[&str], input: &str| snc(&[&["scan", "-"], args].concat(), Path::new("."), input).0;
    let only = ["--fail-on", "none"];
    assert_eq!(run(&only, TWO), Some(0));
    assert_eq!(run(&["--fail-on", "critical"], TWO), Some(1));
    let doubt = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: x, securityContext: {privileged: maybe}}]}\n";
    assert_eq!(run(&[&only[..], &["--fail-on-unknown"]].concat(), doubt), Some(3));
    assert_eq!(run(&["--param", "no.such=1"], TWO), Some(2));
    assert_eq!(run(&["--level", "Haut"], TWO), Some(2));
}

#[test]
fn every_form_is_of_the_same_findings() {
    let count = |form: &str| {
        let (code, out, _) = snc(&["scan", "-", "-o", form], Path::new("."), TWO);
        assert_eq!(code, Some(1), "{form}");
        out
    };
    let json: Value = serde_json::from_str(&count("json")).unwrap();
    let findings = json["findings"].as_array().unwrap().len();
    assert!(findings >= 2);
    let sarif: Value = serde_json::from_str(&count("sarif")).unwrap();
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), findings);
    assert_eq!(count("junit").matches("<testcase").count(), findings);
    assert_eq!(count("csv").lines().count(), findings + 1);
    assert_eq!(count("md").lines().filter(|line| line.starts_with("| ")).count(), findings + 2);
    let reports: Value = serde_json::from_str(&count("openreports")).unwrap();
    let results = |report: &Value| report["results"].as_array().unwrap().len();
    assert_eq!(reports["items"].as_array().unwrap().iter().map(results).sum::<usize>(), findings);
    assert!(count("table").lines().count() > findings);
    let yaml = count("yaml");
    assert!(yaml.contains("findings:"));
}

#[test]
fn requirements_and_controls_are_listed_whole() {
    let (code, requirements) = report(&["requirements", "-o", "json"], Path::new("."), "");
    assert_eq!((code, requirements.as_array().unwrap().len()), (Some(0), 287));
    let (_, controls) = report(&["controls", "-o", "json"], Path::new("."), "");
    for control in controls.as_array().unwrap() {
        for field in ["id", "category", "requirements", "severity", "level", "scope", "enforcement"] {
            assert!(!control[field].is_null(), "{control}");
        }
        let (code, text, _) = snc(&["explain", control["id"].as_str().unwrap()], Path::new("."), "");
        assert_eq!(code, Some(0), "{text}");
    }
    // The API server never shows admission policies to admission policies.
    for id in ["policy-fail-open", "policy-binding-parameters"] {
        let control = controls.as_array().unwrap().iter().find(|control| control["id"] == id).unwrap();
        assert_eq!(control["enforcement"], "audit", "{id}");
    }
    assert_eq!(snc(&["explain", "no-such"], Path::new("."), "").0, Some(2));
}

fn schema(text: &str) -> jsonschema::Validator {
    jsonschema::validator_for(&serde_json::from_str(text).unwrap()).unwrap()
}

/// Findings, an unknown and an error, so that every part of a form is there.
fn mixed() -> String {
    format!(
        "a: [b\n---\n{TWO}---\napiVersion: v1\nkind: Pod\nmetadata: {{name: \"é<&>\"}}\nspec: {{containers: [{{name: a, securityContext: {{privileged: x}}}}]}}\n"
    )
}

#[test]
fn json_and_sarif_are_as_their_schemas_have_them() {
    for (form, schema_text) in [
        ("json", include_str!("../../../docs/scan.schema.json")),
        // One pattern in the published schema closes a bracket that nothing opens.
        ("sarif", &include_str!("schemas/sarif-2.1.0.json").replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}$")),
    ] {
        let (code, report) = report(&["scan", "-", "-o", form], Path::new("."), &mixed());
        assert_eq!(code, Some(2));
        let schema = schema(schema_text);
        let wrong: Vec<String> =
            schema.iter_errors(&report).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(wrong.is_empty(), "{form}: {wrong:?}");
        assert!(
            schema.iter_errors(&serde_json::json!({"version": 1})).next().is_some(),
            "{form}: takes anything"
        );
    }
}

/// As the schema that CI servers publish for it has elements and attributes, and with sums that are right.
#[test]
fn junit_is_as_ci_servers_read_it() {
    let (_, text, _) = snc(&["scan", "-", "-o", "junit"], Path::new("."), &mixed());
    let document = roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let attributes = |name: &str| -> &[&str] {
        match name {
            "testsuites" | "testsuite" => &["name", "tests", "failures", "errors"],
            "testcase" => &["name", "classname"],
            "failure" | "error" => &["message", "type"],
            other => panic!("{other} is no element of it"),
        }
    };
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        let found: Vec<&str> = node.attributes().map(|attribute| attribute.name()).collect();
        assert_eq!(found, attributes(node.tag_name().name()));
        let parent = node.parent_element().map(|parent| parent.tag_name().name());
        let expected = match node.tag_name().name() {
            "testsuites" => None,
            "testsuite" => Some("testsuites"),
            "testcase" => Some("testsuite"),
            _ => Some("testcase"),
        };
        assert_eq!(parent, expected);
        if let Some(tests) = node.attribute("tests") {
            let count =
                |name: &str| node.descendants().filter(|node| node.has_tag_name(name)).count().to_string();
            assert_eq!(tests, count("testcase"));
            assert_eq!(node.attribute("failures").unwrap(), count("failure"));
            assert_eq!(node.attribute("errors").unwrap(), count("error"));
        }
    }
}

/// Documents are let go as they were judged.
#[test]
fn a_long_stream_is_judged_to_its_end() {
    let mut text = String::new();
    for number in 0..3000 {
        let _ = writeln!(
            text,
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: p{number}, namespace: shop}}\nspec: {{containers: [{{name: a, image: x, securityContext: {{privileged: {}}}}}]}}",
            number == 2999
        );
    }
    let (_, report) = report(&["scan", "-", "-o", "json"], Path::new("."), &text);
    assert_eq!(report["summary"]["objects"], 3000);
    let found = finding(&report, "pod-privileged");
    assert_eq!(
        (found["subject"]["name"].as_str(), found["location"]["line"].as_u64()),
        (Some("p2999"), Some(15000))
    );
}
