//! What an audit policy has to write down (12.6.b and the guide's list of events), and what it must not.

use super::{Attributes, READS, Target, WRITES, matches, noise};
use crate::event::Level;
use crate::who;
use snc_core::text::Text;
use std::sync::LazyLock;

/// Where objects of a kind are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Cluster,
    Namespaced,
}

pub(super) enum On {
    /// Group, resource with its subresource, where.
    These(&'static [(&'static str, &'static str, Scope)]),
    Anything,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Anyone,
    /// Components have a copy of everything and write what they are told to.
    ButComponents,
    /// Whose credentials were refused.
    Refused,
}

/// One kind of event.
pub struct Mandatory {
    pub id: &'static str,
    fr: &'static str,
    en: &'static str,
    pub requirements: &'static [&'static str],
    pub least: Level,
    /// Above it there would be secrets in the log.
    pub most: Level,
    pub(super) who: Who,
    /// None: every one.
    pub(super) verbs: &'static [&'static str],
    pub(super) on: On,
    /// It is to be known when it begins: what goes on for hours is seen too late when it ends.
    pub(super) at_once: bool,
}

impl Mandatory {
    pub fn title(&self) -> Text {
        Text::new(self.fr, self.en)
    }

    /// Whether a request is of this kind.
    pub fn covers(&self, attributes: &Attributes<'_>) -> bool {
        let Attributes { user, verb, target, .. } = attributes;
        if !self.verbs.is_empty() && !self.verbs.contains(verb) {
            return false;
        }
        let by = match (self.who, user) {
            (Who::Refused, user) => user.is_none(),
            (_, None) => false,
            (Who::Anyone, Some(_)) => true,
            (Who::ButComponents, Some(user)) => !who::is_component(user),
        };
        by && match (&self.on, target) {
            (On::Anything, _) => !NOISE.iter().any(|rule| matches::matches(rule, attributes)),
            (On::These(_), Target::Path(_)) => false,
            (On::These(these), Target::Resource { group, resource, subresource, .. }) => these
                .iter()
                .any(|(of_group, of, _)| of_group == group && matches::is(of, resource, subresource)),
        }
    }
}

static NOISE: LazyLock<Vec<super::Rule>> = LazyLock::new(noise::rules);

use Scope::{Cluster, Namespaced};

const fn kind(id: &'static str, fr: &'static str, en: &'static str) -> Mandatory {
    Mandatory {
        id,
        fr,
        en,
        requirements: &["12.6.b"],
        least: Level::Metadata,
        most: Level::RequestResponse,
        who: Who::Anyone,
        verbs: &[],
        on: On::Anything,
        at_once: false,
    }
}

/// Kinds of events, each of which has to be recorded whoever it is by and wherever it is.
pub static MANDATORY: &[Mandatory] = &[
    Mandatory {
        who: Who::Refused,
        at_once: true,
        requirements: &["12.6.b", "9.5.b"],
        ..kind("refused-credentials", "authentifications refusées", "refused authentications")
    },
    Mandatory {
        verbs: &["create"],
        on: On::These(&[("authentication.k8s.io", "tokenreviews", Cluster)]),
        most: Level::Metadata,
        ..kind("token-reviews", "vérifications de jetons", "reviews of tokens")
    },
    Mandatory {
        verbs: WRITES,
        on: On::These(&[
            ("certificates.k8s.io", "certificatesigningrequests", Cluster),
            ("certificates.k8s.io", "certificatesigningrequests/approval", Cluster),
        ]),
        ..kind(
            "certificates",
            "demandes de certificats et leur approbation",
            "requests for certificates and their approval",
        )
    },
    Mandatory {
        verbs: &["create"],
        on: On::These(&[("", "serviceaccounts/token", Namespaced)]),
        most: Level::Metadata,
        ..kind("tokens", "jetons de ServiceAccounts émis", "tokens of ServiceAccounts issued")
    },
    Mandatory {
        verbs: WRITES,
        on: On::These(&[("", "serviceaccounts", Namespaced)]),
        requirements: &["12.6.b", "9.2.a"],
        ..kind(
            "accounts",
            "comptes de service créés, changés, supprimés",
            "service accounts made, changed, deleted",
        )
    },
    Mandatory {
        verbs: WRITES,
        on: On::These(&[
            ("rbac.authorization.k8s.io", "clusterrolebindings", Cluster),
            ("rbac.authorization.k8s.io", "clusterroles", Cluster),
            ("rbac.authorization.k8s.io", "rolebindings", Namespaced),
            ("rbac.authorization.k8s.io", "roles", Namespaced),
        ]),
        requirements: &["12.6.b", "9.3.a"],
        ..kind("rights", "droits donnés, changés, retirés", "rights given, changed, taken away")
    },
    Mandatory {
        verbs: &["create", "get", "update", "patch", "delete"],
        on: On::These(&[
            ("", "nodes/proxy", Cluster),
            ("", "pods/attach", Namespaced),
            ("", "pods/ephemeralcontainers", Namespaced),
            ("", "pods/exec", Namespaced),
            ("", "pods/portforward", Namespaced),
            ("", "pods/proxy", Namespaced),
            ("", "services/proxy", Namespaced),
        ]),
        at_once: true,
        ..kind(
            "access",
            "entrées dans les conteneurs et sur les nœuds",
            "ways into containers and onto nodes",
        )
    },
    Mandatory {
        verbs: WRITES,
        on: On::These(&[
            ("admissionregistration.k8s.io", "mutatingadmissionpolicies", Cluster),
            ("admissionregistration.k8s.io", "mutatingadmissionpolicybindings", Cluster),
            ("admissionregistration.k8s.io", "mutatingwebhookconfigurations", Cluster),
            ("admissionregistration.k8s.io", "validatingadmissionpolicies", Cluster),
            ("admissionregistration.k8s.io", "validatingadmissionpolicybindings", Cluster),
            ("admissionregistration.k8s.io", "validatingwebhookconfigurations", Cluster),
            ("apiextensions.k8s.io", "customresourcedefinitions", Cluster),
            ("apiregistration.k8s.io", "apiservices", Cluster),
        ]),
        ..kind(
            "controls",
            "contrôles d'admission et extensions de l'API",
            "admission controls and extensions of the API",
        )
    },
    Mandatory {
        verbs: WRITES,
        on: On::These(&[
            ("secnumcloud.dev", "sncauditlogs", Cluster),
            ("secnumcloud.dev", "sncbaselines", Cluster),
            ("secnumcloud.dev", "snccontrols", Cluster),
            ("secnumcloud.dev", "sncexceptions", Cluster),
            ("secnumcloud.dev", "sncexceptions/status", Cluster),
            ("secnumcloud.dev", "sncpolicies", Namespaced),
            ("secnumcloud.dev", "snctenants", Cluster),
        ]),
        ..kind(
            "declarations",
            "déclarations et dérogations SecNumCloud",
            "SecNumCloud declarations and exceptions",
        )
    },
    Mandatory {
        verbs: WRITES,
        on: On::These(&[
            ("", "namespaces", Cluster),
            ("", "namespaces/finalize", Cluster),
            ("", "namespaces/status", Cluster),
            ("", "nodes", Cluster),
            ("networking.k8s.io", "networkpolicies", Namespaced),
        ]),
        ..kind(
            "partition",
            "espaces de noms, nœuds et cloisonnement réseau",
            "namespaces, nodes and network isolation",
        )
    },
    Mandatory {
        verbs: WRITES,
        on: On::These(&[("", "configmaps", Namespaced), ("", "secrets", Namespaced)]),
        most: Level::Metadata,
        ..kind(
            "secret-writes",
            "secrets et configurations écrits, sans leur contenu",
            "secrets and configurations written, without their content",
        )
    },
    Mandatory {
        verbs: READS,
        on: On::These(&[("", "secrets", Namespaced)]),
        most: Level::Metadata,
        at_once: true,
        ..kind("secret-reads", "secrets lus, sans leur contenu", "secrets read, without their content")
    },
    Mandatory {
        verbs: READS,
        who: Who::ButComponents,
        on: On::These(&[("", "configmaps", Namespaced)]),
        most: Level::Metadata,
        ..kind(
            "configuration-reads",
            "configurations lues, sans leur contenu",
            "configurations read, without their content",
        )
    },
    // Whoever acts as somebody else does so in a request of any kind, and no rule can tell which: all of them are.
    Mandatory {
        who: Who::ButComponents,
        requirements: &["12.6.b", "9.2.b"],
        ..kind(
            "everything-else",
            "toute autre requête, dont celles faites en tant qu'un autre",
            "every other request, among them those made as somebody else",
        )
    },
];
