//! The ways in which enforcement can be switched off or got around, and the rights that each takes.

use serde::Serialize;
use snc_core::lang::Lang;
use snc_core::names::{ASSESSMENT, GROUP, LEASE, WAIVERS};
use snc_plan::guards::{Identity, guards};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    Everything,
    Guards,
    Webhooks,
    Definitions,
    Operator,
    Identity,
    Rights,
    Nodes,
    Certificates,
    Policies,
    Exceptions,
}

impl Way {
    pub const fn word(self, lang: Lang) -> &'static str {
        match self {
            Self::Everything => lang.str("tout", "everything"),
            Self::Guards => lang.str("retirer les gardes", "remove the guards"),
            Self::Webhooks => lang.str("retirer un webhook", "remove a webhook"),
            Self::Definitions => lang.str("retirer les CRD", "remove the CRDs"),
            Self::Operator => lang.str("arrêter l'opérateur", "stop the operator"),
            Self::Identity => lang.str("agir comme l'opérateur", "act as the operator"),
            Self::Rights => lang.str("changer les droits", "change rights"),
            Self::Nodes => lang.str("passer par les nœuds", "go through the nodes"),
            Self::Certificates => lang.str("signer une identité", "sign an identity"),
            Self::Policies => lang.str("changer ce qui est exigé", "change what is asked for"),
            Self::Exceptions => lang.str("exempter", "waive"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Cluster,
    OperatorNamespace,
}

/// Rights of one kind. With a name, one that holds for other names only is none.
pub struct Ask {
    pub way: Way,
    pub verbs: &'static [&'static str],
    pub group: &'static str,
    pub resource: &'static str,
    pub names: Vec<String>,
    pub place: Place,
}

impl Ask {
    pub fn is_named(&self, verb: &str, of_rule: &[String]) -> bool {
        if of_rule.is_empty() {
            return true;
        }
        // What is made has no name yet, and a collection has none.
        !matches!(verb, "create" | "deletecollection")
            && (self.names.is_empty() || self.names.iter().any(|name| of_rule.contains(name)))
    }

    pub fn told(&self, verb: &str) -> String {
        let group = if self.group.is_empty() { "core" } else { self.group };
        format!("{verb} {group}/{}", self.resource)
    }
}

const CHANGE: &[&str] = &["update", "patch", "delete", "deletecollection"];
const WRITE: &[&str] = &["update", "patch"];
const RBAC: &str = "rbac.authorization.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";

fn ask(way: Way, verbs: &'static [&'static str], group: &'static str, resource: &'static str) -> Ask {
    Ask { way, verbs, group, resource, names: Vec::new(), place: Place::Cluster }
}

impl Ask {
    fn of(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.names = names.into_iter().collect();
        self
    }

    fn at_home(mut self) -> Self {
        self.place = Place::OperatorNamespace;
        self
    }
}

pub fn asks(identity: &Identity) -> Vec<Ask> {
    let account = || [identity.service_account.clone()];
    let guard_names: Vec<String> =
        guards(identity, Lang::En).into_iter().filter_map(|guard| guard.policy.metadata.name).collect();
    let own_roles = || ["snc-controller".to_owned(), "snc-assessment".to_owned()];
    let mut all = vec![
        ask(Way::Guards, CHANGE, ADMISSION, "validatingadmissionpolicies").of(guard_names.clone()),
        ask(Way::Guards, CHANGE, ADMISSION, "validatingadmissionpolicybindings").of(guard_names),
        ask(Way::Webhooks, CHANGE, ADMISSION, "validatingwebhookconfigurations"),
        // One that changes objects on their way can hide what a rule looks for.
        ask(Way::Webhooks, &["create", "update", "patch"], ADMISSION, "mutatingwebhookconfigurations"),
        ask(Way::Webhooks, &["create", "update", "patch"], ADMISSION, "mutatingadmissionpolicies"),
        ask(Way::Operator, CHANGE, "apps", "deployments").at_home(),
        ask(Way::Operator, WRITE, "apps", "deployments/scale").at_home(),
        ask(Way::Operator, CHANGE, "coordination.k8s.io", "leases").of([LEASE.to_owned()]).at_home(),
        ask(Way::Operator, &["delete", "deletecollection"], "", "serviceaccounts").of(account()).at_home(),
        ask(Way::Operator, &["delete"], "", "namespaces").of([identity.namespace.clone()]),
        ask(Way::Identity, &["create"], "", "serviceaccounts/token").at_home(),
        ask(Way::Identity, &["create"], "", "pods").at_home(),
        ask(Way::Identity, &["create", "get"], "", "pods/exec").at_home(),
        ask(Way::Identity, WRITE, "", "pods/ephemeralcontainers").at_home(),
        ask(Way::Identity, &["create"], "", "secrets").at_home(),
        ask(Way::Identity, &["get", "list", "watch"], "", "secrets").at_home(),
        ask(Way::Identity, &["impersonate"], "", "serviceaccounts").of(account()).at_home(),
        ask(Way::Identity, &["impersonate"], "", "users"),
        ask(Way::Identity, &["impersonate"], "", "groups"),
        ask(Way::Rights, &["escalate", "bind"], RBAC, "clusterroles"),
        ask(Way::Rights, &["escalate", "bind"], RBAC, "roles").at_home(),
        ask(Way::Rights, CHANGE, RBAC, "clusterroles").of(own_roles()),
        ask(Way::Rights, CHANGE, RBAC, "clusterrolebindings").of(own_roles()),
        ask(Way::Nodes, &["get", "create"], "", "nodes/proxy"),
        ask(Way::Certificates, &["approve"], "certificates.k8s.io", "signers"),
        ask(Way::Certificates, WRITE, "certificates.k8s.io", "certificatesigningrequests/approval"),
        ask(Way::Policies, &["create", "update", "patch", "delete"], GROUP, "sncbaselines"),
        ask(Way::Policies, &["create", "update", "patch", "delete", "assign"], GROUP, "snctenants"),
        ask(Way::Policies, &["create", "update", "patch", "delete"], GROUP, "sncauditlogs"),
        ask(Way::Policies, CHANGE, GROUP, "sncassessments").of([ASSESSMENT.to_owned()]).at_home(),
        ask(Way::Exceptions, &["create"], GROUP, "sncexceptions"),
        ask(Way::Exceptions, WRITE, GROUP, "sncexceptions/status"),
        ask(Way::Exceptions, CHANGE, GROUP, "sncwaiversets").of([WAIVERS.to_owned()]).at_home(),
        ask(Way::Exceptions, CHANGE, GROUP, "sncimageledgers").at_home(),
        ask(Way::Exceptions, &["create", "update", "patch"], GROUP, "sncimagescans").at_home(),
    ];
    let definitions = snc_api::all_crds().into_iter().filter_map(|crd| crd.metadata.name);
    all.push(
        ask(Way::Definitions, CHANGE, "apiextensions.k8s.io", "customresourcedefinitions").of(definitions),
    );
    all
}
