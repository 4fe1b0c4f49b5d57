//! What holds is never weaker than what anybody asked for, and nobody's name decides.

use crate::support::{Cluster, read};
use ipnet::IpNet;
use proptest::prelude::*;
use serde_json::{Value, json};
use snc_core::parameters::{NOTHING, Setting, Tailored};
use snc_core::policy::Constraints;
use snc_core::quantity::Amount;
use snc_core::tier::{Environment, Level, Mode};
use snc_plan::validate::{baseline, policy, tenant};

fn level() -> impl Strategy<Value = Value> {
    prop::option::of(prop::sample::select(Level::ALL)).prop_map(|l| l.map_or(Value::Null, |l| json!(l)))
}

fn modes() -> impl Strategy<Value = Value> {
    let mode = || {
        prop::option::of(prop::sample::select(Mode::ALL)).prop_map(|m| m.map_or(Value::Null, |m| json!(m)))
    };
    (mode(), mode(), mode(), mode(), mode()).prop_map(
        |(a, b, c, d, e)| json!({"isolation": a, "podSecurity": b, "quota": c, "workloads": d, "images": e}),
    )
}

fn quota() -> impl Strategy<Value = Value> {
    let amount = 0u32..20;
    prop::collection::btree_map(
        prop::sample::select(vec!["pods", "requests.cpu", "limits.memory"]),
        amount,
        0..3,
    )
    .prop_map(|m| json!(m))
}

fn blocks() -> impl Strategy<Value = Vec<String>> {
    let block = (0u8..4, 8u8..12).prop_map(|(a, len)| format!("{}.0.0.0/{len}", 8 + a * 4));
    let clean =
        block.prop_filter_map("clean", |text| Some(text.parse::<IpNet>().unwrap().trunc().to_string()));
    prop::collection::vec(clean, 0..3)
}

fn parameters() -> impl Strategy<Value = Value> {
    let hosts = || prop::collection::btree_set(prop::sample::select(vec!["a.example", "b.example"]), 0..3);
    let entry = |control: &str, name: &str, value: Value| json!({"control": control, "name": name, "value": value, "rationale": "on purpose"});
    (prop::option::of(hosts()), prop::option::of(2048..2052), prop::option::of(any::<bool>())).prop_map(
        move |(hosts, bits, rotates)| {
            let mut all = Vec::new();
            all.extend(hosts.map(|list| entry("image-registry", "registries", json!(list))));
            all.extend(bits.map(|bits| entry("certificate-key", "minRsaBits", json!(bits))));
            all.extend(rotates.map(|flag| entry("certificate-key-kept", "rotatesByDefault", json!(flag))));
            json!(all)
        },
    )
}

fn baselines() -> impl Strategy<Value = Value> {
    let services =
        prop::option::of(prop::collection::btree_set(prop::sample::select(vec!["db", "mail", "logs"]), 0..3));
    (level(), modes(), quota(), prop::option::of(blocks()), blocks(), services, parameters()).prop_map(|(level, modes, quota, allowed, denied, services, parameters)| {
        let services = services.map(|names| {
            let service = |name| json!({"name": name, "direction": "Egress", "namespace": "platform", "ports": [{"port": 1}], "justification": "shared"});
            names.into_iter().map(service).collect::<Vec<_>>()
        });
        json!({
            "level": level, "modes": modes, "quota": quota, "parameters": parameters,
            "network": {"allowedCIDRs": allowed, "deniedCIDRs": denied, "sharedServices": services},
        })
    })
}

fn policies() -> impl Strategy<Value = Value> {
    let environment = prop::option::of(prop::sample::select(Environment::ALL));
    let audit = prop::option::of((184u32..=190).prop_map(|days| json!({"retentionDays": days})));
    (level(), modes(), quota(), environment, audit)
        .prop_map(|(level, modes, quota, environment, audit)| json!({"level": level, "modes": modes, "quota": quota, "environment": environment, "audit": audit}))
}

/// Values without where they came from.
fn values(c: &Constraints) -> Value {
    json!({
        "level": c.level(), "isolation": c.isolation(), "podSecurity": c.pod_security(), "quotaMode": c.quota_mode(),
        "workloads": c.workloads(), "images": c.images(),
        "environment": c.environment.value(), "sensitivity": c.sensitivity.value(), "audit": c.audit_retention.value(),
        "quota": c.quota.iter().map(|(r, a, _)| format!("{r}={a}")).collect::<Vec<_>>(),
        "allowed": c.allowed_blocks.blocks().map(|b| b.iter().map(ToString::to_string).collect::<Vec<_>>()),
        "denied": c.denied_blocks.blocks().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "services": c.shared_services.is_constrained().then(|| c.shared_services.entries().map(|s| s.name.clone()).collect::<Vec<_>>()),
        "parameters": c.parameters.iter().map(|(key, one)| format!("{key}={}", one.value())).collect::<Vec<_>>(),
        "conflicts": c.conflicts().iter().map(|c| c.field.clone()).collect::<Vec<_>>(),
    })
}

fn cluster(level: Level, baselines: &[(String, Value)], policies: &[(String, Value)]) -> Cluster {
    let mut cluster = Cluster::default();
    cluster.namespace("shop");
    cluster.tenant("shop", &json!({"level": level, "namespaces": ["shop"], "sensitivity": "Sensitive"}));
    for (name, spec) in baselines {
        cluster.baseline(name, spec);
    }
    for (name, spec) in policies {
        cluster.policy("shop", name, spec);
    }
    cluster
}

fn named(prefix: &str, specs: &[Value], order: &[usize]) -> Vec<(String, Value)> {
    specs
        .iter()
        .enumerate()
        .map(|(i, spec)| (format!("{prefix}{}", order[i % order.len()] * 10 + i), spec.clone()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_weaker_than_any_contributor(
        level in prop::sample::select(Level::ALL),
        bs in prop::collection::vec(baselines(), 0..3),
        ps in prop::collection::vec(policies(), 0..4),
        probe in (0u8..64, 8u8..32),
    ) {
        let cluster = cluster(level, &named("b", &bs, &[0]), &named("p", &ps, &[0]));
        let held = cluster.plan("shop").report.unwrap().effective.constraints;
        let probe: IpNet = format!("{}.0.0.0/{}", probe.0, probe.1).parse::<IpNet>().unwrap().trunc();
        let mut contributors: Vec<Constraints> = bs.iter().map(|b| baseline("x", &read(b.clone()), &mut Vec::new())).collect();
        contributors.extend(ps.iter().map(|p| policy("x", &read(p.clone()), &Constraints::default(), &mut Vec::new())));
        contributors.push(tenant("shop", &read(json!({"level": level}))));
        for one in &contributors {
            prop_assert!(held.level() >= one.level());
            prop_assert!(held.isolation() >= one.isolation());
            prop_assert!(held.pod_security() >= one.pod_security());
            prop_assert!(held.quota_mode() >= one.quota_mode());
            prop_assert!(held.workloads() >= one.workloads());
            prop_assert!(held.images() >= one.images());
            prop_assert!(held.environment.value() >= one.environment.value());
            prop_assert!(held.audit_retention.value() >= one.audit_retention.value());
            for (resource, amount, _) in one.quota.iter() {
                prop_assert!(held.quota.get(resource).is_some_and(|h| h <= amount));
            }
            prop_assert!(one.allowed_blocks.allows(&probe) || !held.allowed_blocks.allows(&probe));
            let denies = |c: &Constraints| c.denied_blocks.blocks().iter().any(|d| snc_core::cidr::within(&probe, d));
            prop_assert!(!denies(one) || denies(&held));
            for (key, asked) in one.parameters.iter() {
                let held = held.parameters.get(&key.control, &key.name).map(Tailored::value);
                let stricter = match (&held, asked.value()) {
                    (Some(Setting::List(held)), Setting::List(asked)) => held.is_subset(&asked) || held.iter().eq([NOTHING]),
                    (Some(Setting::Integer(held)), Setting::Integer(asked)) => *held >= asked,
                    (Some(Setting::Flag(held)), Setting::Flag(asked)) => *held <= asked,
                    _ => false,
                };
                prop_assert!(stricter, "{key}: {held:?}");
            }
            if one.shared_services.is_constrained() {
                let offered: Vec<_> = one.shared_services.entries().collect();
                prop_assert!(held.shared_services.is_constrained());
                prop_assert!(held.shared_services.entries().all(|s| offered.contains(&s)));
            }
        }
    }

    #[test]
    fn neither_order_nor_names_decide(
        level in prop::sample::select(Level::ALL),
        bs in prop::collection::vec(baselines(), 0..3),
        ps in prop::collection::vec(policies(), 0..4),
        renamed in Just(vec![3usize, 1, 2, 0]).prop_shuffle(),
    ) {
        let (plain_bs, plain_ps) = (named("b", &bs, &[0]), named("p", &ps, &[0]));
        let first = cluster(level, &plain_bs, &plain_ps);
        let reversed: Vec<_> = plain_ps.iter().rev().cloned().collect();
        let second = cluster(level, &plain_bs.iter().rev().cloned().collect::<Vec<_>>(), &reversed);
        let third = cluster(level, &named("b", &bs, &renamed), &named("p", &ps, &renamed));
        let of = |cluster: &Cluster| cluster.plan("shop").report.unwrap();
        prop_assert_eq!(values(&of(&first).effective.constraints), values(&of(&third).effective.constraints));
        prop_assert_eq!(&of(&first).effective.constraints, &of(&second).effective.constraints, "sources too");
        prop_assert_eq!(of(&first).share, of(&third).share);
    }

    /// A policy more opens only what it declares: nothing that another one asked for gets wider.
    #[test]
    fn one_more_policy_never_weakens(
        level in prop::sample::select(Level::ALL), bs in prop::collection::vec(baselines(), 0..3),
        ps in prop::collection::vec(policies(), 0..3), more in policies(),
    ) {
        let (bs, mut ps) = (named("b", &bs, &[0]), named("p", &ps, &[0]));
        let before = cluster(level, &bs, &ps).plan("shop").report.unwrap();
        ps.push(("zz".to_owned(), more));
        let after = cluster(level, &bs, &ps).plan("shop").report.unwrap();
        let (a, b) = (&before.effective.constraints, &after.effective.constraints);
        prop_assert!(b.level() >= a.level() && b.isolation() >= a.isolation() && b.quota_mode() >= a.quota_mode());
        prop_assert!(b.workloads() >= a.workloads() && b.images() >= a.images());
        prop_assert!(b.audit_retention.value() >= a.audit_retention.value());
        prop_assert!(after.enforced || !before.enforced);
        let none = Amount::ZERO;
        for (resource, amount) in &before.share.hard {
            prop_assert!(after.share.hard.get(resource).copied().unwrap_or(none) <= *amount);
        }
        prop_assert_eq!(&before.effective.floors, &after.effective.floors, "the floors are the platform's");
    }
}
