//! Every expression of the corpus, against what cel-go answers in the API server's environment.

#[allow(dead_code)] // Each target uses a part.
mod shared;

use serde::Deserialize;
use std::collections::HashMap;

#[derive(Deserialize)]
struct Answer {
    id: String,
    outcome: String,
    cost: u64,
}

/// The words of a refusal are not compared.
fn judged(outcome: &str) -> &str {
    if outcome.starts_with("refused") { "refused" } else { outcome }
}

#[test]
fn each_is_judged_and_priced_as_the_api_server_does() {
    let corpus = shared::corpus().unwrap();
    let expected: HashMap<String, Answer> = include_str!("parity-expected.json")
        .lines()
        .map(|line| serde_json::from_str::<Answer>(line).unwrap())
        .map(|answer| (answer.id.clone(), answer))
        .collect();
    assert!(corpus.cases.len() > 1000);
    assert_eq!(corpus.cases.len(), expected.len(), "parity-expected.json is of another corpus");
    let mut wrong = Vec::new();
    for case in &corpus.cases {
        let expected = &expected[&case.id];
        let (outcome, cost) = shared::answer(&case.expression, &corpus.object);
        let same = judged(&outcome) == judged(&expected.outcome) && cost == expected.cost;
        // What is no longer otherwise needs no explanation.
        if judged(&outcome) != case.outcome || same == case.explained.is_some() {
            wrong.push(format!(
                "{}: {}\n  here {outcome} for {cost}\n  there {} for {}",
                case.id, case.expression, expected.outcome, expected.cost
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), corpus.cases.len(), wrong.join("\n"));
}
