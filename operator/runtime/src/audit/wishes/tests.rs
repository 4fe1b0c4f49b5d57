use super::*;
use serde_json::json;

fn log(spec: &serde_json::Value) -> SncAuditLog {
    serde_json::from_value(json!({
        "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncAuditLog",
        "metadata": {"name": "cluster", "generation": 3}, "spec": spec,
    }))
    .unwrap()
}

fn policy(days: Option<u32>) -> SncPolicy {
    let spec = days.map_or(json!({}), |days| json!({"audit": {"retentionDays": days}}));
    serde_json::from_value(json!({
        "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncPolicy",
        "metadata": {"name": "main", "namespace": "web"}, "spec": spec,
    }))
    .unwrap()
}

fn tenant_of(namespace: &str) -> Option<&'static str> {
    match namespace {
        "web" | "db" => Some("shop"),
        "vault" => Some("bank"),
        _ => None,
    }
}

fn from(namespace: &str, days: Option<u32>) -> Asked {
    asked(namespace.to_owned(), "main".to_owned(), Some(&policy(days)))
}

#[test]
fn what_the_object_says_is_what_is_asked() {
    let mut declared = Declared::default();
    declared.log(Some(&log(&json!({
        "retention": {"days": 365, "maximumDays": 1000, "tenants": [{"name": "shop", "days": 400}]},
        "legalHolds": [
            {"name": "affaire-12", "tenant": "shop", "reason": "ordonnance 12/27", "since": "2027-01-15T00:00:00Z"},
            {"name": "tout", "reason": "enquête en cours", "since": "2027-01-16T00:00:00Z"},
        ],
        "probeSeconds": 120, "probeLimitSeconds": 30,
    }))));
    let hold = |name: &str, tenant: Option<&str>, reason: &str, since: &str| LegalHold {
        name: name.into(),
        tenant: tenant.map(str::to_owned),
        reason: reason.into(),
        since: since.parse().unwrap(),
    };
    let wanted = Wishes {
        generation: 3,
        days: 365,
        maximum_days: Some(1000),
        tenants: [("shop".into(), 400)].into(),
        holds: vec![
            hold("affaire-12", Some("shop"), "ordonnance 12/27", "2027-01-15T00:00:00Z"),
            hold("tout", None, "enquête en cours", "2027-01-16T00:00:00Z"),
        ],
        probe_seconds: 120,
        probe_limit_seconds: 30,
    };
    assert_eq!(declared.wishes(tenant_of), Some(wanted));
}

#[test]
fn an_object_that_says_nothing_asks_for_what_the_sink_does_by_itself() {
    let mut declared = Declared::default();
    declared.log(Some(&log(&json!({}))));
    assert_eq!(declared.wishes(tenant_of), Some(Wishes { generation: 3, ..Wishes::default() }));
}

#[test]
fn a_tenant_gets_the_most_that_anybody_asks_for_it_and_a_namespace_of_nobody_asks_for_nothing() {
    let mut declared = Declared::default();
    declared.log(Some(&log(&json!({"retention": {"tenants": [{"name": "bank", "days": 500}]}}))));
    let all =
        vec![from("web", Some(300)), from("db", Some(250)), from("vault", Some(200)), from("lab", Some(900))];
    declared.policies(Change::Reset(all));
    let tenants = declared.wishes(tenant_of).unwrap().tenants;
    assert_eq!(tenants, [("bank".into(), 500), ("shop".into(), 300)].into());
}

#[test]
fn what_cannot_be_read_any_more_stays_and_what_is_deleted_goes() {
    let mut declared = Declared::default();
    declared.policies(Change::Apply(from("web", Some(300))));
    assert_eq!(declared.wishes(tenant_of), None, "the object was not there yet");
    declared.log(Some(&log(&json!({}))));
    declared.log(None);
    let days = |declared: &Declared| declared.wishes(tenant_of).unwrap().tenants.get("shop").copied();
    let unreadable = || asked("web".into(), "main".into(), None);
    declared.policies(Change::Apply(unreadable()));
    assert_eq!(days(&declared), Some(300));
    declared.policies(Change::Reset(vec![unreadable()]));
    assert_eq!(days(&declared), Some(300));
    declared.policies(Change::Apply(from("web", None)));
    assert_eq!(days(&declared), None);
    declared.policies(Change::Apply(from("web", Some(300))));
    declared.policies(Change::Delete(unreadable()));
    assert_eq!(days(&declared), None);
}
