//! The platform's own controls.

use crate::context::Context;
use crate::queue::Outcome;
use crate::reconcile::status;
use crate::watch::stream::{Restart, Selector, Signal, follow};
use crate::watch::{Change, declared};
use jiff::Timestamp;
use kube::core::DeserializeGuard;
use kube::{Api, Resource, ResourceExt};
use snc_api::v1alpha1::SncControl;
use snc_catalogue::{Broken, Catalogue, Mistake, custom};
use snc_core::condition::kind;
use snc_core::control::{Control, Severity};
use snc_index::{Declared, Unreadable};
use snc_plan::status::{CompileError, Compiled, control_status, within_limit};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::timeout;

/// Judging does not wait longer for them.
const FIRST: Duration = Duration::from_secs(20);

#[derive(Default)]
pub struct Controls {
    declared: Mutex<BTreeMap<String, Declared<SncControl>>>,
    settled: Mutex<bool>,
    changed: Notify,
    checked: Mutex<BTreeMap<String, (Version, Arc<Checked>)>>,
}

/// A control that can be used, or why it cannot.
type Checked = Result<Control, Vec<Mistake>>;

impl Controls {
    fn declared(&self) -> MutexGuard<'_, BTreeMap<String, Declared<SncControl>>> {
        self.declared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_settled(&self) -> bool {
        *self.settled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self) {
        *self.settled.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_waiters();
    }

    /// Another set of controls than before; a new status is none.
    pub fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Listed, or out of our reach.
    pub async fn settled(&self) {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                if self.is_settled() {
                    return;
                }
                changed.await;
            }
        };
        if timeout(FIRST, wait).await.is_err() {
            tracing::warn!("SncControls were not listed; judging by the built-in controls");
        }
    }

    /// Of those that are judged.
    pub fn severities(&self) -> BTreeMap<String, Severity> {
        let declared = self.declared();
        read(&declared).iter().map(|control| (control.name_any(), control.spec.severity)).collect()
    }

    /// Compiled once for each version.
    fn check(&self, name: &str, control: &SncControl) -> Arc<Checked> {
        let version = version(control);
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, known)) = checked.get(name)
            && *of == version
        {
            return known.clone();
        }
        let fresh = Arc::new(custom(name, control.spec.control(name)));
        checked.insert(name.to_owned(), (version, fresh.clone()));
        fresh
    }

    fn update(&self, change: Change<(String, String, Declared<SncControl>)>) {
        let mut declared = self.declared();
        let before = versions(&declared);
        match change {
            Change::Apply((_, name, control)) => drop(declared.insert(name, control)),
            Change::Delete((_, name, _)) => drop(declared.remove(&name)),
            Change::Reset(all) => {
                *declared = all.into_iter().map(|(_, name, control)| (name, control)).collect();
            }
        }
        let same = before == versions(&declared);
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        checked.retain(|name, _| declared.contains_key(name));
        drop(checked);
        drop(declared);
        if !same {
            self.changed.notify_waiters();
        }
    }
}

/// Of what is asked, not of its status.
type Version = (Option<String>, Option<i64>);

fn version(control: &SncControl) -> Version {
    (control.meta().uid.clone(), control.meta().generation)
}

fn versions(declared: &BTreeMap<String, Declared<SncControl>>) -> BTreeMap<String, Version> {
    let of = |control: &Declared<SncControl>| match control {
        Ok(control) => version(control),
        Err(unreadable) => (None, unreadable.generation),
    };
    declared.iter().map(|(name, control)| (name.clone(), of(control))).collect()
}

pub async fn follow_all(context: Arc<Context>) {
    let api: Api<DeserializeGuard<SncControl>> = Api::all(context.client.clone());
    let controls = &context.controls;
    follow(api, Selector::default(), declared, |signal| match signal {
        Signal::Change(change) => {
            let whole = matches!(change, Change::Reset(_));
            controls.update(change);
            if whole && !controls.is_settled() {
                controls.settle();
            }
        }
        Signal::Again(why, text) => {
            if why != Restart::Ended {
                tracing::warn!(kind = "snccontrols", why = why.as_str(), error = text, "watch failed");
            }
        }
        Signal::Open | Signal::Alive => {}
    })
    .await;
}

/// Those that are judged.
fn read(declared: &BTreeMap<String, Declared<SncControl>>) -> Vec<Arc<SncControl>> {
    let all: Vec<Arc<SncControl>> =
        declared.values().filter_map(|control| control.as_ref().ok().cloned()).collect();
    let within = within_limit(all.iter().map(AsRef::as_ref));
    let is_within = |control: &Arc<SncControl>| within.contains(control.name_any().as_str());
    all.iter().filter(|control| is_within(control)).cloned().collect()
}

/// The built-in controls and those of the platform. One that is wrong is there as one that never concludes.
pub fn catalogue(context: &Context) -> Result<Catalogue, Broken> {
    let declared = context.controls.declared().clone();
    let (mut usable, mut wrong) = (Vec::new(), Vec::new());
    for control in read(&declared) {
        let name = control.name_any();
        match &*context.controls.check(&name, &control) {
            Ok(control) => usable.push(control.clone()),
            Err(_) => wrong.push(control.spec.control(&name)),
        }
    }
    let catalogue = Catalogue::with_custom(usable.clone()).or_else(|error| {
        tracing::error!(%error, "controls of the platform's own cannot be used");
        wrong.append(&mut usable);
        Catalogue::with_custom(Vec::new())
    })?;
    Ok(catalogue.and_unusable(wrong))
}

/// Whether each can be used, in its status.
pub async fn say(context: &Context) {
    let api: Api<SncControl> = Api::all(context.client.clone());
    let declared = context.controls.declared().clone();
    let judged: BTreeSet<String> = read(&declared).iter().map(|control| control.name_any()).collect();
    for (name, control) in &declared {
        let control = match control {
            Ok(control) => control,
            Err(unreadable) => {
                refuse(context, &api, unreadable).await;
                continue;
            }
        };
        let checked = context.controls.check(name, control);
        let wrong: Vec<CompileError> =
            checked.as_ref().as_ref().err().into_iter().flatten().map(error).collect();
        let compiled = match wrong.as_slice() {
            _ if !judged.contains(name) => Compiled::OverLimit,
            [] => Compiled::Yes,
            wrong => Compiled::No(wrong),
        };
        let fresh = control_status(control, compiled, context.settings.lang, Timestamp::now());
        if control.status.as_ref() != Some(&fresh)
            && matches!(status::write(&api, &**control, &fresh).await, Outcome::Failed)
        {
            tracing::warn!(name, "status of an SncControl not written");
        }
    }
}

fn error(mistake: &Mistake) -> CompileError {
    let Mistake { field, line, column, message } = mistake;
    CompileError { field: field.clone(), line: *line, column: *column, message: message.clone() }
}

async fn refuse(context: &Context, api: &Api<SncControl>, unreadable: &Unreadable) {
    status::unreadable(context, api, unreadable, &[kind::COMPILED]).await;
}
