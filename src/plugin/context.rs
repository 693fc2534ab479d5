//! `ctx`: what a script sees of a request. A handle with state inside, because scripts get their arguments by value.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString as Text, Map};

use super::body::Body;
use super::hook::Hook;

type Answer<T> = Result<T, Box<EvalAltResult>>;

/// What a script sees during one call of a hook.
#[derive(Clone, Debug)]
pub struct Context(Arc<Mutex<View>>);

/// What is in it.
#[derive(Clone, Debug)]
pub struct View {
    /// Which hook runs.
    pub hook: Hook,
    /// What is the same for the whole request.
    pub facts: Arc<Facts>,
    /// What the plugins of this request tell each other.
    pub vars: Map,
    /// The plugin's settings.
    pub config: Map,
    /// How many attempts there were, this one among them.
    pub attempt: i64,
    /// The model: the client's name for it, then Google's.
    pub model: String,
    /// The pool.
    pub pool: String,
    /// The body of this hook.
    pub body: Option<Body>,
    /// The error of `on_error`.
    pub error: Map,
}

/// What is the same for the whole request.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The request's id.
    pub id: String,
    /// The dialect.
    pub api: &'static str,
    /// The endpoint.
    pub path: &'static str,
    /// Who asks.
    pub client: String,
    /// Headers without credentials.
    pub headers: Map,
}

impl Context {
    /// A context of its own for one call.
    pub fn new(view: View) -> Self {
        Self(Arc::new(Mutex::new(view)))
    }

    /// What is in it, after the call.
    pub fn view(&self) -> MutexGuard<'_, View> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The body, where this hook is one of those that have it under this name.
    fn body(&self, name: &str, hooks: &[Hook]) -> Answer<Body> {
        let view = self.view();
        let body = if hooks.contains(&view.hook) { view.body.clone() } else { None };
        body.ok_or_else(|| format!("there is no `ctx.{name}` in `{}`", view.hook.name()).into())
    }

    fn in_hook(&self, name: &str, hook: Hook) -> Answer<()> {
        let view = self.view();
        if view.hook == hook {
            return Ok(());
        }
        Err(format!("`ctx.{name}` cannot be set in `{}`, only in `{}`", view.hook.name(), hook.name()).into())
    }
}

/// Gives scripts the context.
pub fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Context>("Context")
        .register_get("id", |ctx: &mut Context| ctx.view().facts.id.clone())
        .register_get("api", |ctx: &mut Context| ctx.view().facts.api.to_owned())
        .register_get("path", |ctx: &mut Context| ctx.view().facts.path.to_owned())
        .register_get("client", |ctx: &mut Context| ctx.view().facts.client.clone())
        .register_get("headers", |ctx: &mut Context| ctx.view().facts.headers.clone())
        .register_fn("header", |ctx: &mut Context, name: Text| {
            ctx.view().facts.headers.get(name.to_lowercase().as_str()).cloned().unwrap_or(Dynamic::UNIT)
        })
        .register_get("attempt", |ctx: &mut Context| ctx.view().attempt)
        .register_get("config", |ctx: &mut Context| ctx.view().config.clone())
        .register_get("vars", |ctx: &mut Context| ctx.view().vars.clone())
        .register_set("vars", |ctx: &mut Context, vars: Map| ctx.view().vars = vars)
        .register_get("model", |ctx: &mut Context| ctx.view().model.clone())
        .register_set("model", |ctx: &mut Context, model: Text| {
            ctx.in_hook("model", Hook::Route)?;
            ctx.view().model = model.to_string();
            Answer::Ok(())
        })
        .register_get("pool", |ctx: &mut Context| ctx.view().pool.clone())
        .register_set("pool", |ctx: &mut Context, pool: Text| {
            ctx.in_hook("pool", Hook::Route)?;
            ctx.view().pool = pool.to_string();
            Answer::Ok(())
        })
        .register_get("error", |ctx: &mut Context| ctx.view().error.clone())
        .register_set("error", |ctx: &mut Context, error: Map| {
            ctx.in_hook("error", Hook::Error)?;
            ctx.view().error = error;
            Answer::Ok(())
        });
    bodies(engine);
}

fn bodies(engine: &mut Engine) {
    engine
        .register_get("req", |ctx: &mut Context| ctx.body("req", &[Hook::Request]))
        .register_get("up", |ctx: &mut Context| ctx.body("up", &[Hook::UpstreamRequest]))
        .register_get("gemini", |ctx: &mut Context| ctx.body("gemini", &[Hook::UpstreamResponse]))
        .register_get("res", |ctx: &mut Context| ctx.body("res", &[Hook::Response]))
        .register_get("chunk", |ctx: &mut Context| ctx.body("chunk", &[Hook::Chunk]))
        .register_get("has_body", |ctx: &mut Context| ctx.view().body.is_some());
}
