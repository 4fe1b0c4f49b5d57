//! Delivers to a sink elsewhere, over mutual TLS.

use super::deliver::{Batch, Deliver, Undelivered};
use crate::intake::tls::Reload;
use crate::intake::{FILE, NOTES, POSITION, SERVER};
use crate::journal::ServerName;
use futures::future::BoxFuture;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

const WITHIN: Duration = Duration::from_secs(60);
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Of an answer, which says why.
const LONGEST: usize = 4096;

type Http = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A sink, by its address.
pub struct Remote {
    to: Uri,
    tls: Arc<Reload<ClientConfig>>,
    /// With what it was made, so that another certificate makes another one.
    client: Mutex<Option<(Arc<ClientConfig>, Http)>>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("address of the sink: got {given:?}; accepted: https://<host>[:<port>]")]
pub struct Misaddressed {
    pub given: String,
}

impl Remote {
    pub fn new(sink: &str, tls: Arc<Reload<ClientConfig>>) -> Result<Self, Misaddressed> {
        let wrong = || Misaddressed { given: snc_core::text::clip(sink, 120) };
        let base: Uri = sink.parse().map_err(|_| wrong())?;
        let alone = base.query().is_none() && matches!(base.path(), "" | "/");
        if base.scheme_str() != Some("https") || base.host().is_none_or(str::is_empty) || !alone {
            return Err(wrong());
        }
        let authority = base.authority().ok_or_else(wrong)?;
        let to = format!("https://{authority}{FILE}").parse().map_err(|_| wrong())?;
        Ok(Self { to, tls, client: Mutex::default() })
    }

    fn client(&self) -> Result<Http, String> {
        let doubt = || self.tls.doubt().unwrap_or_else(|| "no certificate yet".to_owned());
        let config = self.tls.current().ok_or_else(doubt)?;
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((with, client)) = &*client
            && Arc::ptr_eq(with, &config)
        {
            return Ok(client.clone());
        }
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_WITHIN));
        let https = HttpsConnectorBuilder::new()
            .with_tls_config((*config).clone())
            .https_only()
            .enable_http1()
            .wrap_connector(tcp);
        let made = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(https);
        *client = Some((config, made.clone()));
        Ok(made)
    }

    async fn post(&self, server: &ServerName, batch: &Batch) -> Result<(), Undelivered> {
        let failed = |why: String| Undelivered { why, after: None };
        let notes = serde_json::to_string(&batch.notes).map_err(|error| failed(error.to_string()))?;
        let request = Request::post(self.to.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(POSITION, &batch.position)
            .header(NOTES, notes)
            .header(SERVER, server.as_str())
            .body(Full::new(batch.list()))
            .map_err(|error| failed(error.to_string()))?;
        let answer = self.client().map_err(failed)?.request(request).await;
        let (head, body) = answer.map_err(|error| failed(said(&error)))?.into_parts();
        if head.status == StatusCode::OK {
            let echoed = head.headers.get(POSITION).and_then(|position| position.to_str().ok());
            return if echoed == Some(&batch.position) {
                Ok(())
            } else {
                Err(failed(format!("the answer is about position {echoed:?}, not {:?}", batch.position)))
            };
        }
        let after = head.headers.get(RETRY_AFTER).and_then(|after| after.to_str().ok()?.parse().ok());
        let body = Limited::new(body, LONGEST).collect().await.map(http_body_util::Collected::to_bytes);
        let body = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
        Err(Undelivered { why: format!("{}: {body}", head.status), after: after.map(Duration::from_secs) })
    }
}

/// The reason is at the bottom.
fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        text = format!("{text}: {error}");
        below = error.source();
    }
    text
}

impl Deliver for Remote {
    fn deliver<'a>(
        &'a self,
        server: &'a ServerName,
        batch: &'a Batch,
    ) -> BoxFuture<'a, Result<(), Undelivered>> {
        Box::pin(async move {
            let late = |_| Err(Undelivered { why: "no answer in time".to_owned(), after: None });
            timeout(WITHIN, self.post(server, batch)).await.unwrap_or_else(late)
        })
    }
}
