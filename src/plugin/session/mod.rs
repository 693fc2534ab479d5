//! The plugins for one request: runs each hook, in order, each plugin with its own view.

mod answer;
mod off_path;
mod pieces;
mod request;
mod shadow;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rhai::{Dynamic, Map};
use serde::Serialize;
use serde_json::Value;

use super::Loaded;
use super::context::dialect::{Api, BodyKind};
use super::context::{Body, Context, Facts, Names, State, Subject, View};
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
    /// Whether the content of changes is recorded.
    traced: bool,
    memory: Mutex<Memory>,
}

/// State that is kept from hook to hook.
#[derive(Debug, Default)]
struct Memory {
    /// None as long as it is empty, as are the names: most requests meet no plugin.
    vars: Option<Arc<Map>>,
    /// The `vars` of plugins in shadow mode, by plugin.
    shadow_vars: BTreeMap<String, Option<Arc<Map>>>,
    attempt: i64,
    names: Option<Arc<Names>>,
    /// Whether each plugin applies to this request, by its position in the order, once that was found out. Forgotten
    /// when a name changes.
    concerned: Vec<Option<bool>>,
    touched: Vec<PluginChange>,
    /// Whether a plugin asked not to cache the answer.
    no_store: bool,
    /// What each plugin holds back of the answer, by the plugin's position in the order.
    flows: BTreeMap<usize, Flow>,
    /// The cost of hooks so far: one entry per plugin and hook, in the order of their first calls.
    costs: Vec<Cost>,
}

/// What one hook of one plugin has cost this request.
#[derive(Clone, Debug)]
struct Cost {
    plugin: Arc<str>,
    hook: Hook,
    calls: u64,
    spent: Duration,
}

impl Memory {
    /// Changes names. What applied to the old ones may not apply to the new ones.
    fn rename(&mut self, change: impl FnOnce(&mut Names)) {
        change(Arc::make_mut(self.names.get_or_insert_default()));
        self.concerned.clear();
    }

    fn spend(&mut self, plugin: &Arc<str>, hook: Hook, spent: Duration) {
        // The plugin's name is shared, so its address tells it apart.
        let known = self.costs.iter_mut().find(|cost| cost.hook == hook && Arc::ptr_eq(&cost.plugin, plugin));
        match known {
            Some(cost) => (cost.calls, cost.spent) = (cost.calls + 1, cost.spent + spent),
            None => self.costs.push(Cost { plugin: plugin.clone(), hook, calls: 1, spent }),
        }
    }

    /// Keeps what a successful call has left for later ones. What a plugin in shadow mode leaves, only it sees.
    fn keep(&mut self, script: &Script, view: &View) {
        if script.header.shadow {
            self.shadow_vars.insert(script.header.name.clone(), view.vars.clone());
        } else {
            self.vars.clone_from(&view.vars);
            self.no_store |= view.no_store;
        }
    }
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
            headers: (facts.headers.into_iter()).filter(|(name, _)| !HIDDEN.contains(&name.as_str())).collect(),
        });
        let facts = facts.unwrap_or_default().into();
        Self { loaded, facts, only: None, traced: false, memory: Mutex::default() }
    }

    /// Restricts the session to these plugins; None means all.
    pub fn only(self, names: Option<Arc<[String]>>) -> Self {
        self.memory().concerned.clear();
        Self { only: names, ..self }
    }

    /// Records from now on what plugins change, not only that they change it. Too expensive for ordinary requests.
    pub fn traced(self) -> Self {
        Self { traced: true, ..self }
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
                if hook != Hook::Chunk || self.traced {
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
        let changes = if self.traced || hook == Hook::Route {
            let (before, after) = documents();
            differences(&before, &after)
        } else {
            Vec::new()
        };
        if hook != Hook::Route || !changes.is_empty() {
            let hook = if PIECES.contains(&hook) { SAID } else { hook.name() };
            self.memory().touched.push(PluginChange { plugin: script.header.name.clone(), hook, changes });
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
        match self.run(script, hook, &context) {
            CallOutcome::Returned(value) => Ok(Some((value, context))),
            CallOutcome::Rejected(error) => Err(error),
            CallOutcome::Skipped => Ok(None),
        }
    }

    /// Calls a hook, records what it cost the request, and keeps what it left if it succeeded.
    fn run(&self, script: &Script, hook: Hook, context: &Context) -> CallOutcome {
        let (called, spent) = script.call(&self.loaded.engine, hook, context);
        let (view, mut memory) = (context.view(), self.memory());
        memory.spend(&script.header.budget.plugin, hook, spent);
        if matches!(called, CallOutcome::Returned(_)) {
            memory.keep(script, &view);
        }
        called
    }

    /// Returns the plugins that implement the hook and apply to this request, with their positions in the order.
    fn concerned(&self, hook: Hook) -> impl Iterator<Item = (usize, &Script)> {
        let scripts = self.loaded.scripts.iter().enumerate();
        scripts.filter(move |(place, script)| script.has(hook) && self.concerns(*place, script))
    }

    /// Returns whether a plugin, which has this position in the order, applies to this request.
    fn concerns(&self, place: usize, script: &Script) -> bool {
        let when = &script.header.when;
        if self.only.is_none() && when.is_everything() {
            return true;
        }
        let mut memory = self.memory();
        if let Some(known) = memory.concerned.get(place).copied().flatten() {
            return known;
        }
        let models = memory.names.as_deref().map_or(["", ""], |names| [names.asked.name(), &names.model]);
        let concerns = self.only.as_ref().is_none_or(|only| only.contains(&script.header.name))
            && when.concerns(&models, self.facts.path, &self.facts.client, self.facts.api);
        let scripts = self.loaded.scripts.len();
        memory.concerned.resize(scripts, None);
        if let Some(known) = memory.concerned.get_mut(place) {
            *known = Some(concerns);
        }
        concerns
    }

    fn view(&self, hook: Hook, script: &Script, subject: Subject) -> View {
        let mut memory = self.memory();
        let mut vars = memory.vars.clone();
        if script.header.shadow
            && let Some(Some(own)) = memory.shadow_vars.get(&script.header.name)
        {
            let vars = Arc::make_mut(vars.get_or_insert_default());
            vars.extend(own.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        View {
            hook,
            facts: self.facts.clone(),
            vars,
            config: script.config.clone(),
            state: State::new(script.header.budget.plugin.clone(), self.loaded.state().clone()),
            attempt: memory.attempt,
            names: memory.names.get_or_insert_default().clone(),
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
