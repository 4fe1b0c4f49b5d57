//! Documents written from the formats, and what they come to.

use super::*;
use crate::report::{Counts, Nature};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use snc_core::image::Severity;
use snc_core::image::{State, Vulnerability};

const A: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

fn bytes(text: &[u8]) -> Result<Vec<Report>, Wrong> {
    read(|| Ok(text), Limits::default())
}

fn of(document: &Value) -> Result<Vec<Report>, Wrong> {
    bytes(document.to_string().as_bytes())
}

fn one(document: &Value) -> Report {
    let mut reports = of(document).expect("a report");
    assert_eq!(reports.len(), 1);
    reports.remove(0)
}

fn finding<'a>(report: &'a Report, id: &str) -> &'a Vulnerability {
    report.vulnerabilities.iter().find(|found| found.id == id).expect(id)
}

fn digests(report: &Report) -> Vec<&str> {
    report.artifact.digests.iter().map(snc_core::image::Digest::as_str).collect()
}

fn trivy() -> Value {
    json!({
        "SchemaVersion": 2,
        "Trivy": {"Version": "0.68.1"},
        "CreatedAt": "2026-11-20T08:00:00.5+01:00",
        "ArtifactName": "r.example/shop/app:1",
        "ArtifactType": "container_image",
        "Metadata": {
            "OS": {"Family": "debian", "Name": "12.8", "EOSL": true},
            "ImageID": A,
            "RepoDigests": [format!("r.example/shop/app@{B}")],
        },
        "Results": [
            {"Target": "app (debian 12.8)", "Class": "os-pkgs", "Vulnerabilities": [
                {"VulnerabilityID": "CVE-2026-1", "PkgName": "libssl3", "InstalledVersion": "3.0.1", "FixedVersion": "3.0.2",
                 "Severity": "LOW", "SeveritySource": "debian", "Description": "déjà vu \u{1F980}",
                 "CVSS": {"nvd": {"V2Score": 10.0, "V3Score": 9.8}, "redhat": {"V3Score": 7.0}, "ghsa": {"V40Score": 9.9}}},
                {"VulnerabilityID": "CVE-2026-2", "PkgName": "bash", "InstalledVersion": "5", "Severity": "HIGH", "CVSS": null},
            ]},
            {"Target": "Node.js", "Class": "lang-pkgs", "Vulnerabilities": [
                {"VulnerabilityID": "CVE-2026-3", "PkgName": "a", "InstalledVersion": "1", "Severity": "CRITICAL"},
            ], "ExperimentalModifiedFindings": [
                {"Type": "vulnerability", "Status": "not_affected", "Statement": "vulnerable_code_not_present", "Source": "vex.json",
                 "Finding": {"VulnerabilityID": "CVE-2026-4", "PkgName": "b", "InstalledVersion": "1", "Severity": "HIGH"}},
                {"Type": "vulnerability", "Status": "ignored", "Statement": "", "Source": ".trivyignore",
                 "Finding": {"VulnerabilityID": "CVE-2026-5", "PkgName": "b", "InstalledVersion": "1", "Severity": "HIGH"}},
            ]},
            {"Target": "again", "Vulnerabilities": [
                {"VulnerabilityID": "CVE-2026-3", "PkgName": "a", "InstalledVersion": "1", "Severity": "MEDIUM"},
            ]},
            {"Target": "Dockerfile", "Misconfigurations": [{"ID": "DS002", "Status": "FAIL"}, {"ID": "DS003", "Status": "PASS"}]},
            {"Target": "/key", "Secrets": [{"RuleID": "private-key"}]},
            {"Target": "empty", "Vulnerabilities": null},
        ],
    })
}

#[test]
fn trivy_of_an_image() {
    let report = one(&trivy());
    assert_eq!(
        (report.format, report.format_version.as_str(), report.nature),
        (Format::Trivy, "2", Nature::Scan)
    );
    assert_eq!((report.artifact.name.as_str(), digests(&report)), ("r.example/shop/app:1", vec![A, B]));
    assert_eq!(report.artifact.config.as_ref().map(snc_core::image::Digest::as_str), Some(A));
    assert_eq!(report.scanned_at, "2026-11-20T07:00:00.5Z".parse().ok());
    assert_eq!((report.scanner.name.as_str(), report.scanner.version.as_str()), ("trivy", "0.68.1"));
    assert_eq!(report.counts, Counts { critical: 1, high: 3, medium: 0, low: 1, unknown: 0 });
    assert_eq!((report.entries, report.other_findings), (6, 2));
    let ssl = finding(&report, "CVE-2026-1");
    assert_eq!((ssl.severity, ssl.severity_source.as_str(), ssl.cvss), (Severity::Low, "debian", Some(9.9)));
    assert_eq!((ssl.version.as_str(), ssl.fixed_version.as_str()), ("3.0.1", "3.0.2"));
    assert_eq!(finding(&report, "CVE-2026-2").fixed_version, "");
    let twice = finding(&report, "CVE-2026-3");
    assert_eq!((twice.severity, twice.locations.len()), (Severity::Critical, 2));
    assert!(finding(&report, "CVE-2026-4").analysis.as_ref().is_some_and(snc_core::image::Analysis::settles));
    let ignored = finding(&report, "CVE-2026-5").analysis.as_ref().expect("analysis");
    assert!(ignored.state == State::Ignored && !ignored.settles(), "a list of ids to ignore is no reason");
    assert_eq!(report.vulnerabilities[0].id, "CVE-2026-3", "worst first");
}

#[test]
fn trivy_before_its_schema_had_a_number() {
    let report = one(
        &json!([{"Target": "a", "Vulnerabilities": [{"VulnerabilityID": "CVE-1", "PkgName": "x", "Severity": "HIGH"}, {"PkgName": "y"}]}, {"Target": "b", "Vulnerabilities": null}]),
    );
    assert_eq!((report.counts.high, report.counts.unknown, report.entries), (1, 1, 2));
}

#[test]
fn trivy_finds_nothing_in_an_image_it_knows() {
    let mut document = trivy();
    document["Results"] = Value::Null;
    assert_eq!(one(&document).counts, Counts::default());
    document["Metadata"]["OS"] = Value::Null;
    let wrong = of(&document).expect_err("nothing was examined");
    assert_eq!(wrong.field, "Results");
}

fn operator() -> Value {
    json!({"apiVersion": "aquasecurity.github.io/v1alpha1", "kind": "VulnerabilityReport", "metadata": {"name": "x"}, "report": {
        "updateTimestamp": "2026-11-20T08:00:00Z",
        "scanner": {"name": "Trivy", "vendor": "Aqua Security", "version": "0.68.1"},
        "registry": {"server": "r.example"},
        "artifact": {"repository": "shop/app", "digest": A, "tag": "1"},
        "os": {"family": "alpine", "name": "3.20", "eosl": false},
        "summary": {"criticalCount": 1, "highCount": 0, "mediumCount": 0, "lowCount": 0, "unknownCount": 0, "noneCount": 0},
        "vulnerabilities": [{"vulnerabilityID": "CVE-2026-1", "resource": "curl", "installedVersion": "7", "fixedVersion": "8",
            "severity": "CRITICAL", "title": "t", "score": 9.1, "target": "app", "links": [], "cvsssource": "nvd"}],
    }})
}

#[test]
fn trivy_operator_one_and_a_list() {
    let report = one(&operator());
    assert_eq!(
        (report.format, report.artifact.name.as_str(), digests(&report)),
        (Format::TrivyOperator, "r.example/shop/app:1", vec![A])
    );
    assert_eq!(finding(&report, "CVE-2026-1").cvss, Some(9.1));
    for kind in ["List", "VulnerabilityReportList"] {
        let version = if kind == "List" { "v1" } else { "aquasecurity.github.io/v1alpha1" };
        let list = json!({"apiVersion": version, "kind": kind, "items": [operator(), operator()]});
        assert_eq!(of(&list).expect(kind).len(), 2);
    }
    let pods = json!({"apiVersion": "v1", "kind": "List", "items": [operator(), {"apiVersion": "v1", "kind": "Pod"}]});
    assert_eq!(of(&pods).expect_err("pods").field, "items[1].kind");
    let mut without = operator();
    without["report"] = Value::Null;
    assert_eq!(of(&without).expect_err("no report").field, "report");
}

fn grype() -> Value {
    json!({
        "matches": [{
            "vulnerability": {"id": "GHSA-aaaa-bbbb-cccc", "namespace": "github:language:go", "severity": "High", "cvss": [], "fix": {"versions": ["2"], "state": "fixed"}},
            "relatedVulnerabilities": [{"id": "CVE-2026-1", "severity": "Unknown", "cvss": [{"version": "2.0", "metrics": {"baseScore": 10}}, {"version": "3.1", "metrics": {"baseScore": 8.1}}]}],
            "matchDetails": [], "artifact": {"name": "x/net", "version": "1", "locations": [{"path": "/bin/app"}]},
        }, {
            "vulnerability": {"id": "CVE-2026-2", "namespace": "debian:distro:debian:12", "severity": "Negligible", "cvss": null, "fix": {"versions": null, "state": "wont-fix"}},
            "relatedVulnerabilities": null, "matchDetails": null, "artifact": {"name": "bash", "version": "5", "locations": null},
        }],
        "ignoredMatches": [{
            "vulnerability": {"id": "CVE-2026-3", "severity": "Critical", "fix": {"versions": []}}, "relatedVulnerabilities": [],
            "artifact": {"name": "y", "version": "1"}, "appliedIgnoreRules": [{"namespace": "vex", "vex-status": "not_affected", "vex-justification": "component_not_present"}],
        }, {
            "vulnerability": {"id": "CVE-2026-4", "severity": "Critical"}, "artifact": {"name": "y", "version": "1"},
            "appliedIgnoreRules": [{"vulnerability": "CVE-2026-4", "reason": "noise"}],
        }],
        "source": {"type": "image", "target": {"userInput": "r.example/app:1", "imageID": A, "manifestDigest": B, "repoDigests": [format!("r.example/app@{B}")]}},
        "distro": {"name": "debian"},
        "descriptor": {"name": "grype", "version": "0.104.0", "timestamp": "2026-11-20T08:00:00.1Z",
            "db": {"status": {"schemaVersion": "v6.1.3", "built": "2026-11-20T06:00:00Z", "valid": true}}},
    })
}

#[test]
fn grype_with_what_it_was_told_to_ignore() {
    let report = one(&grype());
    assert_eq!(digests(&report), [A, B]);
    assert_eq!(report.counts, Counts { critical: 2, high: 1, medium: 0, low: 1, unknown: 0 });
    let ghsa = finding(&report, "GHSA-aaaa-bbbb-cccc");
    assert_eq!(
        (ghsa.cvss, ghsa.severity_source.as_str(), ghsa.fixed_version.as_str()),
        (Some(8.1), "github", "2")
    );
    assert!(finding(&report, "CVE-2026-3").analysis.as_ref().is_some_and(snc_core::image::Analysis::settles));
    assert_eq!(finding(&report, "CVE-2026-4").analysis.as_ref().map(|a| a.state), Some(State::Ignored));
    let database = report.database.expect("database");
    assert_eq!(
        (database.version.as_str(), database.updated_at),
        ("v6.1.3", "2026-11-20T06:00:00Z".parse().ok())
    );
    let mut older = grype();
    older["descriptor"]["db"] = json!({"built": "2025-01-02T03:04:05Z", "schemaVersion": 5, "error": null});
    let database = one(&older).database.expect("database");
    assert_eq!((database.version.as_str(), database.updated_at), ("5", "2025-01-02T03:04:05Z".parse().ok()));
    let mut directory = grype();
    directory["source"] = json!({"type": "directory", "target": "/src"});
    let report = one(&directory);
    assert_eq!((report.artifact.name.as_str(), digests(&report).len()), ("/src", 0));
}

fn cyclonedx() -> Value {
    json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6",
        "metadata": {"timestamp": "2026-11-20T08:00:00+00:00", "tools": {"components": [{"type": "application", "name": "trivy", "version": "0.68.1"}]},
            "component": {"bom-ref": "root", "type": "container", "name": "r.example/app:1", "purl": format!("pkg:oci/app@{}?repository_url=r.example%2Fapp", B.replace(':', "%3A")),
                "properties": [{"name": "aquasecurity:trivy:ImageID", "value": A}, {"name": "aquasecurity:trivy:RepoDigest", "value": format!("r.example/app@{B}")}]}},
        "components": [{"bom-ref": "os", "type": "operating-system", "name": "debian", "components": [{"bom-ref": "ssl", "name": "openssl", "group": "core", "version": "3"}]}],
        "vulnerabilities": [
            {"id": "CVE-2026-1", "source": {"name": "debian"}, "ratings": [
                {"source": {"name": "nvd"}, "score": 9.8, "severity": "critical", "method": "CVSSv31"}, {"source": {"name": "debian"}, "severity": "low"},
                {"score": 10, "method": "CVSSv2"}, {"score": 1000, "method": "other"}],
             "recommendation": "Upgrade openssl to version 3.0.2; Upgrade x to version 4", "affects": [{"ref": "ssl", "versions": [{"version": "3", "status": "affected"}]}]},
            {"id": "CVE-2026-2", "ratings": [{"score": 5.0, "method": "CVSSv31"}], "affects": [{"ref": "pkg:npm/%40scope/pkg@1.0?x=y"}],
             "analysis": {"state": "not_affected", "justification": "code_not_reachable", "detail": "d"}},
            {"id": "CVE-2026-3", "affects": []},
        ],
    })
}

#[test]
fn cyclonedx_with_vulnerabilities() {
    let report = one(&cyclonedx());
    assert_eq!(
        (report.nature, report.format_version.as_str(), report.scanner.name.as_str()),
        (Nature::Scan, "1.6", "trivy")
    );
    assert_eq!(digests(&report), [A, B]);
    assert_eq!(report.counts, Counts { critical: 1, high: 0, medium: 1, low: 0, unknown: 1 });
    let ssl = finding(&report, "CVE-2026-1");
    assert_eq!((ssl.package.as_str(), ssl.version.as_str(), ssl.cvss), ("core/openssl", "3", Some(9.8)));
    let npm = finding(&report, "CVE-2026-2");
    assert_eq!((npm.package.as_str(), npm.version.as_str()), ("@scope/pkg", "1.0"));
    assert_eq!(
        npm.analysis.as_ref().map(|a| (a.state, a.justification.as_str())),
        Some((State::NotAffected, "code_not_reachable"))
    );
    let mut statements = cyclonedx();
    statements["components"] = Value::Null;
    statements["metadata"] = json!({"tools": [{"vendor": "v", "name": "old", "version": "1"}]});
    let report = one(&statements);
    assert_eq!((report.nature, report.scanner.name.as_str()), (Nature::Vex, "old"));
}

#[rstest]
#[case(json!([]))]
#[case(Value::Null)]
fn a_list_of_components_is_no_scan(#[case] vulnerabilities: Value) {
    let mut document = cyclonedx();
    document["vulnerabilities"] = vulnerabilities;
    let wrong = of(&document).expect_err("no scan");
    assert_eq!(wrong.field, "vulnerabilities");
    assert!(wrong.what.en.contains("is no scan"), "{}", wrong.what.en);
}

#[test]
fn openvex_of_both_generations() {
    let document = json!({"@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", "author": "Team", "timestamp": "2026-11-20T08:00:00Z", "version": 1, "statements": [
        {"vulnerability": {"name": "CVE-2026-1"}, "products": [{"@id": format!("pkg:oci/app@{}", A.replace(':', "%3A")), "subcomponents": [{"@id": "pkg:deb/debian/bash@5"}, {"@id": "pkg:deb/debian/zsh@5"}]}],
         "status": "not_affected", "justification": "component_not_present"},
        {"vulnerability": {"@id": "https://x/CVE-2026-2"}, "products": [{"identifiers": {"purl": "pkg:npm/a@1"}}], "status": "under_investigation"},
    ]});
    let report = one(&document);
    assert_eq!((report.nature, report.format_version.as_str(), report.entries), (Nature::Vex, "v0.2.0", 3));
    assert_eq!(digests(&report), [A]);
    assert_eq!(finding(&report, "CVE-2026-1").package, "bash");
    assert_eq!(finding(&report, "https://x/CVE-2026-2").version, "1");
    let first = json!({"@context": "https://openvex.dev/ns", "statements": [
        {"vulnerability": "CVE-2026-1", "products": ["pkg:oci/app"], "subcomponents": ["pkg:apk/alpine/zlib@1"], "status": "fixed"}]});
    let report = one(&first);
    assert_eq!(
        (
            report.vulnerabilities[0].package.as_str(),
            report.vulnerabilities[0].analysis.as_ref().map(|a| a.state)
        ),
        ("zlib", Some(State::Fixed))
    );
    let mut wrong = document;
    wrong["statements"][1]["status"] = json!("not affected");
    assert_eq!(of(&wrong).expect_err("status").field, "statements[1].status");
}

fn sarif() -> Value {
    json!({"version": "2.1.0", "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "runs": [{
        "tool": {"driver": {"name": "Trivy", "version": "0.68.1", "rules": [
            {"id": "CVE-2026-1", "help": {"text": "Vulnerability CVE-2026-1\nSeverity: HIGH\nPackage: first\nFixed Version: 2\n"}, "properties": {"security-severity": "8.8", "tags": ["vulnerability", "security", "HIGH"]}},
            {"id": "DS002", "properties": {"security-severity": "5.5", "tags": ["misconfiguration", "security", "MEDIUM"]}},
            {"id": "GHSA-aaaa-bbbb-cccc-x/net", "help": {"text": "Vulnerability GHSA\nSeverity: medium\nPackage: x/net\nVersion: 1\nFix Version: 2\n"}, "properties": {"security-severity": "4.4"}},
        ]}},
        "properties": {"imageID": A, "imageName": "r.example/app:1", "repoDigests": [format!("r.example/app@{B}")]},
        "invocations": [{"executionSuccessful": true, "endTimeUtc": "2026-11-20T08:00:00Z"}],
        "results": [
            {"ruleId": "CVE-2026-1", "ruleIndex": 0, "level": "error", "message": {"text": "Package: libc6\nInstalled Version: 2.1\nVulnerability CVE-2026-1\nSeverity: HIGH\nFixed Version: 2.2"},
             "locations": [{"physicalLocation": {"artifactLocation": {"uri": "app"}}}]},
            {"ruleId": "CVE-2026-1", "ruleIndex": 0, "message": {"text": "Package: libc-bin\nInstalled Version: 2.1\nSeverity: HIGH\nFixed Version: "}, "suppressions": [{"kind": "external"}]},
            {"ruleId": "DS002", "ruleIndex": 1, "message": {"text": "x"}},
            {"ruleId": "GHSA-aaaa-bbbb-cccc-x/net", "message": {"text": "A medium vulnerability in go-module package: x/net, version v0.1.0 was found at: /app"}},
        ],
    }]})
}

#[test]
fn sarif_of_scanners_of_images() {
    let report = one(&sarif());
    assert_eq!((digests(&report), report.other_findings), (vec![A, B], 1));
    assert_eq!(report.counts, Counts { critical: 0, high: 2, medium: 1, low: 0, unknown: 0 });
    let net = finding(&report, "GHSA-aaaa-bbbb-cccc");
    assert_eq!(
        (net.package.as_str(), net.version.as_str(), net.fixed_version.as_str()),
        ("x/net", "v0.1.0", "2")
    );
    let libc: Vec<_> = report.vulnerabilities.iter().filter(|found| found.id == "CVE-2026-1").collect();
    assert_eq!(libc.len(), 2);
    assert_eq!(
        libc.iter().filter(|found| found.analysis.is_some()).count(),
        1,
        "a suppression is kept and settles nothing"
    );
    assert!(libc.iter().all(|found| found.analysis.as_ref().is_none_or(|a| !a.settles())));
}

#[test]
fn sarif_of_another_kind_of_tool_is_no_scan() {
    let mut lint = sarif();
    lint["runs"][0]["tool"]["driver"] = json!({"name": "ESLint", "rules": []});
    lint["runs"][0]["results"] = json!([{"ruleId": "no-eval", "message": {"text": "x"}}]);
    assert_eq!(of(&lint).expect_err("lint").field, "runs[0].tool.driver.name");
    let mut failed = sarif();
    failed["runs"][0]["invocations"][0]["executionSuccessful"] = json!(false);
    assert_eq!(of(&failed).expect_err("failed").field, "runs[0].invocations[0].executionSuccessful");
    let mut none = sarif();
    none["runs"][0]["results"] = json!([]);
    assert_eq!(one(&none).counts, Counts::default());
    none["runs"][0]["results"] = Value::Null;
    assert_eq!(of(&none).expect_err("null").field, "runs[0].results");
}

#[rstest]
#[case("", 0, "truncated")]
#[case("{", 1, "truncated")]
#[case("<?xml version=\"1.0\"?><bom/>", 1, "not JSON")]
#[case("[]", 0, "unknown format")]
#[case("[1]", 1, "not what the format has here")]
#[case("{}", 0, "unknown format")]
#[case("\"text\"", 1, "not what the format has here")]
#[case("{\"a\": 1} trailing", 1, "not JSON")]
#[case("{\"apiVersion\": \"v1\", \"kind\": \"Pod\"}", 0, "unknown format (fields: apiVersion, kind)")]
#[case("{\"ClusterName\": \"x\", \"Findings\": []}", 0, "a `trivy k8s` report")]
#[case("{\"SchemaVersion\": 9, \"ArtifactName\": \"x\"}", 0, "9; accepted: 1, 2")]
#[case("\u{1f}\u{8b}", 1, "not JSON")]
fn what_is_no_report_is_told_so(#[case] text: &str, #[case] line: usize, #[case] what: &str) {
    let wrong = bytes(text.as_bytes()).expect_err(text);
    assert!(wrong.what.en.contains(what), "{text}: {wrong:?}");
    assert!(!wrong.what.fr.is_empty() && wrong.line >= line.min(1), "{wrong:?}");
}

#[test]
fn a_wrong_field_is_named_with_its_place() {
    let text = "{\n\"SchemaVersion\": 2,\n\"Metadata\": {\"OS\": {}},\n\"Results\": [{\"Target\": \"a\"},\n {\"Vulnerabilities\": [{\"Severity\": 3}]}]}";
    let wrong = bytes(text.as_bytes()).expect_err("severity");
    assert_eq!((wrong.line, wrong.field.as_str()), (5, "Results[1].Vulnerabilities[0].Severity"));
    let truncated = serde_json::to_string_pretty(&grype()).expect("json");
    let wrong = bytes(&truncated.as_bytes()[..truncated.len() - 40]).expect_err("truncated");
    assert!(wrong.line > 20 && wrong.what.en.contains("truncated"), "{wrong:?}");
}

#[test]
fn a_mark_before_the_text_is_left_out() {
    let text = [b"\xEF\xBB\xBF", trivy().to_string().as_bytes()].concat();
    assert_eq!(bytes(&text).expect("report").len(), 1);
    let gzip = bytes(b"\x1F\x8B\x08\x00").expect_err("gzip");
    assert!(gzip.what.en.contains("gzip"), "{gzip:?}");
}

#[test]
fn bounds_hold() {
    let text = trivy().to_string();
    let small = Limits { bytes: text.len() as u64 - 1, ..Limits::default() };
    let wrong = read(|| Ok(text.as_bytes()), small).expect_err("bytes");
    assert!(wrong.what.en.contains("more than"), "{wrong:?}");
    let exact = Limits { bytes: text.len() as u64, entries: 6 };
    assert!(read(|| Ok(text.as_bytes()), exact).is_ok());
    let wrong = read(|| Ok(text.as_bytes()), Limits { entries: 5, ..exact }).expect_err("entries");
    assert!(wrong.what.en.contains("at most 5"), "{wrong:?}");
}

fn documents() -> Vec<Value> {
    vec![trivy(), operator(), grype(), cyclonedx(), sarif()]
}

/// Every value of a document, by its place.
fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            places(value, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), all);
        }),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, value)| places(value, &format!("{at}/{index}"), all));
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever the bytes are, there is an answer, and it keeps within its bounds.
    #[test]
    fn any_bytes_are_answered(which in 0..5_usize, at in any::<prop::sample::Index>(), with in prop::collection::vec(any::<u8>(), 0..8), cut in any::<bool>()) {
        let mut text = documents()[which].to_string().into_bytes();
        let at = at.index(text.len());
        if cut { text.truncate(at); }
        text.splice(at.min(text.len())..at.min(text.len()), with);
        if let Err(wrong) = bytes(&text) {
            prop_assert!(wrong.what.en.chars().count() < 700 && wrong.field.chars().count() <= 300);
        }
    }

    /// A value of another type anywhere is read or refused, and a refusal says where.
    #[test]
    fn any_value_anywhere(which in 0..5_usize, at in any::<prop::sample::Index>(), kind in 0..6_usize) {
        let mut document = documents().swap_remove(which);
        let mut all = Vec::new();
        places(&document, "", &mut all);
        let at = all[at.index(all.len())].clone();
        let odd = [Value::Null, json!(-1.5e308), json!("é".repeat(5000)), json!([]), json!({}), json!(true)];
        *document.pointer_mut(&at).expect("place") = odd[kind].clone();
        match of(&document) {
            Ok(reports) => for report in reports {
                prop_assert_eq!(report.counts.total(), report.vulnerabilities.len() as u64);
                let again: Report = serde_json::from_value(serde_json::to_value(&report).expect("json")).expect("again");
                prop_assert_eq!(again, report);
            },
            Err(wrong) => prop_assert!(wrong.line > 0 || !wrong.field.is_empty() || at.matches('/').count() <= 1, "{:?} at {}", wrong, at),
        }
    }

    /// The order of what is found changes nothing.
    #[test]
    fn order_changes_nothing(seed in any::<u64>()) {
        let mut document = trivy();
        let expected = one(&document);
        let list = document["Results"].as_array_mut().expect("list");
        let middle = usize::try_from(seed % list.len() as u64).expect("small");
        list.rotate_left(middle);
        let mut found = one(&document);
        for vulnerability in &mut found.vulnerabilities { vulnerability.locations.sort(); }
        prop_assert_eq!(found.counts, expected.counts);
        prop_assert_eq!(found.vulnerabilities.iter().map(|v| &v.id).collect::<Vec<_>>(), expected.vulnerabilities.iter().map(|v| &v.id).collect::<Vec<_>>());
    }
}
