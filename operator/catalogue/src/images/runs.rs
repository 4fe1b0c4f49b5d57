//! What runs, put together and judged once, however many controls ask.

use super::{Question, Scale, Sources};
use crate::evaluate::pods::root;
use jiff::Timestamp;
use snc_core::facts::Running;
use snc_core::snapshot::Snapshot;
use snc_core::verdict::Subject;
use snc_images::library::Image;
use snc_images::verdict::Judgement;
use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

/// An image in a namespace.
pub(crate) struct Run<'a> {
    pub namespace: &'a str,
    pub image: Image,
    /// As a pod names it.
    pub named: &'a str,
    /// As its container runtime does.
    pub image_id: &'a str,
}

/// What was made for something, and the containers of it that differ in what they run.
pub(crate) struct Made<'a> {
    pub whose: Subject,
    /// Where, and which of the images.
    pub containers: Vec<(&'a str, usize)>,
}

#[derive(Default)]
pub(crate) struct Table<'a> {
    pub images: Vec<Run<'a>>,
    pub made: Vec<Made<'a>>,
}

pub(crate) struct Runs<'a> {
    snapshot: &'a Snapshot,
    table: OnceCell<Table<'a>>,
    judged: RefCell<Option<Judged>>,
}

/// By what, when, and what came of it.
type Judged = (Scale, Timestamp, Rc<Vec<Judgement>>);

/// Of whatever lifetime: what is remembered makes `Runs` invariant.
pub(crate) trait Ran {
    fn table(&self) -> &Table<'_>;

    /// In the order of the images.
    fn judged(&self, scale: &Scale, question: Question, now: Timestamp) -> Rc<Vec<Judgement>>;
}

impl<'a> Runs<'a> {
    pub fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, table: OnceCell::new(), judged: RefCell::new(None) }
    }
}

impl Ran for Runs<'_> {
    fn table(&self) -> &Table<'_> {
        self.table.get_or_init(|| table(self.snapshot))
    }

    fn judged(&self, scale: &Scale, question: Question, now: Timestamp) -> Rc<Vec<Judgement>> {
        let mut judged = self.judged.borrow_mut();
        if let Some((held, at, judgements)) = &*judged
            && *at == now
            && held.serves(scale, question)
        {
            return judgements.clone();
        }
        let library = Sources::of(self.snapshot).library(scale);
        let judge = |run: &Run<'_>| scale.judge(&library, run.namespace, &run.image, now);
        let judgements: Rc<Vec<Judgement>> = Rc::new(self.table().images.iter().map(judge).collect());
        *judged = Some((scale.clone(), now, judgements.clone()));
        judgements
    }
}

fn table(snapshot: &Snapshot) -> Table<'_> {
    let mut table = Table::default();
    let mut known: HashMap<(&str, &str, &str), usize> = HashMap::new();
    let mut roots: HashMap<(&str, &str, &str, &str), Option<Subject>> = HashMap::new();
    let mut seen: HashSet<(Subject, *const Vec<Running>)> = HashSet::new();
    for (subject, pod) in snapshot.pods.iter().filter(|(_, pod)| !pod.running.is_empty()) {
        let namespace = subject.namespace.as_str();
        let root = pod.metadata.controller().and_then(|owner| {
            let key = (namespace, owner.api_version.as_str(), owner.kind.as_str(), owner.name.as_str());
            let above =
                || root(snapshot, &Subject::new(&owner.api_version, &owner.kind, namespace, &owner.name));
            roots.entry(key).or_insert_with(above).clone()
        });
        let whose = root.unwrap_or_else(|| subject.clone());
        // Pods of one template share what they run.
        if !seen.insert((whose.clone(), Arc::as_ptr(&pod.running))) {
            continue;
        }
        let containers = pod.running.iter().map(|Running { at, named, image_id }| {
            let index = *known.entry((namespace, named, image_id)).or_insert_with(|| {
                table.images.push(Run {
                    namespace,
                    image: Image::of(named, Some(image_id)),
                    named,
                    image_id,
                });
                table.images.len() - 1
            });
            (&**at, index)
        });
        let containers = containers.collect();
        table.made.push(Made { whose, containers });
    }
    table
}
