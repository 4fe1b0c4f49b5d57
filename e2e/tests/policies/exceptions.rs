//! Waivers: asked for by one, approved by another, in force for a time and no longer.

use crate::assessment::{PATIENCE, assessment, control, deployment, deployments, governed, says};
use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use snc_core::names::{GUARD_EXCEPTION, GUARD_MANAGED, WAIVERS};
use snc_e2e::api::{Answered, Api};
use snc_e2e::cluster::{Cluster, OPERATOR_NAMESPACE};
use snc_e2e::objects::{
    CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, GUARD_BINDINGS, Kind, at, condition, stamp, text,
};
use snc_e2e::wait::{eventually, throughout, within};
use std::time::Duration;
use xtask::harness::User;

const EXCEPTIONS: &str = "/apis/secnumcloud.dev/v1alpha1/sncexceptions";
/// The name under which the harness' platform team is authenticated.
const PLATFORM: &str = "platform-admin";
/// The guard lets it delete what its namespace takes along.
const COLLECTOR: &str = "system:serviceaccount:kube-system:namespace-controller";
const CONTROL: &str = super::assessment::FAULT;

/// Asked for by the platform team.
fn exception(name: &str, subjects: Value, seconds: i64) -> Value {
    let ends = Timestamp::now() + SignedDuration::from_secs(seconds);
    json!({
        "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncException", "metadata": {"name": name},
        "spec": {
            "controls": [CONTROL], "subjects": subjects,
            "reason": "image de l'éditeur, correctif attendu", "ticket": "SEC-7",
            "compensatingMeasure": "nœud dédié, surveillé à la main",
            "expiresOn": ends.to_string(), "requestedBy": PLATFORM,
        },
    })
}

fn web(namespace: &str, name: &str) -> Value {
    json!({"apiGroup": "apps", "kind": "Deployment", "namespace": namespace, "name": name})
}

/// Somebody with the role of an approver and no other.
fn approver(cluster: &Cluster, kind: &str, name: &str, user: &str) -> Result<Api> {
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "snc-approver"},
        "subjects": [match kind {
            "User" => json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": user}),
            _ => json!({"kind": kind, "namespace": "default", "name": user}),
        }],
    });
    cluster.admin.create(CLUSTER_ROLE_BINDINGS, binding)?;
    let user = if kind == "User" { user.to_owned() } else { format!("system:serviceaccount:default:{user}") };
    let api = cluster.admin.impersonating(&user);
    eventually("the approver's rights", || Ok(api.list(EXCEPTIONS)?))?;
    Ok(api)
}

fn status(name: &str) -> String {
    format!("{}/status", at(EXCEPTIONS, name))
}

fn approval(by: &str) -> Value {
    json!({"status": {"approvedBy": by}})
}

pub fn law(cluster: &Cluster) -> Result<()> {
    let vera = approver(cluster, "User", "e2e-vera", "vera")?;
    let robot = approver(cluster, "ServiceAccount", "e2e-robot", "robot")?;
    let (name, platform) = ("loi", &cluster.platform);
    let asked = || exception(name, json!([web("nulle-part", "web")]), 86_400);

    let mut forged = asked();
    forged["spec"]["requestedBy"] = json!("paul");
    let refusal = platform.create(EXCEPTIONS, forged.clone()).refused_by(GUARD_EXCEPTION)?;
    ensure!(refusal.message.contains("'paul'") && refusal.message.contains(PLATFORM), "{refusal}");
    cluster.admin.create(EXCEPTIONS, forged).refused_by(GUARD_EXCEPTION)?;
    cluster.alice.create(EXCEPTIONS, asked()).refused_with(&["is forbidden: User \"alice\""])?;
    // A status that comes with it is none.
    let mut approved = asked();
    approved["status"] = json!({"approvedBy": "vera"});
    let created = platform.create(EXCEPTIONS, approved)?;
    ensure!(created["status"]["approvedBy"].is_null(), "{created}");
    cluster.condition(&at(EXCEPTIONS, name), "Approved", "False", "AwaitingApproval")?;
    cluster.condition(&at(EXCEPTIONS, name), "Active", "False", "NotApproved")?;

    // Neither the requester, nor a ServiceAccount, nor in somebody else's name; not even by who may do everything.
    platform.merge(status(name), approval(PLATFORM)).refused_by(GUARD_EXCEPTION)?;
    platform.merge(status(name), approval("vera")).refused_by(GUARD_EXCEPTION)?;
    robot.merge(status(name), approval("system:serviceaccount:default:robot")).refused_by(GUARD_EXCEPTION)?;
    robot.merge(status(name), approval("vera")).refused_by(GUARD_EXCEPTION)?;
    vera.merge(status(name), approval("paul")).refused_by(GUARD_EXCEPTION)?;
    cluster.operator.merge(status(name), approval("vera")).refused_by(GUARD_EXCEPTION)?;
    let own = "system:serviceaccount:snc-system:snc-controller";
    cluster.operator.merge(status(name), approval(own)).refused_by(GUARD_EXCEPTION)?;
    // What the operator says of it is nobody else's to say.
    for field in [json!({"hits": 3}), json!({"until": "2099-01-01T00:00:00Z"}), json!({"conditions": []})] {
        vera.merge(status(name), json!({"status": field})).refused_by(GUARD_EXCEPTION)?;
    }
    let mut both = approval("vera");
    both["status"]["pairs"] = json!(9);
    let refusal = vera.merge(status(name), both).refused_by(GUARD_EXCEPTION)?;
    ensure!(refusal.message.contains("status.pairs"), "{refusal}");
    // The approver's role changes nothing else.
    vera.merge(at(EXCEPTIONS, name), json!({"spec": {"ticket": "x"}}))
        .refused_with(&["is forbidden: User"])?;

    let granted = vera.merge(status(name), approval("vera"))?;
    ensure!(granted["status"]["approvedBy"] == "vera", "{granted}");
    cluster.condition(&at(EXCEPTIONS, name), "Approved", "True", "Approved")?;
    for taken in [json!(""), json!("paul"), Value::Null] {
        vera.merge(status(name), json!({"status": {"approvedBy": taken}})).refused_by(GUARD_EXCEPTION)?;
    }
    let changes = [
        json!({"subjects": [web("nulle-part", "autre")]}),
        json!({"controls": [CONTROL, "pod-host-network"]}),
        json!({"expiresOn": "2099-01-01T00:00:00Z"}),
        json!({"requestedBy": "paul"}),
    ];
    for change in changes {
        platform.merge(at(EXCEPTIONS, name), json!({"spec": change})).refused_by(GUARD_EXCEPTION)?;
        cluster.admin.merge(at(EXCEPTIONS, name), json!({"spec": change})).refused_by(GUARD_EXCEPTION)?;
    }
    // Labels are anybody's who may write it.
    platform.merge(at(EXCEPTIONS, name), json!({"metadata": {"labels": {"a": "b"}}}))?;
    cluster.condition(&at(EXCEPTIONS, name), "Active", "True", "ExpiresSoon")?;
    // Withdrawn by deletion.
    vera.delete(at(EXCEPTIONS, name))?;
    eventually("nothing to be waived by it", || {
        ensure!(!waived(cluster)?.contains("nulle-part"), "still there");
        Ok(())
    })
}

/// What policies read, for the control.
fn waived(cluster: &Cluster) -> Result<String> {
    let set = cluster.admin.get(Kind::SncWaiverSet.one(OPERATOR_NAMESPACE, WAIVERS))?;
    let own = set["spec"]["waivers"][CONTROL].as_array();
    Ok(own.into_iter().flatten().filter_map(Value::as_str).fold(String::new(), |text, key| text + key + "\n"))
}

fn is_waived(cluster: &Cluster, line: &str, wanted: bool) -> Result<()> {
    eventually(&format!("{line} to be waived: {wanted}"), || {
        let found = waived(cluster)?;
        ensure!(found.lines().any(|one| one == line) == wanted, "{found:?}");
        Ok(())
    })
}

pub fn exempt(cluster: &Cluster) -> Result<()> {
    let name = "derogation";
    governed(cluster, name, "Standard")?;
    for (workload, faulty) in [("web", true), ("api", false)] {
        cluster.platform.create(deployments(name), deployment(workload, faulty))?;
    }
    let tenant = assessment(name);
    let before = says(cluster, &tenant, CONTROL, "Fail")?;
    let vera = approver(cluster, "User", "e2e-vera-exempt", "vera-exempt")?;
    let subjects = json!([web(name, "web"), web(name, "api")]);
    cluster.platform.create(EXCEPTIONS, exception("sec-7", subjects, 200 * 86_400))?;
    let path = at(EXCEPTIONS, "sec-7");
    cluster.condition(&path, "Active", "False", "NotApproved")?;
    ensure!(!waived(cluster)?.contains(name), "waived without an approval");
    vera.merge(status("sec-7"), approval("vera-exempt"))?;
    is_waived(cluster, &format!("apps/Deployment:{name}/web"), true)?;
    // Cut to what a control of its severity allows.
    let active = cluster.condition(&path, "Active", "True", "InForce")?;
    ensure!(text(&active, "/message").contains("180"), "{active}");
    cluster.event("default", "Approved", "sec-7")?;

    let after = says(cluster, &tenant, CONTROL, "Exempt")?;
    let said = control(&after, CONTROL)?;
    ensure!(said["exempt"] == 1 && said["fail"].as_i64().unwrap_or(0) == 0, "{said}");
    let number = |found: &Value, field: &str| found["status"][field].as_i64();
    ensure!(number(&after, "disproved") < number(&before, "disproved"), "{}", after["status"]["disproved"]);
    ensure!(number(&after, "proven") <= number(&before, "proven"), "exempt became a pass");
    // What passes needs no waiver, and that is said.
    let matching = within(PATIENCE, "what matches", || {
        let found = cluster.admin.get(&path)?;
        let said = condition(&found, "Matching").context("no condition")?.clone();
        ensure!(said["reason"] == "MatchesInPart", "{said}");
        ensure!(found["status"]["hits"] == 1 && found["status"]["pairs"] == 2, "{}", found["status"]);
        Ok(said)
    })?;
    ensure!(text(&matching, "/message").contains(&format!("Deployment:{name}/api")), "{matching}");
    // Once said, it is not said again.
    let settled = stamp(&cluster.admin.get(&path)?);
    throughout(Duration::from_secs(3), || {
        ensure!(stamp(&cluster.admin.get(&path)?) == settled, "written again");
        Ok(())
    })?;

    let output = cluster.kubectl_snc(User::Platform, &["audit", "-o", "json", "--fail-on", "none"])?;
    let report: Value = serde_json::from_str(&output.stdout).with_context(|| format!("{output:?}"))?;
    let own = |found: &&Value| found["control"] == CONTROL && found["subject"]["namespace"] == name;
    let found: Vec<&Value> = report["findings"].as_array().into_iter().flatten().filter(own).collect();
    ensure!(found.len() == 1 && found[0]["verdict"] == "Exempt", "{found:?}");
    ensure!(text(found[0], "/message").contains("SncException sec-7"), "{}", found[0]);

    cluster.platform.delete(&path)?;
    is_waived(cluster, &format!("apps/Deployment:{name}/web"), false)?;
    says(cluster, &tenant, CONTROL, "Fail").map(drop)
}

pub fn end(cluster: &Cluster) -> Result<()> {
    let vera = approver(cluster, "User", "e2e-vera-end", "vera-end")?;
    let line = "apps/Deployment:jamais/web";
    let path = at(EXCEPTIONS, "courte");
    cluster.platform.create(EXCEPTIONS, exception("courte", json!([web("jamais", "web")]), 12))?;
    vera.merge(status("courte"), approval("vera-end"))?;
    is_waived(cluster, line, true)?;
    cluster.condition(&path, "Active", "False", "Expired")?;
    is_waived(cluster, line, false)?;
    cluster.event("default", "Expired", "courte")?;
    let found = cluster.admin.get(&path)?;
    let until: Timestamp = text(&found, "/status/until").parse()?;
    ensure!(until <= Timestamp::now(), "ended at {until}, before its time");
    cluster.platform.delete(&path)?;

    // A control that nobody knows: said, and nothing waived, not by the others either.
    let mut typo = exception("faute", json!([web("jamais", "web")]), 86_400);
    typo["spec"]["controls"] = json!([CONTROL, "pod-privilegied"]);
    cluster.platform.create(EXCEPTIONS, typo)?;
    vera.merge(status("faute"), approval("vera-end"))?;
    let path = at(EXCEPTIONS, "faute");
    let unknown = cluster.condition(&path, "Active", "False", "UnknownControl")?;
    ensure!(text(&unknown, "/message").contains("pod-privilegied"), "{unknown}");
    ensure!(!waived(cluster)?.contains(line), "waived by what names an unknown control");
    cluster.platform.delete(path)?;
    // Of what is nowhere nothing is exempt, and that is said.
    cluster.platform.create(EXCEPTIONS, exception("vaine", json!([web("jamais", "web")]), 20 * 86_400))?;
    vera.merge(status("vaine"), approval("vera-end"))?;
    let path = at(EXCEPTIONS, "vaine");
    within(PATIENCE, "it to match nothing", || {
        let found = cluster.admin.get(&path)?;
        let said = condition(&found, "Matching").context("no condition")?;
        ensure!(said["status"] == "False" && said["reason"] == "MatchesNothing", "{said}");
        Ok(())
    })?;
    cluster.event("default", "MatchesNothing", "vaine")?;
    cluster.platform.delete(path)?;
    Ok(())
}

pub fn drift(cluster: &Cluster) -> Result<()> {
    let vera = approver(cluster, "User", "e2e-vera-drift", "vera-drift")?;
    let line = "apps/Deployment:derive/web";
    cluster.platform.create(EXCEPTIONS, exception("derive", json!([web("derive", "web")]), 20 * 86_400))?;
    vera.merge(status("derive"), approval("vera-drift"))?;
    is_waived(cluster, line, true)?;
    let path = Kind::SncWaiverSet.one(OPERATOR_NAMESPACE, WAIVERS);
    let more = json!({"spec": {"waivers": {CONTROL: [line, "apps/Deployment:derive/autre"], "x": ["core/Pod:a/b"]}}});
    cluster.platform.merge(&path, more.clone()).refused_with(&["-guard: ", WAIVERS])?;
    cluster.platform.delete(&path).refused_with(&["-guard: ", WAIVERS])?;
    // The operator's identity in somebody else's hands.
    cluster.operator.merge(&path, more)?;
    let right = |what: &str| {
        eventually(what, || {
            let found = cluster.admin.get(&path)?;
            let found = &found["spec"]["waivers"];
            let own = found[CONTROL].to_string();
            ensure!(own.contains(line) && !own.contains("autre") && found["x"].is_null(), "{found}");
            Ok(())
        })
    };
    right("what was added to be gone")?;
    cluster.event(OPERATOR_NAMESPACE, "Repaired", WAIVERS)?;
    cluster.admin.impersonating(COLLECTOR).delete(&path)?;
    right("the waivers to be back")?;
    cluster.platform.delete(at(EXCEPTIONS, "derive"))?;
    is_waived(cluster, line, false)
}

/// Each refusal is the work of the guard; and where it was away, the operator sees to it itself.
pub fn unguarded(cluster: &Cluster) -> Result<()> {
    let vera = approver(cluster, "User", "e2e-vera-unguarded", "vera-unguarded")?;
    let subjects = || json!([web("sans-garde", "web")]);
    let forged = |name: &str| {
        let mut forged = exception(name, subjects(), 86_400);
        forged["spec"]["requestedBy"] = json!("vera-unguarded");
        forged
    };
    let dry = format!("{EXCEPTIONS}?dryRun=All");
    cluster.platform.create(&dry, forged("forge")).refused_by(GUARD_EXCEPTION)?;
    cluster.stop_operator()?;
    let made = (|| {
        cluster.admin.delete(at(GUARD_BINDINGS, GUARD_EXCEPTION))?;
        eventually("no guard", || Ok(cluster.platform.create(&dry, forged("forge"))?))?;
        for name in ["soi-meme", "par-robot", "modifiee"] {
            cluster.platform.create(EXCEPTIONS, exception(name, subjects(), 86_400))?;
        }
        cluster.platform.merge(status("soi-meme"), approval(PLATFORM))?;
        cluster.platform.merge(status("par-robot"), approval("system:serviceaccount:default:robot"))?;
        vera.merge(status("modifiee"), approval("vera-unguarded"))?;
        cluster.platform.merge(at(EXCEPTIONS, "modifiee"), json!({"spec": {"ticket": "SEC-8"}}))?;
        // Where a version before this one kept the waivers.
        let former = json!({
            "metadata": {"name": WAIVERS, "labels": {"app.kubernetes.io/managed-by": "snc-operator"}},
            "data": {CONTROL: "apps/Deployment:sans-garde/web\n"},
        });
        cluster.admin.delete(at(GUARD_BINDINGS, GUARD_MANAGED))?;
        eventually("no guard of managed objects", || {
            Ok(cluster.admin.create(Kind::ConfigMap.all(OPERATOR_NAMESPACE), former.clone())?)
        })?;
        anyhow::Ok(())
    })();
    cluster.start_operator(&[])?;
    made?;
    eventually("the ConfigMap of a former version to be gone", || {
        let found = cluster.admin.find(Kind::ConfigMap.one(OPERATOR_NAMESPACE, WAIVERS))?;
        ensure!(found.is_none(), "still there");
        Ok(())
    })?;
    for name in ["soi-meme", "par-robot"] {
        cluster.condition(&at(EXCEPTIONS, name), "Approved", "False", "ApprovalRefused")?;
        cluster.condition(&at(EXCEPTIONS, name), "Active", "False", "NotApproved")?;
    }
    cluster.condition(&at(EXCEPTIONS, "modifiee"), "Active", "False", "SpecChanged")?;
    ensure!(!waived(cluster)?.contains("sans-garde"), "waived by what the guard refuses");
    eventually("the guard to be back", || {
        cluster.platform.create(&dry, forged("forge")).refused_by(GUARD_EXCEPTION).map(drop)
    })?;
    for name in ["soi-meme", "par-robot", "modifiee"] {
        cluster.platform.delete(at(EXCEPTIONS, name))?;
    }
    Ok(())
}

pub fn told(cluster: &Cluster) -> Result<()> {
    let mut typo = exception("a-lire", json!([web("a-lire", "web")]), 86_400);
    typo["spec"]["controls"] = json!(["pod-privilegied"]);
    cluster.platform.create(EXCEPTIONS, typo)?;
    let output = cluster.kubectl_snc(User::Platform, &["exceptions", "-n", "a-lire", "-o", "json"])?;
    ensure!(output.code == Some(1), "{output:?}");
    let report: Value = serde_json::from_str(&output.stdout)?;
    let line = &report["exceptions"][0];
    ensure!(line["state"] == "unknown-control" && line["requestedBy"] == PLATFORM, "{report}");
    ensure!(report["summary"]["exceptions"] == 1, "{report}");
    cluster.platform.delete(at(EXCEPTIONS, "a-lire"))?;
    let table = cluster.kubectl_snc(User::Mallory, &["exceptions"])?;
    ensure!(table.code == Some(3) && table.stderr.contains("sncexceptions"), "{table:?}");
    Ok(())
}

pub fn who(cluster: &Cluster) -> Result<()> {
    let api = "rbac.authorization.k8s.io";
    let meta = json!({"name": "e2e-saboteur"});
    let rules = json!([{
        "apiGroups": ["admissionregistration.k8s.io"], "resources": ["validatingadmissionpolicybindings"],
        "verbs": ["delete"],
    }]);
    let version = "rbac.authorization.k8s.io/v1";
    let role = json!({"apiVersion": version, "kind": "ClusterRole", "metadata": meta, "rules": rules});
    cluster.admin.create(CLUSTER_ROLES, role)?;
    let binding = json!({
        "apiVersion": version, "kind": "ClusterRoleBinding", "metadata": meta,
        "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": "e2e-saboteur"},
        "subjects": [{"apiGroup": api, "kind": "User", "name": "saboteur"}],
    });
    cluster.admin.create(CLUSTER_ROLE_BINDINGS, binding)?;
    let run = |user, args: &[&str]| -> Result<(Option<i32>, Value)> {
        let words: Vec<&str> = ["who-can-disable", "-o", "json"].iter().chain(args).copied().collect();
        let output = cluster.kubectl_snc(user, &words)?;
        let report = serde_json::from_str(&output.stdout).unwrap_or(Value::Null);
        Ok((output.code, report))
    };
    let (code, report) = run(User::Platform, &[])?;
    ensure!(code == Some(0), "{code:?}");
    let holders = report["holders"].as_array().context("holders")?;
    let find = |name: &str| holders.iter().find(|one| one["holder"] == name).with_context(|| name.to_owned());
    let saboteur = find("User:saboteur")?;
    ensure!(
        saboteur["can"]
            == json!([{
                "way": "guards", "binding": "ClusterRoleBinding/e2e-saboteur", "role": "ClusterRole/e2e-saboteur",
                "rights": ["delete admissionregistration.k8s.io/validatingadmissionpolicybindings"],
            }]),
        "{saboteur}"
    );
    ensure!(find("Group:platform-admins")?["can"][0]["way"] == "everything", "{report}");
    let own = find("ServiceAccount:snc-system/snc-controller")?;
    ensure!(own["builtIn"] == true, "{own}");
    // Nobody of Kubernetes' own is taken for somebody else.
    let others: Vec<&str> = holders
        .iter()
        .filter(|one| one["builtIn"] == false)
        .map(|one| text(one, "/holder"))
        .filter(|name| name.contains("kube-system") || name.starts_with("User:system:"))
        .collect();
    ensure!(others.is_empty(), "{others:?}");
    let (code, _) = run(User::Platform, &["--expect", "Group:platform-admins,Group:system:masters"])?;
    ensure!(code == Some(1), "{code:?}");
    let (code, _) = run(User::Mallory, &[])?;
    ensure!(code == Some(3), "{code:?}");
    cluster.admin.delete(at(CLUSTER_ROLE_BINDINGS, "e2e-saboteur"))?;
    Ok(())
}

pub fn lockout(cluster: &Cluster) -> Result<()> {
    let run = || -> Result<(Option<i32>, Value)> {
        let output = cluster.kubectl_snc(User::Admin, &["preflight", "--lockout", "-o", "json"])?;
        let report = serde_json::from_str(&output.stdout).with_context(|| format!("{output:?}"))?;
        Ok((output.code, report))
    };
    let (code, report) = run()?;
    ensure!(code == Some(0), "{code:?}: {report}");
    ensure!(cluster.admin.find(at("/api/v1/namespaces", "snc-preflight"))?.is_none(), "it was made");
    // Of what nobody in this control plane makes.
    let name = "e2e-muet.example.org";
    let webhook = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [{
            "name": name, "sideEffects": "None", "admissionReviewVersions": ["v1"], "failurePolicy": "Fail",
            "clientConfig": {"url": "https://127.0.0.1:9/"},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": OPERATOR_NAMESPACE}},
            "rules": [{
                "apiGroups": ["discovery.k8s.io"], "apiVersions": ["v1"], "resources": ["endpointslices"],
                "operations": ["CREATE"],
            }],
        }],
    });
    let webhooks = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    cluster.admin.create(webhooks, webhook)?;
    let found = run();
    cluster.admin.delete(at(webhooks, name))?;
    let (code, report) = found?;
    let shut: Vec<&Value> = report["checks"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|check| check["state"] == "missing")
        .collect();
    ensure!(code == Some(1) && shut.len() == 1 && shut[0]["seen"] == name, "{code:?}: {shut:?}");
    let command = format!("kubectl delete validatingwebhookconfiguration {name}");
    ensure!(report["emergency"] == json!([command]), "{report}");
    Ok(())
}
