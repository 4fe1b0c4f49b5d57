//! Where things are in this repository.

use anyhow::{Context, Result, bail};
use std::{
    env,
    path::{Path, PathBuf},
};

pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// `SNC_INSTANCES_DIR` puts them elsewhere.
pub fn instances_dir() -> PathBuf {
    env::var_os("SNC_INSTANCES_DIR").map_or_else(|| root().join(".snc"), |dir| root().join(dir))
}

pub fn go_module() -> PathBuf {
    root().join("e2e/cluster")
}

pub fn chart() -> PathBuf {
    root().join("charts/snc-operator")
}

pub fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Where `cargo xtask test` puts the release that its node installs.
pub fn release_of_tests() -> PathBuf {
    target_dir().join("release-of-tests")
}

/// Every file with that ending below a directory, in the order of their names.
pub fn files(directory: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let mut found = files_below(directory)?;
    found.retain(|path| path.extension().is_some_and(|found| found == ending));
    Ok(found)
}

/// Every file below a directory, in the order of their names.
pub fn files_below(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = std::fs::read_dir(directory).with_context(|| directory.display().to_string())?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files_below(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// What a static binary is built for.
pub const fn static_target() -> &'static str {
    if cfg!(target_arch = "aarch64") { "aarch64-unknown-linux-musl" } else { "x86_64-unknown-linux-musl" }
}

/// A static binary of this workspace, as images hold it.
pub fn static_binary(name: &str, profile: &str) -> Result<PathBuf> {
    let path = target_dir().join(static_target()).join(profile).join(name);
    if !path.is_file() {
        bail!(
            "{} is not built; `cargo build --profile {profile} --target {} --bin {name}` builds it",
            path.display(),
            static_target()
        );
    }
    Ok(path)
}

/// A binary of this workspace that was built beside the running one, e.g. `snc-operator`.
/// `SNC_BIN_DIR` overrides the directory.
pub fn binary(name: &str) -> Result<PathBuf> {
    let mut dirs: Vec<PathBuf> = env::var_os("SNC_BIN_DIR").map(PathBuf::from).into_iter().collect();
    if dirs.is_empty() {
        let exe = env::current_exe().context("own executable path")?;
        dirs.extend(exe.ancestors().skip(1).take(2).map(Path::to_path_buf));
    }
    match dirs.iter().map(|dir| dir.join(name)).find(|path| path.is_file()) {
        Some(path) => Ok(path),
        None => bail!(
            "{name} is not built (looked in {}); `cargo build --workspace --bins` builds it",
            dirs.iter().map(|dir| dir.display().to_string()).collect::<Vec<_>>().join(", ")
        ),
    }
}
