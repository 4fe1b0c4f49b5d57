//! A bucket, or what is below a prefix in one.

use super::Options;
use super::lock::{Lock, Told, of_retention};
use super::versions::{self, First, Version};
use crate::access::Store;
use crate::error::Error;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsAuthorizer, AwsCredentialProvider, Checksum};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
    HttpService, ReqwestConnector,
};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::signer::{Method, SignedUrlOptions, Signer as _};
use object_store::{
    BackoffConfig, Certificate, ClientOptions, GetOptions, HeaderValue, ObjectStore as _, RetryConfig,
};
use snc_core::text::Refusal;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(5);
/// For one object, whole.
const REQUEST: Duration = Duration::from_secs(60);
const RETRIES: usize = 4;
const RETRY: Duration = Duration::from_secs(90);
const SIGNED: Duration = Duration::from_secs(60);
/// An answer about a lock is no longer.
const ANSWER: usize = 64 << 10;
/// Nor one about a thousand versions.
const PAGE: usize = 8 << 20;

#[derive(Debug)]
pub(super) struct Bucket {
    s3: AmazonS3,
    http: HttpClient,
    prefix: Path,
}

impl Bucket {
    /// `bucket[/prefix]`
    pub(super) fn open(place: &str, options: &Options) -> Result<Self, Error> {
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        if !is_bucket(bucket) {
            let (fr, en) = (
                "s3://seau[/préfixe] ; un nom de seau a de 3 à 63 caractères : a-z, 0-9, « . » et « - »",
                "s3://bucket[/prefix]; the name of a bucket has 3 to 63 characters: a-z, 0-9, \".\" and \"-\"",
            );
            return Err(Refusal::new("store", format!("s3://{place}"), fr, en).into());
        }
        let parsed = Path::parse(prefix.trim_end_matches('/')).ok().filter(|_| !prefix.starts_with('/'));
        let prefix = parsed.ok_or_else(|| {
            let (fr, en) =
                ("un préfixe sans segment vide ni « .. »", "a prefix without empty segments or \"..\"");
            Refusal::new("store", format!("s3://{place}"), fr, en)
        })?;
        let client = client(options)?;
        let (endpoint, region) = match (&options.endpoint, &options.region) {
            (Some(endpoint), region) => (
                endpoint.trim_end_matches('/').to_owned(),
                region.as_deref().unwrap_or("us-east-1").to_owned(),
            ),
            (None, Some(region)) if is_bucket(region) => {
                (format!("https://s3.{region}.amazonaws.com"), region.clone())
            }
            (None, region) => {
                let (fr, en) = (
                    "l'adresse du serveur (endpoint) ou, pour AWS, la région",
                    "the address of the server (endpoint) or, for AWS, the region",
                );
                return Err(Refusal::new("region", region.as_deref().unwrap_or_default(), fr, en).into());
            }
        };
        let credentials = options.credentials.provider()?;
        let connector = Connector { credentials: credentials.clone(), region: region.clone() };
        let s3 = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_endpoint(endpoint)
            .with_region(region)
            .with_virtual_hosted_style_request(false)
            .with_credentials(credentials)
            // Buckets that lock objects take nothing without one.
            .with_checksum_algorithm(Checksum::SHA256)
            .with_client_options(client.clone())
            .with_retry(RetryConfig {
                backoff: BackoffConfig::default(),
                max_retries: RETRIES,
                retry_timeout: RETRY,
            })
            .with_http_connector(connector)
            .build()
            .map_err(Error::store(format!("s3://{place}")))?;
        let http = ReqwestConnector::default().connect(&client).map_err(Error::store("TLS"))?;
        Ok(Self { s3, http, prefix })
    }

    pub(super) fn store(&self) -> Store {
        if self.prefix.as_ref().is_empty() {
            return Arc::new(self.s3.clone());
        }
        Arc::new(PrefixStore::new(self.s3.clone(), self.prefix.clone()))
    }

    /// The headers of the object say it, to whoever may know.
    pub(super) async fn lock(&self, path: &str) -> Lock {
        let Ok(path) = Path::parse(path) else { return Lock::Unknown };
        let path: Path = self.prefix.parts().chain(path.parts()).collect();
        let head = GetOptions { head: true, ..GetOptions::default() };
        let Ok(answer) = self.s3.get_opts(&path, head).await else { return Lock::Unknown };
        if let Some(Told(Some(lock))) = answer.extensions.get::<Told>() {
            return *lock;
        }
        match self.ask(&path, "retention").await {
            // There are servers that do not know this question.
            Lock::Unknown => match self.ask(&Path::default(), "object-lock").await {
                Lock::NotLocked => Lock::NotLocked,
                _ => Lock::Unknown,
            },
            lock => lock,
        }
    }

    async fn ask(&self, path: &Path, what: &str) -> Lock {
        self.answer(path, what).await.unwrap_or(Lock::Unknown)
    }

    async fn answer(&self, path: &Path, what: &str) -> Option<Lock> {
        let (status, body) = self.get(path, &[(what, "")], ANSWER).await.ok()?;
        Some(of_retention(status, &body))
    }

    /// What the store's own client has no question for.
    async fn get(&self, path: &Path, query: &[(&str, &str)], most: usize) -> Result<(u16, String), Error> {
        let name = |error: object_store::Error| Error::store(path.as_ref())(error);
        let failed = |error: &dyn std::fmt::Display| {
            name(object_store::Error::Generic { store: "S3", source: error.to_string().into() })
        };
        let options = SignedUrlOptions::new().with_query(query.iter().copied());
        let url = self.s3.signed_url_opts(Method::GET, path, SIGNED, &options).await.map_err(name)?;
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        // Whatever goes wrong from here on, the address is not told: it is signed.
        *request.uri_mut() = url.as_str().parse().map_err(|_| failed(&"not an address"))?;
        let answer = self.http.execute(request).await.map_err(|error| failed(&error))?;
        let status = answer.status().as_u16();
        let mut pieces = answer.into_body().bytes_stream();
        let mut body = Vec::new();
        while let Some(piece) = pieces.next().await {
            body.extend_from_slice(&piece.map_err(|error| failed(&error))?);
            if body.len() > most {
                return Err(failed(&"an answer without end"));
            }
        }
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    /// Of every object whose path begins so the version that was there first: its path in the store, and its id. Also
    /// of those that were deleted since.
    pub(super) async fn first_versions(&self, begin: &str) -> Result<Vec<(Path, String)>, Error> {
        let below = match self.prefix.as_ref() {
            "" => begin.to_owned(),
            prefix => format!("{prefix}/{begin}"),
        };
        let mut first = First::default();
        let mut next = (String::new(), String::new());
        loop {
            let mut query = vec![("versions", ""), ("prefix", below.as_str())];
            if !next.0.is_empty() {
                query.push(("key-marker", &next.0));
            }
            if !next.1.is_empty() {
                query.push(("version-id-marker", &next.1));
            }
            let (status, body) = self.get(&Path::default(), &query, PAGE).await?;
            let page = versions::page(&body).filter(|_| status == 200).ok_or_else(|| {
                let source = format!("status {status}: the versions of objects are not listed").into();
                Error::store(begin)(object_store::Error::Generic { store: "S3", source })
            })?;
            first.take_in(page.versions);
            match page.next {
                Some(other) if other != next => next = other,
                _ => break,
            }
        }
        let inside = |version: Version| {
            let path = Path::parse(version.key).ok()?;
            let inner: Path = path.prefix_match(&self.prefix)?.collect();
            Some((inner, version.id))
        };
        Ok(first.into_versions().filter_map(inside).collect())
    }

    /// None: it is not there. Nothing of what is longer.
    pub(super) async fn version(&self, path: &Path, id: &str, most: u64) -> Result<Option<Bytes>, Error> {
        let path: Path = self.prefix.parts().chain(path.parts()).collect();
        let options = GetOptions { version: Some(id.to_owned()), ..GetOptions::default() };
        let got = match self.s3.get_opts(&path, options).await {
            Ok(got) if got.meta.size > most => Ok(Bytes::new()),
            Ok(got) => got.bytes().await,
            Err(error) => Err(error),
        };
        match got {
            Ok(bytes) => Ok(Some(bytes)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(Error::store(path.as_ref())(error)),
        }
    }
}

fn is_bucket(name: &str) -> bool {
    let fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    (3..=63).contains(&name.len()) && name.bytes().all(fine) && !name.contains("..")
}

fn client(options: &Options) -> Result<ClientOptions, Error> {
    let mut client = ClientOptions::new()
        .with_user_agent(HeaderValue::from_static(concat!("snc-operator/", env!("CARGO_PKG_VERSION"))))
        .with_connect_timeout(CONNECT)
        .with_timeout(REQUEST);
    if let Some(endpoint) = &options.endpoint {
        client = client.with_allow_http(is_plain(endpoint)?);
    }
    if let Some(ca) = &options.ca {
        let refusal = || {
            let (fr, en) =
                ("un fichier lisible de certificats, en PEM", "a readable file of certificates, in PEM");
            Error::from(Refusal::new(ca.display().to_string(), "", fr, en))
        };
        let pem = std::fs::read(ca).map_err(Error::io(ca))?;
        let certificates = Certificate::from_pem_bundle(&pem).map_err(|_| refusal())?;
        if certificates.is_empty() {
            return Err(refusal());
        }
        client = client.with_no_system_certificates(true);
        for certificate in certificates {
            client = client.with_root_certificate(certificate);
        }
    }
    Ok(client)
}

/// Whether it is without TLS, which nobody on the way can read only if there is no way.
fn is_plain(endpoint: &str) -> Result<bool, Error> {
    let refusal = || {
        let (fr, en) = (
            "https://hôte[:port] ; http:// pour cette machine seulement (127.0.0.0/8, [::1], localhost)",
            "https://host[:port]; http:// for this machine only (127.0.0.0/8, [::1], localhost)",
        );
        Error::from(Refusal::new("endpoint", endpoint, fr, en))
    };
    let (plain, rest) = match (endpoint.strip_prefix("https://"), endpoint.strip_prefix("http://")) {
        (Some(rest), _) => (false, rest),
        (None, Some(rest)) => (true, rest),
        (None, None) => return Err(refusal()),
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.is_empty() || authority.contains(['/', '?', '#', '@', ' ', '\\']) {
        return Err(refusal());
    }
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map(|(host, _)| host).ok_or_else(refusal)?,
        None => authority.split(':').next().unwrap_or_default(),
    };
    let here = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    if plain && !here { Err(refusal()) } else { Ok(plain) }
}

const SHA256: &str = "x-amz-checksum-sha256";
const ALGORITHM: &str = "x-amz-sdk-checksum-algorithm";

#[derive(Debug)]
struct Connector {
    credentials: AwsCredentialProvider,
    region: String,
}

/// Between the store and its server.
#[derive(Debug)]
struct Between {
    http: HttpClient,
    credentials: AwsCredentialProvider,
    region: String,
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let http = ReqwestConnector::default().connect(options)?;
        let (credentials, region) = (self.credentials.clone(), self.region.clone());
        Ok(HttpClient::new(Between { http, credentials, region }))
    }
}

impl Between {
    /// A bucket that locks wants to be told which checksum there is, and takes no header that is not signed.
    async fn name_checksum(&self, request: &mut HttpRequest) -> object_store::Result<()> {
        let Some(checksum) = request.headers().get(SHA256) else { return Ok(()) };
        let Ok(digest) = STANDARD.decode(checksum) else { return Ok(()) };
        let credential = self.credentials.get_credential().await?;
        request.headers_mut().insert(ALGORITHM, HeaderValue::from_static("SHA256"));
        request.headers_mut().remove("authorization");
        AwsAuthorizer::new(&credential, "s3", &self.region).try_authorize(request, Some(&digest))
    }
}

impl HttpService for Between {
    fn call<'a, 'b>(&'a self, mut request: HttpRequest) -> BoxFuture<'b, Result<HttpResponse, HttpError>>
    where
        'a: 'b,
    {
        Box::pin(async move {
            let named = self.name_checksum(&mut request).await;
            named.map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
            let mut response = self.http.execute(request).await?;
            // What the headers of the answer say of a lock goes with it.
            let told = Told::by(response.headers());
            response.extensions_mut().insert(told);
            Ok(response)
        })
    }
}

#[cfg(test)]
#[path = "s3_tests.rs"]
mod tests;
