//! Tools, and whether the model must use them.

use std::borrow::Cow;
use std::sync::LazyLock;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::parts::nested;
use crate::error::Error;
use crate::protocol::rules::json_schema;
use crate::protocol::{Notes, Target};
use crate::wire::gemini::request::{FunctionCallingConfig, FunctionDeclaration, Mode, Tool, ToolConfig};
use crate::wire::json::{Json, Shape, Text, decode};
use crate::wire::openai::chat::{self, Google, Request, ToolChoice};

/// The tools of a request, read.
#[derive(Debug, Default)]
pub struct Declared<'a> {
    functions: Vec<Function<'a>>,
    built_in: Vec<BuiltIn<'a>>,
    strict: bool,
}

/// A function of the client's, its schema not yet compiled: which dialect it needs depends on the model.
#[derive(Debug)]
struct Function<'a> {
    name: Cow<'a, str>,
    description: Option<Text<'a>>,
    schema: Option<Schema<'a>>,
    place: String,
}

#[derive(Debug)]
enum Schema<'a> {
    /// The client's.
    Own(&'a RawValue),
    /// One text, `input`: of a custom tool.
    Input,
}

/// A tool that Google runs.
#[derive(Debug)]
struct BuiltIn<'a> {
    tool: Tool<'a>,
    place: String,
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
    pub fn read(request: &'a Request<'a>, google: Option<&'a Google<'a>>, notes: &Notes) -> Result<Self, Error> {
        let mut declared = Self::default();
        for (index, tool) in request.tools.iter().flatten().enumerate() {
            declared.tool(tool, format!("tools[{index}]"), notes)?;
        }
        for (index, tool) in google.iter().flat_map(|google| &google.tools).flatten().enumerate() {
            declared.tool(tool, format!("extra_body.google.tools[{index}]"), notes)?;
        }
        for (index, function) in request.functions.iter().flatten().enumerate() {
            declared.function(function, format!("functions[{index}]"), false, notes)?;
        }
        if request.web_search_options.is_some_and(|raw| Shape::of(raw) == Shape::Object) {
            declared.built_in(Tool::GoogleSearch(nothing()), "web_search_options".into());
        }
        Ok(declared)
    }

    /// Whether there is any.
    pub fn has_any(&self) -> bool {
        self.has_functions() || !self.built_in.is_empty()
    }

    fn has_functions(&self) -> bool {
        !self.functions.is_empty()
    }

    /// The same tool named twice is one tool.
    fn built_in(&mut self, tool: Tool<'a>, place: String) {
        let same = |other: &BuiltIn<'_>| std::mem::discriminant(&other.tool) == std::mem::discriminant(&tool);
        if !self.built_in.iter().any(same) {
            self.built_in.push(BuiltIn { tool, place });
        }
    }

    fn tool(&mut self, tool: &'a chat::Tool<'a>, place: String, notes: &Notes) -> Result<(), Error> {
        let options = |raw: Option<&'a RawValue>| {
            raw.filter(|raw| Shape::of(raw) == Shape::Object).map_or_else(nothing, Json::Raw)
        };
        match (tool.kind.as_deref(), &tool.function, &tool.custom) {
            (Some("function") | None, Some(function), _) => {
                self.function(function, format!("{place}.function"), false, notes)?;
            }
            (Some("custom"), _, Some(custom)) => self.function(custom, format!("{place}.custom"), true, notes)?,
            (Some("web_search" | "web_search_preview" | "google_search"), ..) => {
                self.built_in(Tool::GoogleSearch(options(tool.google_search)), place);
            }
            (Some("code_interpreter" | "code_execution"), ..) => {
                self.built_in(Tool::CodeExecution(options(tool.code_execution)), place);
            }
            (Some("url_context"), ..) => self.built_in(Tool::UrlContext(options(tool.url_context)), place),
            (None, ..) if tool.google_search.is_some() => {
                self.built_in(Tool::GoogleSearch(options(tool.google_search)), place);
            }
            (None, ..) if tool.code_execution.is_some() => {
                self.built_in(Tool::CodeExecution(options(tool.code_execution)), place);
            }
            (None, ..) if tool.url_context.is_some() => {
                self.built_in(Tool::UrlContext(options(tool.url_context)), place);
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

    fn function(
        &mut self,
        function: &'a chat::Function<'a>,
        place: String,
        custom: bool,
        notes: &Notes,
    ) -> Result<(), Error> {
        let param = format!("{place}.name");
        let Some(asked) = function.name.as_ref().filter(|name| !name.is_empty()) else { return Err(missing(param)) };
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
        if asked.len() > 127 || !asked.chars().all(allowed) {
            let message = format!(
                "Invalid '{param}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_.:-]{{1,127}}$'."
            );
            return Err(Error::invalid(message).param(param).code("invalid_value"));
        }
        let name = gemini_name(asked);
        if name != *asked {
            notes.renamed(
                &param,
                format_args!("`{name}`: Gemini's names begin with a letter or `_`; the client sees its own"),
            );
        }
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
        self.strict |= function.strict == Some(true);
        let mut description = function.description.filter(|raw| Shape::of(raw) == Shape::String).map(Text::Raw);
        if let Some(grammar) = function.format.filter(|_| custom).and_then(grammar) {
            let told = description.map(|text| text.decoded().into_owned() + "\n\n").unwrap_or_default();
            description = Some(Text::from(format!("{told}The input must match this grammar:\n{grammar}")));
        }
        let schema = match schema {
            _ if custom => Some(Schema::Input),
            Some(raw) if !json_schema::is_empty(raw) => Some(Schema::Own(raw)),
            _ => None,
        };
        self.functions.push(Function { name, description, schema, place });
        Ok(())
    }

    /// What Gemini is given.
    ///
    /// # Errors
    /// 400 when `tool_choice` makes no sense.
    pub fn into_tools(
        self,
        request: &'a Request<'a>,
        target: &Target<'_>,
    ) -> Result<(Vec<Tool<'a>>, Option<ToolConfig<'a>>), Error> {
        let (facts, notes) = (&target.model.facts, target.notes);
        let mode = self.mode(request)?;
        let both = self.has_functions() && !self.built_in.is_empty();
        // Together they go on newer models only, and only when asked for so; before, the client's own functions count more.
        let together = both && facts.tools_together;
        let mut tools = Vec::new();
        if self.has_functions() {
            let declared = self.functions.into_iter().map(|function| function.declared(target));
            tools.push(Tool::FunctionDeclarations(declared.collect()));
        }
        for BuiltIn { tool, place } in self.built_in {
            if both && !together {
                notes.dropped(place, "this model takes no tools of Google's beside functions");
            } else {
                tools.push(tool);
            }
        }
        let config = ToolConfig {
            function_calling_config: mode,
            include_server_side_tool_invocations: together.then_some(true),
        };
        let said = config.function_calling_config.is_some() || together;
        Ok((tools, said.then_some(config)))
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
            return Err(missing(format!("{field}.function.name")));
        }
        if names.iter().any(|name| !self.functions.iter().any(|function| function.name == *name)) {
            let message = "Invalid value for 'tool_choice': the function it names is not found in 'tools'.";
            return Err(Error::invalid(message).param(field).code("invalid_value"));
        }
        Ok(Some(FunctionCallingConfig { mode, allowed_function_names: names }))
    }
}

impl<'a> Function<'a> {
    fn declared(self, target: &Target<'_>) -> FunctionDeclaration<'a> {
        let takes_json_schema = target.model.facts.json_schema;
        let schema = self.schema.map(|schema| {
            let place = format_args!("{}.parameters", self.place);
            match schema {
                Schema::Own(raw) => json_schema::compile(raw, takes_json_schema, &place, target.notes),
                Schema::Input if takes_json_schema => Json::from_value(&INPUT.0),
                Schema::Input => Json::from_value(&INPUT.1),
            }
        });
        let (json_schema, parameters) = if takes_json_schema { (schema, None) } else { (None, schema) };
        FunctionDeclaration {
            name: self.name,
            description: self.description,
            parameters_json_schema: json_schema,
            parameters,
        }
    }
}

/// What a custom tool takes, in JSON Schema and in Gemini's own dialect.
static INPUT: LazyLock<(Value, Value)> = LazyLock::new(|| {
    let of = |object: &str, string: &str| json!({ "type": object, "properties": { "input": { "type": string } }, "required": ["input"] });
    (of("object", "string"), of("OBJECT", "STRING"))
});

/// The grammar of a custom tool's text.
fn grammar(format: &RawValue) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Format {
        grammar: Grammar,
    }
    #[derive(serde::Deserialize)]
    struct Grammar {
        definition: String,
        #[serde(default)]
        syntax: String,
    }
    let Format { grammar } = serde_json::from_str(format.get()).ok()?;
    Some(format!("({}) {}", grammar.syntax, grammar.definition))
}

fn missing(param: String) -> Error {
    let message = format!("Missing required parameter: '{param}'.");
    Error::invalid(message).param(param).code("missing_required_parameter")
}

/// The function a choice names, in any of its spellings.
fn chosen<'a>(choice: &ToolChoice<'a>) -> Option<Cow<'a, str>> {
    let function = choice.function.as_ref().or(choice.custom.as_ref());
    function.and_then(|function| function.name.as_ref()).or(choice.name.as_ref()).map(gemini_name)
}

fn nothing<'a>() -> Json<'a> {
    Json::from_value(&json!({}))
}
