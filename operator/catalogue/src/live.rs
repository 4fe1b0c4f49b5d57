//! What is known of a cluster while it changes: objects go in as they come, and only what they touch is judged again.
//!
//! Objects are weighed by every control, whatever its level and its scope, since what is found depends on the object
//! and on parameters only; levels and scopes are looked at when it is rolled up. A namespace counts what is found in
//! it and what is said of the cluster as a whole, where a control's scope reaches it; a tenant the worst of its
//! namespaces at its highest level, without what is asked of the platform; the cluster everything. A tenant that has
//! no namespace has what is said of the whole, and no score where that is nothing.

mod names;
mod roll;
mod several;
mod space;
mod tenancy;
mod weigh;

use crate::assessed::{Assessed, Finding, Findings, Tally, Waived};
use crate::audit_log;
use crate::catalogue::{Catalogue, kinds};
use crate::evaluate::{self, pods::Templates};
use crate::images::{self, ImageTally, Runs};
use crate::profile::{Profile, place, reaches};
use jiff::Timestamp;
use names::Kinds;
use roll::{Rolled, Whole};
use several::{Checks, RUNNING, SIGNATURES, To};
use snc_core::control::Scope;
use snc_core::facts::{Owner, Running};
use snc_core::image::{Reference, Signatures};
use snc_core::snapshot::{Availability, Snapshot};
use snc_core::tier::Level;
use snc_core::verdict::{Outcome, Subject, Verdict};
use snc_core::waiver::Waivers;
use snc_images::ledger::News;
use space::{Kept, Look, Space, With};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, RwLock};
use tenancy::Parameters;
pub use tenancy::{Governed, Tenancy};
use weigh::Weighing;
pub use weigh::{Held, Weigher};

/// Everything that is held of a cluster. Nothing is held of its objects but what was found, and the facts that
/// controls on several objects read.
pub struct Live {
    catalogue: Arc<Catalogue>,
    weigher: Weigher,
    tenancy: Tenancy,
    /// Profiles that outcomes may rest on.
    profiles: Vec<Arc<Profile>>,
    snapshot: Snapshot,
    kinds: Kinds,
    spaces: BTreeMap<String, Space>,
    checks: Checks,
    whole: Whole,
    pass: Arc<Outcome>,
    /// Kinds of which facts are other than at the last conclusion.
    changed: BTreeSet<String>,
    waivers: Arc<Waivers>,
    /// By the namespace that it is in, or is.
    waived_in: BTreeMap<String, Arc<Waivers>>,
    governed_otherwise: bool,
    last: Option<Arc<Assessed>>,
    unwritten: Arc<BTreeMap<String, News>>,
    images: Arc<BTreeMap<String, ImageTally>>,
    to_verify: Arc<ToVerify>,
    /// In which hour it was last concluded.
    hour: Option<i64>,
    /// When something else may be said, though nothing came.
    turns: Option<Timestamp>,
}

/// As far as it decides about images.
#[derive(PartialEq)]
enum OfImages {
    /// Images, and what they were made for.
    These(Arc<Vec<Running>>, Option<Owner>),
    Unreadable(String),
}

/// Images whose signatures registries are to be asked about, and by which keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToVerify {
    pub keys: Vec<String>,
    pub images: Vec<Reference>,
}

/// Templates that are remembered; beyond it, those that still run are judged once more.
const TEMPLATES: usize = 16_384;

/// Dates and deadlines that controls look at are no finer, in seconds.
const HOUR: i64 = 60 * 60;

impl Live {
    /// Nothing was read, and nobody governs anything.
    pub fn new(catalogue: Arc<Catalogue>) -> Self {
        let tenancy = Tenancy::new(Profile::new(Level::Avance));
        let mut profiles = Vec::new();
        let weighing = Weighing {
            parameters: Parameters::of(&tenancy, &mut profiles),
            templates: Arc::default(),
            outcomes: Arc::default(),
            owners: Arc::default(),
            pods: Arc::default(),
            kept: Arc::new(evaluate::kept(&catalogue)),
            catalogue: catalogue.clone(),
        };
        Self {
            weigher: Weigher(Arc::new(RwLock::new(Arc::new(weighing)))),
            tenancy,
            profiles,
            snapshot: Snapshot::default(),
            kinds: Kinds::default(),
            spaces: BTreeMap::new(),
            checks: Checks::of(&catalogue),
            whole: Vec::new(),
            pass: Arc::new(Outcome::pass()),
            changed: BTreeSet::new(),
            waivers: Arc::default(),
            waived_in: BTreeMap::new(),
            governed_otherwise: true,
            last: None,
            unwritten: Arc::default(),
            images: Arc::default(),
            to_verify: Arc::default(),
            hour: None,
            turns: None,
            catalogue,
        }
    }

    /// Stays good when it is governed otherwise: it always judges by what is in force.
    pub fn weigher(&self) -> Weigher {
        self.weigher.clone()
    }

    /// What an object says now; whatever it said before is no longer held.
    pub fn apply(&mut self, mut held: Held) {
        let place = place(&held.subject).to_owned();
        let runs = self.runs(&held.subject);
        let changed = held.fact.take().is_some_and(|fact| self.snapshot.accept(&held.subject, fact));
        if changed {
            self.change(&held.subject.kind_key());
            if self.runs(&held.subject) != runs {
                self.change(RUNNING);
            }
        }
        let name = self.kinds.name(&held.subject);
        let space = self.spaces.entry(place).or_default();
        if changed {
            space.disturb();
        }
        space.apply(name, Kept::of(held));
    }

    pub fn delete(&mut self, subject: &Subject) {
        let runs = self.runs(subject);
        if self.snapshot.remove(subject) {
            self.change(&subject.kind_key());
            if runs.is_some() {
                self.change(RUNNING);
            }
        }
        let Some(name) = self.kinds.known(subject) else { return };
        if let Some(space) = self.spaces.get_mut(place(subject)) {
            space.delete(&name);
        }
    }

    /// What decides about images: what a pod runs, what pods were made for, and what cannot be understood.
    fn runs(&self, subject: &Subject) -> Option<OfImages> {
        if let Some(why) = self.snapshot.unreadable_of(subject) {
            return Some(OfImages::Unreadable(why.to_owned()));
        }
        if subject.kind == "Pod" {
            let pod = self.snapshot.pods.get(subject)?;
            let runs = (!pod.running.is_empty()).then(|| pod.running.clone())?;
            return Some(OfImages::These(runs, pod.metadata.controller().cloned()));
        }
        let workload = self.snapshot.workloads.get(subject)?;
        Some(OfImages::These(Arc::default(), workload.metadata.controller().cloned()))
    }

    /// A new list of a kind, `group/Kind`: what is not in it is gone.
    pub fn reset(&mut self, kind: &str, all: Vec<Held>) {
        let listed: BTreeSet<(&str, names::Name)> =
            all.iter().map(|held| (place(&held.subject), self.kinds.name(&held.subject))).collect();
        let mut gone = Vec::new();
        for (place, space) in &self.spaces {
            for name in space.names(&self.kinds, kind) {
                let key = (place.as_str(), name);
                if !listed.contains(&key) {
                    gone.push(self.kinds.subject(place, &key.1));
                }
            }
        }
        drop(listed);
        for subject in &gone {
            self.delete(subject);
        }
        for held in all {
            self.apply(held);
        }
    }

    /// Whether the objects of a kind are known. What rests on one that is not is Unknown, whatever is held of it; one
    /// that nobody spoke of was not read.
    pub fn set(&mut self, kind: &str, availability: Availability) {
        if self.snapshot.availability(kind) != availability {
            self.change(kind);
        }
        self.snapshot.set(kind, availability);
    }

    fn change(&mut self, kind: &str) {
        if !self.changed.contains(kind) {
            self.changed.insert(kind.to_owned());
        }
    }

    /// Puts a tenancy in force. Gives the kinds that have to be listed again, because a rule on them has other
    /// parameters somewhere; until they are, what was judged by the former ones is Unknown.
    pub fn govern(&mut self, tenancy: Tenancy) -> BTreeSet<String> {
        if tenancy == self.tenancy {
            return BTreeSet::new();
        }
        let before = self.weigher.now();
        let parameters = Parameters::of(&tenancy, &mut self.profiles);
        let named = before.parameters.governed.keys().chain(parameters.governed.keys());
        let mut pairs = vec![(&before.parameters.cluster, &parameters.cluster)];
        for name in named {
            let pair = (before.parameters.at(name), parameters.at(name));
            if !pairs.iter().any(|(a, b)| Arc::ptr_eq(a, pair.0) && Arc::ptr_eq(b, pair.1)) {
                pairs.push(pair);
            }
        }
        let otherwise = pairs.into_iter().filter(|(a, b)| !Arc::ptr_eq(a, b));
        let rules: BTreeSet<usize> =
            otherwise.flat_map(|(a, b)| tenancy::differing(&self.catalogue, a, b)).collect();
        let entries = rules.iter().filter_map(|index| self.catalogue.entries.get(*index));
        let again = entries.flat_map(|entry| kinds(&entry.control.reads)).collect();
        if self.snapshot.home != tenancy.home {
            self.snapshot.home = tenancy.home.clone();
            self.checks.forget();
        }
        self.tenancy = tenancy;
        self.governed_otherwise = true;
        self.renew(parameters, before.templates.clone());
        again
    }

    /// Puts waivers in force, instead of those that were.
    pub fn waive(&mut self, waivers: &Arc<Waivers>) {
        if self.waivers == *waivers {
            return;
        }
        let mut by_place: BTreeMap<String, Waivers> = BTreeMap::new();
        for (control, key, exception) in waivers.iter() {
            by_place.entry(waived_place(key).to_owned()).or_default().grant(control, key, exception);
        }
        let mut before = std::mem::take(&mut self.waived_in);
        // Where nothing is other, nothing is rolled up again.
        let kept = |(place, own): (String, Waivers)| {
            let same = before.remove(&place).filter(|held| **held == own);
            (place, same.unwrap_or_else(|| Arc::new(own)))
        };
        self.waived_in = by_place.into_iter().map(kept).collect();
        self.waivers = waivers.clone();
        self.governed_otherwise = true;
    }

    fn renew(&mut self, parameters: Parameters, templates: Arc<Templates>) {
        let before = self.weigher.now();
        self.weigher.change(Weighing {
            parameters,
            templates,
            catalogue: before.catalogue.clone(),
            outcomes: before.outcomes.clone(),
            owners: before.owners.clone(),
            pods: before.pods.clone(),
            kept: before.kept.clone(),
        });
    }

    /// Kinds of which something is still judged by former parameters.
    pub fn former(&self) -> BTreeSet<String> {
        let now = self.weigher.now();
        let spaces = self.spaces.iter();
        let of = |(place, space): (&String, &Space)| {
            let former = space.former(&self.catalogue, now.parameters.at(place), &self.kinds);
            former.into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        spaces.flat_map(of).collect()
    }

    /// What the scans of images told by the last conclusion that is not written down yet.
    pub fn unwritten(&self) -> Arc<BTreeMap<String, News>> {
        self.unwritten.clone()
    }

    /// What registries said of the signatures of images.
    pub fn signed(&mut self, signatures: Arc<Signatures>) {
        if self.snapshot.signatures.as_ref() != Some(&signatures) {
            self.snapshot.signatures = Some(signatures);
            self.change(SIGNATURES);
        }
    }

    /// What they are to be asked about, by the last conclusion.
    pub fn to_verify(&self) -> Arc<ToVerify> {
        self.to_verify.clone()
    }

    /// When it has to be concluded again, though nothing came: who falls silent says nothing of it.
    pub fn turns(&self) -> Option<Timestamp> {
        self.turns
    }

    /// What is known now. Where nothing changed, it is what was concluded before.
    pub fn conclude(&mut self, now: Timestamp) -> Arc<Assessed> {
        self.forget_templates();
        if self.turns.is_some_and(|turns| turns <= now) {
            self.change(audit_log::KIND);
        }
        self.turns = audit_log::turns(&self.snapshot, now);
        let changed = std::mem::take(&mut self.changed);
        let hour = Some(now.as_second().div_euclid(HOUR));
        let another_hour = std::mem::replace(&mut self.hour, hour) != hour;
        if another_hour {
            self.checks.forget();
        }
        let other_scans = images::KINDS.iter().any(|kind| changed.contains(*kind));
        if other_scans {
            // As long as one of them is not known, everything in it would look new.
            let known = images::KINDS
                .iter()
                .all(|kind| !matches!(self.snapshot.availability(kind), Availability::NotRead(_)));
            let news = if known { images::news(&self.snapshot, now) } else { BTreeMap::new() };
            self.unwritten = Arc::new(news);
        }
        let runs = Runs::new(&self.snapshot);
        let to =
            To { kinds: &mut self.kinds, spaces: &mut self.spaces, pass: self.pass.clone(), runs: &runs };
        let other_runs = changed.contains(RUNNING) || self.governed_otherwise;
        let images = (another_hour || other_scans || other_runs || changed.contains(SIGNATURES)).then(|| {
            let signatures = self.snapshot.signatures.as_deref();
            Arc::new(images::tallies(&runs, signatures, &self.tenancy.cluster, now))
        });
        if other_runs {
            let keys = images::keys(&self.tenancy.cluster);
            let images = images::running_to_ask(&keys, &runs);
            self.to_verify = Arc::new(ToVerify { keys, images });
        }
        let cluster = &self.tenancy.cluster;
        let whole = self.checks.ask(&self.catalogue, &self.snapshot, cluster, &changed, now, to);
        let other_whole = whole != self.whole;
        self.whole = whole;
        let weighing = self.weigher.now();
        let mut rolled = false;
        if let Some(images) = images.filter(|images| *images != self.images) {
            self.images = images;
            rolled = true;
        }
        let with = With { catalogue: &self.catalogue, snapshot: &self.snapshot, kinds: &self.kinds };
        for (place, space) in &mut self.spaces {
            let look = Look {
                by: weighing.parameters.at(place).clone(),
                platform: self.tenancy.platform.contains(place),
                level: self.tenancy.profile(place).level,
                told: self.tenancy.told(place),
                waivers: self.waived_in.get(place).cloned(),
            };
            rolled |= space.roll(place, look, &with);
            if other_whole {
                space.tally = None;
            }
        }
        let spaces = self.spaces.len();
        self.spaces.retain(|_, space| !space.is_empty());
        let otherwise = std::mem::take(&mut self.governed_otherwise);
        if let Some(last) = &self.last
            && !(rolled || other_whole || otherwise || spaces != self.spaces.len())
        {
            return last.clone();
        }
        let assessed = Arc::new(self.assess());
        self.last = Some(assessed.clone());
        assessed
    }

    fn assess(&mut self) -> Assessed {
        let Self { catalogue, tenancy, whole, .. } = self;
        let nothing = Rolled::default();
        let mut namespaces = BTreeMap::new();
        let mut findings = BTreeMap::new();
        for (place, space) in &mut self.spaces {
            if place.is_empty() {
                continue;
            }
            let level = tenancy.profile(place).level;
            let make = || Arc::new(of_namespace(catalogue, tenancy, whole, place, level, &space.rolled));
            let tally = space.tally.get_or_insert_with(make).clone();
            namespaces.insert(place.clone(), tally);
            findings.insert(place.clone(), space.rolled.findings.clone());
        }
        for (place, governed) in &tenancy.governed {
            if !namespaces.contains_key(place) {
                let level = governed.profile.level;
                let tally = of_namespace(catalogue, tenancy, whole, place, level, &nothing);
                namespaces.insert(place.clone(), Arc::new(tally));
            }
        }
        let spaces = &self.spaces;
        let of_tenant = |(tenant, level): (&str, Level)| {
            let own = tenancy.governed.iter().filter(|(_, governed)| governed.tenant == tenant);
            let parts = own.filter_map(|(place, _)| spaces.get(place)).map(|space| &space.rolled);
            let tally = roll::tally(catalogue, level, whole, parts, |scope| scope != Scope::Platform);
            (tenant.to_owned(), Arc::new(tally))
        };
        let tenants = tenancy.levels().into_iter().map(of_tenant).collect();
        let everything = spaces.values().map(|space| &space.rolled);
        let cluster = roll::tally(catalogue, tenancy.cluster.level, whole, everything, |_| true);
        let own = spaces.get("").map_or(&nothing.findings, |space| &space.rolled.findings);
        findings.insert(String::new(), of_whole(catalogue, tenancy, whole, own));
        let id = |control: usize| catalogue.entries.get(control).map(|entry| entry.control.id.clone());
        let waived = spaces.values().flat_map(|space| &space.rolled.waived);
        let pairs = waived.filter_map(|(control, key)| Some((id(*control)?, key.clone()))).collect();
        let waived = Waived { by: self.waivers.clone(), pairs };
        let images = self.images.clone();
        Assessed { catalogue: catalogue.clone(), cluster, tenants, namespaces, findings, waived, images }
    }

    fn forget_templates(&mut self) {
        let now = self.weigher.now();
        if now.templates.len() > TEMPLATES {
            self.profiles.retain(|profile| now.parameters.all().any(|own| Arc::ptr_eq(own, profile)));
            let parameters = Parameters::of(&self.tenancy, &mut self.profiles);
            self.renew(parameters, Arc::default());
        }
    }
}

/// Where a waived object is, as [`place`] has it.
fn waived_place(key: &str) -> &str {
    let (kind, name) = key.split_once(':').unwrap_or_default();
    let (namespace, name) = name.split_once('/').unwrap_or_default();
    if kind == "core/Namespace" { name } else { namespace }
}

fn of_namespace(
    catalogue: &Catalogue,
    tenancy: &Tenancy,
    whole: &Whole,
    place: &str,
    level: Level,
    rolled: &Rolled,
) -> Tally {
    let reached = |scope| reaches(scope, place, &tenancy.platform);
    roll::tally(catalogue, level, whole, [rolled].into_iter(), reached)
}

/// What is found of objects without a namespace, and of everything where anybody's level asks for it.
fn of_whole(catalogue: &Catalogue, tenancy: &Tenancy, whole: &Whole, own: &Findings) -> Arc<Findings> {
    let levels = tenancy.levels();
    let level = levels.values().copied().chain([tenancy.cluster.level]).max().unwrap_or(Level::Avance);
    let mut findings = Findings { fail: own.fail, unknown: own.unknown, ..Findings::default() };
    let mut worst: Vec<Finding> = own.worst.to_vec();
    for (control, (entry, outcome)) in catalogue.entries.iter().zip(whole).enumerate() {
        let Some(outcome) = outcome.as_ref().filter(|_| entry.control.applies_at(level)) else { continue };
        match outcome.verdict {
            Verdict::Fail => findings.fail += 1,
            Verdict::Unknown => findings.unknown += 1,
            _ => continue,
        }
        worst.push(Finding { control, subject: Subject::whole(), outcome: outcome.clone() });
    }
    worst.sort_by(|a, b| roll::order(catalogue, a, b));
    worst.truncate(Findings::KEPT);
    findings.worst = worst.into();
    Arc::new(findings)
}
