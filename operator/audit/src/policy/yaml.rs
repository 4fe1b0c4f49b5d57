//! The file for `--audit-policy-file`, with why each rule is there.

use super::{Generated, Resources, Rule};
use crate::event::Stage;
use snc_core::lang::Lang;
use std::fmt::Write as _;

const WIDTH: usize = 110;

const HEAD_FR: &[&str] = &[
    "Politique d'audit de l'API server, faite par snc-operator audit-policy. La première règle qui s'applique décide.",
    "L'API server lit ce fichier à son démarrage : après un changement, redémarrer chaque instance, l'une après l'autre.",
    "RequestReceived est omise : chaque requête a une étape de fin, et la moitié du volume est épargnée ; une requête en cours au moment d'un arrêt brutal n'a pas d'événement.",
    "ResponseStarted est gardée : c'est la seule étape d'une authentification refusée, et ce qui dure (exec, watch) est connu dès le début.",
];
const HEAD_EN: &[&str] = &[
    "Audit policy of the API server, made by snc-operator audit-policy. The first rule that matches decides.",
    "The API server reads this file when it starts: after a change restart each instance, one after the other.",
    "RequestReceived is omitted: every request has a last stage, and half of the volume is spared; a request under way when a server is killed has no event.",
    "ResponseStarted is kept: it is the only stage of a refused authentication, and what lasts (exec, watch) is known from its beginning.",
];

impl Generated {
    pub fn yaml(&self, lang: Lang) -> String {
        let mut out = String::new();
        for line in lang.pick(|| HEAD_FR, || HEAD_EN) {
            comment(&mut out, "", line);
        }
        out.push_str("apiVersion: audit.k8s.io/v1\nkind: Policy\n");
        stages(&mut out, "", &self.policy.omit_stages);
        let _ = writeln!(out, "omitManagedFields: {}", self.policy.omit_managed_fields);
        out.push_str("rules:\n");
        let mut before = "";
        for (rule, note) in self.policy.rules.iter().zip(&self.notes) {
            let why = note.why.get(lang);
            if why != before {
                let ids = note.requirements.join(", ");
                comment(
                    &mut out,
                    "  ",
                    &if ids.is_empty() { why.to_owned() } else { format!("{why} ({ids})") },
                );
            }
            before = why;
            write_rule(&mut out, rule);
        }
        out
    }
}

fn comment(out: &mut String, indent: &str, text: &str) {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && indent.len() + 2 + line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(out, "{indent}# {line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(out, "{indent}# {line}");
}

fn write_rule(out: &mut String, rule: &Rule) {
    let _ = writeln!(out, "  - level: {}", rule.level);
    words(out, "    users", &rule.users);
    words(out, "    userGroups", &rule.user_groups);
    words(out, "    verbs", &rule.verbs);
    if !rule.resources.is_empty() {
        out.push_str("    resources:\n");
    }
    for Resources { group, resources, resource_names } in &rule.resources {
        let _ = writeln!(out, "      - group: {}", quoted(group));
        words(out, "        resources", resources);
        words(out, "        resourceNames", resource_names);
    }
    words(out, "    namespaces", &rule.namespaces);
    words(out, "    nonResourceURLs", &rule.non_resource_urls);
    stages(out, "    ", &rule.omit_stages);
    if let Some(flag) = rule.omit_managed_fields {
        let _ = writeln!(out, "    omitManagedFields: {flag}");
    }
}

fn stages(out: &mut String, indent: &str, stages: &[Stage]) {
    let names: Vec<String> = stages.iter().map(Stage::to_string).collect();
    words(out, &format!("{indent}omitStages"), &names);
}

/// On one line, or one below the other.
fn words(out: &mut String, field: &str, words: &[String]) {
    if words.is_empty() {
        return;
    }
    let all: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    let line = format!("{field}: [{}]", all.join(", "));
    if line.chars().count() <= WIDTH {
        let _ = writeln!(out, "{line}");
        return;
    }
    let indent = " ".repeat(field.len() - field.trim_start().len() + 2);
    let _ = writeln!(out, "{field}:");
    for word in all {
        let _ = writeln!(out, "{indent}- {word}");
    }
}

/// In quotes: a string of JSON is one of YAML, and no word is taken for anything else.
fn quoted(word: &str) -> String {
    serde_json::Value::from(word).to_string()
}
