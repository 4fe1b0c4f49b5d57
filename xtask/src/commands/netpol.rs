//! `cargo xtask generate --netpol`: what the NetworkPolicy specs of Kubernetes expect, as fixtures of `snc-network`.

use crate::harness::{
    Builder, Environment, Progress, Toolchain, User, go_command, go_source, interrupt, workspace,
};
use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};
use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const KUBERNETES: &str = "k8s.io/kubernetes";
const SPECS: &str = "test/e2e/network/netpol";
/// The one file of theirs that ours takes the place of.
const REPLACED: &str = "probe.go";
const FAMILIES: [&str; 2] = ["ipv4", "ipv6"];

pub(super) fn generate() -> Result<()> {
    let environment = Environment::current()?;
    let Some(go) = environment.go() else { bail!("Go 1.26 or newer is needed (https://go.dev/dl)") };
    let module = workspace::root().join("e2e/netpol");
    let workplace = tempfile::tempdir()?;
    let recorder = build(&go, &module, workplace.path())?;

    let toolchain = Toolchain::ensure()?;
    let control_plane = Builder::ephemeral("netpol")?.start(&toolchain)?;
    for family in FAMILIES {
        let progress =
            Progress::start(format!("recording the specs of Kubernetes, {family}"), "usually 40 s");
        record(&recorder, &control_plane.kubeconfig(User::Admin), family)?;
        progress.done();
    }
    control_plane.stop()
}

/// Their sources stay in the module cache, where Go lets nothing be replaced: they are laid over our package.
fn build(go: &Path, module: &Path, workplace: &Path) -> Result<PathBuf> {
    let sources = go_source(module, KUBERNETES)?.join(SPECS);
    let overlay = workplace.join("overlay.json");
    fs::write(&overlay, serde_json::to_vec(&overlay_of(&sources, &module.join("specs"))?)?)?;
    let recorder = workplace.join("recorder");
    let progress =
        Progress::start("building the specs of Kubernetes", "usually 4 min on two cores from cold");
    let output = go_command(go, module)
        .args(["build", "-trimpath", "-overlay"])
        .arg(&overlay)
        .arg("-o")
        .args([recorder.as_path(), Path::new(".")])
        .output()?;
    checked("go build", &output)?;
    progress.done();
    Ok(recorder)
}

fn overlay_of(sources: &Path, package: &Path) -> Result<Value> {
    let mut replace = Map::new();
    for entry in fs::read_dir(sources).with_context(|| format!("read {}", sources.display()))? {
        let path = entry?.path();
        let Some(name) = path.file_name() else { continue };
        if path.extension() == Some(OsStr::new("go")) && name != REPLACED {
            replace.insert(package.join(name).display().to_string(), json!(path));
        }
    }
    if replace.is_empty() {
        bail!("there is no Go file in {}", sources.display());
    }
    Ok(json!({ "Replace": replace }))
}

fn record(recorder: &Path, kubeconfig: &Path, family: &str) -> Result<()> {
    let output = Command::new(recorder)
        .arg("-kubeconfig")
        .arg(kubeconfig)
        .args(["-family", family, "-out"])
        .arg(workspace::root().join("operator/network/tests/upstream").join(family))
        .stdin(Stdio::null())
        .output()?;
    checked("the recorder", &output)?;
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{}", text.rsplit("\n\n").next().unwrap_or_default().trim());
    Ok(())
}

fn checked(what: &str, output: &std::process::Output) -> Result<()> {
    interrupt::check()?;
    if output.status.success() {
        return Ok(());
    }
    bail!(
        "{what} ended with {}:\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_but_the_replaced_one_is_laid_over_the_package() {
        let sources = tempfile::tempdir().unwrap();
        for name in ["model.go", "probe.go", "OWNERS"] {
            fs::write(sources.path().join(name), "").unwrap();
        }
        let overlay = overlay_of(sources.path(), Path::new("/specs")).unwrap();
        assert_eq!(overlay, json!({ "Replace": { "/specs/model.go": sources.path().join("model.go") } }));
    }

    #[test]
    fn a_directory_without_sources_is_refused() {
        let sources = tempfile::tempdir().unwrap();
        fs::write(sources.path().join("OWNERS"), "").unwrap();
        assert!(overlay_of(sources.path(), Path::new("/specs")).is_err());
    }
}
