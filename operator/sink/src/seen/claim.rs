//! Who stores an event that several bring at once.

use super::window::Print;
use super::{Asked, Memory, Older, Reused, Seen, Unknown, add};
use crate::journal::Source;
use snc_audit::canonical::Hash;
use std::sync::Arc;
use tokio::sync::watch;

/// What became of somebody else's attempt to store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    UnderWay,
    Stored,
    /// Whoever waited tries it itself.
    Failed,
}

/// For the end of somebody else's attempt.
#[derive(Debug, Clone)]
pub struct Waiting(watch::Receiver<Outcome>);

impl Waiting {
    pub async fn outcome(mut self) -> Outcome {
        match self.0.wait_for(|outcome| *outcome != Outcome::UnderWay).await {
            Ok(outcome) => *outcome,
            Err(_) => Outcome::Failed,
        }
    }

    fn same(&self, other: &watch::Sender<Outcome>) -> bool {
        other.subscribe().same_channel(&self.0)
    }
}

struct Mine {
    /// Among those that were asked about.
    nth: usize,
    print: Print,
    id: Option<Print>,
}

/// Events that this one alone stores now. Dropped without [`Claim::stored`], the next one may.
pub struct Claim {
    seen: Arc<Seen>,
    source: Source,
    mine: Vec<Mine>,
    /// Somebody else is at them.
    others: Vec<(usize, Waiting)>,
    /// Of which it could not be told whether they are stored already.
    unproven: Vec<usize>,
    state: watch::Sender<Outcome>,
}

impl Seen {
    /// Takes what is not there yet and nobody is at. `certain`: where it cannot be told whether an event is stored, none
    /// is taken and that is the answer; otherwise it is taken, at the risk of storing it twice.
    pub async fn claim(
        self: &Arc<Self>,
        source: Source,
        asked: &[Asked<'_>],
        certain: bool,
    ) -> Result<Claim, Unknown> {
        let state = watch::Sender::new(Outcome::UnderWay);
        let mut claim = Claim {
            seen: self.clone(),
            source,
            mine: Vec::with_capacity(asked.len()),
            others: Vec::new(),
            unproven: Vec::new(),
            state,
        };
        let older = claim.take(asked);
        if !older.is_empty() {
            claim.ask(asked, older, certain).await?;
        }
        Ok(claim)
    }
}

impl Claim {
    /// Gives those that may have been stored so long ago that somebody has to be asked, by their place among mine.
    fn take(&mut self, asked: &[Asked<'_>]) -> Vec<usize> {
        let seen = self.seen.clone();
        let prints: Vec<(Print, Option<Print>)> = asked
            .iter()
            .map(|asked| {
                let id = asked.id.map(|(audit_id, stage)| seen.prints.id(audit_id, stage));
                (seen.prints.hash(&asked.hash), id)
            })
            .collect();
        let me = Waiting(self.state.subscribe());
        let mut older = Vec::new();
        let mut memory = seen.memory();
        for (nth, (asked, (print, id))) in asked.iter().zip(prints).enumerate() {
            if seen.known(&mut memory, print, self.source) {
                continue;
            }
            match memory.under_way.get(&print) {
                // Twice in one request.
                Some(other) if other.same(&self.state) => add(&seen.counted.repeated, 1),
                Some(other) => self.others.push((nth, other.clone())),
                None => {
                    if asked.stage.is_some_and(|stage| memory.window.may_be_forgotten(stage)) {
                        older.push(self.mine.len());
                    }
                    memory.under_way.insert(print, me.clone());
                    self.mine.push(Mine { nth, print, id });
                }
            }
        }
        older
    }

    async fn ask(&mut self, asked: &[Asked<'_>], older: Vec<usize>, certain: bool) -> Result<(), Unknown> {
        let of = |at: &usize| {
            let asked = asked.get(self.mine.get(*at)?.nth)?;
            Some((*at, Older { hash: asked.hash, stage: asked.stage? }))
        };
        let mut left: Vec<(usize, Older)> = older.iter().filter_map(of).collect();
        let (mut stored, mut unknown) = (Vec::new(), Vec::new());
        let seen = self.seen.clone();
        let pasts = seen.pasts.get().ok_or_else(|| Unknown("the store is not open yet".to_owned()))?;
        for past in pasts {
            let questions: Vec<Older> = left.iter().map(|(_, older)| *older).collect();
            if questions.is_empty() {
                break;
            }
            match past.holds(&questions).await {
                Ok(answers) if answers.len() == questions.len() => {
                    let mut answers = answers.into_iter();
                    left.retain(|(at, _)| {
                        let held = answers.next().unwrap_or_default();
                        if held {
                            stored.push(*at);
                        }
                        !held
                    });
                }
                Ok(answers) => {
                    let (got, given) = (answers.len(), questions.len());
                    unknown.push(Unknown(format!("{got} answers about {given} events")));
                }
                Err(error) => unknown.push(error),
            }
        }
        if let Some(why) = unknown.into_iter().next()
            && !left.is_empty()
        {
            if certain {
                return Err(why);
            }
            tracing::warn!(%why, events = left.len(), "it cannot be told whether these are stored already");
            self.unproven = left.iter().filter_map(|(at, _)| Some(self.mine.get(*at)?.nth)).collect();
        }
        self.found(asked, &stored);
        Ok(())
    }

    /// Some of mine are stored already.
    fn found(&mut self, asked: &[Asked<'_>], stored: &[usize]) {
        if stored.is_empty() {
            return;
        }
        let seen = self.seen.clone();
        let mut memory = seen.memory();
        let mut stored = stored.to_vec();
        stored.sort_unstable();
        for at in stored.iter().rev() {
            let mine = self.mine.swap_remove(*at);
            memory.under_way.remove(&mine.print);
            let stage = asked.get(mine.nth).and_then(|asked| asked.stage);
            memory.window.put(mine.print, self.source, stage);
            if let Some(id) = mine.id {
                memory.window.identify(id, mine.print);
            }
        }
        drop(memory);
        // In the order in which they came.
        self.mine.sort_unstable_by_key(|mine| mine.nth);
        add(&seen.counted.old, stored.len() as u64);
    }

    /// Those to store, in order.
    pub fn mine(&self) -> impl ExactSizeIterator<Item = usize> {
        self.mine.iter().map(|mine| mine.nth)
    }

    pub fn unproven(&self) -> usize {
        self.unproven.len()
    }

    /// Those that somebody else stores now. They have to be waited for once mine are stored, and not before: two that
    /// hold what the other waits for would wait for ever.
    pub fn others(&mut self) -> Vec<(usize, Waiting)> {
        std::mem::take(&mut self.others)
    }

    /// Mine are on disk. Gives those whose identity another event has.
    pub fn stored(mut self, asked: &[Asked<'_>]) -> Vec<Reused> {
        let seen = self.seen.clone();
        let mut reused = Vec::new();
        let mut memory = seen.memory();
        for Mine { nth, print, id } in std::mem::take(&mut self.mine) {
            let asked: Option<&Asked<'_>> = asked.get(nth);
            memory.window.put(print, self.source, asked.and_then(|asked| asked.stage));
            memory.under_way.remove(&print);
            if let Some(id) = id
                && memory.window.identify(id, print)
                && let Some(Asked { hash, id: Some((audit_id, stage)), .. }) = asked
            {
                let (audit_id, stage): (String, String) = ((*audit_id).to_owned(), (*stage).to_owned());
                let hash: Hash = *hash;
                reused.push(Reused { audit_id, stage, hash });
            }
        }
        drop(memory);
        add(&seen.counted.reused, reused.len() as u64);
        self.state.send_replace(Outcome::Stored);
        reused
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let seen = self.seen.clone();
        let mut memory: std::sync::MutexGuard<'_, Memory> = seen.memory();
        for mine in &self.mine {
            memory.under_way.remove(&mine.print);
        }
        drop(memory);
        self.state.send_if_modified(|state| {
            let under_way = *state == Outcome::UnderWay;
            if under_way {
                *state = Outcome::Failed;
            }
            under_way
        });
    }
}
