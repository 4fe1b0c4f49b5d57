//! Whether the audit policy in force leaves out nothing that has to be there: by the file that the API servers are given,
//! where the sink has it, and by what is seen of events.

use crate::keep::files;
use crate::status::PolicyStatus;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use snc_audit::Event;
use snc_audit::policy::{self, AuditPolicy, Kind, MANDATORY, Observed};
use snc_core::lang::Lang;
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

/// What events are held against.
struct Held {
    expected: AuditPolicy,
    /// What the given file leaves out; None, where none is given.
    judged: Option<Vec<String>>,
    book: Book,
}

pub struct Applied {
    held: Mutex<Held>,
    given: Option<PathBuf>,
    state: PathBuf,
    lang: Lang,
}

impl Applied {
    /// `given` is the policy that the API servers run with.
    pub fn open(state: PathBuf, given: Option<&Path>, lang: Lang) -> anyhow::Result<Self> {
        let book: Book = files::read(&state)?.unwrap_or_default();
        let text = given.map(read).transpose()?;
        let held = Mutex::new(held(text, book, lang)?);
        Ok(Self { held, given: given.map(ToOwned::to_owned), state, lang })
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
        let Held { judged, book, .. } = &mut *held;
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
        let missing: BTreeSet<String> = below.chain(judged.iter().flatten().cloned()).collect();
        let whole = judged.is_some() || MANDATORY.iter().all(|kind| seen.contains(kind.id));
        PolicyStatus { complete: whole && missing.is_empty(), missing: missing.into_iter().collect() }
    }

    /// Writes down what was seen, and looks at the file again: API servers start anew with another one.
    pub fn save(&self) -> anyhow::Result<()> {
        if let Some(text) = self.given.as_deref().map(read).transpose()? {
            let mut now = self.held();
            if now.book.file.as_ref() != Some(&text) {
                *now = held(Some(text), Book::default(), self.lang)?;
                tracing::info!("the audit policy is another one");
            }
        }
        let book = self.held().book.clone();
        Ok(files::write(&self.state, &book)?)
    }
}

fn held(text: Option<String>, book: Book, lang: Lang) -> anyhow::Result<Held> {
    let book = if book.file == text { book } else { Book { file: text.clone(), ..Book::default() } };
    let Some(text) = text else {
        let expected = policy::generate(&policy::Wishes::default()).policy;
        return Ok(Held { expected, judged: None, book });
    };
    let refused = |refusals: Vec<snc_core::text::Refusal>| {
        let all: Vec<String> = refusals.iter().map(|refusal| refusal.message(lang)).collect();
        anyhow::anyhow!("{}", all.join("\n"))
    };
    let expected = policy::parse(&text).map_err(refused)?.policy;
    let missing = policy::judge(&expected);
    let judged = missing.iter().map(|missing| missing.message().get(lang).to_owned()).collect();
    Ok(Held { expected, judged: Some(judged), book })
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
