//! Reads the tools and the tool choice of a chat request.

use std::borrow::Cow;
use std::fmt::Display;

use serde_json::value::RawValue;

use super::request::Parsed;
use crate::error::Error;
use crate::protocol::rules::document::{missing, nested};
use crate::protocol::rules::tools::{Choice, Declaration, List, Lists, ToolSet, options};
use crate::protocol::{Notes, Target};
use crate::wire::gemini::request::Tool;
use crate::wire::json::{Repeated, Shape, decode};
use crate::wire::openai::chat::{self, Google, Request, ToolChoice};

/// The tools of a request.
pub type Tools<'a> = List<'a, chat::Tool<'a>>;

static LISTS: Lists = Lists::new();

/// Reads `tools`, or finds out that they were translated before.
///
/// # Errors
/// 400, naming the field.
pub fn listed(tools: Repeated<'_>) -> Result<Tools<'_>, Error> {
    List::of(tools, &LISTS)
}

/// Reads the tools and, for older clients, `functions`.
///
/// # Errors
/// 400, naming the tool.
pub fn read<'a>(
    parsed: &'a Parsed<'_>,
    google: Option<&'a Google<'a>>,
    target: &Target<'_>,
) -> Result<ToolSet<'a>, Error> {
    let request = &parsed.body;
    let others = request.functions.is_some() || google.is_some_and(|google| google.tools.is_some());
    let mut declared = match &parsed.tools {
        Some(tools) if !others => all(tools, target)?,
        Some(tools) => one_by_one(tools, target.notes)?,
        None => ToolSet::default(),
    };
    let notes = target.notes;
    for (index, tool) in google.iter().flat_map(|google| &google.tools).flatten().enumerate() {
        one(&mut declared, tool, &format_args!("extra_body.google.tools[{index}]"), notes)?;
    }
    for (index, function) in request.functions.iter().flatten().enumerate() {
        declared.function(declaration(function, false), &format_args!("functions[{index}]"), notes)?;
    }
    if request.web_search_options.is_some_and(|raw| Shape::of(raw) == Shape::Object) {
        declared.built_in(Tool::GoogleSearch(options(None)), "web_search_options".into());
    }
    Ok(declared)
}

/// Adds a list that is all there is.
fn all<'a>(tools: &'a Tools<'_>, target: &Target<'_>) -> Result<ToolSet<'a>, Error> {
    if let Some(known) = tools.translated(target.model.facts.json_schema, target.notes) {
        return Ok(ToolSet::of_known(known));
    }
    let mut declared = one_by_one(tools, target.notes)?;
    declared.remember(tools);
    Ok(declared)
}

fn one_by_one<'a>(tools: &'a Tools<'_>, notes: &Notes) -> Result<ToolSet<'a>, Error> {
    let mut declared = ToolSet::default();
    for (index, tool) in tools.tools()?.iter().enumerate() {
        one(&mut declared, tool, &format_args!("tools[{index}]"), notes)?;
    }
    Ok(declared)
}

fn one<'a>(
    declared: &mut ToolSet<'a>,
    tool: &'a chat::Tool<'a>,
    place: &dyn Display,
    notes: &Notes,
) -> Result<(), Error> {
    match (tool.kind.as_deref(), &tool.function, &tool.custom) {
        (Some("function") | None, Some(function), _) => {
            declared.function(declaration(function, false), &format_args!("{place}.function"), notes)?;
        }
        (Some("custom"), _, Some(custom)) => {
            declared.function(declaration(custom, true), &format_args!("{place}.custom"), notes)?;
        }
        (Some("web_search" | "web_search_preview" | "google_search"), ..) => {
            declared.built_in(Tool::GoogleSearch(options(tool.google_search)), place.to_string());
        }
        (Some("code_interpreter" | "code_execution"), ..) => {
            declared.built_in(Tool::CodeExecution(options(tool.code_execution)), place.to_string());
        }
        (Some("url_context"), ..) => declared.built_in(Tool::UrlContext(options(tool.url_context)), place.to_string()),
        (None, ..) if tool.google_search.is_some() => {
            declared.built_in(Tool::GoogleSearch(options(tool.google_search)), place.to_string());
        }
        (None, ..) if tool.code_execution.is_some() => {
            declared.built_in(Tool::CodeExecution(options(tool.code_execution)), place.to_string());
        }
        (None, ..) if tool.url_context.is_some() => {
            declared.built_in(Tool::UrlContext(options(tool.url_context)), place.to_string());
        }
        (Some("function"), None, _) => return Err(missing(format!("{place}.function"))),
        (kind, ..) => {
            let shown: String = kind.unwrap_or_default().chars().take(64).collect();
            let message = format!(
                "Invalid value: '{}'. Supported values are: 'function', 'custom', 'web_search', 'code_interpreter', and Gemini's 'google_search', 'code_execution', 'url_context'.",
                shown.escape_debug()
            );
            return Err(Error::invalid(message).param(format!("{place}.type")).code("invalid_value"));
        }
    }
    Ok(())
}

fn declaration<'a>(function: &'a chat::Function<'a>, free_text: bool) -> Declaration<'a> {
    Declaration {
        name: function.name.clone(),
        description: function.description,
        schema: function.parameters,
        strict: function.strict == Some(true),
        free_text,
        format: function.format,
        schema_field: "parameters",
    }
}

/// Reads the tool choice, and returns the field that holds it: `tool_choice` or, for older clients, `function_call`.
///
/// # Errors
/// 400 when it is invalid.
pub fn choice<'a>(request: &'a Request<'a>) -> Result<(Choice<'a>, &'static str), Error> {
    let (raw, field): (Option<&'a RawValue>, _) = match (request.tool_choice, request.function_call) {
        (Some(raw), _) => (Some(raw), "tool_choice"),
        (None, raw) => (raw, "function_call"),
    };
    let Some(raw) = raw.filter(|raw| Shape::of(raw) != Shape::Null) else { return Ok((Choice::Free, field)) };
    if Shape::of(raw) == Shape::String {
        let choice = match decode(raw).as_deref() {
            Some("auto") => Choice::Free,
            Some("none") => Choice::Never,
            Some("required") => Choice::Required,
            _ => {
                let message =
                    "Invalid value for 'tool_choice': supported values are 'none', 'auto', 'required', or an object.";
                return Err(Error::invalid(message).param(field).code("invalid_value"));
            }
        };
        return Ok((choice, field));
    }
    let choice: ToolChoice<'a> = nested(raw, &field)?;
    let (names, must) = match &choice.allowed_tools {
        Some(allowed) => (&allowed.tools[..], allowed.mode.as_deref() == Some("required")),
        None => (std::slice::from_ref(&choice), true),
    };
    let names: Vec<_> = names.iter().filter_map(chosen).collect();
    if names.is_empty() {
        return Err(missing(format!("{field}.function.name")));
    }
    Ok((Choice::Of { names, must }, field))
}

/// Returns the function that a choice names, in any of its forms.
fn chosen<'a>(choice: &ToolChoice<'a>) -> Option<Cow<'a, str>> {
    let function = choice.function.as_ref().or(choice.custom.as_ref());
    function.and_then(|function| function.name.as_ref()).or(choice.name.as_ref()).cloned()
}
