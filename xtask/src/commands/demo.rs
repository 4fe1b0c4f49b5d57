//! `cargo xtask demo`: two tenants, a small shop, planted mistakes, and what the operator makes of them.

/// To stdout, and not a panic when its reader has gone.
macro_rules! out {
    ($($text:tt)*) => { $crate::commands::demo::say::write(format_args!($($text)*)) };
}
macro_rules! outln {
    ($($text:tt)*) => { $crate::commands::demo::say::write(format_args!("{}\n", format_args!($($text)*))) };
}

mod existing;
mod lang;
mod mistakes;
mod say;
mod scene;
mod state;
mod webhook;

use super::cargo::{self, PROFILE, cargo};
use crate::harness::{self, Builder, ControlPlane, Health, Toolchain, interrupt, workspace};
use anyhow::{Context, Result, bail};
use lang::Lang;
use mistakes::Played;
use scene::{Cluster, Scene};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{IsTerminal, Read, stderr},
    path::Path,
    time::Instant,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run once, check every outcome, stop and remove everything
    #[arg(long)]
    ci: bool,
    /// Language of the demo and of the operator; else `LC_ALL`, then `LANG`
    #[arg(long)]
    lang: Option<Lang>,
    /// Name of the instance
    #[arg(long, default_value = "demo")]
    name: String,
    /// On the cluster of KUBECONFIG, as cluster-admin
    #[arg(long)]
    existing: bool,
    /// Take what the demo made out of the cluster of KUBECONFIG
    #[arg(long, requires = "existing", conflicts_with = "ci")]
    remove: bool,
}

/// Beside the instance's record, once everything has been played.
const STORY: &str = "demo.json";

#[derive(Debug, Serialize, Deserialize)]
struct Story {
    /// Address of a cluster that is not ours.
    server: Option<String>,
    played: Vec<Played>,
    /// What was not as it should be besides.
    differs: Vec<String>,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let lang = args.lang.unwrap_or_else(Lang::of_environment);
    let base = workspace::instances_dir();
    for name in harness::reap_orphans()? {
        eprintln!("ended {name}: the process that had started it is gone");
    }
    if args.remove {
        return existing::remove(lang, &base, &args.name);
    }
    let _lock = harness::lock(&base, &args.name)?;
    if attend(args, lang, &base)? {
        return Ok(());
    }
    let started = Instant::now();
    introduce(args, lang);
    let scene = Scene::new(lang, open(args, lang, &base)?)?;
    let story = match perform(&scene) {
        Ok(story) => story,
        Err(error) => {
            if !interrupt::requested() {
                scene.show_operator_log();
            }
            leave_nothing(scene)?;
            interrupt::check()?;
            return Err(error);
        }
    };
    finish(args, scene, &story, started)
}

/// Shows a demo that is there already, clears away one that did not finish. True if there is nothing left to do.
fn attend(args: &Args, lang: Lang, base: &Path) -> Result<bool> {
    let report = harness::report(base, &args.name);
    if !report.dir.exists() {
        return Ok(false);
    }
    let Some(story) = read_story(&report.dir) else {
        if report.health == Health::Up {
            bail!(
                "instance {0} is up and is not a demo; choose another --name, or end it: cargo xtask down --name {0}",
                args.name
            );
        }
        outln!(
            "{}",
            lang.pick(
                "Ce qui restait d'un essai inachevé est retiré.",
                "What was left of an unfinished run is removed."
            )
        );
        harness::stop_locked(&report.dir, false)?;
        return Ok(false);
    };
    if args.existing != story.server.is_some() {
        let flag = if args.existing { "without --existing" } else { "with --existing" };
        bail!("demo {} was started {flag}; choose another --name", args.name);
    }
    if let Some(server) = &story.server {
        existing::check_same(server)?;
    }
    if report.health != Health::Up && args.existing {
        bail!("the operator of this demo has ended; `cargo xtask demo --existing --remove` cleans up");
    }
    if args.ci || report.health != Health::Up {
        outln!(
            "{}",
            lang.pick(
                "La démo précédente est arrêtée ; une nouvelle commence.",
                "The demo before is ended; a new one begins."
            )
        );
        harness::stop_locked(&report.dir, false)?;
        return Ok(false);
    }
    outln!("{}", lang.pick(
        "La démo tourne déjà ; voici où elle en est. (Pour recommencer : cargo xtask down, puis demo.)",
        "The demo is running already; this is where it stands. (To start again: cargo xtask down, then demo.)",
    ));
    let control_plane = ControlPlane::attach(&args.name)?;
    let scene = Scene::new(lang, attached(control_plane, story.server.is_some(), base, &args.name)?)?;
    state::show(&scene, &story.played)?;
    state::next(&scene, &args.name)?;
    Ok(true)
}

fn attached(control_plane: ControlPlane, existing: bool, base: &Path, name: &str) -> Result<Cluster> {
    if !existing {
        return Ok(Cluster::Local(control_plane));
    }
    let toolchain = control_plane.toolchain().clone();
    Ok(Cluster::Existing { instance: harness::Instance::open(base, name)?, toolchain, owned: false })
}

fn introduce(args: &Args, lang: Lang) {
    say::heading(lang.pick("snc-operator : la démonstration", "snc-operator: the demonstration"));
    say::note(lang.pick(
        "Deux clients d'une plateforme : la boutique d'alice (une petite application de vente en cinq services) et l'atelier \
         de bruno. L'opérateur isole leurs namespaces, puis des erreurs sont commises exprès ; chaque réponse affichée est \
         celle du serveur d'API.",
        "Two customers of a platform: alice's boutique (a small shop application in five services) and bruno's atelier. The \
         operator isolates their namespaces, then mistakes are made on purpose; each answer shown is the API server's.",
    ));
    if !args.existing {
        say::note(lang.pick(
            "Tout se passe sur cette machine, sur 127.0.0.1, dans un vrai plan de contrôle Kubernetes sans nœud. Ctrl-C arrête \
             et retire tout.",
            "Everything happens on this machine, on 127.0.0.1, in a real Kubernetes control plane without nodes. Ctrl-C ends \
             and removes everything.",
        ));
    }
}

fn build(lang: Lang) -> Result<()> {
    let what = lang.pick(
        "snc-operator et kubectl-snc (de 3 à 6 min la première fois, quelques secondes ensuite)",
        "snc-operator and kubectl-snc (3 to 6 min the first time, some seconds after that)",
    );
    say::timed(lang, what, || {
        let mut command = cargo([
            "build",
            "--profile",
            PROFILE,
            "--workspace",
            "--bin",
            "snc-operator",
            "--bin",
            "kubectl-snc",
        ]);
        if !stderr().is_terminal() {
            command.arg("--quiet");
        }
        cargo::run(&mut command)
    })
}

/// What takes long comes after the questions and before anything that would have to be undone.
fn open(args: &Args, lang: Lang, base: &Path) -> Result<Cluster> {
    let preparation = || say::heading(lang.pick("Préparation", "Preparation"));
    if args.existing {
        let cluster = existing::open(lang, base, &args.name)?;
        preparation();
        build(lang)?;
        return Ok(cluster);
    }
    preparation();
    build(lang)?;
    let what = lang.pick(
        "etcd, kube-apiserver, kube-controller-manager, kubectl, helm (6 à 9 min s'il faut les construire, sinon rien)",
        "etcd, kube-apiserver, kube-controller-manager, kubectl, helm (6 to 9 min if they must be built, else nothing)",
    );
    let toolchain = say::timed(lang, what, Toolchain::ensure)?;
    let what = lang.pick("plan de contrôle (3 à 6 s d'habitude)", "control plane (usually 3 to 6 s)");
    say::timed(lang, what, || {
        Ok(Cluster::Local(Builder::named(&args.name).base(base).owned().start(&toolchain)?))
    })
}

fn perform(scene: &Scene) -> Result<Story> {
    let lang = scene.lang;
    say::timed(lang, lang.pick("CRD et chart, par helm", "CRDs and chart, by helm"), || {
        let language = format!("language={}", lang.code());
        match &scene.cluster {
            Cluster::Local(control_plane) => control_plane.install_chart(&[&language]),
            Cluster::Existing { .. } => existing::install_chart(scene.platform.client(), &language),
        }
    })?;
    let what = lang.pick(
        "l'opérateur, sous le ServiceAccount snc-system/snc-controller du chart et ses seuls droits",
        "the operator, as the chart's ServiceAccount snc-system/snc-controller and with its rights only",
    );
    match &scene.cluster {
        Cluster::Existing { .. } => say::timed(lang, what, || scene.start_operator(None))?,
        Cluster::Local(_) => {
            let ports = webhook::Ports::choose()?;
            say::timed(lang, what, || scene.start_operator(Some(&ports.url())))?;
            let what = lang.pick(
                "le webhook, sous snc-system/snc-webhook, avec le certificat que l'opérateur lui fait",
                "the webhook, as snc-system/snc-webhook, with the certificate that the operator makes for it",
            );
            say::timed(lang, what, || webhook::start(scene, &ports))?;
        }
    }
    platform(scene)?;
    tenants(scene)?;

    say::heading(lang.pick("Des erreurs, commises exprès", "Mistakes, made on purpose"));
    let played = mistakes::play_all(scene)?;
    let server = match &scene.cluster {
        Cluster::Local(_) => None,
        Cluster::Existing { .. } => Some(existing::server()?),
    };
    let gone = scene.pick(
        "le namespace de l'erreur 5 finit d'être supprimé, gardes en place",
        "the namespace of mistake 5 ends being deleted, with the guards on",
    );
    outln!("");
    let deleted = say::timed(scene.lang, gone, || {
        scene.until("atelier-test to be deleted", 60, || {
            Ok(scene.platform.get(&["namespaces", "atelier-test"])?.is_none().then_some(()))
        })
    });
    interrupt::check()?;
    let mut differs: Vec<String> = deleted.err().map(|error| format!("{error:#}")).into_iter().collect();
    state::show(scene, &played)?;
    differs.extend(state::waits(scene)?);
    Ok(Story { server, played, differs })
}

fn platform(scene: &Scene) -> Result<()> {
    say::heading(scene.pick(
        "La plateforme déclare ce qu'elle exige, et ses clients",
        "The platform declares what it asks, and its customers",
    ));
    say::command("kubectl apply -f manifests/demo/platform");
    say::verbatim(&scene.platform.apply("platform")?);
    let what = scene.pick(
        "les trois namespaces sont créés et isolés (10 s d'attente voulue avant d'employer un nom de namespace)",
        "the three namespaces are made and isolated (with an intended wait of 10 s before a namespace name is used)",
    );
    say::timed(scene.lang, what, || {
        for tenant in ["boutique", "atelier"] {
            scene.until_condition(&["snctenants", tenant], "Ready", "True", "Applied")?;
        }
        scene.until("alice and bruno to have their rights", 20, || {
            let may = |who: &scene::Person, namespace: &str| {
                who.kubectl(&["auth", "can-i", "create", "sncpolicies", "--namespace", namespace])
            };
            let all = [
                may(&scene.alice, "boutique-app")?,
                may(&scene.alice, "boutique-data")?,
                may(&scene.bruno, "atelier-app")?,
            ];
            Ok(all.iter().all(harness::Output::success).then_some(()))
        })
    })
}

fn tenants(scene: &Scene) -> Result<()> {
    say::heading(scene.pick("Les clients s'installent", "The customers move in"));
    say::command("kubectl --as alice create secret generic database --from-literal=password=…");
    let password = format!("--from-literal=password={}", random_password()?);
    for namespace in ["boutique-app", "boutique-data"] {
        scene.alice.ok(&["create", "secret", "generic", "database", "--namespace", namespace, &password])?;
    }
    say::command("kubectl --as alice apply -R -f manifests/demo/shop");
    say::verbatim(&scene.alice.apply("shop")?);
    say::command("kubectl --as bruno apply -f manifests/demo/atelier");
    say::verbatim(&scene.bruno.apply("atelier")?);
    let what = scene.pick(
        "les flux déclarés sont ouverts, les pods admis",
        "the declared flows are open, the pods admitted",
    );
    say::timed(scene.lang, what, || {
        for namespace in ["boutique-app", "boutique-data", "atelier-app"] {
            let policy = ["sncpolicies", "isolation", "--namespace", namespace];
            scene.until_condition(&policy, "Ready", "True", "Applied")?;
            scene.until_condition(&policy, "NetworkPolicyEffective", "True", "PoliciesPresent")?;
            scene.until_condition(&policy, "NetworkIsolated", "Unknown", "EnforcementNotProven")?;
        }
        scene.until("the pods to be admitted", 60, || {
            let list = [
                "deployments,statefulsets",
                "--all-namespaces",
                "--selector=app.kubernetes.io/part-of=snc-demo",
            ];
            let list = scene.platform.get(&list)?.unwrap_or_default();
            let all = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
            let admitted = |o: &serde_json::Value| o["status"]["replicas"] == o["spec"]["replicas"];
            Ok((!all.is_empty() && all.iter().all(admitted)).then_some(()))
        })
    })
}

fn random_password() -> Result<String> {
    let mut bytes = [0_u8; 16];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("read /dev/urandom")?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

fn finish(args: &Args, mut scene: Scene, story: &Story, started: Instant) -> Result<()> {
    let lang = scene.lang;
    let differs: Vec<&String> =
        story.played.iter().flat_map(|played| &played.differs).chain(&story.differs).collect();
    if !differs.is_empty() {
        scene.show_operator_log();
    }
    if args.ci {
        say::heading(lang.pick("Fin", "End"));
        leave_nothing(scene)?;
        say::note(lang.pick("Tout est arrêté et retiré.", "Everything is ended and removed."));
    } else {
        fs::write(scene.cluster.instance().dir().join(STORY), serde_json::to_vec_pretty(story)?)?;
        state::next(&scene, &args.name)?;
        scene.cluster.detach()?;
    }
    let (good, all) =
        (story.played.iter().filter(|played| played.differs.is_empty()).count(), story.played.len());
    outln!(
        "\n{} {good}/{all} ({:.0} s)",
        lang.pick("Comme prévu :", "As expected:"),
        started.elapsed().as_secs_f64()
    );
    if differs.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = differs.iter().map(|difference| format!("\n- {difference}")).collect();
    bail!(
        "{}{}",
        lang.pick("tout ne s'est pas passé comme prévu :", "not everything went as expected:"),
        list.concat()
    )
}

fn leave_nothing(scene: Scene) -> Result<()> {
    let existing = matches!(scene.cluster, Cluster::Existing { .. });
    scene.cluster.end()?;
    if existing { existing::take_out(scene.platform.client()) } else { Ok(()) }
}

fn read_story(dir: &Path) -> Option<Story> {
    serde_json::from_slice(&fs::read(dir.join(STORY)).ok()?).ok()
}
