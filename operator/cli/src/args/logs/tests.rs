use super::place::{Server, Token};
use super::*;
use crate::args::{Args, Command, Parsed, parse};
use jiff::SignedDuration;
use std::ffi::OsString;

fn run(words: &[&str]) -> Result<Args, Outcome> {
    match parse(["kubectl-snc", "--lang=en"].iter().chain(words).map(OsString::from))? {
        Parsed::Run(args) => Ok(*args),
        Parsed::Show(text) => panic!("{text}"),
    }
}

fn logs(words: &[&str]) -> LogsArgs {
    match run(&[&["logs"], words].concat()).unwrap().command {
        Command::Logs(asked) => *asked,
        other => panic!("{other:?}"),
    }
}

fn refused(words: &[&str]) -> String {
    let outcome = run(words).unwrap_err();
    assert_eq!(outcome.code(), 2, "{words:?}");
    outcome.reasons.join("\n")
}

#[test]
fn a_tenant_and_a_namespace_of_it_go_together() {
    let LogsArgs::Query(asked) =
        logs(&["query", "--tenant", "t", "-n", "t-web", "--code", "403", "--since", "7d"])
    else {
        panic!()
    };
    let filter = asked.filter;
    assert_eq!((filter.whose, filter.namespace.as_deref()), (Whose::Tenant("t".into()), Some("t-web")));
    assert_eq!((filter.code, asked.limit), (Some(403), Some(LIMIT)));
    assert_eq!(filter.since, Some(When::Ago(SignedDuration::from_hours(7 * 24))));
}

#[test]
fn a_limit_is_what_can_be_shown() {
    let limit = |words: &[&str]| match logs(&[&["query", "--platform"], words].concat()) {
        LogsArgs::Query(asked) => asked.limit,
        other => panic!("{other:?}"),
    };
    assert_eq!(limit(&["--limit", "10000"]), Some(MOST));
    assert_eq!(limit(&["--limit", "10001", "-o", "jsonl"]), Some(10_001));
    assert_eq!(limit(&["--all", "-o", "csv"]), None);
    assert!(refused(&["logs", "query", "--platform", "--limit", "10001"]).contains("10000 at most"));
}

#[test]
fn what_can_be_done_with_the_log_is_said() {
    let text = refused(&["logs"]);
    assert!(text.contains("no command given") && text.contains("accepted: verify, query, export"), "{text}");
}

#[test]
fn where_the_log_is() {
    let place = |words: &[&str]| match logs(&[&["query", "--platform"], words].concat()) {
        LogsArgs::Query(asked) => asked.place,
        other => panic!("{other:?}"),
    };
    assert_eq!(place(&[]), Place::Sink(SinkArgs::default()));
    let Place::Sink(sink) = place(&["--server", "https://[::1]:8446/", "--service-account", "a/b"]) else {
        panic!()
    };
    assert_eq!(sink.server, Some(Server { host: "::1".into(), port: 8446 }));
    assert_eq!(sink.token, Token::Of { namespace: "a".into(), name: "b".into() });
    let Place::Store(store) = place(&["--store", "s3://b/p", "--endpoint", "https://s3", "--region", "r"])
    else {
        panic!()
    };
    assert_eq!((store.url.as_str(), store.endpoint.as_deref()), ("s3://b/p", Some("https://s3")));
    assert!(refused(&["logs", "query", "--platform", "--region", "r"]).contains("need --store"));
    assert!(refused(&["logs", "gaps", "--service-account", "a/b/c"]).contains("NAMESPACE/NAME"));
}

#[test]
fn either_a_store_or_an_export_is_verified() {
    let LogsArgs::Verify(asked) = logs(&[
        "verify",
        "/store",
        "--anchor",
        "s3://a/b",
        "--anchor",
        "lines",
        "--trusted-key",
        "k",
        "--tenant",
        "t",
    ]) else {
        panic!()
    };
    assert_eq!(asked.kept, Kept::Store(StoreArgs { url: "/store".into(), ..StoreArgs::default() }));
    assert_eq!(asked.anchors, ["s3://a/b", "lines"]);
    assert_eq!((asked.trusted.as_deref(), asked.tenant.as_deref()), (Some("k"), Some("t")));
    for words in [&["logs", "verify"][..], &["logs", "verify", "/store", "--export", "x.tar"]] {
        assert!(refused(words).contains("one of them only"));
    }
    assert!(refused(&["logs", "verify", "/store", "-n", "a"]).contains("--namespace does not go"));
}

#[test]
fn a_format_is_not_taken_for_a_file() {
    for word in ["jsonl", "csv"] {
        assert!(refused(&["logs", "export", "--platform", "--output", word]).contains(&format!("-o {word}")));
    }
    let export = |words: &[&str]| match logs(&[&["export", "--platform"], words].concat()) {
        LogsArgs::Export(asked) => asked,
        other => panic!("{other:?}"),
    };
    assert_eq!(export(&["--output", "./csv", "-o", "csv"]).to, Some("./csv".into()));
    assert_eq!(export(&["--output", "-"]).to, None);
    assert_eq!(run(&["logs", "export", "--platform"]).unwrap().format, Format::JsonLines);
}

#[test]
fn a_policy_is_checked_or_compared() {
    assert_eq!(logs(&["policy"]), LogsArgs::Policy(PolicyArgs::default()));
    let LogsArgs::Policy(asked) = logs(&["policy", "--check", "-", "--wishes", "w.yaml"]) else { panic!() };
    assert_eq!((asked.against, asked.wishes), (Against::Check("-".into()), Some("w.yaml".into())));
    assert!(refused(&["logs", "policy", "--check", "a", "--diff", "b"]).contains("exclude each other"));
    assert!(refused(&["logs", "flags"]).contains("--distribution"));
    assert!(refused(&["logs", "flags", "--distribution", "x"]).contains("kubeadm, k3s, rke2, openshift"));
    let distributions = |words: &[&str]| match logs(&[&["flags", "--distribution"], words].concat()) {
        LogsArgs::Flags(asked) => (asked.distributions, asked.outputs.file, asked.outputs.webhook),
        other => panic!("{other:?}"),
    };
    assert_eq!(distributions(&["k3s"]), (vec![Distribution::K3s], true, true));
    assert_eq!(distributions(&["openshift", "--only", "file"]), (vec![Distribution::OpenShift], true, false));
    assert_eq!(distributions(&["managed"]).0.len(), 4);
}

#[test]
fn alarms_are_listed_or_answered_for() {
    let alarms = |words: &[&str]| match run(&[&["alarms"], words].concat()).unwrap().command {
        Command::Alarms(asked) => *asked,
        other => panic!("{other:?}"),
    };
    for (words, expected) in [
        (&[][..], Which::Open),
        (&["--open"], Which::Open),
        (&["--overdue"], Which::Overdue),
        (&["--all"], Which::All),
    ] {
        assert_eq!(
            alarms(words),
            AlarmsArgs::List { which: expected, whose: Whose::NotSaid, sink: SinkArgs::default() }
        );
    }
    let AlarmsArgs::List { whose, .. } = alarms(&["--tenant", "t"]) else { panic!() };
    assert_eq!(whose, Whose::Tenant("t".into()));
    let AlarmsArgs::Acknowledge { id, decision, .. } = alarms(&["acknowledge", "7", "--decision", " vu "])
    else {
        panic!()
    };
    assert_eq!((id.as_str(), decision.as_str()), ("7", "vu"));
}

#[test]
fn help_of_each_command_speaks_one_language_at_a_time() {
    for command in [
        &["logs"][..],
        &["logs", "verify"],
        &["logs", "query"],
        &["logs", "export"],
        &["logs", "gaps"],
        &["logs", "status"],
        &["logs", "policy"],
        &["logs", "flags"],
        &["alarms"],
        &["alarms", "acknowledge"],
    ] {
        let help = |lang: &str| {
            let words = [&["kubectl-snc"], command, &["--help", lang]].concat();
            match parse(words.into_iter().map(OsString::from)) {
                Ok(Parsed::Show(text)) => text,
                other => panic!("{other:?}"),
            }
        };
        let (fr, en) = (help("--lang=fr"), help("--lang=en"));
        for english in ["Commands", "Print", "default", "possible values", "Access to"] {
            assert!(!fr.contains(english), "{english} in {fr}");
        }
        for french in ["Commandes", "Affiche", "Langue", "Accès"] {
            assert!(!en.contains(french), "{french} in {en}");
        }
        assert_ne!(fr, en);
    }
}
