//! Addresses of the web, as `net/url` reads them.

use crate::error::{EvalError, failed};
use crate::gofmt;
use crate::library::ip::why_not;
use crate::library::{text, unsuited};
use crate::table::Native;
use crate::value::{Key, Map, Text, Value};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct Url {
    scheme: String,
    opaque: String,
    user: Option<String>,
    host: String,
    path: String,
    query: Option<String>,
    fragment: Option<String>,
}

pub fn native(overload: &str) -> Option<Native> {
    Some(match overload {
        "string_to_url" => to_url,
        "is_url_string" => |values| Ok(Value::Bool(Url::parse(text(values, 0)?, true).is_ok())),
        "url_get_scheme" => |values| Ok(Value::text(this(values)?.scheme.as_str())),
        "url_get_host" => |values| Ok(Value::text(this(values)?.host.as_str())),
        "url_get_hostname" => |values| Ok(Value::text(this(values)?.host_and_port().0)),
        "url_get_port" => |values| Ok(Value::text(this(values)?.host_and_port().1)),
        "url_get_escaped_path" => |values| Ok(Value::text(this(values)?.escaped_path())),
        "url_get_query" => |values| Ok(this(values)?.parameters()),
        _ => return None,
    })
}

fn this<'v>(values: &'v [Value<'_>]) -> Result<&'v Url, EvalError> {
    match values {
        [Value::Url(url)] => Ok(url),
        _ => unsuited(),
    }
}

fn to_url<'a>(values: &[Value<'a>]) -> Result<Value<'a>, EvalError> {
    let given = text(values, 0)?;
    let parsed = Url::parse(given, true).and_then(|_| match given.split_once('#') {
        Some((before, fragment)) => {
            unescape(fragment, Part::Path)?;
            Ok(Url { fragment: Some(fragment.to_owned()), ..Url::parse(before, false)? })
        }
        None => Url::parse(given, false),
    });
    match parsed {
        Ok(url) => Ok(Value::Url(Arc::new(url))),
        Err(why) => {
            let quoted = gofmt::quote(given);
            failed(format!("URL parse error during conversion from string: parse {quoted}: {why}"))
        }
    }
}

pub fn request_error(text: &str) -> Option<String> {
    Url::parse(text, true).err().map(|why| format!("parse {}: {why}", gofmt::quote(text)))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    Host,
    Zone,
    User,
    Query,
}

/// Whether it stands for itself.
fn plain(byte: u8, part: Part) -> bool {
    if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
        return true;
    }
    match part {
        Part::Host | Part::Zone => b"!$&'()*+,;=:[]<>\"".contains(&byte),
        Part::Path => b"$&+,/:;=@".contains(&byte),
        Part::User => b"$&+,;=".contains(&byte),
        Part::Query => false,
    }
}

fn hexadecimal(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? * 16 + digit(low)?)
}

fn unescape(text: &str, part: Part) -> Result<Vec<u8>, String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'%' {
            let value = match bytes.get(at + 1..at + 3) {
                Some([high, low]) => hexadecimal(*high, *low),
                _ => None,
            };
            let shown = String::from_utf8_lossy(bytes.get(at..(at + 3).min(bytes.len())).unwrap_or_default());
            let wrong = || format!("invalid URL escape {}", gofmt::quote(&shown));
            let value = value.ok_or_else(wrong)?;
            let percent = value == b'%' && shown == "%25";
            if part == Part::Host && value < 0x80 && !percent {
                return Err(wrong());
            }
            if part == Part::Zone && !percent && value != b' ' && !plain(value, Part::Host) {
                return Err(wrong());
            }
            out.push(value);
            at += 3;
            continue;
        }
        if matches!(part, Part::Host | Part::Zone) && *byte < 0x80 && !plain(*byte, part) {
            let shown = gofmt::quote(&char::from(*byte).to_string());
            return Err(format!("invalid character {shown} in host name"));
        }
        out.push(if *byte == b'+' && part == Part::Query { b' ' } else { *byte });
        at += 1;
    }
    Ok(out)
}

fn escape(bytes: &[u8], part: Part) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        if plain(*byte, part) {
            out.push(char::from(*byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn readable(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn scheme(text: &str) -> Result<(&str, &str), String> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default())),
            _ => break,
        }
    }
    Ok(("", text))
}

fn is_port(text: &str) -> bool {
    text.is_empty()
        || text.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Url {
    fn parse(text: &str, request: bool) -> Result<Url, String> {
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        if text.is_empty() && request {
            return Err("empty url".to_owned());
        }
        let mut url = Url {
            scheme: String::new(),
            opaque: String::new(),
            user: None,
            host: String::new(),
            path: String::new(),
            query: None,
            fragment: None,
        };
        if text == "*" {
            "*".clone_into(&mut url.path);
            return Ok(url);
        }
        let (scheme, rest) = scheme(text)?;
        url.scheme = scheme.to_ascii_lowercase();
        let mut rest = match rest.split_once('?') {
            Some((rest, query)) => {
                url.query = Some(query.to_owned());
                rest
            }
            None => rest,
        };
        if !rest.starts_with('/') {
            if !url.scheme.is_empty() {
                rest.clone_into(&mut url.opaque);
                return Ok(url);
            }
            if request {
                return Err("invalid URI for request".to_owned());
            }
            if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        let authority = !url.scheme.is_empty() || (!request && !rest.starts_with("///"));
        if let Some(after) = rest.strip_prefix("//").filter(|_| authority) {
            let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
            rest = path;
            url.authority(authority)?;
        }
        unescape(rest, Part::Path)?;
        rest.clone_into(&mut url.path);
        Ok(url)
    }

    fn authority(&mut self, authority: &str) -> Result<(), String> {
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        self.host = host_of(&self.scheme, host)?;
        let Some(user) = user else { return Ok(()) };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
        if !user.bytes().all(fits) {
            return Err("net/url: invalid userinfo".to_owned());
        }
        let (name, password) = match user.split_once(':') {
            Some((name, password)) => (name, Some(password)),
            None => (user, None),
        };
        let name = escape(&unescape(name, Part::User)?, Part::User);
        self.user = Some(match password {
            Some(password) => {
                format!("{name}:{}", escape(&unescape(password, Part::User)?, Part::User))
            }
            None => name,
        });
        Ok(())
    }

    fn host_and_port(&self) -> (&str, &str) {
        let (mut host, mut port) = (self.host.as_str(), "");
        if let Some(at) = host.rfind(':')
            && is_port(host.get(at..).unwrap_or_default())
        {
            (host, port) = (host.get(..at).unwrap_or_default(), host.get(at + 1..).unwrap_or_default());
        }
        if let Some(inner) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            host = inner;
        }
        (host, port)
    }

    fn escaped_path(&self) -> String {
        let fits = |byte: u8| plain(byte, Part::Path) || b"!$&'()*+,;=:@[]%".contains(&byte);
        if self.path.bytes().all(fits) {
            return self.path.clone();
        }
        escape(&unescape(&self.path, Part::Path).unwrap_or_default(), Part::Path)
    }

    fn parameters<'a>(&self) -> Value<'a> {
        let mut found: BTreeMap<Key<'a>, Vec<Value<'a>>> = BTreeMap::new();
        for pair in self.query.iter().flat_map(|query| query.split('&')) {
            if pair.is_empty() || pair.contains(';') {
                continue;
            }
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Ok(key), Ok(value)) = (unescape(key, Part::Query), unescape(value, Part::Query)) else {
                continue;
            };
            let key = Key::String(Text::Shared(Arc::from(readable(key))));
            found.entry(key).or_default().push(Value::text(readable(value)));
        }
        let map = found.into_iter().map(|(key, values)| (key, Value::list(values))).collect();
        Value::Map(Map::Made(Arc::new(map)))
    }

    /// As Go writes it.
    pub fn text(&self) -> String {
        let mut out = String::new();
        if !self.scheme.is_empty() {
            out.push_str(&self.scheme);
            out.push(':');
        }
        if self.opaque.is_empty() {
            let path = self.escaped_path();
            if !self.host.is_empty() || self.user.is_some() {
                out.push_str("//");
            }
            if let Some(user) = &self.user {
                out.push_str(user);
                out.push('@');
            }
            out.push_str(&escape(self.host.as_bytes(), Part::Host));
            if !path.is_empty() && !path.starts_with('/') && !self.host.is_empty() {
                out.push('/');
            }
            out.push_str(&path);
        } else {
            out.push_str(&self.opaque);
        }
        if let Some(query) = &self.query {
            out.push('?');
            out.push_str(query);
        }
        if let Some(fragment) = self.fragment.as_ref().filter(|fragment| !fragment.is_empty()) {
            out.push('#');
            out.push_str(fragment);
        }
        out
    }
}

fn host_of(scheme: &str, host: &str) -> Result<String, String> {
    match host.rfind('[') {
        Some(0) => return literal_host(host),
        Some(_) => return Err("invalid IP-literal".to_owned()),
        None => {}
    }
    let colon = if matches!(scheme, "http" | "https") { host.find(':') } else { host.rfind(':') };
    if let Some(at) = colon {
        let port = host.get(at..).unwrap_or_default();
        if !is_port(port) {
            return Err(format!("invalid port {} after host", gofmt::quote(port)));
        }
    }
    unescape(host, Part::Host).map(readable)
}

fn literal_host(host: &str) -> Result<String, String> {
    let Some((inner, port)) = host.rsplit_once(']') else { return Err("missing ']' in host".to_owned()) };
    if !is_port(port) {
        return Err(format!("invalid port {} after host", gofmt::quote(port)));
    }
    let inner = inner.strip_prefix('[').unwrap_or(inner);
    let name = match inner.find("%25") {
        Some(at) => {
            let (address, zone) = inner.split_at(at);
            let mut name = unescape(address, Part::Host)?;
            name.extend(unescape(zone, Part::Zone)?);
            readable(name)
        }
        None => readable(unescape(inner, Part::Host)?),
    };
    match name.split('%').next().unwrap_or_default().parse::<IpAddr>() {
        Ok(IpAddr::V6(_)) => Ok(format!("[{name}]{port}")),
        Ok(IpAddr::V4(_)) => Err("invalid IP-literal".to_owned()),
        Err(_) => Err(format!("invalid host: {}", why_not(&name))),
    }
}
