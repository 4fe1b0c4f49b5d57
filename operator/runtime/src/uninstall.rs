use crate::args::UninstallArgs;
use crate::print::identity;
use crate::start;
use anyhow::{Result, bail};
use snc_controllers::{Uninstall, uninstall};
use snc_plan::Settings;
use std::time::Duration;

pub fn main(args: UninstallArgs) -> Result<()> {
    let UninstallArgs { identity: who, remove_everything, wait_seconds, log_format } = args;
    start::log(log_format);
    start::tls_provider()?;
    let settings =
        // No canary is looked at.
        Settings { lang: who.language, identity: identity(&who), canary_namespace: String::new() };
    let asked = Uninstall {
        settings,
        instance: start::instance(),
        everything: remove_everything.is_some(),
        patience: Duration::from_secs(wait_seconds),
        say: start::say,
    };
    start::until_stopped(|cancel| async move {
        tokio::select! {
            done = uninstall(start::cluster().await?, asked) => Ok(done?),
            () = cancel.cancelled() => bail!("stopped before the end; the same command goes on from there"),
        }
    })
}
