//! gemini-adapter: a reverse proxy that lets OpenAI clients use Gemini through a pool of Gemini keys.
//!
//! Each folder is a room, each floor a dependency level. A room may use itself and the rooms on the floors below, never
//! a room on its own floor or above. `tests/it/floors.rs` checks every `use crate::` against this list.
//!
//! | floor | rooms |
//! |---|---|
//! | 0 basic types | [`secret`] [`reading`] [`environment`] [`problem`] [`fault`] [`error`] [`glob`] [`model`] [`call`] [`allowance`] `timer` [`clock`] [`pacific`] `sync` [`root_certificates`] [`wire`] |
//! | 1 used everywhere | [`store`] persistent state, [`telemetry`] logs, metrics and traces |
//! | 2 independent of each other | [`protocol`] translation between clients' protocols and Gemini, [`upstream`] calls to Google, [`keys`] the key pool, [`models`] aliases and model names, [`clients`] client authentication and limits, [`cache`] cached answers, [`media`] files fetched by URL, [`plugin`] the script host, [`simulator`] the stand-in Gemini |
//! | 3 configuration | [`config`] the validated configuration, [`runtime`] the live snapshot and how it is replaced |
//! | 4 request processing | [`pipeline`] the life of a request |
//! | 5 entry points | [`server`] the HTTP server, [`cli`] the command line, one file per subcommand |

// These lints keep panics out: code handles the absent case, and where a value cannot be absent, says why.
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
pub mod glob;
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
