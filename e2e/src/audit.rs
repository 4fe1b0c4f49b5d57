//! The API server's audit log: what the operator asked for, and what admission noted of the writes of tenants.

use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Namespaces whose pods and Services are logged whoever makes them.
pub const WATCHED: [&str; 3] = ["magasin-enforce", "magasin-warn", "magasin-audit"];

#[derive(Clone, Debug)]
pub struct Entry {
    pub user: String,
    pub verb: String,
    pub uri: String,
    pub code: u64,
    /// Of the authorizer: `allow` or `forbid`.
    pub decision: String,
    pub annotations: BTreeMap<String, String>,
}

impl Entry {
    /// A write that was carried out.
    pub fn is_write(&self) -> bool {
        let writes =
            ["create", "update", "patch", "delete", "deletecollection"].contains(&self.verb.as_str());
        // A review is a question, whatever its verb.
        let question = self.uri.contains("dryRun=All") || self.uri.contains("/selfsubjectaccessreviews");
        // The canary's token, and its pod that is gone within a second: whenever it tries, and once an hour.
        let canary = self.uri.contains("/serviceaccounts/snc-canary/token")
            || self.uri.contains("/namespaces/snc-canary-tenant/pods");
        writes && self.code < 400 && !question && !canary
    }
}

/// Of this user everything, and of everybody the pods and Services that are made in a few namespaces.
pub fn policy(user: &str) -> String {
    format!(
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived, ResponseStarted]\nrules:\n\
         - level: Metadata\n  users: ['{user}']\n\
         - level: Metadata\n  verbs: [create]\n  namespaces: [{}]\n  resources: [{{group: '', resources: [pods, services]}}]\n\
         - level: None\n",
        WATCHED.join(", ")
    )
}

pub fn read(log: &Path) -> Result<Vec<Entry>> {
    let text = fs::read_to_string(log).with_context(|| log.display().to_string())?;
    // A line that is being written has no end yet.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(entry).collect()
}

fn entry(line: &str) -> Result<Entry> {
    let event: Value = serde_json::from_str(line)?;
    let field = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let annotations = event["annotations"].as_object().into_iter().flatten();
    let annotations = annotations.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    Ok(Entry {
        user: field("/user/username"),
        annotations: annotations.collect(),
        verb: field("/verb"),
        uri: field("/requestURI"),
        code: event["responseStatus"]["code"].as_u64().unwrap_or_default(),
        decision: field("/annotations/authorization.k8s.io~1decision"),
    })
}
