//! Functions that the host provides to scripts: logging, metrics, pattern matching, JSON, hashing and strings. All of
//! them are bounded; there is no access to files, the network or the time.

pub mod patterns;
mod repair;
mod series;
mod strings;
mod text;

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString as Text};

use super::sandbox::{current_plugin, shortened};
use super::verdict::Returned;

type Answer<T> = Result<T, Box<EvalAltResult>>;

/// Registers these functions with the engine.
pub fn register(engine: &mut Engine) {
    strings::register(engine);
    text::register(engine);
    series::register(engine);
    engine
        .register_fn("log_debug", |text: Text| log_debug(&text))
        .register_fn("log_info", |text: Text| log_info(&text))
        .register_fn("log_warn", |text: Text| log_warn(&text))
        .register_fn("reply", |text: Text| Returned::Say(text.into()))
        .register_fn("reply", |document: rhai::Map| Returned::show(&Dynamic::from(document)))
        .register_fn("retry", || Returned::Retry)
        .register_fn("fail", || Returned::Fail)
        .register_fn("cool_down", |seconds: i64| Returned::cool_down(seconds))
        .register_fn("reject", |status: i64, code: Text, message: Text| reject(status, &code, &message))
        .on_print(log_info)
        .on_debug(|text, _, _| log_debug(text));
}

fn log_debug(text: &str) {
    tracing::debug!(target: "gemini_adapter::plugin", plugin = &*current_plugin(), "{}", shortened(text));
}

fn log_info(text: &str) {
    tracing::info!(target: "gemini_adapter::plugin", plugin = &*current_plugin(), "{}", shortened(text));
}

fn log_warn(text: &str) {
    tracing::warn!(target: "gemini_adapter::plugin", plugin = &*current_plugin(), "{}", shortened(text));
}

fn reject(status: i64, code: &str, message: &str) -> Answer<()> {
    let thrown = rhai::Map::from([
        ("status".into(), Dynamic::from(status)),
        ("code".into(), Dynamic::from(code.to_owned())),
        ("message".into(), Dynamic::from(message.to_owned())),
    ]);
    Err(Box::new(EvalAltResult::ErrorRuntime(thrown.into(), rhai::Position::NONE)))
}
