use super::*;
use crate::cluster::Owners;
use serde_json::json;
use tempfile::TempDir;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn namespace(name: &str, uid: &str, tenant: Option<&str>, since: i64) -> Namespace {
    Namespace {
        name: name.into(),
        uid: uid.into(),
        tenant: tenant.map(Into::into),
        since: at(since),
        gone: None,
    }
}

fn people(synced: bool, namespaces: Vec<Namespace>, tenants: &[&str]) -> People {
    let owners = tenants.iter().map(|tenant| Owners {
        tenant: (*tenant).into(),
        since: at(0),
        users: [format!("owner-{tenant}")].into(),
        groups: BTreeSet::new(),
    });
    People { synced, namespaces, owners: owners.collect() }
}

fn whose(whose: &Whose, namespace: &str, user: &str, second: i64) -> (String, Reason) {
    let raw = json!({
        "auditID": "a", "stage": "ResponseComplete", "verb": "get", "user": {"username": user},
        "objectRef": {"resource": "pods", "namespace": namespace},
        "requestReceivedTimestamp": at(second).to_string(),
    });
    let (partition, reason) = whose.attribute(&Event::parse(&raw.to_string()).unwrap());
    (partition.to_string(), reason)
}

fn open(place: &TempDir) -> Whose {
    Whose::open(place.path().join("whose.json")).unwrap()
}

#[test]
fn what_is_no_longer_listed_is_gone_only_where_the_list_is_whole() {
    let place = TempDir::new().unwrap();
    let book = open(&place);
    assert!(book.take(&people(true, vec![namespace("shop", "u1", Some("bleu"), 0)], &["bleu"]), at(10)));
    assert!(!book.take(&people(true, vec![namespace("shop", "u1", Some("bleu"), 0)], &["bleu"]), at(11)));
    assert!(!book.take(&people(false, vec![], &[]), at(20)));
    assert!(!book.is_synced());
    assert_eq!(whose(&book, "shop", "x", 30), ("tenant.bleu".into(), Reason::ObjectNamespace));
    assert!(book.take(&people(true, vec![], &[]), at(40)));
    assert!(book.is_synced());
    assert_eq!(whose(&book, "shop", "x", 39), ("tenant.bleu".into(), Reason::ObjectNamespace));
    assert_eq!(whose(&book, "shop", "x", 40), ("platform".into(), Reason::NamespaceUnknown));
    assert_eq!(whose(&book, "shop", "owner-bleu", 40), ("platform".into(), Reason::NamespaceUnknown));
}

#[test]
fn what_went_while_nobody_looked_is_known_to_have_gone() {
    let place = TempDir::new().unwrap();
    let book = open(&place);
    book.take(&people(true, vec![namespace("shop", "u1", Some("bleu"), 0)], &["bleu"]), at(10));
    book.save().unwrap();
    let book = open(&place);
    assert!(!book.is_synced(), "what was written down is not all there is");
    assert_eq!(whose(&book, "shop", "owner-bleu", 20).0, "tenant.bleu");
    book.take(&people(true, vec![namespace("shop", "u2", Some("vert"), 100)], &["vert"]), at(200));
    assert_eq!(whose(&book, "shop", "x", 50).0, "tenant.bleu");
    assert_eq!(whose(&book, "shop", "x", 150).0, "tenant.vert");
    assert_eq!(whose(&book, "elsewhere", "owner-bleu", 150).0, "platform");
}

#[test]
fn a_restart_gives_nobody_what_was_anothers_before() {
    let place = TempDir::new().unwrap();
    let book = open(&place);
    let shop = |tenant, since| people(true, vec![namespace("shop", "u1", Some(tenant), since)], &[]);
    book.take(&shop("bleu", 0), at(10));
    book.take(&shop("vert", 100), at(101));
    book.save().unwrap();
    // Whoever begins to look now is told when it was made, and not when it changed hands.
    let book = open(&place);
    for second in [200, 201] {
        book.take(&shop("vert", 0), at(second));
        assert_eq!(whose(&book, "shop", "x", 50).0, "tenant.bleu");
        assert_eq!(whose(&book, "shop", "x", 150).0, "tenant.vert");
    }
    // Nor where that was while nobody looked.
    for second in [300, 301] {
        book.take(&shop("rouge", 0), at(second));
        assert_eq!(whose(&book, "shop", "x", 50).0, "tenant.bleu");
        assert_eq!(whose(&book, "shop", "x", 150).0, "tenant.vert");
        assert_eq!(whose(&book, "shop", "x", 310).0, "tenant.rouge");
    }
}

#[test]
fn a_namespace_between_two_snapshots_is_known() {
    let place = TempDir::new().unwrap();
    let book = open(&place);
    let short = Namespace { gone: Some(at(15)), ..namespace("short", "u1", Some("bleu"), 11) };
    let again = namespace("short", "u2", None, 20);
    book.take(&people(true, vec![again, short], &[]), at(30));
    assert_eq!(whose(&book, "short", "x", 12).0, "tenant.bleu");
    assert_eq!(whose(&book, "short", "x", 17), ("platform".into(), Reason::NamespaceUnknown));
    assert_eq!(whose(&book, "short", "x", 25), ("platform".into(), Reason::Platform));
}

#[test]
fn a_name_that_is_no_tenants_is_nobodys() {
    let place = TempDir::new().unwrap();
    let book = open(&place);
    book.take(&people(true, vec![namespace("odd", "u1", Some("../x"), 0)], &["../x"]), at(10));
    assert_eq!(whose(&book, "odd", "owner-../x", 5), ("platform".into(), Reason::Platform));
}

#[tokio::test]
async fn it_follows_and_writes_down_what_it_knows() {
    let place = TempDir::new().unwrap();
    let book = open(&place);
    let (told, heard) = watch::channel(People::default());
    let stop = CancellationToken::new();
    let followed = async {
        told.send_replace(people(true, vec![namespace("shop", "u1", Some("bleu"), 0)], &["bleu"]));
        let mut synced = book.synced.subscribe();
        synced.wait_for(|synced| *synced).await.unwrap();
        assert_eq!(whose(&book, "shop", "x", 1).0, "tenant.bleu");
        drop(told);
        synced.wait_for(|synced| !*synced).await.unwrap();
        stop.cancel();
    };
    tokio::join!(book.follow(heard, stop.clone()), followed);
    assert_eq!(whose(&open(&place), "shop", "x", 1).0, "tenant.bleu");
}
