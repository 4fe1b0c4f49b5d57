//! What people wrote about the refusals of one chart.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use xtask::harness::workspace;

/// One file of `e2e/charts`, named like the chart.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explained {
    /// A Go module of `e2e/charts/go.mod`, which says the version; go.sum proves the content.
    pub module: String,
    /// Of the chart, within the module.
    pub path: String,
    /// What mends, of what the chart lets its users set.
    pub values: Value,
    pub refusals: Vec<Refusal>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    pub control: String,
    /// Why it is true.
    pub why: String,
    /// Why the values do not mend it. Absent where they do.
    pub stays: Option<String>,
    pub found: Vec<Found>,
}

/// An object of the chart, and what is wrong in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// `Kind/name`.
    pub object: String,
    /// A JSON pointer.
    pub at: String,
    /// What is there; null where nothing is.
    pub holds: Value,
}

/// An object and the control that refuses it.
pub type Pair = (String, String);

impl Explained {
    /// Those of the refusals that are there with the default values, or with the values that mend.
    pub fn pairs(&self, mended: bool) -> BTreeSet<Pair> {
        let told = self.refusals.iter().filter(|refusal| !mended || refusal.stays.is_some());
        let pairs = told.flat_map(|refusal| {
            refusal.found.iter().map(|found| (found.object.clone(), refusal.control.clone()))
        });
        pairs.collect()
    }
}

/// By the name of the chart.
pub fn all() -> Result<Vec<(String, Explained)>> {
    let folder = workspace::root().join("e2e/charts");
    let mut all = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        let Some(chart) = path.file_stem().filter(|_| path.extension().is_some_and(|e| e == "yaml")) else {
            continue;
        };
        let text = fs::read_to_string(&path)?;
        let explained: Explained =
            serde_saphyr::from_str(&text).with_context(|| path.display().to_string())?;
        for refusal in &explained.refusals {
            let said = [&refusal.why].into_iter().chain(&refusal.stays);
            for text in said {
                ensure!(text.split_whitespace().count() > 3, "{}: {text:?}", path.display());
            }
        }
        all.push((chart.to_string_lossy().into_owned(), explained));
    }
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(all)
}
