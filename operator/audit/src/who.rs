//! What kind of somebody a user name stands for.

const ACCOUNT: &str = "system:serviceaccount:";
const NODE: &str = "system:node:";
pub const ANONYMOUS: &str = "system:anonymous";

/// Parts of a control plane that have certificates of their own: of Kubernetes, of k3s and RKE2, of GKE. What says
/// `system:admin` or `system:masters` is not among them: people hold those.
const COMPONENTS: &[&str] = &[
    "system:addon-manager",
    "system:apiserver",
    "system:cloud-controller-manager",
    "system:cluster-autoscaler",
    "system:gcp-controller-manager",
    "system:k3s-controller",
    "system:k3s-supervisor",
    "system:konnectivity-server",
    "system:kube-controller-manager",
    "system:kube-proxy",
    "system:kube-scheduler",
    "system:rke2-controller",
    "system:rke2-supervisor",
];

/// The namespace and the name of a `ServiceAccount`.
pub fn service_account(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix(ACCOUNT)?.split_once(':')?;
    (!namespace.is_empty() && !name.is_empty()).then_some((namespace, name))
}

/// A part of the control plane, or a kubelet.
pub fn is_component(user: &str) -> bool {
    user.strip_prefix(NODE).is_some_and(|node| !node.is_empty()) || COMPONENTS.contains(&user)
}

/// Somebody who may be a person, by whatever credentials or none: nothing else that we know of.
pub fn may_be_person(user: &str) -> bool {
    service_account(user).is_none() && !is_component(user)
}

/// Somebody who can answer for what they did.
pub fn is_person(user: &str) -> bool {
    may_be_person(user) && !user.is_empty() && user != ANONYMOUS && !user.starts_with(ACCOUNT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("alice", true, true)]
    #[case("system:admin", true, true)]
    #[case("kubernetes-admin", true, true)]
    #[case("", true, false)]
    #[case("system:anonymous", true, false)]
    #[case("system:serviceaccount:shop:default", false, false)]
    #[case("system:serviceaccount:", true, false)]
    #[case("system:node:n1", false, false)]
    #[case("system:node:", true, true)]
    #[case("system:kube-scheduler", false, false)]
    #[case("system:kube-schedulers", true, true)]
    fn who_is_who(#[case] user: &str, #[case] maybe: bool, #[case] person: bool) {
        assert_eq!((may_be_person(user), is_person(user)), (maybe, person), "{user}");
    }
}
