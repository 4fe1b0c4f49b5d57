use super::*;
use rstest::rstest;

const KEY: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqiPQmLvZxnWgylpisljdbd68E25g\nWPAJFfp5iXlS25Pt2b7bSnv+OqKDfCZVv/H344FbxDzBT53D8wZvQGnHgw==\n-----END PUBLIC KEY-----\n";

fn ca() -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap().pem()
}

fn declared(place: &str) -> Declared {
    Declared {
        place: place.to_owned(),
        ca: Some(ca()),
        credentials: None,
        token_server: None,
        keys: vec![("release".to_owned(), KEY.to_owned())],
    }
}

fn refused(declared: &[Declared]) -> String {
    Registries::read("registries", declared).unwrap_err().path
}

#[rstest]
#[case("r.example")]
#[case("r.example:5000/shop/")]
#[case("localhost:5000")]
#[case("[::1]:5000/a/b-c")]
#[case("127.0.0.1:5000")]
fn a_place_is_a_host_and_folders(#[case] place: &str) {
    assert!(Registries::read("registries", &[declared(place)]).is_ok(), "{place}");
}

#[rstest]
#[case("")]
#[case("/")]
#[case("shop")]
#[case("shop/app")]
#[case("https://r.example")]
#[case("http://r.example/shop")]
#[case("r.example/shop:v1")]
#[case("r.example/Shop")]
#[case("R.example/shop")]
#[case("r.example:0/shop")]
#[case("r.example//shop")]
#[case("r.example/../shop")]
#[case("r.example?x=1")]
#[case("user@r.example")]
#[case("index.docker.io/library")]
#[case("*.example")]
#[case(".*")]
fn anything_else_is_refused(#[case] place: &str) {
    assert_eq!(refused(&[declared(place)]), "registries[0].place", "{place}");
}

#[test]
fn each_part_is_checked_and_no_secret_is_quoted() {
    let good = declared("r.example");
    assert_eq!(refused(&[good.clone(), declared("r.example/")]), "registries[1].place");
    for ca in ["", "nonsense", KEY, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert_eq!(refused(&[Declared { ca: Some(ca.to_owned()), ..good.clone() }]), "registries[0].ca");
    }
    let token_server = Some("https://login.example".to_owned());
    assert_eq!(refused(&[Declared { token_server, ..good.clone() }]), "registries[0].tokenServer");
    assert_eq!(refused(&[Declared { keys: Vec::new(), ..good.clone() }]), "registries[0].keys");
    for (user, password) in [("", "secret"), ("a:b", "secret"), ("a", &"secret".repeat(1000))] {
        let credentials = Some(Credentials { user: user.to_owned(), password: password.to_owned() });
        let refusal =
            Registries::read("registries", &[Declared { credentials, ..good.clone() }]).unwrap_err();
        assert_eq!(refusal.path, "registries[0].credentials");
        assert!(!format!("{refusal:?}").contains("secret"));
    }
}
