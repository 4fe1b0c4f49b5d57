//! As whom the sink is asked.

use crate::args::Args;
use crate::args::logs::place::{SinkArgs, Token};
use crate::cluster::{Cluster, own_token};
use crate::outcome::Outcome;
use http::HeaderValue;
use snc_core::lang::Lang;
use snc_core::text::Refusal;
use std::path::Path;

/// No token is that long.
const MOST: u64 = 64 << 10;

pub async fn bearer(
    args: &Args,
    asked: &SinkArgs,
    cluster: Option<&Cluster>,
) -> Result<HeaderValue, Outcome> {
    let lang = args.lang;
    let (token, from) = match &asked.token {
        Token::File(file) => (of_file(file, lang)?, "--token-file"),
        Token::Of { namespace, name } => {
            let cluster = cluster.ok_or_else(Outcome::default)?;
            let token = cluster.audit_token(namespace, name).await;
            (token.map_err(|trouble| Outcome::undecided(trouble.message(lang)))?, "--service-account")
        }
        Token::Mine => {
            let token = own_token(args).await?;
            (token.ok_or_else(|| Outcome::bad_input(no_own_token(lang)))?, "--send-my-token")
        }
        Token::NotSaid => return Err(Outcome::default()),
    };
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| {
        let (fr, en) = ("un jeton d'une seule ligne", "a token of one line");
        // Never the token itself.
        Outcome::bad_input(Refusal::new(from, "…", fr, en).message(lang))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn of_file(file: &Path, lang: Lang) -> Result<String, Outcome> {
    let refused = |given: String| {
        let (fr, en) = ("un fichier qui contient un jeton", "a file that holds a token");
        Outcome::bad_input(
            Refusal::new(format!("--token-file {}", file.display()), given, fr, en).message(lang),
        )
    };
    let metadata = std::fs::metadata(file).map_err(|error| refused(error.to_string()))?;
    if metadata.is_file() && metadata.len() > MOST {
        return Err(refused(format!("{} B", metadata.len())));
    }
    let text = std::fs::read_to_string(file).map_err(|error| refused(error.to_string()))?;
    match text.trim() {
        "" => Err(refused(String::new())),
        token => Ok(token.to_owned()),
    }
}

const fn no_own_token(lang: Lang) -> &'static str {
    lang.str(
        "--send-my-token : le kubeconfig n'a pas de jeton écrit (certificat client, ou programme d'authentification) ; --service-account NAMESPACE/NOM ou --token-file FICHIER",
        "--send-my-token: the kubeconfig holds no token (client certificate, or a credential program); --service-account NAMESPACE/NAME or --token-file FILE",
    )
}
