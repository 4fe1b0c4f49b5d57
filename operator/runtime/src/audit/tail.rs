pub mod metrics;

use crate::args::audit::AuditTailArgs;
use crate::start;
use anyhow::{Context, Result, anyhow, bail};
use metrics::Metrics;
use snc_health::Health;
use snc_sink::intake::tls::Reload;
use snc_sink::journal::{Os, ServerName};
use snc_sink::tail::{self, Follower, Numbers, Remote, Settings};
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub fn main(args: AuditTailArgs) -> Result<()> {
    start::log(args.log_format);
    start::tls_provider()?;
    start::until_stopped(|cancel| run(args, cancel))
}

async fn run(args: AuditTailArgs, cancel: CancellationToken) -> Result<()> {
    let AuditTailArgs { file, server, to, tls_dir, state_dir, listen, log_format: _ } = args;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), server, "snc-operator audit-tail");
    let server = ServerName::new(&server).context("--server")?;
    if !file.is_absolute() {
        bail!("--log: got {:?}; accepted: an absolute path", file.display());
    }
    let state = state_dir.join(format!("{server}.position"));
    let settings = Settings::new(file, server, state.clone());
    let follower = Follower::open(Arc::new(Os), settings)
        .with_context(|| format!("--state-dir: {}", state.display()))?;
    let tls = Arc::new(Reload::client(&tls_dir));
    let remote = Remote::new(&to, tls.clone()).context("--to")?;
    let numbers = Arc::new(Numbers::default());
    let listener = TcpListener::bind(listen).await.map_err(|error| anyhow!("listen on {listen}: {error}"))?;
    tracing::info!(address = %listener.local_addr()?, "listening");
    let seen = Arc::new(Seen { tls: tls.clone(), numbers: numbers.clone(), metrics: Metrics::new()? });
    let mut tasks: JoinSet<&'static str> = JoinSet::new();
    tasks.spawn(tls.keep());
    tasks.spawn(snc_health::serve(listener, seen));
    tasks.spawn(tail::run(follower, Arc::new(remote), numbers, cancel.clone()));
    let ended = tasks.join_next().await;
    match ended {
        Some(Ok(_)) if cancel.is_cancelled() => Ok(()),
        Some(Ok(name)) => bail!("{name} ended"),
        Some(Err(error)) => bail!("a task failed: {error}"),
        None => bail!("no task runs"),
    }
}

/// What a tailer says of itself.
struct Seen {
    tls: Arc<Reload<rustls::ClientConfig>>,
    numbers: Arc<Numbers>,
    metrics: Metrics,
}

impl Health for Seen {
    /// Ready once it has what it needs to reach the sink, and as long as reading and delivering work.
    fn readiness(&self) -> (bool, String) {
        let mut detail = String::new();
        let paired = self.tls.current().is_some();
        if let Some(doubt) = self.tls.doubt() {
            let _ = writeln!(detail, "[{}]certificate {doubt}", if paired { '!' } else { '-' });
        }
        let failing = self.numbers.failing.load(Ordering::Relaxed);
        let behind = self.numbers.behind.load(Ordering::Relaxed);
        let _ = writeln!(detail, "[{}]delivery, {behind} bytes behind", if failing { '-' } else { '+' });
        (paired && !failing, detail)
    }

    fn numbers(&self) -> prometheus::Result<Vec<u8>> {
        self.metrics.text(&self.numbers)
    }
}

#[cfg(test)]
mod tests;
