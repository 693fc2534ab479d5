//! The way to Google: URL, headers, connections; and what Google's failures mean.
//! Never: a decision to try again, a client's dialect, a key in a URL.

mod base_url;
pub mod classify;
mod clients;
mod connection_pool;
mod connector;
mod google;
mod resolver;
mod resource;
pub mod settings;

pub use google::{Answer, Listed, Upstream};
pub use resource::{ResourceAddress, ResourceAnswer, ResourceRequest};
pub use settings::UpstreamSettings;
