use super::common::date_time_schema;
use kube::CustomResource;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use snc_core::image::{Digest, Vulnerability};

/// What a scanner found in one image, in one form whatever the scanner: `kubectl snc image import` makes it. In the
/// operator's namespace it counts everywhere; in another namespace it counts there, and what it does not find proves nothing.
#[derive(Debug, Clone, PartialEq, CustomResource, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "secnumcloud.dev",
    version = "v1alpha1",
    doc = "What a scanner found in one image, in one form whatever the scanner.",
    kind = "SncImageScan",
    plural = "sncimagescans",
    singular = "sncimagescan",
    shortname = "sncis",
    category = "snc",
    namespaced,
    derive = "PartialEq",
    validation = kube::core::Rule::new("(has(self.spec.digests.manifests) && self.spec.digests.manifests.exists(d, self.metadata.name.startsWith(d.replace(':', '-').substring(0, 71) + '-'))) || (has(self.spec.digests.index) && self.metadata.name.startsWith(self.spec.digests.index.replace(':', '-').substring(0, 71) + '-')) || (has(self.spec.digests.config) && self.metadata.name.startsWith(self.spec.digests.config.replace(':', '-').substring(0, 71) + '-'))").message("metadata.name: sha256-<64 chiffres de l'une de spec.digests>-<analyseur> / sha256-<64 digits of one of spec.digests>-<scanner>"),
    printcolumn = r#"{"name":"Image","type":"string","jsonPath":".spec.image"}"#,
    printcolumn = r#"{"name":"Scanner","type":"string","jsonPath":".spec.scanner.name"}"#,
    printcolumn = r#"{"name":"Critical","type":"integer","jsonPath":".spec.counts.critical"}"#,
    printcolumn = r#"{"name":"High","type":"integer","jsonPath":".spec.counts.high"}"#,
    printcolumn = r#"{"name":"Medium","type":"integer","jsonPath":".spec.counts.medium"}"#,
    printcolumn = r#"{"name":"Low","type":"integer","jsonPath":".spec.counts.low"}"#,
    printcolumn = r#"{"name":"Unrated","type":"integer","jsonPath":".spec.counts.unknown"}"#,
    printcolumn = r#"{"name":"Scanned","type":"date","jsonPath":".spec.scannedAt"}"#
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SncImageScanSpec {
    /// The image as the report names it. Verdicts go by the digests.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 512))]
    pub image: String,
    pub digests: ImageDigests,
    pub scanner: ScannerVersion,
    /// Of the scanner: what it knew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<ScannerDatabase>,
    /// `scan`: what is not in the list was not found. `vex`: statements about vulnerabilities, which say nothing of what
    /// they do not name.
    pub nature: ScanNature,
    /// Format of the report that was imported.
    #[schemars(length(min = 1, max = 32), regex(pattern = "^[a-z][a-z0-9-]*$"))]
    pub format: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 32))]
    pub format_version: String,
    /// When the image was scanned. Without it the scan is never fresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "date_time_schema")]
    pub scanned_at: Option<jiff::Timestamp>,
    /// Of everything that was found, by the scanner's own word.
    pub counts: ScanCounts,
    /// Worst first. Where not all of them fit, `truncated` is true, and nothing is proven by what is not in the list.
    #[schemars(length(max = 4000), extend("x-kubernetes-list-type" = "atomic"))]
    pub vulnerabilities: Vec<Vulnerability>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// Of the line that `kubectl snc image statement` prints, in base64, by a key that a baseline names (`scanKeys`). With it a
    /// scan counts in a tenant's own namespace; in the operator's none is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024), regex(pattern = r"^[A-Za-z0-9+/]+={0,2}$"))]
    pub signature: Option<String>,
}

/// The names of an image by content; container runtimes report one or the other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "has(self.index) || has(self.config) || (has(self.manifests) && size(self.manifests) > 0)",
    "message": "une empreinte au moins / at least one digest",
}]))]
pub struct ImageDigests {
    /// Of the list of manifests of a multi-platform image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "digest_schema")]
    pub index: Option<Digest>,
    /// Of the manifests of its platforms that were scanned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "digests_schema")]
    pub manifests: Vec<Digest>,
    /// Of its configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "digest_schema")]
    pub config: Option<Digest>,
}

impl ImageDigests {
    pub fn all(&self) -> impl Iterator<Item = &Digest> {
        self.index.iter().chain(&self.manifests).chain(&self.config)
    }
}

/// Manifests that one scan may name.
pub const MANIFESTS: usize = 14;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ScanNature {
    Scan,
    Vex,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScannerVersion {
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 128))]
    pub version: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScannerDatabase {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 128))]
    pub version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "date_time_schema")]
    pub updated_at: Option<jiff::Timestamp>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScanCounts {
    pub critical: u64,
    pub high: u64,
    pub medium: u64,
    pub low: u64,
    /// Without a rating.
    pub unknown: u64,
}

const DIGEST: &str = "^(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$";

fn digest_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "maxLength": 135, "pattern": DIGEST})
}

fn digests_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": MANIFESTS,
        "x-kubernetes-list-type": "set",
        "items": {"type": "string", "maxLength": 135, "pattern": DIGEST},
    })
}
