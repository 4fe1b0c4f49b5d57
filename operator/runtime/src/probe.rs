//! `snc-operator probe`: whether the network does what NetworkPolicies say. The two other commands are what its pods run.

mod ask;
mod serve;

use crate::args::{Packets, ProbeArgs};
use crate::start;
use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use snc_controllers::{Probe, measure};
use snc_plan::probe::{Image, Measured, Probed, sides};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

pub fn main(args: ProbeArgs) -> Result<()> {
    match args.packets {
        Some(Packets::Serve { to }) => serve::main(&to),
        Some(Packets::Ask { addresses, to }) => ask::main(&addresses, &to),
        None => run(args),
    }
}

fn run(args: ProbeArgs) -> Result<()> {
    start::log(args.log_format);
    start::tls_provider()?;
    let image =
        args.image.context("--image (SNC_PROBE_IMAGE): the image of both pods, the operator's own")?;
    let pull_secrets = args.pull_secrets.into_iter().filter(|name| !name.is_empty()).collect();
    let image = Image { name: image, pull_policy: args.pull_policy, pull_secrets };
    let patience = Duration::from_secs(args.wait_seconds);
    let probe = Probe { namespace: args.operator_namespace, image, patience };
    let lang = args.language;
    start::until_stopped(|cancel| async move {
        let measured = tokio::select! {
            measured = async { Ok::<Measured, anyhow::Error>(measure(start::cluster().await?, probe).await?) } => measured?,
            () = cancel.cancelled() => bail!("stopped before the end; nothing was written"),
        };
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&measured)?)?;
        match measured.judge(Timestamp::now()) {
            Probed::Enforced { .. } => Ok(()),
            Probed::Disproved(through) => bail!(
                "{} {}",
                lang.str("interdit, et passé :", "forbidden, and let through:"),
                sides(&through).get(lang)
            ),
            Probed::Inconclusive(why) | Probed::Unread(why) => {
                bail!("{} {}", lang.str("rien de prouvé :", "nothing proven:"), why.get(lang))
            }
            Probed::Never => bail!("{}", lang.str("rien de mesuré", "nothing measured")),
        }
    })
}

/// What the kubelet takes for the pod's last words.
fn tell(to: &Path, what: &impl serde::Serialize) -> Result<()> {
    std::fs::write(to, serde_json::to_vec(what)?).with_context(|| format!("write {}", to.display()))
}

#[cfg(test)]
mod tests;
