//! The name of the image, as users give it and as container runtimes know it.

use anyhow::{Result, bail};

/// A repository without tag and digest: those are the release's to give.
pub(super) fn check(repository: &str) -> Result<()> {
    let last = repository.rsplit('/').next().unwrap_or_default();
    let character = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/:".contains(c);
    let plain = repository.chars().all(character) && repository.split('/').all(|part| !part.is_empty());
    if !plain || last.contains(':') {
        bail!(
            "--image {repository:?}: accepted is a repository without tag and digest, in lower case, for example \
             registry.example:5000/secnumcloud/snc-operator"
        );
    }
    Ok(())
}

/// With the registry that container runtimes put before a name that has none.
pub(super) fn full(repository: &str) -> String {
    match repository.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => repository.to_owned(),
        Some(_) => format!("docker.io/{repository}"),
        None => format!("docker.io/library/{repository}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_completed_as_containerd_does() {
        for (given, wanted) in [
            ("snc-operator", "docker.io/library/snc-operator"),
            ("team/snc-operator", "docker.io/team/snc-operator"),
            ("localhost/snc-operator", "localhost/snc-operator"),
            ("registry.example:5000/snc", "registry.example:5000/snc"),
        ] {
            check(given).unwrap();
            assert_eq!(full(given), wanted);
        }
    }

    #[test]
    fn tags_digests_and_what_is_no_name_are_refused() {
        for given in ["snc-operator:1", "a/b:1", "snc@sha256:ab", "Snc", "", "a//b", "/a", "a b"] {
            assert!(check(given).unwrap_err().to_string().contains("--image"), "{given}");
        }
    }
}
