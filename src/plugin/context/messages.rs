//! `ctx.req.messages`: an array of handles, one for each message of the body. `role` and `text` mean the same in
//! every protocol; everything else in a message is accessible by JSON pointer. Scripts can set the array to a new one
//! of such handles and `#{ role, text }` tables.

use rhai::{Array, Dynamic, Engine, EvalAltResult, ImmutableString as Text, Map};
use serde_json::Value;

use super::body::{get, json, set};
use super::dialect::{self, Api, BodyKind};
use super::{Answer, Body, dynamic};

/// One message of a body.
#[derive(Clone, Debug)]
struct Message {
    body: Body,
    at: usize,
}

impl Message {
    fn read<T>(&self, reader: impl FnOnce(Api, &Value) -> Answer<T>) -> Answer<T> {
        self.body.read(|dialect, body| {
            let messages = dialect::messages(dialect, body)?;
            reader(api(dialect), messages.get(self.at).ok_or_else(gone)?)
        })
    }

    fn change(&self, change: impl FnOnce(Api, &mut Value) -> Answer<()>) -> Answer<()> {
        let mut changed = None;
        self.read(|api, message| {
            let mut new = message.clone();
            change(api, &mut new)?;
            changed = Some(new).filter(|new| new != message);
            Ok(())
        })?;
        let Some(new) = changed else { return Ok(()) };
        self.body.change(
            |_, _| false,
            |dialect, body| {
                let replaced = dialect::set_message(dialect, body, self.at, new)?;
                if replaced { Ok(()) } else { Err(gone()) }
            },
        )
    }
}

fn api(dialect: BodyKind) -> Api {
    dialect::request_api(dialect).unwrap_or(Api::Other)
}

fn gone() -> Box<EvalAltResult> {
    "this message no longer exists: read `messages` again after setting it".into()
}

/// Registers the handles with the engine.
pub fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Message>("Message")
        .register_get("role", |message: &mut Message| {
            message.read(|api, it| Ok(dialect::message_role(api, it).to_owned()))
        })
        .register_get("text", |message: &mut Message| message.read(|api, it| Ok(dialect::message_text(api, it))))
        .register_set("text", |message: &mut Message, new: Text| {
            message.change(|api, it| {
                // Rhai writes the property back even after a mere read; that must not merge several parts into one.
                if dialect::message_text(api, it) != *new {
                    dialect::set_message_text(api, it, &new);
                }
                Ok(())
            })
        })
        .register_fn("get", |message: &mut Message, pointer: Text| message.read(|_, it| get(it, &pointer)))
        .register_fn("set", |message: &mut Message, pointer: Text, new: Dynamic| {
            message.change(|_, it| set(it, &pointer, json(&new)?))
        })
        .register_fn("to_map", |message: &mut Message| message.read(|_, it| dynamic(it)))
        .register_get("messages", |body: &mut Body| handles(body))
        .register_set("messages", |body: &mut Body, new: Array| replace(body, new));
}

fn handles(body: &Body) -> Answer<Array> {
    let count = body.read(|dialect, value| Ok(dialect::messages(dialect, value)?.len()))?;
    Ok((0..count).map(|at| Dynamic::from(Message { body: body.clone(), at })).collect())
}

fn replace(body: &Body, new: Array) -> Answer<()> {
    let old = body.read(|dialect, value| Ok(dialect::messages(dialect, value)?.into_owned()))?;
    let api = body.read(|dialect, _| Ok(api(dialect)))?;
    let new: Answer<Vec<Value>> = new.into_iter().map(|one| message(api, &old, one)).collect();
    let new = new?;
    body.change(|_, _| old == new, |dialect, value| dialect::set_messages(dialect, value, new.clone()))
}

/// Converts an element of a new array to a message: a handle of an existing message, a role and a text, or a table in
/// the protocol's own form.
fn message(api: Api, old: &[Value], one: Dynamic) -> Answer<Value> {
    if let Some(handle) = one.clone().try_cast::<Message>() {
        return old.get(handle.at).cloned().ok_or_else(gone);
    }
    let table =
        one.try_cast::<Map>().ok_or("`messages` takes messages, or tables such as #{ role: \"user\", text: \"…\" }")?;
    let text = |name: &str| table.get(name).and_then(|value| value.clone().into_string().ok());
    match (text("role"), text("text")) {
        (Some(role), Some(text)) if table.len() == 2 => Ok(dialect::new_message(api, &role, &text)),
        _ => json(&Dynamic::from(table)),
    }
}
