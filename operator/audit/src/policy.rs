//! The audit policy of the API server: what it asks for, what it would do, and what is seen to be done.

mod attributes;
mod candidates;
mod diff;
mod generate;
mod judge;
mod mandatory;
mod matches;
mod noise;
mod observed;
mod parse;
mod wishes;
mod yaml;

pub use attributes::{Attributes, Target};
pub use diff::{Difference, diff};
pub use generate::{Generated, Note, generate};
pub use judge::{Example, Missing, Problem, judge};
pub use mandatory::{MANDATORY, Mandatory};
pub use matches::{Decision, decide, level};
pub use observed::{Applied, Contradiction, Kind, Observed, Sighting};
pub use parse::{Parsed, parse};
pub use wishes::{Wanted, Wish, Wishes};

use crate::event::{Level, Stage};
use serde::Serialize;

/// `audit.k8s.io/v1` Policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditPolicy {
    /// Added to those of every rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub omit_stages: Vec<Stage>,
    /// Where a rule says nothing of it.
    pub omit_managed_fields: bool,
    /// The first that matches decides.
    pub rules: Vec<Rule>,
}

/// Every list that is not empty has to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    pub level: Level,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub user_groups: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verbs: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Resources>,
    /// `""` is what is of no namespace.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    #[serde(rename = "nonResourceURLs", skip_serializing_if = "Vec::is_empty")]
    pub non_resource_urls: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub omit_stages: Vec<Stage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub omit_managed_fields: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// `""` is the core group, `*` every one.
    pub group: String,
    /// `pods`, `pods/exec`, `pods/*` (the API server takes `pods` itself for one of them too), `*/scale`, `*`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_names: Vec<String>,
}

pub(crate) const READS: &[&str] = &["get", "list", "watch"];
pub(crate) const WRITES: &[&str] = &["create", "update", "patch", "delete", "deletecollection"];
/// On objects; on paths it is the method.
pub(crate) const VERBS: &[&str] =
    &["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
pub(crate) const METHODS: &[&str] = &["get", "head", "post", "put", "patch", "delete", "options"];

impl Rule {
    pub fn at(level: Level) -> Self {
        Self {
            level,
            users: Vec::new(),
            user_groups: Vec::new(),
            verbs: Vec::new(),
            resources: Vec::new(),
            namespaces: Vec::new(),
            non_resource_urls: Vec::new(),
            omit_stages: Vec::new(),
            omit_managed_fields: None,
        }
    }

    fn users(mut self, users: &[&str]) -> Self {
        self.users = owned(users);
        self
    }

    fn groups(mut self, groups: &[&str]) -> Self {
        self.user_groups = owned(groups);
        self
    }

    fn verbs(mut self, verbs: &[&str]) -> Self {
        self.verbs = owned(verbs);
        self
    }

    fn on(mut self, group: &str, resources: &[&str]) -> Self {
        let (group, resource_names) = (group.to_owned(), Vec::new());
        self.resources.push(Resources { group, resources: owned(resources), resource_names });
        self
    }

    fn named(mut self, names: &[&str]) -> Self {
        if let Some(last) = self.resources.last_mut() {
            last.resource_names = owned(names);
        }
        self
    }

    fn paths(mut self, paths: &[&str]) -> Self {
        self.non_resource_urls = owned(paths);
        self
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests;
