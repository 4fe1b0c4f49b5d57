//! Objects come, change and go, in any order; kinds cannot be read; levels and parameters change.

use super::afresh::{Afresh, CATALOGUE, difference, now};
use super::objects::OBJECTS;
use proptest::prelude::*;
use serde_json::{Value, json};
use snc_catalogue::{Governed, Live, Object, Profile, Tenancy};
use snc_core::control::Stronger;
use snc_core::snapshot::Availability;
use snc_core::text::Text;
use snc_core::tier::Level;
use snc_core::verdict::Subject;
use snc_core::waiver::Waivers;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

#[derive(Debug, Clone)]
pub enum Step {
    Apply(prop::sample::Index),
    Delete(prop::sample::Index),
    Reset(prop::sample::Index),
    Availability(prop::sample::Index, u8),
    Govern(Governing),
    /// Of these objects, so many controls.
    Waive(Vec<(prop::sample::Index, prop::sample::Index)>),
    Conclude,
}

#[derive(Debug, Clone)]
pub struct Governing {
    cluster: Level,
    own: Level,
    tailored: Vec<prop::sample::Index>,
    own_tailored: Vec<prop::sample::Index>,
    platform: bool,
}

impl Governing {
    pub fn plain() -> Self {
        let (tailored, own_tailored) = (Vec::new(), Vec::new());
        Self { cluster: Level::Standard, own: Level::Avance, tailored, own_tailored, platform: false }
    }
}

pub fn governing() -> impl Strategy<Value = Governing> {
    let level = || prop::sample::select(Level::ALL);
    let tailored = || prop::collection::vec(any::<prop::sample::Index>(), 0..4);
    (level(), level(), tailored(), tailored(), any::<bool>()).prop_map(
        |(cluster, own, tailored, own_tailored, platform)| Governing {
            cluster,
            own,
            tailored,
            own_tailored,
            platform,
        },
    )
}

pub fn step() -> impl Strategy<Value = Step> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        12 => index().prop_map(Step::Apply),
        3 => index().prop_map(Step::Delete),
        1 => index().prop_map(Step::Reset),
        1 => (index(), 0_u8..4).prop_map(|(kind, to)| Step::Availability(kind, to)),
        1 => governing().prop_map(Step::Govern),
        1 => prop::collection::vec((index(), index()), 0..40).prop_map(Step::Waive),
        2 => Just(Step::Conclude),
    ]
}

pub static KINDS: LazyLock<Vec<String>> = LazyLock::new(|| CATALOGUE.reads().into_iter().collect());

fn profile(level: Level, tailored: &[prop::sample::Index]) -> Profile {
    let with: Vec<_> = CATALOGUE.controls().filter(|control| !control.parameters.is_empty()).collect();
    let mut profile = Profile::new(level);
    for control in tailored.iter().map(|index| index.get(&with)) {
        let parameter = &control.parameters[0];
        let value = match (&parameter.default, parameter.stronger) {
            (Value::Bool(value), _) => json!(!value),
            (Value::Number(_), Stronger::Lower) => json!(parameter.bounds.map_or(1, |bounds| bounds.min)),
            (Value::Number(_), _) => json!(parameter.bounds.map_or(9, |bounds| bounds.max)),
            (Value::Array(_), _) => json!(["shop", "registry.test"]),
            (_, _) => json!("x"),
        };
        profile.parameters.entry(control.id.clone()).or_default().insert(parameter.name.clone(), value);
    }
    profile
}

pub fn tenancy(how: &Governing) -> Tenancy {
    let mut tenancy = Tenancy::new(profile(how.cluster, &how.tailored));
    tenancy.platform.insert("kube-system".to_owned());
    if how.platform {
        tenancy.platform.insert("team".to_owned());
    }
    let own = Arc::new(profile(how.own, &how.own_tailored));
    let plain = Arc::new(profile(Level::Standard, &how.tailored));
    for (namespace, profile) in [("shop", &own), ("acme-1", &own), ("b", &plain), ("not-there", &plain)] {
        let tenant = if namespace == "b" { "other" } else { "acme" };
        let governed = Governed { tenant: tenant.to_owned(), profile: profile.clone() };
        tenancy.governed.insert(namespace.to_owned(), governed);
    }
    tenancy.tenants = [("acme".to_owned(), Level::Essentiel), ("other".to_owned(), Level::Avance)].into();
    tenancy.tenants.insert("empty".to_owned(), Level::Standard);
    tenancy
}

/// The live one, and all that it was told.
pub struct Both {
    pub live: Live,
    pub tenancy: Tenancy,
    pub objects: BTreeMap<Subject, Value>,
    pub availability: BTreeMap<String, Availability>,
    pub waivers: Arc<Waivers>,
}

impl Both {
    pub fn new() -> Self {
        let mut live = Live::new(CATALOGUE.clone());
        let tenancy = tenancy(&Governing::plain());
        live.govern(tenancy.clone());
        let waivers = Arc::default();
        let mut both =
            Self { live, tenancy, objects: BTreeMap::new(), availability: BTreeMap::new(), waivers };
        for kind in KINDS.iter() {
            both.set(kind, Availability::Held);
        }
        both
    }

    pub fn set(&mut self, kind: &str, to: Availability) {
        self.live.set(kind, to.clone());
        self.availability.insert(kind.to_owned(), to);
    }

    pub fn apply(&mut self, body: &Value) {
        let object = Object::new(body.clone()).unwrap();
        self.objects.insert(object.subject.clone(), body.clone());
        self.live.apply(self.live.weigher().weigh(object));
    }

    pub fn list_again(&mut self, kind: &str) {
        let weigher = self.live.weigher();
        let own = self.objects.iter().filter(|(subject, _)| subject.kind_key() == kind);
        let all = own.map(|(_, body)| weigher.weigh(Object::new(body.clone()).unwrap())).collect();
        self.live.reset(kind, all);
    }

    pub fn take(&mut self, step: &Step) {
        match step {
            Step::Apply(index) => self.apply(&index.get(&OBJECTS).1),
            Step::Delete(index) => {
                let subject = match self.objects.len() {
                    0 => return,
                    held => self.objects.keys().nth(index.index(held)).cloned().unwrap(),
                };
                self.objects.remove(&subject);
                self.live.delete(&subject);
            }
            Step::Reset(index) => {
                let kind = index.get(&KINDS).clone();
                let mut keep = false;
                self.objects.retain(|subject, _| {
                    keep = !keep;
                    keep || subject.kind_key() != kind
                });
                self.list_again(&kind);
            }
            Step::Availability(index, to) => {
                let kind = index.get(&KINDS).clone();
                let to = match to {
                    0 => Availability::NotServed,
                    1 => Availability::NotRead(Text::new("refusé", "refused")),
                    _ => Availability::Held,
                };
                self.set(&kind, to);
            }
            Step::Govern(how) => {
                self.tenancy = tenancy(how);
                let again = self.live.govern(self.tenancy.clone());
                for kind in &again {
                    self.list_again(kind);
                }
                assert_eq!(self.live.former(), BTreeSet::new());
            }
            Step::Waive(pairs) => {
                let controls: Vec<_> = CATALOGUE.controls().map(|control| &control.id).collect();
                let mut waivers = Waivers::default();
                for (object, control) in pairs {
                    let control: &&String = control.get(&controls);
                    waivers.grant(control, &object.get(&OBJECTS).0.key(), "x");
                    // Most pairs of any two are of no interest.
                    for control in ["pod-privileged", "pod-host-network", "namespace-quota"] {
                        waivers.grant(control, &object.get(&OBJECTS).0.key(), "y");
                    }
                }
                self.waivers = Arc::new(waivers);
                self.live.waive(&self.waivers);
            }
            Step::Conclude => {}
        }
    }

    pub fn difference(&mut self) -> Option<String> {
        let expected = Afresh::of(&self.tenancy, &self.objects, &self.availability, &self.waivers).expected();
        difference(&self.live.conclude(now()), &expected)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn it_is_as_if_it_were_judged_afresh(steps in prop::collection::vec(step(), 1..120)) {
        let mut both = Both::new();
        for (at, step) in steps.iter().enumerate() {
            both.take(step);
            if matches!(step, Step::Conclude | Step::Govern(_) | Step::Waive(_)) {
                let difference = both.difference();
                prop_assert!(difference.is_none(), "step {}: {}", at, difference.unwrap());
            }
        }
        let difference = both.difference();
        prop_assert!(difference.is_none(), "{}", difference.unwrap());
        let again = both.live.conclude(now());
        prop_assert!(Arc::ptr_eq(&again, &both.live.conclude(now())), "nothing changed");
    }
}

/// Parameters that no rule on pods has are no reason to judge pods again, nor to count them apart.
#[test]
fn pods_of_one_maker_count_once_whatever_else_came_into_force_between_them() {
    let pod = |name: &str| {
        json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "shop", "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "gone", "controller": true}]},
            "spec": {"containers": [{"name": "web", "image": "registry.example/web:1"}]}})
    };
    let mut both = Both::new();
    both.apply(&pod("a"));
    let mut profile = profile(Level::Avance, &[]);
    let values = json!({"environments": ["Production"]}).as_object().unwrap().clone();
    profile.parameters.insert("namespace-environment".to_owned(), values);
    both.tenancy.governed.get_mut("shop").unwrap().profile = Arc::new(profile);
    let again = both.live.govern(both.tenancy.clone());
    assert!(again.contains("core/Namespace") && !again.contains("core/Pod"), "{again:?}");
    both.apply(&pod("b"));
    assert_eq!(both.difference(), None);
}

/// One that runs nothing is no image's business, unless nobody can tell what it runs.
#[test]
fn a_pod_that_cannot_be_understood_is_told_of_from_then_on_and_no_longer() {
    let pod = |host: Value| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop"},
            "spec": {"hostNetwork": host, "containers": [{"name": "web", "image": "registry.example/web:1"}]}})
    };
    let mut both = Both::new();
    for host in [json!(false), json!("true"), json!(7), json!(true), json!("true")] {
        both.apply(&pod(host));
        assert_eq!(both.difference(), None);
    }
    let subject = both.objects.keys().next().cloned().unwrap();
    both.objects.remove(&subject);
    both.live.delete(&subject);
    assert_eq!(both.difference(), None);
}

/// All at once, and each after the other in the opposite order.
#[test]
fn every_object_of_every_fixture_is_judged_as_afresh() {
    let mut both = Both::new();
    OBJECTS.iter().rev().for_each(|(_, body)| both.apply(body));
    assert_eq!(both.difference(), None);
    let subjects: Vec<Subject> = both.objects.keys().cloned().collect();
    for subject in subjects {
        both.objects.remove(&subject);
        both.live.delete(&subject);
    }
    assert_eq!(both.difference(), None);
}
