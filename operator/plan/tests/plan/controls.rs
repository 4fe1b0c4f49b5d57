//! What the controls say of a namespace, in the status of its policy.

use crate::support::{Cluster, unreadable};
use serde_json::json;
use snc_api::v1alpha1::SncPolicyStatus;
use snc_catalogue::{Assessed, Catalogue, Counts, Finding, Findings, Numbers, Tally, Waived};
use snc_core::lang::Lang;
use snc_core::tier::Level;
use snc_core::verdict::{Outcome, Subject, Verdict};
use snc_plan::status::{policy_status, tenant_view};
use std::collections::BTreeMap;
use std::sync::Arc;

fn cluster() -> Cluster {
    let mut cluster = Cluster::default();
    cluster.tenant("shop", &json!({"level": "Standard", "namespaces": ["shop", "watched"]}));
    cluster.baseline("all", &json!({"modes": {"isolation": "Enforce"}}));
    cluster.namespace("shop");
    cluster.policy("shop", "p", &json!({}));
    cluster.settle("shop");
    cluster
}

/// Verdicts by control; everything else does not apply.
fn assessed(namespace: &str, level: Level, said: &[(&str, Verdict)]) -> Assessed {
    let catalogue = Arc::new(Catalogue::on_demand().unwrap());
    let said: BTreeMap<&str, Verdict> = said.iter().copied().collect();
    let worst: Vec<Verdict> = catalogue
        .controls()
        .map(|control| said.get(control.id.as_str()).copied().unwrap_or(Verdict::NotApplicable))
        .collect();
    assert_eq!(worst.iter().filter(|verdict| **verdict != Verdict::NotApplicable).count(), said.len());
    let found = |wanted: Verdict| {
        worst.iter().enumerate().filter(move |(_, v)| **v == wanted).map(move |(control, _)| Finding {
            control,
            subject: Subject::new("v1", "Pod", namespace, "web-0"),
            outcome: Arc::new(match wanted {
                Verdict::Fail => Outcome::fail("mauvais", "bad"),
                _ => Outcome::unknown("illisible", "unreadable"),
            }),
        })
    };
    let findings: Vec<Finding> = found(Verdict::Fail).chain(found(Verdict::Unknown)).collect();
    let tally = Arc::new(Tally {
        level,
        numbers: Numbers::of(worst.iter().copied()),
        counts: vec![Counts::default(); worst.len()],
        worst: worst.clone(),
    });
    let count = |wanted| u32::try_from(worst.iter().filter(|v| **v == wanted).count()).unwrap();
    let findings =
        Findings { worst: findings.into(), fail: count(Verdict::Fail), unknown: count(Verdict::Unknown) };
    Assessed {
        images: std::sync::Arc::default(),
        catalogue,
        cluster: (*tally).clone(),
        tenants: [("shop".to_owned(), tally.clone())].into(),
        namespaces: [(namespace.to_owned(), tally)].into(),
        findings: [(namespace.to_owned(), Arc::new(findings))].into(),
        waived: Waived::default(),
    }
}

fn status(cluster: &Cluster, namespace: &str, assessed: Option<&Assessed>, lang: Lang) -> SncPolicyStatus {
    let plan = cluster.plan(namespace);
    policy_status(&cluster.sncp(namespace, "p"), &plan, &[], assessed, lang, cluster.now)
}

fn satisfied(status: &SncPolicyStatus) -> (&str, &str, &str) {
    let found = status.conditions.iter().find(|c| c.type_ == "ControlsSatisfied").unwrap();
    (&found.status, &found.reason, &found.message)
}

#[test]
fn only_passes_and_at_least_one_of_them_satisfy() {
    use Verdict::{Exempt, Fail, Pass, Unknown};
    let cluster = cluster();
    let (a, b) = ("pod-privileged", "pod-host-network");
    for (said, expected) in [
        (&[(a, Pass)][..], ("True", "ControlsPass")),
        (&[(a, Pass), (b, Pass)], ("True", "ControlsPass")),
        (&[(a, Pass), (b, Unknown)], ("Unknown", "ControlsUnknown")),
        (&[(a, Pass), (b, Exempt)], ("Unknown", "ControlsUnknown")),
        (&[(a, Fail), (b, Unknown)], ("False", "ControlsFail")),
        (&[(a, Fail), (b, Pass)], ("False", "ControlsFail")),
        (&[], ("Unknown", "NothingApplies")),
    ] {
        let found = status(&cluster, "shop", Some(&assessed("shop", Level::Standard, said)), Lang::Fr);
        let (condition, reason, _) = satisfied(&found);
        assert_eq!((condition, reason), expected, "{said:?}");
        let numbers = found.controls.unwrap();
        let count = |wanted: &[Verdict]| {
            i64::try_from(said.iter().filter(|(_, v)| wanted.contains(v)).count()).unwrap()
        };
        assert_eq!(
            (numbers.proven, numbers.disproved, numbers.unknown),
            (count(&[Pass]), count(&[Fail]), count(&[Unknown, Exempt]))
        );
        assert_eq!(numbers.score.is_none(), said.is_empty());
    }
}

#[test]
fn what_was_not_asked_is_unknown() {
    let cluster = cluster();
    let found = status(&cluster, "shop", None, Lang::En);
    assert_eq!(satisfied(&found), ("Unknown", "NotAssessed", "the controls have not been evaluated yet"));
    assert_eq!((found.controls, found.control_findings), (None, None));
    // Of another level: fewer controls were asked.
    let pass = [("pod-privileged", Verdict::Pass)];
    let found = status(&cluster, "shop", Some(&assessed("shop", Level::Essentiel, &pass)), Lang::En);
    assert_eq!(satisfied(&found).1, "NotAssessed");
    assert_eq!(found.controls, None);
    let elsewhere = assessed("other", Level::Standard, &pass);
    assert_eq!(satisfied(&status(&cluster, "shop", Some(&elsewhere), Lang::En)).1, "NothingApplies");
}

#[test]
fn a_start_says_what_was_said_until_something_is_known() {
    let cluster = cluster();
    let plan = cluster.plan("shop");
    let mut policy = cluster.sncp("shop", "p");
    let say = |policy: &_, assessed| policy_status(policy, &plan, &[], assessed, Lang::En, cluster.now);
    let pass = assessed("shop", Level::Standard, &[("pod-privileged", Verdict::Pass)]);
    policy.status = Some(say(&policy, Some(&pass)));
    let again = say(&policy, None);
    assert_eq!(Some(&again), policy.status.as_ref());
    assert_eq!(satisfied(&again).0, "True");
    // Of another level it says nothing any more.
    if let Some(status) = &mut policy.status {
        status.level = Some(Level::Essentiel);
    }
    let other = say(&policy, None);
    assert_eq!((satisfied(&other).1, other.controls.is_none()), ("NotAssessed", true));
}

/// It may ask for stricter parameters.
#[test]
fn what_was_never_read_is_never_satisfied() {
    let mut cluster = cluster();
    cluster.set_baseline("strange", Some(unreadable("strange")));
    let pass = assessed("shop", Level::Standard, &[("pod-privileged", Verdict::Pass)]);
    let found = status(&cluster, "shop", Some(&pass), Lang::Fr);
    let (condition, reason, message) = satisfied(&found);
    assert_eq!((condition, reason), ("Unknown", "Unreadable"));
    assert!(message.contains("SncBaseline/strange"), "{message}");
}

#[test]
fn findings_are_the_worst_in_the_language_and_counted() {
    let cluster = cluster();
    let all: Vec<(String, Verdict)> = Catalogue::on_demand()
        .unwrap()
        .controls()
        .take(60)
        .enumerate()
        .map(|(i, one)| (one.id.clone(), if i < 5 { Verdict::Fail } else { Verdict::Unknown }))
        .collect();
    let all: Vec<(&str, Verdict)> = all.iter().map(|(id, verdict)| (id.as_str(), *verdict)).collect();
    let assessed = assessed("shop", Level::Standard, &all);
    for (lang, bad, unreadable) in [(Lang::Fr, "mauvais", "illisible"), (Lang::En, "bad", "unreadable")] {
        let found = status(&cluster, "shop", Some(&assessed), lang).control_findings.unwrap();
        assert_eq!((found.total, found.truncated, found.items.len()), (60, true, 20));
        assert_eq!(found.items[0].message, bad);
        assert_eq!(found.items[0].object, "Pod/web-0");
        assert_eq!(
            (found.items[19].verdict.as_str(), found.items[19].message.as_str()),
            ("Unknown", unreadable)
        );
    }
    let (.., message) = {
        let found = status(&cluster, "shop", Some(&assessed), Lang::En);
        let (a, b, c) = satisfied(&found);
        (a.to_owned(), b.to_owned(), c.to_owned())
    };
    assert!(message.contains("5 fail") && message.contains("55 cannot conclude"), "{message}");
}

#[test]
fn an_observed_namespace_is_assessed_and_a_strangers_is_not_governed() {
    let mut cluster = cluster();
    for name in ["watched", "nobodys"] {
        cluster.namespace(name);
        cluster.policy(name, "p", &json!({}));
    }
    cluster.pod("watched", "web-0", false);
    let fail = [("pod-privileged", Verdict::Fail)];
    let found = status(&cluster, "watched", Some(&assessed("watched", Level::Standard, &fail)), Lang::Fr);
    assert_eq!((satisfied(&found).0, satisfied(&found).1), ("False", "ControlsFail"));
    assert_eq!(found.controls.unwrap().disproved, 1);
    assert_eq!(found.control_findings.unwrap().total, 1);
    let judged = ["ControlsSatisfied", "ImagesVerified"];
    let mut applied = found.conditions.iter().filter(|c| !judged.contains(&c.type_.as_str()));
    assert!(applied.all(|c| c.reason == "Observed"));
    let found = status(&cluster, "nobodys", Some(&assessed("nobodys", Level::Standard, &fail)), Lang::Fr);
    assert_eq!((satisfied(&found).0, satisfied(&found).1), ("False", "NotGoverned"));
    assert_eq!((found.controls, found.control_findings), (None, None));
}

#[test]
fn a_tenant_shows_its_numbers_once_they_are_known() {
    let cluster = cluster();
    let view =
        || tenant_view(&cluster.index, &cluster.settings, &cluster.facts, &cluster.snct("shop"), cluster.now);
    let mut tenant = cluster.snct("shop");
    assert_eq!(view().with_controls(None, &tenant).status.controls, None);
    let assessed = assessed(
        "shop",
        Level::Standard,
        &[("pod-privileged", Verdict::Pass), ("pod-host-network", Verdict::Fail)],
    );
    let shown = view().with_controls(Some(&assessed), &tenant).status;
    let numbers = shown.controls.unwrap();
    assert_eq!((numbers.proven, numbers.disproved, numbers.unknown, numbers.score), (1, 1, 0, Some(50)));
    // After a start, until something is known.
    tenant.status = Some(shown.clone());
    assert_eq!(view().with_controls(None, &tenant).status.controls, shown.controls);
}

#[test]
fn many_values_in_force_end_with_their_number() {
    let mut cluster = cluster();
    let ids: Vec<(String, String)> = snc_catalogue::controls()
        .iter()
        .flat_map(|control| control.parameters.iter().map(|one| (control.id.clone(), one.name.clone())))
        .collect();
    let limits = |letter: char| -> serde_json::Map<String, serde_json::Value> {
        (0..32).map(|i| (format!("count/{letter}{i}.example"), json!(i))).collect()
    };
    let parameters: Vec<_> = ids
        .iter()
        .filter_map(|(control, name)| {
            let found = snc_catalogue::controls().iter().find(|one| one.id == *control)?.parameter(name)?;
            Some(json!({"control": control, "name": name, "value": found.default, "rationale": "as it is"}))
        })
        .take(128)
        .collect();
    assert!(parameters.len() > 90, "{}", parameters.len());
    cluster.baseline("many", &json!({"parameters": parameters, "quota": limits('a')}));
    cluster.baseline("more", &json!({"quota": limits('b')}));
    let found = status(&cluster, "shop", None, Lang::Fr);
    let total = cluster.plan("shop").report.unwrap().effective.constraints.in_force().len();
    assert!(total > 128, "{total}");
    assert_eq!(found.effective.len(), 128);
    let last = &found.effective[127];
    assert_eq!((last.field.as_str(), last.value.as_str()), ("…", total.to_string().as_str()));
}
