use super::*;
use crate::verdict::Verdict;
use rstest::rstest;
use serde_json::json;

fn reserved() -> Reserved {
    let mut reserved = Reserved::default();
    for kind in [Kind::PriorityClass, Kind::RuntimeClass, Kind::StorageClass, Kind::Node] {
        for tenant in ["shop", "bank"] {
            reserved.apply(kind, format!("for-{tenant}"), Some(tenant.to_owned()));
        }
        reserved.apply(kind, "shared".to_owned(), None);
    }
    reserved
}

fn said(kind: &str, body: &Value) -> Outcome {
    judge(&asks(kind, body).unwrap(), &[], "shop", Some(&reserved()))
}

fn in_required_affinity(rule: &Value) -> Value {
    json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
        {"nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]},
            {"matchExpressions": [rule]}]}}}})
}

#[rstest]
#[case(json!({}), None)]
#[case(json!({"priorityClassName": "for-shop", "runtimeClassName": "for-shop", "nodeName": "for-shop"}), None)]
#[case(json!({"priorityClassName": "shared", "runtimeClassName": "nobody-knows"}), None)]
#[case(json!({"priorityClassName": "for-bank"}), Some("priorityClassName"))]
#[case(json!({"runtimeClassName": "for-bank"}), Some("runtimeClassName"))]
#[case(json!({"nodeName": "for-bank"}), Some("nodeName"))]
#[case(json!({"nodeSelector": {"secnumcloud.dev/tenant": "shop"}}), None)]
#[case(json!({"nodeSelector": {"zone": "a", "secnumcloud.dev/tenant": "bank"}}), Some("nodeSelector"))]
#[case(json!({"nodeSelector": {"kubernetes.io/hostname": "for-bank"}}), Some("nodeSelector"))]
#[case(json!({"tolerations": [{"key": "secnumcloud.dev/tenant", "value": "shop"}, {"key": "x", "operator": "Exists"}]}), None)]
#[case(json!({"tolerations": [{"key": "secnumcloud.dev/tenant", "value": "bank", "effect": "NoSchedule"}]}), Some("tolerations"))]
#[case(json!({"tolerations": [{"key": "secnumcloud.dev/tenant", "operator": "Exists"}]}), Some("tolerations"))]
#[case(json!({"tolerations": [{"operator": "Exists"}]}), Some("tolerations"))]
#[case(json!({"tolerations": [{"operator": "Exists", "effect": "NoExecute"}]}), Some("tolerations"))]
#[case(json!({"tolerations": [{"operator": "Exists", "effect": "PreferNoSchedule"}]}), None)]
#[case(in_required_affinity(&json!({"key": "secnumcloud.dev/tenant", "operator": "In", "values": ["shop"]})), None)]
#[case(in_required_affinity(&json!({"key": "secnumcloud.dev/tenant", "operator": "NotIn", "values": ["bank"]})), None)]
#[case(in_required_affinity(&json!({"key": "secnumcloud.dev/tenant", "operator": "In", "values": ["shop", "bank"]})), Some("affinity.nodeAffinity"))]
#[case(in_required_affinity(&json!({"key": "secnumcloud.dev/tenant", "operator": "Exists"})), Some("affinity.nodeAffinity"))]
#[case(json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms":
    [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["for-bank"]}]}]}}}}), Some("affinity.nodeAffinity"))]
#[case(json!({"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference":
    {"matchExpressions": [{"key": "secnumcloud.dev/tenant", "operator": "In", "values": ["bank"]}]}}]}}}), Some("affinity.nodeAffinity"))]
#[case(json!({"volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "ephemeral": {"volumeClaimTemplate": {"spec": {"storageClassName": "for-bank"}}}}]}), Some("volumes"))]
fn whatever_holds_a_pod_asks_as_the_pod_does(#[case] spec: Value, #[case] wrong: Option<&str>) {
    let template = json!({"spec": spec});
    for (kind, body, at) in [
        ("core/Pod", template.clone(), "spec"),
        ("core/PodTemplate", json!({"template": template}), "template.spec"),
        ("core/ReplicationController", json!({"spec": {"template": template}}), "spec.template.spec"),
        ("apps/DaemonSet", json!({"spec": {"template": template}}), "spec.template.spec"),
        (
            "batch/CronJob",
            json!({"spec": {"jobTemplate": {"spec": {"template": template}}}}),
            "spec.jobTemplate.spec.template.spec",
        ),
    ] {
        let outcome = said(kind, &body);
        let paths: Vec<String> = wrong.iter().map(|field| format!("{at}.{field}")).collect();
        assert_eq!(outcome.paths, paths, "{kind} {}", outcome.message.en);
        assert_eq!(outcome.verdict == Verdict::Fail, wrong.is_some(), "{kind}");
        let asked = asks(kind, &body).unwrap();
        assert_eq!(judge(&asked, &asked, "shop", Some(&reserved())).verdict, Verdict::Pass, "as before");
    }
}

#[rstest]
#[case(json!({"spec": {"storageClassName": "for-shop"}}), Verdict::Pass)]
#[case(json!({"spec": {}}), Verdict::Pass)]
#[case(json!({"spec": {"storageClassName": ""}}), Verdict::Pass)]
#[case(json!({"spec": {"storageClassName": "for-bank"}}), Verdict::Fail)]
// Older than the field, and stronger: what provisions looks at it first.
#[case(json!({"metadata": {"annotations": {"volume.beta.kubernetes.io/storage-class": "for-bank"}},
    "spec": {"storageClassName": "for-shop"}}), Verdict::Fail)]
fn a_claim_asks_for_its_class(#[case] claim: Value, #[case] verdict: Verdict) {
    assert_eq!(said("core/PersistentVolumeClaim", &claim).verdict, verdict, "{claim}");
    let set = json!({"spec": {"template": {"spec": {}}, "volumeClaimTemplates": [claim]}});
    assert_eq!(said("apps/StatefulSet", &set).verdict, verdict, "{claim}");
}

#[test]
fn nothing_is_unknown_that_asks_for_nothing_and_what_is_wrong_by_itself_is() {
    let judged =
        |spec: Value| judge(&asks("core/Pod", &json!({"spec": spec})).unwrap(), &[], "shop", None).verdict;
    assert_eq!(judged(json!({"nodeSelector": {"zone": "a"}})), Verdict::Pass);
    assert_eq!(judged(json!({"priorityClassName": "for-shop"})), Verdict::Unknown);
    let both = json!({"priorityClassName": "for-shop", "nodeSelector": {"secnumcloud.dev/tenant": "bank"}});
    assert_eq!(judged(both), Verdict::Fail);
}

#[test]
fn what_is_not_as_the_api_has_it_is_an_error() {
    assert!(asks("core/Pod", &json!({"spec": {"tolerations": "all"}})).is_err());
    assert!(asks("apps/Deployment", &json!({"spec": {"template": "none"}})).is_err());
}

#[test]
fn a_class_that_is_given_back_is_everybodys() {
    let mut reserved = reserved();
    reserved.apply(Kind::Node, "for-bank".to_owned(), None);
    assert_eq!(reserved.tenant(Kind::Node, "for-bank"), None);
    reserved.reset(Kind::StorageClass, vec![("for-bank".to_owned(), Some(String::new()))]);
    assert_eq!(reserved.tenant(Kind::StorageClass, "for-bank"), None);
    assert_eq!(reserved.tenant(Kind::StorageClass, "for-shop"), None);
    assert_eq!(reserved.tenant(Kind::RuntimeClass, "for-bank"), Some("bank"));
}
