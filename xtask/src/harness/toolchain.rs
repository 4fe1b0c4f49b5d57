//! Where etcd, the API server, the controller manager, kubectl and helm come from: `KUBEBUILDER_ASSETS`,
//! `PATH` (a version that fits), the cache, a build. Each tool is looked for on its own.

use crate::harness::{
    files::executable,
    tool::{Module, Tool, parse_version},
    tool_build::Cache,
};
use anyhow::{Context, Result, bail};
use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fmt::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What discovery looks at, as data.
#[derive(Clone, Debug)]
pub struct Environment {
    pub assets: Option<PathBuf>,
    pub path: Vec<PathBuf>,
    /// Holds one directory per build recipe.
    pub cache: PathBuf,
    /// The Go module whose go.mod pins the tools.
    pub module: PathBuf,
}

impl Environment {
    pub fn current() -> Result<Self> {
        let cache = match (env::var_os("XDG_CACHE_HOME"), env::var_os("HOME")) {
            (Some(dir), _) if Path::new(&dir).is_absolute() => PathBuf::from(dir),
            (_, Some(home)) => Path::new(&home).join(".cache"),
            _ => bail!("neither XDG_CACHE_HOME nor HOME is set: there is no place to keep built tools"),
        };
        Ok(Self {
            assets: env::var_os("KUBEBUILDER_ASSETS").filter(|dir| !dir.is_empty()).map(PathBuf::from),
            path: env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default(),
            cache: cache.join("snc-operator/tools"),
            module: super::workspace::go_module(),
        })
    }

    pub(crate) fn go(&self) -> Option<PathBuf> {
        self.path.iter().map(|dir| dir.join("go")).find(|path| executable(path))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Assets,
    Path,
    Cache,
    Built,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Assets => "KUBEBUILDER_ASSETS",
            Self::Path => "PATH",
            Self::Cache => "cache",
            Self::Built => "built",
        })
    }
}

#[derive(Clone, Debug, Default)]
pub struct Toolchain {
    tools: BTreeMap<Tool, (PathBuf, Source)>,
}

/// The tools that were found, and those that were not with the candidates that did not fit.
#[derive(Debug, Default)]
pub(crate) struct Search {
    pub(crate) found: Toolchain,
    pub(crate) missing: Vec<Tool>,
    pub(crate) refused: Vec<(Tool, String)>,
}

impl Toolchain {
    /// Every tool of a control plane; what is missing is built.
    pub fn ensure() -> Result<Self> {
        Self::ensure_tools(&Environment::current()?, &Tool::ALL)
    }

    pub fn ensure_tools(environment: &Environment, tools: &[Tool]) -> Result<Self> {
        let Search { mut found, missing, refused } = search(environment, tools)?;
        if missing.is_empty() {
            return Ok(found);
        }
        for (_, why) in refused.iter().filter(|(tool, _)| missing.contains(tool)) {
            eprintln!("{why}");
        }
        let Some(go) = environment.go() else { bail!(ways_out(&missing)) };
        for &tool in &missing {
            let cache = Cache::open(environment, &go, tool.module()).with_context(|| ways_out(&missing))?;
            let path = cache.build(tool, &go)?;
            found.tools.insert(tool, (path, Source::Built));
        }
        Ok(found)
    }

    /// Every tool of a control plane, if none has to be built.
    pub fn find(environment: &Environment) -> Result<Option<Self>> {
        Self::find_tools(environment, &Tool::ALL)
    }

    /// The same of others.
    pub fn find_tools(environment: &Environment, tools: &[Tool]) -> Result<Option<Self>> {
        let search = search(environment, tools)?;
        Ok(search.missing.is_empty().then_some(search.found))
    }

    pub fn path(&self, tool: Tool) -> Result<&Path> {
        match self.tools.get(&tool) {
            Some((path, _)) => Ok(path),
            None => bail!("{} was not asked for when the toolchain was put together", tool.name()),
        }
    }

    pub fn source(&self, tool: Tool) -> Option<Source> {
        self.tools.get(&tool).map(|(_, source)| *source)
    }

    pub fn describe(&self) -> String {
        self.tools.iter().fold(String::new(), |mut text, (tool, (path, source))| {
            let _ = writeln!(text, "{:24} {} ({source})", tool.name(), path.display());
            text
        })
    }

    /// For an instance that somebody else started: its tools as they were recorded.
    pub(crate) fn from_record(record: &BTreeMap<String, PathBuf>) -> Self {
        let tools = Tool::every()
            .filter_map(|tool| Some((tool, (record.get(tool.name())?.clone(), Source::Cache))))
            .collect();
        Self { tools }
    }

    pub(crate) fn to_record(&self) -> BTreeMap<String, PathBuf> {
        self.tools.iter().map(|(tool, (path, _))| (tool.name().to_owned(), path.clone())).collect()
    }
}

pub(crate) fn search(environment: &Environment, tools: &[Tool]) -> Result<Search> {
    let mut search = Search::default();
    for &tool in tools {
        let assets = environment.assets.iter().map(|dir| (dir, Source::Assets));
        let path = environment.path.iter().map(|dir| (dir, Source::Path));
        let fitting = assets.chain(path).find_map(|(dir, source)| {
            let candidate = tool.in_dir(dir);
            match fits(tool, &candidate)? {
                Ok(()) => Some((candidate, source)),
                Err(why) => {
                    search.refused.push((tool, why));
                    None
                }
            }
        });
        match fitting {
            Some(found) => drop(search.found.tools.insert(tool, found)),
            None => search.missing.push(tool),
        }
    }
    if search.missing.is_empty() {
        return Ok(search);
    }
    let modules: BTreeSet<Module> = search.missing.iter().map(|tool| tool.module()).collect();
    let mut cached = BTreeMap::new();
    for module in modules {
        cached.insert(module, Cache::existing(environment, module)?);
    }
    search.missing.retain(|&tool| {
        let dirs = cached.get(&tool.module()).into_iter().flatten();
        let Some(path) = dirs.map(|dir| tool.in_dir(dir)).find(|path| executable(path)) else {
            return true;
        };
        search.found.tools.insert(tool, (path, Source::Cache));
        false
    });
    Ok(search)
}

/// `None` if there is no such file, else whether its version is accepted.
fn fits(tool: Tool, candidate: &Path) -> Option<Result<(), String>> {
    let version_args = tool.version_args()?;
    if !executable(candidate) {
        return None;
    }
    let output = Command::new(candidate).args(version_args).stdin(Stdio::null()).output();
    let version = output.ok().and_then(|output| parse_version(&String::from_utf8_lossy(&output.stdout)));
    Some(match version {
        Some(version) if tool.accepts(version) => Ok(()),
        Some((major, minor)) => Err(format!(
            "{} is {major}.{minor}, {} is needed: not used",
            candidate.display(),
            tool.accepted()
        )),
        None => Err(format!("{} does not tell its version: not used", candidate.display())),
    })
}

fn ways_out(missing: &[Tool]) -> String {
    let names: Vec<&str> = missing.iter().map(|tool| tool.name()).collect();
    format!(
        "cannot get {}. One of these helps:\n  \
         - install Go 1.26 or newer (https://go.dev/dl): the tools are then built once and cached\n  \
         - set KUBEBUILDER_ASSETS to a directory that holds them (Kubernetes 1.36; `setup-envtest use 1.36` \
         makes one)\n  \
         - use a cluster that runs already: --existing, with KUBECONFIG",
        names.join(", ")
    )
}

#[cfg(test)]
#[path = "toolchain_tests.rs"]
mod tests;
