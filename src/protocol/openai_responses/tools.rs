//! Reads the tools and the tool choice of a Responses request.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::namespaces::joined;
use crate::error::Error;
use crate::protocol::Notes;
use crate::protocol::rules::document::{missing, nested, unknown_kind};
use crate::protocol::rules::tools::{Choice, Declaration, ToolSet, options};
use crate::wire::gemini::request as gemini;
use crate::wire::json::{Shape, decode};
use crate::wire::openai::responses::{Tool, ToolChoice};

/// OpenAI's tools that have no counterpart at Gemini. Clients list them whatever the model is, so they are left out;
/// what that means for the request is up to the client's `fidelity`.
const NOT_HERE: &[&str] = &[
    "file_search",
    "computer",
    "computer_use_preview",
    "image_generation",
    "local_shell",
    "shell",
    "apply_patch",
    "mcp",
    "tool_search",
];

/// Reads `tools`.
///
/// # Errors
/// 400, naming the tool.
pub fn read<'a>(tools: &'a [Tool<'a>], notes: &Notes) -> Result<ToolSet<'a>, Error> {
    let mut declared = ToolSet::default();
    for (index, tool) in tools.iter().enumerate() {
        let place = format!("tools[{index}]");
        match tool.kind.as_deref() {
            Some("function" | "custom") => declared.function(declaration(None, tool), &place, notes)?,
            Some("namespace") => {
                let name = tool.name.as_ref().ok_or_else(|| missing(format!("{place}.name")))?;
                if tool.description.is_some() {
                    notes.dropped(format!("{place}.description"), "Gemini's functions have no namespaces");
                }
                for (number, inner) in tool.tools.iter().enumerate() {
                    let place = format!("{place}.tools[{number}]");
                    match inner.kind.as_deref() {
                        Some("function" | "custom") => {
                            declared.function(declaration(Some(name), inner), &place, notes)?;
                        }
                        kind => {
                            return Err(unknown_kind(kind, "'function' and 'custom'", &format!("{place}.type")));
                        }
                    }
                }
            }
            // The names of these tools may end in a date.
            Some(kind) if kind.starts_with("web_search") => {
                declared.built_in(gemini::Tool::GoogleSearch(options(None)), place);
            }
            Some("code_interpreter") => declared.built_in(gemini::Tool::CodeExecution(options(None)), place),
            Some(kind) if NOT_HERE.contains(&kind) => {
                notes.dropped(place, format_args!("Gemini has no tool like `{kind}`"));
            }
            kind => {
                let known = "'function', 'custom', 'namespace', 'web_search', and 'code_interpreter'";
                return Err(unknown_kind(kind, known, &format!("{place}.type")));
            }
        }
    }
    Ok(declared)
}

fn declaration<'a>(namespace: Option<&Cow<'a, str>>, tool: &'a Tool<'a>) -> Declaration<'a> {
    Declaration {
        name: tool.name.as_ref().filter(|name| !name.is_empty()).map(|name| joined(namespace, name)),
        description: tool.description,
        schema: tool.parameters,
        strict: tool.strict == Some(true),
        free_text: tool.kind.as_deref() == Some("custom"),
        format: tool.format,
        schema_field: "parameters",
    }
}

/// Reads `tool_choice`.
///
/// # Errors
/// 400 when it is invalid.
pub fn choice<'a>(raw: Option<&'a RawValue>, notes: &Notes) -> Result<Choice<'a>, Error> {
    let Some(raw) = raw.filter(|raw| Shape::of(raw) != Shape::Null) else { return Ok(Choice::Free) };
    if Shape::of(raw) == Shape::String {
        let word = decode(raw);
        return match word.as_deref() {
            Some("auto") => Ok(Choice::Free),
            Some("none") => Ok(Choice::Never),
            Some("required") => Ok(Choice::Required),
            other => Err(unknown_kind(other, "'none', 'auto', 'required', and an object", &"tool_choice")),
        };
    }
    let choice: ToolChoice<'a> = nested(raw, &"tool_choice")?;
    match choice.kind.as_deref() {
        Some("function" | "custom") => {
            let name = choice.name.ok_or_else(|| missing("tool_choice.name"))?;
            Ok(Choice::Of { names: vec![joined(choice.namespace.as_ref(), &name)], must: true })
        }
        Some("allowed_tools") => {
            let named = |tool: ToolChoice<'a>| Some(joined(tool.namespace.as_ref(), tool.name.as_ref()?));
            let names: Vec<Cow<'a, str>> = choice.tools.into_iter().filter_map(named).collect();
            let must = choice.mode.as_deref() == Some("required");
            Ok(if names.is_empty() { Choice::Free } else { Choice::Of { names, must } })
        }
        Some(_) => {
            notes.dropped("tool_choice", "use of Google's own tools cannot be forced: the model decides");
            Ok(Choice::Free)
        }
        None => Err(missing("tool_choice.type")),
    }
}
