pub mod audit;

use clap::{Parser, Subcommand, ValueEnum};
use snc_core::lang::Lang;
use snc_core::names::OPERATOR_NAMESPACE;
use snc_registry::{Files, Verifiers, Wall};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

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
    /// Answers the API server about what is written in the namespaces of tenants.
    Webhook(WebhookArgs),
    /// Before an upgrade: rewrites what is stored in a version that our CRDs no longer store, then strikes that version out of
    /// their status.storedVersions.
    Migrate(MigrateArgs),
    /// Before the chart goes: stops the operator, then removes what would refuse for ever without it.
    Uninstall(UninstallArgs),
    /// Asks the API server whether what was installed works: lease, CRDs, guards, webhook, by what is there and by what is
    /// refused. Writes nothing. Ends with 1 unless everything is in order.
    Check(CheckArgs),
    /// Measures by packets whether the cluster's network enforces NetworkPolicies, and writes down what came of it. Ends
    /// with 1 unless it does.
    #[command(args_conflicts_with_subcommands = true)]
    Probe(ProbeArgs),
    /// Takes in what API servers record, from their audit webhooks and log files, keeps it sealed, and gives each tenant its
    /// own.
    AuditSink(Box<audit::AuditSinkArgs>),
    /// Beside an API server: sends its audit log file to the sink, from where it was.
    AuditTail(audit::AuditTailArgs),
    /// Prints the audit policy that API servers have to be given, as YAML.
    AuditPolicy(audit::AuditPolicyArgs),
    /// Prints the CustomResourceDefinitions as YAML.
    Crds,
    /// Prints the metrics of all processes, as Markdown.
    Metrics,
    /// Prints the ValidatingAdmissionPolicies and bindings that the controller keeps in the cluster, as YAML.
    Guards(IdentityArgs),
}

#[derive(Debug, clap::Args)]
pub struct IdentityArgs {
    /// Namespace that the operator runs in.
    #[arg(long, env = "SNC_OPERATOR_NAMESPACE", default_value = OPERATOR_NAMESPACE)]
    pub operator_namespace: String,
    /// ServiceAccount that the operator runs as; the guards let it, and nobody else, through.
    #[arg(long, env = "SNC_SERVICE_ACCOUNT", default_value = "snc-controller")]
    pub service_account: String,
    /// Language of what the operator writes: fr or en.
    #[arg(long, env = "SNC_LANGUAGE", default_value = "fr")]
    pub language: Lang,
    /// A group of people whom refusals of workloads do not hold up, each use being counted and noted. None by default;
    /// not one of Kubernetes' own (system:…).
    #[arg(long, env = "SNC_BYPASS_GROUP", value_parser = bypass_group)]
    pub bypass_group: Option<String>,
}

/// As in the chart, nothing is nobody.
fn bypass_group(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("a group, or no --bypass-group at all".to_owned()),
        group if group.starts_with("system:") => {
            Err("one of Kubernetes' own groups, which hold more than a few people; accepted: a group of the identity provider".to_owned())
        }
        group if group.len() > 253 || group.chars().any(char::is_control) => {
            Err("at most 253 characters, none of them a control character".to_owned())
        }
        group => Ok(group.to_owned()),
    }
}

/// How registries are asked whether an image is signed. Only the places that baselines declare keys for are asked.
#[derive(Debug, clap::Args)]
pub struct RegistryArgs {
    /// Credentials to read with: .dockerconfigjson of a mounted Secret. Read again every thirty seconds, as is the next.
    #[arg(long = "registry-credentials", env = "SNC_REGISTRY_CREDENTIALS")]
    pub credentials: Option<PathBuf>,
    /// Authorities that the registries' certificates have to come from, in PEM; without it those of the image.
    #[arg(long = "registry-authorities", env = "SNC_REGISTRY_AUTHORITIES")]
    pub authorities: Option<PathBuf>,
    /// Where a registry lets its tokens be made by another server: registry=server, both host[:port].
    #[arg(long = "registry-token-servers", env = "SNC_REGISTRY_TOKEN_SERVERS", value_delimiter = ',', value_parser = token_server)]
    pub token_servers: Vec<(String, String)>,
}

impl RegistryArgs {
    pub fn verifiers(self) -> Verifiers {
        let files = Files {
            credentials: self.credentials,
            authorities: self.authorities,
            token_servers: self.token_servers.into_iter().collect(),
        };
        Verifiers::new(files, Arc::new(Wall))
    }
}

fn token_server(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(registry, server)| !registry.is_empty() && !server.is_empty());
    let (registry, server) = pair.ok_or("registry=server, both host[:port]")?;
    Ok((registry.to_owned(), server.to_owned()))
}

#[derive(Debug, clap::Args)]
pub struct ControllerArgs {
    #[command(flatten)]
    pub identity: IdentityArgs,
    #[command(flatten)]
    pub registries: RegistryArgs,
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
    /// How often the canary tenant tries what no tenant may do, by dry run; besides that after each change of a guard.
    #[arg(long, env = "SNC_CANARY_SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(5..=86_400))]
    pub canary_seconds: u64,
    /// How the API server reaches `snc-operator webhook`: service, https://host:port where it runs outside of the
    /// cluster, or off. Off removes what the API server was told of it; without this it is left alone.
    #[arg(long, env = "SNC_WEBHOOK", value_parser = webhook)]
    pub webhook: Option<Reach>,
    /// Who keeps the Secret snc-webhook-tls: own, the operator by an authority of its own, or external, for example
    /// cert-manager.
    #[arg(long, env = "SNC_WEBHOOK_CERTIFICATES", value_enum, default_value_t = Certificates::Own)]
    pub webhook_certificates: Certificates,
    /// How long a new authority of the webhook's certificates is trusted before it signs.
    #[arg(long, env = "SNC_WEBHOOK_OVERLAP_SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub webhook_overlap_seconds: u64,
    /// Form of the log.
    #[arg(long, env = "SNC_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,
}

#[derive(Debug, clap::Args)]
pub struct WebhookArgs {
    #[command(flatten)]
    pub identity: IdentityArgs,
    #[command(flatten)]
    pub registries: RegistryArgs,
    /// Namespace of the canary pod: it carries a tenant label and is never isolated.
    #[arg(long, env = "SNC_CANARY_NAMESPACE", default_value = "snc-canary")]
    pub canary_namespace: String,
    /// Where the API server asks; port 0 takes a free one and the log says which.
    #[arg(long, env = "SNC_WEBHOOK_LISTEN", default_value = "0.0.0.0:8443")]
    pub listen: SocketAddr,
    /// Where /livez, /readyz and /metrics are served, without TLS.
    #[arg(long, env = "SNC_LISTEN", default_value = "0.0.0.0:8080")]
    pub metrics_listen: SocketAddr,
    /// Directory of the mounted Secret: tls.crt, tls.key and ca.crt. Read again every two seconds.
    #[arg(long, env = "SNC_TLS_DIR", default_value = "/etc/snc/tls")]
    pub tls_dir: PathBuf,
    /// Name that the API server asks for; snc-webhook.<operator namespace>.svc by default.
    #[arg(long, env = "SNC_WEBHOOK_SERVER_NAME")]
    pub server_name: Option<String>,
    /// How long what is under way may take to end after SIGTERM; half of it, at most 5 s, nobody is sent here any more.
    #[arg(long, env = "SNC_SHUTDOWN_SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub shutdown_seconds: u64,
    /// Form of the log.
    #[arg(long, env = "SNC_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,
}

#[derive(Debug, clap::Args)]
pub struct MigrateArgs {
    /// Objects that are asked for at once.
    #[arg(long, env = "SNC_PAGE_SIZE", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=5000))]
    pub page_size: u32,
    /// How long every API server may take to store in a version that a CRD was just given.
    #[arg(long, env = "SNC_SETTLE_SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=600))]
    pub settle_seconds: u64,
    /// Language of what is printed: fr or en.
    #[arg(long, env = "SNC_LANGUAGE", default_value = "fr")]
    pub language: Lang,
    /// Form of the log.
    #[arg(long, env = "SNC_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,
}

#[derive(Debug, clap::Args)]
pub struct UninstallArgs {
    #[command(flatten)]
    pub identity: IdentityArgs,
    /// Remove the isolation of every tenant, what was declared and the CRDs as well; takes the words yes-remove-isolation.
    #[arg(long, env = "SNC_REMOVE_EVERYTHING", value_enum)]
    pub remove_everything: Option<Confirmed>,
    /// How long the operator may take to stop; if it takes longer nothing is removed.
    #[arg(long, env = "SNC_WAIT_SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub wait_seconds: u64,
    /// Form of the log.
    #[arg(long, env = "SNC_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,
}

#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    #[command(flatten)]
    pub identity: IdentityArgs,
    /// Namespace of the canary pod; that of the canary tenant is beside it.
    #[arg(long, env = "SNC_CANARY_NAMESPACE", default_value = "snc-canary")]
    pub canary_namespace: String,
    /// As the controller is told: off, and nobody is meant to answer as the webhook.
    #[arg(long, env = "SNC_WEBHOOK", value_parser = webhook, default_value = "service")]
    pub webhook: Reach,
    /// How long what has just been installed may take to be in order.
    #[arg(long, env = "SNC_WAIT_SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub wait_seconds: u64,
    /// Form of the log.
    #[arg(long, env = "SNC_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,
}

#[derive(Debug, clap::Args)]
pub struct ProbeArgs {
    #[command(subcommand)]
    pub packets: Option<Packets>,
    /// Namespace that the operator runs in.
    #[arg(long, env = "SNC_OPERATOR_NAMESPACE", default_value = OPERATOR_NAMESPACE)]
    pub operator_namespace: String,
    /// Image of the two pods: the operator's own.
    #[arg(long, env = "SNC_PROBE_IMAGE")]
    pub image: Option<String>,
    #[arg(long, env = "SNC_PROBE_PULL_POLICY", default_value = "IfNotPresent")]
    pub pull_policy: String,
    /// Names of Secrets, in both namespaces of the pods.
    #[arg(long, env = "SNC_PROBE_PULL_SECRETS", value_delimiter = ',')]
    pub pull_secrets: Vec<String>,
    /// How long it may take from the first pod to the last.
    #[arg(long, env = "SNC_PROBE_WAIT_SECONDS", default_value_t = 180, value_parser = clap::value_parser!(u64).range(30..=600))]
    pub wait_seconds: u64,
    /// Language of what is printed: fr or en.
    #[arg(long, env = "SNC_LANGUAGE", default_value = "fr")]
    pub language: Lang,
    /// Form of the log.
    #[arg(long, env = "SNC_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,
}

/// What its pods run.
#[derive(Debug, Subcommand)]
pub enum Packets {
    /// Answers on three ports, and says in the end what came.
    #[command(hide = true)]
    Serve {
        #[arg(long, default_value = "/dev/termination-log")]
        to: PathBuf,
    },
    /// Asks another pod on three ports, and says which answered.
    #[command(hide = true)]
    Ask {
        #[arg(required = true, value_delimiter = ',')]
        addresses: Vec<IpAddr>,
        #[arg(long, default_value = "/dev/termination-log")]
        to: PathBuf,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Confirmed {
    YesRemoveIsolation,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    Off,
    Service,
    Url(String),
}

fn webhook(text: &str) -> Result<Reach, String> {
    match text {
        "off" => Ok(Reach::Off),
        "service" => Ok(Reach::Service),
        url if url.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.contains('/')) => {
            Ok(Reach::Url(url.to_owned()))
        }
        _ => Err("service, off or https://host:port".to_owned()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Certificates {
    Own,
    External,
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
