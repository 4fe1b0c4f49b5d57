//! A real node: pods that run, packets that pass or do not.
//!
//! The NetworkPolicy enforcer of these tests is ours. What it is worth is proven here by Kubernetes' own specs, and by
//! their failing without it.

mod specs;

use anyhow::{Result, anyhow, bail};
use libtest_mimic::{Arguments, Failed, Trial};
use std::{
    path::Path,
    process::ExitCode,
    sync::{Arc, OnceLock},
};
use tempfile::TempDir;
use xtask::{
    harness::{
        self, Builder, ControlPlane, Environment, Tool, Toolchain, interrupt,
        node::{self, Enforcement, Node},
        workspace,
    },
    image::{Config, Image, Layer, Layout, native_architecture},
};

const PROFILE: &str = "ci";
/// Of the enforcer.
const TABLE: &str = "snc_enforcer";

struct Lab {
    plane: ControlPlane,
    _images: TempDir,
}

type Run = fn(&Lab) -> Result<()>;

const CASES: [(&str, Run); 3] = [
    ("specs_of_kubernetes_pass", specs::pass),
    // Last, for it takes the enforcer away and puts it back.
    ("specs_of_kubernetes_fail_without_the_enforcer", specs::fail_without_the_enforcer),
    ("nothing_of_the_node_is_outside_of_it", outside),
];

fn main() -> ExitCode {
    let mut args = Arguments::from_args();
    // One after the other: they share one node.
    args.test_threads = Some(1);
    match ready() {
        Ok(None) => {}
        Ok(Some(why)) => {
            println!("SKIPPED({why})");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::FAILURE;
        }
    }
    let lab = Arc::<OnceLock<Result<Lab, String>>>::default();
    let trials = CASES.into_iter().map(|(name, run)| {
        let lab = Arc::clone(&lab);
        Trial::test(name, move || {
            let lab = lab.get_or_init(|| Lab::start().map_err(|error| format!("{error:#}")));
            let lab = lab.as_ref().map_err(|error| Failed::from(format!("no node: {error}")))?;
            run(lab).map_err(|error| Failed::from(format!("{error:#}")))
        })
    });
    let conclusion = libtest_mimic::run(&args, trials.collect());
    conclusion.exit_code()
}

/// Why there is nothing to run, where nobody insists.
fn ready() -> Result<Option<String>> {
    let why = node::skipped(&Environment::current()?)?;
    if why.is_none() {
        harness::reap_orphans().and(interrupt::install())?;
    }
    Ok(why)
}

impl Lab {
    fn start() -> Result<Self> {
        let tools: Vec<Tool> = Tool::every().collect();
        let toolchain = Toolchain::ensure_tools(&Environment::current()?, &tools)?;
        let images = tempfile::tempdir()?;
        let agnhost = images.path().join("agnhost.tar");
        write_agnhost(&toolchain, &agnhost)?;
        let node = Node {
            enforcement: Enforcement::FailOpen,
            pause: workspace::static_binary("snc-pod", PROFILE)?,
            images: vec![agnhost],
        };
        let plane = Builder::ephemeral("node")?.node(node).start(&toolchain)?;
        Ok(Self { plane, _images: images })
    }

    /// The enforcer's, in the node.
    fn has_table(&self) -> Result<bool> {
        let mut nft = self.plane.command_in_node(Path::new("nft"))?;
        Ok(nft.args(["list", "table", "inet", TABLE]).output()?.status.success())
    }
}

/// Under every name by which the specs may ask for it.
fn write_agnhost(toolchain: &Toolchain, archive: &Path) -> Result<()> {
    let binary = std::fs::read(toolchain.path(Tool::Agnhost)?)?;
    let names = specs::images(toolchain.path(Tool::NetpolSpecs)?)?;
    let config = Config {
        architecture: native_architecture().to_owned(),
        entrypoint: vec!["/agnhost".to_owned()],
        command: vec!["pause".to_owned()],
        user: "65534:65534".to_owned(),
        ..Config::default()
    };
    let layer = Layer::default().directory("tmp", 0o1777)?.file("agnhost", 0o755, binary)?;
    let image = Image::new(&config, &layer)?;
    names.iter().fold(Layout::default(), |layout, name| layout.image(name, &image)).write_archive(archive)
}

/// The machine has none of the node's interfaces, rules and pods' processes.
fn outside(lab: &Lab) -> Result<()> {
    let here = |program: &str, args: &[&str]| -> Result<String> {
        let output = std::process::Command::new(program).args(args).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let there = |program: &str, args: &[&str]| -> Result<String> {
        let output = lab.plane.command_in_node(Path::new(program))?.args(args).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let interfaces = ["-brief", "link", "show", "node0"];
    if !there("ip", &interfaces)?.contains("node0") || here("ip", &interfaces)?.contains("node0") {
        bail!("node0 is to be in the node's network only");
    }
    if !lab.has_table()? || !here("nft", &["list", "table", "inet", TABLE])?.is_empty() {
        bail!("the enforcer's rules are to be in the node's network only");
    }
    let routes = there("ip", &["route", "show", "default"])?;
    if !routes.is_empty() {
        return Err(anyhow!("the node has a way out: {routes}"));
    }
    Ok(())
}
