//! The connection to Google: URLs, headers, HTTP clients, and the classification of Google's failures.
//! Never: retry decisions, a client's protocol, a key in a URL.

mod answer;
mod base_url;
pub mod classify;
mod clients;
mod connection_pool;
mod connections;
mod connector;
mod google;
mod http1;
mod resolver;
mod resource;
pub mod settings;

pub use answer::Answer;
pub use google::{Listed, Upstream};
pub use resource::{ResourceAddress, ResourceAnswer, ResourceRequest};
pub use settings::UpstreamSettings;
