//! Which rule is the first to match, as the API server decides it (`k8s.io/apiserver/pkg/audit/policy`).

use super::{Attributes, AuditPolicy, Resources, Rule, Target};
use crate::event::{Level, Stage};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision<'p> {
    pub level: Level,
    /// None: no rule matches, and nothing is written down.
    pub rule: Option<usize>,
    omitted: (&'p [Stage], &'p [Stage]),
    pub omit_managed_fields: bool,
}

impl Decision<'_> {
    /// Whether a request of that decision is written down at that stage.
    pub fn records(&self, stage: Stage) -> bool {
        self.level != Level::None && !self.omitted.0.contains(&stage) && !self.omitted.1.contains(&stage)
    }
}

pub fn decide<'p>(policy: &'p AuditPolicy, attributes: &Attributes<'_>) -> Decision<'p> {
    let found = policy.rules.iter().enumerate().find(|(_, rule)| matches(rule, attributes));
    let rule = found.map(|(_, rule)| rule);
    Decision {
        level: rule.map_or(Level::None, |rule| rule.level),
        rule: found.map(|(at, _)| at),
        omitted: (&policy.omit_stages, rule.map(|rule| rule.omit_stages.as_slice()).unwrap_or_default()),
        omit_managed_fields: rule
            .and_then(|rule| rule.omit_managed_fields)
            .unwrap_or(policy.omit_managed_fields),
    }
}

pub fn level(policy: &AuditPolicy, attributes: &Attributes<'_>) -> Level {
    decide(policy, attributes).level
}

fn has(list: &[String], word: &str) -> bool {
    list.iter().any(|of| of == word)
}

pub(super) fn matches(rule: &Rule, attributes: &Attributes<'_>) -> bool {
    let Attributes { user, groups, verb, target } = attributes;
    let by_user = rule.users.is_empty() || user.is_some_and(|user| has(&rule.users, user));
    let in_group = |groups: &[&str]| groups.iter().any(|group| has(&rule.user_groups, group));
    let by_group = rule.user_groups.is_empty() || (user.is_some() && in_group(groups));
    if !by_user || !by_group || !(rule.verbs.is_empty() || has(&rule.verbs, verb)) {
        return false;
    }
    match *target {
        Target::Resource { group, resource, subresource, namespace, name } => {
            if rule.namespaces.is_empty() && rule.resources.is_empty() {
                return rule.non_resource_urls.is_empty();
            }
            (rule.namespaces.is_empty() || has(&rule.namespaces, namespace))
                && (rule.resources.is_empty()
                    || rule.resources.iter().any(|of| of.matches(group, resource, subresource, name)))
        }
        Target::Path(path) => {
            rule.namespaces.is_empty()
                && rule.resources.is_empty()
                && (rule.non_resource_urls.is_empty()
                    || rule.non_resource_urls.iter().any(|url| path_matches(path, url)))
        }
    }
}

fn path_matches(path: &str, url: &str) -> bool {
    url == "*" || url == path || (url.ends_with('*') && path.starts_with(url.trim_end_matches('*')))
}

impl Resources {
    fn matches(&self, group: &str, resource: &str, subresource: &str, name: &str) -> bool {
        if self.group != group && self.group != "*" {
            return false;
        }
        // Names count only beside resources.
        self.resources.is_empty()
            || ((self.resource_names.is_empty() || has(&self.resource_names, name))
                && self.resources.iter().any(|of| resource_matches(of, resource, subresource)))
    }
}

/// `pods` or `pods/exec`, and no other.
pub(super) fn is(of: &str, resource: &str, subresource: &str) -> bool {
    if subresource.is_empty() {
        of == resource
    } else {
        of.strip_prefix(resource).and_then(|rest| rest.strip_prefix('/')) == Some(subresource)
    }
}

fn resource_matches(of: &str, resource: &str, subresource: &str) -> bool {
    is(of, resource, subresource)
        || of == "*"
        || (!subresource.is_empty() && of.strip_prefix("*/") == Some(subresource))
        || of.strip_suffix("/*") == Some(resource)
}
