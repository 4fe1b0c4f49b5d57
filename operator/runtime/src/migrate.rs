use crate::args::MigrateArgs;
use crate::start;
use anyhow::{Result, bail};
use snc_controllers::{Migration, migrate};
use std::time::Duration;

pub fn main(args: MigrateArgs) -> Result<()> {
    let MigrateArgs { language, page_size, settle_seconds, log_format } = args;
    start::log(log_format);
    start::tls_provider()?;
    let asked = Migration {
        lang: language,
        page: page_size,
        settle: Duration::from_secs(settle_seconds),
        say: start::say,
    };
    start::until_stopped(|cancel| async move {
        tokio::select! {
            done = migrate(start::cluster().await?, asked) => Ok(done?),
            () = cancel.cancelled() => bail!("stopped before the end; the same command goes on from there"),
        }
    })
}
