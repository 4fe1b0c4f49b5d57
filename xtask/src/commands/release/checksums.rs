//! Digests of the files, and where two releases differ.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

/// Files by their names.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// In hexadecimal.
pub(super) fn sha256(content: &[u8]) -> String {
    crate::image::digest(content).replacen("sha256:", "", 1)
}

/// As `sha256sum` writes it and `sha256sum --check` reads it.
pub(super) fn list(files: &Files) -> String {
    files.iter().fold(String::new(), |mut text, (name, content)| {
        let _ = writeln!(text, "{}  {name}", sha256(content));
        text
    })
}

/// Names of the files that are not the same in both.
pub(super) fn differences(one: &Files, other: &Files) -> Vec<String> {
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    names
        .into_iter()
        .filter_map(|name| match (one.get(name), other.get(name)) {
            (Some(one), Some(other)) if one == other => None,
            (Some(one), Some(other)) => Some(format!("{name}: {} and {}", sha256(one), sha256(other))),
            (Some(_), None) => Some(format!("{name}: in the first build only")),
            _ => Some(format!("{name}: in the second build only")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, process::Command};

    fn files(all: &[(&str, &str)]) -> Files {
        all.iter().map(|&(name, content)| (name.to_owned(), content.into())).collect()
    }

    /// Of coreutils, as every Linux has it.
    #[test]
    fn sha256sum_accepts_the_list_and_sees_a_change() {
        let dir = tempfile::tempdir().unwrap();
        let files = files(&[("a.tar", "a"), ("snc b", "b")]);
        for (name, content) in &files {
            fs::write(dir.path().join(name), content).unwrap();
        }
        fs::write(dir.path().join("checksums.txt"), list(&files)).unwrap();
        let check = || {
            let mut command = Command::new("sha256sum");
            command.args(["--check", "--strict", "checksums.txt"]).current_dir(dir.path()).output().unwrap()
        };
        assert!(check().status.success(), "{:?}", check());
        fs::write(dir.path().join("a.tar"), "b").unwrap();
        assert!(!check().status.success());
    }

    #[test]
    fn differences_are_named() {
        let one = files(&[("a", "1"), ("b", "1"), ("c", "1")]);
        let other = files(&[("a", "1"), ("b", "2"), ("d", "1")]);
        let found = differences(&one, &other);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].starts_with("b: ") && found[1].starts_with("c: ") && found[2].starts_with("d: "));
        assert!(differences(&one, &one).is_empty());
    }
}
