use super::*;

fn seen(tls_dir: &std::path::Path) -> Seen {
    Seen {
        tls: Arc::new(Reload::client(tls_dir)),
        numbers: Arc::new(Numbers::default()),
        metrics: Metrics::new().unwrap(),
    }
}

fn text(seen: &Seen) -> String {
    String::from_utf8(seen.numbers().unwrap()).unwrap()
}

#[test]
fn without_a_certificate_it_is_not_ready_and_says_which_file_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let (ready, detail) = seen(directory.path()).readiness();
    assert!(!ready && detail.contains("tls.crt"), "{detail}");
}

#[test]
fn numbers_go_up_by_what_happened_however_often_they_are_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let seen = seen(directory.path());
    for line in ["snc_audit_tail_lines_total 0", "snc_audit_tail_failing 0"] {
        assert!(text(&seen).contains(line), "{}", text(&seen));
    }
    seen.numbers.lines.store(3, Ordering::Relaxed);
    seen.numbers.behind.store(7, Ordering::Relaxed);
    seen.numbers.failing.store(true, Ordering::Relaxed);
    text(&seen);
    for line in ["snc_audit_tail_lines_total 3", "snc_audit_tail_behind_bytes 7", "snc_audit_tail_failing 1"]
    {
        assert!(text(&seen).contains(line), "{}", text(&seen));
    }
    assert_eq!(seen.metrics.exposed().len(), 5);
}
