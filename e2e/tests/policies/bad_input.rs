//! Bad input has an answer: a refusal by the schema where it can judge, else a condition with the field's path.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use snc_core::names::{AUDIT_LOG, GUARD_RATCHET, LABEL_TENANT};
use snc_e2e::api::Answered;
use snc_e2e::cluster::Cluster;
use snc_e2e::objects::{
    AUDIT_LOGS, BASELINES, Kind, NAMESPACES, TENANTS, at, audit_log as log, baseline, flow, flows,
    new_namespace, policy, tenant, text,
};
use snc_e2e::wait::eventually;

fn one_flow(changes: Value) -> Value {
    flows(vec![flow("api", changes)])
}

fn to_block(block: &str) -> Value {
    one_flow(json!({"direction": "Egress", "peers": [{"cidr": {"block": block}}]}))
}

fn except(hole: &str) -> Value {
    one_flow(
        json!({"direction": "Egress", "peers": [{"cidr": {"block": "203.0.113.0/24", "except": [hole]}}]}),
    )
}

fn many_flows(count: usize) -> Value {
    flows((0..count).map(|i| flow(&format!("flux-{i}"), json!({}))).collect())
}

/// What is wrong, the spec, texts of the refusal that say where, and a twin that is right.
type Row = (&'static str, Value, &'static [&'static str], Value);

fn specs() -> Vec<Row> {
    let mut rows = network();
    rows.extend(others());
    rows
}

fn network() -> Vec<Row> {
    let ports = |ports: Value| one_flow(json!({"ports": ports}));
    vec![
        (
            "malformed CIDR",
            to_block("203.0.113.0.7/24"),
            &["cidr.block", "un bloc CIDR", "a CIDR block"],
            to_block("203.0.113.0/24"),
        ),
        (
            "mask too long",
            to_block("203.0.113.0/33"),
            &["cidr.block", "a CIDR block"],
            to_block("203.0.113.0/32"),
        ),
        (
            "host bits",
            to_block("203.0.113.7/24"),
            &["cidr.block", "without host bits"],
            to_block("203.0.113.7/32"),
        ),
        (
            "exception outside",
            except("198.51.100.0/28"),
            &["cidr", "within block"],
            except("203.0.113.16/28"),
        ),
        (
            "port 0",
            ports(json!([{"port": 0}])),
            &["spec.network.flows[0].ports[0].port", "greater than or equal to 1"],
            ports(json!([{"port": 1}])),
        ),
        (
            "port 65536",
            ports(json!([{"port": 65536}])),
            &["ports[0].port", "less than or equal to 65535"],
            ports(json!([{"port": 65535}])),
        ),
        (
            "reversed range",
            ports(json!([{"port": 9000, "endPort": 8000}])),
            &["ports[0]", "not below port"],
            ports(json!([{"port": 8000, "endPort": 9000}])),
        ),
        (
            "unknown protocol",
            ports(json!([{"port": 80, "protocol": "ICMP"}])),
            &["ports[0].protocol", "SCTP"],
            ports(json!([{"port": 80, "protocol": "SCTP"}])),
        ),
    ]
}

fn others() -> Vec<Row> {
    vec![
        (
            "empty justification",
            one_flow(json!({"justification": ""})),
            &["spec.network.flows[0].justification"],
            one_flow(json!({"justification": "paiement"})),
        ),
        (
            "blank justification",
            one_flow(json!({"justification": "      "})),
            &["spec.network.flows[0].justification"],
            one_flow(json!({"justification": "a b c"})),
        ),
        (
            "no justification",
            one_flow(json!({"justification": null})),
            &["justification", "Required"],
            one_flow(json!({})),
        ),
        ("no peer", one_flow(json!({"peers": []})), &["spec.network.flows[0].peers"], one_flow(json!({}))),
        (
            "peer of no kind",
            one_flow(json!({"peers": [{}]})),
            &["spec.network.flows[0].peers[0]", "exactly one of"],
            one_flow(json!({})),
        ),
        (
            "peer of two kinds",
            one_flow(json!({"peers": [{"pods": {}, "sharedService": {"name": "x"}}]})),
            &["spec.network.flows[0].peers[0]", "exactly one of"],
            one_flow(json!({"peers": [{"sharedService": {"name": "x"}}]})),
        ),
        (
            "no port",
            one_flow(json!({"ports": []})),
            &["spec.network.flows[0]", "at least one port"],
            one_flow(json!({})),
        ),
        (
            "not a date",
            one_flow(json!({"reviewedOn": "2026-13-01"})),
            &["reviewedOn"],
            one_flow(json!({"reviewedOn": "2026-12-01"})),
        ),
        (
            "two flows of one name",
            flows(vec![flow("api", json!({})), flow("api", json!({}))]),
            &["Duplicate value"],
            many_flows(2),
        ),
        ("501 flows", many_flows(501), &["spec.network.flows", "500"], many_flows(500)),
        (
            "unknown mode",
            json!({"modes": {"isolation": "Strict"}}),
            &["spec.modes.isolation", "Enforce"],
            json!({"modes": {"isolation": "Enforce"}}),
        ),
        (
            "negative quota",
            json!({"quota": {"pods": "-1"}}),
            &["spec.quota"],
            json!({"quota": {"pods": "1"}}),
        ),
        (
            "quota in words",
            json!({"quota": {"pods": "beaucoup"}}),
            &["spec.quota"],
            json!({"quota": {"pods": 12}}),
        ),
        ("unknown field", json!({"netwrok": {}}), &["unknown field", "spec.netwrok"], json!({"network": {}})),
        (
            "unknown field of a flow",
            one_flow(json!({"comment": "x"})),
            &["unknown field", "comment"],
            one_flow(json!({})),
        ),
        ("wrong type", json!({"network": "oui"}), &["spec.network"], json!({"network": {}})),
    ]
}

pub fn schema(cluster: &Cluster) -> Result<()> {
    cluster.platform.create(NAMESPACES, new_namespace("schema", json!({})))?;
    let strict = "?fieldValidation=Strict&dryRun=All";
    let path = Kind::SncPolicy.all("schema") + strict;
    for (what, bad, texts, good) in specs() {
        cluster.platform.create(&path, policy("p", bad)).refused_with(texts).context(what)?;
        cluster.platform.create(&path, policy("p", good)).context(format!("the twin of: {what}"))?;
    }

    let tenants = format!("{TENANTS}{strict}");
    let claims: &[(&str, Value, &str)] = &[
        ("kube-system", json!({"namespaces": ["kube-system"]}), "cannot belong to a tenant"),
        ("default", json!({"namespaces": ["boutique", "default"]}), "cannot belong to a tenant"),
        ("our own", json!({"namespaces": ["snc-system"]}), "cannot belong to a tenant"),
        ("a prefix over kube-", json!({"namespacePrefixes": ["kub"]}), "no prefix may cover"),
        ("a prefix over default", json!({"namespacePrefixes": ["def"]}), "no prefix may cover"),
        ("a prefix of openshift", json!({"namespacePrefixes": ["openshift-"]}), "no prefix may cover"),
        (
            "a system identity",
            json!({"owners": [{"kind": "Group", "name": "system:authenticated"}]}),
            "cannot be owners",
        ),
        ("no level", json!({"level": null}), "spec.level"),
        ("an unknown field", json!({"nameSpaces": []}), "unknown field"),
    ];
    for (what, bad, text) in claims {
        cluster.platform.create(&tenants, tenant("t", bad.clone())).refused_with(&[text]).context(*what)?;
    }
    let good = json!({"namespaces": ["kubernetes-demo"], "namespacePrefixes": ["boutique-"], "owners": [{"kind": "Group", "name": "authenticated"}]});
    cluster.platform.create(&tenants, tenant("t", good))?;
    let name = "a".repeat(64);
    cluster.platform.create(&tenants, tenant(&name, json!({}))).refused_with(&["at most 63 characters"])?;
    cluster.platform.create(&tenants, tenant(&name[1..], json!({})))?;

    let baselines = format!("{BASELINES}{strict}");
    let network = |network: Value| baseline("b", json!({"network": network}));
    let pairs = [
        (
            "denied block",
            json!({"deniedCIDRs": ["10.0.0.1/8"]}),
            "without host bits",
            json!({"deniedCIDRs": ["10.0.0.0/8"]}),
        ),
        (
            "DNS nowhere",
            json!({"dns": {}}),
            "namespace or addresses",
            json!({"dns": {"addresses": ["169.254.20.10/32"]}}),
        ),
        (
            "statement without evidence",
            json!({"enforcement": {"engine": "x", "evidence": " ", "statedOn": "2026-01-01"}}),
            "spec.network.enforcement.evidence",
            json!({"enforcement": {"engine": "x", "evidence": "PV-1", "statedOn": "2026-01-01"}}),
        ),
        (
            "API nowhere",
            json!({"kubernetesAPI": {"cidrs": [], "ports": [{"port": 6443}]}}),
            "kubernetesAPI.cidrs",
            json!({"kubernetesAPI": {"cidrs": ["192.0.2.1/32"], "ports": [{"port": 6443}]}}),
        ),
    ];
    for (what, bad, text, good) in pairs {
        cluster.platform.create(&baselines, network(bad)).refused_with(&[text]).context(what)?;
        cluster.platform.create(&baselines, network(good)).context(format!("the twin of: {what}"))?;
    }
    Ok(())
}

/// Nothing that is written shortens what was promised.
pub fn audit_log(cluster: &Cluster) -> Result<()> {
    let api = &cluster.platform;
    let strict = format!("{AUDIT_LOGS}?fieldValidation=Strict&dryRun=All");
    let mut other = log(json!({}));
    other["metadata"]["name"] = json!("other");
    api.create(&strict, other).refused_with(&["metadata.name", "accepted: cluster"])?;
    let retention = |retention: Value| json!({"retention": retention});
    let hold = |hold: Value| json!({"legalHolds": [hold]});
    let rows = [
        (
            "too short",
            retention(json!({"days": 183})),
            "spec.retention.days",
            retention(json!({"days": 184})),
        ),
        (
            "a maximum below the minimum",
            retention(json!({"days": 365, "maximumDays": 364})),
            "at least retention.days",
            retention(json!({"days": 365, "maximumDays": 365})),
        ),
        (
            "a tenant beyond the maximum",
            retention(json!({"maximumDays": 365, "tenants": [{"name": "a", "days": 366}]})),
            "at most retention.maximumDays",
            retention(json!({"maximumDays": 365, "tenants": [{"name": "a", "days": 365}]})),
        ),
        (
            "a tenant twice",
            retention(json!({"tenants": [{"name": "a", "days": 365}, {"name": "a", "days": 366}]})),
            "Duplicate value",
            retention(json!({"tenants": [{"name": "a", "days": 365}, {"name": "b", "days": 366}]})),
        ),
        (
            "a hold without a reason",
            hold(json!({"name": "h", "reason": " ", "since": "2026-11-01T00:00:00Z"})),
            "spec.legalHolds[0].reason",
            hold(json!({"name": "h", "reason": "ordonnance 7", "since": "2026-11-01T00:00:00Z"})),
        ),
        (
            "a hold since no time",
            hold(json!({"name": "h", "reason": "ordonnance 7", "since": "hier"})),
            "since",
            hold(
                json!({"name": "h", "tenant": "a", "reason": "ordonnance 7", "since": "2026-11-01T00:00:00.5+01:00"}),
            ),
        ),
        ("a probe each second", json!({"probeSeconds": 1}), "spec.probeSeconds", json!({"probeSeconds": 60})),
        (
            "a probe that takes longer than until the next",
            json!({"probeSeconds": 60, "probeLimitSeconds": 61}),
            "at most probeSeconds",
            json!({"probeSeconds": 60, "probeLimitSeconds": 60}),
        ),
        ("an unknown field", json!({"retentionDays": 365}), "unknown field", json!({})),
    ];
    for (what, bad, text, good) in rows {
        api.create(&strict, log(bad)).refused_with(&[text]).context(what)?;
        api.create(&strict, log(good)).context(format!("the twin of: {what}"))?;
    }

    let path = at(AUDIT_LOGS, AUDIT_LOG);
    let tenants = json!([{"name": "a", "days": 500}, {"name": "b", "days": 400}]);
    let made = log(json!({"retention": {"days": 300, "tenants": tenants}, "legalHolds": [
        {"name": "h", "reason": "ordonnance 7", "since": "2026-11-01T00:00:00Z"}]}));
    let made = api.create(AUDIT_LOGS, made)?;
    ensure!(made["spec"]["probeSeconds"] == 300 && made["spec"]["probeLimitSeconds"] == 60, "{made}");
    for (bad, text) in [
        (json!({"retention": {"days": 299}}), "is not lowered"),
        (json!({"retention": null}), "is not lowered"),
        (
            json!({"retention": {"tenants": [{"name": "a", "days": 499}, {"name": "b", "days": 400}]}}),
            "is not lowered",
        ),
    ] {
        api.merge(&path, json!({"spec": bad})).refused_with(&[text])?;
    }
    // What is longer, a tenant that has gone, and a hold that is lifted.
    api.merge(&path, json!({"spec": {"retention": {"days": 301, "tenants": [{"name": "b", "days": 401}]}, "legalHolds": []}}))?;

    let policies = Kind::SncPolicy.all("schema-audit");
    api.create(NAMESPACES, new_namespace("schema-audit", json!({})))?;
    api.create(&policies, policy("p", json!({"audit": {"retentionDays": 183}})))
        .refused_with(&["retentionDays"])?;
    api.create(&policies, policy("p", json!({"audit": {}}))).refused_with(&["retentionDays", "Required"])?;
    api.create(&policies, policy("p", json!({"audit": {"retentionDays": 365}})))?;
    let policy = Kind::SncPolicy.one("schema-audit", "p");
    for bad in [json!({"retentionDays": 364}), json!(null)] {
        api.merge(&policy, json!({"spec": {"audit": bad}}))
            .refused_with(&["audit.retentionDays", "neither lowered nor removed"])?;
    }
    api.merge(&policy, json!({"spec": {"audit": {"retentionDays": 366}}}))?;
    cluster.admin.delete(&path).map(drop)?;
    Ok(())
}

pub fn unicode(cluster: &Cluster) -> Result<()> {
    let owners = json!([{"kind": "Group", "name": "Équipe réseau ☂"}]);
    cluster.governed("unicode", &["unicode"], json!({"owners": owners}))?;
    let binding = eventually("the owners' RoleBinding", || {
        Ok(cluster.admin.get(Kind::RoleBinding.one("unicode", "snc-owners"))?)
    })?;
    ensure!(binding["subjects"][0]["name"] == "Équipe réseau ☂", "{binding}");

    let policies = Kind::SncPolicy.all("unicode");
    cluster.platform.create(&policies, policy("réseau", json!({}))).refused_with(&["metadata.name"])?;
    let named = flows(vec![flow("paiement-été", json!({}))]);
    cluster.platform.create(&policies, policy("p", named)).refused_with(&["spec.network.flows[0].name"])?;

    let label = |app: &str| flow("etiquette", json!({"podSelector": {"matchLabels": {"app": app}}}));
    let texts = flow(
        "texte",
        json!({"justification": "reçoit les 注文 de la boutique — «été»", "owner": "Zoë Łukasiewicz"}),
    );
    cluster.platform.create(&policies, policy("p", flows(vec![texts.clone(), label("été")])))?;
    let path = Kind::SncPolicy.one("unicode", "p");
    let condition = cluster.condition(&path, "Ready", "False", "FieldsRefused")?;
    let message = text(&condition, "/message");
    ensure!(
        message.contains("spec.network.flows[1].podSelector.matchLabels[app]") && message.contains("été"),
        "{message}"
    );
    let status = cluster.admin.get(&path)?["status"].take();
    ensure!(status["flows"] == json!({"declared": 2, "applied": 1, "refused": 1}), "{status}");

    cluster.platform.merge(&path, json!({"spec": flows(vec![texts, label("ete")])}))?;
    cluster.condition(&path, "Ready", "True", "Applied").map(drop)
}

pub fn foreign_namespace(cluster: &Cluster) -> Result<()> {
    cluster.governed("voisin", &["voisin"], json!({}))?;
    cluster.governed("chez-soi", &["chez-soi", "chez-soi-2"], json!({}))?;
    let to =
        |name: &str, namespaces: Value| flow(name, json!({"peers": [{"namespaces": {"names": namespaces}}]}));
    let all = flows(vec![
        to("ami", json!(["chez-soi-2"])),
        to("etranger", json!(["chez-soi-2", "voisin"])),
        to("systeme", json!(["kube-system"])),
    ]);
    cluster.platform.create(Kind::SncPolicy.all("chez-soi"), policy("p", all))?;
    let path = Kind::SncPolicy.one("chez-soi", "p");
    let condition = cluster.condition(&path, "Ready", "False", "FieldsRefused")?;
    for told in [
        "spec.network.flows[1].peers[0].namespaces.names[1]",
        "voisin",
        "spec.network.flows[2].peers[0].namespaces.names[0]",
    ] {
        ensure!(text(&condition, "/message").contains(told), "no {told:?}: {condition}");
    }
    // Refused fields close nothing else.
    cluster.condition(&path, "NetworkPolicyEffective", "True", "PoliciesPresent")?;
    let names: Vec<String> = cluster
        .admin
        .list(Kind::NetworkPolicy.all("chez-soi"))?
        .iter()
        .map(|object| text(object, "/metadata/name").to_owned())
        .collect();
    let of = |flow: &str| names.iter().any(|name| name.starts_with(&format!("snc-flow-{flow}-")));
    ensure!(of("ami") && !of("etranger") && !of("systeme"), "{names:?}");
    Ok(())
}

pub fn level_below(cluster: &Cluster) -> Result<()> {
    let policies = Kind::SncPolicy.all("niveau");
    cluster.platform.create(NAMESPACES, new_namespace("niveau", json!({})))?;
    cluster.platform.create(&policies, policy("avant", json!({"level": "Essentiel"})))?;
    let claim = tenant("niveau", json!({"namespaces": ["niveau"], "adoption": "Enforce"}));
    cluster.platform.create(TENANTS, claim)?;
    let namespace = cluster.isolated("niveau")?;
    ensure!(namespace["metadata"]["labels"][LABEL_TENANT] == "niveau", "{namespace}");

    let path = Kind::SncPolicy.one("niveau", "avant");
    let condition = cluster.condition(&path, "Ready", "False", "FieldsRefused")?;
    let message = text(&condition, "/message");
    ensure!(
        message.contains("spec.level") && message.contains("Essentiel") && message.contains("Standard"),
        "{message}"
    );
    let status = cluster.admin.get(&path)?["status"].take();
    ensure!(status["level"] == "Standard", "the tenant's own level is in force: {status}");

    // From now on it is refused at once; the same without the field, or with a stronger one, is fine.
    cluster
        .platform
        .create(&policies, policy("apres", json!({"level": "Essentiel"})))
        .refused_by(GUARD_RATCHET)?;
    cluster.platform.create(&policies, policy("apres", json!({"level": "Avance"})))?;
    Ok(())
}

pub fn five_hundred_flows(cluster: &Cluster) -> Result<()> {
    cluster.governed("cinq-cents", &["cinq-cents"], json!({}))?;
    cluster.platform.create(Kind::SncPolicy.all("cinq-cents"), policy("p", many_flows(500)))?;
    let path = Kind::SncPolicy.one("cinq-cents", "p");
    snc_e2e::wait::within(std::time::Duration::from_secs(90), "500 flows to be applied", || {
        let status = cluster.admin.get(&path)?["status"].take();
        ensure!(status["flows"]["applied"] == 500, "{}", status["flows"]);
        ensure!(status["conditions"][1]["status"] == "True", "{}", status["conditions"]);
        Ok(())
    })?;
    let status = cluster.admin.get(&path)?["status"].take();
    ensure!(
        status["managed"]["truncated"] == true
            && status["managed"]["items"].as_array().is_some_and(|l| l.len() == 20),
        "{}",
        status["managed"]
    );
    ensure!(
        cluster.admin.list(Kind::NetworkPolicy.all("cinq-cents"))?.len() == 502,
        "default-deny, DNS, and the flows"
    );
    Ok(())
}
