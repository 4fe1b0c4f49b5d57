use super::fixtures::{LANGS, assert_tame};
use crate::manifests::{Source, read};
use crate::model::Selection;
use crate::model::reach::diff::diff;
use crate::model::reach::explain::{Named, Verdict, explain};
use crate::model::reach::{Connection, ReachReport, assemble::assemble, evaluate::evaluate};
use crate::render::{Screen, json, reach as render, yaml};
use serde_json::json;
use snc_core::lang::Lang;
use snc_network::reach::{Cluster, Ranges};
use std::collections::BTreeMap;

const WORKLOADS: &str = include_str!("../../tests/fixtures/reach/shop/workloads.yaml");
const POLICIES: &str = include_str!("../../tests/fixtures/reach/shop/policies.yaml");

fn cluster(texts: &[&str]) -> (Cluster, BTreeMap<String, usize>) {
    let sources: Vec<Source> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| Source { file: format!("{index}.yaml"), text: (*text).to_owned() })
        .collect();
    let mut objects = read(&sources).unwrap();
    let foreign = std::mem::take(&mut objects.foreign);
    (assemble(objects, Ranges::default()), foreign)
}

fn report(texts: &[&str], selection: &Selection, lang: Lang) -> ReachReport {
    let (cluster, foreign) = cluster(texts);
    evaluate(&cluster, &foreign, selection, lang).unwrap()
}

fn shop(lang: Lang) -> ReachReport {
    report(&[WORKLOADS, POLICIES], &Selection::All, lang)
}

fn told(connections: &[Connection]) -> Vec<String> {
    connections.iter().map(|c| format!("{} -> {} {}", c.from, c.to, c.ports)).collect()
}

#[test]
fn the_shop_in_every_form() {
    for (lang, name) in LANGS {
        let report = shop(lang);
        let forms = [
            ("table", render::table(&report, lang, Screen::default())),
            ("json", json::json(&report).unwrap()),
            ("yaml", yaml::yaml(&report).unwrap()),
            ("dot", render::dot::dot(&report, lang)),
            ("svg", render::svg::svg(&report, lang)),
        ];
        for (form, text) in forms {
            assert_tame(&text);
            if lang == Lang::En || form == "table" {
                insta::assert_snapshot!(format!("reach_{form}_{name}"), text);
            }
        }
    }
}

/// Written by hand from the policies, not from what came out.
#[test]
fn in_the_shop_only_what_the_policies_say_is_open() {
    let report = shop(Lang::En);
    assert!(report.unknown.is_empty(), "{:?}", report.unknown);
    let within: Vec<String> =
        told(&report.connections).into_iter().filter(|line| line.matches("boutique-").count() == 2).collect();
    assert_eq!(
        within,
        [
            "boutique-app/Deployment/api -> boutique-data/Deployment/cache TCP/6379",
            "boutique-app/Deployment/api -> boutique-data/StatefulSet/database TCP/5432",
            "boutique-app/Deployment/front -> boutique-app/Deployment/api TCP/8080",
            "boutique-app/Deployment/worker -> boutique-data/StatefulSet/database TCP/5432",
        ]
    );
    let all = told(&report.connections);
    for line in [
        "ingress/Deployment/controller -> boutique-app/Deployment/front TCP/8080",
        "boutique-app/Deployment/worker -> 203.0.113.16/28 TCP/443",
        "boutique-data/Deployment/cache -> kube-system/DaemonSet/coredns TCP/53, UDP/53",
        "ingress/Deployment/controller -> 0.0.0.0/0 *",
        "::/0 -> kube-system/DaemonSet/coredns *",
    ] {
        assert!(all.contains(&line.to_owned()), "{line} in {all:#?}");
    }
    assert!(!all.iter().any(|line| line.starts_with("0.0.0.0/0 -> boutique-")), "{all:#?}");
}

#[test]
fn the_json_is_what_scripts_were_promised() {
    let pods = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {app: a}}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: b}\n";
    let policy = r#"{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p"}, "spec": {
        "podSelector": {}, "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "a"}}}], "ports": [{"port": 80, "endPort": 90}, {"port": 53, "protocol": "UDP"}]}],
        "egress": [{"to": [{"podSelector": {}}]}, {"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]
    }}"#;
    let report = report(&[pods, policy], &Selection::All, Lang::En);
    let (a, b) = (
        json!({"namespace": "default", "kind": "Pod", "name": "a"}),
        json!({"namespace": "default", "kind": "Pod", "name": "b"}),
    );
    let ports = json!([{"protocol": "TCP", "port": 80, "endPort": 90}, {"protocol": "UDP", "port": 53, "endPort": 53}]);
    let block = json!({"cidr": "10.0.0.0/8"});
    let expected = json!([
        {"from": a, "to": b, "ports": ports},
        {"from": a, "to": block, "ports": "all"},
        {"from": b, "to": block, "ports": "all"},
    ]);
    assert_eq!(serde_json::to_value(&report).unwrap()["connections"], expected);
}

#[test]
fn a_selection_keeps_the_connections_with_an_end_there() {
    let report = report(&[WORKLOADS, POLICIES], &Selection::Namespace("boutique-data".into()), Lang::En);
    assert!(
        report
            .connections
            .iter()
            .all(|c| [&c.from, &c.to].iter().any(|e| e.namespace() == Some("boutique-data")))
    );
    assert!(
        told(&report.connections)
            .iter()
            .any(|line| line.starts_with("boutique-app/Deployment/api -> boutique-data"))
    );
    let (cluster, foreign) = cluster(&[WORKLOADS]);
    let selection = Selection::Namespace("nope".into());
    assert!(
        evaluate(&cluster, &foreign, &selection, Lang::En)
            .unwrap_err()
            .message(Lang::En)
            .contains("boutique-app")
    );
}

#[test]
fn kinds_of_policy_that_are_not_evaluated_leave_the_answer_open() {
    let cilium = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: x}\n";
    for (lang, _) in LANGS {
        let report = report(&[WORKLOADS, POLICIES, cilium], &Selection::All, lang);
        assert_eq!(report.unknown.len(), 1);
        assert!(
            report.unknown[0].reasons[0].contains("CiliumNetworkPolicy.cilium.io"),
            "{:?}",
            report.unknown
        );
        assert_eq!(report.connections, shop(lang).connections);
    }
}

#[test]
fn pods_are_known_by_what_made_them() {
    let text = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {metadata: {labels: {app: template}}}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-1, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: u, controller: true}]}
spec: {template: {metadata: {labels: {app: old}}}}
---
apiVersion: v1
kind: Pod
metadata: {name: web-1-x, labels: {app: live}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-1, uid: u, controller: true}]}
---
apiVersion: v1
kind: Pod
metadata: {name: etcd, ownerReferences: [{apiVersion: v1, kind: Node, name: n, uid: u, controller: true}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec: {schedule: "0 0 * * *", jobTemplate: {spec: {template: {metadata: {labels: {a: b}}}}}}
---
apiVersion: v1
kind: Pod
metadata: {name: over}
status: {phase: Succeeded}
"#;
    let (cluster, _) = cluster(&[text]);
    let workloads: Vec<String> = cluster
        .pods
        .iter()
        .map(|pod| {
            let (kind, name) = pod.workload();
            format!("{kind}/{name} {}", pod.labels.get("app").map_or("-", String::as_str))
        })
        .collect();
    assert_eq!(workloads, ["Deployment/web live", "Pod/etcd -", "Pod/over -", "CronJob/nightly -"]);
    let drawn = evaluate(&cluster, &BTreeMap::new(), &Selection::All, Lang::En).unwrap().workloads;
    assert!(!drawn.iter().any(|workload| workload.name == "over"), "{drawn:?}");
}

#[test]
fn namespaces_that_nobody_declared_have_the_label_of_their_name_alone() {
    let (cluster, _) = cluster(&[WORKLOADS]);
    let labels = |name: &str| cluster.namespaces.iter().find(|n| n.name == name).unwrap().labels.clone();
    assert_eq!(labels("ingress"), BTreeMap::from([("kubernetes.io/metadata.name".into(), "ingress".into())]));
    assert_eq!(labels("boutique-app").len(), 2);
}

fn asked(from: &str, to: &str, lang: Lang) -> (Vec<Verdict>, String) {
    let (cluster, _) = cluster(&[WORKLOADS, POLICIES]);
    let (from, to) = (Named::parse(from).unwrap(), Named::parse(to).unwrap());
    let report = explain(&cluster, &from, &to, Vec::new(), lang).unwrap();
    (report.answers.iter().map(|a| a.verdict).collect(), render::explain::table(&report, lang))
}

#[test]
fn an_open_connection_is_explained_by_the_rules_that_open_it() {
    let (verdicts, text) = asked("boutique-app/deployment/api", "boutique-data/database", Lang::En);
    assert_eq!(verdicts, [Verdict::Open]);
    for rule in [
        "NetworkPolicy boutique-app/api-to-database spec.egress[0].to[0]",
        "NetworkPolicy boutique-data/database-from-api spec.ingress[0].from[0]",
    ] {
        assert!(text.contains(rule), "{text}");
    }
    assert_tame(&text);
    insta::assert_snapshot!("reach_explain_open_en", text);
}

#[test]
fn a_closed_connection_is_explained_by_the_side_that_closes_it() {
    let (verdicts, text) = asked("boutique-app/front", "boutique-data/database", Lang::Fr);
    assert_eq!(verdicts, [Verdict::Closed]);
    insta::assert_snapshot!("reach_explain_closed_fr", text);
    let (verdicts, text) = asked("ingress/controller", "boutique-app/worker", Lang::En);
    assert_eq!(verdicts, [Verdict::Closed]);
    assert!(text.contains("egress of ingress/Deployment/controller: open"), "{text}");
    assert!(text.contains("ingress of boutique-app/Deployment/worker: closed"), "{text}");
}

#[test]
fn a_block_is_explained_piece_by_piece() {
    let (verdicts, text) = asked("boutique-app/worker", "203.0.113.0/27", Lang::En);
    assert_eq!(verdicts, [Verdict::Closed, Verdict::Open], "{text}");
    assert!(text.contains("-> 203.0.113.16/28: open (TCP/443)"), "{text}");
    assert_eq!(asked("203.0.113.17", "boutique-app/worker", Lang::En).0, [Verdict::Closed]);
    assert_eq!(asked("198.51.100.7", "ingress/controller", Lang::En).0, [Verdict::Open]);
}

#[test]
fn workloads_that_are_not_there_or_not_one_are_refused() {
    let twins = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n";
    let (cluster, _) = cluster(&[twins]);
    let ask = |from: &str, to: &str| {
        explain(&cluster, &Named::parse(from).unwrap(), &Named::parse(to).unwrap(), Vec::new(), Lang::En)
            .unwrap_err()
    };
    assert!(ask("default/a", "10.0.0.1").contains("default/Deployment/a, default/Pod/a"));
    assert!(ask("default/x", "10.0.0.1").contains("in this namespace: default/Deployment/a"));
    assert!(ask("10.0.0.1", "10.0.0.2").contains("has to be a workload"));
}

#[test]
fn a_change_shows_what_it_opens_and_closes() {
    let change = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: oops, namespace: boutique-data}\nspec: {podSelector: {matchLabels: {app: cache}}, policyTypes: [Ingress], ingress: [{}]}\n";
    let opened = report(&[WORKLOADS, POLICIES, change], &Selection::All, Lang::En);
    let diff = diff(&shop(Lang::En), &opened);
    assert!(diff.closed.is_empty());
    let lines = told(&diff.opened);
    assert!(
        lines.contains(&"ingress/Deployment/controller -> boutique-data/Deployment/cache *".to_owned()),
        "{lines:#?}"
    );
    assert!(lines.contains(&"0.0.0.0/0 -> boutique-data/Deployment/cache *".to_owned()), "{lines:#?}");
    for (lang, name) in LANGS {
        insta::assert_snapshot!(format!("reach_diff_md_{name}"), render::diff_markdown(&diff, lang));
        insta::assert_snapshot!(
            format!("reach_diff_table_{name}"),
            render::diff_table(&diff, lang, Screen::default())
        );
    }
}

#[test]
fn hostile_names_stay_names_in_every_form() {
    let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: \"</text><script>\\\"'&\\u202e\", namespace: \"\\e[31m\\\"] -> x\"}\n";
    let report = report(&[text, WORKLOADS], &Selection::All, Lang::En);
    for form in [
        render::table(&report, Lang::En, Screen::default()),
        render::dot::dot(&report, Lang::En),
        render::svg::svg(&report, Lang::En),
        json::json(&report).unwrap(),
        yaml::yaml(&report).unwrap(),
    ] {
        assert_tame(&form);
    }
    assert!(!render::svg::svg(&report, Lang::En).contains("<script"));
}
