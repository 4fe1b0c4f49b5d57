//! What was changed in the store is named, also by whoever holds its keys, where heads are kept elsewhere.

use crate::scene::Scene;
use crate::traffic::Traffic;
use anyhow::{Context, Result, ensure};
use snc_e2e::s3::S3;
use snc_e2e::wait::within;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;
use xtask::harness::{Output, User, workspace};

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "snc"), ("AWS_SECRET_ACCESS_KEY", "of-a-test")];

type Harm<'a> = &'a dyn Fn(&Path) -> Result<()>;

pub fn named(scene: &Scene) -> Result<()> {
    let s3 = S3::start()?;
    s3.locked_bucket("anchors", 200)?;
    let sink = KEYS.iter().fold(scene.sink("proof").tailing(), |sink, (name, value)| sink.with(name, *value));
    let sink = sink
        .with("SNC_AUDIT_ANCHOR", "s3://anchors/heads-of-the-log")
        .with("SNC_AUDIT_ANCHOR_ENDPOINT", s3.endpoint())
        .with("SNC_AUDIT_ANCHOR_REGION", "eu-west-3");
    sink.start()?;
    let round = || -> Result<()> {
        let traffic = Traffic::begin(&scene.cluster.admin, &["alice-a", "bruno-a"], 2);
        sleep(Duration::from_secs(2));
        traffic.end()?;
        sleep(Duration::from_secs(4));
        Ok(())
    };
    round()?;
    let earlier = scene.directory.path().join("earlier");
    copy(&sink.store(), &earlier)?;
    round()?;
    round()?;
    sink.stop()?;
    let store = sink.store();
    let anchored = |place: &Path| verify(scene, place, Some(&s3));
    let whole = within(Duration::from_secs(30), "the whole store to be proven", || {
        let output = anchored(&store)?;
        ensure!(output.code == Some(0), "{}{}", output.stdout, output.stderr);
        Ok(output)
    })?;
    println!("{}", whole.stdout);
    let alone = verify(scene, &store, None)?;
    ensure!(alone.code == Some(3) && alone.stdout.contains("Not proven: tail"), "{alone:?}");

    let damaged = scene.directory.path().join("damaged");
    let segments = segments(&store, "tenant.alice")?;
    ensure!(segments.len() >= 3, "{segments:?}");
    let middle = segments[1].file_name().context("a name")?;
    let cases: [(&str, Harm<'_>); 4] = [
        ("a byte", &|place| {
            let path = place.join("tenant.alice").join(middle);
            let mut bytes = fs::read(&path)?;
            let at = bytes.len() / 2;
            bytes[at] ^= 1;
            Ok(fs::write(path, bytes)?)
        }),
        ("a segment", &|place| {
            for ending in ["seg", "idx", "json"] {
                fs::remove_file(place.join("tenant.alice").join(middle).with_extension(ending))?;
            }
            Ok(())
        }),
        ("the tail", &|place| {
            let last = segments.last().and_then(|path| path.file_name()).context("a name")?;
            for ending in ["seg", "idx", "json"] {
                fs::remove_file(place.join("tenant.alice").join(last).with_extension(ending))?;
            }
            Ok(())
        }),
        ("the order", &|place| {
            let (one, two) = (
                place.join("tenant.alice").join(middle),
                place.join("tenant.alice").join(segments[0].file_name().context("a name")?),
            );
            let (first, second) = (fs::read(&one)?, fs::read(&two)?);
            fs::write(one, second)?;
            Ok(fs::write(two, first)?)
        }),
    ];
    for (what, harm) in cases {
        copy(&store, &damaged)?;
        harm(&damaged)?;
        let output = anchored(&damaged)?;
        ensure!(output.code == Some(1) && output.stdout.contains("tenant.alice"), "{what}: {output:?}");
    }
    // Everything in it is signed, and it is from before.
    let back = anchored(&earlier)?;
    ensure!(back.code == Some(1), "an earlier store: {back:?}");
    Ok(())
}

/// What the sink keeps can be kept in a bucket that nobody can remove from.
pub fn in_a_bucket(scene: &Scene) -> Result<()> {
    let s3 = S3::start()?;
    s3.locked_bucket("log", 200)?;
    let sink =
        KEYS.iter().fold(scene.sink("bucket").tailing(), |sink, (name, value)| sink.with(name, *value));
    let sink = sink
        .with("SNC_AUDIT_STORE", "s3://log/prefix")
        .with("SNC_AUDIT_STORE_ENDPOINT", s3.endpoint())
        .with("SNC_AUDIT_STORE_REGION", "eu-west-3");
    sink.start()?;
    let traffic = Traffic::begin(&scene.cluster.admin, &["alice-a"], 2);
    sleep(Duration::from_secs(2));
    traffic.end()?;
    within(Duration::from_secs(60), "the object to tell of the store", || {
        let object = scene.cluster.admin.get("/apis/secnumcloud.dev/v1alpha1/sncauditlogs/cluster")?;
        let store = &object["status"]["store"];
        ensure!(store["kind"] == "S3" && store["locked"] == true, "{store}\n{}", sink.log()?);
        Ok(())
    })?;
    sink.stop()?;
    let endpoint = s3.endpoint();
    let args = [
        "logs",
        "query",
        "--store",
        "s3://log/prefix",
        "--endpoint",
        &endpoint,
        "--region",
        "eu-west-3",
        "--tenant",
        "alice",
        "--resource",
        "configmaps",
        "--verb",
        "create",
        "--limit",
        "5",
        "--lang",
        "en",
        "-o",
        "json",
    ];
    let output = run(scene, &args)?;
    ensure!(output.code == Some(0) && output.stdout.contains("essai-"), "{output:?}");
    Ok(())
}

fn verify(scene: &Scene, store: &Path, anchors: Option<&S3>) -> Result<Output> {
    let store = store.display().to_string();
    let mut args = vec!["logs", "verify", &store, "--lang", "en"];
    let endpoint = anchors.map(S3::endpoint);
    if let Some(endpoint) = &endpoint {
        args.extend([
            "--anchor",
            "s3://anchors/heads-of-the-log",
            "--endpoint",
            endpoint,
            "--region",
            "eu-west-3",
        ]);
    }
    run(scene, &args)
}

fn run(scene: &Scene, args: &[&str]) -> Result<Output> {
    let output = Command::new(workspace::binary("kubectl-snc")?)
        .args(args)
        .envs(KEYS)
        .env("KUBECONFIG", scene.cluster.plane().kubeconfig(User::Mallory))
        .env("LC_ALL", "C")
        .output()?;
    Ok(Output {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code(),
    })
}

fn segments(store: &Path, partition: &str) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for file in fs::read_dir(store.join(partition))? {
        let path = file?.path();
        if path.extension().is_some_and(|ending| ending == "seg") {
            all.push(path);
        }
    }
    all.sort();
    Ok(all)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
