use super::*;
use crate::kit::*;
use crate::{Algorithm, Hold, NewRecord};
use proptest::prelude::*;
use serde_json::{Value, json};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A field of an event or an answer, from few values, so that questions meet events.
fn few(what: &'static str) -> impl Strategy<Value = Option<String>> {
    prop_oneof![1 => Just(None), 3 => (0..3).prop_map(move |n| Some(format!("{what}{n}")))]
}

prop_compose! {
    fn any_event()(
        user in few("u"), other in few("u"), verb in few("v"), resource in few("r"), group in few("g"),
        subresource in few("s"), namespace in few("n"), name in few("x"), code in prop_oneof![Just(200), Just(403)],
        time in 0_i64..40,
    ) -> Value {
        json!({
            "user": {"username": user.unwrap_or_default()}, "verb": verb,
            "impersonatedUser": other.map(|name| json!({"username": name})),
            "objectRef": {"resource": resource.unwrap_or_default(), "apiGroup": group.unwrap_or_default(),
                          "subresource": subresource.unwrap_or_default(), "namespace": namespace, "name": name},
            "responseStatus": {"code": code}, "stageTimestamp": at(time).to_string(),
        })
    }
}

prop_compose! {
    fn any_query()(
        since in proptest::option::weighted(0.3, 0_i64..40), until in proptest::option::weighted(0.3, 0_i64..40),
        user in few("u"), verb in few("v"), resource in few("r"), group in few("g"),
        subresource in few("s"), namespace in few("n"), name in few("x"),
        code in proptest::option::weighted(0.2, prop_oneof![Just(200_u16), Just(403), Just(500)]),
        which in proptest::collection::vec(proptest::bool::weighted(0.25), 6),
        limit in 1_usize..7,
    ) -> Query {
        let only = |n: usize, text: Option<String>| text.filter(|_| which[n]);
        let resource = match (resource, group.filter(|_| which[0])) {
            (Some(resource), Some(group)) => Some(format!("{resource}.{group}")),
            (resource, _) => resource,
        };
        Query {
            since: since.map(at), until: until.map(at), user: only(0, user), verb: only(1, verb), resource: only(2, resource),
            subresource: only(3, subresource), namespace: only(4, namespace), name: only(5, name), code, limit,
            ..Query::of(platform())
        }
    }
}

/// The same question, put to the event itself.
fn is_meant(query: &Query, event: &Value) -> bool {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let object = &event["objectRef"];
    let time: Timestamp = text(&event["stageTimestamp"]).parse().unwrap();
    let group = text(&object["apiGroup"]);
    let resource = text(&object["resource"]);
    let full = if group.is_empty() { resource.clone() } else { format!("{resource}.{group}") };
    let is = |asked: &Option<String>, value: &Value| asked.as_ref().is_none_or(|asked| *asked == text(value));
    query.since.is_none_or(|since| time >= since)
        && query.until.is_none_or(|until| time < until)
        && (is(&query.user, &event["user"]["username"])
            || !event["impersonatedUser"].is_null()
                && is(&query.user, &event["impersonatedUser"]["username"]))
        && is(&query.verb, &event["verb"])
        && query
            .resource
            .as_ref()
            .is_none_or(|asked| *asked == full || !asked.contains('.') && *asked == resource)
        && is(&query.subresource, &object["subresource"])
        && is(&query.namespace, &object["namespace"])
        && is(&query.name, &object["name"])
        && query.code.is_none_or(|code| event["responseStatus"]["code"].as_u64() == Some(u64::from(code)))
}

async fn all_pages(reader: &Reader, query: &Query) -> Vec<Record> {
    let mut records = Vec::new();
    let mut query = query.clone();
    loop {
        let page = reader.query(&query).await.unwrap();
        assert_eq!(page.findings, []);
        assert!(page.records.len() <= query.limit);
        records.extend(page.records);
        match page.next {
            Some(next) => query.cursor = Some(next.to_string().parse().unwrap()),
            None => return records,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_question_finds_what_reading_everything_would(
        segments in proptest::collection::vec(proptest::collection::vec(any_event(), 1..12), 1..5),
        queries in proptest::collection::vec(any_query(), 12),
    ) {
        runtime().block_on(async {
            let mut bench = Bench::new().await;
            let mut position = 0;
            for events in &segments {
                let records: Vec<NewRecord> = events.iter().map(|event| { position += 1; raw(position, event.to_string()) }).collect();
                bench.writer.seal(&platform(), records, in_days(300), at(99)).await.unwrap();
            }
            let reader = Reader::open(bench.store.clone(), None).await.unwrap();
            for query in &queries {
                let events = segments.iter().flatten();
                let expected: Vec<u64> = (1..).zip(events).filter(|(_, event)| is_meant(query, event)).map(|(seq, _)| seq).collect();
                let found: Vec<u64> = all_pages(&reader, query).await.iter().map(|record| record.seq).collect();
                prop_assert_eq!(found, expected, "{:?}", query);
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn a_record_comes_back_as_it_was_put_in() {
    let mut bench = Bench::new().await;
    let texts =
        ["{}".to_owned(), json!({"verb": "é😀\n", "user": {"username": "\u{0}"}}).to_string(), event(3)];
    let records: Vec<NewRecord> = (1..).zip(&texts).map(|(n, text)| raw(n, text.clone())).collect();
    bench.writer.seal(&platform(), records.clone(), in_days(300), at(9)).await.unwrap();
    let page = query(&bench.store, &Query::of(platform())).await.unwrap();
    assert_eq!((page.next, page.expired), (None, 0));
    for (record, put) in page.records.iter().zip(&records) {
        assert_eq!((&record.event, record.at, record.source), (&put.raw, put.received, put.source));
        assert_eq!((&record.server, &record.why), (&put.server, &put.why));
    }
    let query_of = Query { verb: Some("é😀\n".to_owned()), ..Query::of(platform()) };
    assert_eq!(query(&bench.store, &query_of).await.unwrap().records.len(), 1);
}

#[tokio::test]
async fn pages_stay_as_they_are_while_the_log_grows_and_expires() {
    let mut bench = Bench::filled(4).await;
    let reader = Reader::open(bench.store.clone(), None).await.unwrap();
    let mut asked = Query { limit: 7, ..Query::of(partition("tenant.acme")) };
    let first = reader.query(&asked).await.unwrap();
    let seqs = |page: &Page| page.records.iter().map(|record| record.seq).collect::<Vec<_>>();
    assert_eq!(seqs(&first), (1..=7).collect::<Vec<_>>());
    bench.seal("tenant.acme", 3).await;
    bench.writer.expire(in_days(400), &[]).await.unwrap();
    bench.seal("tenant.acme", 3).await;
    asked.cursor = first.next;
    let second = reader.query(&asked).await.unwrap();
    assert_eq!((seqs(&second), second.next, second.expired), (vec![24, 25, 26], None, 4));
    assert_eq!(second.findings, []);
}

#[tokio::test]
async fn other_partitions_are_other_logs() {
    let bench = Bench::filled(2).await;
    let page = query(&bench.store, &Query::of(partition("tenant.acme"))).await.unwrap();
    assert_eq!(page.records.len(), 10);
    let page = query(&bench.store, &Query::of(partition("tenant.ac"))).await.unwrap();
    assert_eq!((page.records.len(), page.findings.len()), (0, 0));
}

#[tokio::test]
async fn what_was_changed_is_told_about_and_left_out() {
    let mut bench = Bench::filled(3).await;
    let intact = contents(&bench.store).await;
    let reader = Reader::open(bench.store.clone(), None).await.unwrap();
    let asked = Query::of(platform());
    for (kind, what) in
        [("seg", What::SegmentChanged), ("idx", What::IndexChanged), ("json", What::ManifestChanged)]
    {
        let path = format!("platform/000000000002.{kind}");
        for place in [0, 1, 20, intact[&path].len() - 1] {
            let mut bytes = intact[&path].clone();
            bytes[place] ^= 1;
            put(&bench.store, &path, bytes).await;
            let page = reader.query(&asked).await.unwrap();
            let found: Vec<_> =
                page.findings.iter().map(|finding| (finding.what, finding.object.as_str())).collect();
            assert_eq!(found, [(what, path.as_str())]);
            assert_eq!(page.records.len(), 10);
        }
        put(&bench.store, &path, intact[&path][..10].to_vec()).await;
        assert_eq!(reader.query(&asked).await.unwrap().findings.len(), 1);
        remove(&bench.store, &path).await;
        let page = reader.query(&asked).await.unwrap();
        assert_eq!((page.records.len(), page.findings.len()), (10, 1), "{:?}", page.findings);
        restore(&bench.store, &intact).await;
    }
    bench
        .writer
        .expire(in_days(400), &[Hold { name: String::new(), partition: None, since: at(0) }])
        .await
        .unwrap();
    assert_eq!(reader.query(&asked).await.unwrap().records.len(), 15);
}

#[tokio::test]
async fn a_key_that_came_later_is_learned() {
    let mut bench = Bench::filled(1).await;
    let trusted = bench.writer.keys().current().clone();
    let reader = Reader::open(bench.store.clone(), Some(trusted)).await.unwrap();
    bench.now = at(900);
    bench.writer.rotate(Algorithm::Ed25519, bench.now).await.unwrap();
    bench.seal("platform", 2).await;
    let page = reader.query(&Query::of(platform())).await.unwrap();
    assert_eq!((page.records.len(), page.findings), (7, Vec::new()));
    // A log of other keys is none that this reader reads.
    let other = Bench::filled(1).await;
    restore(&bench.store, &contents(&other.store).await).await;
    let page = reader.query(&Query::of(platform())).await.unwrap();
    assert_eq!((page.records.len(), page.findings[0].what), (0, What::SignerUnknown));
}

#[tokio::test]
async fn packs_are_read_and_their_times_are_remembered() {
    let mut bench = Bench::new().await;
    for _ in 0..300 {
        bench.seal("platform", 1).await;
    }
    let reader = Reader::open(bench.store.clone(), None).await.unwrap();
    let late = Query { since: Some(at(290)), ..Query::of(platform()) };
    assert_eq!(reader.query(&late).await.unwrap().records.len(), 11);
    assert_eq!(reader.times.lock().unwrap().len(), 2);
    // Not even looked at any more: but what is in question is.
    put(&bench.store, "platform/packs/000000000128.pack", b"x".to_vec()).await;
    assert_eq!(reader.query(&late).await.unwrap().records.len(), 11);
    let all = Query { limit: 1000, ..Query::of(platform()) };
    let page = reader.query(&all).await.unwrap();
    // A pack that is wrong costs time only.
    assert_eq!((page.records.len(), page.findings.len()), (300, 0));
    remove(&bench.store, "platform/000000000100.json").await;
    let page = reader.query(&all).await.unwrap();
    assert_eq!((page.records.len(), page.findings[0].what), (299, What::ManifestMissing));
}

#[tokio::test]
async fn an_answer_has_bounds() {
    let mut bench = Bench::new().await;
    let long = "x".repeat(1 << 20);
    let records: Vec<_> = (1..=40).map(|n| raw(n, format!(r#"{{"verb":"get","long":"{long}"}}"#))).collect();
    bench.writer.seal(&platform(), records, in_days(300), at(9)).await.unwrap();
    let reader = Reader::open(bench.store.clone(), None).await.unwrap();
    let page = reader.query(&Query::of(platform())).await.unwrap();
    assert_eq!(page.records.len(), 32);
    let rest = reader.query(&Query { cursor: page.next, ..Query::of(platform()) }).await.unwrap();
    assert_eq!((rest.records.len(), rest.next), (8, None));
}
