//! The same from nothing: a judge over all that is there, by its own words.

use serde_json::Value;
use snc_catalogue::{
    Assessed, Catalogue, Counts, Evaluation, Finding, Findings, Judge, Numbers, Object, Profile, Profiles,
    Tally, Tenancy, Waived,
};
use snc_core::control::Scope;
use snc_core::snapshot::Availability;
use snc_core::tier::Level;
use snc_core::verdict::{Subject, Verdict};
use snc_core::waiver::Waivers;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

pub static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(|| Arc::new(Catalogue::built_in().unwrap()));

pub fn now() -> jiff::Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// Every level raised, so that the judge says everything.
pub fn raised(tenancy: &Tenancy) -> Tenancy {
    let mut tenancy = tenancy.clone();
    tenancy.cluster.level = Level::Avance;
    for governed in tenancy.governed.values_mut() {
        let parameters = governed.profile.parameters.clone();
        governed.profile = Arc::new(Profile { level: Level::Avance, parameters });
    }
    tenancy
}

pub struct Afresh<'a> {
    pub tenancy: &'a Tenancy,
    pub evaluation: Evaluation,
    places: BTreeSet<String>,
}

impl<'a> Afresh<'a> {
    pub fn of(
        tenancy: &'a Tenancy,
        objects: &BTreeMap<Subject, Value>,
        availability: &BTreeMap<String, Availability>,
        waivers: &Waivers,
    ) -> Self {
        let profiles = raised(tenancy);
        let mut judge = Judge::new(&CATALOGUE, &profiles);
        judge.set_home(&tenancy.home.0);
        for (kind, availability) in availability {
            judge.set(kind, availability.clone());
        }
        judge.waive(waivers.clone());
        for object in objects.values() {
            judge.see(&Object::new(object.clone()).unwrap());
        }
        let evaluation = judge.conclude(now());
        let places = objects.keys().map(|subject| place(subject).to_owned());
        Self { tenancy, evaluation, places: places.collect() }
    }

    fn tally(&self, level: Level, within: impl Fn(&Subject) -> bool, whole: impl Fn(Scope) -> bool) -> Tally {
        let mut counts = vec![Counts::default(); CATALOGUE.controls().count()];
        let controls: Vec<_> = CATALOGUE.controls().collect();
        for (subject, verdicts) in &self.evaluation.verdicts {
            for (control, verdict) in verdicts {
                let scope = controls[*control].scope;
                let counted = if *subject == Subject::whole() { whole(scope) } else { within(subject) };
                if counted && controls[*control].applies_at(level) {
                    let counts = &mut counts[*control];
                    match verdict {
                        Verdict::Pass => counts.pass += 1,
                        Verdict::Fail => counts.fail += 1,
                        Verdict::Unknown => counts.unknown += 1,
                        Verdict::Exempt => counts.exempt += 1,
                        Verdict::NotApplicable => {}
                    }
                }
            }
        }
        let worst: Vec<Verdict> = counts.iter().map(Counts::worst).collect();
        Tally { level, numbers: Numbers::of(worst.iter().copied()), worst, counts }
    }

    /// What a conclusion has to be.
    pub fn expected(&self) -> Assessed {
        let Tenancy { cluster, platform, governed, tenants, .. } = self.tenancy;
        let level =
            |place: &str| governed.get(place).map_or(cluster.level, |governed| governed.profile.level);
        let said = self.evaluation.verdicts.iter().filter(|(_, verdicts)| {
            verdicts.iter().any(|(control, verdict)| {
                *verdict != Verdict::NotApplicable
                    && CATALOGUE.controls().nth(*control).unwrap().rule.is_none()
            })
        });
        let mut places: BTreeSet<&str> = said.map(|(subject, _)| place(subject)).collect();
        places.extend(self.places.iter().map(String::as_str));
        places.insert("");
        let mut findings: BTreeMap<String, Arc<Findings>> = BTreeMap::new();
        for place in &places {
            findings
                .insert((*place).to_owned(), Arc::new(self.findings(place, level(place).max(cluster.level))));
        }
        places.extend(governed.keys().map(String::as_str));
        places.remove("");
        let of_place = |here: &&str| {
            let is_platform = platform.contains(*here);
            let whole = |scope| match scope {
                Scope::Any => true,
                Scope::Tenant => !is_platform,
                Scope::Platform => is_platform,
            };
            let tally = self.tally(level(here), |subject| place(subject) == *here, whole);
            ((*here).to_owned(), Arc::new(tally))
        };
        let of_tenant = |(tenant, own): (&String, &Level)| {
            let here = |place: &str| governed.get(place).filter(|governed| governed.tenant == *tenant);
            let levels = governed.values().filter(|one| one.tenant == *tenant).map(|one| one.profile.level);
            let level = levels.chain([*own]).max().unwrap();
            let mut tally =
                self.tally(level, |subject| here(place(subject)).is_some(), |scope| scope != Scope::Platform);
            for (control, counts) in CATALOGUE.controls().zip(&mut tally.counts) {
                if control.scope == Scope::Platform {
                    *counts = Counts::default();
                }
            }
            tally.worst = tally.counts.iter().map(Counts::worst).collect();
            tally.numbers = Numbers::of(tally.worst.iter().copied());
            (tenant.clone(), Arc::new(tally))
        };
        Assessed {
            images: Arc::default(),
            catalogue: CATALOGUE.clone(),
            cluster: self.tally(cluster.level, |_| true, |_| true),
            tenants: tenants.iter().map(of_tenant).collect(),
            namespaces: places.iter().map(of_place).collect(),
            findings,
            waived: Waived::default(),
        }
    }

    fn findings(&self, here: &str, level: Level) -> Findings {
        let controls: Vec<_> = CATALOGUE.controls().collect();
        let highest = self.tenancy.governed.values().map(|one| one.profile.level);
        let highest = highest.chain(self.tenancy.tenants.values().copied()).max().unwrap_or(level).max(level);
        let all = self.evaluation.findings.iter().filter(|((control, subject), _)| {
            let level = if *subject == Subject::whole() { highest } else { level };
            place(subject) == here && controls[*control].applies_at(level)
        });
        let all = all.filter(|(_, outcome)| outcome.verdict != Verdict::Exempt);
        let mut worst: Vec<Finding> = all
            .map(|((control, subject), outcome)| Finding {
                control: *control,
                subject: subject.clone(),
                outcome: outcome.clone(),
            })
            .collect();
        worst.sort_by(|a, b| {
            let rank =
                |one: &Finding| (Reverse((one.outcome.verdict, controls[one.control].severity)), one.control);
            rank(a).cmp(&rank(b)).then_with(|| a.subject.cmp(&b.subject))
        });
        let count = |verdict| worst.iter().filter(|one| one.outcome.verdict == verdict).count();
        let (fail, unknown) = (count(Verdict::Fail), count(Verdict::Unknown));
        worst.truncate(Findings::KEPT);
        Findings { worst: worst.into(), fail: fail.try_into().unwrap(), unknown: unknown.try_into().unwrap() }
    }
}

pub fn place(subject: &Subject) -> &str {
    if subject.kind == "Namespace" && subject.api_version == "v1" {
        &subject.name
    } else {
        &subject.namespace
    }
}

/// The first difference, in words.
pub fn difference(found: &Assessed, expected: &Assessed) -> Option<String> {
    let ids: Vec<&str> = CATALOGUE.controls().map(|control| control.id.as_str()).collect();
    let tallies = |what: &str, a: &Tally, b: &Tally| {
        let at = a.counts.iter().zip(&b.counts).position(|(a, b)| a != b);
        let at = at.map(|at| format!("{what}: {}: {:?}, expected {:?}", ids[at], a.counts[at], b.counts[at]));
        at.or_else(|| (a != b).then(|| format!("{what}: {:?}, expected {:?}", a.numbers, b.numbers)))
    };
    let several = |what: &str, a: &BTreeMap<String, Arc<Tally>>, b: &BTreeMap<String, Arc<Tally>>| {
        let (left, right): (Vec<_>, Vec<_>) = (a.keys().collect(), b.keys().collect());
        let keys = (left != right).then(|| format!("{what}: {left:?}, expected {right:?}"));
        keys.or_else(|| a.iter().zip(b.values()).find_map(|((name, a), b)| tallies(name, a, b)))
    };
    tallies("cluster", &found.cluster, &expected.cluster)
        .or_else(|| several("tenants", &found.tenants, &expected.tenants))
        .or_else(|| several("namespaces", &found.namespaces, &expected.namespaces))
        .or_else(|| {
            let (left, right): (Vec<_>, Vec<_>) =
                (found.findings.keys().collect(), expected.findings.keys().collect());
            (left != right).then(|| format!("findings of {left:?}, expected {right:?}"))
        })
        .or_else(|| {
            let mut pairs = found.findings.iter().zip(expected.findings.values());
            pairs.find_map(|((place, a), b)| {
                let at = a.worst.iter().zip(b.worst.iter()).position(|(a, b)| a != b);
                let one = at.map(|at| format!("{place}: {:?}, expected {:?}", a.worst[at], b.worst[at]));
                one.or_else(|| {
                    let sizes = |f: &Findings| (f.worst.len(), f.fail, f.unknown);
                    (a != b).then(|| format!("{place}: {:?}, expected {:?}", sizes(a), sizes(b)))
                })
            })
        })
}

/// Whether profiles judge what they are to judge.
#[test]
fn a_tenancy_is_a_choice_of_profiles() {
    let mut tenancy = Tenancy::new(Profile::new(Level::Essentiel));
    tenancy.platform.insert("kube-system".to_owned());
    let profile = Arc::new(Profile::new(Level::Avance));
    let governed = snc_catalogue::Governed { tenant: "acme".to_owned(), profile };
    tenancy.governed.insert("shop".to_owned(), governed);
    let of = |namespace: &str, scope| {
        tenancy.of(&Subject::new("v1", "Pod", namespace, "p"), scope).map(|profile| profile.level)
    };
    assert_eq!(of("shop", Scope::Tenant), Some(Level::Avance));
    assert_eq!(of("shop", Scope::Any), Some(Level::Avance));
    assert_eq!(of("shop", Scope::Platform), None);
    assert_eq!(of("other", Scope::Tenant), Some(Level::Essentiel));
    assert_eq!(of("kube-system", Scope::Tenant), None);
    assert_eq!(of("kube-system", Scope::Platform), Some(Level::Essentiel));
    let foreign = Subject::new("example.org/v1", "Namespace", "shop", "kube-system");
    assert!(tenancy.of(&foreign, Scope::Tenant).is_some(), "a kind of that name is no namespace");
}
