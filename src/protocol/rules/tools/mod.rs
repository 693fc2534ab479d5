//! What a model may call and whether it must: the client's functions and Google's own tools, for every dialect.

mod known;
mod names;

use std::borrow::Cow;
use std::fmt::Display;
use std::mem;
use std::sync::{Arc, LazyLock};

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::document::missing;
use super::json_schema;
use crate::error::Error;
use crate::protocol::{Notes, Target};
use crate::wire::gemini::request::{Declarations, FunctionCallingConfig, FunctionDeclaration, Mode, Tool, ToolConfig};
use crate::wire::json::{Json, Shape, Text};

pub use known::{Known, List, Lists};
pub use names::{Names, gemini_name};

/// A function as a client declares it.
#[derive(Debug, Default)]
pub struct Declaration<'a> {
    /// Its name.
    pub name: Option<Cow<'a, str>>,
    /// What it does, for the model.
    pub description: Option<&'a RawValue>,
    /// Its parameters, as JSON Schema.
    pub schema: Option<&'a RawValue>,
    /// Whether calls must conform to the schema.
    pub strict: bool,
    /// Whether it takes one free text instead of JSON.
    pub free_text: bool,
    /// The format of the free text, if specified.
    pub format: Option<&'a RawValue>,
    /// The name of the field that holds its schema.
    pub schema_field: &'static str,
}

/// The parsed tools of a request.
#[derive(Debug, Default)]
pub struct ToolSet<'a> {
    /// Functions that were translated before, instead of `functions`.
    known: Option<Arc<Known>>,
    functions: Vec<Function<'a>>,
    built_in: Vec<BuiltIn<'a>>,
    strict: bool,
    names: Names,
    /// The list that all functions come from, and where it is remembered.
    source: Option<(&'a RawValue, &'static Lists)>,
}

/// One of the client's functions. Its schema is not compiled yet, because the model determines the schema's dialect.
#[derive(Debug)]
struct Function<'a> {
    name: Cow<'a, str>,
    description: Option<Text<'a>>,
    schema: Option<Schema<'a>>,
    /// The location of its schema in the request.
    place: String,
}

#[derive(Debug)]
enum Schema<'a> {
    /// The client's schema.
    Own(&'a RawValue),
    /// The schema of a custom tool: one text, `input`.
    Input,
}

/// A tool that Google runs.
#[derive(Debug)]
struct BuiltIn<'a> {
    tool: Tool<'a>,
    place: String,
}

/// Whether the model must call a function, and which.
#[derive(Debug, Default)]
pub enum Choice<'a> {
    /// The model decides.
    #[default]
    Free,
    /// It must not call a function.
    Never,
    /// It must call a function.
    Required,
    /// It may call only some of the functions, given by the client's names.
    Of {
        /// The allowed functions.
        names: Vec<Cow<'a, str>>,
        /// Whether it must call one of them.
        must: bool,
    },
}

/// Returns the options of one of Google's tools, or an empty object.
pub fn options(raw: Option<&RawValue>) -> Json<'_> {
    raw.filter(|raw| Shape::of(raw) == Shape::Object).map_or_else(|| Json::from_value(&json!({})), Json::Raw)
}

impl<'a> ToolSet<'a> {
    /// Starts with the functions of a list that was translated before.
    pub fn of_known(known: &Arc<Known>) -> Self {
        Self { known: Some(Arc::clone(known)), strict: known.strict, ..Self::default() }
    }

    /// Has the translation remembered, if all tools of the list turn out to be functions. No function may be added that
    /// is not in this list.
    pub fn remember<T>(&mut self, list: &'a List<'_, T>) {
        self.source = Some((list.text, list.lists));
    }

    /// Whether any tool is declared.
    pub fn has_any(&self) -> bool {
        self.has_functions() || !self.built_in.is_empty()
    }

    fn has_functions(&self) -> bool {
        self.known.is_some() || !self.functions.is_empty()
    }

    /// Whether this function, by Gemini's name, is declared.
    fn declares(&self, name: &str) -> bool {
        let known = || self.known.iter().flat_map(|known| &known.functions).any(|declared| declared == name);
        self.functions.iter().any(|function| function.name == name) || known()
    }

    /// Adds one of Google's tools. Naming the same tool twice adds it once.
    pub fn built_in(&mut self, tool: Tool<'a>, place: String) {
        let same = |other: &BuiltIn<'_>| mem::discriminant(&other.tool) == mem::discriminant(&tool);
        if !self.built_in.iter().any(same) {
            self.built_in.push(BuiltIn { tool, place });
        }
    }

    /// Adds one of the client's functions, declared at this location in the request.
    ///
    /// # Errors
    /// 400, naming the field.
    pub fn function(&mut self, declaration: Declaration<'a>, place: &dyn Display, notes: &Notes) -> Result<(), Error> {
        let Declaration { name, description, schema, strict, free_text, format, schema_field } = declaration;
        let asked = name.filter(|name| !name.is_empty());
        let asked = asked.ok_or_else(|| missing(format!("{place}.name")))?;
        let name = self.named(&asked, &format_args!("{place}.name"), notes)?;
        let schema = schema.filter(|raw| Shape::of(raw) != Shape::Null);
        if let Some(raw) = schema
            && Shape::of(raw) != Shape::Object
        {
            let schema_place = format!("{place}.{schema_field}");
            let message = format!(
                "Invalid type for '{schema_place}': expected an object, but got {} instead.",
                Shape::of(raw).name()
            );
            return Err(Error::invalid(message).param(schema_place).code("invalid_type"));
        }
        self.strict |= strict;
        let mut description = description.filter(|raw| Shape::of(raw) == Shape::String).map(Text::Raw);
        if let Some(grammar) = format.filter(|_| free_text).and_then(grammar) {
            let told = description.map(|text| text.decoded().into_owned() + "\n\n").unwrap_or_default();
            description = Some(Text::from(format!("{told}The input must match this grammar:\n{grammar}")));
        }
        let schema = match schema {
            _ if free_text => Some(Schema::Input),
            Some(raw) if !json_schema::is_empty(raw) => Some(Schema::Own(raw)),
            _ => None,
        };
        let place = notes.place(format_args!("{place}.{schema_field}"));
        self.names.add(&asked, free_text);
        self.functions.push(Function { name, description, schema, place });
        Ok(())
    }

    /// Returns Gemini's name for a function and checks that it is valid and unique.
    fn named(&self, asked: &Cow<'a, str>, param: &dyn Display, notes: &Notes) -> Result<Cow<'a, str>, Error> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
        if asked.len() > 127 || !asked.chars().all(allowed) {
            let message = format!(
                "Invalid '{param}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_.:-]{{1,127}}$'."
            );
            return Err(Error::invalid(message).param(param.to_string()).code("invalid_value"));
        }
        let name = gemini_name(asked);
        if name != *asked {
            notes.renamed(
                param,
                format_args!("`{name}`: Gemini's names begin with a letter or `_`; the client sees its own name"),
            );
        }
        if self.declares(&name) {
            let message = format!("Invalid '{param}': the function '{name}' is declared twice.");
            return Err(Error::invalid(message).param(param.to_string()).code("invalid_value"));
        }
        Ok(name)
    }

    /// Returns the tools and the tool config for Gemini.
    ///
    /// # Errors
    /// 400 when the choice names a function that is not declared; `field` is the field of the choice.
    pub fn into_tools(
        mut self,
        choice: Choice<'a>,
        field: &str,
        target: &Target<'_>,
    ) -> Result<(Vec<Tool<'a>>, Option<ToolConfig<'a>>), Error> {
        let (facts, notes) = (&target.model.facts, target.notes);
        let mode = self.mode(choice, field)?;
        let both = self.has_functions() && !self.built_in.is_empty();
        // Only newer models accept both together, and only when the config enables it. On older models, the client's
        // own functions take precedence.
        let together = both && facts.tools_together;
        let mut tools = Vec::new();
        if self.has_functions() {
            tools.push(Tool::FunctionDeclarations(self.declarations(target)));
        }
        for BuiltIn { tool, place } in self.built_in {
            if both && !together {
                notes.dropped(place, "this model cannot combine Google's tools with functions");
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

    fn declarations(&mut self, target: &Target<'_>) -> Declarations<'a> {
        let takes_json_schema = target.model.facts.json_schema;
        if let Some(written) = self.known.as_ref().and_then(|known| known.written(takes_json_schema)) {
            return Declarations::Written(written);
        }
        let functions = mem::take(&mut self.functions).into_iter();
        let declared: Vec<_> = functions.map(|function| function.declared(target)).collect();
        // Notes come from translating, and what they are about may be Google's tools, which are not remembered.
        if let Some((text, lists)) = self.source
            && self.built_in.is_empty()
            && !target.notes.are_on()
        {
            lists.remember(text, takes_json_schema, &declared, || (mem::take(&mut self.names), self.strict));
        }
        Declarations::Listed(declared)
    }

    fn mode(&self, choice: Choice<'a>, field: &str) -> Result<Option<FunctionCallingConfig<'a>>, Error> {
        let plain = |mode| Some(FunctionCallingConfig { mode, allowed_function_names: Vec::new() });
        let (names, must) = match choice {
            Choice::Free => return Ok(if self.strict { plain(Mode::Validated) } else { None }),
            Choice::Never => return Ok(plain(Mode::None).filter(|_| self.has_functions())),
            // Without functions there is nothing the model could have to call.
            Choice::Required => return Ok(plain(Mode::Any).filter(|_| self.has_functions())),
            Choice::Of { names, must } => (names, must),
        };
        let names: Vec<Cow<'a, str>> = names.iter().map(gemini_name).collect();
        if names.iter().any(|name| !self.declares(name)) {
            let message = format!("Invalid value for '{field}': the function it names is not found in 'tools'.");
            return Err(Error::invalid(message).param(field).code("invalid_value"));
        }
        // AUTO cannot carry a list of names; VALIDATED can, and leaves the model just as free.
        let mode = if must { Mode::Any } else { Mode::Validated };
        Ok(Some(FunctionCallingConfig { mode, allowed_function_names: names }))
    }
}

impl<'a> Function<'a> {
    fn declared(self, target: &Target<'_>) -> FunctionDeclaration<'a> {
        let takes_json_schema = target.model.facts.json_schema;
        let schema = self.schema.map(|schema| match schema {
            Schema::Own(raw) => json_schema::compile(raw, takes_json_schema, &self.place, target.notes),
            Schema::Input if takes_json_schema => Json::from_value(&INPUT.0),
            Schema::Input => Json::from_value(&INPUT.1),
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

/// The parameters of a custom tool, in JSON Schema and in Gemini's own dialect.
static INPUT: LazyLock<(Value, Value)> = LazyLock::new(|| {
    let of = |object: &str, string: &str| json!({ "type": object, "properties": { "input": { "type": string } }, "required": ["input"] });
    (of("object", "string"), of("OBJECT", "STRING"))
});

/// Returns the grammar of a custom tool's text. Chat nests it one level deeper than Responses.
fn grammar(format: &RawValue) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Format {
        grammar: Option<Grammar>,
        definition: Option<String>,
        #[serde(default)]
        syntax: String,
    }
    #[derive(serde::Deserialize)]
    struct Grammar {
        definition: String,
        #[serde(default)]
        syntax: String,
    }
    let Format { grammar, definition, syntax } = serde_json::from_str(format.get()).ok()?;
    let own = definition.map(|definition| Grammar { definition, syntax });
    grammar.or(own).map(|Grammar { definition, syntax }| format!("({syntax}) {definition}"))
}
