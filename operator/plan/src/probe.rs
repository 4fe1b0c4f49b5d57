//! Whether the cluster's network does what NetworkPolicies say: two pods in two namespaces, three ports between them.
//!
//! One port is open on both sides: what does not come through there proves nothing of the other two. One is open on the
//! client's side alone and one on the server's alone, so that ingress and egress are each seen to be enforced.
//! It proves the network, not each tenant's own policies: `NetworkPolicyEffective` is about those.

mod pods;

pub use pods::{CLIENT, Image, SERVER, client, server};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use snc_core::flow::Protocol;
use snc_core::text::Text;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What a policy opens on both sides.
pub const OPEN: u16 = 8080;
/// What the server's side keeps shut.
pub const INGRESS: u16 = 8081;
/// What the client's side keeps shut.
pub const EGRESS: u16 = 8082;
pub const PORTS: [u16; 3] = [OPEN, INGRESS, EGRESS];
pub const PROTOCOLS: [Protocol; 2] = [Protocol::Tcp, Protocol::Udp];
/// What was measured longer ago is not known any more.
const FRESH: SignedDuration = SignedDuration::from_hours(24);
/// Clocks of nodes may differ by so much.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// One packet, and whether an answer came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    pub address: IpAddr,
    pub protocol: Protocol,
    pub port: u16,
    pub answered: bool,
}

/// What came to the server, answered or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Received {
    pub protocol: Protocol,
    pub port: u16,
    pub packets: u64,
}

/// One measurement, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Measured {
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_node: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_node: Option<String>,
    /// In the order in which they were sent.
    #[serde(default)]
    pub asked: Vec<Asked>,
    #[serde(default)]
    pub received: Vec<Received>,
    /// Why it came to no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// What a measurement says of the network. It holds no time, since nothing else changes with each new one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Probed {
    #[default]
    Never,
    Enforced {
        one_node: bool,
    },
    /// By protocol and side: what should not have come through, and did.
    Disproved(BTreeSet<(Protocol, u16)>),
    Inconclusive(Text),
    /// It may hide a disproof: nothing that was stated stands in for it.
    Unread(Text),
}

impl Measured {
    /// A disproof holds until another measurement; a proof gets old.
    pub fn judge(&self, now: Timestamp) -> Probed {
        let through = self.through();
        if !through.is_empty() {
            return Probed::Disproved(through);
        }
        let age = now.duration_since(self.at);
        if age > FRESH || age < -SKEW {
            return Probed::Inconclusive(Text::new(
                "la dernière mesure n'a pas moins de 24 h",
                "the last measurement is not younger than 24 h",
            ));
        }
        if let Some(failure) = &self.failure {
            return Probed::Inconclusive(Text::new(
                format!("la dernière mesure n'a pas abouti ({failure})"),
                format!("the last measurement came to no end ({failure})"),
            ));
        }
        if let Some(unproven) = self.unproven() {
            return Probed::Inconclusive(unproven);
        }
        let one_node = self.client_node.is_none() || self.client_node == self.server_node;
        Probed::Enforced { one_node }
    }

    fn through(&self) -> BTreeSet<(Protocol, u16)> {
        let answered = self.asked.iter().filter(|one| one.answered).map(|one| (one.protocol, one.port));
        let received = self.received.iter().filter(|one| one.packets > 0).map(|one| (one.protocol, one.port));
        answered.chain(received).filter(|(_, port)| *port != OPEN).collect()
    }

    /// The open port has to answer before and after the others were asked, or their silence may have any cause.
    fn unproven(&self) -> Option<Text> {
        let addresses: BTreeSet<IpAddr> = self.asked.iter().map(|one| one.address).collect();
        if addresses.is_empty() {
            return Some(Text::new("rien n'a été mesuré", "nothing was measured"));
        }
        for address in addresses {
            for protocol in PROTOCOLS {
                let of: Vec<&Asked> = self
                    .asked
                    .iter()
                    .filter(|one| one.address == address && one.protocol == protocol)
                    .collect();
                let open = |one: Option<&&Asked>| one.is_some_and(|one| one.port == OPEN && one.answered);
                if !open(of.first()) || !open(of.last()) {
                    let protocol = protocol.as_str();
                    return Some(Text::new(
                        format!("ce qui est permis ne passe pas non plus ({protocol} {address})"),
                        format!("what is allowed does not get through either ({protocol} {address})"),
                    ));
                }
                if ![INGRESS, EGRESS].iter().all(|port| of.iter().any(|one| one.port == *port)) {
                    let protocol = protocol.as_str();
                    return Some(Text::new(
                        format!("tous les ports n'ont pas été demandés ({protocol} {address})"),
                        format!("not every port was asked ({protocol} {address})"),
                    ));
                }
            }
        }
        // A server that counts nothing would not have counted what came through one way, either.
        let counted = |protocol: Protocol| {
            self.received.iter().any(|one| one.protocol == protocol && one.port == OPEN && one.packets > 0)
        };
        (!PROTOCOLS.into_iter().all(counted)).then(|| {
            Text::new("le serveur n'a pas dit ce qu'il a reçu", "the server did not say what it received")
        })
    }
}

/// For people.
pub fn sides(through: &BTreeSet<(Protocol, u16)>) -> Text {
    let said = |ingress: &str, egress: &str| {
        let side = |port: u16| if port == EGRESS { egress } else { ingress }.to_owned();
        let all: BTreeSet<String> =
            through.iter().map(|(protocol, port)| format!("{} {}", protocol.as_str(), side(*port))).collect();
        all.into_iter().collect::<Vec<_>>().join(", ")
    };
    Text::new(said("entrant", "sortant"), said("ingress", "egress"))
}

#[cfg(test)]
mod tests;
