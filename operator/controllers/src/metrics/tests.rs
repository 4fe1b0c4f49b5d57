use super::*;
use serde_json::json;
use snc_index::Observed;

fn sample(text: &str, series: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

fn text(metrics: &Metrics) -> String {
    String::from_utf8(metrics.text().unwrap()).unwrap()
}

#[test]
fn every_counter_is_there_at_zero_before_anything_happens() {
    let metrics = Metrics::new().unwrap();
    let text = text(&metrics);
    for series in [
        "snc_reconciles_total{kind=\"namespace\",result=\"failed\"}",
        "snc_watch_restarts_total{kind=\"pods\",reason=\"expired\"}",
        "snc_writes_total{kind=\"networkpolicies\",verb=\"patch\"}",
        "snc_api_errors_total{kind=\"forbidden\"}",
        "snc_leader",
        "snc_default_deny_missing",
        "snc_report_writes_total{outcome=\"throttled\"}",
        "snc_reports_circuit_open",
    ] {
        assert_eq!(sample(&text, series), Some(0.0), "{series}\n{text}");
    }
}

#[test]
fn an_isolated_namespace_without_its_default_deny_is_counted_and_no_name_is_told() {
    let metrics = Metrics::new().unwrap();
    let mut index = Index::default();
    for (name, isolated) in [("shop", "true"), ("bank", "true"), ("lab", "audit")] {
        let meta = json!({"metadata": {"name": name, "uid": name, "labels": {LABEL_ISOLATED: isolated}}});
        index.apply_namespace(&serde_json::from_value(meta).unwrap());
    }
    let policy: k8s_openapi::api::networking::v1::NetworkPolicy = serde_json::from_value(json!({
        "metadata": {"name": DEFAULT_DENY, "namespace": "shop", "uid": "u", "labels": {"app.kubernetes.io/managed-by": "snc-operator"}},
        "spec": {"podSelector": {}},
    }))
    .unwrap();
    let key = ObjectKey::new(ManagedKind::NetworkPolicy, DEFAULT_DENY);
    index.apply_object("shop", key, Observed::from(&policy));
    metrics.found("shop", Some("True"));
    metrics.found("bank", Some("False"));
    metrics.found("lab", Some("False"));
    metrics.found("lab", None);
    metrics.measure(&index, &[("pods", None), ("namespaces", Some(Duration::from_secs(3)))], (2, 1));
    let text = text(&metrics);
    for (series, value) in [
        ("snc_default_deny_missing", 1.0),
        ("snc_managed_objects{kind=\"NetworkPolicy\"}", 1.0),
        ("snc_namespaces{network_policy_effective=\"True\"}", 1.0),
        ("snc_namespaces{network_policy_effective=\"False\"}", 1.0),
        ("snc_namespaces{network_policy_effective=\"Unknown\"}", 0.0),
        ("snc_index_age_seconds{kind=\"namespaces\"}", 3.0),
        ("snc_index_age_seconds{kind=\"pods\"}", -1.0),
        ("snc_index_oldest_seconds", -1.0),
        ("snc_queue_depth{state=\"ready\"}", 2.0),
    ] {
        assert_eq!(sample(&text, series), Some(value), "{series}\n{text}");
    }
    assert!(!text.contains("shop") && !text.contains("bank") && !text.contains(DEFAULT_DENY), "{text}");
}

#[test]
fn a_right_that_came_back_is_missing_no_more() {
    let metrics = Metrics::new().unwrap();
    let all: Vec<Permission> = crate::permissions::needed().into_iter().collect();
    metrics.permissions(&all);
    let guards = "snc_permission_missing{resource=\"validatingadmissionpolicies.admissionregistration.k8s.io\",verb=\"patch\"}";
    assert_eq!(sample(&text(&metrics), guards), Some(23.0), "one per name");
    metrics.permissions(&[]);
    assert_eq!(sample(&text(&metrics), guards), None);
}
