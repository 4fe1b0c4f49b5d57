//! What `image` shows.

use crate::cluster::{Images, Written};
use crate::model::Selection;
use jiff::Timestamp;
use serde::Serialize;
use snc_catalogue::images::{OVERDUE, Scale, Sources};
use snc_catalogue::{Settings, controls};
use snc_core::facts::ImageScan;
use snc_core::image::{Digest, Severity};
use snc_images::library::{Image, Library};
use snc_images::report::{Counts, Report};
use snc_images::verdict::{Judgement, Looked};
use std::collections::BTreeMap;

/// What one report came to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Imported {
    pub file: String,
    pub namespace: String,
    pub name: String,
    pub image: String,
    pub written: Written,
    pub counts: Counts,
    pub truncated: bool,
    /// What the report lacks, so that the scan proves less.
    pub lacks: Vec<&'static str>,
}

/// A report that was read and went nowhere.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum ReadReports {
    One(Box<Report>),
    Several(Vec<Report>),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanLine {
    pub namespace: String,
    pub name: String,
    pub image: String,
    pub digests: Vec<Digest>,
    pub scanner: String,
    pub scanned_at: Option<Timestamp>,
    pub findings: usize,
    pub truncated: bool,
    pub statements: bool,
    /// It counts everywhere.
    pub platform: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum State {
    Pass,
    Unknown,
    Fail,
}

/// How an image stands.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageLine {
    /// Empty where no namespace is meant.
    pub namespace: String,
    pub image: String,
    pub digests: Vec<Digest>,
    /// What runs it: `Kind/name`, the first of them, and how many pods there are.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub workload: String,
    pub pods: usize,
    pub state: State,
    pub looked: &'static str,
    pub scanned_at: Option<Timestamp>,
    pub open: Counts,
    pub overdue: Counts,
    pub unanalysed: u64,
    pub settled: u64,
    pub truncated: bool,
    pub next: Option<Timestamp>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vulnerabilities: Vec<DueLine>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DueLine {
    pub vulnerability: String,
    pub severity: Severity,
    pub first_seen: Timestamp,
    pub due: Timestamp,
    pub overdue: bool,
    pub fixed: bool,
}

pub fn scans(images: &Images) -> Vec<ScanLine> {
    let home = &images.snapshot.home.0;
    let line = |(subject, ImageScan(scan)): (&snc_core::verdict::Subject, &ImageScan)| ScanLine {
        namespace: subject.namespace.clone(),
        name: subject.name.clone(),
        image: scan.image.clone(),
        digests: scan.digests.clone(),
        scanner: scan.scanner.clone(),
        scanned_at: scan.scanned_at,
        findings: scan.findings.len(),
        truncated: scan.truncated,
        statements: scan.statements,
        platform: subject.namespace == *home,
    };
    images.snapshot.image_scans.iter().map(line).collect()
}

/// By what `image-overdue` judges.
struct Scales<'a> {
    library: Library<'a>,
    scale: Scale,
    now: Timestamp,
}

fn scales(images: &Images, now: Timestamp) -> Option<Scales<'_>> {
    let control = controls().iter().find(|control| control.id == OVERDUE)?;
    let values = images.profile.values(control);
    let scale = Scale::of(Settings::new(&values));
    Some(Scales { library: Sources::of(&images.snapshot).library(&scale), scale, now })
}

impl Scales<'_> {
    fn line(&self, namespace: &str, named: &str, image: &Image, with_all: bool) -> ImageLine {
        let judged = self.scale.judge(&self.library, namespace, image, self.now);
        let state = if judged.is_past_a_deadline() {
            State::Fail
        } else if judged.is_uncertain() {
            State::Unknown
        } else {
            State::Pass
        };
        let (looked, scanned_at) = looked(&judged);
        let due = judged.due.iter().filter(|_| with_all).map(|due| DueLine {
            vulnerability: due.name.clone(),
            severity: due.severity,
            first_seen: due.first_seen,
            due: due.at,
            overdue: due.at <= self.now,
            fixed: due.fixed,
        });
        ImageLine {
            namespace: namespace.to_owned(),
            image: named.to_owned(),
            digests: image.digests.iter().cloned().collect(),
            workload: String::new(),
            pods: 0,
            state,
            looked,
            scanned_at,
            open: judged.open.all,
            overdue: judged.open.overdue,
            unanalysed: judged.open.unanalysed,
            settled: judged.open.settled,
            truncated: judged.truncated,
            next: judged.next,
            vulnerabilities: due.collect(),
        }
    }
}

fn looked(judgement: &Judgement) -> (&'static str, Option<Timestamp>) {
    match judgement.looked {
        Looked::Never => ("never", None),
        Looked::Undated => ("undated", None),
        Looked::Stale(at) => ("stale", Some(at)),
        Looked::Weakly(at) => ("untrusted", Some(at)),
        Looked::Lately(at) => ("lately", Some(at)),
    }
}

/// Images by their digests, in a namespace if one is named.
pub fn named(
    images: &Images,
    digests: &[Digest],
    selection: &Selection,
    now: Timestamp,
    with_all: bool,
) -> Vec<ImageLine> {
    let namespace = match selection {
        Selection::Namespace(name) => name.as_str(),
        _ => "",
    };
    let Some(scales) = scales(images, now) else { return Vec::new() };
    let line = |digest: &Digest| {
        let image = Image { digests: [digest.clone()].into(), name: String::new() };
        let about =
            images.snapshot.image_scans.iter().find(|(_, ImageScan(scan))| scan.digests.contains(digest));
        let named = about.map_or("", |(_, ImageScan(scan))| scan.image.as_str());
        scales.line(namespace, named, &image, with_all)
    };
    digests.iter().map(line).collect()
}

/// Every image that runs, worst first.
pub fn running(images: &Images, now: Timestamp) -> Vec<ImageLine> {
    let Some(scales) = scales(images, now) else { return Vec::new() };
    let mut found: BTreeMap<(String, Image), (String, String, usize)> = BTreeMap::new();
    for (subject, pod) in images.snapshot.pods.iter() {
        let owner = pod.metadata.controller().map(|owner| format!("{}/{}", owner.kind, owner.name));
        let workload = owner.unwrap_or_else(|| format!("Pod/{}", subject.name));
        let mut here: Vec<&Image> = Vec::new();
        let all: Vec<(Image, &str)> = pod
            .running
            .iter()
            .map(|one| (Image::of(&one.named, Some(&one.image_id)), one.named.as_ref()))
            .collect();
        for (image, named) in &all {
            if here.contains(&image) {
                continue;
            }
            here.push(image);
            let key = (subject.namespace.clone(), image.clone());
            let held = found.entry(key).or_insert_with(|| ((*named).to_owned(), workload.clone(), 0));
            held.2 += 1;
        }
    }
    let line = |((namespace, image), (named, workload, pods)): ((String, Image), (String, String, usize))| {
        ImageLine { workload, pods, ..scales.line(&namespace, &named, &image, false) }
    };
    let mut lines: Vec<ImageLine> = found.into_iter().map(line).collect();
    lines.sort_by(|a, b| {
        b.state
            .cmp(&a.state)
            .then_with(|| (&a.namespace, &a.image, &a.digests).cmp(&(&b.namespace, &b.image, &b.digests)))
    });
    lines
}
