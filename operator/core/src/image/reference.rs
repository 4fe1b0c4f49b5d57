//! Names of images, as pods write them and as container runtimes report them.

use super::digest::Digest;

/// Whether a text is `host[:port][/folder]`, and names the host itself, as references do once they are read.
pub fn is_place(text: &str) -> bool {
    let host = text.split('/').next().unwrap_or_default();
    Reference::parse(&format!("{text}/x"))
        .is_some_and(|read| read.registry == host && read.tag.is_none() && read.digest.is_none())
}

/// `registry/repository[:tag][@digest]`, the registry always named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    pub registry: String,
    pub repository: String,
    pub tag: Option<String>,
    pub digest: Option<Digest>,
}

const HUB: &str = "docker.io";

impl Reference {
    /// As the container runtimes read it: without a host it is Docker Hub's, and there one word alone is of `library`.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(Digest::parse(digest)?)),
            None => (text, None),
        };
        let (host, path) = match name.split_once('/') {
            Some((first, rest)) if is_host(first) => (first, rest),
            _ => (HUB, name),
        };
        let (path, tag) = match path.rsplit_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (path, None),
        };
        let host = if host == "index.docker.io" { HUB } else { host };
        let repository =
            if host == HUB && !path.contains('/') { format!("library/{path}") } else { path.to_owned() };
        let good =
            is_registry(host) && is_repository(&repository) && tag.is_none_or(is_tag) && text.len() <= 1024;
        good.then(|| Self { registry: host.to_owned(), repository, tag: tag.map(ToOwned::to_owned), digest })
    }

    /// Without tag and digest.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// With its tag, without a digest.
    pub fn tagged(&self) -> String {
        format!("{}:{}", self.name(), self.tag.as_deref().unwrap_or("latest"))
    }

    /// Whether a registry, or a folder of one, holds it. `r.example/shop` holds `r.example/shop/app`, not
    /// `r.example/shopping`.
    pub fn is_within(&self, place: &str) -> bool {
        let place = place.trim_end_matches('/');
        let name = self.name();
        !place.is_empty()
            && name.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

fn is_host(text: &str) -> bool {
    text == "localhost" || text.contains(['.', ':']) || text.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn is_registry(text: &str) -> bool {
    let address = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (host, port) = if let Some((address, rest)) = address {
        let is_address = address.parse::<std::net::Ipv6Addr>().is_ok();
        (is_address, rest.strip_prefix(':').or(rest.is_empty().then_some("1")))
    } else {
        let (host, port) = text.split_once(':').unwrap_or((text, "1"));
        let is_label = |label: &str| {
            !label.is_empty()
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        (host.split('.').all(is_label), Some(port))
    };
    host && port
        .is_some_and(|port| port.parse::<u16>().is_ok() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Parts of lower case letters and digits, between them `.`, `_`, `__` or dashes.
fn is_repository(text: &str) -> bool {
    let is_part = |part: &str| {
        let between = |word: &str| matches!(word, "." | "_" | "__") || word.bytes().all(|byte| byte == b'-');
        let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = part.as_bytes();
        let ends = bytes.first().copied().is_some_and(is_word) && bytes.last().copied().is_some_and(is_word);
        ends && part.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()).all(between)
    };
    text.split('/').all(is_part)
}

fn is_tag(text: &str) -> bool {
    let mut bytes = text.bytes();
    let is_first = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    bytes.next().is_some_and(is_first)
        && text.len() <= 128
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const D: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[rstest]
    #[case("nginx", "docker.io/library/nginx", None)]
    #[case("nginx:1.27", "docker.io/library/nginx", Some("1.27"))]
    #[case("index.docker.io/nginx", "docker.io/library/nginx", None)]
    #[case("docker.io/grafana/loki:3", "docker.io/grafana/loki", Some("3"))]
    #[case("grafana/loki", "docker.io/grafana/loki", None)]
    #[case("localhost/app", "localhost/app", None)]
    #[case("localhost:5000/app:v1", "localhost:5000/app", Some("v1"))]
    #[case("[::1]:5000/app:v1", "[::1]:5000/app", Some("v1"))]
    #[case("r.example/a/b-c/d__e.f", "r.example/a/b-c/d__e.f", None)]
    fn reads_as_container_runtimes_do(#[case] text: &str, #[case] name: &str, #[case] tag: Option<&str>) {
        let found = Reference::parse(text).expect(text);
        assert_eq!(found.name(), name);
        assert_eq!(found.tag.as_deref(), tag);
        let pinned = Reference::parse(&format!("{text}@{D}")).expect(text);
        assert_eq!((pinned.name().as_str(), pinned.tag.as_deref()), (name, tag));
        assert_eq!(pinned.digest.as_ref().map(Digest::as_str), Some(D));
    }

    #[rstest]
    #[case("")]
    #[case("R.example/UPPER")]
    #[case("r.example/")]
    #[case("r.example//app")]
    #[case("r.example/app:")]
    #[case("r.example/app@sha256:12")]
    #[case("r.example/app@")]
    #[case("r.example/a/../b")]
    #[case("r.example/-a")]
    #[case("r.example/a_-b")]
    #[case("r.example:99999/app")]
    #[case("r.example:+5/app")]
    #[case("r.example/app?x=1")]
    #[case("http://r.example/app")]
    fn refuses_what_they_refuse(#[case] text: &str) {
        assert_eq!(Reference::parse(text), None, "{text}");
    }

    #[rstest]
    #[case("r.example/shop/app", "r.example/shop", true)]
    #[case("r.example/shop/app", "r.example/shop/", true)]
    #[case("r.example/shop/app", "r.example", true)]
    #[case("r.example/shopping/app", "r.example/shop", false)]
    #[case("r.example.evil/shop/app", "r.example", false)]
    #[case("r.example/shop", "", false)]
    fn a_folder_ends_at_a_slash(#[case] text: &str, #[case] place: &str, #[case] within: bool) {
        assert_eq!(Reference::parse(text).expect(text).is_within(place), within);
    }
}
