//! What container runtimes report of the image that runs.

use super::digest::Digest;

/// The digest in a container's `imageID`: of an index, of a manifest, or of a configuration. containerd and CRI-O write
/// `registry/repository@sha256:…`, and the configuration alone of an image that came without a registry: containerd with
/// `sha256:`, CRI-O without. Docker puts `docker-pullable://` or `docker://` before it.
pub fn digest_of_running(image_id: &str) -> Option<Digest> {
    let rest = image_id.split_once("://").map_or(image_id, |(_, rest)| rest);
    let last = rest.rsplit_once('@').map_or(rest, |(_, digest)| digest);
    Digest::parse(last).or_else(|| Digest::parse(&format!("sha256:{last}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[rstest]
    #[case("docker.io/library/nginx@sha256:{}", true)]
    #[case("sha256:{}", true)]
    #[case("{}", true)]
    #[case("docker-pullable://r.example/app@sha256:{}", true)]
    #[case("docker://sha256:{}", true)]
    #[case("r.example/app:1.2", false)]
    #[case("", false)]
    #[case("docker://{}0", false)]
    fn each_runtime_has_its_own_way(#[case] form: &str, #[case] known: bool) {
        let found = digest_of_running(&form.replace("{}", HEX));
        assert_eq!(found.is_some(), known, "{form}");
        assert!(found.is_none_or(|digest| digest.hex() == HEX));
    }
}
