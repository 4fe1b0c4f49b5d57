use super::*;

const CLIENT_NODE: &str = "un";

fn at() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn after(hours: i64) -> Timestamp {
    at() + SignedDuration::from_hours(hours)
}

fn asked(protocol: Protocol, port: u16, answered: bool) -> Asked {
    Asked { address: "10.0.0.7".parse().unwrap(), protocol, port, answered }
}

/// As where everything is enforced.
fn enforced() -> Measured {
    let asked = PROTOCOLS.into_iter().flat_map(|protocol| {
        [(OPEN, true), (INGRESS, false), (EGRESS, false), (OPEN, true)]
            .map(|(port, answered)| asked(protocol, port, answered))
    });
    let received = PROTOCOLS.into_iter().flat_map(|protocol| {
        [(OPEN, 2), (INGRESS, 0), (EGRESS, 0)].map(|(port, packets)| Received { protocol, port, packets })
    });
    Measured {
        at: at(),
        client_node: Some(CLIENT_NODE.to_owned()),
        server_node: Some("deux".to_owned()),
        asked: asked.collect(),
        received: received.collect(),
        failure: None,
    }
}

#[test]
fn only_silence_beside_an_answer_is_a_proof() {
    assert_eq!(enforced().judge(after(1)), Probed::Enforced { one_node: false });
    let beside = Measured { server_node: Some(CLIENT_NODE.to_owned()), ..enforced() };
    assert_eq!(beside.judge(after(1)), Probed::Enforced { one_node: true });
    // Each thing that is taken away takes the proof away, and never makes a disproof.
    let mut poorer: Vec<Measured> = vec![
        Measured { failure: Some("no pod".to_owned()), ..enforced() },
        Measured { asked: Vec::new(), ..enforced() },
        Measured { received: Vec::new(), ..enforced() },
    ];
    for index in 0..enforced().asked.len() {
        let mut one = enforced();
        one.asked.remove(index);
        poorer.push(one);
        let mut one = enforced();
        if one.asked[index].answered {
            one.asked[index].answered = false;
            poorer.push(one);
        }
    }
    for measured in poorer {
        let probed = measured.judge(after(1));
        assert!(matches!(probed, Probed::Inconclusive(_)), "{measured:?}: {probed:?}");
    }
}

#[test]
fn one_packet_is_a_disproof_and_does_not_get_old() {
    for index in 0..enforced().asked.len() {
        let mut one = enforced();
        if one.asked[index].port == OPEN {
            continue;
        }
        one.asked[index].answered = true;
        // Even when nothing else of it holds.
        one.failure = Some("cut short".to_owned());
        let through = BTreeSet::from([(one.asked[index].protocol, one.asked[index].port)]);
        assert_eq!(one.judge(after(1)), Probed::Disproved(through.clone()));
        assert_eq!(one.judge(after(1000)), Probed::Disproved(through));
    }
    // One way only: nothing was answered, and the server saw it.
    let mut one = enforced();
    let of =
        one.received.iter_mut().find(|one| one.port == INGRESS && one.protocol == Protocol::Udp).unwrap();
    of.packets = 1;
    let Probed::Disproved(through) = one.judge(after(1)) else { panic!("not a disproof") };
    assert_eq!(sides(&through), Text::new("UDP entrant", "UDP ingress"));
}

#[test]
fn a_proof_gets_old_and_none_is_of_the_future() {
    assert!(matches!(enforced().judge(after(24)), Probed::Enforced { .. }));
    let late = after(24) + SignedDuration::from_secs(1);
    assert!(matches!(enforced().judge(late), Probed::Inconclusive(_)));
    let slow = at() - SignedDuration::from_mins(5);
    assert!(matches!(enforced().judge(slow), Probed::Enforced { .. }));
    let wrong = at() - SignedDuration::from_mins(6);
    assert!(matches!(enforced().judge(wrong), Probed::Inconclusive(_)));
}

#[test]
fn it_is_read_as_it_was_written() {
    let text = serde_json::to_string(&enforced()).unwrap();
    assert_eq!(serde_json::from_str::<Measured>(&text).unwrap(), enforced());
    for wrong in
        ["", "{}", r#"{"at": "yesterday"}"#, r#"{"at": "2026-11-23T10:00:00Z", "asked": [{"port": 70000}]}"#]
    {
        serde_json::from_str::<Measured>(wrong).unwrap_err();
    }
}

/// Both pods would be let into a namespace of a tenant at the highest level.
#[test]
fn the_pods_ask_for_nothing() {
    let image =
        Image { name: "r/snc:1".to_owned(), pull_policy: "Always".to_owned(), pull_secrets: Vec::new() };
    for pod in [server(&image), client(&image, &["10.0.0.7".parse().unwrap()])] {
        assert_eq!(pod["spec"]["automountServiceAccountToken"], false);
        assert_eq!(pod["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"], true);
        assert!(pod["spec"]["volumes"].is_null() && pod["spec"]["hostNetwork"].is_null());
    }
}
