//! Token probabilities: how they are requested, and Gemini's `logprobsResult` in OpenAI's terms.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::limits;
use crate::error::Error;
use crate::model::Facts;
use crate::wire::json;

/// Whether token probabilities are requested, by this field. The request is rejected where there are none: Google
/// rejects them in streams ("LogProbs is not supported in streaming mode", recorded), and newer models have none.
///
/// # Errors
/// 400, naming the field.
pub fn wanted(wanted: bool, stream: bool, field: &str, facts: &Facts) -> Result<Option<bool>, Error> {
    let why = match wanted {
        true if !facts.logprobs => "this model returns no token probabilities",
        true if stream => "Gemini returns no token probabilities in a stream",
        wanted => return Ok(wanted.then_some(true)),
    };
    let message = format!(
        "Invalid value for '{field}': {why}. Leave it out, or send it without `stream` to a model of the 2.5 family."
    );
    Err(Error::invalid(message).param(field).code("unsupported_value"))
}

/// Checks the number of alternatives for each token.
///
/// # Errors
/// 400 when Gemini does not return that many.
pub fn top(top: i64) -> Result<u32, Error> {
    match u32::try_from(top) {
        Ok(top @ 0..=20) => Ok(top),
        _ => Err(limits::out_of_range("top_logprobs", top, "between 0 and 20", "invalid_value")),
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CandidateState {
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

/// Returns the object that chat completions use; None when Gemini reported no tokens.
pub fn object(raw: &RawValue) -> Option<Vec<u8>> {
    let list = list(raw)?;
    Some([br#"{"content":"#, &*list, br#","refusal":null}"#].concat())
}

/// Returns the list of tokens; None when Gemini reported none.
pub fn list(raw: &RawValue) -> Option<Vec<u8>> {
    let result: CandidateState = json::read(raw.get()).ok()?;
    let alternatives = |index: usize| result.top_candidates.get(index).map(|top| top.candidates.as_slice());
    let chosen = result.chosen_candidates.iter().enumerate().map(|(index, token)| Chosen {
        token: token.into(),
        top_logprobs: alternatives(index).unwrap_or_default().iter().map(Into::into).collect(),
    });
    let content: Vec<_> = chosen.collect();
    if content.is_empty() {
        return None;
    }
    serde_json::to_vec(&content).ok()
}
