//! Translates Gemini's answer to output items, one after another. Whole answers and streams take the same walk over the
//! parts: a whole answer keeps only the finished items, a stream also emits an event for each step.

use super::document::{Document, Status, item_id, response_id};
use super::events::Events;
use super::item::{self, Kind};
use super::terms::Terms;
use crate::error::Error;
use crate::fault::Fault;
use crate::protocol::rules::answer::{self, Call, CandidateState, Ending, Piece, Reader};
use crate::protocol::rules::finish::Finish;
use crate::protocol::rules::{json_schema, logprobs};
use crate::protocol::{AnswerContext, Continuation, Reply, Usage};
use crate::wire::gemini::response::Response;
use crate::wire::json::{push_escaped, push_string};

/// Translates the answer of one attempt.
pub struct ResponsesReply {
    stamp: AnswerContext,
    terms: Terms,
    reader: Reader,
    told: CandidateState,
    events: Events,
    /// Finished items, as JSON.
    items: Vec<Vec<u8>>,
    /// The item that may still grow.
    open: Option<Open>,
    begun: bool,
    committed: bool,
    /// Where the open (or next) message begins in the transcript, in characters.
    begins: usize,
    /// The signature of the latest text.
    signature: Option<String>,
    /// Token probabilities of the next message: a JSON list.
    logprobs: Vec<u8>,
    /// The complete response object, once the answer has ended.
    ended: Option<Vec<u8>>,
}

/// An item that may still grow.
struct Open {
    kind: Kind,
    id: String,
    /// Its text so far, escaped for a JSON string.
    text: Vec<u8>,
}

impl ResponsesReply {
    /// Creates the translator for the answer of one attempt.
    pub fn new(stamp: AnswerContext, terms: Terms) -> Self {
        let mut reader = Reader::new(&stamp, "call_");
        reader.single_call = terms.single_call;
        Self {
            stamp,
            terms,
            reader,
            told: CandidateState::default(),
            events: Events::default(),
            items: Vec::new(),
            open: None,
            begun: false,
            committed: false,
            begins: 0,
            signature: None,
            logprobs: item::NONE.to_vec(),
            ended: None,
        }
    }

    /// Translates the parts of one answer or event.
    fn parts(&mut self, response: &Response<'_>, out: &mut Vec<u8>) {
        if let Some(refusal) = answer::blocked(response) {
            self.told.finish = Some(Finish::Filtered);
            let mut text = Vec::new();
            push_escaped(&mut text, &refusal);
            self.words(Kind::Refusal, &text, out);
        }
        let Some(candidate) = response.candidates.first() else { return };
        if let Some(list) = candidate.logprobs_result.and_then(logprobs::list) {
            self.logprobs = list;
        }
        for part in candidate.content.iter().flat_map(|content| &content.parts) {
            let (piece, signature) = self.reader.piece(&mut self.told, part);
            match piece {
                Piece::Text(text) => self.words(Kind::Message, &text, out),
                Piece::Reasoning(text) => self.words(Kind::Reasoning, text, out),
                Piece::Call(call) => self.call(&call, out),
                Piece::Image(url) => self.image(&url, out),
                Piece::Audio(_) | Piece::Nothing => {}
            }
            if let Some(signature) = signature.filter(|_| self.terms.carries) {
                self.signature = Some(signature.into_owned());
            }
        }
        // This must follow the parts: a stream reports its sources at its end, when all items but the last have been
        // sent.
        self.told.take(candidate);
    }

    /// Appends text to the open item, or starts a new item if the open one is of another kind.
    fn words(&mut self, kind: Kind, text: &[u8], out: &mut Vec<u8>) {
        if self.open.as_ref().is_none_or(|open| open.kind != kind) {
            self.close(None, "completed", out);
            self.begin(kind, out);
        }
        self.committed = true;
        let place = self.place(kind);
        let Some(open) = &mut self.open else { return };
        open.text.extend_from_slice(text);
        let more: &[u8] = if kind == Kind::Message { br#","logprobs":[]"# } else { b"" };
        let name = format!("{}.delta", kind.events().1);
        self.events.emit(out, &name, &[place.as_bytes(), br#","delta":""#, text, b"\"", more]);
    }

    fn begin(&mut self, kind: Kind, out: &mut Vec<u8>) {
        let id = self.id(kind.prefix());
        let item = kind.empty(&id);
        self.open = Some(Open { kind, id, text: Vec::new() });
        self.added(item.as_bytes(), out);
        let (place, part) = (self.place(kind), kind.written(b"", b"", item::NONE));
        let name = format!("{}.added", kind.events().0);
        self.events.emit(out, &name, &[place.as_bytes(), br#","part":"#, &part]);
    }

    /// Closes the open item. A reasoning item gets the signature of the call that follows it.
    fn close(&mut self, signature: Option<&str>, status: &str, out: &mut Vec<u8>) {
        let Some(kind) = self.open.as_ref().map(|open| open.kind) else { return };
        let place = self.place(kind);
        let (mut annotations, mut logprobs, mut more) = (Vec::new(), Vec::new(), Vec::new());
        if kind == Kind::Message {
            annotations = self.annotations(&place, out);
            logprobs = std::mem::replace(&mut self.logprobs, item::NONE.to_vec());
            more = [br#","logprobs":"#, &*logprobs].concat();
        }
        let Some(Open { id, text, .. }) = self.open.take() else { return };
        let (part_name, text_name) = kind.events();
        let said = format!(r#","{}":""#, kind.part().1);
        let name = format!("{text_name}.done");
        self.events.emit(out, &name, &[place.as_bytes(), said.as_bytes(), &text, b"\"", &more]);
        let part = kind.written(&text, &annotations, &logprobs);
        self.events.emit(out, &format!("{part_name}.done"), &[place.as_bytes(), br#","part":"#, &part]);
        let item = match kind {
            Kind::Reasoning => item::reasoning(&id, &part, signature),
            Kind::Message | Kind::Refusal => item::message(&id, status, &part),
        };
        self.done(item, out);
    }

    /// Writes a call as one complete item. Its signature goes into the reasoning item before it; if there is none and
    /// the client wants signatures, one is created for the signature.
    fn call(&mut self, call: &Call<'_>, out: &mut Vec<u8>) {
        let signature = call.signature.as_deref().filter(|_| self.terms.carries);
        let thinking = self.open.as_ref().is_some_and(|open| open.kind == Kind::Reasoning);
        self.close(signature, "completed", out);
        // The call's signature repeats that of the text before it.
        self.signature = None;
        if let Some(signature) = signature.filter(|_| !thinking) {
            self.signed(signature, out);
        }
        self.committed = true;
        let free_text = self.terms.names.is_free_text(call.name);
        let (namespace, name) = match self.terms.namespaces.of_call(call.name) {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, self.terms.names.client(call.name)),
        };
        let id = self.id(if free_text { "ctc" } else { "fc" });
        let called = item::Called { id: &id, free_text, call_id: &call.id, namespace, name };
        let arguments = self.terms.names.arguments(call);
        let (added, done) = (called.written("in_progress", ""), called.written("completed", &arguments));
        let (field, event) = called.field();
        let mut told = Vec::new();
        push_string(&mut told, &arguments);
        let place = format!(r#""item_id":"{id}","output_index":{}"#, self.items.len());
        self.added(&added, out);
        self.events.emit(out, &format!("{event}.delta"), &[place.as_bytes(), br#","delta":"#, &told]);
        let field = format!(r#","{field}":"#);
        self.events.emit(out, &format!("{event}.done"), &[place.as_bytes(), field.as_bytes(), &told]);
        self.done(done, out);
    }

    /// Writes a reasoning item without text that carries a signature.
    fn signed(&mut self, signature: &str, out: &mut Vec<u8>) {
        let item = item::reasoning(&self.id("rs"), b"", Some(signature));
        self.added(&item, out);
        self.done(item, out);
    }

    fn image(&mut self, url: &str, out: &mut Vec<u8>) {
        self.close(None, "completed", out);
        self.committed = true;
        let id = self.id("ig");
        let data = url.split_once(',').map_or("", |(_, data)| data);
        let added = format!(r#"{{"id":"{id}","type":"image_generation_call","status":"in_progress","result":null}}"#);
        self.added(added.as_bytes(), out);
        self.done(item::image(&id, data), out);
    }

    /// Writes Google's searches. Google reports them at the end of an answer, so the item follows the message here,
    /// whereas OpenAI puts it before.
    fn search(&mut self, out: &mut Vec<u8>) {
        if !self.terms.searches || self.told.sources.queries().is_empty() {
            return;
        }
        let id = self.id("ws");
        self.added(format!(r#"{{"id":"{id}","type":"web_search_call","status":"in_progress"}}"#).as_bytes(), out);
        let place = format!(r#""item_id":"{id}","output_index":{}"#, self.items.len());
        for step in ["in_progress", "searching", "completed"] {
            self.events.emit(out, &format!("web_search_call.{step}"), &[place.as_bytes()]);
        }
        self.done(item::search(&id, &self.told.sources, self.terms.shows_sources), out);
    }

    /// Returns the sources of the message as members of an array, and emits an event for each.
    fn annotations(&mut self, place: &str, out: &mut Vec<u8>) -> Vec<u8> {
        let begins = std::mem::replace(&mut self.begins, self.told.transcript.characters());
        let mut members = Vec::new();
        for (index, cited) in self.told.sources.cited(&self.told.transcript, begins).into_iter().enumerate() {
            let annotation = item::annotation(&cited);
            let number = format!(r#","annotation_index":{index},"annotation":"#);
            let told: [&[u8]; 3] = [place.as_bytes(), number.as_bytes(), &annotation];
            self.events.emit(out, "output_text.annotation.added", &told);
            if index > 0 {
                members.push(b',');
            }
            members.extend_from_slice(&annotation);
        }
        members
    }

    fn added(&mut self, item: &[u8], out: &mut Vec<u8>) {
        let place = format!(r#""output_index":{},"item":"#, self.items.len());
        self.events.emit(out, "output_item.added", &[place.as_bytes(), item]);
    }

    fn done(&mut self, item: Vec<u8>, out: &mut Vec<u8>) {
        let place = format!(r#""output_index":{},"item":"#, self.items.len());
        self.events.emit(out, "output_item.done", &[place.as_bytes(), &item]);
        self.items.push(item);
    }

    /// Returns the id of the next item.
    fn id(&self, prefix: &str) -> String {
        item_id(prefix, &self.stamp.id, self.items.len())
    }

    /// Returns the members that locate the open item's part.
    fn place(&self, kind: Kind) -> String {
        let id = self.open.as_ref().map(|open| open.id.as_str()).unwrap_or_default();
        let part = if kind == Kind::Reasoning { "summary_index" } else { "content_index" };
        format!(r#""item_id":"{id}","output_index":{},"{part}":0"#, self.items.len())
    }

    fn document(&self, status: Status<'_>) -> Vec<u8> {
        let Self { stamp, terms, items, reader, .. } = self;
        Document { stamp, echo: &terms.echo, status, items, usage: reader.usage.read(), tier: reader.usage.tier() }
            .written()
    }

    /// Closes the last item and the answer.
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<Status<'static>, Fault> {
        let status = match self.told.ending()? {
            Ending::Stop | Ending::Calls => Status::Completed,
            Ending::Length => Status::Incomplete("max_output_tokens"),
            Ending::Filtered => Status::Incomplete("content_filter"),
        };
        self.close(None, status.name(), out);
        self.search(out);
        if let Some(signature) = self.signature.take() {
            self.signed(&signature, out);
        }
        Ok(status)
    }

    fn emit_response(&mut self, kind: &str, document: &[u8], out: &mut Vec<u8>) {
        self.events.emit(out, kind, &[br#""response":"#, document]);
    }
}

impl Reply for ResponsesReply {
    fn whole(&mut self, body: &[u8]) -> Result<Vec<u8>, Fault> {
        let response = self.reader.read(body)?;
        if response.candidates.is_empty() && answer::blocked(&response).is_none() {
            return Err(answer::empty());
        }
        self.parts(&response, &mut Vec::new());
        let status = self.finish(&mut Vec::new())?;
        if let (Some(schema), Status::Completed, 0) = (&self.terms.schema, status, self.told.calls) {
            json_schema::check_answer(schema, self.told.transcript.text())?;
        }
        let document = self.document(status);
        self.committed = true;
        self.ended = Some(document.clone());
        Ok(document)
    }

    fn event(&mut self, body: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        let response = self.reader.read(body)?;
        if !std::mem::replace(&mut self.begun, true) {
            self.events.switch_on();
            let document = self.document(Status::InProgress);
            self.emit_response("created", &document, out);
            self.emit_response("in_progress", &document, out);
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
        let status = self.finish(out)?;
        let document = self.document(status);
        self.emit_response(status.name(), &document, out);
        self.ended = Some(document);
        Ok(())
    }

    fn fail(&mut self, error: &Error, out: &mut Vec<u8>) {
        let document = self.document(Status::Failed(error));
        self.emit_response("failed", &document, out);
    }

    fn usage(&self) -> Usage {
        self.reader.usage.read().clone()
    }

    fn left(&mut self) -> Option<Continuation> {
        let (response, input) = (self.ended.take()?, self.terms.input.take()?);
        let document = [br#"{"input":["#, input.as_bytes(), br#"],"response":"#, &response, b"}"].concat();
        Some(Continuation { id: response_id(&self.stamp.id), document: document.into() })
    }
}
