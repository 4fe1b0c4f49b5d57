//! What `preflight` gathers. Nothing is written: access reviews are not stored, and pods are tried with
//! `dryRun=All`.

use super::Cluster;
use super::list::{Kind, Trouble, list, plural};
use crate::model::preflight::{
    ApiServerSeen, ContainerSeen, DaemonSetSeen, Input, Metrics, PolicyKindSeen, Read, Trial, WRITTEN,
    WebhookSeen,
};
use futures::{StreamExt, stream};
use http::Request;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, RuleWithOperations, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Node, Pod};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::ResourceExt;
use kube::api::{Api, ListParams, PostParams};
use serde_json::{Value, json};
use snc_core::names::{LABEL_TENANT, PSA_ENFORCE};
use snc_core::policy_kinds::POLICY_KINDS;
use snc_plan::Settings;
use std::collections::{BTreeMap, BTreeSet};

type Crd = k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

const MIRROR: &str = "kubernetes.io/config.mirror";

impl Cluster {
    pub async fn preflight(&self, settings: &Settings) -> Input {
        let client = || self.client.clone();
        let all = ListParams::default;
        let groups = self.groups().await;
        let (server, network, installed, rights) = futures::join!(
            async {
                futures::join!(
                    self.get("/version"),
                    self.api_servers(),
                    self.endpoints(),
                    self.metrics(),
                    self.get("/apis/admissionregistration.k8s.io/v1"),
                )
            },
            async {
                futures::join!(
                    list::<DaemonSet>(Api::all(client()), all()),
                    list::<Node>(Api::all(client()), all()),
                    self.policy_kinds(&groups),
                    self.webhooks(),
                )
            },
            async {
                futures::join!(
                    self.crds(),
                    list(Api::all(client()), all()),
                    list(Api::all(client()), all()),
                    self.gate(settings),
                    self.pod_security(settings),
                )
            },
            async { futures::join!(self.own_rights(settings), self.rights_of_operator(settings)) },
        );
        let (version, api_servers, endpoints, metrics, admission) = server;
        let (daemon_sets, nodes, policy_kinds, webhooks) = network;
        let (crds, guards, guard_bindings, gate, pod_security) = installed;
        let (own_rights, operator_rights) = rights;
        let daemon_sets = daemon_sets.map(|sets| sets.into_iter().map(daemon_set).collect::<Vec<_>>());
        Input {
            context: self.context.clone(),
            settings: settings.clone(),
            version: version.map(|v| v["gitVersion"].as_str().unwrap_or_default().to_owned()),
            admission_resources: admission.map(|list| resources(&list)),
            cilium_config: self.cilium_config(&daemon_sets).await,
            daemon_sets,
            nodes: nodes.map(|nodes| nodes.len()),
            groups,
            policy_kinds,
            webhooks,
            crds,
            guards,
            guard_bindings,
            gate,
            own_rights,
            operator_rights,
            api_servers,
            endpoints,
            metrics,
            pod_security,
        }
    }

    async fn get(&self, path: &str) -> Read<Value> {
        let request = Request::get(path).body(Vec::new()).map_err(|error| Trouble {
            kind: Kind::Failed,
            what: path.to_owned(),
            detail: error.to_string(),
        })?;
        self.client.request(request).await.map_err(|error| Trouble::new(path.to_owned(), &error))
    }

    async fn metrics(&self) -> Read<Metrics> {
        const PATH: &str = "/metrics";
        let request = Request::get(PATH).body(Vec::new()).map_err(|error| Trouble {
            kind: Kind::Failed,
            what: PATH.to_owned(),
            detail: error.to_string(),
        })?;
        let text = self.client.request_text(request).await;
        text.map(|text| Metrics::parse(&text)).map_err(|error| Trouble::new(PATH.to_owned(), &error))
    }

    /// API groups with the versions that are served.
    pub async fn groups(&self) -> Read<BTreeMap<String, Vec<String>>> {
        let list = self.get("/apis").await?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let groups = list["groups"].as_array().into_iter().flatten();
        let read = groups.map(|group| {
            let versions = group["versions"].as_array().into_iter().flatten();
            (text(&group["name"]), versions.map(|version| text(&version["version"])).collect())
        });
        Ok(read.collect())
    }

    /// Kinds of network policy besides `networking.k8s.io` that are served, and how many objects each has.
    pub async fn policy_kinds(
        &self,
        groups: &Read<BTreeMap<String, Vec<String>>>,
    ) -> Read<Vec<PolicyKindSeen>> {
        let groups = groups.as_ref().map_err(Clone::clone)?;
        let mut kinds: Vec<PolicyKindSeen> = Vec::new();
        for (group, known) in POLICY_KINDS {
            // A kind may be served in one version of its group and not in another.
            for version in groups.get(*group).into_iter().flatten() {
                let path = format!("/apis/{group}/{version}");
                let served = resources(&self.get(&path).await?);
                for resource in known.iter().filter(|resource| served.contains(**resource)) {
                    let name = format!("{resource}.{group}");
                    if !kinds.iter().any(|kind| kind.resource == name) {
                        let objects = self.count(&format!("{path}/{resource}?limit=1")).await;
                        kinds.push(PolicyKindSeen { resource: name, objects });
                    }
                }
            }
        }
        Ok(kinds)
    }

    async fn count(&self, path: &str) -> Read<u64> {
        let page = self.get(path).await?;
        let here = page["items"].as_array().map_or(0, Vec::len) as u64;
        Ok(here + page["metadata"]["remainingItemCount"].as_u64().unwrap_or_default())
    }

    async fn webhooks(&self) -> Read<Vec<WebhookSeen>> {
        let client = || self.client.clone();
        let (mutating, validating) = futures::join!(
            list::<MutatingWebhookConfiguration>(Api::all(client()), ListParams::default()),
            list::<ValidatingWebhookConfiguration>(Api::all(client()), ListParams::default()),
        );
        let mut seen = Vec::new();
        for configuration in mutating? {
            let rules = configuration.webhooks.iter().flatten().filter_map(|w| w.rules.as_ref()).flatten();
            let touches = touches(rules);
            seen.push(WebhookSeen { configuration: configuration.name_any(), mutating: true, touches });
        }
        for configuration in validating? {
            let rules = configuration.webhooks.iter().flatten().filter_map(|w| w.rules.as_ref()).flatten();
            let touches = touches(rules);
            seen.push(WebhookSeen { configuration: configuration.name_any(), mutating: false, touches });
        }
        Ok(seen)
    }

    async fn cilium_config(&self, sets: &Read<Vec<DaemonSetSeen>>) -> Read<BTreeMap<String, String>> {
        let Some(cilium) = sets.as_ref().ok().and_then(|sets| sets.iter().find(|set| set.name == "cilium"))
        else {
            return Ok(BTreeMap::new());
        };
        let api = Api::<ConfigMap>::namespaced(self.client.clone(), &cilium.namespace);
        match api.get_opt("cilium-config").await {
            Ok(map) => Ok(map.and_then(|map| map.data).unwrap_or_default()),
            Err(error) => Err(Trouble::new(plural::<ConfigMap>(), &error)),
        }
    }

    /// Mirror pods only: a kubelet deletes one that no static pod of its node stands behind.
    async fn api_servers(&self) -> Read<Vec<ApiServerSeen>> {
        let api = Api::<Pod>::namespaced(self.client.clone(), "kube-system");
        let pods = list(api, ListParams::default().labels("component=kube-apiserver")).await?;
        let mirrors = pods.into_iter().filter(|pod| pod.annotations().contains_key(MIRROR));
        let seen = mirrors.map(|pod| {
            let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
            let args = containers.flat_map(|c| c.command.iter().chain(&c.args).flatten().cloned());
            ApiServerSeen { pod: pod.name_any(), args: args.collect() }
        });
        Ok(seen.collect())
    }

    async fn endpoints(&self) -> Read<usize> {
        let api = Api::<EndpointSlice>::namespaced(self.client.clone(), "default");
        let ours = ListParams::default().labels("kubernetes.io/service-name=kubernetes");
        let slices = list(api, ours).await?;
        let addresses: BTreeSet<&String> = slices
            .iter()
            .flat_map(|slice| &slice.endpoints)
            .flat_map(|endpoint| &endpoint.addresses)
            .collect();
        Ok(addresses.len())
    }

    async fn crds(&self) -> Vec<(String, Read<Option<Box<Crd>>>)> {
        let api = Api::<Crd>::all(self.client.clone());
        let names = snc_api::all_crds().into_iter().filter_map(|crd| crd.metadata.name);
        stream::iter(names)
            .then(|name| {
                let api = api.clone();
                async move {
                    let read = api.get_opt(&name).await.map(|crd| crd.map(Box::new));
                    (name, read.map_err(|error| Trouble::new(plural::<Crd>(), &error)))
                }
            })
            .collect()
            .await
    }

    async fn gate(&self, settings: &Settings) -> Trial {
        let name = &settings.canary_namespace;
        match Api::<Namespace>::all(self.client.clone()).get_opt(name).await {
            // Without a tenant's label the gate has nothing to say there.
            Ok(Some(namespace)) if namespace.labels().contains_key(LABEL_TENANT) => {
                self.try_pod(name, &harmless()).await
            }
            Ok(_) => Trial::NotTried,
            Err(error) => Trial::Refused(super::list::chain(&error)),
        }
    }

    async fn pod_security(&self, settings: &Settings) -> Read<Option<(String, Trial)>> {
        let mut namespaces =
            list::<Namespace>(Api::all(self.client.clone()), ListParams::default().labels(PSA_ENFORCE))
                .await?;
        // Ours first: nobody deletes it while we look.
        namespaces.sort_by_key(|namespace| namespace.name_any() != settings.canary_namespace);
        let strict = namespaces.iter().find(|namespace| {
            let level = namespace.labels().get(PSA_ENFORCE).map(String::as_str);
            matches!(level, Some("baseline" | "restricted"))
                && namespace.metadata.deletion_timestamp.is_none()
        });
        let Some(namespace) = strict.map(ResourceExt::name_any) else { return Ok(None) };
        let trial = self.try_pod(&namespace, &privileged()).await;
        Ok(Some((namespace, trial)))
    }

    async fn try_pod(&self, namespace: &str, pod: &Value) -> Trial {
        let Ok(pod) = serde_json::from_value::<Pod>(pod.clone()) else { return Trial::NotTried };
        let dry = PostParams { dry_run: true, ..PostParams::default() };
        match Api::<Pod>::namespaced(self.client.clone(), namespace).create(&dry, &pod).await {
            Ok(_) => Trial::Accepted,
            Err(kube::Error::Api(status)) => Trial::Refused(snc_core::text::clip(&status.message, 400)),
            Err(error) => Trial::Refused(super::list::chain(&error)),
        }
    }
}

/// Names of a `APIResourceList`, without subresources.
fn resources(list: &Value) -> BTreeSet<String> {
    let all = list["resources"].as_array().into_iter().flatten();
    let names = all.filter_map(|resource| resource["name"].as_str());
    names.filter(|name| !name.contains('/')).map(ToOwned::to_owned).collect()
}

fn touches<'a>(rules: impl Iterator<Item = &'a RuleWithOperations>) -> BTreeSet<String> {
    let mut touched = BTreeSet::new();
    for rule in rules {
        let covers = |list: &Option<Vec<String>>, wanted: &[&str]| {
            list.iter().flatten().any(|item| wanted.contains(&item.as_str()))
        };
        let writes = covers(&rule.operations, &["*", "CREATE", "UPDATE", "DELETE"]);
        for written in WRITTEN.iter().filter(|_| writes) {
            let (group, resource) = written.split_once('/').unwrap_or_default();
            if covers(&rule.api_groups, &["*", group]) && covers(&rule.resources, &["*", "*/*", resource]) {
                touched.insert((*written).to_owned());
            }
        }
    }
    touched
}

fn daemon_set(set: DaemonSet) -> DaemonSetSeen {
    let ready = set.status.as_ref().map_or(0, |status| status.number_ready);
    let pod = set.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
    let containers = pod.into_iter().flat_map(|pod| &pod.containers).map(|container| ContainerSeen {
        name: container.name.clone(),
        image: container.image.clone().unwrap_or_default(),
        args: container.command.iter().chain(&container.args).flatten().cloned().collect(),
        env: container
            .env
            .iter()
            .flatten()
            .filter_map(|variable| Some((variable.name.clone(), variable.value.clone()?)))
            .collect(),
    });
    DaemonSetSeen {
        namespace: set.namespace().unwrap_or_default(),
        name: set.name_any(),
        ready: usize::try_from(ready).unwrap_or_default(),
        containers: containers.collect(),
    }
}

/// What every Pod Security standard lets in: only the gate has a reason to refuse it.
pub fn harmless() -> Value {
    json!({"metadata": {"name": "snc-preflight"}, "spec": {
        "automountServiceAccountToken": false,
        "securityContext": {"runAsNonRoot": true, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{
            "name": "main", "image": "registry.invalid/never-pulled:0",
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
            "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"cpu": "1m", "memory": "1Mi"}},
        }],
    }})
}

fn privileged() -> Value {
    json!({"metadata": {"name": "snc-preflight"}, "spec": {
        "automountServiceAccountToken": false,
        "hostPID": true,
        "containers": [{
            "name": "main", "image": "registry.invalid/never-pulled:0", "securityContext": {"privileged": true},
        }],
    }})
}
