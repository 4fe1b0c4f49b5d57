//! Single requests about reports, and what their answers mean.

use crate::context::Context;
use crate::error::reason;
use kube::api::{
    ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams, Preconditions,
};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use snc_core::names::{LABEL_MANAGED_BY, MANAGED_BY, MANAGER};
use snc_plan::objects::report::{self, Fingerprint, Format, Report};
use std::time::Duration;

const ANSWER: Duration = Duration::from_secs(10);
/// Reports can be large: so many at a time is some ten megabytes at worst.
const PAGE: u32 = 50;

/// How a write ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Written,
    Removed,
    /// The object to remove, or the namespace to write in, is no more.
    Gone,
    Conflict,
    Refused,
    Throttled,
    TooLarge,
    Invalid,
    NotServed,
    Server,
    Timeout,
    Transport,
}

impl Outcome {
    pub const ALL: [Self; 12] = [
        Self::Written,
        Self::Removed,
        Self::Gone,
        Self::Conflict,
        Self::Refused,
        Self::Throttled,
        Self::TooLarge,
        Self::Invalid,
        Self::NotServed,
        Self::Server,
        Self::Timeout,
        Self::Transport,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Removed => "removed",
            Self::Gone => "gone",
            Self::Conflict => "conflict",
            Self::Refused => "refused",
            Self::Throttled => "throttled",
            Self::TooLarge => "too_large",
            Self::Invalid => "invalid",
            Self::NotServed => "not_served",
            Self::Server => "server",
            Self::Timeout => "timeout",
            Self::Transport => "transport",
        }
    }

    /// Whether the next one may well end in the same way.
    pub const fn is_failure(self) -> bool {
        !matches!(self, Self::Written | Self::Removed | Self::Gone | Self::Conflict)
    }
}

/// An answer that is none of what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub outcome: Outcome,
    pub error: String,
}

impl Failure {
    fn late() -> Self {
        Self { outcome: Outcome::Timeout, error: format!("no answer in {} s", ANSWER.as_secs()) }
    }

    fn of(error: &kube::Error) -> Self {
        Self { outcome: outcome(error), error: reason(error) }
    }
}

/// A report that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// None where it may be another by now.
    pub fingerprint: Option<Fingerprint>,
    pub uid: Option<String>,
    pub version: Option<String>,
}

fn api(context: &Context, format: Format, namespace: Option<&str>, namespaced: bool) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk(format.group(), format.version(), format.kind(namespaced));
    let resource = ApiResource::from_gvk_with_plural(&kind, format.plural(namespaced));
    match namespace {
        Some(namespace) => Api::namespaced_with(context.client.clone(), namespace, &resource),
        None => Api::all_with(context.client.clone(), &resource),
    }
}

fn one(context: &Context, format: Format, namespace: &str) -> Api<DynamicObject> {
    let namespaced = !namespace.is_empty();
    api(context, format, namespaced.then_some(namespace), namespaced)
}

/// Of the formats, those that the cluster serves both kinds of.
pub async fn served(client: &kube::Client) -> kube::Result<Vec<Format>> {
    let groups = client.list_api_groups().await?.groups;
    let mut served = Vec::new();
    for format in Format::ALL {
        let of_format = groups.iter().filter(|group| group.name == format.group());
        let version = of_format.flat_map(|group| &group.versions).find(|v| v.version == format.version());
        let Some(version) = version else { continue };
        let found = client.list_api_group_resources(&version.group_version).await?.resources;
        if [true, false].iter().all(|scope| found.iter().any(|one| one.name == format.plural(*scope))) {
            served.push(format);
        }
    }
    Ok(served)
}

/// Our reports of one format, by namespace.
pub async fn list(context: &Context, format: Format) -> Result<Vec<(String, Stored)>, Failure> {
    let mut found = Vec::new();
    for namespaced in [true, false] {
        let api = api(context, format, None, namespaced);
        let ours = format!("{LABEL_MANAGED_BY}={MANAGED_BY}");
        // By name, too: rights can be given for the one name.
        let named = format!("metadata.name={}", report::NAME);
        let mut params = ListParams::default().labels(&ours).fields(&named).limit(PAGE);
        loop {
            let page = match tokio::time::timeout(ANSWER, api.list(&params)).await {
                Ok(Ok(page)) => page,
                Ok(Err(error)) => return Err(Failure::of(&error)),
                Err(_) => return Err(Failure::late()),
            };
            let items = page.items.into_iter();
            found.extend(items.map(|object| (object.namespace().unwrap_or_default(), stored(object))));
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => break,
            }
        }
    }
    Ok(found)
}

fn stored(object: DynamicObject) -> Stored {
    let (uid, version) = (object.uid(), object.resource_version());
    let DynamicObject { metadata, data, .. } = object;
    let mut said = if data.is_object() { data } else { json!({}) };
    said["metadata"] = json!({"labels": metadata.labels, "annotations": metadata.annotations});
    Stored { fingerprint: Some(report::fingerprint(&said)), uid, version }
}

/// Server-side apply: a report that somebody else changed is ours again.
pub async fn write(context: &Context, report: &Report) -> Result<Stored, Failure> {
    let api = one(context, report.format, &report.namespace);
    let params = PatchParams::apply(MANAGER).force();
    let patch: Patch<&Value> = Patch::Apply(&report.body);
    let answer = tokio::time::timeout(ANSWER, api.patch(report::NAME, &params, &patch)).await;
    match answer.map_err(|_| Failure::late())? {
        Ok(object) => Ok(Stored {
            fingerprint: Some(report.fingerprint()),
            uid: object.uid(),
            version: object.resource_version(),
        }),
        Err(error) => Err(Failure::of(&error)),
    }
}

/// Exactly the object that was seen.
pub async fn remove(
    context: &Context,
    format: Format,
    namespace: &str,
    seen: &Stored,
) -> Result<(), Failure> {
    let api = one(context, format, namespace);
    let preconditions = Preconditions { uid: seen.uid.clone(), resource_version: seen.version.clone() };
    let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
    let answer = tokio::time::timeout(ANSWER, api.delete(report::NAME, &params)).await;
    match answer.map_err(|_| Failure::late())? {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => {
            Err(Failure { outcome: Outcome::Gone, error: status.message.clone() })
        }
        Err(error) => Err(Failure::of(&error)),
    }
}

fn outcome(error: &kube::Error) -> Outcome {
    let kube::Error::Api(status) = error else { return Outcome::Transport };
    let details = status.details.as_ref();
    let ending = || {
        let mut causes = details.into_iter().flat_map(|details| &details.causes);
        causes.any(|cause| cause.reason == "NamespaceTerminating")
    };
    match status.code {
        403 if ending() => Outcome::Gone,
        401 | 403 => Outcome::Refused,
        404 if details.is_some_and(|details| details.kind == "namespaces") => Outcome::Gone,
        404 => Outcome::NotServed,
        409 => Outcome::Conflict,
        413 => Outcome::TooLarge,
        429 => Outcome::Throttled,
        400..=499 => Outcome::Invalid,
        _ => Outcome::Server,
    }
}
