//! A registry that serves something else than was asked for.

use super::server::{Asked, Reply, Server};
use super::signed::Signer;
use super::store::{FORMS, Form, Store, path, sha256, signed};
use super::{Bench, by, declared};
use crate::{Declared, Refused, Unknown, Verdict};
use serde_json::json;
use std::sync::Arc;

const fn unknown(why: Unknown) -> Verdict {
    Verdict::Unknown { why }
}

/// The signed image under the digest of another one: the digest is computed here, whatever the registry says it is.
#[tokio::test]
async fn another_manifest_under_the_digest_is_no_answer() {
    for form in FORMS {
        let signer = Signer::new();
        let (mut store, image) = signed(&signer, form);
        let evil = store.image("evil");
        form.sign_as(&mut store, &evil, &signer, &image);
        let good = store.pages[&path(&format!("manifests/{image}"))].clone();
        let asked_for = path(&format!("manifests/{evil}"));
        let server = Server::start(move |asked| {
            if asked.path == asked_for {
                return Reply::ok(good.clone()).with("docker-content-digest", evil.to_string());
            }
            store.reply(asked)
        })
        .await;
        let evil = sha256(
            json!({ "schemaVersion": 2, "layers": [], "annotations": { "name": "evil" } })
                .to_string()
                .as_bytes(),
        );
        let bench = Bench::new(&server, &signer);
        assert_eq!(bench.verify(&evil).await, unknown(Unknown::WrongDigest), "{form:?}");
        assert_eq!(by(&bench.verify(&image).await), Some("release"));
    }
}

/// A true signature of one image laid beside another.
#[tokio::test]
async fn a_signature_of_another_image_does_not_count() {
    for form in FORMS {
        let signer = Signer::new();
        let (mut store, image) = signed(&signer, form);
        let evil = store.image("evil");
        form.sign_as(&mut store, &evil, &signer, &image);
        let server = Server::start(move |asked| store.reply(asked)).await;
        let verdict = Bench::new(&server, &signer).verify(&evil).await;
        assert_eq!(verdict, Verdict::BadSignature { why: Refused::OtherDigest }, "{form:?}");
    }
}

/// Whatever a header says the digest is.
#[tokio::test]
async fn headers_about_digests_are_not_read() {
    let signer = Signer::new();
    let (store, image) = signed(&signer, Form::Simple);
    let server =
        Server::start(move |asked| store.reply(asked).with("docker-content-digest", "sha256:00")).await;
    assert_eq!(by(&Bench::new(&server, &signer).verify(&image).await), Some("release"));
}

async fn with(
    form: Form,
    change: impl Fn(&Asked, &Store) -> Option<Reply> + Send + Sync + 'static,
) -> Verdict {
    let signer = Signer::new();
    let (store, image) = signed(&signer, form);
    let server =
        Server::start(move |asked| change(asked, &store).unwrap_or_else(|| store.reply(asked))).await;
    Bench::new(&server, &signer).verify(&image).await
}

#[tokio::test]
async fn other_blobs_than_those_listed_are_no_answer() {
    for form in FORMS {
        let verdict =
            with(form, |asked, _| asked.path.contains("/blobs/").then(|| Reply::ok(b"{}".to_vec())));
        assert_eq!(verdict.await, unknown(Unknown::WrongDigest), "{form:?}");
        let verdict = with(form, |asked, _| asked.path.contains("/blobs/").then(|| Reply::status(404)));
        assert_eq!(verdict.await, unknown(Unknown::Status(404)), "{form:?}");
    }
}

#[tokio::test]
async fn a_page_of_a_proxy_is_not_an_empty_list() {
    let page = || Reply::ok(b"<html>please log in</html>".to_vec());
    let tag = with(Form::BundleByPage, move |asked, _| asked.without_query().contains(".sig").then(page));
    assert_eq!(by(&tag.await), Some("release"), "it is signed in the other form");
    let tag = with(Form::Simple, move |asked, _| asked.without_query().contains(".sig").then(page));
    assert_eq!(tag.await, unknown(Unknown::Malformed));
    let list = with(Form::BundleByPage, move |asked, _| asked.path.contains("/referrers/").then(page));
    assert_eq!(list.await, unknown(Unknown::Malformed));
    let all = with(Form::Simple, move |_, _| Some(page()));
    assert_eq!(all.await, unknown(Unknown::WrongDigest));
}

#[tokio::test]
async fn what_refers_to_another_image_is_no_answer() {
    let signer = Signer::new();
    let (mut store, image) = signed(&signer, Form::BundleByPage);
    let evil = store.image("evil");
    let list = store.pages[&Store::list(&image, true)].clone();
    store.pages.insert(Store::list(&evil, true), list);
    let server = Server::start(move |asked| store.reply(asked)).await;
    assert_eq!(Bench::new(&server, &signer).verify(&evil).await, unknown(Unknown::Malformed));
}

#[tokio::test]
async fn every_status_but_ok_and_absence_leaves_it_open() {
    for status in [204, 206, 304, 400, 405, 418, 429, 500, 503] {
        for part in [".sig", "/referrers/", "/blobs/"] {
            let expected = if status == 304 { Unknown::RedirectElsewhere } else { Unknown::Status(status) };
            let form = if part == ".sig" { Form::Simple } else { Form::BundleByPage };
            let verdict = with(form, move |asked, _| {
                asked.without_query().contains(part).then(|| Reply::status(status))
            });
            assert_eq!(verdict.await, unknown(expected), "{status} {part}");
        }
    }
    for status in [401, 403] {
        let verdict = with(Form::Simple, move |asked, _| {
            asked.without_query().contains(".sig").then(|| Reply::status(status))
        });
        assert_eq!(verdict.await, unknown(Unknown::AccessDenied));
    }
    let verdict = with(Form::Simple, |_, _| Some(Reply::status(404)));
    assert_eq!(verdict.await, unknown(Unknown::NoImage));
}

#[tokio::test]
async fn a_certificate_of_anybody_else_is_not_believed() {
    let signer = Signer::new();
    let (store, image) = signed(&signer, Form::Simple);
    let same = store.clone();
    let server = Server::start(move |asked| store.reply(asked)).await;
    let other = Server::named("other.example", Arc::new(move |asked: &Asked| same.reply(asked))).await;
    let wrong = Declared { ca: Some(other.ca.clone()), ..declared(&server, &signer) };
    assert_eq!(Bench::of(wrong).verify(&image).await, unknown(Unknown::Untrusted));
    assert_eq!(Bench::new(&other, &signer).verify(&image).await, unknown(Unknown::Untrusted), "another name");
    let system = Declared { ca: None, ..declared(&server, &signer) };
    if crate::Registries::read("registries", std::slice::from_ref(&system)).is_ok() {
        assert_eq!(Bench::of(system).verify(&image).await, unknown(Unknown::Untrusted));
    }
    assert!(server.asked().is_empty() && other.asked().is_empty(), "nothing was said");
}

#[tokio::test]
async fn without_tls_nothing_is_said() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let plain = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = vec![0; 4];
        stream.read_exact(&mut heard).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
        heard
    });
    let signer = Signer::new();
    let (_, image) = signed(&signer, Form::Simple);
    let server = Server::start(|_| Reply::Silent).await;
    let bench = Bench::of(Declared { place: format!("127.0.0.1:{port}"), ..declared(&server, &signer) });
    assert_eq!(bench.verify(&image).await, unknown(Unknown::Unreachable));
    let heard = plain.await.unwrap();
    assert_eq!(heard[..2], [0x16, 0x03], "a handshake, not a request");
}
