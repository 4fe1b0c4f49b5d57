//! The engine against a naive evaluator, on random small clusters. `SNC_PROPERTY_CASES` sets how many.

use crate::support::cases::{Bytes, PORTS};
use crate::support::naive::{self, Other, Traffic};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use snc_core::flow::{Direction, Protocol};
use snc_network::reach::{Area, Cluster, Connectivity, End, Pod, PortSet, Reach};
use std::collections::BTreeSet;
use std::net::IpAddr;

fn check(default: u32, test: impl Fn(&[u8])) {
    let cases =
        std::env::var("SNC_PROPERTY_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(default);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 4000, ..Config::default() };
    let bytes = prop::collection::vec(any::<u8>(), 0..800);
    TestRunner::new(config)
        .run(&bytes, |bytes| {
            test(&bytes);
            Ok(())
        })
        .unwrap();
}

fn probes() -> Vec<Traffic> {
    let protocols = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp];
    let ports = protocols.into_iter().flat_map(|protocol| PORTS.map(|port| Some((protocol, port))));
    ports.chain([None]).collect()
}

fn holds(set: &PortSet, traffic: Traffic) -> bool {
    traffic.map_or_else(|| set.has_other_protocols(), |(protocol, port)| set.contains(protocol, port))
}

fn possible_answers(reach: &Reach, traffic: Traffic) -> BTreeSet<bool> {
    match (holds(&reach.ports, traffic), holds(&reach.possible, traffic)) {
        (true, _) => BTreeSet::from([true]),
        (false, true) => BTreeSet::from([false, true]),
        (false, false) => BTreeSet::from([false]),
    }
}

fn end(pod: &Pod) -> End<'_> {
    End::Pod { namespace: &pod.namespace, name: &pod.name }
}

fn outside() -> Vec<IpAddr> {
    ["8.8.8.8", "8.8.8.9", "1.1.1.1", "169.254.169.254", "2001:db8::1", "2002::1", "192.168.0.77"]
        .iter()
        .map(|text| text.parse().unwrap())
        .collect()
}

#[test]
fn the_engine_agrees_with_the_naive_evaluator() {
    check(400, |bytes| {
        let value = Bytes(bytes).cluster();
        let cluster: Cluster = serde_json::from_value(value.clone()).unwrap();
        let engine = Connectivity::new(&cluster);
        for (a, from) in cluster.pods.iter().enumerate() {
            for (b, to) in cluster.pods.iter().enumerate() {
                let reach = engine.reach(a, b);
                let explained = engine.explain(end(from), end(to)).unwrap();
                assert_eq!(explained.reach, reach, "{value:#}");
                for traffic in probes() {
                    let expected = naive::connect(&cluster, from, to, traffic);
                    let got = possible_answers(&reach, traffic);
                    assert_eq!(got, expected, "{} to {} {traffic:?}\n{value:#}", from.name, to.name);
                }
            }
        }
    });
}

#[test]
fn pairs_of_workloads_are_what_their_pods_can_do() {
    check(200, |bytes| {
        let value = Bytes(bytes).cluster();
        let cluster: Cluster = serde_json::from_value(value.clone()).unwrap();
        let engine = Connectivity::new(&cluster);
        let pairs: Vec<_> = engine.pairs().collect();
        assert!(pairs.is_sorted_by_key(|pair| (pair.from, pair.to)));
        let ids: Vec<_> = engine.workloads().collect();
        let of = |pod: &Pod, id: &snc_network::reach::WorkloadId<'_>| {
            pod.namespace == id.namespace && pod.owner.as_ref().unwrap().name == id.name
        };
        for from in &ids {
            for to in ids.iter().filter(|to| *to != from) {
                let mut expected = Reach::default();
                for (a, _) in cluster.pods.iter().enumerate().filter(|(_, pod)| of(pod, from)) {
                    for (b, _) in cluster.pods.iter().enumerate().filter(|(_, pod)| of(pod, to)) {
                        let reach = engine.reach(a, b);
                        expected.ports.add(&reach.ports);
                        expected.possible.add(&reach.possible);
                    }
                }
                let got = pairs.iter().find(|pair| pair.from == *from && pair.to == *to);
                let got = got.map(|pair| pair.reach.clone()).unwrap_or_default();
                assert_eq!(got, expected, "{from} to {to}\n{value:#}");
            }
        }
    });
}

#[test]
fn the_world_outside_is_what_policies_say_of_its_addresses() {
    check(200, |bytes| {
        let value = Bytes(bytes).cluster();
        let cluster: Cluster = serde_json::from_value(value.clone()).unwrap();
        // Without ranges, any address may be a node's, and the naive evaluator takes none for one.
        if cluster.ranges.nodes.is_none() && value["clusterPolicies"].to_string().contains("\"nodes\"") {
            return;
        }
        let engine = Connectivity::new(&cluster);
        for world in engine.world() {
            for (direction, areas) in
                [(Direction::Egress, &world.egress), (Direction::Ingress, &world.ingress)]
            {
                for address in outside() {
                    let inside = [&cluster.ranges.pods, &cluster.ranges.nodes];
                    let inside = inside.iter().flat_map(|r| r.iter().flatten()).any(|r| r.contains(&address));
                    let pods = cluster.pods.iter().filter(|pod| {
                        !pod.completed
                            && pod.namespace == world.workload.namespace
                            && pod.owner.as_ref().unwrap().name == world.workload.name
                    });
                    let pods: Vec<&Pod> = pods.collect();
                    for traffic in probes() {
                        check_area(&cluster, &pods, direction, address, traffic, areas, inside);
                    }
                }
            }
        }
    });
}

fn check_area(
    cluster: &Cluster,
    pods: &[&Pod],
    direction: Direction,
    address: IpAddr,
    traffic: Traffic,
    areas: &[Area],
    inside: bool,
) {
    let found: Vec<_> = areas.iter().filter(|area| area.addresses.contains(address)).collect();
    assert!(found.len() <= 1, "areas are disjoint");
    let reach = found.first().map(|area| area.reach.clone()).unwrap_or_default();
    if inside {
        assert!(reach.is_none());
        return;
    }
    let answers =
        pods.iter().map(|pod| naive::one_way(cluster, direction, pod, Other::Outside(address), traffic));
    let (mut may, mut must) = (false, false);
    for answer in answers {
        may |= answer.contains(&true);
        must |= !answer.contains(&false);
    }
    assert_eq!(holds(&reach.possible, traffic), may, "{address} {traffic:?} {cluster:#?}");
    assert_eq!(holds(&reach.ports, traffic), must, "{address} {traffic:?} {cluster:#?}");
}

#[test]
fn what_is_not_known_never_turns_an_answer_round_and_has_a_name() {
    check(400, |bytes| {
        let mut bytes = Bytes(bytes);
        let whole = bytes.cluster();
        let masked = bytes.mask(&whole);
        let cluster: Cluster = serde_json::from_value(whole.clone()).unwrap();
        let seen: Cluster = serde_json::from_value(masked.clone()).unwrap();
        let engine = Connectivity::new(&seen);
        for (a, from) in cluster.pods.iter().enumerate() {
            for (b, to) in cluster.pods.iter().enumerate() {
                let reach = engine.reach(a, b);
                assert!(reach.ports.is_subset(&reach.possible));
                let unknown = engine.explain(end(from), end(to)).unwrap().unknown;
                assert_eq!(unknown.is_empty(), reach.is_certain(), "{unknown:?} {reach:?}\n{masked:#}");
                for traffic in probes() {
                    let truth = naive::connect(&cluster, from, to, traffic);
                    let answers = possible_answers(&reach, traffic);
                    assert!(
                        truth.is_subset(&answers),
                        "{} to {} {traffic:?}: {truth:?} in {answers:?}\n{masked:#}",
                        from.name,
                        to.name
                    );
                }
            }
        }
        for pod in cluster.pods.iter().filter(|pod| !pod.completed) {
            for address in outside() {
                for direction in [Direction::Egress, Direction::Ingress] {
                    let ends = match direction {
                        Direction::Egress => (end(pod), End::Address(address)),
                        Direction::Ingress => (End::Address(address), end(pod)),
                    };
                    let answer = engine.explain(ends.0, ends.1).unwrap();
                    assert_eq!(
                        answer.unknown.is_empty(),
                        answer.reach.is_certain(),
                        "{answer:?}\n{masked:#}"
                    );
                    for traffic in probes() {
                        let truth =
                            naive::one_way(&cluster, direction, pod, Other::Outside(address), traffic);
                        let answers = possible_answers(&answer.reach, traffic);
                        assert!(truth.is_subset(&answers), "{} {address} {traffic:?}\n{masked:#}", pod.name);
                    }
                }
            }
        }
        for pair in engine.pairs().filter(|pair| !pair.reach.is_certain()) {
            assert!(!engine.unknowns(&pair).is_empty(), "{} to {}\n{masked:#}", pair.from, pair.to);
        }
    });
}
