//! Replaces `spans` in builds without traces. Does nothing and costs nothing.

use http::HeaderMap;

use super::journal::Seen;
use super::settings::OtelSettings;

/// Placeholder for the exporter.
#[derive(Clone, Debug, Default)]
pub struct Spans;

/// The trace context of a request. Never constructed in this build.
#[derive(Debug)]
pub enum Came {}

impl Spans {
    /// Always fails: traces are not available in this build.
    ///
    /// # Errors
    /// Always.
    pub fn begin(&self, _: &OtelSettings) -> Result<(), String> {
        Err("this build has no traces".to_owned())
    }

    /// Records nothing.
    pub fn came(&self, _: &'static str, _: &HeaderMap) -> Option<Came> {
        None
    }

    /// Cannot be called, since a [`Came`] cannot exist.
    pub fn export(&self, came: &Came, _: &Seen) {
        match *came {}
    }

    /// Does nothing.
    pub fn end(&self) {}
}
