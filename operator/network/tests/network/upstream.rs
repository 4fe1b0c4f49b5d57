//! The NetworkPolicy specs of Kubernetes judge our evaluators. `e2e/netpol` says how the fixtures are recorded.

use crate::fixtures::{self, Spec, Step, mistakes};
use crate::support::{engine, naive};
use rstest::rstest;
use snc_core::flow::Protocol;
use snc_network::reach::{Cluster, Connectivity};
use std::panic;

/// Whether one pod ("namespace/name") reaches a port of another. Panics when that is not certain.
type Evaluator = fn(&Cluster, &str, &str, Protocol, u16) -> bool;

#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    specs: usize,
    steps: usize,
    cells: usize,
}

/// The engine's other way to an answer: `crate::support::engine` asks it to explain.
fn matrix(cluster: &Cluster, from: &str, to: &str, protocol: Protocol, port: u16) -> bool {
    let connectivity = Connectivity::new(cluster);
    let pod = |id: &str| {
        id.split_once('/').and_then(|(namespace, name)| connectivity.pod(namespace, name)).unwrap()
    };
    let reach = connectivity.reach(pod(from), pod(to));
    let certain = reach.ports.contains(protocol, port);
    assert_eq!(certain, reach.possible.contains(protocol, port), "not certain: {from} to {to}");
    certain
}

fn differences(spec: &Spec, evaluator: Evaluator, count: &mut Count) -> Vec<String> {
    let mut found = Vec::new();
    count.specs += 1;
    for (index, step) in spec.steps.iter().enumerate() {
        count.steps += 1;
        let (cluster, Step { protocol, port, .. }) = (step.cluster(), step);
        for (from, to, expected) in step.judged() {
            count.cells += 1;
            let answer = panic::catch_unwind(|| evaluator(&cluster, from, to, *protocol, *port)).ok();
            if answer != Some(expected) {
                let answer = answer.map_or_else(|| "not certain".to_owned(), |answer| answer.to_string());
                let cell = format!("{from} -> {to} on {protocol:?} {port}");
                found.push(format!("  step {}: {cell}: expected {expected}, is {answer}", index + 1));
            }
        }
    }
    if !found.is_empty() {
        found.insert(0, format!("{} ({})", spec.name, spec.file));
    }
    found
}

#[rstest]
#[case::engine_explain(engine::can)]
#[case::engine_matrix(matrix)]
#[case::naive(naive::can)]
fn every_cell_is_as_upstream_expects(#[values("ipv4", "ipv6")] family: &str, #[case] evaluator: Evaluator) {
    let mut count = Count::default();
    let found: Vec<String> =
        fixtures::specs(family).iter().flat_map(|spec| differences(spec, evaluator, &mut count)).collect();
    println!("{family}: {} specs, {} steps, {} cells compared", count.specs, count.steps, count.cells);
    let manifest = fixtures::manifest(family);
    for omitted in &manifest.specs_without_steps {
        println!("nothing to compare: {}: {}", omitted.spec, omitted.reason);
    }
    assert!(found.is_empty(), "differences:\n{}", found.join("\n"));
    assert_eq!(count, Count { specs: manifest.specs, steps: manifest.steps, cells: manifest.cells });
}

/// Fixtures on which no cell depends on what policies say would judge nothing.
#[rstest]
fn a_misreading_is_found_out(
    #[values("ipv4", "ipv6")] family: &str,
    #[values(engine::can, naive::can)] evaluator: Evaluator,
) {
    for (ignored, ignore) in mistakes::ALL {
        let found = fixtures::specs(family).into_iter().any(|mut spec| {
            spec.steps.iter_mut().for_each(ignore);
            !differences(&spec, evaluator, &mut Count::default()).is_empty()
        });
        assert!(found, "no cell depends on {ignored}");
    }
}
