//! Address blocks, as `netip.ParsePrefix` reads them: host bits may be set.

use crate::error::{EvalError, failed};
use crate::gofmt;
use crate::library::ip::{Ip, why_not};
use crate::library::{text, unsuited};
use crate::table::Native;
use crate::value::Value;
use std::fmt;
use std::net::IpAddr;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    address: IpAddr,
    bits: u8,
}

pub fn native(overload: &str) -> Option<Native> {
    Some(match overload {
        "string_to_cidr" => |values| match Cidr::parse(text(values, 0)?) {
            Ok(cidr) => Ok(Value::Cidr(cidr)),
            Err(EvalError::Failed(why)) => {
                failed(format!("network address parse error during conversion from string: {why}"))
            }
            Err(other) => Err(other),
        },
        "is_cidr" => |values| Ok(Value::Bool(Cidr::parse(text(values, 0)?).is_ok())),
        "cidr_ip" => |values| Ok(Value::Ip(Ip(this(values, 0)?.address))),
        "cidr_masked" => |values| Ok(Value::Cidr(this(values, 0)?.masked())),
        "cidr_prefix_length" => |values| Ok(Value::Int(i64::from(this(values, 0)?.bits))),
        "cidr_contains_ip_ip" => |values| match values.get(1) {
            Some(Value::Ip(ip)) => Ok(Value::Bool(this(values, 0)?.contains(ip.0))),
            _ => unsuited(),
        },
        // What is no address is answered like what has no such function.
        "cidr_contains_ip_string" => |values| match Ip::parse(text(values, 1)?) {
            Ok(ip) => Ok(Value::Bool(this(values, 0)?.contains(ip.0))),
            Err(_) => unsuited(),
        },
        "cidr_contains_cidr" => |values| Ok(Value::Bool(this(values, 0)?.covers(&this(values, 1)?))),
        "cidr_contains_cidr_string" => |values| match Cidr::parse(text(values, 1)?) {
            Ok(cidr) => Ok(Value::Bool(this(values, 0)?.covers(&cidr))),
            Err(EvalError::Failed(why)) => {
                failed(format!("network address parse error during conversion from string: {why}"))
            }
            Err(other) => Err(other),
        },
        _ => return None,
    })
}

fn this(values: &[Value<'_>], at: usize) -> Result<Cidr, EvalError> {
    match values.get(at) {
        Some(Value::Cidr(cidr)) => Ok(*cidr),
        _ => unsuited(),
    }
}

fn cleared(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(ip) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            IpAddr::from((ip.to_bits() & mask).to_be_bytes())
        }
        IpAddr::V6(ip) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            IpAddr::from((ip.to_bits() & mask).to_be_bytes())
        }
    }
}

impl Cidr {
    pub fn parse(text: &str) -> Result<Cidr, EvalError> {
        let quoted = gofmt::quote(text);
        let wrong = |why: &str| {
            failed(format!(
                "network address parse error during conversion from string: netip.ParsePrefix({quoted}): {why}"
            ))
        };
        let Some((address, length)) = text.rsplit_once('/') else { return wrong("no '/'") };
        let Ok(parsed) = address.parse::<IpAddr>() else {
            if address.contains('%') && address.split('%').next().is_some_and(|ip| ip.contains(':')) {
                return wrong("IPv6 zones cannot be present in a prefix");
            }
            return wrong(&why_not(address));
        };
        let quoted_length = gofmt::quote(length);
        let leading = length.len() > 1 && !length.starts_with(|c: char| ('1'..='9').contains(&c));
        let number: Option<u32> = length.parse().ok().filter(|_| !length.starts_with('+'));
        let Some(number) = number.filter(|_| !leading) else {
            return wrong(&format!("bad bits after slash: {quoted_length}"));
        };
        let most = if parsed.is_ipv4() { 32 } else { 128 };
        match u8::try_from(number) {
            Ok(bits) if number <= most => {
                if matches!(parsed, IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some()) {
                    return failed(format!("IPv4-mapped IPv6 address {quoted} is not allowed"));
                }
                Ok(Cidr { address: parsed, bits })
            }
            _ => wrong("prefix length out of range"),
        }
    }

    fn masked(&self) -> Cidr {
        Cidr { address: cleared(self.address, self.bits), bits: self.bits }
    }

    fn contains(&self, ip: IpAddr) -> bool {
        self.address.is_ipv4() == ip.is_ipv4() && cleared(ip, self.bits) == cleared(self.address, self.bits)
    }

    fn covers(&self, other: &Cidr) -> bool {
        self.bits <= other.bits && self.contains(other.address)
    }

    pub fn size(&self) -> usize {
        usize::from(self.bits).div_ceil(8)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ip(self.address), self.bits)
    }
}
