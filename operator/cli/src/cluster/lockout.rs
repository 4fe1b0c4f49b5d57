//! What `preflight --lockout` gathers. Nothing is stored: what is made is made with `dryRun=All`.

use super::Cluster;
use super::list::{list, plural};
use super::preflight::harmless;
use crate::model::lockout::{Hook, HookRule, Input, Probe, tried};
use crate::model::preflight::{Read, Trial};
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, RuleWithOperations, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::core::v1::Namespace;
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use serde_json::{Value, json};
use snc_plan::Settings;
use std::collections::BTreeMap;

impl Cluster {
    pub async fn lockout(&self, settings: &Settings) -> Input {
        let namespaces = list::<Namespace>(Api::all(self.client.clone()), ListParams::default());
        let (hooks, namespaces) = futures::join!(self.hooks(), namespaces);
        let labels = |one: Namespace| (one.name_any(), one.metadata.labels.unwrap_or_default());
        let mut trials = BTreeMap::new();
        for probe in tried(settings) {
            let trial = self.trial(&probe).await;
            trials.insert(probe, trial);
        }
        Input {
            context: self.context.clone(),
            settings: settings.clone(),
            hooks,
            namespaces: namespaces.map(|all| all.into_iter().map(labels).collect()),
            trials,
        }
    }

    async fn hooks(&self) -> Read<Vec<Hook>> {
        let client = || self.client.clone();
        let (mutating, validating) = futures::join!(
            list::<MutatingWebhookConfiguration>(Api::all(client()), ListParams::default()),
            list::<ValidatingWebhookConfiguration>(Api::all(client()), ListParams::default()),
        );
        let mut hooks = Vec::new();
        for configuration in mutating? {
            let name = configuration.name_any();
            hooks.extend(configuration.webhooks.into_iter().flatten().map(|hook| Hook {
                configuration: name.clone(),
                name: hook.name,
                mutating: true,
                fails_closed: hook.failure_policy.as_deref() != Some("Ignore"),
                rules: rules(hook.rules),
                namespaces: hook.namespace_selector.unwrap_or_default(),
                objects: hook.object_selector.unwrap_or_default(),
                has_conditions: hook.match_conditions.is_some_and(|all| !all.is_empty()),
            }));
        }
        for configuration in validating? {
            let name = configuration.name_any();
            hooks.extend(configuration.webhooks.into_iter().flatten().map(|hook| Hook {
                configuration: name.clone(),
                name: hook.name,
                mutating: false,
                fails_closed: hook.failure_policy.as_deref() != Some("Ignore"),
                rules: rules(hook.rules),
                namespaces: hook.namespace_selector.unwrap_or_default(),
                objects: hook.object_selector.unwrap_or_default(),
                has_conditions: hook.match_conditions.is_some_and(|all| !all.is_empty()),
            }));
        }
        Ok(hooks)
    }

    async fn trial(&self, probe: &Probe) -> Trial {
        let group =
            if probe.group.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{}/v1", probe.group) };
        let space = probe.namespace.as_ref().map(|name| format!("/namespaces/{name}")).unwrap_or_default();
        let path = format!("{group}{space}/{}?dryRun=All", probe.resource);
        let body = match probe.resource {
            "pods" => harmless(),
            _ => json!({"metadata": {"name": "snc-preflight"}}),
        };
        let request = http::Request::post(path).header("content-type", "application/json");
        let Ok(request) = request.body(body.to_string().into_bytes()) else { return Trial::NotTried };
        match self.client.request::<Value>(request).await {
            Ok(_) => Trial::Accepted,
            Err(kube::Error::Api(status)) => Trial::Refused(snc_core::text::clip(&status.message, 400)),
            Err(error) => {
                Trial::Refused(format!("{}: {}", plural::<Namespace>(), super::list::chain(&error)))
            }
        }
    }
}

fn rules(rules: Option<Vec<RuleWithOperations>>) -> Vec<HookRule> {
    let rule = |rule: RuleWithOperations| HookRule {
        groups: rule.api_groups.unwrap_or_default(),
        resources: rule.resources.unwrap_or_default(),
        operations: rule.operations.unwrap_or_default(),
        scope: rule.scope.unwrap_or_default(),
    };
    rules.into_iter().flatten().map(rule).collect()
}
