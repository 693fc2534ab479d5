//! Gemini's answer as Anthropic's content blocks: one after another, none overlapping; whole, or as events.
//!
//! Both forms are written by the same walk over the parts, so that a stream says what the whole answer says.

use serde_json::value::RawValue;

use super::request;
use crate::error::Error;
use crate::fault::Fault;
use crate::protocol::rules::answer::{self, Call, Ending, Piece, Reader, Told};
use crate::protocol::rules::finish::Finish;
use crate::protocol::rules::functions::Names;
use crate::protocol::rules::{carrier, json_schema};
use crate::protocol::{Anthropic, Family, Reply, Stamp, Usage};
use crate::wire::anthropic::error::Body;
use crate::wire::anthropic::messages::Request;
use crate::wire::gemini::response::Response;
use crate::wire::json::{compact, push_escaped, push_string};

/// What the request lays down about its answer.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Thoughts go to the client, shown or as a signature alone.
    takes_thoughts: bool,
    /// Only the first of several calls.
    single_call: bool,
    /// What functions are called by whom.
    names: Names,
    /// What the answer must look like, where that is to be checked.
    schema: Option<Box<RawValue>>,
}

impl Terms {
    /// The terms of this request.
    pub fn of(request: &Request<'_>, check_json: bool) -> Self {
        let choice = request.tool_choice.as_ref();
        let format = request.output_config.as_ref().and_then(|config| config.format.as_ref());
        Self {
            takes_thoughts: request::takes_thoughts(request),
            single_call: choice.and_then(|choice| choice.disable_parallel_tool_use) == Some(true),
            names: Names::of(request.tools.iter().flatten().filter_map(|tool| tool.name.as_ref()), std::iter::empty()),
            schema: format.filter(|_| check_json).and_then(|format| Some(format.schema?.to_owned())),
        }
    }
}

/// The answer of one attempt, on its way.
pub struct MessagesReply {
    stamp: Stamp,
    terms: Terms,
    reader: Reader,
    told: Told,
    /// How many blocks were begun.
    blocks: usize,
    /// The block that is still open.
    open: Option<Open>,
    /// Whether the first event was written.
    begun: bool,
    committed: bool,
}

/// A block that may get more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Text,
    Thinking,
}

/// In which form it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Whole,
    Events,
}

impl MessagesReply {
    /// The answer of one attempt.
    pub fn new(stamp: Stamp, terms: Terms) -> Self {
        let mut reader = Reader::new(&stamp, "toolu_");
        reader.single_call = terms.single_call;
        let told = Told::default();
        Self { stamp, terms, reader, told, blocks: 0, open: None, begun: false, committed: false }
    }

    /// Writes what Gemini says in one answer or event as blocks.
    fn parts(&mut self, response: &Response<'_>, form: Form, out: &mut Vec<u8>) {
        if let Some(refusal) = answer::blocked(response) {
            self.told.finish = Some(Finish::Filtered);
            let mut text = Vec::new();
            push_escaped(&mut text, &refusal);
            self.words(Open::Text, &text, form, out);
        }
        let Some(candidate) = response.candidates.first() else { return };
        self.told.take(candidate);
        for part in candidate.content.iter().flat_map(|content| &content.parts) {
            let (piece, _) = self.reader.piece(&mut self.told, part);
            match piece {
                Piece::Text(text) => self.words(Open::Text, &text, form, out),
                Piece::Reasoning(text) if self.terms.takes_thoughts => self.words(Open::Thinking, text, form, out),
                Piece::Call(call) => self.call(&call, form, out),
                // There is no block for pictures in an answer: Markdown shows them in most clients.
                Piece::Image(url) => {
                    let mut text = Vec::new();
                    push_escaped(&mut text, &format!("![image]({url})"));
                    self.words(Open::Text, &text, form, out);
                }
                Piece::Reasoning(_) | Piece::Audio(_) | Piece::Nothing => {}
            }
        }
    }

    /// More words of the open block, or of a new one.
    fn words(&mut self, kind: Open, text: &[u8], form: Form, out: &mut Vec<u8>) {
        let (block, name) = match kind {
            Open::Text => ("text", "text"),
            Open::Thinking => ("thinking", "thinking"),
        };
        if self.open != Some(kind) {
            self.close(None, form, out);
            self.separate(form, out);
            match form {
                Form::Whole => out.extend_from_slice(format!(r#"{{"type":"{block}","{name}":""#).as_bytes()),
                Form::Events => {
                    let more = if kind == Open::Thinking { r#","signature":"""# } else { "" };
                    self.start(&format!(r#""type":"{block}","{name}":""{more}"#), out);
                }
            }
            self.open = Some(kind);
        }
        self.committed = true;
        match form {
            Form::Whole => out.extend_from_slice(text),
            Form::Events if text.is_empty() => {}
            Form::Events => {
                self.delta(&format!(r#""type":"{name}_delta","{name}":""#), out);
                out.extend_from_slice(text);
                out.extend_from_slice(b"\"}}\n\n");
            }
        }
    }

    /// Ends the open block; a thought's with the signature of the call that follows it.
    fn close(&mut self, signature: Option<&str>, form: Form, out: &mut Vec<u8>) {
        let Some(open) = self.open.take() else { return };
        let signature = signature.map(carrier::marked).unwrap_or_default();
        match (open, form) {
            (Open::Text, Form::Whole) => out.extend_from_slice(br#""}"#),
            (Open::Thinking, Form::Whole) => {
                out.extend_from_slice(br#"","signature":"#);
                push_string(out, &signature);
                out.push(b'}');
            }
            (_, Form::Events) => {
                if !signature.is_empty() {
                    self.delta(r#""type":"signature_delta","signature":"#, out);
                    push_string(out, &signature);
                    out.extend_from_slice(b"}}\n\n");
                }
                self.stop(out);
            }
        }
    }

    /// A call is one block from begin to end. Its signature stands in the thought before it, which is made for it where the
    /// client takes thoughts and there is none.
    fn call(&mut self, call: &Call<'_>, form: Form, out: &mut Vec<u8>) {
        let signature = call.signature.as_deref().filter(|_| self.terms.takes_thoughts);
        if signature.is_some() && self.open != Some(Open::Thinking) {
            self.words(Open::Thinking, b"", form, out);
        }
        self.close(signature, form, out);
        self.separate(form, out);
        self.committed = true;
        let mut head = br#""type":"tool_use","id":"#.to_vec();
        push_string(&mut head, &call.id);
        head.extend_from_slice(br#","name":"#);
        push_string(&mut head, self.terms.names.client(call.name));
        let arguments = compact(call.args);
        match form {
            Form::Whole => {
                out.push(b'{');
                out.extend_from_slice(&head);
                out.extend_from_slice(br#","input":"#);
                out.extend_from_slice(arguments.as_bytes());
                out.push(b'}');
            }
            Form::Events => {
                self.start(&format!(r#"{},"input":{{}}"#, String::from_utf8_lossy(&head)), out);
                self.delta(r#""type":"input_json_delta","partial_json":"#, out);
                push_string(out, &arguments);
                out.extend_from_slice(b"}}\n\n");
                self.stop(out);
            }
        }
    }

    fn separate(&mut self, form: Form, out: &mut Vec<u8>) {
        if form == Form::Whole && self.blocks > 0 {
            out.push(b',');
        }
        self.blocks += 1;
    }

    fn index(&self) -> usize {
        self.blocks.saturating_sub(1)
    }

    fn start(&self, block: &str, out: &mut Vec<u8>) {
        let index = self.index();
        event(out, "content_block_start", &format!(r#""index":{index},"content_block":{{{block}}}"#));
    }

    /// Up to where the delta's value stands.
    fn delta(&self, head: &str, out: &mut Vec<u8>) {
        let index = self.index();
        let text = format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":{index},\"delta\":{{{head}"
        );
        out.extend_from_slice(text.as_bytes());
    }

    fn stop(&self, out: &mut Vec<u8>) {
        event(out, "content_block_stop", &format!(r#""index":{}"#, self.index()));
    }

    /// What a message bears before its content.
    fn head(&self) -> Vec<u8> {
        let mut head = br#""id":"#.to_vec();
        push_string(&mut head, &format!("msg_{}", self.stamp.id));
        head.extend_from_slice(br#","type":"message","role":"assistant","model":"#);
        push_string(&mut head, &self.stamp.model);
        head
    }

    /// Tokens in Anthropic's way of counting: what came from a cache is not among the input.
    fn tokens(&self, output: u64) -> String {
        let Usage { prompt, cached, .. } = self.reader.usage;
        let input = prompt.saturating_sub(cached);
        format!(
            r#"{{"input_tokens":{input},"cache_creation_input_tokens":0,"cache_read_input_tokens":{cached},"output_tokens":{output}}}"#
        )
    }

    fn stop_reason(&self) -> Result<&'static str, Fault> {
        Ok(match self.told.ending()? {
            Ending::Stop => "end_turn",
            Ending::Calls => "tool_use",
            Ending::Length => "max_tokens",
            Ending::Filtered => "refusal",
        })
    }
}

impl Reply for MessagesReply {
    fn whole(&mut self, body: &[u8]) -> Result<Vec<u8>, Fault> {
        let response = self.reader.read(body)?;
        if response.candidates.is_empty() && answer::blocked(&response).is_none() {
            return Err(answer::empty());
        }
        let mut content = Vec::with_capacity(body.len());
        self.parts(&response, Form::Whole, &mut content);
        self.close(None, Form::Whole, &mut content);
        let reason = self.stop_reason()?;
        if let Some(schema) = self.terms.schema.as_ref().filter(|_| reason == "end_turn") {
            json_schema::hold(schema, self.told.transcript.text())?;
        }
        let mut out = b"{".to_vec();
        out.extend_from_slice(&self.head());
        out.extend_from_slice(br#","content":["#);
        out.extend_from_slice(&content);
        let usage = self.tokens(self.reader.usage.completion);
        out.extend_from_slice(
            format!(r#"],"stop_reason":"{reason}","stop_sequence":null,"usage":{usage}}}"#).as_bytes(),
        );
        self.committed = true;
        Ok(out)
    }

    fn event(&mut self, body: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        let response = self.reader.read(body)?;
        if !std::mem::replace(&mut self.begun, true) {
            let head = String::from_utf8_lossy(&self.head()).into_owned();
            let usage = self.tokens(1);
            let message =
                format!(r#""message":{{{head},"content":[],"stop_reason":null,"stop_sequence":null,"usage":{usage}}}"#);
            event(out, "message_start", &message);
        }
        self.parts(&response, Form::Events, out);
        Ok(())
    }

    fn committed(&self) -> bool {
        self.committed
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        if !self.begun {
            return Err(answer::nothing_said());
        }
        if self.told.finish.is_none() {
            return Err(answer::ended_early());
        }
        let reason = self.stop_reason()?;
        self.close(None, Form::Events, out);
        let usage = self.tokens(self.reader.usage.completion);
        let delta = format!(r#""delta":{{"stop_reason":"{reason}","stop_sequence":null}},"usage":{usage}"#);
        event(out, "message_delta", &delta);
        event(out, "message_stop", "");
        Ok(())
    }

    fn fail(&mut self, error: &Error, out: &mut Vec<u8>) {
        fail(error, out);
    }

    fn usage(&self) -> Usage {
        self.reader.usage.clone()
    }
}

/// The end of a stream that failed.
pub fn fail(error: &Error, out: &mut Vec<u8>) {
    out.extend_from_slice(b"event: error\ndata: ");
    out.extend_from_slice(&Body::new(Anthropic.status(error), &error.message, "").to_vec());
    out.extend_from_slice(b"\n\n");
}

/// One event of this kind, with these members beside its type.
fn event(out: &mut Vec<u8>, kind: &str, members: &str) {
    let comma = if members.is_empty() { "" } else { "," };
    let text = format!("event: {kind}\ndata: {{\"type\":\"{kind}\"{comma}{members}}}\n\n");
    out.extend_from_slice(text.as_bytes());
}
