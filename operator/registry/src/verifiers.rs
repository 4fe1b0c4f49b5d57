//! One verifier for each declaration of keys: tenants may have different ones.

use crate::access::{Access, Files};
use crate::clock::Clock;
use crate::config::Registries;
use crate::verifier::Verifier;
use futures::StreamExt as _;
use futures::stream;
use snc_core::image::{Reference, Signature, Signatures};
use snc_core::text::{Refusal, Text};
use snc_images::signature::{Trust, Unknown, Verdict};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Declarations that are remembered with what was found by them; there are as many as baselines make.
const DECLARATIONS: usize = 16;
/// Images that are asked about at a time. A registry is asked about fewer, the others wait their turn.
const AT_ONCE: usize = 16;

pub struct Verifiers {
    files: Files,
    clock: Arc<dyn Clock>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// None where what is mounted cannot be read.
    access: Option<Access>,
    by_keys: BTreeMap<Vec<String>, Verifier>,
}

impl Verifiers {
    pub fn new(files: Files, clock: Arc<dyn Clock>) -> Self {
        let new = Self { files, clock, held: Mutex::default() };
        new.refresh();
        new
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what is mounted anew: a Secret may be another by now.
    pub fn refresh(&self) {
        let access = match self.files.read() {
            Ok(access) => Some(access),
            Err(refusal) => {
                tracing::error!(
                    file = refusal.path,
                    expected = refusal.accepted.en,
                    "registries not accessible"
                );
                None
            }
        };
        let mut held = self.held();
        if held.access != access {
            // What was found stays: keys are the same. Who has no access finds nothing new.
            for (keys, verifier) in &held.by_keys {
                if let Ok(registries) = registries(access.as_ref(), keys) {
                    verifier.declare(registries);
                }
            }
            held.access = access;
        }
    }

    fn verifier(&self, keys: &[String]) -> Result<Verifier, Text> {
        let mut held = self.held();
        let Some(access) = &held.access else {
            return Err(Text::new(
                "les identifiants ou les autorités des registres ne sont pas lisibles",
                "credentials or authorities of the registries cannot be read",
            ));
        };
        if let Some(known) = held.by_keys.get(keys) {
            return Ok(known.clone());
        }
        let registries = registries(Some(access), keys).map_err(|refusal| refusal.accepted)?;
        let verifier = Verifier::new(registries, self.clock.clone());
        if held.by_keys.len() >= DECLARATIONS {
            held.by_keys.clear();
        }
        held.by_keys.insert(keys.to_vec(), verifier.clone());
        Ok(verifier)
    }

    /// What is known of these images after so long, at most. A question that takes longer goes on, and is answered the
    /// next time; until then what was known `before` by the same keys is given again: who signed a digest does not change.
    pub async fn signatures(
        &self,
        keys: Vec<String>,
        images: impl IntoIterator<Item = Reference>,
        within: Duration,
        before: Option<&Signatures>,
    ) -> Signatures {
        let before = before.filter(|before| before.keys == keys);
        let until = Instant::now() + within;
        let verifier = self.verifier(&keys);
        let ask = |image: Reference| {
            let verifier = &verifier;
            async move {
                let found = match verifier {
                    Ok(verifier) => match timeout_at(until, verifier.verify(&image)).await {
                        Ok(verdict) => signature(verdict.ok()?)?,
                        Err(_) => before
                            .and_then(|before| before.of(&image).cloned())
                            .unwrap_or_else(|| Signature::Unknown(Unknown::TimedOut.text())),
                    },
                    Err(why) => Signature::Unknown(why.clone()),
                };
                Some((image, found))
            }
        };
        let found: Vec<Option<(Reference, Signature)>> =
            stream::iter(images.into_iter().map(ask)).buffer_unordered(AT_ONCE).collect().await;
        let mut signatures = Signatures::new(keys);
        for (image, signature) in found.into_iter().flatten() {
            signatures.insert(&image, signature);
        }
        signatures
    }
}

fn registries(access: Option<&Access>, keys: &[String]) -> Result<Registries, Refusal> {
    let nothing = Access::default();
    access.unwrap_or(&nothing).registries(&Trust::of(keys.iter().map(String::as_str)))
}

/// None of an image that no key is declared for.
fn signature(verdict: Verdict) -> Option<Signature> {
    Some(match verdict {
        Verdict::Verified { key, at, unconfirmed, .. } => {
            Signature::Verified { key, at, unconfirmed: unconfirmed.map(Unknown::text) }
        }
        Verdict::NotSigned => Signature::NotSigned,
        Verdict::BadSignature { why } => Signature::Bad(why.text()),
        Verdict::Unknown { why } => Signature::Unknown(why.text()),
        Verdict::NotDeclared => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Wall;
    use std::path::Path;

    const KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqiPQmLvZxnWgylpisljdbd68E25gWPAJFfp5iXlS25Pt2b7bSnv+OqKDfCZVv/H344FbxDzBT53D8wZvQGnHgw==";

    fn image(text: &str) -> Reference {
        Reference::parse(&format!("{text}@sha256:{}", "a".repeat(64))).unwrap()
    }

    fn keys(host: &str) -> Vec<String> {
        vec![format!("{host}/shop release {KEY}")]
    }

    /// With an authority, since the system may have none.
    fn mounted(place: &Path) -> Verifiers {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        let file = place.join("ca.crt");
        std::fs::write(&file, authority.pem()).unwrap();
        let files = Files { authorities: Some(file), ..Files::default() };
        Verifiers::new(files, Arc::new(Wall))
    }

    async fn ask(verifiers: &Verifiers, host: &str, within: u64, before: Option<&Signatures>) -> Signatures {
        let images = ["shop", "other"].map(|folder| image(&format!("{host}/{folder}/app")));
        verifiers.signatures(keys(host), images, Duration::from_millis(within), before).await
    }

    #[tokio::test]
    async fn only_what_is_declared_is_asked_about_and_what_is_mounted_has_to_be_readable() {
        let place = tempfile::tempdir().unwrap();
        let found = ask(&mounted(place.path()), "127.0.0.1:1", 5000, None).await;
        let Some(Signature::Unknown(why)) = found.of(&image("127.0.0.1:1/shop/app")) else {
            panic!("{found:?}")
        };
        assert_eq!(why.en, "registry out of reach");
        assert_eq!(found.of(&image("127.0.0.1:1/other/app")), None);

        let files = Files { credentials: Some(place.path().join("nothing")), ..Files::default() };
        let found = ask(&Verifiers::new(files, Arc::new(Wall)), "127.0.0.1:1", 5000, None).await;
        let Some(Signature::Unknown(why)) = found.of(&image("127.0.0.1:1/shop/app")) else {
            panic!("{found:?}")
        };
        assert!(why.en.contains("cannot be read"), "{why:?}");
    }

    #[tokio::test]
    async fn what_was_known_by_the_same_keys_holds_until_a_registry_answers() {
        let place = tempfile::tempdir().unwrap();
        let verifiers = mounted(place.path());
        // Takes connections, and says nothing.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let host = silent.local_addr().unwrap().to_string();
        let asked = image(&format!("{host}/shop/app"));
        let good = Signature::Verified { key: "release".to_owned(), at: Wall.now(), unconfirmed: None };
        let mut before = Signatures::new(keys(&host));
        before.insert(&asked, good.clone());
        let found = ask(&verifiers, &host, 50, Some(&before)).await;
        assert_eq!(found.of(&asked), Some(&good));
        let mut other = Signatures::new(vec!["other keys".to_owned()]);
        other.insert(&asked, good);
        let found = ask(&verifiers, &host, 50, Some(&other)).await;
        assert!(matches!(found.of(&asked), Some(Signature::Unknown(_))), "{found:?}");
    }
}
