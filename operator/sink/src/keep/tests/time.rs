//! Retention and holds.

use super::rig::{Rig, sealing};
use crate::bench::event;
use crate::keep::expire::holds;
use crate::wishes::{LegalHold, Wishes};
use jiff::{SignedDuration, Timestamp};
use snc_audit::Partition;
use snc_auditlog::{Algorithm, Keys, NewRecord, Source, Writer};
use std::time::Duration;

fn hours_ago(hours: i64) -> Timestamp {
    Timestamp::now().checked_sub(SignedDuration::from_hours(hours)).unwrap()
}

/// One segment each of the platform and two tenants, past its retention since an hour.
async fn old(rig: &Rig) {
    let keys = Keys::open(&rig.place.path().join("data/keys"), Algorithm::Ed25519, hours_ago(5000)).unwrap();
    let mut writer = Writer::open(rig.store.clone(), keys).await.unwrap();
    for partition in ["platform", "tenant.bleu", "tenant.vert"] {
        let record = NewRecord {
            position: 1,
            received: hours_ago(4500),
            source: Source::File,
            server: "un".into(),
            why: "Platform".into(),
            raw: event(1, "get", "shop", "alice"),
        };
        writer.seal(&partition.parse().unwrap(), [record], hours_ago(1), hours_ago(4500)).await.unwrap();
    }
}

fn segments(rig: &Rig) -> Vec<String> {
    let mut found = Vec::new();
    for partition in ["platform", "tenant.bleu", "tenant.vert"] {
        if rig.place.path().join("store").join(partition).join("000000000001.seg").exists() {
            found.push(partition.to_owned());
        }
    }
    found
}

fn hold(tenant: Option<&str>) -> LegalHold {
    let tenant = tenant.map(str::to_owned);
    LegalHold { name: "affaire".into(), tenant, reason: "réquisition 12".into(), since: hours_ago(10) }
}

async fn turned(rig: &Rig) {
    let running = rig.run(sealing()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    running.stop().await;
}

#[tokio::test]
async fn what_is_past_its_retention_goes_but_for_what_is_held() {
    let rig = Rig::new();
    old(&rig).await;
    let asked = Wishes { holds: vec![hold(Some("bleu"))], ..Wishes::default() };
    rig.wishes.take(&asked).unwrap();
    turned(&rig).await;
    assert_eq!(segments(&rig), ["tenant.bleu"]);
    let platform = &rig.bench.metrics.expired.with_label_values(&["platform"]);
    assert_eq!(platform.get(), 1);
    // That it went is in the log, and it is proven that it was its time.
    let said = rig.stored_now().await;
    assert_eq!(said.iter().filter(|record| record.partition == "platform").count(), 2);
    rig.verify().await;

    rig.wishes.take(&Wishes::default()).unwrap();
    turned(&rig).await;
    assert!(segments(&rig).is_empty());
}

#[tokio::test]
async fn before_holds_are_known_nothing_goes() {
    let rig = Rig::new();
    old(&rig).await;
    turned(&rig).await;
    assert_eq!(segments(&rig).len(), 3);
    rig.wishes.take(&Wishes { holds: vec![hold(None)], ..Wishes::default() }).unwrap();
    turned(&rig).await;
    assert_eq!(segments(&rig).len(), 3);
}

#[test]
fn a_hold_on_what_cannot_be_a_tenant_holds_everything() {
    let of = |tenant| {
        let wishes = Wishes { holds: vec![hold(tenant)], ..Wishes::default() };
        holds(&wishes).into_iter().map(|hold| hold.partition).collect::<Vec<_>>()
    };
    assert_eq!(of(Some("bleu")), [Some("tenant.bleu".parse::<Partition>().unwrap())]);
    assert_eq!(of(None), [None]);
    assert_eq!(of(Some("Not A Tenant")), [None]);
}

#[tokio::test]
async fn a_segment_is_kept_for_as_long_as_its_partition_is() {
    let rig = Rig::new();
    rig.people("bleu", "shop");
    let asked = Wishes { tenants: [("bleu".to_owned(), 400)].into(), ..Wishes::default() };
    rig.wishes.take(&asked).unwrap();
    let running = rig.run(sealing()).await;
    rig.send(vec![event(1, "get", "shop", "alice"), event(2, "get", "default", "alice")]).await;
    rig.until_sealed().await;
    running.stop().await;
    let days = |partition: &str| {
        let path = rig.place.path().join("store").join(partition).join("000000000001.json");
        let manifest: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let time = |field: &str| manifest[field].as_str().unwrap().parse::<Timestamp>().unwrap();
        time("retainUntil").duration_since(time("sealedAt")).as_hours() / 24
    };
    assert_eq!((days("tenant.bleu"), days("platform")), (400, 184));
}
