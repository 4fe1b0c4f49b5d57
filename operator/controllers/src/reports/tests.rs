//! Exact request sequences and injected faults, against a mock that keeps what it is sent. The clock is moved by hand.

mod bench;

use super::condition::BEHIND;
use super::*;
use crate::events::Events;
use crate::lease::Lease;
use crate::metrics::Metrics;
use bench::{Bench, LISTS, OPEN, Reply, SHOP, all, failure, namespace, writes};
use serde_json::json;
use std::sync::Arc;

#[tokio::test(start_paused = true)]
async fn what_is_there_is_read_then_each_report_is_written_once() {
    let mut bench = Bench::new(&["shop", "bank"]);
    assert_eq!(bench.says(), ("Unknown", "Pending"));
    let log = bench.requests(None).await;
    assert_eq!(log[..2], LISTS);
    assert_eq!(
        log[2..],
        [
            "PATCH /apis/openreports.io/v1alpha1/clusterreports/snc-operator",
            "PATCH /apis/openreports.io/v1alpha1/namespaces/bank/reports/snc-operator",
            SHOP,
        ]
    );
    let body = bench.server.lock().unwrap().bodies[4].clone();
    assert_eq!((&body["metadata"]["namespace"], &body["kind"]), (&json!("shop"), &json!("Report")));
    assert_eq!(bench.says(), ("True", "Written"));
    assert!(bench.requests(None).await.is_empty(), "nothing changed");
    assert_eq!(bench.metric("snc_report_writes_total{outcome=\"written\"}"), 3);

    let served = bench.reporter.served.clone();
    bench.reporter = Reporter::new(Some(OPEN));
    bench.reporter.set_served(&served.into_iter().collect::<Vec<_>>());
    assert_eq!(bench.requests(None).await, LISTS, "a restart writes nothing again");
}

#[tokio::test(start_paused = true)]
async fn one_write_of_a_report_in_half_a_minute_and_it_says_the_last() {
    let mut bench = Bench::new(&["shop"]);
    bench.publish(None).await;
    bench.find("shop", "first");
    let (log, wait) = bench.publish(Some(&["shop"])).await;
    assert!(log.is_empty() && wait.unwrap() <= EVERY, "{log:?} {wait:?}");
    bench.find("shop", "second");
    bench.publish(Some(&["shop"])).await;
    tokio::time::advance(wait.unwrap()).await;
    assert_eq!(bench.requests(Some(&[])).await, [SHOP]);
    assert_eq!(bench.server.lock().unwrap().bodies[0]["results"][0]["message"], "second");
    tokio::time::advance(EVERY).await;
    assert!(bench.requests(Some(&["shop"])).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_has_nothing_to_say_any_more_is_removed_once_deletes_are_allowed() {
    let mut bench = Bench::new(&["shop"]);
    bench.publish(None).await;
    bench.assessed.namespaces.clear();
    tokio::time::advance(EVERY * 8).await;
    let (log, _) = bench.call(Some(&["shop"])).await;
    assert!(log.is_empty(), "inputs are old: {log:?}");
    tokio::time::advance(EVERY).await;
    let log = bench.requests(Some(&[])).await;
    assert_eq!(log, [SHOP.replace("PATCH", "DELETE")]);
    let body = bench.server.lock().unwrap().bodies[0].clone();
    assert!(body["preconditions"]["uid"].is_string() && body["preconditions"]["resourceVersion"].is_string());
    assert!(bench.requests(None).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn another_format_takes_the_place_of_the_first_and_none_removes_both() {
    let mut bench = Bench::new(&["shop"]);
    bench.publish(None).await;
    bench.reporter = Reporter::new(Some(Format::PolicyReports));
    bench.reporter.set_served(&Format::ALL);
    let log = bench.requests(None).await;
    let written = writes(&log);
    assert!(written.iter().all(|line| line.contains("/wgpolicyk8s.io/v1alpha2/")), "{log:?}");
    tokio::time::advance(EVERY).await;
    let log = bench.requests(None).await;
    assert_eq!(log.len(), 2);
    assert!(log.iter().all(|line| line.starts_with("DELETE /apis/openreports.io/")), "{log:?}");
    bench.reporter = Reporter::new(None);
    bench.reporter.set_served(&Format::ALL);
    let log = bench.requests(None).await;
    assert_eq!(writes(&log).len(), 2);
    assert!(bench.server.lock().unwrap().objects.is_empty());
    assert!(bench.reporter.condition(Instant::now()).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_namespace_made_again_gets_its_report_and_one_that_ends_none() {
    let mut bench = Bench::new(&["shop", "bank"]);
    bench.publish(None).await;
    tokio::time::advance(EVERY).await;
    namespace(&bench.context, "shop", "2", false);
    namespace(&bench.context, "bank", "1", true);
    bench.find("bank", "changed");
    assert_eq!(bench.requests(None).await, [SHOP]);
    // What the index does not know yet is no failure of the API server.
    tokio::time::advance(EVERY).await;
    bench.find("shop", "changed");
    bench.fault(|_| {
        let details = json!({"causes": [{"reason": "NamespaceTerminating", "message": "x", "field": "y"}]});
        Some(Reply::Error(failure(403, "Forbidden", details)))
    });
    assert_eq!(bench.requests(Some(&["shop"])).await, [SHOP]);
    assert_eq!(bench.metric("snc_report_writes_total{outcome=\"gone\"}"), 1);
    assert_eq!(bench.says(), ("True", "Written"));
}

#[tokio::test(start_paused = true)]
async fn five_failures_suspend_writing_then_one_try_ends_it() {
    for (code, reason, label) in [
        (429, "TooManyRequests", "throttled"),
        (500, "InternalError", "server"),
        (403, "Forbidden", "refused"),
        (413, "RequestEntityTooLarge", "too_large"),
    ] {
        let names: Vec<String> = (0..12).map(|i| format!("n{i}")).collect();
        let mut bench = Bench::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
        bench.fault(all(code, reason));
        let (log, wait) = bench.publish(None).await;
        assert_eq!(writes(&log).len(), 5, "{reason}: {log:?}");
        assert_eq!(bench.says(), ("False", "CircuitOpen"));
        assert_eq!(bench.metric("snc_reports_circuit_open"), 1);
        assert_eq!(bench.metric(&format!("snc_report_writes_total{{outcome=\"{label}\"}}")), 5);
        assert!(wait.unwrap() > Duration::from_secs(55), "{wait:?}");
        tokio::time::advance(Duration::from_secs(50)).await;
        assert!(bench.requests(None).await.is_empty());
        tokio::time::advance(Duration::from_secs(15)).await;
        assert_eq!(bench.requests(None).await.len(), 1, "one try");
        tokio::time::advance(Duration::from_secs(100)).await;
        assert!(bench.requests(None).await.is_empty(), "twice as long");
        bench.works();
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(bench.requests(None).await.len(), 13, "the try went well, and the rest follows");
        assert_eq!((bench.says(), bench.metric("snc_reports_circuit_open")), (("True", "Written"), 0));
    }
}

#[tokio::test(start_paused = true)]
async fn one_report_that_is_refused_holds_up_no_other() {
    let mut bench = Bench::new(&["a", "b", "bad", "c", "d", "e", "f", "g", "h"]);
    bench.fault(|line| {
        let error = || Reply::Error(failure(422, "Invalid", json!({})));
        line.contains("/bad/").then(error)
    });
    let log = bench.requests(None).await;
    assert_eq!(writes(&log).len(), 10, "{log:?}");
    assert_eq!(bench.says(), ("False", "WriteFailed"));
    tokio::time::advance(EVERY).await;
    assert!(bench.requests(None).await.is_empty(), "after a failure twice as long");
    tokio::time::advance(EVERY).await;
    assert_eq!(bench.requests(None).await.len(), 1);
    bench.works();
    tokio::time::advance(EVERY * 4).await;
    assert_eq!(bench.requests(None).await.len(), 1);
    assert_eq!(bench.says(), ("True", "Written"));
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_no_failure_and_is_tried_again() {
    let mut bench = Bench::new(&["shop"]);
    bench.fault(all(409, "Conflict"));
    bench.publish(None).await;
    assert!(!bench.reporter.breaker.is_open());
    bench.works();
    tokio::time::advance(EVERY).await;
    let log = bench.requests(Some(&[])).await;
    assert_eq!(log[..2], LISTS, "what is there is another than was known");
    assert_eq!(writes(&log).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_is_not_waited_for() {
    let names: Vec<String> = (0..12).map(|i| format!("n{i}")).collect();
    let mut bench = Bench::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
    bench.fault(|line| (!line.starts_with("GET")).then_some(Reply::Never));
    let begun = Instant::now();
    let log = bench.requests(None).await;
    assert!(begun.elapsed() <= Duration::from_secs(16), "{:?}", begun.elapsed());
    assert_eq!(writes(&log).len(), AT_ONCE, "no more than these were under way");
    assert_eq!(bench.metric("snc_report_writes_total{outcome=\"timeout\"}"), 4);
    bench.fault(|_| Some(Reply::Never));
    bench.reporter.listed = false;
    bench.reporter.list_at = Instant::now();
    assert_eq!(bench.requests(None).await.len(), 1);
    assert_eq!(bench.says(), ("Unknown", "Unreadable"));
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_got_lost_is_made_again() {
    let mut bench = Bench::new(&["shop"]);
    bench.publish(None).await;
    tokio::time::advance(EVERY).await;
    bench.find("shop", "worse");
    bench.fault(|_| Some(Reply::After(Duration::from_secs(60))));
    assert_eq!(bench.requests(Some(&["shop"])).await, [SHOP]);
    bench.works();
    bench.assessed.findings.clear();
    tokio::time::advance(EVERY * 3).await;
    assert_eq!(bench.requests(Some(&["shop"])).await, [SHOP], "though it is what was written first");
}

#[tokio::test(start_paused = true)]
async fn kinds_that_are_not_served_get_nothing_until_they_are() {
    let mut bench = Bench::new(&["shop"]);
    bench.reporter = Reporter::new(Some(OPEN));
    assert_eq!(bench.publish(None).await, (Vec::new(), None));
    assert_eq!(bench.says(), ("False", "NotServed"));
    bench.reporter.set_served(&[Format::PolicyReports]);
    let log = bench.requests(None).await;
    assert!(writes(&log).is_empty(), "not what was asked for: {log:?}");
    assert_eq!(bench.says(), ("False", "NotServed"));
    bench.reporter.set_served(&[OPEN]);
    let log = bench.requests(Some(&[])).await;
    assert_eq!(writes(&log).len(), 2, "{log:?}");
    assert_eq!(bench.says(), ("True", "Written"));
}

#[tokio::test(start_paused = true)]
async fn what_somebody_edits_or_deletes_is_ours_again_within_the_hour() {
    let mut bench = Bench::new(&["shop", "bank"]);
    bench.publish(None).await;
    {
        let mut server = bench.server.lock().unwrap();
        server.objects.retain(|path, _| !path.contains("/bank/"));
        let shop = server.objects.get_mut(SHOP.trim_start_matches("PATCH ")).unwrap();
        shop["summary"]["pass"] = json!(1000);
    }
    tokio::time::advance(LIST_EVERY).await;
    let log = bench.requests(Some(&[])).await;
    assert_eq!(writes(&log).len(), 2, "{log:?}");
}

#[tokio::test(start_paused = true)]
async fn four_at_once_ten_in_a_second_and_five_seconds_in_a_row() {
    let names: Vec<String> = (0..200).map(|i| format!("n{i:03}")).collect();
    let mut bench = Bench::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
    bench.fault(|line| (!line.starts_with("GET")).then_some(Reply::After(Duration::from_secs(1))));
    let begun = Instant::now();
    let (log, wait) = bench.publish(None).await;
    assert!(begun.elapsed() <= Duration::from_secs(7) && wait == Some(PACE), "{:?}", begun.elapsed());
    assert_eq!(bench.server.lock().unwrap().most, AT_ONCE);
    assert!(writes(&log).len() <= 24, "{}", log.len());
    bench.works();
    let (log, _) = bench.publish(Some(&[])).await;
    assert!((45..=51).contains(&writes(&log).len()), "{}", log.len());
    assert_eq!(bench.metric("snc_reports_waiting") + bench.server.lock().unwrap().objects.len(), 201);
    assert_eq!(bench.says().0, "True", "waiting for its turn is no failure");
    tokio::time::advance(BEHIND * 2).await;
    assert_eq!(bench.says(), ("False", "Behind"));
}

#[tokio::test(start_paused = true)]
async fn a_standby_writes_nothing() {
    const fn of_its_own_task<T: Send>(call: T) -> T {
        call
    }
    let mut bench = Bench::new(&["shop"]);
    let standby = Bench::new(&[]);
    let client = standby.context.client.clone();
    let events = Events::new(client.clone(), "test");
    let lease = Lease::new(client.clone(), "snc-system", "l", "i", Duration::from_secs(15));
    let metrics = Arc::new(Metrics::new().unwrap());
    let context = Context::new(client, bench.context.settings.clone(), events, lease, metrics);
    let call = of_its_own_task(bench.reporter.publish(&context, &bench.assessed, None));
    assert_eq!(call.await, None);
    assert!(standby.server.lock().unwrap().log.is_empty());
}
