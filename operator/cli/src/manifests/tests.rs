use super::{Source, read};
use crate::model::reach::objects::Objects;
use snc_core::lang::Lang;

fn source(text: &str) -> Source {
    Source { file: "f.yaml".into(), text: text.into() }
}

fn good(text: &str) -> Objects {
    match read(&[source(text)]) {
        Ok(objects) => objects,
        Err(wrong) => panic!("{:?}", wrong.iter().map(|w| w.message(Lang::En)).collect::<Vec<_>>()),
    }
}

fn wrong(text: &str) -> Vec<String> {
    read(&[source(text)]).unwrap_err().iter().map(|wrong| wrong.message(Lang::En)).collect()
}

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n";

fn policy(spec: &str) -> String {
    format!("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: a\nspec:\n{spec}")
}

#[test]
fn nothing_is_in_empty_files() {
    for text in
        ["", "\n\n", "# a comment\n", "---\n", "---\n---\n# x\n---", "%YAML 1.2\n---\n...\n", "null\n"]
    {
        assert!(good(text).pods.is_empty(), "{text:?}");
    }
}

#[test]
fn documents_and_lists_of_both_languages_are_read() {
    let many = format!(
        "{POD}---\n{}\n...\n---\n# nothing\n--- # named\n{}",
        POD.replace("name: p", "name: q"),
        POD.replace("name: p", "name: r")
    );
    assert_eq!(good(&many).pods.len(), 3);
    let json = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}{"apiVersion":"v1","kind":"Pod","metadata":{"name":"b"}}"#;
    assert_eq!(good(json).pods.len(), 2);
    let list = r#"{"apiVersion": "v1", "kind": "List", "items": [
	{"apiVersion": "v1", "kind": "PodList", "items": [{"metadata": {"name": "a"}}]},
	{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}}
]}"#;
    assert_eq!(good(list).pods.len(), 1, "tabs indent JSON, and items of a typed list have its kind");
}

#[test]
fn anchors_and_unicode_are_understood() {
    let text = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: été-日本\n  labels: &l {app: 注文, e: \"👩\"}\n  annotations: *l\n";
    let pod = &good(text).pods[0];
    assert_eq!(pod.metadata.name.as_deref(), Some("été-日本"));
    assert_eq!(pod.metadata.annotations.as_ref().unwrap()["app"], "注文");
}

#[test]
fn an_alias_bomb_is_refused_and_does_not_explode() {
    let mut text = String::from("a: &a [x,x,x,x,x,x,x,x,x,x]\n");
    for (before, after) in ('a'..'j').zip('b'..='j') {
        let aliases = vec![format!("*{before}"); 10].join(",");
        text.extend([after.to_string(), format!(": &{after} [{aliases}]\n")]);
    }
    assert_eq!(wrong(&text).len(), 1);
}

#[test]
fn what_is_wrong_has_file_document_line_and_field() {
    let bad = policy("  podSelector: {}\n  ingress:\n    - from: oui\n");
    let told = wrong(&format!("{POD}---\n# nothing\n---\n{bad}"));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("f.yaml, document 2, line 14, field spec.ingress[0].from: "), "{told:?}");
    assert!(told[0].contains("expected a sequence"), "{told:?}");

    let french = read(&[source(&bad)]).unwrap_err()[0].message(Lang::Fr);
    assert!(french.starts_with("f.yaml, document 1, ligne 8, champ spec.ingress[0].from : "), "{french}");
}

#[test]
fn every_broken_document_is_told_and_not_the_first_alone() {
    let text = "kind: [\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: [x]}\n---\n\tkind: Pod\n---\napiVersion: v1\nkind: Pod\nmetadata: {}\n";
    let told = wrong(text);
    assert_eq!(told.len(), 4, "{told:#?}");
    assert!(told[0].contains("document 1, line "), "{told:#?}");
    assert!(told[1].contains("document 2, line 5, field metadata.name"), "{told:#?}");
    assert!(told[2].contains("document 3, line 7"), "{told:#?}");
    assert!(told[3].contains("document 4, line 11, field metadata.name: absent"), "{told:#?}");
}

#[test]
fn items_of_lists_are_named_by_their_place() {
    let text = "apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: Pod\n    metadata: {name: a}\n    spec:\n      hostNetwork: 7\n";
    let told = wrong(text);
    assert!(told[0].contains("line 8, field items[0].spec.hostNetwork"), "{told:?}");
    assert!(wrong("apiVersion: v1\nkind: List\nitems: 7\n")[0].contains("field items"), "not a list");
}

#[test]
fn broken_json_has_its_line() {
    let told = wrong("{\n  \"kind\": \"Pod\",\n  \"apiVersion\": v1 x\n");
    assert!(told[0].contains("document 1, line 3"), "{told:?}");
}

#[test]
fn an_unknown_field_of_a_policy_is_refused_since_it_may_have_been_meant_to_close() {
    let told = wrong(&policy("  podSelector: {}\n  polycyTypes: [Egress]\n"));
    assert!(told[0].contains("line 7, field spec.polycyTypes: unknown field"), "{told:?}");
    let told = wrong(&policy("  podSelector: {}\n  ingress:\n    - from:\n        - podselector: {}\n"));
    assert!(told[0].contains("field spec.ingress[0].from[0].podselector"), "{told:?}");
    assert_eq!(good(&policy("  podSelector: {}\n  ingress: null\n")).policies.len(), 1);
}

#[test]
fn what_is_no_kubernetes_object_is_refused() {
    assert!(wrong("a: 1\n")[0].contains("field kind: absent"));
    assert!(wrong("kind: Pod\n")[0].contains("field apiVersion: absent"));
    assert!(wrong("- a\n")[0].contains("a Kubernetes object is expected"));
    assert!(wrong("hello\n")[0].contains("a Kubernetes object is expected"));
    assert!(wrong("kind: 7\napiVersion: v1\n")[0].contains("line 1, field kind"));
}

#[test]
fn versions_that_are_not_served_are_refused() {
    let told = wrong("apiVersion: apps/v1beta1\nkind: Deployment\nmetadata: {name: a}\n");
    assert!(told[0].contains("field apiVersion") && told[0].contains("accepted: apps/v1"), "{told:?}");
    let told = wrong("apiVersion: extensions/v1beta1\nkind: NetworkPolicy\nmetadata: {name: a}\n");
    assert!(told[0].contains("no longer served"), "{told:?}");
}

#[test]
fn the_same_object_twice_counts_once_and_another_of_its_name_is_refused() {
    assert_eq!(good(&format!("{POD}---\n{POD}")).pods.len(), 1);
    let told = wrong(&format!("{POD}---\n{POD}spec: {{hostNetwork: true}}\n"));
    assert!(
        told[0].contains("document 2, line 7") && told[0].contains("f.yaml, document 1, line 1"),
        "{told:?}"
    );
    let elsewhere = POD.replace("name: p", "name: p, namespace: other");
    assert_eq!(good(&format!("{POD}---\n{elsewhere}")).pods.len(), 2);
}

#[test]
fn other_kinds_are_passed_over_and_other_network_policies_are_kept_by_name() {
    let kinds = [
        "cilium.io/v2 CiliumNetworkPolicy",
        "crd.projectcalico.org/v1 NetworkPolicy",
        "k8s.ovn.org/v1 EgressFirewall",
        "policy.networking.k8s.io/v1alpha1 AdminNetworkPolicy",
        "v1 Service",
        "example.org/v1 Policy",
        "secnumcloud.dev/v1alpha1 SncPolicy",
    ];
    let text: Vec<String> = kinds
        .iter()
        .map(|kind| {
            let (version, kind) = kind.split_once(' ').unwrap();
            format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: x}}\n")
        })
        .collect();
    let objects = good(&text.join("---\n"));
    let foreign: Vec<&str> = objects.foreign.keys().map(String::as_str).collect();
    assert_eq!(
        foreign,
        [
            "AdminNetworkPolicy.policy.networking.k8s.io",
            "CiliumNetworkPolicy.cilium.io",
            "EgressFirewall.k8s.ovn.org",
            "NetworkPolicy.crd.projectcalico.org",
        ]
    );
    assert_eq!(objects.declarations, 1);
}

#[test]
fn huge_lists_are_read() {
    let pods: Vec<String> = (0..20_000)
        .map(|i| format!("  - {{apiVersion: v1, kind: Pod, metadata: {{name: p{i}, labels: {{a: b{i}}}}}, spec: {{hostNetwork: false}}}}"))
        .collect();
    assert_eq!(
        good(&format!("apiVersion: v1\nkind: List\nitems:\n{}\n", pods.join("\n"))).pods.len(),
        20_000
    );
    let documents: Vec<String> = (0..2_000).map(|i| POD.replace("name: p", &format!("name: p{i}"))).collect();
    assert_eq!(good(&documents.join("---\n")).pods.len(), 2_000);
}
