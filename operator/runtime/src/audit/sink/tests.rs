use super::*;
use crate::args::{Args, Command};
use clap::{CommandFactory, Parser};
use std::collections::BTreeSet;

fn asked(args: &[&str]) -> Settings {
    let all = ["snc-operator", "audit-sink"].iter().chain(args);
    match Args::try_parse_from(all).unwrap().command {
        Command::AuditSink(args) => settings(*args),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_not_said_is_as_the_sink_has_it() {
    let settings = asked(&["--data-dir=/data", "--client=cp-1=kube-apiserver"]);
    let default = Settings::new("/data".into());
    assert_eq!(settings.store.url, "/data/store");
    assert_eq!(settings.serve_tls_dir, settings.intake_tls_dir);
    assert_eq!(
        (settings.anchor.clone(), settings.syslog.clone(), settings.policy.clone()),
        (None, None, None)
    );
    assert_eq!(settings.sealing, default.sealing);
    assert_eq!(
        (settings.journal_bytes, settings.reserve_bytes),
        (default.journal_bytes, default.reserve_bytes)
    );
    assert_eq!((settings.patience, settings.detection.clone()), (default.patience, default.detection));
    refuse(&settings).unwrap();
}

#[test]
fn everything_that_is_said_arrives() {
    let settings = asked(&[
        "--data-dir=/data",
        "--store=s3://journal/prod",
        "--store-endpoint=https://s3.example",
        "--store-region=eu",
        "--store-credentials=/c",
        "--store-ca=/ca",
        "--anchor=/anchors",
        "--anchor-credentials=/d",
        "--syslog=siem:6514",
        "--syslog-ca=/siem.crt",
        "--syslog-server-name=siem.example",
        "--syslog-tls-dir=/siem",
        "--syslog-hostname=prod",
        "--syslog-anchors-nothing",
        "--key-algorithm=Ed25519",
        "--intake-listen=127.0.0.1:1",
        "--tls-dir=/tls",
        "--client-ca=/clients.crt",
        "--client=cp-1=a,cp-2=spiffe://x/cp=2",
        "--tail=/var/log/a=b/audit.log=cp-3",
        "--webhook-patience=90",
        "--serve-listen=127.0.0.1:2",
        "--serve-tls-dir=/serve",
        "--listen=127.0.0.1:3",
        "--policy=/policy.yaml",
        "--seal-seconds=7",
        "--seal-records=8",
        "--settle-seconds=0",
        "--head-seconds=9",
        "--journal-gib=2",
        "--reserve-mib=3",
        "--operator-namespace=snc",
        "--tail-namespace=tails",
        "--bypass-group=astreinte",
        "--expected=impersonation=system:serviceaccount:portal:gateway",
        "--shutdown-seconds=20",
        "--language=en",
    ]);
    let location = |url: &str, credentials: &str| Location {
        url: url.into(),
        credentials: Some(credentials.into()),
        ..Location::default()
    };
    let wanted = Settings {
        data_dir: "/data".into(),
        store: Location {
            endpoint: Some("https://s3.example".into()),
            region: Some("eu".into()),
            ca: Some("/ca".into()),
            ..location("s3://journal/prod", "/c")
        },
        anchor: Some(location("/anchors", "/d")),
        syslog: Some(Syslog {
            address: "siem:6514".into(),
            name: Some("siem.example".into()),
            ca: "/siem.crt".into(),
            tls_dir: Some("/siem".into()),
            hostname: "prod".into(),
            anchors: false,
        }),
        algorithm: snc_auditlog::Algorithm::Ed25519,
        intake_listen: "127.0.0.1:1".parse().unwrap(),
        intake_tls_dir: "/tls".into(),
        client_ca: "/clients.crt".into(),
        clients: vec![("cp-1".into(), "a".into()), ("cp-2".into(), "spiffe://x/cp=2".into())],
        tails: vec![("/var/log/a=b/audit.log".into(), "cp-3".into())],
        patience: Duration::from_secs(90),
        serve_listen: "127.0.0.1:2".parse().unwrap(),
        serve_tls_dir: "/serve".into(),
        listen: "127.0.0.1:3".parse().unwrap(),
        sealing: Sealing {
            records: 8,
            age: Duration::from_secs(7),
            settle: Duration::ZERO,
            head: Duration::from_secs(9),
            ..Sealing::default()
        },
        journal_bytes: 2 << 30,
        reserve_bytes: 3 << 20,
        detection: Detection {
            operator_namespace: "snc".into(),
            tail_namespace: "tails".into(),
            bypass_group: Some("astreinte".into()),
            expected: vec!["impersonation=system:serviceaccount:portal:gateway".into()],
        },
        policy: Some("/policy.yaml".into()),
        shutdown: Duration::from_secs(20),
        lang: Lang::En,
    };
    assert_eq!(settings, wanted);
}

#[test]
fn what_is_wrong_is_said_at_once_and_by_its_name() {
    let error =
        refuse(&asked(&["--data-dir=data", "--store=ftp://x", "--language=en"])).unwrap_err().to_string();
    for field in ["--data-dir", "--store", "--client"] {
        assert!(error.contains(field), "{error}");
    }
    for wrong in [
        "--client=cp-1",
        "--client==a",
        "--tail=/var/log/audit.log",
        "--webhook-patience=0",
        "--syslog=siem:6514",
        "--bypass-group=system:masters",
    ] {
        assert!(Args::try_parse_from(["snc-operator", "audit-sink", wrong]).is_err(), "{wrong}");
    }
}

#[test]
fn a_key_is_replaced_once_it_is_old_or_of_another_kind_and_the_new_one_is_signed_by_it() {
    let place = tempfile::tempdir().unwrap();
    let data = format!("--data-dir={}", place.path().display());
    let [first, other] = ["ES256", "Ed25519"]
        .map(|algorithm| asked(&[&data, "--client=cp-1=a", &format!("--key-algorithm={algorithm}")]));
    let day = |days: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * days);
    let renew = |settings: &Settings, now| renewed(settings, 365, day(now)).unwrap();
    assert_eq!(renew(&first, 0), None, "whoever seals makes the first one");
    let made = Keys::open(&place.path().join(KEYS), first.algorithm, day(0)).unwrap().current().clone();
    assert_eq!(renew(&first, 364), None);
    let second = renew(&first, 365).unwrap();
    assert_eq!(renew(&first, 366), None, "once");
    let third = renew(&other, 367).unwrap();
    let keys = Keys::load(&place.path().join(KEYS)).unwrap();
    assert_eq!((keys.current(), keys.algorithm()), (&third, other.algorithm));
    assert!(made != second && second != third);
    let previous: Vec<_> =
        keys.chain().keys().iter().filter_map(|key| key.statement().previous.clone()).collect();
    let running = std::fs::File::create(place.path().join(LOCK)).unwrap();
    running.lock().unwrap();
    assert_eq!(renew(&first, 800), None, "another one signs by it");
    assert!(previous.contains(&made) && previous.contains(&second), "{previous:?}");
}

/// A variable that nobody reads would be set and do nothing.
#[test]
fn every_variable_of_the_charts_pods_is_one_of_their_command() {
    let args = Args::command();
    for (command, files) in
        [("audit-sink", &["audit-sink.yaml", "_audit.tpl"][..]), ("audit-tail", &["audit-tail.yaml"][..])]
    {
        let command = args.find_subcommand(command).unwrap();
        let known: BTreeSet<String> =
            command.get_arguments().filter_map(|arg| Some(arg.get_env()?.to_str()?.to_owned())).collect();
        let mut set = BTreeSet::new();
        for file in files {
            let path = format!("{}/../../charts/snc-operator/templates/{file}", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(path).unwrap();
            for name in text.lines().filter_map(|line| line.trim().strip_prefix("- name: SNC_")) {
                let places = ["STORE", "ANCHOR"].map(|place| name.replace("{{ upper $name }}", place));
                set.extend(places.map(|name| format!("SNC_{name}")));
            }
        }
        assert!(set.len() > 6, "{set:?}");
        assert_eq!(set.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new());
    }
}
