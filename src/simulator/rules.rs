//! Rules that the shape cannot express: constraints between fields, and what particular models reject. Each is one
//! function in [`RULES`].

use serde_json::Value;

use super::failure::{Failure, invalid};
use super::{modalities, signature};

/// A request that has a valid shape.
pub struct Request<'a> {
    pub model: &'a str,
    pub body: &'a Value,
}

type Rule = fn(&Request<'_>) -> Result<(), String>;

/// All rules, in the order in which Google reports them.
const RULES: &[Rule] = &[
    contents,
    parts,
    roles,
    one_schema_each,
    functions,
    tool_mode,
    results_are_objects,
    results_answer_calls,
    signatures,
    thinking,
    json_with_tools,
    built_in_with_functions,
    limits,
    penalties,
    last_turn,
    system_instruction,
    media,
    cached_content,
    modalities::combination,
    modalities::voices,
    modalities::pictures,
];

/// Checks all rules; the first one that is broken is reported.
pub fn check(model: &str, body: &Value) -> Result<(), Failure> {
    let request = Request { model, body };
    RULES.iter().try_for_each(|rule| rule(&request)).map_err(invalid)
}

/// Checks a `countTokens` request: either contents, or a whole request that names its model.
pub fn countable(body: &Value) -> Result<(), Failure> {
    let (contents, whole) = (body.get("contents"), body.get("generateContentRequest"));
    let judged = match (contents, whole) {
        (Some(_), Some(_)) => Err("Only one of contents and generate_content_request can be set.".to_owned()),
        (None, None) => Err("* CountTokensRequest.contents: contents is not specified\n".to_owned()),
        (None, Some(whole)) if whole["model"].as_str().is_none_or(str::is_empty) => {
            Err("* CountTokensRequest.generate_content_request.model: model is required\n".to_owned())
        }
        _ => Ok(()),
    };
    judged.map_err(invalid)
}

impl Request<'_> {
    /// Returns whether the model is Gemini 3 or later, by its version or as a `-latest` alias.
    fn is_newer(&self) -> bool {
        let version = self.model.strip_prefix("gemini-").and_then(|rest| rest.chars().next());
        self.model.ends_with("-latest") || version.is_some_and(|digit| ('3'..='9').contains(&digit))
    }

    fn contents(&self) -> impl DoubleEndedIterator<Item = &Value> {
        self.body["contents"].as_array().into_iter().flatten()
    }

    pub fn config(&self) -> &Value {
        &self.body["generationConfig"]
    }

    fn declarations(&self) -> impl Iterator<Item = &Value> {
        let tools = self.body["tools"].as_array().into_iter().flatten();
        tools.flat_map(|tool| tool["functionDeclarations"].as_array().into_iter().flatten())
    }
}

fn parts_of(content: &Value) -> impl Iterator<Item = &Value> {
    content["parts"].as_array().into_iter().flatten()
}

fn calls_of(content: &Value) -> Vec<&Value> {
    parts_of(content).filter_map(|part| part.get("functionCall")).collect()
}

fn responses_of(content: &Value) -> Vec<&Value> {
    parts_of(content).filter_map(|part| part.get("functionResponse")).collect()
}

pub fn ensure(holds: bool, message: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(message.into()) }
}

fn contents(request: &Request<'_>) -> Result<(), String> {
    ensure(request.contents().next().is_some(), "* GenerateContentRequest.contents: contents is not specified\n")
}

fn parts(request: &Request<'_>) -> Result<(), String> {
    const DATA: &[&str] = &[
        "text",
        "inlineData",
        "fileData",
        "functionCall",
        "functionResponse",
        "executableCode",
        "codeExecutionResult",
        "toolCall",
        "toolResponse",
    ];
    for (index, content) in request.contents().enumerate() {
        let place = format!("* GenerateContentRequest.contents[{index}].parts");
        ensure(parts_of(content).next().is_some(), format!("{place}: contents.parts must not be empty.\n"))?;
        for part in parts_of(content) {
            let held = DATA.iter().filter(|name| part.get(**name).is_some()).count();
            ensure(held == 1, format!("{place}.data: required oneof field 'data' must have one initialized field\n"))?;
        }
    }
    Ok(())
}

fn roles(request: &Request<'_>) -> Result<(), String> {
    for content in request.contents() {
        let role = content["role"].as_str();
        ensure(
            matches!(role, None | Some("user" | "model" | "function" | "tool")),
            "Please use a valid role: user, model.",
        )?;
    }
    let first = request.contents().next();
    ensure(
        first.is_none_or(|content| calls_of(content).is_empty()),
        "Please ensure that function call turn comes immediately after a user turn or after a function response turn.",
    )
}

fn one_schema_each(request: &Request<'_>) -> Result<(), String> {
    for declaration in request.declarations() {
        let both = declaration.get("parameters").is_some() && declaration.get("parametersJsonSchema").is_some();
        ensure(!both, "Only one of parameters and parameters_json_schema can be set.")?;
    }
    let config = request.config();
    let both = config.get("responseSchema").is_some() && config.get("responseJsonSchema").is_some();
    ensure(!both, "Only one of response_schema and response_json_schema can be set.")?;
    let schema = config.get("responseSchema").or(config.get("responseJsonSchema")).is_some();
    ensure(
        !schema || config.get("responseMimeType").is_some(),
        "Unable to submit request because a response schema needs response_mime_type `application/json`.",
    )
}

fn functions(request: &Request<'_>) -> Result<(), String> {
    let mut names: Vec<&str> = Vec::new();
    for declaration in request.declarations() {
        let name = declaration["name"].as_str().unwrap_or_default();
        let first = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        let rest = name.chars().all(|c| c.is_ascii_alphanumeric() || "_.:-".contains(c));
        ensure(
            first && rest && name.len() <= 128,
            "Invalid function name. Must start with a letter or an underscore. Must be alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128.",
        )?;
        ensure(!names.contains(&name), format!("Duplicate function declaration found: {name}"))?;
        names.push(name);
    }
    Ok(())
}

fn tool_mode(request: &Request<'_>) -> Result<(), String> {
    let config = &request.body["toolConfig"]["functionCallingConfig"];
    let allowed = config["allowedFunctionNames"].as_array();
    let Some(allowed) = allowed.filter(|allowed| !allowed.is_empty()) else { return Ok(()) };
    ensure(
        matches!(config["mode"].as_str(), Some("ANY" | "VALIDATED")),
        "Please set function_calling_config.mode to ANY or VALIDATED when allowed_function_names is set.",
    )?;
    let declared = |name: &Value| request.declarations().any(|declaration| declaration["name"] == *name);
    ensure(allowed.iter().all(declared), "allowed_function_names should be a subset of the declared functions.")
}

fn results_are_objects(request: &Request<'_>) -> Result<(), String> {
    for response in request.contents().flat_map(responses_of) {
        ensure(
            response["name"].as_str().is_some_and(|name| !name.is_empty()),
            "function_response.name: Name cannot be empty.",
        )?;
        ensure(response["response"].is_object(), "function_response.response: must be a Struct.")?;
    }
    Ok(())
}

fn results_answer_calls(request: &Request<'_>) -> Result<(), String> {
    const COUNT: &str = "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.";
    let mut waiting: Vec<&Value> = Vec::new();
    for content in request.contents() {
        let responses = responses_of(content);
        if !waiting.is_empty() || !responses.is_empty() {
            ensure(responses.len() == waiting.len(), COUNT)?;
            // Older models do not compare the names, as recordings of results with other names show.
            for (call, response) in waiting.iter().zip(&responses).filter(|_| request.is_newer()) {
                ensure(
                    call["name"] == response["name"],
                    "Please ensure that function response parts are in the order of the function call parts.",
                )?;
            }
        }
        waiting = calls_of(content);
    }
    ensure(waiting.is_empty(), COUNT)
}

/// The first call of each step since the last user turn must have a signature, and a signature must belong to its
/// call.
fn signatures(request: &Request<'_>) -> Result<(), String> {
    let contents: Vec<&Value> = request.contents().collect();
    for part in contents.iter().flat_map(|content| parts_of(content)) {
        if let (Some(signature), Some(call)) = (part["thoughtSignature"].as_str(), part.get("functionCall")) {
            let args = call.get("args").cloned().unwrap_or_else(|| serde_json::json!({}));
            let fits = signature::fits(signature, call["name"].as_str().unwrap_or_default(), &args);
            ensure(fits, "Corrupted thought signature.")?;
        }
    }
    if !request.is_newer() {
        return Ok(());
    }
    let speaks = |content: &&Value| content["role"] != "model" && responses_of(content).is_empty();
    let turn = contents.iter().rposition(speaks).map_or(0, |at| at + 1);
    for (position, content) in contents.iter().enumerate().skip(turn) {
        let first = parts_of(content).find(|part| part.get("functionCall").is_some());
        if let Some(part) = first.filter(|part| part.get("thoughtSignature").is_none()) {
            let name = part["functionCall"]["name"].as_str().unwrap_or_default();
            return Err(format!(
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing thought_signature may lead to degraded model performance. Additional data, function call `default_api:{name}` , position {position}. Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
            ));
        }
    }
    Ok(())
}

fn thinking(request: &Request<'_>) -> Result<(), String> {
    let Some(config) = request.config().get("thinkingConfig") else { return Ok(()) };
    let (budget, level) = (config.get("thinkingBudget"), config["thinkingLevel"].as_str());
    ensure(budget.is_none() || level.is_none(), "You can only set only one of thinking budget and thinking level.")?;
    let model = request.model;
    let none = model.starts_with("gemini-2.0")
        || model.starts_with("gemini-1")
        || model.contains("-image")
        || model.contains("-tts");
    ensure(!none, format!("Thinking is not enabled for models/{model}"))?;
    if !request.is_newer() {
        ensure(level.is_none() || model.starts_with("gemma"), "Thinking level is not supported for this model.")?;
        let zero = budget.and_then(Value::as_i64) == Some(0);
        return ensure(
            !(zero && model.contains("pro")),
            "Budget 0 is invalid. This model only works in thinking mode.",
        );
    }
    let takes_minimal = ["3-flash", "3.1-flash", "3.5-flash", "3.6-flash"].iter().any(|family| model.contains(family));
    ensure(level != Some("MINIMAL") || takes_minimal, "Thinking level is not supported for this model.")
}

fn json_with_tools(request: &Request<'_>) -> Result<(), String> {
    let json = request.config()["responseMimeType"] == "application/json";
    let functions = request.declarations().next().is_some();
    ensure(
        !(json && functions && request.model.starts_with("gemini-2.5")),
        "Function calling with a response mime type: 'application/json' is unsupported",
    )
}

fn built_in_with_functions(request: &Request<'_>) -> Result<(), String> {
    let functions = request.declarations().next().is_some();
    let tools = request.body["tools"].as_array().into_iter().flatten();
    let built_in = tools
        .into_iter()
        .any(|tool| tool.as_object().is_some_and(|tool| tool.keys().any(|key| key != "functionDeclarations")));
    let allowed = request.is_newer() && request.body["toolConfig"]["includeServerSideToolInvocations"] == true;
    ensure(!(functions && built_in) || allowed, "Tool use with function calling is unsupported")
}

fn limits(request: &Request<'_>) -> Result<(), String> {
    let config = request.config();
    let number = |name: &str| config.get(name).and_then(Value::as_f64);
    let within = |name: &str, min: f64, max: f64| {
        let fits = number(name).is_none_or(|value| (min..=max).contains(&value));
        ensure(fits, format!("Unable to submit request because {name} is out of range."))
    };
    within("maxOutputTokens", 1.0, f64::from(i32::MAX))?;
    within("temperature", 0.0, 2.0)?;
    within("topP", 0.0, 1.0)?;
    within("seed", f64::from(i32::MIN), f64::from(i32::MAX))?;
    let stops = config["stopSequences"].as_array().map_or(0, Vec::len);
    ensure(stops <= 5, "The number of stop sequences must be at most 5.")?;
    let candidates = number("candidateCount").unwrap_or(1.0);
    ensure(candidates >= 1.0, "candidateCount must be at least 1.")?;
    ensure(candidates <= 1.0 || !request.is_newer(), "Multiple candidates is not enabled for this model")
}

fn penalties(request: &Request<'_>) -> Result<(), String> {
    let set = ["frequencyPenalty", "presencePenalty"].iter().any(|name| request.config().get(*name).is_some());
    ensure(!set || !request.is_newer(), format!("Penalty is not enabled for models/{}", request.model))
}

fn last_turn(request: &Request<'_>) -> Result<(), String> {
    let strict =
        ["3.6", "3.7", "3.8", "3.5-flash-lite", "-latest", "gemini-4"].iter().any(|mark| request.model.contains(mark));
    let last = request.contents().next_back();
    ensure(
        !strict || last.is_none_or(|content| content["role"] != "model"),
        "Requests ending with a model turn are not supported unless the last part is a function response.",
    )
}

fn system_instruction(request: &Request<'_>) -> Result<(), String> {
    let Some(system) = request.body.get("systemInstruction") else { return Ok(()) };
    ensure(
        request.model != "gemini-2.5-flash-image",
        format!("Developer instruction is not enabled for models/{}", request.model),
    )?;
    ensure(parts_of(system).all(|part| part.get("text").is_some()), "System instruction may only contain text.")
}

fn media(request: &Request<'_>) -> Result<(), String> {
    for part in request.contents().flat_map(parts_of) {
        let mime = part["inlineData"]["mimeType"].as_str().unwrap_or("image/png");
        let refused = ["image/gif", "image/bmp", "image/svg+xml", "image/tiff"].contains(&mime) || !mime.contains('/');
        ensure(!refused, format!("Unsupported MIME type: {mime}"))?;
    }
    Ok(())
}

fn cached_content(request: &Request<'_>) -> Result<(), String> {
    let set = ["systemInstruction", "tools", "toolConfig"].iter().any(|name| request.body.get(*name).is_some());
    ensure(
        request.body.get("cachedContent").is_none() || !set,
        "CachedContent can not be used with GenerateContent request setting system_instruction, tools or tool_config.",
    )
}
