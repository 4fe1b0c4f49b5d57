use clap::{Parser, Subcommand, ValueEnum};
use snc_core::lang::Lang;
use std::net::SocketAddr;

/// SecNumCloud operator for Kubernetes.
#[derive(Debug, Parser)]
#[command(name = "snc-operator", version)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs the controller against the cluster of KUBECONFIG, or the one it runs in.
    Controller(ControllerArgs),
    /// Prints the CustomResourceDefinitions as YAML.
    Crds,
    /// Prints the ValidatingAdmissionPolicies and bindings that the controller keeps in the cluster, as YAML.
    Guards(IdentityArgs),
}

#[derive(Debug, clap::Args)]
pub struct IdentityArgs {
    /// Namespace that the operator runs in.
    #[arg(long, env = "SNC_OPERATOR_NAMESPACE", default_value = "snc-system")]
    pub operator_namespace: String,
    /// ServiceAccount that the operator runs as; the guards let it, and nobody else, through.
    #[arg(long, env = "SNC_SERVICE_ACCOUNT", default_value = "snc-controller")]
    pub service_account: String,
    /// Language of what the operator writes: fr or en.
    #[arg(long, env = "SNC_LANGUAGE", default_value = "fr")]
    pub language: Lang,
}

#[derive(Debug, clap::Args)]
pub struct ControllerArgs {
    #[command(flatten)]
    pub identity: IdentityArgs,
    /// Namespace of the canary pod: it carries a tenant label and is never isolated.
    #[arg(long, env = "SNC_CANARY_NAMESPACE", default_value = "snc-canary")]
    pub canary_namespace: String,
    /// Where /livez, /readyz and /metrics are served; port 0 takes a free one and the log says which.
    #[arg(long, env = "SNC_LISTEN", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,
    /// How long what is under way may take to end after SIGTERM.
    #[arg(long, env = "SNC_SHUTDOWN_SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub shutdown_seconds: u64,
    /// How long the lease holds after its last renewal.
    #[arg(long, env = "SNC_LEASE_DURATION_SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(2..=300))]
    pub lease_duration_seconds: u64,
    /// Reports for other tools, one per namespace: openreports (openreports.io/v1alpha1), wgpolicy
    /// (wgpolicyk8s.io/v1alpha2) or none. Written where their kinds are installed.
    #[arg(long, env = "SNC_REPORTS", value_enum, default_value_t = Reports::Openreports)]
    pub reports: Reports,
    /// Form of the log.
    #[arg(long, env = "SNC_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Json,
    Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Reports {
    Openreports,
    Wgpolicy,
    None,
}
