use super::*;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::Value;

const KNOWN: &[&str] = &[
    "tenant",
    "platform",
    "namespace",
    "user",
    "verb",
    "resource",
    "name",
    "code",
    "since",
    "until",
    "limit",
    "cursor",
];

fn refused(result: Result<impl std::fmt::Debug, Refused>) -> Value {
    let refused = result.unwrap_err();
    assert_eq!(refused.status.as_u16(), 400);
    let error = refused.json()["error"].clone();
    for lang in ["fr", "en"] {
        assert!(
            error[lang].as_str().is_some_and(|text| text.contains(error["field"].as_str().unwrap())),
            "{error}"
        );
        assert!(error["accepted"][lang].is_string(), "{error}");
    }
    error
}

#[rstest]
#[case("tenent=a", "query")]
#[case("Tenant=a", "query")]
#[case("%74enant=a", "query")]
#[case("tenant=a&", "query")]
#[case("&tenant=a", "query")]
#[case("=a", "query")]
#[case("tenant=a&tenant=b", "tenant")]
#[case("tenant=a&tenant=a", "tenant")]
#[case("limit=1&tenant=a&limit=1", "limit")]
#[case("tenant=", "tenant")]
#[case("tenant", "tenant")]
#[case("user=%", "user")]
#[case("user=%2", "user")]
#[case("user=%zz", "user")]
#[case("user=%ff", "user")]
#[case("user=%c3%28", "user")]
fn what_is_not_known_or_not_once_or_not_readable_is_refused(#[case] query: &str, #[case] field: &str) {
    assert_eq!(refused(Parameters::read(Some(query), KNOWN))["field"], field);
}

#[rstest]
#[case("tenant=a", Some("tenant.a"))]
#[case("tenant=%61", Some("tenant.a"))]
#[case("platform=true", Some("platform"))]
#[case("", None)]
#[case("limit=1", None)]
#[case("platform=false", None)]
#[case("platform=TRUE", None)]
#[case("tenant=a&platform=true", None)]
#[case("tenant=A", None)]
#[case("tenant=%2561", None)]
#[case("tenant=a%2Fb", None)]
#[case("tenant=..", None)]
#[case("tenant=a%00", None)]
#[case("tenant=%20a", None)]
#[case("tenant=а", None)]
#[case("tenant=a/../b", None)]
fn of_one_partition_and_no_other(#[case] query: &str, #[case] partition: Option<&str>) {
    let found = Parameters::read(Some(query), KNOWN).unwrap().partition();
    match partition {
        Some(partition) => assert_eq!(found.unwrap().to_string(), partition),
        None => assert!(["tenant", "platform"].contains(&refused(found)["field"].as_str().unwrap())),
    }
}

#[rstest]
#[case("limit=0", "limit")]
#[case("limit=10001", "limit")]
#[case("limit=-1", "limit")]
#[case("limit=%2B1", "limit")]
#[case("limit=01", "limit")]
#[case("limit=1e3", "limit")]
#[case("limit=99999999999999999999999", "limit")]
#[case("code=99", "code")]
#[case("code=600", "code")]
#[case("namespace=Shop", "namespace")]
#[case("namespace=a.b", "namespace")]
#[case("verb=GET", "verb")]
#[case("resource=pods/exec", "resource")]
#[case("name=a/b", "name")]
#[case("name=..", "name")]
#[case("name=%0a", "name")]
#[case("user=a%0ab", "user")]
#[case("since=yesterday", "since")]
#[case("since=2026-01-01", "since")]
#[case("since=2026-13-01T00:00:00Z", "since")]
#[case("since=2026-01-01%2000:00:00Z", "since")]
#[case("since=2026-01-01T00:00:00Z[Europe/Paris]", "since")]
#[case("since=2026-01-01T00:00:00", "since")]
#[case("since=2026-01-02T00:00:00Z&until=2026-01-02T00:00:00Z", "until")]
#[case("since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", "until")]
fn bad_values_are_refused_by_name(#[case] query: &str, #[case] field: &str) {
    let parameters = Parameters::read(Some(query), KNOWN).unwrap();
    let errors = [
        parameters.limit(1000, 10_000).err(),
        parameters.code().err(),
        parameters.namespace().err(),
        parameters.verb().err(),
        parameters.resource("resource").err(),
        parameters.name().err(),
        parameters.user().err(),
        parameters.times().err(),
    ];
    let errors: Vec<_> = errors.into_iter().flatten().collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(refused(Err::<(), _>(errors[0].clone()))["field"], field);
}

#[test]
fn what_people_ask_for_is_understood() {
    let query = "tenant=shop&namespace=shop-web&user=system:serviceaccount:shop-web:d%C3%A9ploiement&verb=create\
                 &resource=pods&name=system:node&code=201&since=2026-01-01T00:00:00+02:00&until=2026-01-02T00:00:00.5Z&limit=10000";
    let parameters = Parameters::read(Some(query), KNOWN).unwrap();
    assert_eq!(parameters.user().unwrap().unwrap(), "system:serviceaccount:shop-web:déploiement");
    assert_eq!(parameters.namespace().unwrap().unwrap(), "shop-web");
    assert_eq!(parameters.name().unwrap().unwrap(), "system:node");
    assert_eq!((parameters.code().unwrap(), parameters.limit(1, 10_000).unwrap()), (Some(201), 10_000));
    let (since, until) = parameters.times().unwrap();
    assert_eq!(since.unwrap().to_string(), "2025-12-31T22:00:00Z");
    assert_eq!(until.unwrap().to_string(), "2026-01-02T00:00:00.5Z");
}

#[test]
fn a_query_has_an_end() {
    let error = Parameters::read(Some(&format!("user={}", "a".repeat(9000))), KNOWN).unwrap_err();
    assert_eq!(error.status.as_u16(), 414);
}

proptest! {
    #[test]
    fn nothing_given_breaks_it(query in "\\PC{0,80}|[a-z=&%0-9+.:]{0,80}") {
        if let Ok(parameters) = Parameters::read(Some(&query), KNOWN) {
            // Whatever it says: a partition that is read is one that was named.
            if let Ok(Some(Partition::Tenant(tenant))) = parameters.partition_if_any() {
                prop_assert_eq!(parameters.get("tenant"), Some(tenant.as_str()));
            }
            let _ = (parameters.times(), parameters.limit(1, 10), parameters.user(), parameters.name());
        }
    }

    #[test]
    fn every_text_can_be_given(text in "[^\\pC]{1,40}") {
        let encoded = text.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
        let query = format!("user={encoded}");
        let parameters = Parameters::read(Some(&query), KNOWN).unwrap();
        prop_assert_eq!(parameters.user().unwrap(), Some(text));
    }
}
