use super::*;
use crate::guards::{Identity, guards};
use crate::settings::Settings;
use snc_core::lang::Lang;
use std::collections::BTreeSet;

fn settings() -> Settings {
    let identity = Identity::new("snc-system", "snc-controller");
    Settings { lang: Lang::Fr, identity, canary_namespace: "snc-canary".to_owned() }
}

#[test]
fn each_has_its_own_id_and_names_policies_that_there_are() {
    let settings = settings();
    let all = attempts(&settings, true);
    let ids: BTreeSet<&str> = all.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids.len(), all.len());
    let policies: BTreeSet<String> = guards(&settings.identity, settings.lang)
        .iter()
        .filter_map(|guard| guard.policy.metadata.name.clone())
        .collect();
    for attempt in &all {
        if let Expected::RefusedBy(by) = &attempt.expected {
            assert!(by.iter().any(|name| policies.contains(name)), "{}: {by:?}, {policies:?}", attempt.id);
        }
        assert!(attempt.path.contains("/snc-canary"), "{}", attempt.path);
    }
    assert!(all.iter().filter(|one| one.expected == Expected::Accepted).count() > 10);
    let by_policies = all.iter().filter(|one| matches!(one.expected, Expected::RefusedBy(_))).count();
    assert_eq!(by_policies, 75, "docs/admission.md tells how many");
}

/// What is not a dry run comes to nothing by itself, and what it then says is known.
#[test]
fn nothing_is_tried_that_would_come_to_something() {
    let all = attempts(&settings(), false);
    assert!(all.iter().filter(|one| one.verb == Verb::Connect).all(|one| one.beyond.is_some()));
    assert!(all.iter().all(|one| !matches!(one.expected, Expected::RefusedByWebhook(_))), "it is off");
}

/// Deletion of all pods is refused for the canary's, and passes where there is none.
#[test]
fn what_is_tried_on_the_pod_is_known() {
    let all = attempts(&settings(), true);
    let needs = |id: &str| all.iter().find(|one| one.id == id).unwrap().needs_the_pod();
    assert!(["pod-delete-all", "pod-exec"].into_iter().all(needs));
    assert!(!["pod-harmless", "webhook-pod", "pod-node-name", "managed-delete"].into_iter().any(needs));
}

#[test]
fn only_the_right_refusal_counts() {
    let all = attempts(&settings(), true);
    let bad = all.iter().find(|one| one.id == "managed-delete").unwrap();
    let good = all.iter().find(|one| one.id == "pod-harmless").unwrap();
    let refusal =
        "x is forbidden: ValidatingAdmissionPolicy 'managed-object-guard.secnumcloud.dev' with binding";
    let mut tried = Tried::default();
    tried.note(bad, Some(Err(refusal)));
    tried.note(good, Some(Ok(())));
    assert_eq!(tried, Tried { refused: 1, ..Tried::default() });
    tried.note(bad, Some(Ok(())));
    assert_eq!(tried.allowed, ["managed-delete"]);
    let find = |id: &str| all.iter().find(|one| one.id == id).unwrap();
    let (vain, asked) = (find("pod-exec"), find("webhook-pod"));
    let denied =
        "admission webhook \"a.pods.snc-webhook.secnumcloud.dev\" denied the request: container-memory-limit";
    tried.note(asked, Some(Err(denied)));
    assert_eq!(tried.refused, 2);
    tried.note(vain, Some(Err("pod snc-canary does not have a host assigned")));
    assert_eq!(tried.allowed, ["managed-delete", "pod-exec"], "it came to nothing, but not by admission");
    for (attempt, answer) in [
        (bad, Some(Err("configmaps \"snc-canary\" is forbidden: User cannot delete resource"))),
        (bad, Some(Err("ValidatingAdmissionPolicy 'another' denied request"))),
        (bad, None),
        (good, Some(Err(refusal))),
        (good, None),
        (vain, Some(Err("pods \"snc-canary\" not found"))),
        (asked, Some(Err(refusal))),
        (
            asked,
            Some(Err(
                "failed calling webhook \"a.pods.snc-webhook.secnumcloud.dev\": refused: container-memory-limit",
            )),
        ),
        (
            asked,
            Some(Err(
                "admission webhook \"a.pods.snc-webhook.secnumcloud.dev\" denied the request: not judged",
            )),
        ),
        (asked, Some(Err("admission webhook \"other\" denied the request: container-memory-limit"))),
    ] {
        let mut tried = Tried::default();
        tried.note(attempt, answer);
        assert_eq!(tried, Tried { unproven: vec![attempt.id.clone()], ..Tried::default() });
    }
}
