//! What others take for ten rules on pods, as processes beside the same API server.

mod gatekeeper;
mod kyverno;
mod rules;

use super::asked::{Figures, run, told};
use super::pods::good;
use crate::lab::Lab;
use crate::report::Report;
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use snc_e2e::objects::{Kind, NAMESPACES, at, new_namespace, text};
use snc_e2e::wait::within;
use std::any::Any;
use std::path::{Path, PathBuf};
use std::time::Duration;
use xtask::harness::{ProcessSpec, User};

/// By the label that the rules of a peer select namespaces with.
const LABEL: &str = "peer";
/// What runs nothing: of a Deployment none is started here, and no webhook is registered but the one that is measured.
const INSTALLED: &[&str] = &[
    "Namespace",
    "CustomResourceDefinition",
    "ServiceAccount",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "Service",
    "ConfigMap",
];
const WEBHOOKS: [&str; 2] = ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"];

/// The least that any of them took.
pub struct Best {
    pub p50: f64,
    /// Of the API server and of the peer.
    pub cpu: f64,
}

pub fn measure(lab: &Lab, given: &Path, requests: usize, report: &mut Report) -> Result<Best> {
    let gatekeeper = one(lab, given, gatekeeper::NAME, gatekeeper::start, requests, report)?;
    let kyverno = one(lab, given, kyverno::NAME, kyverno::start, requests, report)?;
    let least = |of: fn(&Figures) -> f64| of(&gatekeeper).min(of(&kyverno));
    Ok(Best { p50: least(|figures| figures.at(0.5)), cpu: least(Figures::total) })
}

/// Gives what has to be there as long as it runs.
type Start = fn(&Lab, &Given) -> Result<Box<dyn Any>>;

/// One peer, whose process has its name.
fn one(
    lab: &Lab,
    given: &Path,
    name: &'static str,
    start: Start,
    requests: usize,
    report: &mut Report,
) -> Result<Figures> {
    // None of them looks at the namespace that it is installed in.
    let place = &format!("bench-{name}");
    lab.admin.create(NAMESPACES, new_namespace(place, json!({LABEL: name})))?;
    super::account(lab, place)?;
    let _held = start(lab, &Given::new(given, name)?)?;
    let path = format!("{}?dryRun=All", Kind::Pod.all(place));
    within(Duration::from_secs(180), &format!("{name} to judge by all ten rules"), || judges(lab, &path))?;
    super::settle();
    let accepted = run(lab, &path, &good(), true, requests, Some(name))?;
    told(report, &format!("{name}, ten rules, accepted"), &accepted);
    let refused = run(lab, &path, &rules::worst(&good()), false, requests, Some(name))?;
    told(report, &format!("{name}, ten rules, refused"), &refused);
    report.line("admission", &format!("{name} RSS"), lab.usage(name)?.rss_mib, "MiB");
    lab.plane.instance().terminate(name)?;
    for kind in WEBHOOKS {
        let all = format!("/apis/admissionregistration.k8s.io/v1/{kind}");
        for registered in lab.admin.list(&all)? {
            lab.admin.delete(at(&all, text(&registered, "/metadata/name")))?;
        }
    }
    super::settle();
    Ok(accepted)
}

/// Whether it accepts the pod that is as it should be, and refuses each that breaks one rule, by that rule.
fn judges(lab: &Lab, path: &str) -> Result<()> {
    lab.admin.create(path, good())?;
    for rule in rules::TEN {
        let mut pod = good();
        (rule.breaks)(&mut pod);
        match lab.admin.create(path, pod) {
            Ok(_) => bail!("{} is not enforced", rule.name),
            Err(refusal) => {
                ensure!(refusal.message.contains(&format!("rule {}", rule.name)), "{refusal}");
            }
        }
    }
    Ok(())
}

/// What the user of this gave of one peer.
struct Given {
    binary: PathBuf,
    installed: Vec<Value>,
}

impl Given {
    fn new(given: &Path, name: &str) -> Result<Self> {
        let binary = given.join(name);
        ensure!(binary.is_file(), "{}: not there", binary.display());
        let manifest = given.join(format!("{name}.yaml"));
        let read = std::fs::read_to_string(&manifest).with_context(|| manifest.display().to_string())?;
        let documents: Vec<Value> = serde_saphyr::from_multiple(&read)?;
        let wanted = |object: &Value| INSTALLED.contains(&text(object, "/kind"));
        Ok(Self { binary, installed: documents.into_iter().filter(wanted).collect() })
    }
}

fn apply(lab: &Lab, objects: &[Value]) -> Result<()> {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    lab.plane.client(User::Admin)?.apply(&list.to_string()).map(drop)
}

fn spawn(lab: &Lab, name: &str, binary: &Path, arguments: Vec<String>, env: &[(&str, &str)]) -> Result<()> {
    let mut args = vec![format!("--kubeconfig={}", lab.plane.kubeconfig(User::Admin).display())];
    args.extend(arguments);
    let spec = ProcessSpec {
        program: binary.to_path_buf(),
        args,
        env: env.iter().map(|(key, value)| ((*key).to_owned(), Some((*value).to_owned()))).collect(),
        clean_env: true,
        dir: None,
    };
    lab.plane.instance().spawn_spec(name, &spec).map(drop)
}
