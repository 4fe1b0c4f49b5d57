//! How the artifacts came to be: an in-toto statement with SLSA's predicate, said by whoever ran the command.

use super::source::Source;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const BUILD_TYPE: &str = "https://secnumcloud.dev/release/cargo-xtask-release/v1";
/// Names no service that anybody vouches for: any machine can say this of itself.
pub(super) const BUILDER: &str = "https://secnumcloud.dev/release/builder/self-declared";

const CLAIM: &str = "Said by whoever ran the command, on a machine of theirs. Claims no SLSA level. \
                     Proves who said it only where a signature of this file verifies.";

pub(super) struct Made<'a> {
    pub(super) source: &'a Source,
    /// SHA-256, in hexadecimal.
    pub(super) lock_file: &'a str,
    /// What the command was asked for, by the names of its options.
    pub(super) parameters: Value,
    pub(super) builder: &'a str,
    /// What it used: name to what that says of itself.
    pub(super) tools: &'a BTreeMap<String, String>,
}

/// `subjects`: name to SHA-256.
pub(super) fn statement(made: &Made<'_>, subjects: &BTreeMap<String, String>) -> Value {
    let subjects: Vec<Value> = subjects
        .iter()
        .map(|(name, sha256)| json!({ "name": name, "digest": { "sha256": sha256 } }))
        .collect();
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects,
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": made.parameters,
                "internalParameters": { "claim": CLAIM, "uncommittedChanges": made.source.changed },
                "resolvedDependencies": [
                    { "name": "source", "digest": { "gitCommit": made.source.revision } },
                    { "name": "Cargo.lock", "digest": { "sha256": made.lock_file } },
                ],
            },
            "runDetails": { "builder": { "id": made.builder, "version": made.tools } },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn said(changed: bool) -> Value {
        let source = Source {
            root: PathBuf::from("/home/somebody"),
            target_dir: PathBuf::from("/home/somebody/target"),
            revision: "ab".repeat(20),
            epoch: "1".to_owned(),
            changed,
        };
        let made = Made {
            source: &source,
            lock_file: "cd",
            parameters: json!({ "profile": "ci" }),
            builder: BUILDER,
            tools: &[("rustc".to_owned(), "1.95.0".to_owned())].into(),
        };
        statement(&made, &[("b".to_owned(), "02".to_owned()), ("a".to_owned(), "01".to_owned())].into())
    }

    #[test]
    fn it_is_a_statement_of_slsa_about_every_artifact() {
        let said = said(false);
        assert_eq!(said["_type"], "https://in-toto.io/Statement/v1");
        assert_eq!(said["predicateType"], "https://slsa.dev/provenance/v1");
        let digest = |name: &str, sha256: &str| json!({ "name": name, "digest": { "sha256": sha256 } });
        assert_eq!(said["subject"], json!([digest("a", "01"), digest("b", "02")]));
        let definition = &said["predicate"]["buildDefinition"];
        assert_eq!(definition["resolvedDependencies"][0]["digest"]["gitCommit"], "ab".repeat(20));
        assert_eq!(definition["externalParameters"]["profile"], "ci");
        assert_eq!(said["predicate"]["runDetails"]["builder"]["id"], BUILDER);
    }

    #[test]
    fn it_does_not_hide_changes_that_no_commit_has_and_tells_no_path() {
        let definition = |said: Value| said["predicate"]["buildDefinition"]["internalParameters"].clone();
        assert_eq!(definition(said(true))["uncommittedChanges"], true);
        assert_eq!(definition(said(false))["uncommittedChanges"], false);
        assert!(!said(true).to_string().contains("somebody"));
    }
}
