//! What a request specifies about its answer.

use serde_json::value::RawValue;

use super::{request, thread};
use crate::protocol::AnswerContext;
use crate::protocol::rules::tools::Names;
use crate::wire::anthropic::messages::Request;

/// What the request specifies about its answer.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Whether thoughts are sent to the client, with their text or as a signature only.
    pub takes_thoughts: bool,
    /// Whether only the first of several calls is passed on.
    pub single_call: bool,
    /// Whether Google's searches and their results are reported.
    pub searches: bool,
    /// Whether texts cite the pages they are based on.
    pub cites: bool,
    /// Maps Gemini's function names to the client's.
    pub names: Names,
    /// The schema to check the answer against, if it is to be checked.
    pub schema: Option<Box<RawValue>>,
    /// The conversation up to the answer, if it is to be stored.
    pub thread: Option<String>,
}

impl Terms {
    /// Derives the terms from the request and its body.
    pub fn of(request: &Request<'_>, body: &[u8], stamp: &AnswerContext) -> Self {
        let choice = request.tool_choice.as_ref();
        let format = request.output_config.as_ref().and_then(|config| config.format.as_ref());
        let left = stamp.earlier.as_deref();
        let held = thread::held(request, left).ok().flatten();
        let tools = || request.tools.as_deref().or_else(|| held.as_ref()?.tools.as_deref());
        let asks_for = |tool: &str| {
            tools().into_iter().flatten().any(|asked| asked.kind.as_ref().is_some_and(|kind| kind.starts_with(tool)))
        };
        let searches = asks_for("web_search");
        Self {
            takes_thoughts: request::takes_thoughts(request),
            single_call: choice.and_then(|choice| choice.disable_parallel_tool_use) == Some(true),
            searches,
            cites: searches || asks_for("web_fetch"),
            names: Names::of(tools().into_iter().flatten().filter_map(|tool| tool.name.as_ref()), std::iter::empty()),
            schema: format.filter(|_| stamp.check_json).and_then(|format| Some(format.schema?.to_owned())),
            thread: thread::so_far(request, body, left),
        }
    }
}
