//! The way to Google: URL, headers, connections; and what Google's failures mean.
//! Never: a decision to try again, a client's dialect, a key in a URL.

mod base;
pub mod classify;
mod clients;
mod errand;
mod google;
mod lanes;
mod resolver;
pub mod settings;
mod way;

pub use errand::{Errand, Fetched, Where};
pub use google::{Answer, Listed, Upstream};
pub use settings::UpstreamSettings;
