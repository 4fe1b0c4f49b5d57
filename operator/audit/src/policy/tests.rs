mod applied;
mod asked;
mod generated;
mod read;
mod real;
mod upstream;

use super::*;
use proptest::prelude::*;

fn policy(text: &str) -> AuditPolicy {
    let text = format!("apiVersion: audit.k8s.io/v1\nkind: Policy\n{text}");
    parse(&text).unwrap_or_else(|wrong| panic!("{wrong:?}\n{text}")).policy
}

fn word(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(words).prop_map(str::to_owned)
}

/// Words of real requests, so that rules are met.
const USERS: &[&str] = &[
    "alice",
    "system:admin",
    "system:anonymous",
    "system:kube-controller-manager",
    "system:kube-scheduler",
    "system:node:n1",
    "system:serviceaccount:kube-system:coredns",
    "system:serviceaccount:shop:default",
    "system:serviceaccount:snc-system:snc-audit-sink",
];
const PATHS: &[&str] =
    &["/api", "/apis/apps/v1", "/healthz", "/livez/ping", "/logs", "/metrics", "/version", "/"];
const OBJECTS: &[(&str, &str, &str)] = &[
    ("", "configmaps", ""),
    ("", "events", ""),
    ("", "namespaces", ""),
    ("", "namespaces", "finalize"),
    ("", "nodes", ""),
    ("", "nodes", "proxy"),
    ("", "nodes", "status"),
    ("", "pods", ""),
    ("", "pods", "exec"),
    ("", "pods", "ephemeralcontainers"),
    ("", "pods", "status"),
    ("", "secrets", ""),
    ("", "serviceaccounts", ""),
    ("", "serviceaccounts", "token"),
    ("", "services", "proxy"),
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations", ""),
    ("apps", "deployments", ""),
    ("apps", "deployments", "scale"),
    ("authentication.k8s.io", "tokenreviews", ""),
    ("certificates.k8s.io", "certificatesigningrequests", "approval"),
    ("coordination.k8s.io", "leases", ""),
    ("networking.k8s.io", "networkpolicies", ""),
    ("rbac.authorization.k8s.io", "clusterrolebindings", ""),
    ("rbac.authorization.k8s.io", "roles", ""),
    ("secnumcloud.dev", "sncpolicies", ""),
    ("example.org", "things", ""),
];

/// A request in owned words.
#[derive(Debug, Clone)]
struct Asked {
    user: Option<String>,
    more_groups: Vec<String>,
    verb: String,
    path: String,
    object: Option<(usize, String, String)>,
}

impl Asked {
    fn with<T>(&self, then: impl FnOnce(&Attributes<'_>) -> T) -> T {
        let own = self.user.as_deref().map(attributes::groups_of).unwrap_or_default();
        let groups =
            own.iter().chain(self.user.iter().flat_map(|_| &self.more_groups)).map(String::as_str).collect();
        let target = match &self.object {
            None => Target::Path(&self.path),
            Some((at, namespace, name)) => {
                let (group, resource, subresource) = OBJECTS[*at];
                Target::Resource { group, resource, subresource, namespace, name }
            }
        };
        then(&Attributes { user: self.user.as_deref(), groups, verb: &self.verb, target })
    }
}

fn asked() -> impl Strategy<Value = Asked> {
    let object =
        (0..OBJECTS.len(), word(&["", "kube-system", "shop", "api"]), word(&["", "web", "kube-root-ca.crt"]));
    let verb =
        word(&["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "head"]);
    let more_groups = prop::collection::vec(word(&["system:masters", "devs"]), 0..2);
    (
        prop::option::weighted(0.9, word(USERS)),
        more_groups,
        verb,
        word(PATHS),
        prop::option::weighted(0.85, object),
    )
        .prop_map(|(user, more_groups, verb, path, object)| Asked {
            user,
            more_groups,
            verb,
            path,
            object,
        })
}

fn wish() -> impl Strategy<Value = Wish> {
    let resource = (0..OBJECTS.len()).prop_map(|at| {
        let (group, resource, subresource) = OBJECTS[at];
        let path =
            if subresource.is_empty() { resource.to_owned() } else { format!("{resource}/{subresource}") };
        Wanted { group: group.to_owned(), resource: path }
    });
    let namespaces = prop::collection::btree_set(word(&["shop", "api", "kube-system", "Not a name"]), 0..3);
    (word(&["acme", "bolt"]), namespaces, prop::collection::btree_set(resource, 0..4)).prop_map(
        |(tenant, namespaces, resources)| Wish { tenant: tenant.parse().unwrap(), namespaces, resources },
    )
}

fn wishes() -> impl Strategy<Value = Wishes> {
    let sink = Just("system:serviceaccount:snc-system:snc-audit-sink".to_owned());
    (prop::collection::btree_set(sink, 0..2), prop::collection::vec(wish(), 0..4))
        .prop_map(|(probes, tenants)| Wishes { probes, tenants })
}
