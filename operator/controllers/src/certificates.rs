//! The certificates that the webhook serves: issued here or by cert-manager, and what the API server is to trust.

mod pair;
mod rotation;

use crate::context::Context;
use crate::error::{Error, code, reason};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{Patch, PatchParams};
use pair::Pair;
use rotation::{Authority, State, Step};
use snc_core::names::{
    LABEL_COMPONENT, LABEL_MANAGED_BY, MANAGED_BY, MANAGER, WEBHOOK_AUTHORITY, WEBHOOK_CERTIFICATE,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

const EVERY: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_secs(5);
/// More than that is done in one look only when something is wrong.
const STEPS: usize = 10;

const STATE: &str = "state.json";
const TLS_CERTIFICATE: &str = "tls.crt";
const TLS_KEY: &str = "tls.key";
const BUNDLE: &str = "ca.crt";

/// Who signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The operator, by an authority of its own.
    Own,
    /// cert-manager, or whoever else keeps the Secret.
    External,
}

/// Keeps them, and tells what is to be trusted.
pub async fn keep(
    context: Arc<Context>,
    source: Source,
    overlap: Duration,
    names: Vec<String>,
    trusted: watch::Sender<String>,
) -> &'static str {
    loop {
        let wait = match look(&context, source, overlap, &names).await {
            Ok(bundle) => {
                trusted.send_if_modified(|held| {
                    let changed = *held != bundle && !bundle.is_empty();
                    if changed {
                        *held = bundle;
                    }
                    changed
                });
                EVERY.min(overlap)
            }
            Err(error) => {
                tracing::error!(%error, "certificates of the webhook not kept");
                AGAIN
            }
        };
        tokio::time::sleep(wait).await;
    }
}

async fn look(
    context: &Context,
    source: Source,
    overlap: Duration,
    names: &[String],
) -> Result<String, Error> {
    let overlap = SignedDuration::try_from(overlap).unwrap_or(SignedDuration::MAX);
    let secrets: Api<Secret> = Api::namespaced(context.client.clone(), &context.settings.identity.namespace);
    let now = Timestamp::now();
    let served = read(&secrets, WEBHOOK_CERTIFICATE).await?;
    let text = |field: &str| served.as_ref().and_then(|data| data.get(field)).cloned().unwrap_or_default();
    let mut leaf = Some(Pair { certificate: text(TLS_CERTIFICATE), key: text(TLS_KEY) });
    let kept = read(&secrets, WEBHOOK_AUTHORITY).await?.and_then(|data| data.get(STATE).cloned());
    let before = state(kept.as_deref());
    let mut state = before.clone();
    match source {
        Source::External => state.follow(&text(BUNDLE), now),
        Source::Own => {
            state.adopt(&text(BUNDLE), now);
            for _ in 0..STEPS {
                let step = rotation::step(&state, leaf.as_ref(), names, overlap, now);
                if !take(&step, &mut state, &mut leaf, names, now)? {
                    break;
                }
                tracing::info!(step = step.word(), "certificates of the webhook");
            }
        }
    }
    // First what signs: a leaf whose authority is lost is trusted by nobody.
    if state != before {
        let text = serde_json::to_string(&state).map_err(|error| Error::Config(error.to_string()))?;
        write(&secrets, WEBHOOK_AUTHORITY, "Opaque", [(STATE, text)]).await?;
    }
    let bundle = state.bundle();
    if let (Source::Own, Some(leaf)) = (source, &leaf)
        && (leaf.certificate != text(TLS_CERTIFICATE) || leaf.key != text(TLS_KEY) || bundle != text(BUNDLE))
    {
        let data = [
            (TLS_CERTIFICATE, leaf.certificate.clone()),
            (TLS_KEY, leaf.key.clone()),
            (BUNDLE, bundle.clone()),
        ];
        write(&secrets, WEBHOOK_CERTIFICATE, "kubernetes.io/tls", data).await?;
    }
    let ends = leaf.as_ref().and_then(|leaf| pair::read(&leaf.certificate).ok()).map(|facts| facts.ends);
    context.metrics.certificates(state.ends(now), ends);
    Ok(bundle)
}

/// What cannot be read is as if it were lost: the certificates that are trusted now stay so for a while.
fn state(kept: Option<&str>) -> State {
    let Some(kept) = kept else { return State::default() };
    serde_json::from_str(kept).unwrap_or_else(|_| {
        tracing::error!(secret = WEBHOOK_AUTHORITY, "not readable; a new authority is made");
        State::default()
    })
}

/// False when there was nothing to do.
fn take(
    step: &Step,
    state: &mut State,
    leaf: &mut Option<Pair>,
    names: &[String],
    now: Timestamp,
) -> Result<bool, Error> {
    let failed = |error: pair::Error| Error::Config(format!("certificates of the webhook: {error}"));
    match step {
        Step::Rest => return Ok(false),
        Step::Succeed => {
            state.authorities.push(Authority::new(pair::authority(now).map_err(failed)?, now));
        }
        Step::Sign(by) => {
            let Some(signer) = state.authorities.get(*by).and_then(Authority::pair) else { return Ok(false) };
            *leaf = Some(pair::leaf(&signer, names, now).map_err(failed)?);
            state.retire_before(*by, now);
        }
        Step::Forget(gone) => state.forget(gone),
    }
    Ok(true)
}

async fn read(secrets: &Api<Secret>, name: &str) -> Result<Option<BTreeMap<String, String>>, Error> {
    let found = secrets.get_opt(name).await.map_err(Error::api(format!("Secret {name}")))?;
    Ok(found.map(|secret| {
        let data = secret.data.unwrap_or_default().into_iter();
        data.map(|(key, ByteString(value))| (key, String::from_utf8_lossy(&value).into_owned())).collect()
    }))
}

async fn write<const N: usize>(
    secrets: &Api<Secret>,
    name: &str,
    kind: &str,
    data: [(&str, String); N],
) -> Result<(), Error> {
    let labels = [(LABEL_MANAGED_BY, MANAGED_BY), (LABEL_COMPONENT, "webhook")];
    let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    let mut secret = Secret {
        type_: Some(kind.to_owned()),
        data: Some(
            data.into_iter().map(|(key, value)| (key.to_owned(), ByteString(value.into_bytes()))).collect(),
        ),
        ..Secret::default()
    };
    secret.metadata.name = Some(name.to_owned());
    secret.metadata.labels = Some(labels.map(owned).into());
    let params = PatchParams::apply(MANAGER).force();
    let result = secrets.patch(name, &params, &Patch::Apply(&secret)).await;
    // A Secret of another type cannot become one of this.
    if let Err(error) = &result
        && code(error) == 422
    {
        tracing::error!(secret = name, error = reason(error), "delete it: the operator makes it anew");
    }
    result.map(drop).map_err(Error::api(format!("Secret {name}")))
}
