//! The plugins along one request: each hook, in order, each plugin with its own view.

mod answer;
mod outside;
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
use super::context::dialect::{Api, Dialect};
use super::context::{Body, Context, Facts, State, Subject, View};
use super::diff::{Difference, differences};
use super::hook::{Hook, PIECES};
use super::script::{Called, Script};
use crate::error::Error;

use pieces::Flow;
pub use request::RouteView;

/// Headers that hold credentials.
const HIDDEN: &[&str] = &["authorization", "proxy-authorization", "x-api-key", "x-goog-api-key", "cookie"];

/// Where a change of what the model says was made: `on_text` and its kin see it together.
const SAID: &str = "what is said";

/// What a session begins with.
#[derive(Clone, Debug)]
pub struct SessionFacts {
    /// The request's id.
    pub id: String,
    /// The dialect.
    pub api: &'static str,
    /// The endpoint.
    pub path: &'static str,
    /// The model that the address names; None where the body does.
    pub model: Option<String>,
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
    /// The plugins that concern the client; all when it is left out.
    only: Option<Arc<[String]>>,
    memory: Mutex<Memory>,
}

/// What is remembered from hook to hook.
#[derive(Debug, Default)]
struct Memory {
    vars: Map,
    /// What plugins in shadow would have told the others, by plugin.
    shadow_vars: BTreeMap<String, Map>,
    attempt: i64,
    asked: String,
    model: String,
    pool: String,
    touched: Vec<Touched>,
    /// Whether what plugins change is taken down.
    traced: bool,
    /// Whether a plugin wants nothing of it kept.
    no_store: bool,
    /// What each plugin holds back of the answer, by its place in the order.
    flows: BTreeMap<usize, Flow>,
    /// What hooks have cost so far, by plugin: calls and time.
    costs: BTreeMap<(Arc<str>, Hook), (u64, Duration)>,
}

/// A change that a plugin made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Touched {
    /// The plugin.
    pub plugin: String,
    /// Where it made it.
    pub hook: &'static str,
    /// What it changed, where that was asked for.
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

    /// Of all plugins, only these concern it; all when none are named.
    pub fn only(self, names: Option<Arc<[String]>>) -> Self {
        Self { only: names, ..self }
    }

    /// From now on it is taken down what plugins change, not only that they do. It costs more than a request may.
    pub fn traced(self) -> Self {
        self.memory().traced = true;
        self
    }

    /// The changes that plugins made so far; those of an answer's pieces only where changes are taken down.
    pub fn changes(&self) -> Vec<Touched> {
        self.memory().touched.clone()
    }

    /// Whether its answer may be kept for equal requests; a plugin may say no.
    pub fn may_store(&self) -> bool {
        !self.memory().no_store
    }

    /// Runs a hook that edits a body. A plugin that fails, and may, leaves the body as it found it.
    fn edited(&self, hook: Hook, dialect: Dialect, mut body: Bytes) -> Result<Option<Bytes>, Error> {
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
        // What was not touched is the same bytes at the same place.
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
            memory.touched.push(Touched { plugin: script.header.name.clone(), hook, changes });
        }
    }

    /// Calls a plugin; None when it failed and the request goes on without it, or when it is in shadow.
    fn call(&self, script: &Script, view: View) -> Result<Option<(Dynamic, Context)>, Error> {
        if script.header.shadow {
            self.shadowed(script, view);
            return Ok(None);
        }
        let hook = view.hook;
        let context = Context::new(view);
        match self.timed(script, hook, &context) {
            Called::Returned(value) => {
                {
                    let (mut memory, view) = (self.memory(), context.view());
                    memory.vars.clone_from(&view.vars);
                    memory.no_store |= view.no_store;
                }
                Ok(Some((value, context)))
            }
            Called::Rejected(error) => Err(error),
            Called::Skipped => Ok(None),
        }
    }

    /// Calls a hook, and takes down what that has cost the request.
    fn timed(&self, script: &Script, hook: Hook, context: &Context) -> Called {
        let began = Instant::now();
        let called = script.call(&self.loaded.engine, hook, context);
        let spent = began.elapsed();
        let mut memory = self.memory();
        let (calls, sum) = memory.costs.entry((script.header.budget.plugin.clone(), hook)).or_default();
        (*calls, *sum) = (*calls + 1, *sum + spent);
        called
    }

    /// The plugins that have a hook and concern themselves with this request, with their places in the order.
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
