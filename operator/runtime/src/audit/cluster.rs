//! What the sink asks of an API server, and what it tells it. Nobody has to answer for the sink to run: watches try again for
//! ever, and a question without an answer says so.

use super::people::{self, Register, Seen};
use super::wishes::{self, Declared};
use http::header::{HeaderValue, USER_AGENT};
use jiff::Timestamp;
use k8s_openapi::api::authentication::v1::{
    SelfSubjectReview, TokenReview, TokenReviewSpec, TokenReviewStatus,
};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::{DeserializeGuard, PartialObjectMeta, Request};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use serde_json::json;
use snc_api::v1alpha1::{SncAuditLog, SncPolicy, SncTenant};
use snc_controllers::{Change, Restart, Selector, Signal, follow};
use snc_core::names::{AUDIT_LOG, MANAGER_AUDIT, METADATA_FIELD_NAME};
use snc_core::text::clip;
use snc_sink::cluster::{AUDIENCE, Answer, Asked, Cluster, MARK, Marked, People, Silent, User};
use snc_sink::status::Status;
use snc_sink::wishes::Wishes;
use std::fmt::Debug;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// For one question. Whoever reads the log waits for it.
const ANSWER: Duration = Duration::from_secs(10);
/// How often what went is forgotten where nothing else happens.
const FORGET: Duration = Duration::from_secs(60);
const SELF_SUBJECT_REVIEWS: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

pub struct Kubernetes {
    client: Client,
    /// Whether a person's own token is one, although it was made for the API server.
    accept_people: bool,
    state: Arc<State>,
}

/// What the watches tell, and to whom it goes on.
struct State {
    known: Mutex<Known>,
    people: watch::Sender<People>,
    wishes: watch::Sender<Option<Wishes>>,
}

struct Known {
    register: Register,
    declared: Declared,
    heard_log: people::Heard,
    heard_policies: people::Heard,
}

impl Kubernetes {
    /// Begins to watch; what ends among `tasks` ends the process.
    pub fn start(
        client: Client,
        canary_namespace: &str,
        accept_people: bool,
        tasks: &mut JoinSet<&'static str>,
    ) -> Self {
        let state = Arc::new(State::new(canary_namespace));
        let all = Selector::default;
        let metadata = Selector { metadata: true, ..all() };
        feed("namespaces", &client, metadata, &state, tasks, seen, |known, signal| {
            known.register.heard_namespaces.on(&signal);
            on_change(signal, |change| known.register.namespaces(change, Timestamp::now()));
        });
        feed("snctenants", &client, all(), &state, tasks, tenant, |known, signal| {
            known.register.heard_tenants.on(&signal);
            on_change(signal, |change| known.register.tenants(change));
        });
        feed("sncpolicies", &client, all(), &state, tasks, policy, |known, signal| {
            known.heard_policies.on(&signal);
            on_change(signal, |change| known.declared.policies(change));
        });
        let one = Selector { fields: Some(format!("{METADATA_FIELD_NAME}={AUDIT_LOG}")), ..all() };
        feed("sncauditlogs", &client, one, &state, tasks, log, |known, signal| {
            known.heard_log.on(&signal);
            on_change(signal, |change| on_log(&mut known.declared, &change));
        });
        let forgetful = state.clone();
        tasks.spawn(async move {
            loop {
                tokio::time::sleep(FORGET).await;
                forgetful.change(|_| ());
            }
        });
        Self { client, accept_people, state }
    }

    async fn ask<T>(what: &str, question: impl Future<Output = kube::Result<T>> + Send) -> Result<T, Silent> {
        match tokio::time::timeout(ANSWER, question).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Silent(format!("{what}: {}", reason(&error)))),
            Err(_) => Err(Silent(format!("{what}: no answer within {} s", ANSWER.as_secs()))),
        }
    }

    /// A token that was made for the log, of whomever; else a person's own, for an API server reviews tokens of people for no
    /// other audience than its own. A pod's token that was made for anything else opens nothing here.
    async fn who(&self, token: &str) -> Result<Option<User>, Silent> {
        let made = self.review(token, Some(AUDIENCE)).await?;
        if made.is_some() || !self.accept_people {
            return Ok(made);
        }
        Ok(self.review(token, None).await?.filter(is_person))
    }

    async fn review(&self, token: &str, audience: Option<&str>) -> Result<Option<User>, Silent> {
        let review = TokenReview {
            spec: TokenReviewSpec {
                token: Some(token.to_owned()),
                audiences: audience.map(|audience| vec![audience.to_owned()]),
            },
            ..TokenReview::default()
        };
        let api: Api<TokenReview> = Api::all(self.client.clone());
        let params = PostParams::default();
        let answer = Self::ask("TokenReview", api.create(&params, &review)).await?;
        user(answer.status.unwrap_or_default(), audience)
    }

    async fn allowed(&self, user: &User, asked: Asked<'_>) -> Result<bool, Silent> {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let review = SubjectAccessReview {
            spec: SubjectAccessReviewSpec {
                user: text(&user.name),
                uid: text(&user.uid),
                groups: Some(user.groups.clone()),
                extra: Some(user.extra.clone()),
                resource_attributes: Some(ResourceAttributes {
                    group: text(asked.group),
                    resource: text(asked.resource),
                    verb: text(asked.verb),
                    namespace: asked.namespace.and_then(text),
                    ..ResourceAttributes::default()
                }),
                ..SubjectAccessReviewSpec::default()
            },
            ..SubjectAccessReview::default()
        };
        let api: Api<SubjectAccessReview> = Api::all(self.client.clone());
        let params = PostParams::default();
        let answer = Self::ask("SubjectAccessReview", api.create(&params, &review)).await?;
        let status = answer.status.ok_or_else(|| Silent("SubjectAccessReview: no status".to_owned()))?;
        Ok(status.allowed && status.denied != Some(true))
    }

    async fn marked(&self, nonce: &str) -> Result<Marked, Silent> {
        let request = marked_request(nonce).map_err(Silent)?;
        let sent = Timestamp::now();
        Self::ask("SelfSubjectReview", self.client.request::<SelfSubjectReview>(request)).await?;
        Ok(Marked { sent, answered: Timestamp::now() })
    }

    async fn write(&self, status: &Status) -> Result<(), Silent> {
        let api: Api<SncAuditLog> = Api::all(self.client.clone());
        let params = PatchParams::apply(MANAGER_AUDIT).force();
        let patch = Patch::Apply(applied(status));
        Self::ask("SncAuditLog/status", api.patch_status(AUDIT_LOG, &params, &patch)).await.map(drop)
    }
}

impl Cluster for Kubernetes {
    fn authenticate<'a>(&'a self, token: &'a str) -> Answer<'a, Option<User>> {
        Box::pin(self.who(token))
    }

    fn may<'a>(&'a self, user: &'a User, asked: Asked<'a>) -> Answer<'a, bool> {
        Box::pin(self.allowed(user, asked))
    }

    fn people(&self) -> watch::Receiver<People> {
        self.state.people.subscribe()
    }

    fn wishes(&self) -> watch::Receiver<Option<Wishes>> {
        self.state.wishes.subscribe()
    }

    fn report<'a>(&'a self, status: &'a Status) -> Answer<'a, ()> {
        Box::pin(self.write(status))
    }

    fn mark<'a>(&'a self, nonce: &'a str) -> Answer<'a, Marked> {
        Box::pin(self.marked(nonce))
    }
}

impl State {
    fn new(canary_namespace: &str) -> Self {
        let known = Known {
            register: Register::new(canary_namespace),
            declared: Declared::default(),
            heard_log: people::Heard::default(),
            heard_policies: people::Heard::default(),
        };
        Self { known: Mutex::new(known), people: watch::Sender::default(), wishes: watch::Sender::default() }
    }

    fn change(&self, change: impl FnOnce(&mut Known)) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut known);
        let people = known.register.people(Timestamp::now());
        // Sent while the lock is held: in the order of the changes.
        self.people.send_if_modified(|before| replace(before, people));
        // Anything less than everything would look like a wish taken back.
        let complete = [known.heard_log, known.heard_policies, known.register.heard_namespaces]
            .into_iter()
            .all(people::Heard::listed);
        if complete {
            let wishes = known.declared.wishes(|namespace| known.register.tenant_of(namespace));
            self.wishes.send_if_modified(|before| replace(before, wishes));
        }
    }
}

fn replace<T: PartialEq>(before: &mut T, after: T) -> bool {
    let differs = *before != after;
    *before = after;
    differs
}

fn feed<K, T>(
    kind: &'static str,
    client: &Client,
    selector: Selector,
    state: &Arc<State>,
    tasks: &mut JoinSet<&'static str>,
    read: impl Fn(K) -> T + Send + 'static,
    on: impl Fn(&mut Known, Signal<T>) + Send + Sync + 'static,
) where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
    T: Send + 'static,
{
    let (api, state): (Api<K>, _) = (Api::all(client.clone()), state.clone());
    tasks.spawn(async move {
        follow(api, selector, read, |signal| {
            if let Signal::Again(why, text) = &signal
                && *why != Restart::Ended
            {
                tracing::warn!(kind, why = why.as_str(), error = text, "watch failed; trying again");
            }
            state.change(|known| on(known, signal));
        })
        .await;
        kind
    });
}

fn on_change<T>(signal: Signal<T>, then: impl FnOnce(Change<T>)) {
    if let Signal::Change(change) = signal {
        then(change);
    }
}

/// One that is deleted says nothing new: what it asked for last stays.
fn on_log(declared: &mut Declared, change: &Change<Option<SncAuditLog>>) {
    match change {
        Change::Apply(log) => declared.log(log.as_ref()),
        Change::Delete(_) => {}
        Change::Reset(all) => all.iter().for_each(|log| declared.log(log.as_ref())),
    }
}

fn named<K: Resource>(object: &DeserializeGuard<K>) -> (String, String) {
    let meta = match &object.0 {
        Ok(object) => object.meta(),
        Err(invalid) => &invalid.metadata,
    };
    (meta.namespace.clone().unwrap_or_default(), meta.name.clone().unwrap_or_default())
}

fn readable<K: Resource>(kind: &str, object: DeserializeGuard<K>) -> Option<K> {
    let (namespace, name) = named(&object);
    let told =
        |error| tracing::warn!(kind, namespace, name, %error, "not readable; what it said before stays");
    object.0.map_err(|invalid| told(invalid.error)).ok()
}

fn seen(namespace: PartialObjectMeta<Namespace>) -> Seen {
    namespace.into()
}

fn tenant(object: DeserializeGuard<SncTenant>) -> people::Owned {
    let (_, name) = named(&object);
    people::owned(name, readable("SncTenant", object).as_ref())
}

fn policy(object: DeserializeGuard<SncPolicy>) -> wishes::Asked {
    let (namespace, name) = named(&object);
    wishes::asked(namespace, name, readable("SncPolicy", object).as_ref())
}

fn log(object: DeserializeGuard<SncAuditLog>) -> Option<SncAuditLog> {
    readable("SncAuditLog", object)
}

/// Names of parts of the system are kept for them: no identity provider of people gives any out.
fn is_person(user: &User) -> bool {
    !user.name.starts_with("system:")
}

/// A token that an authenticator took which knows of no audiences was made for something else.
fn user(status: TokenReviewStatus, audience: Option<&str>) -> Result<Option<User>, Silent> {
    let meant =
        audience.is_none_or(|wanted| status.audiences.iter().flatten().any(|audience| audience == wanted));
    if status.authenticated != Some(true) || !meant {
        return Ok(None);
    }
    let user = status.user.ok_or_else(|| Silent("TokenReview: authenticated, and nobody".to_owned()))?;
    Ok(Some(User {
        name: user.username.unwrap_or_default(),
        uid: user.uid.unwrap_or_default(),
        groups: user.groups.unwrap_or_default(),
        extra: user.extra.unwrap_or_default(),
    })
    .filter(|user| !user.name.is_empty()))
}

fn marked_request(nonce: &str) -> Result<http::Request<Vec<u8>>, String> {
    let body = serde_json::to_vec(&SelfSubjectReview::default()).map_err(|error| error.to_string())?;
    let request = Request::new(SELF_SUBJECT_REVIEWS).create(&PostParams::default(), body);
    let mut request = request.map_err(|error| error.to_string())?;
    let mark = HeaderValue::from_str(&format!("{MARK}{nonce}")).map_err(|error| error.to_string())?;
    request.headers_mut().insert(USER_AGENT, mark);
    Ok(request)
}

fn applied(status: &Status) -> serde_json::Value {
    json!({
        "apiVersion": SncAuditLog::api_version(&()),
        "kind": SncAuditLog::kind(&()),
        "metadata": { "name": AUDIT_LOG },
        "status": status,
    })
}

/// The API server's own words, without the request: that one may hold a token.
fn reason(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => clip(&status.message, 400),
        other => clip(&other.to_string(), 400),
    }
}

#[cfg(test)]
mod tests;
