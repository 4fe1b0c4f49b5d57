//! What `status` reads, as far as the reader's rights go.

use super::Cluster;
use super::list::{Trouble, declare, declared, list};
use crate::args::Args;
use crate::model::Selection;
use crate::model::status::{Facts, Operator, OperatorState};
use futures::{StreamExt, stream};
use jiff::{Timestamp, ToSpan};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, ListParams};
use kube::core::DeserializeGuard;
use snc_api::v1alpha1::{SncBaseline, SncPolicy, SncTenant};
use snc_core::names::{LABEL_TENANT, LEASE};
use snc_index::{Declared, Index, NamespaceFacts};
use std::collections::BTreeSet;

type Tenants = Vec<(String, Declared<SncTenant>)>;
type Policies = Vec<(String, String, Declared<SncPolicy>)>;

impl Cluster {
    /// The facts, and what could not be read; only troubles when nothing useful is left to say.
    pub async fn status_facts(&self, args: &Args) -> Result<(Facts, Vec<Trouble>), Vec<Trouble>> {
        let selection = &args.selection;
        let (tenants, namespaces, baselines, operator) = futures::join!(
            self.tenants(selection),
            self.namespaces(selection),
            declared::<SncBaseline>(Api::<DeserializeGuard<_>>::all(self.client.clone())),
            self.operator(&args.settings.identity.namespace),
        );
        let mut troubles = Vec::new();
        let namespaces = namespaces.map_err(|trouble| troubles.push(trouble)).ok();
        let tenants = tenants.map_err(|trouble| troubles.push(trouble)).ok();
        let baselines = baselines.map_err(|trouble| troubles.push(trouble)).ok();
        let (policies, whole) =
            self.policies(selection, tenants.as_ref(), namespaces.as_ref(), &mut troubles).await;
        if troubles.iter().any(|t| !t.is_refusal()) {
            return Err(troubles);
        }
        let complete = match selection {
            Selection::All => whole && tenants.is_some() && namespaces.is_some() && baselines.is_some(),
            Selection::Tenant(_) => whole && tenants.is_some(),
            // The policies of a namespace say all of it; without one, only the tenants can.
            Selection::Namespace(_) => whole && (tenants.is_some() || !policies.is_empty()),
        };
        let baselines = baselines.map(|list| list.into_iter().map(|(_, name, b)| (name, b)).collect());
        let facts = Facts {
            context: self.context.clone(),
            now: Timestamp::now(),
            lang: args.lang,
            operator,
            tenants,
            baselines,
            namespaces,
            policies,
            settings: args.settings.clone(),
            complete,
        };
        Ok((facts, troubles))
    }

    /// For a reader without the platform's rights: the policies of the namespaces that it may read.
    pub async fn own_policies(&self, selection: &Selection) -> Result<Index, Vec<Trouble>> {
        let mut troubles = Vec::new();
        let (policies, _) = self.policies(selection, None, None, &mut troubles).await;
        let mut index = Index::default();
        let belongs = |policy: &Declared<SncPolicy>| match selection {
            Selection::Tenant(wanted) => policy
                .as_ref()
                .ok()
                .and_then(|p| p.status.as_ref()?.tenant.as_ref())
                .is_none_or(|t| t == wanted),
            _ => true,
        };
        let policies: Policies = policies.into_iter().filter(|(_, _, policy)| belongs(policy)).collect();
        if policies.is_empty() {
            return Err(troubles);
        }
        for namespace in policies.iter().map(|(namespace, _, _)| namespace.clone()).collect::<BTreeSet<_>>() {
            let mut object = Namespace::default();
            object.metadata.name = Some(namespace);
            index.apply_namespace(&object);
        }
        index.reset_policies(policies);
        Ok(index)
    }

    async fn tenants(&self, selection: &Selection) -> Result<Tenants, Trouble> {
        let api = Api::<DeserializeGuard<SncTenant>>::all(self.client.clone());
        let refused = match declared(api.clone()).await {
            Ok(all) => return Ok(all.into_iter().map(|(_, name, tenant)| (name, tenant)).collect()),
            Err(trouble) => trouble,
        };
        // A reader may know one tenant by name and not the list.
        let Selection::Tenant(name) = selection else { return Err(refused) };
        match api.get_opt(name).await {
            Ok(Some(guard)) if refused.is_refusal() => {
                let (_, name, tenant) = declare(guard);
                Ok(vec![(name, tenant)])
            }
            _ => Err(refused),
        }
    }

    async fn namespaces(&self, selection: &Selection) -> Result<Vec<NamespaceFacts>, Trouble> {
        let api = Api::<Namespace>::all(self.client.clone());
        let refused = match list(api.clone(), ListParams::default()).await {
            Ok(all) => return Ok(all.iter().map(NamespaceFacts::from).collect()),
            Err(trouble) => trouble,
        };
        let Selection::Namespace(name) = selection else { return Err(refused) };
        match api.get_opt(name).await {
            Ok(Some(namespace)) if refused.is_refusal() => Ok(vec![NamespaceFacts::from(&namespace)]),
            _ => Err(refused),
        }
    }

    /// The policies in reach, and whether these are all that were asked about.
    async fn policies(
        &self,
        selection: &Selection,
        tenants: Option<&Tenants>,
        namespaces: Option<&Vec<NamespaceFacts>>,
        troubles: &mut Vec<Trouble>,
    ) -> (Policies, bool) {
        if let Selection::Namespace(name) = selection {
            let api = Api::<DeserializeGuard<_>>::namespaced(self.client.clone(), name);
            return match declared(api).await {
                Ok(policies) => (policies, true),
                Err(trouble) => {
                    troubles.push(trouble);
                    (Policies::new(), false)
                }
            };
        }
        let refused = match declared(Api::<DeserializeGuard<_>>::all(self.client.clone())).await {
            Ok(policies) => return (policies, true),
            Err(trouble) => trouble,
        };
        let go_on = refused.is_refusal();
        troubles.push(refused);
        if !go_on {
            return (Policies::new(), false);
        }
        let mut found = Policies::new();
        let mut whole = tenants.is_some() && namespaces.is_some();
        let tries = self.candidates(tenants, namespaces);
        let read =
            |name: String| declared(Api::<DeserializeGuard<_>>::namespaced(self.client.clone(), &name));
        let mut answers = stream::iter(tries).map(read).buffer_unordered(8);
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(policies) => found.extend(policies),
                Err(trouble) => {
                    whole = false;
                    if !trouble.is_refusal() {
                        troubles.push(trouble);
                    }
                }
            }
        }
        found.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        (found, whole)
    }

    /// Namespaces worth trying one by one: those of tenants, and the one of the kubeconfig's context.
    fn candidates(
        &self,
        tenants: Option<&Tenants>,
        namespaces: Option<&Vec<NamespaceFacts>>,
    ) -> BTreeSet<String> {
        let listed =
            tenants.into_iter().flatten().filter_map(|(_, tenant)| tenant.as_ref().ok()?.status.as_ref());
        let of_tenants =
            listed.flat_map(|status| status.namespaces.items.iter().map(|item| item.name.clone()));
        let all = namespaces.into_iter().flatten();
        let labelled = all.filter(|n| n.label(LABEL_TENANT).is_some()).map(|n| n.name.clone());
        of_tenants.chain(labelled).chain([self.default_namespace.clone()]).collect()
    }

    /// Whether somebody renews the operator's lease. Who may not look is not told anything.
    pub(super) async fn operator(&self, namespace: &str) -> Operator {
        let api = Api::<Lease>::namespaced(self.client.clone(), namespace);
        match api.get_opt(LEASE).await {
            Err(_) => Operator { state: OperatorState::Unknown, last_seen: None },
            Ok(lease) => liveness(lease, Timestamp::now()),
        }
    }
}

fn liveness(lease: Option<Lease>, now: Timestamp) -> Operator {
    let spec = lease.and_then(|lease| lease.spec).unwrap_or_default();
    let last_seen = spec.renew_time.map(|time| time.0);
    let held = spec.holder_identity.is_some_and(|holder| !holder.is_empty());
    // Clocks of the cluster and of the reader may differ a little.
    let allowed = i64::from(spec.lease_duration_seconds.unwrap_or(15)) + 30;
    let until = last_seen.and_then(|seen| seen.checked_add(allowed.seconds()).ok());
    let alive = held && until.is_some_and(|until| now <= until);
    Operator { state: if alive { OperatorState::Alive } else { OperatorState::Silent }, last_seen }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_operator_lives_as_long_as_its_lease() {
        let state = |lease: Option<serde_json::Value>, now: &str| {
            liveness(lease.map(|l| serde_json::from_value(l).unwrap()), now.parse().unwrap()).state
        };
        let lease = json!({"spec": {
            "holderIdentity": "a", "leaseDurationSeconds": 15, "renewTime": "2026-01-01T00:00:00.000000Z",
        }});
        assert_eq!(state(Some(lease.clone()), "2026-01-01T00:00:20Z"), OperatorState::Alive);
        assert_eq!(state(Some(lease.clone()), "2025-12-31T23:59:00Z"), OperatorState::Alive);
        assert_eq!(state(Some(lease), "2026-01-01T00:01:00Z"), OperatorState::Silent);
        assert_eq!(state(None, "2026-01-01T00:00:00Z"), OperatorState::Silent);
        assert_eq!(state(Some(json!({"spec": null})), "2026-01-01T00:00:00Z"), OperatorState::Silent);
    }
}
