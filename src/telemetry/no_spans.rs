//! Replaces `spans` in builds without traces. Does nothing and costs nothing.

use http::HeaderMap;

use super::journal::RequestView;
use super::settings::OtelSettings;

/// Placeholder for the exporter.
#[derive(Clone, Debug, Default)]
pub struct Spans;

/// The trace context of a request. Never constructed in this build.
#[derive(Debug)]
pub enum TraceParent {}

impl Spans {
    /// Always fails: traces are not available in this build.
    ///
    /// # Errors
    /// Always.
    pub fn begin(&self, _: &OtelSettings) -> Result<(), String> {
        Err("this build cannot send traces".to_owned())
    }

    /// Records nothing.
    pub fn came(&self, _: &'static str, _: &HeaderMap) -> Option<TraceParent> {
        None
    }

    /// Cannot be called, since a [`TraceParent`] cannot exist.
    pub fn export(&self, came: &TraceParent, _: &RequestView) {
        match *came {}
    }

    /// Does nothing.
    pub fn end(&self) {}
}
