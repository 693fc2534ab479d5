//! Hooks for a request on its way to Gemini.

use bytes::Bytes;
use rhai::Dynamic;
use serde_json::{Value, json};

use super::Session;
use crate::error::Error;
use crate::plugin::context::dialect::{self, BodyKind};
use crate::plugin::context::{Asked, Body, Subject, View};
use crate::plugin::hook::Hook;
use crate::plugin::verdict::{Reply, Returned, Verdict};

/// The parts of a route that plugins can change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteView {
    /// The client's name for the model.
    pub asked: String,
    /// The model at Google.
    pub model: String,
    /// Models to fall back on, in order.
    pub fallback: Vec<String>,
    /// The pool.
    pub pool: String,
}

impl RouteView {
    fn shown(&self) -> Value {
        json!({ "model": self.model, "fallback": self.fallback, "pool": self.pool })
    }
}

impl Session {
    /// Runs the hook for the client's request.
    ///
    /// # Errors
    /// Returns the error that a plugin sends to the client instead.
    pub fn on_request(&self, mut body: Bytes) -> Result<Verdict, Error> {
        let scripts = &self.loaded.scripts;
        if scripts.iter().any(|script| script.header.when.needs_model() || script.has(Hook::Request)) {
            let named = self.facts.model.clone();
            let asked = named.map_or_else(|| Asked::in_body(body.clone()), Asked::named);
            self.memory().rename(|names| names.asked = asked);
        }
        for (_, script) in self.concerned(Hook::Request) {
            let named = self.facts.model.as_ref().map(|_| self.asked());
            let handle = Body::addressed(BodyKind::Request(self.api()), body.clone(), named.clone());
            let view = self.view(Hook::Request, script, Subject::Body(handle.clone()));
            let Some((returned, _)) = self.call(script, view)? else { continue };
            let renamed = handle.model_in_address();
            if renamed != named {
                self.touched(script, Hook::Request, || (json!({ "model": named }), json!({ "model": renamed })));
                self.memory().rename(|names| names.asked = Asked::named(renamed.unwrap_or_default()));
            }
            let edited = handle.into_bytes().unwrap_or_default();
            self.touched_if(&body, &edited, script, Hook::Request);
            body = edited;
            if let Some(returned) = returned.try_cast::<Returned>()
                && let Some(reply) = self.replied(returned, &body)
            {
                return Ok(Verdict::Reply(reply));
            }
        }
        Ok(Verdict::Continue(body))
    }

    /// Returns the model that plugins set in place of the one in the request's URL, if they changed it.
    pub fn renamed(&self) -> Option<String> {
        let named = self.facts.model.as_deref()?;
        // `asked` is only filled in if a plugin might use it.
        Some(self.asked()).filter(|asked| !asked.is_empty() && asked != named)
    }

    fn asked(&self) -> String {
        self.memory().names.as_ref().map(|names| names.asked.name().to_owned()).unwrap_or_default()
    }

    /// Converts a plugin's answer to a reply: its text and, if the plugin wrote one, its document.
    fn replied(&self, returned: Returned, body: &[u8]) -> Option<Reply> {
        let (model, stream) = dialect::asked(body);
        let (text, document) = match returned {
            Returned::Say(text) => (text, None),
            Returned::Show(document) => {
                let said = dialect::text(BodyKind::Answer(self.api()), "text", &document).unwrap_or_default();
                (said, Some(document))
            }
            _ => return None,
        };
        Some(Reply { text, document, model, stream })
    }

    /// Runs the hook for the route of a request.
    ///
    /// # Errors
    /// Returns the error that a plugin sends to the client instead.
    pub fn on_route(&self, route: &mut RouteView) -> Result<(), Error> {
        if self.loaded.scripts.is_empty() {
            return Ok(());
        }
        self.memory().rename(|names| names.asked = Asked::named(route.asked.clone()));
        self.remember(route);
        for (_, script) in self.concerned(Hook::Route) {
            let fallback = route.fallback.iter().cloned().map(Dynamic::from).collect();
            let view = View { fallback, ..self.view(Hook::Route, script, Subject::Nothing) };
            if let Some((_, view)) = self.call(script, view)? {
                let before = route.clone();
                let view = view.view();
                route.model.clone_from(&view.names.model);
                route.pool.clone_from(&view.names.pool);
                route.fallback = view.fallback.iter().filter_map(|name| name.clone().into_string().ok()).collect();
                self.touched(script, Hook::Route, || (before.shown(), route.shown()));
                self.remember(route);
            }
        }
        Ok(())
    }

    fn remember(&self, route: &RouteView) {
        self.memory().rename(|names| {
            names.model.clone_from(&route.model);
            names.pool.clone_from(&route.pool);
        });
    }

    /// Runs the hook for the Gemini request of one attempt.
    ///
    /// # Errors
    /// Returns the error that a plugin sends to the client instead.
    pub fn on_upstream_request(&self, attempt: u32, body: Bytes) -> Result<Bytes, Error> {
        if self.loaded.scripts.is_empty() {
            return Ok(body);
        }
        {
            let mut memory = self.memory();
            memory.attempt = attempt.into();
            // A new attempt starts a new answer.
            memory.flows.clear();
        }
        Ok(self.edited(Hook::UpstreamRequest, BodyKind::GeminiRequest, body)?.unwrap_or_default())
    }
}
