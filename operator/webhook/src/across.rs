//! Rules that need other objects than the one that is written: what concerns other tenants.
//!
//! Each has the id of the control that finds the same in what is stored. Of an update only what it adds is judged.

mod binding;
mod host;
mod network;

use serde_json::Value;
use snc_catalogue::controls;
use snc_core::control::Control;
use snc_core::names::LABEL_TENANT;
use snc_core::text::Text;
use snc_core::verdict::Outcome;
use snc_index::{Hosts, Index};
use snc_network::audit::Addresses;
use std::sync::LazyLock;

/// What is known of everything else.
pub struct Others<'a> {
    pub index: &'a Index,
    pub hosts: &'a Hosts,
    pub addresses: &'a Addresses,
}

impl<'a> Others<'a> {
    /// By the label that only the operator sets.
    fn tenant(&self, namespace: &str) -> Option<&'a str> {
        self.index.namespace(namespace)?.label(LABEL_TENANT)
    }
}

/// An object of a tenant, as it is written and as it was.
pub struct Written<'a> {
    pub tenant: &'a str,
    pub namespace: &'a str,
    pub object: &'a Value,
    /// Null where it is new.
    pub before: &'a Value,
}

const INGRESS: &str = "networking.k8s.io/Ingress";
const POLICY: &str = "networking.k8s.io/NetworkPolicy";
const BINDING: &str = "rbac.authorization.k8s.io/RoleBinding";

/// `group/Kind` of what these rules judge.
pub const KINDS: &[&str] =
    &[POLICY, BINDING, INGRESS, "gateway.networking.k8s.io/HTTPRoute", "gateway.networking.k8s.io/GRPCRoute"];

const NETWORK: &str = "network-policy-across-tenants";
const RIGHTS: &str = "rbac-cross-tenant";
const HOST: &str = "host-of-two-tenants";

static NAMED: LazyLock<Vec<&'static Control>> = LazyLock::new(|| {
    controls().iter().filter(|control| [NETWORK, RIGHTS, HOST].contains(&control.id.as_str())).collect()
});

type Rule = fn(&Written<'_>, &Others<'_>) -> Outcome;

fn rule(kind: &str) -> Option<(&'static Control, Rule)> {
    let (id, rule): (&str, Rule) = match kind {
        POLICY => (NETWORK, network::judge),
        BINDING => (RIGHTS, binding::judge),
        kind if KINDS.contains(&kind) => (HOST, host::judge),
        _ => return None,
    };
    NAMED.iter().find(|control| control.id == id).map(|control| (*control, rule))
}

/// What the rule for a kind says, if there is one. `others` is why nothing is known of them, where nothing is.
pub fn judge(
    kind: &str,
    written: &Written<'_>,
    others: &Result<Others<'_>, Text>,
) -> Option<(&'static Control, Outcome)> {
    let (control, rule) = rule(kind)?;
    let outcome = match others {
        Ok(others) => rule(written, others),
        Err(why) => Outcome::unknown(why.fr.clone(), why.en.clone()),
    };
    Some((control, outcome))
}

/// Names that an object of this kind publishes under.
pub fn hosts(kind: &str, object: &Value) -> Vec<String> {
    host::names(kind == "Ingress", object)
}

#[cfg(test)]
mod tests;
