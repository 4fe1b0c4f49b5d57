//! `kubectl snc scan --baseline`: whose values take the place of defaults, and how the report says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use assert_cmd::Command;
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

const ROLE: &str = "apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: agent}
rules: [{apiGroups: [''], resources: [namespaces], verbs: [patch]}]
";

/// Declares the role above.
const OURS: &str = "# a comment
apiVersion: v1
kind: ConfigMap
metadata: {name: passed-over}
---
apiVersion: secnumcloud.dev/v1alpha1
kind: SncBaseline
metadata: {name: ours}
spec:
  parameters:
    - control: rbac-namespace-update
      name: declared
      value: ['ClusterRole:agent', 'ClusterRole:other']
      rationale: the agent labels namespaces, contract 7
    - control: certificate-key
      name: minRsaBits
      value: 3072
      rationale: until the cards are replaced
";

struct Folder(TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        Self(folder)
    }

    /// Exit code, what is said, and why.
    fn scan(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::cargo_bin("kubectl-snc").expect("built");
        let output = command.arg("scan").args(args).current_dir(self.0.path()).env_clear().output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    fn report(&self, args: &[&str]) -> (Option<i32>, Value) {
        let (code, out, err) = self.scan(&[args, &["-o", "json"]].concat());
        (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}")))
    }

    /// What is refused, in one language; nothing is judged then.
    fn refused(&self, lang: &str, args: &[&str]) -> String {
        let (code, out, err) = self.scan(&[args, &["--lang", lang]].concat());
        assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
        err
    }
}

fn fails(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings.filter(|one| one["verdict"] == "Fail").map(|one| one["control"].as_str().unwrap()).collect()
}

#[test]
fn a_declared_role_passes_and_the_report_says_by_whose_word() {
    let folder = Folder::new(&[("role.yaml", ROLE), ("ours.yaml", OURS)]);
    let (code, plain) = folder.report(&["role.yaml"]);
    assert_eq!((code, fails(&plain)), (Some(1), vec!["rbac-namespace-update"]));
    assert_eq!(plain["summary"].get("tailoring"), None);

    let (code, report) = folder.report(&["role.yaml", "--baseline", "ours.yaml"]);
    assert_eq!((code, fails(&report)), (Some(0), vec![]));
    let wanted = json!({
        "baselines": [{"name": "ours", "file": "ours.yaml", "rationales": 2}],
        "parameters": [
            {"control": "certificate-key", "name": "minRsaBits", "value": 3072, "from": ["SncBaseline/ours"]},
            {
                "control": "rbac-namespace-update", "name": "declared",
                "value": ["ClusterRole:agent", "ClusterRole:other"], "from": ["SncBaseline/ours"],
            },
        ],
    });
    assert_eq!(report["summary"]["tailoring"], wanted);
    let schema: Value = serde_json::from_str(include_str!("../../../docs/scan.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> = schema.iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    for (form, lang, line) in [
        ("table", "en", "Parameters of SncBaseline/ours: 2 rationale(s) (ours.yaml)"),
        ("table", "fr", "Paramètres de SncBaseline/ours : 2 justification(s) (ours.yaml)"),
        ("md", "en", "Parameters of SncBaseline/ours: 2 rationale(s) (ours.yaml)"),
        ("sarif", "en", "\"rationales\": 2"),
    ] {
        let args = ["role.yaml", "--baseline", "ours.yaml", "-o", form, "--lang", lang];
        let (_, text, _) = folder.scan(&args);
        assert!(text.contains(line), "{form}: {text}");
    }
}

/// What a pull request brings along must not be what judges it.
#[test]
fn a_baseline_among_the_manifests_silences_nothing() {
    let folder = Folder::new(&[("role.yaml", ROLE), ("ours.yaml", OURS)]);
    let (code, report) = folder.report(&["."]);
    assert_eq!((code, fails(&report)), (Some(1), vec!["rbac-namespace-update"]));
    assert_eq!(report["summary"].get("tailoring"), None);
}

#[test]
fn the_command_line_wins_and_says_that_it_gave_no_reason() {
    let folder = Folder::new(&[("role.yaml", ROLE), ("ours.yaml", OURS)]);
    let args = ["role.yaml", "--baseline", "ours.yaml", "--param", "rbac-namespace-update.declared="];
    let (code, report) = folder.report(&args);
    assert_eq!((code, fails(&report)), (Some(1), vec!["rbac-namespace-update"]));
    let given = &report["summary"]["tailoring"]["parameters"][1];
    assert_eq!((&given["value"], &given["from"]), (&json!([]), &json!(["--param"])));
    let (_, text, _) = folder.scan(&[&args[..], &["--lang", "en"]].concat());
    assert!(
        text.contains("Parameters of --param, without rationale: rbac-namespace-update.declared"),
        "{text}"
    );
}

/// As the operator joins them: what several baselines declare is what all of them do.
#[test]
fn several_files_are_joined_and_nothing_in_common_is_said() {
    let other =
        OURS.replace("name: ours", "name: other").replace("'ClusterRole:other'", "'ClusterRole:third'");
    let list = "apiVersion: v1\nkind: List\nitems:\n  - apiVersion: secnumcloud.dev/v1alpha1\n    kind: SncBaseline\n    metadata: {name: listed}\n    spec:\n      parameters:\n        - {control: rbac-namespace-update, name: declared, value: ['Role:a/b'], rationale: on purpose}\n";
    let folder =
        Folder::new(&[("role.yaml", ROLE), ("a.yaml", OURS), ("b.yaml", &other), ("list.yaml", list)]);
    let (code, report) = folder.report(&["role.yaml", "--baseline", "a.yaml", "--baseline", "b.yaml"]);
    assert_eq!(code, Some(0));
    let declared = &report["summary"]["tailoring"]["parameters"][1];
    assert_eq!(declared["value"], json!(["ClusterRole:agent"]));
    assert_eq!(declared["from"], json!(["SncBaseline/other", "SncBaseline/ours"]));

    let nothing = folder.refused("en", &["role.yaml", "--baseline", "a.yaml", "--baseline", "list.yaml"]);
    assert!(nothing.contains("parameters[rbac-namespace-update.declared]"), "{nothing}");
    assert!(nothing.contains("SncBaseline/listed, SncBaseline/ours"), "{nothing}");
    let twice = folder.refused("en", &["role.yaml", "--baseline", "a.yaml", "--baseline", "a.yaml"]);
    assert!(twice.contains("field metadata.name") && twice.contains("\"ours\""), "{twice}");
}

#[test]
fn what_is_wrong_has_its_file_its_line_its_field_and_what_is_accepted() {
    let with = |from: &str, to: &str| OURS.replacen(from, to, 1);
    for (text, place, fr, en) in [
        (
            with("rbac-namespace-update", "rbac-namespaces"),
            "document 2, line 11, field spec.parameters[0].control",
            "reçu \"rbac-namespaces\" ; accepté : l'id d'un contrôle",
            "got \"rbac-namespaces\"; accepted: the id of a control",
        ),
        (
            with("value: 3072", "value: '3072'"),
            "document 2, line 17, field spec.parameters[1].value",
            "reçu \"3072\" ; accepté : pour certificate-key.minRsaBits, un entier de 2048 à 8192",
            "got \"3072\"; accepted: for certificate-key.minRsaBits, a whole number from 2048 to 8192",
        ),
        (
            with("value: 3072", "value: 1024"),
            "document 2, line 17, field spec.parameters[1].value",
            "de 2048 à 8192",
            "from 2048 to 8192",
        ),
        (
            with("rationale: until the cards are replaced", "rationale: '-'"),
            "document 2, line 18, field spec.parameters[1].rationale",
            "la raison",
            "why this value",
        ),
        (
            with("spec:\n", "spec:\n  tenantSelector: {matchLabels: {a: b}}\n"),
            "document 2, line 10, field spec.tenantSelector",
            "accepté : rien",
            "accepted: nothing",
        ),
        (
            with(
                "control: certificate-key\n      name: minRsaBits\n      value: 3072",
                "control: rbac-namespace-update\n      name: declared\n      value: []",
            ),
            "document 2, line 15, field spec.parameters[1]",
            "chaque paramètre une fois",
            "each parameter once",
        ),
        (
            with("  parameters:", "  parameter:"),
            "document 2, line 11, field spec.parameter",
            "champ inconnu",
            "unknown field",
        ),
        (
            with("v1alpha1", "v2"),
            "document 2, line 6, field apiVersion",
            "secnumcloud.dev/v1alpha1",
            "secnumcloud.dev/v1alpha1",
        ),
        (
            with("metadata: {name: ours}", "metadata: {}"),
            "document 2, line 8, field metadata.name",
            "absent",
            "absent",
        ),
        (with("parameters:\n", "parameters: [}\n"), "document 2, line 1", "", ""),
        (ROLE.to_owned(), "b.yaml", "aucun SncBaseline", "no SncBaseline"),
        (String::new(), "b.yaml", "aucun SncBaseline", "no SncBaseline"),
    ] {
        let folder = Folder::new(&[("role.yaml", ROLE), ("b.yaml", &text)]);
        let args = ["role.yaml", "--baseline", "b.yaml"];
        let english = folder.refused("en", &args);
        assert!(
            english.starts_with("b.yaml") && english.contains(place) && english.contains(en),
            "{english}"
        );
        let french = folder.refused("fr", &args);
        assert!(french.contains(fr), "{french}");
    }
    let folder = Folder::new(&[("role.yaml", ROLE)]);
    assert!(folder.refused("en", &["role.yaml", "--baseline", "away.yaml"]).starts_with("away.yaml: "));
    assert!(folder.refused("en", &["role.yaml", "--baseline", "."]).starts_with(".: "));
}

/// Each of its names is one that the chart has; the chart's own test shows that none is missing.
#[test]
fn the_charts_own_baseline_is_taken() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../charts/snc-operator/scan-baseline.yaml");
    let folder = Folder::new(&[("role.yaml", ROLE)]);
    let (_, report) = folder.report(&["role.yaml", "--baseline", file]);
    assert_eq!(report["summary"]["tailoring"]["baselines"][0]["name"], "snc-operator-itself");
    // Of names alone: a number or a switch would be a rule that the operator does not keep.
    for one in report["summary"]["tailoring"]["parameters"].as_array().unwrap() {
        assert!(one["value"].is_array(), "{one}");
    }
}
