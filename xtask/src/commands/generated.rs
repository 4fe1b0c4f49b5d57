//! The files of this repository that its binaries print or that are made of a chart's values, and how they differ from that.

use super::values;
use crate::harness::workspace;
use anyhow::{Context, Result, bail};
use similar::TextDiff;
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// One more line here is one more generated file.
const OUTPUTS: [Output; 5] = [
    Output {
        binary: "snc-operator",
        args: &["crds"],
        target: Target::FilePerCrd {
            plain: &["crds", "charts/snc-operator/crds"],
            templates: &["charts/snc-crds/templates"],
        },
    },
    Output { binary: "snc-operator", args: &["guards"], target: Target::File("manifests/guards.yaml") },
    Output {
        binary: "kubectl-snc",
        args: &["controls", "-o", "md", "--lang", "en"],
        target: Target::Page("docs/controls.md"),
    },
    Output {
        binary: "kubectl-snc",
        args: &["controls", "-o", "md", "--lang", "fr"],
        target: Target::Page("docs/controles.md"),
    },
    Output { binary: "snc-operator", args: &["metrics"], target: Target::Page("docs/metrics.md") },
];

/// The first has values that are worth a page.
const CHARTS: [&str; 2] = ["charts/snc-operator", "charts/snc-crds"];

const KEPT: &str = r#"  annotations:
    helm.sh/resource-policy: keep
  labels:
    {{- include "snc-crds.labels" . | nindent 4 }}
"#;

const HEADER: &str = "# Printed by the operator's binary (`cargo xtask generate`): edits are lost.\n";

struct Output {
    binary: &'static str,
    args: &'static [&'static str],
    target: Target,
}

enum Target {
    File(&'static str),
    /// As it is printed.
    Page(&'static str),
    /// One file per CRD in each of these directories, which hold no other YAML.
    FilePerCrd {
        plain: &'static [&'static str],
        templates: &'static [&'static str],
    },
}

/// What should be there, by path from the workspace root.
#[derive(Debug, Default)]
pub(super) struct Generated {
    files: BTreeMap<PathBuf, String>,
    directories: Vec<PathBuf>,
}

impl Generated {
    /// `built` says where a binary of that name is.
    pub(super) fn from_binaries(built: impl Fn(&str) -> PathBuf) -> Result<Self> {
        let mut generated = Self::default();
        for output in &OUTPUTS {
            let binary = &built(output.binary);
            let text = print(binary, output.args)?;
            generated
                .add(output.binary, &output.target, &text)
                .with_context(|| format!("the output of `{} {}`", binary.display(), output.args.join(" ")))?;
        }
        for chart in CHARTS {
            let values = Path::new(chart).join("values.yaml");
            let text =
                read(&workspace::root().join(&values))?.with_context(|| values.display().to_string())?;
            let schema = values::schema(&text).with_context(|| values.display().to_string())?;
            generated.files.insert(values.with_file_name("values.schema.json"), schema);
            if chart == CHARTS[0] {
                generated.files.insert(PathBuf::from(values::PAGE), values::page(&text)?);
            }
        }
        Ok(generated)
    }

    fn add(&mut self, binary: &str, target: &Target, text: &str) -> Result<()> {
        if let Target::Page(path) = *target {
            let header = format!("<!-- Printed by {binary} (`cargo xtask generate`): edits are lost. -->\n");
            self.files.insert(PathBuf::from(path), header + text);
            return Ok(());
        }
        let documents = documents(text);
        if documents.is_empty() {
            bail!("there is no document in it");
        }
        match *target {
            Target::Page(_) => {}
            Target::File(path) => {
                self.files.insert(PathBuf::from(path), format!("{HEADER}---\n{}", documents.join("---\n")));
            }
            Target::FilePerCrd { plain, templates } => {
                self.directories.extend(plain.iter().chain(templates).map(PathBuf::from));
                for document in documents {
                    let name = format!("{}.yaml", plural(&document)?);
                    let template = template(&document).with_context(|| name.clone())?;
                    let plain = plain.iter().map(|directory| (directory, &document));
                    for (directory, text) in plain.chain(templates.iter().map(|at| (at, &template))) {
                        let path = Path::new(directory).join(&name);
                        if self.files.insert(path, format!("{HEADER}{text}")).is_some() {
                            bail!("{name} would be written twice");
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns the paths that were written or removed.
    pub(super) fn write(&self) -> Result<Vec<PathBuf>> {
        self.write_under(&workspace::root())
    }

    fn write_under(&self, root: &Path) -> Result<Vec<PathBuf>> {
        let mut changed = Vec::new();
        for (path, text) in &self.files {
            let file = root.join(path);
            if read(&file)?.as_ref() == Some(text) {
                continue;
            }
            fs::create_dir_all(file.parent().unwrap_or(root))?;
            fs::write(&file, text).with_context(|| format!("write {}", file.display()))?;
            changed.push(path.clone());
        }
        for path in self.strays(root)? {
            fs::remove_file(root.join(&path))?;
            changed.push(path);
        }
        Ok(changed)
    }

    /// What `generate` would change, as a diff; empty if nothing.
    pub(super) fn diff(&self) -> Result<String> {
        self.diff_under(&workspace::root())
    }

    fn diff_under(&self, root: &Path) -> Result<String> {
        let mut text = String::new();
        for (path, wanted) in &self.files {
            let present = read(&root.join(path))?.unwrap_or_default();
            text.push_str(&unified(path, &present, wanted));
        }
        for path in self.strays(root)? {
            text.push_str(&unified(&path, &read(&root.join(&path))?.unwrap_or_default(), ""));
        }
        Ok(text)
    }

    fn strays(&self, root: &Path) -> Result<BTreeSet<PathBuf>> {
        let mut strays = BTreeSet::new();
        for directory in &self.directories {
            let Ok(entries) = fs::read_dir(root.join(directory)) else { continue };
            for entry in entries {
                let path = directory.join(entry?.file_name());
                if path.extension() == Some(OsStr::new("yaml")) && !self.files.contains_key(&path) {
                    strays.insert(path);
                }
            }
        }
        Ok(strays)
    }
}

fn unified(path: &Path, present: &str, wanted: &str) -> String {
    if present == wanted {
        return String::new();
    }
    TextDiff::from_lines(present, wanted)
        .unified_diff()
        .context_radius(2)
        .header(&format!("{} (file)", path.display()), &format!("{} (generated)", path.display()))
        .to_string()
}

fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
    }
}

fn print(binary: &Path, args: &[&str]) -> Result<String> {
    let output =
        Command::new(binary).args(args).output().with_context(|| format!("run {}", binary.display()))?;
    if !output.status.success() {
        bail!(
            "`{} {}` ended with {}:\n{}",
            binary.display(),
            args.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The documents of a YAML stream, without the `---` lines, each ending in one newline.
fn documents(stream: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    for line in stream.lines() {
        if line.trim_end() == "---" {
            documents.push(String::new());
        } else if let Some(document) = documents.last_mut() {
            document.push_str(line);
            document.push('\n');
        }
    }
    documents.retain(|document| !document.trim().is_empty());
    documents.iter().map(|document| format!("{}\n", document.trim_matches('\n'))).collect()
}

/// As a chart of its own has it: helm labels it, and never deletes it.
fn template(document: &str) -> Result<String> {
    let escaped = document.replace("{{", "{{ \"{{\" }}");
    let (before, after) = escaped.split_once("\nmetadata:\n").context("no metadata")?;
    Ok(format!("{before}\nmetadata:\n{KEPT}{after}"))
}

fn plural(document: &str) -> Result<String> {
    let value: serde_json::Value = serde_saphyr::from_str(document).context("a document is not YAML")?;
    if value["kind"] != "CustomResourceDefinition" {
        bail!("a document is a {}, not a CustomResourceDefinition", value["kind"]);
    }
    let plural = value["spec"]["names"]["plural"].as_str().unwrap_or_default();
    if plural.is_empty() || !plural.chars().all(|c| c.is_ascii_lowercase()) {
        bail!("spec.names.plural is {plural:?}");
    }
    Ok(plural.to_owned())
}

#[cfg(test)]
#[path = "generated_tests.rs"]
mod tests;
