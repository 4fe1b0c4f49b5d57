//! Who asks, and whether they may: Kubernetes is asked before anything is looked at, for each request.

use super::memory::Memory;
use super::refuse::Refused;
use crate::cluster::{Answer, Asked, Cluster, Silent, User};
use futures::stream::{self, StreamExt as _};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use snc_audit::Partition;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::time::timeout;

const TOKENS_LAST: Duration = Duration::from_secs(10);
const RIGHTS_LAST: Duration = Duration::from_secs(5);
/// More than any issuer's take.
const LONGEST_TOKEN: usize = 16 << 10;
/// Questions to Kubernetes at a time, of everybody and for one request.
const QUESTIONS: usize = 32;
const TOGETHER: usize = 8;

type Digest = [u8; 32];
/// Name and UID of a namespace.
type Place = (String, String);

/// Somebody who proved who they are.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) user: Arc<User>,
    /// Of all that is known of them: rights are of exactly that.
    digest: Digest,
}

pub(super) struct Gate {
    cluster: Arc<dyn Cluster>,
    tokens: Memory<Digest, Known>,
    rights: Memory<Digest, ()>,
    questions: Semaphore,
    /// For one question.
    patience: Duration,
}

impl Gate {
    pub(super) fn new(cluster: Arc<dyn Cluster>, patience: Duration) -> Self {
        let (tokens, rights) = (Memory::new(TOKENS_LAST), Memory::new(RIGHTS_LAST));
        Self { cluster, tokens, rights, questions: Semaphore::new(QUESTIONS), patience }
    }

    pub(super) async fn authenticate(&self, headers: &HeaderMap) -> Result<Known, Refused> {
        let token = bearer(headers).ok_or_else(Refused::unauthenticated)?;
        let key = digest([token]);
        if let Some(known) = self.tokens.get(&key) {
            return Ok(known);
        }
        let asked = Instant::now();
        let user = self.ask(|| self.cluster.authenticate(token)).await?;
        let user = user.filter(|user| !user.name.is_empty()).ok_or_else(Refused::unauthenticated)?;
        let digest = digest(parts(&user).iter().map(String::as_str));
        let known = Known { user: Arc::new(user), digest };
        self.tokens.put(key, known.clone(), asked);
        Ok(known)
    }

    /// Records of a partition; only those of a namespace, where one is asked for. Gives from when on, unless all of them:
    /// whoever has a tenant's name now reads nothing of whoever had it before.
    pub(super) async fn logs(
        &self,
        who: &Known,
        partition: &Partition,
        namespace: Option<&str>,
    ) -> Result<Option<Timestamp>, Refused> {
        if self.everything(who).await? {
            return Ok(None);
        }
        let Partition::Tenant(tenant) = partition else { return Err(Refused::forbidden()) };
        let tenant = tenant.as_str();
        let (all, since): (Vec<Place>, _) = {
            let people = self.cluster.people();
            let people = people.borrow();
            if !people.synced {
                // Whose a namespace is decides: while that is not sure, nobody gets anything.
                return Err(Refused::silent());
            }
            let places = people.namespaces_of(tenant).map(|one| (one.name.clone(), one.uid.clone()));
            (places.collect(), people.since(tenant))
        };
        let needed = match namespace {
            // It was the tenant's, or is not: whoever may see the whole tenant may see that too.
            Some(one) => match all.iter().find(|(name, _)| name == one) {
                Some(place) => vec![place.clone()],
                None => all,
            },
            None => all,
        };
        let mut needed = needed.into_iter();
        let Some(first) = needed.next() else {
            // As long as for a tenant that there is: how long an answer takes must not tell.
            self.may_in(who, &(tenant.to_owned(), String::new())).await?;
            return Err(Refused::forbidden());
        };
        if !self.may_in(who, &first).await? {
            return Err(Refused::forbidden());
        }
        let each = needed.map(|one| async move { self.may_in(who, &one).await });
        let mut answers = stream::iter(each).buffer_unordered(TOGETHER);
        while let Some(answer) = answers.next().await {
            if !answer? {
                return Err(Refused::forbidden());
            }
        }
        since.map(Some).ok_or_else(Refused::forbidden)
    }

    /// Whether they may read every partition, and what is of none.
    pub(super) async fn everything(&self, who: &Known) -> Result<bool, Refused> {
        self.may(who, Asked::logs(None), "").await
    }

    async fn may_in(&self, who: &Known, (name, uid): &Place) -> Result<bool, Refused> {
        self.may(who, Asked::logs(Some(name)), uid).await
    }

    pub(super) async fn platform(&self, who: &Known) -> Result<(), Refused> {
        if self.everything(who).await? { Ok(()) } else { Err(Refused::forbidden()) }
    }

    pub(super) async fn alarms(&self, who: &Known, verb: &'static str) -> Result<(), Refused> {
        if self.may(who, Asked::alarms(verb), "").await? { Ok(()) } else { Err(Refused::forbidden()) }
    }

    /// `uid` of the namespace: a right in one that is made again is not that in the one before.
    async fn may(&self, who: &Known, asked: Asked<'_>, uid: &str) -> Result<bool, Refused> {
        let Asked { group, resource, verb, namespace } = asked;
        let mut hasher = Sha256::new_with_prefix(who.digest);
        hasher.update(digest([group, resource, verb, namespace.unwrap_or_default(), uid]));
        let key: Digest = hasher.finalize().into();
        if self.rights.get(&key).is_some() {
            return Ok(true);
        }
        let at = Instant::now();
        let yes = self.ask(|| self.cluster.may(&who.user, asked)).await?;
        if yes {
            self.rights.put(key, (), at);
        }
        Ok(yes)
    }

    async fn ask<'a, T>(&'a self, question: impl FnOnce() -> Answer<'a, T>) -> Result<T, Refused> {
        let answer = async {
            let _place = self.questions.acquire().await.map_err(|_| Silent("closed".to_owned()))?;
            question().await
        };
        let answer =
            timeout(self.patience, answer).await.unwrap_or_else(|_| Err(Silent("not in time".to_owned())));
        answer.map_err(|Silent(why)| {
            tracing::warn!(why, "Kubernetes was not to be asked: nothing is shown");
            Refused::silent()
        })
    }
}

/// All that is known of somebody, so that no two have the same.
fn parts(user: &User) -> Vec<String> {
    let User { name, uid, groups, extra } = user;
    let mut parts = vec![name.clone(), uid.clone(), groups.len().to_string()];
    parts.extend(groups.iter().cloned());
    for (key, values) in extra {
        parts.extend([key.clone(), values.len().to_string()]);
        parts.extend(values.iter().cloned());
    }
    parts
}

/// Exactly one, of the letters that tokens have.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (one, None) = (all.next()?, all.next()) else { return None };
    let (scheme, token) = one.to_str().ok()?.split_once(' ')?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    let fits = !token.is_empty() && token.len() <= LONGEST_TOKEN && token.bytes().all(plain);
    (scheme.eq_ignore_ascii_case("bearer") && fits).then_some(token)
}

/// No two lists of texts have the same.
fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> Digest {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests;
