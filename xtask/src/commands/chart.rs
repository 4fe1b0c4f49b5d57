//! The Helm charts: lints, what it renders to with several sets of values, whether a real API server takes that, and what our
//! own controls say of it.

mod audit_log;
mod crds;
mod refused;

use super::cargo;
use crate::harness::{Builder, Client, KUBERNETES_VERSION, Toolchain, User, workspace};
use anyhow::{Context, Result, bail, ensure};
use similar::TextDiff;
use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Set, the renderings are written instead of compared.
const UPDATE: &str = "SNC_UPDATE_GOLDENS";
const GOLDENS: &str = "tests/goldens/chart";
const DEFAULT: &str = "default";
/// Of other projects, whose definitions this API server does not have.
const NOT_SERVED: [&str; 2] = ["monitoring.coreos.com/", "cert-manager.io/"];

/// Of the values of `ci`, those that an installation at the highest level has.
const AVANCE: &str = "avance";
/// What the operator itself has to hold, name by name, as the chart ships it.
const BASELINE: &str = "scan-baseline.yaml";
/// An installation's own: where its images come from, as those values have it.
const REGISTRY: &str = "image-registry.registries=registry.example/secnumcloud";

/// A set of values, and what the chart makes of it.
struct Rendered {
    name: String,
    manifests: String,
}

pub(super) fn check(toolchain: &Toolchain) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let client = Client::new(toolchain, &scratch.path().join("none"), scratch.path())?;
    let chart = workspace::chart();
    let all = render(&client, &chart)?;
    goldens(&all)?;
    refused::check(&client, &chart, scratch.path())?;
    audit_log::contradicted(&client, &chart)?;
    crds::check(toolchain, &client, scratch.path())?;
    accepted(toolchain, &all)?;
    scan(&all, &chart, scratch.path())?;
    audit_log::excused(&all, &chart, scratch.path())
}

/// The defaults first, then each file of the chart's `ci`.
fn render(client: &Client, chart: &Path) -> Result<Vec<Rendered>> {
    let mut sets: Vec<Option<PathBuf>> = vec![None];
    sets.extend(workspace::files(&chart.join("ci"), "yaml")?.into_iter().map(Some));
    let version = format!("--kube-version={KUBERNETES_VERSION}");
    let chart = chart.to_string_lossy();
    let mut all = Vec::new();
    for values in sets {
        let file = values.as_ref().map(|path| format!("--values={}", path.display()));
        let name = match values.as_ref().and_then(|path| path.file_stem()) {
            Some(stem) => stem.to_string_lossy().trim_end_matches("-values").to_owned(),
            None => DEFAULT.to_owned(),
        };
        let with = |args: &[&str]| {
            let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).chain(file.clone()).collect();
            client.helm_ok(args).with_context(|| format!("values {name}"))
        };
        with(&["lint", "--strict", &version, &chart])?;
        let manifests = with(&["template", "snc", &version, "--namespace=snc-system", &chart])?;
        let objects = documents(&manifests).count();
        if objects < 20 {
            bail!("values {name}: the chart renders to {objects} objects");
        }
        one_image(&manifests).with_context(|| format!("values {name}"))?;
        println!("{name}: {objects} objects");
        all.push(Rendered { name, manifests });
    }
    Ok(all)
}

/// Hooks included: nothing runs that is not ours.
fn one_image(manifests: &str) -> Result<()> {
    let named = |line: &str| {
        let image = line.trim_start().trim_start_matches("- ").strip_prefix("image: ")?;
        Some(image.trim_matches('"').to_owned())
    };
    let images: BTreeSet<String> = manifests.lines().filter_map(named).collect();
    let ours = |image: &String| image.rsplit('/').next().is_some_and(|name| name.starts_with("snc-operator"));
    if images.len() != 1 || !images.iter().all(ours) {
        bail!("the pods of the chart run {images:?}, and one image of ours is expected");
    }
    Ok(())
}

fn documents(manifests: &str) -> impl Iterator<Item = &str> {
    manifests.split("\n---\n").filter(|text| text.lines().any(|line| line.starts_with("kind: ")))
}

/// The defaults in full, every other set as what it changes.
fn goldens(all: &[Rendered]) -> Result<()> {
    let dir = workspace::root().join(GOLDENS);
    let default = all.first().context("nothing was rendered")?;
    let mut wanted: Vec<(PathBuf, String)> = vec![(dir.join("default.yaml"), default.manifests.clone())];
    for rendered in &all[1..] {
        let diff = TextDiff::from_lines(&default.manifests, &rendered.manifests);
        let diff = diff.unified_diff().context_radius(3).header(DEFAULT, &rendered.name).to_string();
        wanted.push((dir.join(format!("{}.diff", rendered.name)), diff));
    }
    if env::var_os(UPDATE).is_some() {
        fs::create_dir_all(&dir)?;
        return wanted.iter().try_for_each(|(path, text)| Ok(fs::write(path, text)?));
    }
    let mut differs = String::new();
    for (path, text) in &wanted {
        let kept = fs::read_to_string(path).unwrap_or_default();
        if kept != *text {
            let diff = TextDiff::from_lines(kept.as_str(), text.as_str());
            differs += &diff.unified_diff().header(&path.display().to_string(), "rendered").to_string();
        }
    }
    if !differs.is_empty() {
        bail!("{differs}\nread this; {UPDATE}=1 cargo xtask test --only chart writes it");
    }
    Ok(())
}

/// By a dry run: schemas, validation and admission, and nothing written.
fn accepted(toolchain: &Toolchain, all: &[Rendered]) -> Result<()> {
    let plane = Builder::ephemeral("chart")?.start(toolchain)?;
    let admin = plane.client(User::Admin)?;
    let crds = workspace::root().join("crds").display().to_string();
    admin.kubectl_ok(["apply", "--server-side", "-f", &crds])?;
    let canaries = ["snc-canary", "snc-canary-tenant", "snc-essai", "snc-essai-tenant"];
    let others = ["snc-system", "snc-probe-server", "snc-probe-client", "snc-audit"];
    for namespace in canaries.into_iter().chain(others) {
        admin.kubectl_ok(["create", "namespace", namespace])?;
    }
    for Rendered { name, manifests } in all {
        let served = |text: &&str| {
            let version = text.lines().find_map(|line| line.strip_prefix("apiVersion: ")).unwrap_or_default();
            !NOT_SERVED.iter().any(|group| version.starts_with(group))
        };
        let (total, served): (usize, Vec<&str>) =
            (documents(manifests).count(), documents(manifests).filter(served).collect());
        let args = ["apply", "--server-side", "--dry-run=server", "--force-conflicts", "-f", "-"];
        let output = admin.kubectl_stdin(args, &served.join("\n---\n"))?;
        let warned = output.stderr.lines().find(|line| line.starts_with("Warning"));
        if !output.success() || warned.is_some() {
            bail!("values {name}: {}", output.stderr.trim());
        }
        let taken = output.stdout.lines().count();
        if taken != served.len() {
            bail!("values {name}: {taken} of {} objects were taken", served.len());
        }
        println!("{name}: {taken} of {total} objects taken by kube-apiserver {KUBERNETES_VERSION}, dry run");
    }
    plane.stop()
}

/// As the chart's users are told to.
fn scan(all: &[Rendered], chart: &Path, scratch: &Path) -> Result<()> {
    let of_level: Vec<&Rendered> = all.iter().filter(|set| set.name.starts_with(AVANCE)).collect();
    ensure!(!of_level.is_empty(), "no values {AVANCE}");
    for set in of_level {
        let (name, output) = (&set.name, scanned(set, chart, scratch, "table")?);
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stdout);
            bail!("kubectl snc scan, values {name}:\n{text}{}", String::from_utf8_lossy(&output.stderr));
        }
        println!("kubectl snc scan, values {name}: no finding at level Avance");
    }
    Ok(())
}

fn scanned(set: &Rendered, chart: &Path, scratch: &Path, format: &str) -> Result<Output> {
    let file = scratch.join(format!("{}.yaml", set.name));
    fs::write(&file, &set.manifests)?;
    let mut command = Command::new(cargo::built("kubectl-snc"));
    command.args(["scan", "--level", "Avance", "--fail-on", "low", "--lang", "en", "--param", REGISTRY]);
    command.args(["--output", format]).arg("--baseline").arg(chart.join(BASELINE)).arg(&file);
    command.output().context("kubectl-snc")
}
