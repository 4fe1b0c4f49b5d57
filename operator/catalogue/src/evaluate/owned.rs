//! What something else made: pods are reported on what made them, sets on themselves where they differ from it.

use super::pods::{Outcomes, root};
use super::{Evaluation, Object, Said, Weighed};
use serde_json::Value;
use snc_core::snapshot::Snapshot;
use snc_core::verdict::{Outcome, Subject, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A set or a job with a controller.
struct Set {
    subject: Subject,
    owner: Subject,
    idle: bool,
    said: [Outcomes; 2],
}

/// Everything that has a controller.
#[derive(Default)]
pub(super) struct Owned {
    sets: Vec<Set>,
    /// By controller, each outcome once, with the first in order of those that got it.
    pods: BTreeMap<Subject, Vec<(Subject, Outcomes)>>,
}

/// Whether it will run nothing of its template: a set without copies, a job that has ended. One that is suspended is
/// to run.
pub(crate) fn is_idle(object: &Object) -> bool {
    let number = |pointer: &str| object.body.pointer(pointer).and_then(Value::as_i64);
    match object.subject.kind_key().as_str() {
        "apps/ReplicaSet" => {
            number("/spec/replicas") == Some(0) && number("/status/replicas").unwrap_or(0) == 0
        }
        "batch/Job" => {
            let conditions = object.body.pointer("/status/conditions").and_then(Value::as_array);
            conditions.into_iter().flatten().any(|condition| {
                matches!(condition["type"].as_str(), Some("Complete" | "Failed"))
                    && condition["status"] == "True"
            })
        }
        _ => false,
    }
}

/// Of two that are equally bad, the one that is told, whatever came first.
pub(crate) fn comes_before(a: &Outcome, b: &Outcome) -> bool {
    (&a.message, &a.paths) < (&b.message, &b.paths)
}

impl Owned {
    pub(super) fn add(&mut self, subject: &Subject, idle: bool, owner: Subject, weighed: &Weighed) {
        let Weighed { own, shared } = weighed;
        if subject.kind != "Pod" {
            let said = [own.clone(), shared.clone()];
            self.sets.push(Set { subject: subject.clone(), owner, idle, said });
            return;
        }
        let held = self.pods.entry(owner).or_default();
        for said in [own, shared].into_iter().filter(|said| !said.is_empty()) {
            // Pods of one template follow each other.
            match held.iter_mut().rev().find(|(_, again)| same(again, said)) {
                Some((first, _)) if subject < first => first.clone_from(subject),
                Some(_) => {}
                None => held.push((subject.clone(), said.clone())),
            }
        }
    }

    /// Everything that nothing made is in the evaluation by now. Gives the names under which those may be waived that
    /// something made.
    pub(super) fn attribute(self, snapshot: &Snapshot, evaluation: &mut Evaluation) -> Names {
        let mut names = Names::new();
        let roots: Vec<Option<Subject>> = self.sets.iter().map(|set| root(snapshot, &set.owner)).collect();
        let mut differing: Vec<(&Subject, &Said)> = Vec::new();
        for (set, _) in self.sets.iter().zip(&roots).filter(|(_, root)| root.is_none()) {
            evaluation.add(&set.subject, set.said.iter().flat_map(|said| said.iter()));
        }
        for (set, root) in self.sets.iter().zip(&roots).filter(|(set, _)| !set.idle) {
            let Some(root) = root else { continue };
            let own = evaluation.verdicts.get(root);
            let told = |said: &&Said| {
                let of_root = own.and_then(|own| own.get(&said.0)).copied();
                of_root != Some(said.1.verdict)
            };
            names.insert(set.subject.clone(), vec![set.subject.key(), root.key()]);
            let said = set.said.iter().flat_map(|said| said.iter());
            differing.extend(said.filter(told).map(|said| (&set.subject, said)));
        }
        for (subject, said) in differing {
            evaluation.add(subject, [said]);
        }
        let mut made = BTreeSet::new();
        for (owner, told) in &self.pods {
            let root = root(snapshot, owner);
            for (first, said) in told {
                let subject = root.as_ref().unwrap_or(first);
                if root.is_none() {
                    // Told of one of several: a waiver of that one is none of the others.
                    names.insert(first.clone(), vec![owner.key()]);
                }
                for one in said.iter() {
                    evaluation.add_made(subject, one, &mut made);
                }
            }
        }
        names
    }
}

/// Under which names what something made may be waived.
pub(super) type Names = BTreeMap<Subject, Vec<String>>;

fn same(a: &Outcomes, b: &Outcomes) -> bool {
    let one = |(a, b): (&Said, &Said)| a.0 == b.0 && (Arc::ptr_eq(&a.1, &b.1) || a.1 == b.1);
    Arc::ptr_eq(a, b) || (a.len() == b.len() && a.iter().zip(b.iter()).all(one))
}

impl Evaluation {
    /// As `add`, of pods that were made: what their maker's own template says stands before what they say.
    fn add_made(&mut self, subject: &Subject, said: &Said, made: &mut BTreeSet<(usize, Subject)>) {
        let (control, outcome) = (said.0, &said.1);
        let held = self.verdicts.get(subject).and_then(|held| held.get(&control)).copied();
        if outcome.verdict < Verdict::Exempt || held.is_some_and(|held| held > outcome.verdict) {
            return self.add(subject, [said]);
        }
        let key = (control, subject.clone());
        if held != Some(outcome.verdict) {
            self.add(subject, [said]);
            made.insert(key);
        } else if made.contains(&key)
            && let Some(told) = self.findings.get_mut(&key)
            && comes_before(outcome, told)
        {
            told.clone_from(outcome);
        }
    }
}
