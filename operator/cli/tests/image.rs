//! `kubectl snc image import` as it is run: the built binary, files and standard input, and no cluster.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use assert_cmd::Command;
use serde_json::{Value, json};
use std::path::Path;

fn snc(args: &[&str], folder: &Path, input: &str) -> (Option<i32>, String, String) {
    let output = Command::cargo_bin("kubectl-snc")
        .expect("built")
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("LC_ALL", "C")
        .env("KUBECONFIG", "/nowhere")
        .write_stdin(input.to_owned())
        .output()
        .expect("runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn trivy() -> Value {
    json!({"SchemaVersion": 2, "ArtifactName": "r.example/app:1", "ArtifactType": "container_image",
        "CreatedAt": "2026-11-20T08:00:00Z", "Metadata": {"OS": {"Family": "debian", "Name": "12"}},
        "Results": [{"Target": "app", "Vulnerabilities": [
            {"VulnerabilityID": "CVE-2026-1", "PkgName": "openssl", "InstalledVersion": "3", "Severity": "CRITICAL",
             "CVSS": {"nvd": {"V3Score": 9.8}}}]}]})
}

#[test]
fn a_report_is_printed_in_the_one_form() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("r.json"), trivy().to_string()).unwrap();
    let digest = format!("sha256:{}", "a".repeat(64));
    let import = [
        "image",
        "import",
        "r.json",
        "--dry-run",
        "-o",
        "json",
        "--digest",
        &digest,
        "--database-updated-at",
        "2026-11-20T06:00:00Z",
    ];
    let (code, out, err) = snc(&import, folder.path(), "");
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let report: Value = serde_json::from_str(&out).unwrap();
    let expected = json!({
        "format": "trivy", "formatVersion": "2", "nature": "scan",
        "artifact": {"name": "r.example/app:1", "digests": [digest]},
        "scanner": {"name": "trivy"}, "database": {"updatedAt": "2026-11-20T06:00:00Z"}, "scannedAt": "2026-11-20T08:00:00Z",
        "counts": {"critical": 1, "high": 0, "medium": 0, "low": 0, "unknown": 0}, "entries": 1, "otherFindings": 0,
        "vulnerabilities": [{"id": "CVE-2026-1", "package": "openssl", "version": "3", "fixedVersion": "", "severity": "critical", "cvss": 9.8,
            "locations": ["app"]}],
    });
    let mut found = report.clone();
    found["scanner"].as_object_mut().unwrap().retain(|_, value| value != "");
    let first = found["vulnerabilities"][0].as_object_mut().unwrap();
    first.entry("fixedVersion").or_insert_with(|| json!(""));
    assert_eq!(found, expected, "{report}");
    // The same from standard input, and as a table.
    let (code, table, _) = snc(&["image", "import", "-", "--dry-run"], folder.path(), &trivy().to_string());
    assert_eq!(code, Some(0));
    assert!(table.contains("CRITICAL") && table.contains("r.example/app:1"), "{table}");
}

#[test]
fn what_is_no_report_says_where_and_exits_with_two() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let mut wrong = trivy();
    wrong["Results"][0]["Vulnerabilities"][0]["Severity"] = json!(3);
    write("wrong.json", &wrong.to_string());
    write("cut.json", &trivy().to_string()[..100]);
    write("pod.json", r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}"#);
    write(
        "bom.json",
        r#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"name": "a"}], "vulnerabilities": []}"#,
    );
    for (file, english, french) in [
        (
            "wrong.json",
            "Results[0].Vulnerabilities[0].Severity: not what the format has here",
            "pas ce que le format a ici",
        ),
        ("cut.json", "cut.json:1:100: ", "tronqué"),
        (
            "pod.json",
            "unknown format (fields: apiVersion, kind, metadata); accepted: Trivy JSON",
            "format inconnu",
        ),
        (
            "bom.json",
            "vulnerabilities: empty or absent: a list of components (SBOM)",
            "n'est pas une analyse",
        ),
        ("absent.json", "absent.json: cannot be read", "illisible"),
    ] {
        for more in [&["--dry-run"][..], &[]] {
            let (code, out, err) = snc(&[&["image", "import", file], more].concat(), folder.path(), "");
            assert_eq!((code, out.as_str()), (Some(2), ""), "{file}: {err}");
            assert!(err.starts_with(file) && err.contains(english), "{file}: {err}");
        }
        let (_, _, err) = snc(&["image", "import", file, "--lang", "fr"], folder.path(), "");
        assert!(err.contains(french), "{file}: {err}");
    }
    // Nothing is half imported: of two files the good one is not written either.
    write("good.json", &trivy().to_string());
    let (code, _, err) = snc(&["image", "import", "good.json", "cut.json"], folder.path(), "");
    assert!(code == Some(2) && err.lines().count() == 1, "{err}");
}

#[test]
fn what_is_said_besides_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("r.json"), trivy().to_string()).unwrap();
    for (more, text) in [
        (&["--digest", "sha256:12"][..], "--digest: got \"sha256:12\"; accepted: sha256: followed by 64"),
        (&["--scanned-at", "yesterday"], "--scanned-at: got \"yesterday\"; accepted: an RFC 3339 date"),
        (&[], "artifact.digests: got \"\"; accepted: a digest: the report gives none, --digest tells it"),
    ] {
        let (code, _, err) = snc(&[&["image", "import", "r.json"], more].concat(), folder.path(), "");
        assert!(code == Some(2) && err.contains(text), "{more:?}: {err}");
    }
    let digest = format!("sha256:{}", "a".repeat(64));
    let (code, _, err) =
        snc(&["image", "import", "r.json", "r.json", "--digest", &digest], folder.path(), "");
    assert!(code == Some(2) && err.contains("for one report"), "{err}");
    let (code, _, err) = snc(&["image", "show", "latest"], folder.path(), "");
    assert!(code == Some(2) && err.contains("DIGEST: got \"latest\""), "{err}");
}
