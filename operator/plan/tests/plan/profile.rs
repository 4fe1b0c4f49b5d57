//! Which parameters controls go by, and what is said of those that were refused.

use crate::support::{Cluster, unreadable};
use serde_json::{Value, json};
use snc_catalogue::Profile;
use snc_core::lang::Lang;
use snc_core::tier::Level;
use snc_plan::status::baseline_status;
use snc_plan::{cluster_profile, profile};

fn bits(value: &Value) -> Value {
    json!({"control": "certificate-key", "name": "minRsaBits", "value": value, "rationale": "beyond 2030"})
}

fn registries(list: &[&str]) -> Value {
    json!({"control": "image-registry", "name": "registries", "value": list, "rationale": "contract 7"})
}

fn cluster(baselines: &[(&str, Value)]) -> Cluster {
    let mut cluster = Cluster::default();
    cluster.tenant_with_labels(
        "shop",
        &json!({"level": "Standard", "namespaces": ["shop"]}),
        &json!({"tier": "gold"}),
    );
    for (name, spec) in baselines {
        cluster.baseline(name, spec);
    }
    cluster.namespace("shop");
    cluster.policy("shop", "p", &json!({}));
    cluster.settle("shop");
    cluster
}

fn of_shop(cluster: &Cluster) -> Profile {
    profile(&cluster.plan("shop").report.unwrap().effective)
}

fn value(profile: &Profile, control: &str, name: &str) -> Option<Value> {
    profile.parameters.get(control)?.get(name).cloned()
}

#[test]
fn a_namespace_goes_by_all_that_match_and_the_cluster_by_what_is_for_everybody() {
    let gold = json!({"matchLabels": {"tier": "gold"}});
    let other = json!({"matchLabels": {"tier": "iron"}});
    let cluster = cluster(&[
        ("all", json!({"parameters": [bits(&json!(3000)), registries(&["a.example", "b.example"])]})),
        ("all-too", json!({"tenantSelector": {}, "parameters": [registries(&["b.example", "c.example"])]})),
        ("gold", json!({"tenantSelector": gold, "parameters": [bits(&json!(4096))]})),
        ("iron", json!({"tenantSelector": other, "parameters": [bits(&json!(8192))]})),
    ]);
    let shop = of_shop(&cluster);
    assert_eq!(shop.level, Level::Standard);
    assert_eq!(value(&shop, "certificate-key", "minRsaBits"), Some(json!(4096)));
    assert_eq!(value(&shop, "image-registry", "registries"), Some(json!(["b.example"])));
    let whole = cluster_profile(&cluster.index);
    assert_eq!(whole.level, Level::Avance);
    assert_eq!(value(&whole, "certificate-key", "minRsaBits"), Some(json!(3000)));
    assert_eq!(value(&whole, "image-registry", "registries"), Some(json!(["b.example"])));
}

#[test]
fn nothing_in_common_accepts_nothing() {
    let cluster = cluster(&[
        ("a", json!({"parameters": [registries(&["a.example"])]})),
        ("b", json!({"parameters": [registries(&["b.example"])]})),
    ]);
    assert_eq!(value(&of_shop(&cluster), "image-registry", "registries"), Some(json!(["∅"])));
    assert_eq!(value(&cluster_profile(&cluster.index), "image-registry", "registries"), Some(json!(["∅"])));
    let status = baseline_status(&cluster.index, &cluster.settings, &cluster.sncb("a"), cluster.now);
    assert_eq!(status.conditions[0].reason, "BaselineConflict");
    assert!(status.conditions[0].message.contains("image-registry.registries"), "{:?}", status.conditions[0]);
}

#[test]
fn who_asked_is_told_with_the_value() {
    let cluster = cluster(&[("all", json!({"parameters": [bits(&json!(4096))]}))]);
    let report = cluster.plan("shop").report.unwrap();
    let row = report.effective.constraints.in_force().pop().unwrap();
    assert_eq!((row.field.as_str(), row.value.as_str()), ("parameters[certificate-key.minRsaBits]", "4096"));
    assert_eq!(row.from, ["SncBaseline/all"]);
}

#[test]
fn what_is_refused_leaves_the_default_and_is_reported() {
    for (lang, accepted) in
        [(Lang::Fr, "un entier de 2048 à 8192"), (Lang::En, "a whole number from 2048 to 8192")]
    {
        let mut cluster =
            cluster(&[("all", json!({"parameters": [bits(&json!(512)), registries(&["a.example"])]}))]);
        cluster.settings.lang = lang;
        let shop = of_shop(&cluster);
        assert_eq!(value(&shop, "certificate-key", "minRsaBits"), None);
        assert_eq!(
            value(&shop, "image-registry", "registries"),
            Some(json!(["a.example"])),
            "the others go on"
        );
        let status = baseline_status(&cluster.index, &cluster.settings, &cluster.sncb("all"), cluster.now);
        let condition = &status.conditions[0];
        assert_eq!((condition.status.as_str(), condition.reason.as_str()), ("False", "FieldsRefused"));
        assert!(condition.message.contains("spec.parameters[0].value"), "{}", condition.message);
        assert!(
            condition.message.contains("512") && condition.message.contains(accepted),
            "{}",
            condition.message
        );
    }
}

#[test]
fn what_can_be_read_no_more_or_is_gone_stays_in_force() {
    let baselines = [("all", json!({"parameters": [bits(&json!(4096))]}))];
    let mut lost = cluster(&baselines);
    lost.set_baseline("all", Some(unreadable("all")));
    let mut gone = cluster(&baselines);
    gone.set_baseline("all", None);
    for cluster in [lost, gone] {
        assert_eq!(value(&of_shop(&cluster), "certificate-key", "minRsaBits"), Some(json!(4096)));
        assert_eq!(
            value(&cluster_profile(&cluster.index), "certificate-key", "minRsaBits"),
            Some(json!(4096))
        );
    }
}

#[test]
fn another_baseline_in_its_place_is_what_holds() {
    let mut cluster = cluster(&[("all", json!({"parameters": [bits(&json!(4096))]}))]);
    cluster.baseline("new", &json!({"parameters": [bits(&json!(3072))]}));
    cluster.set_baseline("all", None);
    assert_eq!(value(&cluster_profile(&cluster.index), "certificate-key", "minRsaBits"), Some(json!(3072)));
}
