use super::common::{any_schema, conditions_schema};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use snc_core::control::{
    Bounds, Category, Control, Origin, Parameter, Remediation, Rule, Scope, Severity, Stronger, WhenAbsent,
    Writer,
};
use snc_core::text::Text;
use snc_core::tier::Level;

/// A control of the platform's own, in the format of the built-in ones, judged beside them. Its name begins with
/// `custom-`, so it takes the place of none.
#[derive(Debug, Clone, PartialEq, CustomResource, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "secnumcloud.dev",
    version = "v1alpha1",
    doc = "A control of the platform's own, in CEL, judged beside the built-in ones.",
    kind = "SncControl",
    plural = "snccontrols",
    singular = "snccontrol",
    shortname = "sncctl",
    category = "snc",
    status = "SncControlStatus",
    derive = "PartialEq",
    validation = kube::core::Rule::new("self.metadata.name.startsWith('custom-') && size(self.metadata.name) <= 63").message("metadata.name: commence par custom-, 63 caractères au plus / begins with custom-, at most 63 characters"),
    printcolumn = r#"{"name":"Category","type":"string","jsonPath":".spec.category"}"#,
    printcolumn = r#"{"name":"Severity","type":"string","jsonPath":".spec.severity"}"#,
    printcolumn = r#"{"name":"Level","type":"string","jsonPath":".spec.level"}"#,
    printcolumn = r#"{"name":"Compiled","type":"string","jsonPath":".status.conditions[?(@.type==\"Compiled\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Compiled\")].reason"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct SncControlSpec {
    pub category: Category,
    /// Requirements of the referential that it checks, for example `9.7.a`.
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 16), regex(pattern = "^(A2|[0-9]+)(\\.[0-9a-z]+)+$")), extend("x-kubernetes-list-type" = "set"))]
    pub requirements: Vec<String>,
    /// The lowest level that asks for it.
    pub level: Level,
    pub severity: Severity,
    /// Whose objects are judged.
    pub scope: Scope,
    /// What a failure is, without a full stop.
    pub title: ControlText,
    pub remediation: ControlRemediation,
    /// What a pass proves, and what it does not.
    pub boundary: ControlText,
    /// Values that the rule reads as `variables.params.<name>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub parameters: Vec<ControlParameter>,
    /// Kinds that it reads, `group/Kind`, the core group as `core/Kind`; `pods` for every kind that holds a pod.
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 190), regex(pattern = "^(pods|[a-z0-9][-.a-z0-9]*/[A-Z][A-Za-z0-9]*)$")), extend("x-kubernetes-list-type" = "set"))]
    pub reads: Vec<String>,
    /// What it says where the API server does not serve a kind that it reads.
    #[serde(default = "unknown")]
    pub when_absent: WhenAbsent,
    pub rule: ControlRule,
}

const fn unknown() -> WhenAbsent {
    WhenAbsent::Unknown
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ControlText {
    #[schemars(length(min = 3, max = 1024), regex(pattern = r"\S\s*\S\s*\S"))]
    pub fr: String,
    #[schemars(length(min = 3, max = 1024), regex(pattern = r"\S\s*\S\s*\S"))]
    pub en: String,
}

impl From<&ControlText> for Text {
    fn from(text: &ControlText) -> Self {
        Self::new(&text.fr, &text.en)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ControlRemediation {
    #[schemars(length(min = 3, max = 2048), regex(pattern = r"\S\s*\S\s*\S"))]
    pub fr: String,
    #[schemars(length(min = 3, max = 2048), regex(pattern = r"\S\s*\S\s*\S"))]
    pub en: String,
    /// To be pasted: a fragment of the object as it should be, or a command.
    #[schemars(length(min = 1, max = 4096))]
    pub snippet: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ControlParameter {
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z][a-zA-Z0-9]*$"))]
    pub name: String,
    /// `true` or `false`, a whole number, or a list of texts.
    #[schemars(schema_with = "any_schema")]
    pub default: serde_json::Value,
    /// Of a whole number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<ParameterBounds>,
    /// In which direction a change makes the control stricter: `fewer`, `more` of a list, `lower`, `higher` of a number,
    /// `"true"`, `"false"`.
    pub stronger: Stronger,
    /// Where the default comes from.
    pub source: Origin,
    pub about: ControlText,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "self.min <= self.max",
    "message": "bounds: min au plus égal à max / min not above max",
}]))]
pub struct ParameterBounds {
    pub min: i64,
    pub max: i64,
}

/// A rule on one object, in the Common Expression Language as the API server evaluates it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ControlRule {
    /// False: the control does not apply to the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4096))]
    pub applies: Option<String>,
    /// `containers` for every container of a pod, or an expression that gives a list. `self` is the element.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4096))]
    pub each: Option<String>,
    /// True where the object, or the element, is as it should be.
    #[schemars(length(min = 1, max = 8192))]
    pub expect: String,
    /// Path of what is wrong, `{…}` being expressions; below the pod's spec or the container for pods.
    #[schemars(length(min = 1, max = 1024))]
    pub path: String,
    /// The offending value, an expression that gives a string. Absent: the path says it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    pub value: Option<String>,
    /// `{found}` stands for each path and its value; other `{…}` are expressions.
    pub message: ControlText,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SncControlStatus {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions_schema")]
    pub conditions: Vec<Condition>,
}

impl SncControlSpec {
    /// As the engine takes it; the name of the object is the control's id.
    pub fn control(&self, name: &str) -> Control {
        Control {
            id: name.to_owned(),
            category: self.category,
            requirements: self.requirements.clone(),
            level: self.level,
            severity: self.severity,
            // What must hold with the webhook down is the product's to say.
            critical: false,
            scope: self.scope,
            title: (&self.title).into(),
            remediation: Remediation {
                fr: self.remediation.fr.clone(),
                en: self.remediation.en.clone(),
                snippet: self.remediation.snippet.clone(),
            },
            boundary: (&self.boundary).into(),
            parameters: self.parameters.iter().map(Into::into).collect(),
            reads: self.reads.clone(),
            judges: Vec::new(),
            optional: Vec::new(),
            when_absent: self.when_absent,
            rule: Some((&self.rule).into()),
        }
    }
}

impl From<&ControlParameter> for Parameter {
    fn from(parameter: &ControlParameter) -> Self {
        Self {
            name: parameter.name.clone(),
            default: parameter.default.clone(),
            bounds: parameter.bounds.map(|bounds| Bounds { min: bounds.min, max: bounds.max }),
            stronger: parameter.stronger,
            source: parameter.source,
            writer: Writer::Platform,
            about: (&parameter.about).into(),
        }
    }
}

impl From<&ControlRule> for Rule {
    fn from(rule: &ControlRule) -> Self {
        Self {
            applies: rule.applies.clone(),
            component: false,
            each: rule.each.clone(),
            expect: rule.expect.clone(),
            path: rule.path.clone(),
            value: rule.value.clone(),
            message: (&rule.message).into(),
        }
    }
}
