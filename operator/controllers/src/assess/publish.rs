//! What was found, told: in the status of policies, in assessments, in reports.

use super::{Found, controls};
use crate::apply;
use crate::context::Context;
use crate::error::{code, reason};
use crate::reports::Reporter;
use futures::{FutureExt, StreamExt, stream};
use jiff::Timestamp;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, Resource, ResourceExt};
use serde_json::json;
use snc_api::v1alpha1::{SncAssessment, SncAssessmentStatus};
use snc_catalogue::Tally;
use snc_core::names::{ASSESSMENT, LABEL_MANAGED_BY, MANAGED_BY, MANAGER, MANAGER_STATUS};
use snc_index::Key;
use snc_plan::objects::report::Format;
use snc_plan::objects::{cluster_assessment, tenant_assessment};
use snc_plan::status::assessment_status;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The same assessment is not written more often.
const BETWEEN: Duration = Duration::from_secs(20);
/// How often it is looked whether all of them are still what was written.
const COMPARE: Duration = Duration::from_secs(300);
/// Kinds of reports may be installed, or go, while we run.
const KINDS: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_secs(5);
const AT_ONCE: usize = 4;

/// Runs while this process leads.
pub async fn publish(context: Arc<Context>) -> &'static str {
    let mut found = context.found.subscribe();
    found.mark_changed();
    let mut writer = Writer::default();
    let mut before: Option<Arc<Found>> = None;
    let mut compare_at = Instant::now();
    loop {
        let changed = tokio::select! {
            changed = found.changed() => changed.is_ok(),
            () = tokio::time::sleep(LOOK) => false,
        };
        controls::say(&context).await;
        let latest = found.borrow_and_update().clone();
        let Some(latest) = latest else { continue };
        if changed {
            let dirty = concerned(&context, before.as_deref(), &latest);
            context.look_again(dirty);
            before = Some(latest.clone());
        }
        if compare_at <= Instant::now() {
            compare_at = Instant::now() + COMPARE;
            writer.compare(&context, &latest).await;
        }
        writer.write(&context, &latest).await;
    }
}

/// Namespaces of which something else is said by now, the empty name for what has none.
fn otherwise(before: &Found, now: &Found) -> BTreeSet<String> {
    let of = |found: &Found, namespace: &str| {
        (found.assessed.namespaces.get(namespace).cloned(), found.assessed.findings.get(namespace).cloned())
    };
    let named = |found: &Found| {
        let assessed = &found.assessed;
        assessed.namespaces.keys().chain(assessed.findings.keys()).cloned().collect::<Vec<_>>()
    };
    let all: BTreeSet<String> = named(before).into_iter().chain(named(now)).collect();
    all.into_iter().filter(|namespace| of(before, namespace) != of(now, namespace)).collect()
}

/// Namespaces with a policy, and tenants, whose status says something else by now.
fn concerned(context: &Context, before: Option<&Found>, now: &Found) -> BTreeSet<Key> {
    let changed = before.map(|before| otherwise(before, now));
    let changed = changed.unwrap_or_else(|| now.assessed.namespaces.keys().cloned().collect());
    let index = context.index();
    let spoken = changed.into_iter().filter(|namespace| index.policies(namespace).next().is_some());
    let tenants = now.assessed.tenants.iter().filter(|(tenant, tally)| {
        before.is_none_or(|before| before.assessed.tenants.get(*tenant) != Some(tally))
    });
    let tenants = tenants.map(|(tenant, _)| Key::Tenant(tenant.clone()));
    spoken.map(Key::Namespace).chain(tenants).collect()
}

/// Reports for other tools, beside everything else: nothing waits for them.
pub async fn report(context: Arc<Context>, wanted: Option<Format>) -> &'static str {
    let mut found = context.found.subscribe();
    let mut reporter = Reporter::new(wanted);
    let mut before: Option<Arc<Found>> = None;
    let mut look_at = Instant::now();
    loop {
        if look_at <= Instant::now() {
            look_at = Instant::now() + KINDS;
            match Reporter::served(&context).await {
                Ok(served) => reporter.set_served(&served),
                Err(error) => tracing::warn!(error = reason(&error), "kinds of reports not known"),
            }
        }
        let latest = found.borrow_and_update().clone();
        let mut wait = KINDS;
        if let Some(latest) = latest {
            let dirty = before.as_deref().map(|before| otherwise(before, &latest));
            wait = reporter.publish(&context, &latest.assessed, dirty.as_ref()).await.unwrap_or(KINDS);
            before = Some(latest);
        }
        *context.reports() = reporter.condition(Instant::now());
        let wait = wait.min(look_at.saturating_duration_since(Instant::now()));
        // An error of the channel cannot be: the context holds its other end.
        let _ = tokio::time::timeout(wait, found.changed()).await;
    }
}

#[derive(Default)]
struct Writer {
    /// What was said last: of the cluster under the empty name, of tenants under theirs.
    said: BTreeMap<String, Said>,
    /// The resource version of what we wrote, and the round of its tenant that it says.
    written: BTreeMap<String, (u64, Option<String>)>,
}

struct Said {
    status: SncAssessmentStatus,
    at: Instant,
    /// Counts what was said.
    round: u64,
}

/// One assessment and everywhere it is to be.
struct Target<'a> {
    tenant: &'a str,
    tally: &'a Tally,
    /// Namespaces that have it.
    places: Vec<String>,
}

fn targets<'a>(context: &Context, found: &'a Found) -> Vec<Target<'a>> {
    let own = context.settings.identity.namespace.clone();
    let cluster = Target { tenant: "", tally: &found.assessed.cluster, places: vec![own] };
    let tenants = found.assessed.tenants.iter().filter_map(|(tenant, tally)| {
        let namespaces = found.governed.get(tenant)?;
        Some(Target { tenant, tally, places: namespaces.iter().cloned().collect() })
    });
    [cluster].into_iter().chain(tenants).collect()
}

impl Writer {
    async fn write(&mut self, context: &Context, found: &Found) {
        let targets = targets(context, found);
        let names: BTreeSet<&str> = targets.iter().map(|target| target.tenant).collect();
        self.said.retain(|tenant, _| names.contains(tenant.as_str()));
        for target in &targets {
            if !context.lease.is_current() {
                return;
            }
            self.one(context, found, target).await;
        }
    }

    async fn one(&mut self, context: &Context, found: &Found, target: &Target<'_>) {
        if !self.said.contains_key(target.tenant) {
            let Some(status) = former(context, target).await else { return };
            let at = Instant::now().checked_sub(BETWEEN).unwrap_or_else(Instant::now);
            self.said.insert(target.tenant.to_owned(), Said { status, at, round: 0 });
        }
        let Some(said) = self.said.get_mut(target.tenant) else { return };
        if said.at.elapsed() >= BETWEEN {
            let reports = context.reports().clone().filter(|_| target.tenant.is_empty());
            let reports = reports.map(|answer| (answer, context.settings.lang));
            let fresh = assessment_status(
                Some(&said.status),
                target.tally,
                &found.assessed.catalogue,
                reports,
                Timestamp::now(),
            );
            if said.round == 0 || fresh != said.status {
                *said = Said { status: fresh, at: Instant::now(), round: said.round + 1 };
            }
        }
        if said.round == 0 {
            return;
        }
        let (status, round) = (&said.status, said.round);
        let written = &self.written;
        let due: Vec<String> = target
            .places
            .iter()
            .filter(|place| written.get(*place).is_none_or(|(at, _)| *at != round))
            .cloned()
            .collect();
        let writes: Vec<_> = due
            .into_iter()
            .map(|place| {
                let first = !written.contains_key(&place);
                put(context, place, target.tenant, status, first).boxed()
            })
            .collect();
        let done: Vec<(String, Option<String>)> =
            stream::iter(writes).buffer_unordered(AT_ONCE).filter_map(std::future::ready).collect().await;
        self.written.extend(done.into_iter().map(|(place, version)| (place, (round, version))));
    }

    /// Assessments that somebody changed or deleted are written again, and those of nobody go.
    async fn compare(&mut self, context: &Context, found: &Found) {
        let api: Api<SncAssessment> = Api::all(context.client.clone());
        let params = ListParams::default().labels(&format!("{LABEL_MANAGED_BY}={MANAGED_BY}"));
        let held = match api.list_metadata(&params).await {
            Ok(list) => list.items,
            Err(error) => {
                tracing::warn!(error = reason(&error), "assessments not listed");
                return;
            }
        };
        let wanted: BTreeSet<String> =
            targets(context, found).into_iter().flat_map(|target| target.places).collect();
        let versions: BTreeMap<Option<&str>, Option<&str>> = held
            .iter()
            .map(|one| (one.metadata.namespace.as_deref(), one.metadata.resource_version.as_deref()))
            .collect();
        self.written.retain(|place, (_, written)| {
            written.is_some() && versions.get(&Some(place.as_str())).copied().flatten() == written.as_deref()
        });
        if !context.may_delete() {
            return;
        }
        for one in &held {
            let (namespace, name) = (one.namespace().unwrap_or_default(), one.name_any());
            if wanted.contains(&namespace) {
                continue;
            }
            let api: Api<SncAssessment> = Api::namespaced(context.client.clone(), &namespace);
            match api.delete(&name, &apply::as_seen(one)).await {
                Ok(_) => tracing::info!(
                    namespace,
                    name,
                    "assessment removed: its namespace has no tenant any more"
                ),
                Err(error) if matches!(code(&error), 404 | 409) => {}
                Err(error) => tracing::warn!(namespace, error = reason(&error), "assessment not removed"),
            }
        }
    }
}

/// What was written before this process: its transitions go on. None if it cannot be told.
async fn former(context: &Context, target: &Target<'_>) -> Option<SncAssessmentStatus> {
    for namespace in &target.places {
        let api: Api<SncAssessment> = Api::namespaced(context.client.clone(), namespace);
        match api.get_opt(ASSESSMENT).await {
            Ok(Some(SncAssessment { status: Some(status), spec, .. }))
                if spec.tenant.as_deref().unwrap_or_default() == target.tenant =>
            {
                return Some(status);
            }
            // What another version wrote is written anew.
            Ok(_) | Err(kube::Error::SerdeError(_)) => {}
            Err(error) => {
                tracing::warn!(namespace, error = reason(&error), "assessment not read");
                return None;
            }
        }
    }
    Some(SncAssessmentStatus::default())
}

/// The namespace, with the resource version after the write; None if it failed. The `first` time it may be there
/// already, as it should be.
async fn put(
    context: &Context,
    namespace: String,
    tenant: &str,
    status: &SncAssessmentStatus,
    first: bool,
) -> Option<(String, Option<String>)> {
    let api: Api<SncAssessment> = Api::namespaced(context.client.clone(), &namespace);
    let object = if tenant.is_empty() {
        cluster_assessment(&namespace)
    } else {
        tenant_assessment(&namespace, tenant)
    };
    let with_status = json!({
        "apiVersion": SncAssessment::api_version(&()), "kind": SncAssessment::kind(&()),
        "metadata": {"name": ASSESSMENT}, "status": status,
    });
    let (own, of_status) = (PatchParams::apply(MANAGER).force(), PatchParams::apply(MANAGER_STATUS).force());
    let written = async {
        if first
            && let Some(held) = api.get_opt(ASSESSMENT).await?
            && held.spec == object.spec
            && held.metadata.labels == object.metadata.labels
            && held.status.as_ref() == Some(status)
        {
            return Ok(held);
        }
        api.patch(ASSESSMENT, &own, &Patch::Apply(&object)).await?;
        api.patch_status(ASSESSMENT, &of_status, &Patch::Apply(&with_status)).await
    };
    match written.await {
        Ok(object) => Some((namespace, object.resource_version())),
        Err(error) => {
            // A namespace that goes takes no more objects.
            let going = code(&error) == 404 || reason(&error).contains("being terminated");
            if !going {
                tracing::warn!(namespace, error = reason(&error), "assessment not written");
            }
            None
        }
    }
}
