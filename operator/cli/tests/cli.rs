//! The binary as a shell sees it.
#![cfg(test)]

use assert_cmd::Command;
use std::io::Write;

fn snc() -> Command {
    let mut command = Command::cargo_bin("kubectl-snc").unwrap();
    for variable in ["KUBECONFIG", "LC_ALL", "LANG", "KUBERNETES_SERVICE_HOST", "NO_COLOR"] {
        command.env_remove(variable);
    }
    command.env("HOME", "/nonexistent").env("LANG", "en_US.UTF-8");
    command
}

fn stderr(command: &mut Command, code: i32) -> String {
    let output = command.assert().code(code).get_output().clone();
    String::from_utf8(output.stderr).unwrap()
}

/// A kubeconfig of a server that is not there: nothing listens on port 9 of this host.
fn kubeconfig() -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let text = "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: 'http://127.0.0.1:9'}}]\nusers: [{name: u, user: {}}]\n";
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn help_and_version_are_fine() {
    for words in [&["--help"][..], &["status", "--help"], &["--version"], &["plan", "-h"]] {
        let output = snc().args(words).assert().code(0).get_output().clone();
        assert!(!output.stdout.is_empty() && output.stderr.is_empty(), "{words:?}");
    }
    let version = snc().arg("--version").output().unwrap().stdout;
    assert!(String::from_utf8(version).unwrap().contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn bad_usage_is_two_and_says_why() {
    assert!(stderr(snc().args(["status", "--nope"]), 2).contains("unknown argument: --nope"));
    assert!(stderr(snc().args(["flows", "-o", "xml"]), 2).contains("table, json, md, yaml"));
    assert!(stderr(&mut snc(), 2).contains("no command given"));
    assert!(stderr(snc().args(["plan", "-n", "a", "--tenant", "b"]), 2).contains("exclude each other"));
    assert!(
        stderr(snc().args(["status"]).env("LC_ALL", "fr_FR.UTF-8").arg("--nope"), 2)
            .contains("argument inconnu")
    );
}

#[test]
fn a_kubeconfig_or_context_that_is_not_there_is_bad_input() {
    stderr(snc().args(["status", "--kubeconfig", "/nonexistent/config"]), 2);
    let file = kubeconfig();
    let text = stderr(snc().arg("status").arg("--kubeconfig").arg(file.path()).args(["--context", "x"]), 2);
    assert!(text.contains("unknown context: x") && text.contains("known: c"), "{text}");
}

#[test]
fn an_api_that_cannot_be_reached_is_three() {
    let file = kubeconfig();
    for command in ["status", "plan", "flows", "preflight", "reach"] {
        let text = stderr(snc().arg(command).env("KUBECONFIG", file.path()), 3);
        assert!(text.contains("cannot read"), "{command}: {text}");
    }
    assert!(stderr(snc().arg("status"), 3).contains("no kubeconfig"));
}

#[test]
fn what_comes_from_the_command_line_cannot_act_on_the_terminal() {
    let text = stderr(snc().args(["status", "--\u{1b}[31mx"]), 2);
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

fn shop(file: &str) -> String {
    format!("{}/tests/fixtures/reach/shop{file}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn reach_reads_manifests_without_a_kubeconfig() {
    let output = snc().args(["reach", &shop(""), "-o", "json"]).assert().code(0).get_output().clone();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["connections"].as_array().unwrap().len() > 5 && output.stderr.is_empty(), "{report}");
    let text = std::fs::read_to_string(shop("/workloads.yaml")).unwrap()
        + "\n---\n"
        + &std::fs::read_to_string(shop("/policies.yaml")).unwrap();
    let piped =
        snc().args(["reach", "-", "-o", "json"]).write_stdin(text).assert().code(0).get_output().clone();
    assert_eq!(piped.stdout, output.stdout);
    assert!(stderr(snc().args(["reach"]), 3).contains("no kubeconfig"));
}

#[test]
fn reach_refuses_what_it_cannot_read_and_answers_nothing() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.yaml"), "kind: Pod\n\tx: y\n").unwrap();
    std::fs::write(directory.path().join("b.txt"), "not looked at: [").unwrap();
    let output = snc().arg("reach").arg(directory.path()).assert().code(2).get_output().clone();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("a.yaml, document 1, line 2") && output.stdout.is_empty(), "{text}");
    stderr(snc().args(["reach", "/nonexistent"]), 2);
    stderr(snc().args(["reach", &shop(""), "--explain", "boutique-app/nope", "10.0.0.1"]), 2);
    let usages: [&[&str]; 5] = [
        &["--diff", "a"],
        &["--fail-on", "any", "-"],
        &["--diff", "a", "b", "c"],
        &["-", "-o", "md"],
        &["-", "--pod-cidr", "10.0.0.1/8"],
    ];
    for words in usages {
        stderr(snc().arg("reach").args(words), 2);
    }
}

#[test]
fn reach_diff_fails_on_what_it_was_told_to() {
    let (closed, open) = (shop(""), shop("/workloads.yaml"));
    for (words, code) in [
        (vec!["--diff", &closed, &open], 1),
        (vec!["--diff", &open, &closed], 0),
        (vec!["--diff", &open, &closed, "--fail-on", "closed"], 1),
        (vec!["--diff", &open, &closed, "--fail-on", "any", "-o", "md"], 1),
        (vec!["--diff", &closed, &open, "--fail-on", "none", "-o", "json"], 0),
        (vec!["--diff", &closed, &closed, "--fail-on", "any"], 0),
    ] {
        snc().arg("reach").args(&words).assert().code(code);
    }
}

#[test]
fn reach_explains_and_leaves_open_what_it_cannot_decide() {
    let output = snc()
        .args(["reach", &shop(""), "--explain", "boutique-app/front", "boutique-app/api", "-o", "json"])
        .assert()
        .code(0)
        .get_output()
        .clone();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["answers"][0]["verdict"], "open", "{report}");
    let calico = "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: x}\n";
    let mut command = snc();
    let text = stderr(command.args(["reach", "-", "--lang=fr"]).write_stdin(calico), 3);
    assert!(text.contains("impossible"), "{text}");
}
