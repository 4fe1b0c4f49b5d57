//! Who is there: pods of two tenants, and pods that are nobody's.

use super::{POD_IMAGE, Site};
use anyhow::Result;
use serde_json::{Value, json};
use snc_e2e::{
    objects::{Kind, NAMESPACES, namespace, new_namespace, text},
    wait::eventually,
};
use std::net::Ipv4Addr;

/// Each pod serves each of them by TCP and UDP; the first is that of name servers.
pub const PORTS: [u16; 3] = [53, 8080, 9090];

pub struct Who {
    pub namespace: &'static str,
    pub name: &'static str,
    label: (&'static str, &'static str),
}

const fn who(namespace: &'static str, name: &'static str, label: (&'static str, &'static str)) -> Who {
    Who { namespace, name, label }
}

/// Tenants' pods of the same role have the same label: it is the namespace that tells them apart.
pub const ALL: [Who; 9] = [
    who("alpha-web", "alpha-front", ("app", "front")),
    who("alpha-web", "alpha-api", ("app", "api")),
    who("alpha-data", "alpha-db", ("app", "db")),
    who("beta-web", "beta-front", ("app", "front")),
    who("beta-web", "beta-api", ("app", "api")),
    who("libre", "libre", ("app", "front")),
    who("entree", "entree", ("app", "entree")),
    who("kube-system", "dns", ("k8s-app", "kube-dns")),
    who("kube-system", "agent", ("app", "api")),
];

/// As `kubectl snc` and the strictest Pod Security Standard want it.
pub fn running(name: &str, labels: &Value, args: &[&str]) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels},
        "spec": {
            "automountServiceAccountToken": false, "terminationGracePeriodSeconds": 1, "enableServiceLinks": false,
            "securityContext": {"runAsNonRoot": true, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{
                "name": "main", "image": POD_IMAGE, "imagePullPolicy": "IfNotPresent", "args": args,
                "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                    "capabilities": {"drop": ["ALL"]}},
                "resources": {"requests": {"cpu": "1m", "memory": "8Mi"}, "limits": {"memory": "64Mi"}},
            }],
        },
    })
}

/// As every control of level `Standard` wants it, besides.
pub fn faultless(name: &str, image: &str) -> Value {
    let mut pod = serving(name, &json!({"app": name}));
    pod["spec"]["serviceAccountName"] = json!("default");
    let container = &mut pod["spec"]["containers"][0];
    container["image"] = json!(image);
    container["resources"] = json!({"requests": {"cpu": "1m", "memory": "8Mi", "ephemeral-storage": "1Mi"},
        "limits": {"cpu": "100m", "memory": "64Mi", "ephemeral-storage": "1Mi"}});
    pod
}

pub fn serving(name: &str, labels: &Value) -> Value {
    let ports = PORTS.map(|port| port.to_string());
    let mut args = vec!["serve"];
    args.extend(ports.iter().map(String::as_str));
    let mut pod = running(name, labels, &args);
    pod["spec"]["containers"][0]["readinessProbe"] = json!({"tcpSocket": {"port": 8080}, "periodSeconds": 1});
    pod
}

/// A Service on a port of the node, for one pod and one of its ports, by TCP and UDP.
pub struct Exposed {
    pub namespace: &'static str,
    pub backend: &'static str,
    pub port: u16,
    /// Of the node: TCP, UDP.
    pub node_ports: [u16; 2],
}

pub const EXPOSED: [Exposed; 2] = [
    Exposed { namespace: "alpha-web", backend: "alpha-api", port: 8080, node_ports: [30080, 30081] },
    Exposed { namespace: "beta-web", backend: "beta-api", port: 8080, node_ports: [30090, 30091] },
];

impl Exposed {
    fn object(&self) -> Value {
        let port = |protocol: &str, node: u16| {
            json!({"name": protocol.to_lowercase(), "protocol": protocol,
            "port": self.port, "targetPort": self.port, "nodePort": node})
        };
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "api"},
            "spec": {"type": "NodePort", "selector": {"app": "api"},
                "ports": [port("TCP", self.node_ports[0]), port("UDP", self.node_ports[1])]}})
    }
}

impl Site {
    /// Makes all of them, in namespaces that are no tenant's yet.
    pub fn make_pods(&self) -> Result<()> {
        for one in &ALL {
            if self.admin.find(namespace(one.namespace))?.is_none() {
                self.platform.create(NAMESPACES, new_namespace(one.namespace, json!({})))?;
            }
            eventually(&format!("the default ServiceAccount of {}", one.namespace), || {
                Ok(self.admin.get(Kind::ServiceAccount.one(one.namespace, "default"))?)
            })?;
            let pod = serving(one.name, &json!({one.label.0: one.label.1, "site": "yes"}));
            self.platform.create(Kind::Pod.all(one.namespace), pod)?;
        }
        for exposed in &EXPOSED {
            let services = format!("/api/v1/namespaces/{}/services", exposed.namespace);
            self.platform.create(services, exposed.object())?;
        }
        for one in &ALL {
            let count = ALL.iter().filter(|other| other.namespace == one.namespace).count();
            self.ready(one.namespace, "site=yes", count)?;
        }
        Ok(())
    }

    pub fn address(&self, who: &Who) -> Result<Ipv4Addr> {
        let pod = self.admin.get(Kind::Pod.one(who.namespace, who.name))?;
        Ok(text(&pod, "/status/podIP").parse()?)
    }

    pub fn service_address(&self, exposed: &Exposed) -> Result<Ipv4Addr> {
        let service = self.admin.get(format!("/api/v1/namespaces/{}/services/api", exposed.namespace))?;
        Ok(text(&service, "/spec/clusterIP").parse()?)
    }
}
