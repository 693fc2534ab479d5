//! What a request lays down about its answer.

use serde_json::value::RawValue;

use super::{request, thread};
use crate::protocol::Stamp;
use crate::protocol::rules::tools::Names;
use crate::wire::anthropic::messages::Request;

/// What the request lays down about its answer.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Thoughts go to the client, shown or as a signature alone.
    pub takes_thoughts: bool,
    /// Only the first of several calls.
    pub single_call: bool,
    /// What was searched for and found is told.
    pub searches: bool,
    /// Texts cite the pages they are from.
    pub cites: bool,
    /// What functions are called by whom.
    pub names: Names,
    /// What the answer must look like, where that is to be checked.
    pub schema: Option<Box<RawValue>>,
    /// The conversation up to the answer, where it is kept.
    pub thread: Option<String>,
}

impl Terms {
    /// The terms of this request, of which this is the body.
    pub fn of(request: &Request<'_>, body: &[u8], stamp: &Stamp) -> Self {
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
