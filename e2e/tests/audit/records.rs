//! What the API server wrote, and what the sink kept: read here by other code than the product's, so that both can be wrong
//! only apart.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Of an event without what only one of the two encodings has.
pub type Identity = [u8; 32];

/// How often each event is there.
pub type Multiset = BTreeMap<Identity, Seen>;

#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub times: usize,
    /// When the stage that the event speaks of was reached.
    pub at: String,
    pub partition: String,
    /// Its Audit-ID.
    pub id: String,
    pub told: String,
}

/// Current file and rotated ones.
pub fn log_files(log: &Path) -> Result<Vec<PathBuf>> {
    let directory = log.parent().context("a file has a directory")?;
    let stem = log.file_stem().and_then(|stem| stem.to_str()).context("a name")?;
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(stem) && path.extension() == log.extension() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

pub fn written(log: &Path) -> Result<Multiset> {
    let mut all = Multiset::new();
    for file in log_files(log)? {
        for line in BufReader::new(File::open(&file)?).lines() {
            let line = line?;
            // The last one may be under way.
            if let Ok(event) = serde_json::from_str::<Value>(&line) {
                note(&mut all, event, "");
            }
        }
    }
    Ok(all)
}

/// Sealed segments of every partition below a directory.
pub fn kept(store: &Path) -> Result<Multiset> {
    let mut all = Multiset::new();
    for partition in fs::read_dir(store).with_context(|| store.display().to_string())? {
        let partition = partition?.path();
        let name = partition.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if !partition.is_dir() || (name != "platform" && !name.starts_with("tenant.")) {
            continue;
        }
        for file in fs::read_dir(&partition)? {
            let file = file?.path();
            // One without a manifest is not sealed yet.
            if file.extension().is_some_and(|ending| ending == "seg") && file.with_extension("json").exists()
            {
                segment(&file, &name, &mut all).with_context(|| file.display().to_string())?;
            }
        }
    }
    Ok(all)
}

fn segment(file: &Path, partition: &str, all: &mut Multiset) -> Result<()> {
    let mut text = String::new();
    zstd::stream::read::Decoder::new(File::open(file)?)?.read_to_string(&mut text)?;
    for line in text.lines() {
        let record: Value = serde_json::from_str(line)?;
        // Of the sink itself.
        if record["src"] == "sink" {
            continue;
        }
        ensure!(record["event"].is_object(), "no event: {line}");
        note(all, record["event"].clone(), partition);
    }
    Ok(())
}

fn note(all: &mut Multiset, mut event: Value, partition: &str) {
    let Some(members) = event.as_object_mut() else { return };
    members.remove("kind");
    members.remove("apiVersion");
    let at = event["stageTimestamp"].as_str().unwrap_or_default().to_owned();
    // Objects of serde_json are sorted.
    let text = event.to_string();
    let seen = all.entry(Sha256::digest(text.as_bytes()).into()).or_default();
    seen.times += 1;
    seen.at = at;
    event["auditID"].as_str().unwrap_or_default().clone_into(&mut seen.id);
    partition.clone_into(&mut seen.partition);
    if seen.told.is_empty() {
        seen.told = text.chars().take(900).collect();
    }
}

/// Of what the API server wrote from one moment to another: nothing missing, nothing twice; of whatever is kept, nothing
/// added.
pub fn equal(written: &Multiset, kept: &Multiset, from: &str, until: &str) -> Result<usize> {
    let (compared, missing) = compared(written, kept, from, until)?;
    if let Some(first) = missing.first() {
        bail!("{} of {compared} events are missing, the first: {}", missing.len(), first.told);
    }
    Ok(compared)
}

/// How many were written from one moment to another, and those that are not kept. Anything else that differs is an error.
pub fn compared<'w>(
    written: &'w Multiset,
    kept: &Multiset,
    from: &str,
    until: &str,
) -> Result<(usize, Vec<&'w Seen>)> {
    let mut compared = 0;
    let mut missing = Vec::new();
    for (identity, wrote) in written.iter().filter(|(_, wrote)| (from..=until).contains(&wrote.at.as_str())) {
        compared += wrote.times;
        let times = kept.get(identity).map_or(0, |kept| kept.times);
        if times == 0 {
            missing.push(wrote);
        } else if times != wrote.times {
            bail!("written {} times, kept {times}: {}", wrote.times, wrote.told);
        }
    }
    let added = kept.iter().find(|(identity, _)| !written.contains_key(*identity));
    if let Some((_, kept)) = added {
        let same = written.values().filter(|wrote| !wrote.id.is_empty() && wrote.id == kept.id);
        let same: Vec<&str> = same.map(|wrote| wrote.told.as_str()).collect();
        bail!("kept, and never written: {}\nwritten with its identity: {same:#?}", kept.told);
    }
    Ok((compared, missing))
}
