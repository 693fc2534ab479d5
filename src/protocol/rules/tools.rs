//! What a model may call, and whether it must: the client's functions and Google's own tools, whatever the dialect.

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::LazyLock;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::answer::Call;
use super::document::missing;
use super::json_schema;
use crate::error::Error;
use crate::protocol::{Notes, Target};
use crate::wire::gemini::request::{FunctionCallingConfig, FunctionDeclaration, Mode, Tool, ToolConfig};
use crate::wire::json::{Json, Shape, Text, compact};

/// A function as a client declares it.
#[derive(Debug, Default)]
pub struct Declaration<'a> {
    /// Its name.
    pub name: Option<Cow<'a, str>>,
    /// What it is for.
    pub description: Option<&'a RawValue>,
    /// What it takes, as JSON Schema.
    pub schema: Option<&'a RawValue>,
    /// Whether calls keep to the schema.
    pub strict: bool,
    /// It takes one free text instead of JSON; of this form, where one is told.
    pub free_text: bool,
    /// The form of its text.
    pub format: Option<&'a RawValue>,
    /// The field its schema is in.
    pub schema_field: &'static str,
}

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
    /// Where its schema stands.
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

/// Functions that bear another name at Gemini's, or take free text.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Gemini's name, then the client's.
    renamed: Vec<(String, String)>,
    /// By Gemini's name.
    free_text: Vec<String>,
}

impl Names {
    /// Of these functions, and of these tools that take free text.
    pub fn of<'n, 'a: 'n>(
        functions: impl Iterator<Item = &'n Cow<'a, str>>,
        free_text: impl Iterator<Item = &'n Cow<'a, str>>,
    ) -> Self {
        let free_text: Vec<&Cow<'a, str>> = free_text.collect();
        let all = functions.chain(free_text.iter().copied());
        Self {
            renamed: all
                .map(|name| (gemini_name(name).into_owned(), name.to_string()))
                .filter(|(theirs, ours)| theirs != ours)
                .collect(),
            free_text: free_text.into_iter().map(|name| gemini_name(name).into_owned()).collect(),
        }
    }

    /// The client's name for a function.
    pub fn client<'n>(&'n self, name: &'n str) -> &'n str {
        self.renamed.iter().find(|(theirs, _)| theirs == name).map_or(name, |(_, ours)| ours)
    }

    /// Whether it takes free text instead of JSON.
    pub fn is_free_text(&self, name: &str) -> bool {
        self.free_text.iter().any(|known| known == name)
    }

    /// A call's arguments as the client gets them: the free text of a custom tool, JSON of a function.
    pub fn arguments<'a>(&self, call: &Call<'a>) -> Cow<'a, str> {
        #[derive(serde::Deserialize)]
        struct Input {
            input: String,
        }
        if self.is_free_text(call.name)
            && let Ok(Input { input }) = serde_json::from_str(call.args)
        {
            return input.into();
        }
        compact(call.args)
    }
}

/// Whether and what the model must call.
#[derive(Debug, Default)]
pub enum Choice<'a> {
    /// As it likes.
    #[default]
    Free,
    /// Nothing.
    Never,
    /// Something.
    Must,
    /// Some of the functions, by the client's names; it must call one of them, or only may.
    Of {
        /// Which.
        names: Vec<Cow<'a, str>>,
        /// Whether it must.
        must: bool,
    },
}

/// A function's name as Gemini takes it: it may not begin with a digit or `-`.
pub fn gemini_name<'a>(name: &Cow<'a, str>) -> Cow<'a, str> {
    match name.as_bytes().first() {
        Some(b'0'..=b'9' | b'-') => format!("_{name}").into(),
        _ => name.clone(),
    }
}

/// Options of one of Google's tools, where there are any.
pub fn options(raw: Option<&RawValue>) -> Json<'_> {
    raw.filter(|raw| Shape::of(raw) == Shape::Object).map_or_else(|| Json::from_value(&json!({})), Json::Raw)
}

impl<'a> Declared<'a> {
    /// Whether there is any.
    pub fn has_any(&self) -> bool {
        self.has_functions() || !self.built_in.is_empty()
    }

    fn has_functions(&self) -> bool {
        !self.functions.is_empty()
    }

    /// One of Google's tools. The same one named twice is one tool.
    pub fn built_in(&mut self, tool: Tool<'a>, place: String) {
        let same = |other: &BuiltIn<'_>| std::mem::discriminant(&other.tool) == std::mem::discriminant(&tool);
        if !self.built_in.iter().any(same) {
            self.built_in.push(BuiltIn { tool, place });
        }
    }

    /// A function of the client's, declared at this place of the request.
    ///
    /// # Errors
    /// 400, naming the field.
    pub fn function(&mut self, declaration: Declaration<'a>, place: &dyn Display, notes: &Notes) -> Result<(), Error> {
        let Declaration { name, description, schema, strict, free_text, format, schema_field } = declaration;
        let name = self.named(name, &format_args!("{place}.name"), notes)?;
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
        self.functions.push(Function { name, description, schema, place });
        Ok(())
    }

    /// The name Gemini is given for a function, which no other may have.
    fn named(&self, asked: Option<Cow<'a, str>>, param: &dyn Display, notes: &Notes) -> Result<Cow<'a, str>, Error> {
        let Some(asked) = asked.filter(|name| !name.is_empty()) else { return Err(missing(param.to_string())) };
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
        if asked.len() > 127 || !asked.chars().all(allowed) {
            let message = format!(
                "Invalid '{param}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_.:-]{{1,127}}$'."
            );
            return Err(Error::invalid(message).param(param.to_string()).code("invalid_value"));
        }
        let name = gemini_name(&asked);
        if name != asked {
            notes.renamed(
                param,
                format_args!("`{name}`: Gemini's names begin with a letter or `_`; the client sees its own"),
            );
        }
        if self.functions.iter().any(|other| other.name == name) {
            let message = format!("Invalid '{param}': the function '{name}' is declared twice.");
            return Err(Error::invalid(message).param(param.to_string()).code("invalid_value"));
        }
        Ok(name)
    }

    /// What Gemini is given.
    ///
    /// # Errors
    /// 400 when the choice names a function that is not declared; `field` is where the choice stands.
    pub fn into_tools(
        self,
        choice: Choice<'a>,
        field: &str,
        target: &Target<'_>,
    ) -> Result<(Vec<Tool<'a>>, Option<ToolConfig<'a>>), Error> {
        let (facts, notes) = (&target.model.facts, target.notes);
        let mode = self.mode(choice, field)?;
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

    fn mode(&self, choice: Choice<'a>, field: &str) -> Result<Option<FunctionCallingConfig<'a>>, Error> {
        let plain = |mode| Some(FunctionCallingConfig { mode, allowed_function_names: Vec::new() });
        let (names, must) = match choice {
            Choice::Free => return Ok(if self.strict { plain(Mode::Validated) } else { None }),
            Choice::Never => return Ok(plain(Mode::None).filter(|_| self.has_functions())),
            // Without functions there is nothing it could have to call.
            Choice::Must => return Ok(plain(Mode::Any).filter(|_| self.has_functions())),
            Choice::Of { names, must } => (names, must),
        };
        let names: Vec<Cow<'a, str>> = names.iter().map(gemini_name).collect();
        if names.iter().any(|name| !self.functions.iter().any(|function| function.name == *name)) {
            let message = format!("Invalid value for '{field}': the function it names is not found in 'tools'.");
            return Err(Error::invalid(message).param(field).code("invalid_value"));
        }
        // AUTO cannot carry a list of names; VALIDATED can, and leaves the model as free.
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

/// What a custom tool takes, in JSON Schema and in Gemini's own dialect.
static INPUT: LazyLock<(Value, Value)> = LazyLock::new(|| {
    let of = |object: &str, string: &str| json!({ "type": object, "properties": { "input": { "type": string } }, "required": ["input"] });
    (of("object", "string"), of("OBJECT", "STRING"))
});

/// The grammar of a custom tool's text: Chat wraps it once more than Responses does.
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
