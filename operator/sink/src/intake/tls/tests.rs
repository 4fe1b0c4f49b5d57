use super::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::os::unix::fs::symlink;
use tempfile::TempDir;

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// `tls.crt` and `tls.key`.
fn leaf(authority: &CertifiedIssuer<'static, KeyPair>) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["sink.test".to_owned()]).unwrap();
    (params.signed_by(&key, authority).unwrap().pem(), key.serialize_pem())
}

/// As the kubelet does: a new directory, and a link that is swapped.
fn publish(place: &Path, version: &str, (certificate, key): (&str, &str), bundle: &str) {
    let fresh = place.join(version);
    fs::create_dir(&fresh).unwrap();
    for (name, content) in [(CERTIFICATE, certificate), (KEY, key), (BUNDLE, bundle)] {
        fs::write(fresh.join(name), content).unwrap();
        let link = place.join(name);
        if !link.is_symlink() {
            symlink(Path::new("..data").join(name), link).unwrap();
        }
    }
    symlink(version, place.join("..tmp")).unwrap();
    fs::rename(place.join("..tmp"), place.join("..data")).unwrap();
}

#[test]
fn what_fits_together_is_put_in_use_and_what_does_not_changes_nothing() {
    let (place, ca) = (TempDir::new().unwrap(), authority());
    let both: [fn(&Path) -> bool; 2] = [
        |place| Reload::server(place, &place.join(BUNDLE)).current().is_some(),
        |place| Reload::client(place).current().is_some(),
    ];
    assert!(both.iter().all(|made| !made(place.path())));
    let reload = Reload::server(place.path(), &place.path().join(BUNDLE));
    assert!(reload.doubt().unwrap().contains(CERTIFICATE));
    let (certificate, key) = leaf(&ca);
    publish(place.path(), "..1", (&certificate, &key), &ca.pem());
    assert!(both.iter().all(|made| made(place.path())));
    let mut changes = reload.watch();
    reload.look();
    assert!(reload.doubt().is_none() && changes.has_changed().unwrap());
    changes.mark_unchanged();
    let (other, other_key) = leaf(&ca);
    for (version, certificate, key, bundle) in [
        ("..2", certificate.as_str(), other_key.as_str(), ca.pem()),
        ("..3", "", other_key.as_str(), ca.pem()),
        ("..4", other.as_str(), "no key", ca.pem()),
        ("..5", other.as_str(), other_key.as_str(), String::new()),
    ] {
        publish(place.path(), version, (certificate, key), &bundle);
        reload.look();
        assert!(reload.doubt().is_some_and(|why| !why.contains("PRIVATE")), "{version}");
        assert!(!changes.has_changed().unwrap() && reload.current().is_some());
    }
    publish(place.path(), "..6", (&other, &other_key), &ca.pem());
    reload.look();
    assert!(reload.doubt().is_none() && changes.has_changed().unwrap());
    changes.mark_unchanged();
    reload.look();
    assert!(!changes.has_changed().unwrap(), "the same is put in use once");
}

#[test]
fn every_suite_has_an_ephemeral_exchange_and_authenticated_encryption() {
    for suite in provider().cipher_suites {
        let name = format!("{:?}", suite.suite());
        let ephemeral = name.starts_with("TLS13_") || name.starts_with("TLS_ECDHE_");
        assert!(ephemeral && (name.contains("_GCM_") || name.contains("_POLY1305_")), "{name}");
    }
}
