use kube::api::{Api, ListParams};
use kube::core::DeserializeGuard;
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use snc_core::lang::Lang;
use snc_index::{Declared, Unreadable};
use std::fmt::Debug;
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// RBAC says no.
    Refused,
    /// The API server does not know who asks.
    Unauthenticated,
    /// The API server does not know the kind: nobody installed it.
    NotServed,
    /// Anything else: no answer, or one that cannot be read.
    Failed,
}

/// Something that could not be read, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub kind: Kind,
    pub what: String,
    pub detail: String,
}

impl Trouble {
    pub fn new(what: String, error: &kube::Error) -> Self {
        let (kind, detail) = match error {
            kube::Error::Api(status) => {
                let kind = match status.code {
                    403 => Kind::Refused,
                    401 => Kind::Unauthenticated,
                    404 => Kind::NotServed,
                    _ => Kind::Failed,
                };
                (kind, status.message.clone())
            }
            other => (Kind::Failed, chain(other)),
        };
        Self { kind, what, detail: snc_core::text::clip(&detail, 400) }
    }

    pub fn is_refusal(&self) -> bool {
        self.kind == Kind::Refused
    }

    pub fn message(&self, lang: Lang) -> String {
        let Self { kind, what, detail } = self;
        match kind {
            Kind::Refused => lang.pick(
                || format!("lecture refusée (RBAC) : {what} : {detail}"),
                || format!("reading refused (RBAC): {what}: {detail}"),
            ),
            Kind::Unauthenticated => lang.pick(
                || format!("identité refusée par le serveur d'API : {what} : {detail}"),
                || format!("identity refused by the API server: {what}: {detail}"),
            ),
            Kind::NotServed => lang.pick(
                || format!("le cluster ne sert pas {what} : snc-operator y est-il installé ?"),
                || format!("the cluster does not serve {what}: is snc-operator installed there?"),
            ),
            Kind::Failed => lang.pick(
                || format!("lecture impossible : {what} : {detail}"),
                || format!("cannot read {what}: {detail}"),
            ),
        }
    }
}

/// An error and its causes; the first line alone often says nothing.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

pub fn plural<K: Resource<DynamicType = ()>>() -> String {
    let group = K::group(&());
    if group.is_empty() { K::plural(&()).into_owned() } else { format!("{}.{group}", K::plural(&())) }
}

pub async fn list<K>(api: Api<K>, params: ListParams) -> Result<Vec<K>, Trouble>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    pages(api, params, plural::<K>()).await
}

/// Every object, page by page; from the beginning in one go when the pages expired on the way. `what` is what they are called.
pub async fn pages<K>(api: Api<K>, params: ListParams, what: String) -> Result<Vec<K>, Trouble>
where
    K: Clone + DeserializeOwned + Debug,
{
    let mut params = params.limit(500);
    let mut all = Vec::new();
    loop {
        match api.list(&params).await {
            Ok(page) => {
                all.extend(page.items);
                match page.metadata.continue_.filter(|token| !token.is_empty()) {
                    Some(token) => params = params.continue_token(&token),
                    None => return Ok(all),
                }
            }
            Err(kube::Error::Api(status)) if status.code == 410 && params.continue_token.is_some() => {
                all.clear();
                params.continue_token = None;
                params.limit = None;
            }
            Err(error) => return Err(Trouble::new(what, &error)),
        }
    }
}

/// Objects of a kind of ours; one that does not deserialize is kept as such.
pub async fn declared<K>(api: Api<DeserializeGuard<K>>) -> Result<Vec<(String, String, Declared<K>)>, Trouble>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let guards = list(api, ListParams::default()).await?;
    Ok(guards.into_iter().map(declare).collect())
}

pub fn declare<K>(guard: DeserializeGuard<K>) -> (String, String, Declared<K>)
where
    K: Resource<DynamicType = ()>,
{
    let (namespace, name) = (guard.namespace().unwrap_or_default(), guard.name_any());
    let object = match guard.0 {
        Ok(object) => Ok(Arc::new(object)),
        Err(invalid) => Err(Unreadable::new(&invalid.metadata, &invalid.error)),
    };
    (namespace, name, object)
}
