use super::*;
use std::fs;

struct World {
    _dir: tempfile::TempDir,
    environment: Environment,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().to_path_buf();
        for name in ["assets", "path", "cache", "module"] {
            fs::create_dir(root.join(name)).unwrap();
        }
        fs::write(root.join("module/go.mod"), "module test\n").unwrap();
        fs::write(root.join("module/go.sum"), "sums\n").unwrap();
        let environment = Environment {
            assets: Some(root.join("assets")),
            path: vec![root.join("path")],
            cache: root.join("cache"),
            module: root.join("module"),
        };
        Self { _dir: dir, environment }
    }

    fn script(dir: &Path, name: &str, body: &str) -> PathBuf {
        let path = dir.join(name);
        // Written by a process of its own: a file that another test's fork holds open cannot be run.
        let write = r#"rm -f "$0"; printf '#!/bin/sh\n%s\n' "$1" > "$0"; chmod 755 "$0""#;
        assert!(Command::new("sh").args(["-c", write]).arg(&path).arg(body).status().unwrap().success());
        path
    }

    fn asset(&self, tool: Tool, prints: &str) -> PathBuf {
        Self::script(self.environment.assets.as_ref().unwrap(), tool.name(), &format!("echo '{prints}'"))
    }

    fn on_path(&self, tool: Tool, prints: &str) -> PathBuf {
        Self::script(&self.environment.path[0], tool.name(), &format!("echo '{prints}'"))
    }

    /// A `go` that reports a version and whose builds write a tool that says `built`.
    fn go(&self, build: &str) {
        let body = format!("if [ \"$1\" = env ]; then echo go1.26.8; exit 0; fi\n{build}");
        Self::script(&self.environment.path[0], "go", &body);
    }

    fn resolve(&self, tool: Tool) -> Result<(PathBuf, Source)> {
        let toolchain = Toolchain::ensure_tools(&self.environment, &[tool])?;
        Ok((toolchain.path(tool)?.to_path_buf(), toolchain.source(tool).unwrap()))
    }
}

const BUILD: &str = r#"while [ "$1" != -o ]; do shift; done; printf '#!/bin/sh\necho built\n' > "$2""#;

#[test]
fn assets_go_before_path_path_before_cache_cache_before_a_build() {
    let world = World::new();
    let tool = Tool::KubeApiserver;
    world.go(BUILD);

    let (built, source) = world.resolve(tool).unwrap();
    assert_eq!(source, Source::Built);
    assert!(built.starts_with(&world.environment.cache));

    assert_eq!(world.resolve(tool).unwrap(), (built, Source::Cache));

    let on_path = world.on_path(tool, "Kubernetes v1.36.1");
    assert_eq!(world.resolve(tool).unwrap(), (on_path, Source::Path));

    let asset = world.asset(tool, "Kubernetes v1.36.0");
    assert_eq!(world.resolve(tool).unwrap(), (asset, Source::Assets));
}

#[test]
fn a_version_that_does_not_fit_is_passed_over_and_named() {
    let world = World::new();
    world.asset(Tool::KubeApiserver, "Kubernetes v1.35.0");
    let fitting = world.on_path(Tool::KubeApiserver, "Kubernetes v1.36.9");
    let search = search(&world.environment, &[Tool::KubeApiserver]).unwrap();
    assert_eq!(search.found.path(Tool::KubeApiserver).unwrap(), fitting);
    assert!(search.refused[0].1.ends_with("kube-apiserver is 1.35, 1.36 is needed: not used"), "{search:?}");
}

#[test]
fn tools_of_several_sources_mix() {
    let world = World::new();
    world.go(BUILD);
    world.asset(Tool::KubeApiserver, "Kubernetes v1.36.0");
    world.on_path(Tool::Kubectl, "Client Version: v1.34.2");
    let tools = [Tool::KubeApiserver, Tool::Kubectl, Tool::Helm];
    let toolchain = Toolchain::ensure_tools(&world.environment, &tools).unwrap();
    let sources: Vec<_> = tools.map(|tool| toolchain.source(tool).unwrap()).into();
    assert_eq!(sources, [Source::Assets, Source::Path, Source::Built]);
}

#[test]
fn without_go_the_error_lists_the_ways_out() {
    let error = format!("{:#}", World::new().resolve(Tool::Etcd).unwrap_err());
    for way in ["etcd", "install Go 1.26", "KUBEBUILDER_ASSETS", "--existing", "KUBECONFIG"] {
        assert!(error.contains(way), "{way} is missing in: {error}");
    }
}

#[test]
fn what_was_built_is_found_again_without_go() {
    let world = World::new();
    world.go(BUILD);
    let (built, _) = world.resolve(Tool::Etcd).unwrap();
    fs::remove_file(world.environment.path[0].join("go")).unwrap();
    assert_eq!(world.resolve(Tool::Etcd).unwrap(), (built, Source::Cache));
    fs::write(world.environment.module.join("go.sum"), "other sums\n").unwrap();
    assert!(world.resolve(Tool::Etcd).is_err());
}

#[test]
fn a_failed_build_shows_what_go_said_and_leaves_nothing_behind() {
    let world = World::new();
    world.go("echo 'no such package: frobnicate' >&2; exit 1");
    let error = format!("{:#}", world.resolve(Tool::Etcd).unwrap_err());
    assert!(error.contains("no such package: frobnicate"), "{error}");
    world.go(BUILD);
    assert_eq!(world.resolve(Tool::Etcd).unwrap().1, Source::Built);
}
