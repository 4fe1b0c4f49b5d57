//! Addresses, as `netip.ParseAddr` reads them; an IPv4 one in IPv6 clothes is refused.

use crate::error::{EvalError, failed};
use crate::gofmt;
use crate::library::{text, unsuited};
use crate::table::Native;
use crate::value::Value;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ip(pub IpAddr);

pub fn native(overload: &str) -> Option<Native> {
    Some(match overload {
        "string_to_ip" => |values| Ip::parse(text(values, 0)?).map(Value::Ip),
        "is_ip" => |values| Ok(Value::Bool(Ip::parse(text(values, 0)?).is_ok())),
        "ip_is_canonical" => |values| {
            let text = text(values, 0)?;
            Ok(Value::Bool(Ip::parse(text)?.to_string() == text))
        },
        "ip_family" => |values| Ok(Value::Int(if this(values)?.is_ipv4() { 4 } else { 6 })),
        "ip_is_unspecified" => |values| Ok(Value::Bool(this(values)?.is_unspecified())),
        "ip_is_loopback" => |values| Ok(Value::Bool(this(values)?.is_loopback())),
        "ip_is_link_local_multicast" => |values| Ok(Value::Bool(link_local_multicast(this(values)?))),
        "ip_is_link_local_unicast" => |values| Ok(Value::Bool(link_local(this(values)?))),
        "ip_is_global_unicast" => |values| Ok(Value::Bool(global(this(values)?))),
        _ => return None,
    })
}

fn this(values: &[Value<'_>]) -> Result<IpAddr, EvalError> {
    match values {
        [Value::Ip(ip)] => Ok(ip.0),
        _ => unsuited(),
    }
}

fn link_local_multicast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.octets()[..3] == [224, 0, 0],
        IpAddr::V6(ip) => ip.segments()[0] & 0xff0f == 0xff02,
    }
}

fn link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.segments()[0] & 0xffc0 == 0xfe80,
    }
}

fn global(ip: IpAddr) -> bool {
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    !broadcast && !ip.is_unspecified() && !ip.is_loopback() && !ip.is_multicast() && !link_local(ip)
}

impl Ip {
    pub fn parse(text: &str) -> Result<Ip, EvalError> {
        let quoted = gofmt::quote(text);
        let (address, zone) = match text.split_once('%') {
            Some((address, zone)) => (address, Some(zone)),
            None => (text, None),
        };
        let Ok(parsed) = address.parse::<IpAddr>() else {
            let why = why_not(text);
            return failed(format!("IP Address {quoted} parse error during conversion from string: {why}"));
        };
        match (parsed, zone) {
            (IpAddr::V4(_), Some(_)) | (_, Some("")) => {
                let why = why_not(text);
                failed(format!("IP Address {quoted} parse error during conversion from string: {why}"))
            }
            (_, Some(_)) => failed(format!("IP address {quoted} with zone value is not allowed")),
            (IpAddr::V6(ip), None) if ip.to_ipv4_mapped().is_some() => {
                failed(format!("IPv4-mapped IPv6 address {quoted} is not allowed"))
            }
            (parsed, None) => Ok(Ip(parsed)),
        }
    }

    pub fn size(&self) -> usize {
        if self.0.is_ipv4() { 4 } else { 16 }
    }
}

/// What Go says of an address that it does not take, as far as it is told apart here.
pub fn why_not(text: &str) -> String {
    let quoted = gofmt::quote(text);
    if text.ends_with('%') && text.contains(':') {
        return format!("ParseAddr({quoted}): zone must be a non-empty string");
    }
    let first = text.find(['.', ':', '%']).and_then(|at| text.get(at..=at));
    match first {
        None => format!("ParseAddr({quoted}): unable to parse IP"),
        Some("%") => format!("ParseAddr({quoted}): missing IPv6 address"),
        Some(".") => format!("ParseAddr({quoted}): {}", why_not_four(text)),
        _ => format!("ParseAddr({quoted}): {}", why_not_six(text)),
    }
}

fn why_not_four(text: &str) -> String {
    let mut fields = 0;
    let mut value: u32 = 0;
    let mut digits = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'0'..=b'9' => {
                if digits == 1 && value == 0 {
                    return "IPv4 field has octet with leading zero".to_owned();
                }
                value = value * 10 + u32::from(byte - b'0');
                digits += 1;
                if value > 255 {
                    return "IPv4 field has value >255".to_owned();
                }
            }
            b'.' => {
                if at == 0 || at == text.len() - 1 || text.as_bytes().get(at - 1) == Some(&b'.') {
                    let rest = gofmt::quote(text.get(at..).unwrap_or_default());
                    return format!("IPv4 field must have at least one digit (at {rest})");
                }
                if fields == 3 {
                    return "IPv4 address too long".to_owned();
                }
                fields += 1;
                value = 0;
                digits = 0;
            }
            _ => {
                let rest = gofmt::quote(text.get(at..).unwrap_or_default());
                return format!("unexpected character (at {rest})");
            }
        }
    }
    "IPv4 address too short".to_owned()
}

fn why_not_six(text: &str) -> String {
    let rest = gofmt::quote(text.get(text.len().saturating_sub(1)..).unwrap_or_default());
    format!("unexpected character (at {rest})")
}

impl fmt::Display for Ip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(ip) => write!(f, "{ip}"),
            IpAddr::V6(ip) => f.write_str(&six(ip)),
        }
    }
}

/// Rust writes the last part of some addresses as IPv4, Go does not.
fn six(ip: Ipv6Addr) -> String {
    let written = ip.to_string();
    if !written.contains('.') {
        return written;
    }
    let [.., high, low] = ip.segments();
    let (head, _) = written.rsplit_once(':').unwrap_or((&written, ""));
    let tail = if high == 0 { format!("{low:x}") } else { format!("{high:x}:{low:x}") };
    format!("{head}:{tail}")
}
