mod bounds;
mod elsewhere;
mod honest;
mod lies;
mod outage;
mod server;
mod signed;
mod store;

use crate::{Clock, Credentials, Declared, Registries, Settings, Verdict, Verifier};
use jiff::Timestamp;
use server::Server;
use signed::Signer;
use snc_core::image::Digest;
use snc_core::image::Reference;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

const START: i64 = 1_800_000_000;

#[derive(Default)]
struct Watch(AtomicI64);

impl Watch {
    fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Watch {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(START + self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// A verifier of one registry, and the hands of its clock.
struct Bench {
    verifier: Verifier,
    watch: Arc<Watch>,
    place: String,
}

const QUICK: Duration = Duration::from_millis(500);

impl Bench {
    fn new(server: &Server, signer: &Signer) -> Self {
        Self::of(declared(server, signer))
    }

    /// One that loses patience soon.
    fn quick(server: &Server, signer: &Signer) -> Self {
        let settings = Settings { answer: QUICK, image: QUICK * 5, ..Settings::default() };
        Self::with(declared(server, signer), settings)
    }

    fn of(declared: Declared) -> Self {
        Self::with(declared, Settings::default())
    }

    fn with(declared: Declared, settings: Settings) -> Self {
        let watch = Arc::new(Watch::default());
        let place = declared.place.clone();
        let registries = Registries::read("registries", &[declared]).unwrap();
        Self { verifier: Verifier::with(registries, watch.clone(), settings), watch, place }
    }

    fn reference(&self, repository: &str, digest: &Digest) -> Reference {
        Reference::parse(&format!("{}/{repository}@{digest}", self.place)).unwrap()
    }

    async fn verify(&self, digest: &Digest) -> Verdict {
        self.verifier.verify(&self.reference("shop/app", digest)).await.unwrap()
    }
}

fn declared(server: &Server, signer: &Signer) -> Declared {
    Declared {
        place: server.address(),
        ca: Some(server.ca.clone()),
        credentials: None,
        token_server: None,
        keys: vec![("release".to_owned(), signer.pem())],
    }
}

fn credentials() -> Credentials {
    Credentials { user: "reader".to_owned(), password: "a secret".to_owned() }
}

fn by(verdict: &Verdict) -> Option<&str> {
    match verdict {
        Verdict::Verified { key, .. } => Some(key),
        _ => None,
    }
}
