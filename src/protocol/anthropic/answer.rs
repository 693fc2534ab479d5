//! Translates Gemini's answer to Anthropic's content blocks, one after another without overlap. Whole answers and
//! streams take the same walk over the parts: a whole answer keeps only the finished blocks, a stream also emits an
//! event for each step.

use super::events::{self, Events};
use super::search;
use super::terms::Terms;
use crate::error::Error;
use crate::fault::Fault;
use crate::protocol::rules::answer::{self, Call, CandidateState, Ending, Piece, Reader};
use crate::protocol::rules::finish::Finish;
use crate::protocol::rules::{json_schema, signature_mark};
use crate::protocol::{AnswerContext, Continuation, Reply, Usage};
use crate::wire::gemini::response::Response;
use crate::wire::json::{compact, push_escaped, push_string};

/// Translates the answer of one attempt.
pub struct MessagesReply {
    stamp: AnswerContext,
    terms: Terms,
    reader: Reader,
    told: CandidateState,
    events: Events,
    /// Finished blocks, as JSON.
    blocks: Vec<Vec<u8>>,
    /// The block that may still grow.
    open: Option<Open>,
    /// Where the open (or next) text block begins in the transcript, in characters.
    begins: usize,
    begun: bool,
    committed: bool,
    ended: bool,
}

/// A block that may still grow.
struct Open {
    kind: Kind,
    /// Its text so far, escaped for a JSON string.
    text: Vec<u8>,
}

/// The kind of text an open block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Thinking,
}

impl Kind {
    /// Returns the JSON of the block while it is empty.
    fn empty(self) -> &'static [u8] {
        match self {
            Self::Text => br#"{"type":"text","text":""}"#,
            Self::Thinking => br#"{"type":"thinking","thinking":"","signature":""}"#,
        }
    }

    /// Returns the type of the delta that extends the block, and the delta's field.
    fn delta(self) -> (&'static str, &'static str) {
        match self {
            Self::Text => ("text_delta", "text"),
            Self::Thinking => ("thinking_delta", "thinking"),
        }
    }
}

impl MessagesReply {
    /// Creates the translator for the answer of one attempt.
    pub fn new(stamp: AnswerContext, terms: Terms) -> Self {
        let mut reader = Reader::new(&stamp, "toolu_");
        reader.single_call = terms.single_call;
        Self {
            stamp,
            terms,
            reader,
            told: CandidateState::default(),
            events: Events::default(),
            blocks: Vec::new(),
            open: None,
            begins: 0,
            begun: false,
            committed: false,
            ended: false,
        }
    }

    /// Translates the parts of one answer or event.
    fn parts(&mut self, response: &Response<'_>, out: &mut Vec<u8>) {
        if let Some(refusal) = answer::blocked(response) {
            self.told.finish = Some(Finish::Filtered);
            self.said(&refusal, out);
        }
        let Some(candidate) = response.candidates.first() else { return };
        for part in candidate.content.iter().flat_map(|content| &content.parts) {
            let (piece, _) = self.reader.piece(&mut self.told, part);
            match piece {
                Piece::Text(text) => self.words(Kind::Text, &text, out),
                Piece::Reasoning(text) if self.terms.takes_thoughts => self.words(Kind::Thinking, text, out),
                Piece::Call(call) => self.call(&call, out),
                // Answers have no block type for images; most clients render Markdown images.
                Piece::Image(url) => {
                    let shown = format!("![image]({url})");
                    self.told.transcript.inserted(&shown);
                    self.said(&shown, out);
                }
                Piece::Reasoning(_) | Piece::Audio(_) | Piece::Nothing => {}
            }
        }
        // This must follow the parts: a stream reports its sources at its end, when all blocks but the last have been
        // sent.
        self.told.take(candidate);
    }

    fn said(&mut self, words: &str, out: &mut Vec<u8>) {
        let mut text = Vec::new();
        push_escaped(&mut text, words);
        self.words(Kind::Text, &text, out);
    }

    /// Appends text to the open block, or starts a new block if the open one is of another kind.
    fn words(&mut self, kind: Kind, text: &[u8], out: &mut Vec<u8>) {
        if self.open.as_ref().is_none_or(|open| open.kind != kind) {
            self.close(None, out);
            self.events.start(out, self.blocks.len(), kind.empty());
            self.open = Some(Open { kind, text: Vec::new() });
        }
        self.committed = true;
        let Some(open) = self.open.as_mut().filter(|_| !text.is_empty()) else { return };
        open.text.extend_from_slice(text);
        self.events.delta(out, self.blocks.len(), kind.delta(), &[b"\"", text, b"\""]);
    }

    /// Closes the open block. A thinking block gets the signature of the call that follows it.
    fn close(&mut self, signature: Option<&str>, out: &mut Vec<u8>) {
        let Some(Open { kind, text }) = self.open.take() else { return };
        let index = self.blocks.len();
        let (_, field) = kind.delta();
        let mut block = format!(r#"{{"type":"{field}","{field}":""#).into_bytes();
        block.extend_from_slice(&text);
        block.push(b'"');
        match kind {
            Kind::Text => block.extend_from_slice(&self.citations(out)),
            Kind::Thinking => {
                let mut signed = Vec::new();
                push_string(&mut signed, &signature.map(signature_mark::marked).unwrap_or_default());
                if signature.is_some() {
                    self.events.delta(out, index, ("signature_delta", "signature"), &[&signed]);
                }
                block.extend_from_slice(br#","signature":"#);
                block.extend_from_slice(&signed);
            }
        }
        block.push(b'}');
        self.done(block, out);
    }

    /// Returns the citations of the open text as a member of its block, and emits a delta for each.
    fn citations(&mut self, out: &mut Vec<u8>) -> Vec<u8> {
        let begins = std::mem::replace(&mut self.begins, self.told.transcript.characters());
        let mut members = Vec::new();
        if !self.terms.cites {
            return members;
        }
        for cited in self.told.sources.cited(&self.told.transcript, begins) {
            let citation = search::citation(&cited);
            self.events.delta(out, self.blocks.len(), ("citations_delta", "citation"), &[&citation]);
            members.extend_from_slice(if members.is_empty() { br#","citations":["# } else { b"," });
            members.extend_from_slice(&citation);
        }
        if !members.is_empty() {
            members.push(b']');
        }
        members
    }

    /// Writes a call as one complete block. Its signature goes into the thinking block before it; if there is none and
    /// the client accepts thinking blocks, one is created for the signature.
    fn call(&mut self, call: &Call<'_>, out: &mut Vec<u8>) {
        let signature = call.signature.as_deref().filter(|_| self.terms.takes_thoughts);
        if signature.is_some() && self.open.as_ref().is_none_or(|open| open.kind != Kind::Thinking) {
            self.words(Kind::Thinking, b"", out);
        }
        self.close(signature, out);
        self.committed = true;
        let mut head = br#"{"type":"tool_use","id":"#.to_vec();
        push_string(&mut head, &call.id);
        head.extend_from_slice(br#","name":"#);
        push_string(&mut head, self.terms.names.client(call.name));
        head.extend_from_slice(br#","input":"#);
        self.called(&head, compact(call.args).as_bytes(), out);
    }

    /// Writes the block of a call with its input in one piece. `head` is the block up to its input.
    fn called(&mut self, head: &[u8], input: &[u8], out: &mut Vec<u8>) {
        let index = self.blocks.len();
        self.events.start(out, index, &[head, b"{}}"].concat());
        let mut told = Vec::new();
        push_string(&mut told, &String::from_utf8_lossy(input));
        self.events.delta(out, index, ("input_json_delta", "partial_json"), &[&told]);
        self.done([head, input, b"}"].concat(), out);
    }

    /// Writes Google's searches and their results, if the client's search tool was mapped to Google's.
    fn search(&mut self, out: &mut Vec<u8>) {
        if !self.terms.searches || self.told.sources.queries().is_empty() {
            return;
        }
        let id = format!("srvtoolu_{}", self.stamp.id);
        let (head, input) = search::call(&id, &self.told.sources);
        self.called(head.as_bytes(), &input, out);
        let results = search::results(&id, &self.told.sources);
        self.events.start(out, self.blocks.len(), &results);
        self.done(results, out);
    }

    fn done(&mut self, block: Vec<u8>, out: &mut Vec<u8>) {
        self.events.stop(out, self.blocks.len());
        self.blocks.push(block);
    }

    /// Returns the members of a message that precede its content.
    fn head(&self) -> Vec<u8> {
        let mut head = br#""id":"#.to_vec();
        push_string(&mut head, &self.id());
        head.extend_from_slice(br#","type":"message","role":"assistant","model":"#);
        push_string(&mut head, &self.stamp.model);
        head
    }

    fn id(&self) -> String {
        format!("msg_{}", self.stamp.id)
    }

    fn content(&self) -> Vec<u8> {
        [b"[", &*self.blocks.join(&b","[..]), b"]"].concat()
    }

    /// Returns the usage in Anthropic's way of counting: tokens that came from a cache are not part of the input.
    fn tokens(&self, output: u64) -> String {
        let &Usage { prompt, cached, .. } = self.reader.usage.read();
        let input = prompt.saturating_sub(cached);
        let searches = match self.told.sources.queries().len() {
            number if number > 0 && self.terms.searches => {
                format!(r#","server_tool_use":{{"web_search_requests":{number}}}"#)
            }
            _ => String::new(),
        };
        format!(
            r#"{{"input_tokens":{input},"cache_creation_input_tokens":0,"cache_read_input_tokens":{cached},"output_tokens":{output}{searches}}}"#
        )
    }

    /// Closes the last block and the answer. Returns the stop reason and the usage.
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(&'static str, String), Fault> {
        let reason = match self.told.ending()? {
            Ending::Stop => "end_turn",
            Ending::Calls => "tool_use",
            Ending::Length => "max_tokens",
            Ending::Filtered => "refusal",
        };
        self.close(None, out);
        self.search(out);
        // A refused answer cannot be continued from.
        self.ended = reason != "refusal";
        Ok((reason, self.tokens(self.reader.usage.read().completion)))
    }
}

impl Reply for MessagesReply {
    fn whole(&mut self, body: &[u8]) -> Result<Vec<u8>, Fault> {
        let response = self.reader.read(body)?;
        if response.candidates.is_empty() && answer::blocked(&response).is_none() {
            return Err(answer::empty());
        }
        self.parts(&response, &mut Vec::new());
        let (reason, usage) = self.finish(&mut Vec::new())?;
        if let Some(schema) = self.terms.schema.as_ref().filter(|_| reason == "end_turn") {
            json_schema::check_answer(schema, self.told.transcript.text())?;
        }
        self.committed = true;
        let tail = format!(r#","stop_reason":"{reason}","stop_sequence":null,"usage":{usage}}}"#);
        Ok([b"{", &*self.head(), br#","content":"#, &self.content(), tail.as_bytes()].concat())
    }

    fn event(&mut self, body: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        let response = self.reader.read(body)?;
        if !std::mem::replace(&mut self.begun, true) {
            self.events.switch_on();
            let tail = format!(r#","content":[],"stop_reason":null,"stop_sequence":null,"usage":{}}}"#, self.tokens(1));
            self.events.emit(out, "message_start", &[br#""message":{"#, &self.head(), tail.as_bytes()]);
        }
        self.parts(&response, out);
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
        let (reason, usage) = self.finish(out)?;
        let delta = format!(r#""delta":{{"stop_reason":"{reason}","stop_sequence":null}},"usage":{usage}"#);
        self.events.emit(out, "message_delta", &[delta.as_bytes()]);
        self.events.emit(out, "message_stop", &[]);
        Ok(())
    }

    fn fail(&mut self, error: &Error, out: &mut Vec<u8>) {
        events::error(error, out);
    }

    fn usage(&self) -> Usage {
        self.reader.usage.read().clone()
    }

    fn left(&mut self) -> Option<Continuation> {
        let so_far = self.terms.thread.take().filter(|_| self.ended)?;
        let answered: [&[u8]; 4] = [so_far.as_bytes(), br#"{"role":"assistant","content":"#, &self.content(), b"}]}"];
        Some(Continuation { id: self.id(), document: answered.concat().into() })
    }
}
