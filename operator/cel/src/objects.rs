//! The types that the API server declares: those with a name, and the fields of those it fills itself.

use crate::types::Type;

/// What the API server declares a variable of that name to be.
pub fn variable(name: &str) -> Type {
    match name {
        "request" => Type::Struct("kubernetes.AdmissionRequest"),
        "namespaceObject" => Type::Struct("kubernetes.Namespace"),
        _ => Type::Dyn,
    }
}

pub fn field(of: &str, name: &str) -> Option<Type> {
    let strings = || Type::list(Type::String);
    let labels = || Type::map(Type::String, Type::String);
    Some(match (of, name) {
        ("kubernetes.AdmissionRequest", "kind" | "requestKind") => {
            Type::Struct("kubernetes.GroupVersionKind")
        }
        ("kubernetes.AdmissionRequest", "resource" | "requestResource") => {
            Type::Struct("kubernetes.GroupVersionResource")
        }
        (
            "kubernetes.AdmissionRequest",
            "subResource" | "requestSubResource" | "name" | "namespace" | "operation",
        )
        | ("kubernetes.GroupVersionKind", "group" | "version" | "kind")
        | ("kubernetes.GroupVersionResource", "group" | "version" | "resource")
        | ("kubernetes.UserInfo", "username" | "uid")
        | ("kubernetes.NamespaceCondition", "status" | "type" | "message" | "reason")
        | ("kubernetes.NamespaceStatus", "phase")
        | (
            "kubernetes.NamespaceMetadata",
            "name" | "generateName" | "namespace" | "UID" | "resourceVersion",
        ) => Type::String,
        ("kubernetes.AdmissionRequest", "userInfo") => Type::Struct("kubernetes.UserInfo"),
        ("kubernetes.AdmissionRequest", "dryRun") => Type::Bool,
        ("kubernetes.AdmissionRequest", "options") => Type::Dyn,
        ("kubernetes.UserInfo", "groups")
        | ("kubernetes.NamespaceSpec" | "kubernetes.NamespaceMetadata", "finalizers") => strings(),
        ("kubernetes.UserInfo", "extra") => Type::map(Type::String, strings()),
        ("kubernetes.Namespace", "metadata") => Type::Struct("kubernetes.NamespaceMetadata"),
        ("kubernetes.Namespace", "spec") => Type::Struct("kubernetes.NamespaceSpec"),
        ("kubernetes.Namespace", "status") => Type::Struct("kubernetes.NamespaceStatus"),
        ("kubernetes.NamespaceStatus", "conditions") => {
            Type::list(Type::Struct("kubernetes.NamespaceCondition"))
        }
        ("kubernetes.NamespaceMetadata", "labels" | "annotations") => labels(),
        ("kubernetes.NamespaceMetadata", "creationTimestamp" | "deletionTimestamp")
        | ("kubernetes.NamespaceCondition", "lastTransitionTime") => Type::Timestamp,
        ("kubernetes.NamespaceMetadata", "deletionGracePeriodSeconds" | "generation") => Type::Int,
        _ => return None,
    })
}

/// A type that an expression may name.
pub fn type_named(name: &str) -> Option<Type> {
    Some(match name {
        "list" => Type::list(Type::Dyn),
        "map" => Type::map(Type::Dyn, Type::Dyn),
        "optional_type" => Type::optional(Type::Dyn),
        "type" => Type::Kind(None),
        "bool"
        | "bytes"
        | "double"
        | "int"
        | "null_type"
        | "string"
        | "uint"
        | "net.IP"
        | "net.CIDR"
        | "google.protobuf.Duration"
        | "google.protobuf.Timestamp" => return Type::parse(name),
        _ => return None,
    })
}

/// What the API server keeps of the type of a policy's variable.
pub fn as_declared(of: &Type) -> Type {
    match of {
        Type::List(element) => Type::list(as_declared(element)),
        Type::Map(entry) => Type::map(as_declared(&entry.0), as_declared(&entry.1)),
        Type::Struct(_) | Type::Opaque(..) | Type::Kind(_) | Type::Param(_) | Type::Var(_) => Type::Dyn,
        other => other.clone(),
    }
}
