//! Objects go in one by one and only their verdicts stay; what rules on several objects need of them is kept apart.

mod glance;
mod owned;
pub(crate) mod pods;

use crate::catalogue::{Assessor, Catalogue, Entry, kinds};
use crate::checks::{Check, World};
use crate::images::{Ran, Runs};
use crate::normal::without_nulls;
use crate::profile::{Profiles, Settings};
use crate::rule::{bind, set_params, unusable};
use glance::Glances;
use jiff::Timestamp;
use owned::Owned;
pub(crate) use owned::{comes_before, is_idle};
use pods::{Outcomes, Templates};
use serde_json::{Map, Value};
use snc_core::control::{Control, WhenAbsent};
use snc_core::facts::Pod;
use snc_core::image::Signatures;
use snc_core::snapshot::{Availability, Home, Snapshot};
use snc_core::verdict::{Outcome, Subject, Verdict};
use snc_core::waiver::Waivers;
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
    pub findings: BTreeMap<(usize, Subject), Arc<Outcome>>,
}

impl Evaluation {
    /// The worse of two verdicts stays.
    fn add<'o>(&mut self, subject: &Subject, said: impl IntoIterator<Item = &'o Said>) {
        let mut said = said.into_iter().peekable();
        if said.peek().is_none() {
            return;
        }
        let verdicts = self.verdicts.entry(subject.clone()).or_default();
        for (control, outcome) in said {
            if verdicts.get(control).is_some_and(|held| *held >= outcome.verdict) {
                continue;
            }
            verdicts.insert(*control, outcome.verdict);
            if outcome.verdict >= Verdict::Exempt {
                self.findings.insert((*control, subject.clone()), outcome.clone());
            }
        }
    }

    /// What fails and is waived is exempt.
    fn waive(&mut self, catalogue: &Catalogue, waivers: &Waivers, names: &owned::Names) {
        if waivers.is_empty() {
            return;
        }
        for ((control, subject), outcome) in &mut self.findings {
            let Some(entry) = catalogue.entries.get(*control) else { continue };
            if outcome.verdict != Verdict::Fail {
                continue;
            }
            let own = || vec![subject.key()];
            let keys = names.get(subject).cloned().unwrap_or_else(own);
            let Some(exception) = waivers.covers_any(&entry.control.id, &keys) else { continue };
            *outcome = Arc::new(outcome.exempt(exception));
            if let Some(held) = self.verdicts.get_mut(subject).and_then(|held| held.get_mut(control)) {
                *held = Verdict::Exempt;
            }
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
    glances: Glances,
    pods_by_template: bool,
    /// Kinds of which more is kept than what is said of them.
    kept: BTreeSet<String>,
}

/// What the rules on one object say of it.
pub struct Weighed {
    pub(crate) own: Outcomes,
    pub(crate) shared: Outcomes,
}

/// What stays of an object that was weighed.
pub struct Gist {
    subject: Subject,
    kind: String,
    owner: Option<Subject>,
    idle: bool,
    facts: Facts,
    weighed: Weighed,
}

enum Facts {
    None,
    Pod(Result<Box<Pod>, String>),
    /// Read when it is taken.
    Whole(Value),
}

impl Gist {
    pub fn subject(&self) -> &Subject {
        &self.subject
    }
}

/// What was said of a template holds as long as every profile stays where it is in memory.
pub(crate) fn weigh(
    catalogue: &Catalogue,
    profiles: &dyn Profiles,
    templates: &Templates,
    object: &Object,
) -> Weighed {
    let Catalogue { by_kind, by_template, .. } = catalogue;
    let kind = object.subject.kind_key();
    let own = by_kind.get(&kind).map(Vec::as_slice).unwrap_or_default();
    let own = outcomes(catalogue, own, profiles, &object.subject, &object.body);
    let shared = by_template.get(&kind).zip(pods::holder(&kind, &object.body));
    let shared = shared
        .map(|(entries, holder)| templates.judge(catalogue, entries, profiles, &object.subject, holder));
    Weighed { own: own.into(), shared: shared.unwrap_or_default() }
}

impl<'c> Scales<'c> {
    fn new(catalogue: &'c Catalogue, profiles: &'c dyn Profiles) -> Self {
        let pods_by_template = glance::by_template_only(catalogue);
        let (templates, glances) = (Templates::default(), Glances::default());
        Self { catalogue, profiles, templates, glances, pods_by_template, kept: kept(catalogue) }
    }

    /// Weighs an object and lets go of what nobody reads.
    pub fn gist(&self, object: Object) -> Gist {
        let (weighed, owner) = (self.weigh(&object), pods::owner(&object));
        let idle = owner.is_some() && is_idle(&object);
        let Object { subject, body } = object;
        let kind = subject.kind_key();
        let facts = match kind.as_str() {
            other if !self.kept.contains(other) => Facts::None,
            glance::POD => Facts::Pod(pods::read(&subject.namespace, &body).map(Box::new)),
            _ => Facts::Whole(body),
        };
        Gist { subject, kind, owner, idle, facts, weighed }
    }

    pub fn weigh(&self, object: &Object) -> Weighed {
        weigh(self.catalogue, self.profiles, &self.templates, object)
    }
}

impl Weighed {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Said> {
        self.own.iter().chain(self.shared.iter())
    }

    pub(crate) fn of_template(&self) -> &[Said] {
        &self.shared
    }

    fn paths(&self) -> Vec<String> {
        self.all().flat_map(|(_, outcome)| &outcome.paths).cloned().collect()
    }
}

/// Kinds of which facts are kept.
pub(crate) fn kept(catalogue: &Catalogue) -> BTreeSet<String> {
    let on_several = |entry: &&Entry| matches!(entry.assessor, Assessor::Check(_));
    let mut kept: BTreeSet<String> =
        catalogue.entries.iter().filter(on_several).flat_map(|e| kinds(&e.control.reads)).collect();
    // Whose pods they are, and which tenant's.
    kept.extend(["apps/ReplicaSet", "batch/Job", "core/Namespace"].map(str::to_owned));
    kept
}

/// Judges objects as they come, then all of them together.
pub struct Judge<'c> {
    scales: Arc<Scales<'c>>,
    seen: BTreeSet<String>,
    owned: Owned,
    evaluation: Evaluation,
    snapshot: Snapshot,
    waivers: Waivers,
}

impl<'c> Judge<'c> {
    pub fn new(catalogue: &'c Catalogue, profiles: &'c dyn Profiles) -> Self {
        Self {
            scales: Arc::new(Scales::new(catalogue, profiles)),
            seen: BTreeSet::new(),
            owned: Owned::default(),
            evaluation: Evaluation::default(),
            snapshot: Snapshot::default(),
            waivers: Waivers::default(),
        }
    }

    /// Where the operator is, should it not be where the chart puts it.
    pub fn set_home(&mut self, namespace: &str) {
        self.snapshot.home = Home(namespace.to_owned());
    }

    /// What registries said of the signatures of images.
    pub fn signed(&mut self, signatures: Signatures) {
        self.snapshot.signatures = Some(Arc::new(signatures));
    }

    /// Puts waivers in force.
    pub fn waive(&mut self, waivers: Waivers) {
        self.waivers = waivers;
    }

    /// What other threads may weigh objects with before [`Judge::take`] or [`Judge::add`] is given them.
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
        if self.scales.kept.contains(&kind) {
            self.snapshot.put(&object.subject, &object.body);
            if let Some(pod) = self.snapshot.pods.get_mut(&object.subject) {
                pods::forget(&object.subject.namespace, pod);
            }
        }
        let owner = pods::owner(object).map(|owner| (owner, is_idle(object)));
        self.say(kind, &object.subject, owner, weighed)
    }

    /// The same of what [`Scales::gist`] or [`Scales::glance`] left of an object.
    pub fn add(&mut self, gist: Gist) -> Vec<String> {
        let Gist { subject, kind, owner, idle, facts, weighed } = gist;
        match facts {
            Facts::None => {}
            Facts::Pod(read) => self.snapshot.put_pod(&subject, read.map(|pod| *pod)),
            Facts::Whole(body) => self.snapshot.put(&subject, &body),
        }
        self.say(kind, &subject, owner.map(|owner| (owner, idle)), &weighed)
    }

    fn say(
        &mut self,
        kind: String,
        subject: &Subject,
        owner: Option<(Subject, bool)>,
        weighed: &Weighed,
    ) -> Vec<String> {
        if !self.seen.contains(&kind) {
            self.seen.insert(kind);
        }
        let Some((owner, idle)) = owner else {
            self.evaluation.add(subject, weighed.all());
            return weighed.paths();
        };
        let known = subject.kind == "Pod" && pods::root(&self.snapshot, &owner).is_some();
        self.owned.add(subject, idle, owner, weighed);
        if known { Vec::new() } else { weighed.paths() }
    }

    pub fn conclude(mut self, now: Timestamp) -> Evaluation {
        let names = std::mem::take(&mut self.owned).attribute(&self.snapshot, &mut self.evaluation);
        let Scales { catalogue, profiles, .. } = *self.scales;
        let runs = Runs::new(&self.snapshot);
        for (index, entry) in catalogue.entries.iter().enumerate() {
            let applies = entry.control.applies_at(profiles.cluster().level);
            if let Some(outcome) = unavailable(&entry.control, &self.snapshot) {
                if applies {
                    self.evaluation.add(&Subject::whole(), &[(index, Arc::new(outcome))]);
                }
                continue;
            }
            let Assessor::Check(check) = &entry.assessor else { continue };
            let values = profiles.cluster().values(&entry.control);
            for (subject, outcome) in on_several(&entry.control, *check, &self.snapshot, &values, now, &runs)
            {
                let profile = profiles.of(&subject, entry.control.scope);
                if profile.is_some_and(|profile| entry.control.applies_at(profile.level)) {
                    self.evaluation.add(&subject, &[(index, Arc::new(outcome))]);
                }
            }
        }
        self.evaluation.waive(catalogue, &self.waivers, &names);
        self.evaluation
    }
}

/// What a check says, and that of what it reads some could not be understood.
pub(crate) fn on_several(
    control: &Control,
    check: Check,
    snapshot: &Snapshot,
    values: &Map<String, Value>,
    now: Timestamp,
    runs: &dyn Ran,
) -> Vec<(Subject, Outcome)> {
    let mut said = check(&World { snapshot, settings: Settings::new(values), now, runs });
    let reads = kinds(&control.reads);
    let unreadable = snapshot.unreadable().filter(|(subject, _)| reads.contains(&subject.kind_key()));
    said.extend(unreadable.map(|(subject, why)| (subject.clone(), Outcome::unreadable(why))));
    said
}

/// What is said once for a control when a kind that it needs is not known.
pub(crate) fn unavailable(control: &Control, snapshot: &Snapshot) -> Option<Outcome> {
    let judged = kinds(control.judged());
    if judged.iter().all(|kind| snapshot.availability(kind) == Availability::NotGiven) {
        return Some(Outcome::not_applicable());
    }
    let missing = |kind: String| match snapshot.availability(&kind) {
        Availability::Held => None,
        // Of the kinds that a rule on one object is for, some may be there and others not.
        Availability::NotGiven if control.rule.is_some() || judged.contains(&kind) => None,
        Availability::NotGiven | Availability::NotServed if control.optional.contains(&kind) => None,
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
