//! Which network plugin runs, and whether it is known to enforce NetworkPolicies. That it is known to is no proof
//! of packets.

use super::input::{DaemonSetSeen, Input};
use super::{Judged, State, some};
use snc_core::lang::Lang;

/// From this build on (kind 0.24) kindnet enforces NetworkPolicies.
const KINDNET_ENFORCES: u32 = 20_240_813;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Enforces {
    Yes,
    No,
    /// Who knows this plugin cannot tell from what is seen here.
    Perhaps,
}

type Rule = fn(&DaemonSetSeen, &Input) -> Enforces;

/// By the name of their `DaemonSet`.
const PLUGINS: &[(&str, &str, Rule)] = &[
    ("cilium", "Cilium", cilium),
    ("anetd", "GKE Dataplane V2 (Cilium)", |_, _| Enforces::Yes),
    ("calico-node", "Calico", |_, _| Enforces::Yes),
    ("canal", "Canal (Calico, Flannel)", |_, _| Enforces::Yes),
    ("rke2-canal", "Canal (Calico, Flannel)", |_, _| Enforces::Yes),
    ("ovnkube-node", "OVN-Kubernetes", |_, _| Enforces::Yes),
    ("antrea-agent", "Antrea", |_, _| Enforces::Yes),
    ("kube-router", "kube-router", kube_router),
    ("kube-network-policies", "kube-network-policies", |_, _| Enforces::Yes),
    ("azure-npm", "Azure Network Policy Manager", |_, _| Enforces::Yes),
    ("aws-node", "Amazon VPC CNI", amazon),
    ("kindnet", "kindnet", kindnet),
    ("kube-flannel-ds", "Flannel", flannel),
    ("kube-flannel", "Flannel", flannel),
    ("flannel", "Flannel", flannel),
    ("weave-net", "Weave Net", weave),
    ("azure-cns", "Azure CNI", |_, _| Enforces::No),
    ("netd", "GKE netd", |_, _| Enforces::No),
    ("terway-eniip", "Terway", |_, _| Enforces::Perhaps),
    ("terway-eni", "Terway", |_, _| Enforces::Perhaps),
    ("nsx-node-agent", "VMware NSX", |_, _| Enforces::Perhaps),
    // Networks beside the first one are outside NetworkPolicy.
    ("kube-multus-ds", "Multus", |_, _| Enforces::Perhaps),
    ("multus", "Multus", |_, _| Enforces::Perhaps),
];

fn cilium(_: &DaemonSetSeen, input: &Input) -> Enforces {
    match &input.cilium_config {
        Ok(config) if config.get("enable-policy").map(String::as_str) == Some("never") => Enforces::No,
        Ok(config) if config.get("enable-k8s-networkpolicy").map(String::as_str) == Some("false") => {
            Enforces::No
        }
        Ok(config) if !config.is_empty() => Enforces::Yes,
        // It enforces unless its configuration says otherwise, and that could not be read.
        _ => Enforces::Perhaps,
    }
}

fn kube_router(seen: &DaemonSetSeen, _: &Input) -> Enforces {
    let off = |arg: &String| arg == "--run-firewall=false";
    if seen.containers.iter().any(|c| c.args.iter().any(off)) { Enforces::No } else { Enforces::Yes }
}

/// The agent for policies runs beside the plugin, and has to be switched on.
fn amazon(seen: &DaemonSetSeen, _: &Input) -> Enforces {
    let agent = seen
        .containers
        .iter()
        .find(|c| c.name == "aws-eks-nodeagent" || c.name == "aws-network-policy-agent");
    let said = agent
        .and_then(|agent| agent.args.iter().find_map(|arg| arg.strip_prefix("--enable-network-policy=")));
    match (agent, said) {
        (Some(_), Some("true")) => Enforces::Yes,
        (Some(_), Some("false")) | (None, _) => Enforces::No,
        (Some(_), _) => Enforces::Perhaps,
    }
}

/// `kindest/kindnetd:v20240813-c6f155d6`
fn kindnet(seen: &DaemonSetSeen, _: &Input) -> Enforces {
    let build = seen.containers.iter().find_map(|container| {
        let tag = container.image.split('@').next()?.rsplit_once(":v")?.1;
        tag.split('-').next().filter(|date| date.len() == 8)?.parse::<u32>().ok()
    });
    match build {
        Some(build) if build >= KINDNET_ENFORCES => Enforces::Yes,
        Some(_) => Enforces::No,
        None => Enforces::Perhaps,
    }
}

/// By itself it does not; its chart can put an enforcer beside it.
fn flannel(seen: &DaemonSetSeen, _: &Input) -> Enforces {
    let enforcer = seen.containers.iter().any(|c| c.image.contains("kube-network-policies"));
    if enforcer { Enforces::Yes } else { Enforces::No }
}

/// Its project ended in 2024; its controller for policies is a container of its own.
fn weave(seen: &DaemonSetSeen, _: &Input) -> Enforces {
    let off = |c: &super::ContainerSeen| c.env.get("EXPECT_NPC").is_some_and(|v| v == "0" || v == "false");
    let controller = seen.containers.iter().any(|c| c.name == "weave-npc");
    if controller && !seen.containers.iter().any(off) { Enforces::Perhaps } else { Enforces::No }
}

pub fn network_plugin(input: &Input, lang: Lang) -> Judged {
    let sets = match &input.daemon_sets {
        Ok(sets) => sets,
        Err(trouble) => return (State::Unknown, trouble.message(lang)),
    };
    let found: Vec<(&DaemonSetSeen, &str, Enforces)> = sets
        .iter()
        .filter_map(|set| {
            let (_, plugin, rule) = PLUGINS.iter().find(|(name, ..)| *name == set.name)?;
            Some((set, *plugin, rule(set, input)))
        })
        .collect();
    if found.is_empty() {
        return (State::Unknown, nothing_known(input, lang));
    }
    let told = some(found.iter().map(|found| tell(found, lang)), 10);
    let multus = found.iter().any(|(_, plugin, _)| *plugin == "Multus");
    let enforcers: Vec<&DaemonSetSeen> =
        found.iter().filter(|(.., enforces)| *enforces == Enforces::Yes).map(|(set, ..)| *set).collect();
    let everywhere = |nodes: usize| nodes > 0 && enforcers.iter().any(|set| set.ready >= nodes);
    let state = if enforcers.is_empty() {
        let perhaps = found.iter().any(|(.., enforces)| *enforces == Enforces::Perhaps);
        if perhaps { State::Unknown } else { State::Missing }
    } else if multus || !input.nodes.as_ref().is_ok_and(|nodes| everywhere(*nodes)) {
        State::Unknown
    } else {
        State::Ok
    };
    let nodes = match &input.nodes {
        Ok(nodes) => lang.pick(|| format!("{nodes} nœud(s)"), || format!("{nodes} node(s)")),
        Err(_) => lang.str("nombre de nœuds inconnu", "number of nodes unknown").to_owned(),
    };
    (state, lang.pick(|| format!("{told} ; {nodes}"), || format!("{told}; {nodes}")))
}

fn tell((set, plugin, enforces): &(&DaemonSetSeen, &str, Enforces), lang: Lang) -> String {
    let enforces = match enforces {
        Enforces::Yes => lang.str("applique les NetworkPolicy", "enforces NetworkPolicies"),
        Enforces::No => lang.str("n'applique pas les NetworkPolicy", "does not enforce NetworkPolicies"),
        Enforces::Perhaps => lang.str("application inconnue", "enforcement unknown"),
    };
    let DaemonSetSeen { namespace, name, ready, .. } = set;
    lang.pick(
        || format!("{plugin} ({namespace}/{name}, prêt sur {ready}) {enforces}"),
        || format!("{plugin} ({namespace}/{name}, ready on {ready}) {enforces}"),
    )
}

/// Definitions outlive the plugin that brought them, so they hint and decide nothing.
fn nothing_known(input: &Input, lang: Lang) -> String {
    const HINTS: &[&str] =
        &["cilium.io", "crd.projectcalico.org", "projectcalico.org", "crd.antrea.io", "k8s.ovn.org"];
    let served: Vec<&str> = match &input.groups {
        Ok(groups) => HINTS.iter().copied().filter(|hint| groups.contains_key(*hint)).collect(),
        Err(_) => Vec::new(),
    };
    let seen =
        lang.str("aucun DaemonSet d'une extension réseau connue", "no DaemonSet of a known network plugin");
    if served.is_empty() {
        return seen.to_owned();
    }
    let served = served.join(", ");
    lang.pick(
        || format!("{seen} ; groupes d'API servis : {served}"),
        || format!("{seen}; API groups served: {served}"),
    )
}
