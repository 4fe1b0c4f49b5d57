use super::*;
use snc_catalogue::Catalogue;
use snc_core::lang::Lang;
use std::sync::LazyLock;

fn settings() -> Settings {
    let identity = Identity::new("snc-system", "snc-controller");
    Settings { lang: Lang::Fr, identity, canary_namespace: "snc-canary".to_owned() }
}

fn kinds() -> &'static BTreeSet<String> {
    static KINDS: LazyLock<BTreeSet<String>> =
        LazyLock::new(|| Catalogue::on_demand().unwrap().admission_kinds());
    &KINDS
}

fn webhooks() -> Vec<ValidatingWebhook> {
    configuration(&settings(), &Reached::Service, b"bundle", kinds()).webhooks.unwrap()
}

fn matches(selector: &LabelSelector, labels: &BTreeMap<&str, &str>) -> bool {
    selector.match_expressions.iter().flatten().all(|requirement| {
        let held = labels.get(requirement.key.as_str());
        let listed = held.is_some_and(|held| requirement.values.iter().flatten().any(|value| value == held));
        match requirement.operator.as_str() {
            "Exists" => held.is_some(),
            "In" => listed,
            "NotIn" => !listed,
            other => panic!("{other}"),
        }
    })
}

fn is_for(rule: &RuleWithOperations, served: &Served, operation: &str) -> bool {
    let has = |texts: &Option<Vec<String>>, text: &str| texts.iter().flatten().any(|found| found == text);
    has(&rule.api_groups, served.group)
        && served.resources.iter().all(|resource| has(&rule.resources, resource))
        && has(&rule.operations, operation)
}

/// Every way in which a namespace may be labelled: absent, and each mode.
fn namespaces() -> Vec<BTreeMap<&'static str, &'static str>> {
    let mut all = vec![BTreeMap::new()];
    for (key, values) in [
        (LABEL_TENANT, vec!["shop"]),
        (Measure::Isolation.label(), Mode::ALL.iter().map(|m| m.as_str()).collect()),
        (Measure::PodSecurity.label(), Mode::ALL.iter().map(|m| m.as_str()).collect()),
        (Measure::Workloads.label(), Mode::ALL.iter().map(|m| m.as_str()).collect()),
    ] {
        let with = |labels: &BTreeMap<&'static str, &'static str>| {
            let own = values.iter().map(|value| {
                let mut labels = labels.clone();
                labels.insert(key, *value);
                labels
            });
            own.collect::<Vec<_>>()
        };
        let more: Vec<_> = all.iter().flat_map(with).collect();
        all.extend(more);
    }
    all
}

#[test]
fn one_webhook_matches_a_request_in_a_tenants_namespace_and_none_elsewhere() {
    let webhooks = webhooks();
    for labels in namespaces() {
        let served = SERVED.iter().filter(|served| kinds().contains(served.kind));
        for (served, operation) in served.flat_map(|served| WRITTEN.map(|operation| (served, operation))) {
            let found: Vec<&ValidatingWebhook> = webhooks
                .iter()
                .filter(|webhook| {
                    webhook.rules.iter().flatten().any(|found| is_for(found, served, operation))
                })
                .filter(|webhook| matches(webhook.namespace_selector.as_ref().unwrap(), &labels))
                .collect();
            let governed = labels.contains_key(LABEL_TENANT);
            assert_eq!(found.len(), usize::from(governed), "{} in {labels:?}", served.kind);
            let Some(webhook) = found.first() else { continue };
            let enforced = |measure: Measure| labels.get(measure.label()) == Some(&"Enforce");
            let strict = enforced(Measure::Workloads)
                || (POD_KINDS.contains(&served.kind) && enforced(Measure::PodSecurity))
                || (ACROSS.contains(&served.kind) && enforced(Measure::Isolation));
            assert_eq!(
                webhook.failure_policy.as_deref() == Some("Fail"),
                strict,
                "{labels:?} {}",
                served.kind
            );
            let path = webhook.client_config.service.as_ref().unwrap().path.as_deref();
            assert_eq!(path, Some(if strict { ENFORCE } else { ADVISE }));
        }
    }
}

#[test]
fn whatever_the_controls_of_tenants_judge_is_asked_about_or_left_out_on_purpose() {
    let left: Vec<String> = left_out(kinds()).into_iter().collect();
    assert_eq!(
        left,
        [
            "cert-manager.io/ClusterIssuer",
            "certificates.k8s.io/CertificateSigningRequest",
            "core/Namespace",
            "core/PersistentVolume",
            "core/Secret",
            "external-secrets.io/ClusterSecretStore",
            "rbac.authorization.k8s.io/ClusterRole",
            "rbac.authorization.k8s.io/ClusterRoleBinding",
        ]
    );
    let asked: BTreeSet<&str> = SERVED.iter().map(|served| served.kind).collect();
    assert!(POD_KINDS.iter().chain(ACROSS).all(|kind| asked.contains(kind)));
}

#[test]
fn nothing_can_be_asked_about_beyond_namespaces_nor_about_deletions() {
    for webhook in webhooks() {
        assert_eq!((webhook.timeout_seconds, webhook.side_effects.as_str()), (Some(3), "None"));
        assert!(webhook.name.split('.').count() >= 3, "{}", webhook.name);
        for rule in webhook.rules.iter().flatten() {
            assert_eq!(rule.scope.as_deref(), Some("Namespaced"));
            let operations = rule.operations.as_deref().unwrap_or_default();
            assert!(operations.iter().all(|one| WRITTEN.contains(&one.as_str())) && !operations.is_empty());
            let all = rule.resources.iter().chain(&rule.api_groups).flatten();
            assert!(all.clone().all(|text| !text.contains('*')) && all.clone().all(|text| text != "secrets"));
        }
    }
}

#[test]
fn our_own_writes_and_what_lets_go_of_the_deleted_are_not_asked_about() {
    for webhook in webhooks() {
        let Some(conditions) = webhook.match_conditions else {
            assert!(webhook.name.contains(".new-pods."), "{}", webhook.name);
            continue;
        };
        assert_eq!(conditions.len(), 3);
        assert!(conditions[0].expression.contains("'system:serviceaccount:snc-system:snc-controller'"));
        assert!(conditions[1].expression.contains("'system:serviceaccount:snc-canary-tenant:snc-canary'"));
        assert!(conditions[2].expression.contains("object.?spec == oldObject.?spec"));
    }
}

#[test]
fn a_url_takes_the_place_of_the_service() {
    let url = Reached::Url("https://127.0.0.1:8443/".into());
    for webhook in configuration(&settings(), &url, b"b", kinds()).webhooks.unwrap() {
        let client = webhook.client_config;
        assert!(client.service.is_none() && client.ca_bundle.is_some());
        assert!(
            ["https://127.0.0.1:8443/enforce", "https://127.0.0.1:8443/advise"]
                .contains(&client.url.unwrap().as_str())
        );
    }
}

/// One of them, by the condition on who asks.
fn of_group(webhook: &ValidatingWebhook) -> bool {
    webhook.match_conditions.iter().flatten().any(|condition| condition.name == "the-bypass-group")
}

#[test]
fn the_bypass_group_is_asked_about_apart_and_never_refused_for_want_of_an_answer() {
    let mut settings = settings();
    settings.identity.bypass_group = Some("secours".to_owned());
    let made = configuration(&settings, &Reached::Service, b"bundle", kinds()).webhooks.unwrap();
    let (group, everybody): (Vec<_>, Vec<_>) = made.into_iter().partition(of_group);
    assert_eq!(group.len(), 3, "one for each group of kinds, but for those that may open another tenant");
    for webhook in &group {
        assert_eq!(webhook.failure_policy.as_deref(), Some("Ignore"));
        assert!(webhook.name.starts_with("bypass."), "{}", webhook.name);
    }
    let without = webhooks();
    assert_eq!(everybody.len(), without.len());
    for (webhook, plain) in everybody.iter().zip(&without) {
        let conditions = webhook.match_conditions.as_deref().unwrap_or_default();
        if webhook.name.contains(".tenants.") {
            assert_eq!(webhook, plain);
            continue;
        }
        let (last, others) = conditions.split_last().unwrap();
        assert_eq!(others, plain.match_conditions.as_deref().unwrap_or_default());
        assert_eq!(last.expression, format!("!{}", in_group("secours")));
        assert_eq!(webhook.failure_policy, plain.failure_policy);
    }
}

#[test]
fn without_a_bypass_group_nothing_speaks_of_one() {
    let made = configuration(&settings(), &Reached::Service, b"bundle", kinds());
    assert!(!serde_json::to_string(&made).unwrap().contains("bypass"));
}
