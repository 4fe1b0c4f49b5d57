//! What is remembered, and what is said while a registry is down.

use super::server::{Reply, Server};
use super::signed::Signer;
use super::store::{FORMS, Form, Store, signed};
use super::{Bench, QUICK, START, by, declared};
use crate::{Refused, Registries, Unknown, Verdict};
use jiff::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const HOUR: i64 = 3600;

#[tokio::test]
async fn a_good_verdict_is_remembered_and_says_its_age_when_the_registry_is_down() {
    for form in FORMS {
        let signer = Signer::new();
        let (store, image) = signed(&signer, form);
        let mut server = Server::start(move |asked| store.reply(asked)).await;
        let bench = Bench::new(&server, &signer);
        let first = bench.verify(&image).await;
        let asked = server.asked().len();
        bench.watch.forward(HOUR - 1);
        assert_eq!(bench.verify(&image).await, first);
        assert_eq!(server.asked().len(), asked, "it was remembered");
        bench.watch.forward(1);
        assert_eq!(by(&bench.verify(&image).await), Some("release"));
        assert!(server.asked().len() > asked, "an hour later it was asked again");

        server.stop().await;
        bench.watch.forward(HOUR);
        let expected = Verdict::Verified {
            key: "release".to_owned(),
            digest: image.clone(),
            at: Timestamp::from_second(START + HOUR).unwrap(),
            unconfirmed: Some(Unknown::Unreachable),
        };
        assert_eq!(bench.verify(&image).await, expected);
        bench.watch.forward(22 * HOUR);
        assert_eq!(bench.verify(&image).await, expected);
        bench.watch.forward(HOUR);
        assert_eq!(bench.verify(&image).await, Verdict::Unknown { why: Unknown::Unreachable });
    }
}

#[tokio::test]
async fn a_registry_that_was_never_up_verifies_nothing() {
    let signer = Signer::new();
    let (store, image) = signed(&signer, Form::Simple);
    let mut server = Server::start(move |asked| store.reply(asked)).await;
    server.stop().await;
    let bench = Bench::new(&server, &signer);
    assert_eq!(bench.verify(&image).await, Verdict::Unknown { why: Unknown::Unreachable });
}

#[tokio::test]
async fn a_registry_that_comes_back_is_asked_soon() {
    let signer = Signer::new();
    let (store, image) = signed(&signer, Form::Simple);
    let up = Arc::new(AtomicBool::new(false));
    let is_up = up.clone();
    let server =
        Server::start(
            move |asked| {
                if is_up.load(Ordering::SeqCst) { store.reply(asked) } else { Reply::status(503) }
            },
        )
        .await;
    let bench = Bench::new(&server, &signer);
    let down = Verdict::Unknown { why: Unknown::Status(503) };
    assert_eq!(bench.verify(&image).await, down);
    up.store(true, Ordering::SeqCst);
    assert_eq!(bench.verify(&image).await, down);
    bench.watch.forward(10);
    assert_eq!(by(&bench.verify(&image).await), Some("release"));
}

#[tokio::test]
async fn a_signature_that_is_made_later_is_seen_after_a_minute() {
    let signer = Signer::new();
    let mut store = Store::default();
    let image = store.image("app");
    let before = store.clone();
    Form::BundleByTag.sign(&mut store, &image, &signer);
    let made = Arc::new(AtomicBool::new(false));
    let is_made = made.clone();
    let server =
        Server::start(
            move |asked| {
                if is_made.load(Ordering::SeqCst) { store.reply(asked) } else { before.reply(asked) }
            },
        )
        .await;
    let bench = Bench::new(&server, &signer);
    assert_eq!(bench.verify(&image).await, Verdict::NotSigned);
    made.store(true, Ordering::SeqCst);
    bench.watch.forward(59);
    assert_eq!(bench.verify(&image).await, Verdict::NotSigned);
    bench.watch.forward(1);
    assert_eq!(by(&bench.verify(&image).await), Some("release"));
}

#[tokio::test]
async fn a_key_that_is_taken_out_verifies_nothing_from_then_on() {
    let signer = Signer::new();
    let (store, image) = signed(&signer, Form::Simple);
    let mut server = Server::start(move |asked| store.reply(asked)).await;
    let bench = Bench::new(&server, &signer);
    assert_eq!(by(&bench.verify(&image).await), Some("release"));
    let other = [declared(&server, &Signer::new())];
    bench.verifier.declare(Registries::read("registries", &other).unwrap());
    assert_eq!(bench.verify(&image).await, Verdict::BadSignature { why: Refused::NoKeyMatches });
    server.stop().await;
    bench.watch.forward(HOUR);
    assert_eq!(bench.verify(&image).await, Verdict::Unknown { why: Unknown::Unreachable });
    bench.verifier.declare(Registries::read("registries", &[]).unwrap());
    assert_eq!(bench.verify(&image).await, Verdict::NotDeclared);
}

#[tokio::test]
async fn who_asks_at_once_is_answered_by_one_question() {
    let signer = Signer::new();
    let (store, image) = signed(&signer, Form::Simple);
    let late = QUICK / 4;
    let server = Server::start(move |asked| Reply::Late(late, Box::new(store.reply(asked)))).await;
    let bench = Bench::new(&server, &signer);
    let askers: Vec<_> = (0..200)
        .map(|_| {
            let (verifier, reference) = (bench.verifier.clone(), bench.reference("shop/app", &image));
            tokio::spawn(async move { verifier.verify(&reference).await.unwrap() })
        })
        .collect();
    for asker in askers {
        assert_eq!(by(&asker.await.unwrap()), Some("release"));
    }
    assert_eq!(server.asked().len(), 3, "the image, the tag, the payload");
}

#[tokio::test]
async fn an_asker_that_leaves_does_not_end_the_question() {
    let signer = Signer::new();
    let (store, image) = signed(&signer, Form::Simple);
    let late = QUICK / 4;
    let server = Server::start(move |asked| Reply::Late(late, Box::new(store.reply(asked)))).await;
    let bench = Bench::new(&server, &signer);
    let reference = bench.reference("shop/app", &image);
    let left = tokio::time::timeout(Duration::from_millis(20), bench.verifier.verify(&reference)).await;
    assert!(left.is_err());
    assert_eq!(by(&bench.verify(&image).await), Some("release"));
    assert_eq!(server.asked().len(), 3);
}
