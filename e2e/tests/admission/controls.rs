//! The critical controls at admission, as policies of the API server: the operator's webhook has no part in it.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use snc_catalogue::controls;
use snc_core::control::Category;
use snc_core::names::{GUARD_GATE, LABEL_TENANT, METADATA_NAME, PSA_ENFORCE, WAIVERS};
use snc_core::tier::Mode;
use snc_e2e::api::{Answered, Api, Ask};
use snc_e2e::cluster::{Cluster, OPERATOR_NAMESPACE};
use snc_e2e::objects::{
    BASELINES, GUARD_BINDINGS, GUARDS, Kind, NAMESPACES, TENANTS, at, baseline, label, namespace,
    new_namespace, pod, tenant,
};
use snc_e2e::wait::{eventually, within};
use std::time::Duration;
use xtask::harness::User;

pub const PODS: &str = "pods-pod-security-enforce.secnumcloud.dev";
const TRIAL: &str = "essai";

/// A governed namespace in these modes. Somebody else's Pod Security label says `privileged` there, which the operator does
/// not overrule: what is refused is refused by our policies.
pub fn ruled(cluster: &Cluster, name: &str, level: &str, mode: Mode) -> Result<()> {
    cluster.platform.create(BASELINES, modes(name, mode))?;
    let mut owner = tenant(name, json!({"namespaces": [name], "level": level}));
    owner["metadata"]["labels"] = json!({TRIAL: name});
    cluster.platform.create(TENANTS, owner)?;
    cluster
        .platform
        .create(NAMESPACES, new_namespace(name, json!({LABEL_TENANT: name, PSA_ENFORCE: "privileged"})))?;
    cluster.isolated(name)?;
    in_mode(cluster, name, mode)
}

fn modes(name: &str, mode: Mode) -> Value {
    let modes = json!({"isolation": "Enforce", "podSecurity": mode, "workloads": mode});
    baseline(name, json!({"tenantSelector": {"matchLabels": {TRIAL: name}}, "modes": modes}))
}

fn in_mode(cluster: &Cluster, name: &str, mode: Mode) -> Result<()> {
    eventually(&format!("{name} to be in {mode}"), || {
        let found = cluster.admin.get(namespace(name))?;
        ensure!(
            label(&found, "secnumcloud.dev/pod-security") == Some(mode.as_str()),
            "{}",
            found["metadata"]
        );
        ensure!(label(&found, PSA_ENFORCE) == Some("privileged"), "{}", found["metadata"]);
        Ok(())
    })
}

/// A pod that every critical control accepts, but for this.
fn broken(change: impl FnOnce(&mut Value)) -> Value {
    let mut whole = pod("p");
    change(&mut whole);
    whole
}

fn template(whole: &Value) -> Value {
    let mut labels = json!({"app": "a"});
    if let (Value::Object(labels), Some(own)) = (&mut labels, whole["metadata"]["labels"].as_object()) {
        labels.extend(own.clone());
    }
    json!({"metadata": {"labels": labels, "annotations": whole["metadata"]["annotations"]}, "spec": whole["spec"]})
}

pub fn deployment(name: &str, whole: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "a"}}, "template": template(whole)},
    })
}

fn with_restart(whole: &Value) -> Value {
    let mut template = template(whole);
    template["spec"]["restartPolicy"] = json!("Never");
    template
}

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces";

/// Every kind that holds a pod, with this one in it.
fn holders(namespace: &str, whole: &Value) -> Vec<Ask> {
    let apps = |resource: &str| format!("/apis/apps/v1/namespaces/{namespace}/{resource}");
    let core = |resource: &str| format!("/api/v1/namespaces/{namespace}/{resource}");
    let batch = |resource: &str| format!("/apis/batch/v1/namespaces/{namespace}/{resource}");
    let of = |version: &str, kind: &str, extra: Value| {
        let mut object = deployment("h", whole);
        object["apiVersion"] = json!(version);
        object["kind"] = json!(kind);
        if let (Value::Object(spec), Value::Object(extra)) = (&mut object["spec"], extra) {
            spec.extend(extra);
        }
        object
    };
    let mut daemons = of("apps/v1", "DaemonSet", json!({}));
    if let Some(spec) = daemons["spec"].as_object_mut() {
        spec.remove("replicas");
    }
    let job = json!({"template": with_restart(whole)});
    vec![
        Ask::create(core("pods"), whole.clone()),
        Ask::create(apps("deployments"), of("apps/v1", "Deployment", json!({}))),
        Ask::create(apps("replicasets"), of("apps/v1", "ReplicaSet", json!({}))),
        Ask::create(apps("statefulsets"), of("apps/v1", "StatefulSet", json!({"serviceName": "s"}))),
        Ask::create(apps("daemonsets"), daemons),
        Ask::create(
            core("replicationcontrollers"),
            of("v1", "ReplicationController", json!({"selector": {"app": "a"}})),
        ),
        Ask::create(
            core("podtemplates"),
            json!({"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "h"}, "template": template(whole)}),
        ),
        Ask::create(
            batch("jobs"),
            json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "h"}, "spec": job}),
        ),
        Ask::create(
            batch("cronjobs"),
            json!({
                "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "h"},
                "spec": {"schedule": "0 0 1 1 *", "suspend": true, "jobTemplate": {"spec": job}},
            }),
        ),
    ]
}

/// A pod for each critical control of pods, that fails it.
fn failing() -> Vec<(&'static str, Value)> {
    let spec = |patch: Value| {
        broken(|whole| {
            if let (Value::Object(spec), Value::Object(patch)) = (&mut whole["spec"], patch) {
                spec.extend(patch);
            }
        })
    };
    let context = |key: &str, value: Value| broken(|whole| whole["spec"]["securityContext"][key] = value);
    let container = |key: &str, value: Value| {
        broken(|whole| whole["spec"]["containers"][0]["securityContext"][key] = value)
    };
    let windows = json!({
        "os": {"name": "windows"}, "hostNetwork": true,
        "securityContext": {"windowsOptions": {"hostProcess": true}},
        "containers": [{"name": "main", "image": "registry.invalid/never-pulled:0"}],
    });
    let annotation = "container.apparmor.security.beta.kubernetes.io/main";
    vec![
        ("pod-privilege-escalation", container("allowPrivilegeEscalation", json!(true))),
        (
            "pod-apparmor-annotation",
            broken(|p| p["metadata"]["annotations"] = json!({annotation: "unconfined"})),
        ),
        ("pod-apparmor-profile", context("appArmorProfile", json!({"type": "Unconfined"}))),
        ("pod-capabilities-added", container("capabilities", json!({"add": ["NET_RAW", "SYS_ADMIN"]}))),
        ("pod-host-ipc", spec(json!({"hostIPC": true}))),
        ("pod-host-network", spec(json!({"hostNetwork": true}))),
        ("pod-host-path", spec(json!({"volumes": [{"name": "n", "hostPath": {"path": "/"}}]}))),
        ("pod-host-pid", spec(json!({"hostPID": true}))),
        (
            "pod-host-port",
            broken(|p| {
                p["spec"]["containers"][0]["ports"] = json!([{"containerPort": 80, "hostPort": 8080}]);
            }),
        ),
        (
            "pod-privileged",
            broken(|p| p["spec"]["containers"][0]["securityContext"] = json!({"privileged": true})),
        ),
        ("pod-proc-mount", container("procMount", json!("Unmasked"))),
        ("pod-seccomp-unconfined", context("seccompProfile", json!({"type": "Unconfined"}))),
        ("pod-selinux-options", context("seLinuxOptions", json!({"type": "spc_t"}))),
        ("pod-sysctl-unsafe", context("sysctls", json!([{"name": "kernel.msgmax", "value": "1"}]))),
        ("pod-windows-host-process", spec(windows)),
    ]
}

/// What the API server itself refuses by now: user namespaces have to come with it, and then the control accepts it.
const BEYOND_API: &str = "pod-proc-mount";

/// What kubectl says on stderr when it sends this as a dry run.
fn warnings(cluster: &Cluster, namespace: &str, object: &Value) -> Result<String> {
    let mut file = tempfile::NamedTempFile::new()?;
    std::io::Write::write_all(&mut file, object.to_string().as_bytes())?;
    let path = file.path().display().to_string();
    let args = ["create", "--dry-run=server", "-n", namespace, "-f", path.as_str()];
    let output = cluster.kubectl(User::Platform, &args)?;
    ensure!(output.code == Some(0), "{}", output.stderr);
    Ok(output.stderr)
}

pub fn enforced(cluster: &Cluster) -> Result<()> {
    let api = &cluster.platform;
    ruled(cluster, "tenu", "Standard", Mode::Enforce)?;
    let failing = failing();
    let critical: Vec<&str> = controls()
        .iter()
        .filter(|control| control.critical && control.category == Category::PodSecurity)
        .map(|control| control.id.as_str())
        .collect();
    let missing: Vec<_> =
        critical.iter().filter(|id| !failing.iter().any(|(known, _)| known == *id)).collect();
    ensure!(missing.is_empty() && critical.len() == failing.len(), "no pod fails {missing:?}");

    for ask in holders("tenu", &pod("p")) {
        api.send(&ask.dry_run())?;
    }
    for (id, whole) in &failing {
        for ask in holders("tenu", whole) {
            let ask = ask.dry_run();
            if *id == BEYOND_API {
                api.send(&ask).refused_with(&["procMount"])?;
                continue;
            }
            let refusal = api.send(&ask).refused_by(PODS).with_context(|| format!("{id}: {ask}"))?;
            ensure!(refusal.code == 403, "{refusal}");
            ensure!(refusal.message.contains("kubectl snc scan -f FICHIER"), "{refusal}");
        }
    }
    let privileged = &failing.iter().find(|(id, _)| *id == "pod-privileged").context("a pod")?.1;
    let cron = holders("tenu", privileged).pop().context("a CronJob")?;
    api.send(&cron).refused_with(&[
        "pod-privileged: ",
        "spec.jobTemplate.spec.template.spec.containers[\"main\"].securityContext.privileged = true",
        "kubectl snc explain pod-privileged",
    ])?;

    // Through the subresource, into a pod that is there and bound to no node.
    api.create(Kind::Pod.all("tenu"), pod("calme"))?;
    let ephemeral = Kind::Pod.one("tenu", "calme") + "/ephemeralcontainers";
    let add = |name: &str, context: Value| {
        let own =
            json!({"name": name, "image": "registry.invalid/never-pulled:0", "securityContext": context});
        Ask::strategic(&ephemeral, json!({"spec": {"ephemeralContainers": [own]}}))
    };
    let good = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
    api.send(&add("bon", good))?;
    for context in [json!({"privileged": true}), json!({"capabilities": {"add": ["SYS_ADMIN"]}})] {
        api.send(&add("mauvais", context)).refused_by(PODS)?;
    }
    others(cluster)
}

/// Kinds that hold no pod.
fn others(cluster: &Cluster) -> Result<()> {
    let ingress = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": "i", "annotations": {"nginx.ingress.kubernetes.io/server-snippet": "x"}},
        "spec": {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}},
    });
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"},
        "spec": {"ports": [{"port": 80}], "externalIPs": ["192.0.2.1"]},
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "tout"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "equipe"}],
    });
    let bindings = Kind::RoleBinding.all("tenu");
    for (path, object, policy, id) in [
        (bindings.as_str(), binding, "rolebindings", "rolebinding-cluster-admin: "),
        ("/apis/networking.k8s.io/v1/namespaces/tenu/ingresses", ingress, "ingresses", "ingress-snippet: "),
        ("/api/v1/namespaces/tenu/services", service, "services", "service-external-ips: "),
    ] {
        let policy = format!("'{policy}-workloads-enforce.secnumcloud.dev'");
        cluster.admin.create(path, object).refused_with(&[&policy, id])?;
    }
    Ok(())
}

pub fn advised(cluster: &Cluster) -> Result<()> {
    ruled(cluster, "averti", "Standard", Mode::Warn)?;
    ruled(cluster, "note", "Standard", Mode::Audit)?;
    ruled(cluster, "essentiel", "Essentiel", Mode::Warn)?;
    ensure!(!warnings(cluster, "averti", &deployment("bon", &pod("p")))?.contains("secnumcloud.dev"));
    for (id, whole) in failing().into_iter().filter(|(id, _)| *id != BEYOND_API) {
        let object = deployment("d", &whole);
        let said = warnings(cluster, "averti", &object)?;
        let policy = "'pods-pod-security-advise.secnumcloud.dev' with binding 'pods-pod-security-warn.secnumcloud.dev'";
        ensure!(said.contains(policy) && said.contains(&format!(": {id}: ")), "{id}: {said}");
        ensure!(said.contains("spec.template."), "the path: {said}");
        let said = warnings(cluster, "note", &object)?;
        ensure!(!said.contains("secnumcloud.dev"), "{id}: {said}");
        // Asked from a level on.
        let said = warnings(cluster, "essentiel", &object)?;
        ensure!(said.contains(&format!(": {id}: ")) == (id != "pod-privilege-escalation"), "{id}: {said}");
    }
    Ok(())
}

pub fn elsewhere(cluster: &Cluster) -> Result<()> {
    let api = &cluster.platform;
    api.create(NAMESPACES, new_namespace("a-personne", json!({})))?;
    for (id, whole) in failing().into_iter().filter(|(id, _)| *id != BEYOND_API) {
        for name in ["a-personne", "kube-system"] {
            for ask in holders(name, &whole) {
                let ask = ask.dry_run();
                eventually(&format!("{id}: {ask}"), || Ok(api.send(&ask)?))?;
            }
        }
    }
    let found = cluster.admin.get(namespace("kube-system"))?;
    ensure!(label(&found, METADATA_NAME) == Some("kube-system"), "{found}");
    Ok(())
}

pub fn host_path() -> Result<Value> {
    let found = failing().into_iter().find(|(id, _)| *id == "pod-host-path");
    found.map(|(_, whole)| whole).context("a pod")
}

/// What was there before the mode was raised is not frozen: only its template, once it changes, is judged.
pub fn ratchet(cluster: &Cluster) -> Result<()> {
    let api = &cluster.platform;
    ruled(cluster, "ancien", "Standard", Mode::Audit)?;
    let bad = host_path()?;
    let all = format!("{DEPLOYMENTS}/ancien/deployments");
    let mut held = deployment("tenu", &bad);
    held["metadata"]["finalizers"] = json!(["example.org/tenir"]);
    api.create(&all, deployment("ancien", &bad))?;
    api.create(&all, held)?;
    api.create(Kind::Pod.all("ancien"), bad)?;
    api.merge(at(BASELINES, "ancien"), json!({"spec": modes("ancien", Mode::Enforce)["spec"].clone()}))?;
    in_mode(cluster, "ancien", Mode::Enforce)?;
    let path = at(&all, "ancien");
    let image = |image: &str| {
        let own = json!([{"name": "main", "image": image}]);
        Ask::strategic(&path, json!({"spec": {"template": {"spec": {"containers": own}}}}))
    };
    let dry = image("registry.invalid/autre:1").dry_run();
    eventually("the policy to see the mode", || api.send(&dry).refused_by(PODS))?;

    let pod_path = Kind::Pod.one("ancien", "p");
    for ask in [
        Ask::merge(&path, json!({"metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}}})),
        Ask::merge(&path, json!({"spec": {"replicas": 2}})),
        Ask::merge(path.clone() + "/scale", json!({"spec": {"replicas": 0}})),
        Ask::merge(path.clone() + "/status", json!({"status": {"observedGeneration": 1}})),
        Ask::merge(&pod_path, json!({"metadata": {"annotations": {"reseau": "posé par un CNI"}}})),
        Ask::merge(pod_path.clone() + "/status", json!({"status": {"message": "x"}})),
    ] {
        api.send(&ask).with_context(|| ask.to_string())?;
    }
    api.send(&image("registry.invalid/autre:1")).refused_by(PODS)?;
    let annotated = json!({"spec": {"template": {"metadata": {"annotations": {"relance": "1"}}}}});
    api.merge(&path, annotated).refused_by(PODS)?;

    // On its way out it can go.
    let held = at(&all, "tenu");
    api.delete(&held)?;
    ensure!(cluster.admin.get(&held)?["metadata"]["deletionTimestamp"].is_string());
    api.merge(&held, json!({"metadata": {"finalizers": null}}))?;
    eventually("it to be gone", || {
        let found = cluster.admin.find(&held)?;
        ensure!(found.is_none(), "{found:?}");
        Ok(())
    })?;
    api.delete(&pod_path)?;

    // Repaired, it is like any other.
    api.json_patch(&path, json!([{"op": "remove", "path": "/spec/template/spec/volumes"}]))?;
    api.send(&image("registry.invalid/autre:2"))?;
    Ok(())
}

/// By the list that the operator alone writes, for what built-in controllers make for it too.
pub fn waivers(cluster: &Cluster) -> Result<()> {
    let api = &cluster.platform;
    ruled(cluster, "dispense", "Standard", Mode::Enforce)?;
    ruled(cluster, "dispense-note", "Standard", Mode::Audit)?;
    cluster.stop_operator()?;
    let result = waived(cluster, api);
    cluster.start_operator(&[])?;
    eventually("the list of waivers to be back", || Ok(cluster.admin.get(waiver_list())?))?;
    result
}

fn waiver_list() -> String {
    Kind::SncWaiverSet.one(OPERATOR_NAMESPACE, WAIVERS)
}

fn waived(cluster: &Cluster, api: &Api) -> Result<()> {
    let bad = host_path()?;
    let all = format!("{DEPLOYMENTS}/dispense/deployments");
    let list = waiver_list();
    let waived = ["apps/Deployment:autre/web", "apps/Deployment:dispense/web", "batch/CronJob:dispense/nuit"];
    let lines = json!({"spec": {"waivers": {"pod-host-path": waived}}});
    cluster.admin.merge(&list, lines.clone()).refused_with(&["ValidatingAdmissionPolicy"])?;
    cluster.operator.merge(&list, lines)?;
    let dry = Ask::create(&all, deployment("web", &bad)).dry_run();
    eventually("the waiver to be seen", || Ok(api.send(&dry)?))?;
    api.create(&all, deployment("web-2", &bad)).refused_by(PODS)?;
    let mut also = bad.clone();
    also["spec"]["hostNetwork"] = json!(true);
    api.create(&all, deployment("web", &also)).refused_with(&["pod-host-network: "])?;

    // Down to its pods, which the controllers make in its name.
    api.create(&all, deployment("web", &bad))?;
    let made = |what: &str, prefix: &str| {
        within(Duration::from_secs(60), what, || {
            let pods = cluster.admin.list(Kind::Pod.all("dispense"))?;
            let found = pods
                .iter()
                .any(|pod| pod["metadata"]["name"].as_str().unwrap_or_default().starts_with(prefix));
            ensure!(found, "{} pods", pods.len());
            Ok(())
        })
    };
    made("the Deployment's pod", "web-")?;
    let cron = json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nuit"},
        "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": with_restart(&bad)}}},
    });
    api.create("/apis/batch/v1/namespaces/dispense/cronjobs", cron)?;

    // Nothing that a tenant writes grants it: neither the owner that it names, nor the name it takes.
    let deployment_uid = cluster.admin.get(at(&all, "web"))?["metadata"]["uid"].clone();
    let mut forged = bad.clone();
    forged["metadata"] = json!({
        "name": "web-abc-1", "labels": {"app": "a", "pod-template-hash": "abc"},
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": deployment_uid, "controller": true}],
    });
    api.create(Kind::Pod.all("dispense"), forged).refused_by(PODS)?;
    made("the CronJob's pod", "nuit-")?;

    // Without the list nothing is known to be waived: refused where it is enforced, and nowhere else.
    cluster.admin.impersonating("system:serviceaccount:kube-system:namespace-controller").delete(&list)?;
    let good = |name: &str| {
        Ask::create(format!("{DEPLOYMENTS}/{name}/deployments"), deployment("bon", &pod("p"))).dry_run()
    };
    let refused = eventually("the missing list to be seen", || api.send(&good("dispense")).refused_by(PODS));
    let advised = api.send(&good("dispense-note"));
    let empty = json!({
        "apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncWaiverSet",
        "metadata": {"name": WAIVERS, "labels": {"app.kubernetes.io/managed-by": "snc-operator"}},
        "spec": {"waivers": {}},
    });
    cluster.operator.apply(&list, "e2e", empty)?;
    refused?;
    advised?;
    Ok(())
}

/// A pod as large as they come is judged within the budget of the API server.
pub fn large(cluster: &Cluster) -> Result<()> {
    ruled(cluster, "gros", "Standard", Mode::Enforce)?;
    let whole = broken(|whole| {
        let one = whole["spec"]["containers"][0].clone();
        let env: Vec<Value> =
            (0..100).map(|i| json!({"name": format!("V{i}"), "value": "x".repeat(20)})).collect();
        let many = |kind: &str| {
            let name = |i: usize| {
                let mut own = one.clone();
                own["name"] = json!(format!("{kind}{i}"));
                own["env"] = json!(env);
                own["ports"] = json!((0..20).map(|p| json!({"containerPort": 1000 + p})).collect::<Vec<_>>());
                own
            };
            (0..100).map(name).collect::<Vec<_>>()
        };
        whole["spec"]["initContainers"] = json!(many("i"));
        whole["spec"]["containers"] = json!(many("c"));
        whole["spec"]["volumes"] =
            (0..300).map(|i| json!({"name": format!("v{i}"), "emptyDir": {}})).collect();
    });
    let api = &cluster.platform;
    for ask in holders("gros", &whole) {
        api.send(&ask.clone().dry_run()).with_context(|| ask.to_string())?;
    }
    let mut bad = whole;
    bad["spec"]["containers"][99]["securityContext"] = json!({"privileged": true});
    let told = ["pod-privileged: ", "containers[\"c99\"]"];
    api.create(Kind::Pod.all("gros"), bad).refused_with(&told)?;
    Ok(())
}

/// What somebody took away or changed is back; what this version has no rule for goes.
pub fn repair(cluster: &Cluster) -> Result<()> {
    let bound = ["pods-pod-security-enforce", "pods-pod-security-audit", "pods-pod-security-warn"];
    let bindings = bound.map(|name| at(GUARD_BINDINGS, &format!("{name}.secnumcloud.dev")));
    for path in bindings.iter().chain([&at(GUARDS, PODS)]) {
        let before = cluster.admin.get(path)?["spec"].clone();
        let weaker = if path.starts_with(GUARDS) {
            json!({"spec": {"failurePolicy": "Ignore"}})
        } else {
            json!({"spec": {"validationActions": ["Audit"]}, "metadata": {"labels": {"a": "b"}}})
        };
        for change in [None, Some(weaker)] {
            match &change {
                None => cluster.admin.delete(path)?,
                Some(change) => cluster.admin.merge(path, change.clone())?,
            };
            eventually(&format!("{path} to be restored"), || {
                let now = cluster.admin.get(path)?["spec"].clone();
                ensure!(now == before, "{now}");
                Ok(())
            })?;
        }
    }
    cluster.event("default", "Repaired", PODS)?;

    let old = "pods-workloads-enforce.secnumcloud.dev";
    let ours =
        json!({"app.kubernetes.io/managed-by": "snc-operator", "app.kubernetes.io/component": "controls"});
    let mut policy = cluster.admin.get(at(GUARDS, PODS))?;
    policy["metadata"] = json!({"name": old, "labels": ours});
    let mut binding = cluster.admin.get(&bindings[0])?;
    binding["metadata"] = policy["metadata"].clone();
    binding["spec"]["policyName"] = json!(old);
    let mut foreign = policy.clone();
    foreign["metadata"] = json!({"name": "d-un-autre.example.org", "labels": ours});
    cluster.admin.create(GUARDS, foreign)?;
    cluster.admin.create(GUARDS, policy)?;
    cluster.admin.create(GUARD_BINDINGS, binding)?;
    for path in [at(GUARD_BINDINGS, old), at(GUARDS, old)] {
        eventually(&format!("{path} to be removed"), || {
            let found = cluster.admin.find(&path)?;
            ensure!(found.is_none(), "{path} is there");
            Ok(())
        })?;
    }
    cluster.event("default", "Removed", old)?;
    cluster.admin.delete(at(GUARDS, "d-un-autre.example.org"))?;
    Ok(())
}

/// Governed namespaces with objects that fail, and with the operator down: they delete cleanly.
pub fn clean_end(cluster: &Cluster) -> Result<()> {
    let api = &cluster.platform;
    ruled(cluster, "fin-de-vie", "Standard", Mode::Audit)?;
    let bad = host_path()?;
    for ask in holders("fin-de-vie", &bad) {
        api.send(&ask)?;
    }
    api.merge(
        at(BASELINES, "fin-de-vie"),
        json!({"spec": modes("fin-de-vie", Mode::Enforce)["spec"].clone()}),
    )?;
    in_mode(cluster, "fin-de-vie", Mode::Enforce)?;
    cluster.stop_operator()?;
    // The API server hears of a namespace's labels a moment after whoever reads them.
    let tried = format!("{}?dryRun=All", Kind::Pod.all("fin-de-vie"));
    let refused = eventually("the policies to go by the mode", || {
        let pod = broken(|p| p["spec"]["hostPID"] = json!(true));
        api.create(&tried, pod).refused_with(&["pod-host-pid: "])
    });
    api.delete(namespace("fin-de-vie"))?;
    let gone = within(Duration::from_secs(90), "the namespace to be gone", || {
        let found = cluster.admin.find(namespace("fin-de-vie"))?;
        ensure!(found.is_none(), "{found:?}");
        Ok(())
    });
    cluster.start_operator(&[])?;
    gone?;
    let refusal = refused?;
    ensure!(!refusal.message.contains(GUARD_GATE), "{refusal}");
    Ok(())
}
