//! The guards as an administrator reads them, in both languages.

#![allow(clippy::unwrap_used, reason = "a helper of tests is a test")]

use snc_core::lang::Lang;
use snc_plan::guards::{Identity, guards};

fn yaml(lang: Lang) -> String {
    let identity = Identity::new("snc-system", "snc-controller");
    guards(&identity, lang)
        .iter()
        .flat_map(|g| {
            let bindings = g.bindings.iter().map(|b| serde_json::to_value(b).unwrap());
            std::iter::once(serde_json::to_value(&g.policy).unwrap()).chain(bindings).collect::<Vec<_>>()
        })
        .map(|object| serde_saphyr::to_string(&object).unwrap())
        .fold(String::new(), |text, object| text + "---\n" + &object)
}

#[test]
fn guards_in_french() {
    insta::assert_snapshot!(yaml(Lang::Fr));
}

#[test]
fn guards_in_english() {
    insta::assert_snapshot!(yaml(Lang::En));
}

/// What the operator may write by name in its ClusterRole is what it writes.
#[test]
fn the_chart_names_every_guard() {
    let role = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../charts/snc-operator/templates/rbac-controller.yaml"
    ))
    .unwrap();
    let identity = Identity::new("snc-system", "snc-controller");
    for guard in guards(&identity, Lang::Fr) {
        let name = guard.policy.metadata.name.unwrap();
        assert!(role.contains(&name), "{name} is missing from the ClusterRole");
        for binding in guard.bindings {
            let name = binding.metadata.name.unwrap();
            assert!(role.contains(&name), "{name} is missing from the ClusterRole");
        }
    }
}
