//! One registry over TLS: bounded answers, no other server, credentials only when it asks for them.

use crate::auth::{self, Challenge, TOKEN_ANSWER};
use crate::origin::Origin;
use http::header::{ACCEPT, AUTHORIZATION, LINK, LOCATION, USER_AGENT};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use snc_images::signature::Unknown;
use std::error::Error;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Images of one registry that are asked about at a time, and those that wait for it.
const AT_ONCE: usize = 8;
const WAITING: usize = 64;
const REDIRECTS: usize = 3;
const HEADERS: usize = 64 << 10;
const IDLE: Duration = Duration::from_secs(30);

pub(crate) struct Client {
    http: Http<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    origin: Origin,
    token: Option<Origin>,
    credentials: Option<HeaderValue>,
    places: Semaphore,
    turns: Semaphore,
}

pub(crate) struct Found {
    pub(crate) body: Vec<u8>,
    pub(crate) link: Option<HeaderValue>,
}

/// Questions about one repository, which share the token for it.
pub(crate) struct Session<'a> {
    client: &'a Client,
    repository: &'a str,
    within: Duration,
    authorization: Option<HeaderValue>,
}

impl Client {
    pub(crate) fn new(
        origin: Origin,
        token: Option<Origin>,
        credentials: Option<HeaderValue>,
        tls: ClientConfig,
    ) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let https =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_only().enable_http1().wrap_connector(tcp);
        let http = Http::builder(TokioExecutor::new())
            .http1_max_buf_size(HEADERS)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(AT_ONCE)
            .pool_timer(TokioTimer::new())
            .build(https);
        let (places, turns) = (Semaphore::new(AT_ONCE + WAITING), Semaphore::new(AT_ONCE));
        Self { http, origin, token, credentials, places, turns }
    }

    /// Held while an image is asked about. Where too many wait already, nobody waits.
    pub(crate) async fn turn(&self) -> Result<(SemaphorePermit<'_>, SemaphorePermit<'_>), Unknown> {
        let place = self.places.try_acquire().map_err(|_| Unknown::Busy)?;
        let turn = self.turns.acquire().await.map_err(|_| Unknown::Busy)?;
        Ok((place, turn))
    }

    pub(crate) fn session<'a>(&'a self, repository: &'a str, within: Duration) -> Session<'a> {
        Session { client: self, repository, within, authorization: None }
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    async fn send(
        &self,
        origin: &Origin,
        path: PathAndQuery,
        accept: &'static str,
        authorization: Option<&HeaderValue>,
    ) -> Result<Response<Incoming>, Unknown> {
        let request = Request::get(origin.uri(path)?)
            .header(ACCEPT, accept)
            .header(USER_AGENT, concat!("snc-operator/", env!("CARGO_PKG_VERSION")));
        let request = match authorization {
            Some(value) => request.header(AUTHORIZATION, value),
            None => request,
        };
        let request = request.body(Empty::new()).map_err(|_| Unknown::Malformed)?;
        self.http.request(request).await.map_err(|error| why(&error))
    }
}

impl Session<'_> {
    /// `None`, where the registry does not have it.
    pub(crate) async fn get(
        &mut self,
        path: PathAndQuery,
        accept: &'static str,
        most: usize,
    ) -> Result<Option<Found>, Unknown> {
        let within = self.within;
        tokio::time::timeout(within, self.follow(path, accept, most)).await.unwrap_or(Err(Unknown::TimedOut))
    }

    async fn follow(
        &mut self,
        mut path: PathAndQuery,
        accept: &'static str,
        most: usize,
    ) -> Result<Option<Found>, Unknown> {
        let (mut redirects, mut asked) = (0, false);
        loop {
            let client = self.client;
            let authorization = self.authorization.as_ref();
            let response = client.send(&client.origin, path.clone(), accept, authorization).await?;
            match response.status() {
                StatusCode::OK => {
                    let link = response.headers().get(LINK).cloned();
                    return Ok(Some(Found { body: body(response, most).await?, link }));
                }
                StatusCode::NOT_FOUND => return Ok(None),
                StatusCode::UNAUTHORIZED if !asked => {
                    asked = true;
                    self.authorize(response.headers()).await?;
                }
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(Unknown::AccessDenied),
                status if status.is_redirection() && redirects < REDIRECTS => {
                    redirects += 1;
                    let target = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
                    path = target
                        .and_then(|target| client.origin.within(target))
                        .ok_or(Unknown::RedirectElsewhere)?;
                }
                status => return Err(Unknown::Status(status.as_u16())),
            }
        }
    }

    async fn authorize(&mut self, headers: &HeaderMap) -> Result<(), Unknown> {
        let client = self.client;
        let credentials = client.credentials.as_ref();
        let value = match Challenge::in_headers(headers).ok_or(Unknown::AccessDenied)? {
            Challenge::Basic => credentials.cloned().ok_or(Unknown::AccessDenied)?,
            Challenge::Bearer { realm, service } => {
                let servers = [Some(&client.origin), client.token.as_ref()].into_iter().flatten();
                let (server, path) = auth::token_request(servers, &realm, &service, self.repository)?;
                let response = client.send(server, path, "application/json", credentials).await?;
                match response.status() {
                    StatusCode::OK => auth::token_in(&body(response, TOKEN_ANSWER).await?)?,
                    StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(Unknown::AccessDenied),
                    status if status.is_redirection() => return Err(Unknown::RedirectElsewhere),
                    status => return Err(Unknown::Status(status.as_u16())),
                }
            }
        };
        self.authorization = Some(value);
        Ok(())
    }
}

async fn body(response: Response<Incoming>, most: usize) -> Result<Vec<u8>, Unknown> {
    let body = response.into_body();
    if body.size_hint().lower() > most as u64 {
        return Err(Unknown::TooLarge);
    }
    match Limited::new(body, most).collect().await {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(Unknown::TooLarge),
        Err(_) => Err(Unknown::Unreachable),
    }
}

fn why(error: &(dyn Error + 'static)) -> Unknown {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
            return Unknown::Untrusted;
        }
        next = match error.downcast_ref::<std::io::Error>() {
            // Asked for its source, it passes over the error that it holds.
            Some(error) => error.get_ref().map(|held| held as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    Unknown::Unreachable
}
