use crate::args::{CheckArgs, Reach};
use crate::print::identity;
use crate::start;
use anyhow::{Result, bail};
use snc_controllers::{Check, check};
use snc_core::lang::Lang;
use snc_plan::Settings;
use snc_plan::webhook::Reached;
use std::time::Duration;

pub fn main(args: CheckArgs) -> Result<()> {
    let CheckArgs { identity: who, canary_namespace, webhook, wait_seconds, log_format } = args;
    start::log(log_format);
    start::tls_provider()?;
    let lang = who.language;
    let asked = Check {
        settings: Settings { lang, identity: identity(&who), canary_namespace },
        webhook: match webhook {
            Reach::Off => None,
            Reach::Service => Some(Reached::Service),
            Reach::Url(url) => Some(Reached::Url(url)),
        },
        patience: Duration::from_secs(wait_seconds),
        say: start::say,
    };
    start::until_stopped(|cancel| async move {
        let found = tokio::select! {
            found = check(start::cluster().await?, asked) => found?,
            () = cancel.cancelled() => bail!("stopped before the end"),
        };
        if !found {
            bail!(match lang {
                Lang::Fr => "l'installation n'est pas en ordre",
                Lang::En => "the installation is not in order",
            });
        }
        Ok(())
    })
}
