//! Each control says of its fixtures what they expect, and each set of fixtures catches a control that is wrong.

use crate::support::{self, Case, Fixture, catalogue, every, judge};
use serde_json::Value;
use snc_catalogue::{Catalogue, controls};
use snc_core::control::Control;
use snc_core::verdict::Verdict;
use std::collections::BTreeMap;

/// A control by its id, for `SNC_CONTROL=id cargo test -p snc-catalogue`.
fn chosen() -> Vec<(&'static Control, Fixture)> {
    let only = std::env::var("SNC_CONTROL").ok();
    let wanted =
        |control: &Control| only.as_ref().is_none_or(|only| only.split(',').any(|id| id == control.id));
    if let Some(only) = &only {
        assert!(controls().iter().any(wanted), "no control has the id {only}");
    }
    controls().iter().filter(|c| wanted(c)).map(|control| (control, support::fixture(control))).collect()
}

#[test]
fn controls_say_what_their_fixtures_expect() {
    let mut wrong = Vec::new();
    for (control, fixture) in chosen() {
        let catalogue = catalogue(control.clone());
        for case in &fixture.cases {
            if let Err(why) = holds(&catalogue, control, case) {
                wrong.push(format!("{}, {:?}: {why}", control.id, case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn holds(catalogue: &Catalogue, control: &Control, case: &Case) -> Result<(), String> {
    let found = judge(catalogue, control, case, &case.objects());
    let verdicts: BTreeMap<String, Verdict> =
        found.iter().map(|(subject, said)| (subject.clone(), said.0)).collect();
    let messages: Vec<&str> = found.values().map(|said| said.1.en.as_str()).collect();
    if verdicts != case.expected() {
        return Err(format!("expected {:?}, got {verdicts:?}, saying {messages:?}", case.expected()));
    }
    if let Some(paths) = &case.found {
        let found: Vec<&String> = found.values().flat_map(|said| &said.2).collect();
        if found != paths.iter().collect::<Vec<_>>() {
            return Err(format!("expected the paths {paths:?}, got {found:?}"));
        }
    }
    for said in found.values().filter(|said| matches!(said.0, Verdict::Fail | Verdict::Unknown)) {
        if said.1.fr.is_empty() || said.1.en.is_empty() {
            return Err(format!("nothing is said: {said:?}"));
        }
        if said.0 == Verdict::Fail && (said.1.fr == control.title.fr || said.1.en == control.title.en) {
            return Err("the message could not be made, and its title is said instead".to_owned());
        }
    }
    for part in case.says.all() {
        let in_both = |said: &(Verdict, snc_core::text::Text, Vec<String>)| {
            said.1.fr.contains(part) && said.1.en.contains(part)
        };
        if !found.values().any(in_both) {
            return Err(format!("expected {part:?} in both languages, got {found:?}"));
        }
    }
    Ok(())
}

/// That nobody told us of a scan does not prove that there was none.
const CANNOT_FAIL: &[&str] = &["image-scanned"];

#[test]
fn every_control_has_a_pass_a_fail_and_two_nasty_fixtures() {
    let mut wrong = Vec::new();
    for (control, fixture) in chosen() {
        let has =
            |wanted: Verdict| fixture.cases.iter().any(|case| case.expected().values().any(|v| *v == wanted));
        let nasty = fixture.cases.iter().filter(|case| case.nasty).count();
        let bad = if CANNOT_FAIL.contains(&control.id.as_str()) { Verdict::Unknown } else { Verdict::Fail };
        if !has(Verdict::Pass) || !has(bad) || nasty < 2 {
            wrong.push(format!(
                "{}: pass {}, fail {}, nasty {nasty}",
                control.id,
                has(Verdict::Pass),
                has(Verdict::Fail)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn fixtures_catch_three_mutants_of_every_control() {
    let mut alive = Vec::new();
    for (control, fixture) in chosen() {
        let mutants =
            if control.rule.is_some() { of_rule(control, &fixture) } else { of_check(control, &fixture) };
        for (what, caught) in mutants {
            if !caught {
                alive.push(format!("{}: {what}", control.id));
            }
        }
    }
    assert!(alive.is_empty(), "no fixture sees the difference:\n{}", alive.join("\n"));
}

/// The rule turned round; holding for one where it is to hold for all; looking at a field that is not there.
fn of_rule(control: &Control, fixture: &Fixture) -> Vec<(&'static str, bool)> {
    let rule = control.rule.clone().expect("a rule");
    let mut negated = rule.clone();
    negated.expect = format!("!({})", rule.expect);

    let mut looser = rule.clone();
    if let Some(each) = looser.each.as_deref() {
        let lists = if each == "containers" { "variables.allContainers" } else { each };
        looser.expect = format!("({lists}).exists(self, {})", rule.expect);
        looser.each = None;
    } else if rule.expect.contains(".all(") {
        looser.expect = rule.expect.replacen(".all(", ".exists(", 1);
    } else if rule.expect.contains("&&") {
        looser.expect = rule.expect.replacen("&&", "||", 1);
    } else {
        "true".clone_into(&mut looser.expect);
    }

    let mut blind = rule.clone();
    let last = rule.path.rsplit(['.', '}']).find(|part| !part.is_empty() && rule.expect.contains(part));
    blind.expect = match last {
        Some(last) => rule.expect.replace(last, "nowhere"),
        None => "true".to_owned(),
    };

    [("negated", negated), ("for one instead of all", looser), ("without its path", blind)]
        .into_iter()
        .map(|(what, mutant)| {
            let mut control = control.clone();
            control.rule = Some(mutant);
            // A mutant that does not compile could not be shipped.
            let caught = Catalogue::of([control.clone()]).map_or(true, |catalogue| {
                fixture.cases.iter().any(|case| differs(&catalogue, &control, case, &case.objects()))
            });
            (what, caught)
        })
        .collect()
}

/// Code is not changed here, its input is: verdicts turned round, lists cut to their first element, kinds left out.
fn of_check(control: &Control, fixture: &Fixture) -> Vec<(&'static str, bool)> {
    let catalogue = catalogue(control.clone());
    let turned = fixture.cases.iter().any(|case| {
        let expected = case.expected();
        expected.values().any(|v| *v == Verdict::Pass) || expected.values().any(|v| *v == Verdict::Fail)
    });
    // Where no object has a list of two, there is nothing to cut.
    let listless =
        fixture.cases.iter().flat_map(Case::objects).all(|object| first_of_lists(&object) == object);
    let cut = listless
        || fixture.cases.iter().any(|case| {
            let objects: Vec<Value> = case.objects().iter().map(first_of_lists).collect();
            differs(&catalogue, control, case, &objects)
        });
    let fewer = fixture.cases.iter().any(|case| {
        (0..case.objects.len()).any(|left_out| {
            let mut objects = case.objects();
            let gone = objects.remove(left_out);
            let gone = snc_catalogue::Object::new(gone).expect("an object").subject.to_string();
            let mut expected = case.expected();
            expected.remove(&gone);
            let found = judge(&catalogue, control, case, &objects);
            let found: BTreeMap<String, Verdict> =
                found.into_iter().map(|(subject, said)| (subject, said.0)).collect();
            found != expected
        })
    });
    let leaf = fixture.cases.iter().any(|case| {
        let without = case.objects().iter().map(without_specification).collect::<Vec<_>>();
        differs(&catalogue, control, case, &without)
    });
    vec![("turned round", turned), ("lists cut", cut), ("objects or fields left out", fewer || leaf)]
}

fn differs(catalogue: &Catalogue, control: &Control, case: &Case, objects: &[Value]) -> bool {
    let found = judge(catalogue, control, case, objects);
    let verdicts: BTreeMap<String, Verdict> =
        found.into_iter().map(|(subject, said)| (subject, said.0)).collect();
    verdicts != case.expected()
}

fn first_of_lists(value: &Value) -> Value {
    match value {
        Value::Array(list) => Value::Array(list.iter().take(1).map(first_of_lists).collect()),
        Value::Object(map) => map.iter().map(|(key, inner)| (key.clone(), first_of_lists(inner))).collect(),
        other => other.clone(),
    }
}

fn without_specification(value: &Value) -> Value {
    let kept = ["apiVersion", "kind", "metadata"];
    value.as_object().map_or_else(
        || value.clone(),
        |map| {
            map.iter()
                .filter(|(key, _)| kept.contains(&key.as_str()))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect()
        },
    )
}

#[test]
fn fixtures_belong_to_a_control() {
    let root = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut files: Vec<_> = std::fs::read_dir(root)
        .unwrap()
        .flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap())
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    let mut expected: Vec<_> =
        every().map(|(control, _)| support::folder(control).join(format!("{}.yaml", control.id))).collect();
    expected.sort();
    assert_eq!(files, expected);
}
