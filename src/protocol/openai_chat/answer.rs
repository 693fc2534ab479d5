//! What whole and streamed answers share: what the request specifies about them, the state of each choice, and Gemini's
//! parts in OpenAI's terms.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::request::Parsed;
use super::tools::Tools;
use crate::fault::Fault;
use crate::protocol::AnswerContext;
use crate::protocol::Usage;
use crate::protocol::rules::answer::{Call, CandidateState, Ending, Piece, Reader};
use crate::protocol::rules::citations::UrlCitation;
use crate::protocol::rules::tools::Names;
use crate::wire::gemini::response::{Candidate, Part, Response};
use crate::wire::json::{push_number, push_string};
use crate::wire::openai::chat::Request;

/// What the request specifies about its answer.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Whether the stream ends with a usage chunk.
    pub include_usage: bool,
    /// Whether only the first of several calls is passed on.
    pub single_call: bool,
    /// Whether the text is recorded, because the answer may name its sources.
    pub transcribed: bool,
    /// Whether to answer with `function_call` instead of `tool_calls`, because the client declared `functions`.
    pub legacy: bool,
    /// Maps Gemini's function names to the client's.
    pub names: Names,
    /// The schema to check the answer against, if it is to be checked.
    pub schema: Option<Box<RawValue>>,
}

impl Terms {
    /// Derives the terms from the request.
    pub fn of(Parsed { body: request, tools }: &Parsed<'_>, check_json: bool) -> Self {
        let legacy = request.functions.iter().flatten().filter_map(|function| function.name.as_ref());
        let mut names = tools.as_ref().map(names).unwrap_or_default();
        legacy.for_each(|name| names.add(name, false));
        let by_functions = request.functions.is_some() && request.tools.is_none();
        Self {
            include_usage: request.stream_options.as_ref().and_then(|options| options.include_usage) == Some(true),
            // `function_call` holds one call only.
            single_call: request.parallel_tool_calls == Some(false) || by_functions,
            // By the time a stream reports its sources, its text has been sent, so it must have been recorded. Without
            // a search there can only be citations, which are unsolicited and rare.
            transcribed: request.stream != Some(true) || searches(request, tools.as_ref()),
            schema: request
                .response_format
                .as_ref()
                .filter(|_| check_json)
                .and_then(|format| Some(format.json_schema.as_ref()?.schema?.to_owned())),
            legacy: by_functions,
            names,
        }
    }
}

/// Translates the answer of one attempt.
pub struct ChatReply {
    /// The answer's id, time and model name.
    pub stamp: AnswerContext,
    /// What the request specifies about it.
    pub terms: Terms,
    /// Reads Gemini's parts.
    pub reader: Reader,
    /// The state of each choice.
    pub choices: Vec<Choice>,
    /// Whether any content has been written.
    pub committed: bool,
    /// The bytes that every chunk begins with; empty until the first event.
    pub prefix: Vec<u8>,
}

/// The state of one choice.
#[derive(Debug, Default)]
pub struct Choice {
    /// Its index.
    pub index: u32,
    /// Whether its first chunk has been written.
    pub begun: bool,
    /// What has been said in it.
    pub told: CandidateState,
}

impl ChatReply {
    /// Creates the translator for the answer of one attempt.
    pub fn new(stamp: AnswerContext, terms: Terms) -> Self {
        let mut reader = Reader::new(&stamp, "call_");
        reader.single_call = terms.single_call;
        reader.transcribed = terms.transcribed;
        Self { reader, stamp, terms, choices: Vec::new(), committed: false, prefix: Vec::new() }
    }

    /// Parses a whole answer or one event, and records its usage and finish reasons.
    pub fn read<'a>(&mut self, body: &'a [u8]) -> Result<Response<'a>, Fault> {
        let response = self.reader.read(body)?;
        for candidate in &response.candidates {
            self.choice(candidate.index).told.take(candidate);
        }
        Ok(response)
    }

    /// Returns the state of a choice. An absurd index from upstream adds one choice, not a billion.
    pub fn choice(&mut self, index: u32) -> &mut Choice {
        choice(&mut self.choices, index)
    }

    /// Reads a part. Also returns the signature of a part that is not a call.
    pub fn piece<'a>(&mut self, candidate: &'a Candidate<'a>, part: &'a Part<'a>) -> (Piece<'a>, Option<Cow<'a, str>>) {
        self.reader.piece(&mut choice(&mut self.choices, candidate.index).told, part)
    }
}

#[expect(clippy::indexing_slicing, reason = "at a place that was found, or made for it")]
fn choice(choices: &mut Vec<Choice>, index: u32) -> &mut Choice {
    let known = choices.iter().position(|choice| choice.index == index);
    let at = known.unwrap_or_else(|| {
        // Most answers have one, and it is large.
        choices.reserve_exact(1);
        choices.push(Choice { index, ..Choice::default() });
        choices.len() - 1
    });
    &mut choices[at]
}

impl Choice {
    /// Returns OpenAI's finish reason.
    ///
    /// # Errors
    /// When the model failed and produced nothing.
    pub fn finish_reason(&self, legacy: bool) -> Result<&'static str, Fault> {
        Ok(match self.told.ending()? {
            Ending::Length => "length",
            Ending::Filtered => "content_filter",
            Ending::Stop => "stop",
            Ending::Calls if legacy => "function_call",
            Ending::Calls => "tool_calls",
        })
    }

    /// Returns its annotations as members of a JSON array; None when there are none.
    pub fn annotations(&self) -> Option<Vec<u8>> {
        let mut members = Vec::new();
        for UrlCitation { start, end, url, title, .. } in self.told.sources.cited(&self.told.transcript, 0) {
            if !members.is_empty() {
                members.push(b',');
            }
            let place =
                format!(r#"{{"type":"url_citation","url_citation":{{"start_index":{start},"end_index":{end},"url":"#);
            members.extend_from_slice(place.as_bytes());
            push_string(&mut members, url);
            members.extend_from_slice(br#","title":"#);
            push_string(&mut members, title);
            members.extend_from_slice(b"}}");
        }
        (!members.is_empty()).then_some(members)
    }
}

/// Whether the request enables web search or another built-in tool of Google's.
fn searches(request: &Request<'_>, tools: Option<&Tools<'_>>) -> bool {
    let google = request.extra_body.as_ref().and_then(|extra| extra.google.as_ref()).or(request.google.as_ref());
    let listed = tools.filter(|tools| tools.names().is_none()).and_then(|tools| tools.tools().ok());
    let tools = listed.unwrap_or_default().iter();
    let tools = tools.chain(google.into_iter().flat_map(|google| google.tools.iter().flatten()));
    let mut others = tools.filter(|tool| tool.function.is_none() && tool.custom.is_none());
    request.web_search_options.is_some() || others.next().is_some()
}

fn names(tools: &Tools<'_>) -> Names {
    tools.names().cloned().unwrap_or_else(|| {
        let tools = tools.tools().unwrap_or_default().iter();
        let functions = tools.clone().filter_map(|tool| tool.function.as_ref()?.name.as_ref());
        Names::of(functions, tools.filter_map(|tool| tool.custom.as_ref()?.name.as_ref()))
    })
}

/// Appends `"extra_content":{"google":{"thought_signature":…}}`, the field that Google's own OpenAI endpoint uses for
/// signatures too.
pub fn push_signature(out: &mut Vec<u8>, signature: &str) {
    out.extend_from_slice(br#""extra_content":{"google":{"thought_signature":"#);
    push_string(out, signature);
    out.extend_from_slice(b"}}");
}

/// Appends the usage object.
pub fn push_usage(out: &mut Vec<u8>, usage: &Usage) {
    let Usage { prompt, completion, cached, reasoning, audio_in, audio_out } = usage;
    let fields: [(&[u8], u64); 7] = [
        (br#"{"prompt_tokens":"#, *prompt),
        (br#","completion_tokens":"#, *completion),
        (br#","total_tokens":"#, prompt + completion),
        (br#","prompt_tokens_details":{"cached_tokens":"#, *cached),
        (br#","audio_tokens":"#, *audio_in),
        (br#"},"completion_tokens_details":{"reasoning_tokens":"#, *reasoning),
        (br#","audio_tokens":"#, *audio_out),
    ];
    for (name, count) in fields {
        out.extend_from_slice(name);
        push_number(out, count);
    }
    out.extend_from_slice(br#","accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}"#);
}

/// Appends a call without its braces: `"id":…,"type":…,"function":{"name":…,"arguments":…}`, with the arguments as
/// given, and its signature if it has one.
pub fn push_call(out: &mut Vec<u8>, call: &Call<'_>, terms: &Terms, arguments: &str) {
    out.extend_from_slice(br#""id":"#);
    push_string(out, &call.id);
    let custom = terms.names.is_free_text(call.name);
    let (kind, field) = if custom { ("custom", "input") } else { ("function", "arguments") };
    out.extend_from_slice(format!(r#","type":"{kind}","{kind}":{{"name":"#).as_bytes());
    push_string(out, terms.names.client(call.name));
    out.extend_from_slice(format!(r#","{field}":"#).as_bytes());
    push_string(out, arguments);
    out.push(b'}');
    if let Some(signature) = &call.signature {
        out.push(b',');
        push_signature(out, signature);
    }
}
