//! `questions` prints the corpus as the oracle takes it; `answers` answers, in the same form, the questions on
//! standard input.

#[allow(dead_code)] // Each target uses a part.
#[path = "../tests/shared/mod.rs"]
mod shared;

use serde_json::{Value as Json, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    match std::env::args().nth(1).as_deref() {
        Some("questions") => {
            let corpus = shared::corpus()?;
            let questions: Vec<Json> = corpus
                .cases
                .iter()
                .map(|case| json!({"id": case.id, "expression": case.expression, "object": corpus.object}))
                .collect();
            println!("{}", Json::from(questions));
        }
        Some("answers") => {
            let questions: Vec<Json> = serde_json::from_reader(std::io::stdin())?;
            for question in questions {
                let expression = question["expression"].as_str().unwrap_or_default();
                let (outcome, cost) = shared::answer(expression, &question["object"]);
                println!("{}", json!({"id": question["id"], "outcome": outcome, "cost": cost}));
            }
        }
        _ => eprintln!("questions, or answers"),
    }
    Ok(())
}
