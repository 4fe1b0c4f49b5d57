use super::due::CALM;
use super::*;
use std::time::{Duration, Instant};

fn status() -> Status {
    Status {
        observed_generation: 3,
        sources: vec![SourceStatus {
            server: "un".into(),
            kind: SourceKind::Webhook,
            last_received: Some(Timestamp::UNIX_EPOCH),
            state: SourceState::Receiving,
        }],
        gaps: GapsStatus::default(),
        store: StoreStatus {
            kind: StoreKind::Volume,
            locked: false,
            bytes: 1,
            forecast_days: None,
            free: Some(2),
        },
        seal: None,
        probe: Some(ProbeStatus {
            at: Timestamp::from_second(500).unwrap(),
            arrived: true,
            delay_milliseconds: Some(12),
            skew_milliseconds: Some(-3),
            via: Some(SourceKind::File),
        }),
        alarms: AlarmsStatus::default(),
        policy: PolicyStatus::default(),
        retention: RetentionStatus { days: 184, maximum_days: None, tenants: vec![] },
        records: RecordsStatus::default(),
        forwarding: None,
        conditions: vec![],
    }
}

#[test]
fn it_reads_as_the_schema_has_it() {
    let text = serde_json::to_value(status()).unwrap();
    assert_eq!(text["probe"]["delayMilliseconds"], 12);
    assert_eq!(text["sources"][0]["lastReceived"], "1970-01-01T00:00:00Z");
    assert_eq!(text["sources"][0]["kind"], "Webhook");
    assert_eq!(text["store"]["kind"], "Volume");
    assert!(text.get("seal").is_none() && text["store"].get("forecastDays").is_none());
}

type Change = fn(&mut Status);

#[test]
fn counters_wait_and_what_matters_does_not() {
    let start = Instant::now();
    let mut due = Due::default();
    assert_eq!(due.turn(&status(), start), Turn::Calm);
    due.written(status(), start);

    let mut counted = status();
    counted.records.total = 10_000;
    counted.sources[0].last_received = Some(Timestamp::MAX);
    if let Some(probe) = &mut counted.probe {
        probe.delay_milliseconds = Some(900);
    }
    let after = start + Duration::from_secs(100);
    assert_eq!(due.turn(&counted, after), Turn::Wait(Duration::from_secs(200)));
    assert_eq!(due.turn(&counted, start + CALM), Turn::Calm);
    assert_eq!(due.turn(&status(), start + 2 * CALM), Turn::Wait(CALM), "nothing is new");

    let changes: [Change; 7] = [
        |status| status.gaps.open = 1,
        |status| status.alarms.overdue = 1,
        |status| status.probe = status.probe.take().map(|probe| ProbeStatus { arrived: false, ..probe }),
        |status| status.sources[0].state = SourceState::Refusing,
        |status| status.policy.missing.push("pods/exec".into()),
        |status| status.observed_generation = 4,
        |status| status.retention.days = 365,
    ];
    for change in changes {
        let mut other = status();
        change(&mut other);
        assert_eq!(due.turn(&other, after), Turn::Now, "{other:?}");
        let soon = start + Duration::from_secs(1);
        assert_eq!(due.turn(&other, soon), Turn::Wait(Duration::from_secs(4)));
    }
}

fn facts() -> Facts {
    let status = status();
    Facts {
        wishes: crate::wishes::Wishes::default(),
        sources: status.sources,
        gaps: vec![],
        gaps_total: 0,
        store: status.store,
        seal: Some(SealStatus {
            key_id: "k".into(),
            head: 4,
            at: Timestamp::UNIX_EPOCH,
            anchored_at: Some(Timestamp::UNIX_EPOCH),
            anchor: Some("s3://anchors".into()),
        }),
        anchoring: Anchoring {
            wanted: true,
            waits_since: None,
            late_after: jiff::SignedDuration::from_mins(15),
        },
        damage: 0,
        probe: status.probe,
        alarms: AlarmsStatus::default(),
        policy: PolicyStatus::default(),
        records: RecordsStatus::default(),
        forwarding: None,
    }
}

fn gap(second: i64, closed: bool) -> GapItem {
    let at = Timestamp::from_second(second).unwrap();
    GapItem {
        server: "un".into(),
        source: SourceKind::File,
        cause: "Rotated".into(),
        from: at,
        to: Some(at),
        closed: closed.then_some(at),
    }
}

fn said(facts: Facts, kind: &str) -> (String, String) {
    let now = Timestamp::from_second(1_000).unwrap();
    let status = gather(None, facts, snc_core::lang::Lang::En, now);
    let one = status.conditions.into_iter().find(|one| one.r#type == kind).unwrap();
    (one.status, one.reason)
}

#[test]
fn open_gaps_come_first_and_lists_are_bounded() {
    let gaps = (0..30).map(|second| gap(second, second != 3)).collect();
    let status =
        gather(None, Facts { gaps, gaps_total: 40, ..facts() }, snc_core::lang::Lang::Fr, Timestamp::now());
    assert_eq!((status.gaps.open, status.gaps.total, status.gaps.truncated), (1, 40, true));
    assert_eq!(status.gaps.items.len(), ITEMS);
    assert_eq!(status.gaps.items[0], gap(3, false));
    assert_eq!(status.gaps.items[1], gap(29, true));
}

#[test]
fn complete_is_not_said_of_what_is_not_known() {
    let case = |facts: Facts| said(facts, "Complete");
    assert_eq!(case(facts()), ("True".into(), "NoGapOpen".into()));
    assert_eq!(case(Facts { probe: None, ..facts() }), ("Unknown".into(), "NotProbed".into()));
    assert_eq!(case(Facts { gaps: vec![gap(1, false)], ..facts() }), ("False".into(), "GapsOpen".into()));
    assert_eq!(case(Facts { gaps: vec![gap(1, true)], ..facts() }), ("True".into(), "NoGapOpen".into()));
    let old = facts().probe.map(|probe| ProbeStatus { at: Timestamp::from_second(99).unwrap(), ..probe });
    assert_eq!(case(Facts { probe: old, ..facts() }), ("Unknown".into(), "ProbeOld".into()));
    let missed = facts().probe.map(|probe| ProbeStatus { arrived: false, ..probe });
    assert_eq!(case(Facts { probe: missed, ..facts() }), ("False".into(), "ProbeMissed".into()));
}

#[test]
fn proven_needs_an_anchor_that_is_not_late() {
    let case = |facts: Facts| said(facts, "Proven");
    let anchoring = |wanted, waits: Option<i64>| Anchoring {
        wanted,
        waits_since: waits.map(|second| Timestamp::from_second(second).unwrap()),
        ..facts().anchoring
    };
    assert_eq!(case(facts()), ("True".into(), "Anchored".into()));
    assert_eq!(case(Facts { damage: 1, ..facts() }), ("False".into(), "Damaged".into()));
    assert_eq!(
        case(Facts { anchoring: anchoring(false, None), ..facts() }),
        ("False".into(), "NotAnchored".into())
    );
    assert_eq!(
        case(Facts { anchoring: anchoring(true, Some(999)), ..facts() }),
        ("True".into(), "Anchored".into())
    );
    assert_eq!(
        case(Facts { anchoring: anchoring(true, Some(1)), ..facts() }),
        ("False".into(), "AnchorLate".into())
    );
    assert_eq!(case(Facts { seal: None, ..facts() }), ("Unknown".into(), "NoHead".into()));
    let old = facts().seal.map(|seal| SealStatus { at: Timestamp::from_second(-9_000).unwrap(), ..seal });
    assert_eq!(case(Facts { seal: old, ..facts() }), ("False".into(), "HeadOld".into()));
}

#[test]
fn a_condition_keeps_the_time_of_its_last_change() {
    let at = |second| Timestamp::from_second(second).unwrap();
    let lang = snc_core::lang::Lang::Fr;
    let first = gather(None, facts(), lang, at(100));
    let same = gather(Some(&first), facts(), lang, at(200));
    assert_eq!(same.conditions, first.conditions);
    let other = gather(Some(&same), Facts { gaps: vec![gap(1, false)], ..facts() }, lang, at(300));
    assert_eq!(other.conditions[0].last_transition_time, at(300));
    assert_eq!(other.conditions[1].last_transition_time, at(100));
}

#[test]
fn a_server_is_told_by_each_way_it_was_heard_and_one_that_never_was() {
    use crate::gaps::Heard;
    use crate::journal::{ServerName, Source};
    let now = Timestamp::from_second(100_000).unwrap();
    let heard = |server: &str, source, ago: Option<i64>, refusing| Heard {
        server: ServerName::new(server).unwrap(),
        source,
        last: ago.map(|ago| Timestamp::from_second(100_000 - ago).unwrap()),
        refusing,
    };
    let all = [
        heard("deux", Source::Webhook, None, false),
        heard("deux", Source::File, Some(661), false),
        heard("trois", Source::Webhook, None, false),
        heard("trois", Source::File, None, false),
        heard("un", Source::Webhook, Some(660), false),
        heard("un", Source::File, None, false),
        heard("zero", Source::Webhook, None, true),
    ];
    let told = report::sources(&all, &crate::wishes::Wishes::default(), now);
    let told: Vec<_> = told.iter().map(|one| (one.server.as_str(), one.kind, one.state)).collect();
    assert_eq!(
        told,
        [
            ("deux", SourceKind::File, SourceState::Silent),
            ("trois", SourceKind::Webhook, SourceState::Never),
            ("un", SourceKind::Webhook, SourceState::Receiving),
            ("zero", SourceKind::Webhook, SourceState::Refusing),
        ]
    );
}
