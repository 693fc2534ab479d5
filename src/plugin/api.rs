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
    entry("id", "fn get id(ctx: Context) -> String", "The request's id."),
    entry("api", "fn get api(ctx: Context) -> String", "The dialect: chat, responses, messages, native, …"),
    entry("path", "fn get path(ctx: Context) -> String", "The endpoint."),
    entry("client", "fn get client(ctx: Context) -> String", "The client's name in the log."),
    entry("headers", "fn get headers(ctx: Context) -> Map", "Headers in lower case, without credentials."),
    entry("header", "fn header(ctx: Context, name: String) -> ?", "One header, `()` when it is absent."),
    entry("config", "fn get config(ctx: Context) -> Map", "The plugin's settings."),
    entry("vars", "fn get vars(ctx: Context) -> Map", "Lives from request to log, shared by the plugins of a request."),
    entry("vars", "fn set vars(ctx: Context, vars: Map)", "Sets all of them."),
    entry("state", "fn get state(ctx: Context) -> State", "What the plugin remembers between requests."),
    entry("attempt", "fn get attempt(ctx: Context) -> int", "The number of this attempt, from 1."),
    entry("asked", "fn get asked(ctx: Context) -> String", "The client's name for the model."),
    entry("model", "fn get model(ctx: Context) -> String", "The model at Google."),
    entry("model", "fn set model(ctx: Context, model: String)", "In `on_route`: another one."),
    entry("pool", "fn get pool(ctx: Context) -> String", "The pool of keys."),
    entry("pool", "fn set pool(ctx: Context, pool: String)", "In `on_route`: another one."),
    entry("fallback", "fn get fallback(ctx: Context) -> Array", "In `on_route`: models to fall back on."),
    entry("fallback", "fn set fallback(ctx: Context, models: Array)", "In `on_route`: others."),
    entry("req", "fn get req(ctx: Context) -> Body", "In `on_request`: the client's request."),
    entry("up", "fn get up(ctx: Context) -> Body", "In `on_upstream_request`: the request to Gemini."),
    entry("gemini", "fn get gemini(ctx: Context) -> Body", "In `on_upstream_response`: Gemini's answer."),
    entry("res", "fn get res(ctx: Context) -> Body", "In `on_response`: the answer in the client's dialect."),
    entry("chunk", "fn get chunk(ctx: Context) -> Body", "In `on_chunk`: a piece of Gemini's stream."),
    entry("has_body", "fn get has_body(ctx: Context) -> bool", "Whether this hook has a body."),
    entry(
        "failure",
        "fn get failure(ctx: Context) -> Map",
        "In `on_upstream_error`: kind, status, retry_after, quota_id, message.",
    ),
    entry("error", "fn get error(ctx: Context) -> Map", "In `on_error`: status, code, message."),
    entry("error", "fn set error(ctx: Context, error: Map)", "In `on_error`: another one."),
    entry("models", "fn get models(ctx: Context) -> Array", "In `on_models`: the list."),
    entry("models", "fn set models(ctx: Context, models: Array)", "In `on_models`: another one."),
    entry("log", "fn get log(ctx: Context) -> Map", "In `on_log`: how the request went."),
    entry("text", "fn get text(ctx: Context) -> String", "In `on_text` and its kin: what is said."),
    entry(
        "text",
        "fn set text(ctx: Context, text: String)",
        "In `on_text` and its kin: what goes on. Nothing when empty.",
    ),
    entry("last", "fn get last(ctx: Context) -> bool", "Whether it is the end of what is said in one go."),
    entry("candidate", "fn get candidate(ctx: Context) -> int", "Which of several answers it belongs to, from 0."),
    entry("tool", "fn get tool(ctx: Context) -> String", "In `on_tool_arguments`: the function."),
    entry(
        "replace",
        "fn replace(ctx: Context, pattern: String, with: String)",
        "Replaces matches in what is said, across pieces; `$1` in `with`.",
    ),
    entry(
        "replace",
        "fn replace(ctx: Context, pattern: String, with: Map)",
        "Replaces each match by what the table has under it.",
    ),
    entry(
        "hold",
        "fn hold(ctx: Context, count: int)",
        "Holds back the last characters: they come again in front of the next piece.",
    ),
    entry("hold_to_end", "fn hold_to_end(ctx: Context)", "Holds back everything: the next call has it all."),
    entry(
        "no_store",
        "fn no_store(ctx: Context)",
        "The answer is not kept for equal requests (`[cache]`); in `on_request`, `on_route` and `on_upstream_request`, no kept one is given either.",
    ),
    entry("get", "fn get(body: Body, pointer: String) -> ?", "The value at a JSON pointer, `()` when there is none."),
    entry(
        "set",
        "fn set(body: Body, pointer: String, value: ?)",
        "Sets it, making what is on the way; `-` adds to an array.",
    ),
    entry("remove", "fn remove(body: Body, pointer: String)", "Takes it away."),
    entry("to_map", "fn to_map(body: Body) -> ?", "All of it, as a copy."),
    entry("drop", "fn drop(chunk: Body)", "In `on_chunk`: the client never gets this piece."),
    entry("model", "fn get model(body: Body) -> String", "The model's name in it."),
    entry("model", "fn set model(body: Body, model: String)", "Another one."),
    entry("system", "fn get system(body: Body) -> String", "The system prompt of a request."),
    entry("system", "fn set system(body: Body, text: String)", "Another one; none when empty."),
    entry("last_user_text", "fn get last_user_text(body: Body) -> String", "What the user said last."),
    entry("last_user_text", "fn set last_user_text(body: Body, text: String)", "Other words; images stay."),
    entry("messages", "fn get messages(body: Body) -> Array", "The messages of a request: handles."),
    entry("messages", "fn set messages(body: Body, messages: Array)", "Others: handles, or `#{ role, text }`."),
    entry("texts", "fn get texts(body: Body) -> Array", "Every text of a request that a person or a tool wrote."),
    entry("texts", "fn set texts(body: Body, texts: Array)", "As many others."),
    entry("text", "fn get text(body: Body) -> String", "What an answer says."),
    entry("text", "fn set text(body: Body, text: String)", "Other words."),
    entry("reasoning", "fn get reasoning(body: Body) -> String", "What an answer thinks aloud."),
    entry("reasoning", "fn set reasoning(body: Body, text: String)", "Other words."),
    entry("calls", "fn get calls(body: Body) -> Array", "The calls of an answer."),
    entry("role", "fn get role(message: Message) -> String", "user, assistant, system or tool."),
    entry("text", "fn get text(message: Message) -> String", "What it says."),
    entry("text", "fn set text(message: Message, text: String)", "Other words; images stay."),
    entry("get", "fn get(message: Message, pointer: String) -> ?", "The value at a JSON pointer of the message."),
    entry("set", "fn set(message: Message, pointer: String, value: ?)", "Sets it."),
    entry("to_map", "fn to_map(message: Message) -> ?", "All of it, as a copy."),
    entry("get", "fn get(state: State, name: String) -> ?", "What is remembered, `()` when nothing is."),
    entry(
        "set",
        "fn set(state: State, name: String, value: ?, seconds: int)",
        "Remembers it for so long; an hour where nothing is said.",
    ),
    entry(
        "incr",
        "fn incr(state: State, name: String, by: int, seconds: int) -> int",
        "Adds to a number, and says what it is then.",
    ),
    entry("remove", "fn remove(state: State, name: String)", "Forgets it."),
    entry(
        "reply",
        "fn reply(text: String) -> ?",
        "To return from `on_request`: the client gets this text, streamed if it asked for a stream.",
    ),
    entry("reply", "fn reply(document: Map) -> ?", "To return from `on_request`: the client gets this document."),
    entry(
        "reject",
        "fn reject(status: int, code: String, message: String)",
        "The client gets this error. Ends the hook.",
    ),
    entry("retry", "fn retry() -> ?", "To return from `on_upstream_error`: another key is tried."),
    entry(
        "cool_down",
        "fn cool_down(seconds: int) -> ?",
        "To return from `on_upstream_error`: the key rests for this model, another is tried.",
    ),
    entry("fail", "fn fail() -> ?", "To return from `on_upstream_error`: no other attempt."),
    entry(
        "regex_match",
        "fn regex_match(pattern: String, text: String) -> bool",
        "Whether it matches somewhere. Linear time.",
    ),
    entry(
        "regex_find",
        "fn regex_find(pattern: String, text: String) -> ?",
        "The first match, `()` when there is none.",
    ),
    entry("regex_find_all", "fn regex_find_all(pattern: String, text: String) -> Array", "All matches, at most 5,000."),
    entry(
        "regex_replace",
        "fn regex_replace(pattern: String, text: String, with: String) -> String",
        "All matches replaced; `$1` in `with`.",
    ),
    entry("glob", "fn glob(pattern: String, text: String) -> bool", "`*` and `?`."),
    entry("json_parse", "fn json_parse(text: String) -> ?", "The value of a JSON text."),
    entry("json_text", "fn json_text(value: ?) -> String", "The JSON text of a value."),
    entry(
        "json_repair",
        "fn json_repair(text: String) -> String",
        "The JSON in a text, without fences and words around it, closed where it was left open.",
    ),
    entry("hash", "fn hash(text: String) -> String", "A stable hash, 32 hex digits."),
    entry("hash_bucket", "fn hash_bucket(text: String, buckets: int) -> int", "A stable bucket, from 0."),
    entry("log_debug", "fn log_debug(text: String)", "A line in the server's log."),
    entry("log_info", "fn log_info(text: String)", "A line in the server's log."),
    entry("log_warn", "fn log_warn(text: String)", "A line in the server's log."),
    entry(
        "metric",
        "fn metric(name: String, label: String, by: int)",
        "Adds to a counter of the plugin's own; label and number may be left out.",
    ),
    entry("len", "fn len(text: String) -> int", "Characters."),
    entry("is_empty", "fn is_empty(text: String) -> bool", "Whether there are none."),
    entry("contains", "fn contains(text: String, part: String) -> bool", "Whether it is in it."),
    entry("starts_with", "fn starts_with(text: String, part: String) -> bool", "Whether it begins so."),
    entry("ends_with", "fn ends_with(text: String, part: String) -> bool", "Whether it ends so."),
    entry("index_of", "fn index_of(text: String, part: String) -> int", "Where, in characters; -1 when nowhere."),
    entry("to_lower", "fn to_lower(text: String) -> String", "In small letters."),
    entry("to_upper", "fn to_upper(text: String) -> String", "In capitals."),
    entry("trim", "fn trim(text: String) -> String", "Without white space around it. Returned, not changed in place."),
    entry(
        "sub_string",
        "fn sub_string(text: String, from: int, count: int) -> String",
        "A part of it; to the end without a count.",
    ),
    entry("split", "fn split(text: String, at: String) -> Array", "Its pieces, at most 5,000."),
    entry("replace", "fn replace(text: String, old: String, new: String) -> String", "Returned, not changed in place."),
    entry("join", "fn join(parts: Array, between: String) -> String", "One text of several."),
    entry("parse_int", "fn parse_int(text: String) -> ?", "A whole number, `()` when it is none."),
    entry("parse_float", "fn parse_float(text: String) -> ?", "A number, `()` when it is none."),
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
