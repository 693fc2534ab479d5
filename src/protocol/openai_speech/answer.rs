//! Translates Gemini's audio to OpenAI's formats: a file, samples as they arrive, or events.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::request::Format;
use super::wav::{self, Sound};
use crate::error::Error;
use crate::fault::{Blame, Fault, Kind};
use crate::protocol::rules::answer::broken;
use crate::protocol::rules::usage::LatestUsage;
use crate::protocol::rules::{events, finish};
use crate::protocol::{Reply, Usage};
use crate::wire::gemini::response::Response;
use crate::wire::openai::speech;

/// Translates the audio of one call.
pub struct SpeechReply {
    format: Format,
    events: bool,
    usage: LatestUsage,
    /// Whether any audio has been written.
    sounded: bool,
    ended: bool,
}

impl SpeechReply {
    /// Creates a reply in this format, optionally as events.
    pub fn new(format: Format, events: bool) -> Self {
        Self { format, events, usage: LatestUsage::default(), sounded: false, ended: false }
    }

    /// Reads the audio of an answer or of one event.
    fn sound(&mut self, body: &[u8]) -> Result<Sound, Fault> {
        let response: Response<'_> =
            serde_json::from_slice(body).map_err(|_| broken("Gemini's audio cannot be read."))?;
        if let Some(metadata) = response.usage_metadata {
            self.usage.take(metadata);
        }
        let blocked = response.prompt_feedback.as_ref().and_then(|feedback| feedback.block_reason.as_deref());
        let reason = response.candidates.iter().find_map(|candidate| candidate.finish_reason.as_deref());
        let held = reason.filter(|reason| finish::read(reason) == finish::Finish::Filtered);
        if let Some(why) = blocked.or(held) {
            let message = format!("Google refused to speak this text: {why}.");
            return Err(Fault::new(Kind::Withheld, Blame::Request, message));
        }
        self.ended |= reason.is_some();
        let mut whole = Sound { samples: Vec::new(), rate: wav::RATE };
        let parts = response.candidates.iter().filter_map(|one| one.content.as_ref()).flat_map(|one| &one.parts);
        for blob in parts.filter_map(|part| part.inline_data.as_ref()) {
            let data = STANDARD.decode(&*blob.data).map_err(|_| broken("Gemini's audio is not base64."))?;
            let sound = wav::read(&blob.mime_type, data)
                .ok_or_else(|| broken("Gemini's audio is in a format that this server does not know."))?;
            whole.rate = sound.rate;
            whole.samples.extend(sound.samples);
        }
        Ok(whole)
    }
}

impl Reply for SpeechReply {
    fn whole(&mut self, body: &[u8]) -> Result<Vec<u8>, Fault> {
        let sound = self.sound(body)?;
        if sound.samples.is_empty() {
            return Err(broken("Gemini gave no audio."));
        }
        let mut file = wav::header(Some(sound.samples.len()), sound.rate);
        file.extend(sound.samples);
        Ok(file)
    }

    fn event(&mut self, event: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        let Sound { samples, rate } = self.sound(event)?;
        if samples.is_empty() {
            return Ok(());
        }
        let first = !std::mem::replace(&mut self.sounded, true);
        let mut piece = match (self.format, first) {
            (Format::Wav, true) => wav::header(None, rate),
            _ => Vec::new(),
        };
        piece.extend(samples);
        if self.events {
            events::push(out, &speech::Event::Delta { audio: &STANDARD.encode(piece) });
        } else {
            out.extend(piece);
        }
        Ok(())
    }

    fn committed(&self) -> bool {
        self.sounded
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        if !self.sounded {
            return Err(broken("Gemini gave no audio."));
        }
        if !self.ended {
            return Err(Fault::new(Kind::Truncated, Blame::Model, "Gemini's audio ended too early."));
        }
        if self.events {
            let &Usage { prompt: input_tokens, completion: output_tokens, .. } = self.usage.read();
            let usage = speech::Usage { input_tokens, output_tokens, total_tokens: input_tokens + output_tokens };
            events::push(out, &speech::Event::Done { usage });
        }
        Ok(())
    }

    fn fail(&mut self, error: &Error, out: &mut Vec<u8>) {
        // Raw audio cannot express an error, so the connection is broken off.
        if self.events {
            events::push_error(out, error);
        }
    }

    fn usage(&self) -> Usage {
        self.usage.read().clone()
    }
}
