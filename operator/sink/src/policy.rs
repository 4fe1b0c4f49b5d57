//! Whether the audit policy in force leaves out nothing that has to be there: by the file that the API servers are given,
//! where the sink has it, and by what is seen of events.

use crate::keep::files;
use crate::status::PolicyStatus;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use snc_audit::Event;
use snc_audit::policy::{self, AuditPolicy, Kind, MANDATORY, Observed};
use snc_core::lang::Lang;
use snc_core::text::Refusal;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What was seen counts for so long, and up to twice that: after it is mended, what was wrong is forgotten.
const LASTS: SignedDuration = SignedDuration::from_hours(12);
/// Of a policy file: far more than any takes.
const LONGEST: u64 = 1 << 20;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Book {
    /// Of which policy it is told, where one is given.
    file: Option<String>,
    since: Option<Timestamp>,
    now: Observed,
    before: Observed,
    /// Kinds of mandatory events of which there was one at all.
    seen: BTreeSet<String>,
}

/// What is known of the file that the API servers are given.
enum Given {
    Nothing,
    /// What it leaves out.
    Judged(Vec<String>),
    /// It is there and cannot be read: nobody can tell.
    Unreadable,
}

/// What events are held against.
struct Held {
    expected: AuditPolicy,
    given: Given,
    book: Book,
}

pub struct Applied {
    held: Mutex<Held>,
    file: Option<PathBuf>,
    /// Whose marked calls have to be logged.
    probes: BTreeSet<String>,
    state: PathBuf,
    lang: Lang,
}

impl Applied {
    /// `file` is the policy that the API servers run with. One that cannot be read stops nothing: it is told, and looked
    /// at again.
    pub fn open(
        state: PathBuf,
        file: Option<&Path>,
        probes: BTreeSet<String>,
        lang: Lang,
    ) -> Result<Self, files::Error> {
        let book: Book = files::read(&state)?.unwrap_or_default();
        let held = Mutex::new(held(file.map(read), book, &probes, lang));
        Ok(Self { held, file: file.map(ToOwned::to_owned), probes, state, lang })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn see(&self, event: &Event<'_>) {
        let mut held = self.held();
        let Held { expected, book, .. } = &mut *held;
        book.now.see(expected, event);
    }

    /// What follows. Whole is only said where it is known: by the file and no event against it, or by events of every
    /// kind that there has to be.
    pub fn status(&self, now: Timestamp) -> PolicyStatus {
        let mut held = self.held();
        let Held { given, book, .. } = &mut *held;
        let Book { since, now: current, before, seen, .. } = book;
        let fresh: Vec<String> = current.seen().map(|(kind, _)| kind.to_owned()).collect();
        seen.extend(fresh);
        let began = *since.get_or_insert(now);
        if now.duration_since(began) >= LASTS {
            (*since, *before) = (Some(now), std::mem::take(current));
        }
        let below = [&*current, &*before].into_iter().flat_map(Observed::contradictions);
        let below = below.filter(|one| one.kind == Kind::Below).map(|one| {
            let (verb, object, seen, expected) = (&one.verb, &one.object, one.seen, one.expected);
            match self.lang {
                Lang::Fr => format!("{verb} {object} : vu au niveau {seen}, attendu {expected}"),
                Lang::En => format!("{verb} {object}: seen at level {seen}, expected {expected}"),
            }
        });
        let (judged, whole) = match given {
            Given::Nothing => (&[][..], MANDATORY.iter().all(|kind| seen.contains(kind.id))),
            Given::Judged(missing) => (&missing[..], true),
            Given::Unreadable => (&[][..], false),
        };
        let missing: BTreeSet<String> = below.chain(judged.iter().cloned()).collect();
        PolicyStatus { complete: whole && missing.is_empty(), missing: missing.into_iter().collect() }
    }

    /// Writes down what was seen, and looks at the file again: API servers start anew with another one.
    pub fn save(&self) -> Result<(), files::Error> {
        if let Some(path) = &self.file {
            let text = read(path);
            let mut now = self.held();
            let same = match (&text, &now.given) {
                (Ok(text), Given::Judged(_) | Given::Unreadable) => now.book.file.as_ref() == Some(text),
                (Err(_), Given::Unreadable) => now.book.file.is_none(),
                _ => false,
            };
            if !same {
                let book = now.book.clone();
                *now = held(Some(text), book, &self.probes, self.lang);
            }
        }
        let book = self.held().book.clone();
        files::write(&self.state, &book)
    }
}

fn held(text: Option<anyhow::Result<String>>, book: Book, probes: &BTreeSet<String>, lang: Lang) -> Held {
    let wishes = policy::Wishes { probes: probes.clone(), ..policy::Wishes::default() };
    let generated = || policy::generate(&wishes).policy;
    let of = |file: Option<String>| {
        if book.file == file { book.clone() } else { Book { file, ..Book::default() } }
    };
    let (text, read) = match text {
        None => return Held { expected: generated(), given: Given::Nothing, book: of(None) },
        Some(Err(error)) => (None, Err(format!("{error:#}"))),
        Some(Ok(text)) => {
            let told = |refusals: Vec<Refusal>| {
                refusals.iter().map(|refusal| refusal.message(lang)).collect::<Vec<_>>().join("; ")
            };
            let parsed = policy::parse(&text).map_err(told);
            (Some(text), parsed)
        }
    };
    match read {
        Ok(parsed) => {
            for ignored in &parsed.ignored {
                tracing::warn!(field = ignored.path, "audit policy: {}", ignored.message(lang));
            }
            let missing = policy::judge(&parsed.policy);
            let missing = missing.iter().map(|missing| missing.message().get(lang).to_owned()).collect();
            Held { expected: parsed.policy, given: Given::Judged(missing), book: of(text) }
        }
        Err(error) => {
            tracing::error!(
                error,
                "the audit policy of the API servers cannot be read: nobody can tell what it leaves out"
            );
            Held { expected: generated(), given: Given::Unreadable, book: of(text) }
        }
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    use anyhow::Context as _;
    let shown = || path.display().to_string();
    let size = std::fs::metadata(path).with_context(shown)?.len();
    anyhow::ensure!(size <= LONGEST, "{}: {size} bytes; accepted: up to {LONGEST}", path.display());
    std::fs::read_to_string(path).with_context(shown)
}

#[cfg(test)]
mod tests;
