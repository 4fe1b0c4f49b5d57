//! What `image list`, `show` and `verdict` print, on a cluster where something of everything runs.

use super::fixtures::{LANGS, assert_tame};
use crate::cluster::Images;
use crate::model::Selection;
use crate::model::image::{State, named, running, scans};
use crate::render::{Screen, image as render, json as out};
use jiff::Timestamp;
use serde_json::{Value, json};
use snc_catalogue::Profile;
use snc_core::image::Digest;
use snc_core::snapshot::{Availability, Snapshot};
use snc_core::tier::Level;
use snc_core::verdict::Subject;

const NOW: &str = "2026-11-22T12:00:00Z";

fn digest(of: char) -> String {
    format!("sha256:{}", of.to_string().repeat(64))
}

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn scan(of: char, namespace: &str, at: &str, found: &Value) -> (Subject, Value) {
    let name = format!("{}-trivy", digest(of).replace(':', "-"));
    let subject = Subject::new("secnumcloud.dev/v1alpha1", "SncImageScan", namespace, &name);
    let spec = json!({"image": format!("r.example/boutique/{of}\u{1b}[31m"), "digests": {"manifests": [digest(of)]},
        "scanner": {"name": "Trivy", "version": "0.66.0"}, "nature": "scan", "format": "trivy", "scannedAt": at,
        "counts": {"critical": 0, "high": 0, "medium": 0, "low": 0, "unknown": 0}, "vulnerabilities": found});
    (subject, json!({"spec": spec}))
}

fn pod(name: &str, of: char) -> (Subject, Value) {
    let body = json!({"metadata": {"ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("{of}-7d9f"), "controller": true}]},
        "spec": {"containers": [{"name": "main", "image": format!("r.example/boutique/{of}:1")}]},
        "status": {"phase": "Running", "containerStatuses": [
            {"name": "main", "imageID": format!("r.example/boutique/{of}@{}", digest(of))}]}});
    (Subject::new("v1", "Pod", "shop", name), body)
}

fn images() -> Images {
    let found = |id: &str, severity: &str, score: f64| json!({"id": id, "package": "openssl", "version": "3.0.1", "fixedVersion": "3.0.2", "severity": severity, "cvss": score});
    let bad = json!([found("CVE-2026-0001", "critical", 9.8), found("CVE-2026-0002", "low", 3.1)]);
    let ledger =
        Subject::new("secnumcloud.dev/v1alpha1", "SncImageLedger", "snc-system", "snc-first-seen-aa");
    let seen = json!({"spec": {"images": {digest('a'): {"seen": "2026-11-22T11:00:00Z", "first": {
        "CVE-2026-0001 openssl": "2026-11-10T08:00:00Z", "CVE-2026-0002 openssl": "2026-11-21T08:00:00Z"}}}}});
    let mut snapshot = Snapshot::default();
    for kind in ["core/Pod", "secnumcloud.dev/SncImageScan", "secnumcloud.dev/SncImageLedger"] {
        snapshot.set(kind, Availability::Held);
    }
    let all = [
        scan('a', "snc-system", "2026-11-22T06:00:00Z", &bad),
        scan('b', "snc-system", "2026-11-22T06:00:00Z", &json!([])),
        scan('c', "shop", "2026-11-22T06:00:00Z", &json!([])),
        scan('d', "snc-system", "2026-09-01T06:00:00Z", &json!([])),
        (ledger, seen),
        pod("a-1", 'a'),
        pod("a-2", 'a'),
        pod("b-1", 'b'),
        pod("c-1", 'c'),
        pod("d-1", 'd'),
        pod("e-1", 'e'),
    ];
    for (subject, body) in all {
        snapshot.put(&subject, &body);
    }
    assert_eq!(snapshot.unreadable().count(), 0);
    Images { snapshot, profile: Profile::new(Level::Avance), troubles: Vec::new() }
}

#[test]
fn images_are_told_worst_first_in_both_languages() {
    let images = images();
    let lines = running(&images, now());
    let states: Vec<State> = lines.iter().map(|line| line.state).collect();
    assert_eq!(states, [State::Fail, State::Unknown, State::Unknown, State::Unknown, State::Pass]);
    for (lang, tag) in LANGS {
        let verdicts = render::verdicts(&lines, lang, Screen::default());
        let list = render::scans(&scans(&images), lang, Screen::default());
        assert_tame(&verdicts);
        assert_tame(&list);
        insta::assert_snapshot!(format!("image_verdict_{tag}"), verdicts);
        insta::assert_snapshot!(format!("image_list_{tag}"), list);
    }
    insta::assert_snapshot!("image_verdict_json", out::json(&lines).unwrap());
}

#[test]
fn one_image_is_told_with_its_vulnerabilities_and_their_dates() {
    let images = images();
    let of = Digest::parse(&digest('a')).unwrap();
    let line = named(&images, std::slice::from_ref(&of), &Selection::All, now(), true).remove(0);
    let mut about = scans(&images);
    about.retain(|scan| scan.digests.contains(&of));
    for (lang, tag) in LANGS {
        let shown = render::shown(&line, &about, lang, Screen::default());
        assert_tame(&shown);
        insta::assert_snapshot!(format!("image_show_{tag}"), shown);
    }
}
