//! The guards, one by one, each with requests that it refuses and twins that it lets through.

use crate::attacks::{self, Attack, label_writes, on_labels, on_objects, target};
use crate::rights::{broad, grant};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use snc_core::names::{
    ASSESSMENT, AUDIT_LOG, AUDIT_SINK, GUARD_BINDING, GUARD_CANARY, GUARD_GATE, GUARD_MANAGED,
    GUARD_NAMESPACE, GUARD_NOTICE, GUARD_RATCHET, GUARD_RESERVED, GUARD_STATUS, GUARD_WEBHOOK,
    LABEL_FLOOR_LEVEL, LABEL_MANAGED_BY, LABEL_TENANT, MANAGED_BY, MANAGER, WAIVERS, WEBHOOK,
};
use snc_e2e::api::{Answered, Api, Ask};
use snc_e2e::cluster::{Cluster, OPERATOR_NAMESPACE, OPERATOR_USER};
use snc_e2e::objects::{
    AUDIT_LOGS, BASELINES, FLOOR, GUARD_BINDINGS, GUARDS, Kind, NAMESPACES, TENANTS, at, audit_log, flow,
    flows, label, namespace, new_namespace, opening, policy, tenant,
};
use snc_e2e::wait::eventually;

const ALL: [&str; 10] = [
    GUARD_GATE,
    GUARD_NOTICE,
    GUARD_RESERVED,
    GUARD_NAMESPACE,
    GUARD_MANAGED,
    GUARD_RATCHET,
    GUARD_STATUS,
    GUARD_WEBHOOK,
    GUARD_BINDING,
    GUARD_CANARY,
];

fn all_refused(api: &Api, attacks: &[Attack]) -> Result<()> {
    for Attack { what, guard, ask } in attacks {
        api.send(ask).refused_by(guard).with_context(|| what.clone())?;
    }
    Ok(())
}

pub fn namespace_labels(cluster: &Cluster) -> Result<()> {
    let alice = broad(cluster)?;
    target(cluster, "etiquettes")?;
    let before = cluster.admin.get(namespace("etiquettes"))?;
    all_refused(alice, &on_labels(cluster, "etiquettes")?)?;
    let after = cluster.admin.get(namespace("etiquettes"))?;
    ensure!(before["metadata"] == after["metadata"], "{} became {}", before["metadata"], after["metadata"]);

    // The same kinds of request with a label that is nobody's, and in a namespace that is nobody's.
    for (what, ask) in label_writes(cluster, "etiquettes", "equipe", Some("achats"))? {
        if !ask.path.ends_with("/finalize") {
            alice.send(&ask).context(what)?;
        }
    }
    alice.create(
        NAMESPACES,
        new_namespace("sans-tenant", json!({"pod-security.kubernetes.io/enforce": "baseline"})),
    )?;
    for key in ["equipe", "pod-security.kubernetes.io/enforce"] {
        for (what, ask) in label_writes(cluster, "sans-tenant", key, Some("restricted"))? {
            alice.send(&ask).context(what)?;
        }
    }
    // The platform too: what it may do it does through SncTenant.
    let platform = &cluster.platform;
    let psa = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}});
    platform.merge(namespace("etiquettes"), psa).refused_by(GUARD_NAMESPACE)?;
    let isolated = json!({"metadata": {"labels": {"secnumcloud.dev/isolated": null}}});
    platform.merge(namespace("etiquettes"), isolated).refused_by(GUARD_NAMESPACE)?;
    Ok(())
}

pub fn managed_objects(cluster: &Cluster) -> Result<()> {
    let alice = broad(cluster)?;
    target(cluster, "geres")?;
    let before = cluster.managed("geres")?;
    all_refused(alice, &on_objects(cluster, "geres")?)?;
    let after = cluster.managed("geres")?;
    ensure!(before == after, "{before:?} became {after:?}");

    // The same requests on objects of her own.
    let own = Kind::NetworkPolicy.one("geres", "a-elle");
    alice.create(Kind::NetworkPolicy.all("geres"), opening("a-elle"))?;
    alice.merge(&own, json!({"metadata": {"annotations": {"a": "b"}}}))?;
    alice.apply(&own, "kubectl", opening("a-elle"))?;
    alice.delete(&own)?;
    let map =
        |name: &str| json!({"metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "helm"}}});
    alice.create(Kind::ConfigMap.all("geres"), map("a-elle"))?;
    alice.delete(format!(
        "{}?labelSelector=app.kubernetes.io/managed-by=helm",
        Kind::ConfigMap.all("geres")
    ))?;
    ensure!(
        cluster.admin.find(Kind::ConfigMap.one("geres", "a-elle"))?.is_none(),
        "a collection of her own is deleted"
    );
    Ok(())
}

/// As the operator makes it, and in spite of a right to write all of it.
pub fn assessments(cluster: &Cluster) -> Result<()> {
    let alice = broad(cluster)?;
    target(cluster, "evalue")?;
    let all = &Kind::SncAssessment.all("evalue");
    let path = at(all, ASSESSMENT);
    let status = path.clone() + "/status";
    let whole = json!({
        "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncAssessment",
        "metadata": {"name": ASSESSMENT, "namespace": "evalue", "labels": {LABEL_MANAGED_BY: MANAGED_BY}},
        "spec": {"scope": "Tenant", "tenant": "evalue-t"},
    });
    let perfect = json!({"status": {"score": 100, "proven": 1, "disproved": 0, "unknown": 0}});
    alice.create(all, whole.clone()).refused_by(GUARD_STATUS)?;
    cluster.operator.apply(&path, MANAGER, whole.clone())?;
    cluster.operator.merge(&status, json!({"status": {"score": 40}}))?;
    let unlabelled = json!({"metadata": {"labels": {LABEL_MANAGED_BY: null}}});
    for ask in [
        Ask::merge(&status, perfect.clone()),
        Ask::merge(&status, unlabelled.clone()),
        Ask::merge(&path, unlabelled),
        Ask::merge(&path, json!({"metadata": {"annotations": {"a": "b"}}})),
        Ask::delete(&path),
        Ask::delete(all),
    ] {
        alice.send(&ask).refused_by(GUARD_STATUS).with_context(|| ask.to_string())?;
    }
    cluster.admin.merge(&status, perfect.clone()).refused_by(GUARD_STATUS)?;
    let found = cluster.admin.get(&path)?;
    ensure!(found["status"]["score"] != 100, "{found}");

    // One without our label would be read as the operator's word as well.
    let forged = json!({
        "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncAssessment", "metadata": {"name": "a-elle"},
        "spec": {"scope": "Cluster"},
    });
    for api in [alice, &cluster.platform, &cluster.admin] {
        api.create(all, forged.clone()).refused_by(GUARD_STATUS)?;
    }

    // Else a namespace that holds one would hang in Terminating.
    let collector = cluster.admin.impersonating("system:serviceaccount:kube-system:namespace-controller");
    collector.delete(&path)?;
    Ok(())
}

/// By whoever has every right to it.
pub fn statuses(cluster: &Cluster) -> Result<()> {
    target(cluster, "constats")?;
    let admin = &cluster.admin;
    for (path, status) in [
        (Kind::SncPolicy.one("constats", "p"), json!({"score": 100})),
        (at(TENANTS, "constats"), json!({"observedGeneration": 99})),
        (at(BASELINES, FLOOR), json!({"observedGeneration": 99})),
    ] {
        let path = path + "/status";
        for api in [admin, &cluster.platform] {
            api.merge(&path, json!({"status": status})).refused_by(GUARD_STATUS)?;
            api.merge(&path, json!({"status": null})).refused_by(GUARD_STATUS)?;
        }
        let held = admin.get(&path)?["status"].clone();
        ensure!(
            held.is_object() && held["score"] != 100 && held["observedGeneration"] != 99,
            "{path}: {held}"
        );
    }
    let list = Kind::SncWaiverSet.one(OPERATOR_NAMESPACE, WAIVERS);
    let other = json!({
        "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncWaiverSet", "metadata": {"name": "a"},
        "spec": {"waivers": {}},
    });
    for ask in [
        Ask::merge(&list, json!({"spec": {"waivers": {"pod-privileged": ["core/Pod:a/b"]}}})),
        Ask::merge(&list, json!({"metadata": {"labels": {LABEL_MANAGED_BY: null}}})),
        Ask::apply(
            &list,
            MANAGER,
            json!({
                "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncWaiverSet", "metadata": {"name": WAIVERS}, "spec": {"waivers": {}},
            }),
        ),
        Ask::delete(&list),
        Ask::delete(Kind::SncWaiverSet.all(OPERATOR_NAMESPACE)),
        Ask::create(Kind::SncWaiverSet.all("default"), other),
    ] {
        admin.send(&ask).refused_by(GUARD_STATUS)?;
    }
    Ok(())
}

/// Declared by the platform, found by the sink, and nobody takes the other's part.
pub fn audit_logs(cluster: &Cluster) -> Result<()> {
    let admin = &cluster.admin;
    // A right on the kind alone makes nobody the platform.
    let rules = json!([{
        "apiGroups": ["secnumcloud.dev"], "resources": ["sncauditlogs", "sncauditlogs/status"],
        "verbs": ["create", "get", "update", "patch", "delete", "deletecollection"],
    }]);
    grant(cluster, "e2e-journal", "mallory", rules)?;
    let mallory = &cluster.mallory;
    let declared = || audit_log(json!({"retention": {"days": 200}}));
    eventually("Mallory's right to the kind", || {
        mallory.create(AUDIT_LOGS, declared()).refused_by(GUARD_STATUS)
    })?;
    cluster.platform.create(AUDIT_LOGS, declared())?;

    let path = at(AUDIT_LOGS, AUDIT_LOG);
    let status = format!("{path}/status");
    let found = json!({"status": {"gaps": {"open": 0, "total": 0}, "policy": {"complete": true}}});
    let sink = admin.impersonating_in(
        &format!("system:serviceaccount:{OPERATOR_NAMESPACE}:{AUDIT_SINK}"),
        "system:masters",
    );
    let namesake =
        admin.impersonating_in(&format!("system:serviceaccount:default:{AUDIT_SINK}"), "system:masters");
    let operator = admin.impersonating_in(OPERATOR_USER, "system:masters");
    for api in [admin, &cluster.platform, mallory, &namesake, &operator] {
        // Some of them RBAC stops before.
        ensure!(api.merge(&status, found.clone()).is_err(), "somebody else found something");
    }
    for api in [admin, mallory, &namesake, &operator] {
        api.merge(&status, found.clone()).refused_by(GUARD_STATUS)?;
    }
    sink.merge(&status, found)?;
    for ask in [
        Ask::merge(&path, json!({"spec": {"retention": {"days": 300}}})),
        Ask::merge(&path, json!({"spec": {"legalHolds": []}})),
        Ask::delete(&path),
        Ask::delete(AUDIT_LOGS),
    ] {
        mallory.send(&ask).refused_by(GUARD_STATUS)?;
    }
    cluster.platform.merge(&path, json!({"spec": {"retention": {"days": 300}}}))?;
    let held = admin.get(&path)?;
    ensure!(
        held["status"]["policy"]["complete"] == true && held["spec"]["retention"]["days"] == 300,
        "{held}"
    );
    admin.delete(&path).map(drop)?;
    Ok(())
}

pub fn webhooks(cluster: &Cluster) -> Result<()> {
    let admin = &cluster.admin;
    let api = "/apis/admissionregistration.k8s.io/v1";
    let of = |kind: &str, name: &str, labels: Value| {
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
            "metadata": {"name": name, "labels": labels}, "webhooks": [],
        })
    };
    let ours = json!({LABEL_MANAGED_BY: MANAGED_BY});
    for (resource, kind) in [
        ("validatingwebhookconfigurations", "ValidatingWebhookConfiguration"),
        ("mutatingwebhookconfigurations", "MutatingWebhookConfiguration"),
    ] {
        let all = format!("{api}/{resource}");
        for (name, labels) in [(WEBHOOK, json!({})), ("autre.example.org", ours.clone())] {
            admin.create(&all, of(kind, name, labels)).refused_by(GUARD_WEBHOOK)?;
        }
        // Nothing of anybody else's is in its way, whatever it is.
        let path = at(&all, "autre.example.org");
        admin.create(&all, of(kind, "autre.example.org", json!({})))?;
        admin.create(&all, json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"generateName": "sans-nom-"}}))?;
        admin.merge(&path, json!({"metadata": {"annotations": {"a": "b"}}}))?;
        admin.merge(&path, json!({"metadata": {"labels": ours.clone()}})).refused_by(GUARD_WEBHOOK)?;
        admin.delete(&path)?;
        let generated = admin.list(&all)?;
        for name in generated
            .iter()
            .filter_map(|o| o["metadata"]["name"].as_str())
            .filter(|n| n.starts_with("sans-nom-"))
        {
            admin.delete(at(&all, name))?;
        }
    }
    Ok(())
}

pub fn reserved_names(cluster: &Cluster) -> Result<()> {
    let alice = broad(cluster)?;
    let claim = json!({"namespaces": ["nom-exact"], "namespacePrefixes": ["prefixe-"]});
    cluster.platform.create(TENANTS, tenant("reservant", claim))?;
    let create = |api: &Api, name: &str, labels: Value| api.create(NAMESPACES, new_namespace(name, labels));
    let ours = json!({LABEL_TENANT: "reservant"});
    // A parameter acts some milliseconds after it was written.
    let probe = Ask::create(NAMESPACES, new_namespace("nom-exact", json!({}))).dry_run();
    eventually("the claim to act", || cluster.platform.send(&probe).refused_by(GUARD_RESERVED))?;
    for name in ["nom-exact", "prefixe-a"] {
        create(&cluster.platform, name, json!({})).refused_by(GUARD_RESERVED)?;
        create(&cluster.platform, name, json!({LABEL_TENANT: "autre"})).refused_by(GUARD_RESERVED)?;
        create(alice, name, ours.clone()).refused_by(GUARD_NAMESPACE)?;
    }
    let generated =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "prefixe-"}});
    cluster.platform.create(NAMESPACES, generated).refused_by(GUARD_RESERVED)?;
    create(alice, "prefixe", json!({}))?;
    create(alice, "nom-exact-2", json!({}))?;

    // The right to assign is one tenant's, by name.
    let rules = json!([
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["create", "get", "update", "patch"]},
        {"apiGroups": ["secnumcloud.dev"], "resources": ["snctenants"], "resourceNames": ["reservant"], "verbs": ["assign"]},
    ]);
    grant(cluster, "e2e-assign", "mallory", rules)?;
    let mallory = &cluster.mallory;
    eventually("Mallory's right to assign", || Ok(create(mallory, "prefixe-b", ours.clone())?))?;
    create(mallory, "libre", json!({LABEL_TENANT: "autre"})).refused_by(GUARD_NAMESPACE)?;
    create(mallory, "libre", json!({}))?;
    let relabel = |tenant: Value| {
        mallory.merge(namespace("libre"), json!({"metadata": {"labels": {LABEL_TENANT: tenant}}}))
    };
    relabel(json!("autre")).refused_by(GUARD_NAMESPACE)?;
    relabel(json!("reservant"))?;
    relabel(json!("autre")).refused_by(GUARD_NAMESPACE)?;
    create(&cluster.platform, "nom-exact", ours)?;
    cluster.isolated("nom-exact")?;
    Ok(())
}

pub fn ratchet(cluster: &Cluster) -> Result<()> {
    let alice = broad(cluster)?;
    cluster.governed("cliquet", &["cliquet"], json!({"level": "Essentiel"}))?;
    let policies = Kind::SncPolicy.all("cliquet");
    let path = Kind::SncPolicy.one("cliquet", "p");
    let standard = json!({"level": "Standard", "modes": {"isolation": "Enforce"}});
    alice.create(&policies, policy("p", standard))?;
    cluster.condition(&path, "Ready", "True", "Applied")?;
    // Above the floor it goes both ways.
    alice.merge(&path, json!({"spec": {"level": "Essentiel"}}))?;
    alice.merge(&path, json!({"spec": {"level": "Standard"}}))?;

    let weaker = [
        ("isolation", json!({"modes": {"isolation": "Audit"}})),
        ("podSecurity", json!({"modes": {"podSecurity": "Warn"}})),
        ("quota", json!({"modes": {"quota": "Audit"}})),
        ("workloads", json!({"modes": {"workloads": "Audit"}})),
    ];
    for (field, spec) in weaker {
        let refusal = alice.merge(&path, json!({"spec": spec})).refused_by(GUARD_RATCHET)?;
        ensure!(refusal.message.contains(&format!("spec.modes.{field}")), "{refusal}");
    }
    alice.merge(&path, json!({"spec": {"modes": null}}))?;

    // A floor that rises leaves what was written before, and everything beside it, as it was.
    cluster.platform.merge(at(TENANTS, "cliquet"), json!({"spec": {"level": "Avance"}}))?;
    eventually("the raised floor", || {
        let found = cluster.admin.get(namespace("cliquet"))?;
        ensure!(label(&found, LABEL_FLOOR_LEVEL) == Some("Avance"), "{}", found["metadata"]["labels"]);
        Ok(())
    })?;
    let lowered = |level: &str| Ask::merge(path.as_str(), json!({"spec": {"level": level}}));
    // Dry: once accepted for real, the same value is what was written before and stays accepted.
    let dry = lowered("Essentiel").dry_run();
    eventually("the ratchet to see the floor", || alice.send(&dry).refused_by(GUARD_RATCHET))?;
    alice.merge(&path, json!({"spec": flows(vec![flow("nouveau", json!({}))])}))?;
    cluster.condition(&path, "Ready", "False", "FieldsRefused")?;
    alice.merge(&path, json!({"spec": {"level": "Avance"}}))?;
    alice.send(&lowered("Standard")).refused_by(GUARD_RATCHET)?;
    cluster.condition(&path, "Ready", "True", "Applied").map(drop)
}

/// Everything that was refused above is accepted once the bindings are gone, so nothing else had refused it.
pub fn without_bindings(cluster: &Cluster) -> Result<()> {
    let alice = broad(cluster)?;
    target(cluster, "controle")?;
    cluster.platform.create(TENANTS, tenant("reserve", json!({"namespacePrefixes": ["reserve-"]})))?;
    let mut attacks = on_labels(cluster, "controle")?;
    attacks.extend(on_objects(cluster, "controle")?);
    attacks.extend(attacks::others("controle"));
    let guards_seen = ALL.iter().filter(|guard| attacks.iter().any(|attack| attack.guard == **guard)).count();
    // Of the two last ones the canaries are the attacks.
    ensure!(guards_seen == ALL.len() - 3, "every guard but the one that only warns has an attack");
    let dry: Vec<(&Attack, Ask)> =
        attacks.iter().map(|attack| (attack, attack.ask.clone().dry_run())).collect();
    let all_dry_refused = || {
        for (attack, ask) in &dry {
            eventually(&attack.what, || alice.send(ask).refused_by(attack.guard))?;
        }
        anyhow::Ok(())
    };
    all_dry_refused()?;

    cluster.stop_operator()?;
    for guard in ALL {
        cluster.admin.delete(at(GUARD_BINDINGS, guard))?;
    }
    cluster.gate_acts(false)?;
    let accepted = dry.iter().try_for_each(|(attack, ask)| {
        eventually(&format!("no guard: {}", attack.what), || Ok(alice.send(ask)?)).map(drop)
    });
    cluster.start_operator(&[])?;
    accepted?;
    all_dry_refused()
}

pub fn repair(cluster: &Cluster) -> Result<()> {
    // The label of our own is what the watch selects by; the operator sees its loss as a deletion.
    let unlabelled = json!({"metadata": {"labels": null}});
    for (collection, change) in [
        (GUARD_BINDINGS, None),
        (GUARDS, None),
        (GUARD_BINDINGS, Some(json!({"spec": {"validationActions": ["Audit"]}}))),
        (GUARDS, Some(json!({"spec": {"failurePolicy": "Ignore", "validations": [{"expression": "true"}]}}))),
        (GUARDS, Some(unlabelled.clone())),
        (GUARD_BINDINGS, Some(unlabelled)),
    ] {
        for guard in ALL {
            let path = at(collection, guard);
            let content = |object: &Value| (object["spec"].clone(), object["metadata"]["labels"].clone());
            let before = content(&cluster.admin.get(&path)?);
            match &change {
                None => cluster.admin.delete(&path)?,
                Some(change) => cluster.admin.merge(&path, change.clone())?,
            };
            eventually(&format!("{path} to be restored after {change:?}"), || {
                let now = content(&cluster.admin.get(&path)?);
                ensure!(now == before, "{now:?}");
                Ok(())
            })?;
        }
    }
    for guard in ALL {
        cluster.event("default", "Repaired", guard)?;
    }
    cluster.gate_acts(true)?;
    // And it was proven again, since a namespace is taken over.
    cluster.platform.create(
        TENANTS,
        tenant("apres-coup", json!({"namespaces": ["apres-coup"], "createNamespaces": true})),
    )?;
    cluster.isolated("apres-coup").map(drop)
}
