//! Token probabilities: Gemini's `logprobsResult` to OpenAI's `logprobs`.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Result {
    chosen_candidates: Vec<Token>,
    top_candidates: Vec<Top>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Top {
    candidates: Vec<Token>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Token {
    token: String,
    log_probability: f64,
}

#[derive(Serialize)]
struct Logprobs<'a> {
    content: Vec<Chosen<'a>>,
    refusal: Option<()>,
}

#[derive(Serialize)]
struct Chosen<'a> {
    #[serde(flatten)]
    token: Probable<'a>,
    top_logprobs: Vec<Probable<'a>>,
}

#[derive(Serialize)]
struct Probable<'a> {
    token: &'a str,
    logprob: f64,
    bytes: &'a [u8],
}

impl<'a> From<&'a Token> for Probable<'a> {
    fn from(token: &'a Token) -> Self {
        Self { token: &token.token, logprob: token.log_probability, bytes: token.token.as_bytes() }
    }
}

/// OpenAI's object as JSON; None when there is nothing in Gemini's.
pub fn translate(raw: &RawValue) -> Option<Vec<u8>> {
    let result: Result = serde_json::from_str(raw.get()).ok()?;
    let alternatives = |index: usize| result.top_candidates.get(index).map(|top| top.candidates.as_slice());
    let chosen = result.chosen_candidates.iter().enumerate().map(|(index, token)| Chosen {
        token: token.into(),
        top_logprobs: alternatives(index).unwrap_or_default().iter().map(Into::into).collect(),
    });
    let content: Vec<_> = chosen.collect();
    if content.is_empty() {
        return None;
    }
    serde_json::to_vec(&Logprobs { content, refusal: None }).ok()
}
