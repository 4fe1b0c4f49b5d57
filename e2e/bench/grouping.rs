//! What rules on pods cost the API server by how they are spread over `ValidatingAdmissionPolicy` objects.

use crate::lab::Lab;
use crate::report::Report;
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use snc_catalogue::{VARIABLES, controls, render};
use snc_core::lang::Lang;
use snc_e2e::api::{Api, Ask};
use snc_e2e::objects::{GUARD_BINDINGS, GUARDS, Kind, NAMESPACES, at, new_namespace};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const NAMESPACE: &str = "grouping";
const LABEL: &str = "grouping.secnumcloud.dev/policy";
const SERVER: &str = "kube-apiserver";
const WARM: Duration = Duration::from_millis(500);
const MEASURED: Duration = Duration::from_secs(3);
const CLIENTS: usize = 8;
const ROUNDS: usize = 3;

/// A rule as one validation; it always holds, but for the sentinel, so that every pod is admitted after all is evaluated.
#[derive(Clone)]
struct Validation {
    expression: String,
    message: String,
}

/// The rules of the catalogue on pods, as often as it takes.
fn rules(count: usize) -> Result<Vec<Validation>> {
    let of_pods: Vec<_> = controls()
        .iter()
        .filter(|control| {
            control.reads == ["pods"] && control.rule.as_ref().is_some_and(|rule| !rule.component)
        })
        .map(|control| {
            let rendered =
                render(control, control.rule.as_ref().context("a rule")?).map_err(anyhow::Error::msg)?;
            let params: Vec<String> = control
                .parameters
                .iter()
                .map(|parameter| {
                    format!("{}: dyn({})", Value::from(parameter.name.as_str()), parameter.default)
                })
                .collect();
            let inlined =
                |text: &str| text.replace("variables.params", &format!("{{{}}}", params.join(", ")));
            Ok(Validation {
                expression: format!("({}) || true", inlined(&rendered.validation)),
                message: inlined(rendered.message.get(Lang::En)),
            })
        })
        .collect::<Result<_>>()?;
    ensure!(!of_pods.is_empty(), "no rule on pods");
    Ok(of_pods.into_iter().cycle().take(count).collect())
}

fn named(text: &str) -> impl Iterator<Item = &str> {
    text.split("variables.")
        .skip(1)
        .map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default())
}

/// Those that are used, in their order; or all of them.
fn variables(rules: &[Validation], all: bool) -> Vec<Value> {
    let mut used: BTreeSet<&str> =
        rules.iter().flat_map(|rule| named(&rule.expression).chain(named(&rule.message))).collect();
    for (name, expression) in VARIABLES.iter().rev() {
        if used.contains(name) {
            used.extend(named(expression));
        }
    }
    let kept = VARIABLES.iter().filter(|(name, _)| all || used.contains(name));
    kept.map(|(name, expression)| json!({"name": name, "expression": expression})).collect()
}

fn policy(name: &str, rules: &[Validation], all_variables: bool) -> (Value, Value) {
    let object = |kind: &str, spec: Value| {
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
            "metadata": {"name": name, "labels": {LABEL: "yes"}}, "spec": spec,
        })
    };
    let sentinel = format!("!(\"{name}\" in object.metadata.?annotations.orValue({{}}))");
    let mut validations = vec![json!({"expression": sentinel, "message": name})];
    validations.extend(
        rules.iter().map(|rule| json!({"expression": rule.expression, "messageExpression": rule.message})),
    );
    let spec = json!({
        "failurePolicy": "Fail",
        "matchConstraints": {
            "namespaceSelector": {"matchLabels": {LABEL: "yes"}},
            "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        },
        "variables": variables(rules, all_variables),
        "validations": validations,
    });
    let binding = json!({"policyName": name, "validationActions": ["Deny", "Audit"]});
    (object("ValidatingAdmissionPolicy", spec), object("ValidatingAdmissionPolicyBinding", binding))
}

/// How many rules to a policy.
#[derive(Clone, Copy)]
struct Spread {
    name: &'static str,
    policies: fn(usize) -> usize,
    all_variables: bool,
}

const SPREADS: &[Spread] = &[
    Spread { name: "one policy each", policies: |rules| rules, all_variables: false },
    Spread { name: "four policies", policies: |_| 4, all_variables: false },
    Spread { name: "two policies", policies: |_| 2, all_variables: false },
    Spread { name: "one policy", policies: |_| 1, all_variables: false },
    Spread { name: "one policy, unused variables too", policies: |_| 1, all_variables: true },
];

/// Two containers, one init container, two volumes: 2 kB or so, and nothing wrong.
fn pod(sentinel: Option<&str>) -> Value {
    let container = |name: &str| {
        json!({
            "name": name, "image": format!("registry.example/team/{name}:1.0.0@sha256:{:064x}", 7),
            "command": ["/app", "--config=/etc/app/config.yaml"],
            "env": [{"name": "LEVEL", "value": "info"}, {"name": "PORT", "value": "8080"}],
            "ports": [{"name": name, "containerPort": 8080}],
            "resources": {"limits": {"cpu": "500m", "memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
            "securityContext": {
                "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": true,
                "runAsNonRoot": true, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"},
            },
            "volumeMounts": [{"name": "config", "mountPath": "/etc/app", "readOnly": true}],
        })
    };
    let mut init = container("init");
    if let Some(init) = init.as_object_mut() {
        init.remove("ports");
    }
    let annotations = sentinel.map_or_else(|| json!({}), |name| json!({name: "x"}));
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"generateName": "p-", "labels": {"app.kubernetes.io/name": "app"}, "annotations": annotations},
        "spec": {
            "automountServiceAccountToken": false, "serviceAccountName": "default",
            "initContainers": [init], "containers": [container("app"), container("side")],
            "volumes": [{"name": "config", "configMap": {"name": "config"}}, {"name": "scratch", "emptyDir": {"sizeLimit": "64Mi"}}],
        },
    })
}

fn ask(sentinel: Option<&str>) -> Ask {
    Ask::create(Kind::Pod.all(NAMESPACE), pod(sentinel)).dry_run()
}

/// Milliseconds of the median request, and seconds of the server for a thousand.
struct Cost {
    median: f64,
    cpu: f64,
}

fn load(lab: &Lab, clients: usize) -> Result<Cost> {
    let counting = AtomicBool::new(false);
    let ended = AtomicBool::new(false);
    let ask = ask(None);
    let one = |api: Api| -> Result<Vec<Duration>> {
        let mut took = Vec::new();
        while !ended.load(Ordering::Relaxed) {
            let counted = counting.load(Ordering::Relaxed);
            let started = Instant::now();
            api.send(&ask)?;
            if counted {
                took.push(started.elapsed());
            }
        }
        Ok(took)
    };
    let (took, used) = std::thread::scope(|scope| {
        let tasks: Vec<_> = (0..clients).map(|_| scope.spawn(|| one(lab.admin.clone()))).collect();
        std::thread::sleep(WARM);
        let before = lab.usage(SERVER);
        counting.store(true, Ordering::Relaxed);
        std::thread::sleep(MEASURED);
        ended.store(true, Ordering::Relaxed);
        let after = lab.usage(SERVER);
        let mut took = Vec::new();
        for task in tasks {
            match task.join() {
                Ok(own) => took.extend(own?),
                Err(_) => bail!("a client failed"),
            }
        }
        Ok((took, after?.cpu - before?.cpu))
    })?;
    let mut took = took;
    took.sort_unstable();
    let count = f64::from(u32::try_from(took.len())?);
    let median = took.get(took.len() / 2).context("no request")?.as_secs_f64() * 1000.0;
    Ok(Cost { median, cpu: used * 1000.0 / count })
}

/// Waits until every policy acts, or none does any more.
fn settled(lab: &Lab, names: &[String], acts: bool) -> Result<()> {
    let limit = Instant::now() + Duration::from_secs(60);
    for name in names {
        loop {
            xtask::harness::interrupt::check()?;
            let refused = match lab.admin.send(&ask(Some(name))) {
                Ok(_) => false,
                Err(refusal) if refusal.message.contains(name.as_str()) => true,
                Err(refusal) => return Err(refusal.into()),
            };
            if refused == acts {
                break;
            }
            ensure!(Instant::now() < limit, "{name}: acts is not {acts}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(())
}

fn install(lab: &Lab, rules: &[Validation], spread: Spread) -> Result<Vec<String>> {
    let size = rules.len().div_ceil((spread.policies)(rules.len())).max(1);
    let mut names = Vec::new();
    for (index, part) in rules.chunks(size).enumerate() {
        let name = format!("grouping-{index}.example.org");
        let (policy, binding) = policy(&name, part, spread.all_variables);
        lab.admin.create(GUARDS, policy)?;
        lab.admin.create(GUARD_BINDINGS, binding)?;
        names.push(name);
    }
    settled(lab, &names, true)?;
    Ok(names)
}

fn least(costs: impl Iterator<Item = f64>) -> f64 {
    costs.fold(f64::INFINITY, f64::min)
}

pub fn measure(lab: &Lab, report: &mut Report) -> Result<()> {
    Report::heading("grouping: rules on pods, by how many policies they are spread over");
    lab.admin.create(NAMESPACES, new_namespace(NAMESPACE, json!({LABEL: "yes"})))?;
    let account = Kind::ServiceAccount.one(NAMESPACE, "default");
    snc_e2e::wait::eventually("the account", || Ok(lab.admin.get(&account)?))?;
    let mut line = |what: &str, costs: &[(Cost, Cost)]| {
        let all = |get: fn(&(Cost, Cost)) -> f64| least(costs.iter().map(get));
        report.line("grouping", &format!("{what}: p50, 1 client"), all(|c| c.0.median), "ms");
        report.line("grouping", &format!("{what}: server CPU, 1 client"), all(|c| c.0.cpu), "s/1000");
        report.line(
            "grouping",
            &format!("{what}: server CPU, {CLIENTS} clients"),
            all(|c| c.1.cpu),
            "s/1000",
        );
    };
    let both = || Ok::<_, anyhow::Error>((load(lab, 1)?, load(lab, CLIENTS)?));
    // The least of some rounds: what else runs on the machine only adds to it.
    let nothing = (0..ROUNDS).map(|_| both()).collect::<Result<Vec<_>>>()?;
    line("nothing", &nothing);
    for count in [10, 50, 120] {
        let rules = rules(count)?;
        for spread in SPREADS {
            let names = install(lab, &rules, *spread)?;
            let costs = (0..ROUNDS).map(|_| both()).collect::<Result<Vec<_>>>()?;
            line(&format!("{count} rules, {}", spread.name), &costs);
            for name in &names {
                lab.admin.delete(at(GUARD_BINDINGS, name))?;
                lab.admin.delete(at(GUARDS, name))?;
            }
            settled(lab, &names, false)?;
        }
    }
    Ok(())
}
