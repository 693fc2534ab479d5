//! Selects what happens to a request: by a marker in its last message, `[[sim:NAME key=value]]`, or by the option of
//! the whole simulator; otherwise the request gets a normal answer.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::failure::{Failure, exhausted, failure, info, unknown_model};

/// The documentation of a scenario.
pub struct ScenarioRow {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    kind: Kind,
}

/// The kind of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What the answer contains.
    Say(Say),
    /// How the answer is sent.
    Send(Send),
    /// An error instead of an answer.
    Fail(Fail),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Say {
    Text,
    Search,
    Long,
    Thinking,
    Tool,
    Parallel,
    Json,
    Fenced,
    Request,
    Blocked,
    Safety,
    MaxTokens,
    OnlyThoughts,
    Empty,
    MalformedCall,
    Image,
    DoubleStop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Send {
    Slow,
    Stall,
    Reset,
    Eof,
    MidError,
    MidErrorBare,
    Truncated,
    Garbage,
    Html,
    Empty200,
    Split,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fail {
    Minute,
    Day,
    Plain429,
    NoAccess,
    Overloaded,
    Internal,
    Html502,
    BadRequest,
    FileOfOthers,
    NoModel,
    TooLong,
    InvalidKey,
}

/// All scenarios.
pub const SCENARIOS: &[ScenarioRow] = &[
    row("text", "a short text that quotes the prompt (this is the default)", Kind::Say(Say::Text)),
    row("search", "the same text, found by Google's search where the request allows it", Kind::Say(Say::Search)),
    row("long", "chunks=N pieces of size=BYTES, numbered, gap_ms apart", Kind::Say(Say::Long)),
    row("burst", "as long, 100 pieces without a gap", Kind::Say(Say::Long)),
    row("thinking", "thoughts first, then the text", Kind::Say(Say::Thinking)),
    row("tool", "a call of the first function; again until steps=N results are there", Kind::Say(Say::Tool)),
    row("parallel", "a call of each function, calls=N at most", Kind::Say(Say::Parallel)),
    row("json", "JSON by the request's schema", Kind::Say(Say::Json)),
    row("fenced", "JSON in a fence, with words before it, and not closed", Kind::Say(Say::Fenced)),
    row("request", "the request itself, as it came", Kind::Say(Say::Request)),
    row("blocked", "the prompt is blocked", Kind::Say(Say::Blocked)),
    row("safety", "the answer is blocked", Kind::Say(Say::Safety)),
    row("max_tokens", "the answer is cut off", Kind::Say(Say::MaxTokens)),
    row("only_thoughts", "all tokens go into thoughts", Kind::Say(Say::OnlyThoughts)),
    row("empty", "a stop without a word", Kind::Say(Say::Empty)),
    row("malformed_call", "the model fails at a call", Kind::Say(Say::MalformedCall)),
    row("image", "a text and an image", Kind::Say(Say::Image)),
    row("double_stop", "a stop in the middle, and one at the end", Kind::Say(Say::DoubleStop)),
    row("slow", "nothing for delay_ms, then the text", Kind::Send(Send::Slow)),
    row("stall", "after=N pieces, then silence", Kind::Send(Send::Stall)),
    row("reset", "after=N pieces, then the connection breaks", Kind::Send(Send::Reset)),
    row("eof", "after=N pieces, then the end without a finish reason", Kind::Send(Send::Eof)),
    row("mid_error", "after=N pieces, then an error event", Kind::Send(Send::MidError)),
    row("mid_error_bare", "after=N pieces, then an error that is not an event", Kind::Send(Send::MidErrorBare)),
    row("truncated", "after=N pieces, then half an event", Kind::Send(Send::Truncated)),
    row("garbage", "something that is not valid JSON", Kind::Send(Send::Garbage)),
    row("html", "a page with status 200", Kind::Send(Send::Html)),
    row("empty_200", "status 200 and nothing", Kind::Send(Send::Empty200)),
    row("split", "the text in pieces of size=N bytes, cut anywhere", Kind::Send(Send::Split)),
    row("429_minute", "a quota of the minute is used up, retry=SECONDS", Kind::Fail(Fail::Minute)),
    row("429_day", "a quota of the day is used up", Kind::Fail(Fail::Day)),
    row("429_plain", "a quota is used up, and no word about which", Kind::Fail(Fail::Plain429)),
    row("429_zero", "the model is not on this tier", Kind::Fail(Fail::NoAccess)),
    row("503", "the model is overloaded", Kind::Fail(Fail::Overloaded)),
    row("500", "an internal error", Kind::Fail(Fail::Internal)),
    row("502", "a page of some front end", Kind::Fail(Fail::Html502)),
    row("400", "a request that is refused", Kind::Fail(Fail::BadRequest)),
    row("403_file", "a file of another project", Kind::Fail(Fail::FileOfOthers)),
    row("404_model", "no such model", Kind::Fail(Fail::NoModel)),
    row("too_long", "too many tokens", Kind::Fail(Fail::TooLong)),
    row("invalid_key", "the key is not valid", Kind::Fail(Fail::InvalidKey)),
];

const fn row(name: &'static str, about: &'static str, kind: Kind) -> ScenarioRow {
    ScenarioRow { name, about, kind }
}

/// A scenario with its values. `times=N`: only the first N times for each key and model. `odds=N`: in N percent of
/// the calls. `model=NAME`: only for this model.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub name: &'static str,
    pub kind: Kind,
    values: BTreeMap<String, String>,
}

impl Scenario {
    /// Parses `NAME key=value …`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let name = words.next()?;
        let row = SCENARIOS.iter().find(|row| row.name == name)?;
        let values =
            words.filter_map(|word| word.split_once('=')).map(|(key, value)| (key.to_owned(), value.to_owned()));
        Some(Self { name: row.name, kind: row.kind, values: values.collect() })
    }

    /// Returns the scenario that a request selects by a marker in its prompt.
    pub fn of_request(prompt: &str) -> Option<Self> {
        let (_, rest) = prompt.rsplit_once("[[sim:")?;
        Self::parse(rest.split("]]").next()?)
    }

    /// Returns a number from its values.
    pub fn number(&self, key: &str, default: u64) -> u64 {
        self.values.get(key).and_then(|value| value.parse().ok()).unwrap_or(default)
    }

    /// Returns a duration from its values, which are in milliseconds.
    pub fn milliseconds(&self, key: &str, default: u64) -> Duration {
        Duration::from_millis(self.number(key, default))
    }

    /// Returns how many times it occurs; None means always.
    pub fn times(&self) -> Option<usize> {
        self.values.get("times")?.parse().ok()
    }

    /// Decides by its odds whether it occurs this time.
    pub fn happens(&self) -> bool {
        fastrand::u64(0..100) < self.number("odds", 100)
    }

    /// Returns whether it applies to this model.
    pub fn concerns(&self, model: &str) -> bool {
        self.values.get("model").is_none_or(|wanted| wanted == model)
    }

    /// Returns the error it stands for, and whether that is an HTML page instead of JSON.
    pub fn failure(&self, model: &str) -> Option<(Failure, bool)> {
        let Kind::Fail(fail) = self.kind else { return None };
        let retry = self.values.get("retry").and_then(|value| value.parse().ok()).unwrap_or(34.4);
        let failure = match fail {
            Fail::Minute => exhausted("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "15", model, Some(retry)),
            Fail::Day => exhausted("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "20", model, Some(retry)),
            Fail::Plain429 => failure(429, "Resource has been exhausted (e.g. check quota).", Vec::new()),
            Fail::NoAccess => exhausted("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "0", model, None),
            Fail::Overloaded => failure(503, "The model is overloaded. Please try again later.", Vec::new()),
            Fail::Internal => failure(500, "An internal error has occurred. Please retry.", Vec::new()),
            Fail::Html502 => Failure { status: 502, body: "<html><title>502</title></html>".into() },
            Fail::BadRequest => failure(400, "Request contains an invalid argument.", Vec::new()),
            Fail::FileOfOthers => {
                failure(403, "You do not have permission to access the File abc or it may not exist.", Vec::new())
            }
            Fail::NoModel => unknown_model(model),
            Fail::TooLong => {
                let message = "The input token count (1250074) exceeds the maximum number of tokens allowed (1048576).";
                failure(400, message, Vec::new())
            }
            Fail::InvalidKey => {
                failure(400, "API key not valid. Please pass a valid API key.", vec![info("API_KEY_INVALID")])
            }
        };
        Some((failure, fail == Fail::Html502))
    }
}

/// Returns the text of the last user turn that has any.
pub fn prompt(body: &Value) -> String {
    let contents = body["contents"].as_array().into_iter().flatten();
    let mut spoken = contents.filter(|content| content["role"] != "model").map(|content| {
        let parts = content["parts"].as_array().into_iter().flatten();
        parts.filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join(" ")
    });
    spoken.rfind(|text| !text.trim().is_empty()).unwrap_or_default()
}
