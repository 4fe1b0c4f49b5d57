//! The bill of materials of a binary: `CycloneDX` 1.5, out of what cargo resolved and what it then compiled.

use super::{build::Compiled, platform::Platform};
use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// `cargo metadata`.
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    license_file: Option<String>,
    /// `None` for those of this workspace.
    source: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

/// `None` is a normal dependency.
#[derive(Debug, Deserialize)]
struct Kind {
    kind: Option<String>,
}

impl Dependency {
    fn is(&self, kind: Option<&str>) -> bool {
        self.dep_kinds.iter().any(|found| found.kind.as_deref() == kind)
    }
}

/// What a bill is about.
pub(super) struct Subject<'a> {
    pub(super) binary: &'a str,
    pub(super) package: &'a str,
    pub(super) platform: Platform,
    /// In hexadecimal, of the binary.
    pub(super) sha256: &'a str,
    /// `1.95.0`: the standard library is in the binary and in no list of cargo's.
    pub(super) rust: &'a str,
}

/// The archives that Cargo.lock holds cargo to: name and version to SHA-256.
pub(super) type Checksums = BTreeMap<(String, String), String>;

/// The format is cargo's own: one `key = "value"` a line, one `[[package]]` before each.
pub(super) fn checksums(lock: &str) -> Checksums {
    let field = |block: &str, key: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))?;
        Some(line.trim_matches('"').to_owned())
    };
    let packages = lock.split("[[package]]").skip(1);
    packages
        .filter_map(|block| {
            Some(((field(block, "name")?, field(block, "version")?), field(block, "checksum")?))
        })
        .collect()
}

/// Packages of one binary.
struct Parts<'a> {
    linked: BTreeSet<&'a str>,
    /// Ran while it was built: build scripts, procedural macros and what they need.
    ran: BTreeSet<&'a str>,
}

/// From the binary's package on, over what was compiled: a feature that is off, a dependency of tests or of another platform
/// was not.
fn parts<'a>(root: &'a str, nodes: &BTreeMap<&'a str, &'a Node>, compiled: &Compiled) -> Parts<'a> {
    let mut parts = Parts { linked: BTreeSet::new(), ran: BTreeSet::new() };
    let mut todo = vec![(root, true)];
    while let Some((id, linked)) = todo.pop() {
        let seen = if linked { &mut parts.linked } else { &mut parts.ran };
        if !seen.insert(id) {
            continue;
        }
        for dependency in nodes.get(id).into_iter().flat_map(|node| &node.deps) {
            let pkg = dependency.pkg.as_str();
            let (normal, of_build) = (dependency.is(None), dependency.is(Some("build")));
            let links = linked && normal && compiled.target.contains(pkg);
            // A procedural macro is a normal dependency that is never linked.
            let runs = compiled.host.contains(pkg) && (of_build || normal && !links);
            if links {
                todo.push((pkg, true));
            }
            if runs {
                todo.push((pkg, false));
            }
        }
    }
    parts
}

pub(super) fn bill(
    metadata: &Metadata,
    compiled: &Compiled,
    checksums: &Checksums,
    subject: &Subject<'_>,
) -> Result<Value> {
    let packages: BTreeMap<&str, &Package> =
        metadata.packages.iter().map(|package| (package.id.as_str(), package)).collect();
    let nodes: BTreeMap<&str, &Node> =
        metadata.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let root =
        metadata.packages.iter().find(|package| package.source.is_none() && package.name == subject.package);
    let root = root.with_context(|| format!("no package {} in this workspace", subject.package))?;
    let parts = parts(&root.id, &nodes, compiled);
    let all: BTreeSet<&str> = parts.linked.union(&parts.ran).copied().collect();

    let main = format!("{}@{}", subject.binary, root.version);
    let reference_of = |id: &str| -> Option<String> {
        if id == root.id { Some(main.clone()) } else { packages.get(id).map(|package| reference(package)) }
    };
    let mut components = Vec::new();
    let mut dependencies = BTreeMap::new();
    for &id in &all {
        let package = packages.get(id).with_context(|| format!("cargo metadata names no {id}"))?;
        if id != root.id {
            components.push(component(package, parts.linked.contains(id), checksums)?);
        }
        let needs = nodes.get(id).into_iter().flat_map(|node| &node.deps);
        let needs: BTreeSet<String> = needs
            .filter(|needed| all.contains(needed.pkg.as_str()))
            .filter(|needed| needed.is(None) || needed.is(Some("build")))
            .filter_map(|needed| reference_of(&needed.pkg))
            .collect();
        dependencies.insert(reference_of(id).unwrap_or_default(), needs);
    }
    let standard = format!("rust-std@{}", subject.rust);
    let target = subject.platform.target();
    components.push(json!({
        "type": "library",
        "bom-ref": standard,
        "name": "rust-std",
        "version": subject.rust,
        "scope": "required",
        "licenses": [{ "expression": "MIT OR Apache-2.0" }],
        "description": format!("Rust's standard library for {target}, with what it brings (musl, unwinder)"),
    }));
    dependencies.entry(main.clone()).or_default().insert(standard.clone());
    components.sort_by_key(|component| component["bom-ref"].as_str().unwrap_or_default().to_owned());
    let dependencies: Vec<Value> =
        dependencies.iter().map(|(of, needs)| json!({ "ref": of, "dependsOn": needs })).collect();
    Ok(json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "tools": {
                "components": [
                    { "type": "application", "name": "cargo xtask release", "version": root.version },
                ],
            },
            "component": {
                "type": "application",
                "bom-ref": main,
                "name": subject.binary,
                "version": root.version,
                "hashes": [{ "alg": "SHA-256", "content": subject.sha256 }],
                "licenses": licenses(root),
                "properties": [{ "name": "cargo:target", "value": target }],
            },
        },
        "components": components,
        "dependencies": dependencies,
        // What the standard library is made of is not listed.
        "compositions": [{ "aggregate": "incomplete", "dependencies": [standard] }],
    }))
}

/// A package URL says where something can be had: those of this workspace are in no registry.
fn purl(package: &Package) -> Option<String> {
    let crates_io = package.source.as_deref()?.contains("crates.io-index");
    let version = package.version.replace('+', "%2B");
    crates_io.then(|| format!("pkg:cargo/{}@{version}", package.name))
}

fn reference(package: &Package) -> String {
    purl(package).unwrap_or_else(|| format!("{}@{}", package.name, package.version))
}

fn component(package: &Package, linked: bool, checksums: &Checksums) -> Result<Value> {
    let mut component = json!({
        "type": "library",
        "bom-ref": reference(package),
        "name": package.name,
        "version": package.version,
        "scope": if linked { "required" } else { "excluded" },
    });
    if let Some(purl) = purl(package) {
        component["purl"] = json!(purl);
    }
    if package.license.is_some() || package.license_file.is_some() {
        component["licenses"] = licenses(package);
    }
    let checksum = checksums.get(&(package.name.clone(), package.version.clone()));
    if package.source.is_some() {
        let checksum = checksum
            .with_context(|| format!("no checksum of {} {} in Cargo.lock", package.name, package.version))?;
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    Ok(component)
}

fn licenses(package: &Package) -> Value {
    match (&package.license, &package.license_file) {
        // The slash is how it was written before SPDX expressions.
        (Some(license), _) => json!([{ "expression": license.replace(" / ", "/").replace('/', " OR ") }]),
        (None, Some(file)) => json!([{ "license": { "name": format!("see {file}") } }]),
        (None, None) => json!([]),
    }
}

#[cfg(test)]
#[path = "sbom_tests.rs"]
mod tests;
