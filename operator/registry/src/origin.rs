//! Which server an address belongs to. Registries answer with addresses of their own choice.

use http::Uri;
use http::uri::{PathAndQuery, Scheme};
use snc_images::signature::Unknown;

/// A host and a port that are reached over TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    host: String,
    port: u16,
}

impl Origin {
    /// `host` or `host:port`, in lower case.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let authority: http::uri::Authority = text.parse().ok()?;
        let plain = !text.contains('@') && !text.bytes().any(|byte| byte.is_ascii_uppercase());
        let port = match authority.as_str().strip_prefix(authority.host())? {
            "" => 443,
            port => port.strip_prefix(':')?.parse().ok().filter(|port| *port != 0)?,
        };
        (plain && !authority.host().is_empty()).then(|| Self { host: authority.host().to_owned(), port })
    }

    /// Of an address that is whole.
    fn of(uri: &Uri) -> Option<Self> {
        (uri.scheme() == Some(&Scheme::HTTPS)).then_some(())?;
        Self::parse(&uri.authority()?.as_str().to_ascii_lowercase())
    }

    pub(crate) fn uri(&self, path: PathAndQuery) -> Result<Uri, Unknown> {
        let uri = Uri::builder().scheme(Scheme::HTTPS).authority(format!("{}:{}", self.host, self.port));
        uri.path_and_query(path).build().map_err(|_| Unknown::Malformed)
    }

    /// Where an address leads that came from here; `None` if to another server.
    pub(crate) fn within(&self, address: &str) -> Option<PathAndQuery> {
        if address.starts_with('/') && !address.starts_with("//") {
            return address.parse().ok();
        }
        let uri: Uri = address.parse().ok()?;
        (Self::of(&uri)? == *self).then(|| uri.path_and_query().cloned()).flatten()
    }
}

/// The rest of a list, where a `Link` header names one: always the same list.
pub(crate) fn next_page(
    origin: &Origin,
    at: &PathAndQuery,
    link: &str,
) -> Result<Option<PathAndQuery>, Unknown> {
    let Some((target, parameters)) = link.trim().strip_prefix('<').and_then(|rest| rest.split_once('>'))
    else {
        return Err(Unknown::Malformed);
    };
    let next = parameters
        .split(';')
        .any(|parameter| matches!(parameter.trim(), r#"rel="next""# | "rel=next" | "rel='next'"));
    if !next {
        return Ok(None);
    }
    let page = if target.starts_with('?') {
        format!("{}{target}", at.path()).parse().ok()
    } else {
        origin.within(target)
    };
    page.filter(|page: &PathAndQuery| page.path() == at.path()).map(Some).ok_or(Unknown::RedirectElsewhere)
}

/// For a value in a query.
pub(crate) fn escape(text: &str) -> String {
    use std::fmt::Write as _;
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn origin() -> Origin {
        Origin::parse("r.example:5000").unwrap()
    }

    #[rstest]
    #[case("r.example", Some(443))]
    #[case("r.example:5000", Some(5000))]
    #[case("[::1]:5000", Some(5000))]
    #[case("r.example:0", None)]
    #[case("r.example:", None)]
    #[case("r.example:99999", None)]
    #[case("user@r.example", None)]
    #[case("R.example", None)]
    #[case("r.example/x", None)]
    #[case("", None)]
    fn a_server_is_a_host_and_a_port(#[case] text: &str, #[case] port: Option<u16>) {
        assert_eq!(Origin::parse(text).map(|origin| origin.port), port, "{text}");
    }

    #[rstest]
    #[case("/v2/x?a=b", Some("/v2/x?a=b"))]
    #[case("https://r.example:5000/v2/x", Some("/v2/x"))]
    #[case("https://R.Example:5000/v2/x", Some("/v2/x"))]
    #[case("http://r.example:5000/v2/x", None)]
    #[case("https://r.example/v2/x", None)]
    #[case("https://r.example:5001/v2/x", None)]
    #[case("https://r.example.evil:5000/v2/x", None)]
    #[case("https://r.example:5000@evil/v2/x", None)]
    #[case("https://evil@r.example:5000/v2/x", None)]
    #[case("//evil/v2/x", None)]
    #[case("file:///etc/passwd", None)]
    #[case("v2/x", None)]
    #[case("", None)]
    fn an_address_leads_here_or_nowhere(#[case] address: &str, #[case] path: Option<&str>) {
        assert_eq!(origin().within(address).as_ref().map(PathAndQuery::as_str), path, "{address}");
    }

    #[rstest]
    #[case(r#"</v2/a/referrers/d?last=1>; rel="next""#, Ok(Some("/v2/a/referrers/d?last=1")))]
    #[case(r"<?last=1>; rel=next", Ok(Some("/v2/a/referrers/d?last=1")))]
    #[case(r#"<https://r.example:5000/v2/a/referrers/d>; rel="next""#, Ok(Some("/v2/a/referrers/d")))]
    #[case(r#"</v2/a/referrers/d>; rel="prev""#, Ok(None))]
    #[case(r#"</v2/b/referrers/d?last=1>; rel="next""#, Err(Unknown::RedirectElsewhere))]
    #[case(r#"<https://evil/v2/a/referrers/d>; rel="next""#, Err(Unknown::RedirectElsewhere))]
    #[case("whatever", Err(Unknown::Malformed))]
    fn a_list_goes_on_where_it_began(#[case] link: &str, #[case] expected: Result<Option<&str>, Unknown>) {
        let at = "/v2/a/referrers/d".parse().unwrap();
        let found = next_page(&origin(), &at, link);
        assert_eq!(
            found.as_ref().map(|page| page.as_ref().map(PathAndQuery::as_str)),
            expected.as_ref().map(|page| *page)
        );
    }

    #[test]
    fn what_goes_into_a_query_stays_one_value() {
        assert_eq!(escape("a b&c=d/é"), "a%20b%26c%3Dd%2F%C3%A9");
    }
}
