//! What is taken away, into files.

use crate::server::{Reply, Server};
use crate::{At, page, record};
use std::path::PathBuf;

fn two_pages() -> Server {
    Server::tls(|asked| {
        let second = asked.target.contains("cursor=");
        let records: Vec<String> = if second {
            vec![record(3, "bob", "s3")]
        } else {
            (1..3).map(|n| record(n, "alice", "s")).collect()
        };
        Reply::Ok(page(&records, (!second).then_some("c.2")))
    })
}

fn all() -> String {
    [record(1, "alice", "s"), record(2, "alice", "s"), record(3, "bob", "s3")]
        .map(|line| line + "\n")
        .concat()
}

#[test]
fn records_go_to_standard_output_to_a_file_or_into_a_directory() {
    let server = two_pages();
    let at = At::of(&server);
    let export = ["logs", "export", "--tenant", "boutique", "--since", "2026-11-01T00:00:00Z"];
    assert_eq!(at.run(&export).out, all());
    let path = |name: &str| at.folder.path().join(name);
    let to = |name: &str, more: &[&str]| {
        let to = path(name);
        at.run(&[&export[..], &["--output", to.to_str().unwrap()], more].concat())
    };
    let ran = to("all.jsonl", &[]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert!(ran.out.contains("all.jsonl") && std::fs::read_to_string(path("all.jsonl")).unwrap() == all());
    assert!(!path("all.jsonl.partial").exists());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(path("all.jsonl")).unwrap().permissions().mode() & 0o777, 0o600);
    }
    std::fs::create_dir(path("taken")).unwrap();
    assert_eq!(to("taken", &["-o", "csv"]).code, Some(0));
    assert_eq!(std::fs::read_to_string(path("taken/tenant.boutique.csv")).unwrap().lines().count(), 4);
    // What is there may be evidence.
    let again = to("all.jsonl", &[]);
    assert!(again.code == Some(2) && again.err.contains("does not exist yet"), "{}", again.err);
    assert_eq!(std::fs::read_to_string(path("all.jsonl")).unwrap(), all());
}

#[test]
fn what_is_not_whole_is_not_called_what_was_asked_for() {
    let server = Server::tls(|asked| {
        if asked.target.contains("cursor=") {
            Reply::Status(503, String::new())
        } else {
            Reply::Ok(page(&[record(1, "alice", "s")], Some("c.1")))
        }
    });
    let at = At::of(&server);
    let to: PathBuf = at.folder.path().join("all.jsonl");
    let ran = at.run(&["logs", "export", "--platform", "--output", to.to_str().unwrap()]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""));
    assert!(ran.err.contains("answers 503") && ran.err.contains("all.jsonl.partial"), "{}", ran.err);
    assert!(!to.exists());
    let partial = at.folder.path().join("all.jsonl.partial");
    assert_eq!(std::fs::read_to_string(partial).unwrap(), record(1, "alice", "s") + "\n");
}

#[test]
fn a_refusal_leaves_nothing_behind() {
    let server = Server::tls(|_| Reply::Status(403, String::new()));
    let at = At::of(&server);
    for more in [&[][..], &["--with-proof"]] {
        let to = at.folder.path().join("all.tar");
        let ran =
            at.run(&[&["logs", "export", "--platform", "--output", to.to_str().unwrap()], more].concat());
        assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""));
        assert!(ran.err.contains("not enough rights") && !ran.err.contains("what arrived"), "{}", ran.err);
        assert_eq!(std::fs::read_dir(at.folder.path()).unwrap().count(), 1, "only the token");
    }
}

#[test]
fn a_proof_that_is_cut_is_not_unpacked() {
    let server = Server::tls(|_| {
        Reply::Raw(b"HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n".to_vec())
    });
    let at = At::of(&server);
    for (name, partial) in [("proof/", "proof.partial"), ("proof.tar", "proof.tar.partial")] {
        let to = at.folder.path().join(name);
        let ran = at.run(&[
            "logs",
            "export",
            "--tenant",
            "boutique",
            "--with-proof",
            "--output",
            to.to_str().unwrap(),
        ]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""), "{}", ran.err);
        assert!(ran.err.contains("was cut") && ran.err.contains(partial) && !to.exists(), "{}", ran.err);
        std::fs::remove_file(at.folder.path().join(partial)).unwrap();
    }
    assert!(
        server.asked()[0].target.starts_with("/v1/export?tenant=boutique"),
        "{}",
        server.asked()[0].target
    );
}
