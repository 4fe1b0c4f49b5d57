//! What `kubectl snc scan` takes, beside the mere decoding of the same bytes.

use crate::report::Report;
use crate::workload::{pod, workload};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use xtask::harness::workspace;

const TEMPLATES: usize = 2000;
const BUFFER: usize = 1 << 18;
/// Short starts are told apart from noise.
const STARTS: u32 = 10;

/// What a process took until it ended.
pub struct Run {
    pub elapsed: f64,
    pub peak_mib: f64,
}

/// Runs the command to its end; findings are no failure.
pub fn run(command: &mut Command) -> Result<Run> {
    let started = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak_mib = 0.0_f64;
    let code = loop {
        if let Some(code) = child.try_wait()? {
            break code;
        }
        let text = fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next());
        peak_mib = peak.and_then(|kib| kib.parse::<f64>().ok()).map_or(peak_mib, |kib| kib / 1024.0);
        std::thread::sleep(Duration::from_millis(5));
    };
    ensure!(matches!(code.code(), Some(0 | 1 | 3)), "{command:?}: {code}");
    Ok(Run { elapsed: started.elapsed().as_secs_f64(), peak_mib })
}

pub fn measure(pods: usize, report: &mut Report) -> Result<()> {
    let place = tempfile::tempdir()?;
    let snc = || workspace::binary("kubectl-snc").map(Command::new);
    let scan = |file: &Path| run(snc()?.args(["scan", "-o", "json"]).arg(file));
    Report::heading(&format!("scan: {pods} pods of {TEMPLATES} templates"));
    let mut line = |name: &str, value: f64, unit: &str| report.line("scan", name, value, unit);

    let small = place.path().join("small.json");
    fs::write(&small, pod(0, 0).to_string())?;
    let started = Instant::now();
    for _ in 0..STARTS {
        scan(&small)?;
    }
    line("one object", started.elapsed().as_secs_f64() * 1000.0 / f64::from(STARTS), "ms");

    let file = place.path().join("pods.json");
    let objects =
        (0..TEMPLATES).flat_map(workload).chain((0..pods).map(|number| pod(number % TEMPLATES, number)));
    write(&file, objects)?;
    line("JSON", mib(&file)?, "MiB");
    let decoding = decode(&file)?;
    let took = scan(&file)?;
    line("decoding, one thread", decoding, "s");
    line("scan", took.elapsed, "s");
    line("scan / decoding", took.elapsed / decoding, "");
    line("peak RSS", took.peak_mib, "MiB");
    fs::remove_file(&file)?;

    let file = place.path().join("pods.yaml");
    let mut out = BufWriter::new(File::create(&file)?);
    for number in 0..pods * 3 / 10 {
        let object = serde_saphyr::to_string(&pod(number % TEMPLATES, number))?;
        write!(out, "---\n{object}\n")?;
    }
    drop(out);
    let took = scan(&file)?;
    line("YAML", mib(&file)?, "MiB");
    line("scan of the YAML", took.elapsed, "s");
    line("peak RSS with the YAML", took.peak_mib, "MiB");
    Ok(())
}

/// A list as `kubectl get` gives it, an item a line.
fn write(file: &Path, objects: impl Iterator<Item = Value>) -> Result<()> {
    let mut out = BufWriter::new(File::create(file)?);
    writeln!(out, "{{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [")?;
    for object in objects {
        writeln!(out, "{object},")?;
    }
    writeln!(out, "{}\n]}}", json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "last"}}))?;
    Ok(())
}

fn mib(file: &Path) -> Result<f64> {
    let kib = u32::try_from(fs::metadata(file)?.len() / 1024)?;
    Ok(f64::from(kib) / 1024.0)
}

/// The least that anything does with these bytes: item by item, and let go.
fn decode(file: &Path) -> Result<f64> {
    let started = Instant::now();
    let mut input = BufReader::with_capacity(BUFFER, File::open(file)?);
    let (mut line, mut found) = (Vec::new(), 0_usize);
    while input.read_until(b'\n', &mut line)? > 0 {
        let item = line.trim_ascii_end();
        let item = item.strip_suffix(b",").unwrap_or(item);
        if item.starts_with(b"{") && item.ends_with(b"}") {
            let object: Value = serde_json::from_slice(item)?;
            found += usize::from(object.get("kind").is_some());
        }
        line.clear();
    }
    (found > 0).then_some(started.elapsed().as_secs_f64()).context("nothing was decoded")
}
