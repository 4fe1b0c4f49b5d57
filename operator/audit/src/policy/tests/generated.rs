//! The policy that is made.

use super::*;
use crate::event::{Level, Stage};
use snc_core::lang::Lang;

const BODIES: &[(&str, &str, &str)] = &[
    ("", "secrets", ""),
    ("", "configmaps", ""),
    ("", "serviceaccounts", "token"),
    ("authentication.k8s.io", "tokenreviews", ""),
];

pub(super) fn everything() -> Wishes {
    let wanted =
        |group: &str, resource: &str| Wanted { group: group.to_owned(), resource: resource.to_owned() };
    Wishes {
        probes: ["system:serviceaccount:snc-system:snc-audit-sink".to_owned()].into(),
        tenants: vec![
            Wish {
                tenant: "acme".parse().unwrap(),
                namespaces: ["shop", "api"].map(str::to_owned).into(),
                resources: [wanted("apps", "deployments"), wanted("", "pods")].into(),
            },
            Wish {
                tenant: "bolt".parse().unwrap(),
                namespaces: ["bolt".to_owned(), "kube-system".to_owned()].into(),
                resources: [
                    wanted("", "secrets"),
                    wanted("", "serviceaccounts/token"),
                    wanted("*", "things"),
                    wanted("", "pods"),
                    wanted("apps", "deployments"),
                ]
                .into(),
            },
        ],
    }
}

#[test]
fn it_is_complete() {
    assert_eq!(
        judge(&generate(&Wishes::default()).policy).iter().map(|m| m.message().en).collect::<Vec<_>>(),
        [""; 0]
    );
    assert_eq!(
        judge(&generate(&everything()).policy).iter().map(|m| m.message().en).collect::<Vec<_>>(),
        [""; 0]
    );
}

#[test]
fn no_rule_but_noise_leaves_out_anything_and_only_by_name() {
    for rule in generate(&everything()).policy.rules.iter().filter(|rule| rule.level == Level::None) {
        assert!(!rule.verbs.is_empty(), "{rule:?}");
        assert!(!rule.users.is_empty() || !rule.user_groups.is_empty(), "{rule:?}");
        let paths = !rule.non_resource_urls.is_empty();
        assert!(paths || !rule.resources.is_empty(), "{rule:?}");
        if paths {
            assert!(rule.verbs.iter().all(|verb| verb == "get" || verb == "head"), "{rule:?}");
        }
        for of in &rule.resources {
            let named = of.resources.iter().all(|resource| !resource.contains('*'));
            assert!(of.group != "*" && !of.resources.is_empty() && named, "{rule:?}");
            assert!(!of.resources.iter().any(|resource| resource.starts_with("secrets")), "{rule:?}");
        }
    }
}

#[test]
fn wishes_that_cannot_be_are_refused_by_name() {
    let Generated { policy, refused, .. } = generate(&everything());
    let told: Vec<(&str, &str)> = refused.iter().map(|r| (r.path.as_str(), r.given.as_str())).collect();
    assert_eq!(
        told,
        [
            ("tenants[bolt].resources", "secrets."),
            ("tenants[bolt].resources", "serviceaccounts/token."),
            ("tenants[bolt].resources", "things.*"),
            ("tenants[bolt].namespaces", "kube-system"),
        ]
    );
    // The same wish in several namespaces is one rule.
    let wished: Vec<&Rule> = policy.rules.iter().filter(|rule| !rule.namespaces.is_empty()).collect();
    assert_eq!(wished.len(), 1);
    assert_eq!(wished[0].namespaces, ["api", "bolt", "shop"]);
}

#[test]
fn refused_credentials_are_seen_wherever_they_are_tried() {
    let policy = generate(&Wishes::default()).policy;
    for path in ["/healthz", "/api", "/version", "/apis/apps/v1"] {
        let mut attributes =
            Attributes { user: None, groups: Vec::new(), verb: "get", target: Target::Path(path) };
        assert!(decide(&policy, &attributes).records(Stage::ResponseStarted), "{path}");
        (attributes.user, attributes.groups) = (Some("alice"), vec!["system:authenticated"]);
        assert_eq!(level(&policy, &attributes), Level::None, "{path}");
    }
    // A watch is written down at its end, a refused one at the only stage that it has.
    let target =
        Target::Resource { group: "", resource: "pods", subresource: "", namespace: "shop", name: "" };
    let mut attributes = Attributes { user: None, groups: Vec::new(), verb: "watch", target };
    assert!(decide(&policy, &attributes).records(Stage::ResponseStarted));
    (attributes.user, attributes.groups) = (Some("alice"), vec!["system:authenticated"]);
    let decision = decide(&policy, &attributes);
    assert!(!decision.records(Stage::ResponseStarted) && decision.records(Stage::ResponseComplete));
}

#[test]
fn the_file_is_read_back_as_it_was_meant_in_both_languages() {
    let generated = generate(&everything());
    for lang in [Lang::Fr, Lang::En] {
        let yaml = generated.yaml(lang);
        assert_eq!(parse(&yaml).unwrap(), Parsed { policy: generated.policy.clone(), ignored: Vec::new() });
        assert!(yaml.lines().all(|line| line.chars().count() <= 112), "{yaml}");
        assert!(
            yaml.contains("12.6.b") && yaml.contains(lang.str("jamais leur contenu", "never their content"))
        );
    }
    insta::assert_snapshot!(generated.yaml(Lang::En));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn everything_mandatory_is_there_whatever_is_wished(wishes in wishes(), asked in asked()) {
        let policy = generate(&wishes).policy;
        asked.with(|attributes| {
            let decision = decide(&policy, attributes);
            for kind in MANDATORY.iter().filter(|kind| kind.covers(attributes)) {
                prop_assert!(decision.level >= kind.least && decision.level <= kind.most, "{} {attributes:?}", kind.id);
            }
            if let Target::Resource { group, resource, subresource, .. } = attributes.target
                && BODIES.contains(&(group, resource, subresource))
            {
                prop_assert!(decision.level <= Level::Metadata);
            }
            prop_assert!(decision.level < Level::RequestResponse);
            Ok(())
        })?;
    }

    #[test]
    fn more_wishes_never_mean_less(a in wishes(), b in wishes(), asked in asked()) {
        let both = generate(&a.clone().join(b.clone())).policy;
        asked.with(|attributes| {
            let least = level(&generate(&a).policy, attributes).max(level(&generate(&b).policy, attributes));
            prop_assert!(level(&both, attributes) >= least);
            Ok(())
        })?;
    }

    #[test]
    fn joins_are_joins(a in wishes(), b in wishes(), c in wishes()) {
        let policy = |wishes: Wishes| generate(&wishes).policy;
        prop_assert_eq!(policy(a.clone().join(b.clone())), policy(b.clone().join(a.clone())));
        prop_assert_eq!(policy(a.clone().join(a.clone())), policy(a.clone()));
        let left = a.clone().join(b.clone()).join(c.clone());
        prop_assert_eq!(policy(left), policy(a.join(b.join(c))));
    }
}
