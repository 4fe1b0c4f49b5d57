//! Which kinds of network policy the cluster serves besides `networking.k8s.io`.

use crate::context::Context;
use crate::error::reason;
use crate::watch::cluster_policies;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIGroup;
use snc_core::policy_kinds::POLICY_KINDS;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// A kind may be installed while we run.
const LOOK_AGAIN: Duration = Duration::from_secs(300);
const TRY_AGAIN: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(10);

pub async fn keep(context: Arc<Context>, mut known: bool) -> &'static str {
    loop {
        tokio::time::sleep(if known { LOOK_AGAIN } else { TRY_AGAIN }).await;
        known = look(&context).await;
    }
}

/// False if it is not known: a reason for doubt, not for silence.
pub async fn look(context: &Arc<Context>) -> bool {
    let served = match tokio::time::timeout(ANSWER, served(context)).await {
        Ok(Ok(served)) => served,
        Ok(Err(error)) => {
            tracing::warn!(error = reason(&error), "API groups not read");
            context.update_cluster(|facts| facts.unmodelled = vec!["?".into()]);
            return false;
        }
        Err(_) => {
            tracing::warn!("API groups not read in time");
            context.update_cluster(|facts| facts.unmodelled = vec!["?".into()]);
            return false;
        }
    };
    let (ours, others) = split(&served);
    cluster_policies::serve(context, ours);
    context.update_cluster(|facts| facts.unmodelled = others);
    true
}

/// Kinds of network policy, each with the versions that it is served in.
type Served = BTreeSet<(String, String)>;

async fn served(context: &Context) -> kube::Result<Served> {
    let groups = context.client.list_api_groups().await?.groups;
    let known = |group: &APIGroup| POLICY_KINDS.iter().find(|(name, _)| *name == group.name);
    let mut served = Served::new();
    for (group, (name, kinds)) in groups.iter().filter_map(|group| Some((group, known(group)?))) {
        for version in &group.versions {
            let list = context.client.list_api_group_resources(&version.group_version).await?;
            let resources = list.resources.iter().map(|resource| resource.name.as_str());
            let ours = resources.filter(|resource| kinds.contains(resource));
            served.extend(ours.map(|resource| (format!("{resource}.{name}"), version.version.clone())));
        }
    }
    Ok(served)
}

/// Whether `ClusterNetworkPolicy` is served as we read it, and the kinds that we do not read.
fn split(served: &Served) -> (bool, Vec<String>) {
    let ours = format!("{}.{}", cluster_policies::PLURAL, cluster_policies::GROUP);
    // One object is served in every version of its kind.
    let is_ours = served.contains(&(ours.clone(), cluster_policies::VERSION.to_owned()));
    let others: BTreeSet<&String> =
        served.iter().map(|(kind, _)| kind).filter(|kind| !is_ours || **kind != ours).collect();
    (is_ours, others.into_iter().cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(kinds: &[(&str, &str)]) -> Served {
        kinds.iter().map(|(kind, version)| ((*kind).to_owned(), (*version).to_owned())).collect()
    }

    #[test]
    fn what_we_read_is_followed_and_what_we_do_not_is_named() {
        assert_eq!(split(&served(&[])), (false, Vec::new()));
        let both = served(&[
            ("adminnetworkpolicies.policy.networking.k8s.io", "v1alpha1"),
            ("clusternetworkpolicies.policy.networking.k8s.io", "v1alpha2"),
            ("ciliumnetworkpolicies.cilium.io", "v2"),
        ]);
        let others = ["adminnetworkpolicies.policy.networking.k8s.io", "ciliumnetworkpolicies.cilium.io"];
        assert_eq!(split(&both), (true, others.map(ToOwned::to_owned).to_vec()));
        let later = served(&[("clusternetworkpolicies.policy.networking.k8s.io", "v1beta1")]);
        assert_eq!(split(&later).1, ["clusternetworkpolicies.policy.networking.k8s.io"]);
    }
}
