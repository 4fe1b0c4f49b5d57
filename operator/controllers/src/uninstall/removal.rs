//! Single objects, removed and told of.

use crate::error::{Error, code};
use kube::api::Preconditions;
use kube::api::{ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use serde_json::json;
use snc_core::lang::Lang;
use snc_core::names::{LABEL_MANAGED_BY, LEASE, MANAGED_BY, MANAGER};

/// Where a kind is.
pub struct Kind {
    pub group: &'static str,
    pub version: &'static str,
    pub name: &'static str,
    pub plural: &'static str,
}

const fn kind(group: &'static str, version: &'static str, name: &'static str, plural: &'static str) -> Kind {
    Kind { group, version, name, plural }
}

const ADMISSION: &str = "admissionregistration.k8s.io";
pub const POLICY: Kind = kind(ADMISSION, "v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies");
pub const BINDING: Kind =
    kind(ADMISSION, "v1", "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings");
pub const WEBHOOK_CONFIGURATION: Kind =
    kind(ADMISSION, "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations");
pub const NAMESPACE: Kind = kind("", "v1", "Namespace", "namespaces");
pub const CONFIG_MAP: Kind = kind("", "v1", "ConfigMap", "configmaps");
pub const SECRET: Kind = kind("", "v1", "Secret", "secrets");
pub const LIMIT_RANGE: Kind = kind("", "v1", "LimitRange", "limitranges");
pub const RESOURCE_QUOTA: Kind = kind("", "v1", "ResourceQuota", "resourcequotas");
pub const NETWORK_POLICY: Kind = kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies");
pub const ROLE_BINDING: Kind = kind("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings");
pub const DEFINITION: Kind =
    kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions");
const LEASES: Kind = kind("coordination.k8s.io", "v1", "Lease", "leases");

pub struct Removal {
    client: Client,
    pub lang: Lang,
    say: fn(&str),
    removed: usize,
}

impl Removal {
    pub fn new(client: Client, lang: Lang, say: fn(&str)) -> Self {
        Self { client, lang, say, removed: 0 }
    }

    fn api(&self, kind: &Kind, namespace: Option<&str>) -> Api<DynamicObject> {
        let version = GroupVersionKind::gvk(kind.group, kind.version, kind.name);
        let resource = ApiResource::from_gvk_with_plural(&version, kind.plural);
        match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        }
    }

    /// Empty where the kind is not served.
    pub async fn list(&self, kind: &Kind, params: &ListParams) -> Result<Vec<DynamicObject>, Error> {
        match self.api(kind, None).list(params).await {
            Ok(found) => Ok(found.items),
            Err(error) if code(&error) == 404 => Ok(Vec::new()),
            Err(error) => Err(Error::api(kind.plural)(error)),
        }
    }

    /// Only with our label: under one of our names there may be something of somebody else's.
    pub async fn ours(&mut self, kind: &Kind, namespace: Option<&str>, name: &str) -> Result<(), Error> {
        self.made_by(MANAGED_BY, kind, namespace, name).await
    }

    pub async fn made_by(
        &mut self,
        maker: &str,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<(), Error> {
        let found = self.api(kind, namespace).get_opt(name).await;
        match found.map_err(Error::api(format!("{} {name}", kind.name)))? {
            Some(found) if found.labels().get(LABEL_MANAGED_BY).is_some_and(|by| by == maker) => {
                self.object(kind, &found).await
            }
            _ => Ok(()),
        }
    }

    /// What was seen, and not another one of the same name.
    pub async fn object(&mut self, kind: &Kind, object: &DynamicObject) -> Result<(), Error> {
        let params = DeleteParams {
            preconditions: Some(Preconditions { uid: object.uid(), resource_version: None }),
            ..DeleteParams::default()
        };
        self.delete(kind, object.metadata.namespace.as_deref(), &object.name_any(), &params).await
    }

    pub async fn named(&mut self, kind: &Kind, name: &str) -> Result<(), Error> {
        self.delete(kind, None, name, &DeleteParams::default()).await
    }

    async fn delete(
        &mut self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
        params: &DeleteParams,
    ) -> Result<(), Error> {
        let what = match namespace {
            Some(namespace) => format!("{} {namespace}/{name}", kind.name),
            None => format!("{} {name}", kind.name),
        };
        match self.api(kind, namespace).delete(name, params).await {
            Ok(_) => {
                self.told(&what);
                Ok(())
            }
            Err(error) if code(&error) == 404 => Ok(()),
            Err(error) => Err(Error::api(what)(error)),
        }
    }

    /// Labels of a namespace, by key.
    pub async fn labels(&mut self, namespace: &DynamicObject, keys: &[&str]) -> Result<(), Error> {
        let name = namespace.name_any();
        let labels: serde_json::Map<_, _> =
            keys.iter().map(|&key| (key.to_owned(), serde_json::Value::Null)).collect();
        let without = json!({"metadata": {"uid": namespace.uid(), "labels": labels}});
        let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        let what = format!("Namespace {name} ({})", keys.join(", "));
        match self.api(&NAMESPACE, None).patch(&name, &params, &Patch::Merge(without)).await {
            Ok(_) => {
                self.told(&what);
                Ok(())
            }
            Err(error) if code(&error) == 404 => Ok(()),
            Err(error) => Err(Error::api(what)(error)),
        }
    }

    /// The one thing that is held until the end.
    pub async fn lease(&mut self, namespace: &str) -> Result<(), Error> {
        self.delete(&LEASES, Some(namespace), LEASE, &DeleteParams::default()).await
    }

    fn told(&mut self, what: &str) {
        self.removed += 1;
        (self.say)(&self.lang.pick(|| format!("retiré : {what}"), || format!("removed: {what}")));
    }

    pub fn note(&self, text: &str) {
        (self.say)(text);
    }

    pub fn conclude(&self, everything: bool, done: bool) {
        let removed = self.removed;
        let stays = if !done {
            self.lang.str(
                "interrompu : la même commande reprend où celle-ci s'est arrêtée",
                "cut short: the same command goes on where this one stopped",
            )
        } else if everything {
            self.lang.str(
                "restent : les namespaces et leurs pods, leurs labels pod-security.kubernetes.io/, et les ServiceAccount \
                 default sans jeton",
                "what stays: namespaces and their pods, their labels pod-security.kubernetes.io/, and the default \
                 ServiceAccounts without a token",
            )
        } else {
            self.lang.str(
                "restent : NetworkPolicy, quotas, limites, droits et labels des tenants, les autres gardes, les politiques \
                 des contrôles critiques, ce qui fut déclaré, et les CRD",
                "what stays: NetworkPolicies, quotas, limits, rights and labels of tenants, the other guards, the policies of \
                 critical controls, what was declared, and the CRDs",
            )
        };
        (self.say)(
            &self
                .lang
                .pick(|| format!("{removed} retirés ; {stays}"), || format!("{removed} removed; {stays}")),
        );
    }
}
