//! Which of the kinds that controls read are served, and a watch for each of them.

use super::Message;
use super::raw::Raw;
use crate::context::Context;
use crate::error::reason;
use crate::watch::stream::{Restart, Selector, Signal, follow};
use crate::watch::{Change, DENIED, STALE};
use futures::{StreamExt, stream};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::PostParams;
use kube::core::ApiResource;
use kube::discovery::{ApiGroup, Discovery};
use snc_catalogue::{Held, Object, Weigher};
use snc_core::secrets;
use snc_core::snapshot::Availability;
use snc_core::text::Text;
use snc_core::verdict::Subject;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// A kind may be installed, or go, while we run.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
const TRY_AGAIN: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(15);
/// How often it is looked whether a kind has got old.
const LOOK: Duration = Duration::from_secs(1);

const QUESTIONS: usize = 4;

pub type Served = BTreeMap<String, ApiResource>;

/// Where each of these kinds is served.
pub async fn served(context: &Context, kinds: &BTreeSet<String>) -> kube::Result<Served> {
    let groups: BTreeSet<&str> = kinds.iter().filter_map(|kind| kind.split('/').next()).collect();
    let names: Vec<&str> = groups.iter().map(|group| if *group == "core" { "" } else { group }).collect();
    let discovery = Discovery::new(context.client.clone()).filter(&names).run_aggregated().await?;
    let mut found = Served::new();
    for kind in kinds {
        let (group, name) = kind.split_once('/').unwrap_or(("core", kind));
        let group = if group == "core" { "" } else { group };
        let served = discovery.groups().filter(|served| served.name() == group);
        if let Some((resource, _)) =
            served.flat_map(ApiGroup::recommended_resources).find(|(r, _)| r.kind == name)
        {
            found.insert(kind.clone(), resource);
        }
    }
    Ok(found)
}

fn may_not_read(kind: &str) -> Availability {
    Availability::NotRead(Text::new(
        format!("l'opérateur n'a pas le droit de lire {kind}"),
        format!("the operator may not read {kind}"),
    ))
}

/// Those that we may not list: a question, so that no refusal stands in the cluster's audit log again and again.
async fn refused(context: &Context, kinds: Vec<(&String, &ApiResource)>) -> BTreeSet<String> {
    let api: Api<SelfSubjectAccessReview> = Api::all(context.client.clone());
    let ask = |(kind, resource): (&String, &ApiResource)| {
        let (api, kind, review) = (api.clone(), kind.clone(), review(resource));
        async move {
            let answer = tokio::time::timeout(ANSWER, api.create(&PostParams::default(), &review)).await;
            // What cannot be told is tried.
            let answer = answer.ok()?.ok()?;
            answer.status.is_some_and(|status| !status.allowed).then_some(kind)
        }
    };
    stream::iter(kinds.into_iter().map(ask))
        .buffer_unordered(QUESTIONS)
        .filter_map(std::future::ready)
        .collect()
        .await
}

fn review(resource: &ApiResource) -> SelfSubjectAccessReview {
    let attributes = ResourceAttributes {
        group: Some(resource.group.clone()),
        resource: Some(resource.plural.clone()),
        verb: Some("list".to_owned()),
        ..ResourceAttributes::default()
    };
    let spec = SelfSubjectAccessReviewSpec {
        resource_attributes: Some(attributes),
        ..SelfSubjectAccessReviewSpec::default()
    };
    SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() }
}

/// What is known of one watch. Secrets have several.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    listed: bool,
    denied: Option<Instant>,
    heard: Option<Instant>,
}

impl Known {
    /// None as long as there is nothing to say.
    fn availability(&self, kind: &str) -> Option<Availability> {
        if self.denied.is_some_and(|since| since.elapsed() >= DENIED) {
            return Some(may_not_read(kind));
        }
        if !self.listed {
            return None;
        }
        Some(if self.heard.is_none_or(|heard| heard.elapsed() > STALE) {
            Availability::NotRead(Text::new(
                format!("{kind} : plus de nouvelles du serveur d'API"),
                format!("{kind}: nothing was heard from the API server any more"),
            ))
        } else {
            Availability::Held
        })
    }
}

struct Following {
    resource: ApiResource,
    /// One for most kinds.
    parts: Vec<(AbortHandle, Arc<Mutex<Known>>)>,
    told: Option<Availability>,
}

impl Drop for Following {
    fn drop(&mut self) {
        for (task, _) in &self.parts {
            task.abort();
        }
    }
}

impl Following {
    /// The worst of its parts.
    fn availability(&self, kind: &str) -> Option<Availability> {
        let known = self.parts.iter().map(|(_, known)| known.lock().unwrap_or_else(PoisonError::into_inner));
        let said: Vec<Option<Availability>> = known.map(|known| known.availability(kind)).collect();
        let unread = said.iter().flatten().find(|one| matches!(one, Availability::NotRead(_)));
        match unread {
            Some(unread) => Some(unread.clone()),
            None => said.iter().all(Option::is_some).then_some(Availability::Held),
        }
    }
}

/// The watches of one catalogue. They end when it is dropped.
pub struct Kinds {
    context: Arc<Context>,
    wanted: BTreeSet<String>,
    weigher: Weigher,
    tell: Sender<Message>,
    following: BTreeMap<String, Following>,
    /// Kinds of which it was said that they are not served, or not for us.
    silent: BTreeSet<String>,
}

impl Kinds {
    pub fn new(
        context: Arc<Context>,
        wanted: BTreeSet<String>,
        weigher: Weigher,
        tell: Sender<Message>,
    ) -> Self {
        Self { context, wanted, weigher, tell, following: BTreeMap::new(), silent: BTreeSet::new() }
    }

    /// Keeps a watch on everything that is served, and says of every kind whether it is known, for ever.
    pub async fn keep(mut self, mut again: tokio::sync::mpsc::UnboundedReceiver<BTreeSet<String>>) {
        let mut look_at = Instant::now();
        loop {
            if look_at <= Instant::now() {
                look_at = Instant::now() + if self.look().await { LOOK_AGAIN } else { TRY_AGAIN };
            }
            self.doubt();
            tokio::select! {
                () = tokio::time::sleep(LOOK.min(look_at.saturating_duration_since(Instant::now()))) => {}
                Some(kinds) = again.recv() => {
                    for kind in kinds {
                        self.begin_again(&kind);
                    }
                }
            }
        }
    }

    /// False if it is not known what is served: what is followed already is followed on.
    async fn look(&mut self) -> bool {
        let served = match tokio::time::timeout(ANSWER, served(&self.context, &self.wanted)).await {
            Ok(Ok(served)) => served,
            Ok(Err(error)) => {
                tracing::warn!(error = reason(&error), "API groups not read; kinds to judge are not known");
                return false;
            }
            Err(_) => {
                tracing::warn!("API groups not read in time; kinds to judge are not known");
                return false;
            }
        };
        let new = served.iter().filter(|(kind, _)| !self.following.contains_key(*kind));
        let refused = refused(&self.context, new.collect()).await;
        for kind in self.wanted.clone() {
            match served.get(&kind) {
                Some(_) if refused.contains(&kind) => self.refused(&kind),
                Some(resource) => self.follow(&kind, resource),
                None => self.gone(&kind),
            }
        }
        true
    }

    fn refused(&mut self, kind: &str) {
        if self.silent.insert(kind.to_owned()) {
            self.say(Message::Set(kind.to_owned(), may_not_read(kind)));
        }
    }

    fn follow(&mut self, kind: &str, resource: &ApiResource) {
        if self.following.get(kind).is_some_and(|held| held.resource == *resource) {
            return;
        }
        self.silent.remove(kind);
        let parts =
            if kind == secrets::KIND { self.secrets(resource) } else { vec![self.whole(kind, resource)] };
        let following = Following { resource: resource.clone(), parts, told: None };
        self.following.insert(kind.to_owned(), following);
    }

    fn begin_again(&mut self, kind: &str) {
        if let Some(held) = self.following.remove(kind) {
            let resource = held.resource.clone();
            drop(held);
            self.follow(kind, &resource);
        }
    }

    fn gone(&mut self, kind: &str) {
        if self.following.remove(kind).is_some() {
            self.say(Message::Reset(kind.to_owned(), Vec::new()));
        }
        if self.silent.insert(kind.to_owned()) {
            self.say(Message::Set(kind.to_owned(), Availability::NotServed));
        }
    }

    fn doubt(&mut self) {
        let mut changed = Vec::new();
        for (kind, following) in &mut self.following {
            let now = following.availability(kind);
            if now.is_some() && now != following.told {
                following.told.clone_from(&now);
                changed.extend(now.map(|now| (kind.clone(), now)));
            }
        }
        for (kind, availability) in changed {
            self.say(Message::Set(kind, availability));
        }
    }

    /// Who takes them ends with the process.
    fn say(&self, message: Message) {
        let _ = self.tell.send(message);
    }

    fn whole(&self, kind: &str, resource: &ApiResource) -> (AbortHandle, Arc<Mutex<Known>>) {
        let (kind, tell) = (kind.to_owned(), self.tell.clone());
        let mut selector = Selector::default();
        if kind == "core/Pod" {
            // The canary's own comes and goes with each of its rounds, and never starts.
            let canary = self.context.settings.tenant_canary();
            selector.fields = Some(format!("metadata.namespace!={canary}"));
        }
        self.spawn(resource, selector, None, move |change| {
            let _ = tell.send(match change {
                Change::Apply(Judged { held: Some(held), .. }) => Message::Apply(Box::new(held)),
                Change::Apply(Judged { subject, .. }) | Change::Delete(Judged { subject, .. }) => {
                    Message::Delete(subject)
                }
                Change::Reset(all) => {
                    Message::Reset(kind.clone(), all.into_iter().filter_map(|one| one.held).collect())
                }
            });
        })
    }

    /// Their type is no metadata, so each type has a watch of its own.
    fn secrets(&self, resource: &ApiResource) -> Vec<(AbortHandle, Arc<Mutex<Known>>)> {
        secrets::queries()
            .map(|(fields, kind)| {
                let selector = Selector { fields: Some(fields), metadata: true, ..Selector::default() };
                let tell = self.tell.clone();
                let mut mine: BTreeSet<Subject> = BTreeSet::new();
                self.spawn(resource, selector, Some(kind), move |change| {
                    let mut said = Vec::new();
                    match change {
                        Change::Apply(Judged { subject, held: Some(held) }) => {
                            mine.insert(subject);
                            said.push(Message::Apply(Box::new(held)));
                        }
                        Change::Apply(Judged { subject, .. }) | Change::Delete(Judged { subject, .. }) => {
                            mine.remove(&subject);
                            said.push(Message::Delete(subject));
                        }
                        Change::Reset(all) => {
                            let now: BTreeSet<Subject> = all.iter().map(|one| one.subject.clone()).collect();
                            said.extend(mine.difference(&now).cloned().map(Message::Delete));
                            mine = now;
                            let held = all.into_iter().filter_map(|one| one.held);
                            said.extend(held.map(|held| Message::Apply(Box::new(held))));
                        }
                    }
                    for message in said {
                        let _ = tell.send(message);
                    }
                })
            })
            .collect()
    }

    fn spawn(
        &self,
        resource: &ApiResource,
        selector: Selector,
        secret: Option<&'static str>,
        mut on: impl FnMut(Change<Judged>) + Send + 'static,
    ) -> (AbortHandle, Arc<Mutex<Known>>) {
        let known = Arc::new(Mutex::new(Known::default()));
        let (state, weigher, resource) = (known.clone(), self.weigher.clone(), resource.clone());
        let context = self.context.clone();
        let task = tokio::spawn(async move {
            let api: Api<Raw> = Api::all_with(context.client.clone(), &resource);
            let plural = resource.plural.clone();
            let read = |raw: Raw| judge(&weigher, &resource, secret, raw.body);
            follow(api, selector, read, |signal| {
                let mut known = state.lock().unwrap_or_else(PoisonError::into_inner);
                match signal {
                    Signal::Change(change) => {
                        known.listed |= matches!(change, Change::Reset(_));
                        (known.heard, known.denied) = (Some(Instant::now()), None);
                        drop(known);
                        on(change);
                    }
                    Signal::Open => known.denied = None,
                    Signal::Alive => (known.heard, known.denied) = (Some(Instant::now()), None),
                    Signal::Again(why, text) => {
                        if why == Restart::Denied {
                            known.denied.get_or_insert_with(Instant::now);
                        }
                        let why = why.as_str();
                        tracing::debug!(kind = plural, why, error = text, "watch to judge by begun again");
                    }
                }
            })
            .await;
        });
        (task.abort_handle(), known)
    }
}

/// An object as far as it is kept, or as it is known to be there.
struct Judged {
    subject: Subject,
    /// None for what has no name, which no API server sends.
    held: Option<Held>,
}

fn judge(
    weigher: &Weigher,
    resource: &ApiResource,
    secret: Option<&str>,
    mut body: serde_json::Value,
) -> Judged {
    if let Some(map) = body.as_object_mut() {
        // Items of a list do not say what they are; those of a list of metadata say something else.
        map.insert("apiVersion".to_owned(), resource.api_version.as_str().into());
        map.insert("kind".to_owned(), resource.kind.as_str().into());
        if let Some(kind) = secret {
            map.insert("type".to_owned(), kind.into());
        }
    }
    match Object::new(body) {
        Some(object) => Judged { subject: object.subject.clone(), held: Some(weigher.weigh(object)) },
        None => Judged { subject: Subject::new(&resource.api_version, &resource.kind, "", ""), held: None },
    }
}
