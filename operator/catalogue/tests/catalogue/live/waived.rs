//! What is waived is exempt, which is no pass; and nothing else is.

use super::afresh::{CATALOGUE, now};
use super::objects::{Owner, deployment, pod, set};
use super::same::Both;
use serde_json::Value;
use snc_catalogue::Counts;
use snc_core::waiver::Waivers;
use std::sync::Arc;

const CONTROL: &str = "pod-privileged";
const WEB: Owner<'_> = Some(("apps/v1", "Deployment", "web"));
const WEB_1: Owner<'_> = Some(("apps/v1", "ReplicaSet", "web-1"));

fn waive(both: &mut Both, pairs: &[(&str, &str)]) {
    let mut waivers = Waivers::default();
    for (control, key) in pairs {
        waivers.grant(control, key, "sec-1");
    }
    both.waivers = Arc::new(waivers);
    both.live.waive(&both.waivers);
}

/// What the control says in the namespace, and which waivers something is exempt by.
fn said(objects: &[Value], waived: &[(&str, &str)]) -> (Counts, Vec<String>) {
    let mut both = Both::new();
    for object in objects {
        both.apply(object);
    }
    both.live.conclude(now());
    waive(&mut both, waived);
    assert_eq!(both.difference(), None);
    let found = both.live.conclude(now());
    assert_eq!(found.waived.by, both.waivers);
    let control = CATALOGUE.controls().position(|control| control.id == CONTROL).unwrap();
    let keys = found.waived.pairs.iter().map(|(_, key)| key.clone()).collect();
    (found.namespaces["shop"].counts[control], keys)
}

fn counts(pass: u32, fail: u32, exempt: u32) -> Counts {
    Counts { pass, fail, exempt, unknown: 0 }
}

#[test]
fn a_failure_is_exempt_and_a_pass_stays_one() {
    let (good, bad) = (deployment("shop", "api", false), deployment("shop", "web", true));
    let all = [(CONTROL, "apps/Deployment:shop/web"), (CONTROL, "apps/Deployment:shop/api")];
    let both = [good, bad];
    assert_eq!(said(&both, &[]), (counts(1, 1, 0), vec![]));
    assert_eq!(said(&both, &all), (counts(1, 0, 1), vec!["apps/Deployment:shop/web".to_owned()]));
    let near = [
        ("pod-host-network", "apps/Deployment:shop/web"),
        (CONTROL, "apps/Deployment:acme-1/web"),
        (CONTROL, "apps/StatefulSet:shop/web"),
        (CONTROL, "apps/Deployment:shop/we"),
    ];
    let found = said(&both, &near);
    assert_eq!(found.0, counts(1, 1, 0), "of another control, namespace, kind and name");
}

#[test]
fn what_a_deployment_made_is_exempt_with_it() {
    let fine = deployment("shop", "web", false);
    let root = "apps/Deployment:shop/web";
    // Its own template is good, and that of a set that still runs is not.
    let sets = [fine.clone(), set("shop", "web-1", true, 2, WEB)];
    assert_eq!(said(&sets, &[]).0, counts(1, 1, 0));
    assert_eq!(said(&sets, &[(CONTROL, root)]), (counts(1, 0, 1), vec![root.to_owned()]));
    let own = "apps/ReplicaSet:shop/web-1";
    assert_eq!(said(&sets, &[(CONTROL, own)]), (counts(1, 0, 1), vec![own.to_owned()]));
    // Something changed the pods on their way.
    let pods = [fine, set("shop", "web-1", false, 2, WEB), pod("shop", "web-1-x", true, WEB_1)];
    assert_eq!(said(&pods, &[]).0, counts(0, 1, 0));
    assert_eq!(said(&pods, &[(CONTROL, root)]), (counts(0, 0, 1), vec![root.to_owned()]));
}

/// Several pods are told as one, by the name of the first.
#[test]
fn a_waiver_of_one_pod_is_none_of_those_beside_it() {
    let of: Owner<'_> = Some(("argoproj.io/v1alpha1", "Workflow", "w"));
    let pods = [pod("shop", "step-1", true, of), pod("shop", "step-2", true, of)];
    assert_eq!(said(&pods, &[(CONTROL, "core/Pod:shop/step-1")]).0, counts(0, 1, 0));
    let root = "argoproj.io/Workflow:shop/w";
    assert_eq!(said(&pods, &[(CONTROL, root)]), (counts(0, 0, 1), vec![root.to_owned()]));
    let bare = [pod("shop", "a", true, None), pod("shop", "b", true, None)];
    assert_eq!(said(&bare, &[(CONTROL, "core/Pod:shop/a")]).0, counts(0, 1, 1));
}

#[test]
fn a_waiver_that_ends_is_none() {
    let mut both = Both::new();
    both.apply(&deployment("shop", "web", true));
    let score = |both: &mut Both| both.live.conclude(now()).namespaces["shop"].numbers;
    let before = score(&mut both);
    waive(&mut both, &[(CONTROL, "apps/Deployment:shop/web")]);
    let during = score(&mut both);
    assert_eq!(during.disproved + 1, before.disproved);
    assert_eq!((during.proven, during.unknown), (before.proven, before.unknown + 1), "exempt is no pass");
    waive(&mut both, &[]);
    assert_eq!(score(&mut both), before);
}

/// A person reads by which exception, and what is wrong all the same.
#[test]
fn the_reason_names_the_exception() {
    let mut both = Both::new();
    both.apply(&deployment("shop", "web", true));
    waive(&mut both, &[(CONTROL, "apps/Deployment:shop/web")]);
    let afresh = super::afresh::Afresh::of(&both.tenancy, &both.objects, &both.availability, &both.waivers);
    let control = CATALOGUE.controls().position(|control| control.id == CONTROL).unwrap();
    let (_, outcome) = afresh.evaluation.findings.iter().find(|((at, _), _)| *at == control).unwrap();
    assert!(outcome.message.en.starts_with("waived by SncException sec-1: "), "{}", outcome.message.en);
    assert!(outcome.message.fr.starts_with("exempté par SncException sec-1 : "), "{}", outcome.message.fr);
    assert!(!outcome.paths.is_empty());
}
