//! Reads Gemini's answer part by part, for every dialect and for both whole and streamed answers.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::citations::{Sources, Transcript};
use super::finish::{self, Finish};
use super::ids::CallIds;
use super::usage::LatestUsage;
use crate::fault::{Blame, Fault, Kind};
use crate::protocol::{AnswerContext, Reply};
use crate::store::Signatures;
use crate::wire::gemini::response::{Candidate, Part, Response};
use crate::wire::json::{self, decode, escaped, push_escaped};

/// The largest signature that is passed to the client, in bytes. Signatures of texts and calls have a few thousand
/// bytes; those of images have over a million.
const LARGEST_SIGNATURE: usize = 64 * 1024;

/// Reads the parts of an answer.
#[derive(Debug)]
pub struct Reader {
    /// Token counts so far.
    pub usage: LatestUsage,
    /// Whether only the first of several calls is passed on.
    pub single_call: bool,
    /// Whether the text is recorded, because the answer may name its sources.
    pub transcribed: bool,
    ids: CallIds,
    signatures: Signatures,
}

/// The state of one answer (a candidate).
#[derive(Debug, Default)]
pub struct CandidateState {
    /// The number of calls it made.
    pub calls: u32,
    /// Whether it had any text, image or audio.
    pub spoke: bool,
    /// How it ended, once that is known.
    pub finish: Option<Finish>,
    /// Gemini's explanation of the end.
    finish_message: Option<String>,
    /// The text so far, if it is recorded.
    pub transcript: Transcript,
    /// The sources of the text.
    pub sources: Sources,
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The model finished.
    Stop,
    /// The model waits for the results of its calls.
    Calls,
    /// The token limit was reached.
    Length,
    /// Content was withheld.
    Filtered,
}

/// The content of one of Gemini's parts.
pub enum Piece<'a> {
    /// Text, escaped for a JSON string.
    Text(Cow<'a, [u8]>),
    /// A thought summary, likewise escaped.
    Reasoning(&'a [u8]),
    /// A call.
    Call(Call<'a>),
    /// An image, as a data URL.
    Image(String),
    /// Audio, as base64.
    Audio(&'a str),
    /// Nothing visible.
    Nothing,
}

/// A call to one of the client's functions.
pub struct Call<'a> {
    /// Google's id, or a generated one.
    pub id: String,
    /// Gemini's name for the function.
    pub name: &'a str,
    /// The arguments as JSON text.
    pub args: &'a str,
    /// The signature to be sent back with the call.
    pub signature: Option<Cow<'a, str>>,
}

impl Reader {
    /// Creates a reader for one answer. Calls without an id get one that begins with this prefix.
    pub fn new(stamp: &AnswerContext, id_prefix: &'static str) -> Self {
        Self {
            usage: LatestUsage::default(),
            single_call: false,
            transcribed: true,
            ids: CallIds::new(stamp.seed, id_prefix),
            signatures: stamp.signatures.clone(),
        }
    }

    /// Parses a whole answer or one event, and records its usage.
    ///
    /// # Errors
    /// When it cannot be parsed.
    pub fn read<'a>(&mut self, body: &'a [u8]) -> Result<Response<'a>, Fault> {
        // UTF-8 is checked once for the whole body, not string by string.
        let text = json::utf8(body).map_err(|_| broken("Gemini's answer cannot be read: it is not UTF-8."))?;
        let response: Response<'a> = json::read(text).map_err(|error| {
            // The message states the kind of error and its position, never the content.
            let why = if error.is_eof() { "it ends too early" } else { "it is not a Gemini response" };
            broken(format!("Gemini's answer cannot be read: {why} (line {}, column {}).", error.line(), error.column()))
        })?;
        if let Some(metadata) = response.usage_metadata {
            self.usage.take(metadata);
        }
        Ok(response)
    }

    /// Reads a part. Also returns the signature of a part that is not a call.
    pub fn piece<'a>(&mut self, told: &mut CandidateState, part: &'a Part<'a>) -> (Piece<'a>, Option<Cow<'a, str>>) {
        let signature = part.thought_signature.and_then(decode).filter(|text| text.len() <= LARGEST_SIGNATURE);
        if let Some(call) = &part.function_call {
            if self.single_call && told.calls > 0 {
                return (Piece::Nothing, None);
            }
            told.calls += 1;
            let id = match call.id.as_deref() {
                Some(id) if is_plain(id) => id.to_owned(),
                _ => self.ids.next(),
            };
            if let Some(signature) = &signature {
                self.signatures.keep(&id, signature);
            }
            let args = call.args.map_or("{}", RawValue::get);
            return (Piece::Call(Call { id, name: &call.name, args, signature }), None);
        }
        let piece = visible(part);
        told.spoke |= matches!(piece, Piece::Text(_) | Piece::Image(_) | Piece::Audio(_));
        if self.transcribed
            && let Piece::Text(shown) = &piece
        {
            match part.text.and_then(decode) {
                Some(text) => told.transcript.said(&text),
                None => told.transcript.inserted(&unescaped(shown)),
            }
        }
        (piece, signature)
    }
}

impl CandidateState {
    /// Records the sources and the finish reason that this candidate reports.
    pub fn take(&mut self, candidate: &Candidate<'_>) {
        self.sources.take(candidate.grounding_metadata, candidate.citation_metadata);
        if let Some(reason) = &candidate.finish_reason {
            self.finish = Some(finish::read(reason));
            self.finish_message = Some(match &candidate.finish_message {
                Some(message) => format!("{reason}: {message}"),
                None => reason.to_string(),
            });
        }
    }

    /// Returns how the answer ended; an end that was not reported counts as a stop.
    ///
    /// # Errors
    /// When the model failed and produced nothing.
    pub fn ending(&self) -> Result<Ending, Fault> {
        match self.finish.unwrap_or(Finish::Stop) {
            Finish::Length => Ok(Ending::Length),
            Finish::Filtered => Ok(Ending::Filtered),
            Finish::Failed if self.calls == 0 && !self.spoke => Err(broken(format!(
                "Gemini gave no usable answer ({}). Sending the request again may help.",
                self.finish_message.as_deref().unwrap_or("no reason given")
            ))),
            Finish::Stop | Finish::Failed if self.calls == 0 => Ok(Ending::Stop),
            Finish::Stop | Finish::Failed => Ok(Ending::Calls),
        }
    }
}

/// Returns the reason if the prompt was blocked, as a refusal for the client to show.
pub fn blocked(response: &Response<'_>) -> Option<String> {
    let feedback = response.prompt_feedback.as_ref().filter(|_| response.candidates.is_empty())?;
    let reason = feedback.block_reason.as_deref();
    let words = feedback.block_reason_message.as_deref();
    match (reason, words) {
        (None, None) => None,
        (reason, None) => Some(format!("Request blocked by Gemini: {}", reason.unwrap_or("OTHER"))),
        (reason, Some(words)) => Some(format!("Request blocked by Gemini: {} ({words})", reason.unwrap_or("OTHER"))),
    }
}

/// A fault for an answer that is malformed.
pub fn broken(message: impl Into<String>) -> Fault {
    Fault::new(Kind::BrokenAnswer, Blame::Model, message)
}

/// A fault for a whole answer with neither candidates nor a reason for their absence.
pub fn empty() -> Fault {
    broken("Gemini's answer is empty: it has neither candidates nor a block reason.")
}

/// A fault for a stream that ended without an answer.
pub fn nothing_said() -> Fault {
    broken("Gemini's stream ended without an answer.")
}

/// A fault for a stream that ended without a finish reason.
pub fn ended_early() -> Fault {
    let message = "Gemini's stream ended early, without a finish reason: the answer is incomplete.";
    Fault::new(Kind::Truncated, Blame::Model, message)
}

/// Writes an answer in this reply's dialect that consists of a text no model generated.
pub fn canned(mut reply: impl Reply, stream: bool, text: &str) -> Bytes {
    let spoken =
        serde_json::json!({ "candidates": [{ "content": { "parts": [{ "text": text }] }, "finishReason": "STOP" }] });
    let spoken = spoken.to_string();
    let written = if stream {
        let mut out = Vec::new();
        reply.event(spoken.as_bytes(), &mut out).and_then(|()| reply.end(&mut out)).map(|()| out)
    } else {
        reply.whole(spoken.as_bytes())
    };
    // The document above parses, and a stop with a text is an answer, so this cannot fail.
    written.unwrap_or_default().into()
}

/// Whether clients preserve this id: OpenAI's ids are no longer and use no other characters.
fn is_plain(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Reads a part that is not a call.
fn visible<'a>(part: &'a Part<'a>) -> Piece<'a> {
    if let Some(text) = part.text {
        let text = escaped(text);
        return match (text.is_empty(), part.thought) {
            (true, _) => Piece::Nothing,
            (false, true) => Piece::Reasoning(text),
            (false, false) => Piece::Text(text.into()),
        };
    }
    if let Some(blob) = &part.inline_data {
        // Sketches made while thinking are not part of the answer.
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

/// Decodes the escaped content of a JSON string.
pub fn unescaped(shown: &[u8]) -> String {
    let quoted = [b"\"", shown, b"\""].concat();
    json::read_slice(&quoted).unwrap_or_default()
}

fn fenced(language: &str, code: &str) -> Vec<u8> {
    let mut text = Vec::new();
    push_escaped(&mut text, &format!("\n```{language}\n{}\n```\n", code.trim_end_matches('\n')));
    text
}
