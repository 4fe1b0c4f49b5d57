//! One namespace: what is in it, and what that comes to.

use super::names::{Kinds, Name};
use super::roll::{Known, Roll, Rolled};
use super::tenancy::differing;
use super::weigh::Held;
use crate::assessed::Tally;
use crate::catalogue::Catalogue;
use crate::evaluate::comes_before;
use crate::evaluate::pods::{self, Outcomes};
use crate::profile::Profile;
use snc_core::snapshot::Snapshot;
use snc_core::tier::Level;
use snc_core::verdict::{Outcome, Subject, Verdict};
use snc_core::waiver::Waivers;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, LazyLock};

/// What one object says.
pub(super) struct Kept {
    own: Outcomes,
    shared: Outcomes,
    owner: Option<Arc<Subject>>,
    by: Arc<Profile>,
    idle: bool,
    is_pod: bool,
}

impl Kept {
    pub fn of(held: Held) -> Self {
        let Held { own, shared, owner, by, idle, subject, .. } = held;
        Self { own, shared, owner, by, idle, is_pod: subject.kind == "Pod" }
    }

    /// Equal outcomes and owners are one.
    fn is(&self, other: &Self) -> bool {
        let owner = match (&self.owner, &other.owner) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a == b,
            (None, None) => true,
            _ => false,
        };
        owner
            && self.idle == other.idle
            && Arc::ptr_eq(&self.own, &other.own)
            && Arc::ptr_eq(&self.shared, &other.shared)
            && Arc::ptr_eq(&self.by, &other.by)
    }
}

/// How a namespace is looked at; another look needs another roll-up.
#[derive(Clone)]
pub(super) struct Look {
    pub by: Arc<Profile>,
    pub platform: bool,
    pub level: Level,
    pub told: Level,
    /// Those of this place, where there are any.
    pub waivers: Option<Arc<Waivers>>,
}

impl PartialEq for Look {
    fn eq(&self, other: &Self) -> bool {
        let waivers = match (&self.waivers, &other.waivers) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        waivers
            && Arc::ptr_eq(&self.by, &other.by)
            && (self.platform, self.level, self.told) == (other.platform, other.level, other.told)
    }
}

/// What a check said of objects of one namespace.
pub(super) type Told = Vec<(Name, Arc<Outcome>)>;

#[derive(Default)]
pub(super) struct Space {
    objects: BTreeMap<Name, Kept>,
    several: BTreeMap<usize, Told>,
    dirty: bool,
    look: Option<Look>,
    pub rolled: Rolled,
    /// Made of what is rolled up; none where it has to be made again.
    pub tally: Option<Arc<Tally>>,
}

impl Space {
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.several.is_empty()
    }

    pub fn apply(&mut self, name: Name, kept: Kept) {
        if self.objects.get(&name).is_none_or(|held| !held.is(&kept)) {
            self.dirty = true;
        }
        self.objects.insert(name, kept);
    }

    /// Facts changed, and with them maybe what made what.
    pub fn disturb(&mut self) {
        self.dirty = true;
    }

    pub fn delete(&mut self, name: &Name) {
        self.dirty |= self.objects.remove(name).is_some();
    }

    pub fn names(&self, kinds: &Kinds, key: &str) -> Vec<Name> {
        let ranges = kinds.ranges(key).into_iter();
        ranges.flat_map(|range| self.objects.range(range)).map(|(name, _)| name.clone()).collect()
    }

    pub fn told(&mut self, control: usize, told: Told) {
        let changed = match self.several.get(&control) {
            Some(held) => *held != told,
            None => !told.is_empty(),
        };
        if changed {
            self.dirty = true;
            if told.is_empty() {
                self.several.remove(&control)
            } else {
                self.several.insert(control, told)
            };
        }
    }

    /// Rolls up what changed; whether anything did.
    pub fn roll(&mut self, place: &str, look: Look, with: &With<'_>) -> bool {
        if !self.dirty && self.look.as_ref() == Some(&look) {
            return false;
        }
        let mut roll =
            Roll::new(with.catalogue, with.kinds, look.platform, place, look.told, look.waivers.as_deref());
        let mut view =
            View { space: self, with, look: &look, differing: HashMap::new(), former: HashMap::new() };
        view.objects(&mut roll);
        for (control, told) in &self.several {
            for (name, outcome) in told {
                roll.say(name, *control, outcome);
            }
        }
        self.rolled = roll.end();
        self.dirty = false;
        self.look = Some(look);
        self.tally = None;
        true
    }

    /// Kinds of which something was judged by other parameters than those in force, and it matters.
    pub fn former<'k>(&self, catalogue: &Catalogue, by: &Profile, kinds: &'k Kinds) -> BTreeSet<&'k str> {
        let mut known: HashMap<*const Profile, BTreeSet<usize>> = HashMap::new();
        let mut matters = |held: &Kept| {
            let of = || differing(catalogue, &held.by, by);
            let former = known.entry(Arc::as_ptr(&held.by)).or_insert_with(of);
            let mut said = held.own.iter().chain(held.shared.iter());
            !former.is_empty() && said.any(|(control, said)| is_former(catalogue, former, *control, said))
        };
        self.objects.iter().filter(|(_, held)| matters(held)).map(|(name, _)| kinds.key(name)).collect()
    }
}

/// Whether parameters that are no longer in force have a part in it.
fn is_former(catalogue: &Catalogue, former: &BTreeSet<usize>, control: usize, outcome: &Outcome) -> bool {
    // What runs no component of a control plane is judged by no parameter.
    let never = || {
        outcome.verdict == Verdict::NotApplicable
            && catalogue.entries.get(control).is_some_and(|entry| entry.static_pods_only)
    };
    former.contains(&control) && !never()
}

/// What a roll-up looks at beside the namespace.
pub(super) struct With<'a> {
    pub catalogue: &'a Catalogue,
    pub snapshot: &'a Snapshot,
    pub kinds: &'a Kinds,
}

static FORMER: LazyLock<Arc<Outcome>> = LazyLock::new(|| {
    Arc::new(Outcome::unknown(
        "jugé selon d'anciens paramètres, pas encore selon ceux en vigueur",
        "judged by former parameters, not again yet",
    ))
});

/// A slice of outcomes by where it is in memory.
type Slice = *const (usize, Arc<Outcome>);
/// The controls of which a slice says what former parameters made of them, if there are any.
type Former = Option<Arc<BTreeSet<usize>>>;
/// What is the same says the same.
type Key = (Slice, Former);

struct View<'a> {
    space: &'a Space,
    with: &'a With<'a>,
    look: &'a Look,
    differing: HashMap<*const Profile, BTreeSet<usize>>,
    former: HashMap<(Slice, *const Profile), Former>,
}

/// What an object's slices come to under the parameters in force.
struct Part<'a> {
    said: &'a Outcomes,
    former: Former,
}

impl<'a> Part<'a> {
    fn each(&self) -> impl Iterator<Item = (usize, &'a Arc<Outcome>)> {
        let former = self.former.clone();
        self.said.iter().map(move |(control, outcome)| {
            let is_former = former.as_ref().is_some_and(|former| former.contains(control));
            (*control, if is_former { &*FORMER } else { outcome })
        })
    }

    fn key(&self) -> Key {
        (self.said.as_ptr(), self.former.clone())
    }
}

impl<'a> View<'a> {
    /// Parameters of controls that say nothing here make no difference.
    fn former(&mut self, said: &Outcomes, by: &Arc<Profile>) -> Former {
        let Self { with, look, differing: known, former, .. } = self;
        if Arc::ptr_eq(by, &look.by) {
            return None;
        }
        let catalogue = with.catalogue;
        let of = || {
            let otherwise =
                known.entry(Arc::as_ptr(by)).or_insert_with(|| differing(catalogue, by, &look.by));
            let former =
                said.iter().filter(|(control, said)| is_former(catalogue, otherwise, *control, said));
            let former: BTreeSet<usize> = former.map(|(control, _)| *control).collect();
            (!former.is_empty()).then(|| Arc::new(former))
        };
        former.entry((said.as_ptr(), Arc::as_ptr(by))).or_insert_with(of).clone()
    }

    fn parts(&mut self, kept: &'a Kept) -> [Part<'a>; 2] {
        [&kept.own, &kept.shared].map(|said| Part { said, former: self.former(said, &kept.by) })
    }

    fn root(&self, owner: &Subject) -> Option<Name> {
        let root = pods::root(self.with.snapshot, owner)?;
        self.with.kinds.known(&root).filter(|name| self.space.objects.contains_key(name))
    }

    fn objects(&mut self, roll: &mut Roll<'a>) {
        let kinds = self.with.kinds;
        let space = self.space;
        let mut roots: HashMap<&Subject, Option<Name>> = HashMap::new();
        // Of the pods of one maker, those that got the same count once.
        let mut made: BTreeMap<Name, Vec<Part<'a>>> = BTreeMap::new();
        let mut seen: HashSet<(Name, Key)> = HashSet::new();
        let mut orphans: HashMap<(&Subject, Key), (&'a Name, Part<'a>)> = HashMap::new();
        let mut sets: Vec<(&'a Name, &'a Kept, Option<Name>)> = Vec::new();
        for (name, kept) in &space.objects {
            let Some(owner) = kept.owner.as_deref() else { continue };
            let root = roots.entry(owner).or_insert_with(|| self.root(owner)).clone();
            if !kept.is_pod {
                sets.push((name, kept, root));
                continue;
            }
            for part in self.parts(kept) {
                let key = part.key();
                if part.said.is_empty() {
                    continue;
                }
                if let Some(root) = &root {
                    if seen.insert((root.clone(), key)) {
                        made.entry(root.clone()).or_default().push(part);
                    }
                    continue;
                }
                let first = orphans.entry((owner, key)).or_insert((name, part));
                if kinds.order(name, first.0).is_lt() {
                    first.0 = name;
                }
            }
        }
        for ((owner, _), (first, part)) in &orphans {
            let owner = owner.key();
            let say = |(control, outcome)| roll.say_of(first, Known::OnlyAs(&owner), control, outcome);
            part.each().for_each(say);
        }
        for (name, kept, root) in sets {
            let root = root.and_then(|root| Some((space.objects.get(&root)?, root)));
            let Some((root, made_for)) = root else {
                self.whole_of(name, kept, made.remove(name), roll);
                continue;
            };
            let same = |a: &Outcomes, b: &Outcomes| Arc::ptr_eq(a, b);
            let alike = same(&kept.own, &root.own) && same(&kept.shared, &root.shared);
            if kept.idle || (alike && Arc::ptr_eq(&kept.by, &root.by)) {
                continue;
            }
            let of_root: HashMap<usize, Verdict> =
                self.parts(root).iter().flat_map(Part::each).map(verdict).collect();
            let made_for = kinds.subject(roll.place(), &made_for).key();
            for part in self.parts(kept) {
                let told = part.each().filter(|(c, said)| of_root.get(c) != Some(&said.verdict));
                told.for_each(|(c, outcome)| roll.say_of(name, Known::OrAs(&made_for), c, outcome));
            }
        }
        for (name, kept) in space.objects.iter().filter(|(_, kept)| kept.owner.is_none()) {
            self.whole_of(name, kept, made.remove(name), roll);
        }
    }

    /// An object with what was made of it: its own say stands before that.
    fn whole_of(&mut self, name: &'a Name, kept: &'a Kept, made: Option<Vec<Part<'a>>>, roll: &mut Roll<'a>) {
        let own = self.parts(kept);
        let Some(made) = made else {
            own.iter().flat_map(Part::each).for_each(|(c, said)| roll.say(name, c, said));
            return;
        };
        let mut worst: BTreeMap<usize, (&'a Arc<Outcome>, bool)> =
            own.iter().flat_map(Part::each).map(|(c, said)| (c, (said, false))).collect();
        for (control, outcome) in made.iter().flat_map(Part::each) {
            let held = worst.entry(control).or_insert((outcome, true));
            let as_bad = outcome.verdict == held.0.verdict && held.1;
            if outcome.verdict > held.0.verdict || (as_bad && comes_before(outcome, held.0)) {
                *held = (outcome, true);
            }
        }
        for (control, (outcome, _)) in worst {
            roll.say(name, control, outcome);
        }
    }
}

fn verdict((control, outcome): (usize, &Arc<Outcome>)) -> (usize, Verdict) {
    (control, outcome.verdict)
}
