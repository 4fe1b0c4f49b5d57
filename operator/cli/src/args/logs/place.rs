//! Where the log is: with the sink, by its API, or in its store.

use crate::args::text_of;
use crate::outcome::Outcome;
use clap::builder::NonEmptyStringValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use http::Uri;
use snc_core::lang::Lang;
use snc_core::text::Refusal;
use std::path::PathBuf;

/// The sink, and as whom it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SinkArgs {
    /// None: the Service in the operator's namespace.
    pub server: Option<Server>,
    /// Who may have signed the server's certificate. None: what the cluster says, or what this machine trusts.
    pub authority: Option<PathBuf>,
    pub token: Token,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    pub host: String,
    pub port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Token {
    #[default]
    NotSaid,
    File(PathBuf),
    /// Asked of the API server, for the log alone.
    Of {
        namespace: String,
        name: String,
    },
    /// The kubeconfig's own: who has it can do whatever the reader can.
    Mine,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Sink(SinkArgs),
    Store(StoreArgs),
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoreArgs {
    pub url: String,
    pub endpoint: Option<String>,
    pub region: Option<String>,
    pub authority: Option<PathBuf>,
}

fn one(id: &'static str, value: &'static str, lang: Lang, fr: &'static str, en: &'static str) -> Arg {
    Arg::new(id)
        .long(id)
        .value_name(value)
        .value_parser(NonEmptyStringValueParser::new())
        .help(lang.str(fr, en))
}

pub fn sink_arguments(command: Command, lang: Lang) -> Command {
    let file = |id, fr, en| one(id, "FILE", lang, fr, en).value_parser(value_parser!(PathBuf));
    command
        .next_help_heading(lang.str("Accès au journal", "Access to the log"))
        .arg(one(
            "server",
            "https://HOST:PORT",
            lang,
            "API du puits d'audit ; sinon le Service snc-audit-sink, par un port-forward du serveur d'API",
            "API of the audit sink; else the Service snc-audit-sink, by a port-forward of the API server",
        ))
        .arg(file(
            "certificate-authority",
            "Autorité (PEM) du certificat du puits ; sinon celle du cluster, ou celles de cette machine avec --server",
            "Authority (PEM) of the sink's certificate; else the cluster's, or this machine's with --server",
        ))
        .arg(file(
            "token-file",
            "Fichier d'un jeton dont l'audience est snc-audit-log",
            "File of a token with audience snc-audit-log",
        ))
        .arg(one(
            "service-account",
            "NAMESPACE/NAME",
            lang,
            "ServiceAccount pour lequel demander un tel jeton, valable dix minutes",
            "ServiceAccount to ask such a token for, good for ten minutes",
        ))
        .arg(Arg::new("send-my-token").long("send-my-token").action(ArgAction::SetTrue).help(lang.str(
            "Envoyer au puits le jeton du kubeconfig : qui le reçoit peut agir à votre place partout",
            "Send the kubeconfig's own token to the sink: who receives it can act as you anywhere",
        )))
}

pub fn store_arguments(command: Command, lang: Lang) -> Command {
    command
        .arg(one(
            "endpoint",
            "URL",
            lang,
            "Serveur S3, si ce n'est pas celui d'AWS ; les clés viennent de AWS_ACCESS_KEY_ID et AWS_SECRET_ACCESS_KEY",
            "S3 server, where it is not AWS's; keys are from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ))
        .arg(one("region", "REGION", lang, "Région S3", "S3 region"))
        .arg(
            one("store-ca", "FILE", lang, "Autorité (PEM) du serveur S3", "Authority (PEM) of the S3 server")
                .value_parser(value_parser!(PathBuf)),
        )
}

/// The sink, or a store to be read without it.
pub fn place_arguments(command: Command, lang: Lang) -> Command {
    let command = sink_arguments(command, lang).arg(one(
        "store",
        "DIR|s3://BUCKET/PREFIX",
        lang,
        "Lire ce dépôt sans passer par le puits (auditeur) ; vos droits sont alors ceux du dépôt",
        "Read this store without the sink (auditor); your rights are then those of the store",
    ));
    store_arguments(command, lang)
}

pub fn sink(matches: &ArgMatches, lang: Lang) -> Result<SinkArgs, Outcome> {
    let server = text_of(matches, "server").map(|text| server(&text, lang)).transpose()?;
    let path = |id| matches.get_one::<PathBuf>(id).cloned();
    let account = text_of(matches, "service-account").map(|text| account(&text, lang)).transpose()?;
    let mine = matches.get_flag("send-my-token").then_some(Token::Mine);
    let mut tokens = [path("token-file").map(Token::File), account, mine].into_iter().flatten();
    let token = tokens.next().unwrap_or_default();
    if tokens.next().is_some() {
        return Err(Outcome::bad_input(lang.str(
            "--token-file, --service-account et --send-my-token s'excluent",
            "--token-file, --service-account and --send-my-token exclude each other",
        )));
    }
    Ok(SinkArgs { server, authority: path("certificate-authority"), token })
}

pub fn store(matches: &ArgMatches, url: String) -> StoreArgs {
    StoreArgs {
        url,
        endpoint: text_of(matches, "endpoint"),
        region: text_of(matches, "region"),
        authority: matches.get_one::<PathBuf>("store-ca").cloned(),
    }
}

pub fn place(matches: &ArgMatches, lang: Lang) -> Result<Place, Outcome> {
    let sink = sink(matches, lang)?;
    match text_of(matches, "store") {
        None => {
            let store = store(matches, String::new());
            if store == StoreArgs::default() {
                return Ok(Place::Sink(sink));
            }
            Err(Outcome::bad_input(lang.str(
                "--endpoint, --region et --store-ca demandent --store",
                "--endpoint, --region and --store-ca need --store",
            )))
        }
        Some(url) if sink == SinkArgs::default() => Ok(Place::Store(store(matches, url))),
        Some(_) => Err(Outcome::bad_input(lang.str(
            "--store se lit sans le puits : ni --server, ni --certificate-authority, ni jeton",
            "--store is read without the sink: no --server, no --certificate-authority, no token",
        ))),
    }
}

fn server(text: &str, lang: Lang) -> Result<Server, Outcome> {
    let parsed = text.parse::<Uri>().ok().filter(|uri| {
        let bare = uri.path_and_query().is_none_or(|rest| rest.as_str() == "/");
        let no_user = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        uri.scheme_str() == Some("https") && bare && no_user
    });
    let of = |uri: Uri| {
        let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
        (!host.is_empty()).then(|| Server { host, port: uri.port_u16().unwrap_or(443) })
    };
    parsed.and_then(of).ok_or_else(|| {
        let accepted = "https://HOST:PORT";
        Outcome::bad_input(Refusal::new("--server", text, accepted, accepted).message(lang))
    })
}

fn account(text: &str, lang: Lang) -> Result<Token, Outcome> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
            Ok(Token::Of { namespace: namespace.to_owned(), name: name.to_owned() })
        }
        _ => {
            let accepted = "NAMESPACE/NAME";
            Err(Outcome::bad_input(Refusal::new("--service-account", text, accepted, accepted).message(lang)))
        }
    }
}
