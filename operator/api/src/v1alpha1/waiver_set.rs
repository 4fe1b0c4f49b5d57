use kube::CustomResource;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The waivers in force, as the operator publishes them: what `SncException` objects come to at this moment. Policies of
/// the API server read it as their parameter. Nobody declares anything here.
#[derive(Debug, Clone, PartialEq, CustomResource, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "secnumcloud.dev",
    version = "v1alpha1",
    doc = "The waivers in force, which policies of the API server read. Written by the operator alone.",
    kind = "SncWaiverSet",
    plural = "sncwaiversets",
    singular = "sncwaiverset",
    shortname = "sncws",
    category = "snc",
    namespaced,
    derive = "PartialEq",
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct SncWaiverSetSpec {
    /// Under each control the objects that it is not held against, in order: `group/Kind:namespace/name`, the core group
    /// as `core`, nothing before the `/` where there is no namespace.
    #[schemars(schema_with = "waivers_schema")]
    pub waivers: BTreeMap<String, Vec<String>>,
}

/// A list for each control, of so many bytes in all as the API server keeps in one object. Atomic: a server-side apply
/// that leaves a granular map without any key writes null, which is no map.
fn waivers_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "x-kubernetes-map-type": "atomic",
        "maxProperties": 1024,
        "additionalProperties": {
            "type": "array",
            "x-kubernetes-list-type": "atomic",
            "maxItems": 16384,
            "items": {"type": "string", "minLength": 5, "maxLength": 700, "pattern": r"^[^\s]+$"},
        },
    })
}
