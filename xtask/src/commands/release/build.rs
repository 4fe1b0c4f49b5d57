//! Builds the static binaries, so that neither this machine's paths nor its settings are in them.

use super::{
    platform::{Platform, Tools},
    source::Source,
};
use crate::{commands::cargo, harness::interrupt};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    ffi::OsString,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What is handed out, and the package that it is built from.
pub(super) const BINARIES: [(&str, &str); 2] = [("snc-operator", "snc-runtime"), ("kubectl-snc", "snc-cli")];

/// Settings of a machine that would change what is built. Those of `CARGO_BUILD_…` and the like come besides.
const SETTINGS: [&str; 6] = ["RUSTFLAGS", "CFLAGS", "TARGET_CFLAGS", "CC", "TARGET_CC", "CARGO_INCREMENTAL"];
const KINDS_OF_SETTINGS: [&str; 5] = ["CARGO_BUILD_", "CARGO_PROFILE_", "CARGO_TARGET_", "CC_", "CFLAGS_"];

pub(super) struct Built {
    pub(super) dir: PathBuf,
    pub(super) binaries: BTreeMap<&'static str, Vec<u8>>,
    pub(super) compiled: Compiled,
}

/// Ids of packages, by what cargo said that it compiled them for.
#[derive(Debug, Default)]
pub(super) struct Compiled {
    pub(super) target: BTreeSet<String>,
    /// Procedural macros, and what they and build scripts need.
    pub(super) host: BTreeSet<String>,
}

pub(super) fn rustc(args: &[&str]) -> Result<String> {
    output(Command::new(env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"))).args(args))
}

pub(super) fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_owned();
    let output = command.output().with_context(|| format!("run {}", program.display()))?;
    if !output.status.success() {
        bail!("{}: {}", program.display(), String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).with_context(|| program.display().to_string())
}

pub(super) fn build(source: &Source, tools: &Tools, profile: &str) -> Result<Built> {
    let places = Places::of(source)?;
    let mut command = command(source, tools, profile, &places);
    let mut child = command.stdout(Stdio::piped()).spawn().context("run cargo")?;
    let said = child.stdout.take().context("no standard output of cargo")?;
    let place = source.target_dir.join(tools.platform.target());
    let mut compiled = Compiled::default();
    for line in BufReader::new(said).lines() {
        compiled.add(&line.context("read what cargo says")?, &place);
    }
    let status = child.wait().context("cargo")?;
    interrupt::check()?;
    if !status.success() {
        bail!("`cargo build` for {} ended with {status}", tools.platform.target());
    }
    let dir = place.join(profile);
    let mut binaries = BTreeMap::new();
    for (name, _) in BINARIES {
        let path = dir.join(name);
        let content = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        check(&content, tools.platform, &places).with_context(|| path.display().to_string())?;
        binaries.insert(name, content);
    }
    Ok(Built { dir, binaries, compiled })
}

fn command(source: &Source, tools: &Tools, profile: &str, places: &Places) -> Command {
    let target = tools.platform.target();
    let mut command = cargo::cargo(["build", "--locked", "--profile", profile, "--target", target]);
    command.args(["--message-format", "json-render-diagnostics"]).current_dir(&source.root);
    command.arg("--target-dir").arg(&source.target_dir);
    for (binary, package) in BINARIES {
        command.args(["--package", package, "--bin", binary]);
    }
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if SETTINGS.contains(&&*text) || KINDS_OF_SETTINGS.iter().any(|kind| text.starts_with(kind)) {
            command.env_remove(&name);
        }
    }
    let variable = target.replace('-', "_");
    command
        .env("SOURCE_DATE_EPOCH", &source.epoch)
        .env("CARGO_ENCODED_RUSTFLAGS", places.rust_flags().join("\u{1f}"))
        .env(format!("CFLAGS_{variable}"), places.c_flags().join(" "))
        .env(tools.platform.compiler_variable(), &tools.compiler);
    if let Some(linker) = &tools.linker {
        command.env(format!("CARGO_TARGET_{}_LINKER", variable.to_uppercase()), linker);
    }
    command
}

impl Compiled {
    /// A line of `--message-format json`.
    fn add(&mut self, line: &str, place: &Path) {
        #[derive(Deserialize)]
        struct Artifact {
            package_id: String,
            target: Target,
            filenames: Vec<PathBuf>,
        }
        #[derive(Deserialize)]
        struct Target {
            kind: Vec<String>,
        }
        // Other messages have other fields; a build script is of the package that it is in.
        let Ok(artifact) = serde_json::from_str::<Artifact>(line) else { return };
        if artifact.target.kind != ["custom-build"] {
            let for_target = artifact.filenames.iter().any(|file| file.starts_with(place));
            if for_target { &mut self.target } else { &mut self.host }.insert(artifact.package_id);
        }
    }
}

/// This machine's directories, and what a binary calls them.
struct Places(Vec<(PathBuf, String)>);

impl Places {
    const TARGET: &str = "/snc-operator/target";
    const SOURCE: &str = "/snc-operator";

    fn of(source: &Source) -> Result<Self> {
        let sysroot = PathBuf::from(rustc(&["--print", "sysroot"])?.trim());
        let verbose = rustc(&["-vV"])?;
        let commit = verbose.lines().find_map(|line| line.strip_prefix("commit-hash: "));
        Ok(Self(vec![
            (source.root.clone(), Self::SOURCE.to_owned()),
            // May be below the source: of two that fit, compilers take the later one.
            (source.target_dir.clone(), Self::TARGET.to_owned()),
            (cargo_home()?, "/cargo".to_owned()),
            (sysroot.clone(), "/rust".to_owned()),
            // The standard library's own paths are virtual until somebody installs its sources.
            (sysroot.join("lib/rustlib/src/rust"), format!("/rustc/{}", commit.unwrap_or("unknown"))),
        ]))
    }

    fn rust_flags(&self) -> Vec<String> {
        let remapped = self.0.iter().map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()));
        remapped.chain(["-Clink-arg=-Wl,--build-id=none".to_owned()]).collect()
    }

    fn c_flags(&self) -> Vec<String> {
        self.0.iter().map(|(from, to)| format!("-ffile-prefix-map={}={to}", from.display())).collect()
    }

    /// Those that are long enough not to be in a binary by chance; a second build elsewhere shows the rest.
    fn telling(&self) -> impl Iterator<Item = &Path> {
        let telling = |path: &&Path| path.components().count() > 2 && path.is_absolute();
        self.0.iter().map(|(from, _)| from.as_path()).filter(telling)
    }
}

fn cargo_home() -> Result<PathBuf> {
    let home = || env::var_os("HOME").map(|home| Path::new(&home).join(".cargo"));
    env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home).context("neither CARGO_HOME nor HOME is set")
}

fn check(binary: &[u8], platform: Platform, places: &Places) -> Result<()> {
    super::elf::check_static(binary, platform.machine())?;
    for path in places.telling() {
        let path = path.to_string_lossy();
        if binary.windows(path.len()).any(|window| window == path.as_bytes()) {
            bail!("a path of this machine is in it: {path}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        Places(vec![
            (PathBuf::from("/home/a/src"), Places::SOURCE.to_owned()),
            (PathBuf::from("/home/a/src/target"), Places::TARGET.to_owned()),
            (PathBuf::from("/src"), "/cargo".to_owned()),
        ])
    }

    #[test]
    fn the_more_exact_directory_comes_later_since_compilers_take_the_last() {
        let flags = places().rust_flags();
        assert_eq!(flags[0], "--remap-path-prefix=/home/a/src=/snc-operator");
        assert_eq!(flags[1], "--remap-path-prefix=/home/a/src/target=/snc-operator/target");
        assert_eq!(places().c_flags()[1], "-ffile-prefix-map=/home/a/src/target=/snc-operator/target");
    }

    #[test]
    fn settings_of_the_machine_do_not_reach_the_build_and_the_commit_s_time_does() {
        let source = Source {
            root: PathBuf::from("/home/a/src"),
            target_dir: PathBuf::from("/home/a/src/target/x"),
            revision: "0".repeat(40),
            epoch: "17".to_owned(),
            changed: false,
        };
        let compiler = PathBuf::from("/usr/bin/aarch64-linux-musl-gcc");
        let tools = Tools { platform: Platform::Arm64, compiler: compiler.clone(), linker: Some(compiler) };
        let command = command(&source, &tools, "ci", &places());
        let set: BTreeMap<String, String> = command
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_str()?.to_owned(), value?.to_str()?.to_owned())))
            .collect();
        assert_eq!(set["SOURCE_DATE_EPOCH"], "17");
        assert_eq!(set["CC_aarch64_unknown_linux_musl"], "/usr/bin/aarch64-linux-musl-gcc");
        assert_eq!(set["CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER"], "/usr/bin/aarch64-linux-musl-gcc");
        assert!(set["CARGO_ENCODED_RUSTFLAGS"].split('\u{1f}').all(|flag| flag.starts_with('-')));
        assert!(!set.contains_key("RUSTFLAGS"));
    }

    #[test]
    fn a_package_is_of_the_target_if_any_of_its_files_is() {
        let place = Path::new("/t/x86_64-unknown-linux-musl");
        let mut compiled = Compiled::default();
        let line = |package: &str, kind: &str, file: &str| {
            let target = format!(r#"{{"kind":["{kind}"],"name":"x"}}"#);
            format!(
                r#"{{"reason":"compiler-artifact","package_id":"{package}","target":{target},"filenames":["{file}"]}}"#
            )
        };
        compiled.add(&line("serde", "lib", "/t/x86_64-unknown-linux-musl/ci/deps/libserde.rlib"), place);
        compiled.add(&line("serde", "custom-build", "/t/ci/build/serde/build-script-build"), place);
        compiled.add(&line("derive", "proc-macro", "/t/ci/deps/libderive.so"), place);
        compiled.add(r#"{"reason":"build-finished","success":true}"#, place);
        compiled.add("no JSON", place);
        assert_eq!(compiled.target, BTreeSet::from(["serde".to_owned()]));
        assert_eq!(compiled.host, BTreeSet::from(["derive".to_owned()]));
    }

    #[test]
    fn short_directories_are_not_looked_for() {
        assert_eq!(places().telling().count(), 2);
    }
}
