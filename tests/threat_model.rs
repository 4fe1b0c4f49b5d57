//! Each test that docs/threat-model.md names is one that there is.

#![allow(clippy::unwrap_used, reason = "a helper of tests is a test")]

use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// What is between backticks and of the form `target: name`.
fn named(text: &str) -> Vec<(&str, &str)> {
    text.split('`').skip(1).step_by(2).filter_map(|code| code.split_once(": ")).collect()
}

fn source(target: &str) -> String {
    let tests = Path::new(ROOT).join("e2e/tests");
    let candidates: [PathBuf; 2] = [tests.join(target).join("main.rs"), tests.join(format!("{target}.rs"))];
    candidates.iter().find_map(|path| fs::read_to_string(path).ok()).unwrap_or_default()
}

#[test]
fn every_test_that_is_named_exists() {
    let text = fs::read_to_string(Path::new(ROOT).join("docs/threat-model.md")).unwrap();
    let named = named(&text);
    assert!(named.len() > 30, "{named:?}");
    let missing: Vec<_> = named
        .iter()
        .filter(|(target, name)| {
            let source = source(target);
            !source.contains(&format!("\"{name}\"")) && !source.contains(&format!("fn {name}("))
        })
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_name_that_is_wrong_is_noticed() {
    assert_eq!(named("a `webhook: x` b `c` d"), [("webhook", "x")]);
    assert!(
        source("webhook").contains("fn main()") && source("kill").contains("fn ") && source("no").is_empty()
    );
}
