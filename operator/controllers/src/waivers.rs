//! Exceptions: which are in force, for the judge; the `SncWaiverSet` that policies of the API server read; and what people
//! are told of each.

use crate::apply;
use crate::context::Context;
use crate::error::{Error, code, reason};
use crate::queue::Outcome;
use crate::reconcile::status;
use crate::watch::stream::{Restart, Selector, Signal, follow};
use crate::watch::{self, Change, STALE, declared};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::core::DeserializeGuard;
use kube::{Api, Resource, ResourceExt};
use snc_api::v1alpha1::{SncException, SncExceptionStatus, SncWaiverSet};
use snc_core::condition::reason as why;
use snc_core::control::Severity;
use snc_core::names::{LABEL_COMPONENT, LABEL_MANAGED_BY, WAIVERS};
use snc_core::waiver::Waivers;
use snc_index::Declared;
use snc_plan::waivers::{InForce, exception_status, notices, same, waiver_set};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch as channel};
use tokio::time::{Instant, sleep, timeout};

/// The start does not wait longer for them, and then nothing is waived.
const FIRST: Duration = Duration::from_secs(5);
/// How often it is looked whether what is known has got old.
const LOOK: Duration = Duration::from_secs(5);
/// Whether what is published is still what was written, should its watch have missed it.
const COMPARE: Duration = Duration::from_secs(60);
/// The watch tells a status that was written within this.
const ECHO: Duration = Duration::from_secs(10);

#[derive(Default)]
pub struct Exceptions {
    declared: Mutex<BTreeMap<String, Declared<SncException>>>,
    /// When something was last heard of them; never before they were listed.
    heard: Mutex<Option<Instant>>,
    revision: channel::Sender<u64>,
    in_force: channel::Sender<Option<Arc<InForce>>>,
}

impl Exceptions {
    fn declared(&self) -> MutexGuard<'_, BTreeMap<String, Declared<SncException>>> {
        self.declared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn heard(&self) -> MutexGuard<'_, Option<Instant>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// None until they were listed.
    pub fn in_force(&self) -> Option<Arc<InForce>> {
        self.in_force.borrow().clone()
    }

    fn update(&self, change: Change<(String, String, Declared<SncException>)>) {
        let mut declared = self.declared();
        match change {
            Change::Apply((_, name, one)) => drop(declared.insert(name, one)),
            Change::Delete((_, name, _)) => drop(declared.remove(&name)),
            Change::Reset(all) => *declared = all.into_iter().map(|(_, name, one)| (name, one)).collect(),
        }
        drop(declared);
        *self.heard() = Some(Instant::now());
        self.revision.send_modify(|revision| *revision += 1);
    }

    /// Those that can be read; one that cannot waives nothing. None of them once nothing was heard for long: one may
    /// have been withdrawn since.
    fn readable(&self) -> Option<Vec<Arc<SncException>>> {
        let age = self.heard().map(|heard| heard.elapsed())?;
        if age > STALE {
            return Some(Vec::new());
        }
        Some(self.declared().values().filter_map(|one| one.as_ref().ok().cloned()).collect())
    }
}

/// For every replica: what is in force, whoever leads.
pub async fn keep(context: Arc<Context>) -> &'static str {
    tokio::select! {
        _ = follow_all(&context) => {}
        () = reckon(&context) => {}
    }
    "sncexceptions"
}

async fn follow_all(context: &Context) -> Infallible {
    let api: Api<DeserializeGuard<SncException>> = Api::all(context.client.clone());
    let exceptions = &context.exceptions;
    follow(api, Selector::default(), declared, |signal| match signal {
        Signal::Change(change) => exceptions.update(change),
        Signal::Alive => {
            if let Some(heard) = exceptions.heard().as_mut() {
                *heard = Instant::now();
            }
        }
        Signal::Open => {}
        Signal::Again(why, text) => {
            context.metrics.watch_restarted("sncexceptions", why);
            if why != Restart::Ended {
                tracing::warn!(kind = "sncexceptions", why = why.as_str(), error = text, "watch failed");
            }
        }
    })
    .await
}

async fn reckon(context: &Context) {
    let exceptions = &context.exceptions;
    let mut revision = exceptions.revision.subscribe();
    context.controls.settled().await;
    loop {
        revision.borrow_and_update();
        let now = Timestamp::now();
        let mut wait = LOOK;
        if let Some(readable) = exceptions.readable() {
            let custom = context.controls.severities();
            let severity = |id: &str| severity(&custom, id);
            let fresh = InForce::of(readable.iter().map(AsRef::as_ref), severity, now);
            if let Some(next) = fresh.next {
                let next = Duration::try_from(next.duration_since(now)).unwrap_or_default();
                wait = wait.min(next + Duration::from_millis(10));
            }
            exceptions.in_force.send_if_modified(|held| {
                let other = held.as_deref() != Some(&fresh);
                if other {
                    tracing::info!(
                        exceptions = fresh.standing.len(),
                        pairs = fresh.waivers.len(),
                        "waivers in force"
                    );
                    *held = Some(Arc::new(fresh));
                }
                other
            });
        }
        tokio::select! {
            _ = revision.changed() => {}
            () = context.controls.changed() => {}
            () = sleep(wait) => {}
        }
    }
}

fn severity(custom: &BTreeMap<String, Severity>, id: &str) -> Option<Severity> {
    let built_in = snc_catalogue::controls().iter().find(|control| control.id == id);
    built_in.map(|control| control.severity).or_else(|| custom.get(id).copied())
}

/// What is in force, before any policy asks for it.
pub async fn install(context: &Context) -> Result<(), Error> {
    let mut in_force = context.exceptions.in_force.subscribe();
    let known = timeout(FIRST, in_force.wait_for(Option::is_some)).await;
    if known.is_err() {
        tracing::warn!("SncExceptions were not listed; nothing is waived");
    }
    drop(known);
    write(context, None).await.map(drop).map_err(|error| {
        // What a collection that is not served is answered with: its objects alone are "not found".
        if code(&error) == 404 {
            return Error::Config(
                "the kind SncWaiverSet is not served, which policies read the waivers from: apply the \
                 CustomResourceDefinitions of this version (crds/)"
                    .to_owned(),
            );
        }
        Error::api(format!("SncWaiverSet {WAIVERS}"))(error)
    })
}

/// Before there was the kind, a ConfigMap of that name held them. No policy reads it once those of this version are
/// there; where rights do not let it be removed it is left, and does no harm.
async fn remove_former(context: &Context) {
    let api: Api<ConfigMap> = Api::namespaced(context.client.clone(), &context.settings.identity.namespace);
    let removed = async {
        let Some(former) = api.get_opt(WAIVERS).await? else { return Ok(false) };
        if !apply::is_ours(&former) {
            return Ok(false);
        }
        api.delete(WAIVERS, &apply::as_seen(&former)).await.map(|_| true)
    };
    let removed: kube::Result<bool> = removed.await;
    match removed {
        Ok(true) => tracing::info!(name = WAIVERS, "the ConfigMap of a former version was removed"),
        Ok(false) => {}
        Err(error) => {
            tracing::warn!(name = WAIVERS, error = reason(&error), "a former ConfigMap was not removed");
        }
    }
}

/// Runs while this process leads.
pub async fn publish(context: Arc<Context>) -> &'static str {
    let touched = Notify::new();
    remove_former(&context).await;
    let api = published(&context);
    let named = Selector { fields: Some(format!("metadata.name={WAIVERS}")), ..Selector::default() };
    let watched = follow(api, named, drop, watch::touch(&touched, "waivers"));
    let publishing = async {
        let mut in_force = context.exceptions.in_force.subscribe();
        let mut revision = context.exceptions.revision.subscribe();
        let mut found = context.found.subscribe();
        let mut written: Option<Waivers> = None;
        let mut told = Told::default();
        loop {
            in_force.borrow_and_update();
            revision.borrow_and_update();
            found.borrow_and_update();
            republish(&context, &mut written).await;
            tell(&context, &mut told).await;
            tokio::select! {
                _ = in_force.changed() => {}
                _ = revision.changed() => {}
                _ = found.changed() => {}
                () = touched.notified() => {}
                () = sleep(COMPARE) => {}
            }
        }
    };
    tokio::select! {
        _ = watched => {}
        () = publishing => {}
    }
    "waivers"
}

fn published(context: &Context) -> Api<SncWaiverSet> {
    Api::namespaced(context.client.clone(), &context.settings.identity.namespace)
}

async fn republish(context: &Context, written: &mut Option<Waivers>) {
    if !context.lease.is_current() {
        return;
    }
    match write(context, written.as_ref()).await {
        Ok((waivers, touched)) => {
            if touched {
                tracing::error!(
                    name = WAIVERS,
                    "the waivers were changed or removed by somebody else; restored"
                );
                let note = context.settings.lang.pick(
                    || format!("{WAIVERS} avait été retiré ou modifié ; rétabli"),
                    || format!("{WAIVERS} had been removed or changed; restored"),
                );
                let about = waiver_set(&context.settings.identity.namespace, &waivers).object_ref(&());
                context.events.warning(&about, why::REPAIRED, "Repair", note).await;
            }
            *written = Some(waivers);
        }
        Err(error) => tracing::error!(error = reason(&error), "waivers not written; trying again"),
    }
}

/// What is in force, and whether what was written before had been touched, be it while something else came into force.
async fn write(context: &Context, before: Option<&Waivers>) -> kube::Result<(Waivers, bool)> {
    let waivers = context.exceptions.in_force().map(|known| known.waivers.clone()).unwrap_or_default();
    let desired = waiver_set(&context.settings.identity.namespace, &waivers);
    let api = published(context);
    let live = api.get_opt(WAIVERS).await?;
    if live.as_ref().is_some_and(|live| is_same(live, &desired)) {
        return Ok((waivers, false));
    }
    let before = before.map(|before| waiver_set(&context.settings.identity.namespace, before));
    let touched = before.is_some_and(|before| !live.as_ref().is_some_and(|live| is_same(live, &before)));
    // Keys that somebody else added stay through an apply.
    match apply::in_place(&api, &desired, is_same).await {
        // Somebody wrote in between; the watch tells us and we look again.
        Err(error) if code(&error) == 409 => {}
        result => result?,
    }
    Ok((waivers, touched))
}

fn is_same(live: &SncWaiverSet, desired: &SncWaiverSet) -> bool {
    let empty = BTreeMap::new();
    let label = |set: &SncWaiverSet, key: &str| set.labels().get(key).cloned();
    live.spec == desired.spec
        && [LABEL_MANAGED_BY, LABEL_COMPONENT].iter().all(|key| label(live, key) == label(desired, key))
        && live.metadata.owner_references.iter().flatten().next().is_none()
        && live.metadata.annotations.as_ref().unwrap_or(&empty).is_empty()
}

/// What was last written into each status.
type Told = BTreeMap<String, (Option<String>, SncExceptionStatus, Instant)>;

async fn tell(context: &Context, told: &mut Told) {
    let Some(in_force) = context.exceptions.in_force() else { return };
    let found = context.found.borrow().clone();
    let waived = found.as_ref().map(|found| &found.assessed.waived);
    let api: Api<SncException> = Api::all(context.client.clone());
    let declared: Vec<Arc<SncException>> =
        context.exceptions.declared().values().filter_map(|one| one.as_ref().ok().cloned()).collect();
    let names: BTreeSet<String> = declared.iter().map(|one| one.name_any()).collect();
    told.retain(|name, _| names.contains(name));
    for declared in declared {
        let name = declared.name_any();
        let Some(standing) = in_force.standing.get(&name) else { continue };
        if !context.lease.is_current() {
            return;
        }
        let mut one = SncException::clone(&declared);
        let written = told.get(&name).filter(|(uid, ..)| *uid == declared.uid());
        if let Some((_, status, at)) = written
            && at.elapsed() < ECHO
        {
            let approved_by = one.status.take().and_then(|status| status.approved_by);
            one.status = Some(SncExceptionStatus { approved_by, ..status.clone() });
        }
        let looked = waived.filter(|waived| {
            standing.pairs.iter().all(|(control, key)| waived.by.covers(control, key).is_some())
        });
        let matched = looked.map(|waived| &waived.pairs);
        let fresh = exception_status(&one, standing, matched, context.settings.lang, Timestamp::now());
        if same(one.status.as_ref(), &fresh) {
            continue;
        }
        if matches!(status::write(&api, &*declared, &fresh).await, Outcome::Failed) {
            continue;
        }
        for notice in notices(one.status.as_ref(), &fresh) {
            let about = declared.object_ref(&());
            if notice.warning {
                context.events.warning(&about, notice.reason, "Waive", notice.note).await;
            } else {
                context.events.normal(&about, notice.reason, "Waive", notice.note).await;
            }
        }
        told.insert(name, (declared.uid(), fresh, Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn live(change: impl FnOnce(&mut Value)) -> SncWaiverSet {
        let mut set = serde_json::to_value(desired()).unwrap();
        change(&mut set);
        serde_json::from_value(set).unwrap()
    }

    fn desired() -> SncWaiverSet {
        let mut waivers = Waivers::default();
        waivers.grant("pod-privileged", "core/Pod:shop/x", "a");
        waiver_set("snc-system", &waivers)
    }

    #[test]
    fn whatever_somebody_changes_of_it_is_seen() {
        assert!(is_same(&live(|_| {}), &desired()));
        let changes: [fn(&mut Value); 5] = [
            |set| set["spec"]["waivers"]["pod-privileged"] = json!(["core/Pod:shop/x", "core/Pod:shop/y"]),
            |set| set["spec"]["waivers"]["other"] = json!(["core/Pod:shop/x"]),
            |set| set["spec"]["waivers"] = json!({}),
            |set| set["metadata"]["labels"]["app.kubernetes.io/managed-by"] = json!("me"),
            |set| {
                set["metadata"]["ownerReferences"] =
                    json!([{"apiVersion": "v1", "kind": "Pod", "name": "gone", "uid": "u"}]);
            },
        ];
        for (at, change) in changes.into_iter().enumerate() {
            assert!(!is_same(&live(change), &desired()), "{at}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_waived_by_what_was_not_heard_of_for_long() {
        let exceptions = Exceptions::default();
        assert!(exceptions.readable().is_none(), "not listed");
        let one: SncException = serde_json::from_value(json!({
            "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncException", "metadata": {"name": "a"},
            "spec": {"controls": ["x"], "subjects": [], "reason": "r", "compensatingMeasure": "m", "ticket": "t",
                     "expiresOn": "2027-01-01T00:00:00Z", "requestedBy": "alice"},
        }))
        .unwrap();
        exceptions.update(Change::Reset(vec![(String::new(), "a".to_owned(), Ok(Arc::new(one)))]));
        assert_eq!(exceptions.readable().unwrap().len(), 1);
        tokio::time::advance(STALE + Duration::from_secs(1)).await;
        assert_eq!(exceptions.readable().unwrap().len(), 0);
    }
}
