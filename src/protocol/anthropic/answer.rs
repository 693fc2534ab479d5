//! Gemini's answer as Anthropic's content blocks: one after another, none overlapping. A whole answer and a stream are the same
//! walk over the parts: of the one, only the blocks are kept; of the other, each step is an event too.

use super::events::{self, Events};
use super::search;
use super::terms::Terms;
use crate::error::Error;
use crate::fault::Fault;
use crate::protocol::rules::answer::{self, Call, Ending, Piece, Reader, Told};
use crate::protocol::rules::finish::Finish;
use crate::protocol::rules::{json_schema, signature_mark};
use crate::protocol::{Left, Reply, Stamp, Usage};
use crate::wire::gemini::response::Response;
use crate::wire::json::{compact, push_escaped, push_string};

/// The answer of one attempt, on its way.
pub struct MessagesReply {
    stamp: Stamp,
    terms: Terms,
    reader: Reader,
    told: Told,
    events: Events,
    /// Blocks that are done, written.
    blocks: Vec<Vec<u8>>,
    /// The block that may get more.
    open: Option<Open>,
    /// Where the text block that is open, or comes next, begins in what is said: in characters.
    begins: usize,
    begun: bool,
    committed: bool,
    ended: bool,
}

/// A block that may get more.
struct Open {
    kind: Kind,
    /// What it says: the escape text of a JSON string.
    text: Vec<u8>,
}

/// What it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Thinking,
}

impl Kind {
    /// The block while it is empty.
    fn empty(self) -> &'static [u8] {
        match self {
            Self::Text => br#"{"type":"text","text":""}"#,
            Self::Thinking => br#"{"type":"thinking","thinking":"","signature":""}"#,
        }
    }

    /// The delta that brings more of it, and its field.
    fn delta(self) -> (&'static str, &'static str) {
        match self {
            Self::Text => ("text_delta", "text"),
            Self::Thinking => ("thinking_delta", "thinking"),
        }
    }
}

impl MessagesReply {
    /// The answer of one attempt.
    pub fn new(stamp: Stamp, terms: Terms) -> Self {
        let mut reader = Reader::new(&stamp, "toolu_");
        reader.single_call = terms.single_call;
        Self {
            stamp,
            terms,
            reader,
            told: Told::default(),
            events: Events::default(),
            blocks: Vec::new(),
            open: None,
            begins: 0,
            begun: false,
            committed: false,
            ended: false,
        }
    }

    /// Takes in what Gemini says in one answer or event.
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
                // There is no block for pictures in an answer: Markdown shows them in most clients.
                Piece::Image(url) => {
                    let shown = format!("![image]({url})");
                    self.told.transcript.inserted(&shown);
                    self.said(&shown, out);
                }
                Piece::Reasoning(_) | Piece::Audio(_) | Piece::Nothing => {}
            }
        }
        // Behind the parts: a stream tells sources at its end, when blocks before the last one are gone.
        self.told.take(candidate);
    }

    fn said(&mut self, words: &str, out: &mut Vec<u8>) {
        let mut text = Vec::new();
        push_escaped(&mut text, words);
        self.words(Kind::Text, &text, out);
    }

    /// More words of the open block, or of a new one.
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

    /// Ends the open block; a thought's with the signature of the call that follows it.
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

    /// Where the words of the open text are from, as a member of its block; each is a delta of its own.
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

    /// A call is one block from begin to end. Its signature stands in the thought before it, which is made for it where the
    /// client takes thoughts and there is none.
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

    /// A block of a call, its input in one piece. The block is written up to its input.
    fn called(&mut self, head: &[u8], input: &[u8], out: &mut Vec<u8>) {
        let index = self.blocks.len();
        self.events.start(out, index, &[head, b"{}}"].concat());
        let mut told = Vec::new();
        push_string(&mut told, &String::from_utf8_lossy(input));
        self.events.delta(out, index, ("input_json_delta", "partial_json"), &[&told]);
        self.done([head, input, b"}"].concat(), out);
    }

    /// What Google has searched for and found, where the client's search tool stands for Google's.
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

    /// What a message bears before its content.
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

    /// Tokens in Anthropic's way of counting: what came from a cache is not among the input.
    fn tokens(&self, output: u64) -> String {
        let Usage { prompt, cached, .. } = self.reader.usage;
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

    /// Ends the last block, and the answer: why it stopped, and what it cost.
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(&'static str, String), Fault> {
        let reason = match self.told.ending()? {
            Ending::Stop => "end_turn",
            Ending::Calls => "tool_use",
            Ending::Length => "max_tokens",
            Ending::Filtered => "refusal",
        };
        self.close(None, out);
        self.search(out);
        // What was refused is not gone on from.
        self.ended = reason != "refusal";
        Ok((reason, self.tokens(self.reader.usage.completion)))
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
        self.reader.usage.clone()
    }

    fn left(&mut self) -> Option<Left> {
        let so_far = self.terms.thread.take().filter(|_| self.ended)?;
        let answered: [&[u8]; 4] = [so_far.as_bytes(), br#"{"role":"assistant","content":"#, &self.content(), b"}]}"];
        Some(Left { id: self.id(), document: answered.concat().into() })
    }
}
