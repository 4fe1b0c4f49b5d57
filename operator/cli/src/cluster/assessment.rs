//! Where the operator wrote the state of the requirements, as far as the reader's rights go.

use super::Cluster;
use super::list::{Trouble, declare, list};
use crate::args::Args;
use crate::model::Selection;
use crate::model::assessment::{Found, Wanted};
use crate::model::status::Operator;
use kube::api::{Api, ListParams};
use kube::core::DeserializeGuard;
use snc_api::v1alpha1::SncAssessment;
use snc_core::names::{ASSESSMENT, LABEL_MANAGED_BY, MANAGED_BY};

/// What was looked for, where, and what was there.
pub struct Looked {
    pub wanted: Wanted,
    /// Empty: everywhere.
    pub namespace: String,
    pub found: Found,
    pub operator: Operator,
}

impl Cluster {
    pub async fn assessments(&self, args: &Args) -> Result<Looked, Trouble> {
        let home = &args.settings.identity.namespace;
        let (wanted, mut namespace) = match &args.selection {
            Selection::All => (Wanted::Cluster, home.clone()),
            Selection::Namespace(namespace) if namespace == home => (Wanted::Cluster, home.clone()),
            Selection::Namespace(namespace) => (Wanted::Mirror, namespace.clone()),
            Selection::Tenant(tenant) => (Wanted::Tenant(tenant.clone()), String::new()),
        };
        let (found, operator) = futures::join!(self.named(&namespace), self.operator(home));
        let found = match found {
            // A tenant's own user may read where its context is.
            Err(trouble) if trouble.is_refusal() && namespace.is_empty() => {
                namespace.clone_from(&self.default_namespace);
                self.named(&namespace).await.map_err(|_| trouble)?
            }
            found => found?,
        };
        Ok(Looked { wanted, namespace, found, operator })
    }

    async fn named(&self, namespace: &str) -> Result<Found, Trouble> {
        let client = self.client.clone();
        let api: Api<DeserializeGuard<SncAssessment>> =
            if namespace.is_empty() { Api::all(client) } else { Api::namespaced(client, namespace) };
        // The guard lets nobody but the operator write what has the label: without it anybody may have made it.
        let ours = ListParams::default()
            .labels(&format!("{LABEL_MANAGED_BY}={MANAGED_BY}"))
            .fields(&format!("metadata.name={ASSESSMENT}"));
        let guards = list(api, ours).await?;
        Ok(guards.into_iter().map(declare).collect())
    }
}
