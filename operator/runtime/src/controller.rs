use crate::args::{Certificates, ControllerArgs, Reach, Reports};
use crate::print::identity;
use crate::start;
use anyhow::Result;
use snc_controllers::{Config, Source, Webhook, run};
use snc_plan::Settings;
use snc_plan::objects::report::Format;
use snc_plan::webhook::Reached;
use std::time::Duration;

pub fn main(args: ControllerArgs) -> Result<()> {
    let ControllerArgs {
        identity: who,
        registries,
        canary_namespace,
        listen,
        shutdown_seconds,
        lease_duration_seconds,
        reports,
        canary_seconds,
        webhook,
        webhook_certificates,
        webhook_overlap_seconds,
        log_format,
    } = args;
    start::log(log_format);
    start::tls_provider()?;
    let source = match webhook_certificates {
        Certificates::Own => Source::Own,
        Certificates::External => Source::External,
    };
    let overlap = Duration::from_secs(webhook_overlap_seconds);
    let config = Config {
        settings: Settings { lang: who.language, identity: identity(&who), canary_namespace },
        instance: start::instance(),
        lease_duration: Duration::from_secs(lease_duration_seconds),
        listen,
        drain: Duration::from_secs(shutdown_seconds),
        reports: match reports {
            Reports::Openreports => Some(Format::OpenReports),
            Reports::Wgpolicy => Some(Format::PolicyReports),
            Reports::None => None,
        },
        canary_every: Duration::from_secs(canary_seconds),
        webhook: webhook.map(|reach| match reach {
            Reach::Off => Webhook::Off,
            Reach::Service => Webhook::On { reached: Reached::Service, source, overlap },
            Reach::Url(url) => Webhook::On { reached: Reached::Url(url), source, overlap },
        }),
        registries: registries.verifiers(),
    };
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        instance = config.instance,
        "snc-operator controller"
    );
    start::until_stopped(|cancel| async move {
        Box::pin(run(start::cluster().await?, config, cancel)).await.map_err(|error| {
            tracing::error!(kind = error.kind(), %error, "stopping");
            error.into()
        })
    })
}
