//! The hooks, in the order in which they occur during a request.

/// A point at which plugins are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hook {
    /// The plugin is loaded.
    Load,
    /// The client's request has arrived.
    Request,
    /// The model and the pool have been chosen.
    Route,
    /// An attempt is about to be sent.
    UpstreamRequest,
    /// An attempt has failed.
    UpstreamError,
    /// Gemini has accepted the request.
    UpstreamResponse,
    /// A chunk of a streamed answer has arrived.
    Chunk,
    /// The model outputs text.
    Text,
    /// The model outputs reasoning.
    Reasoning,
    /// The model calls a function.
    ToolArguments,
    /// The model has finished.
    End,
    /// The complete answer is about to be sent.
    Response,
    /// An error is about to be sent.
    Error,
    /// The list of models is about to be sent.
    Models,
    /// The request is over.
    Log,
}

/// The documentation of a hook; `docs/plugins.md` includes this table.
pub struct HookRow {
    /// The hook.
    pub hook: Hook,
    /// The name of the script function.
    pub name: &'static str,
    /// When it is called.
    pub when: &'static str,
    /// What it may do.
    pub may: &'static str,
}

/// All hooks.
pub const HOOKS: &[HookRow] = &[
    row(
        Hook::Load,
        "on_load",
        "once, before the plugin takes effect",
        "read `ctx.config`; an exception rejects the reload",
    ),
    row(
        Hook::Request,
        "on_request",
        "a request has arrived and its client key is valid",
        "edit `ctx.req`; `return reply(…)`; `reject(…)`",
    ),
    row(Hook::Route, "on_route", "the model name has been resolved", "set `ctx.model` and `ctx.pool`; `reject(…)`"),
    row(
        Hook::UpstreamRequest,
        "on_upstream_request",
        "before each attempt, when the Gemini request has been built",
        "edit `ctx.up`; `reject(…)`",
    ),
    row(
        Hook::UpstreamError,
        "on_upstream_error",
        "an attempt has failed and nothing has been sent to the client",
        "read `ctx.failure`; `return retry()`, `cool_down(seconds)` or `fail()`; `reject(…)`",
    ),
    row(
        Hook::UpstreamResponse,
        "on_upstream_response",
        "Gemini has answered; for a stream, when it starts, without a body",
        "edit `ctx.gemini`; `reject(…)`",
    ),
    row(
        Hook::Chunk,
        "on_chunk",
        "for each chunk of a streamed answer, before it is translated",
        "edit `ctx.chunk`; `ctx.chunk.drop()`; `reject(…)` ends the stream",
    ),
    row(
        Hook::Text,
        "on_text",
        "the model outputs text: for each piece of a stream, or once for the whole text",
        "edit `ctx.text`; `ctx.replace(…)`; `ctx.hold(…)`; `reject(…)`",
    ),
    row(Hook::Reasoning, "on_reasoning", "the same for the model's reasoning", "as `on_text`"),
    row(
        Hook::ToolArguments,
        "on_tool_arguments",
        "the model calls the function `ctx.tool`; `ctx.text` is the complete arguments as JSON",
        "edit `ctx.text`; `reject(…)`",
    ),
    row(
        Hook::End,
        "on_end",
        "the model has finished; `ctx.text` is empty",
        "set `ctx.text` to append text; `reject(…)`",
    ),
    row(Hook::Response, "on_response", "a complete answer is about to be sent", "edit `ctx.res`; `reject(…)`"),
    row(Hook::Error, "on_error", "an error is about to be sent", "edit `ctx.error`"),
    row(Hook::Models, "on_models", "the list of models is about to be sent", "edit `ctx.models`; `reject(…)`"),
    row(Hook::Log, "on_log", "the request has been answered", "read `ctx.log`; return a table to add to its log line"),
];

/// The hooks that see the model's output piece by piece.
pub const PIECES: &[Hook] = &[Hook::Text, Hook::Reasoning, Hook::ToolArguments, Hook::End];

const fn row(hook: Hook, name: &'static str, when: &'static str, may: &'static str) -> HookRow {
    HookRow { hook, name, when, may }
}

impl Hook {
    /// Returns its place among [`HOOKS`].
    pub const fn place(self) -> usize {
        self as usize
    }

    /// Returns the hook with this function name.
    pub fn by_name(name: &str) -> Option<Self> {
        HOOKS.iter().find(|row| row.name == name).map(|row| row.hook)
    }

    /// Returns the name of the script function.
    pub fn name(self) -> &'static str {
        HOOKS.get(self.place()).map_or("", |row| row.name)
    }

    /// Returns the hook name nearest to an unknown name.
    pub fn nearest(name: &str) -> &'static str {
        HOOKS.iter().map(|row| row.name).min_by_key(|known| strsim::osa_distance(known, name)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_is_found_at_its_place() {
        for (place, row) in HOOKS.iter().enumerate() {
            assert_eq!((row.hook.place(), row.hook.name()), (place, row.name));
        }
    }
}
