use super::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::os::unix::fs::symlink;
use std::path::Path;
use tempfile::TempDir;

const NAME: &str = "snc-webhook.snc-system.svc";

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// `tls.crt` and `tls.key`.
fn leaf(authority: &CertifiedIssuer<'static, KeyPair>, name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    (certificate.pem(), key.serialize_pem())
}

/// As the kubelet does: a new directory, and a link that is swapped.
fn publish(place: &Path, version: &str, files: &[(&str, &str)]) {
    let fresh = place.join(version);
    fs::create_dir(&fresh).unwrap();
    for (name, content) in files {
        fs::write(fresh.join(name), content).unwrap();
        let link = place.join(name);
        if !link.is_symlink() {
            symlink(Path::new("..data").join(name), link).unwrap();
        }
    }
    symlink(version, place.join("..tmp")).unwrap();
    fs::rename(place.join("..tmp"), place.join("..data")).unwrap();
}

fn certificate(place: &TempDir) -> Certificate {
    let metrics = Arc::new(Metrics::new(std::iter::empty()).unwrap());
    Certificate::new(place.path().to_owned(), ServerName::try_from(NAME).unwrap(), metrics)
}

fn served(certificate: &Certificate) -> Vec<u8> {
    certificate.served.load().as_ref().unwrap().key.cert[0].to_vec()
}

#[test]
fn what_the_directory_holds_is_served_and_swapped_as_a_whole() {
    let (place, ca) = (TempDir::new().unwrap(), authority());
    let certificate = certificate(&place);
    certificate.look(UnixTime::now());
    assert!(certificate.doubt().unwrap().contains("tls.crt"));
    let (first, first_key) = leaf(&ca, NAME);
    publish(place.path(), "..1", &[("tls.crt", &first), ("tls.key", &first_key), ("ca.crt", &ca.pem())]);
    certificate.look(UnixTime::now());
    assert_eq!(certificate.doubt(), None);
    let before = served(&certificate);
    let (second, second_key) = leaf(&ca, NAME);
    publish(place.path(), "..2", &[("tls.crt", &second), ("tls.key", &second_key), ("ca.crt", &ca.pem())]);
    certificate.look(UnixTime::now());
    assert_ne!(served(&certificate), before);
    certificate.look(UnixTime::now());
    assert_eq!(certificate.metrics.certificate_loads.get(), 2, "the same content is put in use once");
}

#[test]
fn a_pair_that_does_not_fit_keeps_the_one_in_use_and_says_so() {
    let (place, ca) = (TempDir::new().unwrap(), authority());
    let certificate = certificate(&place);
    let (first, key) = leaf(&ca, NAME);
    publish(place.path(), "..1", &[("tls.crt", &first), ("tls.key", &key), ("ca.crt", &ca.pem())]);
    certificate.look(UnixTime::now());
    let before = served(&certificate);
    let (second, second_key) = leaf(&ca, NAME);
    for (version, wrong) in [("..2", second.as_str()), ("..3", "no certificate"), ("..4", "")] {
        publish(place.path(), version, &[("tls.crt", wrong), ("tls.key", &key), ("ca.crt", &ca.pem())]);
        certificate.look(UnixTime::now());
        certificate.look(UnixTime::now());
        assert_eq!(served(&certificate), before, "{version}");
        assert_eq!(certificate.metrics.certificate_wrong.get(), 1);
    }
    assert_eq!(certificate.metrics.certificate_rejects.get(), 3, "each is said once");
    assert_eq!(certificate.doubt(), None, "what is served is as good as it was");
    publish(place.path(), "..5", &[("tls.crt", &second), ("tls.key", &second_key), ("ca.crt", &ca.pem())]);
    certificate.look(UnixTime::now());
    assert_eq!((served(&certificate) == before, certificate.metrics.certificate_wrong.get()), (false, 0));
}

#[test]
fn a_chain_that_the_bundle_does_not_trust_is_not_ready() {
    let (place, ca, other) = (TempDir::new().unwrap(), authority(), authority());
    let certificate = certificate(&place);
    let (leaf_of_other, key) = leaf(&other, NAME);
    publish(place.path(), "..1", &[("tls.crt", &leaf_of_other), ("tls.key", &key), ("ca.crt", &ca.pem())]);
    certificate.look(UnixTime::now());
    assert!(certificate.doubt().unwrap().contains("ca.crt"));
    // The bundle overlaps while the authority changes.
    let both = format!("{}{}", ca.pem(), other.pem());
    publish(place.path(), "..2", &[("tls.crt", &leaf_of_other), ("tls.key", &key), ("ca.crt", &both)]);
    certificate.look(UnixTime::now());
    assert_eq!(certificate.doubt(), None);
    let (misnamed, key) = leaf(&ca, "other.svc");
    publish(place.path(), "..3", &[("tls.crt", &misnamed), ("tls.key", &key), ("ca.crt", &both)]);
    let before = served(&certificate);
    certificate.look(UnixTime::now());
    assert_eq!(served(&certificate), before, "of another name, and worse than what there is");
    assert_eq!((certificate.doubt(), certificate.metrics.certificate_wrong.get()), (None, 1));
}

#[test]
fn trust_ends_with_the_certificate() {
    let (place, ca) = (TempDir::new().unwrap(), authority());
    let certificate = certificate(&place);
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2026, 2, 1);
    let short = params.signed_by(&key, &ca).unwrap();
    publish(
        place.path(),
        "..1",
        &[("tls.crt", &short.pem()), ("tls.key", &key.serialize_pem()), ("ca.crt", &ca.pem())],
    );
    let at = |seconds: u64| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let january = 1_767_225_600 + 86_400;
    certificate.look(at(january));
    assert_eq!(certificate.doubt(), None);
    certificate.look(at(january + 40 * 86_400));
    assert!(certificate.doubt().is_some());
}
