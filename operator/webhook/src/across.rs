//! Rules that need other objects than the one that is written: what concerns other tenants.
//!
//! Each has the id of the control that finds the same in what is stored. Of an update only what it adds is judged.

mod binding;
mod host;
mod image;
mod network;
mod reserved;

pub use image::to_ask;

use jiff::Timestamp;
use serde_json::Value;
use snc_catalogue::{POD_KINDS, Profile, controls};
use snc_core::control::Control;
use snc_core::image::Signatures;
use snc_core::names::LABEL_TENANT;
use snc_core::reserved::Reserved;
use snc_core::text::Text;
use snc_core::tier::Measure;
use snc_core::verdict::Outcome;
use snc_index::{Hosts, Images, Index};
use snc_network::audit::Addresses;
use std::sync::LazyLock;

/// What is known of everything else.
pub struct Others<'a> {
    pub index: &'a Index,
    pub hosts: &'a Hosts,
    pub addresses: &'a Addresses,
    pub reserved: &'a Reserved,
    /// None where they are not known.
    pub images: Option<&'a Images>,
    /// What registries said of the images of the object; none where they were not asked.
    pub signatures: Option<&'a Signatures>,
    /// The operator's namespace.
    pub home: &'a str,
    pub now: Timestamp,
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
const CLAIM: &str = "core/PersistentVolumeClaim";
const ROUTES: [&str; 3] = [
    "gateway.networking.k8s.io/HTTPRoute",
    "gateway.networking.k8s.io/GRPCRoute",
    "gateway.networking.k8s.io/TLSRoute",
];

const NETWORK: &str = "network-policy-across-tenants";
const RIGHTS: &str = "rbac-cross-tenant";
const HOST: &str = "host-of-two-tenants";
const RESERVED: &str = "reserved-to-another-tenant";

static NAMED: LazyLock<Vec<&'static Control>> = LazyLock::new(|| {
    let named = |control: &&Control| [NETWORK, RIGHTS, HOST, RESERVED].contains(&control.id.as_str());
    controls().iter().filter(named).collect()
});

/// What the rule says of an object, with what is known of others, or why nothing is.
type Rule = fn(&str, &Written<'_>, &Result<Others<'_>, Text>) -> Outcome;

fn rule(kind: &str) -> Option<(&'static Control, Rule)> {
    let (id, rule): (&str, Rule) = match kind {
        POLICY => (NETWORK, |_, written, others| known(written, others, network::judge)),
        BINDING => (RIGHTS, |_, written, others| known(written, others, binding::judge)),
        kind if kind == INGRESS || ROUTES.contains(&kind) => {
            (HOST, |_, written, others| known(written, others, host::judge))
        }
        kind if kind == CLAIM || POD_KINDS.contains(&kind) => (RESERVED, reserved::judge),
        _ => return None,
    };
    NAMED.iter().find(|control| control.id == id).map(|control| (*control, rule))
}

fn known(
    written: &Written<'_>,
    others: &Result<Others<'_>, Text>,
    rule: fn(&Written<'_>, &Others<'_>) -> Outcome,
) -> Outcome {
    match others {
        Ok(others) => rule(written, others),
        Err(why) => Outcome::unknown(why.fr.clone(), why.en.clone()),
    }
}

/// What one rule says, and the measure whose mode governs it.
pub struct Said {
    pub control: &'static Control,
    pub measure: Measure,
    pub outcome: Outcome,
    /// The group that is let past is not held up by it.
    pub passable: bool,
}

/// What the rules for a kind say. What pods and claims ask for goes by the mode of workloads: that isolation is enforced
/// does not make every pod wait for the webhook.
pub fn judge(
    kind: &str,
    profile: &Profile,
    written: &Written<'_>,
    others: &Result<Others<'_>, Text>,
) -> Vec<Said> {
    let mut said = Vec::new();
    if let Some((control, rule)) = rule(kind) {
        let measure = if control.id == RESERVED { Measure::Workloads } else { Measure::Isolation };
        said.push(Said { control, measure, outcome: rule(kind, written, others), passable: false });
    }
    if POD_KINDS.contains(&kind) {
        let of_images = image::judge(kind, profile, written, others);
        let of_image =
            |(control, outcome)| Said { control, measure: Measure::Images, outcome, passable: true };
        said.extend(of_images.into_iter().map(of_image));
    }
    said
}

/// Names that an object of this kind publishes under.
pub fn hosts(kind: &str, object: &Value) -> Vec<String> {
    host::names(kind == "Ingress", object)
}

#[cfg(test)]
mod tests;
