//! A policy file as the API server reads it. It falls back to a lenient reading where it does not know a field, and so
//! applies a rule without what was meant to narrow it; here that is told, and what would stop it from starting is refused.

use super::{AuditPolicy, Resources, Rule};
use crate::event::{Level, Stage};
use serde_json::{Map, Value};
use snc_core::text::Refusal;

/// Source: product. The longest file that is read.
const LONGEST: usize = 4 << 20;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    pub policy: AuditPolicy,
    /// What the API server skips with no more than a line in its own log: almost always a mistake.
    pub ignored: Vec<Refusal>,
}

/// All that is wrong at once.
pub fn parse(text: &str) -> Result<Parsed, Vec<Refusal>> {
    if text.len() > LONGEST {
        let given = format!("{} bytes", text.len());
        return Err(vec![Refusal::new("(file)", given, "4 Mio au plus", "at most 4 MiB")]);
    }
    let value: Value = serde_saphyr::from_str(text).map_err(|error| {
        let (fr, en) = ("un document YAML ou JSON", "one document of YAML or JSON");
        vec![Refusal::new("(file)", error.to_string(), fr, en)]
    })?;
    let mut reader = Reader::default();
    let policy = reader.policy(value);
    if reader.wrong.is_empty() { Ok(Parsed { policy, ignored: reader.ignored }) } else { Err(reader.wrong) }
}

#[derive(Default)]
struct Reader {
    wrong: Vec<Refusal>,
    ignored: Vec<Refusal>,
}

impl Reader {
    fn refuse(&mut self, path: impl Into<String>, given: &Value, fr: &str, en: &str) {
        let given = given.as_str().map_or_else(|| given.to_string(), str::to_owned);
        self.wrong.push(Refusal::new(path, given, fr, en));
    }

    fn policy(&mut self, value: Value) -> AuditPolicy {
        let Value::Object(mut map) = value else {
            self.refuse("(file)", &value, "un objet Policy", "an object, Policy");
            return AuditPolicy::default();
        };
        for (field, expected) in [("apiVersion", "audit.k8s.io/v1"), ("kind", "Policy")] {
            let given = map.remove(field).unwrap_or_default();
            if given != expected {
                self.refuse(field, &given, expected, expected);
            }
        }
        let metadata = map.remove("metadata").unwrap_or_default();
        if !metadata.is_null() && !metadata.is_object() {
            self.refuse("metadata", &metadata, "un objet", "an object");
        }
        let rules = self.list(&mut map, "", "rules");
        if rules.is_empty() && self.wrong.is_empty() {
            let (fr, en) = (
                "au moins une règle : sans elle l'API server ne démarre pas",
                "one rule at least: without it the API server does not start",
            );
            self.refuse("rules", &Value::from("[]"), fr, en);
        }
        let policy = AuditPolicy {
            omit_stages: self.stages(&mut map, ""),
            omit_managed_fields: self.flag(&mut map, "", "omitManagedFields").unwrap_or_default(),
            rules: rules
                .into_iter()
                .enumerate()
                .map(|(at, rule)| self.rule(&format!("rules[{at}]"), rule))
                .collect(),
        };
        self.rest(&map, "");
        policy
    }

    fn rule(&mut self, path: &str, value: Value) -> Rule {
        let mut rule = Rule::at(Level::None);
        let Value::Object(mut map) = value else {
            self.refuse(path, &value, "un objet", "an object");
            return rule;
        };
        let level = map.remove("level").unwrap_or_default();
        if let Some(level) = level.as_str().and_then(Level::parse) {
            rule.level = level;
        } else {
            let (fr, en) =
                ("None, Metadata, Request ou RequestResponse", "None, Metadata, Request or RequestResponse");
            self.refuse(format!("{path}.level"), &level, fr, en);
        }
        rule.users = self.words(&mut map, path, "users");
        rule.user_groups = self.words(&mut map, path, "userGroups");
        rule.verbs = self.words(&mut map, path, "verbs");
        rule.namespaces = self.words(&mut map, path, "namespaces");
        rule.non_resource_urls = self.words(&mut map, path, "nonResourceURLs");
        rule.omit_stages = self.stages(&mut map, path);
        rule.omit_managed_fields = self.flag(&mut map, path, "omitManagedFields");
        let resources = self.list(&mut map, path, "resources");
        rule.resources = resources
            .into_iter()
            .enumerate()
            .map(|(at, value)| self.resources(&format!("{path}.resources[{at}]"), value))
            .collect();
        for (at, url) in rule.non_resource_urls.iter().enumerate() {
            let at = format!("{path}.nonResourceURLs[{at}]");
            let inner = url.char_indices().next_back().map_or("", |(last, _)| &url[..last]);
            if url != "*" && (!url.starts_with('/') || inner.contains('*')) {
                let (fr, en) = (
                    "* ou un chemin commençant par /, avec * à la fin seulement",
                    "* or a path that begins with /, with * at its end only",
                );
                self.refuse(at, &Value::from(url.as_str()), fr, en);
            }
        }
        let on_objects = !rule.resources.is_empty() || !rule.namespaces.is_empty();
        if on_objects && !rule.non_resource_urls.is_empty() {
            let (fr, en) = (
                "des chemins, ou des ressources et des espaces de noms : jamais les deux",
                "paths, or resources and namespaces: never both",
            );
            self.refuse(
                format!("{path}.nonResourceURLs"),
                &Value::from(rule.non_resource_urls.join(", ")),
                fr,
                en,
            );
        }
        self.rest(&map, path);
        rule
    }

    fn resources(&mut self, path: &str, value: Value) -> Resources {
        let Value::Object(mut map) = value else {
            self.refuse(path, &value, "un objet", "an object");
            return Resources::default();
        };
        let group = map.remove("group").unwrap_or_default();
        let named = match &group {
            Value::Null => Some(String::new()),
            Value::String(group) if group.is_empty() || group == "*" || is_group(group) => {
                Some(group.clone())
            }
            _ => None,
        };
        if named.is_none() {
            let (fr, en) = (
                "\"\" (groupe core), * ou un groupe sans version, comme rbac.authorization.k8s.io",
                "\"\" (the core group), * or a group without a version, such as rbac.authorization.k8s.io",
            );
            self.refuse(format!("{path}.group"), &group, fr, en);
        }
        let of = Resources {
            group: named.unwrap_or_default(),
            resources: self.words(&mut map, path, "resources"),
            resource_names: self.words(&mut map, path, "resourceNames"),
        };
        if of.resources.is_empty() && !of.resource_names.is_empty() {
            let (fr, en) = ("au moins une ressource à côté des noms", "one resource at least beside names");
            self.refuse(format!("{path}.resourceNames"), &Value::from(of.resource_names.join(", ")), fr, en);
        }
        self.rest(&map, path);
        of
    }

    fn list(&mut self, map: &mut Map<String, Value>, path: &str, field: &str) -> Vec<Value> {
        match map.remove(field) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items,
            Some(other) => {
                self.refuse(join(path, field), &other, "une liste", "a list");
                Vec::new()
            }
        }
    }

    fn words(&mut self, map: &mut Map<String, Value>, path: &str, field: &str) -> Vec<String> {
        let mut words = Vec::new();
        for (at, item) in self.list(map, path, field).into_iter().enumerate() {
            match item {
                Value::String(word) => words.push(word),
                other => {
                    let (fr, en) = ("un texte, entre guillemets au besoin", "a text, in quotes if need be");
                    self.refuse(format!("{}[{at}]", join(path, field)), &other, fr, en);
                }
            }
        }
        words
    }

    fn stages(&mut self, map: &mut Map<String, Value>, path: &str) -> Vec<Stage> {
        let mut stages = Vec::new();
        for (at, word) in self.words(map, path, "omitStages").into_iter().enumerate() {
            if let Some(stage) = Stage::parse(&word) {
                stages.push(stage);
            } else {
                let known = "RequestReceived, ResponseStarted, ResponseComplete, Panic";
                self.refuse(format!("{}[{at}]", join(path, "omitStages")), &Value::from(word), known, known);
            }
        }
        stages
    }

    fn flag(&mut self, map: &mut Map<String, Value>, path: &str, field: &str) -> Option<bool> {
        match map.remove(field) {
            None | Some(Value::Null) => None,
            Some(Value::Bool(flag)) => Some(flag),
            Some(other) => {
                self.refuse(join(path, field), &other, "true ou false", "true or false");
                None
            }
        }
    }

    fn rest(&mut self, map: &Map<String, Value>, path: &str) {
        for (field, value) in map {
            let given = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let (fr, en) = (
                "un champ de audit.k8s.io/v1 : l'API server ignore celui-ci et applique la règle sans lui",
                "a field of audit.k8s.io/v1: the API server skips this one and applies the rule without it",
            );
            self.ignored.push(Refusal::new(join(path, field), given, fr, en));
        }
    }
}

fn join(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

fn is_group(group: &str) -> bool {
    let end = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let part = |part: &str| {
        let bytes = part.as_bytes();
        end(bytes.first()) && end(bytes.last()) && bytes.iter().all(|byte| end(Some(byte)) || *byte == b'-')
    };
    group.len() <= 253 && group.split('.').all(part)
}
