//! Objects go in one by one and only their verdicts stay; what rules on several objects need of them is kept apart.

mod pods;

use crate::catalogue::{Assessor, Catalogue, kinds};
use crate::checks::World;
use crate::normal::without_nulls;
use crate::profile::{Profiles, Settings};
use crate::rule::{bind, set_params, unusable};
use jiff::Timestamp;
use pods::{Outcomes, Owned, Templates};
use serde_json::Value;
use snc_core::control::WhenAbsent;
use snc_core::snapshot::{Availability, Snapshot};
use snc_core::verdict::{Outcome, Subject, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

/// An object as it is judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    pub subject: Subject,
    pub body: Value,
}

impl Object {
    /// None without `apiVersion`, `kind` and a name.
    pub fn new(mut body: Value) -> Option<Self> {
        without_nulls(&mut body);
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).filter(|t| !t.is_empty());
        let name = text("/metadata/name").or_else(|| text("/metadata/generateName"))?;
        let namespace = text("/metadata/namespace").unwrap_or_default();
        let subject = Subject::new(text("/apiVersion")?, text("/kind")?, namespace, name);
        Some(Self { subject, body })
    }
}

/// What was said of everything; controls are counted in the catalogue's order.
#[derive(Debug, Clone, Default)]
pub struct Evaluation {
    /// Every verdict on every object.
    pub verdicts: BTreeMap<Subject, BTreeMap<usize, Verdict>>,
    /// Why, and where, of what is not a pass.
    pub findings: BTreeMap<(usize, Subject), Outcome>,
}

impl Evaluation {
    /// The worse of two verdicts stays.
    fn add(&mut self, control: usize, subject: &Subject, outcome: &Outcome) {
        let verdicts = self.verdicts.entry(subject.clone()).or_default();
        if verdicts.get(&control).is_some_and(|held| *held >= outcome.verdict) {
            return;
        }
        verdicts.insert(control, outcome.verdict);
        if outcome.verdict >= Verdict::Exempt {
            self.findings.insert((control, subject.clone()), outcome.clone());
        }
    }

    /// The worst verdict of each of so many controls, over everything or over what `within` picks. What holds for
    /// the whole cluster holds for each part of it.
    pub fn worst(&self, controls: usize, within: impl Fn(&Subject) -> bool) -> Vec<Verdict> {
        let mut worst = vec![Verdict::NotApplicable; controls];
        let whole = Subject::whole();
        for (_, verdicts) in self.verdicts.iter().filter(|(subject, _)| **subject == whole || within(subject))
        {
            for (control, verdict) in verdicts {
                if let Some(held) = worst.get_mut(*control) {
                    *held = (*held).max(*verdict);
                }
            }
        }
        worst
    }
}

/// What one control says.
pub(crate) type Said = (usize, Arc<Outcome>);

/// Where the static pods of a control plane are, as `variables.programs` has it.
const STATIC: &str = "kube-system";

/// Most of what is said, and always the same.
static PASS: LazyLock<Arc<Outcome>> = LazyLock::new(|| Arc::new(Outcome::pass()));
static NOT_APPLICABLE: LazyLock<Arc<Outcome>> = LazyLock::new(|| Arc::new(Outcome::not_applicable()));

/// The rules on one object, for as many threads as there are.
pub struct Scales<'c> {
    catalogue: &'c Catalogue,
    profiles: &'c dyn Profiles,
    templates: Templates,
}

/// What the rules on one object say of it.
pub struct Weighed {
    own: Outcomes,
    shared: Outcomes,
}

impl Scales<'_> {
    pub fn weigh(&self, object: &Object) -> Weighed {
        let Catalogue { by_kind, by_template, .. } = self.catalogue;
        let kind = object.subject.kind_key();
        let own = by_kind.get(&kind).map(Vec::as_slice).unwrap_or_default();
        let own = outcomes(self.catalogue, own, self.profiles, &object.subject, &object.body);
        let shared = by_template.get(&kind).zip(pods::holder(&kind, &object.body));
        let shared = shared.map(|(entries, holder)| {
            self.templates.judge(self.catalogue, entries, self.profiles, &object.subject, holder)
        });
        Weighed { own: own.into(), shared: shared.unwrap_or_default() }
    }
}

impl Weighed {
    fn all(&self) -> impl Iterator<Item = &Said> {
        self.own.iter().chain(self.shared.iter())
    }

    fn paths(&self) -> Vec<String> {
        self.all().flat_map(|(_, outcome)| &outcome.paths).cloned().collect()
    }
}

/// Judges objects as they come, then all of them together.
pub struct Judge<'c> {
    scales: Arc<Scales<'c>>,
    kept: BTreeSet<String>,
    seen: BTreeSet<String>,
    owned: BTreeMap<Subject, Owned>,
    evaluation: Evaluation,
    snapshot: Snapshot,
}

impl<'c> Judge<'c> {
    pub fn new(catalogue: &'c Catalogue, profiles: &'c dyn Profiles) -> Self {
        let on_several = |entry: &&crate::catalogue::Entry| matches!(entry.assessor, Assessor::Check(_));
        let mut kept: BTreeSet<String> =
            catalogue.entries.iter().filter(on_several).flat_map(|e| kinds(&e.control.reads)).collect();
        // Whose pods they are, and which tenant's.
        kept.extend(["apps/ReplicaSet", "batch/Job", "core/Namespace"].map(str::to_owned));
        Self {
            scales: Arc::new(Scales { catalogue, profiles, templates: Templates::default() }),
            kept,
            seen: BTreeSet::new(),
            owned: BTreeMap::new(),
            evaluation: Evaluation::default(),
            snapshot: Snapshot::default(),
        }
    }

    /// What other threads may weigh objects with before [`Judge::take`] is given them.
    pub fn scales(&self) -> Arc<Scales<'c>> {
        self.scales.clone()
    }

    /// Says whether the objects of a kind are known; one that nobody spoke of was not read.
    pub fn set(&mut self, kind: &str, availability: Availability) {
        self.snapshot.set(kind, availability);
    }

    /// Nothing comes after this, and what did not come was not looked at.
    pub fn files_end_here(&mut self) {
        for kind in self.scales.catalogue.reads() {
            let held = self.seen.contains(&kind);
            self.snapshot.set(&kind, if held { Availability::Held } else { Availability::NotGiven });
        }
    }

    pub fn see(&mut self, object: &Object) -> Vec<String> {
        let weighed = self.scales.weigh(object);
        self.take(object, &weighed)
    }

    /// Gives the paths that its own rules found wrong, unless what made it is known and has them already.
    pub fn take(&mut self, object: &Object, weighed: &Weighed) -> Vec<String> {
        let kind = object.subject.kind_key();
        if self.kept.contains(&kind) {
            self.snapshot.put(&object.subject, &object.body);
            if let Some(pod) = self.snapshot.pods.get_mut(&object.subject) {
                pods::forget(&object.subject, pod);
            }
        }
        if !self.seen.contains(&kind) {
            self.seen.insert(kind);
        }
        let Some(owner) = pods::owner(object) else {
            for (control, outcome) in weighed.all() {
                self.evaluation.add(*control, &object.subject, outcome);
            }
            return weighed.paths();
        };
        if let Some(held) = self.owned.get_mut(&owner) {
            held.add(&weighed.own);
            held.add(&weighed.shared);
            return Vec::new();
        }
        let mut first = Owned::new(&object.subject);
        first.add(&weighed.own);
        first.add(&weighed.shared);
        let known = pods::root(&self.snapshot, &owner).is_some();
        self.owned.insert(owner, first);
        if known { Vec::new() } else { weighed.paths() }
    }

    pub fn conclude(mut self, now: Timestamp) -> Evaluation {
        for (owner, owned) in std::mem::take(&mut self.owned) {
            let root = pods::root(&self.snapshot, &owner);
            if root.is_some() && owned.first.kind != "Pod" {
                // Made from a template that is judged itself, maybe a former one that nothing runs by now.
                continue;
            }
            let subject = root.unwrap_or_else(|| owned.first.clone());
            for (control, outcome) in owned.said.iter().flat_map(|said| said.iter()) {
                self.evaluation.add(*control, &subject, outcome);
            }
        }
        let Scales { catalogue, profiles, .. } = *self.scales;
        for (index, entry) in catalogue.entries.iter().enumerate() {
            if let Some(outcome) = self.unavailable(&entry.control) {
                self.evaluation.add(index, &Subject::whole(), &outcome);
                continue;
            }
            let Assessor::Check(check) = &entry.assessor else { continue };
            let values = profiles.cluster().values(&entry.control);
            let world = World { snapshot: &self.snapshot, settings: Settings::new(&values), now };
            let reads = kinds(&entry.control.reads);
            let unreadable =
                self.snapshot.unreadable().filter(|(subject, _)| reads.contains(&subject.kind_key()));
            let unreadable = unreadable.map(|(subject, why)| {
                (
                    subject.clone(),
                    Outcome::unknown(format!("illisible : {why}"), format!("cannot be read: {why}")),
                )
            });
            for (subject, outcome) in check(&world).into_iter().chain(unreadable) {
                let profile = profiles.of(&subject, entry.control.scope);
                if profile.is_some_and(|profile| entry.control.applies_at(profile.level)) {
                    self.evaluation.add(index, &subject, &outcome);
                }
            }
        }
        self.evaluation
    }

    /// What is said once for a control when a kind that it needs is not known.
    fn unavailable(&self, control: &snc_core::control::Control) -> Option<Outcome> {
        if !control.applies_at(self.scales.profiles.cluster().level) {
            return None;
        }
        let given = |kinds: &[String]| {
            self::kinds(kinds).iter().any(|kind| self.snapshot.availability(kind) != Availability::NotGiven)
        };
        if !given(control.judged()) {
            return Some(Outcome::not_applicable());
        }
        let missing = |kind: String| match self.snapshot.availability(&kind) {
            Availability::Held => None,
            // Of the kinds that a rule on one object is for, some may be there and others not.
            Availability::NotGiven if control.rule.is_some() || Self::judged(control, &kind) => None,
            Availability::NotGiven => Some(Outcome::unknown(
                format!("aucun {kind} dans ce qui a été lu"),
                format!("no {kind} in what was read"),
            )),
            Availability::NotServed if control.when_absent == WhenAbsent::NotApplicable => {
                Some(Outcome::not_applicable())
            }
            Availability::NotServed => Some(Outcome::unknown(
                format!("le serveur ne sert pas {kind}"),
                format!("the API server does not serve {kind}"),
            )),
            Availability::NotRead(why) => Some(Outcome::unknown(why.fr, why.en)),
        };
        kinds(&control.reads).into_iter().find_map(missing)
    }

    fn judged(control: &snc_core::control::Control, kind: &str) -> bool {
        kinds(control.judged()).iter().any(|judged| judged == kind)
    }
}

/// What each of these controls says of one object.
fn outcomes(
    catalogue: &Catalogue,
    entries: &[usize],
    profiles: &dyn Profiles,
    subject: &Subject,
    body: &Value,
) -> Vec<Said> {
    let ordinary = !(subject.kind == "Pod" && subject.namespace == STATIC);
    let judged: Vec<(usize, Option<Value>)> = entries
        .iter()
        .filter_map(|index| {
            let entry = &catalogue.entries[*index];
            let profile = profiles.of(subject, entry.control.scope)?;
            let asked = !(ordinary && entry.static_pods_only);
            let params = || asked.then(|| Value::Object(profile.values(&entry.control)));
            entry.control.applies_at(profile.level).then(|| (*index, params()))
        })
        .collect();
    let asked: Vec<usize> =
        judged.iter().filter(|(_, params)| params.is_some()).map(|(index, _)| *index).collect();
    if asked.is_empty() {
        return judged.iter().map(|(index, _)| (*index, NOT_APPLICABLE.clone())).collect();
    }
    catalogue.prepare(&asked);
    let mut bound = bind(body);
    judged
        .iter()
        .filter_map(|(index, params)| {
            let Some(params) = params else { return Some((*index, NOT_APPLICABLE.clone())) };
            set_params(&mut bound, params);
            let outcome = match catalogue.entries[*index].rule()? {
                Ok(rule) => rule.judge(&bound),
                Err(why) => unusable(why),
            };
            let shared = match outcome.verdict {
                Verdict::Pass => PASS.clone(),
                Verdict::NotApplicable => NOT_APPLICABLE.clone(),
                _ => Arc::new(outcome),
            };
            Some((*index, shared))
        })
        .collect()
}
