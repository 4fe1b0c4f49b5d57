//! OpenVEX, from its first version on.

use super::Wrong;
use super::purl;
use super::wire::{Head, artifact, nullable, scanner, time};
use crate::report::{Entry, Format, Gathered, Nature, Report};
use serde::Deserialize;
use snc_core::image::Digest;
use snc_core::image::{Analysis, State};
use std::collections::BTreeMap;

#[derive(Deserialize)]
pub struct Document {
    #[serde(default, rename = "@context")]
    context: String,
    #[serde(default)]
    author: String,
    #[serde(default, deserialize_with = "nullable")]
    timestamp: String,
    #[serde(default, deserialize_with = "nullable")]
    last_updated: String,
    statements: Vec<Statement>,
}

#[derive(Deserialize)]
struct Statement {
    vulnerability: Name,
    #[serde(default, deserialize_with = "nullable")]
    products: Vec<Product>,
    /// Of the first version, where they were the statement's.
    #[serde(default, deserialize_with = "nullable")]
    subcomponents: Vec<Product>,
    status: String,
    #[serde(default, deserialize_with = "nullable")]
    justification: String,
    #[serde(default, rename = "impact_statement", deserialize_with = "nullable")]
    impact: String,
}

/// The first version had the bare id.
#[derive(Deserialize)]
#[serde(untagged)]
enum Name {
    Text(String),
    Object {
        #[serde(default, rename = "@id")]
        id: String,
        #[serde(default)]
        name: String,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Product {
    Text(String),
    Object {
        #[serde(default, rename = "@id")]
        id: String,
        #[serde(default, deserialize_with = "nullable")]
        identifiers: BTreeMap<String, String>,
        #[serde(default, deserialize_with = "nullable")]
        hashes: BTreeMap<String, String>,
        #[serde(default, deserialize_with = "nullable")]
        subcomponents: Vec<Product>,
    },
}

impl Product {
    fn name(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Object { id, identifiers, .. } => {
                if id.is_empty() {
                    identifiers.get("purl").map_or("", String::as_str)
                } else {
                    id
                }
            }
        }
    }

    fn parts(&self) -> &[Self] {
        match self {
            Self::Text(_) => &[],
            Self::Object { subcomponents, .. } => subcomponents,
        }
    }

    /// The image that it is, where it is one and says which.
    fn digests(&self) -> Vec<Digest> {
        let of_name = purl::digest(self.name());
        let of_hashes = match self {
            Self::Object { hashes, .. } if self.name().starts_with("pkg:oci/") => {
                hashes.get("sha-256").and_then(|hex| Digest::parse(&format!("sha256:{hex}")))
            }
            _ => None,
        };
        of_name.into_iter().chain(of_hashes).collect()
    }
}

pub fn report(document: Document) -> Result<Report, Wrong> {
    if document.statements.is_empty() {
        return Err(Wrong::at("statements", "vide : aucune déclaration", "empty: no statement"));
    }
    let mut gathered = Gathered::default();
    let mut digests = Vec::new();
    let mut name = "";
    for (index, statement) in document.statements.iter().enumerate() {
        let analysis = statement.analysis(index)?;
        let mut entry = |text: &str| {
            let (package, version) = purl::package(text);
            let id = match &statement.vulnerability {
                Name::Text(text) => text,
                Name::Object { id, name } => {
                    if name.is_empty() {
                        id
                    } else {
                        name
                    }
                }
            };
            let analysis = Some(analysis.clone());
            let location = text.to_owned();
            gathered.add(Entry { id: id.clone(), package, version, analysis, location, ..Entry::default() });
        };
        if statement.products.is_empty() {
            entry("");
        }
        for product in &statement.products {
            digests.extend(product.digests());
            if name.is_empty() && product.name().starts_with("pkg:oci/") {
                name = product.name();
            }
            let parts = if product.parts().is_empty() { &statement.subcomponents } else { product.parts() };
            if parts.is_empty() {
                entry(product.name());
            }
            for part in parts {
                entry(part.name());
            }
        }
    }
    let said = [document.last_updated, document.timestamp];
    let version = document.context.rsplit_once("/ns").map(|(_, version)| version.trim_start_matches('/'));
    Ok(Head {
        format: Format::OpenVex,
        format_version: version.unwrap_or_default().to_owned(),
        nature: Nature::Vex,
        artifact: artifact(name, digests, None),
        scanner: scanner(if document.author.is_empty() { "openvex" } else { &document.author }, ""),
        database: None,
        scanned_at: said.iter().find_map(|text| time(text)),
        other_findings: 0,
    }
    .with(gathered))
}

impl Statement {
    fn analysis(&self, index: usize) -> Result<Analysis, Wrong> {
        let other = &self.status;
        let state = State::of_word(other).ok_or_else(|| {
            let accepted = "not_affected, affected, fixed, under_investigation";
            Wrong::at(
                format!("statements[{index}].status"),
                format!("{other:?} ; accepté : {accepted}"),
                format!("{other:?}; accepted: {accepted}"),
            )
        })?;
        let justification = if self.justification.is_empty() { &self.impact } else { &self.justification };
        Ok(Analysis { state, justification: justification.clone() })
    }
}
