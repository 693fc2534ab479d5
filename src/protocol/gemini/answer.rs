//! Passes Gemini's answers on. They are only parsed for their usage; the framing of a stream is generated here and is
//! the same as Google's.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::fault::{Blame, Fault, Kind};
use crate::protocol::rules::usage::LatestUsage;
use crate::protocol::{AnswerContext, Family, Form, Google, Reply, Usage};
use crate::wire::json;

/// Passes one answer on.
pub struct NativeReply {
    form: Form,
    begun: bool,
    usage: LatestUsage,
}

impl NativeReply {
    /// Creates a reply in this form.
    pub fn new(form: Form) -> Self {
        Self { form, begun: false, usage: LatestUsage::default() }
    }

    /// Records the usage.
    fn read(&mut self, document: &[u8]) -> Result<(), Fault> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Used<'a> {
            #[serde(borrow)]
            usage_metadata: Option<&'a RawValue>,
        }

        let no_object = || Fault::new(Kind::BrokenAnswer, Blame::Model, "Gemini's answer is not a JSON object.");
        // serde would read an array as the fields in their order.
        if !document.trim_ascii_start().starts_with(b"{") {
            return Err(no_object());
        }
        let used: Used<'_> = json::read_slice(document).map_err(|_| no_object())?;
        if let Some(metadata) = used.usage_metadata {
            self.usage.take(metadata);
        }
        Ok(())
    }

    fn push(&mut self, document: &[u8], out: &mut Vec<u8>) {
        // An event whose data spanned several lines is sent with as many lines.
        if !self.form.is_json() && memchr::memchr(b'\n', document).is_some() {
            self.begun = true;
            for line in document.split(|byte| *byte == b'\n') {
                out.extend_from_slice(b"data: ");
                out.extend_from_slice(line);
                out.extend_from_slice(b"\r\n");
            }
            return out.extend_from_slice(b"\r\n");
        }
        let first = !std::mem::replace(&mut self.begun, true);
        let (before, after): (&[u8], &[u8]) = match (self.form.is_json(), first) {
            (false, _) => (b"data: ", b"\r\n\r\n"),
            (true, true) => (b"[", b"\n"),
            (true, false) => (b",\r\n", b"\n"),
        };
        out.extend_from_slice(before);
        out.extend_from_slice(document);
        out.extend_from_slice(after);
    }

    fn close(&self, out: &mut Vec<u8>) {
        if self.form.is_json() {
            out.extend_from_slice(if self.begun { b"]\n" } else { b"[]\n" });
        }
    }
}

impl Reply for NativeReply {
    fn whole(&mut self, body: &[u8]) -> Result<Vec<u8>, Fault> {
        self.read(body)?;
        Ok(body.to_vec())
    }

    fn event(&mut self, event: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        self.read(event)?;
        self.push(event, out);
        Ok(())
    }

    fn committed(&self) -> bool {
        self.begun
    }

    /// A stream without a finish reason is left for the client to judge, as at Google: blocked prompts have none.
    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        if !self.begun {
            return Err(Fault::new(Kind::BrokenAnswer, Blame::Model, "Gemini's stream ended without an event."));
        }
        self.close(out);
        Ok(())
    }

    fn fail(&mut self, error: &Error, out: &mut Vec<u8>) {
        self.push(&Google.error(error, ""), out);
        self.close(out);
    }

    fn usage(&self) -> Usage {
        self.usage.read().clone()
    }
}

/// Returns a plugin's text as if the model had written it.
pub fn canned(stamp: &AnswerContext, form: Form, text: &str) -> Bytes {
    let content = json!({ "parts": [{ "text": text }], "role": "model" });
    let document = json!({
        "candidates": [{ "content": content, "finishReason": "STOP", "index": 0 }],
        "usageMetadata": { "promptTokenCount": 0, "candidatesTokenCount": 0, "totalTokenCount": 0 },
        "modelVersion": stamp.model,
        "responseId": stamp.id,
    });
    let document = document.to_string();
    if !form.stream {
        return document.into();
    }
    let mut out = Vec::new();
    let mut reply = NativeReply::new(form);
    reply.push(document.as_bytes(), &mut out);
    reply.close(&mut out);
    out.into()
}
