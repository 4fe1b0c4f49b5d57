//! How a sink is set up, checked as a whole before anything is started.

use crate::journal::ServerName;
use crate::keep::Sealing;
use crate::own;
use snc_auditlog::Algorithm;
use snc_core::lang::Lang;
use snc_core::text::Refusal;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Files of a mounted Secret with what an object store asks for.
const KEY_ID: &str = "access-key-id";
const SECRET: &str = "secret-access-key";
const TOKEN: &str = "session-token";

/// A directory, or `s3://bucket/prefix` and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Location {
    pub url: String,
    pub endpoint: Option<String>,
    pub region: Option<String>,
    /// Directory with the credentials; without it they are from the environment.
    pub credentials: Option<PathBuf>,
    pub ca: Option<PathBuf>,
}

impl Location {
    pub fn is_s3(&self) -> bool {
        self.url.starts_with("s3://")
    }

    /// Where it is a directory.
    pub fn directory(&self) -> Option<PathBuf> {
        (!self.url.contains("://"))
            .then(|| PathBuf::from(&self.url))
            .or_else(|| self.url.strip_prefix("file://").map(PathBuf::from))
    }

    pub fn options(&self) -> snc_auditlog::Options {
        let files = |directory: &PathBuf| snc_auditlog::Credentials::Files {
            key_id: directory.join(KEY_ID),
            secret: directory.join(SECRET),
            token: Some(directory.join(TOKEN)).filter(|token| token.exists()),
        };
        snc_auditlog::Options {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            credentials: self.credentials.as_ref().map_or(snc_auditlog::Credentials::Environment, files),
            ca: self.ca.clone(),
        }
    }
}

/// A receiver of RFC 5424 over TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Syslog {
    /// `host[:port]`
    pub address: String,
    /// What its certificate is for, where that is not the host.
    pub name: Option<String>,
    pub ca: PathBuf,
    /// Directory with `tls.crt` and `tls.key` that we show.
    pub tls_dir: Option<PathBuf>,
    /// Of us, as the receiver is to see it.
    pub hostname: String,
    /// Whether heads are anchored there as well.
    pub anchors: bool,
}

/// What raises alarms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detection {
    pub operator_namespace: String,
    pub tail_namespace: String,
    pub bypass_group: Option<String>,
    /// `<rule>=system:serviceaccount:<namespace>:<name>` of what is known to do such things.
    pub expected: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub data_dir: PathBuf,
    pub store: Location,
    pub anchor: Option<Location>,
    pub syslog: Option<Syslog>,
    pub algorithm: Algorithm,
    pub intake_listen: SocketAddr,
    /// `tls.crt`, `tls.key`
    pub intake_tls_dir: PathBuf,
    /// Authorities of the clients' certificates.
    pub client_ca: PathBuf,
    /// Which subject is which server, as (server, subject).
    pub clients: Vec<(String, String)>,
    /// Log files beside this process, as (file, server).
    pub tails: Vec<(PathBuf, String)>,
    /// For how long an API server tries again what was not taken.
    pub patience: Duration,
    pub serve_listen: SocketAddr,
    pub serve_tls_dir: PathBuf,
    /// Health and metrics.
    pub listen: SocketAddr,
    pub sealing: Sealing,
    /// The journal takes no more than that.
    pub journal_bytes: u64,
    /// Room that is given up so that sealing can go on where there is none; nothing is kept back where it is 0.
    pub reserve_bytes: u64,
    pub detection: Detection,
    /// The audit policy that the API servers run with, where it is known.
    pub policy: Option<PathBuf>,
    /// How long what is under way may take to end.
    pub shutdown: Duration,
    pub lang: Lang,
}

impl Settings {
    /// With nothing but where things are; everything else as it is by default.
    pub fn new(data_dir: PathBuf) -> Self {
        let local = |port| SocketAddr::from(([0, 0, 0, 0], port));
        let tls = |name: &str| PathBuf::from("/etc/snc").join(name);
        Self {
            store: Location { url: data_dir.join("store").display().to_string(), ..Location::default() },
            data_dir,
            anchor: None,
            syslog: None,
            algorithm: Algorithm::Es256,
            intake_listen: local(8445),
            intake_tls_dir: tls("intake-tls"),
            client_ca: tls("client-ca/ca.crt"),
            clients: Vec::new(),
            tails: Vec::new(),
            patience: Duration::from_secs(60),
            serve_listen: local(8446),
            serve_tls_dir: tls("serve-tls"),
            listen: local(8080),
            sealing: Sealing::default(),
            journal_bytes: 16 << 30,
            reserve_bytes: 64 << 20,
            detection: Detection {
                operator_namespace: snc_core::names::OPERATOR_NAMESPACE.to_owned(),
                tail_namespace: snc_core::names::AUDIT_NAMESPACE.to_owned(),
                bypass_group: None,
                expected: Vec::new(),
            },
            policy: None,
            shutdown: Duration::from_secs(25),
            lang: Lang::default(),
        }
    }

    /// Everything that is wrong.
    pub fn check(&self) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        let mut refuse = |field: &str, given: String, fr: &str, en: &str| {
            refusals.push(Refusal::new(field, given, fr, en));
        };
        if !self.data_dir.is_absolute() {
            refuse("--data-dir", self.data_dir.display().to_string(), "un chemin absolu", "an absolute path");
        }
        for (field, location) in [("--store", Some(&self.store)), ("--anchor", self.anchor.as_ref())] {
            let Some(location) = location else { continue };
            let fine = location.is_s3() || location.directory().is_some_and(|path| path.is_absolute());
            if !fine {
                let (fr, en) = ("/répertoire ou s3://seau/préfixe", "/directory or s3://bucket/prefix");
                refuse(field, location.url.clone(), fr, en);
            }
        }
        if self.anchor.as_ref().is_some_and(|anchor| anchor.url == self.store.url) {
            refuse(
                "--anchor",
                self.store.url.clone(),
                "un autre lieu que --store",
                "another place than --store",
            );
        }
        for (nth, (server, subject)) in self.clients.iter().enumerate() {
            let given = format!("{server}={subject}");
            if !is_server(server) || subject.is_empty() {
                refuse("--client", given, SERVER_FR, SERVER_EN);
            } else if self.clients.iter().take(nth).any(|(_, other)| other == subject) {
                refuse("--client", given, "un sujet par serveur", "each subject for one server only");
            }
        }
        let mut files = BTreeSet::new();
        for (file, server) in &self.tails {
            let given = format!("{}={server}", file.display());
            if !is_server(server) || !file.is_absolute() {
                let (fr, en) =
                    (format!("/fichier=serveur ; {SERVER_FR}"), format!("/file=server; {SERVER_EN}"));
                refuse("--tail", given, &fr, &en);
            } else if !files.insert(file) {
                refuse("--tail", given, "chaque fichier une seule fois", "each file once");
            }
        }
        if self.clients.is_empty() && self.tails.is_empty() {
            let (fr, en) = ("au moins un --client ou un --tail", "at least one --client or one --tail");
            refuse("--client", String::new(), fr, en);
        }
        for (field, given, least, most) in [
            ("--webhook-patience", self.patience, 1, 3600),
            ("--seal-seconds", self.sealing.age, 1, 3600),
            ("--settle-seconds", self.sealing.settle, 0, 300),
            ("--head-seconds", self.sealing.head, 1, 3600),
            ("--shutdown-seconds", self.shutdown, 1, 600),
        ] {
            if given < Duration::from_secs(least) || given > Duration::from_secs(most) {
                let (fr, en) = (format!("{least} à {most} secondes"), format!("{least} to {most} seconds"));
                refuse(field, format!("{}", given.as_secs_f64()), &fr, &en);
            }
        }
        if !(1..=1_000_000).contains(&self.sealing.records) {
            refuse("--seal-records", self.sealing.records.to_string(), "1 à 1000000", "1 to 1000000");
        }
        refusals.extend(self.expected().err().into_iter().flatten());
        refusals
    }

    fn expected(&self) -> Result<Vec<snc_audit::detect::Expected>, Vec<Refusal>> {
        let Ok(rules) = snc_audit::detect::Rules::all() else { return Ok(Vec::new()) };
        let parse = |text: &String| snc_audit::detect::Expected::parse("--expected", text, rules);
        let (fine, wrong): (Vec<_>, Vec<_>) =
            self.detection.expected.iter().map(parse).partition(Result::is_ok);
        let wrong: Vec<Refusal> = wrong.into_iter().filter_map(Result::err).collect();
        if wrong.is_empty() { Ok(fine.into_iter().flatten().collect()) } else { Err(wrong) }
    }

    pub fn detector(&self) -> snc_audit::detect::Settings {
        let Detection { operator_namespace, tail_namespace, bypass_group, .. } = &self.detection;
        snc_audit::detect::Settings {
            bypass_group: bypass_group.clone(),
            expected: self.expected().unwrap_or_default(),
            ..snc_audit::detect::Settings::of(operator_namespace, tail_namespace)
        }
    }

    /// Whose marked calls have to come back.
    pub fn probes(&self) -> BTreeSet<String> {
        let (namespace, name) = (&self.detection.operator_namespace, snc_core::names::AUDIT_SINK);
        [format!("system:serviceaccount:{namespace}:{name}")].into()
    }

    /// Every server that is heard of in the settings.
    pub fn servers(&self) -> Vec<ServerName> {
        let of_tails = self.tails.iter().map(|(_, server)| server);
        let all = self.clients.iter().map(|(server, _)| server).chain(of_tails);
        let all: BTreeSet<ServerName> = all.filter_map(|name| ServerName::new(name).ok()).collect();
        all.into_iter().collect()
    }

    /// As the intake wants them.
    pub fn subjects(&self) -> BTreeMap<String, ServerName> {
        let named =
            |(server, subject): &(String, String)| Some((subject.clone(), ServerName::new(server).ok()?));
        self.clients.iter().filter_map(named).collect()
    }
}

const SERVER_FR: &str = "serveur=sujet, le serveur en 1 à 63 caractères a-z, 0-9, - et ., autre que « sink »";
const SERVER_EN: &str =
    "server=subject, the server of 1 to 63 characters a-z, 0-9, - and ., other than \"sink\"";

/// What the sink says itself must not be told by anybody else.
fn is_server(name: &str) -> bool {
    name != own::SERVER && ServerName::new(name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings { clients: vec![("un".into(), "kube-apiserver-un".into())], ..Settings::new("/data".into()) }
    }

    fn fields(settings: &Settings) -> Vec<String> {
        settings.check().into_iter().map(|refusal| refusal.path).collect()
    }

    #[test]
    fn the_defaults_are_fine_once_somebody_brings_events() {
        assert!(fields(&settings()).is_empty());
        assert_eq!(fields(&Settings::new("/data".into())), ["--client"]);
        assert_eq!(settings().store.directory(), Some("/data/store".into()));
    }

    #[test]
    fn every_field_says_what_is_wrong_with_it() {
        let wrong = Settings {
            data_dir: "data".into(),
            store: Location { url: "ftp://x".into(), ..Location::default() },
            anchor: Some(Location { url: "ftp://x".into(), ..Location::default() }),
            clients: vec![
                ("sink".into(), "a".into()),
                ("un".into(), "b".into()),
                ("deux".into(), "b".into()),
                ("Un".into(), "c".into()),
            ],
            tails: vec![
                ("/log".into(), "un".into()),
                ("/log".into(), "un".into()),
                ("log".into(), "un".into()),
            ],
            patience: Duration::ZERO,
            sealing: Sealing { records: 0, ..Sealing::default() },
            detection: Detection { expected: vec!["x=y".into()], ..settings().detection },
            ..settings()
        };
        assert_eq!(
            fields(&wrong),
            [
                "--data-dir",
                "--store",
                "--anchor",
                "--anchor",
                "--client",
                "--client",
                "--client",
                "--tail",
                "--tail",
                "--webhook-patience",
                "--seal-records",
                "--expected",
            ]
        );
        for refusal in wrong.check() {
            assert!(!refusal.accepted.fr.is_empty() && !refusal.accepted.en.is_empty());
        }
    }
}
