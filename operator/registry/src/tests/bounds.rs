//! A registry that does not stop, or does not begin.

use super::server::{Reply, Server};
use super::signed::Signer;
use super::store::{FORMS, Form, Store, path, signed};
use super::{Bench, QUICK, by};
use crate::{Unknown, Verdict};
use serde_json::json;
use std::time::{Duration, Instant};

const fn unknown(why: Unknown) -> Verdict {
    Verdict::Unknown { why }
}

/// Each thing that is read, in the form that has it.
const PARTS: [(Form, &str); 6] = [
    (Form::Simple, "/manifests/sha256:"),
    (Form::Simple, ".sig"),
    (Form::Simple, "/blobs/"),
    (Form::BundleByPage, "/referrers/"),
    (Form::BundleByPage, "/blobs/"),
    (Form::BundleByTag, "/manifests/sha256-"),
];

async fn when(form: Form, part: &'static str, reply: fn() -> Reply) -> (Verdict, Server, Duration) {
    let signer = Signer::new();
    let (store, image) = signed(&signer, form);
    let server =
        Server::start(
            move |asked| if asked.without_query().contains(part) { reply() } else { store.reply(asked) },
        )
        .await;
    let started = Instant::now();
    let verdict = Bench::quick(&server, &signer).verify(&image).await;
    (verdict, server, started.elapsed())
}

#[tokio::test]
async fn an_endless_body_is_left_alone() {
    for (form, part) in PARTS {
        let (verdict, server, _) = when(form, part, || Reply::Endless).await;
        assert_eq!(verdict, unknown(Unknown::TooLarge), "{part}");
        // What was on its way when the connection was closed counts too.
        assert!(server.sent() < 24 << 20, "{part}: {} bytes", server.sent());
    }
}

#[tokio::test]
async fn a_long_body_is_not_begun() {
    for (form, part) in PARTS {
        let long = || Reply::Raw(b"HTTP/1.1 200 x\r\ncontent-length: 9999999999\r\n\r\n".to_vec());
        assert_eq!(when(form, part, long).await.0, unknown(Unknown::TooLarge), "{part}");
    }
}

#[tokio::test]
async fn a_silent_and_a_slow_answer_end() {
    let replies: [fn() -> Reply; 2] = [|| Reply::Silent, || Reply::Drip];
    let all =
        PARTS.iter().flat_map(|(form, part)| replies.map(|reply| tokio::spawn(when(*form, part, reply))));
    for one in all.collect::<Vec<_>>() {
        let (verdict, _, took) = one.await.unwrap();
        assert_eq!(verdict, unknown(Unknown::TimedOut));
        assert!(took < QUICK * 10, "{took:?}");
    }
}

#[tokio::test]
async fn a_broken_answer_is_none() {
    for (form, part) in PARTS {
        let replies: [fn() -> Reply; 4] = [
            || Reply::Cut,
            || Reply::Raw(Vec::new()),
            || Reply::Raw(b"220 smtp.example ready\r\n".to_vec()),
            || Reply::ok(Vec::new()).with("x-filler", "x".repeat(1 << 20)),
        ];
        for reply in replies {
            assert_eq!(when(form, part, reply).await.0, unknown(Unknown::Unreachable), "{part}");
        }
    }
}

/// All of them together take no longer than one image may.
#[tokio::test]
async fn many_slow_answers_end_too() {
    let signer = Signer::new();
    let mut store = Store::default();
    let image = store.image("app");
    for _ in 0..30 {
        Form::Simple.sign(&mut store, &image, &Signer::new());
    }
    let server = Server::start(move |asked| Reply::Late(QUICK / 2, Box::new(store.reply(asked)))).await;
    let started = Instant::now();
    assert_eq!(Bench::quick(&server, &signer).verify(&image).await, unknown(Unknown::TimedOut));
    assert!(started.elapsed() < QUICK * 15, "{:?}", started.elapsed());
}

#[tokio::test]
async fn more_signatures_than_are_looked_at_leave_it_open() {
    for form in FORMS {
        let (signer, other) = (Signer::new(), Signer::new());
        let mut store = Store::default();
        let image = store.image("app");
        for _ in 0..32 {
            form.sign(&mut store, &image, &other);
        }
        let full = store.clone();
        form.sign(&mut store, &image, &other);
        let server = Server::start(move |asked| full.reply(asked)).await;
        let verdict = Bench::new(&server, &signer).verify(&image).await;
        assert!(matches!(verdict, Verdict::BadSignature { .. }), "{form:?}: {verdict:?}");
        let server = Server::start(move |asked| store.reply(asked)).await;
        assert_eq!(Bench::new(&server, &signer).verify(&image).await, unknown(Unknown::TooMany), "{form:?}");
        assert!(server.asked().len() <= 70, "{}", server.asked().len());
        assert_eq!(by(&Bench::new(&server, &other).verify(&image).await), Some("release"));
    }
}

#[tokio::test]
async fn a_list_of_pages_in_a_circle_ends() {
    let signer = Signer::new();
    let mut store = Store::default();
    let image = store.image("app");
    store
        .pages
        .insert(Store::list(&image, true), json!({ "schemaVersion": 2, "manifests": [] }).to_string().into());
    let next = format!("<{}?again=1>; rel=\"next\"", path(&format!("referrers/{image}")));
    let server = Server::start(move |asked| store.reply(asked).with("link", next.clone())).await;
    assert_eq!(Bench::new(&server, &signer).verify(&image).await, unknown(Unknown::TooMany));
    assert!(server.asked().len() <= 10, "{}", server.asked().len());
}

#[tokio::test]
async fn a_list_goes_over_several_pages() {
    let signer = Signer::new();
    let (store, image) = signed(&signer, Form::BundleByPage);
    let empty = json!({ "schemaVersion": 2, "manifests": [] }).to_string().into_bytes();
    let server = Server::start(move |asked| match asked.path.split_once('?') {
        Some((_, query)) if !query.contains("page") => {
            Reply::ok(empty.clone()).with("link", "<?page=2>; rel=\"next\"")
        }
        _ => store.reply(asked),
    })
    .await;
    assert_eq!(by(&Bench::new(&server, &signer).verify(&image).await), Some("release"));
}

#[tokio::test]
async fn a_registry_is_asked_about_few_images_at_a_time() {
    let signer = Signer::new();
    let mut store = Store::default();
    let images: Vec<_> = (0..100).map(|at| store.image(&at.to_string())).collect();
    let server =
        Server::start(move |asked| Reply::Late(Duration::from_millis(100), Box::new(store.reply(asked))))
            .await;
    let bench = Bench::new(&server, &signer);
    let verdicts = images.iter().map(|image| {
        let (verifier, reference) = (bench.verifier.clone(), bench.reference("shop/app", image));
        tokio::spawn(async move { verifier.verify(&reference).await.unwrap() })
    });
    let mut busy = 0;
    for verdict in verdicts.collect::<Vec<_>>() {
        match verdict.await.unwrap() {
            Verdict::Unknown { why: Unknown::Busy } => busy += 1,
            verdict => assert_eq!(verdict, Verdict::NotSigned),
        }
    }
    assert!((1..=100 - 72).contains(&busy), "{busy}");
    assert!(server.most_open() <= 8, "{}", server.most_open());
    assert_eq!(bench.verify(&images[99]).await, Verdict::NotSigned, "who was turned away may ask again");
}
