use super::list::chain;
use crate::args::Args;
use crate::outcome::Outcome;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use snc_core::lang::Lang;
use std::time::Duration;

pub struct Cluster {
    pub client: Client,
    /// What a reader knows the cluster by.
    pub context: String,
    pub default_namespace: String,
}

pub async fn connect(args: &Args) -> Result<Cluster, Outcome> {
    let lang = args.lang;
    let (mut config, context) = config(args).await?;
    config.connect_timeout = Some(Duration::from_secs(10));
    config.read_timeout = Some(Duration::from_secs(60));
    let default_namespace = config.default_namespace.clone();
    let client = Client::try_from(config).map_err(|error| {
        let error = chain(&error);
        Outcome::undecided(
            lang.pick(|| format!("connexion impossible : {error}"), || format!("cannot connect: {error}")),
        )
    })?;
    Ok(Cluster { client, context, default_namespace })
}

/// The token that the kubeconfig holds, if it holds one.
pub async fn own_token(args: &Args) -> Result<Option<String>, Outcome> {
    let (config, _) = config(args).await?;
    if let Some(file) = &config.auth_info.token_file {
        let token = std::fs::read_to_string(file);
        let token = token.map_err(|error| Outcome::undecided(format!("{file}: {error}")))?;
        return Ok(Some(token.trim().to_owned()));
    }
    // By way of its own serializer: it is not shown otherwise.
    let user = serde_json::to_value(&config.auth_info).unwrap_or_default();
    Ok(user["token"].as_str().map(ToOwned::to_owned))
}

async fn config(args: &Args) -> Result<(Config, String), Outcome> {
    if let Some(kubeconfig) = kubeconfig(args)? {
        return from_file(kubeconfig, args).await;
    }
    let config = Config::incluster().map_err(|_| Outcome::undecided(no_config(args.lang)))?;
    Ok((config, "in-cluster".to_owned()))
}

/// A file that was named must be readable; the usual places may hold none.
fn kubeconfig(args: &Args) -> Result<Option<Kubeconfig>, Outcome> {
    if let Some(path) = &args.kubeconfig {
        return Kubeconfig::read_from(path).map(Some).map_err(|error| Outcome::bad_input(chain(&error)));
    }
    match Kubeconfig::read() {
        Ok(kubeconfig) => Ok(Some(kubeconfig)),
        Err(KubeconfigError::FindPath) => Ok(None),
        Err(KubeconfigError::ReadConfig(error, _)) if error.kind() == std::io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(Outcome::undecided(chain(&error))),
    }
}

async fn from_file(kubeconfig: Kubeconfig, args: &Args) -> Result<(Config, String), Outcome> {
    let lang = args.lang;
    let known: Vec<&str> = kubeconfig.contexts.iter().map(|c| c.name.as_str()).collect();
    let wanted =
        args.context.clone().or_else(|| kubeconfig.current_context.clone()).filter(|name| !name.is_empty());
    let Some(wanted) = wanted else {
        let known = known.join(", ");
        return Err(Outcome::bad_input(lang.pick(
            || format!("le kubeconfig n'a pas de contexte courant ; --context parmi : {known}"),
            || format!("the kubeconfig has no current context; --context one of: {known}"),
        )));
    };
    if !known.contains(&wanted.as_str()) {
        let known = known.join(", ");
        return Err(Outcome::bad_input(lang.pick(
            || format!("contexte inconnu : {wanted} ; connus : {known}"),
            || format!("unknown context: {wanted}; known: {known}"),
        )));
    }
    let options = KubeConfigOptions { context: Some(wanted.clone()), ..KubeConfigOptions::default() };
    match Config::from_custom_kubeconfig(kubeconfig, &options).await {
        Ok(config) => Ok((config, wanted)),
        Err(error) => Err(Outcome::undecided(format!("kubeconfig: {}", chain(&error)))),
    }
}

fn no_config(lang: Lang) -> &'static str {
    lang.str(
        "aucun kubeconfig : ni --kubeconfig, ni KUBECONFIG, ni ~/.kube/config, ni compte de service de pod",
        "no kubeconfig: no --kubeconfig, no KUBECONFIG, no ~/.kube/config, no service account of a pod",
    )
}
