//! Gemini's answer as items, one after another. A whole answer and a stream are the same walk over the parts: of the one, only
//! the items are kept; of the other, each step is an event too.

use super::document::{Document, Status, response_id};
use super::events::Events;
use super::terms::Terms;
use crate::error::Error;
use crate::fault::Fault;
use crate::protocol::rules::answer::{self, Call, Ending, Piece, Reader, Told};
use crate::protocol::rules::finish::Finish;
use crate::protocol::rules::{carrier, json_schema};
use crate::protocol::{Left, Reply, Stamp, Usage};
use crate::wire::gemini::response::Response;
use crate::wire::json::{push_escaped, push_string};

/// The answer of one attempt, on its way.
pub struct ResponsesReply {
    stamp: Stamp,
    terms: Terms,
    reader: Reader,
    told: Told,
    events: Events,
    /// Items that are done, written.
    items: Vec<Vec<u8>>,
    /// The item that may get more.
    open: Option<Open>,
    begun: bool,
    committed: bool,
    /// The response object, once it is all there.
    ended: Option<Vec<u8>>,
}

/// An item that may get more.
struct Open {
    kind: Kind,
    id: String,
    /// What it says: the escape text of a JSON string.
    text: Vec<u8>,
}

/// What an item is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A message's words.
    Message,
    /// What the model would not say.
    Refusal,
    /// A summary of thoughts.
    Reasoning,
}

impl Kind {
    /// The type of its part, and the field that holds the words.
    fn part(self) -> (&'static str, &'static str) {
        match self {
            Self::Message => ("output_text", "text"),
            Self::Refusal => ("refusal", "refusal"),
            Self::Reasoning => ("summary_text", "text"),
        }
    }

    /// The beginnings of its events' names: for the part, and for its words.
    fn events(self) -> (&'static str, &'static str) {
        match self {
            Self::Message => ("content_part", "output_text"),
            Self::Refusal => ("content_part", "refusal"),
            Self::Reasoning => ("reasoning_summary_part", "reasoning_summary_text"),
        }
    }

    /// Its part with these words (escaped) and annotations.
    fn written(self, text: &[u8], annotations: &[u8]) -> Vec<u8> {
        let (kind, field) = self.part();
        let mut part = format!(r#"{{"type":"{kind}","{field}":""#).into_bytes();
        part.extend_from_slice(text);
        part.push(b'"');
        if self == Self::Message {
            part.extend_from_slice(br#","annotations":["#);
            part.extend_from_slice(annotations);
            part.extend_from_slice(br#"],"logprobs":[]"#);
        }
        part.push(b'}');
        part
    }
}

impl ResponsesReply {
    /// The answer of one attempt.
    pub fn new(stamp: Stamp, terms: Terms) -> Self {
        let mut reader = Reader::new(&stamp, "call_");
        reader.single_call = terms.single_call;
        Self {
            stamp,
            terms,
            reader,
            told: Told::default(),
            events: Events::default(),
            items: Vec::new(),
            open: None,
            begun: false,
            committed: false,
            ended: None,
        }
    }

    /// Takes in what Gemini says in one answer or event.
    fn parts(&mut self, response: &Response<'_>, out: &mut Vec<u8>) {
        if let Some(refusal) = answer::blocked(response) {
            self.told.finish = Some(Finish::Filtered);
            let mut text = Vec::new();
            push_escaped(&mut text, &refusal);
            self.words(Kind::Refusal, &text, out);
        }
        let Some(candidate) = response.candidates.first() else { return };
        self.told.take(candidate);
        for part in candidate.content.iter().flat_map(|content| &content.parts) {
            let (piece, _) = self.reader.piece(&mut self.told, part);
            match piece {
                Piece::Text(text) => self.words(Kind::Message, &text, out),
                Piece::Reasoning(text) => self.words(Kind::Reasoning, text, out),
                Piece::Call(call) => self.call(&call, out),
                Piece::Image(url) => self.image(&url, out),
                Piece::Audio(_) | Piece::Nothing => {}
            }
        }
    }

    /// More words of the open item, or of a new one.
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
        self.events.tell(out, &name, &[place.as_bytes(), br#","delta":""#, text, b"\"", more]);
    }

    fn begin(&mut self, kind: Kind, out: &mut Vec<u8>) {
        let prefix = if kind == Kind::Reasoning { "rs" } else { "msg" };
        let id = self.id(prefix);
        let item = match kind {
            Kind::Reasoning => format!(r#"{{"id":"{id}","type":"reasoning","summary":[],"encrypted_content":null}}"#),
            _ => format!(r#"{{"id":"{id}","type":"message","status":"in_progress","role":"assistant","content":[]}}"#),
        };
        self.open = Some(Open { kind, id, text: Vec::new() });
        self.added(item.as_bytes(), out);
        let (place, part) = (self.place(kind), kind.written(b"", b""));
        let name = format!("{}.added", kind.events().0);
        self.events.tell(out, &name, &[place.as_bytes(), br#","part":"#, &part]);
    }

    /// Ends the open item; a thought's with the signature of the call that follows it.
    fn close(&mut self, signature: Option<&str>, status: &str, out: &mut Vec<u8>) {
        let Some(kind) = self.open.as_ref().map(|open| open.kind) else { return };
        let place = self.place(kind);
        let annotations = if kind == Kind::Message { self.annotations(&place, out) } else { Vec::new() };
        let Some(Open { id, text, .. }) = self.open.take() else { return };
        let (part_name, text_name) = kind.events();
        let (_, field) = kind.part();
        let logprobs: &[u8] = if kind == Kind::Message { br#","logprobs":[]"# } else { b"" };
        let said = format!(r#","{field}":""#);
        let name = format!("{text_name}.done");
        self.events.tell(out, &name, &[place.as_bytes(), said.as_bytes(), &text, b"\"", logprobs]);
        let part = kind.written(&text, &annotations);
        self.events.tell(out, &format!("{part_name}.done"), &[place.as_bytes(), br#","part":"#, &part]);
        let item = match kind {
            Kind::Reasoning => reasoning(&id, &part, signature),
            _ => {
                let head =
                    format!(r#"{{"id":"{id}","type":"message","status":"{status}","role":"assistant","content":["#);
                [head.as_bytes(), &part, b"]}"].concat()
            }
        };
        self.done(item, out);
    }

    /// A call is one item from begin to end. Its signature stands in the thought before it, which is made for it where the
    /// client wants signatures and there is none.
    fn call(&mut self, call: &Call<'_>, out: &mut Vec<u8>) {
        let signature = call.signature.as_deref().filter(|_| self.terms.carries);
        let thinking = self.open.as_ref().is_some_and(|open| open.kind == Kind::Reasoning);
        self.close(signature, "completed", out);
        if signature.is_some() && !thinking {
            let item = reasoning(&self.id("rs"), b"", signature);
            self.added(&item, out);
            self.done(item, out);
        }
        self.committed = true;
        let free_text = self.terms.names.is_free_text(call.name);
        let (prefix, kind, field, event) = if free_text {
            ("ctc", "custom_tool_call", "input", "custom_tool_call_input")
        } else {
            ("fc", "function_call", "arguments", "function_call_arguments")
        };
        let id = self.id(prefix);
        let item = |status: &str, arguments: &str| {
            let mut item = format!(r#"{{"id":"{id}","type":"{kind}","status":"{status}","call_id":"#).into_bytes();
            push_string(&mut item, &call.id);
            item.extend_from_slice(br#","name":"#);
            push_string(&mut item, self.terms.names.client(call.name));
            item.extend_from_slice(format!(r#","{field}":"#).as_bytes());
            push_string(&mut item, arguments);
            item.push(b'}');
            item
        };
        let arguments = self.terms.names.arguments(call);
        let (added, done) = (item("in_progress", ""), item("completed", &arguments));
        let mut told = Vec::new();
        push_string(&mut told, &arguments);
        let place = format!(r#""item_id":"{id}","output_index":{}"#, self.items.len());
        self.added(&added, out);
        self.events.tell(out, &format!("{event}.delta"), &[place.as_bytes(), br#","delta":"#, &told]);
        let field = format!(r#","{field}":"#);
        self.events.tell(out, &format!("{event}.done"), &[place.as_bytes(), field.as_bytes(), &told]);
        self.done(done, out);
    }

    fn image(&mut self, url: &str, out: &mut Vec<u8>) {
        self.close(None, "completed", out);
        self.committed = true;
        let id = self.id("ig");
        let data = url.split_once(',').map_or("", |(_, data)| data);
        let added = format!(r#"{{"id":"{id}","type":"image_generation_call","status":"in_progress","result":null}}"#);
        self.added(added.as_bytes(), out);
        let mut item =
            format!(r#"{{"id":"{id}","type":"image_generation_call","status":"completed","result":"#).into_bytes();
        push_string(&mut item, data);
        item.push(b'}');
        self.done(item, out);
    }

    /// Where the words of the message are from, as members of an array; each is an event of its own.
    fn annotations(&mut self, place: &str, out: &mut Vec<u8>) -> Vec<u8> {
        let mut members = Vec::new();
        for (index, cited) in self.told.sources.cited(&self.told.transcript, 0).into_iter().enumerate() {
            let (start, end) = (cited.start, cited.end);
            let mut annotation =
                format!(r#"{{"type":"url_citation","start_index":{start},"end_index":{end},"url":"#).into_bytes();
            push_string(&mut annotation, cited.url);
            annotation.extend_from_slice(br#","title":"#);
            push_string(&mut annotation, cited.title);
            annotation.push(b'}');
            let number = format!(r#","annotation_index":{index},"annotation":"#);
            let told: [&[u8]; 3] = [place.as_bytes(), number.as_bytes(), &annotation];
            self.events.tell(out, "output_text.annotation.added", &told);
            if index > 0 {
                members.push(b',');
            }
            members.extend_from_slice(&annotation);
        }
        members
    }

    fn added(&mut self, item: &[u8], out: &mut Vec<u8>) {
        let place = format!(r#""output_index":{},"item":"#, self.items.len());
        self.events.tell(out, "output_item.added", &[place.as_bytes(), item]);
    }

    fn done(&mut self, item: Vec<u8>, out: &mut Vec<u8>) {
        let place = format!(r#""output_index":{},"item":"#, self.items.len());
        self.events.tell(out, "output_item.done", &[place.as_bytes(), &item]);
        self.items.push(item);
    }

    /// The id of the item that is begun next.
    fn id(&self, prefix: &str) -> String {
        format!("{prefix}_{}{:02}", self.stamp.id, self.items.len())
    }

    /// Where the open item's part is.
    fn place(&self, kind: Kind) -> String {
        let id = self.open.as_ref().map(|open| open.id.as_str()).unwrap_or_default();
        let part = if kind == Kind::Reasoning { "summary_index" } else { "content_index" };
        format!(r#""item_id":"{id}","output_index":{},"{part}":0"#, self.items.len())
    }

    fn document(&self, status: Status<'_>) -> Vec<u8> {
        let Self { stamp, terms, items, reader, .. } = self;
        Document { stamp, echo: &terms.echo, status, items, usage: &reader.usage, tier: reader.tier }.written()
    }

    /// Ends the last item, and the answer.
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<Status<'static>, Fault> {
        let status = match self.told.ending()? {
            Ending::Stop | Ending::Calls => Status::Completed,
            Ending::Length => Status::Incomplete("max_output_tokens"),
            Ending::Filtered => Status::Incomplete("content_filter"),
        };
        self.close(None, status.name(), out);
        Ok(status)
    }

    fn tell_response(&mut self, kind: &str, document: &[u8], out: &mut Vec<u8>) {
        self.events.tell(out, kind, &[br#""response":"#, document]);
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
            json_schema::hold(schema, self.told.transcript.text())?;
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
            self.tell_response("created", &document, out);
            self.tell_response("in_progress", &document, out);
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
        self.tell_response(status.name(), &document, out);
        self.ended = Some(document);
        Ok(())
    }

    fn fail(&mut self, error: &Error, out: &mut Vec<u8>) {
        let document = self.document(Status::Failed(error));
        self.tell_response("failed", &document, out);
    }

    fn usage(&self) -> Usage {
        self.reader.usage.clone()
    }

    fn left(&mut self) -> Option<Left> {
        let (response, input) = (self.ended.take()?, self.terms.input.take()?);
        let document = [br#"{"input":["#, input.as_bytes(), br#"],"response":"#, &response, b"}"].concat();
        Some(Left { id: response_id(&self.stamp.id), document: document.into() })
    }
}

/// A thought: its summary's part, if there is one, and the signature that travels in it.
fn reasoning(id: &str, part: &[u8], signature: Option<&str>) -> Vec<u8> {
    let mut item = format!(r#"{{"id":"{id}","type":"reasoning","summary":["#).into_bytes();
    item.extend_from_slice(part);
    item.extend_from_slice(br#"],"encrypted_content":"#);
    match signature {
        Some(signature) => push_string(&mut item, &carrier::marked(signature)),
        None => item.extend_from_slice(b"null"),
    }
    item.push(b'}');
    item
}
