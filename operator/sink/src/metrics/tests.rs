use super::*;
use std::collections::BTreeSet;

const CLOSED: Closed<'_> = Closed {
    rules: &["exec", "audit-id-reused"],
    causes: &["Down", "DiskFull"],
    reasons: &["Platform", "Owner"],
};

#[test]
fn counters_are_there_before_the_first_time() {
    let metrics = Metrics::new(&CLOSED).unwrap();
    let text = String::from_utf8(metrics.text().unwrap()).unwrap();
    for line in [
        r#"snc_audit_events_total{result="duplicate",source="file"} 0"#,
        r#"snc_audit_gaps_total{cause="DiskFull",source="webhook"} 0"#,
        r#"snc_audit_alarms_total{rule="audit-id-reused"} 0"#,
        r#"snc_audit_records_total{partition="tenant",reason="Owner"} 0"#,
        r#"snc_audit_probes_total{result="missed"} 0"#,
        "snc_audit_seal_failures_total 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn what_is_exposed_has_a_name_of_its_own_and_says_what_it_is() {
    let exposed = Metrics::new(&CLOSED).unwrap().exposed();
    let names: BTreeSet<&str> = exposed.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names.len(), exposed.len());
    for one in &exposed {
        assert!(one.name.starts_with("snc_audit_"), "{}", one.name);
        assert!(one.help.ends_with('.'), "{}: {}", one.name, one.help);
        // A tenant, user or object as a label would let whoever names them fill a memory that is not his.
        let closed = [
            "source",
            "server",
            "result",
            "reason",
            "cause",
            "partition",
            "form",
            "anchor",
            "rule",
            "volume",
            "certificate",
        ];
        for label in &one.labels {
            assert!(closed.contains(&label.as_str()), "{}: {label}", one.name);
        }
    }
}

#[test]
fn two_sinks_in_one_process_count_for_themselves() {
    let (one, other) = (Metrics::new(&CLOSED).unwrap(), Metrics::new(&CLOSED).unwrap());
    one.event(Source::File, Took::Stored);
    let text = String::from_utf8(other.text().unwrap()).unwrap();
    assert!(text.contains(r#"snc_audit_events_total{result="stored",source="file"} 0"#));
}
