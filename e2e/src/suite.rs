//! Runs tests that share one control plane: started by the first of them, ended after the last.

use crate::cluster::Cluster;
use anyhow::{Result, anyhow, bail};
use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use xtask::harness::{self, Environment, Toolchain, interrupt};

pub type Run = fn(&Cluster) -> Result<()>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Company {
    /// Beside others, each in namespaces of its own.
    Shared,
    /// While nothing else runs: it stops the operator or takes guards away.
    Alone,
    /// Alone, after all others.
    Last,
}

pub struct Case {
    name: &'static str,
    company: Company,
    run: Run,
}

pub const fn shared(name: &'static str, run: Run) -> Case {
    Case { name, company: Company::Shared, run }
}

pub const fn alone(name: &'static str, run: Run) -> Case {
    Case { name, company: Company::Alone, run }
}

const fn last(name: &'static str, run: Run) -> Case {
    Case { name, company: Company::Last, run }
}

/// What every suite ends with.
const CLOSING: &[Case] = &[
    last("the_operator_was_never_forbidden_anything", Cluster::never_forbidden),
    last("the_operator_never_panicked", Cluster::never_panicked),
];

type Shared = Arc<OnceLock<Result<Cluster, String>>>;

static TIMES: Mutex<Vec<(Duration, &str)>> = Mutex::new(Vec::new());

/// The `main` of a test binary.
pub fn main(cases: &'static [Case]) -> ExitCode {
    let args = Arguments::from_args();
    let cluster = Shared::default();
    let trials = |wanted: &dyn Fn(Company) -> bool| -> Vec<Trial> {
        cases
            .iter()
            .chain(CLOSING)
            .filter(|case| wanted(case.company))
            .map(|case| trial(case, &cluster))
            .collect()
    };
    if args.list {
        return libtest_mimic::run(&args, trials(&|_| true)).exit_code();
    }
    let toolchain = match toolchain() {
        Ok(Some(_)) => harness::reap_orphans().and(interrupt::install()),
        Ok(None) => {
            println!("SKIPPED(no tools; `cargo xtask test --only tools` gets them)");
            return ExitCode::SUCCESS;
        }
        Err(error) => Err(error),
    };
    if let Err(error) = toolchain {
        eprintln!("{error:#}");
        return ExitCode::FAILURE;
    }
    let results = [Company::Shared, Company::Alone, Company::Last].map(|company| {
        let mut args = args.clone();
        if company != Company::Shared {
            args.test_threads = Some(1);
        }
        let trials = trials(&|case| case == company);
        (!trials.is_empty()).then(|| libtest_mimic::run(&args, trials))
    });
    let failed = results.iter().flatten().any(libtest_mimic::Conclusion::has_failed);
    if let Some(Some(Ok(cluster))) = Arc::into_inner(cluster).map(OnceLock::into_inner) {
        cluster.end(failed);
    }
    print_times();
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn trial(case: &Case, cluster: &Shared) -> Trial {
    let (name, run, cluster) = (case.name, case.run, Arc::clone(cluster));
    Trial::test(name, move || {
        let started = cluster.get_or_init(|| Cluster::start().map_err(|error| format!("{error:#}")));
        let cluster = started.as_ref().map_err(|error| Failed::from(format!("no control plane: {error}")))?;
        let clock = Instant::now();
        let result = run(cluster);
        TIMES.lock().unwrap_or_else(PoisonError::into_inner).push((clock.elapsed(), name));
        result.map_err(|error| Failed::from(format!("{error:#}")))
    })
}

/// Slowest first.
fn print_times() {
    let mut times = TIMES.lock().unwrap_or_else(PoisonError::into_inner);
    times.sort_unstable_by(|a, b| b.cmp(a));
    for (time, name) in times.iter() {
        println!("{:>7.1} s  {name}", time.as_secs_f32());
    }
}

/// `None`, where there is nothing to run and nobody insists.
pub fn toolchain() -> Result<Option<Toolchain>> {
    let found = Toolchain::find(&Environment::current()?)?;
    let set = |name, value| std::env::var(name).is_ok_and(|found| found == value);
    if found.is_none() && (set("CI", "true") || set("SNC_E2E", "1")) {
        bail!(anyhow!(
            "the tools of a control plane are not there; `cargo xtask test --only tools` gets them"
        ));
    }
    Ok(found)
}
