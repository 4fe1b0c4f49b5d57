//! Who a namespace belongs to, and by what it is judged.

use crate::catalogue::{Assessor, Catalogue};
use crate::profile::{Profile, Profiles, place, reaches};
use snc_core::control::Scope;
use snc_core::snapshot::Home;
use snc_core::tier::Level;
use snc_core::verdict::Subject;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Which namespace belongs to whom and is judged how.
#[derive(Debug, Clone, PartialEq)]
pub struct Tenancy {
    /// For everything that is not governed, for controls on several objects, and for the cluster's own tally.
    pub cluster: Profile,
    /// Where the operator is.
    pub home: Home,
    /// Namespaces that are the platform's own.
    pub platform: BTreeSet<String>,
    pub governed: BTreeMap<String, Governed>,
    /// Every tenant with its own level, those without a namespace included.
    pub tenants: BTreeMap<String, Level>,
}

/// A namespace of a tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Governed {
    pub tenant: String,
    pub profile: Arc<Profile>,
}

impl Tenancy {
    pub fn new(cluster: Profile) -> Self {
        Self {
            cluster,
            home: Home::default(),
            platform: BTreeSet::new(),
            governed: BTreeMap::new(),
            tenants: BTreeMap::new(),
        }
    }

    pub(super) fn profile(&self, namespace: &str) -> &Profile {
        self.governed.get(namespace).map_or(&self.cluster, |governed| &governed.profile)
    }

    /// What is found in a namespace is told where its own tally or the cluster's counts it.
    pub(super) fn told(&self, namespace: &str) -> Level {
        self.profile(namespace).level.max(self.cluster.level)
    }

    /// The tenants with the highest level of each and of its namespaces.
    pub(super) fn levels(&self) -> BTreeMap<&str, Level> {
        let mut levels: BTreeMap<&str, Level> =
            self.tenants.iter().map(|(tenant, level)| (tenant.as_str(), *level)).collect();
        for Governed { tenant, profile } in self.governed.values() {
            let level = levels.entry(tenant).or_insert(profile.level);
            *level = profile.level.max(*level);
        }
        levels
    }
}

impl Profiles for Tenancy {
    fn of(&self, subject: &Subject, scope: Scope) -> Option<&Profile> {
        let place = place(subject);
        reaches(scope, place, &self.platform).then(|| self.profile(place))
    }

    fn cluster(&self) -> &Profile {
        &self.cluster
    }
}

/// The parameters of a tenancy at the highest level and for controls of every scope: what an object is found to be
/// depends on parameters only, so that neither a level nor a zone that changes asks for the object again.
pub(super) struct Parameters {
    pub cluster: Arc<Profile>,
    pub governed: BTreeMap<String, Arc<Profile>>,
}

impl Parameters {
    /// Of profiles with equal parameters there is one, in `known`.
    pub fn of(tenancy: &Tenancy, known: &mut Vec<Arc<Profile>>) -> Self {
        let cluster = raised(&tenancy.cluster, known);
        let governed = tenancy.governed.iter();
        let own = governed.map(|(name, governed)| (name.clone(), raised(&governed.profile, known)));
        // By the cluster's are judged all that are not named.
        let governed = own.filter(|(_, profile)| !Arc::ptr_eq(profile, &cluster)).collect();
        Self { cluster, governed }
    }

    pub fn at(&self, namespace: &str) -> &Arc<Profile> {
        self.governed.get(namespace).unwrap_or(&self.cluster)
    }

    pub fn all(&self) -> impl Iterator<Item = &Arc<Profile>> {
        self.governed.values().chain([&self.cluster])
    }
}

impl Profiles for Parameters {
    fn of(&self, subject: &Subject, _: Scope) -> Option<&Profile> {
        Some(self.at(place(subject)))
    }

    fn cluster(&self) -> &Profile {
        &self.cluster
    }
}

fn raised(profile: &Profile, known: &mut Vec<Arc<Profile>>) -> Arc<Profile> {
    if let Some(held) = known.iter().find(|held| held.parameters == profile.parameters) {
        return held.clone();
    }
    let new = Arc::new(Profile { level: Level::Avance, parameters: profile.parameters.clone() });
    known.push(new.clone());
    new
}

/// The rules whose parameters have other values in one profile than in the other.
pub(super) fn differing(catalogue: &Catalogue, a: &Profile, b: &Profile) -> BTreeSet<usize> {
    let rules = catalogue.entries.iter().enumerate();
    let rules = rules.filter(|(_, entry)| matches!(entry.assessor, Assessor::Rule(_)));
    let tailored = |profile: &Profile, id: &str| profile.parameters.contains_key(id);
    rules
        .filter(|(_, entry)| tailored(a, &entry.control.id) || tailored(b, &entry.control.id))
        .filter(|(_, entry)| a.values(&entry.control) != b.values(&entry.control))
        .map(|(index, _)| index)
        .collect()
}
