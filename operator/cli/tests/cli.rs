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
    for command in ["status", "plan", "flows"] {
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
