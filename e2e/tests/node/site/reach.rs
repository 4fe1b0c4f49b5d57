//! What `kubectl snc reach` says.

use super::Site;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::net::Ipv4Addr;

/// As `reach` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Pod(&'static str, &'static str),
    Address(Ipv4Addr),
}

pub struct Reach {
    connections: Vec<Value>,
}

impl Site {
    pub fn reach(&self) -> Result<Reach> {
        let output = self.kubectl_snc(&["reach", "--output", "json"])?;
        ensure!(output.success(), "kubectl snc reach: {:?}\n{}", output.code, output.stderr);
        let mut report: Value = serde_json::from_str(&output.stdout)?;
        let Value::Array(connections) = report["connections"].take() else {
            bail!("no connections: {report}")
        };
        Ok(Reach { connections })
    }
}

impl Reach {
    pub fn open(&self, from: End, to: End, protocol: &str, port: u16) -> Result<bool> {
        for connection in &self.connections {
            let here = is(&connection["from"], from)? && is(&connection["to"], to)?;
            if here && has(&connection["ports"], protocol, port) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn is(said: &Value, end: End) -> Result<bool> {
    Ok(match (said["cidr"].as_str(), end) {
        (None, End::Pod(namespace, name)) => {
            said["kind"] == "Pod" && said["namespace"] == namespace && said["name"] == name
        }
        (Some(block), End::Address(address)) => !block.contains(':') && holds(block, address)?,
        _ => false,
    })
}

fn holds(block: &str, address: Ipv4Addr) -> Result<bool> {
    let (first, length) = block.split_once('/').with_context(|| block.to_owned())?;
    let (first, length): (Ipv4Addr, u32) = (first.parse()?, length.parse()?);
    let mask = u32::MAX.checked_shl(32 - length).unwrap_or_default();
    Ok((u32::from(first) ^ u32::from(address)) & mask == 0)
}

fn has(ports: &Value, protocol: &str, port: u16) -> bool {
    let within = |range: &Value| {
        let (first, last) = (range["port"].as_u64(), range["endPort"].as_u64());
        range["protocol"] == protocol
            && first.zip(last).is_some_and(|(first, last)| (first..=last).contains(&u64::from(port)))
    };
    ports == "all" || ports.as_array().is_some_and(|ranges| ranges.iter().any(within))
}
