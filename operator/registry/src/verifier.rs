use crate::cache::{Asked, Cache, Entry, Lifetimes};
use crate::clock::Clock;
use crate::config::{Place, Registries};
use crate::lookup::Lookup;
use snc_core::image::Digest;
use snc_core::image::Reference;
use snc_core::text::Text;
use snc_images::signature::{Unknown, Verdict};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;

/// A tag names another image tomorrow: only digests are verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeedsDigest;

impl NeedsDigest {
    pub fn text(self) -> Text {
        Text::new(
            "une empreinte est exigée (image@sha256:…) : une étiquette peut changer d'image après la vérification",
            "a digest is required (image@sha256:…): a tag can move to another image after it was verified",
        )
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// One answer of a registry.
    pub answer: Duration,
    /// Everything about one image.
    pub image: Duration,
    /// Images that are remembered.
    pub remembered: usize,
    /// How long a good verdict is given without asking again.
    pub verified: Duration,
    /// How long it is given while the registry is down.
    pub unconfirmed: Duration,
    /// How long "not signed" and "badly signed" are given without asking again.
    pub refused: Duration,
    /// The same of "not known".
    pub unknown: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(5),
            image: Duration::from_secs(20),
            remembered: 20_000,
            verified: Duration::from_secs(3600),
            unconfirmed: Duration::from_secs(24 * 3600),
            refused: Duration::from_secs(60),
            unknown: Duration::from_secs(10),
        }
    }
}

/// Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    registries: RwLock<Arc<Registries>>,
    cache: Cache,
    clock: Arc<dyn Clock>,
    settings: Settings,
}

impl Verifier {
    pub fn new(registries: Registries, clock: Arc<dyn Clock>) -> Self {
        Self::with(registries, clock, Settings::default())
    }

    pub fn with(registries: Registries, clock: Arc<dyn Clock>, settings: Settings) -> Self {
        let (registries, cache) = (RwLock::new(Arc::new(registries)), Cache::new(settings.remembered));
        Self(Arc::new(Inner { registries, cache, clock, settings }))
    }

    /// From now on these. What was found with other keys is not given again.
    pub fn declare(&self, registries: Registries) {
        *self.0.registries.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(registries);
    }

    /// Must be called in a tokio runtime. A question goes on when its asker has left, and the next asker finds the answer.
    pub async fn verify(&self, reference: &Reference) -> Result<Verdict, NeedsDigest> {
        let digest = reference.digest.clone().ok_or(NeedsDigest)?;
        let registries = self.0.registries.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(place) = registries.of(reference) else { return Ok(Verdict::NotDeclared) };
        let asked =
            Asked { image: reference.name(), digest: digest.clone(), keys: place.keys.fingerprint().clone() };
        let entry = self.0.cache.slot(&asked).lock_owned().await;
        if let Some(verdict) = entry.fresh(self.0.clock.now(), &self.0.lifetimes()) {
            return Ok(verdict);
        }
        let (inner, repository) = (self.0.clone(), reference.repository.clone());
        let answer = tokio::spawn(async move { inner.answer(&place, &repository, &digest, entry).await });
        Ok(answer.await.unwrap_or(Verdict::Unknown { why: Unknown::Unreachable }))
    }
}

impl Inner {
    fn lifetimes(&self) -> Lifetimes {
        let Settings { verified, unconfirmed, refused, unknown, .. } = self.settings;
        Lifetimes { verified, unconfirmed, refused, unknown }
    }

    async fn answer(
        &self,
        place: &Place,
        repository: &str,
        digest: &Digest,
        mut entry: OwnedMutexGuard<Entry>,
    ) -> Verdict {
        let found = self.look(place, repository, digest).await;
        tracing::debug!(repository, %digest, verdict = ?found, "signature looked up");
        entry.found(found, digest, self.clock.now(), &self.lifetimes())
    }

    async fn look(&self, place: &Place, repository: &str, digest: &Digest) -> Verdict {
        let lookup = Lookup {
            client: &place.client,
            keys: &place.keys,
            repository,
            digest,
            within: self.settings.answer,
        };
        let _turn = match place.client.turn().await {
            Ok(turn) => turn,
            Err(why) => return Verdict::Unknown { why },
        };
        let verdict = tokio::time::timeout(self.settings.image, lookup.verdict(self.clock.now())).await;
        verdict.unwrap_or(Verdict::Unknown { why: Unknown::TimedOut })
    }
}
