//! What a request specifies about its answer.

use serde_json::value::RawValue;

use super::request::Parsed;
use super::tools::Tools;
use super::{request, thread};
use crate::protocol::AnswerContext;
use crate::protocol::rules::tools::Names;

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
    pub fn of(parsed: &Parsed<'_>, body: &[u8], stamp: &AnswerContext) -> Self {
        let request = &parsed.body;
        let choice = request.tool_choice.as_ref();
        let format = request.output_config.as_ref().and_then(|config| config.format.as_ref());
        let left = stamp.earlier.as_deref();
        let held = thread::held(request, left).ok().flatten();
        let asked = match (&parsed.tools, &held) {
            (Some(tools), _) => Asked::of(tools),
            (None, Some(Parsed { tools: Some(tools), .. })) => Asked::of(tools),
            _ => Asked::default(),
        };
        Self {
            takes_thoughts: request::takes_thoughts(request),
            single_call: choice.and_then(|choice| choice.disable_parallel_tool_use) == Some(true),
            searches: asked.searches,
            cites: asked.searches || asked.fetches,
            names: asked.names,
            schema: format.filter(|_| stamp.check_json).and_then(|format| Some(format.schema?.to_owned())),
            thread: thread::so_far(request, body, left),
        }
    }
}

/// What matters of the tools for the answer.
#[derive(Default)]
struct Asked {
    names: Names,
    searches: bool,
    fetches: bool,
}

impl Asked {
    fn of(tools: &Tools<'_>) -> Self {
        // Then there are only functions.
        if let Some(names) = tools.names() {
            return Self { names: names.clone(), ..Self::default() };
        }
        // They were read before, so they can be read.
        let tools = tools.tools().unwrap_or_default();
        let kind =
            |kind: &str| tools.iter().any(|tool| tool.kind.as_ref().is_some_and(|asked| asked.starts_with(kind)));
        Self {
            names: Names::of(tools.iter().filter_map(|tool| tool.name.as_ref()), std::iter::empty()),
            searches: kind("web_search"),
            fetches: kind("web_fetch"),
        }
    }
}
