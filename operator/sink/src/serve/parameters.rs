//! The part of an address after the question mark: each name known and at most once, each value as it has to be.

use super::refuse::Refused;
use jiff::Timestamp;
use snc_audit::Partition;

/// Of the whole part.
const LONGEST: usize = 8192;
const NAME: usize = 253;
const LABEL: usize = 63;
/// Users are called what whoever signs them in says, within reason.
const USER: usize = 1024;

/// What was given, decoded.
#[derive(Debug)]
pub(super) struct Parameters {
    known: &'static [&'static str],
    given: Vec<(&'static str, String)>,
}

impl Parameters {
    pub(super) fn read(query: Option<&str>, known: &'static [&'static str]) -> Result<Self, Refused> {
        let mut given: Vec<(&'static str, String)> = Vec::new();
        let query = query.unwrap_or_default();
        if query.len() > LONGEST {
            let (fr, en) = (format!("{LONGEST} octets au plus"), format!("at most {LONGEST} bytes"));
            return Err(Refused::bad("query", None, fr, en).with(http::StatusCode::URI_TOO_LONG));
        }
        for pair in query.split('&').filter(|_| !query.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let Some(name) = known.iter().find(|one| **one == name) else {
                let accepted = if known.is_empty() { "—".to_owned() } else { known.join(", ") };
                return Err(Refused::bad("query", Some(name), accepted.clone(), accepted));
            };
            if given.iter().any(|(other, _)| other == name) {
                return Err(Refused::bad(*name, Some(value), "une seule fois", "once"));
            }
            let Some(value) = decoded(value) else {
                let (fr, en) = ("UTF-8, ce qui est réservé en %XX", "UTF-8, with %XX for what is reserved");
                return Err(Refused::bad(*name, Some(value), fr, en));
            };
            if value.is_empty() {
                return Err(Refused::bad(*name, Some(""), "une valeur", "a value"));
            }
            given.push((name, value));
        }
        Ok(Self { known, given })
    }

    fn get(&self, name: &str) -> Option<&str> {
        debug_assert!(self.known.contains(&name), "{name}");
        self.given.iter().find(|(one, _)| *one == name).map(|(_, value)| value.as_str())
    }

    /// As they are written down where an access is.
    pub(super) fn given(&self) -> &[(&'static str, String)] {
        &self.given
    }

    /// Of a tenant or of the platform: never of neither, never of both.
    pub(super) fn partition(&self) -> Result<Partition, Refused> {
        let found = self.partition_if_any()?;
        found.ok_or_else(|| {
            Refused::bad("tenant", None, "tenant=<nom> ou platform=true", "tenant=<name> or platform=true")
        })
    }

    pub(super) fn partition_if_any(&self) -> Result<Option<Partition>, Refused> {
        match (self.get("tenant"), self.get("platform")) {
            (None, None) => Ok(None),
            (None, Some("true")) => Ok(Some(Partition::Platform)),
            (None, Some(other)) => Err(Refused::bad("platform", Some(other), "true", "true")),
            (Some(tenant), Some(_)) => {
                let (fr, en) = ("l'un des deux : tenant, platform", "one of the two: tenant, platform");
                Err(Refused::bad("tenant", Some(tenant), fr, en))
            }
            (Some(tenant), None) => tenant.parse().map(|name| Some(Partition::Tenant(name))).map_err(|_| {
                let (fr, en) = ("le nom d'un SncTenant", "the name of an SncTenant");
                Refused::bad("tenant", Some(tenant), fr, en)
            }),
        }
    }

    pub(super) fn namespace(&self) -> Result<Option<String>, Refused> {
        let (fr, en) = ("le nom d'un namespace", "the name of a namespace");
        self.word("namespace", fr, en, label)
    }

    /// A person or a program, whatever it is called.
    pub(super) fn user(&self) -> Result<Option<String>, Refused> {
        let (fr, en) =
            ("1024 octets au plus, sans caractère de contrôle", "at most 1024 bytes, no control characters");
        self.word("user", fr, en, |text| text.len() <= USER && !text.chars().any(char::is_control))
    }

    pub(super) fn verb(&self) -> Result<Option<String>, Refused> {
        let (fr, en) = ("un verbe de Kubernetes, en minuscules", "a verb of Kubernetes, in lower case");
        self.word("verb", fr, en, |text| {
            text.len() <= LABEL && text.bytes().all(|byte| byte.is_ascii_lowercase())
        })
    }

    /// `resource` or `subresource`.
    pub(super) fn resource(&self, name: &'static str) -> Result<Option<String>, Refused> {
        let (fr, en) = ("un nom tel que « pods » ou « exec »", "a name such as \"pods\" or \"exec\"");
        let plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
        self.word(name, fr, en, |text| text.len() <= NAME && text.bytes().all(plain))
    }

    pub(super) fn name(&self) -> Result<Option<String>, Refused> {
        let (fr, en) = ("le nom d'un objet de Kubernetes", "the name of an object of Kubernetes");
        let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | '%');
        self.word("name", fr, en, |text| {
            text.len() <= NAME && text != "." && text != ".." && text.chars().all(plain)
        })
    }

    pub(super) fn code(&self) -> Result<Option<u16>, Refused> {
        self.number("code", 100, 599)
    }

    pub(super) fn limit(&self, usual: usize, most: usize) -> Result<usize, Refused> {
        Ok(self.number("limit", 1, most)?.unwrap_or(usual))
    }

    /// Where to go on; looked at by whoever made it.
    pub(super) fn cursor(&self) -> Option<&str> {
        self.get("cursor")
    }

    /// From `since` on, up to `until`.
    pub(super) fn times(&self) -> Result<(Option<Timestamp>, Option<Timestamp>), Refused> {
        let (since, until) = (self.time("since")?, self.time("until")?);
        if let (Some(from), Some(to)) = (since, until)
            && from >= to
        {
            let (fr, en) = ("un instant après « since »", "an instant after \"since\"");
            return Err(Refused::bad("until", self.get("until"), fr, en));
        }
        Ok((since, until))
    }

    /// One of a closed set.
    pub(super) fn choice<T: Copy>(
        &self,
        name: &'static str,
        among: &[(&str, T)],
    ) -> Result<Option<T>, Refused> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let found = among.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        found.map(Some).ok_or_else(|| {
            let words = among.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
            Refused::bad(name, Some(text), words.clone(), words)
        })
    }

    fn time(&self, name: &'static str) -> Result<Option<Timestamp>, Refused> {
        let Some(text) = self.get(name) else { return Ok(None) };
        // RFC 3339 and no more: other notations of the library would be an interface that nobody decided on.
        let plain = text.len() <= 40 && text.contains('T') && !text.contains('[') && !text.contains(' ');
        let read = if plain { text.parse().ok() } else { None };
        read.map(Some).ok_or_else(|| {
            let (fr, en) =
                ("RFC 3339, par exemple 2026-11-23T10:00:00Z", "RFC 3339, such as 2026-11-23T10:00:00Z");
            Refused::bad(name, Some(text), fr, en)
        })
    }

    fn number<N>(&self, name: &'static str, least: N, most: N) -> Result<Option<N>, Refused>
    where
        N: std::str::FromStr + PartialOrd + std::fmt::Display,
    {
        let Some(text) = self.get(name) else { return Ok(None) };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        let read: Option<N> = if digits { text.parse().ok() } else { None };
        read.filter(|number| *number >= least && *number <= most).map(Some).ok_or_else(|| {
            Refused::bad(name, Some(text), format!("de {least} à {most}"), format!("{least} to {most}"))
        })
    }

    fn word(
        &self,
        name: &'static str,
        fr: &str,
        en: &str,
        fits: impl Fn(&str) -> bool,
    ) -> Result<Option<String>, Refused> {
        let Some(text) = self.get(name) else { return Ok(None) };
        if fits(text) { Ok(Some(text.to_owned())) } else { Err(Refused::bad(name, Some(text), fr, en)) }
    }
}

/// As namespaces are called.
fn label(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.len() <= LABEL
        && bytes.first().is_some_and(|first| plain(*first))
        && bytes.last().is_some_and(|last| plain(*last))
        && bytes.iter().all(|byte| plain(*byte) || *byte == b'-')
}

/// A plus is a plus: times have them.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests;
