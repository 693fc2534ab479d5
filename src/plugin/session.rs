//! The plugins along one request: each hook, in order, each plugin with its own view.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rhai::{Dynamic, Map};
use serde::Serialize;
use serde_json::Value;

use super::Loaded;
use super::body::{Body, json};
use super::context::{Context, Facts, View};
use super::dialect::Dialect;
use super::hook::Hook;
use super::script::{Called, Script};
use crate::error::Error;

/// Headers that hold credentials.
const HIDDEN: &[&str] = &["authorization", "proxy-authorization", "x-api-key", "x-goog-api-key", "cookie"];

/// What a session begins with.
#[derive(Clone, Debug)]
pub struct SessionFacts {
    /// The request's id.
    pub id: String,
    /// The dialect.
    pub api: &'static str,
    /// The endpoint.
    pub path: &'static str,
    /// Who asks.
    pub client: String,
    /// All headers; credentials are left out here.
    pub headers: Vec<(String, String)>,
}

/// The plugins along one request.
#[derive(Debug)]
pub struct Session {
    loaded: Arc<Loaded>,
    facts: Arc<Facts>,
    memory: Mutex<Memory>,
}

/// What is remembered from hook to hook.
#[derive(Debug, Default)]
struct Memory {
    vars: Map,
    attempt: i64,
    asked: String,
    model: String,
    pool: String,
    touched: Vec<Touched>,
}

/// A change that a plugin made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Touched {
    /// The plugin.
    pub plugin: String,
    /// Where it made it.
    pub hook: &'static str,
}

/// What plugins make of a request.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It goes on, with this body.
    Continue(Bytes),
    /// It is answered with this.
    Reply(Reply),
}

/// An answer that a plugin gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// A text, as if the model had said it.
    Text {
        /// The text.
        text: String,
        /// The model the client asked for.
        model: String,
        /// Whether it wants a stream.
        stream: bool,
    },
    /// A document as it is.
    Document(Value),
}

/// A route that plugins may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteView {
    /// The client's name for the model.
    pub asked: String,
    /// The model at Google.
    pub model: String,
    /// The pool.
    pub pool: String,
}

impl Verdict {
    /// `reply("…")` of a script.
    pub(super) fn say(text: &str) -> Self {
        Self::Reply(Reply::Text { text: text.to_owned(), model: String::new(), stream: false })
    }

    /// `reply(#{…})` of a script.
    pub(super) fn show(document: &Dynamic) -> Self {
        Self::Reply(Reply::Document(json(document).unwrap_or_default()))
    }
}

impl Session {
    pub(super) fn new(loaded: Arc<Loaded>, facts: Option<SessionFacts>) -> Self {
        let facts = facts.map(|facts| Facts {
            id: facts.id,
            api: facts.api,
            path: facts.path,
            client: facts.client,
            headers: (facts.headers.into_iter())
                .filter(|(name, _)| !HIDDEN.contains(&name.as_str()))
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        });
        Self { loaded, facts: facts.unwrap_or_default().into(), memory: Mutex::default() }
    }

    /// The client's request.
    ///
    /// # Errors
    /// What a plugin tells the client instead.
    pub fn on_request(&self, mut body: Bytes) -> Result<Verdict, Error> {
        if self.loaded.scripts.iter().any(|script| script.header.when.needs_model() || script.has(Hook::Request)) {
            self.memory().asked = asked(&body).0;
        }
        for script in self.concerned(Hook::Request) {
            let handle = Body::new(Dialect::ChatRequest, body.clone());
            let asked = self.memory().asked.clone();
            let view = View { model: asked, ..self.view(Hook::Request, script, Some(handle.clone())) };
            match self.call(script, view)? {
                Some((returned, _)) => {
                    let edited = handle.into_bytes().unwrap_or_default();
                    self.touched_if(edited.as_ptr() != body.as_ptr() && edited != body, script, Hook::Request);
                    body = edited;
                    if let Some(Verdict::Reply(reply)) = returned.try_cast::<Verdict>() {
                        return Ok(Verdict::Reply(addressed(reply, &body)));
                    }
                }
                None => continue,
            }
        }
        Ok(Verdict::Continue(body))
    }

    /// The route of a request.
    ///
    /// # Errors
    /// What a plugin tells the client instead.
    pub fn on_route(&self, route: &mut RouteView) -> Result<(), Error> {
        if self.loaded.scripts.is_empty() {
            return Ok(());
        }
        {
            let mut memory = self.memory();
            memory.asked.clone_from(&route.asked);
            memory.model.clone_from(&route.model);
            memory.pool.clone_from(&route.pool);
        }
        for script in self.concerned(Hook::Route) {
            let mut view = self.view(Hook::Route, script, None);
            // Both names are there: the client's, and the one that is to be chosen.
            view.vars.insert("asked".into(), route.asked.clone().into());
            if let Some((_, view)) = self.call(script, view)? {
                let before = (std::mem::take(&mut route.model), std::mem::take(&mut route.pool));
                route.model.clone_from(&view.view().model);
                route.pool.clone_from(&view.view().pool);
                self.touched_if((&route.model, &route.pool) != (&before.0, &before.1), script, Hook::Route);
                let mut memory = self.memory();
                memory.model.clone_from(&route.model);
                memory.pool.clone_from(&route.pool);
            }
        }
        Ok(())
    }

    /// The Gemini request of one attempt.
    ///
    /// # Errors
    /// What a plugin tells the client instead.
    pub fn on_upstream_request(&self, attempt: u32, body: Bytes) -> Result<Bytes, Error> {
        if self.loaded.scripts.is_empty() {
            return Ok(body);
        }
        self.memory().attempt = attempt.into();
        Ok(self.edited(Hook::UpstreamRequest, Dialect::GeminiRequest, body)?.unwrap_or_default())
    }

    /// Gemini's answer; without a body when it is a stream that begins.
    ///
    /// # Errors
    /// What a plugin tells the client instead.
    pub fn on_upstream_response(&self, body: Option<Bytes>) -> Result<Option<Bytes>, Error> {
        match body {
            Some(body) => self.edited(Hook::UpstreamResponse, Dialect::GeminiAnswer, body),
            None => {
                for script in self.concerned(Hook::UpstreamResponse) {
                    self.call(script, self.view(Hook::UpstreamResponse, script, None))?;
                }
                Ok(None)
            }
        }
    }

    /// The whole answer in the client's dialect.
    ///
    /// # Errors
    /// What a plugin tells the client instead.
    pub fn on_response(&self, body: Bytes) -> Result<Bytes, Error> {
        Ok(self.edited(Hook::Response, Dialect::ChatAnswer, body)?.unwrap_or_default())
    }

    /// A piece of Gemini's streamed answer; None when a plugin drops it.
    ///
    /// # Errors
    /// What a plugin ends the stream with.
    pub fn on_chunk(&self, event: Bytes) -> Result<Option<Bytes>, Error> {
        self.edited(Hook::Chunk, Dialect::GeminiChunk, event)
    }

    /// An error that is about to go out.
    pub fn on_error(&self, error: &mut Error) {
        for script in self.concerned(Hook::Error) {
            let mut view = self.view(Hook::Error, script, None);
            view.error = Map::from([
                ("status".into(), Dynamic::from(i64::from(error.status))),
                ("code".into(), error.code.as_deref().unwrap_or_default().to_owned().into()),
                ("message".into(), error.message.clone().into()),
            ]);
            // An error about an error: the first one stands.
            if let Ok(Some((_, context))) = self.call(script, view) {
                take_error(&context.view().error, error);
            }
        }
    }

    /// Runs a hook that edits a body. A plugin that fails, and may, leaves the body as it found it.
    fn edited(&self, hook: Hook, dialect: Dialect, mut body: Bytes) -> Result<Option<Bytes>, Error> {
        for script in self.concerned(hook) {
            let handle = Body::new(dialect, body.clone());
            if self.call(script, self.view(hook, script, Some(handle.clone())))?.is_some() {
                let Some(edited) = handle.into_bytes() else { return Ok(None) };
                // What was not touched is the same bytes at the same place.
                if hook != Hook::Chunk {
                    self.touched_if(edited.as_ptr() != body.as_ptr() && edited != body, script, hook);
                }
                body = edited;
            }
        }
        Ok(Some(body))
    }

    /// The changes that plugins made so far, but for those of a stream's pieces.
    pub fn touched(&self) -> Vec<Touched> {
        self.memory().touched.clone()
    }

    fn touched_if(&self, changed: bool, script: &Script, hook: Hook) {
        if changed {
            self.memory().touched.push(Touched { plugin: script.header.name.clone(), hook: hook.name() });
        }
    }

    /// Calls a plugin; None when it failed and the request goes on without it.
    fn call(&self, script: &Script, view: View) -> Result<Option<(Dynamic, Context)>, Error> {
        let hook = view.hook;
        let context = Context::new(view);
        match script.call(&self.loaded.engine, hook, &context) {
            Called::Returned(value) => {
                self.memory().vars.clone_from(&context.view().vars);
                Ok(Some((value, context)))
            }
            Called::Rejected(error) => Err(error),
            Called::Skipped => Ok(None),
        }
    }

    /// The plugins that have a hook and concern themselves with this request.
    fn concerned(&self, hook: Hook) -> impl Iterator<Item = &Script> {
        self.loaded.scripts.iter().filter(move |script| {
            script.has(hook) && {
                let memory = self.memory();
                let models = [memory.asked.as_str(), memory.model.as_str()];
                script.header.when.concerns(&models, self.facts.path, &self.facts.client)
            }
        })
    }

    fn view(&self, hook: Hook, script: &Script, body: Option<Body>) -> View {
        let memory = self.memory();
        View {
            hook,
            facts: self.facts.clone(),
            vars: memory.vars.clone(),
            config: script.config.clone(),
            attempt: memory.attempt,
            model: memory.model.clone(),
            pool: memory.pool.clone(),
            body,
            error: Map::new(),
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The model a request names, and whether it wants a stream. What is no request is for others to refuse.
fn asked(body: &[u8]) -> (String, bool) {
    #[derive(serde::Deserialize, Default)]
    #[serde(default)]
    struct Asked {
        model: String,
        stream: bool,
    }
    let asked: Asked = serde_json::from_slice(body).unwrap_or_default();
    (asked.model, asked.stream)
}

/// A reply in the form the client asked for. A document for a client that wants a stream becomes what it says.
fn addressed(reply: Reply, body: &[u8]) -> Reply {
    let (model, stream) = asked(body);
    match reply {
        Reply::Text { text, .. } => Reply::Text { text, model, stream },
        Reply::Document(document) if stream => {
            let text = document.pointer("/choices/0/message/content").and_then(Value::as_str);
            Reply::Text { text: text.unwrap_or_default().to_owned(), model, stream }
        }
        document => document,
    }
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
