//! The operator is killed again and again while everything changes, and no namespace is ever open for it.

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::coordination::v1::Lease;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use snc_core::names::{DEFAULT_DENY, LEASE};
use snc_e2e::churn::{Churn, DRIFT_ACCEPTED, DRIFT_REFUSED, GATE_REFUSED, TOUCHED};
use snc_e2e::cluster::{OPERATOR, OPERATOR_ACCOUNT, OPERATOR_NAMESPACE};
use snc_e2e::recorder::{Analysis, Change, Entry, Facts, Fault, Recorder, Recording, analyse};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::broadcast::error::TryRecvError;
use xtask::harness::{
    self, Builder, ControlPlane, Environment, ProcessSpec, Toolchain, User, interrupt, wait_until, workspace,
};

const LEASE_SECONDS: u64 = 2;
const TOKEN_LIFETIME: Duration = Duration::from_secs(4 * 3600);
const POLL: Duration = Duration::from_millis(20);
/// A life in which the operator gets round to everything, creating namespaces of a name that was used included.
const LONG: Duration = Duration::from_secs(13);
/// For the operator to bring everything up to date once it is left alone.
const CONVERGENCE: Duration = Duration::from_secs(90);
const QUIET: Duration = Duration::from_secs(3);

/// They share two cores with a control plane each: one after the other.
static TURN: Mutex<()> = Mutex::new(());

struct Goals {
    kills: usize,
    isolated: usize,
    recreated: usize,
    lanes: u64,
    limit: Duration,
}

const SHORT: Goals =
    Goals { kills: 12, isolated: 40, recreated: 8, lanes: 6, limit: Duration::from_secs(240) };
const FULL: Goals =
    Goals { kills: 100, isolated: 300, recreated: 50, lanes: 8, limit: Duration::from_secs(1800) };

#[test]
fn no_namespace_is_ever_open_while_the_operator_is_killed() -> Result<()> {
    let full = std::env::var("SNC_E2E_FULL").is_ok_and(|value| value == "1");
    let goals = if full { FULL } else { SHORT };
    run("kill", &|| workspace::binary("snc-operator"), &|stage| stage.kill_through_churn(&goals))
}

/// Proof that the recorder sees a gap: an operator that deletes policies to create them again makes one.
#[test]
fn an_operator_that_deletes_before_it_creates_is_caught() -> Result<()> {
    run("fault", &faulty_operator, &Stage::catch)
}

/// Within a control plane of its own.
fn run(name: &str, operator: &dyn Fn() -> Result<PathBuf>, act: &dyn Fn(&Stage) -> Result<()>) -> Result<()> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(toolchain) = toolchain()? else { return Ok(()) };
    let program = operator()?;
    let clock = Instant::now();
    let stage = Stage::set(name, &toolchain, program)?;
    let result = act(&stage).and_then(|()| stage.never_failed());
    if result.is_err() {
        keep(&format!("e2e-{name}-operator.log"), &stage.log())?;
    }
    tell(&format!("{name}: {:.1} s in all", clock.elapsed().as_secs_f32()));
    result
}

/// What is needed to understand a failure.
fn keep(name: &str, text: &str) -> Result<()> {
    let path = workspace::target_dir().join(name);
    fs::write(&path, text)?;
    tell(&format!("kept in {}", path.display()));
    Ok(())
}

/// `None`, where there is nothing to run and nobody insists.
fn toolchain() -> Result<Option<Toolchain>> {
    let found = Toolchain::find(&Environment::current()?)?;
    let set = |name, value| std::env::var(name).is_ok_and(|found| found == value);
    if found.is_none() {
        if set("CI", "true") || set("SNC_E2E", "1") {
            bail!("the tools of a control plane are not there; `cargo xtask test --only tools` gets them");
        }
        println!("SKIPPED(no tools; `cargo xtask test --only tools` gets them)");
        return Ok(None);
    }
    harness::reap_orphans()?;
    Ok(found)
}

/// Past the capture of the test harness: the counts are worth reading when all went well, too.
fn tell(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{text}");
}

struct Stage {
    plane: ControlPlane,
    runtime: Runtime,
    platform: Client,
    operator: Client,
    spec: ProcessSpec,
}

impl Stage {
    fn set(name: &str, toolchain: &Toolchain, program: PathBuf) -> Result<Self> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let plane = Builder::ephemeral(name)?.start(toolchain)?;
        plane.install_chart(&[])?;
        let kubeconfig = plane.token_kubeconfig(OPERATOR_NAMESPACE, OPERATOR_ACCOUNT, TOKEN_LIFETIME)?;
        let runtime = Runtime::new()?;
        let env = [("KUBECONFIG", kubeconfig.display().to_string()), ("NO_COLOR", "1".to_owned())];
        let lease = LEASE_SECONDS.to_string();
        let args =
            ["controller", "--log-format=text", "--listen=127.0.0.1:0", "--lease-duration-seconds", &lease];
        Ok(Self {
            platform: runtime.block_on(client(&plane.kubeconfig(User::Platform)))?,
            operator: runtime.block_on(client(&kubeconfig))?,
            spec: ProcessSpec {
                program,
                args: args.map(str::to_owned).into(),
                env: env.map(|(key, value)| (key.to_owned(), Some(value))).into(),
                clean_env: true,
                dir: None,
            },
            plane,
            runtime,
        })
    }

    fn kill_through_churn(&self, goals: &Goals) -> Result<()> {
        let seed: u64 = rand::random_range(0..1_000_000);
        tell(&format!("seed {seed}"));
        let mut scene = self.open(seed)?;
        let killing = Instant::now();
        scene.churn.start(self.runtime.handle(), goals.lanes);
        let kills = self.killing(&scene, goals, seed)?;
        let killing = killing.elapsed();

        let calm = Instant::now();
        self.runtime.block_on(scene.churn.stop())?;
        let converged = self.converge(&scene)?;
        let calm = calm.elapsed();
        self.alive().context("at the end")?;
        let stopping = Instant::now();
        self.plane.instance().terminate(OPERATOR)?;
        let stopping = stopping.elapsed();

        let recording = self.runtime.block_on(scene.recorder.finish())?;
        let analysis = analyse(&recording.entries);
        tell(&report(&recording, &analysis, &kills, &scene.churn));
        tell(&format!(
            "{:.1} s of churn and kills, {:.1} s to converge ({converged} looks), {:.2} s to stop",
            killing.as_secs_f32(),
            calm.as_secs_f32(),
            stopping.as_secs_f32(),
        ));
        if !analysis.violations.is_empty() {
            let concerned: BTreeSet<&str> =
                analysis.violations.iter().map(|v| v.namespace.as_str()).collect();
            let entries =
                recording.entries.iter().filter(|entry| concerned.contains(entry.namespace.as_str()));
            let lines: Vec<String> = entries.map(|entry| format!("{entry:?}")).collect();
            keep("e2e-kill-recording.txt", &lines.join("\n"))?;
        }
        judge(goals, &recording, &analysis, &kills, &scene.churn)?;
        ensure!(stopping < Duration::from_secs(4), "the operator did not end when it was asked to");
        Ok(())
    }

    /// The recorder first, then the operator, then everything else.
    fn open(&self, seed: u64) -> Result<Scene> {
        let recorder = self.runtime.block_on(Recorder::start(self.platform.clone()))?;
        let churn =
            self.runtime.block_on(Churn::prepare(self.platform.clone(), self.operator.clone(), seed))?;
        self.plane.instance().spawn_spec(OPERATOR, &self.spec)?;
        self.runtime.block_on(churn.settle())?;
        Ok(Scene { recorder, churn })
    }

    /// Kills and starts again until there is enough of everything.
    fn killing(&self, scene: &Scene, goals: &Goals, seed: u64) -> Result<Kills> {
        let mut rng = StdRng::seed_from_u64(seed ^ 0x6b69_6c6c);
        let mut kills = Kills::default();
        let started = Instant::now();
        let mut told = started;
        let mut waits = false;
        loop {
            let life = Life::draw(&mut rng, kills.all);
            if self.live(scene, &life, waits)? {
                kills.count(&life);
            } else {
                kills.own_ends += 1;
            }
            self.plane.instance().restart(OPERATOR)?;
            waits = true;
            scene.recorder.intact()?;
            interrupt::check()?;
            let so_far = scene.recorder.so_far();
            if told.elapsed() > Duration::from_secs(10) {
                told = Instant::now();
                tell(&format!(
                    "{:>4} s: {} kills, {} isolated namespaces, {} re-created, {} entries, {} violations",
                    started.elapsed().as_secs(),
                    kills.all,
                    so_far.isolated,
                    so_far.recreated_isolated,
                    so_far.entries,
                    so_far.violations.len()
                ));
            }
            let enough = kills.all >= goals.kills
                && so_far.isolated >= goals.isolated
                && so_far.recreated_isolated >= goals.recreated;
            if enough || started.elapsed() > goals.limit {
                return Ok(kills);
            }
        }
    }

    /// One life of the operator, up to its violent end. False if it ended by itself.
    fn live(&self, scene: &Scene, life: &Life, waits: bool) -> Result<bool> {
        let mut moments = scene.recorder.moments();
        match life {
            Life::Early(limit) => std::thread::sleep(*limit),
            _ if waits && !self.has_lease()? => return Ok(false),
            Life::Working(limit) | Life::Long(limit) => std::thread::sleep(*limit),
            Life::Until(moment, jitter) => {
                let deadline = Instant::now() + Duration::from_secs(4);
                // What came before it had the lease was the work of another.
                while let Ok(_) | Err(TryRecvError::Lagged(_)) = moments.try_recv() {}
                while Instant::now() < deadline {
                    match moments.try_recv() {
                        Ok(entry) if moment.is(&entry) => break,
                        Err(TryRecvError::Empty) => std::thread::sleep(Duration::from_millis(1)),
                        _ => {}
                    }
                }
                std::thread::sleep(*jitter);
            }
        }
        let alive = self.alive().is_ok();
        self.plane.instance().kill9(OPERATOR)?;
        Ok(alive)
    }

    fn alive(&self) -> Result<()> {
        ensure!(self.plane.instance().process(OPERATOR)?.alive(), "the operator ended by itself");
        Ok(())
    }

    /// Waits until the process holds the lease; false if it ends instead.
    fn has_lease(&self) -> Result<bool> {
        let pid = self.plane.instance().process(OPERATOR)?.identity.context("no process")?.pid;
        let api: Api<Lease> = Api::namespaced(self.operator.clone(), OPERATOR_NAMESPACE);
        let ours = format!("_{pid}_");
        wait_until("the operator to hold its lease", Duration::from_secs(30), POLL, || {
            let lease = self.runtime.block_on(api.get(LEASE))?;
            let holder = lease.spec.and_then(|spec| spec.holder_identity).unwrap_or_default();
            Ok(if holder.contains(&ours) { Some(true) } else { self.alive().err().map(|_| false) })
        })
    }

    /// Until everything is as declared, and nothing is written any more.
    fn converge(&self, scene: &Scene) -> Result<usize> {
        let deadline = Instant::now() + CONVERGENCE;
        let mut looks = 0;
        loop {
            if self.alive().is_err() {
                self.plane.instance().restart(OPERATOR)?;
            }
            scene.recorder.intact()?;
            looks += 1;
            let pending = self.runtime.block_on(scene.churn.pending())?;
            let quiet = scene.recorder.quiet_for();
            if pending.is_empty() && quiet > QUIET {
                return Ok(looks);
            }
            if Instant::now() > deadline {
                let first: Vec<_> = pending.iter().take(5).collect();
                bail!(
                    "not converged within {} s: {} pending, e.g. {first:#?}; last write {quiet:.1?} ago",
                    CONVERGENCE.as_secs(),
                    pending.len()
                );
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// Churn, and hardly a kill, until the recorder has seen what the faulty operator does.
    fn catch(&self) -> Result<()> {
        let mut scene = self.open(0)?;
        let started = Instant::now();
        scene.churn.start(self.runtime.handle(), 3);
        let gap = wait_until("a gap to be recorded", Duration::from_secs(60), POLL * 10, || {
            self.alive()?;
            scene.recorder.intact()?;
            let violations = scene.recorder.so_far().violations;
            Ok(violations.into_iter().find(|violation| violation.fault == Fault::DenyMissing))
        })?;
        tell(&format!("caught after {:.1} s: {gap}", started.elapsed().as_secs_f32()));
        self.runtime.block_on(scene.churn.stop())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.plane.instance().log_path(OPERATOR)).unwrap_or_default()
    }

    fn never_failed(&self) -> Result<()> {
        let log = self.log();
        let said = log.lines().find(|line| line.contains("panicked at") || line.contains("a task failed"));
        ensure!(said.is_none(), "the operator's log says {said:?}");
        // A machine that is too busy to renew a lease of two seconds may cost it; nothing else ends the operator.
        let ended = |line: &&str| line.contains("stopping kind=");
        let excused = |line: &&str| line.contains("LeaseLost");
        let ended = log.lines().filter(ended).find(|line| !excused(line));
        ensure!(ended.is_none(), "the operator ended by itself: {ended:?}");
        let forbidden = log.lines().find(|line| line.contains("is forbidden: User"));
        ensure!(forbidden.is_none(), "the operator's rights do not suffice: {forbidden:?}");
        Ok(())
    }
}

struct Scene {
    recorder: Recorder,
    churn: Churn,
}

/// How the operator lives until it is killed.
enum Life {
    /// Likely before it has the lease.
    Early(Duration),
    /// So long after it got the lease.
    Working(Duration),
    /// When this was just written, and a little more.
    Until(Moment, Duration),
    Long(Duration),
}

#[derive(Clone, Copy)]
enum Moment {
    Labelled,
    DenyWritten,
    FlowWritten,
    PolicyDeleted,
    Isolated,
    Deleting,
}

impl Moment {
    const ALL: [Self; 6] = [
        Self::Labelled,
        Self::DenyWritten,
        Self::FlowWritten,
        Self::PolicyDeleted,
        Self::Isolated,
        Self::Deleting,
    ];

    fn is(self, entry: &Entry) -> bool {
        let deleted = entry.change == Change::Deleted;
        match (self, &entry.facts) {
            (Self::Labelled, Facts::Namespace { tenant, isolated, .. }) => {
                entry.change == Change::Modified && tenant.is_some() && isolated.is_none()
            }
            (Self::Isolated, Facts::Namespace { isolated, deleting, .. }) => isolated.is_some() && !deleting,
            (Self::Deleting, Facts::Namespace { deleting, .. }) => *deleting,
            (Self::DenyWritten, Facts::NetworkPolicy { .. }) => !deleted && entry.name == DEFAULT_DENY,
            (Self::FlowWritten, Facts::NetworkPolicy { .. }) => !deleted && entry.name != DEFAULT_DENY,
            (Self::PolicyDeleted, Facts::NetworkPolicy { .. }) => deleted,
            _ => false,
        }
    }
}

impl Life {
    fn draw(rng: &mut StdRng, number: usize) -> Self {
        if number % 25 == 7 {
            return Self::Long(LONG);
        }
        let millis = |rng: &mut StdRng, limit| Duration::from_millis(rng.random_range(0..limit));
        match rng.random_range(0..100) {
            0..15 => Self::Early(millis(rng, LEASE_SECONDS * 1000)),
            15..35 => Self::Working(millis(rng, 500)),
            35..50 => Self::Working(millis(rng, 4000)),
            _ => {
                let moment = Moment::ALL[rng.random_range(0..Moment::ALL.len())];
                Self::Until(moment, millis(rng, 25))
            }
        }
    }
}

#[derive(Default)]
struct Kills {
    all: usize,
    by_kind: BTreeMap<&'static str, usize>,
    /// Ends that were not ours.
    own_ends: usize,
}

impl Kills {
    fn count(&mut self, life: &Life) {
        self.all += 1;
        let kind = match life {
            Life::Early(_) => "up to 2 s after its start",
            Life::Working(_) => "up to 4 s after it had the lease",
            Life::Until(..) => "within 25 ms of a write",
            Life::Long(_) => "after a long life",
        };
        *self.by_kind.entry(kind).or_default() += 1;
    }
}

fn report(recording: &Recording, analysis: &Analysis, kills: &Kills, churn: &Churn) -> String {
    let mut lines = vec![format!("{} kills, {} ends by itself", kills.all, kills.own_ends)];
    lines.extend(kills.by_kind.iter().map(|(kind, count)| format!("  {count:>6} {kind}")));
    let Analysis { entries, first, last, governed, isolated, recreated, recreated_isolated, .. } = analysis;
    lines.push(format!("{governed} governed namespace UIDs, {isolated} of them isolated"));
    lines.push(format!(
        "{recreated} re-created under the same name, {recreated_isolated} of them isolated after one that was"
    ));
    for (what, times) in [
        ("from creation to isolation", &analysis.isolated_after),
        ("from removal to re-creation", &analysis.recreated_after),
    ] {
        let middle = times.get(times.len() / 2).map(|(time, _)| *time).unwrap_or_default();
        let (most, name) = times.last().cloned().unwrap_or_default();
        lines.push(format!("{what}: {middle:.0?} in the middle, {most:.0?} at most ({name})"));
    }
    lines.push(format!(
        "{} pods; {} policies written, {} deleted, default-deny written again {} times",
        analysis.pods, analysis.policies_written, analysis.policies_deleted, analysis.deny_rewritten
    ));
    lines.push(format!(
        "{entries} changes recorded, revisions {first} to {last}; watches resumed {} times, {} bookmarks",
        recording.resumed, recording.bookmarks
    ));
    lines.extend(churn.counts().all().into_iter().map(|(what, count)| format!("  {count:>6} {what}")));
    lines.push(format!("{} violations", analysis.violations.len()));
    lines.join("\n")
}

fn judge(
    goals: &Goals,
    recording: &Recording,
    analysis: &Analysis,
    kills: &Kills,
    churn: &Churn,
) -> Result<()> {
    let problems = churn.problems();
    ensure!(
        problems.is_empty(),
        "{} things went wrong in the churn: {:#?}",
        problems.len(),
        first(&problems, 5)
    );
    let violations: Vec<String> = analysis.violations.iter().map(ToString::to_string).collect();
    ensure!(violations.is_empty(), "{} violations: {:#?}", violations.len(), first(&violations, 20));
    let counts = churn.counts();
    ensure!(counts.get(DRIFT_ACCEPTED) == 0, "the guards let {} changes through", counts.get(DRIFT_ACCEPTED));
    let late = kills.all - kills.by_kind.get("up to 2 s after its start").copied().unwrap_or_default();
    for (what, count, least) in [
        ("kills", kills.all, goals.kills),
        ("kills of an operator at work", late, goals.kills / 2),
        ("isolated namespace UIDs", analysis.isolated, goals.isolated),
        ("re-created and isolated namespaces", analysis.recreated_isolated, goals.recreated),
        ("pods", analysis.pods, goals.isolated / 4),
        ("pods refused by the gate", counts.get(GATE_REFUSED), goals.isolated),
        ("attempts of drift", counts.get(DRIFT_REFUSED), goals.kills),
        ("marks of an earlier version", counts.get(TOUCHED), goals.kills / 4),
        ("default-denies written again", analysis.deny_rewritten, goals.kills / 4),
        ("resumed watches", recording.resumed, 3),
    ] {
        ensure!(count >= least, "{count} {what} are too few to show anything; wanted {least}");
    }
    Ok(())
}

fn first(texts: &[String], count: usize) -> &[String] {
    &texts[..texts.len().min(count)]
}

async fn client(kubeconfig: &Path) -> Result<Client> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

fn faulty_operator() -> Result<PathBuf> {
    let path = std::env::var_os("SNC_FAULT_BIN").context(
        "SNC_FAULT_BIN does not name the operator with the planted fault; `cargo xtask test --only e2e` builds it",
    )?;
    Ok(path.into())
}
