//! The model's output, piece by piece: the parts of Gemini's candidates go through `on_text`, `on_reasoning`,
//! `on_tool_arguments` and `on_end`, whether they arrive in a stream or all at once. Text that a plugin holds back is
//! released before any other kind of part.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Value, json};

use super::Session;
use crate::error::Error;
use crate::plugin::context::{Context, Held, Piece, Subject};
use crate::plugin::hook::{Hook, PIECES};
use crate::plugin::script::{CallOutcome, Script};
use crate::wire::json;

/// What one plugin holds back of one answer, by candidate.
#[derive(Debug, Default)]
pub struct Flow(BTreeMap<i64, Run>);

/// An uninterrupted run of text parts, or of reasoning parts, in one candidate.
#[derive(Debug, Default)]
struct Run {
    hook: Option<Hook>,
    held: Held,
    ended: bool,
    /// In shadow mode: the actual text, and the text as the plugin would have changed it.
    said: String,
    would: String,
}

/// A plugin at work on one candidate.
struct Work<'s> {
    session: &'s Session,
    script: &'s Script,
    candidate: i64,
    changed: bool,
}

impl Session {
    /// Passes an event, or a whole answer, through the plugins that see the model's output. If none of them changes
    /// it, the bytes are returned unchanged.
    pub(super) fn pieces(&self, event: Bytes, whole: bool) -> Result<Bytes, Error> {
        let scripts = self.loaded.scripts.iter().enumerate();
        let wanted =
            |place, script: &Script| PIECES.iter().any(|hook| script.has(*hook)) && self.concerns(place, script);
        let concerned: Vec<(usize, &Script)> = scripts.filter(|(place, script)| wanted(*place, script)).collect();
        if concerned.is_empty() {
            return Ok(event);
        }
        // Invalid JSON is left for the translation to reject.
        let Ok(mut document) = json::read_slice::<Value>(&event) else { return Ok(event) };
        let mut changed = false;
        for (place, script) in concerned {
            let mut flow = self.memory().flows.remove(&place).unwrap_or_default();
            let before = self.traced.then(|| document.clone());
            let change = self.through(script, &mut flow, &mut document, whole)?;
            if let Some(before) = before.filter(|_| change) {
                self.touched(script, Hook::Text, || (before, document.clone()));
            }
            changed |= change;
            self.memory().flows.insert(place, flow);
        }
        Ok(if changed { document.to_string().into() } else { event })
    }

    /// Runs one plugin. Returns whether it changed anything.
    fn through(&self, script: &Script, flow: &mut Flow, document: &mut Value, whole: bool) -> Result<bool, Error> {
        let mut changed = false;
        for candidate in document.get_mut("candidates").and_then(Value::as_array_mut).into_iter().flatten() {
            let index = candidate["index"].as_i64().unwrap_or(0);
            let ends = whole || candidate["finishReason"].is_string();
            let Some(candidate) = candidate.as_object_mut() else { continue };
            let parts = candidate.get_mut("content").and_then(|content| content.get_mut("parts"));
            let parts = parts.and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
            let mut work = Work { session: self, script, candidate: index, changed: false };
            let parts = work.parts(flow.0.entry(index).or_default(), parts, ends)?;
            changed |= work.changed;
            if !parts.is_empty() || candidate.contains_key("content") {
                let content = candidate.entry("content").or_insert_with(|| json!({ "role": "model" }));
                content["parts"] = Value::Array(parts);
            }
        }
        Ok(changed)
    }
}

impl Work<'_> {
    fn parts(&mut self, run: &mut Run, parts: Vec<Value>, ends: bool) -> Result<Vec<Value>, Error> {
        let mut out = Vec::with_capacity(parts.len());
        let mut left = parts.into_iter().peekable();
        while let Some(mut part) = left.next() {
            let hook = speaks(&part);
            if run.hook != hook {
                self.close(run, &mut out)?;
                run.hook = hook;
            }
            let last = left.peek().map_or(ends, |next| speaks(next) != hook);
            match hook {
                Some(Hook::ToolArguments) => self.arguments(run, &mut part)?,
                Some(hook) if self.script.has(hook) => {
                    let text = part.get("text").and_then(Value::as_str).unwrap_or_default().to_owned();
                    let new = self.say(hook, run, "", &text, last)?;
                    if new != text {
                        self.changed = true;
                        if let Some(text) = part.get_mut("text") {
                            *text = json!(new);
                        }
                    }
                    if last {
                        run.hook = None;
                    }
                    // An empty part is dropped unless it carries something else, such as a signature.
                    let bare =
                        part.as_object().is_some_and(|part| part.keys().all(|name| BARE.contains(&name.as_str())));
                    if new.is_empty() && bare && !text.is_empty() {
                        continue;
                    }
                }
                _ => {}
            }
            out.push(part);
        }
        if ends && !run.ended {
            run.ended = true;
            self.close(run, &mut out)?;
            if self.script.has(Hook::End) {
                let added = self.say(Hook::End, run, "", "", true)?;
                self.push(Hook::Text, &added, &mut out);
            }
        }
        Ok(out)
    }

    /// Ends a run: releases what is held back.
    fn close(&mut self, run: &mut Run, out: &mut Vec<Value>) -> Result<(), Error> {
        let Some(hook) = run.hook.take().filter(|hook| *hook != Hook::ToolArguments && self.script.has(*hook)) else {
            return Ok(());
        };
        let rest = self.say(hook, run, "", "", true)?;
        self.push(hook, &rest, out);
        Ok(())
    }

    fn push(&mut self, hook: Hook, text: &str, out: &mut Vec<Value>) {
        if !text.is_empty() {
            self.changed = true;
            let thought = hook == Hook::Reasoning;
            out.push(if thought { json!({ "text": text, "thought": true }) } else { json!({ "text": text }) });
        }
    }

    fn arguments(&mut self, run: &mut Run, part: &mut Value) -> Result<(), Error> {
        if !self.script.has(Hook::ToolArguments) {
            return Ok(());
        }
        let Some(call) = part.get_mut("functionCall").and_then(Value::as_object_mut) else { return Ok(()) };
        let tool = call.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let text = call.get("args").map_or_else(|| "{}".to_owned(), Value::to_string);
        let new = self.say(Hook::ToolArguments, run, &tool, &text, true)?;
        if new == text {
            return Ok(());
        }
        match serde_json::from_str::<Value>(&new) {
            Ok(args @ Value::Object(_)) => {
                self.changed = true;
                call.insert("args".to_owned(), args);
            }
            _ => tracing::warn!(
                plugin = self.script.header.name,
                tool,
                "a plugin returned arguments that are no JSON object; left unchanged"
            ),
        }
        Ok(())
    }

    /// Makes one call: takes the new text and returns the text to pass on.
    fn say(&self, hook: Hook, run: &mut Run, tool: &str, text: &str, last: bool) -> Result<String, Error> {
        if run.held.to_end && !last {
            run.held.text.push_str(text);
            return Ok(String::new());
        }
        let held = std::mem::take(&mut run.held);
        let as_it_is = held.release() + text;
        let piece = Piece::new(self.candidate, tool, held, text, last);
        let context = Context::new(self.session.view(hook, self.script, Subject::Piece(piece)));
        let called = self.session.run(self.script, hook, &context);
        let shadow = self.script.header.shadow;
        let subject = context.view().subject.clone();
        let goes_on = match (called, subject) {
            (CallOutcome::Returned(_), Subject::Piece(piece)) => {
                run.held = if last { Held::default() } else { piece.held };
                piece.text
            }
            (CallOutcome::Rejected(error), _) if !shadow => return Err(error),
            // As if the plugin did not exist: text that it held back is passed on too.
            _ => as_it_is,
        };
        if !shadow {
            return Ok(goes_on);
        }
        run.said.push_str(text);
        run.would.push_str(&goes_on);
        if last {
            let (said, would) = (std::mem::take(&mut run.said), std::mem::take(&mut run.would));
            if said != would {
                self.session.would(self.script, hook, "change the output");
            }
        }
        Ok(text.to_owned())
    }
}

/// The fields of a part that carries only text.
const BARE: &[&str] = &["text", "thought"];

/// Returns the hook that handles a part, if any.
fn speaks(part: &Value) -> Option<Hook> {
    if part.get("functionCall").is_some() {
        Some(Hook::ToolArguments)
    } else if part.get("text").is_some_and(Value::is_string) {
        Some(if part["thought"] == true { Hook::Reasoning } else { Hook::Text })
    } else {
        None
    }
}
