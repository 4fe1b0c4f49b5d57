//! How the operator gets into registries: what its administrator mounted, as container runtimes know it.

use crate::config::{Credentials, Declared, Registries};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use snc_core::text::Refusal;
use snc_images::signature::Trust;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// A file of credentials or of certificates is no larger: the API server takes no larger Secret.
const MOST: u64 = 1 << 20;

/// Where it is mounted. What is not named is not used.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// `.dockerconfigjson` of a Secret of the type `kubernetes.io/dockerconfigjson`.
    pub credentials: Option<PathBuf>,
    /// PEM. If there are any, registries' certificates have to come from them.
    pub authorities: Option<PathBuf>,
    /// By registry, the server that may ask for its credentials to give a token for them.
    pub token_servers: BTreeMap<String, String>,
}

/// What was in them.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Access {
    credentials: BTreeMap<String, (String, String)>,
    authorities: Option<String>,
    token_servers: BTreeMap<String, String>,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.credentials.keys()).finish()
    }
}

#[derive(Deserialize)]
struct Config {
    auths: BTreeMap<String, Auth>,
}

#[derive(Deserialize)]
struct Auth {
    #[serde(default, rename = "auth")]
    both: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
}

impl Files {
    /// Of what is wrong with a file nothing is quoted: it holds passwords.
    pub(crate) fn read(&self) -> Result<Access, Refusal> {
        let credentials = match &self.credentials {
            Some(path) => credentials(&path.display().to_string(), &text(path)?)?,
            None => BTreeMap::new(),
        };
        let authorities = self.authorities.as_deref().map(text).transpose()?;
        Ok(Access { credentials, authorities, token_servers: self.token_servers.clone() })
    }
}

fn text(path: &Path) -> Result<String, Refusal> {
    let large = fs::metadata(path).is_ok_and(|found| found.len() > MOST);
    let read = if large { None } else { fs::read_to_string(path).ok() };
    read.ok_or_else(|| {
        let (fr, en) = ("un fichier lisible de 1 Mio au plus", "a readable file of at most 1 MiB");
        Refusal::new(path.display().to_string(), "", fr, en)
    })
}

fn credentials(path: &str, text: &str) -> Result<BTreeMap<String, (String, String)>, Refusal> {
    let refusal = |field: String| {
        let (fr, en) = (
            "la configuration de Docker : {\"auths\": {\"hôte[:port]\": {\"auth\": base64 de « nom:mot de passe »}}}",
            "a configuration of Docker: {\"auths\": {\"host[:port]\": {\"auth\": base64 of \"name:password\"}}}",
        );
        Refusal::new(field, "", fr, en)
    };
    let config: Config = serde_json::from_str(text).map_err(|_| refusal(path.to_owned()))?;
    let read = |(server, Auth { both, username, password }): (String, Auth)| {
        let pair = if both.is_empty() {
            (!username.is_empty()).then_some((username, password))
        } else {
            let bytes = STANDARD.decode(both.trim()).ok();
            let both = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            both.and_then(|both| both.split_once(':').map(|(user, word)| (user.to_owned(), word.to_owned())))
        };
        // As `docker login` writes it for some.
        let host = server.trim_start_matches("https://").split('/').next().unwrap_or_default();
        let pair = pair.ok_or_else(|| refusal(format!("{path}: auths[{server:?}]")))?;
        Ok((host.to_owned(), pair))
    };
    config.auths.into_iter().map(read).collect()
}

impl Access {
    /// The places where somebody is to sign, and how to ask there.
    pub(crate) fn registries(&self, trust: &Trust) -> Result<Registries, Refusal> {
        let declared = |(place, keys): (&str, Vec<(String, String)>)| {
            let host = place.split('/').next().unwrap_or_default();
            let own = self.credentials.get(host);
            Declared {
                place: place.to_owned(),
                ca: self.authorities.clone(),
                credentials: own
                    .map(|(user, password)| Credentials { user: user.clone(), password: password.clone() }),
                token_server: self.token_servers.get(host).cloned(),
                keys,
            }
        };
        let declared: Vec<Declared> = trust.places().into_iter().map(declared).collect();
        Registries::read("keys", &declared)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(r#"{"auths": {"r.example:5000": {"auth": "bGVjdGV1cjptb3Q6ZGU="}}}"#)]
    #[case(r#"{"auths": {"https://r.example:5000/v1/": {"username": "lecteur", "password": "mot:de", "email": "x"}}}"#)]
    fn credentials_are_those_of_docker(#[case] text: &str) {
        let read = credentials("f", text).unwrap();
        assert_eq!(read["r.example:5000"], ("lecteur".to_owned(), "mot:de".to_owned()));
    }

    #[rstest]
    #[case("")]
    #[case("[]")]
    #[case(r#"{"auths": {"r.example": {}}}"#)]
    #[case(r#"{"auths": {"r.example": {"auth": "c2VjcmV0"}}}"#)]
    #[case(r#"{"auths": {"r.example": {"auth": "not base64: s3cret"}}}"#)]
    fn what_is_wrong_is_said_without_a_password(#[case] text: &str) {
        let refusal = format!("{:?}", credentials("f", text).unwrap_err());
        assert!(refusal.contains("auths") && !refusal.contains("s3cret") && !refusal.contains("c2VjcmV0"));
    }
}
