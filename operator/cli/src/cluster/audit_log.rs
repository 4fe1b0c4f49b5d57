//! The way to the audit sink, and a token for it alone.

use super::Cluster;
use super::list::{Kind, Trouble};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, Service, ServiceAccount, ServicePort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt;
use kube::api::{Api, ListParams, PostParams};
use snc_core::names::{AUDIT_SINK, LABEL_TENANT};
use tokio::io::{AsyncRead, AsyncWrite};

/// What a token has to be made for.
const AUDIENCE: &str = "snc-audit-log";
/// Seconds; the API server makes none that is good for less.
const LIFETIME: i64 = 600;
/// Of the ConfigMap with the authority that signs its certificate.
const AUTHORITY: &str = "snc-audit-sink-ca";
const AUTHORITY_KEY: &str = "ca.crt";
/// Of the Service's port, unless it has one only.
const PORT: &str = "https";

fn missing(what: String, detail: &str) -> Trouble {
    Trouble { kind: Kind::Failed, what, detail: detail.to_owned() }
}

impl Cluster {
    pub async fn audit_token(&self, namespace: &str, name: &str) -> Result<String, Trouble> {
        let what = format!("serviceaccounts/token {namespace}/{name}");
        let api: Api<ServiceAccount> = Api::namespaced(self.client.clone(), namespace);
        let spec = TokenRequestSpec {
            audiences: vec![AUDIENCE.to_owned()],
            expiration_seconds: Some(LIFETIME),
            ..TokenRequestSpec::default()
        };
        let request = TokenRequest { spec, ..TokenRequest::default() };
        let made = api.create_token_request(name, &PostParams::default(), &request).await;
        let made = made.map_err(|error| found(what.clone(), &error))?;
        made.status.map(|status| status.token).ok_or_else(|| missing(what, "no status"))
    }

    /// Whose a namespace is now, by its label; None where it is no tenant's.
    pub async fn tenant_of(&self, namespace: &str) -> Result<Option<String>, Trouble> {
        let api: Api<Namespace> = Api::all(self.client.clone());
        let object = api.get_metadata(namespace).await;
        let object = object.map_err(|error| found(format!("namespaces {namespace}"), &error))?;
        Ok(object.metadata.labels.and_then(|mut labels| labels.remove(LABEL_TENANT)))
    }

    pub async fn audit_authority(&self, home: &str) -> Result<String, Trouble> {
        let what = format!("configmaps {home}/{AUTHORITY}");
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), home);
        let map = api.get(AUTHORITY).await.map_err(|error| found(what.clone(), &error))?;
        map.data.and_then(|mut data| data.remove(AUTHORITY_KEY)).ok_or_else(|| missing(what, AUTHORITY_KEY))
    }

    /// Through the API server to a pod that is ready; TLS goes on top, so that nobody on the way reads it.
    pub async fn audit_sink(
        &self,
        home: &str,
    ) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + use<>, Trouble> {
        let what = format!("services {home}/{AUDIT_SINK}");
        let services: Api<Service> = Api::namespaced(self.client.clone(), home);
        let service = services.get(AUDIT_SINK).await.map_err(|error| found(what.clone(), &error))?;
        let spec = service.spec.unwrap_or_default();
        let ports = spec.ports.unwrap_or_default();
        let port = port_of(&ports).ok_or_else(|| missing(what.clone(), "spec.ports"))?;
        let selector: Vec<String> =
            spec.selector.unwrap_or_default().iter().map(|(key, value)| format!("{key}={value}")).collect();
        if selector.is_empty() {
            return Err(missing(what, "spec.selector"));
        }
        let what = format!("pods {home} ({})", selector.join(","));
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), home);
        let all = pods.list(&ListParams::default().labels(&selector.join(","))).await;
        let all = all.map_err(|error| Trouble::new(what.clone(), &error))?;
        let pod = all.items.iter().find(|pod| is_ready(pod)).ok_or_else(|| missing(what, "Ready"))?;
        let name = pod.name_any();
        let what = format!("pods/portforward {home}/{name}");
        let port = number(port, pod).ok_or_else(|| missing(what.clone(), "containerPort"))?;
        let mut forward =
            pods.portforward(&name, &[port]).await.map_err(|error| Trouble::new(what.clone(), &error))?;
        forward.take_stream(port).ok_or_else(|| missing(what, "stream"))
    }
}

/// An object that is named is not a kind that nobody installed.
fn found(what: String, error: &kube::Error) -> Trouble {
    let mut trouble = Trouble::new(what, error);
    if trouble.kind == Kind::NotServed {
        trouble.kind = Kind::Failed;
    }
    trouble
}

fn port_of(ports: &[ServicePort]) -> Option<&ServicePort> {
    let named = ports.iter().find(|port| port.name.as_deref() == Some(PORT));
    named.or(if let [only] = ports { Some(only) } else { None })
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    let ready =
        conditions.is_some_and(|all| all.iter().any(|one| one.type_ == "Ready" && one.status == "True"));
    ready && pod.metadata.deletion_timestamp.is_none()
}

fn number(port: &ServicePort, pod: &Pod) -> Option<u16> {
    let number = match &port.target_port {
        None => port.port,
        Some(IntOrString::Int(number)) => *number,
        Some(IntOrString::String(name)) => {
            let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
            let mut ports = containers.flat_map(|container| container.ports.iter().flatten());
            ports.find(|port| port.name.as_ref() == Some(name))?.container_port
        }
    };
    u16::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, from_value, json};

    fn ports(of: Value) -> Vec<ServicePort> {
        from_value(of).unwrap()
    }

    #[test]
    fn the_port_is_the_one_named_https_or_the_only_one() {
        let two = ports(json!([{"name": "intake", "port": 8445}, {"name": "https", "port": 8446}]));
        assert_eq!(port_of(&two).map(|port| port.port), Some(8446));
        assert_eq!(port_of(&ports(json!([{"port": 443}]))).map(|port| port.port), Some(443));
        assert_eq!(port_of(&ports(json!([{"name": "a", "port": 1}, {"name": "b", "port": 2}]))), None);
        assert_eq!(port_of(&[]), None);
    }

    #[test]
    fn the_pods_own_number_is_asked_for() {
        let pod: Pod = from_value(json!({"spec": {"containers": [
            {"name": "a", "ports": [{"name": "metrics", "containerPort": 8080}]},
            {"name": "sink", "ports": [{"name": "serve", "containerPort": 8446}]}]}}))
        .unwrap();
        for (port, expected) in [
            (json!({"port": 443, "targetPort": "serve"}), Some(8446)),
            (json!({"port": 443, "targetPort": 9000}), Some(9000)),
            (json!({"port": 443}), Some(443)),
            (json!({"port": 443, "targetPort": "other"}), None),
            (json!({"port": 443, "targetPort": 70000}), None),
        ] {
            assert_eq!(number(&from_value(port.clone()).unwrap(), &pod), expected, "{port}");
        }
    }

    #[test]
    fn a_pod_that_goes_is_not_ready() {
        let pod = |ready: &str, gone: Value| -> Pod {
            from_value(json!({"metadata": {"deletionTimestamp": gone},
                "status": {"conditions": [{"type": "Ready", "status": ready}]}}))
            .unwrap()
        };
        assert!(is_ready(&pod("True", Value::Null)));
        assert!(!is_ready(&pod("False", Value::Null)));
        assert!(!is_ready(&pod("True", json!("2026-11-23T12:00:00Z"))));
        assert!(!is_ready(&Pod::default()));
    }
}
