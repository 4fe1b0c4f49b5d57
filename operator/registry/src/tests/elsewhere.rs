//! A registry that points to other servers, and wants the credentials to go there.

use super::server::{Asked, Reply, Server};
use super::signed::Signer;
use super::store::{Form, Store, signed};
use super::{Bench, by, credentials, declared};
use crate::{Declared, Unknown, Verdict};
use snc_core::image::Digest;

const fn unknown(why: Unknown) -> Verdict {
    Verdict::Unknown { why }
}

/// A server to be pointed to, and a registry that answers by `reply` and the other's address.
struct Two {
    other: Server,
    server: Server,
    bench: Bench,
    image: Digest,
}

impl Two {
    async fn new(reply: impl Fn(&Asked, &Store, &str) -> Reply + Send + Sync + 'static) -> Self {
        let signer = Signer::new();
        let (store, image) = signed(&signer, Form::BundleByPage);
        let same = store.clone();
        let other = Server::start(move |asked| same.reply(asked)).await;
        let address = other.address();
        let server = Server::start(move |asked| reply(asked, &store, &address)).await;
        // The other's certificate would be believed.
        let both = format!("{}{}", server.ca, other.ca);
        let declared =
            Declared { ca: Some(both), credentials: Some(credentials()), ..declared(&server, &signer) };
        Self { other, server, bench: Bench::of(declared), image }
    }

    async fn expect(&self, why: Unknown) {
        assert_eq!(self.bench.verify(&self.image).await, unknown(why));
        assert_eq!(self.other.connections(), 0);
        assert!(self.server.asked().len() < 20, "{}", self.server.asked().len());
    }
}

#[tokio::test]
async fn no_redirect_leaves_the_registry() {
    for status in [301, 302, 303, 307, 308] {
        for part in ["/manifests/", "/referrers/", "/blobs/"] {
            let two = Two::new(move |asked, store, other| {
                if asked.without_query().contains(part) {
                    return Reply::status(status).with("location", format!("https://{other}{}", asked.path));
                }
                store.reply(asked)
            });
            two.await.expect(Unknown::RedirectElsewhere).await;
        }
    }
}

#[tokio::test]
async fn nor_does_one_to_another_scheme_or_to_nowhere() {
    for target in [
        "http://{}/v2/",
        "//{}/v2/",
        "https://user@{}/",
        "file:///etc/passwd",
        "",
        "https://[::1/",
        "ftp://{}",
    ] {
        let two =
            Two::new(move |_, _, other| Reply::status(307).with("location", target.replace("{}", other)));
        two.await.expect(Unknown::RedirectElsewhere).await;
    }
    Two::new(|_, _, _| Reply::status(307)).await.expect(Unknown::RedirectElsewhere).await;
}

#[tokio::test]
async fn within_the_registry_a_few_redirects_are_followed() {
    let two = Two::new(|asked, store, _| match asked.path.strip_prefix("/moved") {
        Some(path) => store.reply(&Asked { path: path.to_owned(), ..asked.clone() }),
        None => Reply::status(307).with("location", format!("/moved{}", asked.path)),
    });
    let two = two.await;
    assert_eq!(by(&two.bench.verify(&two.image).await), Some("release"));
    let circle = Two::new(|asked, _, _| Reply::status(307).with("location", asked.path.clone())).await;
    circle.expect(Unknown::Status(307)).await;
}

#[tokio::test]
async fn no_list_goes_on_elsewhere() {
    let two = Two::new(|asked, store, other| {
        let reply = store.reply(asked);
        if asked.path.contains("/referrers/") {
            return reply.with("link", format!("<https://{other}{}>; rel=\"next\"", asked.path));
        }
        reply
    });
    two.await.expect(Unknown::RedirectElsewhere).await;
}

#[tokio::test]
async fn credentials_go_nowhere_else() {
    for realm in [
        "https://{}/token",
        "http://{}/token",
        "https://127.0.0.1@{}/token",
        "//{}/token",
        "/token",
        "https://127.0.0.1/token",
        "gopher://{}",
        "",
    ] {
        let two = Two::new(move |_, _, other| {
            let challenge = format!("Bearer realm=\"{}\",service=\"s\"", realm.replace("{}", other));
            Reply::status(401).with("www-authenticate", challenge)
        });
        let two = two.await;
        two.expect(Unknown::RealmElsewhere).await;
        assert!(two.server.asked().iter().all(|asked| asked.authorization.is_none()), "{realm}");
    }
}

#[tokio::test]
async fn whoever_is_never_content_gets_two_tries() {
    let two = Two::new(|_, _, _| Reply::status(401).with("www-authenticate", "Basic realm=x")).await;
    two.expect(Unknown::AccessDenied).await;
    assert_eq!(two.server.asked().len(), 2);
    let two = Two::new(|_, _, _| Reply::status(401)).await;
    two.expect(Unknown::AccessDenied).await;
    assert_eq!(two.server.asked().len(), 1);
}

/// A declared server gives the token, gets the credentials, and sees nothing of the rest.
#[tokio::test]
async fn a_declared_token_server_may_ask() {
    let signer = Signer::new();
    let (store, image) = signed(&signer, Form::Simple);
    let login = Server::start(|asked| {
        let good = asked.authorization.as_deref() == Some("Basic cmVhZGVyOmEgc2VjcmV0");
        if good { Reply::ok(br#"{"access_token":"t"}"#.to_vec()) } else { Reply::status(401) }
    })
    .await;
    let address = login.address();
    let server = Server::start(move |asked| {
        if asked.authorization.as_deref() == Some("Bearer t") {
            return store.reply(asked);
        }
        Reply::status(401).with("www-authenticate", format!("Bearer realm=\"https://{address}/token\""))
    })
    .await;
    let mut declared = Declared {
        ca: Some(format!("{}{}", server.ca, login.ca)),
        credentials: Some(credentials()),
        token_server: Some(login.address()),
        ..declared(&server, &signer)
    };
    assert_eq!(by(&Bench::of(declared.clone()).verify(&image).await), Some("release"));
    assert_eq!(login.asked().len(), 1);
    assert!(
        server.asked().iter().all(|asked| asked.authorization.as_deref().is_none_or(|a| a == "Bearer t"))
    );
    declared.credentials.as_mut().unwrap().password = "wrong".to_owned();
    assert_eq!(Bench::of(declared).verify(&image).await, unknown(Unknown::AccessDenied));
}

#[tokio::test]
async fn an_answer_of_the_token_server_is_bounded_and_goes_nowhere() {
    type Answer = fn(&str) -> Reply;
    let replies: [(Answer, Unknown); 4] = [
        (|_| Reply::Endless, Unknown::TooLarge),
        (|_| Reply::ok(b"<html>".to_vec()), Unknown::Malformed),
        (|_| Reply::status(500), Unknown::Status(500)),
        (
            |other| Reply::status(307).with("location", format!("https://{other}/")),
            Unknown::RedirectElsewhere,
        ),
    ];
    for (reply, why) in replies {
        let two = Two::new(move |asked, _, other| {
            if asked.path.starts_with("/token") {
                return reply(other);
            }
            let own = asked.host.clone();
            Reply::status(401).with("www-authenticate", format!("Bearer realm=\"https://{own}/token\""))
        });
        two.await.expect(why).await;
    }
}
