//! Checks the model table against recorded traffic: it must not claim support for anything that Google rejected.

use gemini_adapter::model::{Facts, Thinking};
use gemini_adapter::models::facts;

use crate::corpus::recordings;

/// Google's words, and what the table says of a model that answered so.
/// Words of a refusal, and whether the facts say that there must be one.
type Refusal = (&'static str, fn(&Facts) -> bool);

const REFUSALS: &[Refusal] = &[
    ("Thinking is not enabled for this model", |facts| facts.thinking == Thinking::None),
    ("Penalty is not enabled for", |facts| !facts.penalties),
    ("Function calling with a response mime type: 'application/json' is unsupported", |facts| !facts.tools_with_json),
    ("Multiple candidates is not enabled", |facts| facts.candidates == 1),
    ("Developer instruction is not enabled", |facts| !facts.system_instruction),
    ("is missing a thought_signature", |facts| facts.signatures),
];

#[test]
fn the_table_claims_nothing_that_was_refused() {
    let Some(recordings) = recordings() else {
        return eprintln!("skipped: no recorded traffic here");
    };
    let mut met = 0;
    for (name, case) in &recordings {
        let model = case["model"].as_str().unwrap_or_default().trim_start_matches("models/");
        let response = case["response"].to_string();
        for (words, holds) in REFUSALS.iter().filter(|(words, _)| response.contains(words)) {
            assert!(holds(&facts::of(model)), "{name}: `{model}` answered \"{words}\"");
            met += 1;
        }
    }
    assert!(met > 0, "no refusal among {} recordings: the words have changed", recordings.len());
}

#[test]
fn models_that_were_told_how_much_to_think_are_told_so_again() {
    let Some(recordings) = recordings() else {
        return eprintln!("skipped: no recorded traffic here");
    };
    for (name, case) in &recordings {
        let config = &case["request"]["body"]["generationConfig"]["thinkingConfig"];
        let model = case["model"].as_str().unwrap_or_default().trim_start_matches("models/");
        let known = ["gemini-2.5", "gemini-3"].iter().any(|start| model.starts_with(start));
        if case["response"]["status"] != 200 || !known {
            continue;
        }
        let thinking = facts::of(model).thinking;
        if config["thinkingLevel"].is_string() {
            assert!(matches!(thinking, Thinking::Level { .. }), "{name}: `{model}` took a level");
        } else if config["thinkingBudget"].is_u64() && model.starts_with("gemini-2.5") {
            assert!(matches!(thinking, Thinking::Budget { .. }), "{name}: `{model}` took a budget");
        }
    }
}
