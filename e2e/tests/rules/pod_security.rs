//! Generated pods: the API server's own Pod Security admission and our controls refuse the same ones.
//!
//! Each pod begins as `restricted` wants it and is then changed in up to four places, so that refusals have one cause
//! or few, and many pods have none.

use anyhow::{Context, Result, bail, ensure};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use snc_catalogue::{Catalogue, Judge, Object, Profile, Uniform, controls};
use snc_core::control::Category;
use snc_core::snapshot::Availability;
use snc_core::tier::Level;
use snc_core::verdict::Verdict;
use snc_e2e::api::{Api, Ask};
use snc_e2e::objects::NAMESPACES;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const STANDARDS: [(&str, Level); 2] = [("baseline", Level::Essentiel), ("restricted", Level::Avance)];
const THREADS: usize = 4;

#[derive(Default)]
struct Counts {
    refused: [AtomicUsize; 2],
    accepted: [AtomicUsize; 2],
    invalid: AtomicUsize,
}

pub fn compare(api: &Api, pods: usize, seed: u64) -> Result<()> {
    for (standard, _) in STANDARDS {
        let labels = json!({
            "pod-security.kubernetes.io/enforce": standard,
            "pod-security.kubernetes.io/enforce-version": "latest",
        });
        api.create(NAMESPACES, snc_e2e::objects::new_namespace(&namespace(standard), labels))?;
        super::account(api, &namespace(standard))?;
    }
    let rules = || controls().iter().filter(|control| control.category == Category::PodSecurity).cloned();
    let catalogue = Catalogue::of(rules())?;
    let counts = Counts::default();
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (api, catalogue, counts, wrong) = (api.clone(), &catalogue, &counts, &wrong);
            scope.spawn(move || {
                for index in (thread..pods).step_by(THREADS) {
                    // A pod is found again by its number alone.
                    let mut rng = StdRng::seed_from_u64(seed.wrapping_add(index as u64));
                    let pod = pod(&mut rng);
                    if let Err(error) = one(&api, catalogue, &pod, counts) {
                        let mut wrong = wrong.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        wrong.push(format!("pod {index} of seed {seed}: {error:#}\n{pod}"));
                    }
                }
            });
        }
    });
    let of = |counts: &[AtomicUsize; 2]| counts.each_ref().map(|count| count.load(Ordering::Relaxed));
    let (refused, accepted, invalid) =
        (of(&counts.refused), of(&counts.accepted), counts.invalid.load(Ordering::Relaxed));
    let wrong = wrong.into_inner().unwrap_or_default();
    println!(
        "pod security: {pods} pods of seed {seed}; baseline refused {} and took {}, restricted refused {} and took {}; \
         {invalid} that the API server does not take at all; {} differences",
        refused[0],
        accepted[0],
        refused[1],
        accepted[1],
        wrong.len()
    );
    ensure!(wrong.is_empty(), "{}", wrong[..wrong.len().min(5)].join("\n"));
    let enough = |count: usize| count * 20 >= pods;
    ensure!(refused.into_iter().chain(accepted).all(enough), "one side is hardly tried");
    Ok(())
}

fn namespace(standard: &str) -> String {
    format!("parity-{standard}")
}

fn one(api: &Api, catalogue: &Catalogue, pod: &Value, counts: &Counts) -> Result<()> {
    for (index, (standard, level)) in STANDARDS.into_iter().enumerate() {
        let mut pod = pod.clone();
        let namespace = namespace(standard);
        pod["metadata"]["namespace"] = json!(namespace);
        let path = format!("/api/v1/namespaces/{namespace}/pods");
        let server = match api.send(&Ask::create(path, pod.clone()).dry_run()) {
            Ok(_) => true,
            Err(refusal) if refusal.message.contains("violates PodSecurity") => false,
            Err(refusal) if refusal.code == 422 => {
                counts.invalid.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            Err(refusal) => bail!("{refusal}"),
        };
        let failed = ours(catalogue, &pod, level)?;
        let count = if server { &counts.accepted[index] } else { &counts.refused[index] };
        count.fetch_add(1, Ordering::Relaxed);
        ensure!(
            server == failed.is_empty(),
            "{standard}: the API server takes it: {server}; ours fail: {failed:?}"
        );
    }
    Ok(())
}

/// The controls that do not pass.
fn ours(catalogue: &Catalogue, pod: &Value, level: Level) -> Result<Vec<String>> {
    let profiles = Uniform(Profile::new(level));
    let mut judge = Judge::new(catalogue, &profiles);
    for kind in catalogue.reads() {
        judge.set(&kind, Availability::Held);
    }
    judge.see(&Object::new(pod.clone()).context("a pod")?);
    let evaluation = judge.conclude(jiff::Timestamp::UNIX_EPOCH);
    let ids: Vec<&str> = catalogue.controls().map(|control| control.id.as_str()).collect();
    let bad = evaluation.findings.iter().filter(|(_, outcome)| outcome.verdict >= Verdict::Unknown);
    Ok(bad.map(|((index, _), outcome)| format!("{}: {}", ids[*index], outcome.message.en)).collect())
}

fn pod(rng: &mut StdRng) -> Value {
    let container = |name: &str| {
        json!({
            "name": name,
            "image": "registry.example/app@sha256:0000000000000000000000000000000000000000000000000000000000000000",
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "capabilities": {"drop": ["ALL"]},
                "runAsNonRoot": true,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        })
    };
    let names = ["a", "b", "c"];
    let some = |rng: &mut StdRng, least: usize, prefix: &str| -> Vec<Value> {
        let count = rng.random_range(least..=2);
        names[..count].iter().map(|name| container(&format!("{prefix}{name}"))).collect()
    };
    let mut spec = json!({"containers": some(rng, 1, "c")});
    if rng.random_bool(0.4) {
        spec["initContainers"] = json!(some(rng, 0, "i"));
    }
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "labels": {"app": "p"}},
        "spec": spec,
    });
    for _ in 0..rng.random_range(0..=4) {
        change(&mut pod, rng);
    }
    pod
}

fn pick(rng: &mut StdRng, values: &[Value]) -> Value {
    values.choose(rng).cloned().unwrap_or_default()
}

/// Null takes a field out.
fn put(at: &mut Value, field: &str, value: Value) {
    if let Some(map) = at.as_object_mut() {
        if value.is_null() {
            map.remove(field);
        } else {
            map.insert(field.to_owned(), value);
        }
    }
}

fn change(pod: &mut Value, rng: &mut StdRng) {
    match rng.random_range(0..10) {
        0 => on_spec(&mut pod["spec"], rng),
        1 => on_volumes(&mut pod["spec"], rng),
        2 | 3 => {
            if !pod["spec"]["securityContext"].is_object() {
                pod["spec"]["securityContext"] = json!({});
            }
            on_context(&mut pod["spec"]["securityContext"], rng);
            on_pod_context(&mut pod["spec"]["securityContext"], rng);
        }
        4 => on_annotations(pod, rng),
        _ => on_container(pod, rng),
    }
}

fn on_spec(spec: &mut Value, rng: &mut StdRng) {
    let (field, values) = [
        ("hostNetwork", vec![json!(true), json!(false)]),
        ("hostPID", vec![json!(true), json!(false)]),
        ("hostIPC", vec![json!(true), json!(false)]),
        ("hostUsers", vec![json!(true), json!(false)]),
        ("os", vec![json!({"name": "linux"}), json!({"name": "windows"})]),
        ("shareProcessNamespace", vec![json!(true)]),
    ]
    .choose(rng)
    .cloned()
    .unwrap_or_default();
    put(spec, field, pick(rng, &values));
}

fn on_volumes(spec: &mut Value, rng: &mut StdRng) {
    let claim =
        json!({"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    let sources = [
        ("emptyDir", json!({})),
        ("configMap", json!({"name": "c"})),
        ("secret", json!({"secretName": "s"})),
        ("downwardAPI", json!({"items": []})),
        ("projected", json!({"sources": []})),
        ("persistentVolumeClaim", json!({"claimName": "c"})),
        ("ephemeral", json!({"volumeClaimTemplate": claim})),
        ("csi", json!({"driver": "d.example"})),
        ("image", json!({"reference": "r.example/a:1"})),
        ("hostPath", json!({"path": "/tmp"})),
        ("nfs", json!({"server": "s", "path": "/"})),
        ("iscsi", json!({"targetPortal": "10.0.0.1", "iqn": "iqn.2001-04.com.example:a", "lun": 0})),
        ("gitRepo", json!({"repository": "r"})),
        ("fc", json!({"targetWWNs": ["a"], "lun": 0})),
        ("flexVolume", json!({"driver": "a/b"})),
    ];
    let (source, value) = sources.choose(rng).cloned().unwrap_or_default();
    let count = spec["volumes"].as_array().map_or(0, Vec::len);
    if count == 0 {
        spec["volumes"] = json!([]);
    }
    if let Some(volumes) = spec["volumes"].as_array_mut() {
        volumes.push(json!({"name": format!("v{count}"), source: value}));
    }
}

/// Fields that a pod's security context and a container's share.
fn on_context(context: &mut Value, rng: &mut StdRng) {
    let options = [
        ("runAsNonRoot", vec![Value::Null, json!(true), json!(false)]),
        ("runAsUser", vec![Value::Null, json!(0), json!(1000)]),
        (
            "seccompProfile",
            vec![
                Value::Null,
                json!({"type": "RuntimeDefault"}),
                json!({"type": "Unconfined"}),
                json!({"type": "Localhost", "localhostProfile": "p.json"}),
            ],
        ),
        (
            "seLinuxOptions",
            vec![
                json!({}),
                json!({"type": "container_t"}),
                json!({"type": "container_init_t"}),
                json!({"type": "container_kvm_t"}),
                json!({"type": "container_engine_t"}),
                json!({"type": "spc_t"}),
                json!({"user": "u"}),
                json!({"role": "r"}),
                json!({"level": "s0"}),
            ],
        ),
        (
            "appArmorProfile",
            vec![
                json!({"type": "RuntimeDefault"}),
                json!({"type": "Unconfined"}),
                json!({"type": "Localhost", "localhostProfile": "p"}),
            ],
        ),
        ("windowsOptions", vec![json!({}), json!({"hostProcess": true}), json!({"hostProcess": false})]),
    ];
    let (field, values) = options.choose(rng).cloned().unwrap_or_default();
    put(context, field, pick(rng, &values));
}

fn on_pod_context(context: &mut Value, rng: &mut StdRng) {
    if rng.random_bool(0.3) {
        let sysctls = [
            "kernel.shm_rmid_forced",
            "net.ipv4.ip_local_port_range",
            "net.ipv4.ip_unprivileged_port_start",
            "net.ipv4.tcp_syncookies",
            "net.ipv4.ping_group_range",
            "net.ipv4.ip_local_reserved_ports",
            "net.ipv4.tcp_keepalive_time",
            "net.ipv4.tcp_fin_timeout",
            "net.ipv4.tcp_rmem",
            "net.core.somaxconn",
            "kernel.msgmax",
        ];
        let name = sysctls.choose(rng).copied().unwrap_or_default();
        put(context, "sysctls", json!([{"name": name, "value": "1"}]));
    }
}

fn on_annotations(pod: &mut Value, rng: &mut StdRng) {
    let names: Vec<String> =
        containers(pod).iter().filter_map(|c| c["name"].as_str().map(str::to_owned)).collect();
    let name = names.choose(rng).cloned().unwrap_or_default();
    let values = ["runtime/default", "unconfined", "localhost/p", "localhost/", ""];
    let value = values.choose(rng).copied().unwrap_or_default();
    let key = format!("container.apparmor.security.beta.kubernetes.io/{name}");
    pod["metadata"]["annotations"] = json!({key: value});
}

fn containers(pod: &Value) -> Vec<&Value> {
    let of = |list: &str| pod["spec"][list].as_array().into_iter().flatten();
    of("containers").chain(of("initContainers")).collect()
}

fn on_container(pod: &mut Value, rng: &mut StdRng) {
    let list = if rng.random_bool(0.3) { "initContainers" } else { "containers" };
    let Some(all) = pod["spec"][list].as_array_mut() else { return };
    let count = all.len();
    if count == 0 {
        return;
    }
    let container = &mut all[rng.random_range(0..count)];
    if rng.random_bool(0.05) {
        put(container, "securityContext", pick(rng, &[Value::Null, json!({})]));
        return;
    }
    if !container["securityContext"].is_object() {
        container["securityContext"] = json!({});
    }
    let context = &mut container["securityContext"];
    match rng.random_range(0..8) {
        0 => put(context, "privileged", pick(rng, &[json!(true), json!(false)])),
        1 => put(context, "allowPrivilegeEscalation", pick(rng, &[Value::Null, json!(true), json!(false)])),
        2 => {
            let capabilities = [
                json!({}),
                json!({"drop": ["ALL"]}),
                json!({"drop": ["all"]}),
                json!({"drop": ["NET_RAW"]}),
                json!({"drop": ["NET_RAW", "ALL"]}),
                json!({"drop": ["ALL"], "add": []}),
                json!({"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}),
                json!({"drop": ["ALL"], "add": ["CHOWN"]}),
                json!({"drop": ["ALL"], "add": ["AUDIT_WRITE", "KILL"]}),
                json!({"drop": ["ALL"], "add": ["SYS_ADMIN"]}),
                json!({"drop": ["ALL"], "add": ["NET_BIND_SERVICE", "NET_ADMIN"]}),
                json!({"drop": ["ALL"], "add": ["CAP_CHOWN"]}),
            ];
            put(context, "capabilities", pick(rng, &capabilities));
        }
        3 => put(context, "procMount", pick(rng, &[json!("Default"), json!("Unmasked")])),
        4 => {
            let ports = [
                json!([{"containerPort": 80}]),
                json!([{"containerPort": 80, "hostPort": 80}]),
                json!([{"containerPort": 80, "hostPort": 0}]),
            ];
            put(container, "ports", pick(rng, &ports));
        }
        5 => {
            let host =
                pick(rng, &[Value::Null, json!("127.0.0.1"), json!("::1"), json!("10.0.0.1"), json!("")]);
            let mut get = json!({"path": "/", "port": 80});
            put(&mut get, "host", host.clone());
            let mut tcp = json!({"port": 80});
            put(&mut tcp, "host", host);
            let which = ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle"]
                .choose(rng)
                .copied()
                .unwrap_or_default();
            let action =
                if rng.random_bool(0.5) { json!({"httpGet": get}) } else { json!({"tcpSocket": tcp}) };
            let hook = if rng.random_bool(0.5) { "postStart" } else { "preStop" };
            put(container, which, if which == "lifecycle" { json!({hook: action}) } else { action });
        }
        _ => on_context(context, rng),
    }
}
