use anyhow::{Context, Result};
use serde_json::{Map, Value};
use std::fs;
use std::path::Path;

/// Figures by scenario, printed as they come.
#[derive(Default)]
pub struct Report(Map<String, Value>);

impl Report {
    pub fn heading(text: &str) {
        println!("\n{text}\n{}", "-".repeat(text.chars().count()));
    }

    pub fn line(&mut self, scenario: &str, name: &str, value: impl Into<Value>, unit: &str) {
        let value = value.into();
        let shown = value
            .as_f64()
            .filter(|_| value.is_f64())
            .map_or_else(|| value.to_string(), |v| format!("{v:.2}"));
        println!("{name:<58} {shown:>12} {unit}");
        let of_scenario = self.0.entry(scenario).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(of_scenario) = of_scenario {
            of_scenario.insert(format!("{name} [{unit}]"), value);
        }
    }

    pub fn save(&self, path: &Path) -> Result<()> {
        fs::write(path, serde_json::to_string_pretty(&self.0)? + "\n")
            .with_context(|| path.display().to_string())
    }
}
