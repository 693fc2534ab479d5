//! gemini-adapter: OpenAI clients in front, Gemini behind, a pool of keys between.
//!
//! A folder is a room, a floor is a dependency level. A room uses the floors below it and itself; never a
//! neighbour, never up. `tests/it/floors.rs` reads every `use crate::` against this list.
//!
//! | floor | rooms |
//! |---|---|
//! | 0 words | [`secret`] [`reading`] [`environment`] [`problem`] [`fault`] [`error`] [`model`] [`call`] [`allowance`] `timer` [`clock`] [`pacific`] `sync` [`root_certificates`] [`wire`] |
//! | 1 for everyone | [`store`] what is remembered, [`telemetry`] what is said and counted |
//! | 2 rooms that do not know each other | [`protocol`] clients' dialects to Gemini and back, [`upstream`] the way to Google, [`keys`] the key pool, [`models`] names to models, [`clients`] who may call, [`cache`] answers kept, [`media`] files from elsewhere, [`plugin`] the script host, [`simulator`] the stand-in Gemini |
//! | 3 configured and live | [`config`] one checked document, [`runtime`] the live snapshot and how it changes |
//! | 4 using it | [`pipeline`] the life of a request |
//! | 5 doors | [`server`] HTTP in, HTTP out, [`cli`] one file a subcommand |

// Nothing panics by construction: what may be absent is asked for, and a place that is sure to be there says why.
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

// floor 0
pub mod allowance;
pub mod call;
pub mod clock;
pub mod environment;
pub mod error;
pub mod fault;
pub mod model;
pub mod pacific;
pub mod problem;
pub mod reading;
pub mod root_certificates;
pub mod secret;
mod sync;
mod timer;

// floor 1
pub mod store;
pub mod telemetry;

// floor 2
pub mod cache;
pub mod clients;
pub mod keys;
pub mod media;
pub mod models;
pub mod plugin;
pub mod protocol;
#[allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a stand-in that breaks is a test that fails"
)]
pub mod simulator;
pub mod upstream;

// floor 3
pub mod config;
pub mod runtime;

// floor 4
pub mod pipeline;

// floor 5
#[allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "what breaks here is a command, before whoever gave it"
)]
pub mod cli;
pub mod server;
pub mod wire;
