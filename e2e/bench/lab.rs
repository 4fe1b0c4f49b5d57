//! A control plane with the chart's rights, and the operator as a process whose cost can be read.

use anyhow::{Context, Result, bail, ensure};
use snc_e2e::api::Api;
use snc_e2e::cluster::{OPERATOR, OPERATOR_ACCOUNT, OPERATOR_NAMESPACE};
use snc_e2e::http;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use xtask::harness::{Builder, ControlPlane, ProcessSpec, Toolchain, User, workspace};

/// Inside the cluster; the API server itself is the bottleneck here.
const CLIENTS: usize = 8;

pub struct Lab {
    pub plane: ControlPlane,
    pub admin: Api,
    operator_kubeconfig: PathBuf,
    _runtime: Runtime,
}

/// What a process used so far.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    pub cpu: f64,
    pub rss_mib: f64,
    pub peak_mib: f64,
}

impl Lab {
    pub fn start() -> Result<Self> {
        let plane = Builder::ephemeral("bench")?.start(&Toolchain::ensure()?)?;
        plane.install_chart(&[])?;
        let operator_kubeconfig =
            plane.token_kubeconfig(OPERATOR_NAMESPACE, OPERATOR_ACCOUNT, Duration::from_secs(4 * 3600))?;
        let runtime = Runtime::new()?;
        let admin = Api::new(runtime.handle(), &plane.kubeconfig(User::Admin))?;
        Ok(Self { admin, operator_kubeconfig, plane, _runtime: runtime })
    }

    pub fn start_operator(&self) -> Result<Instant> {
        let env =
            [("KUBECONFIG", self.operator_kubeconfig.display().to_string()), ("NO_COLOR", "1".to_owned())];
        let args = ["controller", "--log-format", "text", "--listen", "127.0.0.1:0"];
        let spec = ProcessSpec {
            program: workspace::binary("snc-operator")?,
            args: args.map(ToOwned::to_owned).into(),
            env: env.map(|(key, value)| (key.to_owned(), Some(value))).into(),
            clean_env: true,
            dir: None,
        };
        let started = Instant::now();
        self.plane.instance().spawn_spec(OPERATOR, &spec)?;
        Ok(started)
    }

    pub fn stop_operator(&self) -> Result<()> {
        self.plane.instance().terminate(OPERATOR)
    }

    pub fn metrics(&self) -> Result<BTreeMap<String, f64>> {
        let log = fs::read_to_string(self.plane.instance().log_path(OPERATOR))?;
        let address = log.rsplit_once("listening address=").context("it does not listen yet")?.1;
        let (status, text) = http::get(address.split_whitespace().next().unwrap_or_default(), "/metrics")?;
        ensure!(status == 200, "{status}: {text}");
        let number = |(series, value): (String, String)| {
            let number = value.parse().with_context(|| value.clone())?;
            Ok((series, number))
        };
        http::samples(&text)?.into_iter().map(number).collect()
    }

    /// Looks every 20 ms; whoever asks more often measures its own asking.
    pub fn until(
        &self,
        what: &str,
        limit: Duration,
        reached: impl Fn(&BTreeMap<String, f64>) -> bool,
    ) -> Result<()> {
        let started = Instant::now();
        loop {
            xtask::harness::interrupt::check()?;
            let seen = self.metrics();
            if seen.as_ref().is_ok_and(&reached) {
                return Ok(());
            }
            if started.elapsed() > limit {
                let told = seen
                    .map(|m| m.into_iter().filter(|(n, _)| n.starts_with("snc_names")).collect::<Vec<_>>());
                bail!("{what}: not reached in {} s; {told:?}", limit.as_secs());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn usage(&self, process: &str) -> Result<Usage> {
        let record = self.plane.instance().process(process)?;
        usage_of(record.identity.context("it does not run")?.pid)
    }

    /// Does all of it with several clients at once.
    pub fn each<T: Sync>(&self, items: &[T], act: impl Fn(&Api, &T) -> Result<()> + Sync) -> Result<()> {
        let size = items.len().div_ceil(CLIENTS).max(1);
        std::thread::scope(|scope| {
            let tasks: Vec<_> = items
                .chunks(size)
                .map(|part| {
                    let (admin, act) = (self.admin.clone(), &act);
                    scope.spawn(move || part.iter().try_for_each(|item| act(&admin, item)))
                })
                .collect();
            for task in tasks {
                match task.join() {
                    Ok(result) => result?,
                    Err(_) => bail!("a client failed"),
                }
            }
            Ok(())
        })
    }

    pub fn stop(self) -> Result<()> {
        self.plane.stop()
    }
}

pub fn usage_of(pid: i32) -> Result<Usage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit_once(')').context("stat")?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(11..13).context("stat")?.iter().filter_map(|t| t.parse::<f64>().ok()).sum();
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let mib = |key: &str| -> Result<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(key)).context("status")?;
        Ok(line.split_whitespace().next().context("status")?.parse::<f64>()? / 1024.0)
    };
    Ok(Usage { cpu: ticks / 100.0, rss_mib: mib("VmRSS:")?, peak_mib: mib("VmHWM:")? })
}
