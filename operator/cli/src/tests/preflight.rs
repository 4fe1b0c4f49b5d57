use super::fixtures::{LANGS, assert_tame, settings};
use crate::cluster::{Kind, Trouble};
use crate::commands::preflight_outcome;
use crate::model::preflight::{
    ApiServerSeen, Check, ContainerSeen, DaemonSetSeen, Input, Metrics, PolicyKindSeen, Right, State, Trial,
    WebhookSeen, build, operator_rights, own_rights,
};
use crate::render::{Screen, json, preflight as table, yaml};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Value, json};
use snc_core::lang::Lang;
use snc_core::names::GUARD_GATE;
use std::collections::{BTreeMap, BTreeSet};

fn refused() -> Trouble {
    Trouble { kind: Kind::Refused, what: "nodes".into(), detail: "nope\u{1b}[31m".into() }
}

fn names(all: &[&str]) -> BTreeSet<String> {
    all.iter().map(|name| (*name).to_owned()).collect()
}

fn established(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    let conditions = json!({"conditions": [{"type": "Established", "status": "True"}]});
    crd.status = Some(serde_json::from_value(conditions).unwrap());
    crd
}

fn set(name: &str, ready: usize, containers: Value) -> DaemonSetSeen {
    let containers = containers.as_array().unwrap().iter().map(|c| ContainerSeen {
        name: c["name"].as_str().unwrap_or_default().to_owned(),
        image: c["image"].as_str().unwrap_or_default().to_owned(),
        args: c["args"].as_array().into_iter().flatten().map(|a| a.as_str().unwrap().to_owned()).collect(),
        env: BTreeMap::new(),
    });
    DaemonSetSeen {
        namespace: "kube-system".into(),
        name: name.into(),
        ready,
        containers: containers.collect(),
    }
}

/// Everything there, on a cluster made by kubeadm with Calico.
fn good(lang: Lang) -> Input {
    let settings = settings(lang);
    let guards = snc_plan::guards::guards(&settings.identity, Lang::En);
    let flags = [
        "kube-apiserver",
        "--enable-admission-plugins=NodeRestriction",
        "--audit-policy-file=/p",
        "--audit-log-path=/l",
    ];
    let server =
        ApiServerSeen { pod: "kube-apiserver-a".into(), args: flags.map(ToOwned::to_owned).to_vec() };
    let allowed = |rights: Vec<Right>| rights.into_iter().map(|right| (right, Ok(true))).collect();
    Input {
        context: "essai".into(),
        version: Ok("v1.36.3".into()),
        groups: Ok(BTreeMap::from([("apps".into(), vec!["v1".into()])])),
        admission_resources: Ok(names(&["validatingadmissionpolicies"])),
        daemon_sets: Ok(vec![set("calico-node", 3, json!([])), set("kube-proxy", 3, json!([]))]),
        cilium_config: Ok(BTreeMap::new()),
        nodes: Ok(3),
        policy_kinds: Ok(vec![PolicyKindSeen {
            resource: "networkpolicies.crd.projectcalico.org".into(),
            objects: Ok(0),
        }]),
        webhooks: Ok(vec![WebhookSeen {
            configuration: "w".into(),
            mutating: true,
            touches: BTreeSet::new(),
        }]),
        crds: snc_api::all_crds()
            .into_iter()
            .map(|crd| (crd.metadata.name.clone().unwrap(), Ok(Some(Box::new(established(crd))))))
            .collect(),
        guards: Ok(guards.iter().map(|guard| guard.policy.clone()).collect()),
        guard_bindings: Ok(guards.iter().flat_map(|guard| guard.bindings.clone()).collect()),
        gate: Trial::Refused(format!("ValidatingAdmissionPolicy '{GUARD_GATE}' with binding")),
        own_rights: allowed(own_rights(&settings)),
        operator_rights: allowed(operator_rights(&settings)),
        api_servers: Ok(vec![server]),
        endpoints: Ok(1),
        metrics: Err(refused()),
        pod_security: Ok(Some((
            "snc-canary".into(),
            Trial::Refused("pods \"x\" violates PodSecurity".into()),
        ))),
        settings,
    }
}

/// Nothing there that isolation needs, and others in the way.
fn bare(lang: Lang) -> Input {
    let input = good(lang);
    let denied = |rights: Vec<Right>| rights.into_iter().map(|right| (right, Ok(false))).collect();
    Input {
        version: Ok("v1.31.0".into()),
        groups: Ok(BTreeMap::from([
            ("kyverno.io".into(), Vec::new()),
            ("policies.kyverno.io".into(), Vec::new()),
        ])),
        admission_resources: Ok(names(&["mutatingwebhookconfigurations"])),
        daemon_sets: Ok(vec![set("kube-flannel-ds", 3, json!([{"image": "flannel"}]))]),
        policy_kinds: Ok(vec![PolicyKindSeen {
            resource: "ciliumnetworkpolicies.cilium.io".into(),
            objects: Ok(4),
        }]),
        webhooks: Ok(vec![WebhookSeen {
            configuration: "kyverno\u{202e}".into(),
            mutating: true,
            touches: names(&["/namespaces", "networking.k8s.io/networkpolicies"]),
        }]),
        crds: snc_api::all_crds().into_iter().map(|crd| (crd.metadata.name.unwrap(), Ok(None))).collect(),
        guards: Ok(Vec::new()),
        guard_bindings: Ok(Vec::new()),
        gate: Trial::Accepted,
        operator_rights: denied(operator_rights(&input.settings)),
        own_rights: denied(own_rights(&input.settings)),
        api_servers: Ok(vec![ApiServerSeen {
            pod: "kube-apiserver-a".into(),
            args: vec!["--disable-admission-plugins=PodSecurity,ResourceQuota".into()],
        }]),
        pod_security: Ok(Some(("web".into(), Trial::Accepted))),
        ..input
    }
}

/// A reader without rights.
fn blind(lang: Lang) -> Input {
    let input = good(lang);
    Input {
        version: Err(refused()),
        groups: Err(refused()),
        admission_resources: Err(refused()),
        daemon_sets: Err(refused()),
        nodes: Err(refused()),
        policy_kinds: Err(refused()),
        webhooks: Err(refused()),
        crds: snc_api::all_crds()
            .into_iter()
            .map(|crd| (crd.metadata.name.unwrap(), Err(refused())))
            .collect(),
        guards: Err(refused()),
        guard_bindings: Err(refused()),
        gate: Trial::NotTried,
        own_rights: vec![(Right::default(), Err(refused()))],
        operator_rights: vec![(Right::default(), Err(refused()))],
        api_servers: Err(refused()),
        endpoints: Err(refused()),
        pod_security: Err(refused()),
        ..input
    }
}

fn check(input: &Input, name: &str) -> Check {
    build(input).checks.into_iter().find(|check| check.name == name).unwrap()
}

fn state(input: &Input, name: &str) -> State {
    check(input, name).state
}

#[test]
fn a_cluster_that_has_all_is_fine() {
    for (lang, name) in LANGS {
        let report = build(&good(lang));
        assert_eq!((report.summary.missing, report.summary.unknown), (0, 0), "{report:#?}");
        assert_eq!(preflight_outcome(&report, lang).code(), 0);
        insta::assert_snapshot!(
            format!("preflight_good_{name}"),
            table::table(&report, lang, Screen::default())
        );
    }
}

#[test]
fn a_cluster_that_has_nothing_says_what_that_costs() {
    for (lang, name) in LANGS {
        let report = build(&bare(lang));
        assert_eq!(report.summary.ok, 0, "{report:#?}");
        assert_eq!(preflight_outcome(&report, lang).code(), 1);
        let forms = [
            ("table", table::table(&report, lang, Screen::default())),
            ("json", json::json(&report).unwrap()),
            ("yaml", yaml::yaml(&report).unwrap()),
        ];
        for (form, text) in forms {
            assert_tame(&text);
            insta::assert_snapshot!(format!("preflight_bare_{form}_{name}"), text);
        }
    }
}

#[test]
fn what_cannot_be_read_is_unknown_and_never_missing_or_fine() {
    for (lang, _) in LANGS {
        let report = build(&blind(lang));
        assert_eq!((report.summary.ok, report.summary.missing), (0, 0), "{report:#?}");
        assert_eq!(preflight_outcome(&report, lang).code(), 3);
        assert_tame(&table::table(&report, lang, Screen::default()));
    }
}

#[test]
fn every_check_says_what_its_lack_costs_and_what_to_do_in_both_languages() {
    let (fr, en) = (build(&bare(Lang::Fr)), build(&bare(Lang::En)));
    for (fr, en) in fr.checks.iter().zip(&en.checks) {
        assert!(!fr.costs.is_empty() && !en.costs.is_empty() && fr.costs != en.costs, "{}", fr.name);
        assert!(fr.to_do.is_some_and(|t| !t.is_empty()) && fr.to_do != en.to_do, "{}", fr.name);
    }
}

#[test]
fn network_plugins_are_known_by_what_they_run() {
    let kindnet = |tag: &str| {
        set(
            "kindnet",
            3,
            json!([{"name": "kindnet-cni", "image": format!("docker.io/kindest/kindnetd:{tag}")}]),
        )
    };
    let amazon = |containers| set("aws-node", 3, containers);
    let weave = || set("weave-net", 3, json!([{"name": "weave"}, {"name": "weave-npc"}]));
    let flannel = || set("kube-flannel-ds", 3, json!([{"image": "flannel/flannel:v0.26"}]));
    for (sets, expected) in [
        (vec![set("calico-node", 3, json!([]))], State::Ok),
        (vec![set("calico-node", 2, json!([]))], State::Unknown),
        (vec![set("ovnkube-node", 3, json!([]))], State::Ok),
        (vec![set("antrea-agent", 3, json!([]))], State::Ok),
        (vec![set("anetd", 3, json!([]))], State::Ok),
        (vec![set("kube-router", 3, json!([{"args": ["--run-firewall=true"]}]))], State::Ok),
        (vec![set("kube-router", 3, json!([{"args": ["--run-firewall=false"]}]))], State::Missing),
        (vec![kindnet("v20250512-df8de77b")], State::Ok),
        (vec![kindnet("v20230511-dc714da8")], State::Missing),
        (vec![kindnet("latest")], State::Unknown),
        (vec![flannel()], State::Missing),
        (vec![flannel(), set("calico-node", 3, json!([]))], State::Ok),
        (vec![set("kube-flannel-ds", 3, json!([{"image": "x/kube-network-policies:v0.7"}]))], State::Ok),
        (vec![amazon(json!([{"name": "aws-node"}]))], State::Missing),
        (
            vec![amazon(json!([{"name": "aws-eks-nodeagent", "args": ["--enable-network-policy=false"]}]))],
            State::Missing,
        ),
        (
            vec![amazon(json!([{"name": "aws-eks-nodeagent", "args": ["--enable-network-policy=true"]}]))],
            State::Ok,
        ),
        (vec![amazon(json!([{"name": "aws-eks-nodeagent"}]))], State::Unknown),
        (vec![weave()], State::Unknown),
        (vec![set("calico-node", 3, json!([])), set("kube-multus-ds", 3, json!([]))], State::Unknown),
        (vec![set("azure-cns", 3, json!([]))], State::Missing),
        (vec![set("terway-eniip", 3, json!([]))], State::Unknown),
        (vec![set("my-own-network", 3, json!([]))], State::Unknown),
        (vec![], State::Unknown),
    ] {
        let input = Input { daemon_sets: Ok(sets.clone()), ..good(Lang::En) };
        assert_eq!(state(&input, "network-plugin"), expected, "{sets:?}");
    }
    let no_nodes = Input { nodes: Ok(0), ..good(Lang::En) };
    assert_eq!(state(&no_nodes, "network-plugin"), State::Unknown);
}

#[test]
fn cilium_enforces_unless_its_configuration_says_otherwise() {
    for (config, expected) in [
        (Ok(BTreeMap::from([("enable-policy".to_owned(), "default".to_owned())])), State::Ok),
        (Ok(BTreeMap::from([("enable-policy".to_owned(), "never".to_owned())])), State::Missing),
        (Ok(BTreeMap::from([("enable-k8s-networkpolicy".to_owned(), "false".to_owned())])), State::Missing),
        (Ok(BTreeMap::new()), State::Unknown),
        (Err(refused()), State::Unknown),
    ] {
        let input = Input {
            daemon_sets: Ok(vec![set("cilium", 3, json!([]))]),
            cilium_config: config.clone(),
            ..good(Lang::En)
        };
        assert_eq!(state(&input, "network-plugin"), expected, "{config:?}");
    }
}

#[test]
fn a_changed_guard_or_schema_is_not_the_one_of_this_version() {
    let mut input = good(Lang::En);
    if let Ok(bindings) = &mut input.guard_bindings {
        bindings[0].spec.as_mut().unwrap().validation_actions = Some(vec!["Audit".into()]);
    }
    let guards = check(&input, "guards");
    assert_eq!(guards.state, State::Missing);
    assert_eq!(guards.seen, format!("{GUARD_GATE} (different)"));

    if let (_, Ok(Some(crd))) = &mut input.crds[1] {
        crd.spec.versions[0].schema = None;
    }
    if let (_, Ok(Some(crd))) = &mut input.crds[2] {
        crd.status = None;
    }
    let crds = check(&input, "crds");
    assert_eq!(crds.state, State::Missing);
    assert!(crds.seen.contains("snctenants.secnumcloud.dev (another schema)"), "{}", crds.seen);
    assert!(crds.seen.contains("sncpolicies.secnumcloud.dev (not served)"), "{}", crds.seen);
}

#[test]
fn one_api_server_that_was_seen_says_nothing_of_the_others() {
    let metrics =
        || Metrics { plugins: names(&["NodeRestriction", "ResourceQuota", "LimitRanger"]), audit_events: 7 };
    let input = |endpoints| Input {
        api_servers: Ok(Vec::new()),
        metrics: Ok(metrics()),
        endpoints: Ok(endpoints),
        ..good(Lang::En)
    };
    for check in ["node-restriction", "quota-admission", "audit-log"] {
        assert_eq!(state(&input(1), check), State::Ok, "{check}");
        assert_eq!(state(&input(3), check), State::Unknown, "{check}");
    }
    let silent = Input { metrics: Ok(Metrics::default()), ..input(1) };
    for check in ["node-restriction", "quota-admission", "audit-log"] {
        assert_eq!(state(&silent, check), State::Unknown, "{check}: silence is no proof of absence");
    }
    let off = Metrics { plugins: names(&["NamespaceLifecycle"]), audit_events: 7 };
    let off = Input { metrics: Ok(off), ..input(3) };
    assert_eq!(state(&off, "node-restriction"), State::Missing, "off on one of them is off");
    let half = Input { endpoints: Ok(2), ..good(Lang::En) };
    assert_eq!(state(&half, "audit-log"), State::Unknown, "two are announced, one is seen");
}

#[test]
fn a_trial_that_failed_for_another_reason_proves_nothing() {
    let other = || Trial::Refused("pods is forbidden: User \"x\" cannot create".into());
    let input = Input { gate: other(), pod_security: Ok(Some(("web".into(), other()))), ..good(Lang::En) };
    assert_eq!(state(&input, "isolation-gate"), State::Unknown);
    assert_eq!(state(&input, "pod-security"), State::Unknown);
    let nowhere = Input { pod_security: Ok(None), ..good(Lang::En) };
    assert_eq!(state(&nowhere, "pod-security"), State::Unknown);
}

/// The chart is what is installed; the list is what is asked about.
#[test]
fn the_rights_asked_about_are_those_of_the_chart() {
    let chart = include_str!("../../../../charts/snc-operator/templates/rbac-controller.yaml");
    let text: String = chart
        .lines()
        .map(|line| {
            line.replace("{{ .Values.canary.namespace }}", "snc-canary")
                .replace("{{ .Release.Namespace }}", "snc-system")
        })
        .filter(|line| !line.contains("{{"))
        .map(|line| line + "\n")
        .collect();
    let mut expected = BTreeSet::new();
    for document in text.split("\n---\n") {
        let role: Value = serde_saphyr::from_str(document).unwrap();
        let namespace = role["metadata"]["namespace"].as_str().map(ToOwned::to_owned);
        let list = |value: &Value| -> Vec<String> {
            value.as_array().into_iter().flatten().map(|item| item.as_str().unwrap().to_owned()).collect()
        };
        for rule in role["rules"].as_array().into_iter().flatten() {
            let names = list(&rule["resourceNames"]);
            let names = if names.is_empty() { vec![None] } else { names.into_iter().map(Some).collect() };
            for group in list(&rule["apiGroups"]) {
                for resource in list(&rule["resources"]) {
                    for name in &names {
                        expected.extend(list(&rule["verbs"]).into_iter().map(|verb| Right {
                            verb,
                            group: group.clone(),
                            resource: resource.clone(),
                            name: name.clone(),
                            namespace: namespace.clone(),
                        }));
                    }
                }
            }
        }
    }
    let asked: BTreeSet<Right> = operator_rights(&settings(Lang::En)).into_iter().collect();
    assert!(expected.len() > 80, "{}", expected.len());
    assert_eq!(asked, expected);
}
