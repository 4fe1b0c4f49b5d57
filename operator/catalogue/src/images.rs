//! What the scans of images come to, in the words of the controls: of what runs, and of what is to run.

mod runs;
mod scale;
mod signed;
mod tally;

pub(crate) use runs::{Ran, Run, Runs};
pub use scale::Scale;
pub use signed::{KEYS, SIGNED, control as signed_control, keys, signed_of_spec, to_ask};
pub(crate) use signed::{check as signed, running_to_ask};
pub use tally::ImageTally;
pub(crate) use tally::tallies;

use crate::checks::World;
use crate::profile::Settings;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use snc_core::facts::{Container, ImageLedger, ImageScan, PodSpec, VulnerabilityReport};
use snc_core::image::{Scan, Severity};
use snc_core::snapshot::{Availability, Snapshot};
use snc_core::text::{Text, clip};
use snc_core::verdict::{Outcome, Subject, Verdict};
use snc_images::ledger::{Ledgers, News, Place};
use snc_images::library::{Image, Library, Writer};
use snc_images::report::Counts;
use snc_images::signature::ScanKeys;
use snc_images::verdict::{Judgement, Looked};
use std::collections::BTreeMap;

/// The controls on what scans found.
pub const SCANNED: &str = "image-scanned";
pub const OVERDUE: &str = "image-overdue";
pub const DATABASE: &str = "image-scan-database";

/// The parameter that names keys for scans.
pub const SCAN_KEYS: &str = "scanKeys";

/// The kind that holds when things were first seen.
const LEDGERS: &str = "secnumcloud.dev/SncImageLedger";

/// What the dates of vulnerabilities are taken from and written to.
pub(crate) const KINDS: [&str; 3] =
    ["secnumcloud.dev/SncImageScan", "aquasecurity.github.io/VulnerabilityReport", LEDGERS];

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    Scanned,
    Overdue,
    Database,
}

impl Question {
    pub fn of(control: &str) -> Option<Self> {
        match control {
            SCANNED => Some(Self::Scanned),
            OVERDUE => Some(Self::Overdue),
            DATABASE => Some(Self::Database),
            _ => None,
        }
    }

    fn answer(self, image: &str, judgement: &Judgement, settings: Settings<'_>) -> Outcome {
        match self {
            Self::Scanned => scanned(image, judgement, settings.integer("maxAgeHours")),
            Self::Overdue => overdue(image, judgement),
            Self::Database => database(image, judgement, settings.integer("databaseMaxAgeHours")),
        }
    }
}

/// Everything that is known of images.
pub struct Sources<'a> {
    /// The operator's namespace: what is written there is the platform's word.
    pub home: &'a str,
    pub scans: Vec<(&'a Subject, &'a ImageScan)>,
    pub reports: Vec<(&'a Subject, &'a VulnerabilityReport)>,
    /// None where it is not known when anything was first seen.
    pub ledgers: Option<Vec<(&'a Subject, &'a ImageLedger)>>,
}

impl<'a> Sources<'a> {
    pub fn of(snapshot: &'a Snapshot) -> Self {
        Self {
            home: &snapshot.home.0,
            scans: snapshot.image_scans.iter().collect(),
            reports: snapshot.vulnerability_reports.iter().collect(),
            ledgers: (snapshot.availability(LEDGERS) == Availability::Held)
                .then(|| snapshot.image_ledgers.iter().collect()),
        }
    }

    pub fn library(&self, scale: &Scale) -> Library<'a> {
        let (home, trusted) = (self.home, scale.trusted);
        let keys = ScanKeys::of(scale.keys.iter().map(String::as_str));
        let of_scan = |&(subject, ImageScan(scan)): &(&'a Subject, &'a ImageScan)| {
            let writer = match subject.namespace == home {
                true => Writer::Platform,
                false if keys.signed(scan) => Writer::Signed,
                false => Writer::Namespace,
            };
            (subject.namespace.as_str(), writer, scan)
        };
        let of_report = |&(subject, VulnerabilityReport(scan)): &(&'a Subject, &'a VulnerabilityReport)| {
            let writer = if trusted { Writer::Platform } else { Writer::Namespace };
            (subject.namespace.as_str(), writer, scan)
        };
        let ledgers = match &self.ledgers {
            Some(all) => {
                let own = all.iter().copied().filter(|(subject, _)| subject.namespace == home);
                Ledgers::of(own.map(|(subject, ledger)| (subject.name.as_str(), ledger)))
            }
            None => Ledgers::default(),
        };
        let all: Vec<(&str, Writer, &Scan)> =
            self.scans.iter().map(of_scan).chain(self.reports.iter().map(of_report)).collect();
        Library::new(home, all, ledgers)
    }
}

/// What the scans tell that the operator has not written down yet, by the object that it belongs in.
pub(crate) fn news(snapshot: &Snapshot, now: Timestamp) -> BTreeMap<String, News> {
    let home = snapshot.home.0.as_str();
    let own = snapshot.image_ledgers.within(home);
    let ledgers = Ledgers::of(own.map(|(subject, ledger)| (subject.name.as_str(), ledger)));
    let scans = snapshot
        .image_scans
        .iter()
        .map(|(subject, ImageScan(scan))| (Place::of(home, &subject.namespace), scan));
    let reports = snapshot.vulnerability_reports.iter();
    let reports =
        reports.map(|(subject, VulnerabilityReport(scan))| (Place::of(home, &subject.namespace), scan));
    ledgers.news(scans.chain(reports), now)
}

/// What controls say of the images of a pod that is to be, or of whatever makes it, in the order in which they are asked.
pub fn of_spec(
    asked: &[(Question, Settings<'_>)],
    sources: &Sources<'_>,
    (namespace, at, spec): (&str, &str, &PodSpec),
    now: Timestamp,
) -> Vec<Outcome> {
    let containers: Vec<(&str, &Container)> = spec.every_container().collect();
    let images: Vec<Image> = containers.iter().map(|(_, one)| Image::of(&one.image, None)).collect();
    let mut judged: Option<(Scale, Vec<Judgement>)> = None;
    let mut said_of = |&(question, settings): &(Question, Settings<'_>)| {
        let scale = Scale::of(settings);
        let (_, judgements) = match judged.take() {
            Some(held) if held.0.serves(&scale, question) => judged.insert(held),
            _ => {
                let library = sources.library(&scale);
                let judge = |image| scale.judge(&library, namespace, image, now);
                let judgements = images.iter().map(judge).collect();
                judged.insert((scale, judgements))
            }
        };
        let mut several = Several::default();
        for (((list, container), image), judgement) in containers.iter().zip(&images).zip(judgements) {
            let outcome = said(question, &container.image, image, judgement, settings);
            several.add(&outcome, &format!("{at}.{list}[{:?}].image", container.name));
        }
        several.outcome()
    };
    asked.iter().map(&mut said_of).collect()
}

/// `image@sha256:0123456789ab…` or as the pod has it.
fn shown(named: &str, image: &Image) -> String {
    let named = named.split('@').next().unwrap_or_default();
    match image.digests.first() {
        Some(digest) => format!("{}@{}", clip(named, 200), clip(digest.as_str(), 20)),
        None => clip(named, 200),
    }
}

/// What was said of several containers, as one.
#[derive(Default)]
struct Several {
    worst: Option<Verdict>,
    /// Messages of the worst, each with where.
    told: BTreeMap<Text, Vec<String>>,
}

/// Images and places that one message names.
const TOLD: usize = 3;

impl Several {
    fn add(&mut self, outcome: &Outcome, at: &str) {
        if self.worst < Some(outcome.verdict) {
            self.worst = Some(outcome.verdict);
            self.told.clear();
        }
        if self.worst == Some(outcome.verdict) {
            let places = self.told.entry(outcome.message.clone()).or_default();
            if places.len() < TOLD && !places.iter().any(|place| place == at) {
                places.push(at.to_owned());
            }
        }
    }

    fn outcome(self) -> Outcome {
        let Some(verdict) = self.worst else { return Outcome::not_applicable() };
        let more = self.told.len().saturating_sub(TOLD);
        let list = |of: fn(&Text) -> &str| {
            let mut list: Vec<String> = self.told.keys().take(TOLD).map(|text| of(text).to_owned()).collect();
            list.extend((more > 0).then(|| format!("… (+{more})")));
            list.join(" | ")
        };
        let message = Text::new(list(|text| &text.fr), list(|text| &text.en));
        let paths = self.told.values().take(TOLD).flatten().cloned().collect();
        Outcome { verdict, message, paths }
    }
}

/// Of everything that runs, told of what made it as far as that is known: a thousand pods of one workload are one finding.
pub(crate) fn running(world: &World<'_>, question: Question) -> Vec<(Subject, Outcome)> {
    let settings = world.settings;
    let judged = world.runs.judged(&Scale::of(settings), question, world.now);
    let mut judgements = judged.iter();
    let answer = |run: &Run<'_>| match judgements.next() {
        Some(judgement) => said(question, run.named, &run.image, judgement, settings),
        None => Outcome::not_applicable(),
    };
    of_all_that_runs(world, answer)
}

/// What is said of each image, in their order, told of what made those that run it.
fn of_all_that_runs(world: &World<'_>, answer: impl FnMut(&Run<'_>) -> Outcome) -> Vec<(Subject, Outcome)> {
    let table = world.runs.table();
    let outcomes: Vec<Outcome> = table.images.iter().map(answer).collect();
    let mut all: BTreeMap<&Subject, Several> = BTreeMap::new();
    for made in &table.made {
        let several = all.entry(&made.whose).or_default();
        for (at, index) in &made.containers {
            if let Some(outcome) = outcomes.get(*index) {
                several.add(outcome, at);
            }
        }
    }
    all.into_iter().map(|(subject, several)| (subject.clone(), several.outcome())).collect()
}

fn said(
    question: Question,
    named: &str,
    image: &Image,
    judgement: &Judgement,
    settings: Settings<'_>,
) -> Outcome {
    let shown = shown(named, image);
    if image.digests.is_empty() && judgement.looked == Looked::Never {
        return Outcome::unknown(
            format!("image désignée sans empreinte, qu'aucune analyse ne peut viser : {shown}"),
            format!("image named without a digest, which no scan can be about: {shown}"),
        );
    }
    question.answer(&shown, judgement, settings)
}

fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Why it is not known whether an image is all right; none where it was looked at lately.
fn unlooked(judgement: &Judgement) -> Option<Text> {
    Some(match judgement.looked {
        Looked::Lately(_) => return None,
        Looked::Never => Text::new("jamais analysée", "never scanned"),
        Looked::Undated => {
            Text::new("analysée, sans que le rapport dise quand", "scanned, and the report does not say when")
        }
        Looked::Stale(at) => {
            let at = day(at);
            Text::new(
                format!("dernière analyse trop ancienne, du {at}"),
                format!("last scan too old, of {at}"),
            )
        }
        Looked::Weakly(at) => {
            let at = day(at);
            Text::new(
                format!(
                    "analysée le {at}, par un rapport que le tenant a pu écrire ou qui ne dit pas l'empreinte"
                ),
                format!(
                    "scanned on {at}, by a report that the tenant may have written or that does not say the digest"
                ),
            )
        }
    })
}

fn unknown(why: &Text, image: &str) -> Outcome {
    Outcome::unknown(format!("{} : {image}", why.fr), format!("{}: {image}", why.en))
}

fn scanned(image: &str, judgement: &Judgement, max_age: i64) -> Outcome {
    match unlooked(judgement) {
        None => Outcome::pass(),
        Some(why) if matches!(judgement.looked, Looked::Stale(_)) => {
            let why = Text::new(
                format!("{} (plus de {max_age} h)", why.fr),
                format!("{} (more than {max_age} h)", why.en),
            );
            unknown(&why, image)
        }
        Some(why) => unknown(&why, image),
    }
}

fn counted(counts: &Counts) -> Text {
    let words = |severity: Severity| match severity {
        Severity::Critical => ("critique", "critical"),
        Severity::High => ("haute", "high"),
        Severity::Medium => ("moyenne", "medium"),
        Severity::Low => ("basse", "low"),
        Severity::Unknown => ("sans note", "unrated"),
    };
    let mut counts = *counts;
    let some = Severity::ALL.into_iter().map(|severity| (*counts.at(severity), words(severity)));
    let some: Vec<_> = some.filter(|(count, _)| *count > 0).collect();
    let list = |of: fn(&(&'static str, &'static str)) -> &'static str| {
        some.iter().map(|(count, words)| format!("{count} {}", of(words))).collect::<Vec<_>>().join(", ")
    };
    Text::new(list(|words| words.0), list(|words| words.1))
}

fn overdue(image: &str, judgement: &Judgement) -> Outcome {
    if let Some(first) = judgement.due.first().filter(|_| judgement.is_overdue()) {
        let counted = counted(&judgement.open.overdue);
        let (name, seen) = (clip(&first.name, 160), day(first.first_seen));
        let (fixed_fr, fixed_en) =
            if first.fixed { ("", "") } else { (", sans correctif connu", ", no fix known") };
        return Outcome::fail(
            format!(
                "délai de correction dépassé ({}), d'abord {name}, vue le {seen}{fixed_fr} : {image}",
                counted.fr
            ),
            format!(
                "past the deadline to mend it ({}), first {name}, seen on {seen}{fixed_en}: {image}",
                counted.en
            ),
        );
    }
    if judgement.open.unanalysed > 0 {
        let count = judgement.open.unanalysed;
        return Outcome::fail(
            format!("critiques sans analyse dans le délai : {count} : {image}"),
            format!("critical and not analysed in time: {count}: {image}"),
        );
    }
    if let Some(why) = unlooked(judgement) {
        return unknown(&why, image);
    }
    let unrated = judgement.open.all.unknown;
    let why = if judgement.truncated {
        Text::new(
            "tout ce qui fut trouvé ou daté n'est pas gardé",
            "not everything that was found or dated is kept",
        )
    } else if unrated > 0 {
        Text::new(format!("{unrated} sans note"), format!("{unrated} unrated"))
    } else {
        return Outcome::pass();
    };
    unknown(&why, image)
}

fn database(image: &str, judgement: &Judgement, max_age: i64) -> Outcome {
    let (Looked::Lately(at) | Looked::Weakly(at) | Looked::Stale(at)) = judgement.looked else {
        let why = unlooked(judgement).unwrap_or_else(|| Text::new("", ""));
        return unknown(&why, image);
    };
    let Some(built) = judgement.database_at else {
        let why = Text::new(
            "aucun rapport ne dit l'âge de la base de vulnérabilités",
            "no report says how old the database of vulnerabilities was",
        );
        return unknown(&why, image);
    };
    if at.duration_since(built) <= SignedDuration::from_hours(max_age) {
        return Outcome::pass();
    }
    let (at, built) = (day(at), day(built));
    Outcome::fail(
        format!("analysée le {at} avec une base du {built} : {image}"),
        format!("scanned on {at} with a database of {built}: {image}"),
    )
}
