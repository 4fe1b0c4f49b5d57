//! What is said of the three kinds, in both languages.

use crate::support::{Cluster, at, deny, read, unreadable};
use jiff::Timestamp;
use serde_json::{Value, json};
use snc_api::v1alpha1::{SncPolicyStatus, SncTenantStatus};
use snc_core::condition::reason;
use snc_core::flow::Protocol;
use snc_core::lang::Lang;
use snc_core::text::Text;
use snc_plan::probe::{EGRESS, Probed};
use snc_plan::status::{Failure, baseline_status, policy_status, tenant_view};
use std::collections::BTreeSet;

const LANGS: [Lang; 2] = [Lang::Fr, Lang::En];

fn flow(name: &str, more: &Value) -> Value {
    let mut flow = json!({
        "name": name, "justification": "needed", "direction": "Egress", "reviewedOn": "2026-06-01",
        "peers": [{"pods": {}}], "ports": [{"port": 443}],
    });
    for (key, value) in more.as_object().unwrap() {
        flow[key] = value.clone();
    }
    flow
}

fn shop(lang: Lang) -> Cluster {
    let mut cluster = Cluster::new(lang);
    cluster.tenant(
        "shop",
        &json!({"level": "Standard", "namespaces": ["shop"], "owners": [{"kind": "User", "name": "alice"}]}),
    );
    cluster.baseline(
        "floor",
        &json!({"modes": {"isolation": "Enforce", "podSecurity": "Enforce"}, "network": {"deniedCIDRs": ["10.96.0.0/12"]}}),
    );
    cluster.namespace("shop");
    cluster.policy(
        "shop",
        "p",
        &json!({"environment": "Production", "network": {"flows": [flow("api", &json!({}))]}}),
    );
    cluster
}

fn settled(lang: Lang) -> Cluster {
    let mut cluster = shop(lang);
    cluster.settle("shop");
    cluster
}

fn stated(cluster: &mut Cluster) {
    cluster.baseline(
        "network",
        &json!({"network": {"enforcement": {"engine": "Cilium 1.19", "evidence": "test report NET-7", "statedOn": "2026-10-01"}}}),
    );
    cluster.settle("shop");
}

fn failed(cluster: &Cluster, failures: &[Failure]) -> SncPolicyStatus {
    policy_status(
        &cluster.sncp("shop", "p"),
        &cluster.plan("shop"),
        failures,
        None,
        cluster.settings.lang,
        cluster.now,
    )
}

fn status(cluster: &Cluster) -> SncPolicyStatus {
    failed(cluster, &[])
}

fn tenant(cluster: &Cluster, name: &str) -> SncTenantStatus {
    tenant_view(&cluster.index, &cluster.settings, &cluster.facts, &cluster.snct(name), cluster.now).status
}

fn condition<'a>(status: &'a SncPolicyStatus, kind: &str) -> (&'a str, &'a str, &'a str) {
    let found = status.conditions.iter().find(|c| c.type_ == kind).unwrap();
    (&found.status, &found.reason, &found.message)
}

/// Takes away what differs from run to run: identities and generations.
fn plain<T: serde::Serialize>(value: &T) -> Value {
    fn walk(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.retain(|key, _| !["uid", "observedGeneration"].contains(&key.as_str()));
                map.values_mut().for_each(walk);
            }
            Value::Array(items) => items.iter_mut().for_each(walk),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(value).unwrap();
    walk(&mut value);
    value
}

/// The same scene in both languages, as policy, tenant and baseline see it.
fn both(scene: impl Fn(&mut Cluster)) -> Value {
    let one = |lang: Lang| {
        let mut cluster = settled(lang);
        scene(&mut cluster);
        json!({
            "policy": plain(&status(&cluster)),
            "tenant": plain(&tenant(&cluster, "shop")),
            "baseline": cluster.baselines.get("floor").and_then(|b| b.as_ref().ok()).map(|b| {
                plain(&baseline_status(&cluster.index, &cluster.settings, b, cluster.now))
            }),
        })
    };
    json!({"fr": one(Lang::Fr), "en": one(Lang::En)})
}

#[test]
fn good() {
    insta::assert_json_snapshot!(both(stated));
}

#[test]
fn good_without_a_statement_of_enforcement() {
    insta::assert_json_snapshot!(both(|_| {}));
    let cluster = settled(Lang::En);
    let (is, why, _) = condition(&status(&cluster), "NetworkIsolated").clone_owned();
    assert_eq!((is.as_str(), why.as_str()), ("Unknown", "EnforcementNotProven"));
}

/// Packets weigh more than words, either way.
#[test]
fn what_packets_say_comes_before_what_was_stated() {
    let isolated = |cluster: &Cluster| condition(&status(cluster), "NetworkIsolated").clone_owned();
    let words = |cluster: &mut Cluster, probed: Probed| {
        cluster.facts.probed = probed;
        let (is, why, message) = isolated(cluster);
        (format!("{is}/{why}"), message)
    };
    let through = BTreeSet::from([(Protocol::Udp, EGRESS)]);
    let nothing = Probed::Inconclusive(Text::new("rien", "no pod"));
    let mut cluster = settled(Lang::En);
    let (is, message) = words(&mut cluster, Probed::Enforced { one_node: true });
    assert_eq!(is, "True/EnforcementMeasured");
    assert!(message.contains("on one node"), "{message}");
    let (is, message) = words(&mut cluster, nothing.clone());
    assert_eq!(is, "Unknown/EnforcementNotProven");
    assert!(message.ends_with("no measurement: no pod"), "{message}");
    stated(&mut cluster);
    assert_eq!(words(&mut cluster, nothing).0, "True/EnforcementStated");
    let (is, message) = words(&mut cluster, Probed::Disproved(through));
    assert_eq!(is, "False/EnforcementDisproved");
    assert!(message.contains("UDP egress"), "{message}");
    // Without policies there is nothing to enforce.
    cluster.facts.probed = Probed::Enforced { one_node: false };
    cluster.foreign_network_policy("shop", "allow-all");
    assert_eq!(isolated(&cluster).0, "False");
}

trait Owned {
    fn clone_owned(&self) -> (String, String, String);
}

impl Owned for (&str, &str, &str) {
    fn clone_owned(&self) -> (String, String, String) {
        (self.0.to_owned(), self.1.to_owned(), self.2.to_owned())
    }
}

#[test]
fn foreign_policy() {
    insta::assert_json_snapshot!(both(|cluster| {
        stated(cluster);
        cluster.foreign_network_policy("shop", "allow-all");
    }));
}

/// What cannot be read, or was not heard of for long, is never said to be in order (13.1).
#[test]
fn inputs_that_are_denied_or_stale_make_the_answer_unknown_by_name() {
    for lang in [Lang::Fr, Lang::En] {
        let mut cluster = settled(lang);
        stated(&mut cluster);
        let kinds = ["NetworkPolicyEffective", "NetworkIsolated"];
        cluster.facts.stale = vec!["networkpolicies".into()];
        for kind in kinds {
            let found = status(&cluster);
            let (said, reason, message) = condition(&found, kind);
            assert_eq!((said, reason), ("Unknown", "InputsStale"));
            assert!(message.contains("networkpolicies"), "{message}");
        }
        cluster.facts.denied = vec!["pods".into()];
        for kind in kinds {
            let found = status(&cluster);
            let (said, reason, message) = condition(&found, kind);
            assert_eq!((said, reason), ("Unknown", "PermissionMissing"));
            assert!(message.contains("pods") && !message.contains("networkpolicies"), "{message}");
        }
        // Who governs a namespace rests on what cannot be read, too.
        cluster.facts.denied = vec!["snctenants".into()];
        let policy = cluster.sncp("shop", "p");
        let found = policy_status(&policy, &cluster.plan("nobodys"), &[], None, lang, cluster.now);
        for kind in ["Ready", "NetworkPolicyEffective", "NetworkIsolated"] {
            let (said, reason, _) = condition(&found, kind);
            assert_eq!((said, reason), ("Unknown", "PermissionMissing"));
        }
    }
}

#[test]
fn host_network_pod() {
    insta::assert_json_snapshot!(both(|cluster| {
        cluster.pod("shop", "node-agent", true);
    }));
}

#[test]
fn refused_fields() {
    insta::assert_json_snapshot!(both(|cluster| {
        let flows = json!([
            flow("api", &json!({})),
            flow("internet", &json!({"peers": [{"cidr": {"block": "10.96.0.1/32"}}]})),
            flow("half", &json!({"peers": [{"pods": {}}, {"namespaces": {"names": ["rival"]}}]})),
            flow("ports", &json!({"ports": [{"port": 90, "endPort": 80}], "justification": "  "})),
        ]);
        cluster.policy(
            "shop",
            "p",
            &json!({"level": "Essentiel", "modes": {"isolation": "Warn"}, "network": {"flows": flows}}),
        );
        cluster.settle("shop");
    }));
}

#[test]
fn two_claimants() {
    let one = |lang: Lang| {
        let mut cluster = shop(lang);
        cluster.tenant("rival", &json!({"level": "Avance", "namespacePrefixes": ["sho"]}));
        cluster.settle("shop");
        json!({"policy": plain(&status(&cluster)), "tenant": plain(&tenant(&cluster, "shop")), "rival": plain(&tenant(&cluster, "rival"))})
    };
    insta::assert_json_snapshot!(LANGS.map(one));
}

#[test]
fn a_later_claimant_is_told_and_the_holder_is_not_disturbed() {
    let mut cluster = settled(Lang::En);
    let before = plain(&tenant(&cluster, "shop"));
    cluster.tenant("rival", &json!({"level": "Avance", "namespaces": ["shop"]}));
    assert_eq!(plain(&tenant(&cluster, "shop")), before);
    let rival = tenant(&cluster, "rival");
    assert_eq!(
        (rival.conditions[0].status.as_str(), rival.conditions[0].reason.as_str()),
        ("False", "NamespaceConflict")
    );
}

#[test]
fn observed() {
    let one = |lang: Lang| {
        let mut cluster = shop(lang);
        cluster.pod("shop", "old", false);
        json!({"policy": plain(&status(&cluster)), "tenant": plain(&tenant(&cluster, "shop"))})
    };
    insta::assert_json_snapshot!(LANGS.map(one));
}

#[test]
fn not_governed() {
    let one = |lang: Lang| {
        let mut cluster = Cluster::new(lang);
        cluster.namespace("shop");
        cluster.policy("shop", "p", &json!({"modes": {"isolation": "Enforce"}}));
        plain(&status(&cluster))
    };
    insta::assert_json_snapshot!(LANGS.map(one));
}

#[test]
fn below_enforce() {
    insta::assert_json_snapshot!({
        let mut cluster = shop(Lang::En);
        cluster.baseline("floor", &json!({"modes": {"isolation": "Warn"}}));
        cluster.settle("shop");
        json!({"policy": plain(&status(&cluster)), "tenant": plain(&tenant(&cluster, "shop"))})
    });
}

#[test]
fn quota_exceeded() {
    insta::assert_json_snapshot!(both(|cluster| {
        cluster.tenant(
            "shop",
            &json!({"level": "Standard", "namespaces": ["shop"], "quota": {"requests.cpu": 2}}),
        );
        cluster.baseline(
            "floor",
            &json!({"modes": {"isolation": "Enforce", "podSecurity": "Enforce", "quota": "Enforce"}}),
        );
        cluster.policy("shop", "p", &json!({"quota": {"requests.cpu": "2500m"}}));
        cluster.settle("shop");
    }));
}

#[test]
fn adopted_with_a_gap() {
    let one = |lang: Lang| {
        let mut cluster = shop(lang);
        cluster.pod("shop", "old", false);
        cluster.tick(3600);
        cluster.tenant("shop", &json!({"level": "Standard", "namespaces": ["shop"], "adoption": "Enforce"}));
        cluster.settle("shop");
        json!({"policy": plain(&status(&cluster)), "tenant": plain(&tenant(&cluster, "shop"))})
    };
    insta::assert_json_snapshot!(LANGS.map(one));
}

#[test]
fn unreadable_baseline() {
    insta::assert_json_snapshot!(both(|cluster| cluster.set_baseline("floor", Some(unreadable("floor")))));
}

#[test]
fn baseline_conflict() {
    insta::assert_json_snapshot!(both(|cluster| {
        cluster.baseline(
            "floor",
            &json!({"modes": {"isolation": "Enforce", "podSecurity": "Enforce"}, "network": {"allowedCIDRs": ["10.0.0.0/8"]}}),
        );
        cluster.settle("shop");
        cluster.baseline("other", &json!({"network": {"allowedCIDRs": ["192.168.0.0/16"]}}));
        cluster.settle("shop");
    }));
}

#[test]
fn a_baseline_with_mistakes() {
    insta::assert_json_snapshot!(both(|cluster| {
        cluster.baseline(
            "floor",
            &json!({
                "modes": {"isolation": "Enforce", "podSecurity": "Enforce"},
                "network": {"deniedCIDRs": ["10.0.0.0/40"], "dns": {"namespace": "KUBE"}},
            }),
        );
        cluster.settle("shop");
    }));
}

#[test]
fn protected_terminating_released_and_gate_pending() {
    let mut said = Vec::new();
    let mut note = |cluster: &Cluster, name: &str| {
        let plan = cluster.plan(name);
        let status =
            policy_status(&cluster.sncp(name, "p"), &plan, &[], None, cluster.settings.lang, cluster.now);
        let ready = &status.conditions[0];
        said.push(format!("{name}: {} {} {}", ready.status, ready.reason, ready.message));
    };
    for lang in LANGS {
        let mut cluster = shop(lang);
        cluster.namespace("kube-system");
        cluster.set_label("kube-system", "secnumcloud.dev/tenant", Some("shop"));
        cluster.policy("kube-system", "p", &json!({}));
        note(&cluster, "kube-system");
        cluster.facts.gate_proven = false;
        note(&cluster, "shop");
        cluster.facts.gate_proven = true;
        note(&cluster, "shop");
        cluster.settle("shop");
        cluster.start_deletion("shop");
        note(&cluster, "shop");
        let mut cluster = settled(lang);
        cluster.tenant("shop", &json!({"level": "Standard", "namespaces": ["shop"], "release": ["shop"]}));
        note(&cluster, "shop");
    }
    insta::assert_json_snapshot!(said);
}

#[test]
fn a_refused_step_comes_first() {
    let cluster = settled(Lang::En);
    let failure = |what: &str| Failure {
        reason: reason::LABEL_CONFLICT,
        what: what.into(),
        error: "conflict with \"helm\"".into(),
    };
    let status = failed(&cluster, &[failure("Namespace (pod-security)"), failure("other")]);
    assert_eq!(
        condition(&status, "Ready"),
        ("False", "LabelConflict", "Namespace (pod-security): conflict with \"helm\" (+1)")
    );
}

#[test]
fn a_never_readable_baseline_is_no_reason_to_be_ready() {
    let mut cluster = Cluster::new(Lang::En);
    cluster.tenant("shop", &json!({"level": "Standard", "namespaces": ["shop"]}));
    cluster.set_baseline("floor", Some(unreadable("floor")));
    cluster.namespace("shop");
    cluster.policy("shop", "p", &json!({}));
    cluster.settle("shop");
    assert_eq!(condition(&status(&cluster), "Ready").1, "Unreadable");
    assert_eq!(tenant(&cluster, "shop").namespaces.items[0].reason.as_deref(), Some("Unreadable"));
    assert_ne!(tenant(&cluster, "shop").conditions[0].status, "True");
}

#[test]
fn a_tenant_whose_namespaces_are_not_there_yet_is_not_ready() {
    let mut cluster = Cluster::new(Lang::En);
    cluster.tenant("shop", &json!({"level": "Standard", "namespaces": ["shop", "shop-data", "kube-system"], "createNamespaces": true}));
    let view = |cluster: &Cluster| {
        tenant_view(&cluster.index, &cluster.settings, &cluster.facts, &cluster.snct("shop"), cluster.now)
    };
    assert_eq!(view(&cluster).create, ["shop", "shop-data"]);
    assert_eq!(
        (
            view(&cluster).status.conditions[0].status.as_str(),
            view(&cluster).status.conditions[0].reason.as_str()
        ),
        ("False", "Pending")
    );
    cluster.facts.gate_proven = false;
    assert_eq!(view(&cluster).create, Vec::<String>::new());
    assert_eq!(view(&cluster).status.conditions[0].status, "False");
    cluster.facts.gate_proven = true;
    // A rival for a name that does not exist yet: nobody gets it.
    cluster.tenant("rival", &json!({"level": "Standard", "namespaces": ["shop"], "createNamespaces": true}));
    assert_eq!(view(&cluster).create, ["shop-data"]);
}

#[test]
fn a_status_is_the_same_until_something_changes() {
    let mut cluster = settled(Lang::Fr);
    let first = status(&cluster);
    let mut policy = cluster.sncp("shop", "p");
    policy.status = Some(first.clone());
    cluster.tick(3600);
    let later = policy_status(&policy, &cluster.plan("shop"), &[], None, Lang::Fr, cluster.now);
    assert_eq!(later, first, "nothing to write");
    // The time of transition moves with the status alone, not with the reason.
    let transition = |status: &SncPolicyStatus, kind: &str| -> Timestamp {
        status.conditions.iter().find(|c| c.type_ == kind).unwrap().last_transition_time.0
    };
    cluster.foreign_network_policy("shop", "x");
    let foreign = policy_status(&policy, &cluster.plan("shop"), &[], None, Lang::Fr, cluster.now);
    assert_eq!(transition(&foreign, "NetworkPolicyEffective"), cluster.now);
    assert_eq!(transition(&foreign, "NetworkIsolated"), cluster.now, "unknown before, disproved now");
    assert_eq!(transition(&foreign, "Ready"), transition(&first, "Ready"));

    let mut owner = cluster.snct("shop");
    let view = |owner: &snc_api::v1alpha1::SncTenant, cluster: &Cluster| {
        tenant_view(&cluster.index, &cluster.settings, &cluster.facts, owner, cluster.now).status
    };
    owner.status = Some(view(&owner, &cluster));
    let mut baseline = cluster.sncb("floor");
    baseline.status = Some(baseline_status(&cluster.index, &cluster.settings, &baseline, cluster.now));
    cluster.tick(3600);
    assert_eq!(owner.status.as_ref(), Some(&view(&owner, &cluster)));
    assert_eq!(
        baseline.status.as_ref(),
        Some(&baseline_status(&cluster.index, &cluster.settings, &baseline, cluster.now))
    );
}

#[test]
fn missing_policies_are_named() {
    let mut cluster = settled(Lang::En);
    cluster.foreign_delete("shop", &deny());
    let status = status(&cluster);
    assert_eq!(condition(&status, "NetworkPolicyEffective").0, "False");
    assert!(condition(&status, "NetworkPolicyEffective").2.contains("snc-default-deny"));
    assert_eq!(condition(&status, "NetworkIsolated").0, "False");
    assert_eq!(condition(&status, "Ready").1, "Pending");
    // The tenant's list does not call it isolated meanwhile.
    assert_eq!(tenant(&cluster, "shop").namespaces.isolated, 0);
}

#[test]
fn thirty_unsafe_flows_are_twenty_findings_and_a_total() {
    let mut cluster = settled(Lang::En);
    let flows: Vec<_> = (0..30).map(|i| flow(&format!("f{i}"), &json!({"ports": [{"port": 80}]}))).collect();
    cluster.policy("shop", "p", &json!({"network": {"flows": flows}}));
    cluster.settle("shop");
    let findings = status(&cluster).findings.unwrap();
    assert_eq!((findings.total, findings.truncated, findings.items.len()), (30, true, 20));
    assert_eq!(findings.items[0], "UnsafeProtocol: flow f0 (TCP/80) without compensatingMeasure");
    let flows: Vec<_> = (0..30)
        .map(|i| {
            flow(
                &format!("f{i}"),
                &json!({"ports": [{"port": 80}], "compensatingMeasure": "TLS in a tunnel"}),
            )
        })
        .collect();
    cluster.policy("shop", "p", &json!({"network": {"flows": flows}}));
    cluster.settle("shop");
    assert_eq!(status(&cluster).findings.unwrap().total, 0);
    let managed = status(&cluster).managed.unwrap();
    assert_eq!((managed.items.len(), managed.truncated), (20, true));
    assert!(managed.total > 30);
}

#[test]
fn reviews_are_overdue_after_twelve_months() {
    let overdue = |reviewed: &str, now: &str| {
        let mut cluster = settled(Lang::En);
        cluster.policy(
            "shop",
            "p",
            &json!({"network": {"flows": [flow("api", &json!({"reviewedOn": reviewed}))]}}),
        );
        cluster.settle("shop");
        cluster.now = at(now);
        status(&cluster).findings.unwrap().items
    };
    let none = Vec::<String>::new();
    assert_eq!(overdue("2025-11-22", "2026-11-22T23:59:59Z"), none);
    assert_eq!(
        overdue("2025-11-22", "2026-11-23T00:00:00Z"),
        ["ReviewOverdue: flow api last reviewed on 2025-11-22, more than 12 months ago"]
    );
    assert_eq!(overdue("2024-02-29", "2025-02-28T12:00:00Z"), none);
    assert_eq!(overdue("2024-02-29", "2025-03-01T12:00:00Z").len(), 1);
    // Passes the schema's pattern, and is no date.
    assert_eq!(
        overdue("2026-02-30", "2026-11-22T12:00:00Z"),
        ["ReviewOverdue: flow api, reviewedOn \"2026-02-30\" is not a date"]
    );
}

/// Whatever a tenant writes, the status stays a small object that the API server takes.
#[test]
fn everything_is_bounded() {
    let mut cluster = settled(Lang::Fr);
    let long = "k".repeat(20_000);
    let flows: Vec<_> = (0..60)
        .map(|i| {
            flow(
                &format!("f{i}"),
                &json!({
                    "podSelector": {"matchLabels": {long.clone(): "x"}},
                    "peers": [{"cidr": {"block": long.clone()}}, {"sharedService": {"name": long.clone()}}],
                }),
            )
        })
        .collect();
    cluster.policy("shop", "p", &json!({"network": {"flows": flows}, "quota": {long.clone(): 1}}));
    for i in 0..600 {
        cluster.policy(
            "shop",
            &format!("{}-{i}", "q".repeat(200)),
            &json!({"quota": {"pods": 3}, "level": "Avance"}),
        );
    }
    let size = |value: &Value| value.to_string().len();
    let policy = plain(&status(&cluster));
    assert!(size(&policy) < 64 * 1024, "{} bytes", size(&policy));
    for text in policy["findings"]["items"].as_array().unwrap() {
        assert!(text.as_str().unwrap().chars().count() <= 1024);
    }

    for i in 0..60 {
        cluster.tenant(
            &format!("{}-{i}", "t".repeat(58)),
            &json!({"level": "Standard", "namespaces": ["contested"]}),
        );
    }
    cluster.namespace("contested");
    cluster.policy("contested", "p", &json!({}));
    let name = format!("{}-0", "t".repeat(58));
    let row = &tenant(&cluster, &name).namespaces.items[0];
    assert!(row.message.as_ref().unwrap().chars().count() <= 1024, "the schema's limit");
    let plan = cluster.plan("contested");
    let status = policy_status(&cluster.sncp("contested", "p"), &plan, &[], None, Lang::Fr, cluster.now);
    assert!(status.conditions.iter().all(|c| c.message.chars().count() <= 4096));
}

#[test]
fn very_many_namespaces_are_listed_in_part_and_counted_in_full() {
    let mut cluster = Cluster::new(Lang::En);
    cluster.tenant("shop", &json!({"level": "Standard", "namespacePrefixes": ["shop-"]}));
    for i in 0..300 {
        cluster.namespace(&format!("shop-{i:03}"));
    }
    let status = tenant(&cluster, "shop");
    assert_eq!(
        (status.namespaces.total, status.namespaces.items.len(), status.namespaces.truncated),
        (300, 256, true)
    );
    assert_eq!(
        status.conditions[0].message,
        "on the way: shop-000 | shop-001 | shop-002 | shop-003 | shop-004 | … (300)"
    );
}

#[test]
fn the_mode_in_force_is_what_is_in_force() {
    let mut cluster = settled(Lang::En);
    cluster.baseline("floor", &json!({"modes": {"isolation": "Audit"}}));
    cluster.settle("shop");
    assert_eq!(
        status(&cluster).isolation,
        Some(snc_core::tier::Mode::Enforce),
        "once isolated stays isolated"
    );
}

fn log(change: &Value) -> Value {
    let mut log = json!({
        "metadata": {"name": "cluster"},
        "spec": {"retention": {"days": 200, "maximumDays": 400}},
        "status": {
            "sources": [{"server": "a", "kind": "File", "state": "Receiving"}],
            "gaps": {"open": 0}, "store": {"kind": "Volume"},
            "probe": {"at": "2026-11-22T10:00:00Z", "arrived": true, "delayMilliseconds": 3},
            "policy": {"complete": true}, "retention": {"days": 200},
        },
    });
    for (pointer, value) in change.as_object().unwrap() {
        *log.pointer_mut(pointer).unwrap() = value.clone();
    }
    log
}

fn logged(cluster: &mut Cluster, change: &Value) -> SncPolicyStatus {
    cluster.facts.audit = snc_plan::audit::judge(&read(log(change)), cluster.now);
    status(cluster)
}

fn retention(status: &SncPolicyStatus) -> (&str, &[String]) {
    let row = status.effective.iter().find(|row| row.field == "audit.retentionDays").unwrap();
    (&row.value, &row.from)
}

#[test]
fn the_log_of_the_cluster_is_told_in_every_policy() {
    let mut cluster = settled(Lang::En);
    let of = |status: &SncPolicyStatus| {
        let (status, reason, _) = condition(status, "AuditLogged");
        (status.to_owned(), reason.to_owned())
    };
    let whole = logged(&mut cluster, &json!({}));
    assert_eq!(of(&whole), ("True".into(), reason::AUDIT_COMPLETE.into()));
    assert_eq!(retention(&whole), ("200", &["SncAuditLog/cluster".to_owned()][..]));
    let gap = logged(&mut cluster, &json!({"/status/gaps": {"open": 2}}));
    assert_eq!(of(&gap), ("False".into(), reason::AUDIT_GAP_OPEN.into()));
    let silent = logged(&mut cluster, &json!({"/status/probe/at": "2026-11-22T09:00:00Z"}));
    assert_eq!(of(&silent), ("Unknown".into(), reason::AUDIT_LOG_STALE.into()));
    let unsaid = logged(&mut cluster, &json!({"/status/policy": null}));
    assert_eq!(of(&unsaid), ("Unknown".into(), reason::AUDIT_NOT_PROVEN.into()));
    cluster.facts.audit = snc_plan::audit::Known::unread(Text::new("non", "no"));
    assert_eq!(of(&status(&cluster)), ("Unknown".into(), reason::AUDIT_LOG_UNREADABLE.into()));
}

#[test]
fn what_a_tenant_asks_of_the_log_is_kept_or_told() {
    let mut cluster = settled(Lang::En);
    cluster.policy("shop", "p", &json!({"audit": {"retentionDays": 365}}));
    cluster.settle("shop");
    assert_eq!(retention(&status(&cluster)), ("365", &["SncPolicy/p".to_owned()][..]));
    let short = logged(&mut cluster, &json!({}));
    let (state, why, message) = condition(&short, "AuditLogged");
    assert_eq!((state, why), ("False", reason::AUDIT_RETENTION_SHORT));
    assert!(message.contains("200 days, 365 are asked for by SncPolicy/p"), "{message}");
    let kept = json!({"/status/retention": {"days": 200, "tenants": [{"name": "shop", "days": 365}]}});
    assert_eq!(condition(&logged(&mut cluster, &kept), "AuditLogged").0, "True");
    let of_another = json!({"/status/retention": {"days": 200, "tenants": [{"name": "bank", "days": 365}]}});
    assert_eq!(condition(&logged(&mut cluster, &of_another), "AuditLogged").0, "False");
}

#[test]
fn more_than_the_platform_keeps_is_refused_and_capped() {
    let mut cluster = settled(Lang::En);
    cluster.policy("shop", "p", &json!({"audit": {"retentionDays": 700}}));
    cluster.settle("shop");
    let capped = logged(&mut cluster, &json!({"/status/retention": {"days": 400}}));
    assert_eq!(retention(&capped), ("400", &["SncAuditLog/cluster".to_owned()][..]));
    assert_eq!(condition(&capped, "AuditLogged").0, "True");
    let (ready, why, message) = condition(&capped, "Ready");
    assert_eq!((ready, why), ("False", reason::FIELDS_REFUSED));
    assert!(message.contains("spec.audit.retentionDays") && message.contains("at most 400"), "{message}");
}
