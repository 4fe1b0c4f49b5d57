//! What was made by something else, whoever says so.

use super::afresh::{CATALOGUE, now};
use super::objects::{Owner, cron, deployment, job, pod, set};
use super::same::Both;
use serde_json::Value;
use snc_core::verdict::Verdict;
use std::collections::BTreeSet;

/// Who is told to run a privileged container; live and afresh say the same.
fn told(objects: &[Value]) -> BTreeSet<String> {
    let mut both = Both::new();
    for object in objects {
        both.apply(object);
    }
    assert_eq!(both.difference(), None);
    let control = CATALOGUE.controls().position(|control| control.id == "pod-privileged").unwrap();
    let found = both.live.conclude(now());
    let all = found.findings.values().flat_map(|found| found.worst.iter());
    all.filter(|one| one.control == control && one.outcome.verdict == Verdict::Fail)
        .map(|one| one.subject.to_string())
        .collect()
}

fn names(of: &[&str]) -> BTreeSet<String> {
    of.iter().map(|name| (*name).to_owned()).collect()
}

const WEB: Owner<'_> = Some(("apps/v1", "Deployment", "web"));
const NIGHT: Owner<'_> = Some(("batch/v1", "CronJob", "night"));

#[test]
fn a_set_that_runs_what_its_owner_does_not_is_told_of_itself() {
    let fine = deployment("shop", "web", false);
    assert_eq!(told(&[fine.clone(), set("shop", "web-1", true, 2, WEB)]), names(&["ReplicaSet/shop/web-1"]));
    assert_eq!(told(&[fine.clone(), set("shop", "web-1", true, 0, WEB)]), names(&[]));
    assert_eq!(told(&[fine, set("shop", "web-1", false, 2, WEB)]), names(&[]));
}

#[test]
fn a_set_that_runs_what_its_owner_does_is_told_of_the_owner() {
    let bad = deployment("shop", "web", true);
    assert_eq!(told(&[bad.clone(), set("shop", "web-1", true, 2, WEB)]), names(&["Deployment/shop/web"]));
    let pod = pod("shop", "web-1-x", true, Some(("apps/v1", "ReplicaSet", "web-1")));
    assert_eq!(told(&[bad, set("shop", "web-1", true, 2, WEB), pod]), names(&["Deployment/shop/web"]));
}

#[test]
fn a_set_whose_owner_is_not_there_or_is_itself_is_told_of_itself() {
    assert_eq!(told(&[set("shop", "web-1", true, 0, WEB)]), names(&["ReplicaSet/shop/web-1"]));
    let own = Some(("apps/v1", "ReplicaSet", "self"));
    assert_eq!(told(&[set("shop", "self", true, 0, own)]), names(&["ReplicaSet/shop/self"]));
    let (a, b) = (Some(("apps/v1", "ReplicaSet", "a")), Some(("apps/v1", "ReplicaSet", "b")));
    let round = [set("shop", "a", true, 0, b), set("shop", "b", false, 0, a)];
    assert_eq!(told(&round), names(&["ReplicaSet/shop/a"]));
}

#[test]
fn a_copy_that_still_runs_is_not_idle() {
    let mut dying = set("shop", "web-1", true, 0, WEB);
    dying["status"] = serde_json::json!({"replicas": 1});
    assert_eq!(told(&[deployment("shop", "web", false), dying]), names(&["ReplicaSet/shop/web-1"]));
}

#[test]
fn a_job_that_has_not_ended_is_told_of_itself() {
    let fine = cron("shop", "night", false);
    assert_eq!(
        told(&[fine.clone(), job("shop", "night-1", true, false, NIGHT)]),
        names(&["Job/shop/night-1"])
    );
    assert_eq!(told(&[fine.clone(), job("shop", "night-1", true, true, NIGHT)]), names(&[]));
    let mut waiting = job("shop", "night-1", true, false, NIGHT);
    waiting["spec"]["suspend"] = serde_json::json!(true);
    assert_eq!(told(&[fine, waiting]), names(&["Job/shop/night-1"]));
}

#[test]
fn pods_are_told_of_their_maker_and_no_pod_is_forgotten() {
    let owner = Some(("apps/v1", "ReplicaSet", "web-1"));
    let idle = set("shop", "web-1", false, 0, WEB);
    let pods = [pod("shop", "x", true, owner), pod("shop", "y", false, owner)];
    let all = [vec![deployment("shop", "web", false), idle], pods.to_vec()].concat();
    assert_eq!(told(&all), names(&["Deployment/shop/web"]));
    assert_eq!(told(&pods), names(&["Pod/shop/x"]), "of the pods of a maker that is not there, that one");
    let equal = [pod("shop", "z", true, owner), pod("shop", "y", true, owner)];
    assert_eq!(told(&equal), names(&["Pod/shop/y"]), "once for all that are the same");
    assert_eq!(told(&[pod("kube-system", "s", true, Some(("v1", "Node", "n")))]).len(), told_of_system());
    assert_eq!(told(&[pod("shop", "bare", true, None)]), names(&["Pod/shop/bare"]));
}

/// Whether controls of that scope judge the system's.
fn told_of_system() -> usize {
    let control = CATALOGUE.controls().find(|control| control.id == "pod-privileged").unwrap();
    usize::from(control.scope != snc_core::control::Scope::Tenant)
}
