//! Translates Gemini's text to OpenAI's formats: whole in five formats, or as events.

use bytes::Bytes;

use super::captions::Transcript;
use super::request::Format;
use crate::error::Error;
use crate::fault::{Blame, Fault, Kind};
use crate::protocol::rules::answer::{self, broken};
use crate::protocol::rules::usage::LatestUsage;
use crate::protocol::rules::{events, finish, plain_text};
use crate::protocol::{Form, Reply, Usage};
use crate::wire::gemini::response::Response;
use crate::wire::openai::transcription::{self, Details, Event, Segment, Text, Verbose};

/// Translates the text of one call.
pub struct TranscriptionReply {
    format: Format,
    english: bool,
    usage: LatestUsage,
    said: String,
    ended: bool,
}

impl TranscriptionReply {
    /// Creates a reply in this format; `english` marks a translation.
    pub fn new(format: Format, english: bool) -> Self {
        Self { format, english, usage: LatestUsage::default(), said: String::new(), ended: false }
    }

    /// Reads the text of an answer or of one event.
    fn words(&mut self, body: &[u8]) -> Result<String, Fault> {
        let response: Response<'_> =
            serde_json::from_slice(body).map_err(|_| broken("Gemini's text cannot be read."))?;
        if let Some(metadata) = response.usage_metadata {
            self.usage.take(metadata);
        }
        let blocked = response.prompt_feedback.as_ref().and_then(|feedback| feedback.block_reason.as_deref());
        let reason = response.candidates.iter().find_map(|candidate| candidate.finish_reason.as_deref());
        let why = match reason.map(finish::read) {
            Some(finish::Finish::Filtered) => reason,
            // A truncated text would pass for a complete one.
            Some(finish::Finish::Length) => {
                let message = "The text exceeds the longest answer of this model. Send the audio in shorter pieces.";
                return Err(Fault::new(Kind::BadRequest, Blame::Request, message));
            }
            _ => None,
        };
        if let Some(why) = blocked.or(why) {
            let message = format!("Google refused to transcribe this audio: {why}.");
            return Err(Fault::new(Kind::Withheld, Blame::Request, message));
        }
        self.ended |= reason.is_some();
        let contents = response.candidates.iter().filter_map(|candidate| candidate.content.as_ref());
        Ok(plain_text::of(contents.flat_map(|content| &content.parts)))
    }

    fn counted(&self) -> transcription::Usage {
        let &Usage { prompt: input_tokens, completion: output_tokens, audio_in: audio_tokens, .. } = self.usage.read();
        transcription::Usage {
            r#type: "tokens",
            input_tokens,
            input_token_details: Details { audio_tokens, text_tokens: input_tokens.saturating_sub(audio_tokens) },
            output_tokens,
            total_tokens: input_tokens + output_tokens,
        }
    }

    fn verbose(&self, told: &Transcript) -> Result<Vec<u8>, Fault> {
        let pieces = told.segments.iter().enumerate();
        written(&Verbose {
            task: if self.english { "translate" } else { "transcribe" },
            language: &told.language,
            duration: told.segments.last().map_or(0.0, |last| last.end),
            text: told.text(),
            segments: pieces
                .map(|(id, piece)| Segment { id, start: piece.start, end: piece.end, text: &piece.text })
                .collect(),
            usage: self.counted(),
        })
    }
}

impl Reply for TranscriptionReply {
    fn whole(&mut self, body: &[u8]) -> Result<Vec<u8>, Fault> {
        let words = self.words(body)?;
        // For silence, Gemini sends a finish reason without text. With neither, the answer is empty.
        if words.is_empty() && !self.ended {
            return Err(answer::empty());
        }
        if !self.format.timed() {
            let text = words.trim();
            return match self.format {
                Format::Text => Ok(format!("{text}\n").into()),
                _ => written(&Text { text, usage: self.counted() }),
            };
        }
        let told = Transcript::parse(&words).ok_or_else(|| broken("Gemini returned unusable timestamps."))?;
        match self.format {
            Format::Srt => Ok(told.srt().into()),
            Format::Vtt => Ok(told.vtt().into()),
            _ => self.verbose(&told),
        }
    }

    fn event(&mut self, event: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        let words = self.words(event)?;
        if !words.is_empty() {
            events::push(out, &Event::Delta { delta: &words });
            self.said.push_str(&words);
        }
        Ok(())
    }

    fn committed(&self) -> bool {
        !self.said.is_empty()
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        if !self.ended {
            return Err(Fault::new(Kind::Truncated, Blame::Model, "Gemini's text ended too early."));
        }
        events::push(out, &Event::Done { text: &self.said, usage: self.counted() });
        Ok(())
    }

    fn fail(&mut self, error: &Error, out: &mut Vec<u8>) {
        events::push_error(out, error);
    }

    fn usage(&self) -> Usage {
        self.usage.read().clone()
    }
}

/// Returns a plugin's text as if it had been transcribed.
pub fn canned(form: Form, text: &str) -> Bytes {
    let reply = TranscriptionReply::new(Format::Json, false);
    if !form.stream && !form.is_json() {
        return format!("{text}\n").into();
    }
    if !form.stream {
        return written(&Text { text, usage: reply.counted() }).unwrap_or_default().into();
    }
    let mut out = Vec::new();
    events::push(&mut out, &Event::Delta { delta: text });
    events::push(&mut out, &Event::Done { text, usage: reply.counted() });
    out.into()
}

fn written(document: &impl serde::Serialize) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec(document).map_err(|error| broken(format!("the text could not be written: {error}")))
}
