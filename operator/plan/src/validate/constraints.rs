use super::labels::{self, is_dns_label};
use super::parameters::parameters;
use ipnet::IpNet;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use snc_api::v1alpha1::{Port, ResourceList, SncBaselineSpec, SncPolicySpec, SncTenantSpec};
use snc_core::cidr;
use snc_core::flow::PortRange;
use snc_core::lattice::{Allow, AllowBlocks, DenyBlocks, Least, Most, Source};
use snc_core::policy::{ApiEndpoints, Constraints, Dns, EnforcementStatement, SharedService};
use snc_core::quantity::Amount;
use snc_core::text::Refusal;
use std::collections::BTreeMap;

/// Reads what can be read and collects what cannot.
struct Reader<'a> {
    refusals: &'a mut Vec<Refusal>,
}

impl Reader<'_> {
    fn keep<T>(&mut self, result: Result<T, Refusal>) -> Option<T> {
        result.map_err(|refusal| self.refusals.push(refusal)).ok()
    }

    fn block(&mut self, text: &str, path: String) -> Option<IpNet> {
        let refusal =
            || Refusal::new(path, text, "un bloc CIDR sans bits d'hôte", "a CIDR block without host bits");
        self.keep(cidr::parse(text).ok_or_else(refusal))
    }

    fn blocks(&mut self, list: &[String], path: &str) -> Vec<IpNet> {
        list.iter().enumerate().filter_map(|(i, text)| self.block(text, format!("{path}[{i}]"))).collect()
    }

    fn ports(&mut self, list: &[Port], path: &str) -> Vec<PortRange> {
        list.iter().enumerate().filter_map(|(i, p)| self.keep(port(p, &format!("{path}[{i}]")))).collect()
    }

    /// What is kept closed stays closed when it is spelled with host bits.
    fn denied(&mut self, list: &[String], path: &str) -> Vec<IpNet> {
        let mut blocks = self.blocks(list, path);
        let lax = list
            .iter()
            .filter(|text| cidr::parse(text).is_none())
            .filter_map(|text| text.parse::<IpNet>().ok());
        blocks.extend(lax.map(|block| block.trunc()));
        blocks
    }

    fn namespace(&mut self, name: &str, path: &str) -> Option<String> {
        let refusal = || Refusal::new(path, name, "un nom de namespace", "a name of a namespace");
        self.keep(is_dns_label(name).then(|| name.to_owned()).ok_or_else(refusal))
    }

    fn amounts(&mut self, list: &ResourceList, path: &str) -> BTreeMap<String, Amount> {
        let (amounts, refusals) = amounts(list, path);
        self.refusals.extend(refusals);
        amounts
    }

    fn limits(&mut self, list: &ResourceList, path: &str) -> BTreeMap<String, Amount> {
        let (amounts, refusals) = read_amounts(list, path, Of::Container);
        self.refusals.extend(refusals);
        amounts
    }
}

pub(super) fn port(given: &Port, path: &str) -> Result<PortRange, Refusal> {
    PortRange::new(given.protocol, given.port.into(), given.end_port.map(Into::into)).ok_or_else(|| {
        let end = given.end_port.map(|e| format!("-{e}")).unwrap_or_default();
        Refusal::new(path, format!("{}{end}", given.port), "1 à 65535, dans l'ordre", "1 to 65535, in order")
    })
}

/// Amounts of a quota.
pub fn amounts(list: &ResourceList, path: &str) -> (BTreeMap<String, Amount>, Vec<Refusal>) {
    read_amounts(list, path, Of::Quota)
}

#[derive(Clone, Copy)]
enum Of {
    Quota,
    Container,
}

impl Of {
    /// The API server refuses a whole ResourceQuota or LimitRange for one name that it does not know.
    fn names(self, resource: &str) -> bool {
        const QUOTA: &[&str] = &[
            "cpu",
            "memory",
            "ephemeral-storage",
            "requests.cpu",
            "requests.memory",
            "requests.storage",
            "requests.ephemeral-storage",
            "limits.cpu",
            "limits.memory",
            "limits.ephemeral-storage",
            "pods",
            "services",
            "services.loadbalancers",
            "services.nodeports",
            "replicationcontrollers",
            "resourcequotas",
            "secrets",
            "configmaps",
            "persistentvolumeclaims",
        ];
        let huge = |resource: &str| resource.starts_with("hugepages-");
        labels::check_key(resource, "").is_ok()
            && (resource.contains('/')
                || match self {
                    Self::Quota => {
                        QUOTA.contains(&resource)
                            || huge(resource.strip_prefix("requests.").unwrap_or(resource))
                    }
                    Self::Container => {
                        ["cpu", "memory", "ephemeral-storage"].contains(&resource) || huge(resource)
                    }
                })
    }
}

/// Objects come whole; CPU, memory and storage have fractions.
fn is_countable(resource: &str) -> bool {
    !["cpu", "memory", "storage"].iter().any(|unit| resource.ends_with(unit))
}

fn read_amounts(list: &ResourceList, path: &str, of: Of) -> (BTreeMap<String, Amount>, Vec<Refusal>) {
    let mut refusals = Vec::new();
    let amounts = list
        .iter()
        .filter_map(|(resource, quantity)| {
            let text = match quantity {
                IntOrString::Int(n) => n.to_string(),
                IntOrString::String(text) => text.clone(),
            };
            if !of.names(resource) {
                refusals.push(Refusal::new(
                    format!("{path}[{resource}]"),
                    text,
                    "une ressource que Kubernetes sait compter (requests.cpu, limits.memory, pods, count/jobs.batch ; pour un conteneur cpu, memory)",
                    "a resource that Kubernetes can count (requests.cpu, limits.memory, pods, count/jobs.batch; for a container cpu, memory)",
                ));
                return None;
            }
            match Amount::parse(&text) {
                Ok(amount) if is_countable(resource) && amount.whole() != amount => {
                    refusals.push(Refusal::new(
                        format!("{path}[{resource}]"),
                        text,
                        "un nombre entier",
                        "a whole number",
                    ));
                    None
                }
                Ok(amount) => Some((resource.clone(), amount)),
                Err(_) => {
                    refusals.push(Refusal::new(
                        format!("{path}[{resource}]"),
                        text,
                        "une quantité Kubernetes positive ou nulle (500m, 2, 4Gi)",
                        "a Kubernetes quantity, zero or more (500m, 2, 4Gi)",
                    ));
                    None
                }
            }
        })
        .collect();
    (amounts, refusals)
}

/// A field that the platform wrote wrongly is left out and reported; a list keeps its other entries.
pub fn baseline(name: &str, spec: &SncBaselineSpec, refusals: &mut Vec<Refusal>) -> Constraints {
    let source = Source::Baseline(name.to_owned());
    let mut reader = Reader { refusals };
    let modes = spec.modes.clone().unwrap_or_default();
    let network = spec.network.clone().unwrap_or_default();
    let limits = spec.container_limits.clone().unwrap_or_default();
    let path = "spec.network";
    if let Err(refusal) = labels::selector(spec.tenant_selector.as_ref(), "spec.tenantSelector") {
        reader.refusals.push(refusal);
    }
    let shared_services = network.shared_services.as_ref().map(|services| {
        services
            .iter()
            .enumerate()
            .filter_map(|(i, service)| {
                let path = format!("{path}.sharedServices[{i}]");
                let pods = labels::selector(service.pod_selector.as_ref(), &format!("{path}.podSelector"));
                let pods = reader.keep(pods);
                let namespace = reader.namespace(&service.namespace, &format!("{path}.namespace"));
                let ports = reader.ports(&service.ports, &format!("{path}.ports"));
                let (name, direction) = (service.name.clone(), service.direction);
                Some(SharedService { name, direction, namespace: namespace?, pods: pods?, ports })
            })
            .filter(|service| !service.ports.is_empty())
            .collect()
    });
    let dns = network.dns.as_ref().and_then(|dns| {
        let pods = labels::selector(dns.pod_selector.as_ref(), "spec.network.dns.podSelector");
        let pods = reader.keep(pods);
        let ports = reader.ports(&dns.ports, "spec.network.dns.ports");
        let addresses = dns_addresses(&mut reader, &dns.addresses);
        let namespace = match &dns.namespace {
            Some(name) => Some(reader.namespace(name, "spec.network.dns.namespace")?),
            None => None,
        };
        let ports = if ports.is_empty() { snc_network::planned::standard_dns_ports() } else { ports };
        Some(Dns { namespace, pods: pods?, ports, addresses })
    });
    let kubernetes_api = network.kubernetes_api.as_ref().map(|api| ApiEndpoints {
        blocks: reader.blocks(&api.cidrs, "spec.network.kubernetesAPI.cidrs"),
        ports: reader.ports(&api.ports, "spec.network.kubernetesAPI.ports"),
    });
    let enforcement = network.enforcement.as_ref().and_then(|statement| {
        let refused = || {
            Refusal::new(
                "spec.network.enforcement.statedOn",
                &statement.stated_on,
                "une date AAAA-MM-JJ",
                "a date YYYY-MM-DD",
            )
        };
        let stated_on = reader.keep(statement.stated_on.parse().map_err(|_| refused()))?;
        let (engine, evidence) = (statement.engine.clone(), statement.evidence.clone());
        Some(EnforcementStatement { engine, evidence, stated_on })
    });
    Constraints {
        level: Most::of(spec.level, &source),
        isolation: Most::of(modes.isolation, &source),
        pod_security: Most::of(modes.pod_security, &source),
        quota_mode: Most::of(modes.quota, &source),
        workloads: Most::of(modes.workloads, &source),
        images: Most::of(modes.images, &source),
        quota: Least::of(reader.amounts(&spec.quota, "spec.quota"), &source),
        container_max: Least::of(reader.limits(&limits.max, "spec.containerLimits.max"), &source),
        container_default: Least::of(reader.limits(&limits.default, "spec.containerLimits.default"), &source),
        container_request: Least::of(
            reader.limits(&limits.default_request, "spec.containerLimits.defaultRequest"),
            &source,
        ),
        allowed_blocks: AllowBlocks::of(
            network.allowed_cidrs.as_ref().map(|list| reader.blocks(list, "spec.network.allowedCIDRs")),
            &source,
        ),
        denied_blocks: DenyBlocks::of(
            reader.denied(&network.denied_cidrs, "spec.network.deniedCIDRs"),
            &source,
        ),
        shared_services: Allow::of(shared_services, &source),
        dns: Allow::of(dns.map(|d| vec![d]), &source),
        kubernetes_api: Allow::of(kubernetes_api.map(|a| vec![a]), &source),
        enforcement: enforcement.into_iter().map(|e| (e, [source.clone()].into())).collect(),
        parameters: parameters(&spec.parameters, &source, reader.refusals),
        ..Constraints::default()
    }
}

/// A DNS cache may live on a link-local address, but not on the one that serves instance metadata.
fn dns_addresses(reader: &mut Reader<'_>, addresses: &[String]) -> Vec<IpNet> {
    let path = "spec.network.dns.addresses";
    let metadata: Vec<IpNet> = [
        "169.254.169.254/32",
        "169.254.170.2/32",
        "100.100.100.200/32",
        "168.63.129.16/32",
        "192.0.0.192/32",
        "fd00:ec2::/32",
    ]
    .iter()
    .filter_map(|m| m.parse().ok())
    .collect();
    let mut kept = Vec::new();
    for (i, text) in addresses.iter().enumerate() {
        let Some(block) = reader.block(text, format!("{path}[{i}]")) else { continue };
        if metadata.iter().any(|m| cidr::overlaps(&block, m)) {
            reader.refusals.push(Refusal::new(
                format!("{path}[{i}]"),
                block.to_string(),
                "une adresse qui n'est pas celle d'un service de métadonnées",
                "an address that is not one of an instance-metadata service",
            ));
        } else {
            kept.push(block);
        }
    }
    kept
}

pub fn tenant(name: &str, spec: &SncTenantSpec) -> Constraints {
    let source = Source::Tenant(name.to_owned());
    Constraints {
        level: Most::of(Some(spec.level), &source),
        sensitivity: Most::of(spec.sensitivity, &source),
        ..Constraints::default()
    }
}

/// A policy can only strengthen: each value below its floor is ignored by the join and reported here.
pub fn policy(
    name: &str,
    spec: &SncPolicySpec,
    floors: &Constraints,
    refusals: &mut Vec<Refusal>,
) -> Constraints {
    fn at_least<T: Ord + Copy + std::fmt::Display>(
        given: Option<T>,
        floor: T,
        path: &str,
        refusals: &mut Vec<Refusal>,
    ) {
        if let Some(given) = given.filter(|g| *g < floor) {
            refusals.push(Refusal::new(
                path,
                given.to_string(),
                format!("{floor} au moins"),
                format!("at least {floor}"),
            ));
        }
    }
    let source = Source::Policy(name.to_owned());
    let modes = spec.modes.clone().unwrap_or_default();
    at_least(spec.level, floors.level(), "spec.level", refusals);
    at_least(modes.isolation, floors.isolation(), "spec.modes.isolation", refusals);
    at_least(modes.pod_security, floors.pod_security(), "spec.modes.podSecurity", refusals);
    at_least(modes.quota, floors.quota_mode(), "spec.modes.quota", refusals);
    at_least(modes.workloads, floors.workloads(), "spec.modes.workloads", refusals);
    at_least(modes.images, floors.images(), "spec.modes.images", refusals);
    let mut reader = Reader { refusals };
    let quota = reader.amounts(&spec.quota, "spec.quota");
    for (resource, asked) in &quota {
        if let Some(ceiling) = floors.quota.get(resource).filter(|ceiling| asked > ceiling) {
            reader.refusals.push(Refusal::new(
                format!("spec.quota[{resource}]"),
                asked.to_string(),
                format!("{ceiling} au plus"),
                format!("at most {ceiling}"),
            ));
        }
    }
    Constraints {
        level: Most::of(spec.level, &source),
        isolation: Most::of(modes.isolation, &source),
        pod_security: Most::of(modes.pod_security, &source),
        quota_mode: Most::of(modes.quota, &source),
        workloads: Most::of(modes.workloads, &source),
        images: Most::of(modes.images, &source),
        environment: Most::of(spec.environment, &source),
        audit_retention: Most::of(spec.audit.map(|audit| audit.retention_days), &source),
        quota: Least::of(quota, &source),
        ..Constraints::default()
    }
}
