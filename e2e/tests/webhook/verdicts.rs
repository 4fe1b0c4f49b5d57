//! What is refused, what is warned of, and what is let through.

use crate::scene::{
    ENFORCED, FAULTS, NOTED, OTHER, WARNED, bad, container, deployment, deployments, elsewhere, good,
    with_webhook,
};
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use snc_e2e::api::Answered;
use snc_e2e::cluster::Cluster;
use snc_e2e::definitions;
use snc_e2e::objects::{Kind, NAMESPACES, namespace, new_namespace};
use snc_e2e::wait::eventually;
use std::fs;
use xtask::harness::User;

const DRY: &str = "?dryRun=All";
const ROUTE: &str = "gateway.networking.k8s.io/TLSRoute";

pub fn all_faults(cluster: &Cluster) -> Result<()> {
    with_webhook(cluster, "webhook-faults", |webhook, _| {
        let admin = &cluster.admin;
        let pods = Kind::Pod.all(ENFORCED);
        admin.create(format!("{pods}{DRY}"), good("bon"))?;
        let refusal = admin.create(&pods, bad("negligent")).refused_with(&FAULTS)?;
        for fault in FAULTS {
            ensure!(refusal.message.contains(&format!("kubectl snc explain {fault}")), "{refusal}");
        }
        ensure!(refusal.code == 403, "{refusal}");
        admin.create(deployments(ENFORCED), deployment(bad("mauvais"))).refused_with(&FAULTS)?;
        let jobs = format!("/apis/batch/v1/namespaces/{ENFORCED}/cronjobs");
        let template = json!({"spec": bad("mauvais")["spec"]});
        let cron = json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "mauvais"},
            "spec": {"schedule": "0 0 * * *", "jobTemplate": {"spec": {"template": template}}}});
        admin.create(jobs, with_restart(cron)).refused_with(&FAULTS)?;

        // A container that comes later, through a subresource.
        admin.create(&pods, good("vivant"))?;
        let path = format!("{}/ephemeralcontainers", Kind::Pod.one(ENFORCED, "vivant"));
        let mut debugger = container("curieux");
        for field in ["resources", "readinessProbe"] {
            debugger.as_object_mut().map(|fields| fields.remove(field));
        }
        debugger["image"] = json!("registry.invalid/never-pulled:latest");
        let change = json!({"spec": {"ephemeralContainers": [debugger]}});
        let ask = snc_e2e::api::Ask::strategic(path, change);
        admin.send(&ask).refused_with(&["image-mutable-tag", "ephemeralContainers"])?;
        admin.delete(Kind::Pod.one(ENFORCED, "vivant"))?;
        ensure!(webhook.count("snc_webhook_requests_total{result=\"refused\"}")? >= 4.0, "not counted");
        Ok(())
    })
}

fn with_restart(mut cron: Value) -> Value {
    cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]["restartPolicy"] = json!("Never");
    cron
}

pub fn modes(cluster: &Cluster) -> Result<()> {
    with_webhook(cluster, "webhook-modes", |webhook, _| {
        let file = tempfile::NamedTempFile::new()?;
        fs::write(file.path(), deployment(latest("web")).to_string())?;
        let file = file.path().display().to_string();
        let create = |namespace: &str| {
            cluster.kubectl(User::Admin, &["create", "--dry-run=server", "-n", namespace, "-f", &file])
        };
        let warned = create(WARNED)?;
        ensure!(warned.success() && warned.stderr.contains("Warning: image-mutable-tag"), "{warned:?}");
        let before =
            webhook.count("snc_webhook_controls_total{control=\"image-mutable-tag\",mode=\"Audit\"")?;
        let noted = create(NOTED)?;
        ensure!(noted.success() && !noted.stderr.contains("image-mutable-tag"), "{noted:?}");
        let after =
            webhook.count("snc_webhook_controls_total{control=\"image-mutable-tag\",mode=\"Audit\"")?;
        ensure!(after > before, "judged, and said nothing: {before} {after}");
        let refused = create(ENFORCED)?;
        ensure!(!refused.success() && refused.stderr.contains("image-mutable-tag"), "{refused:?}");
        Ok(())
    })
}

fn latest(name: &str) -> Value {
    let mut pod = good(name);
    pod["spec"]["containers"][0]["image"] = json!("registry.invalid/never-pulled:latest");
    pod
}

pub fn ratchet(cluster: &Cluster) -> Result<()> {
    // Before the webhook was there.
    let admin = &cluster.admin;
    with_webhook(cluster, "webhook-before", |_, _| Ok(()))?;
    eventually("the webhook to be forgotten", || {
        Ok(admin.create(deployments(ENFORCED), deployment(bad("ancien")))?)
    })?;
    with_webhook(cluster, "webhook-ratchet", |_, _| {
        let path = format!("{}/ancien", deployments(ENFORCED));
        admin.merge(&path, json!({"metadata": {"labels": {"equipe": "a"}}, "spec": {"replicas": 0}}))?;
        admin.merge(&path, json!({"spec": {"template": {"metadata": {"labels": {"equipe": "a"}}}}}))?;
        let worse = json!({"spec": {"template": {"spec": {"tolerations": [
            {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"}]}}}});
        let refusal = admin.merge(&path, worse).refused_with(&["pod-control-plane-toleration"])?;
        ensure!(!refusal.message.contains("image-mutable-tag"), "it was wrong before: {refusal}");
        // What is deleted goes, its finalizer included.
        admin.merge(&path, json!({"metadata": {"finalizers": ["secnumcloud.dev/test"]}}))?;
        admin.delete(&path)?;
        admin.merge(&path, json!({"metadata": {"finalizers": null}}))?;
        eventually("the Deployment to be gone", || {
            ensure!(admin.find(&path)?.is_none());
            Ok(())
        })
    })
}

pub fn across(cluster: &Cluster) -> Result<()> {
    // Before the webhook looks for routes.
    definitions::install(&cluster.admin, &[ROUTE].into())?;
    with_webhook(cluster, "webhook-across", |_, _| {
        let admin = &cluster.admin;
        let binding = |subject: Value| {
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "b"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
                "subjects": [subject]})
        };
        let bindings = format!("{}{DRY}", Kind::RoleBinding.all(ENFORCED));
        let own = json!({"kind": "ServiceAccount", "name": "web", "namespace": ENFORCED});
        admin.create(&bindings, binding(own))?;
        for subject in [
            json!({"kind": "ServiceAccount", "name": "web", "namespace": OTHER}),
            json!({"kind": "Group", "name": format!("system:serviceaccounts:{OTHER}"), "apiGroup": "rbac.authorization.k8s.io"}),
            json!({"kind": "User", "name": "proprio-banque", "apiGroup": "rbac.authorization.k8s.io"}),
            json!({"kind": "Group", "name": "system:authenticated", "apiGroup": "rbac.authorization.k8s.io"}),
        ] {
            admin.create(&bindings, binding(subject)).refused_with(&["rbac-cross-tenant"])?;
        }
        let policy = |namespace: &str| {
            let selector = json!({"matchLabels": {"kubernetes.io/metadata.name": namespace}});
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p"},
                "spec": {"podSelector": {}, "policyTypes": ["Ingress"],
                    "ingress": [{"from": [{"namespaceSelector": selector}]}]}})
        };
        let policies = format!("{}{DRY}", Kind::NetworkPolicy.all(ENFORCED));
        admin.create(&policies, policy(ENFORCED))?;
        admin.create(&policies, policy(OTHER)).refused_with(&["network-policy-across-tenants", OTHER])?;

        let ingresses =
            |namespace: &str| format!("/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses");
        let ingress = |host: &str| {
            let backend = json!({"service": {"name": "web", "port": {"number": 443}}});
            let path = json!({"path": "/", "pathType": "Prefix", "backend": backend});
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "i"},
                "spec": {"tls": [{"hosts": [host], "secretName": "tls"}],
                    "rules": [{"host": host, "http": {"paths": [path]}}]}})
        };
        admin.create(ingresses(OTHER), ingress("guichet.banque.example"))?;
        eventually("the name to be known", || {
            let path = format!("{}{DRY}", ingresses(ENFORCED));
            admin
                .create(&path, ingress("guichet.banque.example"))
                .refused_with(&["host-of-two-tenants", "guichet.banque.example (banque)"])?;
            admin.create(&path, ingress("*.banque.example")).refused_with(&["host-of-two-tenants"])?;
            Ok(())
        })?;
        let own = admin.create(format!("{}{DRY}", ingresses(ENFORCED)), ingress("www.magasin.example"));
        ensure!(!format!("{own:?}").contains("host-of-two-tenants"), "{own:?}");
        // A route publishes under the same names.
        let routes = format!("/apis/gateway.networking.k8s.io/v1/namespaces/{ENFORCED}/tlsroutes{DRY}");
        let route = |host: &str| {
            json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "TLSRoute", "metadata": {"name": "r"},
                "spec": {"hostnames": [host], "rules": [{"backendRefs": [{"name": "web", "port": 443}]}]}})
        };
        admin
            .create(&routes, route("guichet.banque.example"))
            .refused_with(&["host-of-two-tenants", "guichet.banque.example (banque)"])?;
        admin.create(&routes, route("www.magasin.example"))?;
        admin.delete(format!("{}/i", ingresses(OTHER))).map(drop)?;
        Ok(())
    })
}

pub fn platform(cluster: &Cluster) -> Result<()> {
    with_webhook(cluster, "webhook-platform", |webhook, _| {
        let admin = &cluster.admin;
        admin.create(NAMESPACES, new_namespace("etrangere", json!({"equipe": "a"})))?;
        eventually("the default account", || {
            Ok(admin.get(Kind::ServiceAccount.one("etrangere", "default"))?)
        })?;
        let before = webhook.count("snc_webhook_requests_total")?;
        for place in ["etrangere", "kube-system", "default"] {
            admin.create(format!("{}{DRY}", deployments(place)), deployment(bad("systeme")))?;
            admin.create(format!("{}{DRY}", Kind::Pod.all(place)), elsewhere(bad("systeme")))?;
        }
        let after = webhook.count("snc_webhook_requests_total")?;
        ensure!((after - before).abs() < 0.5, "{before} {after}");
        admin.delete(namespace("etrangere"))?;
        Ok(())
    })
}
