//! Everything that is known of a cluster, or of a set of files, at one moment.

use crate::facts;
use crate::image::Signatures;
use crate::text::Text;
use crate::verdict::Subject;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Whether the objects of a kind are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    Held,
    /// None came with the files that were given.
    NotGiven,
    /// The API server serves no such kind.
    NotServed,
    /// It could not be read, or was not looked at; why.
    NotRead(Text),
}

/// The objects of a kind, and those of them that could not be understood.
#[derive(Debug, Clone)]
pub struct Stock<F> {
    items: BTreeMap<Subject, F>,
}

impl<F> Default for Stock<F> {
    fn default() -> Self {
        Self { items: BTreeMap::new() }
    }
}

impl<F> Stock<F> {
    pub fn iter(&self) -> impl Iterator<Item = (&Subject, &F)> {
        self.items.iter()
    }

    pub fn get(&self, subject: &Subject) -> Option<&F> {
        self.items.get(subject)
    }

    /// With the subject as it is held.
    pub fn get_with(&self, subject: &Subject) -> Option<(&Subject, &F)> {
        self.items.get_key_value(subject)
    }

    pub fn get_mut(&mut self, subject: &Subject) -> Option<&mut F> {
        self.items.get_mut(subject)
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Those of one namespace.
    pub fn within<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = (&'a Subject, &'a F)> {
        self.items.iter().filter(move |(subject, _)| subject.namespace == namespace)
    }
}

/// What is kept of one object, read where nothing is locked; or why it could not be understood.
pub struct Fact(Result<Box<dyn Any + Send + Sync>, String>);

impl Fact {
    pub fn pod_mut(&mut self) -> Option<&mut facts::Pod> {
        self.0.as_mut().ok()?.downcast_mut()
    }
}

fn read<F: DeserializeOwned + Send + Sync + 'static>(object: &Value) -> Fact {
    match F::deserialize(object) {
        Ok(fact) => Fact(Ok(Box::new(fact))),
        Err(error) => Fact(Err(error.to_string())),
    }
}

trait Shelf {
    fn put(&mut self, subject: &Subject, object: &Value) -> Result<(), String>;
    /// Whether it is not what was held.
    fn accept(&mut self, subject: &Subject, fact: Box<dyn Any + Send + Sync>) -> bool;
    fn remove(&mut self, subject: &Subject) -> bool;
}

impl<F: DeserializeOwned + PartialEq + 'static> Shelf for Stock<F> {
    fn put(&mut self, subject: &Subject, object: &Value) -> Result<(), String> {
        // Held or not, what was known before is no longer true.
        self.items.remove(subject);
        let fact = F::deserialize(object).map_err(|error| error.to_string())?;
        self.items.insert(subject.clone(), fact);
        Ok(())
    }

    fn accept(&mut self, subject: &Subject, fact: Box<dyn Any + Send + Sync>) -> bool {
        let Ok(fact) = fact.downcast::<F>() else { return self.remove(subject) };
        match self.items.get_mut(subject) {
            Some(held) if *held == *fact => false,
            Some(held) => {
                *held = *fact;
                true
            }
            None => self.items.insert(subject.clone(), *fact).is_none(),
        }
    }

    fn remove(&mut self, subject: &Subject) -> bool {
        self.items.remove(subject).is_some()
    }
}

/// A namespace, by default the one that the chart names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home(pub String);

impl Default for Home {
    fn default() -> Self {
        Self(crate::names::OPERATOR_NAMESPACE.to_owned())
    }
}

macro_rules! stocks {
    ($($(#[$meta:meta])* $field:ident: $fact:ty = $($kind:literal),+;)+) => {
        /// The facts of each kind that rules on several objects read.
        #[derive(Debug, Clone, Default)]
        pub struct Snapshot {
            $($(#[$meta])* pub $field: Stock<$fact>,)+
            /// Kinds of others, whole.
            pub dynamic: BTreeMap<String, Stock<Value>>,
            /// The namespace of the operator.
            pub home: Home,
            /// None where nobody asks registries.
            pub signatures: Option<Arc<Signatures>>,
            availability: BTreeMap<String, Availability>,
            unreadable: BTreeMap<Subject, String>,
        }

        impl Snapshot {
            /// Kinds with facts of their own; every other one is held whole.
            pub const KINDS: &'static [&'static str] = &[$($($kind),+),+];

            /// Those that are held together: who asks for one sees them all.
            pub fn together(kind: &str) -> &'static [&'static str] {
                match kind {
                    $($($kind)|+ => &[$($kind),+],)+
                    _ => &[],
                }
            }

            fn shelf(&mut self, kind: &str) -> &mut dyn Shelf {
                match kind {
                    $($($kind)|+ => &mut self.$field,)+
                    other => self.dynamic.entry(other.to_owned()).or_default(),
                }
            }
        }

        impl Fact {
            pub fn of(subject: &Subject, object: &Value) -> Self {
                match subject.kind_key().as_str() {
                    $($($kind)|+ => read::<$fact>(object),)+
                    _ => read::<Value>(object),
                }
            }
        }
    };
}

stocks! {
    namespaces: facts::Namespace = "core/Namespace";
    pods: facts::Pod = "core/Pod";
    workloads: facts::Workload = "apps/Deployment", "apps/StatefulSet", "apps/DaemonSet", "apps/ReplicaSet",
        "batch/Job", "batch/CronJob";
    services: facts::Service = "core/Service";
    service_accounts: facts::ServiceAccount = "core/ServiceAccount";
    secrets: facts::Secret = "core/Secret";
    quotas: facts::Quota = "core/ResourceQuota";
    limits: facts::Limits = "core/LimitRange";
    nodes: facts::Node = "core/Node";
    volumes: facts::PersistentVolume = "core/PersistentVolume";
    claims: facts::PersistentVolumeClaim = "core/PersistentVolumeClaim";
    roles: facts::Role = "rbac.authorization.k8s.io/Role", "rbac.authorization.k8s.io/ClusterRole";
    bindings: facts::Binding = "rbac.authorization.k8s.io/RoleBinding",
        "rbac.authorization.k8s.io/ClusterRoleBinding";
    network_policies: facts::NetworkPolicy = "networking.k8s.io/NetworkPolicy";
    ingresses: facts::Ingress = "networking.k8s.io/Ingress";
    image_scans: facts::ImageScan = "secnumcloud.dev/SncImageScan";
    vulnerability_reports: facts::VulnerabilityReport = "aquasecurity.github.io/VulnerabilityReport";
    image_ledgers: facts::ImageLedger = "secnumcloud.dev/SncImageLedger";
    audit_logs: facts::AuditLog = "secnumcloud.dev/SncAuditLog";
    budgets: facts::Budget = "policy/PodDisruptionBudget";
    storage_classes: facts::StorageClass = "storage.k8s.io/StorageClass";
    webhooks: facts::Webhooks = "admissionregistration.k8s.io/ValidatingWebhookConfiguration",
        "admissionregistration.k8s.io/MutatingWebhookConfiguration";
}

impl Snapshot {
    pub fn set(&mut self, kind: &str, availability: Availability) {
        self.availability.insert(kind.to_owned(), availability);
    }

    /// A kind that nobody spoke of was not read.
    pub fn availability(&self, kind: &str) -> Availability {
        self.availability.get(kind).cloned().unwrap_or_else(|| {
            Availability::NotRead(Text::new(format!("{kind} n'a pas été lu"), format!("{kind} was not read")))
        })
    }

    pub fn put(&mut self, subject: &Subject, object: &Value) {
        let kind = subject.kind_key();
        self.unreadable.remove(subject);
        if let Err(why) = self.shelf(&kind).put(subject, object) {
            self.unreadable.insert(subject.clone(), why);
        }
    }

    /// As `put`, of what was read before. Whether anything is other than it was.
    pub fn accept(&mut self, subject: &Subject, fact: Fact) -> bool {
        let stock = self.shelf(&subject.kind_key());
        match fact.0 {
            Ok(fact) => stock.accept(subject, fact) | self.unreadable.remove(subject).is_some(),
            Err(why) => {
                let held = stock.remove(subject);
                self.unreadable.insert(subject.clone(), why.clone()) != Some(why) || held
            }
        }
    }

    /// A pod that was read before, or why it could not be.
    pub fn put_pod(&mut self, subject: &Subject, read: Result<facts::Pod, String>) {
        self.unreadable.remove(subject);
        match read {
            Ok(pod) => drop(self.pods.items.insert(subject.clone(), pod)),
            Err(why) => {
                self.pods.items.remove(subject);
                self.unreadable.insert(subject.clone(), why);
            }
        }
    }

    /// Whether there was anything of it.
    pub fn remove(&mut self, subject: &Subject) -> bool {
        let readable = self.shelf(&subject.kind_key()).remove(subject);
        self.unreadable.remove(subject).is_some() || readable
    }

    /// Objects that are there and could not be understood.
    pub fn unreadable(&self) -> impl Iterator<Item = (&Subject, &str)> {
        self.unreadable.iter().map(|(subject, why)| (subject, why.as_str()))
    }

    /// Why one of them could not be.
    pub fn unreadable_of(&self, subject: &Subject) -> Option<&str> {
        self.unreadable.get(subject).map(String::as_str)
    }

    /// The tenant whose label a namespace carries; none where it is not governed or not known.
    pub fn tenant(&self, namespace: &str) -> Option<&str> {
        let subject = Subject::new("v1", "Namespace", "", namespace);
        let labels = &self.namespaces.get(&subject)?.metadata.labels;
        labels.get(crate::names::LABEL_TENANT).map(String::as_str)
    }

    pub fn labels_of(&self, namespace: &str) -> Option<&facts::Strings> {
        let subject = Subject::new("v1", "Namespace", "", namespace);
        self.namespaces.get(&subject).map(|found| &found.metadata.labels)
    }
}
