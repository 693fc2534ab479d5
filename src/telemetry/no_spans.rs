//! In place of traces, in a build without them: nothing, at no cost.

use http::HeaderMap;

use super::journal::Seen;
use super::settings::OtelSettings;

/// Where spans would go.
#[derive(Clone, Debug, Default)]
pub struct Spans;

/// How a request came; there is none of it.
#[derive(Debug)]
pub enum Came {}

impl Spans {
    /// Cannot be.
    ///
    /// # Errors
    /// Always.
    pub fn begin(&self, _: &OtelSettings) -> Result<(), String> {
        Err("this build has no traces".to_owned())
    }

    /// Nobody wants to know.
    pub fn came(&self, _: &'static str, _: &HeaderMap) -> Option<Came> {
        None
    }

    /// There is nothing to tell.
    pub fn export(&self, came: &Came, _: &Seen) {
        match *came {}
    }

    /// There is nothing to end.
    pub fn end(&self) {}
}
