//! How registries ask for credentials.

use crate::origin::{Origin, escape};
use http::header::WWW_AUTHENTICATE;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use snc_images::signature::Unknown;

pub(crate) const TOKEN_ANSWER: usize = 64 << 10;
const TOKEN: usize = 16 << 10;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    Basic,
    Bearer { realm: String, service: String },
}

impl Challenge {
    /// A token goes before a password, where there is a choice.
    pub(crate) fn in_headers(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(WWW_AUTHENTICATE).iter().take(8).filter_map(|value| value.to_str().ok());
        let all: Vec<Self> = values.filter_map(Self::parse).collect();
        let token = all.iter().position(|challenge| matches!(challenge, Self::Bearer { .. }));
        all.into_iter().nth(token.unwrap_or(0))
    }

    fn parse(text: &str) -> Option<Self> {
        let (scheme, parameters) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let (mut realm, mut service) = (None, String::new());
        for (name, value) in parameters_of(parameters)? {
            match name.to_ascii_lowercase().as_str() {
                "realm" if realm.is_none() => realm = Some(value),
                "service" if service.is_empty() => service = value,
                "realm" | "service" => return None,
                _ => {}
            }
        }
        Some(Self::Bearer { realm: realm?, service })
    }
}

/// `name="value",name=value`
fn parameters_of(mut text: &str) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    while !text.trim_matches([' ', ',']).is_empty() {
        let (name, rest) = text.trim_start_matches([' ', ',']).split_once('=')?;
        let (value, rest) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => rest.split_once(',').unwrap_or((rest, "")),
        };
        if value.contains('\\') {
            return None;
        }
        found.push((name.trim().to_owned(), value.trim().to_owned()));
        text = rest;
    }
    Some(found)
}

/// Where the credentials may go for a token to pull from one repository. What is asked for is ours to say: a registry
/// that wants a token for more does not get it.
pub(crate) fn token_request<'a>(
    servers: impl IntoIterator<Item = &'a Origin>,
    realm: &str,
    service: &str,
    repository: &str,
) -> Result<(&'a Origin, PathAndQuery), Unknown> {
    let whole = realm.starts_with("https://");
    let mut found = servers.into_iter().filter_map(|server| Some((server, server.within(realm)?)));
    let (server, path) = found.next().filter(|_| whole).ok_or(Unknown::RealmElsewhere)?;
    let between = if path.query().is_some() { '&' } else { '?' };
    let (service, scope) = (escape(service), escape(&format!("repository:{repository}:pull")));
    let path = format!("{path}{between}service={service}&scope={scope}");
    Ok((server, path.parse().map_err(|_| Unknown::Malformed)?))
}

pub(crate) fn token_in(answer: &[u8]) -> Result<HeaderValue, Unknown> {
    #[derive(Deserialize)]
    struct Answer {
        token: Option<String>,
        access_token: Option<String>,
    }
    let answer: Answer = serde_json::from_slice(answer).map_err(|_| Unknown::Malformed)?;
    let token =
        answer.token.or(answer.access_token).filter(|token| !token.is_empty() && token.len() <= TOKEN);
    let token = token.ok_or(Unknown::Malformed)?;
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| Unknown::Malformed)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn bearer(realm: &str, service: &str) -> Challenge {
        Challenge::Bearer { realm: realm.to_owned(), service: service.to_owned() }
    }

    #[rstest]
    #[case(r#"Basic realm="snc""#, Some(Challenge::Basic))]
    #[case("basic", Some(Challenge::Basic))]
    #[case(
        r#"Bearer realm="https://r/t",service="r, s",scope="x:y:pull,push""#,
        Some(bearer("https://r/t", "r, s"))
    )]
    #[case(r"bearer service=r, realm=https://r/t", Some(bearer("https://r/t", "r")))]
    #[case(r#"Bearer service="r""#, None)]
    #[case(r#"Bearer realm="https://r/t",realm="https://evil/t""#, None)]
    #[case(r#"Bearer realm="https://r/t"#, None)]
    #[case(r#"Bearer realm="https://r/\"t""#, None)]
    #[case("Bearer", None)]
    #[case("Negotiate", None)]
    fn challenges_are_read(#[case] text: &str, #[case] expected: Option<Challenge>) {
        assert_eq!(Challenge::parse(text), expected, "{text}");
    }

    #[test]
    fn a_token_goes_before_a_password() {
        let mut headers = HeaderMap::new();
        assert_eq!(Challenge::in_headers(&headers), None);
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=x"));
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"https://r/t\""));
        assert_eq!(Challenge::in_headers(&headers), Some(bearer("https://r/t", "")));
    }

    #[rstest]
    #[case("https://r.example/token", Some("/token?service=s%20t&scope=repository%3Aa%2Fb%3Apull"))]
    #[case("https://login.example/t?x=1", Some("/t?x=1&service=s%20t&scope=repository%3Aa%2Fb%3Apull"))]
    #[case("http://r.example/token", None)]
    #[case("https://evil.example/token", None)]
    #[case("https://r.example@evil.example/token", None)]
    #[case("https://r.example:8443/token", None)]
    #[case("/token", None)]
    fn credentials_go_to_declared_servers_only(#[case] realm: &str, #[case] expected: Option<&str>) {
        let servers = ["r.example", "login.example"].map(|text| Origin::parse(text).unwrap());
        let found = token_request(&servers, realm, "s t", "a/b").ok();
        assert_eq!(found.as_ref().map(|(_, path)| path.as_str()), expected, "{realm}");
    }

    #[rstest]
    #[case(r#"{"token":"abc"}"#, Ok("Bearer abc"))]
    #[case(r#"{"access_token":"abc","expires_in":60}"#, Ok("Bearer abc"))]
    #[case(r#"{"token":"a\r\nx: y"}"#, Err(Unknown::Malformed))]
    #[case(r#"{"token":""}"#, Err(Unknown::Malformed))]
    #[case("{}", Err(Unknown::Malformed))]
    #[case("<html>", Err(Unknown::Malformed))]
    fn a_token_is_one_word(#[case] answer: &str, #[case] expected: Result<&str, Unknown>) {
        let found = token_in(answer.as_bytes());
        assert_eq!(found.as_ref().map(|value| value.to_str().unwrap()), expected.as_ref().map(|v| *v));
        assert!(found.is_ok_and(|value| value.is_sensitive()) || expected.is_err());
    }
}
