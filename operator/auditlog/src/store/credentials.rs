//! Whose bucket it is.

use object_store::CredentialProvider;
use object_store::aws::{AwsCredential, AwsCredentialProvider};
use snc_core::text::Refusal;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// No other place is asked: what a machine of some cloud would say about itself is nobody's decision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Credentials {
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, and `AWS_SESSION_TOKEN` if it is there.
    #[default]
    Environment,
    /// Read again for each request: they change while this runs.
    Files { key_id: PathBuf, secret: PathBuf, token: Option<PathBuf> },
}

impl Credentials {
    pub(super) fn provider(&self) -> Result<AwsCredentialProvider, Refusal> {
        match self {
            Self::Environment => {
                let fine =
                    |value: &String| !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic());
                let read = |name: &str| std::env::var(name).ok().filter(fine);
                let needed = |name: &str| {
                    read(name).ok_or_else(|| {
                        let (fr, en) = ("les identifiants du dépôt S3", "the credentials of the S3 store");
                        Refusal::new(name, "", fr, en)
                    })
                };
                let credential = AwsCredential {
                    key_id: needed("AWS_ACCESS_KEY_ID")?,
                    secret_key: needed("AWS_SECRET_ACCESS_KEY")?,
                    token: read("AWS_SESSION_TOKEN"),
                };
                Ok(Arc::new(object_store::StaticCredentialProvider::new(credential)))
            }
            Self::Files { key_id, secret, token } => {
                let files = Files { key_id: key_id.clone(), secret: secret.clone(), token: token.clone() };
                files.read()?;
                Ok(Arc::new(files))
            }
        }
    }
}

struct Files {
    key_id: PathBuf,
    secret: PathBuf,
    token: Option<PathBuf>,
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

impl Files {
    fn read(&self) -> Result<AwsCredential, Refusal> {
        Ok(AwsCredential {
            key_id: word(&self.key_id)?,
            secret_key: word(&self.secret)?,
            token: self.token.as_deref().map(word).transpose()?,
        })
    }
}

/// Of what is in it nothing is quoted.
fn word(path: &Path) -> Result<String, Refusal> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let text = text.trim();
    let fine = !text.is_empty() && text.len() <= 8192 && text.bytes().all(|byte| byte.is_ascii_graphic());
    fine.then(|| text.to_owned()).ok_or_else(|| {
        let (fr, en) = ("un fichier lisible d'une ligne", "a readable file of one line");
        Refusal::new(path.display().to_string(), "", fr, en)
    })
}

impl CredentialProvider for Files {
    type Credential = AwsCredential;

    fn get_credential<'a, 'b>(
        &'a self,
    ) -> futures::future::BoxFuture<'b, object_store::Result<Arc<AwsCredential>>>
    where
        'a: 'b,
    {
        let read = self.read().map(Arc::new).map_err(|refusal| object_store::Error::Generic {
            store: "S3",
            source: refusal.message(snc_core::lang::Lang::En).into(),
        });
        Box::pin(std::future::ready(read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn files_are_read_each_time() {
        let dir = tempfile::tempdir().unwrap();
        let [key_id, secret] = ["access-key-id", "secret-access-key"].map(|name| dir.path().join(name));
        let credentials = Credentials::Files { key_id: key_id.clone(), secret: secret.clone(), token: None };
        std::fs::write(&key_id, "AK\n").unwrap();
        std::fs::write(&secret, " s3cret\n").unwrap();
        let provider = credentials.provider().unwrap();
        let read = provider.get_credential().await.unwrap();
        assert_eq!((read.key_id.as_str(), read.secret_key.as_str()), ("AK", "s3cret"));
        std::fs::write(&secret, "other").unwrap();
        assert_eq!(provider.get_credential().await.unwrap().secret_key, "other");
        std::fs::write(&secret, "two words").unwrap();
        let error = provider.get_credential().await.unwrap_err().to_string();
        assert!(error.contains("secret-access-key") && !error.contains("two"), "{error}");
    }

    #[test]
    fn files_that_are_not_there_are_named() {
        let missing = PathBuf::from("/there/is/none");
        let credentials = Credentials::Files { key_id: missing.clone(), secret: missing, token: None };
        assert_eq!(credentials.provider().unwrap_err().path, "/there/is/none");
    }
}
