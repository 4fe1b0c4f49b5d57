//! What the operator tries hourly, sent from here: refused by the guard that should, and let through without it.

use crate::controls::{PODS, deployment, host_path, ruled};
use crate::rights::grant;
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use snc_core::lang::Lang;
use snc_core::names::{CANARY, GUARD_BINDING, LABEL_CANARY, LABEL_ISOLATED};
use snc_core::tier::Mode;
use snc_e2e::api::{Answered, Api, Ask};
use snc_e2e::cluster::{CANARY_NAMESPACE, Cluster, OPERATOR_ACCOUNT, OPERATOR_NAMESPACE};
use snc_e2e::objects::{GUARD_BINDINGS, Kind, again, at, label, namespace, pod};
use snc_e2e::wait::{eventually, within};
use snc_plan::Settings;
use snc_plan::canary::{self, Attempt, Expected, Tried, Verb};
use snc_plan::guards::Identity;
use std::collections::BTreeSet;
use std::time::Duration;
use xtask::harness::User;

fn settings() -> Settings {
    let identity = Identity::new(OPERATOR_NAMESPACE, OPERATOR_ACCOUNT);
    Settings { lang: Lang::En, identity, canary_namespace: CANARY_NAMESPACE.to_owned() }
}

fn ask(attempt: &Attempt) -> Ask {
    let (path, body) = (attempt.path.clone(), attempt.body.clone());
    let ask = match attempt.verb {
        Verb::Connect => return Ask::create(path, body),
        Verb::Create => Ask::create(path, body),
        Verb::Replace => Ask::replace(path, body),
        Verb::MergePatch => Ask::merge(path, body),
        Verb::JsonPatch => Ask::json_patch(path, body),
        Verb::StrategicPatch => Ask::strategic(path, body),
        Verb::Apply => Ask::apply(&path, "canary", body),
        Verb::Delete => Ask::delete(path),
    };
    ask.dry_run()
}

/// What came of them, and what was answered to those that prove nothing.
fn tried<'a>(tenant: &Api, attempts: impl IntoIterator<Item = &'a Attempt>) -> (Tried, Vec<String>) {
    let (mut tried, mut told) = (Tried::default(), Vec::new());
    for attempt in attempts {
        let answer = tenant.send(&ask(attempt));
        let said = answer.as_ref().map(drop).map_err(|refusal| refusal.message.as_str());
        let before = tried.unproven.len();
        tried.note(attempt, Some(said));
        if tried.unproven.len() > before {
            told.push(format!("{}: {said:?}", attempt.id));
        }
    }
    (tried, told)
}

fn guards_of(attempt: &Attempt) -> Option<&[String]> {
    match &attempt.expected {
        Expected::RefusedBy(guards) => Some(guards),
        _ => None,
    }
}

pub fn without_their_guards(cluster: &Cluster) -> Result<()> {
    let settings = settings();
    let place = settings.tenant_canary();
    eventually("the canary's namespace to be ready", || {
        let found = cluster.admin.get(namespace(&place))?;
        let ready =
            label(&found, LABEL_CANARY) == Some("true") && label(&found, LABEL_ISOLATED) == Some("true");
        ensure!(ready, "{}", found["metadata"]);
        Ok(())
    })?;
    cluster.stop_operator()?;
    let found = each(cluster, &settings);
    cluster.start_operator(&[])?;
    found
}

fn each(cluster: &Cluster, settings: &Settings) -> Result<()> {
    let place = settings.tenant_canary();
    if cluster.admin.find(Kind::Pod.one(&place, CANARY))?.is_none() {
        cluster.operator.create(Kind::Pod.all(&place), canary::pod())?;
    }
    let tenant = cluster.admin.impersonating(&settings.canary_username());
    let all = canary::attempts(settings, false);
    let refused: Vec<&Attempt> = all.iter().filter(|one| guards_of(one).is_some()).collect();
    let (found, told) = tried(&tenant, &all);
    ensure!(found.allowed.is_empty() && told.is_empty(), "{:?}, {told:#?}", found.allowed);
    ensure!(usize::try_from(found.refused)? == refused.len(), "{found:?}");

    let sets: BTreeSet<&[String]> = refused.iter().filter_map(|one| guards_of(one)).collect();
    for guards in sets {
        let own: Vec<&Attempt> =
            refused.iter().copied().filter(|one| guards_of(one) == Some(guards)).collect();
        let mut bindings = Vec::new();
        for guard in guards {
            // A policy of controls that has no rule in this version is not there.
            if let Some(binding) = cluster.admin.find(at(GUARD_BINDINGS, guard))? {
                cluster.admin.delete(at(GUARD_BINDINGS, guard))?;
                bindings.push(again(binding));
            }
        }
        eventually(&format!("what {guards:?} refuses to be let through"), || {
            let (found, told) = tried(&tenant, own.iter().copied());
            ensure!(found.allowed.len() == own.len(), "{} refused, {told:#?}", found.refused);
            Ok(())
        })?;
        for binding in bindings {
            cluster.admin.create(GUARD_BINDINGS, binding)?;
        }
        eventually(&format!("{guards:?} to act again"), || {
            let (found, told) = tried(&tenant, own.iter().copied());
            ensure!(usize::try_from(found.refused)? == own.len(), "{:?}, {told:#?}", found.allowed);
            Ok(())
        })?;
    }
    cluster.operator.delete(Kind::Pod.one(&place, CANARY) + "?gracePeriodSeconds=0")?;
    Ok(())
}

fn bound(name: &str) -> Value {
    let node = json!({"apiVersion": "v1", "kind": "Node", "name": "noeud"});
    json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": node})
}

/// A pod that is on a node already.
fn placed(name: &str) -> Value {
    let mut placed = pod(name);
    placed["spec"]["nodeName"] = json!("noeud");
    placed
}

pub fn nodes(cluster: &Cluster) -> Result<()> {
    let name = "noeuds";
    cluster.governed(name, &[name], json!({}))?;
    let rules = json!([
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["create"]},
    ]);
    grant(cluster, "e2e-noeuds", "lea", rules.clone())?;
    grant(cluster, "e2e-noeud", "system:node:noeud", rules)?;
    // In one namespace, as a tenant that got it from somebody careless.
    let api = "rbac.authorization.k8s.io";
    let meta = json!({"name": "e2e-noeuds"});
    let version = "rbac.authorization.k8s.io/v1";
    let role = json!({"apiVersion": version, "kind": "Role", "metadata": meta, "rules": [
        {"apiGroups": [""], "resources": ["pods/binding", "bindings"], "verbs": ["create"]},
    ]});
    cluster.admin.create(format!("/apis/{version}/namespaces/{name}/roles"), role)?;
    cluster.admin.create(
        Kind::RoleBinding.all(name),
        json!({
            "apiVersion": version, "kind": "RoleBinding", "metadata": meta,
            "roleRef": {"apiGroup": api, "kind": "Role", "name": "e2e-noeuds"},
            "subjects": [{"apiGroup": api, "kind": "User", "name": "lea"}],
        }),
    )?;
    let lea = cluster.admin.impersonating("lea");
    let pods = Kind::Pod.all(name);
    eventually("Lea's rights", || Ok(lea.create(format!("{pods}?dryRun=All"), pod("p"))?))?;
    cluster.platform.create(&pods, pod("p"))?;
    let binding = Kind::Pod.one(name, "p") + "/binding";
    eventually("Lea's right to bind", || {
        lea.create(&binding, bound("p")).refused_by(GUARD_BINDING).map(drop)
    })?;
    lea.create(format!("/api/v1/namespaces/{name}/bindings"), bound("p")).refused_by(GUARD_BINDING)?;
    lea.create(&pods, placed("q")).refused_by(GUARD_BINDING)?;
    // The claim to be what a node runs by itself is only a node's to make.
    let mut mirror = placed("miroir");
    mirror["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "x"});
    lea.create(&pods, mirror.clone()).refused_by(GUARD_BINDING)?;

    // The scheduler binds, and so does whoever has its right; nodes mirror what they run.
    let scheduler = cluster.admin.impersonating("system:kube-scheduler");
    scheduler.create(&binding, bound("p"))?;
    ensure!(cluster.admin.get(Kind::Pod.one(name, "p"))?["spec"]["nodeName"] == "noeud", "not bound");
    cluster.platform.create(&pods, placed("de-la-plateforme"))?;
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "noeud"}});
    let node = cluster.admin.create("/api/v1/nodes", node)?;
    mirror["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "v1", "kind": "Node", "name": "noeud", "uid": node["metadata"]["uid"], "controller": true,
    }]);
    let kubelet = cluster.admin.impersonating_in("system:node:noeud", "system:nodes");
    eventually("the node to mirror", || Ok(kubelet.create(format!("{pods}?dryRun=All"), mirror.clone())?))?;

    // A DaemonSet's controller has no such right, and needs none.
    let mut set = deployment("partout", &pod("p"));
    set["kind"] = json!("DaemonSet");
    if let Some(spec) = set["spec"].as_object_mut() {
        spec.remove("replicas");
        spec["template"]["spec"]["tolerations"] = json!([{"operator": "Exists"}]);
    }
    cluster.platform.create(format!("/apis/apps/v1/namespaces/{name}/daemonsets"), set)?;
    within(Duration::from_secs(60), "the DaemonSet's pod", || {
        let found = cluster.admin.list(&pods)?;
        let named = |pod: &Value| pod["metadata"]["name"].as_str().is_some_and(|n| n.starts_with("partout-"));
        ensure!(found.iter().any(named), "{} pods", found.len());
        Ok(())
    })?;
    cluster.admin.delete("/api/v1/nodes/noeud")?;

    Ok(())
}

pub fn lists_and_leavers(cluster: &Cluster) -> Result<()> {
    ruled(cluster, "partants", "Standard", Mode::Enforce)?;
    let api = &cluster.platform;
    // A v1 List is a client's: each of its items is a request.
    let mut bad = host_path()?;
    bad["metadata"]["name"] = json!("mauvais");
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [pod("bon"), bad]});
    let mut file = tempfile::NamedTempFile::new()?;
    std::io::Write::write_all(&mut file, list.to_string().as_bytes())?;
    let path = file.path().display().to_string();
    let args = ["create", "--dry-run=server", "-n", "partants", "-f", path.as_str()];
    let output = cluster.kubectl(User::Platform, &args)?;
    ensure!(output.code == Some(1) && output.stderr.contains(PODS), "{output:?}");
    ensure!(output.stdout.contains("pod/bon"), "{output:?}");

    let all = "/apis/apps/v1/namespaces/partants/deployments";
    let path = at(all, "partant");
    let mut leaving = deployment("partant", &pod("p"));
    leaving["metadata"]["finalizers"] = json!(["example.org/retenu"]);
    api.create(all, leaving)?;
    api.delete(&path)?;
    let found = api.get(&path)?;
    ensure!(found["metadata"]["deletionTimestamp"].is_string(), "{}", found["metadata"]);
    let spec = host_path()?["spec"].clone();
    let worse = json!({"spec": {"template": {"spec": {"volumes": spec["volumes"]}}}});
    api.merge(&path, worse.clone()).refused_by(PODS)?;
    api.send(&Ask::strategic(&path, worse)).refused_by(PODS)?;
    api.merge(&path, json!({"spec": {"replicas": 0}}))?;
    api.merge(&path, json!({"metadata": {"finalizers": null}}))?;
    eventually("it to be gone", || {
        ensure!(api.find(&path)?.is_none(), "still there");
        Ok(())
    })
}
