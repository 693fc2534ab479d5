//! Tools, and whether the model must use them.

use std::borrow::Cow;

use super::parts::nested;
use crate::error::Error;
use crate::model::Facts;
use crate::protocol::rules::json_schema;
use crate::wire::gemini::request::{FunctionCallingConfig, FunctionDeclaration, Mode, Tool, ToolConfig};
use crate::wire::json::{Json, Shape, Text, decode};
use crate::wire::openai::chat::{self, Request, ToolChoice};

/// The tools of a request, read.
#[derive(Debug, Default)]
pub struct Declared<'a> {
    functions: Vec<FunctionDeclaration<'a>>,
    built_in: Vec<Tool<'a>>,
    strict: bool,
}

/// A function's name as Gemini takes it: it may not begin with a digit or `-`.
pub fn gemini_name<'a>(name: &Cow<'a, str>) -> Cow<'a, str> {
    match name.as_bytes().first() {
        Some(b'0'..=b'9' | b'-') => format!("_{name}").into(),
        _ => name.clone(),
    }
}

impl<'a> Declared<'a> {
    /// Reads `tools` and, for older clients, `functions`.
    ///
    /// # Errors
    /// 400, naming the tool.
    pub fn read(request: &'a Request<'a>) -> Result<Self, Error> {
        let mut declared = Self::default();
        for (index, tool) in request.tools.iter().flatten().enumerate() {
            declared.tool(tool, &format!("tools[{index}]"))?;
        }
        for (index, function) in request.functions.iter().flatten().enumerate() {
            declared.function(function, &format!("functions[{index}]"), false)?;
        }
        if request.web_search_options.is_some_and(|raw| Shape::of(raw) == Shape::Object) {
            declared.built_in.push(Tool::GoogleSearch(nothing()));
        }
        Ok(declared)
    }

    /// Whether any function of the client's own is among them.
    pub fn has_functions(&self) -> bool {
        !self.functions.is_empty()
    }

    fn tool(&mut self, tool: &'a chat::Tool<'a>, place: &str) -> Result<(), Error> {
        let options = |raw: Option<&'a serde_json::value::RawValue>| {
            raw.filter(|raw| Shape::of(raw) == Shape::Object).map_or_else(nothing, Json::Raw)
        };
        match (tool.kind.as_deref(), &tool.function, &tool.custom) {
            (Some("function") | None, Some(function), _) => {
                self.function(function, &format!("{place}.function"), false)?
            }
            (Some("custom"), _, Some(custom)) => self.function(custom, &format!("{place}.custom"), true)?,
            (Some("web_search" | "web_search_preview" | "google_search"), ..) => {
                self.built_in.push(Tool::GoogleSearch(options(tool.google_search)));
            }
            (Some("code_interpreter" | "code_execution"), ..) => {
                self.built_in.push(Tool::CodeExecution(options(tool.code_execution)));
            }
            (Some("url_context"), ..) => self.built_in.push(Tool::UrlContext(options(tool.url_context))),
            (None, ..) if tool.google_search.is_some() => {
                self.built_in.push(Tool::GoogleSearch(options(tool.google_search)));
            }
            (None, ..) if tool.code_execution.is_some() => {
                self.built_in.push(Tool::CodeExecution(options(tool.code_execution)));
            }
            (None, ..) if tool.url_context.is_some() => self.built_in.push(Tool::UrlContext(options(tool.url_context))),
            (Some("function"), None, _) => {
                let message = format!("Missing required parameter: '{place}.function'.");
                return Err(Error::invalid(message)
                    .param(format!("{place}.function"))
                    .code("missing_required_parameter"));
            }
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

    fn function(&mut self, function: &'a chat::Function<'a>, place: &str, custom: bool) -> Result<(), Error> {
        let param = format!("{place}.name");
        let Some(name) = function.name.as_ref().filter(|name| !name.is_empty()) else {
            let message = format!("Missing required parameter: '{param}'.");
            return Err(Error::invalid(message).param(param).code("missing_required_parameter"));
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
        if name.len() > 127 || !name.chars().all(allowed) {
            let message = format!(
                "Invalid '{param}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_.:-]{{1,127}}$'."
            );
            return Err(Error::invalid(message).param(param).code("invalid_value"));
        }
        let name = gemini_name(name);
        if self.functions.iter().any(|other| other.name == name) {
            let message = format!("Invalid '{param}': the function '{name}' is declared twice.");
            return Err(Error::invalid(message).param(param).code("invalid_value"));
        }
        let schema = function.parameters.filter(|raw| Shape::of(raw) != Shape::Null);
        if let Some(raw) = schema
            && Shape::of(raw) != Shape::Object
        {
            let message = format!(
                "Invalid type for '{place}.parameters': expected an object, but got {} instead.",
                Shape::of(raw).name()
            );
            return Err(Error::invalid(message).param(format!("{place}.parameters")).code("invalid_type"));
        }
        let parameters = if custom {
            let input = serde_json::json!({ "type": "object", "properties": { "input": { "type": "string" } }, "required": ["input"] });
            Some(Json::from_value(&input))
        } else {
            schema.filter(|raw| !json_schema::is_empty(raw)).map(json_schema::clean)
        };
        self.strict |= function.strict == Some(true);
        let description = function.description.filter(|raw| Shape::of(raw) == Shape::String).map(Text::Raw);
        self.functions.push(FunctionDeclaration { name, description, parameters_json_schema: parameters });
        Ok(())
    }

    /// What Gemini is given.
    ///
    /// # Errors
    /// 400 when `tool_choice` makes no sense.
    pub fn into_tools(
        self,
        request: &'a Request<'a>,
        facts: &Facts,
    ) -> Result<(Vec<Tool<'a>>, Option<ToolConfig<'a>>), Error> {
        let mode = self.mode(request)?;
        let mut tools = Vec::new();
        let both = self.has_functions() && !self.built_in.is_empty();
        let mut config = mode
            .map(|mode| ToolConfig { function_calling_config: Some(mode), include_server_side_tool_invocations: None });
        // Together they go on Gemini 3 only, and only when asked for so; before, the client's own functions count more.
        if both && facts.signatures {
            let config = config.get_or_insert(ToolConfig {
                function_calling_config: None,
                include_server_side_tool_invocations: None,
            });
            config.include_server_side_tool_invocations = Some(true);
        }
        let keep_built_in = !both || facts.signatures;
        if self.has_functions() {
            tools.push(Tool::FunctionDeclarations(self.functions));
        }
        tools.extend(self.built_in.into_iter().filter(|_| keep_built_in));
        Ok((tools, config))
    }

    fn mode(&self, request: &'a Request<'a>) -> Result<Option<FunctionCallingConfig<'a>>, Error> {
        let (raw, field) = match (request.tool_choice, request.function_call) {
            (Some(raw), _) => (Some(raw), "tool_choice"),
            (None, raw) => (raw, "function_call"),
        };
        let plain = |mode| Some(FunctionCallingConfig { mode, allowed_function_names: Vec::new() });
        let free = if self.strict { plain(Mode::Validated) } else { None };
        let Some(raw) = raw.filter(|raw| Shape::of(raw) != Shape::Null) else { return Ok(free) };
        if Shape::of(raw) == Shape::String {
            return match decode(raw).as_deref() {
                Some("auto") => Ok(free),
                Some("none") => Ok(plain(Mode::None).filter(|_| self.has_functions())),
                // Without functions there is nothing it could have to call.
                Some("required") => Ok(plain(Mode::Any).filter(|_| self.has_functions())),
                _ => {
                    let message = "Invalid value for 'tool_choice': supported values are 'none', 'auto', 'required', or an object.";
                    Err(Error::invalid(message).param(field).code("invalid_value"))
                }
            };
        }
        let choice: ToolChoice<'a> = nested(raw, field)?;
        let (mode, names) = match &choice.allowed_tools {
            // AUTO cannot carry a list of names; VALIDATED can, and leaves the model as free.
            Some(allowed) if allowed.mode.as_deref() != Some("required") => (Mode::Validated, &allowed.tools[..]),
            Some(allowed) => (Mode::Any, &allowed.tools[..]),
            None => (Mode::Any, std::slice::from_ref(&choice)),
        };
        let names: Vec<_> = names.iter().filter_map(chosen).collect();
        if names.is_empty() {
            let message = format!("Missing required parameter: '{field}.function.name'.");
            return Err(Error::invalid(message)
                .param(format!("{field}.function.name"))
                .code("missing_required_parameter"));
        }
        if names.iter().any(|name| !self.functions.iter().any(|function| function.name == *name)) {
            let message = "Invalid value for 'tool_choice': the function it names is not found in 'tools'.";
            return Err(Error::invalid(message).param(field).code("invalid_value"));
        }
        Ok(Some(FunctionCallingConfig { mode, allowed_function_names: names }))
    }
}

/// The function a choice names, in any of its spellings.
fn chosen<'a>(choice: &ToolChoice<'a>) -> Option<Cow<'a, str>> {
    let function = choice.function.as_ref().or(choice.custom.as_ref());
    function.and_then(|function| function.name.as_ref()).or(choice.name.as_ref()).map(gemini_name)
}

fn nothing<'a>() -> Json<'a> {
    Json::from_value(&serde_json::json!({}))
}
