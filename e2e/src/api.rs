//! One person's requests to the API server: any path, any verb, any patch type, and the answer as it came.

use anyhow::{Context, Result, bail, ensure};
use http::{Method, Request};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;
use std::fmt;
use std::path::Path;
use std::time::Duration;
use tokio::runtime::Handle;

/// A request as data, so that one table of them can be sent by several people, for real or as a dry run.
#[derive(Clone, Debug)]
pub struct Ask {
    pub method: Method,
    pub path: String,
    content_type: &'static str,
    body: Value,
    audit_id: Option<String>,
}

impl Ask {
    fn new(method: Method, path: impl Into<String>, content_type: &'static str, body: Value) -> Self {
        Self { method, path: path.into(), content_type, body, audit_id: None }
    }

    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path, "application/json", Value::Null)
    }

    pub fn create(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::POST, path, "application/json", body)
    }

    pub fn replace(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::PUT, path, "application/json", body)
    }

    pub fn merge(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::PATCH, path, "application/merge-patch+json", body)
    }

    pub fn json_patch(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::PATCH, path, "application/json-patch+json", body)
    }

    pub fn strategic(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::PATCH, path, "application/strategic-merge-patch+json", body)
    }

    /// Server-side apply with force.
    pub fn apply(path: &str, manager: &str, body: Value) -> Self {
        let path = with_query(path, &format!("fieldManager={manager}&force=true"));
        Self::new(Method::PATCH, path, "application/apply-patch+yaml", body)
    }

    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path, "application/json", Value::Null)
    }

    /// With an identity for the audit log that the client chose.
    #[must_use]
    pub fn audited_as(mut self, id: &str) -> Self {
        self.audit_id = Some(id.to_owned());
        self
    }

    /// The same request, judged but not carried out.
    #[must_use]
    pub fn dry_run(mut self) -> Self {
        self.path = with_query(&self.path, "dryRun=All");
        self
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        if self.method == Method::PATCH {
            write!(f, " ({})", self.content_type)?;
        }
        Ok(())
    }
}

fn with_query(path: &str, query: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}{query}")
}

/// What the API server said no with. A code of 0 is no answer at all.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub code: u16,
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.message)
    }
}

impl std::error::Error for Refusal {}

pub type Answer = Result<Value, Refusal>;

/// What tests say of answers.
pub trait Answered {
    /// The refusal, which must come from this guard.
    fn refused_by(self, guard: &str) -> Result<Refusal>;
    /// The refusal, which must have each of these texts.
    fn refused_with(self, texts: &[&str]) -> Result<Refusal>;
}

impl Answered for Answer {
    fn refused_by(self, guard: &str) -> Result<Refusal> {
        self.refused_with(&[&format!("ValidatingAdmissionPolicy '{guard}'")])
    }

    fn refused_with(self, texts: &[&str]) -> Result<Refusal> {
        match self {
            Ok(object) => bail!("accepted, and should have been refused with {texts:?}: {object}"),
            Err(refusal) => {
                for text in texts {
                    ensure!(refusal.message.contains(text), "refused, but without {text:?}: {refusal}");
                }
                Ok(refusal)
            }
        }
    }
}

#[derive(Clone)]
pub struct Api {
    client: Client,
    runtime: Handle,
    user: Option<String>,
    group: Option<String>,
}

impl Api {
    pub fn new(runtime: &Handle, kubeconfig: &Path) -> Result<Self> {
        let file = Kubeconfig::read_from(kubeconfig).with_context(|| kubeconfig.display().to_string())?;
        let client = runtime.block_on(async {
            let mut config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?;
            config.read_timeout = Some(Duration::from_secs(30));
            anyhow::Ok(Client::try_from(config)?)
        })?;
        Ok(Self { client, runtime: runtime.clone(), user: None, group: None })
    }

    /// The same client in the name of somebody else, for who may do that.
    #[must_use]
    pub fn impersonating(&self, user: &str) -> Self {
        Self { user: Some(user.to_owned()), ..self.clone() }
    }

    /// And in a group that the name alone does not tell.
    #[must_use]
    pub fn impersonating_in(&self, user: &str, group: &str) -> Self {
        Self { group: Some(group.to_owned()), ..self.impersonating(user) }
    }

    pub fn send(&self, ask: &Ask) -> Answer {
        let body = if ask.body.is_null() { Vec::new() } else { ask.body.to_string().into_bytes() };
        let request = Request::builder()
            .method(ask.method.clone())
            .uri(&ask.path)
            .header("content-type", ask.content_type);
        let request = match &self.user {
            Some(user) => request.header("impersonate-user", user),
            None => request,
        };
        let request = match &ask.audit_id {
            Some(id) => request.header("audit-id", id),
            None => request,
        };
        let request = match &self.group {
            Some(group) => request.header("impersonate-group", group),
            None => request,
        };
        let request = request.body(body).map_err(|error| Refusal { code: 0, message: error.to_string() })?;
        match self.runtime.block_on(self.client.request::<Value>(request)) {
            Ok(value) => Ok(value),
            Err(kube::Error::Api(status)) => {
                Err(Refusal { code: status.code, message: status.message.clone() })
            }
            Err(error) => Err(Refusal { code: 0, message: error.to_string() }),
        }
    }

    pub fn get(&self, path: impl Into<String>) -> Answer {
        self.send(&Ask::get(path))
    }

    /// `None` if there is no such object.
    pub fn find(&self, path: impl Into<String>) -> Result<Option<Value>, Refusal> {
        match self.get(path) {
            Err(refusal) if refusal.code == 404 => Ok(None),
            other => other.map(Some),
        }
    }

    pub fn list(&self, path: impl Into<String>) -> Result<Vec<Value>, Refusal> {
        let mut list = self.get(path)?;
        Ok(list["items"].as_array_mut().map(std::mem::take).unwrap_or_default())
    }

    pub fn create(&self, path: impl Into<String>, body: Value) -> Answer {
        self.send(&Ask::create(path, body))
    }

    pub fn replace(&self, path: impl Into<String>, body: Value) -> Answer {
        self.send(&Ask::replace(path, body))
    }

    pub fn merge(&self, path: impl Into<String>, body: Value) -> Answer {
        self.send(&Ask::merge(path, body))
    }

    pub fn json_patch(&self, path: impl Into<String>, body: Value) -> Answer {
        self.send(&Ask::json_patch(path, body))
    }

    pub fn apply(&self, path: &str, manager: &str, body: Value) -> Answer {
        self.send(&Ask::apply(path, manager, body))
    }

    pub fn delete(&self, path: impl Into<String>) -> Answer {
        self.send(&Ask::delete(path))
    }
}
