use crate::args::WebhookArgs;
use crate::print::identity;
use crate::start;
use anyhow::{Context, Result, anyhow, bail};
use arc_swap::ArcSwap;
use jiff::Timestamp;
use rustls::pki_types::ServerName;
use snc_catalogue::Admission;
use snc_controllers::Reader;
use snc_core::image::Signatures;
use snc_core::text::Text;
use snc_core::waiver::Waivers;
use snc_plan::Settings;
use snc_registry::Verifiers;
use snc_webhook::across::{self, Others};
use snc_webhook::decision::{Decision, Known, Whose, decide, whose};
use snc_webhook::metrics::Metrics;
use snc_webhook::review::Request;
use snc_webhook::server::{Drain, LookUp, Mind, Server, serve_health};
use snc_webhook::tls::reload::Certificate;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Of the time to leave, how long nobody is sent here any more before connections are closed, at most.
const UNREADY: Duration = Duration::from_secs(5);
/// Whoever writes many controls is done with it.
const TOGETHER: Duration = Duration::from_secs(2);
const ACCESS: Duration = Duration::from_secs(30);

pub fn main(args: WebhookArgs) -> Result<()> {
    start::log(args.log_format);
    start::tls_provider()?;
    start::until_stopped(|cancel| run(args, cancel))
}

async fn run(args: WebhookArgs, cancel: CancellationToken) -> Result<()> {
    let WebhookArgs {
        identity: who,
        registries,
        canary_namespace,
        listen,
        metrics_listen,
        tls_dir,
        server_name,
        ..
    } = args;
    let instance = start::instance();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), instance, "snc-operator webhook");
    let identity = identity(&who);
    let name = server_name.unwrap_or_else(|| format!("snc-webhook.{}.svc", identity.namespace));
    let name = ServerName::try_from(name.clone()).with_context(|| format!("--server-name {name}"))?;
    let settings = Settings { lang: who.language, identity, canary_namespace };
    let kube = start::cluster().await?;
    let mut tasks: JoinSet<&'static str> = JoinSet::new();
    let reader = Reader::start(kube, settings, &instance, across::hosts, &mut tasks)?;
    let (tls, health) = (bind("tls", listen).await?, bind("listening", metrics_listen).await?);
    let admission = Admission::new(reader.catalogue().await?)?;
    let metrics = Arc::new(Metrics::new(snc_catalogue::controls().iter())?);
    let certificate = Arc::new(Certificate::new(tls_dir, name, metrics.clone()));
    tasks.spawn(certificate.clone().keep());
    let judge = Arc::new(Judge {
        reader,
        admission: ArcSwap::from_pointee(admission),
        standings: Mutex::default(),
        verifiers: Arc::new(registries.verifiers()),
    });
    tasks.spawn(keep_controls(judge.clone()));
    tasks.spawn(keep_access(judge.verifiers.clone()));
    let server = Arc::new(Server::new(judge, certificate, metrics, cancel));
    tasks.spawn(serve_health(health, server.clone()));
    let leave = Duration::from_secs(args.shutdown_seconds);
    let unready = (leave / 2).min(UNREADY);
    let drain = Drain { unready, rest: leave.saturating_sub(unready) };
    tokio::select! {
        ended = server.serve(tls, drain) => Ok(ended?),
        ended = tasks.join_next() => match ended {
            Some(Ok(name)) => bail!("{name} ended"),
            Some(Err(error)) => bail!("a task failed: {error}"),
            None => bail!("no task runs"),
        },
    }
}

async fn bind(what: &str, address: std::net::SocketAddr) -> Result<TcpListener> {
    let listener =
        TcpListener::bind(address).await.map_err(|error| anyhow!("listen on {address}: {error}"))?;
    let address = listener.local_addr()?;
    tracing::info!(%address, "{what}");
    Ok(listener)
}

/// The platform's own controls come and go.
async fn keep_controls(judge: Arc<Judge>) -> &'static str {
    loop {
        judge.reader.controls_changed().await;
        tokio::time::sleep(TOGETHER).await;
        let fresh = judge.reader.catalogue().await.and_then(Admission::new);
        match fresh {
            Ok(admission) => judge.admission.store(Arc::new(admission)),
            Err(error) => tracing::error!(%error, "controls not taken over; judging by the former ones"),
        }
    }
}

/// What is mounted to ask registries with may be another by now.
async fn keep_access(verifiers: Arc<Verifiers>) -> &'static str {
    loop {
        tokio::time::sleep(ACCESS).await;
        verifiers.refresh();
    }
}

/// Decides by what is known now.
struct Judge {
    reader: Reader,
    admission: ArcSwap<Admission>,
    /// Of each namespace that was asked for, at one revision.
    standings: Mutex<(u64, HashMap<String, Whose>)>,
    verifiers: Arc<Verifiers>,
}

impl Judge {
    fn whose(&self, namespace: &str) -> Whose {
        if !self.reader.is_synced() {
            return Whose::Unknown(Text::new(
                "le webhook n'a pas encore tout lu",
                "the webhook has not read everything yet",
            ));
        }
        // Before the index is read: what changes in between makes another revision.
        let revision = self.reader.revision();
        let held = {
            let mut standings = self.standings.lock().unwrap_or_else(PoisonError::into_inner);
            if standings.0 != revision {
                *standings = (revision, HashMap::new());
            }
            standings.1.get(namespace).cloned()
        };
        if let Some(held) = held {
            return held;
        }
        let fresh = whose(&self.reader.index(), self.reader.settings(), namespace);
        let mut standings = self.standings.lock().unwrap_or_else(PoisonError::into_inner);
        if standings.0 == revision {
            standings.1.insert(namespace.to_owned(), fresh.clone());
        }
        fresh
    }
}

impl Mind for Judge {
    fn look_up(&self, request: &Request, within: Duration) -> Option<LookUp> {
        let Whose::Tenant(standing) = self.whose(&request.namespace) else { return None };
        let (keys, images) = across::to_ask(request, &standing)?;
        let verifiers = self.verifiers.clone();
        Some(Box::pin(async move { verifiers.signatures(keys, images, within, None).await }))
    }

    fn decide(&self, request: Request, strict: bool, signatures: Option<&Signatures>) -> Decision {
        let whose = self.whose(&request.namespace);
        let (admission, in_force) = (self.admission.load(), self.reader.waivers());
        let none = Waivers::default();
        let waivers = in_force.as_ref().map_or(&none, |in_force| &in_force.waivers);
        let (index, hosts, cluster) = (self.reader.index(), self.reader.hosts(), self.reader.cluster());
        let (reserved, images) = (self.reader.reserved(), self.reader.images());
        let others = if self.reader.is_current() {
            Ok(Others {
                index: &index,
                hosts: &hosts,
                addresses: &cluster.addresses,
                reserved: &reserved,
                images: images.as_deref(),
                signatures,
                home: &self.reader.settings().identity.namespace,
                now: Timestamp::now(),
            })
        } else {
            Err(Text::new(
                "ce que le webhook sait des autres objets est incomplet ou trop ancien",
                "what the webhook knows of other objects is incomplete or too old",
            ))
        };
        let settings = self.reader.settings();
        let (lang, bypass_group) = (settings.lang, settings.identity.bypass_group.as_deref());
        decide(request, &Known { admission: &admission, lang, whose, strict, waivers, bypass_group, others })
    }

    fn is_synced(&self) -> bool {
        self.reader.is_synced()
    }

    fn ages(&self) -> Vec<(&'static str, Option<Duration>)> {
        self.reader.ages()
    }
}
