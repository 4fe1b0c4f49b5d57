//! The audit sink's API: one connection over TLS, to the server that was named, or to the cluster's by a port-forward.
//! A token leaves only once that server has proven its name; no answer sends it anywhere else.

mod bearer;
mod failure;
mod http;
mod tls;
pub mod wire;

pub use failure::Failure;
pub use http::{Sink, encoded};

use crate::args::Args;
use crate::args::logs::place::{SinkArgs, Token};
use crate::cluster::{Cluster, connect};
use crate::outcome::Outcome;
use rustls_pki_types::ServerName;
use snc_core::lang::Lang;
use snc_core::names::AUDIT_SINK;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

const CONNECT: Duration = Duration::from_secs(10);

/// What carries TLS.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

pub async fn open(args: &Args, asked: &SinkArgs) -> Result<Sink, Outcome> {
    let lang = args.lang;
    if asked.token == Token::NotSaid {
        return Err(Outcome::bad_input(no_token(lang)));
    }
    let needs_cluster = asked.server.is_none() || matches!(asked.token, Token::Of { .. });
    let cluster = if needs_cluster { Some(connect(args).await?) } else { None };
    let bearer = bearer::bearer(args, asked, cluster.as_ref()).await?;
    match (&asked.server, &cluster) {
        (Some(server), _) => {
            let tls = tls::given(asked.authority.as_deref(), lang)?;
            let (host, port) = (server.host.as_str(), server.port);
            let at = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
            let unreachable = |error: String| Failure::unreachable(&at, &error).outcome(lang);
            let stream = match timeout(CONNECT, TcpStream::connect((host, port))).await {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => return Err(unreachable(error.to_string())),
                Err(_) => return Err(unreachable(no_answer(lang))),
            };
            let name = name(host, lang)?;
            start(Box::new(stream), tls, name, at, bearer, lang).await
        }
        (None, Some(cluster)) => forwarded(args, asked, cluster, bearer).await,
        (None, None) => Err(Outcome::bad_input(no_token(lang))),
    }
}

async fn forwarded(
    args: &Args,
    asked: &SinkArgs,
    cluster: &Cluster,
    bearer: ::http::HeaderValue,
) -> Result<Sink, Outcome> {
    let lang = args.lang;
    let home = &args.settings.identity.namespace;
    let not_found = |what: String| Outcome::undecided(format!("{what}\n{}", give_server(lang)));
    let tls = if let Some(file) = &asked.authority {
        tls::given(Some(file), lang)?
    } else {
        let pem = cluster.audit_authority(home).await.map_err(|trouble| not_found(trouble.message(lang)))?;
        tls::of_pem(pem.as_bytes(), "ConfigMap snc-audit-sink-ca", lang)?
    };
    let stream = cluster.audit_sink(home).await.map_err(|trouble| not_found(trouble.message(lang)))?;
    let host = format!("{AUDIT_SINK}.{home}.svc");
    let name = name(&host, lang)?;
    start(Box::new(stream), tls, name, host, bearer, lang).await
}

async fn start(
    stream: Box<dyn Stream>,
    tls: rustls::ClientConfig,
    name: ServerName<'static>,
    at: String,
    bearer: ::http::HeaderValue,
    lang: Lang,
) -> Result<Sink, Outcome> {
    let started = timeout(CONNECT, Sink::start(stream, tls, name, &at, bearer)).await;
    started
        .unwrap_or_else(|_| Err(Failure::unreachable(&at, &no_answer(lang))))
        .map_err(|failure| failure.outcome(lang))
}

fn name(host: &str, lang: Lang) -> Result<ServerName<'static>, Outcome> {
    ServerName::try_from(host.to_owned()).map_err(|_| {
        let (fr, en) = ("un nom DNS ou une adresse", "a DNS name or an address");
        Outcome::bad_input(snc_core::text::Refusal::new("--server", host, fr, en).message(lang))
    })
}

fn no_answer(lang: Lang) -> String {
    lang.pick(
        || format!("pas de réponse en {} s", CONNECT.as_secs()),
        || format!("no answer in {} s", CONNECT.as_secs()),
    )
}

const fn no_token(lang: Lang) -> &'static str {
    lang.str(
        "le puits d'audit veut savoir qui demande : --service-account NAMESPACE/NOM (un jeton pour lui seul est demandé) ou --token-file FICHIER.\nLe jeton du kubeconfig n'est envoyé qu'avec --send-my-token : qui le reçoit peut agir à votre place dans tout le cluster.",
        "the audit sink wants to know who asks: --service-account NAMESPACE/NAME (a token for it alone is asked for) or --token-file FILE.\nThe kubeconfig's own token is sent only with --send-my-token: who receives it can act as you in the whole cluster.",
    )
}

const fn give_server(lang: Lang) -> &'static str {
    lang.str(
        "sans droit d'ouvrir un port-forward dans le namespace de l'opérateur : --server https://HÔTE:PORT --certificate-authority FICHIER, que la plateforme vous donne",
        "without the right to a port-forward in the operator's namespace: --server https://HOST:PORT --certificate-authority FILE, which the platform gives you",
    )
}
