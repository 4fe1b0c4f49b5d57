use anyhow::{Result, anyhow};
use jiff::Timestamp;
use snc_core::image::Digest;
use snc_core::image::Reference;
use snc_e2e::cosign::{Cosign, Form, Pair};
use snc_e2e::registry::{PASSWORD, Registry, USER};
use snc_registry::{Clock, Credentials, Declared, Registries, Verdict, Verifier};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::runtime::Runtime;
use xtask::harness::{Tool, Toolchain};

/// One registry for all, each test in repositories of its own.
pub struct Scene {
    pub registry: Registry,
    pub cosign: Cosign,
    pub a: Pair,
    pub b: Pair,
    pub program: PathBuf,
    runtime: Runtime,
}

/// Stands still unless it is moved.
pub struct Watch(AtomicI64);

impl Watch {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(1_800_000_000)))
    }

    pub fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Watch {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap_or_default()
    }
}

impl Scene {
    pub fn start(tools: &Toolchain) -> Result<Self> {
        let program = tools.path(Tool::Registry)?.to_path_buf();
        let cosign = Cosign::new(tools.path(Tool::Cosign)?.to_path_buf())?;
        let (a, b) = (cosign.generate("a")?, cosign.generate("b")?);
        let runtime = Runtime::new()?;
        Ok(Self { registry: Registry::start(program.clone())?, cosign, a, b, program, runtime })
    }

    pub fn sign(&self, pair: &Pair, form: Form, repository: &str, digest: &Digest) -> Result<()> {
        self.cosign.sign(&self.registry, pair, form, repository, digest)
    }

    pub fn accepts(&self, pair: &Pair, form: Form, repository: &str, digest: &Digest) -> bool {
        self.cosign.accepts(&self.registry, pair, form, repository, digest)
    }

    pub fn declared(registry: &Registry, keys: &[(&str, &Pair)]) -> Result<Declared> {
        let keys: Result<Vec<(String, String)>> =
            keys.iter().map(|(name, pair)| Ok(((*name).to_owned(), pair.pem()?))).collect();
        Ok(Declared {
            place: registry.address(),
            ca: Some(registry.ca.clone()),
            credentials: Some(Credentials { user: USER.to_owned(), password: PASSWORD.to_owned() }),
            token_server: None,
            keys: keys?,
        })
    }

    pub fn verifier(declared: Declared, watch: Arc<Watch>) -> Result<Verifier> {
        let registries = Registries::read("registries", &[declared]);
        Ok(Verifier::new(registries.map_err(|refusal| anyhow!("{refusal:?}"))?, watch))
    }

    pub fn ask(&self, verifier: &Verifier, image: &str) -> Result<Verdict> {
        let reference = Reference::parse(image).ok_or_else(|| anyhow!("{image} is no image"))?;
        self.runtime.block_on(verifier.verify(&reference)).map_err(|_| anyhow!("{image} has no digest"))
    }

    /// Asked anew: nothing is remembered from one question to the next.
    pub fn verdict(&self, keys: &[(&str, &Pair)], repository: &str, digest: &Digest) -> Result<Verdict> {
        self.verdict_of(&self.registry, keys, repository, digest)
    }

    pub fn verdict_of(
        &self,
        registry: &Registry,
        keys: &[(&str, &Pair)],
        repository: &str,
        digest: &Digest,
    ) -> Result<Verdict> {
        let verifier = Self::verifier(Self::declared(registry, keys)?, Watch::new())?;
        self.ask(&verifier, &format!("{}/{repository}@{digest}", registry.address()))
    }
}

/// The name of the key that signed, if one did, and the digest that it signed.
pub fn signed(verdict: &Verdict) -> Option<(&str, &Digest)> {
    match verdict {
        Verdict::Verified { key, digest, unconfirmed: None, .. } => Some((key, digest)),
        _ => None,
    }
}
