//! What an installation and its tenants ask of the policy beyond what everybody gets.

use crate::attribution::TenantName;
use serde::{Deserialize, Serialize};
use snc_core::names::{OPERATOR_NAMESPACE, is_protected_namespace};
use snc_core::text::Refusal;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wishes {
    /// User names of those whose marked calls have to come back.
    #[serde(default)]
    pub probes: BTreeSet<String>,
    #[serde(default)]
    pub tenants: Vec<Wish>,
}

/// Of a tenant: what is written to these objects in its own namespaces is recorded with its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wish {
    pub tenant: TenantName,
    pub namespaces: BTreeSet<String>,
    pub resources: BTreeSet<Wanted>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wanted {
    /// `""` is the core group.
    #[serde(default)]
    pub group: String,
    /// `deployments`, `deployments/scale`.
    pub resource: String,
}

/// In their bodies there are secrets: nobody can ask for them.
pub(super) const BODIES: &[(&str, &str)] = &[
    ("", "configmaps"),
    ("", "secrets"),
    ("", "serviceaccounts/token"),
    ("authentication.k8s.io", "tokenrequests"),
    ("authentication.k8s.io", "tokenreviews"),
];

impl Wishes {
    /// What either asks for. In any order and however often: the union is one and the same.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        self.probes.extend(other.probes);
        self.tenants.extend(other.tenants);
        self.tenants.sort_by(|a, b| {
            (&a.tenant, &a.namespaces, &a.resources).cmp(&(&b.tenant, &b.namespaces, &b.resources))
        });
        self.tenants.dedup();
        self
    }

    /// Namespaces by what is asked for in them; and what cannot be.
    pub(super) fn sorted(&self) -> (BTreeMap<BTreeSet<Wanted>, BTreeSet<String>>, Vec<Refusal>) {
        let (mut by_namespace, mut refused) = (BTreeMap::<String, BTreeSet<Wanted>>::new(), Vec::new());
        for wish in &self.tenants {
            let path = format!("tenants[{}]", wish.tenant);
            let resources: BTreeSet<Wanted> = wish
                .resources
                .iter()
                .filter(|wanted| wanted.refusal(&path).map(|refusal| refused.push(refusal)).is_none())
                .cloned()
                .collect();
            for namespace in &wish.namespaces {
                if !is_label(namespace)
                    || is_protected_namespace(namespace, OPERATOR_NAMESPACE, OPERATOR_NAMESPACE)
                {
                    let (fr, en) = ("un espace de noms du tenant", "a namespace of the tenant");
                    refused.push(Refusal::new(format!("{path}.namespaces"), namespace, fr, en));
                } else if !resources.is_empty() {
                    by_namespace.entry(namespace.clone()).or_default().extend(resources.iter().cloned());
                }
            }
        }
        let mut by_resources = BTreeMap::<_, BTreeSet<String>>::new();
        for (namespace, resources) in by_namespace {
            by_resources.entry(resources).or_default().insert(namespace);
        }
        (by_resources, refused)
    }
}

impl Wanted {
    fn refusal(&self, path: &str) -> Option<Refusal> {
        let Self { group, resource } = self;
        let (given, path) = (format!("{resource}.{group}"), format!("{path}.resources"));
        let (kind, _) = resource.split_once('/').unwrap_or((resource, ""));
        if BODIES.iter().any(|(of, kept)| of == group && (kept == resource || *kept == kind)) {
            let (fr, en) = (
                "tout sauf secrets, configmaps, serviceaccounts/token et tokenreviews, dont le contenu n'entre jamais dans le journal",
                "anything but secrets, configmaps, serviceaccounts/token and tokenreviews, whose content never enters the log",
            );
            return Some(Refusal::new(path, given, fr, en));
        }
        let named = |word: &str| !word.is_empty() && word.split('.').all(is_label);
        let plain = resource.split('/').count() <= 2 && resource.split('/').all(named);
        let (fr, en) = (
            "une ressource et son groupe, par leurs noms, sans *",
            "a resource and its group, by their names, without *",
        );
        (!plain || !(group.is_empty() || named(group))).then(|| Refusal::new(path, given, fr, en))
    }
}

fn is_label(word: &str) -> bool {
    let bytes = word.as_bytes();
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| plain(byte) || *byte == b'-')
        && bytes.first().is_some_and(plain)
        && bytes.last().is_some_and(plain)
}
