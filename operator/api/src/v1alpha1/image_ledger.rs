use kube::CustomResource;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use snc_core::facts::SeenImage;
use snc_core::image::Digest;
use std::collections::BTreeMap;

/// When the operator first saw each vulnerability in each image: deadlines count from there, however often a report is made
/// again. Nobody declares anything here.
#[derive(Debug, Clone, PartialEq, CustomResource, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "secnumcloud.dev",
    version = "v1alpha1",
    doc = "When the operator first saw each vulnerability in each image. Written by the operator alone.",
    kind = "SncImageLedger",
    plural = "sncimageledgers",
    singular = "sncimageledger",
    shortname = "sncil",
    category = "snc",
    namespaced,
    derive = "PartialEq",
    printcolumn = r#"{"name":"Full","type":"boolean","jsonPath":".spec.full"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct SncImageLedgerSpec {
    /// By digest: when a scan of it was last there, give or take a week, and by vulnerability and package, with a blank
    /// between them, when they were first seen.
    #[schemars(schema_with = "images_schema")]
    pub images: BTreeMap<Digest, SeenImage>,
    /// There was no room for everything: what is missing here is not known to be new.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub full: bool,
}

fn images_schema(_: &mut SchemaGenerator) -> Schema {
    let time = json_schema!({"type": "string", "format": "date-time", "maxLength": 40});
    json_schema!({
        "type": "object",
        "x-kubernetes-map-type": "atomic",
        "maxProperties": 16384,
        "additionalProperties": {
            "type": "object",
            "required": ["seen", "first"],
            "properties": {
                "seen": time,
                "first": {"type": "object", "maxProperties": 16384, "additionalProperties": time},
            },
        },
    })
}
