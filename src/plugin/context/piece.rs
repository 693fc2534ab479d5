//! A piece of the model's output, as seen by the hooks `on_text`, `on_reasoning`, `on_tool_arguments` and `on_end`:
//! `ctx.text`, and ways to wait for more of it. A whole answer is one piece that is also the last, so a rule written
//! once gives the same result for both.

use std::collections::BTreeMap;
use std::sync::Arc;

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString as Text, Map};

use super::{Answer, Context, Subject, View};
use crate::plugin::host::patterns::{Waiting, compiled};
use crate::plugin::sandbox::LONGEST_STRING;

/// A piece of the model's output.
#[derive(Clone, Debug, Default)]
pub struct Piece {
    /// The text: what arrived before the call, and what is passed on after it.
    pub text: String,
    /// Whether this is the end of a run of text.
    pub last: bool,
    /// The index of the candidate it belongs to.
    pub candidate: i64,
    /// The function that the arguments are for.
    pub tool: String,
    /// What the plugin holds back.
    pub held: Held,
    /// How many replacements this call has made so far.
    replaced: usize,
}

/// What a plugin holds back of one run of text.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// Text that will precede the next piece.
    pub text: String,
    /// Whether everything is held until the end.
    pub to_end: bool,
    /// Text held by replacements that may still match, by the order of the replacements.
    behind: BTreeMap<usize, (Arc<str>, Waiting)>,
}

impl Held {
    /// Returns all text held back, in the order it arrived.
    pub fn release(&self) -> String {
        let behind = self.behind.values().rev().map(|(_, waiting)| waiting.text());
        behind.chain([self.text.as_str()]).collect()
    }
}

impl Piece {
    /// Creates a piece from the text held back and the new text.
    pub fn new(candidate: i64, tool: &str, mut held: Held, text: &str, last: bool) -> Self {
        let mut whole = std::mem::take(&mut held.text);
        whole.push_str(text);
        Self { text: whole, last, candidate, tool: tool.to_owned(), held, replaced: 0 }
    }

    /// Holds back the last `count` characters. Does nothing on the last piece, because nothing follows it.
    fn hold(&mut self, count: i64) -> Answer<()> {
        if self.last {
            return Ok(());
        }
        let count = usize::try_from(count).unwrap_or(0);
        let at = self.text.char_indices().rev().take(count).last().map_or(self.text.len(), |(at, _)| at);
        if self.held.text.len() + self.text.len() - at > LONGEST_STRING {
            return Err(format!("hold: more than {LONGEST_STRING} bytes").into());
        }
        let rest = self.text.split_off(at);
        self.held.text.insert_str(0, &rest);
        Ok(())
    }

    fn replace(&mut self, pattern: &Text, with: impl FnMut(&regex::Captures<'_>, &mut String)) -> Answer<()> {
        let compiled = compiled(pattern)?;
        let order = self.replaced;
        self.replaced += 1;
        let fresh = || (Arc::from(pattern.as_str()), Waiting::default());
        let (known, waiting) = self.held.behind.entry(order).or_insert_with(fresh);
        if **known != *pattern.as_str() {
            let message = "replace: the same replacements must be made in each piece, in the same order; \
                           text is held back here for another pattern";
            return Err(message.into());
        }
        self.text = waiting.replace(&compiled, &self.text, self.last, with)?;
        Ok(())
    }
}

impl Context {
    /// Runs `act` on the piece of this hook.
    fn piece<T>(&self, name: &str, act: impl FnOnce(&mut Piece) -> Answer<T>) -> Answer<T> {
        let mut view = self.view();
        let View { hook, subject, .. } = &mut *view;
        match subject {
            Subject::Piece(piece) => act(piece),
            _ => Err(Box::new(EvalAltResult::from(format!(
                "there is no `ctx.{name}` in `{}`, only in text hooks such as `on_text`",
                hook.name()
            )))),
        }
    }
}

/// Registers the functions for pieces with the engine.
pub fn register(engine: &mut Engine) {
    engine
        .register_get("text", |ctx: &mut Context| ctx.piece("text", |piece| Ok(piece.text.clone())))
        .register_set("text", |ctx: &mut Context, text: Text| {
            ctx.piece("text", |piece| {
                piece.text = text.into();
                Ok(())
            })
        })
        .register_get("last", |ctx: &mut Context| ctx.piece("last", |piece| Ok(piece.last)))
        .register_get("candidate", |ctx: &mut Context| ctx.piece("candidate", |piece| Ok(piece.candidate)))
        .register_get("tool", |ctx: &mut Context| ctx.piece("tool", |piece| Ok(piece.tool.clone())))
        .register_fn("hold", |ctx: &mut Context, count: i64| ctx.piece("hold", |piece| piece.hold(count)))
        .register_fn("hold_to_end", |ctx: &mut Context| {
            ctx.piece("hold_to_end", |piece| {
                piece.held.to_end = !piece.last;
                piece.hold(i64::MAX)
            })
        })
        .register_fn("replace", |ctx: &mut Context, pattern: Text, with: Text| {
            ctx.piece("replace", |piece| piece.replace(&pattern, |found, out| found.expand(&with, out)))
        })
        .register_fn("replace", |ctx: &mut Context, pattern: Text, with: Map| {
            ctx.piece("replace", |piece| {
                piece.replace(&pattern, |found, out| {
                    let found = found.get(0).map_or("", |whole| whole.as_str());
                    let other = with.get(found).cloned().and_then(|other: Dynamic| other.into_string().ok());
                    out.push_str(other.as_deref().unwrap_or(found));
                })
            })
        });
}
