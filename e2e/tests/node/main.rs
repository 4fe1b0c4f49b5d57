//! A real node: pods that run, packets that pass or do not.
//!
//! The NetworkPolicy enforcer of these tests is ours. What it is worth is proven here by Kubernetes' own specs, and by
//! their failing without it. Then the chart is installed on such a node, and packets show what it isolates.

mod site;
mod specs;

use anyhow::{Result, anyhow, bail};
use libtest_mimic::{Arguments, Conclusion, Failed, Trial};
use site::Site;
use std::{
    path::Path,
    process::ExitCode,
    sync::{Arc, OnceLock},
    time::Instant,
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

type Case<T> = (&'static str, fn(&T) -> Result<()>);

const ENFORCER: [Case<Lab>; 3] = [
    ("specs_of_kubernetes_pass", specs::pass),
    // Last, for it takes the enforcer away and puts it back.
    ("specs_of_kubernetes_fail_without_the_enforcer", specs::fail_without_the_enforcer),
    ("nothing_of_the_node_is_outside_of_it", outside),
];

/// In this order: each goes on from where the one before has left the site.
const CHART: [Case<Site>; 15] = [
    ("the_chart_runs_as_installed_by_helm", site::chart::runs),
    ("the_webhook_answers_by_its_service", site::chart::webhook_answers),
    ("helm_test_says_whether_it_works", site::check::says_what_is_wrong),
    ("packets_pass_where_reach_says_so_and_nowhere_else", site::packets::as_reach_says),
    ("what_runs_is_known_by_its_digest", site::images::known_by_digest),
    ("isolated_while_the_operator_restarts", site::life::isolated_while_it_restarts),
    ("nothing_passes_from_the_first_instant_to_the_last", site::senders::nothing_passes),
    ("the_window_of_an_enforcer_that_fails_open", site::senders::window_when_open),
    ("the_probe_says_whether_the_network_enforces", site::probe::packets),
    ("another_replica_leads", site::life::another_leads),
    ("the_webhook_is_always_there", site::life::webhook_is_always_there),
    ("a_node_that_restarts_lets_nothing_through", site::restart::comes_back),
    ("uninstalled_the_isolation_stays_and_is_adopted_again", site::life::uninstalled_and_back),
    ("removed_entirely_nothing_is_left", site::life::removed_entirely),
    ("upgraded_from_the_chart_0_1_0_with_traffic", site::upgrade::with_traffic),
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
    // Each on a node of its own, which ends before the next is started.
    let enforcer = run(&args, ENFORCER, Lab::start);
    let chart = run(&args, CHART, Site::start);
    if enforcer.has_failed() || chart.has_failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn run<T: Send + Sync + 'static, const N: usize>(
    args: &Arguments,
    cases: [Case<T>; N],
    start: fn() -> Result<T>,
) -> Conclusion {
    let node = Arc::<OnceLock<Result<T, String>>>::default();
    let trials = cases.into_iter().map(|(name, run)| {
        let node = Arc::clone(&node);
        Trial::test(name, move || {
            let node = node.get_or_init(|| start().map_err(|error| format!("{error:#}")));
            let node = node.as_ref().map_err(|error| Failed::from(format!("no node: {error}")))?;
            let started = Instant::now();
            let result = run(node);
            println!("{name}: {:.1} s", started.elapsed().as_secs_f64());
            result.map_err(|error| Failed::from(format!("{error:#}")))
        })
    });
    libtest_mimic::run(args, trials.collect())
}

/// Why there is nothing to run, where nobody insists.
fn ready() -> Result<Option<String>> {
    let why = node::skipped(&Environment::current()?)?;
    match &why {
        // `cargo xtask test` has looked before: it would say that they ran.
        Some(why) if std::env::var_os("SNC_E2E").is_some() => bail!("SKIPPED({why})"),
        Some(_) => {}
        None => harness::reap_orphans().and(interrupt::install())?,
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
