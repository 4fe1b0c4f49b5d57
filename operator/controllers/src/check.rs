//! Whether what was installed works, asked of the API server: by what it has, and by what it refuses. Nothing is written.

use crate::canary::{note, tenant};
use crate::error::{Error, code, reason};
use crate::gate::{intact, refused_by_gate};
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, Client, ResourceExt};
use snc_core::lang::Lang;
use snc_core::names::{GUARD_GATE, LEASE, WEBHOOK, WEBHOOK_SERVICE};
use snc_plan::Settings;
use snc_plan::canary::{Tried, attempts};
use snc_plan::guards::guards;
use snc_plan::webhook::Reached;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const AGAIN: Duration = Duration::from_secs(2);
const LONGEST_LEASE: i32 = 300;
/// Of what the canary tenant tries: one that each who refuses has to answer, and one that nobody may refuse.
const TRIED: [&str; 3] = ["pod", "pod-harmless", "webhook-pod"];

pub struct Check {
    pub settings: Settings,
    /// How the API server is meant to reach the webhook, if it is.
    pub webhook: Option<Reached>,
    /// How long what has just been installed may take to be as it should.
    pub patience: Duration,
    /// Told of each part, as it is known.
    pub say: fn(&str),
}

#[derive(Clone, Copy)]
enum Part {
    Lease,
    Kinds,
    Guards,
    Gate,
    Configuration,
    Admission,
}

impl Part {
    const ALL: [Self; 6] =
        [Self::Lease, Self::Kinds, Self::Guards, Self::Gate, Self::Configuration, Self::Admission];

    fn name(self, lang: Lang) -> &'static str {
        let (fr, en) = match self {
            Self::Lease => ("bail", "lease"),
            Self::Kinds => ("CRD", "CRDs"),
            Self::Guards => ("gardes", "guards"),
            Self::Gate => (GUARD_GATE, GUARD_GATE),
            Self::Configuration => ("configuration du webhook", "configuration of the webhook"),
            Self::Admission => ("admission", "admission"),
        };
        if lang == Lang::Fr { fr } else { en }
    }
}

/// What was seen, or what is wrong.
type Seen = Result<String, String>;

/// Whether every part is as it should be. Each is looked at, whatever the one before is like.
pub async fn check(kube: kube::Config, check: Check) -> Result<bool, Error> {
    let Check { settings, webhook, patience, say } = check;
    let client = Client::try_from(kube.clone()).map_err(Error::api("client"))?;
    let lang = settings.lang;
    let installed = Installed { client, kube, settings, webhook };
    let until = Instant::now() + patience;
    let mut all = true;
    let parts = Part::ALL.into_iter().filter(|part| match part {
        Part::Configuration => installed.webhook.is_some(),
        _ => true,
    });
    for part in parts {
        let seen = loop {
            match installed.look(part).await {
                Err(_) if Instant::now() + AGAIN < until => sleep(AGAIN).await,
                seen => break seen,
            }
        };
        let (verdict, text) = match &seen {
            Ok(text) => ("ok", text),
            Err(text) => (if lang == Lang::Fr { "ÉCHEC" } else { "FAILED" }, text),
        };
        say(&format!("{verdict:<6}  {}: {text}", part.name(lang)));
        all &= seen.is_ok();
    }
    Ok(all)
}

struct Installed {
    client: Client,
    kube: kube::Config,
    settings: Settings,
    webhook: Option<Reached>,
}

impl Installed {
    async fn look(&self, part: Part) -> Seen {
        match part {
            Part::Lease => self.lease().await,
            Part::Kinds => self.kinds().await,
            Part::Guards => self.guards().await,
            Part::Gate => self.gate().await,
            Part::Configuration => self.configuration().await,
            Part::Admission => self.admission().await,
        }
    }

    fn pick(&self, fr: impl FnOnce() -> String, en: impl FnOnce() -> String) -> String {
        self.settings.lang.pick(fr, en)
    }

    /// Renewed before our eyes: what its time says is another machine's clock.
    async fn lease(&self) -> Seen {
        let api: Api<Lease> = Api::namespaced(self.client.clone(), &self.settings.identity.namespace);
        let read = || async { api.get(LEASE).await.map_err(|error| reason(&error)) };
        let first = read().await?;
        let spec = first.spec.clone().unwrap_or_default();
        let holder = spec.holder_identity.filter(|holder| !holder.is_empty()).ok_or_else(|| {
            self.pick(
                || "personne ne le tient : l'opérateur ne tourne pas".into(),
                || "nobody holds it: the operator does not run".into(),
            )
        })?;
        let seconds = spec.lease_duration_seconds.unwrap_or(1).clamp(1, LONGEST_LEASE);
        let limit = Instant::now() + Duration::from_secs(u64::try_from(seconds).unwrap_or(1));
        while Instant::now() < limit {
            sleep(AGAIN / 4).await;
            if read().await?.metadata.resource_version != first.metadata.resource_version {
                return Ok(self.pick(
                    || format!("tenu par {holder}, renouvelé"),
                    || format!("held by {holder}, renewed"),
                ));
            }
        }
        Err(self.pick(
            || format!("{holder} ne l'a pas renouvelé en {seconds} s"),
            || format!("{holder} did not renew it within {seconds} s"),
        ))
    }

    /// Helm creates CRDs and never changes them: after an upgrade they may be those of the version before.
    async fn kinds(&self) -> Seen {
        let api: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        let wanted = snc_api::all_crds();
        let mut wrong = Vec::new();
        for crd in &wanted {
            let name = crd.name_any();
            let live = api.get_opt(&name).await.map_err(|error| reason(&error))?;
            if !live.is_some_and(|live| {
                snc_api::is_served(&live) && snc_api::schemas(&live) == snc_api::schemas(crd)
            }) {
                wrong.push(name);
            }
        }
        if wrong.is_empty() {
            let count = wanted.len();
            return Ok(self.pick(
                || format!("{count} servies, de cette version"),
                || format!("{count} served, of this version"),
            ));
        }
        let list = wrong.join(", ");
        Err(self.pick(
            || format!("absentes ou d'une autre version : {list} ; kubectl apply --server-side -f crds/"),
            || format!("absent or of another version: {list}; kubectl apply --server-side -f crds/"),
        ))
    }

    async fn guards(&self) -> Seen {
        let wanted = guards(&self.settings.identity, self.settings.lang);
        let mut wrong = Vec::new();
        for guard in &wanted {
            if !intact(&self.client, guard).await.map_err(|error| reason(&error))? {
                wrong.push(guard.policy.name_any());
            }
        }
        if wrong.is_empty() {
            let count = wanted.len();
            return Ok(self.pick(|| format!("{count} en place"), || format!("{count} in place")));
        }
        let list = wrong.join(", ");
        Err(self.pick(|| format!("absentes ou modifiées : {list}"), || format!("absent or changed: {list}")))
    }

    async fn gate(&self) -> Seen {
        let namespace = &self.settings.canary_namespace;
        match refused_by_gate(&self.client, namespace).await {
            Some(true) => Ok(self.pick(
                || format!("a refusé un pod dans {namespace}, à blanc"),
                || format!("refused a pod in {namespace}, by dry run"),
            )),
            Some(false) => Err(self.pick(
                || format!("n'a pas refusé un pod dans {namespace}, qui n'est pas isolé"),
                || format!("did not refuse a pod in {namespace}, which is not isolated"),
            )),
            None => Err(self.pick(|| "pas de réponse".into(), || "no answer".into())),
        }
    }

    /// All of it reaches our webhook and trusts the same authority; whether that is the one that signed what is served,
    /// the API server says by asking.
    async fn configuration(&self) -> Seen {
        let api: Api<ValidatingWebhookConfiguration> = Api::all(self.client.clone());
        let live = match api.get(WEBHOOK).await {
            Err(error) if code(&error) == 404 => {
                return Err(self.pick(
                    || format!("{WEBHOOK} n'existe pas : l'API server n'interroge personne"),
                    || format!("{WEBHOOK} does not exist: the API server asks nobody"),
                ));
            }
            live => live.map_err(|error| reason(&error))?,
        };
        let webhooks = live.webhooks.unwrap_or_default();
        let namespace = &self.settings.identity.namespace;
        let where_to = match &self.webhook {
            Some(Reached::Url(url)) => url.clone(),
            _ => format!("{namespace}/{WEBHOOK_SERVICE}"),
        };
        let ours = webhooks.iter().all(|webhook| {
            let client = &webhook.client_config;
            client.url.as_ref().is_some_and(|url| url.starts_with(&where_to))
                || client
                    .service
                    .as_ref()
                    .is_some_and(|service| format!("{}/{}", service.namespace, service.name) == where_to)
        });
        let bundles: BTreeSet<&[u8]> = webhooks
            .iter()
            .map(|webhook| webhook.client_config.ca_bundle.as_ref().map_or(&[][..], |bundle| &bundle.0))
            .collect();
        let trusted = bundles.len() == 1 && bundles.iter().all(|bundle| !bundle.is_empty());
        let count = webhooks.len();
        if ours && trusted {
            return Ok(self.pick(
                || format!("{count} entrées, vers {where_to}, une seule autorité"),
                || format!("{count} entries, to {where_to}, one authority"),
            ));
        }
        Err(self.pick(
            || format!("{count} entrées, qui ne mènent pas toutes à {where_to} avec une seule autorité"),
            || format!("{count} entries, which do not all lead to {where_to} with one authority"),
        ))
    }

    /// As the canary tenant, by dry run in its namespace: what the policies of the API server refuse, what only the webhook
    /// refuses, and what is right.
    async fn admission(&self) -> Seen {
        let canary = tenant(&self.client, &self.kube, &self.settings).await.map_err(|e| e.to_string())?;
        let mut tried = Tried::default();
        let mut said = Vec::new();
        let asked = self.webhook.is_some();
        let all = attempts(&self.settings, asked);
        for attempt in all.iter().filter(|attempt| TRIED.contains(&attempt.id.as_str())) {
            let before = (tried.allowed.len(), tried.unproven.len());
            let text = note(&canary, attempt, &mut tried).await;
            if (tried.allowed.len(), tried.unproven.len()) != before {
                let accepted = self.pick(|| "accepté".into(), || "accepted".into());
                said.push(format!("{}: {}", attempt.id, text.unwrap_or(accepted)));
            }
        }
        let wanted = if asked { 2 } else { 1 };
        if said.is_empty() && tried.refused == wanted {
            let by = match (asked, self.settings.lang) {
                (true, Lang::Fr) => "les politiques et le webhook refusent ce qu'ils doivent",
                (true, Lang::En) => "policies and webhook refuse what they should",
                (false, Lang::Fr) => "les politiques refusent ce qu'elles doivent",
                (false, Lang::En) => "policies refuse what they should",
            };
            return Ok(self.pick(
                || format!("{by}, et laissent passer le reste"),
                || format!("{by}, and let the rest pass"),
            ));
        }
        Err(said.join("; "))
    }
}
