use super::super::tests::fake::{Fake, user};
use super::*;
use http::HeaderValue;
use rstest::rstest;

fn headers(all: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in all {
        headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
    }
    headers
}

#[rstest]
#[case(&["Bearer abc.DEF-_~+/="], Some("abc.DEF-_~+/="))]
#[case(&["bearer abc"], Some("abc"))]
#[case(&[], None)]
#[case(&[""], None)]
#[case(&["Bearer"], None)]
#[case(&["Bearer "], None)]
#[case(&["Bearer  abc"], None)]
#[case(&["Bearer a b"], None)]
#[case(&["Bearer a,b"], None)]
#[case(&["Basic abc"], None)]
#[case(&["Bearer abc", "Bearer abc"], None)]
#[case(&["Bearer abc", "Basic abc"], None)]
fn one_token_and_nothing_else(#[case] given: &[&str], #[case] token: Option<&str>) {
    assert_eq!(bearer(&headers(given)), token);
    let long = format!("Bearer {}", "a".repeat(LONGEST_TOKEN + 1));
    assert_eq!(bearer(&headers(&[&long])), None);
}

fn gate(fake: &Arc<Fake>) -> Gate {
    Gate::new(fake.clone(), Duration::from_millis(200))
}

async fn known(gate: &Gate, token: &str) -> Known {
    gate.authenticate(&headers(&[&format!("Bearer {token}")])).await.unwrap()
}

#[tokio::test]
async fn a_yes_is_remembered_for_seconds_and_a_no_is_not() {
    let fake = Fake::scene();
    let gate = gate(&fake);
    for _ in 0..3 {
        let alice = known(&gate, "alice-token").await;
        let tenant = "tenant.a".parse().unwrap();
        gate.logs(&alice, &tenant, None).await.unwrap();
        assert_eq!(gate.authenticate(&headers(&["Bearer wrong"])).await.unwrap_err().status.as_u16(), 401);
        assert_eq!(gate.logs(&alice, &Partition::Platform, None).await.unwrap_err().status.as_u16(), 403);
    }
    let asked = fake.asked();
    let count = |question: &str| asked.iter().filter(|one| *one == question).count();
    assert_eq!((count("who alice-token"), count("who wrong")), (1, 3));
    assert_eq!((count("alice get auditlogs a-one"), count("alice get auditlogs a-two")), (1, 1));
    // Whether she may read everything was a no each time.
    assert_eq!(count("alice get auditlogs *"), 6);
    assert_eq!((TOKENS_LAST <= Duration::from_secs(10), RIGHTS_LAST <= Duration::from_secs(5)), (true, true));
}

#[tokio::test]
async fn rights_are_of_exactly_this_user_with_these_groups() {
    let fake = Fake::scene();
    let gate = gate(&fake);
    let alice = known(&gate, "alice-token").await;
    gate.logs(&alice, &"tenant.a".parse().unwrap(), None).await.unwrap();
    // The same name, in other groups: everything is asked anew.
    fake.token("other", user("alice", &["others"]));
    let before = fake.asked().len();
    let other = known(&gate, "other").await;
    gate.logs(&other, &"tenant.a".parse().unwrap(), None).await.unwrap();
    assert_eq!(fake.asked().len(), before + 4);
    assert_ne!(digest(["ab", "c"]), digest(["a", "bc"]));
}

#[tokio::test]
async fn who_does_not_answer_lets_nobody_through() {
    let fake = Fake::scene();
    let gate = gate(&fake);
    let alice = known(&gate, "alice-token").await;
    fake.set_silent(true);
    // A token that is remembered is known; a right is asked for.
    let alice_again = known(&gate, "alice-token").await;
    let tenant = "tenant.a".parse().unwrap();
    assert_eq!(gate.logs(&alice_again, &tenant, None).await.unwrap_err().status.as_u16(), 503);
    assert_eq!(gate.authenticate(&headers(&["Bearer bob-token"])).await.unwrap_err().status.as_u16(), 503);
    assert_eq!(gate.alarms(&alice, "get").await.unwrap_err().status.as_u16(), 503);
    fake.set_silent(false);
    fake.set_slow(true);
    assert_eq!(gate.authenticate(&headers(&["Bearer bob-token"])).await.unwrap_err().status.as_u16(), 503);
}

#[tokio::test]
async fn while_it_is_not_sure_whose_a_namespace_is_no_tenant_reads() {
    let fake = Fake::scene();
    let gate = gate(&fake);
    fake.unsync();
    let (alice, auditor) = (known(&gate, "alice-token").await, known(&gate, "auditor-token").await);
    let tenant = "tenant.a".parse().unwrap();
    assert_eq!(gate.logs(&alice, &tenant, None).await.unwrap_err().status.as_u16(), 503);
    assert_eq!(gate.logs(&alice, &tenant, Some("a-one")).await.unwrap_err().status.as_u16(), 503);
    gate.logs(&auditor, &tenant, None).await.unwrap();
}

/// Neither the answer nor what it takes tells whether a tenant exists.
#[tokio::test]
async fn a_foreign_tenant_and_one_that_does_not_exist_are_the_same() {
    let fake = Fake::scene();
    let mut seen = Vec::new();
    for tenant in ["tenant.b", "tenant.nobody", "tenant.empty"] {
        for namespace in [None, Some("b-one"), Some("nowhere"), Some("a-one")] {
            let gate = gate(&fake);
            let alice = known(&gate, "alice-token").await;
            let before = fake.asked().len();
            let refused = gate.logs(&alice, &tenant.parse().unwrap(), namespace).await.unwrap_err();
            seen.push((refused.json(), refused.status, fake.asked().len() - before));
        }
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
    assert_eq!(seen[0].1.as_u16(), 403);
}

#[rstest]
#[case("alice", None, true)]
#[case("alice", Some("a-one"), true)]
#[case("alice", Some("a-old"), true)]
#[case("alice", Some("b-one"), true)]
#[case("one", None, false)]
#[case("one", Some("a-one"), true)]
#[case("one", Some("a-two"), false)]
#[case("one", Some("a-old"), false)]
#[case("ghost", None, false)]
#[case("ghost", Some("a-old"), false)]
#[case("bob", Some("b-one"), false)]
#[tokio::test]
async fn of_a_tenant_whoever_may_read_all_its_namespaces(
    #[case] who: &str,
    #[case] namespace: Option<&str>,
    #[case] may: bool,
) {
    // A namespace of somebody else is a filter on the tenant's own records, where it finds nothing.
    let fake = Fake::scene();
    let gate = gate(&fake);
    let who = known(&gate, &format!("{who}-token")).await;
    assert_eq!(gate.logs(&who, &"tenant.a".parse().unwrap(), namespace).await.is_ok(), may);
}
