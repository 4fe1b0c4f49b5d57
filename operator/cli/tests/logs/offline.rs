//! What an auditor does with a store or an export, without a cluster and without the sink.

use crate::{Ran, snc};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use snc_auditlog::{Algorithm, AnchorLine, Keys, NewRecord, Options, Source, Writer, open, publish};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const START: &str = "2026-05-01T00:00:00Z";

/// A log of two tenants and the platform, three rounds, with each head anchored in a file and in another store.
struct Log {
    folder: tempfile::TempDir,
    key: String,
}

fn raw(n: u64, namespace: &str) -> String {
    let at: Timestamp =
        START.parse::<Timestamp>().unwrap() + SignedDuration::from_secs(i64::try_from(n).unwrap());
    json!({"level": "Metadata", "auditID": format!("id-{n}"), "stage": "ResponseComplete", "verb": "get",
        "requestURI": format!("/api/v1/namespaces/{namespace}/secrets/s{n}"), "user": {"username": format!("user-{}", n % 2)},
        "objectRef": {"resource": "secrets", "namespace": namespace, "name": format!("s{n}")},
        "responseStatus": {"code": 200}, "requestReceivedTimestamp": at.to_string(), "stageTimestamp": at.to_string()})
    .to_string()
}

impl Log {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let key = runtime.block_on(async {
            let mut now: Timestamp = START.parse().unwrap();
            let keys = Keys::open(&path("keys"), Algorithm::Es256, now).unwrap();
            let key = keys.current().to_string();
            let store = open(path("store").to_str().unwrap(), &Options::default()).unwrap().store;
            let anchor = open(path("anchor").to_str().unwrap(), &Options::default()).unwrap().store;
            let mut writer = Writer::open(store, keys).await.unwrap();
            let (mut position, mut lines) = (0, String::from("noise\n"));
            for _ in 0..3 {
                for partition in ["platform", "tenant.boutique", "tenant.atelier"] {
                    let namespace = partition.trim_start_matches("tenant.");
                    let records: Vec<NewRecord> = (0..4)
                        .map(|_| {
                            position += 1;
                            NewRecord {
                                position,
                                received: now,
                                source: Source::File,
                                server: "cp-1".to_owned(),
                                why: "ObjectNamespace".to_owned(),
                                raw: raw(position, namespace),
                            }
                        })
                        .collect();
                    now += SignedDuration::from_secs(60);
                    let until = now + SignedDuration::from_hours(24 * 184);
                    writer.seal(&partition.parse().unwrap(), records, until, now).await.unwrap();
                }
                now += SignedDuration::from_secs(1);
                let head = writer.head(now).await.unwrap();
                publish(&anchor, &head).await.unwrap();
                writeln!(lines, "<134>1 2026-05-01T00:00:00Z sink snc - - - {}", AnchorLine::of(&head))
                    .unwrap();
            }
            std::fs::write(path("receiver.log"), lines).unwrap();
            key
        });
        Self { folder, key }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn verify(&self, more: &[&str]) -> Ran {
        snc(&[&["logs", "verify", &self.text("store")], more].concat())
    }

    fn anchored(&self) -> Ran {
        self.verify(&["--anchor", &self.text("receiver.log"), "--trusted-key", &self.key])
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path("store").join(name)
    }
}

fn findings(ran: &Ran) -> Vec<(String, String)> {
    let report: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}{}", ran.out, ran.err));
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    let all = report["findings"].as_array().unwrap();
    all.iter().map(|finding| (text(finding, "what"), text(finding, "object"))).collect()
}

fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn what_is_intact_and_anchored_is_proven() {
    let log = Log::new();
    let ran = log.anchored();
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    assert!(ran.out.contains("Intact: 36 record(s) in 9 segment(s), 3 head(s)"), "{}", ran.out);
    assert!(ran.out.contains("Tail proven through head 3") && ran.out.contains("Keys proven"), "{}", ran.out);
    let both =
        log.verify(&["--anchor", &log.text("anchor"), "--anchor", &log.text("receiver.log"), "--lang", "fr"]);
    assert!(
        both.code == Some(0) && both.out.contains("Fin prouvée jusqu'au relevé 3"),
        "{}{}",
        both.out,
        both.err
    );
    // As another tool prints fingerprints.
    let colons: Vec<String> = log
        .key
        .to_uppercase()
        .as_bytes()
        .chunks(2)
        .map(|two| String::from_utf8(two.to_vec()).unwrap())
        .collect();
    let ran = log.verify(&["--anchor", &log.text("anchor"), "--trusted-key", &colons.join(":")]);
    assert!(ran.code == Some(0) && ran.out.contains("Keys proven"), "{}{}", ran.out, ran.err);
}

#[test]
fn without_an_anchor_the_tail_is_not_proven() {
    let ran = Log::new().verify(&[]);
    assert_eq!(ran.code, Some(3));
    assert!(ran.err.starts_with("not proven: tail"), "{}", ran.err);
    assert!(ran.out.contains("Intact: 36 record(s)") && ran.out.contains("Not proven: keys"), "{}", ran.out);
}

#[test]
fn what_was_done_to_it_is_named() {
    type Deed = fn(&Log);
    let deeds: [(Deed, &str, &str); 6] = [
        (
            |log| flip(&log.file("tenant.boutique/000000000002.seg")),
            "segmentChanged",
            "tenant.boutique/000000000002.seg",
        ),
        (
            |log| std::fs::remove_file(log.file("platform/000000000001.seg")).unwrap(),
            "segmentMissing",
            "platform/000000000001.seg",
        ),
        (
            |log| flip(&log.file("platform/000000000002.json")),
            "manifestChanged",
            "platform/000000000002.json",
        ),
        (
            |log| std::fs::remove_file(log.file("heads/000000000002.json")).unwrap(),
            "headMissing",
            "heads/000000000002.json",
        ),
        // The end cut off, as if it had never been.
        (
            |log| {
                for partition in ["platform", "tenant.boutique", "tenant.atelier"] {
                    for kind in ["seg", "idx", "json"] {
                        std::fs::remove_file(log.file(&format!("{partition}/000000000003.{kind}"))).unwrap();
                    }
                }
                std::fs::remove_file(log.file("heads/000000000003.json")).unwrap();
            },
            "rolledBack",
            "heads/000000000003.json",
        ),
        (
            |log| {
                std::fs::rename(log.file("platform/000000000002.seg"), log.file("platform/000000000003.seg"))
                    .unwrap();
            },
            "segmentChanged",
            "platform/000000000003.seg",
        ),
    ];
    for (deed, what, object) in deeds {
        let log = Log::new();
        deed(&log);
        let args = ["--anchor", &log.text("receiver.log"), "--trusted-key", &log.key, "-o", "json"];
        let ran = log.verify(&args);
        assert_eq!(ran.code, Some(1), "{what}: {}", ran.err);
        let found = findings(&ran);
        assert!(found.contains(&(what.to_owned(), object.to_owned())), "{what}: {found:?}");
        let table = log.anchored();
        assert!(
            table.code == Some(1) && table.out.contains("NOT INTACT") && table.out.contains(object),
            "{}",
            table.out
        );
    }
}

#[test]
fn a_tenant_is_told_what_concerns_it() {
    let log = Log::new();
    flip(&log.file("tenant.boutique/000000000002.seg"));
    let of = |tenant: &str| log.verify(&["--anchor", &log.text("anchor"), "--tenant", tenant, "-o", "json"]);
    assert_eq!(of("boutique").code, Some(1));
    let other = of("atelier");
    assert_eq!(other.code, Some(0), "{}{}", other.out, other.err);
    assert!(!other.out.contains("boutique"), "{}", other.out);
    let nobody = log.verify(&["--tenant", "nobody", "--anchor", &log.text("anchor")]);
    // Something is wrong, and whose it is that is not there nobody can tell: it is not passed over.
    assert_ne!(nobody.code, Some(0));
    let good = Log::new().verify(&["--tenant", "nobody"]);
    assert!(good.code == Some(2) && good.err.contains("tenant.boutique"), "{}", good.err);
}

#[test]
fn what_is_given_wrongly_is_bad_input() {
    let log = Log::new();
    let empty = tempfile::tempdir().unwrap();
    let empty = empty.path().to_str().unwrap();
    std::fs::write(log.path("plain.txt"), "nothing\n").unwrap();
    let store = log.text("store");
    for (words, told) in [
        (vec!["/nonexistent/store"], "a directory that exists"),
        (vec![empty], "there is no log in that place"),
        (vec!["s3://bucket"], "accepted"),
        (vec![&store, "--trusted-key", "xyz"], "32 hexadecimal digits"),
        (vec![&store, "--anchor", "/nonexistent/lines"], "snc-anchor number="),
        (vec![&store, "--anchor", &log.text("plain.txt")], "snc-anchor number="),
        (vec![&store, "--anchor", &store], "another store than the one that is verified"),
        (vec![&store, "--tenant", "No Tenant"], "the name of an SncTenant"),
    ] {
        let ran = snc(&[&["logs", "verify"], words.as_slice()].concat());
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{words:?}: {}", ran.err);
        assert!(ran.err.contains(told), "{words:?}: {}", ran.err);
    }
    assert!(!Path::new("/nonexistent").exists());
    let other =
        log.verify(&["--anchor", &log.text("anchor"), "--trusted-key", &"0".repeat(32), "-o", "json"]);
    assert!(
        other.code == Some(1) && findings(&other).iter().any(|(what, _)| what == "notTrusted"),
        "{}",
        other.out
    );
}

#[test]
fn a_store_is_searched_without_the_sink() {
    let log = Log::new();
    let query = |more: &[&str]| {
        let ran = snc(&[&["logs", "query", "--store", &log.text("store"), "-o", "jsonl"], more].concat());
        assert!(ran.code == Some(0) && ran.err.is_empty(), "{}", ran.err);
        let names = ran.out.lines().map(|line| {
            let record: Value = serde_json::from_str(line).unwrap();
            record["event"]["objectRef"]["name"].as_str().unwrap().to_owned()
        });
        names.collect::<Vec<_>>()
    };
    assert_eq!(query(&["--tenant", "boutique", "--all"]).len(), 12);
    assert_eq!(
        query(&["--tenant", "boutique", "--user", "user-1"]),
        ["s5", "s7", "s17", "s19", "s29", "s31"]
    );
    assert_eq!(query(&["--tenant", "boutique", "--limit", "2"]), ["s5", "s6"]);
    assert_eq!(
        query(&["--platform", "--since", "2026-05-01T00:00:02Z", "--until", "2026-05-01T00:00:04Z"]),
        ["s2", "s3"]
    );
    assert!(query(&["--platform", "-n", "boutique"]).is_empty());
    let ran = snc(&["logs", "query", "--store", &log.text("store"), "-n", "boutique"]);
    assert!(ran.code == Some(2) && ran.err.contains("--tenant NAME or --platform"), "{}", ran.err);
}

#[test]
fn what_is_damaged_is_missing_from_an_answer_that_says_so() {
    let log = Log::new();
    flip(&log.file("tenant.boutique/000000000002.seg"));
    let ran = snc(&["logs", "query", "--store", &log.text("store"), "--tenant", "boutique", "-o", "jsonl"]);
    assert_eq!(ran.code, Some(1), "{}", ran.out);
    assert!(ran.err.contains("tenant.boutique/000000000002"), "{}", ran.err);
}

#[test]
fn an_export_with_its_proof_is_verified_without_the_store() {
    let log = Log::new();
    for (name, form) in [("out.tar", "jsonl"), ("out", "jsonl"), ("csv.tar", "csv")] {
        let to = log.text(name);
        let export = [
            "logs",
            "export",
            "--store",
            &log.text("store"),
            "--tenant",
            "boutique",
            "--with-proof",
            "-o",
            form,
            "--output",
            &to,
        ];
        let ran = snc(&export);
        // Without an anchor its end is not proven, and that is said.
        assert_eq!(ran.code, Some(3), "{}{}", ran.out, ran.err);
        assert!(
            ran.out.contains("Intact: 12 record(s) in 3 segment(s)")
                && ran.err.starts_with("not proven: tail"),
            "{}{}",
            ran.out,
            ran.err
        );
        assert!(!ran.out.contains("atelier") && !log.path(&format!("{name}.tar.partial")).exists());
        let verify = [
            "logs",
            "verify",
            "--export",
            &to,
            "--anchor",
            &log.text("receiver.log"),
            "--trusted-key",
            &log.key,
        ];
        let ran = snc(&verify);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
        assert!(ran.out.contains("Tail proven through head 3"), "{}", ran.out);
    }
    // One record has one row, with proof or without.
    std::fs::create_dir(log.path("csv")).unwrap();
    let rows = |file: PathBuf| std::fs::read_to_string(file).unwrap().replace('"', "");
    let mut archive = tar::Archive::new(std::fs::File::open(log.path("csv.tar")).unwrap());
    archive.unpack(log.path("csv")).unwrap();
    let plain = ["logs", "export", "--store", &log.text("store"), "--tenant", "boutique", "-o", "csv"];
    assert_eq!(snc(&plain).out, rows(log.path("csv/records.csv")));
    assert!(log.path("out/records.jsonl").is_file() && !log.path("out.tar.partial").exists());
    flip(&log.path("out/segments/000000000002.seg"));
    let ran =
        snc(&["logs", "verify", "--export", &log.text("out"), "--anchor", &log.text("anchor"), "-o", "json"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(findings(&ran).iter().any(|(_, object)| object.contains("000000000002")), "{}", ran.out);
    let absent = snc(&["logs", "verify", "--export", "/nonexistent.tar"]);
    assert!(absent.code == Some(2) && absent.err.contains("that exists"), "{}", absent.err);
}
