//! Hooks for an answer or a failure on its way to the client.

use bytes::Bytes;
use rhai::{Dynamic, Map};

use super::Session;
use crate::error::Error;
use crate::fault::Fault;
use crate::plugin::context::Subject;
use crate::plugin::context::dialect::BodyKind;
use crate::plugin::hook::Hook;
use crate::plugin::verdict::{AfterFailure, Returned};

impl Session {
    /// Runs the hook for a failed attempt, while a retry would still be invisible to the client. The first plugin
    /// that returns a decision wins.
    ///
    /// # Errors
    /// Returns the error that a plugin sends to the client instead.
    pub fn on_upstream_error(&self, fault: &Fault) -> Result<Option<AfterFailure>, Error> {
        for (_, script) in self.concerned(Hook::UpstreamError) {
            let view = self.view(Hook::UpstreamError, script, Subject::Table(failure(fault)));
            let Some((returned, _)) = self.call(script, view)? else { continue };
            match returned.try_cast::<Returned>() {
                Some(Returned::Retry) => return Ok(Some(AfterFailure::Retry)),
                Some(Returned::CoolDown(rest)) => return Ok(Some(AfterFailure::CoolDown(rest))),
                Some(Returned::Fail) => return Ok(Some(AfterFailure::Fail)),
                _ => {}
            }
        }
        Ok(None)
    }

    /// Runs the hooks for Gemini's answer. There is no body when a stream begins.
    ///
    /// # Errors
    /// Returns the error that a plugin sends to the client instead.
    pub fn on_upstream_response(&self, body: Option<Bytes>) -> Result<Option<Bytes>, Error> {
        match body {
            Some(body) => {
                let body = self.edited(Hook::UpstreamResponse, BodyKind::GeminiAnswer, body)?;
                body.map(|body| self.pieces(body, true)).transpose()
            }
            None => {
                for (_, script) in self.concerned(Hook::UpstreamResponse) {
                    self.call(script, self.view(Hook::UpstreamResponse, script, Subject::Nothing))?;
                }
                Ok(None)
            }
        }
    }

    /// Runs the hooks for a chunk of Gemini's streamed answer. Returns None if a plugin drops the chunk.
    ///
    /// # Errors
    /// Returns the error with which a plugin ends the stream.
    pub fn on_chunk(&self, event: Bytes) -> Result<Option<Bytes>, Error> {
        let event = self.edited(Hook::Chunk, BodyKind::GeminiChunk, event)?;
        event.map(|event| self.pieces(event, false)).transpose()
    }

    /// Runs the hook for the complete answer in the client's protocol.
    ///
    /// # Errors
    /// Returns the error that a plugin sends to the client instead.
    pub fn on_response(&self, body: Bytes) -> Result<Bytes, Error> {
        Ok(self.edited(Hook::Response, BodyKind::Answer(self.api()), body)?.unwrap_or_default())
    }

    /// Runs the hook for an error before it is sent.
    pub fn on_error(&self, error: &mut Error) {
        for (_, script) in self.concerned(Hook::Error) {
            let told = Map::from([
                ("status".into(), Dynamic::from(i64::from(error.status))),
                ("code".into(), error.code.as_deref().unwrap_or_default().to_owned().into()),
                ("message".into(), error.message.clone().into()),
            ]);
            // If the plugin itself rejects, the original error stays.
            if let Ok(Some((_, context))) = self.call(script, self.view(Hook::Error, script, Subject::Table(told)))
                && let Subject::Table(edited) = &context.view().subject
            {
                take_error(edited, error);
            }
        }
    }
}

/// Converts a fault for scripts. Its message is Google's, with keys removed.
fn failure(fault: &Fault) -> Map {
    let seconds = fault.retry_after.map_or(Dynamic::UNIT, |rest| Dynamic::from(rest.as_secs_f64()));
    Map::from([
        ("kind".into(), fault.kind.name().into()),
        ("status".into(), fault.status.map_or(Dynamic::UNIT, |status| Dynamic::from(i64::from(status)))),
        ("retry_after".into(), seconds),
        ("quota_id".into(), fault.quota_id.clone().map_or(Dynamic::UNIT, Dynamic::from)),
        ("message".into(), fault.message.clone().into()),
    ])
}

fn take_error(edited: &Map, error: &mut Error) {
    let text = |name: &str| edited.get(name).and_then(|value| value.clone().into_string().ok());
    let status = edited.get("status").and_then(|status| u16::try_from(status.as_int().ok()?).ok());
    if let Some(status) = status.filter(|status| (400..600).contains(status)) {
        error.status = status;
    }
    if let Some(message) = text("message") {
        error.message = message;
    }
    let before = error.code.as_deref().unwrap_or_default().to_owned();
    if let Some(code) = text("code").filter(|code| *code != before) {
        error.code = (!code.is_empty()).then_some(code.into());
    }
}
