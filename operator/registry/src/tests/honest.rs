//! A registry that does what it should.

use super::server::{Reply, Server};
use super::signed::Signer;
use super::store::{FORMS, Form, Store, path, signed};
use super::{Bench, START, by, credentials, declared};
use crate::{Declared, NeedsDigest, Refused, Registries, Unknown, Verdict};
use jiff::Timestamp;
use snc_core::image::Reference;

#[tokio::test]
async fn a_signed_image_verifies_in_each_form() {
    for form in FORMS {
        let signer = Signer::new();
        let (store, image) = signed(&signer, form);
        let server = Server::start(move |asked| store.reply(asked)).await;
        let verdict = Bench::new(&server, &signer).verify(&image).await;
        let expected = Verdict::Verified {
            key: "release".to_owned(),
            digest: image,
            at: Timestamp::from_second(START).unwrap(),
            unconfirmed: None,
        };
        assert_eq!(verdict, expected, "{form:?}");
    }
}

#[tokio::test]
async fn without_a_signature_it_is_not_signed() {
    let mut store = Store::default();
    let image = store.image("app");
    let server = Server::start(move |asked| store.reply(asked)).await;
    assert_eq!(Bench::new(&server, &Signer::new()).verify(&image).await, Verdict::NotSigned);
}

/// As `cosign copy` leaves a repository: the tag of a list may hold the image itself.
#[tokio::test]
async fn an_image_in_the_place_of_its_list_refers_to_nothing() {
    let signer = Signer::new();
    let mut store = Store::default();
    let image = store.image("app");
    let other = store.image("other");
    for (held, expected) in
        [(&image, Verdict::NotSigned), (&other, Verdict::Unknown { why: Unknown::Malformed })]
    {
        let mut store = store.clone();
        let manifest = store.pages[&path(&format!("manifests/{held}"))].clone();
        store.pages.insert(Store::list(&image, false), manifest);
        let server = Server::start(move |asked| store.reply(asked)).await;
        assert_eq!(Bench::new(&server, &signer).verify(&image).await, expected);
    }
}

#[tokio::test]
async fn another_key_does_not_do() {
    for form in FORMS {
        let (store, image) = signed(&Signer::new(), form);
        let server = Server::start(move |asked| store.reply(asked)).await;
        let verdict = Bench::new(&server, &Signer::new()).verify(&image).await;
        assert_eq!(verdict, Verdict::BadSignature { why: Refused::NoKeyMatches }, "{form:?}");
    }
}

/// cosign signs what it was told to: an index does not vouch for its images, nor one of them for the index.
#[tokio::test]
async fn an_index_and_its_images_are_signed_each() {
    for form in FORMS {
        let signer = Signer::new();
        let mut store = Store::default();
        let (one, two) = (store.image("amd64"), store.image("arm64"));
        let index = store.index(&[&one, &two]);
        form.sign(&mut store, &one, &signer);
        let before = store.clone();
        form.sign(&mut store, &index, &signer);
        let server = Server::start(move |asked| before.reply(asked)).await;
        let bench = Bench::new(&server, &signer);
        assert_eq!(by(&bench.verify(&one).await), Some("release"));
        assert_eq!(bench.verify(&index).await, Verdict::NotSigned, "{form:?}");
        let server = Server::start(move |asked| store.reply(asked)).await;
        let bench = Bench::new(&server, &signer);
        assert_eq!(by(&bench.verify(&index).await), Some("release"));
        assert_eq!(bench.verify(&two).await, Verdict::NotSigned, "{form:?}");
    }
}

#[tokio::test]
async fn a_good_one_among_others_is_enough() {
    let signer = Signer::new();
    let mut store = Store::default();
    let image = store.image("app");
    for _ in 0..3 {
        Form::Simple.sign(&mut store, &image, &Signer::new());
        Form::BundleByTag.sign(&mut store, &image, &Signer::new());
    }
    Form::BundleByTag.sign(&mut store, &image, &signer);
    let server = Server::start(move |asked| store.reply(asked)).await;
    assert_eq!(by(&Bench::new(&server, &signer).verify(&image).await), Some("release"));
}

/// What is checked is what is pulled, whatever the tag is made to mean in between: it is not even asked about.
#[tokio::test]
async fn tags_are_never_asked_about() {
    let signer = Signer::new();
    let (mut store, image) = signed(&signer, Form::BundleByPage);
    let other = store.image("other");
    let swapped = store.pages[&path(&format!("manifests/{other}"))].clone();
    store.pages.insert(path("manifests/v1"), swapped);
    let server = Server::start(move |asked| store.reply(asked)).await;
    let bench = Bench::new(&server, &signer);
    let place = &bench.place;
    let named = |text: String| Reference::parse(&text).unwrap();
    let tagged = named(format!("{place}/shop/app:v1@{image}"));
    assert_eq!(by(&bench.verifier.verify(&tagged).await.unwrap()), Some("release"));
    let other = named(format!("{place}/shop/app:v1@{other}"));
    assert_eq!(bench.verifier.verify(&other).await, Ok(Verdict::NotSigned));
    for bare in
        [format!("{place}/shop/app:v1"), format!("{place}/shop/app"), "elsewhere.example/x".to_owned()]
    {
        assert_eq!(bench.verifier.verify(&named(bare)).await, Err(NeedsDigest));
    }

    assert!(!server.asked().iter().any(|asked| asked.path.ends_with("/manifests/v1")));
}

#[tokio::test]
async fn a_registry_that_was_not_declared_is_not_asked() {
    let signer = Signer::new();
    let (store, image) = signed(&signer, Form::Simple);
    let server = Server::start(move |asked| store.reply(asked)).await;
    let declared = Declared { place: format!("{}/shop", server.address()), ..declared(&server, &signer) };
    let bench = Bench::of(declared);
    let host = server.address();
    let elsewhere = [
        format!("{host}/shopping/app"),
        format!("{host}/other/app"),
        format!("localhost:{}/shop/app", server.port),
        "docker.io/library/nginx".to_owned(),
        "169.254.169.254/shop/app".to_owned(),
        "kubernetes.default.svc/shop/app".to_owned(),
    ];
    for name in elsewhere {
        let reference = Reference::parse(&format!("{name}@{image}")).unwrap();
        assert_eq!(bench.verifier.verify(&reference).await, Ok(Verdict::NotDeclared), "{name}");
    }
    assert_eq!(server.connections(), 0);
    let reference = Reference::parse(&format!("{host}/shop/app@{image}")).unwrap();
    assert_eq!(by(&bench.verifier.verify(&reference).await.unwrap()), Some("release"));
}

#[tokio::test]
async fn the_longest_place_says_which_keys_count() {
    let (whole, folder) = (Signer::new(), Signer::new());
    let (store, image) = signed(&whole, Form::Simple);
    let server = Server::start(move |asked| store.reply(asked)).await;
    let all = declared(&server, &whole);
    let shop = Declared { place: format!("{}/shop", server.address()), ..declared(&server, &folder) };
    let bench = Bench::of(all.clone());
    assert_eq!(by(&bench.verify(&image).await), Some("release"));
    for order in [[all.clone(), shop.clone()], [shop, all]] {
        bench.verifier.declare(Registries::read("registries", &order).unwrap());
        assert_eq!(bench.verify(&image).await, Verdict::BadSignature { why: Refused::NoKeyMatches });
    }
}

#[tokio::test]
async fn a_password_is_given_when_it_is_asked_for() {
    let signer = Signer::new();
    let (store, image) = signed(&signer, Form::Simple);
    let server = Server::start(move |asked| match asked.authorization.as_deref() {
        Some("Basic cmVhZGVyOmEgc2VjcmV0") => store.reply(asked),
        _ => Reply::status(401).with("www-authenticate", "Basic realm=\"snc\""),
    })
    .await;
    let good = Declared { credentials: Some(credentials()), ..declared(&server, &signer) };
    assert_eq!(by(&Bench::of(good.clone()).verify(&image).await), Some("release"));
    let first = &server.asked()[0];
    assert_eq!(first.authorization, None, "not before somebody asked");
    let mut wrong = good.clone();
    wrong.credentials.as_mut().unwrap().password = "another".to_owned();
    let denied = Verdict::Unknown { why: Unknown::AccessDenied };
    assert_eq!(Bench::of(wrong).verify(&image).await, denied);
    assert_eq!(Bench::of(Declared { credentials: None, ..good }).verify(&image).await, denied);
}

/// One token for all questions about a repository, and only to pull from it, whatever the registry wants.
#[tokio::test]
async fn a_token_is_asked_for_where_the_platform_allows() {
    let signer = Signer::new();
    let (store, image) = signed(&signer, Form::BundleByTag);
    let server = Server::start(move |asked| {
        if asked.path.starts_with("/token?") {
            let good = asked.authorization.as_deref() == Some("Basic cmVhZGVyOmEgc2VjcmV0")
                && asked.path == "/token?service=the%20registry&scope=repository%3Ashop%2Fapp%3Apull";
            return if good { Reply::ok(br#"{"token":"t0ken"}"#.to_vec()) } else { Reply::status(401) };
        }
        if asked.authorization.as_deref() == Some("Bearer t0ken") {
            return store.reply(asked);
        }
        let realm = format!("https://{}/token", asked.host);
        let challenge =
            format!("Bearer realm=\"{realm}\",service=\"the registry\",scope=\"repository:x:push\"");
        Reply::status(401).with("www-authenticate", challenge)
    })
    .await;
    let declared = Declared { credentials: Some(credentials()), ..declared(&server, &signer) };
    assert_eq!(by(&Bench::of(declared).verify(&image).await), Some("release"));
    let tokens = server.asked().iter().filter(|asked| asked.path.starts_with("/token")).count();
    assert_eq!(tokens, 1);
}

#[test]
fn a_password_is_not_in_what_is_printed() {
    let declared = Declared {
        place: "r.example".to_owned(),
        ca: None,
        credentials: Some(credentials()),
        token_server: None,
        keys: Vec::new(),
    };
    assert!(!format!("{declared:?}").contains("secret"));
}
