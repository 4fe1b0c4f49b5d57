use super::*;
use serde_json::json;
use std::collections::BTreeSet;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + 60 * minute).unwrap()
}

fn seen(name: &str, uid: &str, tenant: Option<&str>, created: i64) -> Seen {
    Seen { name: name.into(), uid: uid.into(), tenant: tenant.map(str::to_owned), created: Some(at(created)) }
}

/// Name, UID, tenant, since, gone.
type Row = (String, String, Option<String>, Timestamp, Option<Timestamp>);

fn rows(register: &mut Register, now: i64) -> BTreeSet<Row> {
    let people = register.people(at(now));
    people.namespaces.into_iter().map(|n| (n.name, n.uid, n.tenant, n.since, n.gone)).collect()
}

fn row(name: &str, uid: &str, tenant: Option<&str>, since: i64, gone: Option<i64>) -> Row {
    (name.into(), uid.into(), tenant.map(str::to_owned), at(since), gone.map(at))
}

#[test]
fn a_namespace_is_its_tenants_from_its_creation_or_from_when_the_label_was_seen_to_change() {
    let mut register = Register::new("snc-canary");
    register
        .namespaces(Change::Reset(vec![seen("web", "1", Some("shop"), 0), seen("lab", "2", None, 1)]), at(5));
    register.namespaces(Change::Apply(seen("lab", "2", Some("shop"), 1)), at(6));
    register.namespaces(Change::Apply(seen("web", "1", Some("shop"), 0)), at(7));
    let wanted = [row("web", "1", Some("shop"), 0, None), row("lab", "2", Some("shop"), 6, None)];
    assert_eq!(rows(&mut register, 8), wanted.into());
    assert_eq!(register.tenant_of("lab"), Some("shop"));
}

#[test]
fn the_next_of_a_name_is_another_and_what_went_is_remembered_for_a_while() {
    let mut register = Register::new("snc-canary");
    register.namespaces(Change::Apply(seen("web", "1", Some("shop"), 0)), at(0));
    register.namespaces(Change::Delete(seen("web", "1", Some("shop"), 0)), at(10));
    register.namespaces(Change::Apply(seen("web", "2", Some("bank"), 11)), at(11));
    // Not told of the end of the second one.
    register.namespaces(Change::Apply(seen("web", "3", None, 12)), at(13));
    let first = row("web", "1", Some("shop"), 0, Some(10));
    let others = [row("web", "2", Some("bank"), 11, Some(12)), row("web", "3", None, 12, None)];
    assert_eq!(rows(&mut register, 39), [&[first][..], &others].concat().into_iter().collect());
    assert_eq!(rows(&mut register, 40), others.into());
    assert_eq!(register.tenant_of("web"), None);
}

#[test]
fn what_a_new_list_lacks_is_gone() {
    let mut register = Register::new("snc-canary");
    register
        .namespaces(Change::Reset(vec![seen("web", "1", Some("shop"), 0), seen("lab", "2", None, 0)]), at(1));
    register.namespaces(Change::Reset(vec![seen("lab", "2", None, 0)]), at(3));
    let wanted = [row("web", "1", Some("shop"), 0, Some(3)), row("lab", "2", None, 0, None)];
    assert_eq!(rows(&mut register, 4), wanted.into());
}

#[test]
fn the_canary_is_nobodys() {
    let mut register = Register::new("snc-essai");
    for name in ["snc-essai", "snc-essai-tenant", "snc-canary"] {
        register.namespaces(Change::Apply(seen(name, name, Some("snc-essai"), 0)), at(0));
    }
    assert_eq!(register.tenant_of("snc-essai"), None);
    assert_eq!(register.tenant_of("snc-essai-tenant"), None);
    assert_eq!(register.tenant_of("snc-canary"), Some("snc-essai"));
}

#[test]
fn labels_and_times_are_read_from_metadata() {
    let meta = json!({"metadata": {
        "name": "web", "uid": "1", "creationTimestamp": "2027-01-15T08:00:00Z",
        "labels": {"secnumcloud.dev/tenant": "shop"},
    }});
    let read = Seen::from(serde_json::from_value::<PartialObjectMeta<KubeNamespace>>(meta).unwrap());
    assert_eq!(
        read,
        Seen { created: Some("2027-01-15T08:00:00Z".parse().unwrap()), ..seen("web", "1", Some("shop"), 0) }
    );
    let meta = json!({"metadata": {"name": "web", "uid": "1", "labels": {"secnumcloud.dev/tenant": ""}}});
    let read = Seen::from(serde_json::from_value::<PartialObjectMeta<KubeNamespace>>(meta).unwrap());
    assert_eq!((read.tenant, read.created), (None, None));
}

fn tenant(name: &str, owners: serde_json::Value) -> SncTenant {
    let spec = json!({"level": "Standard", "owners": owners});
    serde_json::from_value(json!({
        "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncTenant", "metadata": {"name": name, "creationTimestamp": at(3).to_string()}, "spec": spec,
    }))
    .unwrap()
}

#[test]
fn owners_of_a_tenant_that_cannot_be_read_any_more_stay() {
    let mut register = Register::new("snc-canary");
    let shop =
        tenant("shop", json!([{"kind": "User", "name": "alice"}, {"kind": "Group", "name": "shop-team"}]));
    let bank = tenant("bank", json!([]));
    register
        .tenants(Change::Reset(vec![owned("shop".into(), Some(&shop)), owned("bank".into(), Some(&bank))]));
    register.tenants(Change::Apply(owned("shop".into(), None)));
    register.tenants(Change::Reset(vec![owned("shop".into(), None), owned("new".into(), None)]));
    let owners = register.people(at(0)).owners;
    let wanted = Owners {
        tenant: "shop".into(),
        since: at(3),
        users: ["alice".into()].into(),
        groups: ["shop-team".into()].into(),
    };
    assert_eq!(owners, [wanted]);
    register.tenants(Change::Delete(owned("shop".into(), None)));
    assert_eq!(register.people(at(0)).owners, []);
}

#[test]
fn everything_is_known_once_both_kinds_were_listed_and_nothing_is_cut() {
    let mut register = Register::new("snc-canary");
    let synced = |register: &mut Register| register.people(at(0)).synced;
    let again = |why| Signal::<()>::Again(why, String::new());
    register.heard_namespaces.on(&Signal::<()>::Open);
    register.heard_namespaces.on(&Signal::Change(Change::<()>::Reset(vec![])));
    assert!(!synced(&mut register));
    register.heard_tenants.on(&Signal::Change(Change::<()>::Apply(())));
    assert!(!synced(&mut register), "a change is no list");
    register.heard_tenants.on(&Signal::Change(Change::<()>::Reset(vec![])));
    assert!(synced(&mut register));
    register.heard_tenants.on(&again(Restart::Ended));
    assert!(synced(&mut register), "an end that is due");
    register.heard_tenants.on(&again(Restart::Cut));
    assert!(!synced(&mut register));
    register.heard_tenants.on(&Signal::<()>::Open);
    assert!(synced(&mut register), "it goes on from where it was");
    register.heard_tenants.on(&again(Restart::Expired));
    register.heard_tenants.on(&Signal::<()>::Open);
    assert!(!synced(&mut register), "it has to be listed again");
}
