//! What a control is. One file holds one control; everything that is printed about it comes from there.

use crate::text::Text;
use crate::tier::{Level, Measure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum $name { $(#[serde(rename = $word)] $variant),+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.as_str() == text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words! {
    /// What a control is about. `pod-security` is for the rules of the Pod Security Standards and nothing else.
    Category {
        PodSecurity = "pod-security",
        Workload = "workload",
        Network = "network",
        Rbac = "rbac",
        Images = "images",
        Crypto = "crypto",
        Secrets = "secrets",
        Namespaces = "namespaces",
        Storage = "storage",
        Continuity = "continuity",
        Localisation = "localisation",
        Logging = "logging",
        Backup = "backup",
        ThirdParties = "third-parties",
        ControlPlane = "control-plane",
        Admission = "admission",
    }
}

words! {
    /// How bad a failure is, mildest first.
    Severity { Low = "low", Medium = "medium", High = "high", Critical = "critical" }
}

words! {
    /// Whose objects are judged on a cluster. Files are judged whatever the scope.
    Scope { Tenant = "tenant", Platform = "platform", Any = "any" }
}

words! {
    /// Where a value comes from.
    Origin { Referential = "referential", Guide = "guide", Product = "product" }
}

words! {
    /// Who may set a parameter.
    Writer { Platform = "platform", Tenant = "tenant" }
}

words! {
    /// In which direction a parameter may be tailored without weakening the control.
    Stronger { Fewer = "fewer", More = "more", Lower = "lower", Higher = "higher", True = "true", False = "false" }
}

words! {
    /// What a control says where the kind that it reads is not served.
    WhenAbsent { Unknown = "Unknown", NotApplicable = "NotApplicable" }
}

/// One control, as its file says it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Control {
    pub id: String,
    pub category: Category,
    pub requirements: Vec<String>,
    /// The lowest level that asks for it.
    pub level: Level,
    pub severity: Severity,
    /// Must hold even when the webhook is down.
    #[serde(default)]
    pub critical: bool,
    pub scope: Scope,
    pub title: Text,
    pub remediation: Remediation,
    /// What a pass proves, and what it does not.
    pub boundary: Text,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// Kinds that it reads, `group/Kind`, the core group as `core/Kind`; `pods` for all that hold a pod.
    pub reads: Vec<String>,
    /// Kinds that its verdicts are about, where these are not all that it reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub judges: Vec<String>,
    /// Of what it reads, the kinds that a cluster need not serve.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub optional: Vec<String>,
    #[serde(default = "unknown")]
    pub when_absent: WhenAbsent,
    /// Absent where the control is written in Rust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
}

const fn unknown() -> WhenAbsent {
    WhenAbsent::Unknown
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remediation {
    pub fr: String,
    pub en: String,
    /// To be pasted: a fragment of the object as it should be, or a command.
    pub snippet: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Parameter {
    pub name: String,
    /// Its type is the parameter's type.
    pub default: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<Bounds>,
    pub stronger: Stronger,
    pub source: Origin,
    pub writer: Writer,
    pub about: Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    pub min: i64,
    pub max: i64,
}

/// A rule on one object, in the Common Expression Language of the API server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// Only for the static pods of a control plane: `applies` asks for one of its components before anything else, so
    /// that no other pod is looked at.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub component: bool,
    /// False: the control does not apply to the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applies: Option<String>,
    /// `containers` for every container of a pod, or an expression that gives a list. `self` is the element.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<String>,
    /// True where the object, or the element, is as it should be.
    pub expect: String,
    /// Path of what is wrong, `{…}` being expressions; below the pod's spec or the container for pods.
    pub path: String,
    /// The offending value, an expression that gives a string. Absent: the path says it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// `{found}` stands for each path and its value; other `{…}` are expressions.
    pub message: Text,
}

/// Kinds that no admission policy made through the API ever sees, whatever it matches: the API server leaves them out, so
/// that policies cannot lock themselves in.
pub const BEYOND_ADMISSION: &[&str] = &[
    "admissionregistration.k8s.io/ValidatingAdmissionPolicy",
    "admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding",
    "admissionregistration.k8s.io/MutatingAdmissionPolicy",
    "admissionregistration.k8s.io/MutatingAdmissionPolicyBinding",
];

impl Control {
    /// Whether an object can be refused as it is written.
    pub fn is_admission(&self) -> bool {
        self.rule.is_some() && self.reads.iter().any(|kind| !BEYOND_ADMISSION.contains(&kind.as_str()))
    }

    /// Whose mode says what becomes of an object that fails.
    pub fn measure(&self) -> Measure {
        match self.category {
            Category::PodSecurity => Measure::PodSecurity,
            Category::Images => Measure::Images,
            _ => Measure::Workloads,
        }
    }

    /// Whether an object of a tenant can be.
    pub fn is_asked_of_tenants(&self) -> bool {
        self.is_admission() && self.scope != Scope::Platform
    }

    pub fn applies_at(&self, level: Level) -> bool {
        level >= self.level
    }

    pub fn judged(&self) -> &[String] {
        if self.judges.is_empty() { &self.reads } else { &self.judges }
    }

    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }
}
