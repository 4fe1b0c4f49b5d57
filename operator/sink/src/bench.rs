//! What tests of several parts have in common.

pub(crate) mod flaky;

use crate::gaps::{self, Gaps};
use crate::intake::Intake;
use crate::journal::{self, Journal, Os, ServerName};
use crate::metrics::Metrics;
use crate::seen::{self, Seen};
use jiff::Timestamp;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub(crate) struct Bench {
    pub(crate) journal: Journal,
    pub(crate) gaps: Arc<Gaps>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) intake: Arc<Intake>,
}

pub(crate) fn server() -> ServerName {
    ServerName::new("un").unwrap()
}

/// An intake on a journal, as it is after a start.
pub(crate) fn bench(place: &Path, readers: &[&str]) -> Bench {
    let seen = Arc::new(Seen::new(seen::Options::default()));
    let readers = readers.iter().map(|reader| (*reader).to_owned()).collect();
    let options = journal::Options { readers, roll_bytes: 4096, ..journal::Options::default() };
    let (journal, _) =
        Journal::open_on(Arc::new(Os), &place.join("journal"), options, |entry| seen.remember(entry))
            .unwrap();
    seen.begin(journal.horizon(), vec![Arc::new(journal.clone())]);
    let path = place.join("gaps.state");
    let gaps = Gaps::open(
        Arc::new(Os),
        &path,
        gaps::Options::default(),
        &[server()],
        &BTreeMap::new(),
        Timestamp::now(),
    );
    let gaps = Arc::new(gaps.unwrap());
    let metrics = Arc::new(Metrics::complete().unwrap());
    let on_reuse = Box::new(|_: &ServerName, _| {});
    let intake = Intake::new(journal.clone(), seen, gaps.clone(), metrics.clone(), on_reuse);
    Bench { journal, gaps, metrics, intake: Arc::new(intake) }
}

pub(crate) fn event(nth: u64, verb: &str, namespace: &str, user: &str) -> String {
    let at = Timestamp::now().to_string();
    json!({
        "level": "Metadata", "auditID": format!("id-{nth}"), "stage": "ResponseComplete", "verb": verb,
        "user": {"username": user, "groups": ["system:authenticated"]},
        "objectRef": {"resource": "pods", "namespace": namespace, "name": "web"},
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": at, "stageTimestamp": at,
    })
    .to_string()
}
