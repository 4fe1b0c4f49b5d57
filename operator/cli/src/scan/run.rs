//! Files to findings. Verdicts stay, objects go; of the places, those that findings need.

use super::intake;
use super::locate::{Places, Spot};
use super::pieces::{Piece, Trouble};
use super::pipeline::{self, Read, read};
use crate::manifests::{Found, Place, Unreadable};
use jiff::Timestamp;
use snc_catalogue::{Catalogue, Evaluation, Judge, Uniform};
use snc_core::text::Text;
use snc_core::verdict::{Subject, Verdict};
use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

pub struct Asked<'a> {
    pub catalogue: &'a Catalogue,
    pub profile: &'a Uniform,
    pub now: Timestamp,
}

/// What was read and what was said of it; places of what something was found in.
pub struct Scanned {
    pub evaluation: Evaluation,
    pub places: BTreeMap<Subject, Origin>,
    pub wrong: Vec<Unreadable>,
    pub objects: u64,
    pub foreign: u64,
}

/// Where an object stands; of the paths, those of findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub file: Arc<str>,
    pub spot: Spot,
    pub paths: BTreeMap<String, Spot>,
    document: usize,
    item: Option<usize>,
}

pub fn scan(asked: &Asked<'_>, files: &[Found]) -> Scanned {
    let mut judge = Judge::new(asked.catalogue, asked.profile);
    // A name is long beside a place, and few are asked for. Keyed at random: nobody can write two that are one.
    let (mut spots, state) = (HashMap::new(), RandomState::new());
    let key = |subject: &Subject| state.hash_one(subject);
    let mut wrong = Vec::new();
    let (mut objects, mut foreign) = (0, 0);
    let mut name: Arc<str> = "".into();
    let scales = judge.scales();
    pipeline::run(files, &scales, |file, read| {
        let (piece, found) = match read {
            Read::Piece(piece, found) => (piece, found),
            Read::Ended(trouble) => return wrong.push(unreadable(&file.name, &trouble)),
        };
        if *name != *file.name {
            name = file.name.as_str().into();
        }
        wrong.extend(found.wrong);
        foreign += found.foreign;
        objects += found.objects.len() as u64;
        let in_piece = LazyCell::new(|| Places::of(&piece));
        for intake::Read { gist, item } in found.objects {
            let key = key(gist.subject());
            let paths = judge.add(gist);
            spots.entry(key).or_insert_with(|| origin(&name, &piece, item, &paths, &in_piece));
        }
    });
    judge.files_end_here();
    let evaluation = judge.conclude(asked.now);
    let told: BTreeSet<&Subject> = evaluation.findings.keys().map(|(_, subject)| subject).collect();
    let place = |subject: &Subject| Some((subject.clone(), spots.remove(&key(subject))?));
    let mut places = told.into_iter().filter_map(place).collect();
    locate(files, &evaluation, &mut places);
    Scanned { evaluation, places, wrong, objects, foreign }
}

type Paths<'a> = Vec<(&'a Subject, &'a String)>;

/// Paths of controls on several objects are known only at the end. Files are read again for them, as far as they
/// are needed; of standard input, which cannot be, the place of the object has to do.
fn locate(files: &[Found], evaluation: &Evaluation, places: &mut BTreeMap<Subject, Origin>) {
    let mut wanted: BTreeMap<(Arc<str>, usize), BTreeMap<Option<usize>, Paths<'_>>> = BTreeMap::new();
    for ((_, subject), outcome) in &evaluation.findings {
        let Some(origin) = places.get(subject) else { continue };
        for path in outcome.paths.iter().filter(|path| !origin.paths.contains_key(*path)) {
            let in_document = wanted.entry((origin.file.clone(), origin.document)).or_default();
            in_document.entry(origin.item).or_default().push((subject, path));
        }
    }
    let of_some = |file: &&Found| wanted.keys().any(|(name, _)| **name == *file.name);
    for file in files.iter().filter(|file| file.path.is_some()).filter(of_some) {
        let name: Arc<str> = file.name.as_str().into();
        // What cannot be read by now was read before; its findings keep the places of their objects.
        let _ = read(file, |piece| {
            let Some(items) = wanted.get(&(name.clone(), piece.document)) else { return };
            let mut here = match piece.item {
                Some(_) => items.range(piece.item..=piece.item),
                None => items.range(..),
            }
            .peekable();
            if here.peek().is_none() {
                return;
            }
            let Some(in_piece) = Places::of(&piece) else { return };
            for (item, (subject, path)) in
                here.flat_map(|(item, paths)| paths.iter().map(move |path| (item, path)))
            {
                let inner = if piece.item.is_some() { None } else { *item };
                if let Some(origin) = places.get_mut(*subject) {
                    origin.paths.insert((*path).clone(), in_piece.spot(inner, path));
                }
            }
        });
    }
}

/// The text is read again, for its places, only where something was found.
fn origin<'p>(
    file: &Arc<str>,
    piece: &'p Piece,
    item: Option<usize>,
    paths: &[String],
    in_piece: &LazyCell<Option<Places<'p>>, impl FnOnce() -> Option<Places<'p>>>,
) -> Origin {
    let (line, column) = piece.first();
    let mut origin = Origin {
        file: file.clone(),
        spot: Spot { line, column },
        paths: BTreeMap::new(),
        document: piece.document,
        item: piece.item.or(item),
    };
    if paths.is_empty() && item.is_none() {
        return origin;
    }
    if let Some(places) = &**in_piece {
        origin.spot = places.spot(item, "");
        origin.paths = paths.iter().map(|path| (path.clone(), places.spot(item, path))).collect();
    }
    origin
}

fn unreadable(file: &str, trouble: &Trouble) -> Unreadable {
    let (line, what) = match trouble {
        Trouble::Io(error) => (0, Text::new(error.to_string(), error.to_string())),
        Trouble::NotText(line) => (*line, Text::new("ce n'est pas du texte UTF-8", "this is not UTF-8 text")),
        Trouble::TooLong(line) => (
            *line,
            Text::new(
                "un document de plus de 256 Mio ; accepté : plusieurs documents",
                "a document of more than 256 MiB; accepted: several documents",
            ),
        ),
    };
    Unreadable { place: Place { file: file.to_owned(), line, ..Place::default() }, what }
}

/// The worst verdict of each control, and the numbers.
impl Scanned {
    pub fn worst(&self, catalogue: &Catalogue) -> Vec<Verdict> {
        self.evaluation.worst(catalogue.controls().count(), |_| true)
    }
}
