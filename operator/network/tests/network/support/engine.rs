use snc_core::flow::Protocol;
use snc_network::reach::{Cluster, Connectivity, End};

fn end(pod: &str) -> End<'_> {
    let (namespace, name) = pod.split_once('/').expect("namespace/name");
    End::Pod { namespace, name }
}

/// Whether the engine lets `from` (`namespace/name`) connect to a port of `to`. Panics when it is not certain: a
/// fixture says all that its policies ask for.
pub fn can(cluster: &Cluster, from: &str, to: &str, protocol: Protocol, port: u16) -> bool {
    let answer =
        Connectivity::new(cluster).explain(end(from), end(to)).expect("both pods are in the cluster");
    let certain = answer.reach.ports.contains(protocol, port);
    assert_eq!(
        certain,
        answer.reach.possible.contains(protocol, port),
        "not certain: {from} to {to}: {:?}",
        answer.unknown
    );
    certain
}
