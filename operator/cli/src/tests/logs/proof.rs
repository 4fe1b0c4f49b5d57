use super::{LANGS, assert_tame};
use crate::model::logs::verify::VerifyReport;
use crate::render::logs::verify as render;
use crate::render::{Screen, json as out};
use serde_json::{from_value, json};
use snc_auditlog::{Report, Tail};

const KEY: &str = "0123456789abcdef0123456789abcdef";

pub fn report() -> Report {
    from_value(json!({
        "at": "2026-06-01T12:00:00Z", "total": 4,
        "findings": [
            {"partition": "platform", "number": 3, "firstSeq": 17, "lastSeq": 17, "what": "recordChanged", "object": "platform/000000000003.seg"},
            {"partition": "tenant.boutique", "number": 2, "what": "segmentMissing", "object": "tenant.boutique/000000000002.seg"},
            {"number": 41, "what": "rolledBack", "object": "heads/000000000041.json", "by": "syslog.log\u{1b}[31m"}],
        "notes": [{"object": "tenant.boutique/000000000009.seg", "what": "unfinished"}, {"object": "readme", "what": "foreign"}],
        "tail": {"state": "notProven"}, "root": {"state": "notProven"},
        "keys": [{"id": KEY, "algorithm": "ES256", "from": "2026-01-01T00:00:00Z", "until": "2026-05-01T00:00:00Z"},
            {"id": KEY.replace('0', "9"), "algorithm": "Ed25519", "from": "2026-05-01T00:00:00Z"}],
        "heads": 40,
        "partitions": [
            {"partition": "platform", "segments": 7, "records": 4000, "expired": 2, "firstAt": "2026-01-01T00:00:00Z", "lastAt": "2026-06-01T11:59:00Z"},
            {"partition": "tenant.boutique", "segments": 0, "records": 0, "expired": 0}],
    }))
    .unwrap()
}

pub fn proven() -> Tail {
    from_value(json!({"state": "proven", "head": 40, "at": "2026-06-01T11:59:30Z", "anchor": "s3://anchors/cluster-1"})).unwrap()
}

fn of(report: Report) -> VerifyReport {
    VerifyReport::new("/media/audit/store\u{1b}[2J".to_owned(), None, report)
}

#[test]
fn a_verification_in_both_languages() {
    let mut good = report();
    (good.findings, good.total, good.notes) = (Vec::new(), 0, Vec::new());
    (good.tail, good.root) = (proven(), from_value(json!({"state": "trusted", "key": KEY})).unwrap());
    for (lang, tag) in LANGS {
        for (report, name) in [(of(report()), "bad"), (of(good.clone()), "good")] {
            let (table, document) =
                (render::table(&report, lang, Screen::default()), render::document(&report, lang));
            assert_tame(&table);
            assert_tame(&document);
            insta::assert_snapshot!(format!("logs_verify_{name}_{tag}"), table);
            insta::assert_snapshot!(format!("logs_verify_{name}_md_{tag}"), document);
        }
    }
    insta::assert_snapshot!("logs_verify_json", out::json(&of(report())).unwrap());
}

#[test]
fn of_one_partition_what_concerns_it_is_told_and_what_is_not_listed_counts() {
    let report = VerifyReport::new(String::new(), Some("tenant.boutique".parse().unwrap()), report()).report;
    let objects: Vec<&str> = report.findings.iter().map(|finding| finding.object.as_str()).collect();
    assert_eq!(objects, ["tenant.boutique/000000000002.seg", "heads/000000000041.json"]);
    // One of the four was not listed: nobody knows whose it is.
    assert_eq!((report.total, report.notes.len(), report.partitions.len()), (3, 1, 1));
}
