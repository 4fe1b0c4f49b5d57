//! What an object says, found where nothing is locked.

use super::tenancy::Parameters;
use crate::catalogue::Catalogue;
use crate::evaluate::pods::{self, Outcomes, Templates};
use crate::evaluate::{Object, Said, is_idle, weigh};
use crate::profile::{Profile, place};
use snc_core::facts::{Meta, Pod, PodSpec, PodStatus, Running};
use snc_core::snapshot::Fact;
use snc_core::verdict::Subject;
use std::collections::{BTreeSet, HashSet};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Things of which equal ones are one.
pub(super) struct Pool<T: ?Sized>(Mutex<(HashSet<Arc<T>>, usize)>);

impl<T: ?Sized + Hash + Eq> Default for Pool<T> {
    fn default() -> Self {
        Self(Mutex::new((HashSet::new(), 1024)))
    }
}

impl<T: ?Sized + Hash + Eq> Pool<T> {
    pub fn share(&self, one: Arc<T>) -> Arc<T> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (set, full) = &mut *held;
        if let Some(same) = set.get(&one) {
            return same.clone();
        }
        if set.len() >= *full {
            set.retain(|one| Arc::strong_count(one) > 1);
            *full = (set.len() * 2).max(1024);
        }
        set.insert(one.clone());
        one
    }
}

/// The parts of pods' facts.
#[derive(Default)]
pub(super) struct Pods {
    metadata: Pool<Meta>,
    spec: Pool<PodSpec>,
    status: Pool<PodStatus>,
    running: Pool<Vec<Running>>,
}

impl Pods {
    fn share(&self, pod: &mut Pod) {
        let Pod { metadata, spec, status, running } = std::mem::take(pod);
        pod.metadata = self.metadata.share(metadata);
        pod.spec = self.spec.share(spec);
        pod.status = self.status.share(status);
        pod.running = self.running.share(running);
    }
}

/// What is the same for every object, until it is governed otherwise.
pub(super) struct Weighing {
    pub catalogue: Arc<Catalogue>,
    pub parameters: Parameters,
    pub templates: Arc<Templates>,
    pub outcomes: Arc<Pool<[Said]>>,
    pub owners: Arc<Pool<Subject>>,
    pub pods: Arc<Pods>,
    pub kept: Arc<BTreeSet<String>>,
}

/// Judges objects one by one, by what is in force when it is asked. For as many threads as there are.
#[derive(Clone)]
pub struct Weigher(pub(super) Arc<RwLock<Arc<Weighing>>>);

/// What an object says. Its body is no longer there.
pub struct Held {
    pub(super) subject: Subject,
    pub(super) own: Outcomes,
    pub(super) shared: Outcomes,
    pub(super) owner: Option<Arc<Subject>>,
    pub(super) idle: bool,
    /// What it was judged by.
    pub(super) by: Arc<Profile>,
    pub(super) fact: Option<Fact>,
}

impl Held {
    pub fn subject(&self) -> &Subject {
        &self.subject
    }
}

impl Weigher {
    pub(super) fn now(&self) -> Arc<Weighing> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn change(&self, to: Weighing) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(to);
    }

    pub fn weigh(&self, object: Object) -> Held {
        let now = self.now();
        let weighed = weigh(&now.catalogue, &now.parameters, &now.templates, &object);
        let share = |said: Outcomes| now.outcomes.share(said);
        let owner = pods::owner(&object).map(|owner| now.owners.share(Arc::new(owner)));
        let fact = now.kept.contains(&object.subject.kind_key()).then(|| {
            let mut fact = Fact::of(&object.subject, &object.body);
            if let Some(pod) = fact.pod_mut() {
                pods::forget(&object.subject.namespace, pod);
                now.pods.share(pod);
            }
            fact
        });
        Held {
            own: share(weighed.own),
            shared: share(weighed.shared),
            idle: owner.is_some() && is_idle(&object),
            owner,
            by: now.parameters.at(place(&object.subject)).clone(),
            fact,
            subject: object.subject,
        }
    }
}
