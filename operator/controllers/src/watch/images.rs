//! Scans of images, and when what they found was first seen. What is not known of them is no doubt about anything else.

use super::stream::{Restart, Selector, Signal, follow};
use super::{Change, Inputs};
use crate::context::Context;
use crate::error::reason;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, ResourceExt};
use serde_json::{Map, Value, json};
use snc_core::names::GROUP;
use snc_core::snapshot::Fact;
use snc_core::verdict::Subject;
use snc_index::Images;
use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;
use tokio::task::{AbortHandle, JoinSet};

/// A kind may be installed, or go, while we run.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
const TRY_AGAIN: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(15);
const SCANS: (&str, &str) = ("SncImageScan", "sncimagescans");
const LEDGERS: (&str, &str) = ("SncImageLedger", "sncimageledgers");
const AQUA: &str = "aquasecurity.github.io";
const REPORTS: (&str, &str) = ("VulnerabilityReport", "vulnerabilityreports");

#[derive(Default)]
pub struct Known {
    images: RwLock<Images>,
    inputs: Inputs,
}

impl Known {
    /// None as long as they are not known up to now.
    pub fn images(&self) -> Option<RwLockReadGuard<'_, Images>> {
        self.inputs.current().then(|| self.images.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Of each kind, since when nothing was heard of it.
    pub fn ages(&self) -> Vec<(&'static str, Option<Duration>)> {
        self.inputs.all().into_iter().map(|(kind, input)| (kind, input.age())).collect()
    }
}

/// Starts to watch them, for the rest of the process's life.
pub fn start(context: &Arc<Context>, known: &Arc<Known>, tasks: &mut JoinSet<&'static str>) {
    for (kind, plural) in [SCANS, LEDGERS] {
        known.inputs.expect(plural);
        let (context, known) = (context.clone(), known.clone());
        tasks.spawn(async move {
            watch(&context, &known, GROUP, (kind, plural)).await;
            plural
        });
    }
    let (context, known) = (context.clone(), known.clone());
    // Until it is known that they are not served, nothing is known of them.
    known.inputs.expect(REPORTS.1);
    tasks.spawn(async move {
        reports(&context, &known).await;
        REPORTS.1
    });
}

async fn reports(context: &Arc<Context>, known: &Arc<Known>) {
    let mut following: Option<AbortHandle> = None;
    loop {
        let served = match tokio::time::timeout(ANSWER, served(context)).await {
            Ok(Ok(served)) => served,
            Ok(Err(error)) => {
                tracing::warn!(error = reason(&error), "vulnerability reports not looked for");
                tokio::time::sleep(TRY_AGAIN).await;
                continue;
            }
            Err(_) => continue,
        };
        match (served, &following) {
            (true, None) => {
                known.inputs.expect(REPORTS.1);
                let (context, known) = (context.clone(), known.clone());
                let task = tokio::spawn(async move { watch(&context, &known, AQUA, REPORTS).await });
                following = Some(task.abort_handle());
            }
            (false, _) => {
                if let Some(task) = following.take() {
                    task.abort();
                    let kind = format!("{AQUA}/{}", REPORTS.0);
                    known.images.write().unwrap_or_else(PoisonError::into_inner).reset(&kind, Vec::new());
                }
                known.inputs.forget(REPORTS.1);
            }
            (true, Some(_)) => {}
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn served(context: &Context) -> kube::Result<bool> {
    let groups = context.client.list_api_groups().await?.groups;
    let version = format!("{AQUA}/v1alpha1");
    let group = groups.iter().find(|group| group.name == AQUA);
    if !group.is_some_and(|group| group.versions.iter().any(|served| served.group_version == version)) {
        return Ok(false);
    }
    let resources = context.client.list_api_group_resources(&version).await?.resources;
    Ok(resources.iter().any(|resource| resource.name == REPORTS.1))
}

async fn watch(
    context: &Context,
    known: &Known,
    group: &str,
    (kind, plural): (&str, &'static str),
) -> Infallible {
    let gvk = GroupVersionKind::gvk(group, "v1alpha1", kind);
    let resource = ApiResource::from_gvk_with_plural(&gvk, plural);
    let api: Api<DynamicObject> = Api::all_with(context.client.clone(), &resource);
    let read = |object: DynamicObject| {
        let namespace = object.namespace().unwrap_or_default();
        let subject = Subject::new(&resource.api_version, kind, &namespace, &object.name_any());
        let body = match object.data {
            Value::Object(body) => body,
            _ => Map::new(),
        };
        let fact = Fact::of(&subject, &json!(body));
        (subject, fact)
    };
    let inputs = &known.inputs;
    let key = format!("{group}/{kind}");
    follow(api, Selector::default(), read, |signal| match signal {
        Signal::Change(change) => {
            let reset = matches!(change, Change::Reset(_));
            let mut images = known.images.write().unwrap_or_else(PoisonError::into_inner);
            match change {
                Change::Apply((subject, fact)) => images.apply(&subject, fact),
                Change::Delete((subject, _)) => images.delete(&subject),
                Change::Reset(all) => images.reset(&key, all),
            }
            drop(images);
            if reset { inputs.listed(plural) } else { inputs.heard(plural) }
        }
        Signal::Open => inputs.allowed(plural),
        Signal::Alive => inputs.heard(plural),
        Signal::Again(why, text) => {
            context.metrics.watch_restarted(plural, why);
            if why != Restart::Ended {
                tracing::warn!(kind = plural, why = why.as_str(), error = text, "watch failed; trying again");
            }
            if why == Restart::Denied {
                inputs.denied(plural);
            }
        }
    })
    .await
}
