//! `cargo xtask up`

use super::node;
use crate::harness::{
    self, Builder, Client, ControlPlane, Environment, Health, PRIMARY_API_SERVER, Progress, Tool, Toolchain,
    User, interrupt, node::Enforcement, workspace,
};
use anyhow::{Context, Result, bail};
use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of the instance
    #[arg(long, default_value = "dev")]
    name: String,
    /// Stay, and end the control plane on Ctrl-C
    #[arg(long)]
    foreground: bool,
    /// With a real node: kubelet, containerd, kube-proxy; needs root
    #[arg(long)]
    node: bool,
    /// How NetworkPolicies are enforced on the node
    #[arg(long, value_enum, default_value_t, requires = "node")]
    enforce: Enforcement,
    /// Use the cluster of KUBECONFIG; start nothing
    #[arg(long, conflicts_with_all = ["name", "foreground", "api_server_arg", "node"])]
    existing: bool,
    /// One more argument for kube-apiserver, e.g. `--api-server-arg=--v=2`
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    api_server_arg: Vec<String>,
}

pub(super) fn run(args: &Args) -> Result<()> {
    if args.existing {
        return existing();
    }
    let base = workspace::instances_dir();
    for name in harness::reap_orphans()? {
        eprintln!("ended {name}: the process that had started it is gone");
    }
    if show_if_up(&base, &args.name)? {
        return Ok(());
    }
    let mut builder = args.api_server_arg.iter().fold(Builder::named(&args.name), Builder::api_server_arg);
    if args.foreground {
        builder = builder.owned();
    }
    let (builder, toolchain) =
        if args.node { node::with_node(builder, args.enforce)? } else { (builder, Toolchain::ensure()?) };
    let started = Instant::now();
    let mut control_plane = {
        let _lock = harness::lock(&base, &args.name)?;
        if show_if_up(&base, &args.name)? {
            return Ok(());
        }
        if base.join(&args.name).exists() {
            eprintln!("what was left of an earlier {} is removed", args.name);
            harness::stop_locked(&base.join(&args.name), false)?;
        }
        let usually = if args.node { "usually 10 to 20 s" } else { "usually 3 to 6 s" };
        let progress = Progress::start(format!("starting {}", args.name), usually);
        let control_plane = builder.start(&toolchain)?;
        progress.done();
        control_plane
    };
    usage(&control_plane, &args.name, "is up")?;
    if args.node {
        println!("  inside:  cargo xtask node exec --name {} -- COMMAND", args.name);
    }
    eprintln!("ready in {:.1} s", started.elapsed().as_secs_f64());
    if args.foreground {
        while !interrupt::requested() {
            thread::sleep(Duration::from_millis(100));
        }
        return control_plane.stop();
    }
    control_plane.detach();
    Ok(())
}

fn show_if_up(base: &Path, name: &str) -> Result<bool> {
    let up = harness::report(base, name).health == Health::Up;
    if up {
        usage(&ControlPlane::attach(name)?, name, "is up already")?;
    }
    Ok(up)
}

fn usage(control_plane: &ControlPlane, name: &str, state: &str) -> Result<()> {
    let port = control_plane.api_server_port(PRIMARY_API_SERVER)?;
    println!("{name} {state}: https://127.0.0.1:{port}\n");
    println!("  export KUBECONFIG={}", control_plane.kubeconfig(User::Platform).display());
    for user in User::ALL {
        let groups = user.groups().join(", ");
        let groups = if groups.is_empty() { "no group" } else { &groups };
        println!("  {:14} {:24} {}", user.name(), groups, control_plane.kubeconfig(user).display());
    }
    println!("\n  kubectl: {}", control_plane.toolchain().path(Tool::Kubectl)?.display());
    println!("  end it:  cargo xtask down --name {name}");
    Ok(())
}

fn existing() -> Result<()> {
    let toolchain = Toolchain::ensure_tools(&Environment::current()?, &Tool::CLIENTS)?;
    let client = Client::existing(&toolchain)?;
    let answer = client
        .kubectl_ok(["get", "--raw=/version", "--request-timeout=10s"])
        .context("the cluster of KUBECONFIG does not answer")?;
    let version: serde_json::Value = serde_json::from_str(&answer)?;
    let context = client.kubectl_ok(["config", "current-context"])?;
    let number = |field: &str| -> Option<u32> {
        version[field].as_str()?.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().ok()
    };
    let git_version = version["gitVersion"].as_str().unwrap_or("of unknown version");
    println!("{}: Kubernetes {git_version}", context.trim());
    match (number("major"), number("minor")) {
        (Some(1), Some(34..=36)) => Ok(()),
        _ => bail!("Kubernetes 1.34 to 1.36 is supported, this is {git_version}"),
    }
}
