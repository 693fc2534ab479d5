//! What both forms of an answer share: what the request laid down about it, what is known of each choice so far, and what
//! Gemini's parts are in OpenAI's terms.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::fault::{Blame, Fault, Kind};
use crate::protocol::rules::finish::{self, Finish};
use crate::protocol::rules::ids::CallIds;
use crate::protocol::rules::usage;
use crate::protocol::{Stamp, Usage};
use crate::wire::gemini::response::{Candidate, Part, Response};
use crate::wire::json::{compact, decode, push_escaped, push_string};
use crate::wire::openai::chat::Request;

use super::annotations::{Sources, Transcript};
use super::tools::gemini_name;

/// Largest signature that goes to the client, in bytes. Those of texts and calls have a few thousand; those of images, over a
/// million.
const LARGEST_SIGNATURE: usize = 64 * 1024;

/// What the request lays down about its answer.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// A last chunk with the usage.
    pub include_usage: bool,
    /// Only the first of several calls.
    pub single_call: bool,
    /// What is said is remembered: the answer may say where it is from.
    pub transcribed: bool,
    /// `function_call` instead of `tool_calls`: the client declared `functions`.
    pub legacy: bool,
    /// Tools that take free text, by Gemini's name.
    pub custom: Vec<String>,
    /// What the answer must look like, where that is to be checked.
    pub schema: Option<Box<RawValue>>,
    /// Functions that have another name at Gemini: Gemini's, then the client's.
    pub renamed: Vec<(String, String)>,
}

impl Terms {
    /// The terms of this request.
    pub fn of(request: &Request<'_>, check_json: bool) -> Self {
        let tools = || request.tools.iter().flatten();
        let names = tools().filter_map(|tool| tool.function.as_ref()?.name.as_ref());
        let legacy = request.functions.iter().flatten().filter_map(|function| function.name.as_ref());
        Self {
            include_usage: request.stream_options.as_ref().and_then(|options| options.include_usage) == Some(true),
            single_call: request.parallel_tool_calls == Some(false),
            // A stream's words are gone by the time their sources are told. Citations alone come unasked, and are rare.
            transcribed: request.stream != Some(true) || searches(request),
            schema: request
                .response_format
                .as_ref()
                .filter(|_| check_json)
                .and_then(|format| Some(format.json_schema.as_ref()?.schema?.to_owned())),
            legacy: request.functions.is_some() && request.tools.is_none(),
            custom: tools()
                .filter_map(|tool| tool.custom.as_ref()?.name.as_ref())
                .map(|name| gemini_name(name).into_owned())
                .collect(),
            renamed: names
                .chain(legacy)
                .map(|name| (gemini_name(name).into_owned(), name.to_string()))
                .filter(|(theirs, ours)| theirs != ours)
                .collect(),
        }
    }

    /// The client's name for a function.
    pub fn client_name<'a>(&'a self, name: &'a str) -> &'a str {
        self.renamed.iter().find(|(theirs, _)| theirs == name).map_or(name, |(_, ours)| ours)
    }
}

/// The answer of one attempt, on its way.
pub struct ChatReply {
    /// What it bears.
    pub stamp: Stamp,
    /// What was laid down about it.
    pub terms: Terms,
    /// Ids for calls that have none.
    pub ids: CallIds,
    /// What is known of each choice, by index.
    pub choices: Vec<Choice>,
    /// Tokens so far.
    pub usage: Usage,
    /// OpenAI's name for the tier that served it.
    pub tier: &'static str,
    /// Whether any content was written.
    pub committed: bool,
    /// What every chunk begins with, once it is known.
    pub prefix: Vec<u8>,
}

/// What is known of one choice.
#[derive(Debug, Default)]
pub struct Choice {
    /// Its index.
    pub index: u32,
    /// Whether its first chunk was written.
    pub begun: bool,
    /// How many calls it made.
    pub calls: u32,
    /// Whether it said anything.
    pub spoke: bool,
    /// How it ended, if it did.
    pub finish: Option<Finish>,
    /// What Gemini said about the end.
    pub finish_message: Option<String>,
    /// What was said, where it is remembered.
    pub transcript: Transcript,
    /// Where it is from.
    pub sources: Sources,
}

/// A part of Gemini's in OpenAI's terms.
pub enum Piece<'a> {
    /// Words: the escape text of a JSON string.
    Text(Cow<'a, [u8]>),
    /// A summary of thoughts, likewise.
    Reasoning(&'a [u8]),
    /// A call.
    Call(Call<'a>),
    /// An image, as a data URL.
    Image(String),
    /// Sound: its base64.
    Audio(&'a str),
    /// Nothing that shows.
    Nothing,
}

/// A call of a client's function.
pub struct Call<'a> {
    /// Google's id, or ours.
    pub id: String,
    /// Gemini's name of the function.
    pub name: &'a str,
    /// The arguments as JSON text.
    pub args: &'a str,
    /// To be sent back with the call.
    pub signature: Option<Cow<'a, str>>,
}

impl ChatReply {
    /// The answer of one attempt.
    pub fn new(stamp: Stamp, terms: Terms) -> Self {
        Self {
            ids: CallIds::new(stamp.seed),
            stamp,
            terms,
            choices: Vec::new(),
            usage: Usage::default(),
            tier: "default",
            committed: false,
            prefix: Vec::new(),
        }
    }

    /// Reads a whole answer, or one event, and notes its usage and its ends.
    pub fn read<'a>(&mut self, body: &'a [u8]) -> Result<Response<'a>, Fault> {
        let response: Response<'a> = serde_json::from_slice(body).map_err(|error| {
            // The reader's own words only: they name a place and a type, never the content.
            let why = if error.is_eof() { "it ends too early" } else { "it is not the JSON that Gemini speaks" };
            broken(format!("Gemini's answer cannot be read: {why} (line {}, column {}).", error.line(), error.column()))
        })?;
        if let Some(metadata) = &response.usage_metadata {
            self.usage = usage::usage(metadata);
            self.tier = match metadata.service_tier.as_deref() {
                Some("flex" | "FLEX") => "flex",
                Some("priority" | "PRIORITY") => "priority",
                _ => "default",
            };
        }
        for candidate in &response.candidates {
            let choice = self.choice(candidate.index);
            choice.sources.take(candidate.grounding_metadata, candidate.citation_metadata);
            if let Some(reason) = &candidate.finish_reason {
                choice.finish = Some(finish::read(reason));
                choice.finish_message = Some(match &candidate.finish_message {
                    Some(message) => format!("{reason}: {message}"),
                    None => reason.to_string(),
                });
            }
        }
        Ok(response)
    }

    /// Why the prompt was blocked, if it was: a refusal for the client to show.
    pub fn blocked(response: &Response<'_>) -> Option<String> {
        let feedback = response.prompt_feedback.as_ref().filter(|_| response.candidates.is_empty())?;
        let reason = feedback.block_reason.as_deref();
        let words = feedback.block_reason_message.as_deref();
        match (reason, words) {
            (None, None) => None,
            (reason, None) => Some(format!("Request blocked by Gemini: {}", reason.unwrap_or("OTHER"))),
            (reason, Some(words)) => {
                Some(format!("Request blocked by Gemini: {} ({words})", reason.unwrap_or("OTHER")))
            }
        }
    }

    /// What is known of a choice. An absurd index from upstream makes one more choice, not a billion.
    pub fn choice(&mut self, index: u32) -> &mut Choice {
        let at = match self.choices.iter().position(|choice| choice.index == index) {
            Some(at) => at,
            None => {
                self.choices.push(Choice { index, ..Choice::default() });
                self.choices.len() - 1
            }
        };
        &mut self.choices[at]
    }

    /// A part in OpenAI's terms, and the signature of a part that is no call.
    pub fn piece<'a>(&mut self, candidate: &'a Candidate<'a>, part: &'a Part<'a>) -> (Piece<'a>, Option<Cow<'a, str>>) {
        let signature = part.thought_signature.and_then(decode).filter(|text| text.len() <= LARGEST_SIGNATURE);
        if let Some(call) = &part.function_call {
            let single = self.terms.single_call;
            let choice = self.choice(candidate.index);
            if single && choice.calls > 0 {
                return (Piece::Nothing, None);
            }
            choice.calls += 1;
            let id = match call.id.as_deref() {
                Some(id) if is_plain(id) => id.to_owned(),
                _ => self.ids.next(),
            };
            if let Some(signature) = &signature {
                self.stamp.signatures.keep(&id, signature);
            }
            let args = call.args.map_or("{}", RawValue::get);
            return (Piece::Call(Call { id, name: &call.name, args, signature }), None);
        }
        let piece = visible(part);
        let transcribed = self.terms.transcribed;
        let choice = self.choice(candidate.index);
        choice.spoke |= matches!(piece, Piece::Text(_) | Piece::Image(_) | Piece::Audio(_));
        if transcribed && let Piece::Text(shown) = &piece {
            match part.text.and_then(decode) {
                Some(text) => choice.transcript.said(&text),
                None => choice.transcript.inserted(&unescaped(shown)),
            }
        }
        (piece, signature)
    }
}

impl Choice {
    /// OpenAI's finish reason.
    ///
    /// # Errors
    /// When the model failed and nothing came of it.
    pub fn finish_reason(&self, legacy: bool) -> Result<&'static str, Fault> {
        match self.finish.unwrap_or(Finish::Stop) {
            Finish::Length => Ok("length"),
            Finish::Filtered => Ok("content_filter"),
            Finish::Failed if self.calls == 0 && !self.spoke => Err(broken(format!(
                "Gemini gave no usable answer ({}). Sending the request again may help.",
                self.finish_message.as_deref().unwrap_or("no reason given")
            ))),
            Finish::Stop | Finish::Failed if self.calls == 0 => Ok("stop"),
            Finish::Stop | Finish::Failed if legacy => Ok("function_call"),
            Finish::Stop | Finish::Failed => Ok("tool_calls"),
        }
    }
}

/// Clients keep ids of this kind whole: OpenAI's are no longer, and hold nothing else.
fn is_plain(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// A part that is no call.
fn visible<'a>(part: &'a Part<'a>) -> Piece<'a> {
    if let Some(text) = part.text {
        let text = crate::wire::json::escaped(text);
        return match (text.is_empty(), part.thought) {
            (true, _) => Piece::Nothing,
            (false, true) => Piece::Reasoning(text),
            (false, false) => Piece::Text(text.into()),
        };
    }
    if let Some(blob) = &part.inline_data {
        // Sketches made while thinking are not the answer.
        return match blob.mime_type.split_once('/').map(|(kind, _)| kind) {
            _ if part.thought => Piece::Nothing,
            Some("audio") => Piece::Audio(&blob.data),
            _ => Piece::Image(format!("data:{};base64,{}", blob.mime_type, blob.data)),
        };
    }
    if let Some(code) = &part.executable_code {
        return Piece::Text(fenced(&code.language.to_lowercase(), &code.code).into());
    }
    if let Some(result) = &part.code_execution_result {
        return Piece::Text(fenced("", &result.output).into());
    }
    if let Some(file) = &part.file_data {
        let mut text = Vec::new();
        push_escaped(&mut text, &file.file_uri);
        return Piece::Text(text.into());
    }
    Piece::Nothing
}

/// Whether a request lets Google look things up.
fn searches(request: &Request<'_>) -> bool {
    let google = request.extra_body.as_ref().and_then(|extra| extra.google.as_ref()).or(request.google.as_ref());
    let tools =
        request.tools.iter().flatten().chain(google.into_iter().flat_map(|google| google.tools.iter().flatten()));
    let mut others = tools.filter(|tool| tool.function.is_none() && tool.custom.is_none());
    request.web_search_options.is_some() || others.next().is_some()
}

/// The text of what stands between a JSON string's quotes.
fn unescaped(shown: &[u8]) -> String {
    let quoted = [b"\"", shown, b"\""].concat();
    serde_json::from_slice(&quoted).unwrap_or_default()
}

fn fenced(language: &str, code: &str) -> Vec<u8> {
    let mut text = Vec::new();
    push_escaped(&mut text, &format!("\n```{language}\n{}\n```\n", code.trim_end_matches('\n')));
    text
}

/// A fault of an answer that is none.
pub fn broken(message: impl Into<String>) -> Fault {
    Fault::new(Kind::BrokenAnswer, Blame::Model, message)
}

/// Appends `,"extra_content":{"google":{"thought_signature":…}}`: Google's own carrier, which its OpenAI endpoint uses too.
pub fn push_signature(out: &mut Vec<u8>, signature: &str) {
    out.extend_from_slice(br#""extra_content":{"google":{"thought_signature":"#);
    push_string(out, signature);
    out.extend_from_slice(b"}}");
}

/// Appends the usage object.
pub fn push_usage(out: &mut Vec<u8>, usage: &Usage) {
    let Usage { prompt, completion, cached, reasoning, audio_in, audio_out } = usage;
    let total = prompt + completion;
    let text = format!(
        r#"{{"prompt_tokens":{prompt},"completion_tokens":{completion},"total_tokens":{total},"prompt_tokens_details":{{"cached_tokens":{cached},"audio_tokens":{audio_in}}},"completion_tokens_details":{{"reasoning_tokens":{reasoning},"audio_tokens":{audio_out},"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}}"#
    );
    out.extend_from_slice(text.as_bytes());
}

/// Appends a call without its braces: `"id":…,"type":…,"function":{"name":…,"arguments":…}`, the arguments as given.
pub fn push_call(out: &mut Vec<u8>, call: &Call<'_>, terms: &Terms, arguments: &str) {
    out.extend_from_slice(br#""id":"#);
    push_string(out, &call.id);
    let custom = terms.custom.iter().any(|name| name == call.name);
    let (kind, field) = if custom { ("custom", "input") } else { ("function", "arguments") };
    out.extend_from_slice(format!(r#","type":"{kind}","{kind}":{{"name":"#).as_bytes());
    push_string(out, terms.client_name(call.name));
    out.extend_from_slice(format!(r#","{field}":"#).as_bytes());
    push_string(out, arguments);
    out.push(b'}');
    if let Some(signature) = &call.signature {
        out.push(b',');
        push_signature(out, signature);
    }
}

/// A call's arguments as the client gets them: the free text of a custom tool, JSON of a function.
pub fn arguments<'a>(call: &Call<'a>, terms: &Terms) -> Cow<'a, str> {
    #[derive(serde::Deserialize)]
    struct Input {
        input: String,
    }
    if terms.custom.iter().any(|name| name == call.name)
        && let Ok(Input { input }) = serde_json::from_str(call.args)
    {
        return input.into();
    }
    compact(call.args)
}
