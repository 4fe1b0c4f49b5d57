//! The addresses of the cluster itself, from what it tells: nodes, Services, the control plane. What is not told is not
//! known, and flows to addresses are then judged by what a baseline says.

use super::Change;
use super::stream::{Restart, Selector, Signal, follow};
use crate::context::Context;
use ipnet::IpNet;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::ServiceCIDR;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use snc_index::Index;
use snc_network::audit::Addresses;
use snc_network::reach::IpSet;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Names of the objects of one source, and the blocks that each tells; nothing as long as it was not listed.
type Told<T> = Option<BTreeMap<String, T>>;

#[derive(Debug, Default)]
pub struct Sources {
    nodes: Told<NodeBlocks>,
    services: Told<Vec<IpNet>>,
    control_plane: Told<Vec<IpNet>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct NodeBlocks {
    addresses: Vec<IpNet>,
    pods: Vec<IpNet>,
}

/// What we read of a node.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct NodeLite {
    metadata: ObjectMeta,
    spec: NodeLiteSpec,
    status: NodeLiteStatus,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct NodeLiteSpec {
    #[serde(rename = "podCIDRs")]
    pod_cidrs: Vec<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct NodeLiteStatus {
    addresses: Vec<NodeAddress>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct NodeAddress {
    address: String,
}

impl Resource for NodeLite {
    type DynamicType = ();
    type Scope = k8s_openapi::ClusterResourceScope;

    fn kind((): &()) -> std::borrow::Cow<'_, str> {
        "Node".into()
    }

    fn group((): &()) -> std::borrow::Cow<'_, str> {
        "".into()
    }

    fn version((): &()) -> std::borrow::Cow<'_, str> {
        "v1".into()
    }

    fn plural((): &()) -> std::borrow::Cow<'_, str> {
        "nodes".into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

pub fn start(context: &Arc<Context>, tasks: &mut JoinSet<&'static str>) {
    let client = &context.client;
    let (nodes, services) = (Api::<NodeLite>::all(client.clone()), Api::<ServiceCIDR>::all(client.clone()));
    let slices = Api::<EndpointSlice>::namespaced(client.clone(), "default");
    let of_the_api =
        Selector { labels: Some("kubernetes.io/service-name=kubernetes".into()), ..Selector::default() };
    let (for_nodes, for_services, for_slices) = (context.clone(), context.clone(), context.clone());
    tasks.spawn(async move {
        collect(nodes, Selector::default(), &for_nodes, |s| &mut s.nodes, blocks_of_node).await;
        "nodes"
    });
    tasks.spawn(async move {
        collect(services, Selector::default(), &for_services, |s| &mut s.services, blocks_of_services).await;
        "servicecidrs"
    });
    tasks.spawn(async move {
        collect(slices, of_the_api, &for_slices, |s| &mut s.control_plane, blocks_of_slice).await;
        "endpointslices"
    });
}

async fn collect<K, T: PartialEq>(
    api: Api<K>,
    selector: Selector,
    context: &Context,
    part: fn(&mut Sources) -> &mut Told<T>,
    read: fn(&K) -> T,
) where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let named = |object: K| (object.name_any(), read(&object));
    follow(api, selector, named, |signal| {
        let changed = {
            let mut sources = context.sources();
            let told = part(&mut sources);
            match signal {
                Signal::Change(Change::Apply((name, blocks))) => told.as_mut().is_some_and(|told| {
                    let changed = told.get(&name) != Some(&blocks);
                    told.insert(name, blocks);
                    changed
                }),
                Signal::Change(Change::Delete((name, _))) => {
                    told.as_mut().is_some_and(|told| told.remove(&name).is_some())
                }
                Signal::Change(Change::Reset(all)) => {
                    *told = Some(all.into_iter().collect());
                    true
                }
                Signal::Again(why @ (Restart::Denied | Restart::Refused), text) => {
                    tracing::debug!(kind = %K::kind(&()), why = why.as_str(), error = text, "addresses not told");
                    told.take().is_some()
                }
                Signal::Again(..) | Signal::Alive | Signal::Open => false,
            }
        };
        if changed {
            refresh(context);
        }
    })
    .await;
}

/// What is known now, with the pods that there are: node ranges that do not hold them are not those of the network.
pub fn refresh(context: &Context) {
    let (addresses, known) = {
        let index = context.index();
        summary(&context.sources(), &index)
    };
    context.update_cluster(|facts| (facts.addresses, facts.addresses_known) = (addresses, known));
}

fn summary(sources: &Sources, index: &Index) -> (Addresses, bool) {
    let nodes = sources.nodes.iter().flat_map(BTreeMap::values);
    let node_addresses: IpSet = nodes.clone().flat_map(|node| node.addresses.iter().copied()).collect();
    let pods: IpSet = nodes.clone().flat_map(|node| node.pods.iter().copied()).collect();
    let services: IpSet = sources.services.iter().flat_map(BTreeMap::values).flatten().copied().collect();
    let control_plane: IpSet =
        sources.control_plane.iter().flat_map(BTreeMap::values).flatten().copied().collect();
    let mut of_pods = index.all_pods().filter(|(_, _, pod)| !pod.host_network && !pod.completed);
    let holds_pods = of_pods.all(|(_, _, pod)| pod.ips.iter().flatten().all(|ip| pods.contains(*ip)));
    let complete = |node: &NodeBlocks| !node.addresses.is_empty() && !node.pods.is_empty();
    let known = nodes.clone().next().is_some()
        && nodes.clone().all(complete)
        && !services.is_empty()
        && !control_plane.is_empty()
        && holds_pods;
    (Addresses { control_plane, nodes: node_addresses, inside: pods.union(&services) }, known)
}

fn blocks_of_node(node: &NodeLite) -> NodeBlocks {
    NodeBlocks {
        addresses: node.status.addresses.iter().filter_map(|a| host(&a.address)).collect(),
        pods: node.spec.pod_cidrs.iter().filter_map(|block| block.parse().ok()).collect(),
    }
}

fn blocks_of_services(range: &ServiceCIDR) -> Vec<IpNet> {
    let blocks = range.spec.iter().flat_map(|spec| spec.cidrs.iter().flatten());
    blocks.filter_map(|block| block.parse().ok()).collect()
}

fn blocks_of_slice(slice: &EndpointSlice) -> Vec<IpNet> {
    slice.endpoints.iter().flat_map(|endpoint| &endpoint.addresses).filter_map(|a| host(a)).collect()
}

/// Host names among a node's addresses are none.
fn host(address: &str) -> Option<IpNet> {
    address.parse::<IpAddr>().ok().map(IpNet::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use snc_index::PodLite;

    fn node(addresses: &[&str], pods: &[&str]) -> NodeBlocks {
        let addresses: Vec<_> = addresses.iter().map(|a| json!({"address": a})).collect();
        let node = json!({"spec": {"podCIDRs": pods}, "status": {"addresses": addresses}});
        blocks_of_node(&serde_json::from_value(node).unwrap())
    }

    fn sources(nodes: &[NodeBlocks]) -> Sources {
        let block = |text: &str| vec![text.parse::<IpNet>().unwrap()];
        Sources {
            nodes: Some(nodes.iter().enumerate().map(|(i, n)| (i.to_string(), n.clone())).collect()),
            services: Some([("kubernetes".to_owned(), block("10.96.0.0/12"))].into()),
            control_plane: Some([("kubernetes".to_owned(), block("192.0.2.1/32"))].into()),
        }
    }

    fn pods(ip: &str) -> Index {
        let mut index = Index::default();
        let pod = json!({"metadata": {"name": "p", "namespace": "n"}, "status": {"podIPs": [{"ip": ip}]}});
        index.apply_pod(&serde_json::from_value::<PodLite>(pod).unwrap());
        index
    }

    #[test]
    fn everything_is_known_when_everybody_tells() {
        let sources = sources(&[node(&["192.0.2.1", "node-1"], &["10.244.0.0/24"])]);
        let (addresses, known) = summary(&sources, &pods("10.244.0.7"));
        assert!(known);
        assert_eq!(addresses.nodes.to_string(), "192.0.2.1/32");
        assert_eq!(addresses.inside.to_string(), "10.96.0.0/12, 10.244.0.0/24");
    }

    #[test]
    fn a_cluster_without_nodes_tells_nothing_of_those_to_come() {
        assert!(!summary(&sources(&[]), &Index::default()).1);
    }

    #[test]
    fn a_network_that_hands_out_other_addresses_than_the_nodes_ranges_is_not_known() {
        let sources = sources(&[node(&["192.0.2.1"], &["10.244.0.0/24"])]);
        assert!(!summary(&sources, &pods("100.64.0.7")).1);
    }

    #[test]
    fn one_node_without_a_range_leaves_all_unknown() {
        let sources = sources(&[node(&["192.0.2.1"], &["10.244.0.0/24"]), node(&["192.0.2.2"], &[])]);
        assert!(!summary(&sources, &Index::default()).1);
    }

    #[test]
    fn a_source_that_may_not_be_read_leaves_all_unknown() {
        let mut sources = sources(&[node(&["192.0.2.1"], &["10.244.0.0/24"])]);
        sources.services = None;
        assert!(!summary(&sources, &Index::default()).1);
    }
}
