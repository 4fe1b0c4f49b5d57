use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use snc_core::tier::Mode;
use std::collections::BTreeMap;

/// Amounts by resource name, for example `requests.cpu: "4"`, `limits.memory: 8Gi`, `pods: "50"`.
pub type ResourceList = BTreeMap<String, IntOrString>;

/// How hard each family of measures is applied. An absent mode is the one of the baselines; absent there too,
/// `Audit`. A policy can raise a mode above the platform's floor, never lower it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Modes {
    /// Network isolation of the namespace: default-deny, DNS and declared flows. `Audit` and `Warn` apply no
    /// policy to a namespace that never had one; a namespace once isolated stays isolated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation: Option<Mode>,
    /// Pod Security Admission labels of the namespace, at the standard that the level asks for, and controls of the
    /// category `pod-security`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_security: Option<Mode>,
    /// `ResourceQuota` and `LimitRange` of the namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<Mode>,
    /// What controls, other than those of the Pod Security Standards (`podSecurity`) and of images (`images`), say of an
    /// object that is written: recorded, warned of or refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workloads: Option<Mode>,
    /// What controls say of the images of an object that is written: where they come from, whether they are pinned, and
    /// what scans found in them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<Mode>,
}

/// Controls by their worst verdict: always the three numbers together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ControlNumbers {
    /// Controls whose worst verdict is `Pass`.
    pub proven: i64,
    /// Controls that fail somewhere.
    pub disproved: i64,
    /// Controls that cannot conclude somewhere, and fail nowhere.
    pub unknown: i64,
    /// ⌊100 · proven / (proven + disproved + unknown)⌋. Absent where no control applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<i64>,
}

/// A calendar date, `YYYY-MM-DD`.
pub fn date_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "maxLength": 10,
        "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
    })
}

/// A moment, as RFC 3339 has it.
pub fn date_time_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "date-time"})
}

/// A moment, milliseconds included where they are known.
pub fn moment_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "date-time", "maxLength": 40})
}

/// Any type: a structural schema has no "one of these", so the value is judged where it is read.
pub fn any_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"x-kubernetes-preserve-unknown-fields": true})
}

/// Amounts by resource name, as Kubernetes spells quantities, without a sign.
pub fn resource_list_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 32,
        "additionalProperties": {
            "x-kubernetes-int-or-string": true,
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "maxLength": 32,
            "pattern": "^\\+?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(([KMGTPE]i)|[numkMGTPE]|([eE][+-]?[0-9]+))?$",
        },
    })
}

/// A label selector, with sizes bounded so that a policy of 500 flows stays a bounded object.
pub fn selector_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "properties": {
            "matchLabels": {
                "type": "object",
                "maxProperties": 16,
                "additionalProperties": {"type": "string", "maxLength": 63},
            },
            "matchExpressions": {
                "type": "array",
                "maxItems": 16,
                "items": {
                    "type": "object",
                    "required": ["key", "operator"],
                    "properties": {
                        "key": {"type": "string", "maxLength": 317, "minLength": 1},
                        "operator": {"type": "string", "enum": ["In", "NotIn", "Exists", "DoesNotExist"]},
                        "values": {
                            "type": "array",
                            "maxItems": 32,
                            "items": {"type": "string", "maxLength": 63},
                        },
                    },
                    "x-kubernetes-validations": [{
                        "rule": "self.operator in ['In', 'NotIn'] ? (has(self.values) && size(self.values) > 0) : (!has(self.values) || size(self.values) == 0)",
                        "message": "values: In, NotIn demandent des valeurs, Exists, DoesNotExist n'en veulent pas / In, NotIn need values, Exists, DoesNotExist take none",
                    }],
                },
            },
        },
    })
}

/// Conditions keyed by type, as every Kubernetes client expects them.
pub fn conditions_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["type", "status", "lastTransitionTime", "reason", "message"],
            "properties": {
                "type": {"type": "string", "maxLength": 64},
                "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
                "observedGeneration": {"type": "integer", "format": "int64", "minimum": 0},
                "lastTransitionTime": {"type": "string", "format": "date-time"},
                "reason": {"type": "string", "maxLength": 128},
                "message": {"type": "string", "maxLength": 4096},
            },
        },
    })
}
