//! The plugins for one request: runs each hook, in order, each plugin with its own view.

mod answer;
mod off_path;
mod pieces;
mod request;
mod shadow;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rhai::{Dynamic, Map};
use serde::Serialize;
use serde_json::Value;

use super::Loaded;
use super::context::dialect::{Api, BodyKind};
use super::context::{Body, Context, Facts, State, Subject, View};
use super::diff::{Difference, differences};
use super::hook::{Hook, PIECES};
use super::script::{CallOutcome, Script};
use crate::error::Error;

use pieces::Flow;
pub use request::RouteView;

/// Headers that contain credentials.
const HIDDEN: &[&str] = &["authorization", "proxy-authorization", "x-api-key", "x-goog-api-key", "cookie"];

/// The hook name under which changes of the model's output are recorded: `on_text`, `on_reasoning`,
/// `on_tool_arguments` and `on_end` share one record.
const SAID: &str = "the output";

/// The facts that a session starts with.
#[derive(Clone, Debug)]
pub struct SessionFacts {
    /// The request's id.
    pub id: String,
    /// The protocol.
    pub api: &'static str,
    /// The endpoint.
    pub path: &'static str,
    /// The model that the URL names; None if the body names it.
    pub model: Option<String>,
    /// The name of the client.
    pub client: String,
    /// All headers; the session removes credentials.
    pub headers: Vec<(String, String)>,
}

/// The plugins for one request.
#[derive(Debug)]
pub struct Session {
    loaded: Arc<Loaded>,
    facts: Arc<Facts>,
    /// The names of the plugins that apply to the client; None means all.
    only: Option<Arc<[String]>>,
    memory: Mutex<Memory>,
}

/// State that is kept from hook to hook.
#[derive(Debug, Default)]
struct Memory {
    vars: Map,
    /// The `vars` of plugins in shadow mode, by plugin.
    shadow_vars: BTreeMap<String, Map>,
    attempt: i64,
    asked: String,
    model: String,
    pool: String,
    touched: Vec<PluginChange>,
    /// Whether the content of changes is recorded.
    traced: bool,
    /// Whether a plugin asked not to cache the answer.
    no_store: bool,
    /// What each plugin holds back of the answer, by the plugin's position in the order.
    flows: BTreeMap<usize, Flow>,
    /// The cost of hooks so far, by plugin: calls and time.
    costs: BTreeMap<(Arc<str>, Hook), (u64, Duration)>,
}

/// A change made by a plugin.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PluginChange {
    /// The plugin.
    pub plugin: String,
    /// The hook in which it was made.
    pub hook: &'static str,
    /// The differences; empty unless they were requested.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Difference>,
}

impl Session {
    pub(super) fn new(loaded: Arc<Loaded>, facts: Option<SessionFacts>) -> Self {
        let facts = facts.map(|facts| Facts {
            id: facts.id,
            api: facts.api,
            path: facts.path,
            model: facts.model,
            client: facts.client,
            headers: (facts.headers.into_iter())
                .filter(|(name, _)| !HIDDEN.contains(&name.as_str()))
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        });
        Self { loaded, facts: facts.unwrap_or_default().into(), only: None, memory: Mutex::default() }
    }

    /// Restricts the session to these plugins; None means all.
    pub fn only(self, names: Option<Arc<[String]>>) -> Self {
        Self { only: names, ..self }
    }

    /// Records from now on what plugins change, not only that they change it. Too expensive for ordinary requests.
    pub fn traced(self) -> Self {
        self.memory().traced = true;
        self
    }

    /// Returns the changes that plugins made so far. Changes of chunks are included only if the session is traced.
    pub fn changes(&self) -> Vec<PluginChange> {
        self.memory().touched.clone()
    }

    /// Returns whether the answer may be cached; a plugin can forbid it.
    pub fn may_store(&self) -> bool {
        !self.memory().no_store
    }

    /// Runs a hook that edits a body. A plugin that fails without failing the request leaves the body unchanged.
    fn edited(&self, hook: Hook, dialect: BodyKind, mut body: Bytes) -> Result<Option<Bytes>, Error> {
        for (_, script) in self.concerned(hook) {
            let handle = Body::new(dialect, body.clone());
            if self.call(script, self.view(hook, script, Subject::Body(handle.clone())))?.is_some() {
                let edited = handle.into_bytes();
                if hook != Hook::Chunk || self.memory().traced {
                    self.touched_if(&body, edited.as_ref().unwrap_or(&Bytes::new()), script, hook);
                }
                let Some(edited) = edited else { return Ok(None) };
                body = edited;
            }
        }
        Ok(Some(body))
    }

    fn touched_if(&self, before: &Bytes, after: &Bytes, script: &Script, hook: Hook) {
        // An untouched body has the same address, which avoids comparing the bytes.
        if after.as_ptr() != before.as_ptr() && after != before {
            let parsed = |bytes: &Bytes| serde_json::from_slice(bytes).unwrap_or_default();
            self.touched(script, hook, || (parsed(before), parsed(after)));
        }
    }

    fn touched(&self, script: &Script, hook: Hook, documents: impl FnOnce() -> (Value, Value)) {
        let mut memory = self.memory();
        let changes = if memory.traced || hook == Hook::Route {
            let (before, after) = documents();
            differences(&before, &after)
        } else {
            Vec::new()
        };
        if hook != Hook::Route || !changes.is_empty() {
            let hook = if PIECES.contains(&hook) { SAID } else { hook.name() };
            memory.touched.push(PluginChange { plugin: script.header.name.clone(), hook, changes });
        }
    }

    /// Calls a plugin. Returns None if it failed and the request continues without it, or if it is in shadow mode.
    fn call(&self, script: &Script, view: View) -> Result<Option<(Dynamic, Context)>, Error> {
        if script.header.shadow {
            self.shadowed(script, view);
            return Ok(None);
        }
        let hook = view.hook;
        let context = Context::new(view);
        match self.timed(script, hook, &context) {
            CallOutcome::Returned(value) => {
                self.remember_view(script, &context);
                Ok(Some((value, context)))
            }
            CallOutcome::Rejected(error) => Err(error),
            CallOutcome::Skipped => Ok(None),
        }
    }

    /// Keeps what a successful call has left for later ones. What a plugin in shadow mode leaves, only it sees.
    fn remember_view(&self, script: &Script, context: &Context) {
        let (mut memory, view) = (self.memory(), context.view());
        if script.header.shadow {
            memory.shadow_vars.insert(script.header.name.clone(), view.vars.clone());
        } else {
            memory.vars.clone_from(&view.vars);
            memory.no_store |= view.no_store;
        }
    }

    /// Calls a hook and records what it cost the request.
    fn timed(&self, script: &Script, hook: Hook, context: &Context) -> CallOutcome {
        let began = Instant::now();
        let called = script.call(&self.loaded.engine, hook, context);
        let spent = began.elapsed();
        let mut memory = self.memory();
        let (calls, sum) = memory.costs.entry((script.header.budget.plugin.clone(), hook)).or_default();
        (*calls, *sum) = (*calls + 1, *sum + spent);
        called
    }

    /// Returns the plugins that implement the hook and apply to this request, with their positions in the order.
    fn concerned(&self, hook: Hook) -> impl Iterator<Item = (usize, &Script)> {
        let scripts = self.loaded.scripts.iter().enumerate();
        scripts.filter(move |(_, script)| script.has(hook) && self.concerns(script))
    }

    fn concerns(&self, script: &Script) -> bool {
        if self.only.as_ref().is_some_and(|only| !only.contains(&script.header.name)) {
            return false;
        }
        let memory = self.memory();
        let models = [memory.asked.as_str(), memory.model.as_str()];
        script.header.when.concerns(&models, self.facts.path, &self.facts.client, self.facts.api)
    }

    fn view(&self, hook: Hook, script: &Script, subject: Subject) -> View {
        let memory = self.memory();
        let mut vars = memory.vars.clone();
        if script.header.shadow {
            vars.extend(memory.shadow_vars.get(&script.header.name).cloned().unwrap_or_default());
        }
        View {
            hook,
            facts: self.facts.clone(),
            vars,
            config: script.config.clone(),
            state: State::new(&script.header.name, self.loaded.state().clone()),
            attempt: memory.attempt,
            asked: memory.asked.clone(),
            model: memory.model.clone(),
            pool: memory.pool.clone(),
            fallback: rhai::Array::new(),
            no_store: false,
            subject,
        }
    }

    fn api(&self) -> Api {
        Api::of(self.facts.api)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
