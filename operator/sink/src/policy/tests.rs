use super::*;
use serde_json::json;
use tempfile::TempDir;

fn event(level: &str, resource: &str, verb: &str) -> String {
    json!({
        "level": level, "auditID": "a", "stage": "ResponseComplete", "verb": verb,
        "user": {"username": "alice", "groups": ["system:authenticated"]},
        "objectRef": {"resource": resource, "namespace": "shop", "name": "x"},
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": "2026-01-01T00:00:00.000000Z",
    })
    .to_string()
}

fn at(hours: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + hours * 3600).unwrap()
}

fn open(place: &TempDir, given: Option<&Path>) -> Applied {
    Applied::open(place.path().join("policy.json"), given, BTreeSet::new(), Lang::En).unwrap()
}

const COMPLETE: &str = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n";

#[test]
fn without_a_file_it_is_not_known_before_every_kind_was_seen() {
    let place = TempDir::new().unwrap();
    let applied = open(&place, None);
    let raw = event("Metadata", "configmaps", "update");
    applied.see(&Event::parse(&raw).unwrap());
    assert_eq!(applied.status(at(0)), PolicyStatus::default());
}

#[test]
fn a_file_is_judged_and_events_are_held_against_it() {
    let place = TempDir::new().unwrap();
    let file = place.path().join("audit-policy.yaml");
    std::fs::write(&file, COMPLETE).unwrap();
    let applied = open(&place, Some(&file));
    assert_eq!(applied.status(at(0)), PolicyStatus { complete: true, missing: vec![] });

    std::fs::write(&file, COMPLETE.replace("Metadata", "None")).unwrap();
    let applied = open(&place, Some(&file));
    let status = applied.status(at(0));
    assert!(!status.complete && !status.missing.is_empty());

    std::fs::write(&file, COMPLETE.replace("Metadata", "Request")).unwrap();
    let applied = open(&place, Some(&file));
    let raw = event("Metadata", "pods", "update");
    applied.see(&Event::parse(&raw).unwrap());
    let status = applied.status(at(0));
    assert!(
        status.missing.contains(&"update pods: seen at level Metadata, expected Request".to_owned()),
        "{status:?}"
    );
}

#[test]
fn what_was_mended_is_forgotten_and_what_was_seen_outlives_a_restart() {
    let place = TempDir::new().unwrap();
    let file = place.path().join("audit-policy.yaml");
    std::fs::write(&file, COMPLETE).unwrap();
    let applied = open(&place, Some(&file));
    let raw = event("None", "pods", "update");
    applied.see(&Event::parse(&raw).unwrap());
    assert_eq!(applied.status(at(0)).missing.len(), 1);
    applied.save().unwrap();
    let applied = open(&place, Some(&file));
    assert_eq!(applied.status(at(1)).missing.len(), 1);
    assert_eq!(applied.status(at(12)).missing.len(), 1);
    assert_eq!(applied.status(at(24)), PolicyStatus { complete: true, missing: vec![] });
    applied.see(&Event::parse(&raw).unwrap());
    applied.save().unwrap();
    std::fs::write(&file, COMPLETE.replace("Metadata", "None")).unwrap();
    applied.save().unwrap();
    assert!(!applied.status(at(24)).missing.is_empty(), "it is read again");
    std::fs::write(&file, format!("{COMPLETE}\n")).unwrap();
    assert!(open(&place, Some(&file)).status(at(24)).complete, "another policy");
}

#[test]
fn a_file_that_cannot_be_read_stops_nothing_and_proves_nothing_until_it_can() {
    let place = TempDir::new().unwrap();
    let file = place.path().join("audit-policy.yaml");
    let applied = open(&place, Some(&file));
    assert_eq!(applied.status(at(0)), PolicyStatus::default());
    std::fs::write(&file, "kind: Pod").unwrap();
    applied.save().unwrap();
    assert_eq!(applied.status(at(0)), PolicyStatus::default());
    std::fs::write(&file, COMPLETE).unwrap();
    applied.save().unwrap();
    assert!(applied.status(at(0)).complete);
    std::fs::remove_file(&file).unwrap();
    applied.save().unwrap();
    assert_eq!(applied.status(at(0)), PolicyStatus::default());
}
