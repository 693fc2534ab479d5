//! `ctx`: the script's view of a request. It is a handle with shared state, because scripts pass arguments by value.

mod body;
pub mod dialect;
mod memory;
mod messages;
mod piece;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString as Text, Map};

pub use body::{Body, dynamic, json};
pub use memory::State;
pub use piece::{Held, Piece};

use super::hook::Hook;

type Answer<T> = Result<T, Box<EvalAltResult>>;

/// The script's view during one call of a hook.
#[derive(Clone, Debug)]
pub struct Context(Arc<Mutex<View>>);

/// The contents of a [`Context`].
#[derive(Clone, Debug)]
pub struct View {
    /// The hook that is running.
    pub hook: Hook,
    /// Facts that are the same for the whole request.
    pub facts: Arc<Facts>,
    /// Variables that the plugins of this request share. Copied only for a script that reads or sets them.
    pub vars: Option<Arc<Map>>,
    /// The plugin's settings.
    pub config: Arc<Map>,
    /// The state that the plugin keeps between requests.
    pub state: State,
    /// The number of attempts so far, including this one.
    pub attempt: i64,
    /// What the request is called and where it goes.
    pub names: Arc<Names>,
    /// Models to fall back on.
    pub fallback: rhai::Array,
    /// Whether the plugin asked not to cache the answer.
    pub no_store: bool,
    /// What this hook works on.
    pub subject: Subject,
}

/// What a request is called and where it goes.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The client's name for the model.
    pub asked: Arc<Asked>,
    /// The model at Google.
    pub model: String,
    /// The pool.
    pub pool: String,
}

/// The client's name for the model. One that stands in the request's body is read when somebody wants to know it, and
/// then once.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    body: Bytes,
    name: OnceLock<String>,
}

impl Asked {
    /// A name that is known.
    pub fn named(name: String) -> Arc<Self> {
        Arc::new(Self { body: Bytes::new(), name: name.into() })
    }

    /// The name in a request's body; empty if there is none.
    pub fn in_body(body: Bytes) -> Arc<Self> {
        Arc::new(Self { body, name: OnceLock::new() })
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        self.name.get_or_init(|| dialect::asked(&self.body).0)
    }
}

/// What a hook works on.
#[derive(Clone, Debug)]
pub enum Subject {
    /// Nothing besides the context itself.
    Nothing,
    /// A document.
    Body(Body),
    /// A piece of the model's output.
    Piece(Piece),
    /// An error, a failure or the summary of a request: `ctx.error`, `ctx.failure`, `ctx.log`.
    Table(Map),
    /// A list of models.
    List(rhai::Array),
}

/// Facts that are the same for the whole request.
#[derive(Clone, Debug, Default)]
pub struct Facts {
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
    /// Headers without credentials. They become a script value only if a script asks for all of them.
    pub headers: Vec<(String, String)>,
}

impl View {
    /// Returns the model as scripts see it. Before there is a route, it is the one that the client named.
    fn model(&self) -> &str {
        if self.hook == Hook::Request { self.names.asked.name() } else { &self.names.model }
    }
}

impl Facts {
    /// Returns the value of a header by its name in lower case. Of several with one name, the last counts.
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn all_headers(&self) -> Map {
        self.headers.iter().map(|(name, value)| (name.into(), value.clone().into())).collect()
    }
}

impl Context {
    /// Creates a separate context for one call.
    pub fn new(view: View) -> Self {
        Self(Arc::new(Mutex::new(view)))
    }

    /// Locks and returns the contents. Used after the call to read what the script set.
    pub fn view(&self) -> MutexGuard<'_, View> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the body, if this hook has it under this name.
    fn body(&self, name: &str, hook: Hook) -> Answer<Body> {
        match self.in_hook(name, hook)?.subject {
            Subject::Body(ref body) => Ok(body.clone()),
            _ => Err(format!("this call has no `ctx.{name}`; check `ctx.has_body` first").into()),
        }
    }

    /// Returns the view if `hook` is running, otherwise an error.
    fn in_hook(&self, name: &str, hook: Hook) -> Answer<MutexGuard<'_, View>> {
        let view = self.view();
        if view.hook == hook {
            return Ok(view);
        }
        Err(format!("there is no `ctx.{name}` in `{}`, only in `{}`", view.hook.name(), hook.name()).into())
    }

    fn table(&self, name: &str, hook: Hook) -> Answer<Map> {
        match &self.in_hook(name, hook)?.subject {
            Subject::Table(map) => Ok(map.clone()),
            _ => Ok(Map::new()),
        }
    }
}

/// Registers the context with the engine.
pub fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Context>("Context")
        .register_get("id", |ctx: &mut Context| ctx.view().facts.id.clone())
        .register_get("api", |ctx: &mut Context| ctx.view().facts.api.to_owned())
        .register_get("path", |ctx: &mut Context| ctx.view().facts.path.to_owned())
        .register_get("client", |ctx: &mut Context| ctx.view().facts.client.clone())
        .register_get("headers", |ctx: &mut Context| ctx.view().facts.all_headers())
        .register_fn("header", |ctx: &mut Context, name: Text| {
            ctx.view().facts.header(&name.to_lowercase()).map_or(Dynamic::UNIT, |value| value.to_owned().into())
        })
        .register_fn("no_store", |ctx: &mut Context| ctx.view().no_store = true)
        .register_get("attempt", |ctx: &mut Context| ctx.view().attempt)
        .register_get("config", |ctx: &mut Context| Map::clone(&ctx.view().config))
        .register_get("state", |ctx: &mut Context| ctx.view().state.clone())
        .register_get("vars", |ctx: &mut Context| ctx.view().vars.as_deref().cloned().unwrap_or_default())
        .register_set("vars", |ctx: &mut Context, vars: Map| ctx.view().vars = Some(Arc::new(vars)));
    routes(engine);
    subjects(engine);
    body::register(engine);
    messages::register(engine);
    memory::register(engine);
    piece::register(engine);
}

fn routes(engine: &mut Engine) {
    engine
        .register_get("asked", |ctx: &mut Context| ctx.view().names.asked.name().to_owned())
        .register_get("model", |ctx: &mut Context| ctx.view().model().to_owned())
        .register_set("model", |ctx: &mut Context, model: Text| {
            // Rhai writes the property back even if the script only calls a method on it.
            if ctx.view().model() != model.as_str() {
                Arc::make_mut(&mut ctx.in_hook("model = …", Hook::Route)?.names).model = model.to_string();
            }
            Answer::Ok(())
        })
        .register_get("fallback", |ctx: &mut Context| {
            Answer::Ok(ctx.in_hook("fallback", Hook::Route)?.fallback.clone())
        })
        .register_set("fallback", |ctx: &mut Context, models: rhai::Array| {
            ctx.in_hook("fallback = …", Hook::Route)?.fallback = models;
            Answer::Ok(())
        })
        .register_get("pool", |ctx: &mut Context| ctx.view().names.pool.clone())
        .register_set("pool", |ctx: &mut Context, pool: Text| {
            // Rhai writes the property back even if the script only calls a method on it.
            if ctx.view().names.pool != *pool {
                Arc::make_mut(&mut ctx.in_hook("pool = …", Hook::Route)?.names).pool = pool.to_string();
            }
            Answer::Ok(())
        });
}

fn subjects(engine: &mut Engine) {
    engine
        .register_get("req", |ctx: &mut Context| ctx.body("req", Hook::Request))
        .register_get("up", |ctx: &mut Context| ctx.body("up", Hook::UpstreamRequest))
        .register_get("gemini", |ctx: &mut Context| ctx.body("gemini", Hook::UpstreamResponse))
        .register_get("res", |ctx: &mut Context| ctx.body("res", Hook::Response))
        .register_get("chunk", |ctx: &mut Context| ctx.body("chunk", Hook::Chunk))
        .register_get("has_body", |ctx: &mut Context| matches!(ctx.view().subject, Subject::Body(_)))
        .register_get("failure", |ctx: &mut Context| ctx.table("failure", Hook::UpstreamError))
        .register_get("log", |ctx: &mut Context| ctx.table("log", Hook::Log))
        .register_get("error", |ctx: &mut Context| ctx.table("error", Hook::Error))
        .register_set("error", |ctx: &mut Context, error: Map| {
            ctx.in_hook("error", Hook::Error)?.subject = Subject::Table(error);
            Answer::Ok(())
        })
        .register_get("models", |ctx: &mut Context| match &ctx.in_hook("models", Hook::Models)?.subject {
            Subject::List(models) => Ok(models.clone()),
            _ => Answer::Ok(rhai::Array::new()),
        })
        .register_set("models", |ctx: &mut Context, models: rhai::Array| {
            ctx.in_hook("models", Hook::Models)?.subject = Subject::List(models);
            Answer::Ok(())
        });
}
