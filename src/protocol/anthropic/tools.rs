//! Reads the tools and the tool choice of a Messages request.

use crate::error::Error;
use crate::protocol::Target;
use crate::protocol::rules::document::{missing, unknown_kind};
use crate::protocol::rules::tools::{Choice, Declaration, List, Lists, ToolSet, options};
use crate::wire::anthropic::messages::{Tool, ToolChoice};
use crate::wire::gemini::request as gemini;
use crate::wire::json::Repeated;

/// The tools of a request.
pub type Tools<'a> = List<'a, Tool<'a>>;

static LISTS: Lists = Lists::new();

/// Reads `tools`, or finds out that they were translated before.
///
/// # Errors
/// 400, naming the field.
pub fn listed(tools: Repeated<'_>) -> Result<Tools<'_>, Error> {
    List::of(tools, &LISTS)
}

/// Reads the tools.
///
/// # Errors
/// 400, naming the tool.
pub fn read<'a>(tools: &'a Tools<'_>, target: &Target<'_>) -> Result<ToolSet<'a>, Error> {
    let notes = target.notes;
    if let Some(known) = tools.translated(target.model.facts.json_schema, notes) {
        return Ok(ToolSet::of_known(known));
    }
    let mut declared = ToolSet::default();
    declared.remember(tools);
    for (index, tool) in tools.tools()?.iter().enumerate() {
        let place = format!("tools[{index}]");
        match tool.kind.as_deref() {
            None | Some("custom") => {
                let function = Declaration {
                    name: tool.name.clone(),
                    description: tool.description,
                    schema: tool.input_schema,
                    strict: tool.strict == Some(true),
                    schema_field: "input_schema",
                    ..Declaration::default()
                };
                declared.function(function, &place, notes)?;
            }
            // The names of built-in tools end in a date.
            Some(kind) if kind.starts_with("web_search") => {
                declared.built_in(gemini::Tool::GoogleSearch(options(None)), place);
            }
            Some(kind) if kind.starts_with("web_fetch") => {
                declared.built_in(gemini::Tool::UrlContext(options(None)), place);
            }
            Some(kind) if kind.starts_with("code_execution") => {
                declared.built_in(gemini::Tool::CodeExecution(options(None)), place);
            }
            kind => {
                let known = "'custom', 'web_search_…', 'web_fetch_…', and 'code_execution_…'; a tool with a schema of Anthropic's own can be declared as 'custom' with that schema";
                return Err(unknown_kind(kind, known, &format!("{place}.type")));
            }
        }
    }
    Ok(declared)
}

/// Reads `tool_choice`.
///
/// # Errors
/// 400 when it is invalid.
pub fn choice<'a>(choice: Option<&'a ToolChoice<'a>>) -> Result<Choice<'a>, Error> {
    let Some(choice) = choice else { return Ok(Choice::Free) };
    match (choice.kind.as_deref(), &choice.name) {
        (Some("auto"), _) => Ok(Choice::Free),
        (Some("any"), _) => Ok(Choice::Required),
        (Some("none"), _) => Ok(Choice::Never),
        (Some("tool"), Some(name)) => Ok(Choice::Of { names: vec![name.clone()], must: true }),
        (Some("tool"), None) => Err(missing("tool_choice.name")),
        (kind, _) => Err(unknown_kind(kind, "'auto', 'any', 'tool', and 'none'", &"tool_choice.type")),
    }
}
