use super::*;
use crate::Credentials;
use rstest::rstest;
use std::path::PathBuf;

fn options(dir: &std::path::Path, endpoint: Option<&str>) -> Options {
    let [key_id, secret] = ["id", "secret"].map(|name| dir.join(name));
    std::fs::write(&key_id, "id").unwrap();
    std::fs::write(&secret, "secret").unwrap();
    Options {
        endpoint: endpoint.map(str::to_owned),
        region: None,
        credentials: Credentials::Files { key_id, secret, token: None },
        ca: None,
    }
}

#[rstest]
#[case("https://s3.example:9000", true)]
#[case("https://s3.example/", true)]
#[case("http://127.0.0.1:9000", true)]
#[case("http://127.8.8.8", true)]
#[case("http://[::1]:9000", true)]
#[case("http://localhost:9000", true)]
#[case("http://s3.example", false)]
#[case("http://10.0.0.1:9000", false)]
#[case("http://127.0.0.1.example", false)]
#[case("http://localhost@s3.example", false)]
#[case("https://s3.example/bucket", false)]
#[case("ftp://127.0.0.1", false)]
#[case("127.0.0.1:9000", false)]
#[case("", false)]
fn without_tls_only_this_machine(#[case] endpoint: &str, #[case] fine: bool) {
    let dir = tempfile::tempdir().unwrap();
    let opened = Bucket::open("bucket/a/b", &options(dir.path(), Some(endpoint)));
    match opened {
        Ok(bucket) => assert!(fine && bucket.prefix.as_ref() == "a/b"),
        Err(Error::Refused(refusal)) => assert!(!fine && refusal.path == "endpoint", "{refusal:?}"),
        Err(other) => panic!("{other}"),
    }
}

#[rstest]
#[case("bucket", true)]
#[case("bucket/", true)]
#[case("my.bucket-1/audit/log", true)]
#[case("", false)]
#[case("ab", false)]
#[case("Bucket", false)]
#[case("buc ket", false)]
#[case("bucket/../x", false)]
#[case("bucket//x", false)]
fn a_place_is_a_bucket_and_perhaps_a_prefix(#[case] place: &str, #[case] fine: bool) {
    let dir = tempfile::tempdir().unwrap();
    let opened = Bucket::open(place, &options(dir.path(), Some("https://s3.example")));
    assert_eq!(opened.is_ok(), fine, "{place}: {opened:?}");
    assert!(fine || matches!(opened, Err(Error::Refused(refusal)) if refusal.path == "store"));
}

#[test]
fn somebody_has_to_say_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let Err(Error::Refused(refusal)) = Bucket::open("bucket", &options(dir.path(), None)) else { panic!() };
    assert_eq!(refusal.path, "region");
    let aws = Options { region: Some("eu-west-3".to_owned()), ..options(dir.path(), None) };
    assert!(Bucket::open("bucket", &aws).is_ok());
}

#[test]
fn certificates_that_are_none_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.crt");
    for text in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        std::fs::write(&ca, text).unwrap();
        let asked = Options { ca: Some(ca.clone()), ..options(dir.path(), Some("https://s3.example")) };
        assert!(Bucket::open("bucket", &asked).is_err(), "{text:?}");
    }
    let asked =
        Options { ca: Some(PathBuf::from("/none")), ..options(dir.path(), Some("https://s3.example")) };
    assert!(matches!(Bucket::open("bucket", &asked), Err(Error::Io { .. })));
}
