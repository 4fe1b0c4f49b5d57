//! Finds the controls and the requirements: a file that is there is part of the catalogue, with no list to edit.
//! A rule that does not compile, or that the API server and our engine would judge differently, stops the build.

// The very code that renders and compiles a rule, so that what passes here is what will run.
#[allow(dead_code, reason = "a build compiles rules and judges nothing by them")]
#[path = "src/custom/expressions.rs"]
mod expressions;
#[allow(dead_code, reason = "the library says more mistakes than a build")]
#[path = "src/custom/mistake.rs"]
mod mistake;
#[allow(dead_code, reason = "a build reads no list of kinds")]
#[path = "src/render.rs"]
mod render;
#[allow(dead_code, reason = "a build compiles rules and judges nothing by them")]
#[path = "src/rule.rs"]
mod rule;

use mistake::Mistake;
use serde::Deserialize;
use serde_json::{Map, Value};
use snc_core::control::Control;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let Err(error) = build() else { return ExitCode::SUCCESS };
    for line in error.to_string().lines() {
        println!("cargo::error={line}");
    }
    ExitCode::FAILURE
}

fn build() -> Outcome<()> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let mut controls = Map::new();
    let mut modules = String::new();
    let mut table = String::new();

    for file in files(&root.join("controls"), "yaml")? {
        add(&mut controls, &file, &read(&file)?, "")?;
    }
    for file in files(&root.join("src/checks"), "rs")? {
        let text = read(&file)?;
        let id = add(&mut controls, &file, &header(&file, &text)?, "-")?;
        let module = stem(&file);
        writeln!(modules, "#[path = {:?}]\nmod {module};", file.display().to_string())?;
        writeln!(table, "    ({id:?}, {module}::check),")?;
    }
    let chapters = files(&root.join("requirements"), "yaml")?
        .iter()
        .map(|file| parse(file, &read(file)?))
        .collect::<Outcome<Vec<Value>>>()?;

    let controls: Vec<Value> = controls.into_iter().map(|(_, control)| control).collect();
    fs::write(out.join("controls.json"), Value::Array(controls).to_string())?;
    fs::write(out.join("requirements.json"), Value::Array(chapters).to_string())?;
    fs::write(
        out.join("checks.rs"),
        format!(
            "{modules}\n/// Every control that is written in Rust.\nconst CHECKS: &[(&str, Check)] = &[\n{table}];\n"
        ),
    )?;
    Ok(())
}

/// All files with that ending below a directory, in the order of their names.
fn files(directory: &Path, ending: &str) -> Outcome<Vec<PathBuf>> {
    println!("cargo::rerun-if-changed={}", directory.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(|error| format!("{}: {error}", directory.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path, ending)?);
        } else if path.extension().is_some_and(|found| found == ending) {
            println!("cargo::rerun-if-changed={}", path.display());
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn read(file: &Path) -> Outcome<String> {
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()).into())
}

fn parse(file: &Path, text: &str) -> Outcome<Value> {
    serde_saphyr::from_str(text).map_err(|error| format!("{}: {error}", file.display()).into())
}

fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The block of YAML at the head of a control written in Rust.
fn header(file: &Path, text: &str) -> Outcome<String> {
    let mut lines = text.lines().skip_while(|line| *line != "//! ```yaml").skip(1);
    let mut header = String::new();
    for line in lines.by_ref() {
        if line == "//! ```" {
            return Ok(header);
        }
        let Some(line) = line.strip_prefix("//!") else { break };
        writeln!(header, "{}", line.strip_prefix(' ').unwrap_or(line))?;
    }
    Err(format!("{}: no `//! ```yaml` block at its head", file.display()).into())
}

/// The file is named for the control and stands in the folder of its first requirement's chapter.
fn add(controls: &mut Map<String, Value>, file: &Path, text: &str, hyphen: &str) -> Outcome<String> {
    let control = parse(file, text)?;
    compiles(file, &control)?;
    let id = control["id"].as_str().unwrap_or_default().to_owned();
    let named = if hyphen.is_empty() { stem(file) } else { stem(file).replace('_', hyphen) };
    if id != named {
        return Err(format!("{}: its id is {id:?}, and its name says {named:?}", file.display()).into());
    }
    let first = control["requirements"][0].as_str().unwrap_or_default();
    let chapter = first.split('.').next().unwrap_or_default();
    let folder = file.parent().map(stem).unwrap_or_default();
    if folder.trim_start_matches("chapter") != chapter {
        return Err(
            format!("{}: its first requirement, {first:?}, is of another chapter", file.display()).into()
        );
    }
    if controls.insert(id.clone(), control).is_some() {
        return Err(format!("{}: {id:?} is there twice", file.display()).into());
    }
    Ok(id)
}

/// Everything that is wrong with its rule, each as `file: field:line:column: what`.
fn compiles(file: &Path, control: &Value) -> Outcome<()> {
    let control = Control::deserialize(control).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut wrong = Vec::new();
    if let Some(rule) = &control.rule {
        expressions::judge(&control, rule, &mut wrong);
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let told = |Mistake { field, line, column, message }: &Mistake| {
        let field = field.strip_prefix("spec.").unwrap_or(field);
        format!("{}: {field}:{line}:{column}: {}", file.display(), message.en)
    };
    Err(wrong.iter().map(told).collect::<Vec<_>>().join("\n").into())
}
