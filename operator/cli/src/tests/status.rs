use super::fixtures::{LANGS, assert_tame, baseline, condition, namespace, now, policy, settings, tenant};
use crate::commands::status_outcome;
use crate::model::Selection;
use crate::model::status::{Facts, Operator, OperatorState, State, StatusReport, build};
use crate::render::{Screen, json, status as table, yaml};
use serde_json::{Value, json};
use snc_core::lang::Lang;
use snc_index::{NamespaceFacts, Unreadable};

fn claims(ready: &str) -> Value {
    json!([
        condition(
            "Ready",
            ready,
            if ready == "True" { "Applied" } else { "QuotaExceeded" },
            "de la plateforme"
        ),
        condition("NamespacesClaimed", "True", "Claimed", "ok"),
        condition(
            "QuotaFits",
            ready,
            if ready == "True" { "WithinTotal" } else { "QuotaExceeded" },
            "de la plateforme"
        ),
    ])
}

fn answers(ready: &str, effective: &str, isolated: &str) -> Value {
    json!([
        condition("Ready", ready, "Applied", "prêt"),
        condition(
            "NetworkPolicyEffective",
            effective,
            if effective == "True" { "PoliciesPresent" } else { "ForeignPolicy" },
            "ouvre\u{1b}[2J-tout"
        ),
        condition("NetworkIsolated", isolated, "EnforcementStated", "déclaré"),
    ])
}

fn said(observed: i64, conditions: &Value) -> Value {
    json!({
        "observedGeneration": observed, "tenant": "boutique", "level": "Standard", "isolation": "Enforce",
        "flows": {"declared": 2, "applied": 1, "refused": 1}, "conditions": conditions,
        "findings": {"total": 3, "truncated": true, "items": ["AdoptedWithGap : des pods ont tourné", "ReviewOverdue: flux x"]},
    })
}

fn item(name: &str, state: &str) -> Value {
    json!({"name": name, "uid": format!("uid-{name}"), "state": state})
}

/// One tenant, one namespace, everything as it should be.
fn good() -> Facts {
    let status = json!({"observedGeneration": 2, "namespaces": {"total": 1, "isolated": 1, "items": [item("web", "Isolated")]}, "conditions": claims("True")});
    let labelled = NamespaceFacts::from(&namespace("web", &json!({"secnumcloud.dev/tenant": "boutique"})));
    Facts {
        context: "essai".into(),
        now: now(),
        lang: Lang::En,
        operator: Operator { state: OperatorState::Alive, last_seen: Some(now()) },
        tenants: Some(vec![("boutique".into(), tenant("boutique", &json!({"level": "Standard"}), &status))]),
        baselines: Some(Vec::new()),
        namespaces: Some(vec![labelled, NamespaceFacts::from(&namespace("default", &json!({})))]),
        policies: vec![(
            "web".into(),
            "p".into(),
            policy("web", "p", &json!({}), &said(3, &answers("True", "True", "True"))),
        )],
        settings: settings(Lang::En),
        complete: true,
    }
}

fn all(facts: &Facts) -> StatusReport {
    build(facts, &Selection::All).unwrap()
}

fn code(report: &StatusReport) -> u8 {
    status_outcome(report, Vec::new(), Lang::En).code()
}

/// Everything that can be wrong, in one cluster.
fn bad(lang: Lang) -> Facts {
    let mut facts = good();
    facts.lang = lang;
    let mut gap = item("web", "Isolated");
    gap["adoptedWithGap"] = json!({"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"});
    let mut twice = item("deux", "Conflict");
    twice["reason"] = "NamespaceConflict".into();
    twice["message"] = "aussi revendiqué".into();
    let status = json!({"observedGeneration": 2, "namespaces": {"total": 3, "isolated": 1, "items": [gap, twice, item("sans", "Isolated")]}, "conditions": claims("False")});
    let spec = json!({"level": "Standard", "namespaces": ["web", "futur"], "createNamespaces": true});
    facts.tenants = Some(vec![
        ("boutique".into(), tenant("boutique", &spec, &status)),
        ("muet".into(), tenant("muet", &json!({"level": "Avance", "namespaces": ["a"]}), &Value::Null)),
        (
            "vieux".into(),
            tenant(
                "vieux",
                &json!({"level": "Avance"}),
                &json!({"observedGeneration": 1, "namespaces": {"items": [item("v", "Isolated")]}, "conditions": claims("True")}),
            ),
        ),
        (
            "illisible".into(),
            Err(Unreadable {
                name: "illisible".into(),
                namespace: None,
                generation: None,
                error: "spec: null".into(),
            }),
        ),
    ]);
    facts.baselines = Some(vec![(
        "socle".into(),
        baseline(
            "socle",
            &json!({}),
            &json!({"observedGeneration": 1, "tenants": 1, "conditions": [condition("Consistent", "False", "BaselineConflict", "rien en commun")]}),
        ),
    )]);
    let orphan = json!({"secnumcloud.dev/tenant": "parti", "secnumcloud.dev/floor-level": "Avance", "secnumcloud.dev/floor-isolation": "Enforce"});
    for (name, labels) in [
        ("deux", json!({})),
        ("sans", json!({"secnumcloud.dev/tenant": "boutique"})),
        ("v", json!({})),
        ("a", json!({})),
        ("orphelin", orphan),
    ] {
        facts.namespaces.as_mut().unwrap().push(NamespaceFacts::from(&namespace(name, &labels)));
    }
    facts.policies = vec![
        (
            "web".into(),
            "étrangère".into(),
            policy("web", "étrangère", &json!({}), &said(3, &answers("True", "Unknown", "Unknown"))),
        ),
        (
            "web".into(),
            "périmée".into(),
            policy("web", "périmée", &json!({}), &said(2, &answers("True", "True", "True"))),
        ),
        ("web".into(), "muette".into(), policy("web", "muette", &json!({}), &Value::Null)),
        (
            "web".into(),
            "cassée".into(),
            Err(Unreadable {
                name: "cassée".into(),
                namespace: Some("web".into()),
                generation: None,
                error: "bad\u{1b}[31m".into(),
            }),
        ),
    ];
    facts
}

#[test]
fn the_status_in_every_form() {
    for (lang, name) in LANGS {
        let report = all(&bad(lang));
        let text = table::table(&report, lang, Screen::default());
        assert_tame(&text);
        insta::assert_snapshot!(format!("status_table_{name}"), text);
        assert_tame(&json::json(&report).unwrap());
    }
    let report = build(&bad(Lang::En), &Selection::Namespace("web".into())).unwrap();
    insta::assert_snapshot!("status_json", json::json(&report).unwrap());
    insta::assert_snapshot!("status_yaml", yaml::yaml(&report).unwrap());
    insta::assert_snapshot!("status_good", table::table(&all(&good()), Lang::En, Screen::default()));
}

#[test]
fn only_a_cluster_where_all_is_true_is_fine() {
    assert_eq!(code(&all(&good())), 0);
    for (ready, effective, isolated) in [
        ("False", "True", "True"),
        ("True", "Unknown", "True"),
        ("True", "True", "Unknown"),
        ("True", "True", "vrai"),
    ] {
        let mut facts = good();
        facts.policies[0].2 = policy("web", "p", &json!({}), &said(3, &answers(ready, effective, isolated)));
        assert_eq!(code(&all(&facts)), 1, "{ready} {effective} {isolated}");
    }
    let mut bare = good();
    bare.policies.clear();
    assert_eq!(code(&all(&bare)), 1, "isolated, but nobody reports it");
    assert_eq!(code(&all(&bad(Lang::En))), 1);
}

#[test]
fn what_is_stale_or_silent_says_nothing() {
    for status in [
        said(2, &answers("True", "True", "True")),
        Value::Null,
        json!({"conditions": answers("True", "True", "True")}),
        said(3, &json!([])),
    ] {
        let mut facts = good();
        facts.policies[0].2 = policy("web", "p", &json!({}), &status);
        let report = all(&facts);
        assert_eq!(report.namespaces[0].policies[0].ready, crate::model::Tri::Unknown);
        assert_eq!(code(&report), 1, "{status}");
    }
    let mut recreated = good();
    recreated.namespaces.as_mut().unwrap()[0].uid = "another".into();
    assert_eq!(all(&recreated).namespaces[0].state, State::Unknown);
    let mut silent = good();
    silent.operator.state = OperatorState::Silent;
    assert_eq!(code(&all(&silent)), 3, "nobody keeps what is shown up to date");
}

#[test]
fn a_tenants_own_user_sees_its_namespace() {
    let mut facts = good();
    (facts.tenants, facts.namespaces, facts.baselines) = (None, None, None);
    let report = build(&facts, &Selection::Namespace("web".into())).unwrap();
    let row = &report.namespaces[0];
    assert_eq!(
        (row.state, row.tenant.as_deref(), row.level.as_deref()),
        (State::Isolated, Some("boutique"), Some("Standard"))
    );
    assert_eq!(code(&report), 0);
    facts.policies.clear();
    facts.complete = false;
    assert_eq!(code(&build(&facts, &Selection::Namespace("web".into())).unwrap()), 3);
}

#[test]
fn the_question_decides_what_counts() {
    let facts = bad(Lang::En);
    let of = |selection| build(&facts, &selection).unwrap();
    let tenant = of(Selection::Tenant("boutique".into()));
    assert!(tenant.namespaces.iter().all(|n| n.tenant.as_deref() == Some("boutique")));
    let mut facts = good();
    let status = json!({"observedGeneration": 2, "namespaces": {"items": [item("web", "Isolated")]}, "conditions": claims("False")});
    facts.tenants =
        Some(vec![("boutique".into(), self::tenant("boutique", &json!({"level": "Standard"}), &status))]);
    assert_eq!(
        code(&build(&facts, &Selection::Namespace("web".into())).unwrap()),
        0,
        "another namespace's quota"
    );
    assert_eq!(code(&build(&facts, &Selection::Tenant("boutique".into())).unwrap()), 1);
    assert_eq!(
        code(&build(&facts, &Selection::Namespace("default".into())).unwrap()),
        1,
        "governed by nobody"
    );
    assert_eq!(build(&facts, &Selection::Namespace("x".into())).unwrap_err().known, ["web"]);
    let unknown = build(&facts, &Selection::Tenant("x".into())).unwrap_err();
    assert_eq!(unknown.message(Lang::En), "no SncTenant x; tenants: boutique");
}

#[test]
fn the_operators_own_canary_is_nobodys_namespace() {
    let mut facts = good();
    let canary = namespace("snc-canary", &json!({"secnumcloud.dev/tenant": "snc-canary"}));
    facts.namespaces.as_mut().unwrap().push(NamespaceFacts::from(&canary));
    let report = all(&facts);
    assert_eq!((report.namespaces.len(), code(&report)), (1, 0));
}
