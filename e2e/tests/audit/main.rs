//! The audit log from the API server to whoever reads it: the sink as a process, the API server's own file beside it.

mod forged;
mod kills;
mod logged;
mod outage;
mod proof;
mod records;
mod scene;
mod tailer;
mod tenants;
mod traffic;

use anyhow::Result;
use libtest_mimic::{Arguments, Failed, Trial};
use scene::Scene;
use snc_e2e::suite;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;
use xtask::harness::{self, interrupt};

type Run = fn(&Scene) -> Result<()>;

const CASES: &[(&str, Run)] = &[
    ("fifty_kills_lose_nothing_of_what_the_webhook_brought", kills::fifty),
    ("an_outage_and_a_full_disk_are_gaps_until_the_file_fills_them", outage::filled),
    ("a_tailer_that_is_killed_again_and_again_brings_every_line_once", tailer::killed),
    ("a_forged_identity_hides_nothing_and_alarms", forged::both_kept),
    ("a_tenant_reads_its_own_and_not_a_line_of_anybody_else", tenants::apart),
    ("what_was_changed_is_named_against_heads_in_a_locked_bucket", proof::named),
    ("the_log_is_kept_in_a_locked_bucket_and_read_from_there", proof::in_a_bucket),
    ("a_call_that_comes_back_proves_the_log_to_each_tenant", logged::by_condition),
];

fn main() -> ExitCode {
    let mut args = Arguments::from_args();
    // They share the API server and the sink's ports.
    args.test_threads = Some(1);
    let scene = if args.list { Ok(None) } else { start() };
    let scene = match scene {
        Ok(None) if !args.list => {
            println!("SKIPPED(no tools; `cargo xtask test --only tools` gets them)");
            return ExitCode::SUCCESS;
        }
        Ok(scene) => Arc::new(scene),
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::FAILURE;
        }
    };
    let trials = CASES.iter().map(|&(name, run)| {
        let scene = Arc::clone(&scene);
        Trial::test(name, move || match scene.as_ref() {
            Some(scene) => timed(name, scene, run).map_err(|error| Failed::from(format!("{error:#}"))),
            None => Err(Failed::from("nothing was started")),
        })
    });
    let conclusion = libtest_mimic::run(&args, trials.collect());
    if let Some(Some(scene)) = Arc::into_inner(scene) {
        scene.cluster.end(conclusion.has_failed());
    }
    conclusion.exit_code()
}

fn timed(name: &str, scene: &Scene, run: Run) -> Result<()> {
    let clock = Instant::now();
    let result = run(scene);
    println!("{:>7.1} s  {name}", clock.elapsed().as_secs_f32());
    if let Err(error) = &result {
        // At once: the others take minutes.
        println!("{}", format!("{error:#}").chars().take(2000).collect::<String>());
    }
    // Whatever went wrong: the next one starts its own.
    let _ = scene.sink("ended").stop();
    let _ = scene.cluster.plane().instance().terminate(tailer::TAIL);
    result
}

/// `None`, where there is nothing to run and nobody insists.
fn start() -> Result<Option<Scene>> {
    interrupt::install()?;
    harness::reap_orphans()?;
    suite::toolchain()?.map(|_| Scene::start()).transpose()
}
