//! `kubectl snc logs` and `alarms` as they are run: the built binary against a sink of the test's own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod alarms;
mod export;
mod forward;
mod offline;
mod server;
mod through_the_cluster;

use assert_cmd::Command;
use serde_json::{Value, json};
use server::{Asked, Reply, Server};
use std::path::Path;

pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// # Panics
///
/// Where it cannot be run.
pub fn snc(args: &[&str]) -> Ran {
    let output = Command::cargo_bin("kubectl-snc")
        .expect("built")
        .args(args)
        .env_clear()
        .env("LC_ALL", "C")
        .env("HOME", "/nonexistent")
        .output()
        .expect("runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// As it is kept, the fifth of a log for example.
pub fn record(seq: u64, user: &str, name: &str) -> String {
    let event = json!({"level": "Metadata", "auditID": format!("id-{seq}"), "stage": "ResponseComplete",
        "requestURI": format!("/api/v1/namespaces/boutique-web/secrets/{name}"), "verb": "get",
        "user": {"username": user, "groups": ["system:authenticated"]}, "sourceIPs": ["203.0.113.9", "10.0.0.7"],
        "userAgent": "kubectl/v1.36.3", "objectRef": {"resource": "secrets", "namespace": "boutique-web", "name": name},
        "responseStatus": {"code": 200}, "requestReceivedTimestamp": "2026-11-22T10:00:00.000000Z",
        "stageTimestamp": "2026-11-22T10:00:00.100000Z"});
    format!(
        r#"{{"seq":{seq},"at":"2026-11-22T10:00:00.2Z","src":"file","server":"cp-1","why":"ObjectNamespace","chain":"{}","event":{event}}}"#,
        "A".repeat(43)
    )
}

pub fn page(records: &[String], next: Option<&str>) -> String {
    let mut text = records.join("\n");
    if !records.is_empty() {
        text.push('\n');
    }
    text.push_str(&json!({"next": next, "truncated": next.is_some()}).to_string());
    text.push('\n');
    text
}

/// With a server, its authority and a token, and what is asked.
pub struct At {
    pub folder: tempfile::TempDir,
    words: Vec<String>,
}

impl At {
    /// # Panics
    ///
    /// Without room for a file.
    pub fn of(server: &Server) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "secret-token\n").unwrap();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let words = vec![
            "--server".to_owned(),
            server.url(),
            "--certificate-authority".to_owned(),
            text(&server.authority()),
            "--token-file".to_owned(),
            text(&folder.path().join("token")),
        ];
        Self { folder, words }
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        let words: Vec<&str> = args.iter().copied().chain(self.words.iter().map(String::as_str)).collect();
        snc(&words)
    }
}

/// Five records, two a page, whatever is asked for.
fn five(asked: &Asked) -> Reply {
    let all: Vec<String> = (1..=5).map(|seq| record(seq, "alice", &format!("s{seq}"))).collect();
    let query = asked.target.split_once('?').unwrap().1;
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    let from: usize = value("cursor").map_or(0, |cursor| cursor.strip_prefix("c.").unwrap().parse().unwrap());
    let limit: usize = value("limit").unwrap().parse().unwrap();
    let to = (from + limit.min(2)).min(all.len());
    let next = (to < all.len()).then(|| format!("c.{to}"));
    Reply::Ok(page(&all[from..to], next.as_deref()))
}

#[test]
fn a_query_is_asked_in_full_and_shown_as_a_table() {
    let server = Server::tls(five);
    let at = At::of(&server);
    let query = [
        "logs",
        "query",
        "--tenant",
        "boutique",
        "-n",
        "boutique-web",
        "--user",
        "système é&b",
        "--verb",
        "get",
        "--resource",
        "secrets",
        "--subresource",
        "x",
        "--name",
        "s1",
        "--code",
        "200",
        "--since",
        "2026-11-01T00:00:00Z",
        "--until",
        "2026-11-23T00:00:00Z",
    ];
    let ran = at.run(&query);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert!(ran.out.starts_with("WHEN (UTC)") && ran.out.ends_with("5 record(s).\n"), "{}", ran.out);
    assert!(
        ran.out.contains("2026-11-22 10:00:00  alice  get   secrets   boutique-web/s1  200   10.0.0.7"),
        "{}",
        ran.out
    );
    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[0].header("authorization"), Some("Bearer secret-token"));
    assert_eq!(asked[0].header("host"), Some(server.address.to_string().as_str()));
    assert_eq!(
        asked[0].target,
        "/v1/events?tenant=boutique&namespace=boutique-web&user=syst%C3%A8me%20%C3%A9%26b&verb=get&resource=secrets\
         &subresource=x&name=s1&code=200&since=2026-11-01T00%3A00%3A00Z&until=2026-11-23T00%3A00%3A00Z&limit=100"
    );
    assert!(asked[2].target.ends_with("&limit=96&cursor=c.4"), "{}", asked[2].target);
}

#[test]
fn every_form_says_the_same_records() {
    let server = Server::tls(five);
    let at = At::of(&server);
    let form = |form: &str, more: &[&str]| {
        let ran = at.run(&[&["logs", "query", "--platform", "-o", form], more].concat());
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{form}");
        ran.out
    };
    // What was sealed, byte for byte.
    let lines: Vec<String> = (1..=5).map(|seq| record(seq, "alice", &format!("s{seq}")) + "\n").collect();
    assert_eq!(form("jsonl", &["--all"]), lines.concat());
    assert_eq!(form("jsonl", &["--limit", "3"]), lines[..3].concat());
    let csv = form("csv", &["--all"]);
    assert_eq!(csv.lines().count(), 6);
    let row = "2,2026-11-22T10:00:00.1Z,2026-11-22T10:00:00.2Z,file,cp-1,ObjectNamespace,alice,,get,,secrets,,boutique-web,s2,200,ResponseComplete,Metadata,203.0.113.9 10.0.0.7,kubectl/v1.36.3,/api/v1/namespaces/boutique-web/secrets/s2,id-2";
    assert_eq!(csv.lines().nth(2), Some(row));
    let report: Value = serde_json::from_str(&form("json", &["--limit", "3"])).unwrap();
    assert_eq!(
        (&report["platform"], &report["tenant"], &report["more"]),
        (&json!(true), &Value::Null, &json!(true))
    );
    assert_eq!(report["records"][2], serde_json::from_str::<Value>(&lines[2]).unwrap());
    let markdown = form("md", &[]);
    assert!(
        markdown
            .contains("| 2026-11-22 10:00:00 | alice | get | secrets | boutique-web/s5 | 200 | 10.0.0.7 |"),
        "{markdown}"
    );
}

#[test]
fn what_the_log_lacks_is_a_finding() {
    let last = json!({"next": null, "truncated": false, "sealedThrough": "2026-11-22T11:00:00Z", "findings": {"total": 3,
        "items": [{"fr": "segment 4 retiré", "en": "segment 4 removed"}]}});
    let body = format!("{}\n{last}\n", record(1, "alice", "s1"));
    let server = Server::tls(move |_| Reply::Ok(body.clone()));
    for form in ["table", "jsonl"] {
        let ran = At::of(&server).run(&["logs", "query", "--tenant", "a", "-o", form, "--lang", "fr"]);
        assert_eq!(ran.code, Some(1), "{}", ran.err);
        assert_eq!(ran.err, "segment 4 retiré\n2 autre(s) constat(s) : logs verify les nomme\n");
        assert_eq!(ran.out.contains("Scellé jusqu'à 2026-11-22T11:00:00Z"), form == "table", "{}", ran.out);
    }
}

#[test]
fn an_answer_that_is_cut_is_no_answer() {
    let body = page(&[record(1, "alice", "s1")], None);
    let without_last = format!("{}\n", record(1, "alice", "s1"));
    let chunk = |body: &str| {
        format!("HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n", body.len())
    };
    for raw in [
        format!("HTTP/1.1 200 x\r\ncontent-length: {}\r\n\r\n{}", body.len() + 1, body),
        chunk(&body),
        format!("HTTP/1.1 200 x\r\ncontent-length: {}\r\n\r\n{without_last}", without_last.len()),
    ] {
        let bytes = raw.clone().into_bytes();
        let server = Server::tls(move |_| Reply::Raw(bytes.clone()));
        for form in ["table", "json", "jsonl"] {
            let ran = At::of(&server).run(&["logs", "query", "--tenant", "a", "-o", form]);
            assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""), "{raw} {form}");
            assert!(ran.err.contains("was cut"), "{}", ran.err);
        }
    }
}

#[test]
fn refusals_are_told_in_the_readers_words() {
    let said = json!({"error": {"fr": "tenant : reçu \"x\"", "en": "tenant: got \"x\"", "field": "tenant"}})
        .to_string();
    for (status, body, code, fr, en) in [
        (400, said.as_str(), 2, "tenant : reçu \"x\"", "tenant: got \"x\""),
        (401, "", 3, "son audience doit être snc-audit-log", "audience has to be snc-audit-log"),
        (403, said.as_str(), 3, "tenant : reçu", "tenant: got"),
        (404, "<html>", 3, "répond 404", "answers 404"),
        (503, said.as_str(), 3, "tenant : reçu", "tenant: got"),
        (200, "no JSON", 3, "coupée", "was cut"),
        (200, "{\"next\": 5, \"truncated\": false}", 3, "illisible", "cannot be read"),
    ] {
        let body = body.to_owned();
        let server = Server::tls(move |_| Reply::Status(status, body.clone()));
        for (lang, text) in [("fr", fr), ("en", en)] {
            let ran = At::of(&server).run(&["logs", "query", "--tenant", "x", "--lang", lang]);
            assert_eq!((ran.code, ran.out.as_str()), (Some(code), ""), "{status}: {}", ran.err);
            assert!(ran.err.contains(text), "{status}: {}", ran.err);
        }
    }
}

#[test]
fn no_token_leaves_without_a_certificate_that_is_trusted() {
    let (server, other) = (Server::tls(five), Server::tls(five));
    let at = At::of(&server);
    let token = at.folder.path().join("token");
    let ran = snc(&[
        "logs",
        "gaps",
        "--server",
        &server.url(),
        "--certificate-authority",
        other.authority().to_str().unwrap(),
        "--token-file",
        token.to_str().unwrap(),
    ]);
    assert_eq!(ran.code, Some(3));
    assert!(ran.err.contains("no token has left"), "{}", ran.err);
    assert!(server.asked().is_empty());
}

#[test]
fn a_token_goes_nowhere_else() {
    let other = Server::tls(five);
    let elsewhere = other.url();
    let server = Server::tls(move |_| {
        Reply::Raw(
            format!("HTTP/1.1 302 x\r\nlocation: {elsewhere}/v1/events\r\ncontent-length: 0\r\n\r\n")
                .into_bytes(),
        )
    });
    let ran = At::of(&server).run(&["logs", "query", "--tenant", "a"]);
    assert_eq!(ran.code, Some(3));
    assert!(ran.err.contains("answers 302") && other.asked().is_empty(), "{}", ran.err);
}

#[test]
fn who_asks_has_to_be_said() {
    let folder = tempfile::tempdir().unwrap();
    let config = server::kubeconfig(folder.path(), "http://127.0.0.1:9", "{token: mine}");
    let config = config.to_str().unwrap();
    let server = Server::tls(|_| Reply::Ok(json!({"items": []}).to_string()));
    let authority = server.authority();
    let base = [
        "logs",
        "gaps",
        "--server",
        &server.url(),
        "--certificate-authority",
        authority.to_str().unwrap(),
        "--kubeconfig",
        config,
    ];
    let ran = snc(&base);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("--service-account") && ran.err.contains("--send-my-token"), "{}", ran.err);
    assert!(server.asked().is_empty());
    let ran = snc(&[&base[..], &["--send-my-token"]].concat());
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert_eq!(server.asked()[0].header("authorization"), Some("Bearer mine"));
    let none = server::kubeconfig(folder.path(), "http://127.0.0.1:9", "{username: a, password: b}");
    let ran = snc(&[&base[..6], &["--kubeconfig", none.to_str().unwrap(), "--send-my-token"]].concat());
    assert!(ran.code == Some(2) && ran.err.contains("holds no token"), "{}", ran.err);
    let both = snc(&[&base[..], &["--send-my-token", "--service-account", "a/b"]].concat());
    assert!(both.code == Some(2) && both.err.contains("exclude each other"), "{}", both.err);
}

#[test]
fn open_gaps_are_findings() {
    let gap = |from: &str, closed: Value| json!({"server": "cp-1", "source": "Webhook", "cause": "Down", "from": from, "to": "2026-11-22T10:05:00Z", "closed": closed});
    let of = |items: Value| json!({"open": 0, "items": items}).to_string();
    let old = gap("2026-11-21T10:00:00Z", json!("2026-11-21T11:00:00Z"));
    let closed = of(json!([old]));
    let open = of(json!([old, gap("2026-11-22T10:00:00Z", Value::Null)]));
    for (body, code, fr) in
        [(closed, 0, "1 trou(s), dont 0 ouvert(s)."), (open, 1, "2 trou(s), dont 1 ouvert(s).")]
    {
        let server = Server::tls(move |_| Reply::Ok(body.clone()));
        let ran = At::of(&server).run(&["logs", "gaps", "--lang", "fr"]);
        assert_eq!(ran.code, Some(code), "{}", ran.err);
        assert!(ran.out.contains(fr), "{}", ran.out);
        assert_eq!(server.asked()[0].target, "/v1/gaps");
        let csv = At::of(&server).run(&["logs", "gaps", "-o", "csv"]).out;
        assert!(
            csv.starts_with("server,source,cause,from,to,closed\r\ncp-1,Webhook,Down,2026-11-2"),
            "{csv}"
        );
    }
}

#[test]
fn a_tenant_sees_when_something_may_be_missing_and_not_where() {
    let gap = json!({"cause": "DiskFull", "from": "2026-11-22T10:00:00Z", "to": null, "closed": null});
    let body = json!({"open": 1, "items": [gap]}).to_string();
    let server = Server::tls(move |_| Reply::Ok(body.clone()));
    let ran = At::of(&server).run(&["logs", "gaps", "--tenant", "boutique"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.out.contains("-       -       disk full  2026-11-22 10:00:00  going on  open"),
        "{}",
        ran.out
    );
    assert_eq!(server.asked()[0].target, "/v1/gaps?tenant=boutique");
}

#[test]
fn a_status_is_a_verdict() {
    let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "reason": "R", "message": "m", "lastTransitionTime": "2026-11-22T10:00:00Z", "observedGeneration": 1});
    for (complete, proven, overdue, code, told) in [
        ("True", "True", 0, 0, ""),
        ("False", "True", 0, 1, "is not true: Complete"),
        ("True", "Unknown", 0, 3, "is not known: Proven"),
        ("False", "Unknown", 0, 1, "is not known: Proven"),
        ("True", "True", 2, 1, "2 alarm(s) not acknowledged in time"),
    ] {
        let status = json!({"sources": [], "alarms": {"open": 2, "overdue": overdue}, "later": {"field": 1},
            "conditions": [condition("Complete", complete), condition("Proven", proven)]});
        let body = status.to_string();
        let server = Server::tls(move |_| Reply::Ok(body.clone()));
        let ran = At::of(&server).run(&["logs", "status"]);
        assert_eq!(ran.code, Some(code), "{}", ran.err);
        assert!(ran.err.contains(told) && ran.err.is_empty() == told.is_empty(), "{}", ran.err);
        // Nothing that it said is lost to machines.
        let said = At::of(&server).run(&["logs", "status", "-o", "json"]).out;
        assert_eq!(serde_json::from_str::<Value>(&said).unwrap(), status);
    }
}

#[test]
fn what_is_asked_wrongly_is_refused_before_anything_is_sent() {
    let server = Server::tls(five);
    let at = At::of(&server);
    for (words, told) in [
        (&["logs", "query"][..], "--tenant NAME, --platform, or -n NAMESPACE"),
        (&["logs", "query", "--tenant", "a", "--platform"], "exclude each other"),
        (&["logs", "query", "--tenant", "a", "--since", "yesterday"], "an RFC 3339 date"),
        (&["logs", "query", "--tenant", "a", "--since", "1h", "--until", "2h"], "after --since"),
        (&["logs", "query", "--tenant", "a", "--all"], "-o jsonl or -o csv"),
        (&["logs", "query", "--tenant", "a", "--all", "--limit", "3", "-o", "csv"], "exclude each other"),
        (&["logs", "query", "--tenant", "a", "--limit", "10001"], "10000 at most"),
        (&["logs", "query", "--tenant", "a", "--limit", "0"], "--limit"),
        (&["logs", "query", "--tenant", "a", "--code", "99"], "--code"),
        (&["logs", "query", "--tenant", "a", "--store", "/s"], "--store is read without the sink"),
        (&["logs", "status", "--tenant", "a"], "--tenant does not go with this command"),
        (&["logs", "status", "-n", "a"], "--namespace does not go"),
        (&["logs", "export"], "export needs --tenant"),
        (&["logs", "export", "--tenant", "a", "--output", "csv"], "-o csv"),
        (&["logs", "export", "--tenant", "a", "--with-proof"], "--output DIRECTORY"),
        (&["logs", "export", "--tenant", "a", "-n", "b"], "--namespace does not go"),
        (&["alarms", "acknowledge", "x"], "--decision"),
        (&["alarms", "acknowledge", "x", "--decision", "  "], "--decision"),
        (&["alarms", "--open", "--all"], "exclude each other"),
    ] {
        let ran = at.run(words);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{words:?}: {}", ran.err);
        assert!(ran.err.contains(told), "{words:?}: {}", ran.err);
    }
    for url in ["http://a:1", "a:1", "https://a:1/v1", "https://u@a:1", "https://:1"] {
        let ran = snc(&["logs", "gaps", "--server", url, "--token-file", "t"]);
        assert!(ran.code == Some(2) && ran.err.contains("accepted: https://HOST:PORT"), "{url}: {}", ran.err);
    }
    assert!(server.asked().is_empty());
}
