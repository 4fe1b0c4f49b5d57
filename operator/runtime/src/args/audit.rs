use super::LogFormat;
use clap::ValueEnum;
use snc_core::lang::Lang;
use snc_core::names::{AUDIT_NAMESPACE, OPERATOR_NAMESPACE};
use std::net::SocketAddr;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub struct AuditSinkArgs {
    /// Directory of the journal, the signing keys and the state; what is acknowledged is here.
    #[arg(long, env = "SNC_AUDIT_DATA_DIR", default_value = "/var/lib/snc-audit")]
    pub data_dir: PathBuf,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub anchor: AnchorArgs,
    #[command(flatten)]
    pub syslog: SyslogArgs,
    #[command(flatten)]
    pub intake: IntakeArgs,
    /// Where the log is read, by HTTPS and a token; port 0 takes a free one and the log says which.
    #[arg(long, env = "SNC_AUDIT_SERVE_LISTEN", default_value = "0.0.0.0:8446")]
    pub serve_listen: SocketAddr,
    /// Directory with tls.crt and tls.key for that; by default --tls-dir. Read again every two seconds.
    #[arg(long, env = "SNC_AUDIT_SERVE_TLS_DIR")]
    pub serve_tls_dir: Option<PathBuf>,
    /// Take a person's own token there, although it was made for the API server: whoever has no other, and acknowledges
    /// alarms. Tokens of pods have to be made for snc-audit-log in any case.
    #[arg(long, env = "SNC_AUDIT_ACCEPT_PEOPLE")]
    pub accept_people: bool,
    /// Where /livez, /readyz and /metrics are served, without TLS.
    #[arg(long, env = "SNC_LISTEN", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,
    /// The audit policy that the API servers run with: what it leaves out is told. Without it that is known only by what
    /// comes.
    #[arg(long, env = "SNC_AUDIT_POLICY", value_name = "FILE")]
    pub policy: Option<PathBuf>,
    #[command(flatten)]
    pub sealing: SealingArgs,
    #[command(flatten)]
    pub detection: DetectionArgs,
    /// Beside API servers of a cluster that is not asked anything: every event is the platform's, nobody reads over the
    /// network, and retention is what it was.
    #[arg(long, env = "SNC_AUDIT_WITHOUT_CLUSTER")]
    pub without_cluster: bool,
    /// How long what is under way may take to end after SIGTERM.
    #[arg(long, env = "SNC_SHUTDOWN_SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub shutdown_seconds: u64,
    /// Language of what the sink writes: fr or en.
    #[arg(long, env = "SNC_LANGUAGE", default_value = "fr")]
    pub language: Lang,
    /// Form of the log.
    #[arg(long, env = "SNC_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,
}

#[derive(Debug, clap::Args)]
pub struct StoreArgs {
    /// Where sealed segments are kept: /directory or `s3://bucket/prefix`; by default the directory `store` of the data.
    #[arg(id = "store-url", long = "store", env = "SNC_AUDIT_STORE", value_name = "URL")]
    pub url: Option<String>,
    /// Of a server that is not Amazon's: `https://host[:port]`.
    #[arg(
        id = "store-endpoint",
        long = "store-endpoint",
        env = "SNC_AUDIT_STORE_ENDPOINT",
        value_name = "URL"
    )]
    pub endpoint: Option<String>,
    #[arg(id = "store-region", long = "store-region", env = "SNC_AUDIT_STORE_REGION", value_name = "REGION")]
    pub region: Option<String>,
    /// Directory with access-key-id and secret-access-key (and session-token); without it the AWS_… variables.
    #[arg(
        id = "store-credentials",
        long = "store-credentials",
        env = "SNC_AUDIT_STORE_CREDENTIALS",
        value_name = "DIRECTORY"
    )]
    pub credentials: Option<PathBuf>,
    /// Authorities that the endpoint's certificate has to come from, in PEM.
    #[arg(id = "store-ca", long = "store-ca", env = "SNC_AUDIT_STORE_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct AnchorArgs {
    /// A second place for signed heads, best one that nobody can delete from: `s3://bucket/prefix` or /directory.
    #[arg(id = "anchor-url", long = "anchor", env = "SNC_AUDIT_ANCHOR", value_name = "URL")]
    pub url: Option<String>,
    #[arg(
        id = "anchor-endpoint",
        long = "anchor-endpoint",
        env = "SNC_AUDIT_ANCHOR_ENDPOINT",
        value_name = "URL"
    )]
    pub endpoint: Option<String>,
    #[arg(
        id = "anchor-region",
        long = "anchor-region",
        env = "SNC_AUDIT_ANCHOR_REGION",
        value_name = "REGION"
    )]
    pub region: Option<String>,
    /// As --store-credentials.
    #[arg(
        id = "anchor-credentials",
        long = "anchor-credentials",
        env = "SNC_AUDIT_ANCHOR_CREDENTIALS",
        value_name = "DIRECTORY"
    )]
    pub credentials: Option<PathBuf>,
    #[arg(id = "anchor-ca", long = "anchor-ca", env = "SNC_AUDIT_ANCHOR_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct SyslogArgs {
    /// A receiver of RFC 5424 over TLS, host[:port], that everything is forwarded to.
    #[arg(
        id = "syslog-address",
        long = "syslog",
        env = "SNC_AUDIT_SYSLOG",
        requires = "syslog-ca",
        value_name = "ADDRESS"
    )]
    pub address: Option<String>,
    /// Authorities of its certificate, in PEM.
    #[arg(id = "syslog-ca", long = "syslog-ca", env = "SNC_AUDIT_SYSLOG_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// What its certificate is for, where that is not the host.
    #[arg(
        id = "syslog-name",
        long = "syslog-server-name",
        env = "SNC_AUDIT_SYSLOG_SERVER_NAME",
        value_name = "NAME"
    )]
    pub name: Option<String>,
    /// Directory with tls.crt and tls.key, where the receiver asks for a client certificate.
    #[arg(
        id = "syslog-tls-dir",
        long = "syslog-tls-dir",
        env = "SNC_AUDIT_SYSLOG_TLS_DIR",
        value_name = "DIRECTORY"
    )]
    pub tls_dir: Option<PathBuf>,
    /// What the receiver sees as the host that it comes from.
    #[arg(
        id = "syslog-hostname",
        long = "syslog-hostname",
        env = "SNC_AUDIT_SYSLOG_HOSTNAME",
        default_value = "snc-audit-sink"
    )]
    pub hostname: String,
    /// Do not count the receiver as a place where heads are anchored.
    #[arg(
        id = "syslog-anchors-nothing",
        long = "syslog-anchors-nothing",
        env = "SNC_AUDIT_SYSLOG_ANCHORS_NOTHING"
    )]
    pub anchors_nothing: bool,
}

#[derive(Debug, clap::Args)]
pub struct IntakeArgs {
    /// Where API servers and tailers send to, by mutual TLS; port 0 takes a free one and the log says which.
    #[arg(
        id = "intake-listen",
        long = "intake-listen",
        env = "SNC_AUDIT_INTAKE_LISTEN",
        default_value = "0.0.0.0:8445"
    )]
    pub listen: SocketAddr,
    /// Directory of the mounted Secret: tls.crt and tls.key. Read again every two seconds.
    #[arg(
        id = "intake-tls-dir",
        long = "tls-dir",
        env = "SNC_AUDIT_TLS_DIR",
        default_value = "/etc/snc/tls"
    )]
    pub tls_dir: PathBuf,
    /// Authorities that client certificates have to come from, in PEM. Read again every two seconds.
    #[arg(
        id = "intake-client-ca",
        long = "client-ca",
        env = "SNC_AUDIT_CLIENT_CA",
        default_value = "/etc/snc/client-authority/ca.crt"
    )]
    pub client_ca: PathBuf,
    /// An API server's name, and whom its client certificate is of: its common name, or a DNS name or URI of it.
    #[arg(id = "intake-clients", long = "client", env = "SNC_AUDIT_CLIENTS", value_name = "SERVER=SUBJECT", value_delimiter = ',', value_parser = client)]
    pub clients: Vec<(String, String)>,
    /// An audit log file beside this process, and the name of the API server that writes it.
    #[arg(id = "intake-tails", long = "tail", env = "SNC_AUDIT_TAILS", value_name = "FILE=SERVER", value_delimiter = ',', value_parser = tail)]
    pub tails: Vec<(PathBuf, String)>,
    /// For how long an API server tries again what was not taken: a longer silence of its webhook is a gap.
    #[arg(id = "intake-patience", long = "webhook-patience", env = "SNC_AUDIT_WEBHOOK_PATIENCE_SECONDS", value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub patience_seconds: u64,
}

#[derive(Debug, clap::Args)]
pub struct SealingArgs {
    /// How the log is signed. Where the key is of another kind, a new one takes its place at the start.
    #[arg(long = "key-algorithm", env = "SNC_AUDIT_KEY_ALGORITHM", value_enum, default_value_t = Algorithm::Es256)]
    pub algorithm: Algorithm,
    /// At a start, a key that is older is replaced by a new one, which it signs before it is destroyed.
    #[arg(long, env = "SNC_AUDIT_KEY_DAYS", default_value_t = 365, value_parser = clap::value_parser!(i64).range(1..=3650))]
    pub key_days: i64,
    /// However few events there are, none waits longer before it is sealed.
    #[arg(long, env = "SNC_AUDIT_SEAL_SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub seal_seconds: u64,
    /// So many are sealed at once, as soon as there are so many.
    #[arg(long, env = "SNC_AUDIT_SEAL_RECORDS", default_value_t = 50_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub seal_records: u64,
    /// So old an event is before it is decided whose it is: what is known of namespaces comes later than their events.
    #[arg(long, env = "SNC_AUDIT_SETTLE_SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=300))]
    pub settle_seconds: u64,
    /// A head, which covers everything that is sealed, is signed at least so often.
    #[arg(long, env = "SNC_AUDIT_HEAD_SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub head_seconds: u64,
    /// What the journal may take, in GiB. Past it nothing is acknowledged.
    #[arg(long, env = "SNC_AUDIT_JOURNAL_GIB", default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub journal_gib: u64,
    /// Room in MiB that is given up when there is none left, so that sealing can make some.
    #[arg(long, env = "SNC_AUDIT_RESERVE_MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(0..=4096))]
    pub reserve_mib: u64,
}

#[derive(Debug, clap::Args)]
pub struct DetectionArgs {
    /// Namespace that the operator runs in.
    #[arg(long, env = "SNC_OPERATOR_NAMESPACE", default_value = OPERATOR_NAMESPACE)]
    pub operator_namespace: String,
    /// Namespace of the tailers.
    #[arg(long, env = "SNC_AUDIT_TAIL_NAMESPACE", default_value = AUDIT_NAMESPACE)]
    pub tail_namespace: String,
    /// Namespace of the canary pod; like that of the canary tenant beside it it is no tenant's.
    #[arg(long, env = "SNC_CANARY_NAMESPACE", default_value = "snc-canary")]
    pub canary_namespace: String,
    /// The group whom refusals of workloads do not hold up: each use is an alarm.
    #[arg(long, env = "SNC_BYPASS_GROUP", value_parser = super::bypass_group)]
    pub bypass_group: Option<String>,
    /// A rule, and a ServiceAccount that does such things as its work: no alarm of it.
    #[arg(
        long,
        env = "SNC_AUDIT_EXPECTED",
        value_name = "RULE=system:serviceaccount:NAMESPACE:NAME",
        value_delimiter = ','
    )]
    pub expected: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Algorithm {
    #[value(name = "ES256")]
    Es256,
    #[value(name = "Ed25519")]
    Ed25519,
}

#[derive(Debug, clap::Args)]
pub struct AuditTailArgs {
    /// The audit log file of the API server (--audit-log-path); those that it was renamed to are beside it.
    #[arg(long = "log", env = "SNC_AUDIT_LOG")]
    pub file: PathBuf,
    /// Name of the API server, as the sink knows its certificate.
    #[arg(long, env = "SNC_AUDIT_SERVER")]
    pub server: String,
    /// The sink: https://host:port.
    #[arg(long, env = "SNC_AUDIT_TO", value_name = "URL")]
    pub to: String,
    /// Directory with tls.crt and tls.key of the API server, and ca.crt of the sink. Read again every two seconds.
    #[arg(long, env = "SNC_AUDIT_TLS_DIR", default_value = "/etc/snc/tls")]
    pub tls_dir: PathBuf,
    /// Directory for up to where the file was read. Nobody else writes into it.
    #[arg(long, env = "SNC_AUDIT_STATE_DIR", default_value = "/var/lib/snc-audit-tail")]
    pub state_dir: PathBuf,
    /// Where /livez, /readyz and /metrics are served, without TLS.
    #[arg(long, env = "SNC_LISTEN", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,
    /// Form of the log.
    #[arg(long, env = "SNC_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,
}

#[derive(Debug, clap::Args)]
pub struct AuditPolicyArgs {
    /// What tenants want recorded besides, as YAML; joined in.
    #[arg(long, env = "SNC_AUDIT_WISHES", value_name = "FILE")]
    pub wishes: Option<PathBuf>,
    /// Namespace of the sink, whose marked calls have to come back.
    #[arg(long, env = "SNC_OPERATOR_NAMESPACE", default_value = OPERATOR_NAMESPACE)]
    pub operator_namespace: String,
    /// Language of what is printed: fr or en.
    #[arg(long, env = "SNC_LANGUAGE", default_value = "fr")]
    pub language: Lang,
}

fn client(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(server, subject)| !server.is_empty() && !subject.is_empty());
    let (server, subject) = pair.ok_or("server=subject, for example cp-1=kube-apiserver-cp-1")?;
    Ok((server.to_owned(), subject.to_owned()))
}

fn tail(text: &str) -> Result<(PathBuf, String), String> {
    // A path may hold a "=", the name of a server does not.
    let pair = text.rsplit_once('=').filter(|(file, server)| !file.is_empty() && !server.is_empty());
    let (file, server) = pair.ok_or("/file=server, for example /var/log/kubernetes/audit/audit.log=cp-1")?;
    Ok((PathBuf::from(file), server.to_owned()))
}
