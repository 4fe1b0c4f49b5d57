use super::forwarding::Running;
use super::receiver::{Authority, NAME, Receiver};
use super::{Journal, eventually, settings, target};
use crate::{Files, Forwarder, Target};
use std::sync::Arc;
use tempfile::TempDir;

fn journal() -> Arc<Journal> {
    Arc::new(Journal::with(["{\"a\":1}".to_owned()]))
}

/// Why nothing was sent, once that is sure.
async fn refusal(receiver: &Receiver, target: Target) -> String {
    let place = TempDir::new().unwrap();
    let running = Running::of(Forwarder::new(target, settings(&place), journal()).unwrap());
    eventually("three failures", || running.now().failures >= 3).await;
    let progress = running.now();
    assert_eq!((progress.through, receiver.seen.all().len()), (0, 0));
    running.stop().await;
    progress.error.unwrap_or_default()
}

#[tokio::test]
async fn a_receiver_of_another_authority_or_of_another_name_gets_nothing() {
    let receiver = Receiver::start().await;
    let address = receiver.address.to_string();
    let other = receiver.file("other.crt", &Authority::new().pem());
    let target = Target::new(&address, Some(NAME), Files { ca: other, client: None }).unwrap();
    let why = refusal(&receiver, target).await;
    assert!(why.contains("certificate"), "{why}");

    let files = Files { ca: receiver.ca.clone(), client: None };
    let why = refusal(&receiver, Target::new(&address, Some("elsewhere.test"), files.clone()).unwrap()).await;
    assert!(why.contains("certificate"), "{why}");
    // Without a name it is the host, for which this certificate is not.
    let why = refusal(&receiver, Target::new(&address, None, files).unwrap()).await;
    assert!(why.contains("certificate"), "{why}");
}

#[tokio::test]
async fn a_receiver_that_asks_for_a_certificate_gets_ours_and_refuses_others() {
    let clients = Authority::new();
    let receiver = Receiver::asking_for(&clients).await;
    // In TLS 1.3 a client learns only after its handshake that it is refused: nothing may count as delivered by then.
    let why = refusal(&receiver, target(&receiver)).await;
    assert!(!why.is_empty());

    let with = |authority: &Authority| {
        let (certificate, key) = authority.leaf("sink.test");
        let client = Some((receiver.file("tls.crt", &certificate), receiver.file("tls.key", &key)));
        Files { ca: receiver.ca.clone(), client }
    };
    let address = receiver.address.to_string();
    let why = refusal(&receiver, Target::new(&address, Some(NAME), with(&Authority::new())).unwrap()).await;
    assert!(!why.is_empty());

    let place = TempDir::new().unwrap();
    let target = Target::new(&address, Some(NAME), with(&Authority::new())).unwrap();
    let running = Running::of(Forwarder::new(target, settings(&place), journal()).unwrap());
    eventually("a failure", || running.now().failures >= 1).await;
    // The files are replaced: the next connection has the new ones.
    with(&clients);
    eventually("settled", || running.now().through == 1).await;
    running.stop().await;
}

#[tokio::test]
async fn files_that_do_not_belong_together_are_refused_at_once_and_no_key_is_quoted() {
    let receiver = Receiver::start().await;
    let (certificate, _) = Authority::new().leaf("sink.test");
    let (_, key) = Authority::new().leaf("sink.test");
    let certificate = receiver.file("tls.crt", &certificate);
    for key in [key.as_str(), "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n", ""] {
        let client = Some((certificate.clone(), receiver.file("tls.key", key)));
        let files = Files { ca: receiver.ca.clone(), client };
        let refusal = Target::new("127.0.0.1:1", Some(NAME), files).unwrap_err();
        assert_eq!(refusal.path, "clientKey");
        assert!(!format!("{refusal:?}").contains("c2VjcmV0"));
    }
}
