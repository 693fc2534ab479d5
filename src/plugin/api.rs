//! The script API: every property and function that scripts can use. `docs/plugins.md` lists each entry for people,
//! and `plugins/api.d.rhai` is generated from it for editors. Tests check it against what the engine actually
//! registers.

use super::header::API;
use super::hook::HOOKS;

/// A property or function that scripts can use.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// Its parameters and return type, in the syntax of a Rhai definition file.
    pub signature: &'static str,
    /// What it does.
    pub doc: &'static str,
}

const fn entry(name: &'static str, signature: &'static str, doc: &'static str) -> Entry {
    Entry { name, signature, doc }
}

/// All entries.
pub const ENTRIES: &[Entry] = &[
    entry("id", "fn get id(ctx: Context) -> String", "The request id."),
    entry("api", "fn get api(ctx: Context) -> String", "The client's protocol: chat, responses, messages, native, …"),
    entry("path", "fn get path(ctx: Context) -> String", "The path of the endpoint."),
    entry("client", "fn get client(ctx: Context) -> String", "The client's name in the log."),
    entry(
        "headers",
        "fn get headers(ctx: Context) -> Map",
        "The request headers, with lower-case names and without credentials.",
    ),
    entry("header", "fn header(ctx: Context, name: String) -> ?", "One request header, `()` if it is absent."),
    entry("config", "fn get config(ctx: Context) -> Map", "The plugin's settings."),
    entry(
        "vars",
        "fn get vars(ctx: Context) -> Map",
        "Variables of the request, from arrival to log; shared by its plugins.",
    ),
    entry("vars", "fn set vars(ctx: Context, vars: Map)", "Replaces all variables of the request."),
    entry("state", "fn get state(ctx: Context) -> State", "State that the plugin keeps between requests."),
    entry("attempt", "fn get attempt(ctx: Context) -> int", "The number of this attempt, from 1."),
    entry("asked", "fn get asked(ctx: Context) -> String", "The model name the client sent."),
    entry("model", "fn get model(ctx: Context) -> String", "The model at Google."),
    entry("model", "fn set model(ctx: Context, model: String)", "In `on_route`: chooses another model."),
    entry("pool", "fn get pool(ctx: Context) -> String", "The key pool."),
    entry("pool", "fn set pool(ctx: Context, pool: String)", "In `on_route`: chooses another pool."),
    entry("fallback", "fn get fallback(ctx: Context) -> Array", "In `on_route`: the fallback models."),
    entry("fallback", "fn set fallback(ctx: Context, models: Array)", "In `on_route`: replaces the fallback models."),
    entry("req", "fn get req(ctx: Context) -> Body", "In `on_request`: the client's request."),
    entry("up", "fn get up(ctx: Context) -> Body", "In `on_upstream_request`: the request to Gemini."),
    entry("gemini", "fn get gemini(ctx: Context) -> Body", "In `on_upstream_response`: Gemini's answer."),
    entry("res", "fn get res(ctx: Context) -> Body", "In `on_response`: the answer in the client's protocol."),
    entry("chunk", "fn get chunk(ctx: Context) -> Body", "In `on_chunk`: a chunk of Gemini's stream."),
    entry("has_body", "fn get has_body(ctx: Context) -> bool", "Whether this hook has a body."),
    entry(
        "failure",
        "fn get failure(ctx: Context) -> Map",
        "In `on_upstream_error`: kind, status, retry_after, quota_id, message.",
    ),
    entry("error", "fn get error(ctx: Context) -> Map", "In `on_error`: status, code, message."),
    entry("error", "fn set error(ctx: Context, error: Map)", "In `on_error`: replaces the error."),
    entry("models", "fn get models(ctx: Context) -> Array", "In `on_models`: the list of models."),
    entry("models", "fn set models(ctx: Context, models: Array)", "In `on_models`: replaces the list."),
    entry("log", "fn get log(ctx: Context) -> Map", "In `on_log`: the outcome of the request."),
    entry("text", "fn get text(ctx: Context) -> String", "In `on_text` and the other text hooks: the current piece."),
    entry(
        "text",
        "fn set text(ctx: Context, text: String)",
        "In `on_text` and the other text hooks: the text to pass on; none if empty.",
    ),
    entry("last", "fn get last(ctx: Context) -> bool", "Whether this is the last piece of a continuous run of text."),
    entry(
        "candidate",
        "fn get candidate(ctx: Context) -> int",
        "Index of the answer it belongs to if there are several, from 0.",
    ),
    entry("tool", "fn get tool(ctx: Context) -> String", "In `on_tool_arguments`: the function's name."),
    entry(
        "replace",
        "fn replace(ctx: Context, pattern: String, with: String)",
        "Replaces all matches in the output, across pieces; `$1` in `with` is the first group.",
    ),
    entry(
        "replace",
        "fn replace(ctx: Context, pattern: String, with: Map)",
        "Replaces each match with the map's value for it.",
    ),
    entry(
        "hold",
        "fn hold(ctx: Context, count: int)",
        "Holds back the last `count` characters and puts them in front of the next piece.",
    ),
    entry("hold_to_end", "fn hold_to_end(ctx: Context)", "Holds back everything; the next call gets all of it."),
    entry(
        "no_store",
        "fn no_store(ctx: Context)",
        "Does not cache the answer (`[cache]`); in `on_request`, `on_route` and `on_upstream_request`, no cached \
         answer is used either.",
    ),
    entry("get", "fn get(body: Body, pointer: String) -> ?", "The value at a JSON pointer, `()` if there is none."),
    entry(
        "set",
        "fn set(body: Body, pointer: String, value: ?)",
        "Sets the value at a JSON pointer and creates missing parents; `-` appends to an array.",
    ),
    entry("remove", "fn remove(body: Body, pointer: String)", "Removes the value at a JSON pointer."),
    entry("to_map", "fn to_map(body: Body) -> ?", "A copy of the whole body."),
    entry("drop", "fn drop(chunk: Body)", "In `on_chunk`: does not send this chunk to the client."),
    entry("model", "fn get model(body: Body) -> String", "The model name in the body."),
    entry("model", "fn set model(body: Body, model: String)", "Replaces the model name."),
    entry("system", "fn get system(body: Body) -> String", "The system prompt of a request."),
    entry(
        "system",
        "fn set system(body: Body, text: String)",
        "Replaces the system prompt, or removes it if the text is empty.",
    ),
    entry("last_user_text", "fn get last_user_text(body: Body) -> String", "The text of the last user message."),
    entry(
        "last_user_text",
        "fn set last_user_text(body: Body, text: String)",
        "Replaces the text of the last user message; images are kept.",
    ),
    entry("messages", "fn get messages(body: Body) -> Array", "The messages of a request, as handles."),
    entry(
        "messages",
        "fn set messages(body: Body, messages: Array)",
        "Replaces the messages; each is a handle or `#{ role, text }`.",
    ),
    entry("texts", "fn get texts(body: Body) -> Array", "Every text in a request that a person or a tool wrote."),
    entry(
        "texts",
        "fn set texts(body: Body, texts: Array)",
        "Replaces these texts; the array must have the same length.",
    ),
    entry("text", "fn get text(body: Body) -> String", "The text of an answer."),
    entry("text", "fn set text(body: Body, text: String)", "Replaces the text of an answer."),
    entry("reasoning", "fn get reasoning(body: Body) -> String", "The reasoning in an answer."),
    entry("reasoning", "fn set reasoning(body: Body, text: String)", "Replaces the reasoning in an answer."),
    entry("calls", "fn get calls(body: Body) -> Array", "The tool calls in an answer."),
    entry("role", "fn get role(message: Message) -> String", "The role: user, assistant, system or tool."),
    entry("text", "fn get text(message: Message) -> String", "The text of the message."),
    entry("text", "fn set text(message: Message, text: String)", "Replaces the text of the message; images are kept."),
    entry("get", "fn get(message: Message, pointer: String) -> ?", "The value at a JSON pointer of the message."),
    entry(
        "set",
        "fn set(message: Message, pointer: String, value: ?)",
        "Sets the value at a JSON pointer of the message.",
    ),
    entry("to_map", "fn to_map(message: Message) -> ?", "A copy of the whole message."),
    entry("get", "fn get(state: State, name: String) -> ?", "The stored value, `()` if there is none."),
    entry(
        "set",
        "fn set(state: State, name: String, value: ?, seconds: int)",
        "Stores a value for this many seconds; one hour by default.",
    ),
    entry(
        "incr",
        "fn incr(state: State, name: String, by: int, seconds: int) -> int",
        "Adds to a stored number and returns the new value.",
    ),
    entry("remove", "fn remove(state: State, name: String)", "Removes a stored value."),
    entry(
        "reply",
        "fn reply(text: String) -> ?",
        "Return it from `on_request`: the client gets this text, streamed if it requested a stream.",
    ),
    entry("reply", "fn reply(document: Map) -> ?", "Return it from `on_request`: the client gets this document."),
    entry(
        "reject",
        "fn reject(status: int, code: String, message: String)",
        "Ends the hook and sends this error to the client.",
    ),
    entry("retry", "fn retry() -> ?", "Return it from `on_upstream_error`: retries on another key."),
    entry(
        "cool_down",
        "fn cool_down(seconds: int) -> ?",
        "Return it from `on_upstream_error`: puts the key into cooldown for this model and retries on another key.",
    ),
    entry("fail", "fn fail() -> ?", "Return it from `on_upstream_error`: makes no further attempt."),
    entry(
        "regex_match",
        "fn regex_match(pattern: String, text: String) -> bool",
        "Whether the pattern matches anywhere in the text. Linear time.",
    ),
    entry("regex_find", "fn regex_find(pattern: String, text: String) -> ?", "The first match, `()` if there is none."),
    entry("regex_find_all", "fn regex_find_all(pattern: String, text: String) -> Array", "All matches, at most 5,000."),
    entry(
        "regex_replace",
        "fn regex_replace(pattern: String, text: String, with: String) -> String",
        "The text with all matches replaced; `$1` in `with` is the first group.",
    ),
    entry(
        "glob",
        "fn glob(pattern: String, text: String) -> bool",
        "Whether the text matches a pattern of `*` and `?`.",
    ),
    entry("json_parse", "fn json_parse(text: String) -> ?", "Parses JSON."),
    entry("json_text", "fn json_text(value: ?) -> String", "The value as JSON."),
    entry(
        "json_repair",
        "fn json_repair(text: String) -> String",
        "Extracts the JSON from a text: removes fences and surrounding text and closes what was left open.",
    ),
    entry("hash", "fn hash(text: String) -> String", "A stable hash of 32 hex digits."),
    entry("hash_bucket", "fn hash_bucket(text: String, buckets: int) -> int", "A stable bucket number, from 0."),
    entry("log_debug", "fn log_debug(text: String)", "Writes a line to the server's log at level debug."),
    entry("log_info", "fn log_info(text: String)", "Writes a line to the server's log at level info."),
    entry("log_warn", "fn log_warn(text: String)", "Writes a line to the server's log at level warn."),
    entry(
        "metric",
        "fn metric(name: String, label: String, by: int)",
        "Adds to a counter of the plugin; `label` and `by` are optional.",
    ),
    entry("len", "fn len(text: String) -> int", "The number of characters."),
    entry("is_empty", "fn is_empty(text: String) -> bool", "Whether the text is empty."),
    entry("contains", "fn contains(text: String, part: String) -> bool", "Whether the text contains `part`."),
    entry("starts_with", "fn starts_with(text: String, part: String) -> bool", "Whether the text starts with `part`."),
    entry("ends_with", "fn ends_with(text: String, part: String) -> bool", "Whether the text ends with `part`."),
    entry(
        "index_of",
        "fn index_of(text: String, part: String) -> int",
        "The position of `part` in characters, -1 if it does not occur.",
    ),
    entry("to_lower", "fn to_lower(text: String) -> String", "The text in lower case."),
    entry("to_upper", "fn to_upper(text: String) -> String", "The text in upper case."),
    entry(
        "trim",
        "fn trim(text: String) -> String",
        "The text without surrounding white space. The argument is not changed.",
    ),
    entry(
        "sub_string",
        "fn sub_string(text: String, from: int, count: int) -> String",
        "A part of the text; without `count`, up to the end.",
    ),
    entry(
        "split",
        "fn split(text: String, at: String) -> Array",
        "The parts of the text between separators, at most 5,000.",
    ),
    entry(
        "replace",
        "fn replace(text: String, old: String, new: String) -> String",
        "The text with `old` replaced by `new`. The argument is not changed.",
    ),
    entry("join", "fn join(parts: Array, between: String) -> String", "Joins the parts into one text."),
    entry("parse_int", "fn parse_int(text: String) -> ?", "The text as an integer, `()` if it is not one."),
    entry("parse_float", "fn parse_float(text: String) -> ?", "The text as a number, `()` if it is not one."),
];

/// Returns a definition file for editors that support Rhai.
pub fn definitions() -> String {
    let mut text = format!(
        "// What plugins may call: version {API} of the API. Generated by `gemini-adapter reference --write`; do not edit.\n\
         // Hooks, each a function of one argument:\n"
    );
    for row in HOOKS {
        text.push_str(&format!("//   {}(ctx): {}; {}\n", row.name, row.when, row.may));
    }
    text.push_str("module static;\n");
    for entry in ENTRIES {
        text.push_str(&format!("\n/// {}\n{};\n", entry.doc, entry.signature));
    }
    text
}
