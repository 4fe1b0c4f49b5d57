//! What keeps an answer from being certain, by name.

use super::rules::PolicyId;
use snc_core::text::Text;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    InvalidSelector,
    InvalidAddress,
    InvalidPort,
    InvalidPolicyType,
    InvalidPeer,
    DomainNames,
    NodeLabels,
    NotModelled,
    Unreadable(String),
    SamePriority,
    /// The block may or may not hold an address that is not known.
    AddressNotKnown(String),
    NamespaceNotKnown,
    NodeNotKnown,
}

/// A place in a policy whose meaning is not certain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Doubt {
    /// Path in the object, for example `spec.ingress[0].from[1].podSelector`.
    pub field: String,
    pub why: Why,
}

/// Why an answer is not certain: the policy and the field, or the fact that is missing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unknown {
    /// Absent when no policy is the cause.
    pub policy: Option<PolicyId>,
    pub doubt: Doubt,
}

impl Why {
    pub fn text(&self) -> Text {
        match self {
            Self::InvalidSelector => Text::new("sélecteur invalide", "invalid selector"),
            Self::InvalidAddress => Text::new("bloc d'adresses invalide", "invalid address block"),
            Self::InvalidPort => Text::new("port invalide", "invalid port"),
            Self::InvalidPolicyType => Text::new("policyTypes invalide", "invalid policyTypes"),
            Self::InvalidPeer => Text::new("pair invalide", "invalid peer"),
            Self::DomainNames => {
                Text::new("les noms de domaine ne sont pas évalués", "domain names are not evaluated")
            }
            Self::NodeLabels => {
                Text::new("les étiquettes des nœuds ne sont pas connues", "labels of nodes are not known")
            }
            Self::NotModelled => {
                Text::new("champ que cette version ne connaît pas", "field that this version does not know")
            }
            Self::Unreadable(error) => {
                Text::new(format!("objet illisible : {error}"), format!("unreadable object: {error}"))
            }
            Self::SamePriority => Text::new(
                "deux politiques de même priorité se contredisent",
                "two policies of equal priority contradict each other",
            ),
            Self::AddressNotKnown(block) => Text::new(
                format!("adresse inconnue, peut-être dans {block}"),
                format!("address not known, maybe in {block}"),
            ),
            Self::NamespaceNotKnown => {
                Text::new("étiquettes de l'espace de noms inconnues", "labels of the namespace not known")
            }
            Self::NodeNotKnown => Text::new(
                "nœud inconnu, peut-être le même (un nœud atteint ses pods)",
                "node not known, maybe the same (a node reaches its pods)",
            ),
        }
    }
}

impl Unknown {
    pub fn text(&self) -> Text {
        let why = self.doubt.why.text();
        let place = match &self.policy {
            Some(policy) => format!("{policy} {}", self.doubt.field),
            None => self.doubt.field.clone(),
        };
        Text::new(format!("{place} : {}", why.fr), format!("{place}: {}", why.en))
    }
}
