//! The catalogue is whole.

use snc_catalogue::{Catalogue, chapters, controls, requirements};
use snc_core::control::{Control, Origin};
use snc_core::requirement::{Automation, Requirement};
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn all_287_requirements_are_there_chapter_by_chapter() {
    let expected = [
        ("5", 15),
        ("6", 13),
        ("7", 12),
        ("8", 8),
        ("9", 34),
        ("10", 20),
        ("11", 42),
        ("12", 37),
        ("13", 8),
        ("14", 12),
        ("15", 9),
        ("16", 14),
        ("17", 7),
        ("18", 11),
        ("19", 36),
        ("A2", 9),
    ];
    let found: Vec<(&str, usize)> =
        chapters().iter().map(|chapter| (chapter.chapter.as_str(), chapter.requirements.len())).collect();
    assert_eq!(found, expected);
    assert_eq!(requirements().count(), 287);
    let ids: BTreeSet<&str> = requirements().map(|requirement| requirement.id.as_str()).collect();
    assert_eq!(ids.len(), 287, "an id is there twice");
}

/// Within a section the letters follow each other from `a` on.
#[test]
fn no_letter_is_missing() {
    let mut sections: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for requirement in requirements() {
        let (section, letter) = requirement.id.rsplit_once('.').expect("section.letter");
        assert_eq!(section, requirement.section, "{}", requirement.id);
        sections.entry(section).or_default().push(letter);
    }
    for (section, letters) in sections {
        let expected: Vec<String> = ('a'..).take(letters.len()).map(String::from).collect();
        assert_eq!(letters, expected, "section {section}");
    }
}

#[test]
fn requirements_are_whole() {
    let whole = |requirement: &Requirement| {
        let texts = [&requirement.summary, &requirement.section_title];
        texts
            .into_iter()
            .chain(&requirement.evidence)
            .all(|t| !t.fr.trim().is_empty() && !t.en.trim().is_empty())
            && !requirement.levels.is_empty()
            && !requirement.evidence.is_empty()
            && requirement.review_period.is_some() == requirement.review_source.is_some()
            && requirement.iso27001.iter().all(|control| is_annex_a(control))
    };
    let wanting: Vec<&str> = requirements().filter(|r| !whole(r)).map(|r| r.id.as_str()).collect();
    assert!(wanting.is_empty(), "{wanting:?}");
    let automation = |wanted| requirements().filter(|r| r.automation == wanted).count();
    assert_eq!(
        (automation(Automation::Auto), automation(Automation::Assisted), automation(Automation::Attested)),
        (14, 128, 145)
    );
}

/// ISO/IEC 27001:2022, Annex A: 37, 8, 14 and 34 controls.
fn is_annex_a(control: &str) -> bool {
    let parts: Vec<&str> = control.split('.').collect();
    let [letter, theme, number] = parts[..] else { return false };
    let most = match theme {
        "5" => 37,
        "6" => 8,
        "7" => 14,
        "8" => 34,
        _ => 0,
    };
    letter == "A" && number.parse().is_ok_and(|number: u32| (1..=most).contains(&number))
}

#[test]
fn controls_are_whole_and_compile() {
    // A file that does not fit leaves none at all.
    assert!(controls().len() >= 190, "{}", controls().len());
    let known: BTreeSet<&str> = requirements().map(|requirement| requirement.id.as_str()).collect();
    for control in controls() {
        let Control { id, title, boundary, remediation, requirements, parameters, .. } = control;
        for text in [
            &title.fr,
            &title.en,
            &boundary.fr,
            &boundary.en,
            &remediation.fr,
            &remediation.en,
            &remediation.snippet,
        ] {
            assert!(!text.trim().is_empty(), "{id}: a text is empty");
        }
        assert_ne!(title.fr, title.en, "{id}");
        assert!(!title.fr.ends_with('.') && !title.en.ends_with('.'), "{id}: titles have no full stop");
        assert!(
            !requirements.is_empty() && requirements.iter().all(|r| known.contains(r.as_str())),
            "{id}: {requirements:?}"
        );
        assert!(id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{id}");
        for parameter in parameters {
            assert!(
                !parameter.about.fr.is_empty() && !parameter.about.en.is_empty(),
                "{id}: {}",
                parameter.name
            );
            assert!(
                parameter.default.is_i64() == parameter.bounds.is_some(),
                "{id}: {}: numbers have bounds",
                parameter.name
            );
            if let (Some(bounds), Some(default)) = (parameter.bounds, parameter.default.as_i64()) {
                assert!(bounds.min <= default && default <= bounds.max, "{id}: {}", parameter.name);
            }
            assert!(Origin::ALL.contains(&parameter.source));
        }
        if control.critical {
            assert!(
                control.rule.is_some(),
                "{id}: only a rule on one object can hold by the API server alone"
            );
        }
    }
    Catalogue::built_in().unwrap_or_else(|error| panic!("{error}"));
}

/// The field and the text agree: a rule that has it is asked of no other pod, and would be silent of one that it is for.
#[test]
fn rules_for_a_component_ask_for_one() {
    let mut found = 0;
    for control in controls() {
        let Some(rule) = &control.rule else { continue };
        let asks = rule.applies.as_deref().is_some_and(asks_for_a_component);
        assert_eq!(rule.component, asks, "{}: {:?}", control.id, rule.applies);
        found += usize::from(asks);
    }
    assert!(found > 0);
}

/// Whether this is false of what runs no component of a control plane, whatever else it asks: such rules are many,
/// and such pods few.
fn asks_for_a_component(applies: &str) -> bool {
    let first = applies.split("&&").next().unwrap_or_default().trim();
    let named =
        |rest: &str| rest.split_once('\'').is_some_and(|(_, rest)| rest == " in variables.components");
    let some = |rest: &str| rest.ends_with(')') && !rest.contains('(');
    let asks = first.strip_prefix('\'').is_some_and(named)
        || first.strip_prefix("variables.components.exists(").is_some_and(some);
    asks && !applies.contains("||") && !applies.contains('?')
}

#[test]
fn only_what_is_false_without_a_component_asks_for_one() {
    for yes in [
        "'etcd' in variables.components",
        "'etcd' in variables.components && variables.flags.exists(f, f == 'a')",
        "variables.components.exists(c, c in ['a', 'b']) && !('c' in variables.components)",
    ] {
        assert!(asks_for_a_component(yes), "{yes}");
    }
    for no in [
        "!('etcd' in variables.components)",
        "'etcd' in variables.components == false",
        "'etcd' in variables.components || true",
        "'etcd' in variables.components ? false : true",
        "variables.components.exists(c, c == 'a') == (false)",
        "variables.components.all(c, c == 'a')",
        "true && 'etcd' in variables.components",
    ] {
        assert!(!asks_for_a_component(no), "{no}");
    }
}
