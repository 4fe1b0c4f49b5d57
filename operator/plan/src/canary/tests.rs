use super::*;
use crate::guards::{Identity, guards};
use crate::settings::Settings;
use snc_core::lang::Lang;
use std::collections::BTreeSet;

fn settings() -> Settings {
    let identity =
        Identity { namespace: "snc-system".to_owned(), service_account: "snc-controller".to_owned() };
    Settings { lang: Lang::Fr, identity, canary_namespace: "snc-canary".to_owned() }
}

#[test]
fn each_has_its_own_id_and_names_policies_that_there_are() {
    let settings = settings();
    let all = attempts(&settings);
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
}

#[test]
fn only_the_right_refusal_counts() {
    let all = attempts(&settings());
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
    for (attempt, answer) in [
        (bad, Some(Err("configmaps \"snc-canary\" is forbidden: User cannot delete resource"))),
        (bad, Some(Err("ValidatingAdmissionPolicy 'another' denied request"))),
        (bad, None),
        (good, Some(Err(refusal))),
        (good, None),
    ] {
        let mut tried = Tried::default();
        tried.note(attempt, answer);
        assert_eq!(tried, Tried { unproven: vec![attempt.id.clone()], ..Tried::default() });
    }
}
