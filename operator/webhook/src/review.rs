//! What the API server asks, read from bytes that may be anything, and the answer as it expects it.

use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub const API_VERSION: &str = "admission.k8s.io/v1";
const KIND: &str = "AdmissionReview";

/// The API server takes no more from a client; what stands beside the object of an update is as large again, and still
/// fits for anything that anybody writes by hand.
pub const MOST: usize = 3 * 1024 * 1024;
/// Longest uid that is answered.
const UID: usize = 128;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Create,
    Update,
    Delete,
    Connect,
}

/// One request, as far as anything is decided by it.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub uid: String,
    pub operation: Operation,
    pub api_version: String,
    pub kind: String,
    pub sub_resource: String,
    pub namespace: String,
    pub name: String,
    pub username: String,
    pub groups: Vec<String>,
    /// Null where there is none.
    pub object: Value,
    pub old_object: Value,
}

/// Not a review. With the uid, if that much could be read: the answer has to name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    pub uid: Option<String>,
    pub why: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    request: Option<Wire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    uid: String,
    kind: GroupVersionKind,
    #[serde(default)]
    sub_resource: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    namespace: String,
    operation: String,
    #[serde(default)]
    user_info: User,
    #[serde(default)]
    object: Value,
    #[serde(default)]
    old_object: Value,
}

#[derive(Deserialize)]
struct GroupVersionKind {
    #[serde(default)]
    group: String,
    version: String,
    kind: String,
}

#[derive(Deserialize, Default)]
struct User {
    #[serde(default)]
    username: String,
    #[serde(default)]
    groups: Vec<String>,
}

/// Reads a review, and nothing but a whole one.
pub fn read(bytes: &[u8]) -> Result<Request, Malformed> {
    let malformed = |uid: Option<String>, why: String| Malformed { uid: uid.or_else(|| uid_of(bytes)), why };
    let review: Review =
        serde_json::from_slice(bytes).map_err(|error| malformed(None, format!("not a review: {error}")))?;
    if review.api_version != API_VERSION || review.kind != KIND {
        let why = format!("got {} {:?}, accepted: {API_VERSION} {KIND}", review.kind, review.api_version);
        return Err(malformed(None, snc_core::text::clip(&why, 200)));
    }
    let Some(wire) = review.request else { return Err(malformed(None, "no request".to_owned())) };
    if wire.uid.is_empty() || wire.uid.len() > UID {
        return Err(Malformed { uid: None, why: "request.uid: absent or too long".to_owned() });
    }
    let operation = match wire.operation.as_str() {
        "CREATE" => Operation::Create,
        "UPDATE" => Operation::Update,
        "DELETE" => Operation::Delete,
        "CONNECT" => Operation::Connect,
        other => {
            let why = format!("request.operation: {:?} is none", snc_core::text::clip(other, 40));
            return Err(malformed(Some(wire.uid), why));
        }
    };
    let GroupVersionKind { group, version, kind } = wire.kind;
    if kind.is_empty() || version.is_empty() {
        return Err(malformed(Some(wire.uid), "request.kind: incomplete".to_owned()));
    }
    let has_object = wire.object.is_object();
    if matches!(operation, Operation::Create | Operation::Update) && !has_object {
        return Err(malformed(Some(wire.uid), "request.object: none".to_owned()));
    }
    let api_version = if group.is_empty() { version } else { format!("{group}/{version}") };
    Ok(Request {
        uid: wire.uid,
        operation,
        object: whole(wire.object, &api_version, &kind, &wire.namespace),
        old_object: whole(wire.old_object, &api_version, &kind, &wire.namespace),
        api_version,
        kind,
        sub_resource: wire.sub_resource,
        namespace: wire.namespace,
        name: wire.name,
        username: wire.user_info.username,
        groups: wire.user_info.groups,
    })
}

/// An object says of itself what the API server says of it: who writes it does not choose.
fn whole(mut object: Value, api_version: &str, kind: &str, namespace: &str) -> Value {
    if let Value::Object(fields) = &mut object {
        fields.insert("apiVersion".to_owned(), json!(api_version));
        fields.insert("kind".to_owned(), json!(kind));
        if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
            metadata.insert("namespace".to_owned(), json!(namespace));
        }
    }
    object
}

/// The uid of a review that cannot be read as a whole: the API server writes it first.
pub fn uid_of(bytes: &[u8]) -> Option<String> {
    const MARK: &[u8] = b"\"request\":{\"uid\":\"";
    let head = &bytes[..bytes.len().min(1024)];
    let at = head.windows(MARK.len()).position(|window| window == MARK)? + MARK.len();
    let rest = &head[at..];
    let uid = &rest[..rest.iter().position(|byte| *byte == b'"')?];
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    if uid.is_empty() || uid.len() > UID || !uid.iter().all(plain) {
        return None;
    }
    String::from_utf8(uid.to_vec()).ok()
}

/// Why something is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: u16,
    pub message: String,
}

/// What is answered of one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    pub refusal: Option<Refusal>,
    pub warnings: Vec<String>,
    pub annotations: BTreeMap<String, String>,
}

impl Answer {
    pub fn refused(code: u16, message: impl Into<String>) -> Self {
        Self { refusal: Some(Refusal { code, message: message.into() }), ..Self::default() }
    }

    pub fn warned(warning: impl Into<String>) -> Self {
        Self { warnings: vec![warning.into()], ..Self::default() }
    }

    pub fn allowed(&self) -> bool {
        self.refusal.is_none()
    }

    pub fn review(self, uid: &str) -> Vec<u8> {
        let mut response = json!({"uid": uid, "allowed": self.allowed()});
        if let Some(Refusal { code, message }) = self.refusal {
            response["status"] = status(code, &message);
        }
        if !self.warnings.is_empty() {
            response["warnings"] = json!(self.warnings);
        }
        if !self.annotations.is_empty() {
            response["auditAnnotations"] = json!(self.annotations);
        }
        json!({"apiVersion": API_VERSION, "kind": KIND, "response": response}).to_string().into_bytes()
    }
}

/// As the API server and its clients read a failure.
pub fn status(code: u16, message: &str) -> Value {
    let reason = match code {
        400 => "BadRequest",
        403 => "Forbidden",
        413 => "RequestEntityTooLarge",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "InternalError",
    };
    json!({"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "reason": reason,
        "message": message})
}

#[cfg(test)]
mod tests;
