//! Every rule and every fixture on a real API server: verdict and message are ours.
//!
//! Each rule stands alone in a policy, once with `failurePolicy: Fail` speaking French and once with `Ignore` speaking
//! English; a label on the object chooses the policy. All requests are dry runs.

mod beyond;
mod definitions;
// Some of it, and it is written for tests of its own.
#[allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#[path = "../../../operator/catalogue/tests/catalogue/support.rs"]
mod fixtures;
mod kinds;
mod pod_security;
mod policies;
mod reports;

use anyhow::{Context, Result, bail, ensure};
use fixtures::Case;
use kinds::Kinds;
use policies::{LABEL, Policy, SENTINEL};
use serde_json::{Value, json};
use snc_catalogue::{Catalogue, Object};
use snc_core::control::Control;
use snc_core::lang::Lang;
use snc_core::verdict::Verdict;
use snc_e2e::api::{Answer, Api, Ask};
use snc_e2e::objects::{NAMESPACES, new_namespace};
use snc_e2e::wait::within;
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use xtask::harness::{Builder, Toolchain, User};

/// Fewer pairs than this for each rule would mean that rules are no longer asked.
const PAIRS_PER_RULE: usize = 8;

/// Another one is tried with `SNC_SEED`.
const SEED: u64 = 20_261_122;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// One question: a fixture of a rule, to one policy.
struct Pair<'a> {
    control: &'a Control,
    case: &'a Case,
    policy: &'a Policy,
}

fn run() -> Result<()> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let plane = Builder::ephemeral("parity")?.start(&Toolchain::ensure()?)?;
    let runtime = Runtime::new()?;
    let api = Api::new(runtime.handle(), &plane.kubeconfig(User::Admin))?;

    let only = std::env::var("SNC_CONTROL").ok();
    let all: Vec<(&Control, fixtures::Fixture)> = fixtures::every()
        .filter(|(control, _)| only.as_ref().is_none_or(|only| only.split(',').any(|id| id == control.id)))
        .collect();
    let started = Instant::now();
    let wanted = all.iter().flat_map(|(control, _)| &control.reads).map(String::as_str).collect();
    let kinds = definitions::install(&api, &wanted)?;
    println!("kinds of other projects installed in {:.1} s", started.elapsed().as_secs_f64());
    let (rules, checks): (Vec<_>, Vec<_>) = all.into_iter().partition(|(control, _)| control.rule.is_some());
    let (rules, beyond): (Vec<_>, Vec<_>) =
        rules.into_iter().partition(|(control, _)| control.is_admission());
    let served: Vec<_> = rules.iter().filter(|(control, _)| kinds.serves(control)).collect();
    let absent: Vec<&str> = rules
        .iter()
        .filter(|(control, _)| !kinds.serves(control))
        .map(|(control, _)| control.id.as_str())
        .collect();

    let mut policies = Vec::new();
    for (control, fixture) in &served {
        policies.extend(Policy::of(control, fixture, &kinds)?);
    }
    for policy in &policies {
        policy.create(&api)?;
    }
    let others = definitions::objects(&checks);
    for namespace in namespaces(&rules, &others) {
        if api.find(format!("{NAMESPACES}/{namespace}"))?.is_none() {
            api.create(NAMESPACES, new_namespace(&namespace, json!({})))?;
        }
        account(&api, &namespace)?;
    }
    let mut pairs = Vec::new();
    for (control, fixture) in &served {
        for case in fixture.cases.iter().filter(|case| case.server) {
            let of = |policy: &&Policy| policy.control == control.id && policy.params == case.params;
            pairs.extend(policies.iter().filter(of).map(|policy| Pair { control, case, policy }));
        }
    }
    acting(&api, &kinds, &policies, &pairs)?;
    beyond::let_through(&api, &kinds, &beyond)?;

    let mut differences = Vec::new();
    for (control, object) in &others {
        if let Err(refusal) = api.send(&ask(&kinds, object)?) {
            differences.push(format!("{control}, {}: {refusal}", object["metadata"]["name"]));
        }
    }
    differences.extend(rules.iter().filter_map(|(control, fixture)| unasked(control, fixture)));
    for pair in &pairs {
        if let Err(difference) = compare(&api, &kinds, pair) {
            let Pair { control, case, policy } = pair;
            differences.push(format!("{}, {:?}, {}: {difference:#}", control.id, case.name, policy.failure));
        }
    }
    println!(
        "{} objects of other projects' kinds sent, from fixtures of controls that are no rules",
        others.len()
    );
    println!(
        "parity: {} rules, {} policies, {} pairs reached CEL on the API server, {} differences",
        served.len(),
        policies.len(),
        pairs.len(),
        differences.len()
    );
    if !absent.is_empty() {
        println!("not asked, since their kinds are not served: {}", absent.join(", "));
    }
    ensure!(differences.is_empty(), "{}", differences.join("\n"));
    if only.is_none() {
        reports::are_stored_as_they_are(&api)?;
        let full = std::env::var_os("SNC_E2E_FULL").is_some();
        let seed = std::env::var("SNC_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(SEED);
        pod_security::compare(&api, if full { 20_000 } else { 2_000 }, seed)?;
    }
    ensure!(pairs.len() >= PAIRS_PER_RULE * served.len(), "too few pairs: {}", pairs.len());
    ensure!(absent.is_empty(), "the kinds of these are to be served: {}", absent.join(", "));
    Ok(())
}

/// A kind that a rule reads and that none of its fixtures has.
fn unasked(control: &Control, fixture: &fixtures::Fixture) -> Option<String> {
    let cases = fixture.cases.iter().filter(|case| case.server);
    let found: BTreeSet<String> = cases.filter_map(|case| kinds::kind(case.object.as_ref()?)).collect();
    let missing = control.reads.iter().find(|kind| *kind != "pods" && !found.contains(*kind))?;
    Some(format!("{}: no fixture is a {missing}", control.id))
}

fn namespaces(rules: &[(&Control, fixtures::Fixture)], others: &[(&str, &Value)]) -> BTreeSet<String> {
    let objects =
        rules.iter().flat_map(|(_, fixture)| &fixture.cases).filter_map(|case| case.object.as_ref());
    let objects = objects.chain(others.iter().map(|(_, object)| *object));
    objects.filter_map(|object| object["metadata"]["namespace"].as_str()).map(str::to_owned).collect()
}

/// Pods are refused where their account is not there yet.
fn account(api: &Api, namespace: &str) -> Result<()> {
    within(Duration::from_secs(30), "the default ServiceAccount", || {
        api.get(format!("/api/v1/namespaces/{namespace}/serviceaccounts/default"))?;
        Ok(())
    })
}

/// Each policy refuses an object that only it would refuse; from then on its answers count.
fn acting(api: &Api, kinds: &Kinds, policies: &[Policy], pairs: &[Pair<'_>]) -> Result<()> {
    for policy in policies {
        let Some(pair) = pairs.iter().find(|pair| std::ptr::eq(pair.policy, policy)) else {
            bail!("no fixture of {} can be sent to its policy {}", policy.control, policy.name)
        };
        let mut object = labelled(pair.case, Some(&policy.name))?;
        object["metadata"]["annotations"][SENTINEL] = json!("true");
        within(
            Duration::from_secs(120),
            &format!("{} ({}) to act", policy.name, policy.control),
            || match api.send(&ask(kinds, &object)?) {
                Err(refusal) if refusal.message.contains(SENTINEL) => Ok(()),
                other => bail!("{other:?}"),
            },
        )?;
    }
    Ok(())
}

fn labelled(case: &Case, policy: Option<&str>) -> Result<Value> {
    let mut object = case.object.clone().context("a rule is for one object")?;
    if let Some(policy) = policy {
        object["metadata"]["labels"][LABEL] = json!(policy);
    }
    Ok(object)
}

fn ask(kinds: &Kinds, object: &Value) -> Result<Ask> {
    // What a schema does not have is refused rather than dropped.
    let path = format!("{}?fieldValidation=Strict", kinds.path(object)?);
    Ok(Ask::create(path, object.clone()).dry_run())
}

/// What one side says.
#[derive(Debug, PartialEq)]
enum Said {
    Yes,
    No(String),
    Error,
}

fn compare(api: &Api, kinds: &Kinds, pair: &Pair<'_>) -> Result<()> {
    let catalogue = Catalogue::of([pair.control.clone()])?;
    let stored = api
        .send(&ask(kinds, &labelled(pair.case, Some("none"))?)?)
        .context("the API server does not take the fixture at all")?;
    let raw = labelled(pair.case, None)?;
    let of_raw = ours(&catalogue, pair, &raw);
    let of_stored = ours(&catalogue, pair, &stored);
    ensure!(of_raw == of_stored, "as written: {of_raw:?}; as the API server holds it: {of_stored:?}");

    let server =
        said(api.send(&ask(kinds, &labelled(pair.case, Some(&pair.policy.name))?)?), &pair.policy.name)?;
    let expected = match (of_stored, pair.policy.failure) {
        // An error is let through where the policy says so.
        (Said::Error, "Ignore") => Said::Yes,
        (other, _) => other,
    };
    ensure!(server == expected, "the API server: {server:?}; ours: {expected:?}");
    Ok(())
}

fn ours(catalogue: &Catalogue, pair: &Pair<'_>, object: &Value) -> Said {
    let found = fixtures::judge(catalogue, pair.control, pair.case, std::slice::from_ref(object));
    let subject = Object::new(object.clone()).map(|object| object.subject.to_string()).unwrap_or_default();
    match found.get(&subject) {
        Some((Verdict::Fail, message, _)) => Said::No(message.get(pair.policy.lang).to_owned()),
        Some((Verdict::Unknown, ..)) => Said::Error,
        _ => Said::Yes,
    }
}

fn said(answer: Answer, policy: &str) -> Result<Said> {
    let Err(refusal) = answer else { return Ok(Said::Yes) };
    let told = format!("ValidatingAdmissionPolicy '{policy}' with binding '{policy}' denied request: ");
    let Some((_, message)) = refusal.message.split_once(&told) else { bail!("{refusal}") };
    let error = message.starts_with("expression '") && message.contains("' resulted in error: ");
    Ok(if error { Said::Error } else { Said::No(message.to_owned()) })
}

/// Which of the two languages a policy speaks.
const fn lang(failure: &str) -> Lang {
    match failure.as_bytes() {
        b"Fail" => Lang::Fr,
        _ => Lang::En,
    }
}
