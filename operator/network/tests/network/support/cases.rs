//! Small clusters out of bytes, so that what fails shrinks. Few names and few labels, so that they collide.

use serde_json::{Value, json};

pub const PORTS: [u16; 6] = [1, 53, 80, 81, 8080, 65_535];
const NAMESPACES: [&str; 3] = ["n0", "n1", "n2"];
const BLOCKS: [(&str, &[&str]); 14] = [
    ("0.0.0.0/0", &[]),
    ("::/0", &[]),
    ("10.0.0.0/16", &[]),
    ("10.0.0.0/24", &[]),
    ("10.0.1.0/24", &["10.0.1.2/32"]),
    ("10.0.0.0/16", &["10.0.0.0/24"]),
    ("10.0.0.2/31", &[]),
    ("0.0.0.0/0", &["10.0.0.0/8", "169.254.0.0/16"]),
    ("::/0", &["fd00::/64"]),
    ("fd00::/64", &["fd00::2/127"]),
    ("192.168.0.1/32", &[]),
    ("192.168.0.0/24", &["192.168.0.2/32"]),
    ("8.8.8.0/24", &["8.8.8.8/32"]),
    ("2001:db8::/32", &[]),
];

pub struct Bytes<'b>(pub &'b [u8]);

impl Bytes<'_> {
    /// Below `n`; 0 when the bytes are used up.
    pub fn below(&mut self, n: usize) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*first) % n
    }

    /// One time in `n`.
    pub fn rarely(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }

    fn one<'t>(&mut self, list: &[&'t str]) -> &'t str {
        list[self.below(list.len())]
    }

    fn list(&mut self, most: usize, mut make: impl FnMut(&mut Self) -> Value) -> Value {
        let count = self.below(most + 1);
        (0..count).map(|_| make(self)).collect()
    }

    fn labels(&mut self) -> Value {
        let mut labels = json!({});
        for key in ["app", "tier"] {
            match self.below(4) {
                0 => {}
                1 | 3 => labels[key] = json!("a"),
                _ => labels[key] = json!("b"),
            }
        }
        labels
    }

    fn selector(&mut self) -> Value {
        let mut selector = json!({});
        match self.below(8) {
            0 | 1 => {}
            2 | 3 => selector["matchLabels"] = json!({"app": self.one(&["a", "b"])}),
            4 => selector["matchLabels"] = json!({"tier": self.one(&["a", "c"]), "app": "a"}),
            _ => {
                let operator = self.one(&["In", "NotIn", "Exists", "DoesNotExist"]);
                let values = match self.below(3) {
                    0 => json!(["a"]),
                    1 => json!(["b", "c"]),
                    _ => json!(["a", "b"]),
                };
                let mut expression =
                    json!({"key": self.one(&["app", "tier", "absent"]), "operator": operator});
                if operator.ends_with("In") {
                    expression["values"] = values;
                }
                selector["matchExpressions"] = json!([expression]);
            }
        }
        selector
    }

    fn port(&mut self) -> Value {
        let number = PORTS[self.below(PORTS.len())];
        match self.below(6) {
            0 => json!({"port": number}),
            1 => json!({"protocol": self.one(&["UDP", "SCTP", "TCP"]), "port": number}),
            2 => json!({"protocol": "TCP", "port": 80, "endPort": 81 + self.below(9000)}),
            3 => json!({"protocol": self.one(&["UDP", "TCP"])}),
            _ => {
                json!({"protocol": self.one(&["TCP", "TCP", "UDP"]), "port": self.one(&["web", "dns", "nobody"])})
            }
        }
    }

    fn peer(&mut self) -> Value {
        match self.below(6) {
            0 => json!({"podSelector": self.selector()}),
            1 => json!({"namespaceSelector": self.selector()}),
            2 | 3 => json!({"namespaceSelector": self.selector(), "podSelector": self.selector()}),
            _ => {
                let (cidr, except) = BLOCKS[self.below(BLOCKS.len())];
                json!({"ipBlock": {"cidr": cidr, "except": except}})
            }
        }
    }

    fn rules(&mut self, peers: &str) -> Value {
        self.list(2, |bytes| {
            let mut rule = json!({});
            if bytes.below(4) > 0 {
                rule[peers] = bytes.list(2, Self::peer);
            }
            if bytes.below(3) > 0 {
                rule["ports"] = bytes.list(2, Self::port);
            }
            rule
        })
    }

    fn policy(&mut self, index: usize) -> Value {
        let mut spec = json!({"podSelector": self.selector()});
        match self.below(5) {
            0 => {}
            1 => spec["policyTypes"] = json!(["Ingress"]),
            2 => spec["policyTypes"] = json!(["Egress"]),
            _ => spec["policyTypes"] = json!(["Ingress", "Egress"]),
        }
        if !self.rarely(4) {
            spec["ingress"] = self.rules("from");
        }
        if !self.rarely(4) {
            spec["egress"] = self.rules("to");
        }
        json!({"namespace": self.one(&NAMESPACES), "name": format!("p{index}"), "spec": spec})
    }

    fn cluster_peer(&mut self, egress: bool) -> Value {
        match self.below(if egress { 5 } else { 3 }) {
            0 => json!({"namespaces": self.selector()}),
            1 | 2 => {
                json!({"pods": {"namespaceSelector": self.selector(), "podSelector": self.selector()}})
            }
            3 => {
                json!({"networks": [BLOCKS[self.below(4)].0, self.one(&["10.0.0.2/31", "8.8.0.0/16", "192.168.0.0/24"])]})
            }
            _ => json!({"nodes": {}}),
        }
    }

    fn cluster_port(&mut self) -> Value {
        let number = PORTS[self.below(PORTS.len())];
        match self.below(4) {
            0 => json!({"destinationNamedPort": self.one(&["web", "dns"])}),
            1 => json!({"tcp": {"destinationPort": {"range": {"start": 80, "end": 81 + self.below(9000)}}}}),
            2 => json!({"udp": {"destinationPort": {"number": number}}}),
            _ => json!({"tcp": {"destinationPort": {"number": number}}}),
        }
    }

    fn cluster_rules(&mut self, egress: bool) -> Value {
        self.list(3, |bytes| {
            let mut rule = json!({"action": bytes.one(&["Accept", "Deny", "Pass"])});
            let mut peers = vec![bytes.cluster_peer(egress)];
            if bytes.rarely(3) {
                peers.push(bytes.cluster_peer(egress));
            }
            rule[if egress { "to" } else { "from" }] = peers.into();
            if bytes.below(2) == 0 {
                rule["protocols"] = json!([bytes.cluster_port()]);
            }
            rule
        })
    }

    fn cluster_policy(&mut self, index: usize) -> Value {
        let subject = match self.below(2) {
            0 => json!({"namespaces": self.selector()}),
            _ => json!({"pods": {"namespaceSelector": self.selector(), "podSelector": self.selector()}}),
        };
        let spec = json!({
            "tier": self.one(&["Admin", "Baseline"]),
            "priority": self.below(3),
            "subject": subject,
            "ingress": self.cluster_rules(false),
            "egress": self.cluster_rules(true),
        });
        json!({"name": format!("c{index}"), "spec": spec})
    }

    fn pod(&mut self, index: usize) -> Value {
        let (host, node) = (self.rarely(5), self.below(2) + 1);
        let v4 = format!("10.0.{}.{}", self.below(2), index + 1);
        let v6 = format!("fd00::{}", index + 1);
        let node_ip = format!("192.168.0.{node}");
        let ips = match self.below(4) {
            _ if host => json!([]),
            0 => json!([v6]),
            1 => json!([v4]),
            _ => json!([v4, v6]),
        };
        let node_ips =
            if self.rarely(2) { json!([node_ip, format!("fd01::{node}")]) } else { json!([node_ip]) };
        let ports = self.list(3, |bytes| {
            json!({
                "name": bytes.one(&["web", "dns", "other"]),
                "protocol": bytes.one(&["TCP", "TCP", "UDP"]),
                "containerPort": PORTS[bytes.below(PORTS.len())],
            })
        });
        json!({
            "namespace": self.one(&NAMESPACES), "name": format!("pod{index}"), "labels": self.labels(),
            "owner": {"kind": "Deployment", "name": self.one(&["d0", "d1"])},
            "ips": ips, "nodeIps": node_ips, "node": format!("node{node}"), "hostNetwork": host,
            "completed": self.rarely(12), "ports": ports,
        })
    }

    pub fn cluster(&mut self) -> Value {
        let namespaces: Value =
            NAMESPACES.iter().map(|name| json!({"name": name, "labels": self.labels()})).collect();
        let pods: Value = (0..2 + self.below(5)).map(|index| self.pod(index)).collect();
        let policies: Value = (0..self.below(6)).map(|index| self.policy(index)).collect();
        let cluster_policies: Value =
            (0..self.below(8).saturating_sub(3)).map(|i| self.cluster_policy(i)).collect();
        let ranges = match self.below(2) {
            0 => json!({}),
            _ => json!({"pods": ["10.0.0.0/16", "fd00::/64"], "nodes": ["192.168.0.0/24", "fd01::/64"]}),
        };
        json!({
            "namespaces": namespaces, "pods": pods, "policies": policies,
            "clusterPolicies": cluster_policies, "ranges": ranges,
        })
    }

    /// The same cluster with something taken away or made unreadable.
    pub fn mask(&mut self, cluster: &Value) -> Value {
        let mut cluster = cluster.clone();
        for pod in cluster["pods"].as_array_mut().into_iter().flatten() {
            let both = pod["ips"].as_array().is_some_and(|ips| ips.len() == 2);
            if both && self.rarely(2) {
                pod["ips"] = json!([]);
            }
            if pod["nodeIps"].as_array().is_some_and(|ips| ips.len() == 2) && self.rarely(2) {
                pod["nodeIps"] = json!([]);
            }
            if self.rarely(6) {
                pod["node"] = Value::Null;
            }
        }
        if let Some(namespaces) = cluster["namespaces"].as_array_mut().filter(|_| self.rarely(4)) {
            namespaces.remove(self.below(3));
        }
        for list in ["policies", "clusterPolicies"] {
            for policy in cluster[list].as_array_mut().into_iter().flatten() {
                self.spoil(&mut policy["spec"]);
            }
        }
        cluster
    }

    fn spoil(&mut self, value: &mut Value) {
        match value {
            Value::Object(map) => {
                let selector = map.contains_key("operator") && self.rarely(4);
                if selector {
                    map.insert("operator".into(), json!("Near"));
                }
                let cluster_rule = map.contains_key("action");
                let cluster_peer = map.contains_key("namespaces") || map.contains_key("networks");
                if (cluster_rule || cluster_peer) && self.rarely(10) {
                    map.insert("future".into(), json!({}));
                }
                if map.contains_key("cidr") && self.rarely(8) {
                    map.insert("cidr".into(), json!("::ffff:10.0.0.0/104"));
                    map.insert("except".into(), json!([]));
                }
                if map.contains_key("priority") && self.rarely(12) {
                    map.insert("priority".into(), json!("high"));
                }
                if map.contains_key("port") && self.rarely(12) {
                    map.insert("protocol".into(), json!("ICMP"));
                }
                for (_, inner) in map.iter_mut() {
                    self.spoil(inner);
                }
            }
            Value::Array(list) => list.iter_mut().for_each(|inner| self.spoil(inner)),
            _ => {}
        }
    }
}
