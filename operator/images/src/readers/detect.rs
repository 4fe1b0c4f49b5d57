//! Which format a document is, by its outermost fields.

use super::{ACCEPTED, Wrong};
use crate::report::Format;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use snc_core::text::clip;
use std::fmt;

pub enum Found {
    One(Format),
    /// The results of Trivy before its first schema had a number: a list without a head.
    TrivyResults,
    /// What `kubectl get -o json` makes of several reports.
    OperatorList,
}

/// The outermost fields that tell formats apart.
#[derive(Default)]
pub struct Outline {
    list: bool,
    fields: Vec<String>,
    kind: String,
    api_version: String,
    context: String,
    bom: String,
    schema: String,
    first: Vec<String>,
}

impl<'de> Deserialize<'de> for Outline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Look)
    }
}

struct Look;

/// A text, or nothing of another type.
struct Word(String);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Any {
            Text(String),
            Texts(Vec<String>),
            Other(IgnoredAny),
        }
        Ok(Self(match Any::deserialize(deserializer)? {
            Any::Text(text) => clip(&text, 200),
            Any::Texts(texts) => clip(&texts.join(" "), 200),
            Any::Other(_) => String::new(),
        }))
    }
}

const FIELDS: usize = 64;

impl<'de> Visitor<'de> for Look {
    type Value = Outline;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Outline, A::Error> {
        let mut outline = Outline::default();
        while let Some(key) = map.next_key::<String>()? {
            let place = match key.as_str() {
                "kind" => Some(&mut outline.kind),
                "apiVersion" => Some(&mut outline.api_version),
                "@context" => Some(&mut outline.context),
                "bomFormat" => Some(&mut outline.bom),
                "$schema" => Some(&mut outline.schema),
                _ => None,
            };
            match place {
                Some(place) => *place = map.next_value::<Word>()?.0,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            if outline.fields.len() < FIELDS {
                outline.fields.push(clip(&key, 64));
            }
        }
        Ok(outline)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Outline, A::Error> {
        let mut outline = Outline { list: true, ..Outline::default() };
        if let Some(first) = list.next_element::<Fields>()? {
            outline.first = first.0;
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(outline)
    }
}

/// The names of the fields of one object.
struct Fields(Vec<String>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some((key, _)) = map.next_entry::<String, IgnoredAny>()? {
                    if fields.len() < FIELDS {
                        fields.push(clip(&key, 64));
                    }
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Names)
    }
}

pub fn detect(outline: &Outline) -> Result<Found, Wrong> {
    let has = |field: &str| outline.fields.iter().any(|found| found == field);
    if outline.list {
        let target = outline.first.iter().any(|field| field == "Target");
        return if target { Ok(Found::TrivyResults) } else { Err(unknown(outline)) };
    }
    if outline.api_version.starts_with("aquasecurity.github.io/") {
        return match outline.kind.as_str() {
            "VulnerabilityReport" | "ClusterVulnerabilityReport" => Ok(Found::One(Format::TrivyOperator)),
            "VulnerabilityReportList" | "ClusterVulnerabilityReportList" => Ok(Found::OperatorList),
            other => Err(Wrong::at(
                "kind",
                format!("{other:?} ; accepté : VulnerabilityReport"),
                format!("{other:?}; accepted: VulnerabilityReport"),
            )),
        };
    }
    if outline.kind == "List" && has("items") {
        return Ok(Found::OperatorList);
    }
    if outline.bom == "CycloneDX" {
        return Ok(Found::One(Format::CycloneDx));
    }
    if outline.context.contains("openvex.dev/ns") {
        return Ok(Found::One(Format::OpenVex));
    }
    if has("runs") && (has("version") || outline.schema.contains("sarif")) {
        return Ok(Found::One(Format::Sarif));
    }
    if has("matches") && has("descriptor") {
        return Ok(Found::One(Format::Grype));
    }
    if has("ClusterName") {
        return Err(Wrong::at(
            "ClusterName",
            "rapport « trivy k8s » d'un cluster : analyser l'image elle-même (trivy image)",
            "a `trivy k8s` report of a cluster: scan the image itself (trivy image)",
        ));
    }
    if has("SchemaVersion") || has("ArtifactName") {
        return Ok(Found::One(Format::Trivy));
    }
    Err(unknown(outline))
}

fn unknown(outline: &Outline) -> Wrong {
    let fields = if outline.list { &outline.first } else { &outline.fields };
    let shown = if fields.is_empty() { "-".to_owned() } else { clip(&fields.join(", "), 200) };
    Wrong::whole(
        format!("format inconnu (champs : {shown}) ; accepté : {ACCEPTED}"),
        format!("unknown format (fields: {shown}); accepted: {ACCEPTED}"),
    )
}
